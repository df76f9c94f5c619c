"""Clips of a DAWproject, which may hold notes, media, warped media and clips again, as items in record time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from xml.etree import ElementTree as ET

from otio_adapters.plugins.midi import Bend, Control, Midi, Note, Program
from otio_adapters.plugins.rpp_text import number
from otio_adapters.plugins.session import Item
from otio_adapters.plugins.tempo import Clock, fine

TICKS = 960
_MAX_DEPTH = 50
_TIMELINES = ("Lanes", "Notes", "Clips", "Warps", "Audio", "Video", "Points")


@dataclass(frozen=True)
class Place:
    """Where a timeline lies: its own time ``origin``, in its own unit, is at record second ``start``."""

    clock: Clock
    start: Fraction
    origin: Fraction
    unit: str
    """``beats`` or ``seconds``."""

    def record(self, position: Fraction) -> Fraction:
        """Record seconds of a position of this timeline."""
        if self.unit == "seconds":
            return self.start + position - self.origin
        return self.clock.seconds(self.clock.quarters(self.start) + position - self.origin)


def content_of(clips: ET.Element, place: Place, window: tuple[Fraction, Fraction] | None, depth: int) -> Iterator[Item]:
    """Items of a ``Clips`` element, cut to a window of record time."""
    for clip in clips.findall("Clip") if depth < _MAX_DEPTH else ():
        lo, hi = _span(clip, place)
        start, end = (max(lo, window[0]), min(hi, window[1])) if window else (lo, hi)
        if start >= end or start < 0:
            continue
        unit = clip.get("contentTimeUnit") or place.unit
        inner = Place(place.clock, lo, number(clip.get("playStart", "0")), unit)
        muted = clip.get("enable") in ("false", "0")
        for item in _items(clip, inner, (start, end), depth):
            yield replace(item, name=clip.get("name") or item.name, muted=muted or item.muted)


def _span(clip: ET.Element, place: Place) -> tuple[Fraction, Fraction]:
    """Record seconds of a clip; one without a length lasts as long as the file it holds."""
    time = number(clip.get("time", "0"))
    start = fine(place.record(time))
    if "duration" in clip.attrib:
        return start, fine(place.record(time + number(clip.get("duration", "0"))))
    media = next((child for child in clip.iter() if child.tag in ("Audio", "Video")), None)
    return start, start + (number(media.get("duration", "0")) if media is not None else Fraction(0))


def _items(holder: ET.Element, place: Place, window: tuple[Fraction, Fraction], depth: int) -> Iterator[Item]:
    parts = [child for child in holder if child.tag in _TIMELINES]
    parts = [part for child in parts for part in (child if child.tag == "Lanes" else (child,))]
    musical = [part for part in parts if part.tag in ("Notes", "Points")]
    if any(part.tag == "Notes" for part in musical):
        yield _midi_item(musical, place, window)
    for part in parts:
        inner = replace(place, unit=part.get("timeUnit") or place.unit)
        if part.tag == "Clips":
            yield from content_of(part, inner, window, depth + 1)
        elif part.tag in ("Audio", "Video"):
            yield _media_item(part, window[0] - place.record(Fraction(0)), Fraction(1), window)
        elif part.tag == "Warps":
            yield from _warped(part, inner, window)
    if not parts:
        yield Item(window[0], window[1] - window[0], "audio", source=fine(window[0] - place.record(Fraction(0))))


def _media_item(media: ET.Element, source: Fraction, speed: Fraction, window: tuple[Fraction, Fraction]) -> Item:
    file = media.find("File")
    length = number(media.get("duration", "0"))
    return Item(
        start=window[0],
        duration=window[1] - window[0],
        kind="video" if media.tag == "Video" else "audio",
        media=file.get("path", "") if file is not None else "",
        source=fine(source),
        speed=speed,
        media_duration=length if length > 0 else None,
    )


def _warped(warps: ET.Element, place: Place, window: tuple[Fraction, Fraction]) -> Iterator[Item]:
    """Media through warp points: one item between each two that are seen, of one speed each."""
    media = next((child for child in warps.iter() if child.tag in ("Audio", "Video")), None)
    rows = [(number(warp.get("time", "0")), number(warp.get("contentTime", "0"))) for warp in warps.findall("Warp")]
    points = [(place.record(time), content) for time, content in sorted(rows)]
    if media is None or len(points) < 2:
        return
    for i, ((a, from_content), (b, to_content)) in enumerate(pairwise(points)):
        lo = window[0] if i == 0 else max(a, window[0])
        hi = window[1] if i == len(points) - 2 else min(b, window[1])
        if lo < hi and a < b:
            speed = (to_content - from_content) / (b - a)
            simple = speed.limit_denominator(10_000)
            speed = simple if abs(simple - speed) < Fraction(1, 10**9) else fine(speed)
            yield _media_item(media, from_content + (lo - a) * speed, speed, (fine(lo), fine(hi)))


def _midi_item(parts: list[ET.Element], place: Place, window: tuple[Fraction, Fraction]) -> Item:
    """A MIDI item: tick 0 is the timeline's own time 0, shifted to what the clip shows."""
    first = place.clock.quarters(window[0])
    shift = float(place.origin + first - place.clock.quarters(place.start))

    def tick(position: float) -> int:
        if place.unit == "beats":
            return round((position - shift) * TICKS)
        return round((place.clock.quarters(place.record(Fraction(position))) - first) * TICKS)

    notes = [_note(note, tick) for part in parts for note in part.findall("Note")]
    events: list[Control | Program | Bend] = []
    for part in parts:
        target = part.find("Target")
        if target is not None:
            events += [event for event in _curve(part, target, tick) if event.tick >= 0]
    midi = Midi(
        TICKS,
        tuple(sorted(note for note in notes if note.tick >= 0)),
        tuple(sorted(event for event in events if isinstance(event, Control))),
        tuple(sorted(event for event in events if isinstance(event, Program))),
        tuple(sorted(event for event in events if isinstance(event, Bend))),
    )
    return Item(window[0], window[1] - window[0], "midi", midi=midi)


def _note(note: ET.Element, tick: Callable[[float], int]) -> Note:
    time, length = _float(note, "time", 0), _float(note, "duration", 0)
    start = tick(time)
    velocity = round(_float(note, "vel", 0.787) * 127)
    return Note(
        start,
        max(0, min(127, int(_float(note, "key", 60)))),
        max(tick(time + length) - start, 1),
        max(1, min(127, velocity)),
        max(0, min(15, int(_float(note, "channel", 0)))),
    )


def _float(element: ET.Element, key: str, default: float) -> float:
    """A number of sane size; the default for anything else."""
    try:
        value = float(element.get(key, default))
    except ValueError:
        return default
    return value if abs(value) < 10**9 else default


def _curve(points: ET.Element, target: ET.Element, tick: Callable[[float], int]) -> Iterator[Control | Program | Bend]:
    channel = max(0, min(15, int(number(target.get("channel", "0")))))
    expression = target.get("expression", "")
    scale = 127 if points.get("unit", "normalized") == "normalized" else 1
    for point in points.findall("RealPoint"):
        at, value = tick(_float(point, "time", 0)), _float(point, "value", 0)
        seven = max(0, min(127, round(value * scale)))
        if expression == "channelController":
            yield Control(at, max(0, min(127, int(number(target.get("controller", "0"))))), seven, channel)
        elif expression == "programChange":
            yield Program(at, seven, channel)
        elif expression == "pitchBend":
            yield Bend(at, max(-8192, min(8191, round(value * 16383) - 8192)), channel)
