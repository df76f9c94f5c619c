"""Instruments of one SoundFont against each other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from emsync_engine.audio.balance import LARGEST_CHANGE_DB, TARGET_LUFS, balance_gain, reference_pitches
from emsync_engine.audio.loudness import LoudnessMeter
from emsync_engine.audio.render import RenderResult
from emsync_engine.audio.soundfont import SoundFont
from emsync_engine.audio.synth import SynthLoader
from emsync_engine.score import Control, Note, Part, Score

Q = 960


def test_reference_pitches_are_those_of_the_part() -> None:
    assert reference_pitches(0, [40, 72, 50, 60]) == (50, 60, 72)
    assert reference_pitches(0, [64]) == (64, 64, 64)
    assert reference_pitches(0, []) == ()
    assert reference_pitches(9, [42, 42]) == (36, 38)
    assert reference_pitches(9, []) == ()


@pytest.mark.parametrize("program", [0, 24, 27, 33, 40, 56, 73])
def test_instruments_are_equally_loud_afterwards(synth: Any, soundfont: SoundFont, program: int) -> None:
    loader = SynthLoader(synth, soundfont.path)
    gain = balance_gain(loader.open(), 0, program, (48, 55, 60))
    assert abs(20 * np.log10(gain)) < LARGEST_CHANGE_DB
    instrument = loader.open()
    instrument.program(0, program)
    instrument.control(0, 7, 100)
    meter = LoudnessMeter()
    for pitch in (48, 55, 60):
        audio = np.zeros((60_000, 2), np.float32)
        instrument.note_on(0, pitch, 90)
        instrument.render(audio[:48_000])
        instrument.note_off(0, pitch)
        instrument.render(audio[48_000:])
        meter.feed(audio * np.float32(gain))
    assert meter.finish().at_gain(1.0).integrated == pytest.approx(TARGET_LUFS, abs=0.2)


def test_a_part_that_plays_nothing_is_left_alone(synth: Any, soundfont: SoundFont) -> None:
    assert balance_gain(SynthLoader(synth, soundfont.path).open(), 0, 0, ()) == 1.0


def test_the_parts_own_volume_still_counts(
    synth: str, cue: Score, rendered: Callable[..., RenderResult], read_wav: Callable[[Path], NDArray[np.int32]]
) -> None:
    notes = tuple(Note(beat * Q, 60, Q, 90) for beat in range(16))
    loud, soft = Part("loud", "Loud", 0, 0, notes), Part("soft", "Soft", 0, 1, notes, (Control(0, 7, 50),))
    result = rendered(replace(cue, parts=(loud, soft)))
    levels = [np.sqrt((read_wav(result.files[name]).astype(float) ** 2).mean()) for name in ("loud", "soft")]
    assert 20 * np.log10(levels[0] / levels[1]) == pytest.approx(12.0, abs=1.5)  # twice the volume is 12 dB


def test_velocity_is_heard(
    synth: str, cue: Score, rendered: Callable[..., RenderResult], read_wav: Callable[[Path], NDArray[np.int32]]
) -> None:
    parts = tuple(
        Part(f"v{velocity}", "V", 0, channel, tuple(Note(beat * Q, 60, Q, velocity) for beat in range(16)))
        for channel, velocity in enumerate((40, 80, 120))
    )
    result = rendered(replace(cue, parts=parts))
    levels = [np.sqrt((read_wav(result.files[part.id]).astype(float) ** 2).mean()) for part in parts]
    assert levels[1] > 1.8 * levels[0]
    assert levels[2] > 1.5 * levels[1]
