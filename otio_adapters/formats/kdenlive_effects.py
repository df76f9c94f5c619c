"""What Kdenlive says about the look of clips: effects on them, and transitions between tracks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from otio_adapters.appearance import PLAIN, Look
from otio_adapters.document import MAX_SECONDS
from otio_adapters.formats.xml_text import Element

Clock = Callable[[str | None], Fraction]
"""Seconds of a time as the project writes it."""

_DRAWING = frozenset({"composite", "affine", "qtblend", "frei0r.cairoblend", "region"})
_BLENDING = frozenset({"luma", "dissolve", "wipe"})


def property_of(element: Element, name: str) -> str:
    """Stripped text of an MLT property; empty when absent."""
    for child in element.findall("property"):
        if child.get("name") == name:
            return (child.text or "").strip()
    return ""


@dataclass(frozen=True)
class Crossing:
    """A transition that a user laid between two tracks, in record seconds: it acts on the upper one."""

    start: Fraction
    end: Fraction
    track: int
    """Number of the upper track in its sequence."""
    blends: bool
    """It dissolves or wipes from one track to the other; otherwise it draws the upper one into a part of the frame."""
    place: str


def crossings_of(sequence: Element, clock: Clock, frame: Fraction) -> list[Crossing]:
    """The transitions between the tracks of a sequence that are not merely how Kdenlive stacks tracks."""
    found = []
    for element in sequence.findall("transition"):
        service, upper = property_of(element, "mlt_service"), property_of(element, "b_track")
        internal = property_of(element, "internal_added") or property_of(element, "always_active") == "1"
        if internal or not upper.isdecimal() or element.get("out") is None or property_of(element, "disable") == "1":
            continue
        start, end = clock(element.get("in")), clock(element.get("out")) + frame
        place = property_of(element, "rect") or property_of(element, "geometry")
        if start < end and service in _DRAWING | _BLENDING:
            found.append(Crossing(start, end, int(upper[:6]), service in _BLENDING, place))
    return found


def look_of_entry(
    entry: Element, span: tuple[Fraction, Fraction], clock: Clock, frame: Fraction, size: list[int]
) -> Look:
    """Fades and the frame that a clip is drawn into, from its effects.

    Args:
        entry: the clip in its playlist.
        span: where it lies in the record, seconds.
        clock: reads times.
        frame: seconds of a frame.
        size: width and height of the project in pixels.
    """
    look = PLAIN
    length = span[1] - span[0]
    for effect in entry.findall("filter"):
        name = property_of(effect, "kdenlive_id") or property_of(effect, "mlt_service")
        if property_of(effect, "disable") == "1":
            continue
        lasts = min(clock(effect.get("out")) - clock(effect.get("in")) + frame, length)
        if name == "fade_from_black" and effect.get("out"):
            look = replace(look, fade_in=lasts)
        elif name == "fade_to_black" and effect.get("out"):
            look = replace(look, fade_out=lasts)
        elif name in ("qtblend", "transform"):
            look = _drawn(look, property_of(effect, "rect"), size)
    return look


def look_under(
    look: Look, span: tuple[Fraction, Fraction], crossings: Iterable[Crossing], frame: Fraction, size: list[int]
) -> Look:
    """The look of a clip with the transitions of its track on top."""
    start, end = span
    for crossing in crossings:
        if not crossing.blends and crossing.start <= start + frame and end <= crossing.end + frame:
            look = _drawn(look, crossing.place, size)
        elif crossing.blends and abs(crossing.start - start) <= frame:
            look = replace(look, fade_in=min(crossing.end - start, end - start))
        elif crossing.blends and abs(crossing.end - end) <= frame:
            look = replace(look, fade_out=min(end - crossing.start, end - start))
    return look


def _drawn(look: Look, place: str, size: list[int]) -> Look:
    """The largest of the places into which a picture is drawn.

    A place is ``x y width height opacity`` or, as Kdenlive wrote it once, ``x/y:widthxheight:opacity``, opacity then
    in per cent; several such stand with their times.
    """
    drawn = [numbers for numbers in _places(place, size) if len(numbers) >= 4]
    if not drawn or not all(size):
        return look
    scale = max(max(numbers[2] / size[0], numbers[3] / size[1]) for numbers in drawn)
    opacity = max(numbers[4] if len(numbers) > 4 else 1.0 for numbers in drawn) * 100
    return replace(look, scale=scale, opacity=opacity)


def _places(place: str, size: list[int]) -> Iterator[list[float]]:
    for part in place.split(";"):
        text = part.partition("=")[2] or part
        old = re.match(r"^\s*(-?[\d.]+%?)[/,](-?[\d.]+%?):([\d.]+%?)x([\d.]+%?)(?::([\d.]+)%?)?", text)
        if not old:
            yield [_share(word) for word in text.split()]
            continue
        x, y, width, height, opacity = old.groups()
        sides = [_share(w) * (side if w.endswith("%") else 1) for w, side in ((width, size[0]), (height, size[1]))]
        yield [_share(x), _share(y), *sides, _share(opacity or "100") / 100]


def _share(text: str) -> float:
    """A number, or a percentage as a share; 0 for anything else."""
    try:
        value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        return 0.0
    return value if abs(value) < 1e6 else 0.0


def remapped(producer: Element, clock: Clock) -> list[tuple[Fraction, Fraction]]:
    """Key frames of a time remap: (seconds of the clip, source seconds); none without one."""
    points = []
    for link in producer.findall("link"):
        if property_of(link, "mlt_service") != "timeremap" or property_of(link, "disable") == "1":
            continue
        for key in property_of(link, "time_map").split(";"):
            time, _, value = key.partition("=")
            try:
                source = Fraction(value.strip())
            except (ValueError, ZeroDivisionError):
                return []
            if abs(source) > MAX_SECONDS:
                return []
            points.append((clock(time.rstrip("~|!$- ").strip()), source))
    return points
