"""Changes that mean nothing keep the cuts: white space, ids, metadata, comments, the order of sound tracks.

Tried on the small files of the suite, and on the real timelines where they are there.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from otio_adapters import read_picture
from tests.otio_adapters.damage import sources
from tests.otio_adapters.test_timeline_ground_truth import ROOT, TRUTH

_LARGEST = 200_000
"""Bytes of a real file that is tried."""

Essentials = list[tuple[Any, ...]]


def essentials(path: Path) -> Essentials:
    picture = read_picture(path, rate=Fraction(30000, 1001) if path.suffix == ".edl" else None)
    rows: Essentials = [(b.frame, b.kind, b.hit, b.span, b.through, b.picture) for b in picture.boundaries]
    rows += [(s.start, s.end, s.name, s.media, s.media_start, s.speed) for s in picture.shots]
    return [*rows, (picture.duration, picture.rate, picture.start_frame), tuple(m.time for m in picture.markers)]


# --- XML -----------------------------------------------------------------------------------------------------

_REFERENCES = ("id", "ref", "producer", "format", "angleID")


def xml(change: Callable[[ET.Element, random.Random], None]) -> Callable[[bytes, random.Random], bytes]:
    def changed(data: bytes, chance: random.Random) -> bytes:
        root = ET.fromstring(data)
        change(root, chance)
        return ET.tostring(root, encoding="utf-8", xml_declaration=True)

    return changed


def indented(root: ET.Element, chance: random.Random) -> None:
    ET.indent(root, space="\t" * chance.randrange(1, 3))


def other_ids(root: ET.Element, chance: random.Random) -> None:
    ids = {element.get("id") for element in root.iter()} | {element.get("angleID") for element in root.iter()}
    for element in root.iter():
        for name in _REFERENCES:
            if element.get(name) in ids - {None, ""}:
                element.set(name, f"x{element.get(name)}.{len(element.get(name) or '')}")


def notes(root: ET.Element, chance: random.Random) -> None:
    """Comments, and what the formats have for notes."""
    for element in list(root.iter()):
        if not isinstance(element.tag, str):
            continue
        if element.tag in ("clipitem", "sequence", "asset-clip", "track", "tractor", "entry") and len(element):
            element.insert(len(element), ET.Comment(" nothing to see "))
        if element.tag == "clipitem":
            ET.SubElement(ET.SubElement(element, "logginginfo"), "lognote").text = "take 3 <good>"
        elif element.tag == "asset-clip":
            ET.SubElement(ET.SubElement(element, "metadata"), "md", key="com.example.note", value="good")
        elif element.tag in ("producer", "chain"):
            ET.SubElement(element, "property", name="meta.attr.comment").text = "good"


def other_sound_order(root: ET.Element, chance: random.Random) -> None:
    for audio in root.iter("audio"):
        tracks = audio.findall("track")
        for track in tracks:
            audio.remove(track)
        chance.shuffle(tracks)
        audio.extend(tracks)


# --- text and JSON -------------------------------------------------------------------------------------------


def edl_space(data: bytes, chance: random.Random) -> bytes:
    lines = data.decode("utf-8-sig").splitlines()
    return "\r\n".join(f"{' ' * chance.randrange(2)}{line}{' ' * chance.randrange(3)}" for line in lines).encode()


def edl_notes(data: bytes, chance: random.Random) -> bytes:
    lines = data.decode("utf-8-sig").splitlines()
    at = sorted(chance.sample(range(1, len(lines) + 1), min(5, len(lines))), reverse=True)
    for number in at:
        lines.insert(number, chance.choice(["", "* COMMENT: good", "REM a remark", "* ASC_SOP (1 1 1)(0 0 0)(1 1 1)"]))
    return "\ufeff".encode() + "\n".join(lines).encode()


def edl_numbers(data: bytes, chance: random.Random) -> bytes:
    """Events counted from 1001; the two lines of one event keep one number."""
    text = data.decode("utf-8-sig")
    return re.sub(r"(?m)^(\s*)(\d{1,6})(?=\s)", lambda m: f"{m[1]}{int(m[2]) + 1000:06}", text).encode()


def otio_space(data: bytes, chance: random.Random) -> bytes:
    return (json.dumps(json.loads(data), indent=chance.randrange(5)) + "\n").encode()


def otio_notes(data: bytes, chance: random.Random) -> bytes:
    document = json.loads(data)
    for node in _nodes(document):
        if isinstance(node.get("metadata"), dict) and node["OTIO_SCHEMA"].startswith(("Clip", "Track", "Timeline")):
            node["metadata"]["com.example"] = {"id": chance.random(), "note": "good"}
    return json.dumps(document).encode()


def otio_sound_order(data: bytes, chance: random.Random) -> bytes:
    document = json.loads(data)
    stack = document.get("tracks") or {}
    tracks = stack.get("children") or []
    sound = [track for track in tracks if track.get("kind") == "Audio"]
    chance.shuffle(sound)
    stack["children"] = [*(track for track in tracks if track.get("kind") != "Audio"), *sound]
    return json.dumps(document).encode()


def _nodes(value: Any) -> list[dict[str, Any]]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    own = [value] if isinstance(value, dict) and isinstance(value.get("OTIO_SCHEMA"), str) else []
    return [*own, *(node for child in inner for node in _nodes(child))]


_XML = [xml(indented), xml(other_ids), xml(notes), xml(other_sound_order)]
CHANGES: dict[str, list[Callable[[bytes, random.Random], bytes]]] = {
    ".xml": _XML,
    ".fcpxml": _XML,
    ".kdenlive": _XML,
    ".edl": [edl_space, edl_notes, edl_numbers],
    ".otio": [otio_space, otio_notes, otio_sound_order],
}


def files() -> list[tuple[str, str, bytes]]:
    own = [(f"own {n}", suffix, data) for n, (suffix, data) in enumerate(sources()[:13]) if suffix in CHANGES]
    real = [ROOT / name for name in sorted(TRUTH) if Path(name).suffix in CHANGES]
    return [*own, *((p.name, p.suffix, p.read_bytes()) for p in real if p.stat().st_size < _LARGEST)]


@pytest.mark.parametrize(("name", "suffix", "data"), files(), ids=[name for name, *_ in files()])
def test_the_cuts_stay(tmp_path: Path, name: str, suffix: str, data: bytes) -> None:
    path = tmp_path / f"cut{suffix}"
    path.write_bytes(data)
    before = essentials(path)
    for number, change in enumerate(CHANGES[suffix]):
        path.write_bytes(change(data, random.Random(number)))
        assert essentials(path) == before, f"change {number}"
