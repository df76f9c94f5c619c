"""AAF (Avid, Premiere, Resolve) through ``otio-aaf-adapter``, with what the adapter loses or stumbles over."""

from __future__ import annotations

import contextlib
import io
import logging
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from importlib import import_module
from pathlib import Path
from typing import Any

from emsync_engine.errors import InputError, MissingComponentError
from otio_adapters import document as doc
from otio_adapters.document import Node
from otio_adapters.formats.aaf_walk import walk_file
from otio_adapters.formats.otio_json import reading_of
from otio_adapters.reading import Reading

_COLOURS = (
    ("RED", (57600, 9216, 256)),
    ("GREEN", (3072, 52480, 2816)),
    ("BLUE", (3328, 13056, 57600)),
    ("YELLOW", (57600, 50944, 768)),
    ("PURPLE", (36864, 4864, 65024)),
    ("CYAN", (512, 52480, 52480)),
    ("BLACK", (0, 0, 0)),
    ("WHITE", (65535, 65535, 65535)),
)
"""Marker colours as editing systems write them, 16 bits a channel."""
_LOST = "Unable find slot_id"
"""What the adapter prints of a clip whose media it does not find."""


@dataclass
class _Facts:
    """What is read from the file beside the adapter."""

    name: str = ""
    start: int | None = None
    rate: Fraction | None = None
    drop: bool | None = None
    markers: list[Node] = field(default_factory=list)


def read(path: Path) -> Reading:
    """Read an AAF file.

    Raises:
        InputError: not an AAF, or one that cannot be understood.
        MissingComponentError: the AAF adapter is not installed.
    """
    with path.open("rb") as file:
        if not file.read(8).startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
            raise InputError("is not an AAF file: export it again", path.name, "not_a_timeline")
    with _quiet():
        return _read(path)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the log lines of the AAF library, which go to standard error, and what it prints."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.disable(before)


def _read(path: Path) -> Reading:
    warnings: list[str] = []
    facts = _facts(path)
    try:
        document = _adapter_document(path, warnings)
        markers: list[Node] = []
    except _AdapterError as error:
        document, markers = _otherwise(path, facts, error, warnings), facts.markers
    reading = reading_of(document, path.name)
    stack = reading.document.get("tracks")
    if markers and isinstance(stack, dict):
        stack["markers"] = [*(stack.get("markers") or []), *markers]
    same = facts.name == doc.text_of(reading.document, "name")
    return Reading(
        reading.document,
        rate=facts.rate if same else None,
        drop_frame=facts.drop if same else None,
        start_frame=facts.start if same else None,
        warnings=(*warnings, *reading.warnings),
    )


def _otherwise(path: Path, facts: _Facts, error: Exception, warnings: list[str]) -> Node:
    """The document of a file that the adapter cannot read: by the adapter without markers, else by our own walk.

    Raises:
        InputError: it cannot be read that way either.
    """
    try:
        document = _without_events(path, warnings)
        warnings.append(f"{path.name}: its markers confuse the AAF adapter ({error}); they were read another way")
        return document
    except InputError:
        warnings.append(f"{path.name}: the AAF adapter cannot read it ({error}); it was read in a simpler way")
    try:
        return walk_file(path, facts.start)
    except InputError:
        raise
    except Exception as failure:  # a border: see _adapter_document
        message = f"cannot be understood as AAF ({failure}): export it again, or as OTIO, XML or EDL"
        raise InputError(message, path.name, "not_a_timeline") from failure


class _AdapterError(Exception):
    """The adapter failed on a file; the message says how."""


def _adapter_document(path: Path, warnings: list[str]) -> Node:
    """What the adapter makes of a file, and what it prints about lost pieces as warnings.

    Raises:
        _AdapterError: it raised anything.
    """
    try:
        adapter = import_module("otio_aaf_adapter.adapters.advanced_authoring_format")  # heavy: only for AAF
    except ImportError as error:
        message = f"AAF needs the packages opentimelineio and otio-aaf-adapter ({error}): pip install otio-aaf-adapter"
        raise MissingComponentError(message, path.name) from error
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            text = _seen(adapter, adapter.read_from_file(str(path), simplify=False)).to_json_string()
    except Exception as error:  # a border: any fault of the adapter becomes one line for the user
        raise _AdapterError(f"{type(error).__name__}: {error}") from error
    spoken = [line.strip() for line in said.getvalue().splitlines() if line.strip()]
    lines = dict.fromkeys(line for line in spoken if not line.startswith(_LOST))
    lost = sum(line.startswith(_LOST) for line in spoken)
    if lost:
        warnings.append(f"{path.name}: {lost} clips play media that the file does not define; they count as shots")
    warnings += [f"{path.name}: {line[:200]}" for line in list(lines)[:5]]
    return doc.parse_document(text.encode("utf-8", "replace"), path.name)


def _seen(adapter: Any, timeline: Any) -> Any:
    """The adapter's timeline with what it takes for nothing: clips whose media is not defined, and effects without
    any picture of their own, such as titles."""
    import opentimelineio as otio

    for parent, number, child in list(_children(otio, timeline)):
        said = child.metadata.get("AAF", {})
        if isinstance(child, otio.schema.Gap) and said.get("ClassName") == "SourceClip":
            parent[number] = otio.schema.Clip(
                name=str(said.get("Name") or ""),
                source_range=child.source_range,
                metadata=child.metadata,
                media_reference=otio.schema.MissingReference(),
            )
        elif isinstance(child, otio.schema.Stack) and not len(child) and _is_picture_effect(child):
            drawn = otio.schema.GeneratorReference(generator_kind="Effect")
            shown = otio.schema.Clip(name=child.name, source_range=child.source_range, media_reference=drawn)
            child.append(otio.schema.Track(children=[shown]))
    return adapter._simplify(timeline)


def _is_picture_effect(stack: Any) -> bool:
    kinds = (effect.metadata.get("AAF", {}).get("MediaKind") for effect in stack.effects)
    return any(str(kind).lower() == "picture" for kind in kinds)


def _children(otio: Any, parent: Any) -> Iterator[tuple[Any, int, Any]]:
    """Every item under a timeline or a collection, with its parent and its number there."""
    inner = parent.tracks if isinstance(parent, otio.schema.Timeline) else parent
    if isinstance(inner, (otio.core.Composition, otio.schema.SerializableCollection)):
        for number, child in enumerate(inner):
            yield inner, number, child
            yield from _children(otio, child)


def _without_events(path: Path, warnings: list[str]) -> Node:
    """The adapter's reading of a copy without marker slots.

    Raises:
        InputError: it fails on that too.
    """
    import aaf2

    with tempfile.TemporaryDirectory(prefix="emsync-aaf-") as folder:
        copy = Path(folder, path.name)
        shutil.copyfile(path, copy)
        copy.chmod(0o600)
        try:
            with aaf2.open(str(copy), "rw") as file:
                for mob in file.content.toplevel():
                    mob.slots.value = [slot for slot in mob.slots if not _is_event_slot(slot)]
            return _adapter_document(copy, warnings)
        except InputError:
            raise
        except Exception as error:  # a border: see _adapter_document
            message = f"cannot be understood as AAF ({error}): export it again, or as OTIO, XML or EDL"
            raise InputError(message, path.name, "not_a_timeline") from error


def _is_event_slot(slot: Any) -> bool:
    return type(slot).__name__ == "EventMobSlot"


def _facts(path: Path) -> _Facts:
    """Name, start timecode with its counting, and markers of the top-level composition that comes first.

    Raises:
        InputError: the container is damaged.
    """
    try:
        import aaf2  # heavy: only for AAF
    except ImportError as error:
        raise MissingComponentError(f"AAF needs the package pyaaf2 ({error}): pip install pyaaf2", path.name) from error
    try:
        with aaf2.open(str(path), "r") as file:
            mob = next(iter(file.content.toplevel()), None)
            return _mob_facts(mob) if mob is not None else _Facts()
    except Exception as error:  # a border: see _adapter_document
        message = f"is a damaged AAF file ({type(error).__name__}: {error}): export it again"
        raise InputError(message, path.name, "not_a_timeline") from error


def _mob_facts(mob: Any) -> _Facts:
    facts = _Facts(name=mob.name or "")
    for slot in mob.slots:
        segment = slot.segment
        if type(segment).__name__ == "Timecode" and facts.start is None:
            facts.start = int(segment.get("Start").value)
            facts.drop = bool(segment.get("Drop").value)
            facts.rate = doc.rate_of({"rate": float(slot.edit_rate)})
    for slot in mob.slots:
        if _is_event_slot(slot) and facts.rate is not None:
            facts.markers += [_marker(event, facts.rate) for event in _events(slot)]
    return facts


def _events(slot: Any) -> Iterator[Any]:
    yield from (event for event in slot.segment.components if event.get("Position") is not None)


def _marker(event: Any, rate: Fraction) -> Node:
    def value(name: str) -> Any:
        found = event.get(name)
        return found.value if found is not None else None

    return doc.marker_node(
        str(value("CommentMarkerUser") or value("Comment") or ""),
        Fraction(int(value("Position") or 0)) / rate,
        rate,
        duration=Fraction(int(value("Length") or 0)) / rate,
        comment=str(value("Comment") or ""),
        color=_colour(value("CommentMarkerColor")),
    )


def _colour(value: Any) -> str:
    """Nearest named colour of an AAF marker."""
    if not isinstance(value, dict):
        return "RED"
    channels = [int(value.get(name) or 0) for name in ("red", "green", "blue")]
    return min(_COLOURS, key=lambda colour: sum((a - b) ** 2 for a, b in zip(channels, colour[1])))[0]
