"""Retime curves: which second of the media a clip shows when its speed changes on the way."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

from otio_adapters import document as doc
from otio_adapters.document import Node

Curve = tuple[tuple[Fraction, Fraction], ...]
"""(seconds from some zero, source seconds), the first rising; straight between the points and beyond them."""

CURVE_KEY = "emsync_curve"
"""Metadata of a time effect: the curve, seconds from the clip's head, as pairs of texts that hold exact fractions."""
_MAX_POINTS = 10_000
_STRAIGHT = Fraction(1, 1000)
"""Seconds by which a curve may bend and still be one speed."""


def value_at(curve: Curve, time: Fraction) -> Fraction:
    """Source seconds at a time. The curve has two points at least."""
    number = min(max(bisect_right(curve, time, key=lambda point: point[0]), 1), len(curve) - 1)
    (t0, v0), (t1, v1) = curve[number - 1 : number + 1]
    return v0 + (time - t0) * (v1 - v0) / (t1 - t0)


def chord(curve: Curve, start: Fraction, end: Fraction) -> Fraction:
    """Average speed between two times, source seconds a second."""
    return (value_at(curve, end) - value_at(curve, start)) / (end - start)


def holds(curve: Curve) -> list[tuple[Fraction, Fraction]]:
    """Spans of time over which the curve stands still, in order."""
    spans: list[tuple[Fraction, Fraction]] = []
    for (t0, v0), (t1, v1) in pairwise(curve):
        if v0 != v1:
            continue
        if spans and spans[-1][1] == t0:
            spans[-1] = (spans[-1][0], t1)
        else:
            spans.append((t0, t1))
    return spans


def shifted(curve: Curve, by: Fraction) -> Curve:
    """The curve with its times counted from another zero."""
    return tuple((time + by, value) for time, value in curve)


def curve_through(points: Iterable[tuple[Fraction, Fraction]], length: Fraction) -> Curve:
    """The curve of a clip that lasts ``length`` from time 0; empty when it runs at one speed there.

    Points at the same time are one: the last counts.
    """
    curve = _rising(points)
    if len(curve) < 3 or length <= 0:
        return ()
    speed, head = chord(curve, Fraction(0), length), value_at(curve, Fraction(0))
    bends = (abs(value - head - speed * time) > _STRAIGHT for time, value in curve if 0 < time < length)
    return curve if any(bends) else ()


def _rising(points: Iterable[tuple[Fraction, Fraction]]) -> Curve:
    curve = tuple(sorted(dict(points).items()))
    return curve if 2 <= len(curve) <= _MAX_POINTS else ()


def curve_metadata(curve: Curve) -> Node:
    return {CURVE_KEY: [[str(time), str(value)] for time, value in curve]}


@dataclass(frozen=True)
class Retime:
    """What a time effect with key frames makes of an item."""

    source: Fraction
    """Source seconds at the item's head."""
    speed: Fraction
    """Source seconds a second, on the average."""
    curve: Curve
    """Seconds from the item's head to source seconds; empty for one speed."""


def retime_of(node: Node, source: Fraction, length: Fraction) -> Retime | None:
    """How an item is retimed by key frames of Resolve, Avid or our own readers; None without any.

    Args:
        node: a clip.
        source: start of its source range, seconds.
        length: seconds it lasts in the record.
    """
    effects = node.get("effects")
    for effect in effects if isinstance(effects, list) and length > 0 else ():
        if isinstance(effect, dict) and effect.get("enabled") is not False:
            points = _points_of(node, effect, source, length)
            if points:
                speed, head = chord(points, Fraction(0), length), value_at(points, Fraction(0))
                return Retime(head, speed, curve_through(points, length))
    return None


def _points_of(node: Node, effect: Node, source: Fraction, length: Fraction) -> Curve:
    """Key frames of an effect: seconds from the clip's head, source seconds; empty when it has none."""
    metadata = doc.metadata_of(effect)
    if CURVE_KEY in metadata:
        return _rising(_pairs(metadata[CURVE_KEY]))
    if doc.schema_of(effect) != "TimeEffect":
        return ()
    resolve, avid = metadata.get("Resolve_OTIO"), metadata.get("AAF")
    if isinstance(resolve, dict):
        return _resolve_points(node, resolve.get("Key Frames"), source, length)
    parameters = avid.get("Parameters") if isinstance(avid, dict) else None
    return _avid_points(node, parameters, source, length) if isinstance(parameters, dict) else ()


def _avid_points(node: Node, parameters: Node, source: Fraction, length: Fraction) -> Curve:
    """Avid's offset maps: source frames from the clip's start, by record frames or by the share of the last frame."""
    given = node.get("source_range")
    rate = doc.rate_of(given.get("duration")) if isinstance(given, dict) else Fraction(0)
    for name, by_share in (("PARAM_SPEED_OFFSET_MAP_U", False), ("PARAM_OFFSET_MAP_U", True)):
        map_ = parameters.get(name)
        points = _pairs(map_.get("keyframe_values")) if isinstance(map_, dict) else []
        unit = length - 1 / rate if by_share and rate else 1 / rate if rate else Fraction(0)
        if len(points) > 1 and unit > 0:
            return _rising((time * unit, source + value / rate) for time, value in points)
    return ()


def _pairs(value: Any) -> list[tuple[Fraction, Fraction]]:
    """Points of a list whose items start with a time and a value; none at all when any is damaged."""
    points = []
    for item in value if isinstance(value, list) else ():
        if not isinstance(item, list) or len(item) < 2:
            return []
        time, source = (_exact(number) for number in item[:2])
        if time is None or source is None or max(abs(time), abs(source)) > doc.MAX_SECONDS:
            return []
        points.append((time, source))
    return points


def _exact(number: object) -> Fraction | None:
    if isinstance(number, float) and abs(number) < doc.MAX_SECONDS:
        return doc.exact_scalar(number)
    if isinstance(number, int) and not isinstance(number, bool):
        return Fraction(number)
    return doc.fraction_of(number)


def _resolve_points(node: Node, frames: Any, source: Fraction, length: Fraction) -> Curve:
    """Resolve's keyframes: retimed and source seconds from the head of the media, handles included.

    The source range starts at the source time shown first; where that would run off the curve it is taken as the
    retimed time.
    """
    points = _rising(_pairs(frames))
    if not points:
        return ()
    available = doc.range_of(doc.media_reference_of(node).get("available_range"))
    base = available[0] if available is not None and source >= available[0] else Fraction(0)
    head = _time_of(points, source - base)
    last = points[-1][0]
    if head is None or (head + length > last + _STRAIGHT and source - base + length <= last + _STRAIGHT):
        head = source - base
    return tuple((time - head, base + value) for time, value in points)


def _time_of(points: Sequence[tuple[Fraction, Fraction]], value: Fraction) -> Fraction | None:
    """The first time at which a curve has a value; None when it never has."""
    for (t0, v0), (t1, v1) in pairwise(points):
        if v0 != v1 and min(v0, v1) <= value <= max(v0, v1):
            return t0 + (value - v0) * (t1 - t0) / (v1 - v0)
    return None
