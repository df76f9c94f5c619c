"""The tempo map: every hit exact, and as steady as that allows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise
from statistics import median
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.edits import random_edit
from emsync_engine.score import TICKS_PER_QUARTER
from emsync_engine.spotting.hits import EDGE, choose_hits
from emsync_engine.spotting.tempo import MAX_BPM, MAX_STEP, MIN_BPM, Grid, bar_lengths, solve

EXACT = Fraction(10, 1_000_000)


def steady(bpm: float) -> Callable[[float], float]:
    return lambda _: bpm


def bpms(grid: Grid) -> list[float]:
    """Of every bar that begins before the end."""
    return [grid.tempo_map.bpm_at(b.tick) for b in grid.bars if b.tick < grid.end_tick]


def check(grid: Grid, anchors: Sequence[Fraction], duration: Fraction) -> None:
    """What holds of every grid."""
    at = grid.tempo_map.seconds
    assert len(grid.hit_ticks) == len(anchors)
    assert all(abs(at(tick) - time) <= EXACT for tick, time in zip(grid.hit_ticks, anchors))
    assert abs(at(grid.end_tick) - duration) <= EXACT
    assert grid.bars[0].tick == 0
    assert all(a.end == b.tick for a, b in pairwise(grid.bars))
    assert grid.bars[-1].tick < grid.end_tick <= grid.bars[-1].end
    assert all(b.beats >= 1 for b in grid.bars)
    assert set(grid.hit_ticks) <= {b.tick for b in grid.bars}
    for a, b in pairwise(grid.tempo_map.events):
        step = max(a.bpm / b.bpm, b.bpm / a.bpm) - 1
        assert b.forced or step <= MAX_STEP + 1e-9
    assert all(e.forced or MIN_BPM <= e.bpm <= MAX_BPM for e in grid.tempo_map.events)


spans = st.lists(st.integers(8, 24 * 20).map(lambda f: Fraction(f, 24)), min_size=1, max_size=40)
tempos = st.floats(44, 190)


@given(spans, tempos)
@settings(deadline=None, max_examples=150)
def test_any_edit(gaps: list[Fraction], bpm: float) -> None:
    times = [sum(gaps[: k + 1], Fraction(0)) for k in range(len(gaps))]
    check(solve(times[:-1], times[-1], steady(bpm)), times[:-1], times[-1])


@given(spans, tempos, tempos, st.floats(0, 300))
@settings(deadline=None)
def test_a_wish_that_jumps(gaps: list[Fraction], before: float, after: float, at: float) -> None:
    times = [sum(gaps[: k + 1], Fraction(0)) for k in range(len(gaps))]
    grid = solve(times[:-1], times[-1], lambda t: before if t < at else after)
    check(grid, times[:-1], times[-1])


@given(st.integers(1, 24 * 40), tempos)
@settings(deadline=None)
def test_no_hits_at_all(frames: int, bpm: float) -> None:
    duration = Fraction(frames, 24)
    check(solve([], duration, steady(bpm)), [], duration)


@pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(25), Fraction(30000, 1001), Fraction(60)])
def test_frame_rates_with_odd_seconds(rate: Fraction) -> None:
    anchors = [Fraction(f) / rate for f in (123, 411, 599, 1207)]
    check(solve(anchors, 1500 / rate, steady(101.7)), anchors, 1500 / rate)


def test_two_hours() -> None:
    """Rounding to whole microseconds a quarter never adds up, and comfortable gaps force next to nothing."""
    picture = random_edit(7, 7200, mean_shot_s=3.6)
    anchors = [picture.boundaries[i].hit for i in choose_hits(picture)]
    grid = solve(anchors, picture.duration, steady(104))
    check(grid, anchors, picture.duration)
    assert len(anchors) > 900
    assert sum(e.forced for e in grid.tempo_map.events) <= len(anchors) * 0.03


@given(st.lists(st.integers(24 * 4, 24 * 15).map(lambda f: Fraction(f, 24)), min_size=3, max_size=12))
@settings(deadline=None)
def test_comfortable_gaps_stay_near_the_wish(gaps: list[Fraction]) -> None:
    """With four seconds and more between hits, the cue as a whole may lean, its bars stay together."""
    times = [sum(gaps[: k + 1], Fraction(0)) for k in range(len(gaps))]
    found = bpms(solve(times[:-1], times[-1], steady(100)))
    assert 0.8 * 100 <= median(found) <= 1.2 * 100
    assert all(abs(bpm / median(found) - 1) < 0.2 for bpm in found)


def test_without_hits_the_wish_is_met() -> None:
    """To the whole bars that fit."""
    found = bpms(solve([], Fraction(60), steady(90)))
    assert max(found) - min(found) < 0.1
    assert found[0] == pytest.approx(90, rel=0.03)


def test_a_short_pickup_keeps_its_tempo_to_itself() -> None:
    """A first hit after one second needs 60 or 120 beats a minute; the minute after it does not."""
    anchors = [Fraction(1), Fraction(13), Fraction(24), Fraction(41)]
    grid = solve(anchors, Fraction(60), steady(86))
    found = bpms(grid)
    assert found[0] == pytest.approx(120, abs=0.1)
    assert all(abs(bpm / 86 - 1) < 0.1 for bpm in found[1:])
    assert [e.forced for e in grid.tempo_map.events].count(True) == 1


def test_a_pickup_that_fits_is_not_forced() -> None:
    grid = solve([Fraction(2), Fraction(14)], Fraction(30), steady(90))
    assert not any(e.forced for e in grid.tempo_map.events)
    assert bpms(grid)[0] == pytest.approx(90, rel=0.03)


def test_the_tempo_follows_the_wish() -> None:
    anchors = [Fraction(30)]
    grid = solve(anchors, Fraction(60), lambda t: 80 if t < 30 else 110)
    assert grid.tempo_map.bpm_at(0) < 90
    assert grid.tempo_map.bpm_at(grid.bars[-2].tick) > 100
    assert not any(e.forced for e in grid.tempo_map.events)


def test_hits_closer_than_a_slow_beat_are_forced_and_said() -> None:
    anchors = [Fraction(10), Fraction(10) + EDGE, Fraction(20)]
    grid = solve(anchors, Fraction(30), steady(60))
    check(grid, anchors, Fraction(30))
    assert any(e.forced for e in grid.tempo_map.events)
    assert grid.hit_ticks[1] - grid.hit_ticks[0] == TICKS_PER_QUARTER


@given(st.integers(1, 500))
def test_bar_lengths(beats: int) -> None:
    """Whole bars, then at most one odd one before the hit."""
    lengths = bar_lengths(beats)
    assert sum(lengths) == beats
    assert all(n == 4 for n in lengths[:-1])
    assert 1 <= lengths[-1] <= 5


@pytest.mark.parametrize(("beats", "lengths"), [(1, [1]), (3, [3]), (4, [4]), (5, [5]), (6, [4, 2]), (9, [4, 5])])
def test_bar_lengths_by_example(beats: int, lengths: list[int]) -> None:
    assert bar_lengths(beats) == lengths


def test_cost_grows_with_the_length_only() -> None:
    def seconds(count: int) -> float:
        anchors = [Fraction(5 * k + (k * 7) % 3, 1) for k in range(1, count)]
        taken = []
        for _ in range(3):
            began = process_time()
            solve(anchors, Fraction(5 * count + 10), steady(100))
            taken.append(process_time() - began)
        return min(taken)

    assert seconds(400) < 9 * seconds(100)  # linear: 4, quadratic: 16
