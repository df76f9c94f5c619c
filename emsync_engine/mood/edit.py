"""The user's word over the engine's: moods from markers and from the command line."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from emsync_engine.mood.curve import Evidence, FloatArray, MoodCurve
from emsync_engine.mood.watching import shot_moods
from emsync_engine.picture import Picture

EDGE_S = 0.5
"""A mood set by hand fades in and out over this long, half of it on each side of the edge."""


def with_mood(curve: MoodCurve, picture: Picture, *, mood: tuple[float, float] | None) -> MoodCurve:
    """The curve with the user's moods laid over it, with confidence 1.

    Args:
        curve: what was watched.
        picture: its ``mood`` markers hold for their duration or, without one, until the next mood marker.
        mood: (valence, arousal) for the whole film, which goes before the markers.
    """
    result = curve
    for start_s, end_s, (valence, arousal) in _marked(picture):
        result = _laid_over(result, _weight(curve.time_s, start_s, end_s), valence, arousal, "marker")
    if mood is not None:
        result = _laid_over(result, np.ones_like(curve.time_s), *mood, "override")
    return result if result is curve else replace(result, shots=shot_moods(result, picture.shots))


def _marked(picture: Picture) -> list[tuple[float, float, tuple[float, float]]]:
    """(start, end, mood) of the mood markers in order; the last one without a duration holds to the end."""
    markers = sorted(
        (m for m in picture.markers if m.instruction and m.instruction.kind == "mood"), key=lambda m: m.time
    )
    ends = [float(m.time) for m in markers[1:]] + [float("inf")]
    spans = []
    for marker, following in zip(markers, ends):
        start_s = float(marker.time)
        # Up to the next marker: fade out under it, so that what was watched does not shine through between the two.
        end_s = start_s + float(marker.duration) if marker.duration else following + EDGE_S
        assert marker.instruction is not None
        spans.append((start_s, end_s, marker.instruction.value))
    return spans


def _weight(time_s: FloatArray, start_s: float, end_s: float) -> FloatArray:
    """1 inside, 0 outside, with raised-cosine edges; the film's own head and end have none."""
    rise = np.ones_like(time_s) if start_s <= time_s[0] else _ramp(time_s - start_s)
    fall = np.ones_like(time_s) if end_s >= time_s[-1] else _ramp(end_s - time_s)
    return np.minimum(rise, fall)


def _ramp(distance_s: FloatArray) -> FloatArray:
    return np.asarray(0.5 + 0.5 * np.sin(np.pi * np.clip(distance_s / EDGE_S, -0.5, 0.5)))


def _laid_over(curve: MoodCurve, weight: FloatArray, valence: float, arousal: float, source: str) -> MoodCurve:
    """A constant mood over the curve, as far as its weight (0..1) goes."""

    def sure(confidence: FloatArray | None) -> FloatArray | None:
        return None if confidence is None else confidence + weight * (1 - confidence)

    share = float(weight.mean())
    others = {e.name: replace(e, weight=e.weight * (1 - share)) for e in curve.evidence}
    before = others.pop(source, Evidence(source, 0.0))
    by_hand = replace(before, weight=before.weight + share, detail="set by hand")
    return replace(
        curve,
        valence=curve.valence + weight * (valence - curve.valence),
        arousal=curve.arousal + weight * (arousal - curve.arousal),
        confidence=curve.confidence + weight * (1 - curve.confidence),
        valence_confidence=sure(curve.valence_confidence),
        arousal_confidence=sure(curve.arousal_confidence),
        evidence=(*others.values(), by_hand),
    )
