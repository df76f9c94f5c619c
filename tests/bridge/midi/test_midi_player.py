"""What a player sends and when, by a clock that is moved by hand."""

from __future__ import annotations

import io
from fractions import Fraction

import mido
import pytest

from bridge.midi.player import PLAYING, STOPPED
from bridge.midi.programme import Programme
from bridge.midi.timecode import QuarterFrames, read_full_frame
from emsync_engine.errors import InputError
from emsync_engine.picture import Picture
from emsync_engine.smf import smf_bytes
from tests.bridge.midi.conftest import BARS, Recorder, made_programme, made_score

NOTE_ON, NOTE_OFF, CONTROL, CLOCK, QUARTER = 0x90, 0x80, 0xB0, 0xF8, 0xF1


def test_all_that_is_in_the_file_is_played_at_its_time(recorder: Recorder, programme: Programme) -> None:
    player = recorder.player(programme)
    player.play(0.0)
    recorder.run(player, 100)
    file = mido.MidiFile(file=io.BytesIO(smf_bytes(programme.score)))
    now, wanted = 0.0, []
    for message in file:
        now += message.time
        if not message.is_meta and message.type != "program_change":
            wanted.append((round(now, 6), bytes(message.bytes())))
    played = [(round(at, 6), d) for at, to, d in recorder.sent if to == "music" and d[0] & 0xF0 != 0xC0]
    assert sorted(played) == sorted(wanted)
    assert (player.state, player.position(recorder.now)) == (STOPPED, programme.duration_s)


def test_a_late_wake_up_makes_messages_late_once_and_never_adds_up(recorder: Recorder, programme: Programme) -> None:
    player = recorder.player(programme)
    player.play(0.0)
    recorder.run(player, 100, oversleep_s=0.0015)
    late = player.lateness.to_json()
    assert late["messages"] > 900
    assert late["worst"] == pytest.approx(1.5, abs=0.001)
    last = max(recorder.times(NOTE_ON))
    assert last == pytest.approx(float(programme.score.tempo_map.seconds((BARS * 4 - 1) * 960)), abs=0.0016)


def test_midi_clock_follows_the_tempo_map(recorder: Recorder, programme: Programme) -> None:
    player = recorder.player(programme)
    player.play(0.0)
    recorder.run(player, 100)
    clocks = recorder.times(CLOCK, "sync")
    assert len(clocks) == BARS * 4 * 24
    assert clocks[:2] == pytest.approx([0, 0.5 / 24])
    assert clocks[-1] - clocks[-2] == pytest.approx(0.4 / 24)
    assert recorder.of("sync")[-2:] == [b"\xfc", bytes.fromhex("f07f7f0601f7")]


@pytest.mark.parametrize(("at_s", "start", "position"), [(0.0, b"\xfa", 0), (1.0, b"\xfb", 8), (1.01, b"\xfb", 9)])
def test_song_position_and_start_come_before_the_clock(
    recorder: Recorder, programme: Programme, at_s: float, start: bytes, position: int
) -> None:
    player = recorder.player(programme)
    player.play(0.0, at_s)
    recorder.run(player, 0.5)
    sync = recorder.of("sync")
    assert bytes((0xF2, position, 0)) in sync
    begins = sync.index(start)
    assert sync.index(b"\xf8") > begins > sync.index(bytes((0xF2, position, 0)))
    first = recorder.times(CLOCK, "sync")[0]
    assert at_s + first == pytest.approx(position * 0.125)


RATES = [(Fraction(25), False), (Fraction(24000, 1001), False), (Fraction(30000, 1001), True), (Fraction(50), False)]


@pytest.mark.parametrize(("rate", "drop"), RATES, ids=str)
def test_time_code_says_the_record_timecode(recorder: Recorder, rate: Fraction, drop: bool) -> None:
    programme = made_programme(rate, drop=drop, start_frame=107_892)
    player = recorder.player(programme)
    player.play(0.0, 2.0)
    recorder.run(player, 2.0)
    located = next(w for d in recorder.of("sync") if (w := read_full_frame(d)))
    picture = Picture("", rate, Fraction(60), drop_frame=drop, start_frame=107_892)
    said = picture.timecode_at(Fraction(2) - Fraction(1, 10)).replace(";", ":").split(":")
    assert located.fields[:3] == tuple(int(x) for x in said[:3])
    pieces, heard = QuarterFrames(), []
    for at, to, data in recorder.sent:
        if to == "sync" and data[0] == QUARTER and (whole := pieces.hear(data[1])):
            heard.append((at, programme.rate.frame(whole.fields)))
    assert len(heard) >= 20
    for at, frame in heard:
        expected = programme.first_frame + (2.0 + at) * float(programme.rate.hz)
        assert frame == pytest.approx(expected - 1.75, abs=0.01)


def test_playing_from_the_middle_sets_instruments_and_controllers_first(
    recorder: Recorder, programme: Programme
) -> None:
    player = recorder.player(programme)
    player.play(0.0, 3.1)
    before = recorder.of("music")
    assert bytes((0xC0, 32)) in before and bytes((0xC4, 48)) in before
    assert bytes((0xB4, 11, 12)) in before  # the swell as it stands at 3.1 s
    assert not [d for d in before if d[0] & 0xF0 == NOTE_ON]
    recorder.run(player, 0.5)
    assert min(recorder.times(NOTE_ON)) == pytest.approx(0.4)


def test_stopping_leaves_nothing_sounding(recorder: Recorder, programme: Programme) -> None:
    player = recorder.player(programme)
    player.play(0.0)
    recorder.run(player, 0.6)
    on = {(d[0] & 15, d[1]) for d in recorder.of("music") if d[0] & 0xF0 == NOTE_ON}
    player.stop(0.6)
    off = {(d[0] & 15, d[1]) for d in recorder.of("music") if d[0] & 0xF0 == NOTE_OFF}
    assert on == off
    assert bytes((0xB4, 123, 0)) in recorder.of("music")
    assert (player.state, player.position(9.0)) == (STOPPED, pytest.approx(0.6))


def test_locate_while_it_plays_goes_on_from_there(recorder: Recorder, programme: Programme) -> None:
    player = recorder.player(programme)
    player.play(0.0)
    recorder.run(player, 1.0)
    player.locate(8.0, 1.0)
    recorder.run(player, 1.5)
    assert player.state == PLAYING
    assert player.position(1.5) == pytest.approx(8.5)


def test_another_take_is_taken_up_while_it_plays(recorder: Recorder, programme: Programme) -> None:
    player = recorder.player(programme)
    player.play(0.0)
    recorder.run(player, 1.1)
    other = Programme(made_score(tempos=((0, 500_000),)), Picture("", Fraction(25), Fraction(16)))
    player.load(other, 1.1)
    begun = len(recorder.sent)
    recorder.run(player, 1.6)
    on = [at for at, _, d in recorder.sent[begun:] if d[0] & 0xF0 == NOTE_ON]
    assert on == [pytest.approx(1.5)]
    assert player.position(1.6) == pytest.approx(1.6)


def test_nothing_loaded_is_said(recorder: Recorder) -> None:
    for order in (lambda p: p.play(0.0), lambda p: p.locate(1.0, 0.0), lambda p: p.follow("mtc", 0.0)):
        with pytest.raises(InputError) as refused:
            order(recorder.player())
        assert refused.value.code == "no_score"
