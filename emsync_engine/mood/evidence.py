"""Evidence that needs no trained net: motion, pace, loudness and timbre, light and colour.

Which features move arousal and valence follows Hanjalic & Xu 2005 (motion, cut density, sound energy: arousal) and
Valdez & Mehrabian 1994 (brightness: pleasure; saturation: arousal and a little pleasure).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emsync_engine.mood import listen
from emsync_engine.mood.curve import FloatArray
from emsync_engine.mood.fuse import EvidenceTrack
from emsync_engine.mood.listen import HOPS_A_SECOND, Programme
from emsync_engine.mood.look import Look
from emsync_engine.mood.see import Sight

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Reference:
    """Mean and spread of a feature over films in general."""

    mean: float
    spread: float


# Colour: about the statistics of the 900 photographs of OASIS (Kurdi et al. 2017), darker as graded film is. The
# others are set by hand from dialogue scenes (the mean) and action or quiet (one spread up or down).
BRIGHTNESS = Reference(0.38, 0.15)
SATURATION = Reference(0.16, 0.11)
WARMTH = Reference(0.06, 0.14)
DARK = Reference(0.30, 0.22)
MOTION_LOG2 = Reference(-5.4, 1.3)
CUT_RATE_LOG2 = Reference(-2.2, 1.1)
LEVEL_DB = Reference(-32.0, 10.0)
CENTROID_OCTAVES = Reference(-0.7, 0.9)
FLUX_DB = Reference(1.6, 0.8)

_LIGHT_WEIGHTS = {
    "brightness": (BRIGHTNESS, 0.45),
    "saturation": (SATURATION, 0.20),
    "warmth": (WARMTH, 0.20),
    "dark": (DARK, -0.15),
}
_PIXEL_VALENCE = 0.6
"""Light and colour say little about valence, so they never say more than this."""
_LEAST_SPREAD = 0.5
"""A video's own spread counts as at least this share of the reference's: a uniform film is not blown up to extremes."""
_SQUASH = 0.75
_MONOCHROME = 0.04
"""A film that is never more saturated than this has no colours."""
_QUIET_LOG2 = 2.0**-9
"""Motion under which a picture stands still, to the camera's noise."""

_MOTION, _PACE, _LOUDNESS, _TIMBRE, _SATURATION, _LIGHT = 0.35, 0.30, 0.25, 0.10, 0.10, 0.20
_SILENCE = 0.10
"""Confidence of the tracks where they have evidence; of loudness where the sound track is empty."""


def score(values: FloatArray, known: Mask, reference: Reference) -> FloatArray:
    """How high values are: half against films in general, half against this film (median and MAD); -3..3."""
    if not known.any():
        return np.zeros_like(values)
    median = float(np.median(values[known]))
    own = 1.4826 * float(np.median(np.abs(values[known] - median)))
    own = max(own, _LEAST_SPREAD * reference.spread)
    both = 0.5 * (values - reference.mean) / reference.spread + 0.5 * (values - median) / own
    return np.where(known, np.clip(both, -3, 3), 0.0)


def _squash(scores: FloatArray) -> FloatArray:
    return np.asarray(np.tanh(_SQUASH * scores))


def _sure(where: Mask, confidence: float) -> FloatArray:
    return np.where(where, confidence, 0.0)


def from_sight(sight: Sight, time_s: FloatArray) -> list[EvidenceTrack]:
    """Motion and saturation for arousal, light and colour for valence."""
    seen = covered(sight.time_s - sight.slot_s / 2, sight.time_s + sight.slot_s / 2, time_s)
    watched = f"{sight.slot_s.sum():.1f} s watched"
    has_motion = ~np.isnan(sight.motion)
    log_motion = np.log2(np.where(has_motion, sight.motion, 0) + _QUIET_LOG2)
    motion = on_grid(sight.time_s[has_motion], log_motion[has_motion], time_s)
    looks = {name: on_grid(sight.time_s, column, time_s) for name, column in zip(Look._fields, sight.looks.T)}
    # Black and white is a style of the whole film and says nothing about a moment of it.
    coloured = seen if looks["saturation"][seen].max(initial=0) > _MONOCHROME else np.zeros_like(seen)
    known = {"brightness": seen, "saturation": coloured, "warmth": coloured, "dark": seen}
    light = np.sum([w * score(looks[name], known[name], ref) for name, (ref, w) in _LIGHT_WEIGHTS.items()], axis=0)
    saturation = score(looks["saturation"], coloured, SATURATION)
    moving = seen if has_motion.any() else np.zeros_like(seen)
    return [
        EvidenceTrack(
            "motion", time_s, None, _squash(score(motion, moving, MOTION_LOG2)), _sure(moving, _MOTION), watched
        ),
        EvidenceTrack("saturation", time_s, None, _squash(saturation), _sure(coloured, _SATURATION), watched),
        EvidenceTrack("light and colour", time_s, _PIXEL_VALENCE * _squash(light), None, _sure(seen, _LIGHT), watched),
    ]


def from_pace(log_rate: FloatArray, seen: Mask, time_s: FloatArray, cuts: int) -> EvidenceTrack:
    """Cutting rate for arousal, where the picture is seen."""
    arousal = _squash(score(log_rate, seen, CUT_RATE_LOG2))
    return EvidenceTrack("cutting rate", time_s, None, arousal, _sure(seen, _PACE), f"{cuts} cuts")


def from_sound(programme: Programme, unknown: Mask, time_s: FloatArray) -> list[EvidenceTrack]:
    """Loudness, and brightness and busyness of the sound, for arousal.

    Args:
        programme: the sound that was heard.
        unknown: (times,) where clips lie that could not be listened to; their silence means nothing.
        time_s: of the curve.
    """
    hop_s = (np.arange(len(programme.heard)) + 0.5) / HOPS_A_SECOND
    heard = on_grid(hop_s, programme.heard.astype(np.float64), time_s) > 0.5
    known = heard | ~unknown
    level, centroid, flux = (
        on_grid(hop_s, feature(programme), time_s)
        for feature in (listen.level_db, listen.centroid_octaves, listen.flux_db)
    )
    timbre = 0.5 * score(centroid, heard, CENTROID_OCTAVES) + 0.5 * score(flux, heard, FLUX_DB)
    loudness = np.where(heard, _LOUDNESS, _sure(known, _SILENCE))
    detail = f"{programme.heard.sum() / HOPS_A_SECOND:.1f} s listened to"
    return [
        EvidenceTrack("loudness", time_s, None, _squash(score(level, known, LEVEL_DB)), loudness, detail),
        EvidenceTrack("timbre", time_s, None, _squash(timbre), _sure(heard, _TIMBRE), detail),
    ]


def covered(start_s: FloatArray, end_s: FloatArray, time_s: FloatArray) -> Mask:
    """Which of the evenly spaced times lie in any of the spans, ends included."""
    step = float(time_s[1] - time_s[0])
    first = np.clip(np.ceil(start_s / step - 1e-6).astype(int), 0, len(time_s))
    last = np.clip(np.floor(end_s / step + 1e-6).astype(int) + 1, first, len(time_s))
    depth = np.zeros(len(time_s) + 1)
    np.add.at(depth, first, 1)
    np.add.at(depth, last, -1)
    return np.asarray(np.cumsum(depth)[:-1] > 0)


def on_grid(at_s: FloatArray, values: FloatArray, time_s: FloatArray) -> FloatArray:
    """Means of the values nearest to each of the evenly spaced times; between them where there is none near."""
    if not len(at_s):
        return np.zeros_like(time_s)
    step = float(time_s[1] - time_s[0])
    cell = np.clip(np.rint(at_s / step).astype(int), 0, len(time_s) - 1)
    count = np.bincount(cell, minlength=len(time_s))
    mean = np.bincount(cell, weights=values, minlength=len(time_s)) / np.maximum(count, 1)
    return np.where(count > 0, mean, np.interp(time_s, at_s, values))
