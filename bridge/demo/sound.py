"""The demo film's sound track, synthesised: voices, room tone, a chase, a door."""

from __future__ import annotations

import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bridge.demo.files import unfinished

RATE = 48_000
"""Samples a second."""

Signal = npt.NDArray[np.float64]
"""Mono samples in -1..1."""

Rng = np.random.Generator

VOICE_LINES: tuple[tuple[float, int, float], ...] = (
    (0.3, 9, 205.0), (3.6, 7, 112.0), (6.4, 10, 190.0), (10.0, 6, 108.0),
)  # fmt: skip
"""Lines of ``dialogue.wav``: start in seconds, syllables, pitch of the voice in Hz."""

_VOWELS = ((730, 1090, 2440), (530, 1840, 2480), (270, 2290, 3010), (570, 840, 2410), (300, 870, 2240))
"""First three formants in Hz of a, e, i, o, u (Peterson & Barney 1952, men)."""


def _time(seconds: float) -> Signal:
    return np.arange(round(seconds * RATE)) / RATE


def _shaped_noise(rng: Rng, seconds: float, shape: Callable[[Signal], Signal]) -> Signal:
    """Noise whose spectrum follows ``shape(frequency in Hz)``, peak 1."""
    count = round(seconds * RATE)
    size = 1 << (count - 1).bit_length()
    spectrum = np.fft.rfft(rng.standard_normal(size)) * shape(
        np.asarray(np.fft.rfftfreq(size, 1 / RATE), dtype=np.float64)
    )
    noise = np.fft.irfft(spectrum, size)[:count]
    return np.asarray(noise / np.abs(noise).max())


def _band(low: float, high: float) -> Callable[[Signal], Signal]:
    """A soft band around ``low``..``high`` Hz."""
    return lambda f: np.asarray(1 / (1 + (low / np.maximum(f, 1)) ** 4) / (1 + (f / high) ** 4), dtype=np.float64)


def _decay(seconds: float, half_life: float) -> Signal:
    return np.asarray(0.5 ** (_time(seconds) / half_life))


def _add(track: Signal, at: float, sound: Signal) -> None:
    start = round(at * RATE)
    room = sound[: max(0, len(track) - start)]
    track[start : start + len(room)] += room


def dialogue(rng: Rng) -> Signal:
    """Two voices in turn: pulses through moving formants with noise for consonants. Nobody says anything."""
    track = np.zeros(round(13.5 * RATE))
    for start, syllables, pitch in VOICE_LINES:
        at = start
        for number in range(syllables):
            length = float(rng.uniform(0.15, 0.27))
            fall = 1.12 - 0.25 * number / syllables
            _add(track, at, 0.10 * _consonant(rng))
            _add(track, at + 0.04, _vowel(rng, length, pitch * fall))
            at += length + float(rng.uniform(0.02, 0.07))
    return np.asarray(track / np.abs(track).max() * 0.42)


def _vowel(rng: Rng, seconds: float, pitch: float) -> Signal:
    t = _time(seconds)
    formants = _VOWELS[int(rng.integers(len(_VOWELS)))]
    harmonics = np.arange(1, int(3600 / pitch))
    gain = sum(g / (1 + ((harmonics * pitch - f) / (60 + 0.06 * f)) ** 2) for f, g in zip(formants, (1.0, 0.5, 0.22)))
    glide = 2 * np.pi * pitch * (t + 0.04 * np.sin(2 * np.pi * 2.5 * t) / (2 * np.pi * 2.5))
    tone = (np.asarray(gain)[:, None] * np.sin(harmonics[:, None] * glide)).sum(axis=0)
    return np.asarray(tone * np.sin(np.pi * np.clip(t / seconds, 0, 1)) ** 0.6)


def _consonant(rng: Rng) -> Signal:
    return _shaped_noise(rng, 0.06, _band(2500, 8000)) * np.hanning(round(0.06 * RATE))


def room_tone(rng: Rng) -> Signal:
    """The quiet of a place, a minute of it."""
    return 0.012 * _shaped_noise(rng, 61.0, _band(40, 900))


def day_ambience(rng: Rng) -> Signal:
    """A breeze and birdsong."""
    track = 0.03 * _shaped_noise(rng, 18.0, _band(150, 1500))
    for at in np.sort(rng.uniform(0.3, 17, 14)):
        base = float(rng.uniform(2600, 4300))
        for note in range(int(rng.integers(2, 5))):
            t = _time(0.09)
            sweep = np.sin(2 * np.pi * (base * t + float(rng.uniform(-5000, 5000)) * t**2))
            _add(track, float(at) + 0.13 * note, 0.035 * sweep * np.hanning(len(t)))
    return track


def night_ambience(rng: Rng) -> Signal:
    """Wind far off and a few crickets."""
    track = 0.022 * _shaped_noise(rng, 17.0, _band(50, 350))
    chirp = np.sin(2 * np.pi * 4300 * _time(0.035)) * np.hanning(round(0.035 * RATE))
    for at in np.arange(0.6, 16.5, 1.37):
        for pulse in range(3):
            _add(track, float(at) + 0.055 * pulse, 0.008 * chirp)
    return track


def rest_ambience(rng: Rng) -> Signal:
    """Slow waves."""
    swell = 0.6 + 0.4 * np.sin(2 * np.pi * _time(16.0) / 5.5)
    return 0.02 * swell * _shaped_noise(rng, 16.0, _band(80, 700))


def chase_effects(rng: Rng) -> Signal:
    """Engines, a siren, tyres and knocks."""
    t = _time(16.0)
    revs = 2 * np.pi * (78 * t - 14 * np.cos(1.6 * t))
    engine = sum(np.sin(k * revs) / k**0.7 for k in (1, 2, 3, 5, 8))
    siren = np.sin(2 * np.pi * (900 * t + 130 * np.sin(2 * np.pi * 0.55 * t)))
    track = 0.10 * np.asarray(engine) + 0.12 * siren + 0.12 * _shaped_noise(rng, 16.0, _band(200, 5000))
    for at in np.arange(0.35, 15.6, 0.62):
        hit = _shaped_noise(rng, 0.3, _band(60, 3500)) * _decay(0.3, 0.035)
        _add(track, float(at + rng.uniform(-0.08, 0.08)), 0.45 * hit)
    for at in rng.uniform(0.5, 14.5, 5):
        t_skid = _time(0.6)
        squeal = np.sin(2 * np.pi * (1500 * t_skid - 300 * t_skid**2)) * np.hanning(len(t_skid))
        _add(track, float(at), 0.16 * squeal)
    return np.asarray(np.tanh(track))


def door_slam(rng: Rng) -> Signal:
    """A heavy door: a knock, a boom, the latch."""
    boom = np.sin(2 * np.pi * 62 * _time(0.9)) * _decay(0.9, 0.09)
    track = 0.6 * boom + 0.5 * _shaped_noise(rng, 0.9, _band(80, 1800)) * _decay(0.9, 0.03)
    _add(track, 0.11, 0.12 * _shaped_noise(rng, 0.1, _band(1500, 6000)) * _decay(0.1, 0.01))
    return track


SOUNDS: dict[str, Callable[[Rng], Signal]] = {
    "dialogue": dialogue,
    "room_tone": room_tone,
    "day_ambience": day_ambience,
    "night_ambience": night_ambience,
    "chase_effects": chase_effects,
    "rest_ambience": rest_ambience,
    "door_slam": door_slam,
}
"""What can be recorded, by file name without suffix."""


def write_sound(path: Path, name: str) -> None:
    """Synthesise one of ``SOUNDS`` and write it as 48 kHz, 16 bit, mono."""
    signal = SOUNDS[name](np.random.default_rng(sorted(SOUNDS).index(name)))
    samples = np.round(np.clip(signal, -1, 1) * 32767).astype("<i2")
    with unfinished(path) as partial, wave.open(str(partial), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())
