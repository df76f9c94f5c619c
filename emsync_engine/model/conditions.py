"""What the composer is told at every row: a `Guide` along the bars, and its numbers for the network.

Each channel may be unknown. An unknown channel is all zeros with its flag down (categories take their null
class), which the network learns as its null condition: it composes without it, and guidance can compare.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emsync_engine.model import events as ev
from emsync_engine.model import harmony

FloatRows = NDArray[np.float32]

CHANNELS = (
    "valence", "arousal", "boundary", "density", "form",
    "tempo", "section", "instruments", "chord", "key",
)  # fmt: skip
N_CHANNELS = len(CHANNELS)
_WIDTHS = {"valence": 1, "arousal": 1, "boundary": 7, "density": 1, "form": 5, "tempo": 1, "section": 3}
_WIDTHS["instruments"] = ev.N_GROUPS

CLAMP_S = 8.0
"""Boundaries further than this many seconds are not announced (as in EMSYNC)."""
CLAMP_BEATS = 16.0
_CLAMP_BARS = 16.0
_CLAMP_SECTION = 8.0


def _layout() -> dict[str, slice]:
    slices, at = {}, 0
    for channel in CHANNELS:
        width = _WIDTHS.get(channel, 0)
        slices[channel] = slice(at, at + width)
        at += width
    return slices


SLICES = _layout()
"""Columns of each channel among the values; chord and key are categories and have none."""
N_VALUES = sum(_WIDTHS.values())
N_COND = N_VALUES + N_CHANNELS
"""Width of a row of conditions: the values, then one flag a channel (1 = known)."""
COL_OFFSET = SLICES["boundary"].start
"""Column of EMSYNC's complement offset, (8 - min(8, b - t)) / 8."""

CAT_HIT, CAT_ROOT, CAT_QUALITY, CAT_KEY = range(4)
HIT_NONE, HIT_NULL = ev.MAX_BAR_TICKS, ev.MAX_BAR_TICKS + 1
CATEGORY_SIZES = (ev.MAX_BAR_TICKS + 2, 13, harmony.N_QUALITIES + 1, harmony.NO_KEY + 1)
"""Classes of: the next boundary's place in the present bar, chord root, chord quality, key. Last = null."""
N_CATEGORIES = len(CATEGORY_SIZES)


@dataclass(frozen=True)
class Guide:
    """Conditions along a piece. Curves have one value a bar; `chord` one code a beat (`harmony.beats_of`)."""

    bar_start: ev.IntArray
    """Grid tick of each bar, plus the end."""
    bar_seconds: NDArray[np.float64]
    """Length of each bar in seconds."""
    valence: NDArray[np.float64]
    """-1..1."""
    arousal: NDArray[np.float64]
    """-1..1."""
    density: NDArray[np.float64]
    """Notes per quarter, all parts together."""
    section: NDArray[np.uint8]
    """1 where a section starts."""
    chord: NDArray[np.uint8]
    key: NDArray[np.uint8]
    boundaries: ev.IntArray
    """Grid ticks of the boundaries to announce, ascending."""
    instruments: NDArray[np.bool_]
    """Which groups play, shape (N_GROUPS,)."""
    known: NDArray[np.bool_]
    """Which of `CHANNELS` are told, shape (N_CHANNELS,)."""


def encode(guide: Guide, bar: NDArray[np.integer], pos: NDArray[np.integer]) -> tuple[FloatRows, NDArray[np.int16]]:
    """Conditions of rows at (bar index, position): values with flags (rows, N_COND), categories (rows, 4)."""
    bar = np.clip(bar, 0, len(guide.bar_seconds) - 1)
    values = np.zeros((len(bar), N_COND), dtype=np.float32)
    for channel, known in zip(CHANNELS, guide.known, strict=True):
        if known and channel in _ENCODERS:
            values[:, SLICES[channel]] = _ENCODERS[channel](guide, bar, pos)
    values[:, N_VALUES:] = guide.known
    return values, _categories(guide, bar, pos)


def _column(values: NDArray[np.floating]) -> NDArray[np.floating]:
    return values[:, None]


def _boundary(guide: Guide, bar: NDArray[np.integer], pos: NDArray[np.integer]) -> NDArray[np.floating]:
    """Closeness of the next boundary (s, beats, here, soft beats, soft s) and of the last one (s, beats)."""
    tick = guide.bar_start[bar] + pos
    start_s = np.concatenate([[0.0], np.cumsum(guide.bar_seconds)])
    seconds = np.interp(tick, guide.bar_start, start_s)
    places = np.concatenate([[-(10**6)], guide.boundaries, [10**7]])
    inside = np.interp(guide.boundaries, guide.bar_start, start_s)
    places_s = np.concatenate([[-1e5], inside, [1e6]])
    following = np.searchsorted(places, tick, side="left")
    to_s, to_beats = places_s[following] - seconds, (places[following] - tick) / ev.GRID
    since_s, since_beats = seconds - places_s[following - 1], (tick - places[following - 1]) / ev.GRID
    return np.stack(
        [
            1 - np.minimum(to_s, CLAMP_S) / CLAMP_S,
            1 - np.minimum(to_beats, CLAMP_BEATS) / CLAMP_BEATS,
            (to_beats == 0).astype(float),
            np.exp(-np.minimum(to_beats, 50.0)),
            np.exp(-np.minimum(to_s, 20.0) / 0.5),
            1 - np.minimum(since_s, CLAMP_S) / CLAMP_S,
            1 - np.minimum(since_beats, CLAMP_BEATS) / CLAMP_BEATS,
        ],
        axis=1,
    )


def _form(guide: Guide, bar: NDArray[np.integer], _pos: NDArray[np.integer]) -> NDArray[np.floating]:
    """Place in the piece: share done, closeness of the end and of the start, last bar, first bar."""
    n_bars = len(guide.bar_seconds)
    left = n_bars - 1 - bar
    return np.stack(
        [
            bar / max(n_bars, 1),
            1 - np.minimum(left, _CLAMP_BARS) / _CLAMP_BARS,
            1 - np.minimum(bar, _CLAMP_BARS) / _CLAMP_BARS,
            (left == 0).astype(float),
            (bar == 0).astype(float),
        ],
        axis=1,
    )


def _tempo(guide: Guide, bar: NDArray[np.integer], _pos: NDArray[np.integer]) -> NDArray[np.floating]:
    """log2(bpm / 120) / 2 of the bar."""
    quarters = np.diff(guide.bar_start) / ev.GRID
    bpm = 60.0 * quarters / np.maximum(guide.bar_seconds, 1e-3)
    return _column(np.clip(np.log2(np.maximum(bpm, 1.0) / 120.0) / 2, -1.5, 1.5)[bar])


def _section(guide: Guide, bar: NDArray[np.integer], _pos: NDArray[np.integer]) -> NDArray[np.floating]:
    """Starts here, starts with the next bar, closeness of the next start."""
    starts = np.append(np.flatnonzero(guide.section), 10**6)
    following = starts[np.searchsorted(starts, bar, side="right")]
    away = following - bar
    here = guide.section[bar].astype(float)
    return np.stack([here, (away == 1).astype(float), 1 - np.minimum(away, _CLAMP_SECTION) / _CLAMP_SECTION], axis=1)


_ENCODERS: dict[str, Callable[[Guide, NDArray[np.integer], NDArray[np.integer]], NDArray[np.floating]]] = {
    "valence": lambda guide, bar, pos: _column(guide.valence[bar]),
    "arousal": lambda guide, bar, pos: _column(guide.arousal[bar]),
    "boundary": _boundary,
    "density": lambda guide, bar, pos: _column(np.log2(1 + guide.density[bar]) / 3 - 1),
    "form": _form,
    "tempo": _tempo,
    "section": _section,
    "instruments": lambda guide, bar, pos: np.broadcast_to(guide.instruments, (len(bar), ev.N_GROUPS)),
}


def _categories(guide: Guide, bar: NDArray[np.integer], pos: NDArray[np.integer]) -> NDArray[np.int16]:
    known = dict(zip(CHANNELS, guide.known, strict=True))
    codes = np.empty((len(bar), N_CATEGORIES), dtype=np.int16)
    codes[:] = [size - 1 for size in CATEGORY_SIZES]
    if known["boundary"]:
        start = guide.bar_start[bar]
        places = np.append(guide.boundaries, 10**7)
        following = places[np.searchsorted(places, start + pos, side="left")]
        codes[:, CAT_HIT] = np.where(following < guide.bar_start[bar + 1], following - start, HIT_NONE)
    if known["chord"]:
        chord = guide.chord[harmony.beats_of(guide.bar_start).first_of_bar[bar] + pos // ev.GRID].astype(int)
        is_chord = chord != harmony.NO_CHORD
        codes[is_chord, CAT_ROOT] = (chord[is_chord] - 1) // harmony.N_QUALITIES
        codes[is_chord, CAT_QUALITY] = (chord[is_chord] - 1) % harmony.N_QUALITIES
    if known["key"]:
        codes[:, CAT_KEY] = guide.key[bar]
    return codes
