"""Speech by its movement: a light detector without any trained net behind it.

A second and a half of sound at a time is rated by eleven measures that literature knows to tell speech from music and
noise (modulation by syllables, gliding pitch, partials that do not stand still, a spectrum that turns over), added up
with the weights of a logistic regression. It was fitted to synthetic speech (seven voices of espeak-ng, five languages,
clean, in noise, in a room and over music) against noises, effects and music made by program.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from emsync_engine.dialogue.frames import HOP_S, SILENCE_DB, Frames, Mask, Row, edges, measure
from emsync_engine.mood.media import AUDIO_RATE, Samples

_LENGTH, _STEP = 150, 25
"""Frames of a window, and from one window to the next."""
_WIDE = 300
"""Frames around a window's middle in which voice and glides are counted."""
_FEWEST_GLIDES = 3
"""Frames with a gliding pitch; with fewer of them the other measures have to be ``_SURE``, as of a creaking voice."""
_SURE = 2.0
_LEAST_GLIDE_SHARE = 0.33
"""Of the frames whose pitch is sure, those that glide: fewer are notes."""
_OVER_FLOOR_DB = 6.0
_LOUD_SHARE = 0.5
"""How far up from the quietest to the loudest level nearby a frame of speech is."""
_UNDER_PEAK_DB = 30.0
_NEAR_VOICE = 30
"""Frames from a voiced one in which a sound without a voice may be a consonant."""
_SYLLABLES_HZ, _ALL_HZ = (2.5, 9.0), (0.5, 40.0)
_HOLD_S = 0.35
"""Shorter pauses belong to the speech around them."""
_LEAST_S = 0.15
_BEFORE_S, _AFTER_S = 0.06, 0.14
"""Soft beginnings and ends that the level does not show."""

_WEIGHTS: Sequence[tuple[str, float, float, float]] = (
    ("syllables", 0.426, 0.249, 0.96),
    ("runs", 1.86, 1.81, 1.35),
    ("tilt", 15.1, 10.1, -0.30),
    ("still", 0.115, 0.164, -0.84),
    ("change", 5.61, 3.19, 0.84),
    ("centre", 1.62, 1.29, 1.01),
    ("range", 22.4, 19.8, 1.03),
    ("split", 4.96, 4.02, -0.46),
    ("voice", 6.58, 4.57, 0.91),
    ("glides", 3.34, 3.21, 1.02),
    ("glide_share", 0.606, 0.289, 0.92),
)
"""(measure, mean, spread, weight)."""
_BIAS = -0.41

Spans = list[tuple[float, float]]
"""Seconds, rising, disjoint."""


def spoken(samples: Samples) -> Spans:
    """Seconds in which somebody speaks, in mono sound at 16 kHz."""
    frames = measure(samples)
    least = np.maximum(_OVER_FLOOR_DB, _LOUD_SHARE * (frames.peak_db - frames.floor_db))
    loud = frames.level_db > np.maximum(frames.floor_db + least, SILENCE_DB)
    speech = _rated(frames) & loud & _widened(frames.voiced, _NEAR_VOICE)
    return _spans(speech, len(samples) / AUDIO_RATE)


def _widened(mask: Mask, by: int) -> Mask:
    """The mask with so many frames before and after each of its own."""
    counts = np.concatenate([np.zeros(by + 1), np.cumsum(mask), np.full(by, mask.sum())])
    return np.asarray(counts[2 * by + 1 :] > counts[: -2 * by - 1])


def _rated(frames: Frames) -> Mask:
    """Frames near the middle of a window that holds speech."""
    result = np.zeros(len(frames), dtype=bool)
    for start, row in windows(frames):
        least = 0.0 if row["glides"] ** 2 >= _FEWEST_GLIDES else _SURE
        if row["glide_share"] >= _LEAST_GLIDE_SHARE and score(row) > least:
            middle = start + _LENGTH // 2
            result[max(middle - _LENGTH // 3, 0) : middle + _LENGTH // 3] = True
    return result


def score(row: dict[str, float]) -> float:
    """Above 0 for speech."""
    return _BIAS + sum(weight * (row[name] - mean) / spread for name, mean, spread, weight in _WEIGHTS)


def windows(frames: Frames) -> list[tuple[int, dict[str, float]]]:
    """(first frame, measures) of each window; the first and the last reach beyond the ends."""
    half = _LENGTH // 2
    counts = {name: np.concatenate([[0], np.cumsum(getattr(frames, name))]) for name in ("voiced", "gliding", "steady")}
    result = []
    for middle in range(0, len(frames), _STEP):
        a, b = max(middle - half, 0), min(middle + half, len(frames))
        if b - a < half:
            continue
        first, last = max(middle - _WIDE // 2, 0), min(middle + _WIDE // 2, len(frames))
        voiced, gliding, steady = (float(c[last] - c[first]) for c in counts.values())
        row = _measures(frames, a, b)
        row |= {"voice": voiced**0.5, "glides": gliding**0.5, "glide_share": (gliding + 1) / (gliding + steady + 2)}
        result.append((middle - half, row))
    return result


def _measures(frames: Frames, start: int, end: int) -> dict[str, float]:
    part = slice(start, end)
    level = frames.level_db[part]
    active = level > np.maximum(frames.floor_db[part] + _OVER_FLOOR_DB, level.max() - _UNDER_PEAK_DB)
    if active.sum() < 8:
        active = level >= np.sort(level)[-8]
    voiced = frames.voiced[part]
    starts, ends = edges(voiced)
    split = (frames.high_db - frames.low_db)[part]
    return {
        "syllables": _syllables(level),
        "runs": min(float((ends - starts >= 4).sum()) * 100 / (end - start), 8.0),
        "tilt": float(
            np.clip(-split[active & voiced].mean() if (active & voiced).any() else -split[active].mean(), -20, 60)
        ),
        "still": float(frames.still[part][active].mean()),
        "change": float(frames.change[part][active].mean()),
        "centre": float(frames.centre[part][active].std()),
        "range": float(np.percentile(level, 95) - np.percentile(level, 5)),
        "split": float(split[active].std()),
    }


def _syllables(level_db: Row) -> float:
    """Share of the envelope's modulation that is as fast as syllables are."""
    envelope = 10 ** (level_db / 30)
    envelope = envelope / envelope.mean() - 1
    power = np.abs(np.fft.rfft(envelope * np.hanning(len(envelope)), 256)) ** 2
    hz = np.fft.rfftfreq(256, HOP_S)
    inside, whole = ((hz >= low) & (hz <= high) for low, high in (_SYLLABLES_HZ, _ALL_HZ))
    return float(power[inside].sum() / max(power[whole].sum(), 1e-12))


def _spans(speech: Mask, length_s: float) -> Spans:
    """Runs of frames as seconds: pauses filled, clicks dropped, ends made room for."""
    result: Spans = []
    for start, end in zip(*edges(speech)):
        a, b = start * HOP_S, end * HOP_S
        if result and a - result[-1][1] <= _HOLD_S:
            result[-1] = (result[-1][0], b)
        else:
            result.append((a, b))
    kept = [(max(a - _BEFORE_S, 0.0), min(b + _AFTER_S, length_s)) for a, b in result if b - a >= _LEAST_S]
    return [(float(a), float(b)) for a, b in kept if b > a]
