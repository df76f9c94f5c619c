"""A hand-made cue, the SoundFont that every installation has, and both synthesisers."""

from __future__ import annotations

import wave
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from emsync_engine.audio.render import RenderResult, render
from emsync_engine.audio.soundfont import SoundFont, read_soundfont
from emsync_engine.audio.synth import SYNTH_VARIABLE, available_synths
from emsync_engine.score import Bar, Key, Note, Part, Score, ScoreHit, Section, Tempo, TempoMap

Q = 960


@pytest.fixture(scope="session")
def soundfont() -> SoundFont:
    pretty_midi = pytest.importorskip("pretty_midi")
    return read_soundfont(Path(pretty_midi.__file__).with_name("TimGM6mb.sf2"))


@pytest.fixture(params=["fluidsynth", "tinysoundfont"])
def synth(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each synthesiser in turn, forced by the environment."""
    if request.param not in {info.name for info in available_synths()}:
        pytest.skip(f"{request.param} does not load here")
    monkeypatch.setenv(SYNTH_VARIABLE, request.param)
    return str(request.param)


@pytest.fixture
def cue() -> Score:
    """Four bars of 4/4 at 120 and then 100 beats a minute: drums, bass and strings, 8.8 s."""
    tempo_map = TempoMap((Tempo(0, 500_000), Tempo(8 * Q, 600_000)))
    end = 16 * Q
    drums = [Note(beat * Q, 38 if beat % 2 else 36, Q // 4, 100) for beat in range(16)]
    bass = [Note(beat * Q, 40 + beat % 5, Q, 90) for beat in range(16)]
    strings = [Note(bar * 4 * Q, pitch, 4 * Q, 80) for bar in range(4) for pitch in (57, 60, 64)]
    return Score(
        tempo_map=tempo_map,
        bars=tuple(Bar(i * 4 * Q, 4) for i in range(4)),
        key=Key(9, "minor"),
        parts=(
            Part("drums", "Drums", 0, 9, tuple(drums)),
            Part("bass", "Bass", 33, 1, tuple(bass)),
            Part("strings", "Strings", 48, 2, tuple(strings)),
        ),
        sections=(Section("s1", "Chase", 0, end, 0.0, 0.5, 1),),
        chords=(),
        hits=(ScoreHit(8 * Q, Fraction(4), "Door"),),
        duration=tempo_map.seconds(end),
        end_tick=end,
        seed=1,
        engine="test",
        title="Night <1>",
    )


@pytest.fixture
def rendered(tmp_path: Path, soundfont: SoundFont) -> Callable[..., RenderResult]:
    """Render a score into ``tmp_path`` at 24 frames a second from 01:00:00:00."""

    def run(score: Score, frames: int | None = None, folder: Path = tmp_path, **options: object) -> RenderResult:
        arguments: dict[str, object] = {
            "mix_path": folder / "mix.wav",
            "stem_paths": {part.id: folder / f"{part.id}.wav" for part in score.parts},
            "soundfont": soundfont,
            "rate": Fraction(24),
            "start_frame": 86400,
            "drop_frame": False,
            "frames": round(score.duration * 24) if frames is None else frames,
            "description": "A test",
        }
        return render(score, **(arguments | options))  # type: ignore[arg-type]

    return run


def _read_wav(path: Path) -> NDArray[np.int32]:
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getsampwidth(), file.getnchannels()) == (48000, 3, 2)
        raw = np.frombuffer(file.readframes(file.getnframes()), np.uint8).reshape(-1, 3)
    wide = np.zeros((len(raw), 4), np.uint8)
    wide[:, 1:] = raw
    return np.asarray(wide.view("<i4") >> 8).reshape(-1, 2)


@pytest.fixture
def read_wav() -> Callable[[Path], NDArray[np.int32]]:
    """A file's samples by the standard library's reader, shape (samples, 2), -2**23 .. 2**23 - 1."""
    return _read_wav
