"""A new grid of bars for a changed picture that keeps the old one over what did not change.

The beats that lie wholly over a span of unchanged picture keep their tempo and move as a block; between blocks the
bars are solved anew, so that the changed picture's hits are met and every block begins exactly where its picture does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from emsync_engine.score import TICKS_PER_QUARTER, Bar, Score, Tempo, TempoMap
from emsync_engine.spotting.tempo import Grid, solve, tempo_map_of

_ROOM_S = Fraction(9, 20)
"""Least seconds between the edge of a block and a hit beside it, and of a stretch between two blocks."""
_SAME_S = Fraction(1, 1000)
"""Times nearer than this are one time: a bar line meets its hit to a few microseconds."""


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
    blocks = _blocks(score, kept, hits, duration)
    bars: list[Bar] = []
    events: list[Tempo] = []
    placed: list[tuple[Block, int]] = []
    ticks: dict[Fraction, int] = {}
    tick, now = 0, Fraction(0)
    for block in [*blocks, None]:
        stop = duration if block is None else block.new_start
        if stop - now > _SAME_S:
            inner = [t for t in hits if now + _SAME_S < t < stop - _SAME_S]
            wish = _later(wanted_bpm, float(now))
            part = solve([t - now for t in inner], stop - now, wish, end_quantum=4 if block is None else 1)
            bars += [Bar(b.tick + tick, b.beats) for b in part.bars]
            events += [Tempo(e.tick + tick, e.us_per_quarter) for e in part.tempo_map.events]
            ticks |= {t: k + tick for t, k in zip(inner, part.hit_ticks)}
            tick += part.end_tick
        if block is None:
            break
        placed.append((block, tick))
        bars += _moved_bars(score, block, tick)
        events += _moved_tempos(block, tick)
        tick += block.end - block.start
        now = block.new_end
    tempo_map = tempo_map_of(events)
    hit_ticks = tuple(ticks[t] if t in ticks else tempo_map.tick(t) for t in hits)
    return Regrid(Grid(tuple(bars), tempo_map, hit_ticks, tick), tuple(placed))


def _later(wanted_bpm: Callable[[float], float], offset_s: float) -> Callable[[float], float]:
    """The wish as seen from ``offset_s``."""
    return lambda time_s: wanted_bpm(time_s + offset_s)


def _blocks(score: Score, kept: Sequence[Kept], hits: Sequence[Fraction], duration: Fraction) -> list[Block]:
    """The whole beats of each kept span, drawn in where a hit or the next block would be too close to an edge."""
    blocks: list[Block] = []
    for span in kept:
        block = _whole_beats(score, span, last=span.new_end == duration and span.old_end == score.duration)
        before = blocks[-1].new_end if blocks else Fraction(0)
        while block and not _has_room(block.new_start, before, hits, -1):
            block = _shortened(block, TICKS_PER_QUARTER, 0)
        while block and block.new_end < duration and not _has_room(block.new_end, duration, hits, 1):
            block = _shortened(block, 0, TICKS_PER_QUARTER)
        if block:
            blocks.append(block)
    return blocks


def _whole_beats(score: Score, span: Kept, *, last: bool) -> Block | None:
    quarter = TICKS_PER_QUARTER
    start = -(-score.tempo_map.tick(span.old_start) // quarter) * quarter
    end = score.end_tick if last else score.tempo_map.tick(span.old_end) // quarter * quarter
    return Block(start, end, span.shift, score.tempo_map) if end - start >= quarter else None


def _has_room(edge: Fraction, stop: Fraction, hits: Sequence[Fraction], side: int) -> bool:
    """Whether a beat fits between the edge and what comes next on that side: a hit, the other block or an end."""
    others = [t for t in (*hits, stop) if (t - edge) * side > _SAME_S]
    nearest = min((abs(t - edge) for t in others), default=_ROOM_S)
    return abs(stop - edge) <= _SAME_S or nearest >= _ROOM_S


def _shortened(block: Block, front: int, back: int) -> Block | None:
    start, end = block.start + front, (block.end - back) // TICKS_PER_QUARTER * TICKS_PER_QUARTER
    return Block(start, end, block.shift, block.tempo_map) if end - start >= TICKS_PER_QUARTER else None


def _moved_bars(score: Score, block: Block, at: int) -> list[Bar]:
    """The old bars of a block; the ones that its edges cut become shorter bars."""
    lines = [b.tick for b in score.bars if block.start < b.tick < block.end]
    edges = [block.start, *lines, block.end]
    quarter = TICKS_PER_QUARTER
    return [Bar(a - block.start + at, -(-(b - a) // quarter)) for a, b in pairwise(edges)]


def _moved_tempos(block: Block, at: int) -> list[Tempo]:
    inside = [e for e in block.tempo_map.events if block.start < e.tick < block.end]
    first = [e for e in block.tempo_map.events if e.tick <= block.start][-1]
    rows = [Tempo(block.start, first.us_per_quarter), *inside]
    return [Tempo(e.tick - block.start + at, e.us_per_quarter) for e in rows]
