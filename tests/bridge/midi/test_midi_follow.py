"""Following the time code and the clock of another machine, with jitter, jumps and silence."""

from __future__ import annotations

import random
from collections.abc import Iterator
from fractions import Fraction

import pytest

from bridge.midi.player import PLAYING, WAITING, Player
from bridge.midi.programme import Programme
from bridge.midi.timecode import full_frame, quarter_frame
from emsync_engine.errors import InputError
from tests.bridge.midi.conftest import Recorder, made_programme

NOTE_ON = 0x90
JITTER_S = 0.001


def feed(recorder: Recorder, player: Player, messages: Iterator[tuple[float, bytes]], until: float, seed: int) -> None:
    """Messages as they arrive, each up to a millisecond late."""
    rng = random.Random(seed)
    for at, data in messages:
        if at > until:
            break
        arrives = at + rng.uniform(0, JITTER_S)
        recorder.run(player, arrives)
        player.hear(data, arrives)
    recorder.run(player, until)


def time_code(programme: Programme, from_s: float, begins: float = 0.0) -> Iterator[tuple[float, bytes]]:
    """The quarter frames of a machine that begins to play at a place of the score."""
    for event in programme.sync(from_s):
        if event.data[0] == 0xF1:
            yield begins + event.at_s - from_s, event.data


def onsets(recorder: Recorder) -> list[float]:
    return sorted(set(recorder.times(NOTE_ON)))


@pytest.mark.parametrize("rate", [Fraction(25), Fraction(24000, 1001), Fraction(30)], ids=str)
def test_notes_come_when_the_time_code_is_there(recorder: Recorder, rate: Fraction) -> None:
    programme = made_programme(rate)
    player = recorder.player(programme)
    player.follow("mtc", 0.0)
    assert player.state == WAITING
    feed(recorder, player, time_code(programme, 2.0), 3.9, seed=1)
    assert player.state == PLAYING
    wanted = [0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5]  # notes of the score at 2.5, 3.0 ...
    assert onsets(recorder) == pytest.approx(wanted, abs=0.003)
    assert not recorder.of("sync")  # who follows does not lead


def test_time_code_that_stops_stops_the_music_and_goes_on_elsewhere(recorder: Recorder) -> None:
    programme = made_programme()
    player = recorder.player(programme)
    player.follow("mtc", 0.0)
    feed(recorder, player, time_code(programme, 0.0), 1.2, seed=2)
    recorder.run(player, 3.0)
    assert player.state == WAITING
    assert onsets(recorder)[-1] < 1.4
    on = [d[:2] for d in recorder.of("music") if d[0] & 0xF0 == NOTE_ON]
    off = [bytes((d[0] | 0x10, d[1])) for d in recorder.of("music") if d[0] & 0xF0 == 0x80]
    assert sorted(on) == sorted(off)
    player.hear(full_frame(programme.frame(6.0), programme.rate), 3.0)
    assert player.position(3.0) == pytest.approx(6.0)
    feed(recorder, player, time_code(programme, 6.0, begins=3.0), 5.0, seed=3)
    assert player.position(5.0) == pytest.approx(8.0, abs=0.005)


def test_a_jump_of_the_time_code_is_followed(recorder: Recorder) -> None:
    programme = made_programme()
    player = recorder.player(programme)
    player.follow("mtc", 0.0)
    feed(recorder, player, time_code(programme, 0.0), 1.0, seed=4)
    feed(recorder, player, time_code(programme, 9.0, begins=1.0), 2.0, seed=5)
    assert player.position(2.0) == pytest.approx(10.0, abs=0.005)


def test_time_code_from_before_the_score_starts_it_in_time(recorder: Recorder) -> None:
    programme = made_programme()
    early = made_programme(start_frame=90_000 - 50)  # the same tape, two seconds earlier
    player = recorder.player(programme)
    player.follow("mtc", 0.0)
    feed(recorder, player, time_code(early, 0.0), 3.2, seed=6)
    assert onsets(recorder) == pytest.approx([2.0, 2.5, 3.0], abs=0.003)


def clock(tempo_us: int, count: int, begins: float = 0.0) -> Iterator[tuple[float, bytes]]:
    yield begins, b"\xfa"
    for n in range(count):
        yield begins + n * tempo_us / 24e6, b"\xf8"


def test_the_clock_of_another_machine_is_the_tempo(recorder: Recorder) -> None:
    player = recorder.player(made_programme())
    player.follow("clock", 0.0)
    feed(recorder, player, clock(750_000, 24 * 12), 8.0, seed=7)  # 80 a minute instead of 120
    quarters = onsets(recorder)
    assert len(quarters) == 11
    assert quarters == pytest.approx([n * 0.75 for n in range(11)], abs=0.006)


def test_a_change_of_tempo_is_followed(recorder: Recorder) -> None:
    player = recorder.player(made_programme())
    player.follow("clock", 0.0)
    feed(recorder, player, clock(500_000, 24 * 4), 1.999, seed=8)
    later = ((2.0 + n * 0.4 / 24, b"\xf8") for n in range(24 * 4))
    feed(recorder, player, later, 3.5, seed=9)
    assert onsets(recorder)[4:] == pytest.approx([2.0, 2.4, 2.8, 3.2], abs=0.008)


def test_song_position_and_continue(recorder: Recorder) -> None:
    player = recorder.player(made_programme())
    player.follow("clock", 0.0)
    player.hear(bytes((0xF2, 16, 0)), 0.0)  # the second bar
    assert player.position(0.0) == pytest.approx(2.0)
    player.hear(b"\xfb", 0.0)
    for n in range(60):
        recorder.run(player, n * 0.5 / 24)
        player.hear(b"\xf8", n * 0.5 / 24)
    assert player.position(1.23) == pytest.approx(3.23, abs=0.01)
    player.hear(b"\xfc", 1.24)
    recorder.run(player, 3.0)
    assert player.state == WAITING


def test_a_clock_that_falls_silent_holds_the_music(recorder: Recorder) -> None:
    player = recorder.player(made_programme())
    player.follow("clock", 0.0)
    feed(recorder, player, clock(500_000, 30), 5.0, seed=10)
    assert onsets(recorder) == pytest.approx([0, 0.5], abs=0.005)
    assert player.state == WAITING
    player.hear(b"\xf8", 5.0)  # the cable is in again
    assert player.state == PLAYING


def test_who_follows_cannot_be_sent_elsewhere_but_can_be_freed(recorder: Recorder) -> None:
    player = recorder.player(made_programme())
    player.follow("mtc", 0.0)
    with pytest.raises(InputError) as refused:
        player.locate(3.0, 0.0)
    assert refused.value.code == "follows"
    player.play(0.0, 3.0)
    assert (player.state, player.follows) == (PLAYING, "")


@pytest.mark.parametrize("source", ["mtc", "clock"])
def test_another_take_is_taken_up_while_it_follows(recorder: Recorder, source: str) -> None:
    player = recorder.player(made_programme())
    player.follow(source, 0.0)
    messages = time_code(made_programme(), 0.0) if source == "mtc" else clock(500_000, 96)
    early = [next(messages) for _ in range(60)]
    feed(recorder, player, iter(early), early[-1][0], seed=12)
    assert player.state == PLAYING
    player.load(made_programme(), recorder.now)
    begun = recorder.now
    feed(recorder, player, messages, 1.9, seed=13)
    later = [at for at in onsets(recorder) if at > begun]
    assert later == pytest.approx([n * 0.5 for n in range(1, 4) if n * 0.5 > begun], abs=0.008)


def test_a_take_taken_up_while_nothing_runs_waits_in_its_place(recorder: Recorder) -> None:
    tape = made_programme()
    for source, stand in (("mtc", full_frame(tape.frame(2.0), tape.rate)), ("clock", b"\xf2\x10\0")):
        player = recorder.player(made_programme())
        player.follow(source, 0.0)
        player.hear(stand, 0.0)
        player.load(made_programme(), 0.0)
        assert (player.state, player.position(0.0)) == (WAITING, pytest.approx(2.0))


def test_any_bytes_may_come_in(recorder: Recorder) -> None:
    rng = random.Random(11)
    programme = made_programme()
    for source in ("mtc", "clock"):
        player = recorder.player(programme)
        player.follow(source, 0.0)
        for n in range(3000):
            if rng.random() < 0.3:
                frame = rng.randrange(100)
                data = quarter_frame(frame % 8, (31, rng.randrange(64), rng.randrange(64), 31), programme.rate)
            else:
                data = bytes((rng.choice([0xF1, 0xF2, 0xF8, 0xFA, 0xFB, 0xFC, 0xF0, 0x90]), *rng.randbytes(2)))
            player.hear(data, n * 0.003)
            recorder.run(player, n * 0.003)
        player.free(9.0)
        assert player.state == "stopped"
