"""What can be measured of sound every hundredth of a second: level, pitch, partials that stand still, and change.

Speech has a voice whose pitch glides all the time, in short stretches, with overtones up to 2.5 kHz, and a spectrum
that turns over several times a second; instruments hold their pitch, noises have none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emsync_engine.mood.media import AUDIO_RATE, Samples

HOP_S = 0.01
_HOP = round(AUDIO_RATE * HOP_S)
_WINDOW = 640
"""Samples, 40 ms: two and a half periods of a deep voice."""
_FFT = 2048
_EDGES_HZ = np.array(
    [
        100,
        200,
        300,
        400,
        510,
        630,
        770,
        920,
        1080,
        1270,
        1480,
        1720,
        2000,
        2320,
        2700,
        3150,
        3700,
        4400,
        5300,
        6400,
        7700,
    ]
)
"""Critical bands (Zwicker 1961) from the second one on."""
_SPEECH, _LOW, _HIGH, _VOICE = slice(2, 17), slice(0, 8), slice(14, 20), slice(2, 15)
_FLOOR = 1e-9
_PITCH_HZ = (62.0, 420.0)
_OVERTONES_HZ = (250.0, 2500.0)
"""Periodicity is looked for in this band, where hum, rumble and single tones have none of a voice's."""
_PERIODIC = 0.7
_ONE_TONE = 0.8
"""Share of one band in the voice's bands from which a frame holds a tone, not a voice."""
_LEAST_RUN = 5
"""Frames; what is periodic for less is an accident."""
_OVER_FLOOR_DB = 6.0
SILENCE_DB = -75.0
"""Re full scale; nothing softer is listened to."""
_FLOOR_REACH = 150
"""Frames either side in which the quietest is the noise floor."""
_GLIDE = (4.0, 80.0)
"""Semitones a second of a voice's pitch."""
_STEADY = 1.5
"""Semitones a second, at most, of a note that is held."""
_STILL_FRAMES = 12

Row = npt.NDArray[np.float64]
"""(frames,)."""
Mask = npt.NDArray[np.bool_]
Table = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Frames:
    """Measures of each hop of ``HOP_S`` seconds."""

    level_db: Row
    """Of 300 to 4400 Hz."""
    floor_db: Row
    """The quietest level within a second and a half."""
    peak_db: Row
    """The loudest level within a second and a half."""
    low_db: Row
    """100 to 1080 Hz."""
    high_db: Row
    """2700 to 7700 Hz."""
    voiced: Mask
    """Periodic with overtones."""
    gliding: Mask
    """The pitch moves as a voice's does."""
    steady: Mask
    """The pitch is held."""
    still: Row
    """Share of the partials that have been at the same place for an eighth of a second."""
    change: Row
    """How much the shape of the spectrum differs from that of 50 ms ago, dB."""
    centre: Row
    """Centre of the spectrum in critical bands."""

    def __len__(self) -> int:
        return len(self.level_db)


def measure(samples: Samples) -> Frames:
    """Measure mono sound at ``AUDIO_RATE``."""
    power = _power(samples)
    bands = _bands(power)
    bands_db = 10 * np.log10(bands + _FLOOR)
    level = _db(bands[:, _SPEECH])
    even = _smooth(level, 9)
    floor = _running_least(even)
    periodic, pitch_hz = _pitch(power)
    one_tone = bands[:, _VOICE].max(1) / np.maximum(bands[:, _VOICE].sum(1), 1e-12) >= _ONE_TONE
    loud = (level > floor + _OVER_FLOOR_DB) & (level > SILENCE_DB)
    voiced = _runs((periodic > _PERIODIC) & loud & ~one_tone)
    gliding, steady = _movement(pitch_hz, voiced)
    return Frames(
        level_db=level,
        floor_db=floor,
        peak_db=-_running_least(-even),
        low_db=_db(bands[:, _LOW]),
        high_db=_db(bands[:, _HIGH]),
        voiced=voiced,
        gliding=gliding,
        steady=steady,
        still=_still(power, level),
        change=_change(bands_db),
        centre=np.asarray(bands @ np.arange(bands.shape[1]) / np.maximum(bands.sum(1), 1e-12), dtype=np.float64),
    )


def _power(samples: Samples) -> Table:
    """(frames, bins) power; frame k is centred at k hops."""
    padded = np.concatenate([np.zeros(_WINDOW // 2, np.float32), samples, np.zeros(_WINDOW, np.float32)])
    count = len(samples) // _HOP + 1
    rows = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP][:count]
    window = np.hanning(_WINDOW).astype(np.float32)
    spectrum = np.fft.rfft(rows * window, _FFT, axis=1)
    scale = 2 / float((window**2).sum()) / _WINDOW
    return np.asarray((spectrum.real**2 + spectrum.imag**2) * scale, dtype=np.float32)


def _bands(power: Table) -> Table:
    first = np.searchsorted(np.fft.rfftfreq(_FFT, 1 / AUDIO_RATE), _EDGES_HZ)
    return np.asarray(np.add.reduceat(power, first, axis=1)[:, :-1], dtype=np.float32)


def _db(bands: Table) -> Row:
    return np.asarray(10 * np.log10(bands.sum(1) + _FLOOR), dtype=np.float64)


def _smooth(row: Row, count: int) -> Row:
    padded = np.pad(row, (count // 2, count - 1 - count // 2), mode="edge")
    return np.asarray(np.convolve(padded, np.ones(count) / count, "valid"))


def _running_least(row: Row) -> Row:
    padded = np.pad(row, _FLOOR_REACH, mode="edge")
    return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, 2 * _FLOOR_REACH + 1).min(1))


def _pitch(power: Table) -> tuple[Row, Row]:
    """How periodic each frame is, 0..1, and its pitch in Hz: the highest peak of the autocorrelation of 250 to 2500
    Hz, smoothed over five frames, with a slight preference for the shorter period."""
    hz = np.fft.rfftfreq(_FFT, 1 / AUDIO_RATE)
    inside = ((hz > _OVERTONES_HZ[0]) & (hz < _OVERTONES_HZ[1])).astype(np.float32)
    shortest, longest = (int(AUDIO_RATE / f) for f in reversed(_PITCH_HZ))
    reach = longest + 3
    raw = np.fft.irfft(power * inside, axis=1)[:, :reach]
    raw = raw / np.maximum(raw[:, :1], 1e-12) / np.maximum(_window_autocorrelation(reach), 0.05)
    padded = np.pad(raw, ((2, 2), (0, 0)), mode="edge")
    even = np.zeros_like(raw)
    for i, weight in enumerate((1, 2, 3, 2, 1)):
        even += weight / 9 * padded[i : i + len(raw)]
    rated = even[:, shortest:longest] - np.linspace(0, 0.08, longest - shortest)
    peak = np.zeros(rated.shape, dtype=bool)
    peak[:, 1:-1] = (rated[:, 1:-1] > rated[:, :-2]) & (rated[:, 1:-1] >= rated[:, 2:])
    rated = np.where(peak, rated, -1)
    lag = rated.argmax(1) + shortest
    rows = np.arange(len(lag))
    strength = np.max([raw[rows, lag + d] for d in (-2, -1, 0, 1, 2)], axis=0)
    a, b, c = (even[rows, lag + d] for d in (-1, 0, 1))
    offset = np.clip((a - c) / (2 * (a - 2 * b + c) - 1e-9), -0.5, 0.5)
    found = rated.max(1) > -1
    return np.where(found, np.clip(strength, 0, 1), 0).astype(np.float64), AUDIO_RATE / (lag + offset)


def _window_autocorrelation(reach: int) -> Row:
    spectrum = np.abs(np.fft.rfft(np.hanning(_WINDOW), _FFT)) ** 2
    row = np.fft.irfft(spectrum)[:reach]
    return np.asarray(row / row[0])


def edges(mask: Mask) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """First frames of the runs of a mask, and the frames after them."""
    steps = np.diff(np.concatenate([[0], mask.astype(np.int8), [0]]))
    return np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)


def _runs(mask: Mask) -> Mask:
    """The mask without runs that are too short."""
    result = mask.copy()
    for start, end in zip(*edges(mask)):
        if end - start < _LEAST_RUN:
            result[start:end] = False
    return result


def _movement(pitch_hz: Row, voiced: Mask) -> tuple[Mask, Mask]:
    """Where the pitch glides and where it is held: the slope through five voiced frames that lie on a line."""
    around = np.lib.stride_tricks.sliding_window_view
    rows = around(np.pad(12 * np.log2(pitch_hz), 2, mode="edge"), 5)
    whole = around(np.pad(voiced, 2), 5).all(1)
    at = np.arange(-2, 3)
    slope = rows @ at / 10
    rest = np.sqrt(((rows - rows.mean(1, keepdims=True) - slope[:, None] * at) ** 2).mean(1))
    speed = np.abs(slope) / HOP_S
    sure = whole & (rest < 0.25)
    return sure & (speed > _GLIDE[0]) & (speed < _GLIDE[1]), sure & (speed < _STEADY)


def _still(power: Table, level_db: Row) -> Row:
    """Continuous frequency activation (Seyerlehner et al. 2007): how many of the peaks below 4 kHz have stood still."""
    rows = power[:, : _FFT // 4 + 8 : 2]
    middle = rows[:, 1:-1]
    heard = 10 * np.log10(middle + 1e-12) > np.maximum(level_db[:, None] - 30, -85)
    peaks = (middle > rows[:, :-2]) & (middle >= rows[:, 2:]) & heard
    sums = np.cumsum(np.pad(peaks.astype(np.float32), ((_STILL_FRAMES, 0), (0, 0))), axis=0)
    share = np.roll((sums[_STILL_FRAMES:] - sums[:-_STILL_FRAMES]) / _STILL_FRAMES, -(_STILL_FRAMES // 2), axis=0)
    return np.asarray((share > 0.8).sum(1) / np.maximum(peaks.sum(1), 1), dtype=np.float64)


def _change(bands_db: Table) -> Row:
    shape = bands_db - bands_db.mean(1, keepdims=True)
    result = np.zeros(len(shape))
    result[5:] = np.sqrt(((shape[5:] - shape[:-5]) ** 2).mean(1))
    return result
