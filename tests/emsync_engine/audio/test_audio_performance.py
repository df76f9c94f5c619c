"""What is sent to a synthesiser and when, seen by a synthesiser that only takes notes."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from emsync_engine.audio.hall import BLOCK, Hall, impulse_response
from emsync_engine.audio.performance import (
    NOTE_OFF,
    NOTE_ON,
    hall_send,
    part_events,
    part_job,
    play,
    sample_at,
)
from emsync_engine.audio.synth import Synth
from emsync_engine.audio.worker import decode_job, encode_job
from emsync_engine.score import Control, Note, Part, Score, Tempo, TempoMap

Q = 960
TEMPO = TempoMap((Tempo(0, 500_000),))


class Recorder:
    """Writes down what it is told and at which sample; sounds a click at every note-on."""

    def __init__(self, granularity: int = 1) -> None:
        self.granularity = granularity
        self.now = 0
        self.heard: list[tuple[int, str, int, int]] = []
        self._click = False

    def program(self, channel: int, program: int) -> None:
        self.heard.append((self.now, "program", channel, program))

    def control(self, channel: int, controller: int, value: int) -> None:
        self.heard.append((self.now, "control", controller, value))

    def note_on(self, channel: int, pitch: int, velocity: int) -> None:
        self.heard.append((self.now, "on", pitch, velocity))
        self._click = True

    def note_off(self, channel: int, pitch: int) -> None:
        self.heard.append((self.now, "off", pitch, 0))

    def render(self, out: NDArray[np.float32]) -> None:
        assert len(out) and out.flags.c_contiguous
        out[:] = 0
        out[0] = self._click
        self._click = False
        self.now += len(out)

    def close(self) -> None:
        pass


def played(part: Part, samples: int, folder: Path, synth: Recorder) -> NDArray[np.float32]:
    progress: list[int] = []
    instrument: Synth = synth
    job = part_job(part, TEMPO, samples, folder / "part.f32")
    play(job, instrument, 1.0, progress.append)
    assert sum(progress) == samples
    return np.fromfile(job.path, "<f4").reshape(-1, 2)


@pytest.mark.parametrize("granularity", [1, 64])
def test_every_event_arrives_at_its_sample(tmp_path: Path, granularity: int) -> None:
    ticks = [0, 1, 317, 960, 961, 16000, 31041]
    part = Part("p", "P", 5, 0, tuple(Note(t, 60 + i, 400, 100) for i, t in enumerate(ticks)), (Control(0, 91, 0),))
    synth = Recorder(granularity)
    audio = played(part, 900_000, tmp_path, synth)
    onsets = [at for at, kind, _, _ in synth.heard if kind == "on"]
    wanted = [sample_at(TEMPO.seconds(t)) for t in ticks]
    assert all(abs(a - b) <= granularity // 2 for a, b in zip(onsets, wanted))
    assert len(audio) == 900_000
    assert np.flatnonzero(audio[:, 0]).tolist() == sorted(set(onsets))


def test_set_up_comes_first_and_endings_before_beginnings() -> None:
    part = Part("p", "P", 5, 3, (Note(0, 60, Q, 80), Note(Q, 60, Q, 90)), (Control(Q, 64, 127),))
    events = part_events(part, TEMPO)
    assert [(e.sample, e.status & 0xF0, e.data1) for e in events] == [
        (0, 0xC0, 5), (0, 0xB0, 7), (0, 0xB0, 10), (0, 0xB0, 11), (0, 0x90, 60),
        (24000, 0x80, 60), (24000, 0xB0, 64), (24000, 0x90, 60), (48000, 0x80, 60),
    ]  # fmt: skip
    assert {e.status & 0x0F for e in events} == {3}


def test_samples_are_rounded_to_the_nearest() -> None:
    assert [sample_at(Fraction(n, 96000)) for n in (0, 1, 2, 3)] == [0, 1, 1, 2]


def test_overlapping_notes_of_one_pitch_never_reach_the_synthesiser() -> None:
    events = part_events(Part("p", "P", 0, 0, (Note(0, 60, 2 * Q, 80), Note(Q, 60, Q, 80))), TEMPO)
    kinds = [e.status & 0xF0 for e in events if e.status & 0xF0 in (NOTE_ON, NOTE_OFF)]
    assert kinds == [NOTE_ON, NOTE_OFF, NOTE_ON, NOTE_OFF]


def test_a_job_survives_the_way_to_the_worker(cue: Score, tmp_path: Path) -> None:
    job = part_job(cue.parts[0], cue.tempo_map, 1000, tmp_path / "Überfall.f32")
    assert decode_job(encode_job(job)) == job
    assert job.effort > 0


@pytest.mark.parametrize("value", [0, 64, 127])
def test_controller_91_sets_the_hall(value: int) -> None:
    assert hall_send(Part("p", "P", 48, 0, (), (Control(0, 91, value),))) == pytest.approx(0.6 * value / 127)


def test_the_low_end_stays_dry() -> None:
    strings, bass, drums = Part("s", "S", 48, 0), Part("b", "B", 33, 1), Part("d", "D", 48, 9)
    assert hall_send(bass) < hall_send(drums) < hall_send(strings)


def test_the_hall_is_the_convolution_with_its_response() -> None:
    rng = np.random.default_rng(3)
    dry = rng.standard_normal((BLOCK + 5000, 2)).astype(np.float32)
    wet = dry.copy()
    hall = Hall(0.5)
    hall.add(wet[:BLOCK])
    hall.add(wet[BLOCK:])
    response = impulse_response()
    for side in (0, 1):
        for at in (0, 900, 70_000, BLOCK - 1, BLOCK, BLOCK + 4999):
            past = dry[max(0, at + 1 - len(response)) : at + 1].mean(axis=1)[::-1]
            expected = dry[at, side] + 0.5 * float(past @ response[: len(past), side])
            assert wet[at, side] == pytest.approx(expected, abs=1e-4)


def test_the_hall_is_linear_so_that_stems_add_up() -> None:
    rng = np.random.default_rng(4)
    a, b = rng.standard_normal((2, 30_000, 2)).astype(np.float32)
    both = a + b
    for audio in (a, b, both):
        Hall(0.3).add(audio)
    assert np.allclose(a + b, both, atol=1e-4)


def test_the_hall_never_sounds_before_its_pre_delay() -> None:
    audio = np.zeros((48_000, 2), np.float32)
    audio[0] = 1
    Hall(1.0).add(audio)
    assert np.abs(audio[1:800]).max() < 1e-6
    assert np.abs(audio[900:10_000]).max() > 1e-3


def test_a_dry_part_is_left_alone() -> None:
    audio = np.ones((100, 2), np.float32)
    Hall(0.0).add(audio)
    assert (audio == 1).all()
