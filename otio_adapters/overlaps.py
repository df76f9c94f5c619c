"""Which frames of single shots of two cuts show the same: shots of one material overlaid by their source time.

All in whole frames of the one rate that both cuts have here.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from emsync_engine.picture import Picture, Shot
from otio_adapters.identity import BLACK, Names, is_black, same_material

_HALF_FRAME = Fraction(1, 2)
_SAME_SPEED = Fraction(1, 200)
"""Speeds that differ by no more than this share of them were rounded by one system or the other."""
_ANOTHER_ZERO_S = 60
"""Least seconds between two ways of counting one medium: from its head, and by its timecode."""


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


def overlaps(before: Sequence[Piece], after: Sequence[Piece], old: Picture, new: Picture) -> set[Match]:
    """Every overlap of two shots that show the same, and of the black beside them."""
    found = set(_moving(before, after, old, new))
    return found | _beside_black(found, before, after)


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
    if abs(offset) < _ANOTHER_ZERO_S:
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
