"""Windows of pieces, as training sees them: a run of bars, transposed and varied, with its guide.

Every random choice comes from the generator that is passed in, so a window is a function of its seed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emsync_engine.model import conditions as cond
from emsync_engine.model import events as ev
from emsync_engine.model import harmony
from emsync_engine.model.config import DataConfig
from emsync_engine.model.labels import ACCENT, LONG_CHORD, SECTION, STRIKE
from emsync_engine.model.shards import Shard

_DETAIL = ("density", "chord", "key")
_BOUNDARY_STYLES: tuple[tuple[float, tuple[int, ...]], ...] = (
    # share of the segments that are not drawn from strikes, kinds of boundary it draws from
    (0.30, (LONG_CHORD,)),
    (0.30, (SECTION, ACCENT)),
    (0.40, (LONG_CHORD, SECTION, ACCENT)),
)
_SHORTEST_GAP_S, _LONGEST_GAP_S = 1.5, 9.0


@dataclass(frozen=True)
class Window:
    """Bars `first` .. of a piece: note columns by bar, and the whole piece's guide (so places are the piece's)."""

    first: int
    """Index in the piece of the window's first bar."""
    n_bars: int
    bar: NDArray[np.int64]
    """Bar of each note, counted from the window's first."""
    pos: NDArray[np.int64]
    group: NDArray[np.int64]
    pitch: NDArray[np.int64]
    dur: NDArray[np.int64]
    vel: NDArray[np.int64]
    """MIDI velocity."""
    guide: cond.Guide

    @property
    def notes_per_bar(self) -> NDArray[np.int64]:
        return np.bincount(self.bar, minlength=self.n_bars)

    def rows(self, first: int, stop: int, groups: NDArray[np.bool_] | None = None) -> tuple[ev.Rows, NDArray[np.int64]]:
        """Rows of bars [first, stop) of the window (BAR rows, and the notes of `groups`), and each row's bar."""
        chosen = (self.bar >= first) & (self.bar < stop)
        if groups is not None:
            chosen &= groups[self.group]
        note_bar = self.bar[chosen] - first
        counts = np.bincount(note_bar, minlength=stop - first)
        lengths = np.diff(self.guide.bar_start)[self.first + first : self.first + stop]
        rows = np.zeros((stop - first + len(note_bar), ev.N_COLUMNS), dtype=np.int16)
        bar_row = np.arange(stop - first) + np.concatenate([[0], np.cumsum(counts)[:-1]])
        note_row = np.arange(len(note_bar)) + note_bar + 1
        rows[bar_row, ev.COL_KIND], rows[note_row, ev.COL_KIND] = ev.BAR, ev.NOTE
        rows[bar_row, ev.COL_BARLEN], rows[note_row, ev.COL_BARLEN] = lengths, lengths[note_bar]
        columns = {ev.COL_POS: self.pos, ev.COL_GROUP: self.group, ev.COL_PITCH: self.pitch, ev.COL_DUR: self.dur}
        for column, values in columns.items():
            rows[note_row, column] = values[chosen]
        rows[note_row, ev.COL_VEL] = ev.velocity_bin(self.vel[chosen])
        bars = np.zeros(len(rows), dtype=np.int64)
        bars[bar_row], bars[note_row] = np.arange(stop - first), note_bar
        return rows, bars + first


def extract(shard: Shard, piece: int, first: int, stop: int, config: DataConfig) -> Window:
    """Bars [first, stop) of a piece as stored, with every channel of its guide known and every boundary."""
    base = int(shard.piece_bar[piece])
    bars = slice(base + first, base + stop)
    notes = slice(int(shard.bar_note[bars.start]), int(shard.bar_note[bars.stop]))
    columns = shard.columns
    counts = columns["bar_notes"][bars].astype(np.int64)
    group = columns["group"][notes].astype(np.int64)
    return Window(
        first=first,
        n_bars=stop - first,
        bar=np.repeat(np.arange(stop - first), counts),
        pos=columns["pos"][notes].astype(np.int64),
        group=group,
        pitch=columns["pitch"][notes].astype(np.int64),
        dur=columns["dur"][notes].astype(np.int64),
        vel=columns["vel"][notes].astype(np.int64),
        guide=guide_of(shard, piece, config.arousal, group),
    )


def groups_of(shard: Shard, piece: int) -> NDArray[np.bool_]:
    """Which instrument groups a stored piece has, shape (N_GROUPS,)."""
    bars = shard.piece_bar[piece], shard.piece_bar[piece + 1]
    notes = slice(int(shard.bar_note[bars[0]]), int(shard.bar_note[bars[1]]))
    return np.asarray(np.bincount(shard.columns["group"][notes], minlength=ev.N_GROUPS) > 0)


def guide_of(shard: Shard, piece: int, arousal: str, groups: NDArray[np.int64]) -> cond.Guide:
    """The guide of a stored piece; `groups` are the instrument groups of the notes in question."""
    bars = slice(int(shard.piece_bar[piece]), int(shard.piece_bar[piece + 1]))
    beats = slice(int(shard.bar_beat[bars.start]), int(shard.bar_beat[bars.stop]))
    hits = slice(int(shard.piece_boundary[piece]), int(shard.piece_boundary[piece + 1]))
    columns = shard.columns
    lengths = columns["bar_len"][bars].astype(np.int64)
    return cond.Guide(
        bar_start=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32),
        bar_seconds=columns["bar_seconds"][bars].astype(np.float64),
        valence=columns["valence"][bars].astype(np.float64) / 127,
        arousal=columns[arousal][bars].astype(np.float64) / 127,
        density=2.0 ** (columns["density"][bars].astype(np.float64) / 32.0) - 1,
        section=columns["section"][bars].astype(np.uint8),
        chord=columns["chord"][beats].astype(np.uint8),
        key=columns["key"][bars].astype(np.uint8),
        boundaries=columns["boundary_tick"][hits].astype(np.int32),
        instruments=np.bincount(groups, minlength=ev.N_GROUPS) > 0,
        known=np.ones(cond.N_CHANNELS, dtype=bool),
    )


def thin_boundaries(
    rng: np.random.Generator, guide: cond.Guide, kinds: NDArray[Any], first: int, stop: int, strike_share: float
) -> ev.IntArray:
    """A random choice of a piece's boundaries around bars [first, stop), spaced like the cuts of a film.

    Draws the kinds, a shortest gap (1.5-9 s, evenly in its logarithm), and keeps boundaries in random order.
    """
    shares = np.cumsum([share for share, _ in _BOUNDARY_STYLES])
    style = _BOUNDARY_STYLES[int(np.searchsorted(shares, rng.random() * shares[-1]))][1]
    if rng.random() < strike_share:
        style = (STRIKE,)
    low = guide.bar_start[max(first - 4, 0)]
    high = guide.bar_start[min(stop + 4, len(guide.bar_seconds))]
    near = np.isin(kinds, style) & (guide.boundaries >= low) & (guide.boundaries < high)
    ticks = np.unique(guide.boundaries[near])
    start_s = np.concatenate([[0.0], np.cumsum(guide.bar_seconds)])
    seconds = np.interp(ticks, guide.bar_start, start_s)
    gap = float(np.exp(rng.uniform(np.log(_SHORTEST_GAP_S), np.log(_LONGEST_GAP_S))))
    free = np.ones(len(ticks), dtype=bool)
    kept = []
    for index in rng.permutation(len(ticks)):
        if free[index]:
            kept.append(ticks[index])
            free &= np.abs(seconds - seconds[index]) >= gap
    return np.sort(np.array(kept, dtype=np.int32))


def drop_channels(rng: np.random.Generator, config: DataConfig) -> NDArray[np.bool_]:
    """Which channels this segment is told: none at all, or each dropped on its own."""
    draws = rng.random(cond.N_CHANNELS + 1)
    chance = [config.drop_share_detail if name in _DETAIL else config.drop_share for name in cond.CHANNELS]
    return np.asarray((draws[1:] >= np.array(chance)) & (draws[0] >= config.null_share))


def thin_parts(rng: np.random.Generator, window: Window) -> Window:
    """The window with some of its parts, drawn evenly among all choices of at least one: other music of the same bars.

    Density is counted anew. Boundaries and arousal are not told: what was struck may have been struck by a part that is
    gone, and arousal was counted on all of them.
    """
    present = np.unique(window.group)
    if len(present) < 2:
        return window
    chosen = np.zeros(ev.N_GROUPS, dtype=bool)
    while not chosen.any():
        chosen[present] = rng.random(len(present)) < 0.5
    keep = chosen[window.group]
    gone = np.setdiff1d(present, np.flatnonzero(chosen))
    guide, bars = window.guide, slice(window.first, window.first + window.n_bars)
    density, instruments, known = guide.density.copy(), guide.instruments.copy(), guide.known.copy()
    notes = np.bincount(window.bar[keep], minlength=window.n_bars)
    density[bars] = notes * ev.GRID / np.maximum(np.diff(guide.bar_start)[bars], 1)
    instruments[gone] = False
    known[[cond.CHANNELS.index(channel) for channel in ("boundary", "arousal")]] = False
    columns = {name: getattr(window, name)[keep] for name in ("bar", "pos", "group", "pitch", "dur", "vel")}
    return replace(window, **columns, guide=replace(guide, density=density, instruments=instruments, known=known))


def vary(rng: np.random.Generator, window: Window, config: DataConfig) -> Window:
    """Transpose (not drums) as far as the range allows, and shift all velocities by the same amount."""
    pitched = window.group != ev.DRUMS
    low, high = config.transpose_low, config.transpose_high
    if pitched.any():
        low = max(low, -int(window.pitch[pitched].min()))
        high = min(high, 127 - int(window.pitch[pitched].max()))
    shift = int(rng.integers(low, high + 1))
    louder = int(rng.integers(-config.velocity_jitter, config.velocity_jitter + 1))
    return replace(
        window,
        pitch=np.where(pitched, window.pitch + shift, window.pitch),
        vel=np.clip(window.vel + louder, 1, 127),
        guide=transpose_guide(window.guide, shift),
    )


def transpose_guide(guide: cond.Guide, shift: int) -> cond.Guide:
    """The guide with its chords and keys moved by `shift` semitones."""
    chord, key = guide.chord.astype(int), guide.key.astype(int)
    root, quality = np.divmod(chord - 1, harmony.N_QUALITIES)
    moved = 1 + (root + shift) % 12 * harmony.N_QUALITIES + quality
    turned = key // 12 * 12 + (key + shift) % 12
    return replace(
        guide,
        chord=np.where(chord == harmony.NO_CHORD, chord, moved).astype(np.uint8),
        key=np.where(key == harmony.NO_KEY, key, turned).astype(np.uint8),
    )


def swap_drums(rng: np.random.Generator, window: Window, drummer: Shard) -> Window:
    """Replace the window's drums by a drummer's bars of the same metre and nearly the same tempo, if there are."""
    lengths = np.diff(window.guide.bar_start)[window.first : window.first + window.n_bars]
    if not (window.group == ev.DRUMS).any() or len(set(lengths.tolist())) != 1:
        return window
    seconds = float(np.median(window.guide.bar_seconds[window.first : window.first + window.n_bars]))
    piece = int(rng.integers(drummer.n_pieces))
    bars = np.arange(int(drummer.piece_bar[piece]), int(drummer.piece_bar[piece + 1]))
    same = drummer.columns["bar_len"][bars].astype(int) == int(lengths[0])
    ratio = np.median(drummer.columns["bar_seconds"][bars].astype(float)) / max(seconds, 1e-3)
    if not same.all() or not 0.8 < ratio < 1.25:
        return window
    start = int(rng.integers(len(bars)))
    used = bars[(start + np.arange(window.n_bars)) % len(bars)]
    counts = drummer.columns["bar_notes"][used].astype(np.int64)
    note = np.concatenate([np.arange(drummer.bar_note[bar], drummer.bar_note[bar + 1]) for bar in used])
    keep = window.group != ev.DRUMS
    bar = np.concatenate([window.bar[keep], np.repeat(np.arange(window.n_bars), counts)])
    pos = np.concatenate([window.pos[keep], drummer.columns["pos"][note]])
    group = np.concatenate([window.group[keep], np.full(len(note), ev.DRUMS, dtype=np.int64)])
    pitch = np.concatenate([window.pitch[keep], drummer.columns["pitch"][note]])
    dur = np.concatenate([window.dur[keep], np.zeros(len(note), dtype=np.int64)])
    vel = np.concatenate([window.vel[keep], drummer.columns["vel"][note]])
    order = np.lexsort((-vel, -dur, pitch, group, pos, bar))
    return replace(
        window,
        bar=bar[order],
        pos=pos[order],
        group=group[order],
        pitch=pitch[order],
        dur=dur[order],
        vel=vel[order],
    )
