"""The way back: a timeline with our music as audio tracks and markers, and the same without it.

Everything of ours carries ``metadata["emsync"]``; nothing else of a user's document is touched.
"""

from __future__ import annotations

import copy
import json
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

from emsync_engine.errors import InputError
from otio_adapters import document as doc
from otio_adapters.document import Node
from otio_adapters.layout import OURS
from otio_adapters.read import read_timeline
from otio_adapters.returned import document_of

_MARKER_COLOUR = "PURPLE"


class MusicMarker(NamedTuple):
    """A marker of ours: ``time`` is seconds from the head of the sequence."""

    time: Fraction
    name: str
    comment: str = ""


@dataclass(frozen=True)
class MusicDelivery:
    """The music of one cue as it goes back into a timeline.

    Every file starts ``offset`` after the head of the sequence and lasts ``duration``.
    """

    name: str
    """Id of the cue: a second delivery of the same timeline replaces all of ours, whatever their cue."""
    tracks: Sequence[tuple[str, Path]]
    """(track name, WAV file), the mix first: it is heard, the stems are there but switched off."""
    markers: Sequence[MusicMarker | tuple[Fraction, str, str]]
    duration: Fraction
    """Seconds; rounded up to whole frames."""
    rate: Fraction
    """Frames a second of the sequence."""
    start_frame: int = 0
    """Record timecode of the sequence's head in frames; the files' time reference is that plus ``offset``."""
    offset: Fraction = Fraction(0)
    """Seconds from the head of the sequence at which the files start, taken to the nearest frame."""


def timeline_with_music(picture_source: Path, music: MusicDelivery) -> Node:
    """The timeline of ``picture_source`` with the music as new audio tracks and hit markers.

    For an ``.otio`` it is the user's own document; for every other format what was read of it. Music of ours that it
    already holds is replaced.

    Raises:
        InputError: the timeline cannot be read.
    """
    source = Path(picture_source)
    reading = read_timeline(source, rate=music.rate)
    if source.suffix.lower() == ".otio":
        whole = doc.parse_document(source.read_bytes(), source.name)
        return _with_music(reading.document if doc.schema_of(whole) == "Track" else whole, music)
    return _with_music(document_of(reading), music)


def _with_music(document: Node, music: MusicDelivery) -> Node:
    result = without_music(document)
    stack = _top_stack(result)
    tracks = [_track(name, wav, music, heard=k == 0) for k, (name, wav) in enumerate(music.tracks)]
    markers = [_marker(MusicMarker(*marker), music) for marker in music.markers]
    children = stack.get("children")
    stack["children"] = [*(children if isinstance(children, list) else []), *tracks]
    if isinstance(stack.get("markers"), list):
        stack["markers"] = [*stack["markers"], *markers]
    elif tracks:
        tracks[0]["markers"] = markers
    return result


def without_music(document: Node) -> Node:
    """A copy of the document without our tracks and markers: equal to what it was before them."""
    result = copy.deepcopy(document)
    stack = _top_stack(result)
    for key in ("children", "markers"):
        if isinstance(stack.get(key), list):
            stack[key] = [node for node in stack[key] if not is_ours(node)]
    return result


def is_ours(node: object) -> bool:
    """A track or marker that was written here."""
    return isinstance(node, dict) and OURS in doc.metadata_of(node)


def _top_stack(document: Node) -> Node:
    """The stack that holds the tracks; of a collection, that of the timeline which is read.

    Raises:
        InputError: the document holds no timeline.
    """
    schema = doc.schema_of(document)
    stack: Any = document if schema == "Stack" else document.get("tracks")
    if schema == "SerializableCollection":
        timelines = [child for child in doc.nodes_of(document, "children") if doc.schema_of(child) == "Timeline"]
        if timelines:
            return _top_stack(max(timelines, key=lambda timeline: sum(1 for _ in doc.walk(timeline))))
    if not isinstance(stack, dict):
        raise InputError("holds no timeline to put music into: export the sequence itself", code="not_a_timeline")
    return stack


def _frames_up(seconds: Fraction, rate: Fraction) -> Fraction:
    """The next whole frame, in seconds."""
    frames = seconds * rate
    return Fraction(-((-frames.numerator) // frames.denominator)) / rate


def _track(name: str, wav: Path, music: MusicDelivery, *, heard: bool) -> Node:
    length = _frames_up(music.duration, music.rate)
    lead_in = Fraction(round(music.offset * music.rate)) / music.rate
    start = Fraction(music.start_frame) / music.rate + lead_in
    available = doc.time_range(start, length, music.rate)
    reference = doc.external_reference(Path(wav).as_posix(), available, Path(wav).name)
    mine = {OURS: {"cue": music.name, "part": name}}
    clip = doc.clip_node(Path(wav).stem, doc.time_range(start, length, music.rate), reference, copy.deepcopy(mine))
    clip["enabled"] = heard
    lead = [doc.gap_node(lead_in, music.rate)] if lead_in > 0 else []
    return doc.track_node(name, "Audio", [*lead, clip], mine)


def _marker(marker: MusicMarker, music: MusicDelivery) -> Node:
    frame = Fraction(round(marker.time * music.rate)) / music.rate
    mine = {OURS: {"cue": music.name, "time_s": str(marker.time)}}
    return doc.marker_node(
        marker.name, frame, music.rate, comment=marker.comment or marker.name, color=_MARKER_COLOUR, metadata=mine
    )


def write_timeline(document: Node, path: Path) -> None:
    """Write a document as ``.otio``, whole or not at all.

    Raises:
        OSError: the folder cannot be written.
    """
    try:
        data = json.dumps(document, indent=4, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # half a surrogate pair in a name: only an escape can hold it
        data = json.dumps(document, indent=4).encode()
    write_atomically(Path(path), lambda handle: handle.write(data))


def write_atomically(path: Path, write: Callable[[Any], object]) -> None:
    """Let ``write`` fill a temporary binary file beside ``path``, then put it in place.

    Raises:
        OSError: the folder cannot be written.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as out:
            write(out)
            out.flush()
            os.fsync(out.fileno())
        part.chmod(0o644)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
