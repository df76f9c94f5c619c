"""Notes to rows and back: nothing lost beyond the stated quantisation, one canonical order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emsync_engine.model import events as ev

BAR_LENGTHS = st.sampled_from([18, 24, 36, 48, 60, 72, 84, 96])


@st.composite
def pieces(draw: st.DrawFn) -> ev.Piece:
    """Pieces of up to six bars and forty notes, lengths and velocities anywhere."""
    lengths = draw(st.lists(BAR_LENGTHS, min_size=1, max_size=6))
    end = sum(lengths)
    note = st.tuples(
        st.integers(0, end - 1),
        st.integers(0, ev.N_GROUPS - 1),
        st.integers(0, 127),
        st.integers(1, 400),
        st.integers(1, 127),
    )
    columns = np.array(draw(st.lists(note, max_size=40)), dtype=np.int64).reshape(-1, 5)
    return ev.sort_notes(
        ev.Piece(
            onset=columns[:, 0].astype(np.int32),
            group=columns[:, 1].astype(np.uint8),
            pitch=columns[:, 2].astype(np.uint8),
            duration=columns[:, 3].astype(np.int32),
            velocity=columns[:, 4].astype(np.uint8),
            bar_start=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32),
            bar_seconds=(np.array(lengths) / 24).astype(np.float32),
        )
    )


@given(pieces())
def test_rows_and_back_keeps_every_note(piece: ev.Piece) -> None:
    back = ev.from_rows(ev.to_rows(piece), piece.bar_seconds)
    for name in ("onset", "group", "pitch", "bar_start"):
        np.testing.assert_array_equal(getattr(back, name), getattr(piece, name))
    np.testing.assert_array_equal(back.bar_seconds, piece.bar_seconds)
    np.testing.assert_array_equal(back.velocity // 16, piece.velocity // 16)
    pitched = piece.group != ev.DRUMS
    np.testing.assert_array_equal(ev.duration_bin(back.duration)[pitched], ev.duration_bin(piece.duration)[pitched])


@given(pieces())
def test_rows_are_a_fixed_point(piece: ev.Piece) -> None:
    rows = ev.to_rows(piece)
    np.testing.assert_array_equal(ev.to_rows(ev.sort_notes(ev.from_rows(rows))), rows)


@given(pieces())
def test_rows_are_one_per_bar_and_note_in_order(piece: ev.Piece) -> None:
    rows = ev.to_rows(piece)
    assert len(rows) == 2 + piece.n_bars + piece.n_notes
    assert rows[0, ev.COL_KIND] == ev.BOS
    assert rows[-1, ev.COL_KIND] == ev.END
    assert (rows[:, ev.COL_KIND] == ev.BAR).sum() == piece.n_bars
    before, after = rows[:-1], rows[1:]
    notes = (before[:, ev.COL_KIND] == ev.NOTE) & (after[:, ev.COL_KIND] == ev.NOTE)
    keys = [rows[:, ev.COL_POS].astype(int) * 10**5 + rows[:, ev.COL_GROUP].astype(int) * 1000 + rows[:, ev.COL_PITCH]][
        0
    ]
    assert (keys[:-1][notes] <= keys[1:][notes]).all()
    assert (rows[:, ev.COL_POS] < np.maximum(rows[:, ev.COL_BARLEN], 1)).all()


@given(st.integers(1, 192))
def test_the_nearest_duration_is_chosen(ticks: int) -> None:
    chosen = int(ev.DURATION_BINS[ev.duration_bin(np.array([ticks]))[0]])
    assert abs(chosen - ticks) == np.abs(ev.DURATION_BINS - ticks).min()


@pytest.mark.parametrize("ticks, expected", [(0, 1), (1, 1), (13, 12), (192, 192), (10**6, 192)])
def test_lengths_beyond_the_table_take_its_ends(ticks: int, expected: int) -> None:
    assert ev.DURATION_BINS[ev.duration_bin(np.array([ticks]))[0]] == expected


@given(st.integers(0, ev.VELOCITY_BINS - 1))
def test_velocity_bins_round_trip(code: int) -> None:
    assert ev.velocity_bin(ev.velocity_of_bin(np.array([code])))[0] == code


@pytest.mark.parametrize(
    "program, group",
    [(0, ev.PIANO), (6, ev.KEYS), (13, ev.MALLETS), (19, ev.KEYS), (24, ev.GUITAR), (31, ev.GUITAR), (32, ev.BASS),
     (40, ev.STRINGS), (43, ev.STRINGS), (46, ev.MALLETS), (47, ev.MALLETS), (48, ev.STRINGS), (52, ev.PAD),
     (56, ev.BRASS), (73, ev.WINDS), (80, ev.LEAD), (88, ev.PAD), (127, ev.EFFECTS)],
)  # fmt: skip
def test_general_midi_programs_have_a_group(program: int, group: int) -> None:
    assert ev.GROUP_OF_PROGRAM[program] == group


def test_every_program_has_a_group_and_the_five_named_ones_come_first() -> None:
    assert len(ev.GROUP_OF_PROGRAM) == 128
    assert set(ev.GROUP_OF_PROGRAM) | {ev.DRUMS} == set(range(ev.N_GROUPS))
    assert ev.GROUPS[:5] == ("drums", "bass", "piano", "guitar", "strings")


@settings(max_examples=25)
@given(pieces())
def test_time_classes_name_place_bar_or_end(piece: ev.Piece) -> None:
    rows = ev.to_rows(piece)
    times = ev.time_class(rows)
    kind = rows[:, ev.COL_KIND]
    assert (times[kind == ev.BAR] == ev.T_BAR).all()
    assert times[-1] == ev.T_END
    np.testing.assert_array_equal(times[kind == ev.NOTE], rows[kind == ev.NOTE, ev.COL_POS])


def test_a_note_before_the_first_bar_is_refused() -> None:
    rows = np.zeros((1, ev.N_COLUMNS), dtype=np.int16)
    with pytest.raises(ValueError, match="outside the bars"):
        ev.from_rows(rows)


def test_a_note_past_its_bar_is_refused() -> None:
    rows = np.zeros((2, ev.N_COLUMNS), dtype=np.int16)
    rows[0, ev.COL_KIND], rows[:, ev.COL_BARLEN] = ev.BAR, 36
    rows[1, ev.COL_POS] = 36
    with pytest.raises(ValueError, match="outside the bars"):
        ev.from_rows(rows)
