"""A modest concert hall: a computed impulse response and a streaming convolution, the same for every synthesiser.

It is linear and each part passes through it alone, so stems with their reverb still add up to the mix.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from emsync_engine.audio.synth import SAMPLE_RATE

BLOCK = 193_984
"""Samples the hall takes at a time (4.04 s): a multiple of 64 that leaves room for the tail in one transform."""

_FFT = 1 << 18
_PRE_DELAY_S = 0.018
_BUILD_UP_S = 0.012  # the diffuse field does not begin at full strength
# (upper edge of the band in Hz, reverberation time in s, relative amplitude): low end thin, air short.
_BANDS = ((140.0, 1.0, 0.25), (500.0, 1.7, 0.9), (2000.0, 1.5, 1.0), (6000.0, 1.0, 0.7), (14000.0, 0.55, 0.35))
_LENGTH_S = 1.36
_SEED = 1878  # any: fixes the pattern of the tail


class Hall:
    """Adds the hall to one part, block by block."""

    def __init__(self, send: float) -> None:
        """
        Args:
            send: amplitude of the hall relative to the dry sound; 0 is none. The response has unit energy a side.
        """
        self._send = np.float32(send)
        self._tail = np.zeros((_FFT - BLOCK, 2), np.float32)

    def add(self, dry: NDArray[np.float32]) -> None:
        """Add the hall to ``dry`` in place; shape (samples, 2), ``BLOCK`` samples but for the last call."""
        if not self._send:
            return
        silent_input = not dry.any()
        if silent_input and not self._tail.any():
            return
        wet = np.zeros((_FFT, 2), np.float32)
        if not silent_input:
            sent = np.fft.rfft((dry[:, 0] + dry[:, 1]) * (self._send / 2), _FFT)
            for side, response in enumerate(_spectra()):
                wet[:, side] = np.fft.irfft(sent * response, _FFT)
        wet[: len(self._tail)] += self._tail
        dry += wet[: len(dry)]
        self._tail = wet[BLOCK:].copy()


@cache
def impulse_response() -> NDArray[np.float32]:
    """The hall's response to a click: shape (samples, 2), unit energy a side, silent for the pre-delay."""
    n = round(_LENGTH_S * SAMPLE_RATE)
    noise = np.random.default_rng(_SEED).standard_normal((n, 2))
    spectrum = np.fft.rfft(noise, axis=0)
    frequency = np.fft.rfftfreq(n, 1 / SAMPLE_RATE)
    time = np.arange(n)[:, None] / SAMPLE_RATE
    response = np.zeros((n, 2))
    low = 40.0
    for high, rt60, amplitude in _BANDS:
        band = np.fft.irfft(spectrum * ((frequency >= low) & (frequency < high))[:, None], n, axis=0)
        response += amplitude * band * 10 ** (-3 * time / rt60)
        low = high
    fade = np.minimum(1, (n - np.arange(n)) / (0.1 * n))[:, None]
    response *= (1 - np.exp(-time / _BUILD_UP_S)) * fade
    response /= np.sqrt((response**2).sum(axis=0))
    silence = np.zeros((round(_PRE_DELAY_S * SAMPLE_RATE), 2))
    return np.concatenate([silence, response]).astype(np.float32)


@cache
def _spectra() -> tuple[NDArray[np.complex64], NDArray[np.complex64]]:
    response = impulse_response()
    assert BLOCK + len(response) <= _FFT + 1 and BLOCK % 64 == 0
    left, right = (np.fft.rfft(response[:, side], _FFT).astype(np.complex64) for side in (0, 1))
    return left, right
