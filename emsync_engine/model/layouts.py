"""Training sequences: segments in plain or infill layout, one after the other, until the context is full.

Plain:   BOS|CONT, bars and notes ..., [END]
Infill:  BOS|CONT, left bars, the hole's bars with the kept parts, right bars, SEP, the hole's bars with the
         missing parts, END. Every row has a role; loss counts fully on the left and on the answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from emsync_engine.model import conditions as cond
from emsync_engine.model import events as ev
from emsync_engine.model import windows
from emsync_engine.model.config import DataConfig
from emsync_engine.model.shards import Shard
from emsync_engine.model.windows import Window

PLAIN, KEPT, RIGHT, ANSWER = range(4)
"""Roles of rows; the left side of an infill is `PLAIN`."""
N_ROLES = 4

COL_ROLE, COL_RELBAR, COL_REMAIN, COL_LAST_PITCH, COL_LAST_DUR, COL_LAST_VEL = range(ev.N_COLUMNS, ev.N_COLUMNS + 6)
N_INPUTS = ev.N_COLUMNS + 6
"""Columns of a sequence: those of a row, role, bar relative to the hole, bars left in the answer, and the pitch,
duration and velocity of the last note of the same group."""
RELBAR_BEFORE, RELBAR_CLASSES = 8, 25
"""Bars relative to the hole are clipped to -8..15 and numbered from 1; 0 is a plain segment."""
REMAIN_CLASSES = 17
"""Bars of the hole still to open, 1..16 from 1 (= the last is open); 0 outside an answer."""
NO_PITCH, NO_DUR, NO_VEL = 128, ev.N_DURATIONS, ev.VELOCITY_BINS

LONGEST_HOLE = 8
_HOLE_STOP = 0.3
"""A hole ends after each bar with this chance (geometric length)."""
_ALL_PARTS = 0.4
_NO_RIGHT = 0.15
_SHORTEST_INFILL = 192
_ANSWER_SHARE = 0.6


@dataclass(frozen=True)
class Sequence:
    """Rows with their conditions and the weight of each row's loss (0 for rows that are not predicted)."""

    rows: NDArray[np.int16]
    """Shape (length, N_INPUTS)."""
    values: NDArray[np.float32]
    """Shape (length, conditions.N_COND)."""
    categories: NDArray[np.int16]
    """Shape (length, conditions.N_CATEGORIES)."""
    weight: NDArray[np.float32]
    """Shape (length,)."""

    def __len__(self) -> int:
        return len(self.rows)

    def cut(self, length: int) -> Sequence:
        """The first `length` rows."""
        return Sequence(self.rows[:length], self.values[:length], self.categories[:length], self.weight[:length])


def with_last(rows: NDArray[np.int16], order: NDArray[np.integer]) -> None:
    """Enter into each note row of `order` what the same group's previous note (in that order) was."""
    notes = order[rows[order, ev.COL_KIND] == ev.NOTE]
    for group in np.unique(rows[notes, ev.COL_GROUP]):
        own = notes[rows[notes, ev.COL_GROUP] == group]
        for last, column in ((COL_LAST_PITCH, ev.COL_PITCH), (COL_LAST_DUR, ev.COL_DUR), (COL_LAST_VEL, ev.COL_VEL)):
            rows[own[1:], last] = rows[own[:-1], column]


def _widen(rows: ev.Rows, role: int) -> NDArray[np.int16]:
    wide = np.zeros((len(rows), N_INPUTS), dtype=np.int16)
    wide[:, : ev.N_COLUMNS] = rows
    wide[:, COL_ROLE] = role
    wide[:, COL_LAST_PITCH], wide[:, COL_LAST_DUR], wide[:, COL_LAST_VEL] = NO_PITCH, NO_DUR, NO_VEL
    return wide


def _mark(kind: int, bar: int) -> tuple[ev.Rows, NDArray[np.int64]]:
    row = np.zeros((1, ev.N_COLUMNS), dtype=np.int16)
    row[0, ev.COL_KIND] = kind
    return row, np.array([bar])


def plain(window: Window, begins: bool, ends: bool) -> Sequence:
    """A window in plain layout; `begins`/`ends` say that it starts/stops where its piece does."""
    parts = [_mark(ev.BOS if begins else ev.CONT, 0), window.rows(0, window.n_bars)]
    if ends:
        parts.append(_mark(ev.END, window.n_bars - 1))
    rows = _widen(np.concatenate([part[0] for part in parts]), PLAIN)
    with_last(rows, np.arange(len(rows)))
    values, categories = cond.encode(
        window.guide, window.first + np.concatenate([part[1] for part in parts]), rows[:, ev.COL_POS]
    )
    weight = np.ones(len(rows), dtype=np.float32)
    weight[0] = 0.0
    return Sequence(rows, values, categories, weight)


@dataclass(frozen=True)
class Hole:
    """What is to be written: bars [start, stop) of a window, the groups of `parts`; context bars [left, right)."""

    left: int
    start: int
    stop: int
    right: int
    parts: NDArray[np.bool_]


def infill(window: Window, hole: Hole, context_weight: float) -> Sequence:
    """A window in infill layout. Context is all of bars [left, right) but the hole's own parts."""
    n_piece = len(window.guide.bar_seconds)
    opening = ev.BOS if window.first + hole.left == 0 else ev.CONT
    blocks = [
        (_mark(opening, hole.left), PLAIN),
        (window.rows(hole.left, hole.start), PLAIN),
        (window.rows(hole.start, hole.stop, ~hole.parts), KEPT),
        (window.rows(hole.stop, hole.right), RIGHT),
    ]
    if window.first + hole.right == n_piece and hole.right > hole.stop:
        blocks.append((_mark(ev.END, hole.right - 1), RIGHT))
    answer = [_mark(ev.SEP, hole.start), window.rows(hole.start, hole.stop, hole.parts), _mark(ev.END, hole.stop - 1)]
    blocks += [(part, ANSWER) for part in answer]
    rows = np.concatenate([_widen(part[0], role) for part, role in blocks])
    bars = np.concatenate([part[1] for part, _ in blocks])
    role, kind = rows[:, COL_ROLE], rows[:, ev.COL_KIND]
    rows[:, COL_RELBAR] = relative_bar(bars - hole.start)
    rows[:, COL_REMAIN] = np.where(role == ANSWER, np.clip(hole.stop - bars, 1, REMAIN_CLASSES - 1), 0)
    context = np.flatnonzero(role != ANSWER)
    with_last(rows, context)
    with_last(rows, np.flatnonzero((role == PLAIN) | (role == ANSWER)))
    values, categories = cond.encode(window.guide, window.first + bars, rows[:, ev.COL_POS])
    told = bool(window.guide.known[cond.CHANNELS.index("instruments")])
    values[role == ANSWER, cond.SLICES["instruments"]] = hole.parts if told else 0.0
    weight = np.where((role == KEPT) | (role == RIGHT), context_weight, 1.0).astype(np.float32)
    weight[0] = 0.0
    weight[kind == ev.SEP] = 0.0
    return Sequence(rows, values, categories, weight)


def relative_bar(offset: NDArray[np.integer]) -> NDArray[np.int64]:
    """Class of a bar `offset` bars after the hole's first."""
    return np.clip(np.asarray(offset, dtype=np.int64) + RELBAR_BEFORE, 0, RELBAR_CLASSES - 2) + 1


def plan_hole(rng: np.random.Generator, window: Window, start: int, budget: int) -> Hole | None:
    """Choose a hole at bar `start` of the window, its parts, and as much context as fits `budget` rows."""
    counts = np.zeros((window.n_bars, ev.N_GROUPS), dtype=np.int64)
    np.add.at(counts, (window.bar, window.group), 1)
    length = min(int(rng.geometric(_HOLE_STOP)), LONGEST_HOLE, window.n_bars - start)
    present = counts[max(start - 4, 0) : start + length + 4].sum(axis=0) > 0
    parts = present & (rng.random(ev.N_GROUPS) < 0.5)
    if rng.random() < _ALL_PARTS or not parts.any():
        parts = np.ones(ev.N_GROUPS, dtype=bool)
    no_right, share = rng.random() < _NO_RIGHT, rng.uniform(0.3, 0.9)
    while length:
        inside = counts[start : start + length]
        answer = int(inside[:, parts].sum()) + length + 2
        kept = int(inside[:, ~parts].sum()) + length + 2
        if answer <= _ANSWER_SHARE * budget and answer + kept <= budget:
            break
        length -= 1
    if not length:
        return None
    spare = budget - answer - kept
    rows = counts.sum(axis=1) + 1
    before = np.cumsum(rows[:start][::-1])
    after = np.cumsum(rows[start + length :])
    right = 0 if no_right else int(np.searchsorted(after, spare * (1 - share), side="right"))
    spare -= int(after[right - 1]) if right else 0
    left = int(np.searchsorted(before, spare, side="right"))
    return Hole(start - left, start, start + length, start + length + right, parts)


@dataclass(frozen=True)
class Sampler:
    """Draws training sequences; sequence `index` of a run is a function of (seed, index) alone."""

    shards: Mapping[str, Shard]
    config: DataConfig
    length: int
    """Rows of a sequence, one more than the network's context."""
    seed: int

    def sequence(self, index: int) -> Sequence:
        """Training sequence number `index`, padded with weight 0."""
        rng = np.random.Generator(np.random.Philox(key=self.seed, counter=[0, 0, 0, index]))
        parts: list[Sequence] = []
        room = self.length
        while room >= 32:
            part = self._segment(rng, room)
            parts.append(part.cut(room))
            room -= len(parts[-1])
        return join(parts, self.length)

    def _segment(self, rng: np.random.Generator, room: int) -> Sequence:
        shard = self._source(rng)
        bar = int(rng.integers(len(shard.bar_note) - 1))
        piece = int(np.searchsorted(shard.piece_bar, bar, side="right")) - 1
        at = bar - int(shard.piece_bar[piece])
        if room >= _SHORTEST_INFILL and rng.random() < self.config.infill_share:
            sequence = self._infill(rng, shard, piece, at, room)
            if sequence is not None:
                return sequence
        return self._plain(rng, shard, piece, 0 if rng.random() < self.config.start_share else at, room)

    def _source(self, rng: np.random.Generator) -> Shard:
        names = sorted(self.shards)
        share = np.cumsum([self.config.mixture.get(name, 0.05) for name in names])
        return self.shards[names[int(np.searchsorted(share, rng.random() * share[-1], side="right"))]]

    def _window(self, rng: np.random.Generator, shard: Shard, piece: int, first: int, stop: int) -> Window:
        """Bars of a piece with every random variation applied."""
        window = windows.extract(shard, piece, first, stop, self.config)
        hits = slice(int(shard.piece_boundary[piece]), int(shard.piece_boundary[piece + 1]))
        kinds = shard.columns["boundary_kind"][hits]
        guide = replace(
            window.guide,
            boundaries=windows.thin_boundaries(rng, window.guide, kinds, first, stop, self.config.strike_share),
            known=windows.drop_channels(rng, self.config),
        )
        window = windows.vary(rng, replace(window, guide=guide), self.config)
        drummer = self.shards.get("groove")
        if drummer is not None and shard.source == "mma" and rng.random() < self.config.groove_swap:
            window = windows.swap_drums(rng, window, drummer)
        if rng.random() < self.config.piece_instruments:
            window = replace(window, guide=replace(window.guide, instruments=windows.groups_of(shard, piece)))
        if rng.random() < self.config.thin_share:
            window = windows.thin_parts(rng, window)
        return window

    def _plain(self, rng: np.random.Generator, shard: Shard, piece: int, at: int, room: int) -> Sequence:
        base, n_bars = int(shard.piece_bar[piece]), int(shard.piece_bar[piece + 1] - shard.piece_bar[piece])
        stop = _bars_within(shard, base + at, base + n_bars, room) - base
        window = self._window(rng, shard, piece, at, stop)
        return plain(window, begins=at == 0, ends=stop == n_bars)

    def _infill(self, rng: np.random.Generator, shard: Shard, piece: int, at: int, room: int) -> Sequence | None:
        base, end = int(shard.piece_bar[piece]), int(shard.piece_bar[piece + 1])
        stop = _bars_within(shard, base + at, end, room) - base
        first = _bars_before(shard, base, base + at, room) - base
        window = self._window(rng, shard, piece, first, stop)
        hole = plan_hole(rng, window, at - first, room)
        return None if hole is None else infill(window, hole, self.config.context_weight)


def _bars_within(shard: Shard, first: int, end: int, rows: int) -> int:
    """First bar (not before first + 1) that lies wholly beyond `rows` rows from bar `first`, at most `end`."""
    cost = shard.bar_note[first : end + 1] - shard.bar_note[first] + np.arange(end - first + 1)
    return first + max(1, min(int(np.searchsorted(cost, rows, side="left")), end - first))


def _bars_before(shard: Shard, begin: int, at: int, rows: int) -> int:
    """First bar from which bars up to `at` cost at most `rows` rows."""
    cost = shard.bar_note[at] - shard.bar_note[begin : at + 1] + (at - begin - np.arange(at - begin + 1))
    return begin + int((cost > rows).sum())


def join(parts: list[Sequence], length: int) -> Sequence:
    """Sequences one after the other, padded to `length` rows."""
    used = sum(len(part) for part in parts)
    pad = _widen(np.zeros((length - used, ev.N_COLUMNS), dtype=np.int16), PLAIN)
    pad[:, ev.COL_KIND] = ev.PAD_ROW
    categories = np.tile(np.array(cond.CATEGORY_SIZES, dtype=np.int16) - 1, (length - used, 1))
    return Sequence(
        rows=np.concatenate([*(part.rows for part in parts), pad]),
        values=np.concatenate(
            [*(part.values for part in parts), np.zeros((length - used, cond.N_COND), dtype=np.float32)]
        ),
        categories=np.concatenate([*(part.categories for part in parts), categories]),
        weight=np.concatenate([*(part.weight for part in parts), np.zeros(length - used, dtype=np.float32)]),
    )
