"""Valence of music from the page: a ridge regression on what listeners felt, measure by measure.

Fitted on pieces annotated with the median valence of some thirty listeners per measure; nothing of those
pieces but these few coefficients enters the composer. Quality is measured over folds that keep every series
of pieces together (`fit` reports it); notation explains valence only in part, so treat it as a hint.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from emsync_engine.model import events as ev
from emsync_engine.model import harmony, labels
from emsync_engine.model.harmony import FloatArray
from emsync_engine.model.midi_files import read_piece

FEATURES = (
    "mode", "mode_piece", "major", "minor", "diminished", "augmented", "dominant", "register", "spread",
    "dissonance", "entropy", "onsets", "notes", "tempo", "velocity", "length", "off_scale", "bass",
)  # fmt: skip
_WINDOW_BARS = 2
_PENALTY = 30.0
_ROUGHNESS = np.array([0.0, 1.0, 0.6, 0.15, 0.1, 0.05, 0.8])
"""Roughness of the interval classes 0-6 (unison to tritone), relative."""
_SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}


@dataclass(frozen=True)
class ValenceModel:
    """Standardised ridge regression: valence = bias + sum(weight * (feature - mean) / scale)."""

    mean: tuple[float, ...]
    scale: tuple[float, ...]
    weight: tuple[float, ...]
    bias: float

    def predict(self, features: FloatArray) -> FloatArray:
        """Valence per bar, on the listeners' scale, from `features`' rows."""
        standard = (features - np.array(self.mean)) / np.array(self.scale)
        return np.asarray(np.clip(standard, -3, 3) @ np.array(self.weight) + self.bias)


@dataclass(frozen=True)
class ValenceReport:
    """Quality over held-out series: explained variance and rank correlation over bars and over piece means."""

    pieces: int
    bars: int
    r2_bars: float
    spearman_bars: float
    r2_pieces: float
    spearman_pieces: float


def features(piece: ev.Piece, chord: np.ndarray, beats: harmony.Beats, total: FloatArray) -> FloatArray:
    """One row of `FEATURES` per bar, over a window of five bars. `total` is `harmony.chroma`'s first output."""
    bar_chroma = np.add.reduceat(np.vstack([total, np.zeros(12)]), beats.first_of_bar[:-1], axis=0)
    window = harmony._windowed(bar_chroma, _WINDOW_BARS)
    share = window / np.maximum(window.sum(axis=1, keepdims=True), 1e-9)
    fit = harmony.key_fit(bar_chroma, radius=4)
    whole = harmony.key_fit(bar_chroma.sum(axis=0, keepdims=True))
    raw, rate = labels.raw_arousal(piece)
    columns: list[FloatArray] = [
        fit[:, :12].max(axis=1) - fit[:, 12:].max(axis=1),
        np.repeat(whole[:, :12].max(axis=1) - whole[:, 12:].max(axis=1), piece.n_bars),
        *_quality_shares(chord, beats),
        raw[:, labels.RAW_AROUSAL.index("register")],
        *_pitch_statistics(piece, raw[:, labels.RAW_AROUSAL.index("register")]),
        _dissonance(share),
        -(share * np.log2(np.maximum(share, 1e-9))).sum(axis=1),
    ]
    spread, bass, length = columns.pop(8), columns.pop(8), columns.pop(8)
    key = harmony.keys(bar_chroma)
    ordered = [*columns[:8], spread, *columns[8:], raw[:, 0], raw[:, 1], np.log2(rate), raw[:, 2]]
    return np.stack([*ordered, length, _off_scale(share, key), bass], axis=1)


def _quality_shares(chord: np.ndarray, beats: harmony.Beats) -> list[FloatArray]:
    """Share of the window's beats under major, minor, diminished, augmented and dominant chords."""
    kinds = (("maj", "maj7"), ("min", "min7"), ("dim", "m7b5", "dim7"), ("aug",), ("7",))
    quality = np.where(chord > 0, (chord.astype(int) - 1) % harmony.N_QUALITIES, -1)
    shares = []
    for names in kinds:
        inside = np.isin(quality, [harmony.QUALITIES.index(name) for name in names]).astype(float)
        per_bar = np.add.reduceat(np.append(inside, 0.0), beats.first_of_bar[:-1])
        counts = np.diff(beats.first_of_bar).astype(float)
        window = harmony._windowed(np.stack([per_bar, counts], axis=1), _WINDOW_BARS)
        shares.append(np.asarray(window[:, 0] / np.maximum(window[:, 1], 1.0)))
    return shares


def _pitch_statistics(piece: ev.Piece, register: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Spread of pitch, lowest pitch and log2 mean length (ticks) of the window around each bar."""
    pitched = piece.group != ev.DRUMS
    bar, pitch = piece.note_bar[pitched], piece.pitch[pitched].astype(float)
    moments = np.zeros((piece.n_bars, 4))
    np.add.at(moments, (bar, 0), 1.0)
    np.add.at(moments, (bar, 1), pitch)
    np.add.at(moments, (bar, 2), pitch**2)
    np.add.at(moments, (bar, 3), np.log2(np.minimum(piece.duration[pitched], 192)))
    lowest = np.full(piece.n_bars, 128.0)
    np.minimum.at(lowest, bar, pitch)
    window = harmony._windowed(moments, _WINDOW_BARS)
    count = np.maximum(window[:, 0], 1.0)
    spread = np.sqrt(np.maximum(window[:, 2] / count - (window[:, 1] / count) ** 2, 0.0))
    bass = np.where(lowest < 128, lowest, register)
    return spread, bass, window[:, 3] / count


def _dissonance(share: FloatArray) -> FloatArray:
    """Mean roughness of pairs of pitch classes drawn from each row's shares."""
    classes = np.arange(12)
    distance = np.abs(classes[:, None] - classes[None, :])
    rough = _ROUGHNESS[np.minimum(distance, 12 - distance)]
    return np.asarray(np.einsum("bi,ij,bj->b", share, rough, share))


def _off_scale(share: FloatArray, key: np.ndarray) -> FloatArray:
    """Share of the sound outside the scale of each bar's key."""
    outside = np.zeros((harmony.NO_KEY + 1, 12))
    for code in range(24):
        scale = _SCALES["major" if code < 12 else "minor"]
        outside[code] = 1.0
        outside[code, [(code % 12 + step) % 12 for step in scale]] = 0.0
    return np.asarray((share * outside[key]).sum(axis=1))


def piece_features(piece: ev.Piece) -> FloatArray:
    """`features` of a piece with its chords estimated."""
    beats = harmony.beats_of(piece.bar_start)
    total, bass = harmony.chroma(piece, beats)
    return features(piece, harmony.chords(total, bass), beats, total)


def ridge(x: FloatArray, y: FloatArray, weight: FloatArray, penalty: float = _PENALTY) -> ValenceModel:
    """Weighted ridge regression on standardised features."""
    weight = weight / weight.sum() * len(y)
    mean = np.average(x, axis=0, weights=weight)
    scale = np.maximum(np.sqrt(np.average((x - mean) ** 2, axis=0, weights=weight)), 1e-6)
    standard = np.clip((x - mean) / scale, -3, 3)
    bias = float(np.average(y, weights=weight))
    gram = standard.T @ (standard * weight[:, None]) + penalty * np.eye(x.shape[1])
    coefficients = np.linalg.solve(gram, standard.T @ (weight * (y - bias)))
    return ValenceModel(tuple(mean), tuple(scale), tuple(coefficients), bias)


def spearman(a: FloatArray, b: FloatArray) -> float:
    """Rank correlation of two samples."""
    return float(np.corrcoef(labels.to_ranks(a), labels.to_ranks(b))[0, 1])


def _r2(truth: FloatArray, guess: FloatArray) -> float:
    return float(1 - ((truth - guess) ** 2).sum() / ((truth - truth.mean()) ** 2).sum())


def cross_validate(x: Sequence[FloatArray], y: Sequence[FloatArray], groups: Sequence[str]) -> ValenceReport:
    """Leave one group (series) out at a time; every piece counts the same, whatever its length."""
    guesses: list[FloatArray] = [np.zeros(0)] * len(x)
    for held in sorted(set(groups)):
        train = [i for i, group in enumerate(groups) if group != held]
        model = _fit_pieces([x[i] for i in train], [y[i] for i in train])
        for i in (i for i, group in enumerate(groups) if group == held):
            guesses[i] = model.predict(x[i])
    truth, guess = np.concatenate(list(y)), np.concatenate(guesses)
    truth_mean, guess_mean = np.array([t.mean() for t in y]), np.array([g.mean() for g in guesses])
    return ValenceReport(
        pieces=len(x),
        bars=len(truth),
        r2_bars=_r2(truth, guess),
        spearman_bars=spearman(truth, guess),
        r2_pieces=_r2(truth_mean, guess_mean),
        spearman_pieces=spearman(truth_mean, guess_mean),
    )


def _fit_pieces(x: Sequence[FloatArray], y: Sequence[FloatArray]) -> ValenceModel:
    weight = np.concatenate([np.full(len(bars), 1.0 / len(bars)) for bars in y])
    return ridge(np.concatenate(list(x)), np.concatenate(list(y)), weight)


def fit(folder: Path) -> tuple[ValenceModel, ValenceReport]:
    """Fit on a folder of MIDI files with `labels.json` ({file: {series, valence_median: [per measure]}})."""
    table: Mapping[str, Mapping[str, object]] = json.loads((folder / "labels.json").read_text("utf-8"))
    x, y, groups = [], [], []
    for name, entry in sorted(table.items()):
        values = np.array(entry["valence_median"], dtype=np.float64)
        rows = piece_features(read_piece(folder / name))
        if len(rows) < 4 or len(values) < 4:
            continue
        place = np.minimum(np.arange(len(values)) * len(rows) // len(values), len(rows) - 1)
        x.append(
            rows[place] if abs(len(rows) - len(values)) > 1 else rows[np.minimum(np.arange(len(values)), len(rows) - 1)]
        )
        y.append(values)
        groups.append(str(entry["series"]))
    return _fit_pieces(x, y), cross_validate(x, y, groups)


def to_json(model: ValenceModel, report: ValenceReport) -> str:
    """The model and its report, with the names of its features, as JSON."""
    return json.dumps({"features": FEATURES, "model": asdict(model), "held_out": asdict(report)}, indent=1)


def from_json(text: str) -> ValenceModel:
    """The model that `to_json` wrote.

    Raises:
        ValueError: it was fitted on other features.
    """
    said = json.loads(text)
    if tuple(said["features"]) != tuple(FEATURES):
        raise ValueError("the valence model was fitted on other features: build the data set anew")
    mean, scale, weight = (tuple(map(float, said["model"][name])) for name in ("mean", "scale", "weight"))
    return ValenceModel(mean, scale, weight, float(said["model"]["bias"]))
