"""Key and chords of a piece by template matching: labels for training, good to a musician's first glance.

Keys correlate a window's pitch-class weights with the probe-tone profiles of Krumhansl and Kessler (1982).
Chords maximise, over the beats of the piece, how well each beat fits a chord minus a price for every change.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emsync_engine.model import events as ev

FloatArray = NDArray[np.float64]
ByteArray = NDArray[np.uint8]

QUALITIES = ("maj", "min", "dim", "aug", "7", "maj7", "min7", "m7b5", "dim7", "sus")
_TONES: tuple[tuple[int, ...], ...] = (
    (0, 4, 7), (0, 3, 7), (0, 3, 6), (0, 4, 8), (0, 4, 7, 10), (0, 4, 7, 11),
    (0, 3, 7, 10), (0, 3, 6, 10), (0, 3, 6, 9), (0, 5, 7),
)  # fmt: skip
N_QUALITIES = len(QUALITIES)
NO_CHORD = 0
"""Chord code of a beat without harmony; a chord is 1 + root * N_QUALITIES + quality."""
N_CHORDS = 1 + 12 * N_QUALITIES
NO_KEY = 24
"""Key code of music without pitch; else tonic (major) or 12 + tonic (minor)."""

_MAJOR = np.array([6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88])
_MINOR = np.array([6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17])
_KEY_WINDOW_BARS = 4
_OUTSIDE = 0.12
"""Share of a chord's sound that is expected outside its tones."""
_CHANGE_PRICE = 1.2
"""Price of a chord change, in quarter notes of perfectly fitting sound."""
_ROOT_IN_BASS = 0.8
_LONGEST_QUARTERS = 4
"""A held note counts towards harmony for this long."""


@dataclass(frozen=True)
class Beats:
    """Beats (quarters counted from each bar line; a bar's last may be shorter) of a piece."""

    start: ev.IntArray
    """Grid tick of each beat, plus the end of the last."""
    first_of_bar: ev.IntArray
    """Index of each bar's first beat, plus the number of beats."""


def beats_of(bar_start: ev.IntArray) -> Beats:
    """The beat grid under the given bar lines."""
    lengths = np.diff(bar_start)
    counts = -(-lengths // ev.GRID)
    first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    bar = np.repeat(np.arange(len(lengths)), counts)
    within = np.arange(first[-1]) - first[bar]
    start = np.append(bar_start[bar] + within * ev.GRID, bar_start[-1]).astype(np.int32)
    return Beats(start, first)


def chroma(piece: ev.Piece, beats: Beats) -> tuple[FloatArray, FloatArray]:
    """Sound of each pitch class per beat in quarters, and that of the lowest pitch per beat. Shapes (beats, 12)."""
    pitched = piece.group != ev.DRUMS
    n_beats = len(beats.start) - 1
    total, bass = np.zeros((n_beats, 12)), np.zeros((n_beats, 12))
    onset, pitch = piece.onset[pitched], piece.pitch[pitched].astype(int)
    if not len(onset):
        return total, bass
    end = np.minimum(onset + np.minimum(piece.duration[pitched], _LONGEST_QUARTERS * ev.GRID), beats.start[-1])
    first = np.searchsorted(beats.start, onset, side="right") - 1
    last = np.maximum(np.searchsorted(beats.start, end, side="left") - 1, first)
    spans = last - first + 1
    note = np.repeat(np.arange(len(onset)), spans)
    beat = first[note] + (np.arange(len(note)) - np.repeat(np.cumsum(spans) - spans, spans))
    overlap = np.minimum(end[note], beats.start[beat + 1]) - np.maximum(onset[note], beats.start[beat])
    weight = np.maximum(overlap, 1) / ev.GRID
    np.add.at(total, (beat, pitch[note] % 12), weight)
    lowest = np.full(n_beats, 128)
    np.minimum.at(lowest, beat, pitch[note])
    is_lowest = pitch[note] == lowest[beat]
    np.add.at(bass, (beat[is_lowest], pitch[note][is_lowest] % 12), weight[is_lowest])
    return total, bass


def _windowed(values: FloatArray, radius: int) -> FloatArray:
    """Sum over the rows within `radius` of each row."""
    padded = np.concatenate([[np.zeros(values.shape[1])], np.cumsum(values, axis=0)])
    index = np.arange(len(values))
    return np.asarray(padded[np.minimum(index + radius + 1, len(values))] - padded[np.maximum(index - radius, 0)])


def key_fit(bar_chroma: FloatArray, radius: int = _KEY_WINDOW_BARS) -> FloatArray:
    """Correlation of a window around each bar with the 24 keys (12 major, 12 minor). Shape (bars, 24)."""
    window = _windowed(bar_chroma, radius)
    centred = window - window.mean(axis=1, keepdims=True)
    centred /= np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-9)
    profiles = np.stack([np.roll(profile, tonic) for profile in (_MAJOR, _MINOR) for tonic in range(12)])
    profiles = profiles - profiles.mean(axis=1, keepdims=True)
    profiles /= np.linalg.norm(profiles, axis=1, keepdims=True)
    return np.asarray(centred @ profiles.T)


def keys(bar_chroma: FloatArray) -> ByteArray:
    """Key code of each bar: its window's fit plus half the whole piece's."""
    fit = key_fit(bar_chroma) + 0.5 * key_fit(bar_chroma.sum(axis=0, keepdims=True))
    silent = _windowed(bar_chroma, _KEY_WINDOW_BARS).sum(axis=1) <= 0
    return np.where(silent, NO_KEY, fit.argmax(axis=1)).astype(np.uint8)


def _chord_templates() -> FloatArray:
    """Log ratio of each pitch class under each chord against an even spread. Shape (12 * qualities, 12)."""
    rows = []
    for root in range(12):
        for tones in _TONES:
            share = np.full(12, _OUTSIDE / (12 - len(tones)))
            share[[(root + tone) % 12 for tone in tones]] = (1 - _OUTSIDE) / len(tones)
            rows.append(np.log(share * 12))
    return np.stack(rows)


_TEMPLATES = _chord_templates()


def chords(total: FloatArray, bass: FloatArray) -> ByteArray:
    """Chord code of each beat: the best path where each change costs `_CHANGE_PRICE`. Shapes as `chroma`."""
    fit = (total / np.maximum(total.sum(axis=1, keepdims=True), 1.0)) @ _TEMPLATES.T
    root = bass / np.maximum(bass.sum(axis=1, keepdims=True), 1.0)
    fit += _ROOT_IN_BASS * np.repeat(root, N_QUALITIES, axis=1)
    n_beats, n_states = fit.shape
    came_from = np.zeros((n_beats, n_states), dtype=np.int16)
    score = np.zeros(n_states)
    states = np.arange(n_states)
    for beat in range(n_beats):
        best = int(score.argmax())
        change = score[best] - _CHANGE_PRICE > score
        came_from[beat] = np.where(change, best, states)
        score = np.maximum(score, score[best] - _CHANGE_PRICE) + fit[beat]
    path = np.zeros(n_beats, dtype=np.uint8)
    state = int(score.argmax()) if n_beats else 0
    for beat in range(n_beats - 1, -1, -1):
        path[beat] = state + 1
        state = int(came_from[beat, state])
    path[_windowed(total, 2).sum(axis=1) <= 0] = NO_CHORD
    return path


_ROOTS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_SUFFIXES: tuple[tuple[str, str], ...] = (
    # The first prefix that fits names the quality; more specific spellings stand first.
    ("m7b5", "m7b5"), ("min7b5", "m7b5"), ("dim7", "dim7"), ("dim", "dim"), ("aug", "aug"), ("sus", "sus"),
    ("7sus", "sus"), ("9sus", "sus"), ("13sus", "sus"), ("M", "maj7"), ("maj", "maj7"), ("mM", "min"),
    ("m7", "min7"), ("m9", "min7"), ("m11", "min7"), ("m13", "min7"), ("m", "min"), ("7#5", "aug"),
    ("9#5", "aug"), ("+", "aug"), ("7", "7"), ("9", "7"), ("11", "7"), ("13", "7"),
)  # fmt: skip


def parse_chord(symbol: str) -> int:
    """Chord code of a lead-sheet symbol such as `Bbm7/F`; `NO_CHORD` for `z` (tacet) and what is not a chord."""
    head = symbol.split("/")[0]
    if not head or head[0] not in _ROOTS:
        return NO_CHORD
    root, rest = _ROOTS[head[0]], head[1:]
    while rest[:1] in ("b", "#"):
        root, rest = root + (1 if rest[0] == "#" else -1), rest[1:]
    quality = next((name for prefix, name in _SUFFIXES if rest.startswith(prefix)), "maj")
    return 1 + (root % 12) * N_QUALITIES + QUALITIES.index(quality)
