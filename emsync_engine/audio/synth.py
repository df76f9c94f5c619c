"""The synthesisers: FluidSynth where its library is installed, else TinySoundFont, which comes as a wheel.

Both play dry (no reverb, no chorus): the hall is ours (``hall.py``), so that both sound alike and stems add up.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import io
import os
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from emsync_engine.errors import InputError, MissingComponentError

SAMPLE_RATE = 48_000  # Hz, of everything rendered here
DRUM_CHANNEL = 9
MAX_VOICES = 256
_VOLUME, _EXPRESSION = 7, 11
SYNTH_VARIABLE = "EMSYNC_SYNTH"
"""Environment variable that forces a synthesiser by name."""

SynthName = Literal["fluidsynth", "tinysoundfont"]

INSTALL_HINT = (
    "install FluidSynth (Debian: libfluidsynth3, macOS: brew install fluid-synth) and pyfluidsynth, "
    'or run "pip install --no-deps tinysoundfont" (its PyAudio dependency is only for live playback)'
)


@dataclass(frozen=True)
class SynthInfo:
    """A synthesiser that works on this machine."""

    name: SynthName
    version: str

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


class Synth(Protocol):
    """One instrument playing at ``SAMPLE_RATE``. Channels are 0..15, all values 0..127."""

    granularity: int
    """Events take effect at multiples of this many samples, counted from the first."""

    def program(self, channel: int, program: int) -> None: ...

    def control(self, channel: int, controller: int, value: int) -> None: ...

    def note_on(self, channel: int, pitch: int, velocity: int) -> None: ...

    def note_off(self, channel: int, pitch: int) -> None: ...

    def render(self, out: NDArray[np.float32]) -> None:
        """Fill ``out``, C-contiguous of shape (samples, 2), with the next samples; full scale is about 1.0."""

    def close(self) -> None: ...


def available_synths() -> list[SynthInfo]:
    """The synthesisers that load on this machine, the preferred one first."""
    found = (probe() for probe in (_probe_fluidsynth, _probe_tinysoundfont))
    return [info for info in found if info is not None]


def choose_synth() -> SynthInfo:
    """The synthesiser to use: the one ``EMSYNC_SYNTH`` names, else the first that works.

    Raises:
        MissingComponentError: none works, or not the one that is asked for.
    """
    wanted = os.environ.get(SYNTH_VARIABLE, "")
    found = [info for info in available_synths() if wanted in ("", info.name)]
    if not found:
        what = f"the synthesiser {wanted!r} ({SYNTH_VARIABLE}) does not load" if wanted else "no synthesiser was found"
        raise MissingComponentError(f"{what}: {INSTALL_HINT}", code="no_synth")
    return found[0]


class SynthLoader:
    """Opens synthesisers of one kind on one SoundFont; a large SoundFont is read once."""

    def __init__(self, name: SynthName, soundfont: Path) -> None:
        """
        Raises:
            InputError: the synthesiser cannot load the SoundFont.
        """
        self._name = name
        self._path = soundfont
        self._font: Any = None
        if name == "tinysoundfont":
            self._font = _load_tiny_font(soundfont)

    def open(self) -> Synth:
        """A fresh instrument with nothing played yet.

        Raises:
            InputError: the synthesiser cannot load the SoundFont.
        """
        return FluidSynth(self._path) if self._name == "fluidsynth" else TinySoundFont(self._font)


class FluidSynth:
    """libfluidsynth through pyfluidsynth, read as floats (its own ``get_samples`` rounds to 16 bits)."""

    granularity = 64
    _GAIN = 0.5

    def __init__(self, soundfont: Path) -> None:
        library = _import_fluidsynth()
        self._module = library
        self._synth = library.Synth(
            gain=self._GAIN,
            samplerate=float(SAMPLE_RATE),
            channels=16,
            **{
                "synth.reverb.active": 0,
                "synth.chorus.active": 0,
                "synth.polyphony": MAX_VOICES,
                "synth.cpu-cores": 1,
                "synth.dynamic-sample-loading": 1,
            },
        )
        self._write = library._fl.fluid_synth_write_float
        self._write.restype = ctypes.c_int
        self._write.argtypes = [ctypes.c_void_p, ctypes.c_int] + [ctypes.c_void_p, ctypes.c_int, ctypes.c_int] * 2
        if self._synth.sfload(str(soundfont)) < 0:
            self.close()
            raise _unloadable("FluidSynth", soundfont)

    def program(self, channel: int, program: int) -> None:
        self._synth.program_change(channel, program)

    def control(self, channel: int, controller: int, value: int) -> None:
        self._synth.cc(channel, controller, value)

    def note_on(self, channel: int, pitch: int, velocity: int) -> None:
        self._synth.noteon(channel, pitch, velocity)

    def note_off(self, channel: int, pitch: int) -> None:
        self._synth.noteoff(channel, pitch)

    def render(self, out: NDArray[np.float32]) -> None:
        at = out.ctypes.data
        if self._write(self._synth.synth, len(out), at, 0, 2, at, 1, 2) != 0:
            raise RuntimeError("FluidSynth refused to render")

    def close(self) -> None:
        self._synth.delete()


class TinySoundFont:
    """TinySoundFont's core class, without the package's live playback layer."""

    granularity = 1
    _GAIN_DB = 0.0

    def __init__(self, font: Any) -> None:
        core = importlib.import_module("tinysoundfont._tinysoundfont")
        self._font = core.SoundFont(font)  # shares the samples of the loaded one
        self._font.set_output(core.OutputMode.StereoInterleaved, SAMPLE_RATE, self._GAIN_DB)
        self._font.set_max_voices(MAX_VOICES)
        self._levels = {(channel, number): 127 for channel in range(16) for number in (_VOLUME, _EXPRESSION)}

    def program(self, channel: int, program: int) -> None:
        drums = channel == DRUM_CHANNEL
        for candidate in (program, 0):
            try:
                self._font.channel_set_preset_number(channel, candidate, drums)
            except RuntimeError:
                continue  # a small SoundFont lacks the program: its first one is better than silence
            return

    def control(self, channel: int, controller: int, value: int) -> None:
        if controller not in (_VOLUME, _EXPRESSION):
            self._font.channel_midi_control(channel, controller, value)
            return
        # By itself it takes the cube of the two; General MIDI's curve is the square.
        self._levels[channel, controller] = value
        level = self._levels[channel, _VOLUME] * self._levels[channel, _EXPRESSION] / 127**2
        self._font.channel_set_volume(channel, level**2)

    def note_on(self, channel: int, pitch: int, velocity: int) -> None:
        # Its loudness follows velocity linearly, the SF2 standard's by the square; between them, because the same
        # number also chooses among a SoundFont's velocity layers.
        self._font.channel_note_on(channel, pitch, max((velocity / 127) ** 1.5, 1 / 127))

    def note_off(self, channel: int, pitch: int) -> None:
        self._font.channel_note_off(channel, pitch)

    def render(self, out: NDArray[np.float32]) -> None:
        self._font.render(out.data.cast("B"), False)

    def close(self) -> None:
        self._font = None


def _import_fluidsynth() -> Any:
    with contextlib.redirect_stdout(io.StringIO()):  # where CI is set it announces the library, into our JSON
        module = importlib.import_module("fluidsynth")
    for level in range(5):  # its warnings about missing audio drivers and programs are not the user's concern
        module._fl.fluid_set_log_function(level, None, None)
    return module


def _probe_fluidsynth() -> SynthInfo | None:
    try:
        module = _import_fluidsynth()
        text = module._fl.fluid_version_str
        text.restype = ctypes.c_char_p
        found = text().decode("ascii", "replace")
        module.Synth(samplerate=float(SAMPLE_RATE), channels=16).delete()
    except (ImportError, OSError, AttributeError, TypeError):
        return None  # no package, no library, a library for another machine, or one without the functions needed
    return SynthInfo("fluidsynth", found)


def _probe_tinysoundfont() -> SynthInfo | None:
    try:
        importlib.import_module("tinysoundfont._tinysoundfont")
        return SynthInfo("tinysoundfont", version("tinysoundfont"))
    except (ImportError, OSError, PackageNotFoundError):
        return None


def _load_tiny_font(soundfont: Path) -> Any:
    core = importlib.import_module("tinysoundfont._tinysoundfont")
    try:
        return core.SoundFont(soundfont.read_bytes())  # given a path, it cannot open all of them on Windows
    except (RuntimeError, OSError) as error:
        raise _unloadable("TinySoundFont", soundfont) from error


def _unloadable(synth: str, soundfont: Path) -> InputError:
    return InputError(f"{synth} cannot load this SoundFont", where=str(soundfont), code="bad_soundfont")
