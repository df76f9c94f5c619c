"""Reading MIDI files: every note-on counts, bars follow the metres, flaws elsewhere do no harm."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import mido
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from little_band import Struck, write_midi

from emsync_engine.errors import InputError
from emsync_engine.model import events as ev
from emsync_engine.model import smf
from emsync_engine.model.midi_files import MidiFileError, read_piece


def track_file(body: bytes, resolution: int = 96) -> bytes:
    """A format-0 file around the raw bytes of a track."""
    return b"MThd" + struct.pack(">IHHH", 6, 0, 1, resolution) + b"MTrk" + struct.pack(">I", len(body)) + body


STRUCK = st.builds(
    Struck,
    start=st.floats(0, 40),
    length=st.floats(0, 9),
    pitch=st.integers(0, 127),
    velocity=st.integers(1, 127),
    channel=st.integers(0, 15),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(STRUCK, min_size=1, max_size=30), st.sampled_from([(4, 4), (3, 4), (6, 8), (7, 8), (5, 16), (12, 4)]))
def test_as_many_notes_as_another_parser_counts(notes: list[Struck], metre: tuple[int, int]) -> None:
    data = write_midi(notes, metres={0.0: metre})
    other = mido.MidiFile(file=io.BytesIO(data))
    counted = sum(m.type == "note_on" and m.velocity > 0 for track in other.tracks for m in track)
    piece = read_piece(data)
    assert piece.n_notes == counted
    rows = ev.to_rows(piece)
    assert (rows[:, ev.COL_KIND] == ev.NOTE).sum() == counted
    assert (piece.onset < piece.bar_start[-1]).all()
    assert (np.diff(piece.bar_start) > 0).all()
    assert (np.diff(piece.bar_start) <= ev.MAX_BAR_TICKS).all()


def test_places_lengths_and_groups() -> None:
    notes = [
        Struck(0, 1, 60, 100, 0), Struck(1.5, 0.25, 40, 90, 1), Struck(2, 2, 67, 80, 2), Struck(3, 0.1, 36, 70, 9)
    ]  # fmt: skip
    piece = read_piece(write_midi(notes, {0: 0, 1: 33, 2: 48}))
    assert piece.onset.tolist() == [0, 18, 24, 36]
    assert piece.duration.tolist() == [12, 3, 24, 1]
    assert piece.group.tolist() == [ev.PIANO, ev.BASS, ev.STRINGS, ev.DRUMS]
    assert piece.velocity.tolist() == [100, 90, 80, 70]


def test_bars_follow_changes_of_metre() -> None:
    piece = read_piece(write_midi([Struck(15, 1, 60, 64, 0)], metres={0.0: (1, 4), 1.0: (4, 4), 9.0: (6, 8)}))
    assert piece.bar_length.tolist() == [12, 48, 48, 36, 36, 36]


def test_a_metre_change_inside_a_bar_starts_a_bar() -> None:
    piece = read_piece(write_midi([Struck(7, 1, 60, 64, 0)], metres={0.0: (4, 4), 2.0: (3, 4)}))
    assert piece.bar_length.tolist() == [24, 36, 36]


def test_long_bars_are_split_evenly() -> None:
    piece = read_piece(write_midi([Struck(0, 1, 60, 64, 0)], metres={0.0: (12, 4)}))
    assert piece.bar_length.tolist() == [72]
    longer = read_piece(write_midi([Struck(11, 1, 60, 64, 0)], metres={0.0: (12, 4)}))
    assert longer.bar_length.tolist() == [72, 72]


def test_bars_last_as_long_as_the_tempo_says() -> None:
    piece = read_piece(write_midi([Struck(5, 1, 60, 64, 0)], bpm=90))
    np.testing.assert_allclose(piece.bar_seconds, 4 * 60 / 90, rtol=1e-5)


def test_a_note_struck_again_ends_there() -> None:
    body = bytes([0, 0x90, 60, 64, 48, 0x90, 60, 64, 96, 0x80, 60, 0, 0, 0xFF, 0x2F, 0])
    piece = read_piece(track_file(body))
    assert piece.onset.tolist() == [0, 6]
    assert piece.duration.tolist() == [6, 12]


def test_a_note_without_an_end_gets_two_quarters() -> None:
    piece = read_piece(track_file(bytes([0, 0x90, 60, 64, 0, 0xFF, 0x2F, 0])))
    assert piece.duration.tolist() == [24]


def test_running_status_and_velocity_zero() -> None:
    body = bytes([0, 0x90, 60, 64, 96, 60, 0, 0, 62, 70, 48, 62, 0, 0, 0xFF, 0x2F, 0])
    piece = read_piece(track_file(body))
    assert piece.pitch.tolist() == [60, 62]
    assert piece.duration.tolist() == [12, 6]


def test_an_impossible_key_signature_does_no_harm() -> None:
    body = bytes([0, 0xFF, 0x59, 2, 8, 1, 0, 0x90, 60, 64, 96, 0x80, 60, 0, 0, 0xFF, 0x2F, 0])
    assert read_piece(track_file(body)).n_notes == 1


def test_system_exclusive_and_controllers_are_stepped_over() -> None:
    body = bytes([0, 0xF0, 3, 1, 2, 0xF7, 0, 0xB0, 7, 100, 0, 0xE0, 0, 64, 0, 0x90, 60, 64, 96, 0x80, 60, 0])
    assert read_piece(track_file(body)).n_notes == 1


def test_a_track_that_is_cut_off_keeps_what_came_before() -> None:
    body = bytes([0, 0x90, 60, 64, 96, 0x80, 60, 0, 0, 0x90, 62])
    assert read_piece(track_file(body)).pitch.tolist() == [60]


@pytest.mark.parametrize(
    "data, message",
    [
        (b"", "no MThd"),
        (b"RIFF" + bytes(40), "no MThd"),
        (b"MThd" + struct.pack(">IHHH", 6, 1, 1, 0xE728), "time division"),
        (b"MThd" + struct.pack(">IHHH", 6, 1, 1, 96), "no track"),
        (track_file(bytes([0, 60, 64])), "without a status"),
    ],
    ids=["empty", "not-midi", "smpte", "no-track", "no-status"],
)
def test_what_is_not_a_midi_file_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(MidiFileError, match=message):
        read_piece(data)


def test_the_error_names_the_file_and_is_a_users_error(tmp_path: Path) -> None:
    path = tmp_path / "broken.mid"
    path.write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"broken\.mid"):
        read_piece(path)


@given(st.binary(max_size=200))
def test_any_bytes_parse_or_raise_the_readers_error(data: bytes) -> None:
    try:
        smf.parse(track_file(data))
    except smf.SmfError:
        return


def test_no_music_is_no_notes() -> None:
    piece = read_piece(track_file(bytes([0, 0xFF, 0x2F, 0])))
    assert piece.n_notes == 0
    assert piece.n_bars >= 1
