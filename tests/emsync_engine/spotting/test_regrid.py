"""The grid of a changed picture: old beats over what is unchanged, hits met, joins at a tempo one can play."""

from __future__ import annotations

import random
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emsync_engine.score import TICKS_PER_QUARTER, Bar, Key, Score, ScoreHit, Tempo, TempoMap
from emsync_engine.spotting import SpotOptions, respot, spot
from emsync_engine.spotting.regrade import regraded
from emsync_engine.spotting.regrid import Kept, Regrid, regrid
from emsync_engine.spotting.tempo import MAX_BPM, MIN_BPM, Grid
from otio_adapters.conform import kept_spans
from tests.recuts import calm, frames_of, picture_of, random_film, random_recut

F = Fraction
MS = F(1, 1000)
BEAT = F(1, 2)
"""Seconds, in the steady score."""


def steady(bars: int, hits: tuple[int, ...] = ()) -> Score:
    """Bars of four at 120 beats a minute, with hits on some bar lines (numbered from 0)."""
    ticks = 4 * TICKS_PER_QUARTER
    return bare_score(
        TempoMap((Tempo(0, 500_000),)),
        tuple(Bar(ticks * n, 4) for n in range(bars)),
        tuple(ScoreHit(ticks * n, F(2 * n)) for n in hits),
        F(2 * bars),
        ticks * bars,
    )


def bare_score(
    tempo_map: TempoMap, bars: tuple[Bar, ...], hits: tuple[ScoreHit, ...], duration: Fraction, end_tick: int
) -> Score:
    return Score(tempo_map, bars, Key(0, "major"), (), (), (), hits, duration, end_tick, 1, "none")


def at_120(_: float) -> float:
    return 120.0


def spans(*rows: tuple[float, float, float]) -> list[Kept]:
    return [Kept(*(F(x).limit_denominator(1000) for x in row)) for row in rows]


def check(score: Score, kept: list[Kept], hits: list[Fraction], duration: Fraction, result: Regrid) -> None:
    """What holds of every regrid."""
    grid = result.grid
    edges = [b.tick for b in grid.bars] + [grid.bars[-1].end]
    assert edges[0] == 0 and all(b.beats >= 1 for b in grid.bars)
    assert all(a.end == b.tick for a, b in pairwise(grid.bars))
    assert edges[-2] < grid.end_tick <= edges[-1]
    assert abs(grid.tempo_map.seconds(grid.end_tick) - duration) <= MS
    for time, tick in zip(hits, grid.hit_ticks):
        assert abs(grid.tempo_map.seconds(tick) - time) <= MS
    for block, at in result.blocks:
        check_block(score, block.start, block.end, at, block.shift, grid)
        assert any(
            k.shift == block.shift and k.new_start - MS <= block.new_start and block.new_end <= k.new_end + MS
            for k in kept
        )


def check_block(score: Score, start: int, end: int, at: int, shift: Fraction, grid: Grid) -> None:
    """Whole beats that keep their tempo and their bar lines."""
    assert start % TICKS_PER_QUARTER == 0 and at % TICKS_PER_QUARTER == 0
    for tick in {*range(start, end, TICKS_PER_QUARTER), end}:
        assert abs(score.tempo_map.seconds(tick) + shift - grid.tempo_map.seconds(tick - start + at)) <= MS
    lines = {b.tick - start + at for b in score.bars if start < b.tick < end}
    inside = {b.tick for b in grid.bars if at < b.tick < end - start + at}
    assert lines == inside


def steps(grid: Grid) -> list[float]:
    """Ratio of each tempo to the one before, above 1."""
    us = [e.us_per_quarter for e in grid.tempo_map.events]
    return [max(a / b, b / a) for a, b in pairwise(us)]


# --- by hand ---


def test_an_unchanged_picture_keeps_its_grid() -> None:
    score = steady(10, (3, 6))
    result = regrid(score, spans((0, 0, 20)), [h.time for h in score.hits], F(20), at_120)
    assert result.grid == Grid(score.bars, score.tempo_map, tuple(h.tick for h in score.hits), score.end_tick)


def test_whole_bars_taken_out_leave_no_trace() -> None:
    """A ripple delete of four seconds on bar lines: the rest simply follows."""
    score = steady(10)
    result = regrid(score, spans((0, 0, 6), (10, 6, 10)), [], F(16), at_120)
    assert result.grid.bars == score.bars[:8]
    assert result.grid.tempo_map == score.tempo_map


def test_a_whole_beat_taken_out_makes_one_bar_shorter() -> None:
    result = regrid(steady(10), spans((0, 0, 7), (7.5, 7, 12.5)), [], F(39, 2), at_120)
    assert [b.beats for b in result.grid.bars] == [4, 4, 4, 3, *[4] * 6]
    assert steps(result.grid) == []


@pytest.mark.parametrize("cut_s", [0.1, 0.17, 0.25, 0.33, 0.4, 0.62, 1.25, 3.8])
def test_a_part_of_a_beat_taken_out_is_spread_over_the_join(cut_s: float) -> None:
    """A join in the middle of a beat stays near the tempo on both sides, instead of one beat at 60 or 400."""
    score = steady(20)
    kept = spans((0, 0, 17), (17 + cut_s, 17, 23 - cut_s))
    result = regrid(score, kept, [], F(40) - F(cut_s).limit_denominator(1000), at_120)
    check(score, kept, [], F(40) - F(cut_s).limit_denominator(1000), result)
    assert max(steps(result.grid), default=1) < 1.13
    assert sum((b.end - b.start) for b, _ in result.blocks) >= (80 - 8 - 8) * TICKS_PER_QUARTER


def test_new_picture_between_goes_at_the_tempo_that_is_wanted() -> None:
    score = steady(10)
    kept = spans((0, 0, 10), (10, 40, 10))
    result = regrid(score, kept, [], F(50), lambda _: 90.0)
    check(score, kept, [], F(50), result)
    middle = [e.bpm for e in result.grid.tempo_map.events if 20 < result.grid.tempo_map.seconds(e.tick) < 30]
    assert middle and all(bpm < 100 for bpm in middle) and min(middle) < 95
    assert max(steps(result.grid)) < 1.08  # it leaves the old tempo and comes back to it by small steps


def test_a_picture_that_now_ends_inside_a_beat_runs_on_to_its_end() -> None:
    score = steady(10)
    result = regrid(score, spans((0, 0, 9.3)), [], F("9.3"), at_120)
    assert [e.us_per_quarter for e in result.grid.tempo_map.events] == [500_000]
    assert result.grid.end_tick == round(F("9.3") * 2 * TICKS_PER_QUARTER)
    assert [b.beats for b in result.grid.bars] == [4, 4, 4, 4, 3]


def test_a_hit_wanted_inside_a_block_breaks_it() -> None:
    score = steady(10)
    kept = spans((0, 0, 20))
    hits = [F("9.1")]
    result = regrid(score, kept, hits, F(20), at_120)
    check(score, kept, hits, F(20), result)
    assert len(result.blocks) == 2
    assert result.grid.hit_ticks[0] in {b.tick for b in result.grid.bars}


def test_old_hits_stay_on_their_bar_lines_beside_a_join() -> None:
    """The join gives way on the side where there is no hit."""
    score = steady(10, (4,))
    kept = spans((0, 0, 8), (8.2, 8, 11.8))
    result = regrid(score, kept, [F(8)], F("19.8"), at_120)
    check(score, kept, [F(8)], F("19.8"), result)
    assert result.grid.hit_ticks == (4 * 4 * TICKS_PER_QUARTER,)
    assert result.blocks[0][0].end == 4 * 4 * TICKS_PER_QUARTER


def test_many_tiny_blocks_do_not_make_the_tempo_jump() -> None:
    """Ten one-second pieces in another order, each off the beat: hardly any are worth a tempo of their own."""
    score = steady(10)
    order = [3, 7, 1, 9, 0, 5, 2, 8, 6, 4]
    kept = [Kept(F(2 * n) + F("0.23"), F(i), F(1)) for i, n in enumerate(order)]
    result = regrid(score, kept, [], F(10), at_120)
    check(score, kept, [], F(10), result)
    assert all(80 < e.bpm < 170 for e in result.grid.tempo_map.events)


def test_nothing_kept_is_a_grid_like_any_other() -> None:
    result = regrid(steady(10), [], [F(5)], F(12), at_120)
    check(steady(10), [], [F(5)], F(12), result)
    assert not result.blocks


def test_blocks_begin_with_their_picture_after_many_joins() -> None:
    """Rounding to whole microseconds does not add up."""
    score = steady(400)
    rows = [(2 * n + 0.0004, 1.9 * n, 1.9) for n in range(400)]
    kept = spans(*rows)
    result = regrid(score, kept, [], kept[-1].new_end, at_120)
    check(score, kept, [], kept[-1].new_end, result)
    for block, at in result.blocks:
        assert abs(result.grid.tempo_map.seconds(at) - block.new_start) <= MS


# --- another frame rate ---


@pytest.mark.parametrize("scale", [F(1001, 1000), F(24, 25), F(25, 24)])
def test_a_score_at_another_rate_keeps_its_ticks(scale: Fraction) -> None:
    score = steady(10, (3, 6))
    result = regraded(score, score.duration * scale, lambda t: t * scale)
    assert [h.tick for h in result.hits] == [h.tick for h in score.hits]
    assert result.bars == score.bars
    for hit in result.hits:
        assert abs(result.tempo_map.seconds(hit.tick) - hit.time) <= MS
    assert abs(result.tempo_map.seconds(score.end_tick) - score.duration * scale) <= MS


def test_hits_move_to_the_nearest_frame_and_the_bars_with_them() -> None:
    score = steady(10, (3, 6))
    result = regraded(score, F(20), lambda t: F(round(t * 7)) / 7)
    for hit, old in zip(result.hits, score.hits):
        assert hit.time == F(round(old.time * 7)) / 7
        assert abs(result.tempo_map.seconds(hit.tick) - hit.time) <= MS


# --- at random ---


def recut(seed: int, edits: int) -> tuple[Score, list[Kept], Regrid, list[Fraction], Fraction] | None:
    rng = random.Random(seed)
    old = random_film(rng)
    if frames_of(old) < 96:
        return None
    new = random_recut(rng, old, edits)
    before, after = picture_of(old), picture_of(new)
    sheet = spot(before, calm(before), SpotOptions(seed=seed))
    score = bare_score(sheet.tempo_map, sheet.bars, sheet.hits, sheet.duration, sheet.end_tick)
    kept = kept_spans(before, after)
    fresh, result = respot(after, calm(after), SpotOptions(seed=seed), score, kept)
    return score, kept, result, [h.time for h in fresh.hits], after.duration


@settings(max_examples=120, deadline=None)
@given(st.integers(0, 10**9), st.integers(0, 8))
def test_random_edits(seed: int, edits: int) -> None:
    made = recut(seed, edits)
    if made is None:
        return
    score, kept, result, hits, duration = made
    check(score, kept, hits, duration, result)
    assert all(MIN_BPM <= e.bpm <= MAX_BPM for e in result.grid.tempo_map.events[:-1])
    for time, tick in zip(hits, result.grid.hit_ticks):
        moved = [k for k in kept if k.new_start <= time <= k.new_end]
        was_hit = any(abs(h.time + k.shift - time) <= MS for k in moved for h in score.hits)
        assert was_hit or tick in {b.tick for b in result.grid.bars}


def test_joins_are_near_the_tempo_beside_them() -> None:
    """Of all tempo steps after 60 films with up to seven edits each, few are larger than an eighth."""
    found = [step for seed in range(60) if (made := recut(seed, seed % 8)) for step in steps(made[2].grid)]
    assert len(found) > 1000
    assert sum(step > 1.125 for step in found) / len(found) < 0.025
    assert sum(step > 1.3 for step in found) / len(found) < 0.008
