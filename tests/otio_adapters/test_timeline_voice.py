"""Speech heard in the sound, where no track says which carries dialogue."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from otio_adapters import read_picture
from otio_adapters.voice import spoken_spans
from tests.otio_adapters.builders import clip, gap, save, timeline, tr, track, warp

RATE = 16_000
Signal = npt.NDArray[np.float64]


def line(seconds: float, pitch: float, seed: int = 1) -> Signal:
    """Syllables of a voice: harmonics through two formants, a falling pitch, a hiss before each vowel."""
    chance = np.random.default_rng(seed)
    parts: list[Signal] = []
    while sum(map(len, parts)) < seconds * RATE:
        length = chance.uniform(0.12, 0.22)
        time = np.arange(round(length * RATE)) / RATE
        phase = np.cumsum(pitch * (1 - 0.4 * time)) / RATE
        first, second = chance.uniform(300, 750), chance.uniform(900, 2300)
        tones = [
            (1 / (1 + ((k * pitch - first) / 120) ** 2) + 0.5 / (1 + ((k * pitch - second) / 160) ** 2))
            * np.sin(2 * np.pi * k * phase)
            for k in range(1, int(3600 / pitch))
        ]
        parts += [0.03 * chance.standard_normal(640), np.sum(tones, axis=0) * np.hanning(len(time)), np.zeros(720)]
    voice = np.concatenate(parts)[: round(seconds * RATE)]
    return np.asarray(voice / np.abs(voice).max() * 0.3)


def hush(seconds: float, level: float = 0.001) -> Signal:
    return np.asarray(level * np.random.default_rng(7).standard_normal(round(seconds * RATE)))


def chord(seconds: float) -> Signal:
    time = np.arange(round(seconds * RATE)) / RATE
    tones = [np.sin(2 * np.pi * f * time) for f in (220.0, 277.2, 329.6, 440.0, 554.4)]
    return np.asarray(0.05 * np.sum(tones, axis=0))


def beats(seconds: float) -> Signal:
    chance = np.random.default_rng(3)
    sound = hush(seconds)
    for start in range(0, len(sound) - RATE // 4, RATE // 4):
        sound[start : start + 2000] += 0.3 * chance.standard_normal(2000) * np.exp(-np.arange(2000) / 400)
    return sound


def near(found: list[tuple[float, float]], expected: list[tuple[float, float]], within: float = 0.35) -> bool:
    return len(found) == len(expected) and all(
        abs(a - c) < within and abs(b - d) < within for (a, b), (c, d) in zip(found, expected)
    )


@pytest.mark.parametrize("pitch", [95.0, 130.0, 210.0, 300.0])
@pytest.mark.parametrize("level", [0.0005, 0.004])
def test_lines_are_found_in_quiet_and_in_room_tone(pitch: float, level: float) -> None:
    sound = hush(10, level)
    for start, seconds in ((1.0, 2.5), (5.5, 3.0)):
        spoken = line(seconds, pitch)
        sound[round(start * RATE) : round(start * RATE) + len(spoken)] += spoken
    assert near(spoken_spans(sound), [(1.0, 3.5), (5.5, 8.5)])


@pytest.mark.parametrize("sound", [hush(6), hush(6, 0.05), chord(6), beats(6), np.zeros(RATE * 6), np.zeros(10)])
def test_noise_music_and_silence_are_no_speech(sound: Signal) -> None:
    assert spoken_spans(sound) == []


def save_wav(path: Path, sound: Signal) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((sound * 32767).astype("<i2").tobytes())
    return path


def talk(folder: Path) -> dict[str, Any]:
    """Two seconds of speech from 3 s on, played from 2 s of the media, at record second 1."""
    sound = hush(8)
    sound[3 * RATE : 5 * RATE] += line(2.0, 120.0)
    save_wav(folder / "take.wav", sound)
    return timeline(track(clip("v", 0, 240)), track(gap(24), clip("take", 48, 120, url="take.wav"), kind="Audio"))


def test_heard_speech_becomes_dialogue_in_record_time(tmp_path: Path) -> None:
    picture = read_picture(save(tmp_path, talk(tmp_path)), listen=True)
    assert near([(float(a), float(b)) for a, b in picture.dialogue], [(2.0, 4.0)])


def test_nothing_is_heard_unless_asked(tmp_path: Path) -> None:
    assert read_picture(save(tmp_path, talk(tmp_path))).dialogue == ()


def test_speed_and_the_ends_of_the_clip_count(tmp_path: Path) -> None:
    talk(tmp_path)
    fast = clip("take", 48, 36, url="take.wav", available=tr(0, 192), effects=[warp(2)])
    picture = read_picture(save(tmp_path, timeline(track(fast, kind="Audio"))), listen=True)
    assert near([(float(a), float(b)) for a, b in picture.dialogue], [(0.5, 1.5)])


def test_tracks_that_say_dialogue_are_believed(tmp_path: Path) -> None:
    document = talk(tmp_path)
    document["tracks"]["children"].append(track(clip("d", 0, 12), kind="Audio", name="DX 1"))
    assert read_picture(save(tmp_path, document), listen=True).dialogue == ((0, 0.5),)


def test_temp_music_is_not_listened_to(tmp_path: Path) -> None:
    document = talk(tmp_path)
    document["tracks"]["children"][1]["name"] = "MX temp"
    assert read_picture(save(tmp_path, document), listen=True).dialogue == ()


def test_a_file_that_is_no_sound_is_a_warning(tmp_path: Path) -> None:
    document = talk(tmp_path)
    (tmp_path / "take.wav").write_bytes(b"no sound")
    picture = read_picture(save(tmp_path, document), listen=True)
    assert picture.dialogue == ()
    assert any("take.wav was not listened to" in warning for warning in picture.warnings)
