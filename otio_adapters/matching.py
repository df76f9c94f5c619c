"""Which frames of two cuts show the same: shots overlaid by source time, runs of them moved as one.

All in whole frames of the one rate that both cuts have here.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from emsync_engine.picture import Boundary, Picture, Shot
from otio_adapters.identity import BLACK, Names, is_black, same_material

_NOISE_S = Fraction(1, 2)
"""A match shorter than this, and than half of both its shots, is two handles that happen to overlap."""
_HALF_FRAME = Fraction(1, 2)
_SAME_SPEED = Fraction(1, 200)
"""Speeds that differ by no more than this share of them were rounded by one system or the other."""


@dataclass(frozen=True, order=True)
class Match:
    """Frames [old, old + length) of one cut are frames [new, new + length) of the other."""

    new: int
    old: int
    length: int

    @property
    def shift(self) -> int:
        return self.new - self.old

    def part(self, start: int, end: int) -> Match:
        """Frames [start, end) counted from its own head."""
        return Match(self.new + start, self.old + start, end - start)


@dataclass(frozen=True)
class Piece:
    """A shot or a gap on the frame grid."""

    start: int
    end: int
    shot: Shot
    still: bool
    """It shows the same at every moment."""
    black: bool = False

    @property
    def length(self) -> int:
        return self.end - self.start


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
    found = set(_moving(before, after, old, new))
    found |= _beside_black(found, before, after)
    runs = [run for run in _runs(found) if not _all_black(run, before)]
    taken = _longest_first(runs)
    least = max(1, round(_NOISE_S * new.rate))
    taken = [m for m in taken if m.length >= least or _half_of_a_shot(m, before, after)]
    kept, blended = _without_blends(taken, old, new)
    return Alignment(tuple(joined(kept)), tuple(joined(blended)))


def pieces(picture: Picture) -> list[Piece]:
    """The shots in order, gaps between them as black."""
    rows: list[Piece] = []
    at, end = 0, picture.frame_at(picture.duration)
    for shot in sorted(picture.shots, key=lambda s: s.start):
        first, last = picture.frame_at(shot.start), picture.frame_at(shot.end)
        if first > at:
            rows.append(_gap(at, first, picture))
        if last > first:
            black = is_black(shot)
            rows.append(Piece(first, last, shot, black or shot.still or not shot.speed, black))
        at = max(at, last)
    if at < end:
        rows.append(_gap(at, end, picture))
    return rows


def _gap(start: int, end: int, picture: Picture) -> Piece:
    shot = Shot(start / picture.rate, end / picture.rate, BLACK, "", Fraction(0), still=True)
    return Piece(start, end, shot, still=True, black=True)


# --- single shots --------------------------------------------------------------------------------------------


def _moving(before: Sequence[Piece], after: Sequence[Piece], old: Picture, new: Picture) -> Iterator[Match]:
    """Every overlap of two shots of the same material."""
    shown = [p.shot for p in before if not p.black], [p.shot for p in after if not p.black]
    names, same = Names(shown), same_material(*shown)
    there: defaultdict[str, tuple[list[Piece], list[Piece]]] = defaultdict(lambda: ([], []))
    for side, rows in enumerate((before, after)):
        for piece in rows:
            for key in () if piece.black else names.keys(piece.shot):
                there[key][side].append(piece)
    for olds, news in there.values():
        if olds and news:
            yield from _overlaps(olds, news, same, new.rate)
            if _recounted(old, new, olds, news):
                yield from _overlaps(_counted_anew(olds, news), news, same, new.rate)


def _overlaps(
    olds: Sequence[Piece], news: Sequence[Piece], same: Callable[[Shot, Shot], bool], rate: Fraction
) -> Iterator[Match]:
    for a, b in _meeting(olds, news):
        if same(a.shot, b.shot):
            yield from _aligned(a, b, rate)


def _meeting(olds: Sequence[Piece], news: Sequence[Piece]) -> Iterator[tuple[Piece, Piece]]:
    """Pairs whose media seconds overlap, by a sweep over both; stills meet whatever their time."""
    yield from ((a, b) for a in olds if a.still for b in news if b.still)
    events = [(*media_span(p), 0, i) for i, p in enumerate(olds) if not p.still]
    events += [(*media_span(p), 1, i) for i, p in enumerate(news) if not p.still]
    open_ones: tuple[list[tuple[Fraction, int]], list[tuple[Fraction, int]]] = ([], [])
    for low, high, side, i in sorted(events):
        others = open_ones[1 - side]
        while others and others[0][0] <= low:
            heapq.heappop(others)
        for _, k in others:
            yield (olds[i], news[k]) if side == 0 else (olds[k], news[i])
        heapq.heappush(open_ones[side], (high, i))


def media_span(piece: Piece) -> tuple[Fraction, Fraction]:
    """Media seconds a shot shows, from the lower to the higher."""
    start, other = piece.shot.media_start, piece.shot.media_start + piece.shot.speed * piece.shot.duration
    return min(start, other), max(start, other)


def _aligned(a: Piece, b: Piece, rate: Fraction) -> Iterator[Match]:
    """The part of two shots that shows the same seconds of the media; of stills as much as both have, at either end."""
    if a.still and b.still:
        if not a.shot.speed and abs(a.shot.media_start - b.shot.media_start) * rate > _HALF_FRAME:
            return  # frozen at another frame
        length = min(a.length, b.length)
        yield Match(b.start, a.start, length)
        yield Match(b.end - length, a.end - length, length)
        return
    later = round((b.shot.media_start - a.shot.media_start) / a.shot.speed * rate)
    first_old, first_new = a.start + max(later, 0), b.start + max(-later, 0)
    length = min(a.end - first_old, b.end - first_new)
    if length > 0 and _same_speed(a.shot.speed, b.shot.speed, length):
        yield Match(first_new, first_old, length)


def _same_speed(one: Fraction, other: Fraction, frames: int) -> bool:
    apart, least = abs(one - other), min(abs(one), abs(other))
    return one == other or (apart <= _SAME_SPEED * least and apart * frames <= _HALF_FRAME * least)


def _recounted(old: Picture, new: Picture, olds: Sequence[Piece], news: Sequence[Piece]) -> bool:
    """Whether the media's seconds may be counted from another zero: the file was found only now, or no longer, or
    another system wrote the timeline."""
    elsewhere = old.source.rpartition(".")[2].lower() != new.source.rpartition(".")[2].lower()
    return elsewhere or {p.shot.online for p in olds} != {p.shot.online for p in news}


def _counted_anew(olds: Sequence[Piece], news: Sequence[Piece]) -> list[Piece]:
    """The old shots with their media seconds counted as the new cut counts them: by the commonest offset between
    shots of one length, when it lies far outside what the shots show."""
    lengths: defaultdict[int, list[Fraction]] = defaultdict(list)
    for piece in news:
        lengths[piece.length].append(piece.shot.media_start)
    votes: defaultdict[Fraction, int] = defaultdict(int)
    for piece in olds:
        for start in lengths[piece.length]:
            votes[start - piece.shot.media_start] += 1
    if not votes:
        return []
    offset = max(votes, key=lambda o: (votes[o], -abs(o)))
    if abs(offset) < 60:
        return []
    return [replace(p, shot=replace(p.shot, media_start=p.shot.media_start + offset)) for p in olds]


def _beside_black(found: Iterable[Match], before: Sequence[Piece], after: Sequence[Piece]) -> set[Match]:
    """Black belongs to what it follows or leads to: it is the same where a neighbour is, with the neighbour's move."""
    old_from, new_from = ({p.start: p for p in rows if p.black} for rows in (before, after))
    old_to, new_to = ({p.end: p for p in rows if p.black} for rows in (before, after))
    result: set[Match] = set()
    for match in found:
        a, b = old_from.get(match.old + match.length), new_from.get(match.new + match.length)
        if a and b:
            result.add(Match(b.start, a.start, min(a.length, b.length)))
        a, b = old_to.get(match.old), new_to.get(match.new)
        if a and b:
            length = min(a.length, b.length)
            result.add(Match(b.end - length, a.end - length, length))
    if all(p.black for p in (*before, *after)) and before and after:
        result.add(Match(0, 0, min(before[-1].end, after[-1].end)))
    return result


# --- runs ----------------------------------------------------------------------------------------------------


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


def _longest_first(runs: Iterable[Match]) -> list[Match]:
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


# --- transitions ---------------------------------------------------------------------------------------------


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
