"""``MoodCurve``: valence and arousal over record time, with what they rest on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


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
    shots: tuple[ShotMood, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    warnings: tuple[str, ...] = ()

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

    def to_json(self) -> dict[str, Any]:
        """The document of ``emsync mood --json``."""
        return {
            "curve": [
                {"time_s": round(float(t), 6), "valence": round(float(v), 4), "arousal": round(float(a), 4),
                 "confidence": round(float(c), 4)}
                for t, v, a, c in zip(self.time_s, self.valence, self.arousal, self.confidence)
            ],
            "shots": [
                {"start_s": s.start_s, "end_s": s.end_s, "valence": round(s.valence, 4),
                 "arousal": round(s.arousal, 4), "confidence": round(s.confidence, 4),
                 "categories": {k: round(float(p), 4) for k, p in s.categories.items()}}
                for s in self.shots
            ],
            "evidence": [{"name": e.name, "weight": round(e.weight, 4), "detail": e.detail} for e in self.evidence],
            "warnings": list(self.warnings),
        }  # fmt: skip


def constant(duration_s: float, valence: float, arousal: float, confidence: float = 0.0) -> MoodCurve:
    """A flat curve at 4 Hz: the neutral fallback, or a mood set by hand."""
    count = max(2, int(np.ceil(duration_s * 4)) + 1)
    time_s = np.linspace(0.0, max(duration_s, 0.25), count)
    ones = np.ones(count)
    return MoodCurve(time_s, ones * valence, ones * arousal, ones * confidence)
