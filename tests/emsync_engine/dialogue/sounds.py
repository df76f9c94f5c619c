"""Sounds for the tests: talkers made of pulses and noise, and everything that is not one. Mono, 16 kHz."""

from __future__ import annotations

import shutil
import subprocess
import wave
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

RATE = 16_000
HOP = 160
Sound = npt.NDArray[np.float32]
Labels = npt.NDArray[np.bool_]
"""A hundredth of a second each."""
Rng = np.random.Generator

_VOWELS = (
    (700, 1200, 2500),
    (400, 2000, 2600),
    (300, 2250, 3000),
    (500, 900, 2400),
    (320, 800, 2250),
    (580, 1500, 2500),
)


def seconds(length: float) -> npt.NDArray[np.float64]:
    return np.arange(round(length * RATE)) / RATE


def shaped(rng: Rng, count: int, gain: Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]) -> Sound:
    """Noise of RMS 1 with a spectrum."""
    hz = np.maximum(np.fft.rfftfreq(count, 1 / RATE), 20)
    noise = np.fft.irfft(np.fft.rfft(rng.standard_normal(count)) * gain(hz), count)
    return np.asarray(noise / np.sqrt((noise**2).mean() + 1e-20), dtype=np.float32)


# --- talkers ---


def _resonance(x: npt.NDArray[np.float64], hz: float, width: float) -> npt.NDArray[np.float64]:
    """A two-pole resonator, by its impulse response."""
    t = np.arange(round(0.05 * RATE)) / RATE
    response = np.exp(-np.pi * width * t) * np.sin(2 * np.pi * hz * t)
    size = 1 << (len(x) + len(response)).bit_length()
    return np.fft.irfft(np.fft.rfft(x, size) * np.fft.rfft(response, size), size)[: len(x)]


def _vowel(rng: Rng, length: float, pitch: float, slope: float) -> npt.NDArray[np.float64]:
    """Glottal pulses through three formants; ``slope`` in semitones a second."""
    t = seconds(length)
    hz = pitch * 2 ** ((slope * (t - length / 2) + 0.4 * np.sin(2 * np.pi * rng.uniform(2, 4) * t)) / 12)
    phase = np.cumsum(hz) / RATE
    pulses = np.diff(np.floor(phase), prepend=0) * (1 + 0.05 * rng.standard_normal(len(t)))
    pulses = np.convolve(pulses, np.exp(-np.arange(24) / 6))[: len(t)]
    formants = _VOWELS[rng.integers(len(_VOWELS))]
    voice = sum(_resonance(pulses, f, 60 + 0.05 * f) * g for f, g in zip(formants, (1, 0.6, 0.3)))
    return np.asarray(voice * np.minimum(1, np.minimum(t, length - t) / 0.03))


def _consonant(rng: Rng) -> npt.NDArray[np.float64]:
    length = rng.uniform(0.03, 0.09)
    count = round(length * RATE)
    centre = rng.uniform(2500, 5500)
    noise = shaped(rng, count, lambda f: 1 / (1 + ((f - centre) / 1200) ** 2))
    return np.asarray(noise * np.hanning(count))


def sentence(rng: Rng, pitch: float, syllables: int) -> Sound:
    """Somebody says something."""
    parts: list[npt.NDArray[np.float64]] = []
    for n in range(syllables):
        if rng.random() < 0.7:
            parts.append(0.15 * _consonant(rng))
        if rng.random() < 0.2:
            parts.append(np.zeros(round(rng.uniform(0.02, 0.06) * RATE)))
        fall = 1.15 - 0.3 * n / syllables
        vowel = _vowel(rng, rng.uniform(0.08, 0.22), pitch * fall * rng.uniform(0.94, 1.06), rng.uniform(-25, 20))
        parts.append(vowel / (np.abs(vowel).max() + 1e-9) * rng.uniform(0.5, 1))
    return np.concatenate(parts).astype(np.float32)


def conversation(rng: Rng, length: float, pitches: Iterable[float] = (115, 205)) -> tuple[Sound, Labels]:
    """Sentences in turn, with pauses, and where they are."""
    voices = list(pitches)
    sound, at, turn = np.zeros(round(length * RATE), np.float32), float(rng.uniform(0.4, 1.5)), 0
    labels = np.zeros(round(length * 100), dtype=bool)
    while True:
        said = sentence(rng, voices[turn % len(voices)], int(rng.integers(3, 14)))
        if at + len(said) / RATE > length - 0.3:
            return sound / (np.abs(sound).max() + 1e-9) * np.float32(0.3), labels
        start = round(at * 100) * HOP
        sound[start : start + len(said)] += said
        labels[start // HOP : (start + len(said)) // HOP] = True
        at += len(said) / RATE + float(rng.choice([0.6, 1.2, 2.5]))
        turn += int(rng.random() < 0.7)


def with_background(speech: Sound, labels: Labels, background: Sound, snr_db: float) -> Sound:
    active = speech[: len(labels) * HOP][np.repeat(labels, HOP)]
    level = np.sqrt((active**2).mean()) / np.sqrt((background**2).mean())
    return np.asarray(speech + np.resize(background, len(speech)) * level * 10 ** (-snr_db / 20), dtype=np.float32)


def espeak(text: str, voice: str, folder: Path) -> Sound:
    """A sentence of the espeak-ng program."""
    program = shutil.which("espeak-ng")
    assert program
    path = folder / "said.wav"
    subprocess.run([program, "-v", voice, "-w", str(path), text], check=True, timeout=60)
    with wave.open(str(path)) as file:
        rate, data = file.getframerate(), file.readframes(file.getnframes())
    samples = np.frombuffer(data, "<i2").astype(np.float64) / 32768
    count = round(len(samples) * RATE / rate)
    spectrum = np.fft.rfft(samples)[: count // 2 + 1]
    return np.asarray(np.fft.irfft(spectrum, count) * count / len(samples), dtype=np.float32)


def audible(sound: Sound) -> Labels:
    """Where a clean sentence sounds, short pauses included."""
    count = len(sound) // HOP
    level = 10 * np.log10((sound[: count * HOP].reshape(count, HOP) ** 2).mean(1) + 1e-10)
    mask = level > level.max() - 42
    heard = np.flatnonzero(mask)
    for a, b in pairwise(heard):
        if b - a <= 30:
            mask[a:b] = True
    return np.asarray(mask)


# --- everything else ---


def noises(rng: Rng, length: float = 15.0) -> dict[str, Sound]:
    """Sounds of places and things."""
    t = seconds(length)
    n = len(t)
    wind = 1.2 * np.sin(2 * np.pi * t / 4.1) + 0.8 * np.sin(2 * np.pi * t / 1.7 + 1)
    sweep = 2 * np.pi * (78 * t - 14 * np.cos(1.6 * t))
    rows = {
        "silence": np.zeros(n),
        "white": 0.05 * shaped(rng, n, lambda f: f**0.0),
        "room tone": 0.01 * shaped(rng, n, lambda f: 1 / (1 + (f / 300) ** 2)),
        "traffic": 0.05 * shaped(rng, n, lambda f: f**-1.0),
        "wind": 0.03 * np.exp(wind) * shaped(rng, n, lambda f: 1 / (1 + (f / 500) ** 2)),
        "fan at 4 Hz": 0.05 * shaped(rng, n, lambda f: 1 / (1 + (f / 1500) ** 2)) * (0.5 + 0.5 * np.sin(8 * np.pi * t)),
        "mains hum": 0.1 * sum(np.sin(2 * np.pi * 50 * k * t) / k for k in (1, 2, 3, 5, 7)),
        "tone": 0.1 * np.sin(2 * np.pi * 440 * t),
        "beeping": 0.1 * np.sin(2 * np.pi * 880 * t) * ((t * 3 % 1) < 0.5),
        "siren": 0.1 * np.sin(2 * np.pi * (900 * t + 130 * np.sin(2 * np.pi * 0.55 * t))),
        "engine": 0.05 * sum(np.sin(k * sweep) / k**0.7 for k in (1, 2, 3, 5, 8)),
        "steps": _struck(rng, length, 1.9, 0.04, 300),
        "knocking": _struck(rng, length, 5.0, 0.02, 900),
        "typing": _struck(rng, length, 7.0, 0.006, 3000),
        "birds": _birds(rng, length),
    }
    return {name: np.asarray(row, dtype=np.float32) for name, row in rows.items()}


def _struck(rng: Rng, length: float, rate: float, decay: float, hz: float) -> npt.NDArray[np.float64]:
    row = 0.002 * shaped(rng, round(length * RATE), lambda f: f**-0.5).astype(np.float64)
    for at in np.arange(0.3, length - 0.6, 1 / rate) + rng.uniform(-0.06, 0.06) / rate:
        count = round(0.3 * RATE)
        start = round(float(at) * RATE)
        blow = shaped(rng, count, lambda f: 1 / (1 + (f / hz) ** 2)) * np.exp(-np.arange(count) / RATE / decay)
        row[start : start + count] += 0.1 * rng.uniform(0.5, 1) * blow
    return row


def _birds(rng: Rng, length: float) -> npt.NDArray[np.float64]:
    row = 0.006 * shaped(rng, round(length * RATE), lambda f: 1 / (1 + (f / 700) ** 2)).astype(np.float64)
    for at in rng.uniform(0.3, length - 0.5, 40):
        t = seconds(float(rng.uniform(0.05, 0.13)))
        start = round(float(at) * RATE)
        chirp = np.sin(2 * np.pi * (rng.uniform(2300, 4300) * t + rng.uniform(-5000, 5000) * t**2)) * np.hanning(len(t))
        row[start : start + len(t)] += 0.05 * chirp
    return row


def plucked(notes: Iterable[tuple[float, float, int]], length: float, decay: float = 2.0) -> Sound:
    """Notes (start, end, MIDI pitch) as decaying tones with overtones."""
    row = np.zeros(round(length * RATE))
    for start, end, pitch in notes:
        t = seconds(min(end - start + 0.15, length - start))
        hz = 440 * 2 ** ((pitch - 69) / 12)
        release = np.minimum(1, np.maximum(end - start + 0.15 - t, 0) / 0.15)
        tone = sum(
            np.sin(2 * np.pi * hz * k * t) * np.exp(-decay * k**0.5 * t) / k for k in range(1, 7) if hz * k < 7000
        )
        at = round(start * RATE)
        row[at : at + len(t)] += (tone * release * np.minimum(1, t / 0.004))[: len(row) - at]
    return np.asarray(row / (np.abs(row).max() + 1e-9) * 0.4, dtype=np.float32)
