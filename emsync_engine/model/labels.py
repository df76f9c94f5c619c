"""What the composer is told about a piece, computed from the piece: curves per bar, chords, boundaries.

Arousal follows what listeners' arousal is known to follow and what can be counted: how many onsets, how
many notes, how loud, how high. It is made tempo-free (per quarter) and in real time (per second, with the
tempo), standardised within a source and turned into ranks, so that a band is not "more aroused" than a
quartet for having drums.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emsync_engine.measure import CRASHES, KICKS, STRUCK_PITCHES
from emsync_engine.model import events as ev
from emsync_engine.model import harmony
from emsync_engine.model.harmony import FloatArray

LONG_CHORD, SECTION, ACCENT, STRIKE = range(4)
"""Kinds of boundary: a chord held for two beats, the start of a section, a loud accent, a strike off the pattern."""
LONG_CHORD_TICKS = 2 * ev.GRID
LONG_CHORD_PITCHES = 3
_ACCENT_RATIO = 1.8
"""An accent's weight against the mean of the onsets around it."""
_SECTION_RADIUS = 4
DENSITY_SCALE = 32.0
"""A density code is `DENSITY_SCALE` * log2(1 + notes per quarter), at most 255."""

RAW_AROUSAL = ("onsets", "notes", "velocity", "register")
_AROUSAL_WEIGHTS = np.array([0.4, 0.2, 0.3, 0.1])
_TEMPO_WEIGHT = 0.2


@dataclass(frozen=True)
class Labels:
    """Labels of one piece. Curves are per bar, in 1/127 of [-1, 1]; `chord` is per beat (`harmony.beats_of`)."""

    arousal: NDArray[np.int8]
    """Tempo-free arousal."""
    arousal_tempo: NDArray[np.int8]
    valence: NDArray[np.int8]
    density: NDArray[np.uint8]
    key: NDArray[np.uint8]
    section: NDArray[np.uint8]
    """1 where a section starts."""
    chord: NDArray[np.uint8]
    boundary_tick: ev.IntArray
    boundary_kind: NDArray[np.uint8]


def _per_bar(piece: ev.Piece, weight: FloatArray, chosen: NDArray[np.bool_]) -> FloatArray:
    return np.bincount(piece.note_bar[chosen], weights=weight[chosen], minlength=piece.n_bars).astype(float)


def _smooth(values: FloatArray, radius: int = 1) -> FloatArray:
    """Mean over the bars within `radius`."""
    ones = harmony._windowed(np.ones((len(values), 1)), radius)
    return np.asarray((harmony._windowed(values[:, None], radius) / ones)[:, 0])


def raw_arousal(piece: ev.Piece) -> tuple[FloatArray, FloatArray]:
    """Per bar, smoothed over three bars: the columns of `RAW_AROUSAL`, and the bar's quarters per second.

    Onsets and notes are log2(1 + count per quarter); velocity is 0-1; register is the mean pitch of what is
    not a drum (the piece's mean in bars without).
    """
    everything = np.ones(piece.n_notes, dtype=bool)
    quarters = np.maximum(piece.bar_length, 1) / ev.GRID
    starts = np.ones(piece.n_notes, dtype=bool)
    starts[1:] = np.diff(piece.onset) > 0
    notes = _per_bar(piece, np.ones(piece.n_notes), everything)
    onsets = _per_bar(piece, np.ones(piece.n_notes), starts)
    velocity = _per_bar(piece, piece.velocity / 127.0, everything)
    pitched = piece.group != ev.DRUMS
    pitch_sum = _per_bar(piece, piece.pitch.astype(float), pitched)
    pitch_count = _per_bar(piece, np.ones(piece.n_notes), pitched)
    overall = float(piece.pitch[pitched].mean()) if pitched.any() else 60.0
    columns = [
        np.log2(1 + _smooth(onsets / quarters)),
        np.log2(1 + _smooth(notes / quarters)),
        np.where(_smooth(notes) > 0, _smooth(velocity) / np.maximum(_smooth(notes), 1e-9), 0.0),
        np.where(_smooth(pitch_count) > 0, _smooth(pitch_sum) / np.maximum(_smooth(pitch_count), 1e-9), overall),
    ]
    rate = quarters / np.maximum(piece.bar_seconds, 1e-3)
    return np.stack(columns, axis=1), rate


def to_ranks(values: FloatArray) -> FloatArray:
    """Ranks of a sample spread evenly over [-1, 1]; equal values share their mean rank."""
    if not len(values):
        return values
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    middle = (ends - counts + ends - 1) / 2
    return np.asarray((2 * middle[inverse] + 1) / len(values) - 1)


def arousal_of_source(raw: FloatArray, rate: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Arousal in [-1, 1] of all bars of one source, tempo-free and in real time, from `raw_arousal`'s columns."""

    def standard(values: FloatArray) -> FloatArray:
        return np.asarray((values - values.mean(axis=0)) / np.maximum(values.std(axis=0), 1e-6))

    free = standard(raw) @ _AROUSAL_WEIGHTS
    timed = raw.copy()
    timed[:, :2] = np.log2(1 + (2.0 ** raw[:, :2] - 1) * rate[:, None])
    real = standard(timed) @ _AROUSAL_WEIGHTS + _TEMPO_WEIGHT * standard(np.log2(rate))
    return to_ranks(free), to_ranks(real)


def density_codes(piece: ev.Piece) -> NDArray[np.uint8]:
    """Notes per quarter of each bar on a log scale (`DENSITY_SCALE`)."""
    notes = np.bincount(piece.note_bar, minlength=piece.n_bars)
    per_quarter = notes * ev.GRID / np.maximum(piece.bar_length, 1)
    return np.clip(np.rint(DENSITY_SCALE * np.log2(1 + per_quarter)), 0, 255).astype(np.uint8)


def section_starts(piece: ev.Piece, bar_chroma: FloatArray) -> NDArray[np.uint8]:
    """1 at bars where harmony, parts or density change: peaks of a checkerboard novelty of four bars a side."""
    n_bars, radius = piece.n_bars, _SECTION_RADIUS
    starts = np.zeros(n_bars, dtype=np.uint8)
    if n_bars:
        starts[0] = 1
    if n_bars < 3 * radius:
        return starts
    parts = np.zeros((n_bars, ev.N_GROUPS))
    np.add.at(parts, (piece.note_bar, piece.group), 1.0)
    tone = bar_chroma / np.maximum(np.linalg.norm(bar_chroma, axis=1, keepdims=True), 1e-9)
    features = np.concatenate([tone, 0.5 * np.log2(1 + parts)], axis=1)
    sums = np.concatenate([np.zeros((1, features.shape[1])), np.cumsum(features, axis=0)])
    at = np.arange(radius, n_bars - radius + 1)
    novelty = np.zeros(n_bars + 1)
    novelty[at] = np.linalg.norm(2 * sums[at] - sums[at - radius] - sums[at + radius], axis=1) / radius
    threshold = novelty[at].mean() + novelty[at].std()
    for bar in at[:-1]:
        around = novelty[max(bar - radius, 0) : bar + radius + 1]
        if novelty[bar] > threshold and novelty[bar] >= around.max():
            starts[bar] = 1
    return starts


def boundaries(piece: ev.Piece, section: NDArray[np.uint8]) -> tuple[ev.IntArray, NDArray[np.uint8]]:
    """Candidate boundaries (grid tick, kind) sorted by tick: long chords, starts of sections, accents, strikes."""
    long_chord = _long_chord_ticks(piece)
    section_tick = piece.bar_start[:-1][section > 0]
    accent, strike = _accent_ticks(piece), _strike_ticks(piece)
    tick = np.concatenate([long_chord, section_tick, accent, strike]).astype(np.int32)
    sizes = (len(long_chord), len(section_tick), len(accent), len(strike))
    kind = np.repeat(np.array([LONG_CHORD, SECTION, ACCENT, STRIKE], dtype=np.uint8), sizes)
    order = np.lexsort((kind, tick))
    return tick[order], kind[order]


def _long_chord_ticks(piece: ev.Piece) -> ev.IntArray:
    """Ticks where at least three pitches start together and are held for two beats or more."""
    held = (piece.group != ev.DRUMS) & (piece.duration >= LONG_CHORD_TICKS)
    places = np.unique(piece.onset[held].astype(np.int64) * 128 + piece.pitch[held])
    ticks, counts = np.unique(places // 128, return_counts=True)
    return ticks[counts >= LONG_CHORD_PITCHES].astype(np.int32)


def _accent_ticks(piece: ev.Piece) -> ev.IntArray:
    """Ticks whose summed velocity stands out from the onsets of about two bars on either side."""
    if piece.n_notes < 16:
        return np.zeros(0, dtype=np.int32)
    ticks, first = np.unique(piece.onset, return_index=True)
    weight = np.add.reduceat((piece.velocity / 127.0) ** 2 * np.minimum(piece.duration, 24) ** 0.25, first)
    sums = np.concatenate([[0.0], np.cumsum(weight)])
    left = np.searchsorted(ticks, ticks - 8 * ev.GRID)
    right = np.searchsorted(ticks, ticks + 8 * ev.GRID, side="right")
    mean = (sums[right] - sums[left]) / (right - left)
    top = np.array([weight[a:b].max() for a, b in zip(left, right, strict=True)])
    return np.asarray(ticks[(weight > _ACCENT_RATIO * mean) & (weight >= 0.9 * top)], dtype=np.int32)


def struck_ticks(piece: ev.Piece) -> ev.IntArray:
    """Ticks where three or more pitches begin together, or kick or crash together with the bass.

    The accent of `emsync_engine.measure.accent_ticks`, which hits are measured by.
    """
    pitched = piece.group != ev.DRUMS
    places = np.unique(piece.onset[pitched].astype(np.int64) * 128 + piece.pitch[pitched])
    ticks, counts = np.unique(places // 128, return_counts=True)
    drummed = piece.onset[~pitched & np.isin(piece.pitch, (*KICKS, *CRASHES))]
    with_bass = np.intersect1d(drummed, piece.onset[piece.group == ev.BASS])
    return np.union1d(ticks[counts >= STRUCK_PITCHES], with_bass).astype(np.int32)


def _strike_ticks(piece: ev.Piece) -> ev.IntArray:
    """Accents whose place in the bar has none in the bar before and the bar after.

    What falls on the same place of every bar is struck whether a boundary is announced or not, and teaches nothing
    about boundaries; these would not be there without a reason.
    """
    ticks = struck_ticks(piece)
    bar = np.searchsorted(piece.bar_start, ticks, side="right") - 1
    place = bar * ev.MAX_BAR_TICKS + ticks - piece.bar_start[bar]
    again = np.isin(place - ev.MAX_BAR_TICKS, place) | np.isin(place + ev.MAX_BAR_TICKS, place)
    return np.asarray(ticks[~again], dtype=np.int32)
