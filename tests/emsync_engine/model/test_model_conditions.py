"""What the network is told at a row: EMSYNC's offsets, nulls, categories."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emsync_engine.model import conditions as cond
from emsync_engine.model import events as ev
from emsync_engine.model import harmony


def guide(n_bars: int = 8, boundaries: tuple[int, ...] = (), bpm: float = 120.0) -> cond.Guide:
    """Bars of 4/4 in one tempo, everything known."""
    return cond.Guide(
        bar_start=np.arange(n_bars + 1, dtype=np.int32) * 48,
        bar_seconds=np.full(n_bars, 240 / bpm),
        valence=np.linspace(-1, 1, n_bars),
        arousal=np.linspace(1, -1, n_bars),
        density=np.full(n_bars, 3.0),
        section=np.array([bar % 4 == 0 for bar in range(n_bars)], dtype=np.uint8),
        chord=np.full(4 * n_bars, 1 + 7 * harmony.N_QUALITIES + 4, dtype=np.uint8),
        key=np.full(n_bars, 12, dtype=np.uint8),
        boundaries=np.array(boundaries, dtype=np.int32),
        instruments=np.arange(ev.N_GROUPS) < 5,
        known=np.ones(cond.N_CHANNELS, dtype=bool),
    )


def at(value: cond.Guide, bar: int, pos: int) -> tuple[np.ndarray, np.ndarray]:
    values, categories = cond.encode(value, np.array([bar]), np.array([pos]))
    return values[0], categories[0]


@given(st.floats(30, 240), st.integers(0, 7), st.integers(0, 47), st.integers(0, 8 * 48 - 1))
def test_the_offset_is_emsyncs_complement(bpm: float, bar: int, pos: int, boundary: int) -> None:
    seconds_per_tick = 60 / bpm / ev.GRID
    ahead = (boundary - (48 * bar + pos)) * seconds_per_tick
    expected = 8 - min(8, ahead) if ahead >= 0 else 0
    values, _ = at(guide(boundaries=(boundary,), bpm=bpm), bar, pos)
    assert values[cond.COL_OFFSET] * 8 == pytest.approx(expected, abs=1e-4)


def test_a_boundary_here_is_said_so() -> None:
    told = guide(boundaries=(60, 100))
    values, categories = at(told, 1, 12)
    columns = values[cond.SLICES["boundary"]]
    assert columns[:3].tolist() == [1, 1, 1]
    assert categories[cond.CAT_HIT] == 12


def test_the_next_boundary_of_the_bar_is_named_until_it_has_passed() -> None:
    told = guide(boundaries=(60, 100))
    assert at(told, 1, 0)[1][cond.CAT_HIT] == 12
    assert at(told, 1, 13)[1][cond.CAT_HIT] == cond.HIT_NONE
    assert at(told, 2, 0)[1][cond.CAT_HIT] == 4
    assert at(told, 0, 0)[1][cond.CAT_HIT] == cond.HIT_NONE


def test_time_since_the_last_boundary_counts_from_it() -> None:
    told = guide(boundaries=(48,))
    since = cond.SLICES["boundary"].stop - 1
    assert at(told, 1, 0)[0][since] == 0, "the boundary itself is ahead, not behind"
    assert at(told, 1, 12)[0][since] == pytest.approx(1 - 1 / 16)
    assert at(told, 2, 0)[0][since] == pytest.approx(1 - 4 / 16)


@pytest.mark.parametrize("channel", cond.CHANNELS)
def test_an_unknown_channel_leaves_no_trace(channel: str) -> None:
    index = cond.CHANNELS.index(channel)
    told = guide(boundaries=(60,))
    unknown = replace(told, known=np.arange(cond.N_CHANNELS) != index)
    other = replace(
        unknown,
        valence=unknown.valence * 0,
        arousal=unknown.arousal * 0,
        density=unknown.density * 2,
        section=1 - unknown.section,
        boundaries=np.array([70], dtype=np.int32),
        instruments=~unknown.instruments,
        chord=unknown.chord * 0 + 3,
        key=unknown.key * 0,
        bar_seconds=unknown.bar_seconds,
    )
    for bar in range(8):
        (before, codes), (after, other_codes) = at(unknown, bar, 12), at(other, bar, 12)
        assert before[cond.N_VALUES + index] == 0
        np.testing.assert_array_equal(before[cond.SLICES[channel]], after[cond.SLICES[channel]])
        assert (before[cond.SLICES[channel]] == 0).all()
        category = {"boundary": [cond.CAT_HIT], "chord": [cond.CAT_ROOT, cond.CAT_QUALITY], "key": [cond.CAT_KEY]}
        for column in category.get(channel, []):
            assert codes[column] == other_codes[column] == cond.CATEGORY_SIZES[column] - 1


def test_values_stay_small() -> None:
    rng = np.random.default_rng(0)
    told = guide(40, tuple(np.sort(rng.integers(0, 40 * 48, 9)).tolist()), bpm=57)
    values, categories = cond.encode(told, np.repeat(np.arange(40), 48), np.tile(np.arange(48), 40))
    assert np.abs(values).max() <= 1.5
    assert (categories >= 0).all()
    assert (categories < np.array(cond.CATEGORY_SIZES)).all()


def test_form_and_section_say_where_in_the_piece() -> None:
    told = guide(8)
    first, last = at(told, 0, 0)[0], at(told, 7, 0)[0]
    form = cond.SLICES["form"]
    assert first[form][[0, 4]].tolist() == [0, 1]
    assert last[form][[1, 3]].tolist() == [1, 1]
    section = cond.SLICES["section"]
    assert at(told, 3, 0)[0][section][:2].tolist() == [0, 1]
    assert at(told, 4, 0)[0][section][:2].tolist() == [1, 0]


def test_chord_and_key_are_categories() -> None:
    _, codes = at(guide(), 2, 30)
    assert codes[[cond.CAT_ROOT, cond.CAT_QUALITY, cond.CAT_KEY]].tolist() == [7, 4, 12]


def test_the_layout_of_the_columns_has_no_gap() -> None:
    stops = [cond.SLICES[channel].stop for channel in cond.CHANNELS]
    starts = [cond.SLICES[channel].start for channel in cond.CHANNELS]
    assert starts == [0, *stops[:-1]]
    assert stops[-1] == cond.N_VALUES
