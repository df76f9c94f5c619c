"""Final Cut Pro 7 XML (``.xml``, "xmeml") as Premiere, Resolve and others write it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from emsync_engine.errors import InputError
from emsync_engine.picture import Caption
from emsync_engine.timecode import canonical_rate, frames_from_timecode
from otio_adapters import document as doc
from otio_adapters.appearance import Look, look_metadata
from otio_adapters.caption_tracks import is_caption_track
from otio_adapters.captions import plain_text
from otio_adapters.document import Node
from otio_adapters.formats.fcp7_effects import (
    Size,
    curve_of_item,
    effects_named,
    look_of_item,
    size_of,
    text_of_item,
    timecode_metadata,
)
from otio_adapters.formats.placing import Blended, Placed, place_track
from otio_adapters.formats.xml_text import Element, number_at, parse_xml, text_at
from otio_adapters.reading import Reading
from otio_adapters.retiming import chord, shifted, value_at

_TICKS = 254_016_000_000  # Premiere's ticks a second
_GENERATORS = {"slug": "Slug", "graphicandtype": "GraphicAndType", "color": "Color", "text": "Text"}
_ZERO = Fraction(0)
_LEAST_CAPTIONS = 5
"""Text generators from which a track that holds nothing else is taken for captions."""


def read(path: Path) -> Reading:
    """Read an FCP 7 XML file.

    Raises:
        InputError: not one, or a damaged one.
    """
    root = parse_xml(path)
    if root.tag != "xmeml":
        message = f"is XML with <{root.tag}>, not Final Cut Pro 7 XML (<xmeml>): export it as Final Cut Pro XML"
        raise InputError(message, path.name, "not_a_timeline")
    sequences = [element for element in root.iter("sequence") if element.find("media") is not None]
    if not sequences:
        raise InputError("holds no sequence: export the sequence itself", path.name, "not_a_timeline")
    nested = [inner for outer in root.iter("clipitem") for inner in outer.iter("sequence")]
    inside, names = {id(inner) for inner in nested}, {inner.get("id") for inner in nested if inner.get("id")}
    top = [s for s in sequences if id(s) not in inside and s.get("id") not in names] or sequences
    chosen = max(top, key=lambda sequence: sum(1 for _ in sequence.iter("clipitem")))
    warnings: tuple[str, ...] = ()
    if len(top) > 1:
        warnings = (f"{path.name} holds {len(top)} sequences; the fullest is read: {text_at(chosen, 'name')!r}",)
    return _Reader(root, path.name).reading(chosen, warnings)


@dataclass
class _Joint:
    """A transition item: where it lies and where its edit point is, in frames of the sequence."""

    start: Fraction
    edit: Fraction
    end: Fraction
    name: str
    wipe: bool


@dataclass
class _Reader:
    """One file: remembers files and sequences that are defined once and referred to by id."""

    root: Element
    where: str
    _open: list[int] = field(default_factory=list)
    _nests: dict[tuple[int, str], Node] = field(default_factory=dict)
    _frame: Size | None = None
    """Size in pixels of the sequence whose clips are being read."""

    def __post_init__(self) -> None:
        self._files = {e.get("id"): e for e in self.root.iter("file") if len(e)}
        self._sequences = {e.get("id"): e for e in self.root.iter("sequence") if e.find("media") is not None}

    def reading(self, sequence: Element, warnings: tuple[str, ...]) -> Reading:
        rate = _sequence_rate(sequence)
        start, drop = self._start(sequence, rate)
        self._frame = size_of(sequence, "media/video/format")
        tracks = [*self._tracks(sequence, "video", rate), *self._tracks(sequence, "audio", rate)]
        document = doc.timeline_node(text_at(sequence, "name"), tracks, doc.rational_time(start / rate, rate))
        document["tracks"]["markers"] = _markers(sequence, rate, rate)
        return Reading(document, rate, drop, start, warnings, _text_captions(tracks))

    def _start(self, sequence: Element, rate: Fraction) -> tuple[int, bool | None]:
        timecode = sequence.find("timecode")
        if timecode is None:
            return 0, None
        drop = {"DF": True, "NDF": False}.get(text_at(timecode, "displayformat").upper())
        frame = number_at(timecode, "frame")
        if frame is not None:
            return round(Fraction(frame) / _rate(timecode, rate) * rate), drop
        try:
            return frames_from_timecode(text_at(timecode, "string"), rate, drop), drop
        except ValueError:
            return 0, drop

    def _tracks(self, sequence: Element, medium: str, rate: Fraction) -> list[Node]:
        tracks = []
        for number, track in enumerate(sequence.findall(f"media/{medium}/track"), 1):
            exploded = track.get("currentExplodedTrackIndex") or ""
            if exploded.isdecimal() and exploded.strip("0"):
                continue  # the second channel of a stereo track that was already read
            name = track.get("MZ.TrackName") or text_at(track, "name") or f"{medium[0].upper()}{number}"
            node = self._track(track, medium, name, rate)
            node["enabled"] = text_at(track, "enabled").upper() != "FALSE"
            tracks.append(node)
        return tracks

    def _track(self, track: Element, medium: str, name: str, rate: Fraction) -> Node:
        items = [item for item in track if item.tag in ("clipitem", "generatoritem", "transitionitem")]
        joints = {n: _joint(item, rate) for n, item in enumerate(items) if item.tag == "transitionitem"}
        clips = []
        for number, item in enumerate(items):
            if number in joints:
                continue
            span = self._span(item, joints.get(number - 1), joints.get(number + 1), f"{self.where}, track {name!r}")
            if span is not None:
                clips.append(self._clip(item, medium, span, joints.get(number - 1), rate))
        blends = [
            Blended(j.start / rate, j.edit / rate, j.end / rate, j.name, j.wipe)
            for j in joints.values()
            if j.start < j.end
        ]
        return place_track(name, medium.capitalize(), clips, rate, blends)

    def _span(
        self, item: Element, before: _Joint | None, after: _Joint | None, where: str
    ) -> tuple[Fraction, Fraction] | None:
        """Record frames of a clip; -1 stands for the edit point of the transition beside it. None when it has none."""
        start, end = number_at(item, "start"), number_at(item, "end")
        lo = before.edit if start == -1 and before is not None else Fraction(start if start is not None else -1)
        hi = after.edit if end == -1 and after is not None else Fraction(end if end is not None else -1)
        if lo < 0 or hi < 0:
            name = text_at(item, "name")
            message = "has no place in record time (start or end is missing): export the sequence again"
            raise InputError(message, f"{where}, {name!r}", "bad_clip")
        return (lo, hi) if lo < hi else None

    def _clip(
        self, item: Element, medium: str, span: tuple[Fraction, Fraction], before: _Joint | None, rate: Fraction
    ) -> Placed:
        inner = self._inner_sequence(item)
        own = _rate(item, rate if inner is None or inner.find("rate") is None else _sequence_rate(inner))
        lo, hi = span[0] / rate, span[1] / rate
        first = before.start / rate if number_at(item, "start") == -1 and before is not None else lo
        speed = _speed(item)
        source = _source(item, own, speed) + speed * (lo - first)
        curve = shifted(curve_of_item(item, own, hi - first), first - lo)
        if curve:
            source, speed = value_at(curve, _ZERO), chord(curve, _ZERO, hi - lo)
        nest = self._nest(item, medium)
        file = self._file(item)
        metadata = look_metadata(self._look(item, file, own, hi - lo)) if medium == "video" else {}
        markers = [*_markers(item, own, rate)]
        if file is not None:
            markers += _markers(file, _rate(file, own), rate)
        name = text_at(item, "name")
        enabled = text_at(item, "enabled").upper() != "FALSE"
        reference = None if nest is not None else _reference(item, file, own, name)
        if text_at(item, "adjustmentLayer").upper() == "TRUE":
            name = "Adjustment Layer"
        marks = tuple(markers)
        return Placed(lo, hi, name, reference, source, speed, enabled, marks, metadata, nest, curve)

    def _look(self, item: Element, file: Element | None, rate: Fraction, length: Fraction) -> Look:
        inner = self._inner_sequence(item)
        size = size_of(file, "media/video") if inner is None else size_of(inner, "media/video/format")
        return look_of_item(item, size, self._frame, rate, length)

    def _file(self, item: Element) -> Element | None:
        file = item.find("file")
        if file is None:
            file = item.find("multiclip/angle[activevideoangle='TRUE']/clip/file")
        if file is None:
            return None
        return file if len(file) else self._files.get(file.get("id"), file)

    def _inner_sequence(self, item: Element) -> Element | None:
        """The sequence that a clip plays, wherever it is defined."""
        sequence = item.find("sequence")
        if sequence is None or sequence.find("media") is not None:
            return sequence
        return self._sequences.get(sequence.get("id"))

    def _nest(self, item: Element, medium: str) -> Node | None:
        """The nested sequence of a clip as a stack of its tracks of the same medium."""
        sequence = self._inner_sequence(item)
        if sequence is None:
            return None
        known = self._nests.get((id(sequence), medium))
        if known is not None:
            return known
        if id(sequence) in self._open or len(self._open) > doc.MAX_DEPTH:
            raise InputError("a nested sequence contains itself: export it again", self.where, "bad_nest")
        self._open.append(id(sequence))
        rate = _sequence_rate(sequence)
        outer, self._frame = self._frame, size_of(sequence, "media/video/format")
        stack = doc.stack_node(text_at(sequence, "name"), self._tracks(sequence, medium, rate))
        self._frame = outer
        if medium == "video":
            stack["markers"] = _markers(sequence, rate, rate)
        self._open.pop()
        self._nests[id(sequence), medium] = stack
        return stack


def _text_captions(tracks: Iterable[Node]) -> tuple[Caption, ...]:
    """Captions that came as text generators on a track of their own, as subtitle tools write them.

    Tracks named as captions are read elsewhere; a track of a few titles is none.
    """
    captions: list[Caption] = []
    for track in tracks:
        position, found, others = _ZERO, [], 0
        for child in doc.nodes_of(track, "children"):
            length = (doc.range_of(child.get("source_range")) or (_ZERO, _ZERO))[1]
            words = doc.media_reference_of(child).get("parameters", {}).get("text")
            if words:
                found.append(Caption(position, position + length, plain_text(words)))
            others += doc.schema_of(child) not in ("Gap", "Transition") and not words
            position += length
        if len(found) >= _LEAST_CAPTIONS and not others and doc.is_enabled(track) and not is_caption_track(track):
            captions += found
    return tuple(captions)


def _rate(element: Element, default: Fraction | None) -> Fraction:
    """Exact rate in Hz of an element's ``<rate>``.

    Raises:
        InputError: there is none and no default, or it is no rate.
    """
    timebase = number_at(element, "rate/timebase")
    if timebase is None and element.find("rate/timebase") is None and default is not None:
        return default
    if timebase is None or not 1 <= timebase <= 1000:
        name = text_at(element, "name") or element.tag
        raise InputError(f"{name!r} has no usable frame rate (<timebase>): export the sequence again", code="bad_rate")
    exact = canonical_rate(timebase)
    ntsc = text_at(element, "rate/ntsc").upper() == "TRUE" and exact.denominator == 1
    return exact * Fraction(1000, 1001) if ntsc else exact


def _sequence_rate(sequence: Element) -> Fraction:
    """Rate of a sequence, by its picture format where it does not say itself.

    Raises:
        InputError: it has none.
    """
    form = sequence.find("media/video/format/samplecharacteristics")
    return _rate(sequence, _rate(form, None) if form is not None and form.find("rate/timebase") is not None else None)


def _joint(item: Element, rate: Fraction) -> _Joint:
    start, end = Fraction(number_at(item, "start") or 0), Fraction(number_at(item, "end") or 0)
    alignment = text_at(item, "alignment").lower()
    edit = {"start": start, "start-black": start, "end": end, "end-black": end}.get(alignment, (start + end) / 2)
    ticks = number_at(item, "cutPointTicks")
    if ticks is not None and ticks >= 0 and start + Fraction(ticks) / _TICKS * rate <= end:
        edit = start + Fraction(ticks) / _TICKS * rate
    name = text_at(item, "effect/name")
    return _Joint(start, edit, end, name, "wipe" in f"{name} {text_at(item, 'effect/effectcategory')}".lower())


def _speed(item: Element) -> Fraction:
    """Source seconds per record second from a Time Remap filter; 1 without one, 0 for a still frame."""
    if text_at(item, "stillframe").upper() == "TRUE":
        return _ZERO
    for values in effects_named(item, "timeremap"):
        value = number_at(values["speed"], "value") if "speed" in values else None
        if value is None:
            continue
        factor = Fraction(value)
        speed = factor if abs(factor) < 4 else factor / 100  # some write a factor, not per cent
        backwards = "reverse" in values and text_at(values["reverse"], "value").upper() == "TRUE"
        return -abs(speed) if backwards else speed
    return Fraction(1)


def _source(item: Element, rate: Fraction, speed: Fraction) -> Fraction:
    """Source seconds at the head of a clip. ``in`` counts frames of the retimed clip, from the head of a subclip."""
    first = Fraction(number_at(item, "in") or 0) + Fraction(number_at(item, "subclipinfo/startoffset") or 0)
    ticks = number_at(item, "pproTicksIn")
    if speed == 1:
        return max(first, _ZERO) / rate
    if speed > 0:
        return Fraction(ticks) / _TICKS if ticks is not None and ticks >= 0 else max(first, _ZERO) / rate * speed
    if not speed:
        return max(first, _ZERO) / rate
    length = Fraction(number_at(item, "duration") or 0)
    return max(length - first, _ZERO) / rate * abs(speed)


def _reference(item: Element, file: Element | None, rate: Fraction, name: str) -> Node:
    source = text_at(file, "mediaSource") if file is not None else ""
    if item.tag == "generatoritem" or source:
        kind = _GENERATORS.get(source.lower(), source) or text_at(item, "effect/effectid") or "Slug"
        words = text_of_item(item)
        return doc.generator_reference(kind, name) | {"parameters": {"text": words} if words else {}}
    if file is None:
        return doc.missing_reference(name)
    length = number_at(file, "duration")
    own = _rate(file, rate)
    available = doc.time_range(_ZERO, Fraction(length) / own, own) if length is not None and length > 0 else None
    url, file_name = text_at(file, "pathurl"), text_at(file, "name")
    found = doc.external_reference(url, available, file_name) if url else doc.missing_reference(file_name, available)
    return found | {"metadata": timecode_metadata(file, own)}


def _markers(element: Element, rate: Fraction, written: Fraction) -> list[Node]:
    """Markers directly under an element, counted in its frames."""
    markers = []
    for marker in element.findall("marker"):
        first, last = number_at(marker, "in"), number_at(marker, "out")
        if first is None or first < 0:
            continue
        start = Fraction(first) / rate
        length = Fraction(last - first) / rate if last is not None and last > first else _ZERO
        comment = text_at(marker, "comment")
        markers.append(doc.marker_node(text_at(marker, "name"), start, written, duration=length, comment=comment))
    return markers
