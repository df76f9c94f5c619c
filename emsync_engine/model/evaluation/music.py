"""Music: do the notes look like music that people wrote? Statistics of composed cues beside those of held-out pieces.

Each number is of one excerpt (a composed cue, or bars of a held-out piece that are as many), read from its notes:

* pitch-class entropy: -sum p_c log2 p_c over the twelve pitch classes of the pitched notes, in bits (muspy); 3.58 = all
  classes equally;
* scale consistency: largest share of the pitched notes inside any of the 24 major and minor scales (muspy);
* groove similarity: mean over neighbouring bars of equal length of 1 - (differing onset places) / (places), places
  being sixteenths (Wu & Yang 2020, with neighbours as in muspy);
* repetition: mean over bars of the largest Jaccard similarity of (place, pitch or drum) with one of the 16 bars before;
* exact repetition: share of bars that are exactly a bar before;
* empty bars: share of the bars in which nothing begins, up to the last note;
* polyphony: mean number of pitched notes that sound where any sounds (sixteenths);
* notes a quarter: all note onsets over the quarters up to the end of the last bar in which one begins;
* range violations: share of the notes outside their instrument's range (`decode.frame.Limits`).

Drums alone have no pitch classes, scale or polyphony; those measures leave such excerpts out.

Overlapped area: sum over bins of the smaller of two histograms of notes' pitches, lengths, velocity steps, times to the
next onset, and of bars' notes a quarter; 1 = the same distribution (in the spirit of Yang & Lerch 2020). What two
halves of the held-out pieces overlap is the ceiling. Composed cues are told moods and an ensemble of five, the held-out
pieces are what they are, so nothing here has to be equal; far off is what to look for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emsync_engine.model import events as ev
from emsync_engine.model.decode.compose import compose
from emsync_engine.model.decode.draft import Decoding
from emsync_engine.model.decode.frame import Limits
from emsync_engine.model.evaluation import cues
from emsync_engine.model.evaluation.likelihood import held_out
from emsync_engine.model.evaluation.request import Report, Request
from emsync_engine.model.evaluation.tables import Cell, Table

FloatArray = NDArray[np.float64]

CUES, QUICK_CUES = 12, 3
DURATION_S, QUICK_DURATION_S = 45.0, 20.0
EXCERPT_BARS = 22
"""About as many as a cue has."""
EXCERPTS_A_SOURCE = 40
LOOK_BACK = 16
SIXTEENTH = ev.GRID // 4
BANDS = ("mma", "freedoom")
_SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}


def pitch_classes(piece: ev.Piece) -> FloatArray:
    """Share of each pitch class among the pitched notes."""
    counts = np.bincount(piece.pitch[piece.group != ev.DRUMS] % 12, minlength=12).astype(float)
    return np.asarray(counts / max(counts.sum(), 1.0))


def pitch_class_entropy(piece: ev.Piece) -> float:
    p = pitch_classes(piece)
    return float(-(p[p > 0] * np.log2(p[p > 0])).sum()) if p.any() else math.nan


def scale_consistency(piece: ev.Piece) -> float:
    p = pitch_classes(piece)
    if not p.any():
        return math.nan
    return float(max(p[[(tonic + s) % 12 for s in steps]].sum() for steps in _SCALES.values() for tonic in range(12)))


def groove_similarity(piece: ev.Piece) -> float:
    bars = list(zip(_bars(piece, lambda at: at.onset // SIXTEENTH), piece.bar_length.tolist(), strict=True))
    alike = [
        1 - len(a ^ b) / (length // SIXTEENTH)
        for (a, length), (b, other) in pairwise(bars)
        if length == other and length >= SIXTEENTH and (a or b)
    ]
    return float(np.mean(alike)) if alike else 0.0


def repetition(piece: ev.Piece) -> float:
    best = _best_matches(piece)
    return float(np.mean(best)) if best else 0.0


def exact_repetition(piece: ev.Piece) -> float:
    best = _best_matches(piece)
    return float(np.mean([match == 1.0 for match in best])) if best else 0.0


def empty_bars(piece: ev.Piece) -> float:
    counts = np.bincount(piece.note_bar, minlength=piece.n_bars)[: piece.note_bar.max() + 1]
    return float((counts == 0).mean())


def polyphony(piece: ev.Piece) -> float:
    pitched = piece.group != ev.DRUMS
    steps = int((piece.onset + piece.duration).max()) // SIXTEENTH + 2
    change = np.zeros(steps, dtype=int)
    np.add.at(change, piece.onset[pitched] // SIXTEENTH, 1)
    ends = np.maximum((piece.onset + piece.duration)[pitched] // SIXTEENTH, piece.onset[pitched] // SIXTEENTH + 1)
    np.add.at(change, np.minimum(ends, steps - 1), -1)
    sounding = np.cumsum(change)
    return float(sounding[sounding > 0].mean()) if (sounding > 0).any() else math.nan


def notes_a_quarter(piece: ev.Piece) -> float:
    return piece.n_notes * ev.GRID / float(piece.bar_start[piece.note_bar.max() + 1])


def range_violations(piece: ev.Piece) -> float:
    return float((~Limits().playable[piece.group, piece.pitch]).mean())


MEASURES: Mapping[str, Callable[[ev.Piece], float]] = {
    "pitch-class entropy": pitch_class_entropy,
    "scale consistency": scale_consistency,
    "groove similarity": groove_similarity,
    "repetition": repetition,
    "exact repetition": exact_repetition,
    "empty bars": empty_bars,
    "polyphony": polyphony,
    "notes a quarter": notes_a_quarter,
    "range violations": range_violations,
}


def _bars(piece: ev.Piece, symbol: Callable[[ev.Piece], NDArray[np.integer]]) -> list[frozenset[int]]:
    """For each bar the set of `symbol` of its notes; places count from the bar line."""
    bar = piece.note_bar
    within = ev.Piece(
        piece.onset - piece.bar_start[bar], piece.group, piece.pitch, piece.duration, piece.velocity,
        piece.bar_start, piece.bar_seconds,
    )  # fmt: skip
    symbols = symbol(within)
    edges = np.searchsorted(bar, np.arange(piece.n_bars + 1))
    return [frozenset(symbols[a:b].tolist()) for a, b in pairwise(edges)]


def _best_matches(piece: ev.Piece) -> list[float]:
    """For each bar with notes but the first, its likeness to the likest of the bars before."""
    bars = _bars(piece, lambda at: (at.onset // SIXTEENTH * 2 + (at.group == ev.DRUMS)) * 128 + at.pitch)
    best = []
    for index, bar in enumerate(bars):
        before = [other for other in bars[max(index - LOOK_BACK, 0) : index] if other]
        if bar and before:
            best.append(max(len(bar & other) / len(bar | other) for other in before))
    return best


FEATURES: Mapping[str, tuple[Callable[[ev.Piece], NDArray[np.floating] | NDArray[np.integer]], FloatArray]] = {
    # values of a piece, edges of the bins
    "pitch": (lambda p: p.pitch[p.group != ev.DRUMS], np.arange(0.0, 129.0, 4)),
    "length": (lambda p: ev.duration_bin(p.duration[p.group != ev.DRUMS]), np.arange(-0.5, ev.N_DURATIONS + 0.5)),
    "velocity": (lambda p: ev.velocity_bin(p.velocity), np.arange(-0.5, ev.VELOCITY_BINS + 0.5)),
    "time to next onset": (lambda p: np.minimum(np.diff(np.unique(p.onset)), 24), np.arange(0.5, 25.5)),
    "notes a quarter": (
        lambda p: np.log2(1 + np.bincount(p.note_bar, minlength=p.n_bars) / (p.bar_length / ev.GRID)),
        np.arange(0.0, 6.5, 0.5),
    ),
}


def overlap(ours: Sequence[ev.Piece], theirs: Sequence[ev.Piece], feature: str) -> float:
    """Overlapped area of a feature's two distributions, every piece counting the same."""
    return float(np.minimum(_histogram(ours, feature), _histogram(theirs, feature)).sum())


def _histogram(pieces: Sequence[ev.Piece], feature: str) -> FloatArray:
    values_of, edges = FEATURES[feature]
    rows = []
    for piece in pieces:
        counts = np.histogram(np.clip(values_of(piece), edges[0], edges[-1]), edges)[0].astype(float)
        if counts.sum():
            rows.append(counts / counts.sum())
    return np.asarray(np.mean(rows, axis=0)) if rows else np.zeros(len(edges) - 1)


def composed(request: Request) -> list[ev.Piece]:
    """Cues over random edits with wandering moods, by the product as it is."""
    count = QUICK_CUES if request.quick else CUES
    duration_s = QUICK_DURATION_S if request.quick else DURATION_S
    network = request.network()
    decoding = Decoding(candidates=1) if request.quick else Decoding()
    made = []
    for seed in range(101, 101 + count):
        request.progress(f"music: {seed - 100} of {count}")
        made.append(cues.heard(compose(cues.sheet_of(seed, duration_s), seed, network, decoding)))
    return made


def excerpts(data: Path) -> dict[str, list[ev.Piece]]:
    """Some bars of held-out pieces by source: from the beginning and on, evenly over the pieces."""
    found = {}
    for source in held_out(data, 0):
        cut = [part for _, piece in source.pieces for part in _excerpts_of(piece)]
        share = max(len(cut) // EXCERPTS_A_SOURCE, 1)
        found[source.name] = cut[::share][:EXCERPTS_A_SOURCE]
    return found


def _excerpts_of(piece: ev.Piece) -> list[ev.Piece]:
    return [
        part
        for first in range(0, piece.n_bars - EXCERPT_BARS + 1, EXCERPT_BARS)
        if (part := cut_bars(piece, first, first + EXCERPT_BARS)).n_notes
    ]


def cut_bars(piece: ev.Piece, first: int, stop: int) -> ev.Piece:
    """Bars [first, stop) as a piece of their own."""
    begin, end = np.searchsorted(piece.note_bar, [first, stop])
    offset = piece.bar_start[first]
    return ev.Piece(
        piece.onset[begin:end] - offset, piece.group[begin:end], piece.pitch[begin:end], piece.duration[begin:end],
        piece.velocity[begin:end], piece.bar_start[first : stop + 1] - offset, piece.bar_seconds[first:stop],
    )  # fmt: skip


def measure(request: Request, data: Path | None = None) -> Report:
    """Statistics of composed cues, beside those of held-out pieces where there is a data set."""
    ours = composed(request)
    pieces = {"composed": ours}
    if data is not None and any(data.glob("*.valid.npz")):
        by_source = excerpts(data)
        bands = [piece for name in BANDS for piece in by_source.get(name, [])]
        every = [piece for parts in by_source.values() for piece in parts]
        pieces |= {name: p for name, p in {"held out, bands": bands, "held out, all": every}.items() if p}
    numbers = {
        name: {what: round(float(np.nanmean([of(p) for p in group])), 4) for what, of in MEASURES.items()}
        for name, group in pieces.items()
    }
    rows: list[tuple[Cell, ...]] = [(what, *(numbers[name][what] for name in pieces)) for what in MEASURES]
    tables = [Table("Music", ("mean of excerpts", *pieces), tuple(rows), (f"Composed: {len(ours)} cues.",))]
    areas: dict[str, dict[str, float]] = {}
    for name, group in list(pieces.items())[1:]:
        areas[name] = {feature: round(overlap(ours, group, feature), 4) for feature in FEATURES}
        areas[f"{name}: its own halves"] = {
            feature: round(overlap(group[::2], group[1::2], feature), 4) for feature in FEATURES
        }
    if areas:
        lines: list[tuple[Cell, ...]] = [(feature, *(areas[name][feature] for name in areas)) for feature in FEATURES]
        tables.append(Table("Overlapped area with the held-out pieces", ("feature", *areas), tuple(lines)))
    return Report(tuple(tables), {"measures": numbers, "overlapped_area": areas, "cues": len(ours)})
