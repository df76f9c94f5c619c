"""Programme loudness and true peak of stereo audio at 48 kHz, measured as it streams past.

ITU-R BS.1770-4 (K-weighting, 400 ms blocks, two gates) and EBU Tech 3342 (loudness range). The weighting filter is
applied as its own impulse response, which numpy convolves far faster than it could recurse. True peak is the highest
value of the audio at four times its rate, looked for only beside samples that are high themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

STEP = 4800
"""Samples a measuring step: 100 ms at 48 kHz."""

_TAPS = 4096  # the filter's slowest mode has died away by 170 dB then
_FFT = 1 << 16
_HOP = _FFT - _TAPS
_SINC_TAPS = 32
_NEAR_PEAK = 0.5  # of the peak: a lower sample has no higher value beside it in music
_ABSOLUTE_GATE = -70.0  # LUFS
_OFFSET = -0.691  # dB, BS.1770: makes a 997 Hz sine of full scale in one channel read -3.01 LUFS

# BS.1770 tables 1 and 2, coefficients at 48 kHz: the shelf of the head, then the high-pass. Numerator, denominator.
_SHELF = ((1.53512485958697, -2.69169618940638, 1.19839281085285), (1.0, -1.69065929318241, 0.73248077421585))
_HIGH_PASS = ((1.0, -2.0, 1.0), (1.0, -1.99004745483398, 0.99007225036621))


@dataclass(frozen=True)
class Loudness:
    """What a meter shows at the end. All but ``range_lu`` in LUFS; None where there was nothing to measure."""

    integrated: float | None
    range_lu: float | None
    momentary_max: float | None
    short_term_max: float | None
    true_peak_db: float | None = None
    """In dBTP, where it was measured."""


class LoudnessMeter:
    """Collects the K-weighted energy of every 100 ms."""

    def __init__(self) -> None:
        self._input = np.zeros((_TAPS - 1, 2))  # what the filter still remembers, then what is not yet filtered
        self._weighted = np.zeros(0)  # squared, both channels added, not yet a whole step
        self._steps: list[NDArray[np.float64]] = []

    def feed(self, audio: NDArray[np.float32]) -> None:
        """Take the next samples, shape (samples, 2), full scale 1.0."""
        self._input = np.concatenate([self._input, audio])
        while len(self._input) >= _FFT:
            self._filter(self._input[:_FFT], _HOP)
            self._input = self._input[_HOP:]

    def finish(self) -> Measured:
        """End of the audio: what was measured, before any gain."""
        rest = len(self._input) - (_TAPS - 1)
        if rest > 0:
            padded = np.zeros((_FFT, 2))
            padded[: len(self._input)] = self._input
            self._filter(padded, rest)
        steps = np.concatenate(self._steps) if self._steps else np.zeros(0)
        return Measured(steps, self._weighted)

    def _filter(self, window: NDArray[np.float64], valid: int) -> None:
        filtered = np.zeros((valid, 2))
        if window.any():
            spectrum = np.fft.rfft(window, axis=0) * _weighting()[:, None]
            filtered = np.fft.irfft(spectrum, _FFT, axis=0)[_TAPS - 1 : _TAPS - 1 + valid]
        energy = np.concatenate([self._weighted, (filtered**2).sum(axis=1)])
        whole = len(energy) // STEP * STEP
        self._steps.append(energy[:whole].reshape(-1, STEP).sum(axis=1))
        self._weighted = energy[whole:]


@dataclass(frozen=True)
class Measured:
    """K-weighted energies, from which the loudness at any gain follows."""

    steps: NDArray[np.float64]
    """Sum of squares of each whole 100 ms, both channels added."""
    rest: NDArray[np.float64]
    """Squares of the last samples that fill no whole step."""

    def at_gain(self, gain: float) -> Loudness:
        """The loudness after multiplication by ``gain``."""
        momentary = self._blocks(4) * gain**2
        short_term = self._blocks(30) * gain**2
        if not len(momentary):  # shorter than a block: the mean of what there is, ungated
            total = self.steps.sum() + self.rest.sum()
            count = len(self.steps) * STEP + len(self.rest)
            momentary = np.array([total / count * gain**2]) if count else momentary
        return Loudness(_gated(momentary), _range(short_term), _highest(momentary), _highest(short_term))

    def _blocks(self, width: int) -> NDArray[np.float64]:
        """Mean squares of all windows of ``width`` steps, one every 100 ms."""
        if len(self.steps) < width:
            return np.zeros(0)
        windows = np.lib.stride_tricks.sliding_window_view(self.steps, width)
        return np.asarray(windows.sum(axis=1) / (width * STEP))


class TruePeakMeter:
    """Finds the highest value between the samples as well as on them."""

    def __init__(self) -> None:
        self.peak = 0.0
        """Highest so far, full scale 1.0. The last 16 samples are still to come until ``finish``."""
        self._input = np.zeros((_SINC_TAPS, 2), np.float32)

    def feed(self, audio: NDArray[np.float32]) -> None:
        """Take the next samples, shape (samples, 2)."""
        x = np.concatenate([self._input, audio])
        self._input = x[-_SINC_TAPS:]
        height = np.abs(x)
        self.peak = max(self.peak, float(height.max()))
        half = _SINC_TAPS // 2
        inside = height[half - 1 : -half]  # samples with a full set of neighbours on both sides
        for side in range(x.shape[1]):
            found = np.flatnonzero(inside[:, side] > _NEAR_PEAK * self.peak)
            if len(found):
                windows = np.lib.stride_tricks.sliding_window_view(x[:, side], _SINC_TAPS)[found]
                self.peak = max(self.peak, float(np.abs(windows @ _interpolation()).max()))

    def finish(self) -> float:
        """End of the audio: its true peak."""
        self.feed(np.zeros((_SINC_TAPS, 2), np.float32))
        return self.peak


def _gated(power: NDArray[np.float64]) -> float | None:
    """Integrated loudness of block powers: above -70 LUFS, then above 10 LU below the mean of those."""
    audible = power[power > _power(_ABSOLUTE_GATE)]
    if not len(audible):
        return None
    kept = audible[audible > audible.mean() / 10]
    return _lufs(float(kept.mean()))


def _range(power: NDArray[np.float64]) -> float | None:
    """EBU Tech 3342: the 10th to the 95th percentile of short-term loudness, gated 20 LU below the mean."""
    audible = power[power > _power(_ABSOLUTE_GATE)]
    if not len(audible):
        return None
    kept = audible[audible > audible.mean() / 100]
    low, high = np.percentile(kept, [10, 95])
    return float(10 * np.log10(high / low))


def _highest(power: NDArray[np.float64]) -> float | None:
    return _lufs(float(power.max())) if len(power) and power.max() > _power(_ABSOLUTE_GATE) else None


def _lufs(power: float) -> float:
    return float(_OFFSET + 10 * np.log10(power))


def _power(lufs: float) -> float:
    return float(10 ** ((lufs - _OFFSET) / 10))


@cache
def _interpolation() -> NDArray[np.float32]:
    """Weights of the samples around a gap for the values a quarter, a half and three quarters into it."""
    at = np.arange(_SINC_TAPS)[:, None] - (_SINC_TAPS // 2 - 1) - np.array([0.25, 0.5, 0.75])
    window = np.cos(np.pi * at / (_SINC_TAPS + 1)) ** 2
    return np.asarray(np.sinc(at) * window, np.float32)


@cache
def _weighting() -> NDArray[np.complex128]:
    response = np.zeros(_TAPS)
    response[0] = 1.0
    for numerator, denominator in (_SHELF, _HIGH_PASS):
        response = _biquad(response, numerator, denominator)
    return np.asarray(np.fft.rfft(response, _FFT))


def _biquad(
    x: NDArray[np.float64], b: tuple[float, float, float], a: tuple[float, float, float]
) -> NDArray[np.float64]:
    y = np.zeros_like(x)
    s1 = s2 = 0.0  # transposed direct form II
    for i, value in enumerate(x):
        out = b[0] * value + s1
        s1 = b[1] * value - a[1] * out + s2
        s2 = b[2] * value - a[2] * out
        y[i] = out
    return y
