"""From a score to files: length, sum, timing, level, repeatability, and what stays behind when it goes wrong."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from wavinfo import WavInfoReader

from emsync_engine.audio import pool
from emsync_engine.audio import render as module
from emsync_engine.audio.loudness import LoudnessMeter
from emsync_engine.audio.render import RenderResult
from emsync_engine.audio.soundfont import SoundFont
from emsync_engine.errors import EmsyncError, InputError
from emsync_engine.score import Control, Note, Part, Score, Tempo, TempoMap

Q = 960
Render = Callable[..., RenderResult]
ReadWav = Callable[[Path], NDArray[np.int32]]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_stems_add_up_to_the_mix_sample_for_sample(synth: str, cue: Score, rendered: Render, read_wav: ReadWav) -> None:
    result = rendered(cue)
    mix = read_wav(result.files["mix"])
    stems = [read_wav(result.files[part.id]) for part in cue.parts]
    assert np.array_equal(mix, np.sum(stems, axis=0))
    assert all(np.abs(stem).max() > 1000 for stem in stems)


def test_level(synth: str, cue: Score, rendered: Render, read_wav: ReadWav) -> None:
    result = rendered(cue)
    mix = (read_wav(result.files["mix"]) / (1 << 23)).astype(np.float32)
    assert result.peak_dbfs is not None and result.true_peak_dbtp is not None and result.loudness_lufs is not None
    assert 20 * np.log10(np.abs(mix).max()) == pytest.approx(result.peak_dbfs, abs=0.001)
    assert result.peak_dbfs <= result.true_peak_dbtp <= -1.0
    meter = LoudnessMeter()
    meter.feed(mix)
    assert meter.finish().at_gain(1.0).integrated == pytest.approx(result.loudness_lufs, abs=0.01)
    assert result.loudness_lufs == pytest.approx(-18.0, abs=0.1) or result.true_peak_dbtp == pytest.approx(-1, abs=0.01)


def test_a_single_loud_hit_is_held_below_the_ceiling(cue: Score, rendered: Render) -> None:
    drums = replace(cue.parts[0], notes=(Note(0, 36, Q, 127), Note(0, 38, Q, 127), Note(0, 49, Q, 127)))
    result = rendered(replace(cue, parts=(drums,)), frames=2400)
    assert result.true_peak_dbtp == pytest.approx(-1.0, abs=0.01)


@pytest.mark.parametrize(
    ("rate", "frames", "samples"),
    [
        pytest.param(Fraction(24), 49, 98_000, id="24"),
        pytest.param(Fraction(24000, 1001), 49, 98_098, id="23.976"),
        pytest.param(Fraction(30000, 1001), 61, 97_698, id="29.97: 97697.6 samples"),
        pytest.param(Fraction(25), 1, 1920, id="one frame"),
    ],
)
def test_the_files_last_as_long_as_the_picture(
    cue: Score, rendered: Render, read_wav: ReadWav, rate: Fraction, frames: int, samples: int
) -> None:
    result = rendered(cue, frames=frames, rate=rate)
    assert result.samples == samples
    assert {len(read_wav(path)) for path in result.files.values()} == {samples}


def test_metadata(cue: Score, rendered: Render, soundfont: SoundFont) -> None:
    result = rendered(cue, rate=Fraction(30000, 1001), start_frame=107892, drop_frame=True)
    for name, path in result.files.items():
        info = WavInfoReader(str(path))
        assert info.bext.time_reference == 172_799_828
        assert info.bext.description == "A test"
        assert info.ixml.project == "Night <1>"
        assert [label.text for label in info.cues.labels] == ["Section Chase", "Hit 1 Door"]
        assert [point.position for point in info.cues.cues] == [0, 4 * 48_000]
        assert next(iter(info.ixml.track_list)).name.lower() == f"{name} l"
    mix = WavInfoReader(str(result.files["mix"]))
    assert result.loudness_lufs is not None
    assert mix.bext.loudness_value == pytest.approx(result.loudness_lufs, abs=0.006)
    assert (result.soundfont, result.soundfont_licence) == (soundfont.name, soundfont.licence)
    assert result.synth in mix.bext.coding_history


def test_equal_scores_give_equal_files(synth: str, cue: Score, rendered: Render, tmp_path: Path) -> None:
    runs = []
    for name in ("first", "second"):
        folder = tmp_path / name
        folder.mkdir()
        rendered(replace(cue, metadata={"run": name}), folder=folder)
        runs.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert runs[0] == runs[1]


@pytest.mark.parametrize(
    ("part", "pitches"),
    [
        pytest.param(Part("d", "Drums", 0, 9), (36, 38, 42), id="drums"),
        pytest.param(Part("p", "Piano", 0, 0), (48, 60, 72), id="piano"),
        pytest.param(Part("b", "Bass", 33, 1), (36, 40, 43), id="bass"),
    ],
)
def test_onsets_are_heard_at_the_note_times(
    synth: str, cue: Score, rendered: Render, read_wav: ReadWav, part: Part, pitches: tuple[int, ...]
) -> None:
    tempo_map = TempoMap((Tempo(0, 500_000), Tempo(7 * Q, 437_123)))
    ticks = [Q + i * 4 * Q + 37 * i for i in range(9)]
    notes = tuple(Note(tick, pitches[i % 3], Q // 4, 110) for i, tick in enumerate(ticks))
    dry = replace(part, notes=notes, controls=(Control(0, 91, 0),))
    end = 40 * Q
    score = replace(cue, tempo_map=tempo_map, parts=(dry,), end_tick=end, duration=tempo_map.seconds(end))
    audio = np.abs(read_wav(rendered(score).files["mix"])).max(axis=1)
    for tick in ticks:
        at = round(float(tempo_map.seconds(tick)) * 48_000)
        window = audio[at - 4800 : at + 4800]
        onset = np.flatnonzero(window > 0.005 * window.max())[0] - 4800
        assert abs(onset) <= 0.0015 * 48_000, f"tick {tick}: {onset / 48:.2f} ms"


def test_the_end_is_faded(synth: str, cue: Score, rendered: Render, read_wav: ReadWav) -> None:
    mix = np.abs(read_wav(rendered(cue, frames=100).files["mix"])).max(axis=1)
    assert mix[-1] == 0
    assert mix[-480:-400].max() > 20 * mix[-10:].max()
    assert mix[-4800:-480].max() > 10_000


def test_a_score_without_notes_is_silence(cue: Score, rendered: Render, read_wav: ReadWav) -> None:
    result = rendered(replace(cue, parts=tuple(replace(part, notes=()) for part in cue.parts)))
    assert (result.gain_db, result.peak_dbfs, result.loudness_lufs) == (0.0, None, None)
    assert not read_wav(result.files["mix"]).any()


def test_a_score_without_parts_is_silence(cue: Score, rendered: Render, read_wav: ReadWav) -> None:
    result = rendered(replace(cue, parts=()))
    assert not read_wav(result.files["mix"]).any()
    assert list(result.files) == ["mix"]


def test_stems_must_be_the_parts(cue: Score, rendered: Render, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="do not match"):
        rendered(cue, stem_paths={"drums": tmp_path / "d.wav"})


def test_progress_rises_to_one(cue: Score, rendered: Render) -> None:
    seen: list[float] = []
    rendered(cue, progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
@pytest.mark.parametrize("moment", [0.1, 0.86, 0.93, 0.99])
def test_an_interruption_leaves_what_was_there(
    cue: Score, rendered: Render, tmp_path: Path, error: type[BaseException], moment: float
) -> None:
    (tmp_path / "mix.wav").write_bytes(b"the last one")

    def interrupt(share: float) -> None:
        if share >= moment:
            raise error

    with pytest.raises(error):
        rendered(cue, progress=interrupt)
    assert names(tmp_path) == ["mix.wav"]
    assert (tmp_path / "mix.wav").read_bytes() == b"the last one"


SCRIPT = """
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from emsync_engine.audio.render import render
from emsync_engine.audio.soundfont import read_soundfont
from emsync_engine.score import Bar, Key, Note, Part, Score, Tempo, TempoMap
q, folder = 960, Path(sys.argv[2])
notes = tuple(Note(i * q // 4, 50 + i % 30, q, 90) for i in range(16000))
part = Part("strings", "Strings", 48, 0, notes)
score = Score(TempoMap((Tempo(0, 500_000),)), (Bar(0, 4),), Key(0, "major"), (part,), (), (), (), Fraction(2000),
              4000 * q, 0, "test")
render(score, mix_path=folder / "mix.wav", stem_paths={"strings": folder / "strings.wav"},
       soundfont=read_soundfont(Path(sys.argv[1])), rate=Fraction(24), start_frame=0, drop_frame=False, frames=48000,
       description="", progress=lambda share: print(share, flush=True))
"""


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C cannot be sent to one process on Windows")
def test_ctrl_c_leaves_nothing(tmp_path: Path, soundfont: SoundFont) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(soundfont.path), str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(module.__file__).parents[2])},
        start_new_session=True,
    )
    assert process.stdout is not None
    assert float(process.stdout.readline()) == 0.0  # the worker is ready
    process.stdout.readline()
    assert names(tmp_path)
    os.killpg(process.pid, signal.SIGINT)
    _, messages = process.communicate(timeout=60)
    assert process.returncode != 0
    assert messages.count("Traceback") == 1, messages  # Python's own, of the parent
    assert names(tmp_path) == []


def test_a_worker_that_stops_is_reported(
    cue: Score, rendered: Render, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "_START", "import sys; sys.exit('out of luck')")
    with pytest.raises(EmsyncError, match="stopped while playing: out of luck") as caught:
        rendered(cue)
    assert caught.value.code == "render_failed"
    assert names(tmp_path) == []


def test_a_crash_of_native_code_is_reported(
    cue: Score, rendered: Render, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "_START", "import os; os.abort()")
    with pytest.raises(EmsyncError, match="exit status"):
        rendered(cue)
    assert names(tmp_path) == []


def test_a_broken_soundfont_is_the_users_error(synth: str, cue: Score, rendered: Render, tmp_path: Path) -> None:
    path = tmp_path / "broken.sf2"
    path.write_bytes(b"RIFF\x20\0\0\0sfbkLIST\x10\0\0\0INFOifil\4\0\0\0\2\0\1\0")
    with pytest.raises(InputError) as caught:
        rendered(cue, soundfont=SoundFont(path, "Broken", ""))
    assert (caught.value.code, caught.value.where) == ("bad_soundfont", str(path))
    assert names(tmp_path) == ["broken.sf2"]


def test_a_target_that_cannot_be_written_is_the_users_error(cue: Score, rendered: Render, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        rendered(cue, mix_path=tmp_path / "absent" / "mix.wav")
    assert caught.value.code == "cannot_write"
    (tmp_path / "mix.wav").mkdir()
    with pytest.raises(InputError):
        rendered(cue)
    assert names(tmp_path) == ["mix.wav"]


def test_modules_in_the_working_folder_are_not_imported(
    cue: Score, rendered: Render, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    for name in ("json.py", "numpy.py", "signal.py"):
        (folder / name).write_text("raise SystemExit('imported from the working folder')")
    monkeypatch.chdir(folder)
    rendered(cue, frames=10)


def test_relative_targets(cue: Score, rendered: Render, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rendered(cue, frames=10, folder=Path())
    assert names(tmp_path) == ["bass.wav", "drums.wav", "mix.wav", "strings.wav"]


def test_what_a_killed_rendering_left_is_removed_after_a_day(cue: Score, rendered: Render, tmp_path: Path) -> None:
    old, recent = tmp_path / ".emsync-render-old", tmp_path / ".emsync-render-recent"
    for folder in (old, recent):
        folder.mkdir()
        (folder / "0.f32").write_bytes(b"")
    os.utime(old, (time.time() - 90_000,) * 2)
    rendered(cue, frames=10)
    assert not old.exists()
    assert recent.exists()


@pytest.mark.slow
def test_twenty_minutes_are_never_held_in_memory(cue: Score, rendered: Render) -> None:
    notes = tuple(Note(i * 60 * Q, 60, 4 * Q, 90) for i in range(40))
    score = replace(cue, tempo_map=TempoMap((Tempo(0, 500_000),)), parts=(Part("piano", "Piano", 0, 0, notes),))
    tracemalloc.start()
    try:
        rendered(score, frames=20 * 60 * 24)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 64_000_000  # the audio itself is 460 MB as floats
