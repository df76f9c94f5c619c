"""A new grid of bars for a changed picture that keeps the old one over what did not change.

The beats that lie wholly over a span of unchanged picture keep their tempo and move as a block; between blocks the
bars are solved anew, so that the changed picture's hits are met and every block begins exactly where its picture does.
Where two blocks are joined in the middle of a beat, a few beats beside the join give way too, so that the rest of a
beat is spread over them instead of making one beat absurdly fast or slow.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise, product
from typing import NamedTuple

from emsync_engine.score import TICKS_PER_QUARTER, Bar, Score, Tempo, TempoMap
from emsync_engine.spotting.tempo import BEATS_PER_BAR, MAX_BPM, MIN_BPM, Grid, bar_lengths, solve, tempo_map_of

_SAME_S = Fraction(1, 1000)
"""Times nearer than this are one time: a bar line meets its hit to a few microseconds."""
_CORRECTED_S = Fraction(1, 20_000)
"""A block that would begin later or earlier than its picture by more than this is put right by the beat before it."""
_MOST_LOOSE = 8
"""Beats of a block, at each end, that may be given up for a better join."""
_LOOSE_COST = 4.0
"""Of a beat given up: its notes stay where they sound, but the beats of the join do not fall on them."""
_CUT_BAR_COST = 0.5
_UNFIT_COST = 10_000.0
"""Of a span that no number of beats fits at a playable tempo."""
_DEVIATION_UNIT = 0.025  # a tempo this far (log) from the wanted one costs 1, as in ``tempo``
_DRIFT = 0.02
"""Most that the wanted tempo of a join leaves a neighbour's tempo, in log units a second from it."""


@dataclass(frozen=True)
class Kept:
    """A span of unchanged picture: [old_start, old_start + length) is now at new_start. Seconds from the head."""

    old_start: Fraction
    new_start: Fraction
    length: Fraction

    @property
    def old_end(self) -> Fraction:
        return self.old_start + self.length

    @property
    def new_end(self) -> Fraction:
        return self.new_start + self.length

    @property
    def shift(self) -> Fraction:
        return self.new_start - self.old_start


@dataclass(frozen=True)
class Block:
    """Whole beats of the old grid, ticks [start, end), that keep their tempo and move by ``shift`` seconds."""

    start: int
    end: int
    shift: Fraction
    tempo_map: TempoMap

    @property
    def new_start(self) -> Fraction:
        return self.tempo_map.seconds(self.start) + self.shift

    @property
    def new_end(self) -> Fraction:
        return self.tempo_map.seconds(self.end) + self.shift

    @property
    def beats(self) -> int:
        return (self.end - self.start) // TICKS_PER_QUARTER

    def shortened(self, front: int, back: int) -> Block:
        """Without so many beats at its ends."""
        quarter = TICKS_PER_QUARTER
        end = self.end if not back else -(-self.end // quarter) * quarter - back * quarter
        return replace(self, start=self.start + front * quarter, end=end)


@dataclass(frozen=True)
class Regrid:
    """The new grid, and where each block lies in it."""

    grid: Grid
    """``hit_ticks`` are those of the hit times asked for, in their order."""
    blocks: tuple[tuple[Block, int], ...]
    """(block, its first tick in the new grid)."""


def regrid(
    score: Score,
    kept: Sequence[Kept],
    hits: Sequence[Fraction],
    duration: Fraction,
    wanted_bpm: Callable[[float], float],
) -> Regrid:
    """Bars and tempos for the new picture.

    Args:
        score: the score of the old picture.
        kept: spans of unchanged picture, by new time, not overlapping.
        hits: hit times of the new picture, rising; those over unchanged picture are the old ones, moved.
        duration: of the new picture, seconds.
        wanted_bpm: the tempo one would like where bars are new, at a time of the new picture.
    """
    blocks = [b for span in kept for b in _blocks_of(score, span, hits, duration)]
    blocks = _fitted(blocks, score, hits, duration, wanted_bpm)
    runs_out = bool(kept) and kept[-1].new_end == duration and bool(blocks) and blocks[-1].shift == kept[-1].shift
    laid = _Laid()
    for block in blocks:
        laid.stretch(hits, block.new_start, wanted_bpm, blocks)
        laid.block(block, score)
    if runs_out:
        laid.run_out(hits, duration)
    laid.stretch(hits, duration, wanted_bpm, blocks, last=True)
    tempo_map = tempo_map_of(laid.tempos)
    ticks = laid.hit_ticks
    hit_ticks = tuple(ticks[t] if t in ticks else tempo_map.tick(t) for t in hits)
    bars = _mended(laid.bars, laid.seams, set(hit_ticks))
    return Regrid(Grid(tuple(bars), tempo_map, hit_ticks, laid.tick), tuple(laid.placed))


# --- blocks --------------------------------------------------------------------------------------------------


def _blocks_of(score: Score, span: Kept, hits: Sequence[Fraction], duration: Fraction) -> Iterator[Block]:
    """The whole beats of a kept span; in pieces where a hit is wanted that the old score does not have."""
    quarter = TICKS_PER_QUARTER
    whole = span.new_end == duration and span.old_end == score.duration
    last = score.end_tick if whole else score.tempo_map.tick(span.old_end)
    edges = [score.tempo_map.tick(span.old_start), *_strange_hits(score, span, hits), last]
    for a, b in pairwise(edges):
        start, end = -(-a // quarter) * quarter, b if whole and b == last else b // quarter * quarter
        if end - start >= quarter:
            yield Block(start, end, span.shift, score.tempo_map)


def _strange_hits(score: Score, span: Kept, hits: Sequence[Fraction]) -> list[int]:
    """Old ticks of hits inside a span that are no beats of the old score."""
    inside = hits[bisect_right(hits, span.new_start + _SAME_S) : bisect_left(hits, span.new_end - _SAME_S)]
    ticks = [(time - span.shift, score.tempo_map.tick(time - span.shift)) for time in inside]
    quarter = TICKS_PER_QUARTER
    return [
        tick for time, tick in ticks if abs(score.tempo_map.seconds(round(tick / quarter) * quarter) - time) > _SAME_S
    ]


def _fitted(
    blocks: Sequence[Block],
    score: Score,
    hits: Sequence[Fraction],
    duration: Fraction,
    wanted_bpm: Callable[[float], float],
) -> list[Block]:
    """The blocks with as many beats given up at each end as make the joins between them good."""
    joins = _Joins(score, hits, duration, wanted_bpm)
    result = list(blocks)
    while result:
        heads = joins.heads(result)
        gains = [_gain(i, result, heads, joins) for i in range(len(result))]
        worst = max(range(len(result)), key=lambda i: (gains[i], -result[i].beats))
        if gains[worst] <= 0:
            break
        result.pop(worst)
    heads = joins.heads(result)
    rows = [*result, None]
    return [b.shortened(heads[i], joins.best(b, heads[i], rows[i + 1]).tail) for i, b in enumerate(result)]


def _gain(i: int, blocks: Sequence[Block], heads: Sequence[int], joins: _Joins) -> float:
    """What giving up a block saves: what its joins cost beyond one past it and its own beats."""
    before, after = blocks[i - 1] if i else None, blocks[i + 1] if i + 1 < len(blocks) else None
    used = heads[i - 1] if i else 0
    now = joins.best(before, used, blocks[i]).cost + joins.best(blocks[i], heads[i], after).cost
    then = joins.best(before, used, after).cost + blocks[i].beats * _LOOSE_COST
    return now - then


class _Join(NamedTuple):
    """The best way to join two blocks: its cost, and beats to give up at the end of the first and the start of the
    second one."""

    cost: float
    tail: int
    head: int


class _Joins:
    """How to join two blocks, or one with an end of the picture."""

    def __init__(
        self, score: Score, hits: Sequence[Fraction], duration: Fraction, wanted_bpm: Callable[[float], float]
    ) -> None:
        self._hits, self._duration, self._wanted = hits, duration, wanted_bpm
        self._lines = {b.tick for b in score.bars}
        self._known: dict[tuple[object, ...], _Join] = {}

    def heads(self, blocks: Sequence[Block]) -> list[int]:
        """Beats that each block gives up at its start, chosen from left to right."""
        heads: list[int] = []
        for a, b in pairwise([None, *blocks]):
            assert b is not None
            heads.append(self.best(a, heads[-1] if heads else 0, b).head)
        return heads

    def best(self, a: Block | None, used: int, b: Block | None) -> _Join:
        """The best join of two blocks, the first of which has given up some beats."""
        key = (*((x.start, x.shift) if x else None for x in (a, b)), used)
        if key not in self._known:
            self._known[key] = self._best(a, used, b)
        return self._known[key]

    def _best(self, a: Block | None, used: int, b: Block | None) -> _Join:
        start, stop = a.new_end if a else Fraction(0), b.new_start if b else self._duration
        wish = _between(self._wanted, a, b)
        inside = [t for t in self._hits if start + _SAME_S < t < stop - _SAME_S]
        tails = self._edges(a, a.beats - 1 - used, at_end=True) if a else [(0, start, 0.0)]
        heads = self._edges(b, (b.beats - 1) // 2, at_end=False) if b else [(0, stop, 0.0)]
        quantum = 1 if b else 4

        def cost(left: Fraction, right: Fraction, steps: int) -> float:
            return _span_cost(right - left, wish(float(left + right) / 2), steps)

        if not inside:
            return min(_Join(x + y + cost(t, u, quantum), i, j) for (i, t, x), (j, u, y) in product(tails, heads))
        inner = sum(cost(t, u, 1) for t, u in pairwise(inside))
        first = min((x + cost(t, inside[0], 1), i) for i, t, x in tails)
        last = min((y + cost(inside[-1], u, quantum), j) for j, u, y in heads)
        return _Join(first[0] + inner + last[0], first[1], last[1])

    def _edges(self, block: Block, most: int, *, at_end: bool) -> list[tuple[int, Fraction, float]]:
        """(beats given up, time of the edge that is left, cost) of one end of a block. No hit is given up."""
        rows: list[tuple[int, Fraction, float]] = []
        slack = _SAME_S if at_end else -_SAME_S
        for count in range(min(_MOST_LOOSE, max(most, 0)) + 1):
            left = block.shortened(0, count) if at_end else block.shortened(count, 0)
            edge, time = (left.end, left.new_end) if at_end else (left.start, left.new_start)
            low, high = sorted((time, block.new_end if at_end else block.new_start))
            if count and _any_between(self._hits, low + slack, high + slack):
                break
            rows.append((count, time, count * _LOOSE_COST + (0.0 if edge in self._lines else _CUT_BAR_COST)))
        return rows


def _any_between(hits: Sequence[Fraction], start: Fraction, end: Fraction) -> bool:
    return bisect_right(hits, end) > bisect_left(hits, start)


def _span_cost(length: Fraction, wanted_bpm: float, quantum: int) -> float:
    """Of the best number of beats (in steps of 1/quantum) for a span; none for no span, a great one where none fits."""
    if abs(length) <= _SAME_S:
        return 0.0
    span = float(length)
    ideal = span * wanted_bpm / 60 * quantum
    near = [n for n in (math.floor(ideal), math.ceil(ideal)) if n > 0]
    tempos = [n / quantum * 60 / span for n in near] if span > 0 else []
    fitting = [bpm for bpm in tempos if MIN_BPM <= bpm <= MAX_BPM]
    return min(((math.log(bpm / wanted_bpm) / _DEVIATION_UNIT) ** 2 for bpm in fitting), default=_UNFIT_COST)


def _between(wanted_bpm: Callable[[float], float], a: Block | None, b: Block | None) -> Callable[[float], float]:
    """The wanted tempo, drawn towards those of the blocks on either side."""
    left = (float(a.new_end), math.log(a.tempo_map.bpm_at(a.end - 1))) if a else None
    right = (float(b.new_start), math.log(b.tempo_map.bpm_at(b.start))) if b else None
    sides = [side for side in (left, right) if side]

    def wish(time_s: float) -> float:
        value = math.log(wanted_bpm(time_s))
        low = max((tempo - _DRIFT * abs(time_s - at) for at, tempo in sides), default=value)
        high = min((tempo + _DRIFT * abs(time_s - at) for at, tempo in sides), default=value)
        return math.exp((low + high) / 2 if low > high else min(max(value, low), high))

    return wish


# --- laying bars ---------------------------------------------------------------------------------------------


class _Laid:
    """Bars and tempos as they are laid from left to right."""

    def __init__(self) -> None:
        self.bars: list[Bar] = []
        self.tempos: list[Tempo] = []
        self.placed: list[tuple[Block, int]] = []
        self.hit_ticks: dict[Fraction, int] = {}
        self.seams: set[int] = set()
        """Bar lines that are there only because a block begins or ends."""
        self.tick = 0
        self.now = Fraction(0)
        """Exact seconds at ``tick``."""

    def stretch(
        self,
        hits: Sequence[Fraction],
        stop: Fraction,
        wanted_bpm: Callable[[float], float],
        blocks: Sequence[Block],
        *,
        last: bool = False,
    ) -> None:
        """New bars up to a time."""
        start = self.now
        if stop - start <= _SAME_S:
            self._correct(stop)
            return
        inside = [t for t in hits if start + _SAME_S < t < stop - _SAME_S]
        after = None if last else blocks[len(self.placed)]
        wish = _between(wanted_bpm, self.placed[-1][0] if self.placed else None, after)
        part = solve(
            [t - start for t in inside],
            stop - start,
            lambda time_s: wish(time_s + float(start)),
            end_quantum=4 if last else 1,
        )
        self.bars += [Bar(b.tick + self.tick, b.beats) for b in part.bars]
        self.tempos += [Tempo(e.tick + self.tick, e.us_per_quarter) for e in part.tempo_map.events]
        self.hit_ticks |= {t: k + self.tick for t, k in zip(inside, part.hit_ticks)}
        self.tick += part.end_tick
        self.now += part.tempo_map.seconds(part.end_tick)

    def _correct(self, stop: Fraction) -> None:
        """Let the last beat end at a time less than a millisecond from where it does."""
        if not self.tempos or abs(stop - self.now) <= _CORRECTED_S:
            return
        last = self.tempos[-1]
        at = max(last.tick, self.tick - TICKS_PER_QUARTER)
        change = round((stop - self.now) * 1_000_000 * TICKS_PER_QUARTER / (self.tick - at))
        self.tempos[:] = [e for e in self.tempos if e.tick < at]
        self.tempos.append(Tempo(at, last.us_per_quarter + change))
        self.now += Fraction(change * (self.tick - at), TICKS_PER_QUARTER * 1_000_000)

    def block(self, block: Block, score: Score) -> None:
        """The bars and tempos of a block; bars that its edges cut become shorter bars."""
        lines = [b.tick for b in score.bars[_first_bar(score, block.start) :] if block.start < b.tick < block.end]
        edges = [block.start, *lines, block.end]
        by = self.tick - block.start
        self.bars += [Bar(a + by, -(-(b - a) // TICKS_PER_QUARTER)) for a, b in pairwise(edges)]
        known = {b.tick for b in score.bars}
        self.seams |= {edge + by for edge in (block.start, block.end) if edge not in known}
        events = block.tempo_map.events
        first = [e for e in events if e.tick <= block.start][-1]
        rows = [Tempo(block.start, first.us_per_quarter), *(e for e in events if block.start < e.tick < block.end)]
        self.tempos += [Tempo(e.tick + by, e.us_per_quarter) for e in rows]
        self.placed.append((block, self.tick))
        self.tick += block.end - block.start
        self.now += block.new_end - block.new_start

    def run_out(self, hits: Sequence[Fraction], stop: Fraction) -> None:
        """The last block's music goes on at its tempo to the end of the picture, which may come inside a beat."""
        block = self.placed[-1][0]
        end = block.tempo_map.tick(stop - block.shift)
        if end <= block.end or any(t > self.now + _SAME_S for t in hits):
            return
        events = [e.tick for e in block.tempo_map.events if block.end < e.tick < end]
        for a, b in pairwise([block.end, *events, end]):
            target = stop if b == end else block.tempo_map.seconds(b) + block.shift
            us = round((target - self.now) * 1_000_000 * TICKS_PER_QUARTER / (b - a))
            self.tempos.append(Tempo(self.tick, us))
            self.tick += b - a
            self.now += Fraction(us * (b - a), TICKS_PER_QUARTER * 1_000_000)
        start = self.tick - (end - block.end)
        self.seams.add(start)
        for beats in bar_lengths(-(-(end - block.end) // TICKS_PER_QUARTER)):
            self.bars.append(Bar(start, beats))
            start = self.bars[-1].end


def _first_bar(score: Score, tick: int) -> int:
    return max(bisect_right(score.bars, tick, key=lambda b: b.tick) - 1, 0)


def _mended(bars: Sequence[Bar], seams: set[int], hit_ticks: set[int]) -> list[Bar]:
    """Two short bars that meet at a seam become one where that is no longer than a bar should be."""
    result: list[Bar] = []
    for bar in bars:
        last = result[-1] if result else None
        if last and bar.tick in seams and bar.tick not in hit_ticks and last.beats + bar.beats <= BEATS_PER_BAR:
            result[-1] = Bar(last.tick, last.beats + bar.beats)
        else:
            result.append(bar)
    return result
