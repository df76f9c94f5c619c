"""Where somebody speaks, heard in the sound itself: for timelines whose tracks do not say which carries dialogue.

Speech is told by three habits that noise and most music lack together: a voice of 70 to 400 Hz in much of it, levels
that fall and rise several times a second, and standing out from what else is in the clip. The thresholds were set on
made voices, effects and music, not on recordings of people: take the ranges as a first guess.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from emsync_engine.mood.listen import joined, media_span
from emsync_engine.mood.media import AUDIO_RATE, UnreadableMediaError, sound_in
from emsync_engine.picture import Picture, SoundClip
from otio_adapters.shots import merged_ranges

_HOP = AUDIO_RATE // 50
_FRAME = 2 * _HOP
HOP_S = _HOP / AUDIO_RATE
"""Seconds between two looks at the sound."""
_LAGS = slice(AUDIO_RATE // 400, AUDIO_RATE // 70)
"""Samples of one period of a voice."""
_VOICED = 0.5
"""Share of a frame's power that repeats with the period."""
_PURE = 0.85
"""Share of a frame's power around one frequency from which it is a whistle or a bird, and no voice."""
_HZ = np.fft.rfftfreq(2 * _FRAME, 1 / AUDIO_RATE)
_LOBE = 4
"""Bins either side of a frequency that the window spreads it over."""
_BAND = ((_HZ >= 120) & (_HZ <= 3800)).astype(np.float64)
"""Where voices have their power: without drums below and hiss above."""
_QUIETEST_DB = -55.0
_ABOVE_FLOOR_DB = 8.0
_WINDOW = 60  # hops: 1.2 s, some syllables and the pauses between them
_LEAST_VOICED = 0.5
_LEAST_SWING_DB = 5.0
"""Standard deviation of the level within a window."""
_PAUSE_S = 0.5
"""Pauses up to this do not end a line."""
_LEAST_S = 0.3
_MARGIN_S = 0.1

FloatArray = npt.NDArray[np.float64]
Span = tuple[float, float]


def with_heard_dialogue(picture: Picture) -> Picture:
    """The picture with the record ranges in which speech is heard, unless its tracks already say where dialogue is.

    Only sounds of no known role whose media are on this machine are listened to; what cannot be read is left out with a
    warning.
    """
    clips = [s for s in picture.sounds if s.role == "unknown" and s.online and s.speed > 0]
    if picture.dialogue or not clips:
        return picture
    by_media: defaultdict[str, list[SoundClip]] = defaultdict(list)
    for clip in clips:
        by_media[clip.media].append(clip)
    ranges: list[tuple[Fraction, Fraction]] = []
    warnings = list(picture.warnings)
    for media, played in by_media.items():
        try:
            spoken = _spoken_in(media, joined([media_span(clip) for clip in played]))
        except UnreadableMediaError as error:
            warnings.append(f"{media} was not listened to for speech: {error}")
            continue
        ranges += [part for clip in played for part in _in_record(clip, spoken)]
    return replace(picture, dialogue=merged_ranges(ranges), warnings=tuple(warnings))


def _spoken_in(media: str, spans: Sequence[Span]) -> list[Span]:
    """Seconds of a file in which somebody speaks.

    Raises:
        UnreadableMediaError: the file cannot be read as sound.
    """
    found: list[Span] = []
    for start, samples in _runs((block.time_s, block.samples) for block in sound_in(media, spans)):
        found += [(start + a, start + b) for a, b in spoken_spans(samples)]
    return found


def _runs(blocks: Iterable[tuple[float, npt.NDArray[np.float32]]]) -> Iterator[tuple[float, FloatArray]]:
    """Blocks that follow each other without a hole as one."""
    start, end = 0.0, -1.0
    parts: list[FloatArray] = []
    for time, samples in blocks:
        if parts and abs(time - end) > HOP_S:
            yield start, np.concatenate(parts)
            parts = []
        start = start if parts else time
        parts.append(np.asarray(samples, dtype=np.float64))
        end = time + len(samples) / AUDIO_RATE
    if parts:
        yield start, np.concatenate(parts)


def _in_record(clip: SoundClip, spoken: Sequence[Span]) -> list[tuple[Fraction, Fraction]]:
    """The record ranges at which a clip plays spoken parts of its media."""
    ranges = []
    for span in spoken:
        a, b = (clip.start + (Fraction(t).limit_denominator(1000) - clip.media_start) / clip.speed for t in span)
        a, b = max(a, clip.start), min(b, clip.end)
        if a < b:
            ranges.append((a, b))
    return ranges


def spoken_spans(samples: FloatArray) -> list[Span]:
    """Rising spans of speech in seconds.

    Args:
        samples: (n,) one channel at ``AUDIO_RATE``, full scale 1.
    """
    if len(samples) < _FRAME * 2:
        return []
    level, voiced = _features(samples)
    floor = max(float(np.percentile(level, 10)) + _ABOVE_FLOOR_DB, _QUIETEST_DB)
    active = level > min(floor, float(np.percentile(level, 90)) - 3)
    active &= level > _QUIETEST_DB
    share = _moving_mean((active & voiced).astype(float)) / np.maximum(_moving_mean(active.astype(float)), 1e-9)
    clipped = np.maximum(level, _QUIETEST_DB - 10)
    swing = np.sqrt(np.maximum(_moving_mean(clipped**2) - _moving_mean(clipped) ** 2, 0))
    return _spans(active & (share >= _LEAST_VOICED) & (swing >= _LEAST_SWING_DB))


def _features(samples: FloatArray) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """(level in dB, voiced) a hop."""
    count = (len(samples) - _FRAME) // _HOP + 1
    level, voiced = np.empty(count), np.empty(count, dtype=bool)
    for first in range(0, count, 4096):
        last = min(first + 4096, count)
        frames = np.lib.stride_tricks.sliding_window_view(samples[first * _HOP : (last - 1) * _HOP + _FRAME], _FRAME)[
            ::_HOP
        ]
        frames = (frames - frames.mean(axis=1, keepdims=True)) * np.hanning(_FRAME)
        power = np.abs(np.fft.rfft(frames, 2 * _FRAME)) ** 2 * _BAND
        repeats = np.fft.irfft(power)[:, :_FRAME]
        taper = np.correlate(np.hanning(_FRAME), np.hanning(_FRAME), "full")[_FRAME - 1 :]
        taper /= taper[0]
        whole = np.maximum(repeats[:, 0], 1e-12)
        peak = (repeats[:, _LAGS] / np.maximum(taper[_LAGS], 0.05)).max(axis=1) / whole
        level[first:last] = 10 * np.log10(whole / _FRAME + 1e-12)
        pure = _strongest(power) > _PURE * power.sum(axis=1)
        voiced[first:last] = (peak > _VOICED) & ~pure
    return level, voiced


def _strongest(power: FloatArray) -> FloatArray:
    """The most power that lies within one main lobe, a frame."""
    lobes = np.lib.stride_tricks.sliding_window_view(power, 2 * _LOBE + 1, axis=1).sum(axis=2)
    strongest: FloatArray = lobes.max(axis=1)
    return strongest


def _moving_mean(values: FloatArray) -> FloatArray:
    padded = np.pad(values, (_WINDOW // 2, _WINDOW - _WINDOW // 2 - 1), mode="edge")
    total = np.cumsum(np.insert(padded, 0, 0.0))
    mean: FloatArray = (total[_WINDOW:] - total[:-_WINDOW]) / _WINDOW
    return mean


def _spans(speech: npt.NDArray[np.bool_]) -> list[Span]:
    """Runs of hops as seconds: short pauses bridged, lone blips left out."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], speech.astype(np.int8), [0]))))
    found: list[Span] = []
    for start, end in edges.reshape(-1, 2) * HOP_S:
        if found and start - found[-1][1] <= _PAUSE_S:
            found[-1] = (found[-1][0], float(end))
        else:
            found.append((float(start), float(end)))
    lines = (span for span in found if span[1] - span[0] >= _LEAST_S)
    return [(max(a - _MARGIN_S, 0.0), b + _MARGIN_S) for a, b in lines]
