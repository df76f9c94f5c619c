"""The meters against the values that the standards give."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from emsync_engine.audio.loudness import Loudness, LoudnessMeter, TruePeakMeter

RATE = 48_000


def tone(level_db: float, seconds: float, frequency: float = 997.0, phase: float = 0.0) -> NDArray[np.float32]:
    time = np.arange(round(seconds * RATE)) / RATE
    wave = 10 ** (level_db / 20) * np.sin(2 * np.pi * frequency * time + phase)
    return np.repeat(wave[:, None], 2, axis=1).astype(np.float32)


def measure(audio: NDArray[np.float32], gain: float = 1.0, chunk: int = 50_000) -> Loudness:
    meter = LoudnessMeter()
    for start in range(0, len(audio), chunk):
        meter.feed(audio[start : start + chunk])
    return meter.finish().at_gain(gain)


def test_a_full_scale_sine_in_one_channel_reads_minus_3_01() -> None:
    audio = tone(0.0, 5.0)
    audio[:, 1] = 0
    assert measure(audio).integrated == pytest.approx(-3.01, abs=0.02)


@pytest.mark.parametrize(
    ("segments", "expected"),
    [
        pytest.param([(-23.0, 20.0)], -23.0, id="EBU 3341 case 1"),
        pytest.param([(-33.0, 20.0)], -33.0, id="EBU 3341 case 2"),
        pytest.param([(-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0)], -23.0, id="EBU 3341 case 3, relative gate"),
        pytest.param(
            [(-72.0, 10.0), (-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0), (-72.0, 10.0)],
            -23.0,
            id="EBU 3341 case 4, absolute gate",
        ),
        pytest.param([(-26.0, 20.0), (-20.0, 20.1), (-26.0, 20.0)], -23.0, id="EBU 3341 case 5"),
    ],
)
def test_integrated_loudness(segments: list[tuple[float, float]], expected: float) -> None:
    audio = np.concatenate([tone(level, seconds, 1000.0) for level, seconds in segments])
    assert measure(audio).integrated == pytest.approx(expected, abs=0.1)


def test_loudness_range() -> None:
    audio = np.concatenate([tone(-20.0, 20.0, 1000.0), tone(-30.0, 20.0, 1000.0)])
    assert measure(audio).range_lu == pytest.approx(10.0, abs=1.0)  # EBU 3342 case 1


def test_the_highest_windows() -> None:
    result = measure(np.concatenate([tone(-30.0, 5.0), tone(-20.0, 1.0), tone(-30.0, 5.0)]))
    assert result.momentary_max == pytest.approx(-20.0, abs=0.1)
    assert result.short_term_max == pytest.approx(10 * np.log10((10**-2.0 + 2 * 10**-3.0) / 3), abs=0.1)


def test_a_gain_shifts_the_loudness() -> None:
    audio = tone(-30.0, 3.0)
    assert measure(audio, gain=10.0).integrated == pytest.approx(-10.0, abs=0.1)


def test_how_the_audio_is_cut_up_does_not_matter() -> None:
    noise = np.random.default_rng(1).standard_normal((3 * RATE + 17, 2), np.float32) / np.float32(10)
    results = [measure(noise, chunk=chunk).integrated for chunk in (999, 65_536, len(noise))]
    assert results == pytest.approx([results[0]] * 3, abs=1e-6)


@pytest.mark.parametrize("seconds", [0.0, 2.0])
def test_silence_has_no_loudness(seconds: float) -> None:
    assert measure(np.zeros((round(seconds * RATE), 2), np.float32)) == Loudness(None, None, None, None)


def test_less_than_one_block_is_still_measured() -> None:
    assert measure(tone(-23.0, 0.25)).integrated == pytest.approx(-23.0, abs=0.5)


@pytest.mark.parametrize(("divisor", "phase"), [(4, np.pi / 4), (6, 0.0), (8, np.pi / 8), (50, 0.3)])
@pytest.mark.parametrize("chunk", [10_000, 777])
def test_true_peak_lies_between_the_samples(divisor: int, phase: float, chunk: int) -> None:
    audio = tone(-6.0206, 1.0, RATE / divisor, phase)
    audio *= np.minimum(1, np.minimum(np.arange(RATE), np.arange(RATE)[::-1]) / 2000).astype(np.float32)[:, None]
    meter = TruePeakMeter()
    for start in range(0, len(audio), chunk):
        meter.feed(audio[start : start + chunk])
    assert 20 * np.log10(meter.finish()) == pytest.approx(-6.02, abs=0.15)
