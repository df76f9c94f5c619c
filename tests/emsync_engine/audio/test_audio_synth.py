"""Choosing a synthesiser, and what both of them promise."""

from __future__ import annotations

import importlib
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emsync_engine.audio.soundfont import SoundFont
from emsync_engine.audio.synth import SYNTH_VARIABLE, SynthLoader, available_synths, choose_synth
from emsync_engine.errors import InputError, MissingComponentError


def break_import(monkeypatch: pytest.MonkeyPatch, **errors: Exception) -> None:
    """Importing the named top-level modules raises."""
    real = importlib.import_module

    def importing(name: str, package: str | None = None) -> types.ModuleType:
        if error := errors.get(name.split(".")[0]):
            raise error
        return real(name, package)

    monkeypatch.setattr(importlib, "import_module", importing)


def test_at_least_one_synthesiser_is_installed() -> None:
    assert all(info.version for info in available_synths())
    assert choose_synth() == available_synths()[0]


def test_the_environment_forces_one(synth: str) -> None:
    assert choose_synth().name == synth


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(ImportError("Couldn't find the FluidSynth library."), id="no library"),
        pytest.param(OSError("wrong ELF class"), id="library for another machine"),
        pytest.param(AttributeError("undefined symbol"), id="library without a function"),
    ],
)
def test_a_broken_fluidsynth_is_passed_over(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    break_import(monkeypatch, fluidsynth=error)
    monkeypatch.delenv(SYNTH_VARIABLE, raising=False)
    assert "fluidsynth" not in {info.name for info in available_synths()}


def test_another_package_of_that_name_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fluidsynth", types.ModuleType("fluidsynth"))
    assert "fluidsynth" not in {info.name for info in available_synths()}


def test_without_any_the_fix_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    break_import(monkeypatch, fluidsynth=ImportError(), tinysoundfont=ImportError())
    monkeypatch.delenv(SYNTH_VARIABLE, raising=False)
    with pytest.raises(MissingComponentError, match="pip install --no-deps tinysoundfont") as caught:
        choose_synth()
    assert caught.value.exit_status == 4


def test_a_forced_one_that_is_absent_is_not_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SYNTH_VARIABLE, "orchestra")
    with pytest.raises(MissingComponentError, match="'orchestra'"):
        choose_synth()


@pytest.fixture
def loader(synth: Any, soundfont: SoundFont) -> SynthLoader:
    return SynthLoader(synth, soundfont.path)


def test_it_is_silent_until_a_note_is_played(loader: SynthLoader) -> None:
    instrument = loader.open()
    out = np.ones((4800, 2), np.float32)
    instrument.render(out)
    assert np.abs(out).max() < 1e-6
    instrument.program(0, 0)
    instrument.note_on(0, 60, 100)
    instrument.render(out)
    assert np.abs(out).max() > 0.01
    instrument.close()


@pytest.mark.parametrize("channel", [0, 9])
@pytest.mark.parametrize("program", [0, 24, 33, 48, 127])
def test_every_program_sounds(loader: SynthLoader, channel: int, program: int) -> None:
    instrument = loader.open()
    instrument.program(channel, program)
    instrument.note_on(channel, 38, 110)
    out = np.zeros((24_000, 2), np.float32)
    instrument.render(out)
    assert np.abs(out).max() > 1e-3
    instrument.close()


def test_volume_pan_and_velocity_are_obeyed(loader: SynthLoader) -> None:
    def energy(velocity: int = 100, **controls: int) -> np.ndarray[Any, Any]:
        instrument = loader.open()
        instrument.program(0, 0)
        for number, value in controls.items():
            instrument.control(0, int(number[2:]), value)
        instrument.note_on(0, 60, velocity)
        out = np.zeros((9600, 2), np.float32)
        instrument.render(out)
        instrument.close()
        return np.asarray((out.astype(float) ** 2).sum(axis=0))

    full = energy(cc7=100).sum()
    assert energy(cc7=50).sum() == pytest.approx(full / 16, rel=0.15)  # half the volume is 12 dB down
    assert energy(cc7=100, cc11=64).sum() == pytest.approx(full / 16, rel=0.2)
    assert energy(cc7=0).sum() < full / 1e6
    assert energy(cc7=100, velocity=50).sum() < full / 2
    left, right = energy(cc10=0)
    assert left > 10 * right
    left, right = energy(cc10=127)
    assert right > 10 * left


def test_a_released_note_dies_away(loader: SynthLoader) -> None:
    instrument = loader.open()
    instrument.program(0, 48)
    instrument.note_on(0, 60, 100)
    out = np.zeros((48_000, 2), np.float32)
    instrument.render(out)
    sounding = np.abs(out[-4800:]).max()
    instrument.note_off(0, 60)
    for _ in range(5):
        instrument.render(out)
    assert np.abs(out[-4800:]).max() < sounding / 100
    instrument.close()


def test_how_the_sound_is_cut_up_does_not_matter(loader: SynthLoader) -> None:
    def sound(cuts: list[int]) -> np.ndarray[Any, Any]:
        instrument = loader.open()
        instrument.program(0, 33)
        instrument.note_on(0, 40, 100)
        out = np.zeros((6400, 2), np.float32)
        for a, b in zip([0, *cuts], [*cuts, 6400]):
            instrument.render(out[a:b])
        instrument.close()
        return out

    assert np.allclose(sound([]), sound([640, 1280]), atol=2e-3)


def test_a_file_that_only_begins_like_a_soundfont_is_refused(synth: Any, tmp_path: Path) -> None:
    path = tmp_path / "broken.sf2"
    path.write_bytes(b"RIFF\x20\0\0\0sfbkLIST\x10\0\0\0INFOifil\4\0\0\0\2\0\1\0")
    with pytest.raises(InputError, match="cannot load this SoundFont"):
        SynthLoader(synth, path).open()


def test_a_path_beyond_ascii(synth: Any, soundfont: SoundFont, tmp_path: Path) -> None:
    path = tmp_path / "Übung 雨.sf2"
    path.write_bytes(soundfont.path.read_bytes())
    SynthLoader(synth, path).open().close()
