"""``MoodCurve``: valence and arousal over record time, with what they rest on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

SAMPLES_A_SECOND = 4
"""Of the curves made here."""


@dataclass(frozen=True)
class Evidence:
    """One source of evidence and how much it counted."""

    name: str
    """A word such as ``"motion"``, ``"loudness"``, ``"marker"``."""
    weight: float
    """Mean share of the fused confidence, 0..1."""
    detail: str = ""


@dataclass(frozen=True)
class ShotMood:
    """Mood of one shot."""

    start_s: float
    end_s: float
    valence: float
    arousal: float
    confidence: float
    categories: Mapping[str, float] = field(default_factory=dict)
    """Probabilities of emotion words; they sum to 1."""


@dataclass(frozen=True)
class MoodCurve:
    """Valence and arousal in [-1, 1] and confidence in [0, 1], sampled at rising ``time_s`` (>= 2 Hz)."""

    time_s: FloatArray
    valence: FloatArray
    arousal: FloatArray
    confidence: FloatArray
    """Mean of the two below, where they are known."""
    shots: tuple[ShotMood, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    warnings: tuple[str, ...] = ()
    valence_confidence: FloatArray | None = None
    arousal_confidence: FloatArray | None = None

    def at(self, time_s: float) -> tuple[float, float]:
        """(valence, arousal) by linear interpolation; held constant outside the curve."""
        return (
            float(np.interp(time_s, self.time_s, self.valence)),
            float(np.interp(time_s, self.time_s, self.arousal)),
        )

    def mean(self, start_s: float, end_s: float) -> tuple[float, float]:
        """Mean (valence, arousal) over a span; the value at its middle when no sample falls inside."""
        inside = (self.time_s >= start_s) & (self.time_s < end_s)
        if not inside.any():
            return self.at((start_s + end_s) / 2)
        return float(self.valence[inside].mean()), float(self.arousal[inside].mean())

    def mean_confidence(self, start_s: float, end_s: float) -> float:
        """Mean confidence over a span; the value at its middle when no sample falls inside."""
        inside = (self.time_s >= start_s) & (self.time_s < end_s)
        if not inside.any():
            return float(np.interp((start_s + end_s) / 2, self.time_s, self.confidence))
        return float(self.confidence[inside].mean())

    def to_json(self) -> dict[str, Any]:
        """The document of ``emsync mood --json``."""
        columns = {
            "time_s": self.time_s.round(6),
            "valence": self.valence.round(4),
            "arousal": self.arousal.round(4),
            "confidence": self.confidence.round(4),
        }
        if self.valence_confidence is not None:
            columns["valence_confidence"] = self.valence_confidence.round(4)
        if self.arousal_confidence is not None:
            columns["arousal_confidence"] = self.arousal_confidence.round(4)
        rows = zip(*(column.tolist() for column in columns.values()))
        return {
            "curve": [dict(zip(columns, row)) for row in rows],
            "shots": [_shot_json(shot) for shot in self.shots],
            "evidence": [{"name": e.name, "weight": round(e.weight, 4), "detail": e.detail} for e in self.evidence],
            "warnings": list(self.warnings),
        }


def _shot_json(shot: ShotMood) -> dict[str, Any]:
    return {
        "start_s": shot.start_s,
        "end_s": shot.end_s,
        "valence": round(shot.valence, 4),
        "arousal": round(shot.arousal, 4),
        "confidence": round(shot.confidence, 4),
        "categories": {word: round(float(p), 4) for word, p in shot.categories.items()},
    }


def grid(duration_s: float) -> FloatArray:
    """Evenly spaced times from 0 to the end, at least ``SAMPLES_A_SECOND``; at least two."""
    duration_s = max(duration_s, 1 / SAMPLES_A_SECOND)
    return np.linspace(0.0, duration_s, int(np.ceil(duration_s * SAMPLES_A_SECOND)) + 1)


def constant(duration_s: float, valence: float, arousal: float, confidence: float = 0.0) -> MoodCurve:
    """A flat curve: the neutral fallback, or a mood set by hand."""
    time_s = grid(duration_s)
    ones = np.ones_like(time_s)
    return MoodCurve(time_s, ones * valence, ones * arousal, ones * confidence)
