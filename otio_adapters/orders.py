"""What the editor's markers ask of unchanged picture that they did not ask before."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Sequence
from fractions import Fraction

from emsync_engine.picture import Picture, PictureMarker
from emsync_engine.spotting.regrid import Kept
from otio_adapters.conform import Comparison

_ROOM_S = Fraction(1, 2)
"""Seconds either side of a hit that is new, or no longer wanted, in which the music has to change."""
_HIT_WEIGHT = 10.0
_HEARD_LATER = ("mood", "tempo", "key", "parts")
"""Orders that only new music can carry out."""


def with_room_for_hits(cuts: Comparison, hits: Collection[Fraction]) -> list[Kept]:
    """The kept spans without the seconds around hits that the new cut's markers add or take away.

    Args:
        cuts: the two cuts.
        hits: hit times of the old score, seconds of ``cuts.regraded``.
    """
    near = 1 / cuts.new.rate / 2
    refused = sorted(b.hit for b in cuts.regraded.boundaries if b.weight <= 0)
    result: list[Kept] = []
    for span in cuts.kept:
        struck = sorted(h + span.shift for h in hits if span.old_start <= h <= span.old_end)
        barred = [t + span.shift for t in refused]
        parts = [span]
        for boundary in cuts.new.boundaries:
            time = boundary.hit
            if not span.new_start < time < span.new_end:
                continue
            added = boundary.weight >= _HIT_WEIGHT and not _has(struck, time, near)
            dropped = boundary.weight <= 0 and _has(struck, time, near) and not _has(barred, time, near)
            if added or dropped:
                parts = [q for p in parts for q in _outside(p, time - _ROOM_S, time + _ROOM_S)]
        result += parts
    return result


def _has(times: Sequence[Fraction], time: Fraction, near: Fraction) -> bool:
    return bisect_right(times, time + near) > bisect_left(times, time - near)


def _outside(span: Kept, start: Fraction, end: Fraction) -> list[Kept]:
    a, b = max(start - span.new_start, Fraction(0)), min(end - span.new_start, span.length)
    if a >= b:
        return [span]
    pieces = ((Fraction(0), a), (b, span.length))
    return [Kept(span.old_start + x, span.new_start + x, y - x) for x, y in pieces if y > x]


def unheeded(cuts: Comparison, kept: Sequence[Kept]) -> list[PictureMarker]:
    """Markers of the new cut that ask something of unchanged picture which the old cut's markers did not ask."""
    found = []
    for marker in cuts.new.markers:
        if marker.instruction is None or marker.instruction.kind not in _HEARD_LATER:
            continue
        span = next((k for k in kept if k.new_start <= marker.time < k.new_end), None)
        if span and not _asked_before(marker, marker.time - span.shift, cuts):
            found.append(marker)
    return found


def _asked_before(marker: PictureMarker, time: Fraction, cuts: Comparison) -> bool:
    old: Picture = cuts.old
    near = 1 / old.rate
    asked = [m.time * cuts.scale for m in old.markers if _order(m) == _order(marker)]
    return any(abs(t - time) <= near or abs(t - marker.time) <= near for t in asked)


def _order(marker: PictureMarker) -> tuple[str, object]:
    """What a marker asks for; a value that was kept in a file has lists for tuples."""
    if marker.instruction is None:
        return "", None
    value = marker.instruction.value
    return marker.instruction.kind, tuple(value) if isinstance(value, list) else value
