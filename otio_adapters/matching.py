"""How two cuts lie over each other: shots that moved together as one run, the longest first.

All in whole frames of the one rate that both cuts have here.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from emsync_engine.picture import Boundary, Picture
from otio_adapters.overlaps import Match, Piece, overlaps, pieces

_NOISE_S = Fraction(1, 2)
"""A match shorter than this, and than half of both its shots, is two handles that happen to overlap."""


@dataclass(frozen=True)
class Alignment:
    """What two cuts share, by new time."""

    kept: tuple[Match, ...]
    """Frames that both cuts show, none of either cut twice."""
    blended: tuple[Match, ...]
    """Frames of shots that both cuts show, under a transition that only one of them has."""


def align(old: Picture, new: Picture) -> Alignment:
    """Lay two cuts of one frame rate over each other.

    The longest run of frames that moved together is taken first, then the longest of what is left; ties go to the
    smallest move.
    """
    before, after = pieces(old), pieces(new)
    runs = [run for run in _runs(overlaps(before, after, old, new)) if not _all_black(run, before)]
    taken = longest_first(runs)
    least = max(1, round(_NOISE_S * new.rate))
    taken = [m for m in taken if m.length >= least or _half_of_a_shot(m, before, after)]
    kept, blended = _without_blends(taken, old, new)
    return Alignment(tuple(joined(kept)), tuple(joined(blended)))


def _runs(found: Iterable[Match]) -> list[Match]:
    """Matches that moved together and touch, as one."""
    runs: list[Match] = []
    for match in sorted(found, key=lambda m: (m.shift, m.new)):
        last = runs[-1] if runs else None
        if last and last.shift == match.shift and match.new <= last.new + last.length:
            runs[-1] = replace(last, length=max(last.length, match.new + match.length - last.new))
        else:
            runs.append(match)
    return runs


def _all_black(run: Match, before: Sequence[Piece]) -> bool:
    shown = _between(before, run.old, run.old + run.length)
    return all(p.black for p in shown) and not all(p.black for p in before)


def _between(rows: Sequence[Piece], start: int, end: int) -> Sequence[Piece]:
    """Pieces that reach into [start, end)."""
    first = max(bisect_right(rows, start, key=lambda p: p.start) - 1, 0)
    return [p for p in rows[first : bisect_left(rows, end, key=lambda p: p.start)] if p.end > start]


def longest_first(runs: Iterable[Match]) -> list[Match]:
    """Runs, or what is left of them, such that no frame of either cut is used twice."""
    queue = [(-run.length, abs(run.shift), run) for run in runs]
    heapq.heapify(queue)
    old, new = _Taken(), _Taken()
    chosen: list[Match] = []
    while queue:
        *_, run = heapq.heappop(queue)
        parts = [
            run.part(b - run.new, c - run.new)
            for a, d in old.free(run.old, run.old + run.length)
            for b, c in new.free(a + run.shift, d + run.shift)
        ]
        if parts == [run]:
            chosen.append(run)
            old.take(run.old, run.old + run.length)
            new.take(run.new, run.new + run.length)
        else:
            for part in parts:
                heapq.heappush(queue, (-part.length, abs(part.shift), part))
    return sorted(chosen)


class _Taken:
    """Frames that are spoken for: disjoint intervals by start."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []

    def free(self, start: int, end: int) -> list[tuple[int, int]]:
        """What of [start, end) is not taken."""
        rows, at = [], start
        for i in range(bisect_right(self._ends, start), len(self._starts)):
            if self._starts[i] >= end:
                break
            if self._starts[i] > at:
                rows.append((at, self._starts[i]))
            at = self._ends[i]
        return [*rows, (at, end)] if at < end else rows

    def take(self, start: int, end: int) -> None:
        at = bisect_left(self._starts, start)
        self._starts.insert(at, start)
        self._ends.insert(at, end)


def _half_of_a_shot(match: Match, before: Sequence[Piece], after: Sequence[Piece]) -> bool:
    sides = ((before, match.old), (after, match.new))
    return any(
        2 * (min(p.end, start + match.length) - max(p.start, start)) >= p.length
        for rows, start in sides
        for p in _between(rows, start, start + match.length)
    )


def joined(rows: Iterable[Match]) -> list[Match]:
    """Neighbours that moved by the same amount become one, by new time."""
    result: list[Match] = []
    for match in sorted(rows):
        last = result[-1] if result else None
        if last and last.shift == match.shift and last.new + last.length == match.new:
            result[-1] = replace(last, length=last.length + match.length)
        else:
            result.append(match)
    return result


def _without_blends(rows: Sequence[Match], old: Picture, new: Picture) -> tuple[list[Match], list[Match]]:
    """The matches without the frames of a transition that the other cut does not have there, and those frames."""
    was, now = _blends(old), _blends(new)
    kept: list[Match] = []
    blended: list[Match] = []
    for run in joined(rows):
        parts = [run]
        for start, end in _unmatched(run, was, now):
            parts = [q for p in parts for q in _outside(p, start, end)]
        kept += parts
        edges = [run.new, *(t for p in parts for t in (p.new, p.new + p.length)), run.new + run.length]
        blended += [run.part(a - run.new, b - run.new) for a, b in zip(edges[::2], edges[1::2]) if b > a]
    return kept, blended


def _blends(picture: Picture) -> dict[tuple[int, int], str]:
    """Frames of each transition and its kind."""
    rows: dict[tuple[int, int], str] = {}
    for boundary in picture.boundaries:
        span = _frames(boundary, picture)
        if span:
            rows[span] = boundary.kind
    return rows


def _frames(boundary: Boundary, picture: Picture) -> tuple[int, int] | None:
    if boundary.span is None or not boundary.picture:
        return None
    start, end = (t * picture.rate for t in boundary.span)
    return start.__floor__(), end.__ceil__()


def _unmatched(run: Match, was: dict[tuple[int, int], str], now: dict[tuple[int, int], str]) -> list[tuple[int, int]]:
    """Transitions that touch a run and are not whole in both cuts, in frames of the new one."""
    end = run.new + run.length
    moved = {(a + run.shift, b + run.shift): kind for (a, b), kind in was.items()}
    touching = {s: k for s, k in moved.items() if s[0] < end and s[1] > run.new}
    fresh = {s: k for s, k in now.items() if s[0] < end and s[1] > run.new}
    whole = {s for s, k in touching.items() if fresh.get(s) == k and s[0] >= run.new and s[1] <= end}
    return [s for s in {*touching, *fresh} if s not in whole]


def _outside(match: Match, start: int, end: int) -> list[Match]:
    a, b = max(start - match.new, 0), min(end - match.new, match.length)
    if a >= b:
        return [match]
    return [match.part(x, y) for x, y in ((0, a), (b, match.length)) if y > x]
