"""Damaged and wrong files end in a picture with warnings or in one clear line; never a traceback, never a hang."""

from __future__ import annotations

import json
import os
import random
import re
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from emsync_engine.errors import InputError
from otio_adapters import read_picture
from tests.otio_adapters.builders import (
    clip,
    gap,
    generator,
    marker,
    save,
    stack,
    timeline,
    tr,
    track,
    transition,
    warp,
)
from tests.otio_adapters.test_timeline_captions import text_item
from tests.otio_adapters.test_timeline_formats import EDL, KDENLIVE, RPP, fcpxml, item, xmeml
from tests.otio_adapters.test_timeline_looks import (
    effect,
    entry,
    faders,
    kdenlive,
    number,
    parameter,
    premiere,
    resolve,
)
from tests.otio_adapters.test_timeline_retimes import SPINE, resolve_retime, time_remap

SHARED = Path(__file__).resolve().parents[3] / "shared" / "timelines"


def refused(path: Path) -> InputError:
    with pytest.raises(InputError) as caught:
        read_picture(path)
    text = str(caught.value)
    assert "\n" not in text
    assert path.name in text
    assert caught.value.exit_status == 3
    return caught.value


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert "no such file" in refused(tmp_path / "none.otio").message


def test_a_folder_that_is_no_bundle(tmp_path: Path) -> None:
    for name in ("plain", "x.otiod", "y.fcpxmld"):
        (tmp_path / name).mkdir()
        refused(tmp_path / name)


def test_a_file_of_no_known_kind(tmp_path: Path) -> None:
    path = tmp_path / "notes.docx"
    path.write_bytes(b"x")
    assert ".otio" in refused(path).message


@pytest.mark.skipif(os.name == "nt", reason="Windows has no named pipes in folders")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "x.otio"
    os.mkfifo(path)
    refused(path)


@pytest.mark.parametrize(
    "suffix", [".otio", ".otioz", ".edl", ".xml", ".fcpxml", ".aaf", ".kdenlive", ".mid", ".rpp", ".mp4", ".mov"]
)
@pytest.mark.parametrize("data", [b"", b"\x00\x01\x02\xff" * 400, b"hello\n", b"<html/>", b"[]", b"{}", b"PK\x03\x04"])
def test_content_of_another_kind(tmp_path: Path, suffix: str, data: bytes) -> None:
    path = tmp_path / f"x{suffix}"
    path.write_bytes(data)
    refused(path)


def test_a_truncated_document_says_where(tmp_path: Path) -> None:
    path = save(tmp_path, timeline(track(clip("a", 0, 10))))
    path.write_bytes(path.read_bytes()[:-40])
    assert re.search(r"line 1, column \d+", refused(path).message)


def test_a_zip_that_is_no_bundle(tmp_path: Path) -> None:
    path = tmp_path / "x.otioz"
    with zipfile.ZipFile(path, "w") as bundle:
        bundle.writestr("readme.txt", "x")
    assert "content.otio" in refused(path).message


@pytest.mark.parametrize("rate", [0, -24, float("nan"), "24", None, True, 1e-12])
def test_a_rate_that_is_none_names_track_clip_and_time(tmp_path: Path, rate: Any) -> None:
    broken = clip("the clip", 0, 10)
    broken["source_range"]["duration"]["rate"] = rate
    error = refused(save(tmp_path, timeline(track(clip("a", 0, 48), broken, name="V1"))))
    assert "rate" in error.message
    assert "the clip" in error.where
    assert "V1" in error.where
    assert "2.000 s" in error.where


@pytest.mark.parametrize("duration", [-5, float("inf"), "x", 1e300])
def test_a_length_that_cannot_be(tmp_path: Path, duration: Any) -> None:
    broken = clip("the clip", 0, 10)
    broken["source_range"]["duration"]["value"] = duration
    assert "the clip" in refused(save(tmp_path, timeline(track(broken)))).where


@pytest.mark.parametrize(
    "document",
    [
        {"OTIO_SCHEMA": "Timeline.1"},
        {"OTIO_SCHEMA": "Timeline.1", "tracks": None},
        {"OTIO_SCHEMA": "Clip.2", "name": "x"},
        {"OTIO_SCHEMA": "SerializableCollection.1", "children": []},
        timeline({"OTIO_SCHEMA": "Track.1", "children": "no"}),
        timeline({"OTIO_SCHEMA": "Track.1", "children": [1, 2]}),
    ],
)
def test_documents_that_hold_no_timeline(tmp_path: Path, document: dict[str, Any]) -> None:
    refused(save(tmp_path, document))


def test_nesting_without_end(tmp_path: Path) -> None:
    inner: dict[str, Any] = track(clip("a", 0, 10))
    for _ in range(80):
        inner = track(stack(inner))
    refused(save(tmp_path, timeline(inner)))
    path = tmp_path / "deep.otio"
    path.write_text('{"OTIO_SCHEMA": "Timeline.1", "tracks": ' + '{"a":' * 100_000, encoding="utf-8")
    refused(path)


def test_entities_are_not_expanded(tmp_path: Path) -> None:
    path = tmp_path / "x.xml"
    path.write_text('<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><xmeml>&b;</xmeml>', encoding="utf-8")
    assert "entities" in refused(path).message


def test_nests_that_multiply_are_refused(tmp_path: Path) -> None:
    rate = "<rate><timebase>25</timebase><ntsc>FALSE</ntsc></rate>"
    body = f"<track>{item('a', 0, 20)}</track>"
    for level in range(40):
        both = "".join(
            f"<clipitem><name>n</name><start>{10 * n}</start><end>{10 * n + 10}</end><in>0</in><out>10</out>{what}"
            "</clipitem>"
            for n, what in enumerate(
                [
                    f'<sequence id="q{level}">{rate}<media><video>{body}</video></media></sequence>',
                    f'<sequence id="q{level}"/>',
                ]
            )
        )
        body = f"<track>{both}</track>"
    path = tmp_path / "x.xml"
    path.write_text(xmeml(body), encoding="utf-8")
    started = time.monotonic()
    try:
        read_picture(path)
    except InputError as error:
        assert "x.xml" in str(error)
    assert time.monotonic() - started < 60


def rich_document() -> bytes:
    nest = stack(track(clip("n", 0, 30), clip("o", 0, 30)), source_range=tr(5, 40), effects=[warp(2)])
    lower = track(clip("a", 0, 50, markers=[marker("hit", 5)]), transition(4, 4), clip("b", 9, 50), nest, name="V1")
    upper = track(gap(20), generator("Title", 30), clip("c", 0, 10, enabled=False), source_range=tr(0, 60))
    sound = track(clip("d", 0, 90), kind="Audio", name="DX")
    return json.dumps(timeline(lower, upper, sound, markers=[marker("mood: tense", 3)]), indent=1).encode()


def effect_document() -> bytes:
    """Effects, retime curves, captions and reels, to be damaged."""
    faded = clip("a", 0, 50, effects=[faders(8, 8), resolve("Composite", number("opacity", 50, f0=0, f9=100))])
    ramp = clip("r", 24, 48, available=tr(0, 240), effects=[resolve_retime((0, 0), (2, 2), (4, 10))])
    small = clip("s", 0, 40, effects=[premiere("AE.ADBE Motion", p1={"X": 0.8, "Y": 0.2}, p2=40.0)])
    stated = {"emsync_look": {"opacity": 40.0, "scale": 1.0, "blended": False, "fade_in_s": "1/2", "fade_out_s": "0"}}
    curve = {"emsync_curve": [["0", "1"], ["1/2", "2"], ["3", "3/7"]]}
    own = clip("o", 0, 60, effects=[warp(2) | {"metadata": curve}], metadata=stated)
    reel = clip("e", 86400, 40, available=None, metadata={"cmx_3600": {"reel": "A001"}})
    text = clip("c", 0, 20, reference={"OTIO_SCHEMA": "GeneratorReference.1", "parameters": {"text": "Hi"}})
    lanes = track(faded, ramp, reel), track(gap(20), small, own), track(gap(9), text, kind="Subtitle")
    return json.dumps(timeline(*lanes, track(clip("x", 0, 9, url="x.srt"), name="srt")), indent=1).encode()


def effect_xml() -> bytes:
    filters = effect("opacity", parameter("opacity", "40")) + effect("basic", parameter("scale", "50"))
    keys = time_remap((0, 0), (50, 50), (100, 250))
    lower = f"<track>{item('a', 0, 50, 0, filters)}{item('b', 50, 90, 10, keys)}</track>"
    return xmeml(
        f"{lower}<track>{''.join(text_item(f'line {n}', 9 * n, 9 * n + 5) for n in range(6))}</track>"
    ).encode()


def effect_kdenlive() -> bytes:
    fade, place = entry(("kdenlive_id", "fade_from_black"), span='in="100" out="109"'), ("rect", "9 9 640 360 0.5")
    return kdenlive(fade, entry(("kdenlive_id", "qtblend"), place)).encode()


def sources() -> list[tuple[str, bytes]]:
    own = [
        (".otio", rich_document()),
        (".otio", effect_document()),
        (".xml", effect_xml()),
        (".fcpxml", fcpxml(SPINE).encode()),
        (".kdenlive", effect_kdenlive()),
        (".edl", EDL.encode()),
        (".xml", xmeml(f"<track>{item('a', 0, 50)}{item('b', 50, 90)}</track>").encode()),
        (
            ".fcpxml",
            fcpxml(
                '<asset-clip ref="a1" offset="3600s" duration="4s"><title ref="t1" lane="1"/></asset-clip>'
            ).encode(),
        ),
        (".kdenlive", KDENLIVE.encode()),
        (".rpp", RPP.encode()),
    ]
    real = sorted(p for p in SHARED.glob("*/*") if p.suffix in dict(own) and p.stat().st_size < 60_000)
    return own + [(path.suffix, path.read_bytes()) for path in real]


def truncate(data: bytearray, chance: random.Random) -> bytes:
    return bytes(data[: chance.randrange(len(data))])


def scatter(data: bytearray, chance: random.Random) -> bytes:
    for _ in range(chance.randrange(1, 20)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(data)


def shuffle_lines(data: bytearray, chance: random.Random) -> bytes:
    lines = bytes(data).split(b"\n")
    chance.shuffle(lines)
    return b"\n".join(lines)


def drop_lines(data: bytearray, chance: random.Random) -> bytes:
    lines = bytes(data).split(b"\n")
    first = chance.randrange(len(lines))
    del lines[first : first + chance.randrange(1, 6)]
    return b"\n".join(lines)


def wrong_number(data: bytearray, chance: random.Random) -> bytes:
    found = chance.choice(list(re.finditer(rb"\d+", bytes(data))))
    other = chance.choice([b"0", b"-1", b"99999999999999999999999", b"1e309", b"x", b"", b"null", b"NaN"])
    return bytes(data[: found.start()]) + other + bytes(data[found.end() :])


def wrong_value(data: bytearray, chance: random.Random) -> bytes:
    """A random value of a JSON document replaced by something of another kind, or taken away."""
    try:
        document = json.loads(bytes(data))
    except ValueError:
        return wrong_number(data, chance)
    for _ in range(chance.choice([1, 1, 3])):
        places = _places(document)
        if places:
            holder, key = chance.choice(places)
            if isinstance(holder, dict) and chance.random() < 0.4:
                del holder[key]
            else:
                holder[key] = chance.choice([None, True, 0, -1, "x", [], {}, [None], 1e308, 10**30, {"OTIO_SCHEMA": 3}])
    return json.dumps(document).encode()


def _places(node: Any) -> list[tuple[Any, Any]]:
    keys: Any = node if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    return [(node, key) for key in keys] + [place for key in keys for place in _places(node[key])]


MUTATIONS: list[Callable[[bytearray, random.Random], bytes]] = [
    truncate,
    scatter,
    shuffle_lines,
    drop_lines,
    wrong_number,
    wrong_value,
    wrong_value,
]


@pytest.mark.timeout(240)
@pytest.mark.parametrize("block", range(8))
def test_damage_ends_in_a_picture_or_in_one_line(tmp_path: Path, block: int) -> None:
    originals = sources()
    for seed in range(60 * block, 60 * block + 60):
        chance = random.Random(seed)
        suffix, data = chance.choice(originals)
        path = tmp_path / f"damaged{seed}{suffix}"
        path.write_bytes(chance.choice(MUTATIONS)(bytearray(data), chance))
        started = time.monotonic()
        try:
            read_picture(path).to_json()
        except InputError as error:
            assert path.name in str(error)
            assert "\n" not in str(error)
        assert time.monotonic() - started < 20
