"""Where evidence of any kind becomes one mood.

Every source of evidence, however it works inside, is an ``EvidenceTrack``: what it believes about valence or arousal
over time, and how sure it is. ``fuse`` weighs the tracks by their confidence against a belief in neutral: where there
is little evidence, the mood stays near 0 and says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from emsync_engine.mood.curve import Evidence, FloatArray, MoodCurve

NEUTRAL_CONFIDENCE = 0.25
"""Weight of the belief that the mood is neutral. A track of this confidence alone goes half of its way."""
SMOOTH_S = 0.9
"""Standard deviation of the smoothing: about 2.5 s from end to end."""
CUT_PASSES = 0.45
"""How much of the smoothing goes over a hard cut, where a mood may change at once."""


@dataclass(frozen=True)
class EvidenceTrack:
    """What one source of evidence says."""

    name: str
    """A word such as ``"motion"``; the weights reported to the user go by it."""
    time_s: FloatArray
    """Rising record times."""
    valence: FloatArray | None
    """-1..1 at those times; None when the source says nothing about it."""
    arousal: FloatArray | None
    """-1..1 at those times; None when the source says nothing about it."""
    confidence: FloatArray
    """0..1 at those times; 0 where there is nothing to see or hear."""
    detail: str = ""
    """What it rests on, in words."""


def fuse(tracks: Sequence[EvidenceTrack], time_s: FloatArray, cuts_s: FloatArray) -> MoodCurve:
    """The mood at given times.

    For valence and arousal alike, with c the confidences of the tracks that speak and n that of neutral::

        mood = sum(c * value) / (sum(c) + n)        confidence = sum(c) / (sum(c) + n)

    Args:
        tracks: the evidence; each may have its own times.
        time_s: rising and evenly spaced times of the curve.
        cuts_s: rising times of hard cuts, which hold the smoothing back.
    """
    scene = np.searchsorted(cuts_s, time_s, side="right").astype(np.float64)
    valence, valence_share = np.zeros_like(time_s), np.zeros_like(time_s)
    arousal, arousal_share = np.zeros_like(time_s), np.zeros_like(time_s)
    shares: list[float] = []
    for track in tracks:
        confidence = _at(track, track.confidence, time_s)
        said = (track.valence is not None) + (track.arousal is not None)
        shares.append(float(confidence.sum()) * said)
        for values, total, weight in (
            (track.valence, valence, valence_share),
            (track.arousal, arousal, arousal_share),
        ):
            if values is not None:
                value, sure = smooth(_at(track, values, time_s), confidence, time_s, scene)
                total += sure * value
                weight += sure
    valence_confidence = valence_share / (valence_share + NEUTRAL_CONFIDENCE)
    arousal_confidence = arousal_share / (arousal_share + NEUTRAL_CONFIDENCE)
    whole = sum(shares) or 1.0
    return MoodCurve(
        time_s,
        np.clip(valence / (valence_share + NEUTRAL_CONFIDENCE), -1, 1),
        np.clip(arousal / (arousal_share + NEUTRAL_CONFIDENCE), -1, 1),
        (valence_confidence + arousal_confidence) / 2,
        evidence=tuple(Evidence(t.name, share / whole, t.detail) for t, share in zip(tracks, shares)),
        valence_confidence=valence_confidence,
        arousal_confidence=arousal_confidence,
    )


def _at(track: EvidenceTrack, values: FloatArray, time_s: FloatArray) -> FloatArray:
    """A track's values at the curve's times; outside the track they are 0."""
    return np.interp(time_s, track.time_s, values, left=0.0, right=0.0)


def smooth(
    values: FloatArray, confidence: FloatArray, time_s: FloatArray, scene: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Values and confidences smoothed over about 2.5 s.

    Confident samples count more, and every hard cut between two samples (``scene`` numbers the stretches between cuts)
    weakens their influence on each other.
    """
    step = float(time_s[1] - time_s[0])
    reach = min(len(time_s) - 1, int(3 * SMOOTH_S / step))
    total, weight, whole = values * confidence, confidence.copy(), np.ones_like(values)
    for offset in range(1, reach + 1):
        near = np.exp(-0.5 * (offset * step / SMOOTH_S) ** 2)
        kernel = near * CUT_PASSES ** (scene[offset:] - scene[:-offset])
        for here, there in ((slice(offset, None), slice(None, -offset)), (slice(None, -offset), slice(offset, None))):
            total[here] += kernel * (values * confidence)[there]
            weight[here] += kernel * confidence[there]
            whole[here] += kernel
    return total / np.maximum(weight, 1e-12), weight / whole
