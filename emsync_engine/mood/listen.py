"""Listen to the timeline's sound: a coarse spectrum of the programme over record time, and what is heard in it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emsync_engine.mood.curve import FloatArray
from emsync_engine.mood.media import AUDIO_RATE, Heard, UnreadableMediaError, sound_in
from emsync_engine.picture import SoundClip

HOPS_A_SECOND = 16
_HOP = AUDIO_RATE // HOPS_A_SECOND
_FFT = 1024
_EDGES_HZ = np.geomspace(60, 7600, 25)
_CENTRES_HZ = np.sqrt(_EDGES_HZ[:-1] * _EDGES_HZ[1:])
_FLOOR_DB = -65.0
_JOIN_S = 1.0
"""Spans of one file this close are read as one."""

Bands = npt.NDArray[np.float32]
"""(hops, 24) power in bands from 60 to 7600 Hz; a full-scale sine has 0.5."""


@dataclass(frozen=True)
class Programme:
    """The sound of the whole timeline, all clips added up, ``HOPS_A_SECOND`` rows a second."""

    bands: Bands
    heard: npt.NDArray[np.bool_]
    """(hops,) Some readable clip lies here."""


def listen(
    sounds: Sequence[SoundClip], duration_s: float, unreadable: dict[str, str], tick: Callable[[float, str], None]
) -> Programme:
    """Add up the spectra of clips.

    Args:
        sounds: clips whose media are on this machine, without temp music.
        duration_s: of the timeline.
        unreadable: media that cannot be read are put here with the reason.
        tick: told the seconds of sound that were read, and from which file.
    """
    hops = max(1, int(np.ceil(duration_s * HOPS_A_SECOND)))
    programme = Programme(np.zeros((hops, len(_CENTRES_HZ)), dtype=np.float32), np.zeros(hops, dtype=bool))
    by_media: defaultdict[str, list[SoundClip]] = defaultdict(list)
    for clip in sounds:
        by_media[clip.media].append(clip)
    for media, clips in by_media.items():
        spans = joined([media_span(clip) for clip in clips])
        try:
            at, bands = _spectra(sound_in(media, spans))
        except UnreadableMediaError as error:
            unreadable[media] = str(error)
        else:
            if not len(at):
                unreadable[media] = "no sound where it is used"
            for clip in clips:
                _add(programme, clip, at, bands)
        tick(sum(end - start for start, end in spans), media)
    return programme


def media_span(clip: SoundClip) -> tuple[float, float]:
    """First and last second of the media that a clip plays."""
    start = float(clip.media_start)
    end = start + float(clip.speed * (clip.end - clip.start))
    return max(0.0, min(start, end)), max(0.0, start, end)


def joined(spans: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Rising, disjoint spans that cover the given ones; small holes are filled."""
    result: list[tuple[float, float]] = []
    for start, end in sorted(spans):
        if result and start <= result[-1][1] + _JOIN_S:
            result[-1] = (result[-1][0], max(result[-1][1], end))
        else:
            result.append((start, end))
    return result


def _spectra(blocks: Iterator[Heard]) -> tuple[npt.NDArray[np.int64], Bands]:
    """Hop numbers from the head of the media, rising, and their band powers."""
    at, bands = [np.zeros(0, dtype=np.int64)], [np.zeros((0, len(_CENTRES_HZ)), dtype=np.float32)]
    for block in blocks:
        power = band_power(block.samples)
        at.append(int(np.floor(block.time_s * HOPS_A_SECOND + 0.5)) + np.arange(len(power)))
        bands.append(power)
    return np.concatenate(at), np.concatenate(bands)


def band_power(samples: npt.NDArray[np.float32]) -> Bands:
    """Power of each hop of 1/16 s in each band (Hann window; an unfinished last hop is left out)."""
    count = len(samples) // _HOP
    window = np.hanning(_HOP).astype(np.float32)
    spectrum = np.fft.rfft(samples[: count * _HOP].reshape(count, _HOP) * window, _FFT, axis=1)
    power = (spectrum.real**2 + spectrum.imag**2) * (2 / (_FFT * float((window**2).sum())))
    first = np.searchsorted(np.fft.rfftfreq(_FFT, 1 / AUDIO_RATE), _EDGES_HZ)
    return np.asarray(np.add.reduceat(power, first, axis=1)[:, :-1], dtype=np.float32)


def _add(programme: Programme, clip: SoundClip, at: npt.NDArray[np.int64], bands: Bands) -> None:
    """Play a clip into the programme."""
    first = round(float(clip.start) * HOPS_A_SECOND)
    last = min(round(float(clip.end) * HOPS_A_SECOND), len(programme.heard))
    if first >= last or not len(at):
        return
    record = np.arange(first, last)
    into = (record + 0.5) / HOPS_A_SECOND - float(clip.start)
    wanted = np.floor((float(clip.media_start) + into * float(clip.speed)) * HOPS_A_SECOND).astype(np.int64)
    found = np.clip(np.searchsorted(at, wanted), 0, len(at) - 1)
    there = np.abs(at[found] - wanted) <= 1
    programme.bands[record[there]] += bands[found[there]]
    programme.heard[record[there]] = True


def level_db(programme: Programme) -> FloatArray:
    """Loudness of each hop in dB re full scale, weighted towards what ears notice.

    The weighting is a high pass at 80 Hz and a shelf of +4 dB above 1.5 kHz, close to the K weighting of
    ITU-R BS.1770.
    """
    f = _CENTRES_HZ
    weight = f**2 / (f**2 + 80**2) * (1 + 1.5 * f**2 / (f**2 + 1500**2))
    return np.asarray(np.maximum(10 * np.log10(programme.bands @ weight + 1e-12), _FLOOR_DB), dtype=np.float64)


def centroid_octaves(programme: Programme) -> FloatArray:
    """Where the middle of the spectrum lies, in octaves above 1 kHz; -2 in silence."""
    power = programme.bands.astype(np.float64)
    total = power.sum(axis=1)
    middle = power @ np.log2(_CENTRES_HZ / 1000) / np.maximum(total, 1e-12)
    return np.where(total > 10 ** (_FLOOR_DB / 10), middle, -2.0)


def flux_db(programme: Programme) -> FloatArray:
    """How much the bands rise from hop to hop, in dB, mean over the bands: onsets and their strength."""
    bands_db = 10 * np.log10(programme.bands.astype(np.float64) + 1e-7)
    rise = np.maximum(np.diff(bands_db, axis=0, prepend=bands_db[:1]), 0)
    return np.asarray(rise.mean(axis=1))
