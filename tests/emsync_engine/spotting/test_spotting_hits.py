"""Which boundaries are chosen."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.edits import RATE, picture_of
from emsync_engine.picture import Boundary, Picture
from emsync_engine.spotting.hits import (
    DEFAULT_MIN_GAP,
    EDGE,
    LEAST_WEIGHT,
    USER_WEIGHT,
    choose_hits,
    heaviest_apart,
    is_maximal,
)

SECONDS = 120


def boundary(frame: int, weight: float = 1.0, picture: bool = True) -> Boundary:
    time = Fraction(frame) / RATE
    return Boundary(time, frame, time, "cut" if picture else "title", picture=picture, weight=weight)


def with_boundaries(*boundaries: Boundary, seconds: int = SECONDS) -> Picture:
    return replace(picture_of([], seconds), boundaries=tuple(sorted(boundaries, key=lambda b: b.hit)))


def times(picture: Picture, chosen: list[int]) -> list[Fraction]:
    return [picture.boundaries[i].hit for i in chosen]


def greedy(candidates: list[Fraction], gap: Fraction) -> list[Fraction]:
    taken: list[Fraction] = []
    for time in candidates:
        if not taken or time - taken[-1] >= gap:
            taken.append(time)
    return taken


weights = st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.6, 0.8, 1.0, 1.0, 1.0, USER_WEIGHT])
events = st.lists(
    st.builds(boundary, st.integers(0, SECONDS * 24), weights, st.booleans()), max_size=60, unique_by=lambda b: b.frame
)
gaps = st.sampled_from([Fraction(1), Fraction(5, 2), DEFAULT_MIN_GAP, Fraction(9)])


@given(events, gaps)
@settings(deadline=None, max_examples=150)
def test_hits_keep_their_distance_and_leave_nothing_out(found: list[Boundary], gap: Fraction) -> None:
    picture = with_boundaries(*found)
    chosen = [picture.boundaries[i] for i in choose_hits(picture, gap)]
    assert [b.hit for b in chosen] == sorted(b.hit for b in chosen)
    for a, b in pairwise(chosen):
        both_of_the_user = a.weight == b.weight == USER_WEIGHT
        assert b.hit - a.hit >= (EDGE if both_of_the_user else gap)
    for b in chosen:
        assert b.weight >= LEAST_WEIGHT
        assert EDGE <= b.hit <= picture.duration - EDGE
    eligible = [b.hit for b in picture.boundaries if b.weight >= LEAST_WEIGHT]
    inside = [t for t in eligible if EDGE <= t <= picture.duration - EDGE]
    assert is_maximal(inside, [b.hit for b in chosen], gap)


@given(st.lists(st.integers(8, SECONDS * 24 - 8), unique=True, max_size=80), gaps)
@settings(deadline=None)
def test_with_equal_weights_the_earliest_are_taken(frames: list[int], gap: Fraction) -> None:
    picture = picture_of(sorted(frames), SECONDS)
    assert times(picture, choose_hits(picture, gap)) == greedy([b.hit for b in picture.boundaries], gap)


@given(
    st.lists(st.tuples(st.integers(0, 400), st.integers(1, 8)), unique_by=lambda pair: pair[0], max_size=10),
    st.integers(1, 120),
)
@settings(deadline=None)
def test_no_subset_weighs_more(rows: list[tuple[int, int]], gap: int) -> None:
    rows.sort()
    at = [Fraction(t) for t, _ in rows]
    weight = [float(w) for _, w in rows]
    chosen = heaviest_apart(at, weight, Fraction(gap))
    every = (c for size in range(len(at) + 1) for c in combinations(range(len(at)), size))
    apart = (c for c in every if all(at[j] - at[i] >= gap for i, j in pairwise(c)))
    assert sum(weight[i] for i in chosen) == max(sum(weight[i] for i in c) for c in apart)
    assert all(at[j] - at[i] >= gap for i, j in pairwise(chosen))


@given(events, st.lists(st.integers(8, SECONDS * 24 - 8), unique=True, min_size=1, max_size=12))
@settings(deadline=None)
def test_the_users_hits_come_before_everything(found: list[Boundary], mine: list[int]) -> None:
    """Only two of them closer than one fast beat cannot both be had."""
    others = [b for b in found if b.weight < USER_WEIGHT and b.frame not in mine]
    picture = with_boundaries(*others, *(boundary(f, USER_WEIGHT) for f in mine))
    wanted = [Fraction(f) / RATE for f in sorted(mine)]
    chosen = times(picture, choose_hits(picture))
    assert [t for t in chosen if t in wanted] == greedy(wanted, EDGE)


@given(events)
@settings(deadline=None)
def test_titles_only_fill_gaps(found: list[Boundary]) -> None:
    """A title never takes the place of a cut."""
    everything = with_boundaries(*found)
    cuts = with_boundaries(*(b for b in found if b.picture or b.weight >= USER_WEIGHT))
    assert set(times(cuts, choose_hits(cuts))) <= set(times(everything, choose_hits(everything)))


def test_a_heavy_cut_beats_an_earlier_light_one() -> None:
    picture = with_boundaries(boundary(240, 0.4), boundary(288, 1.0))
    assert times(picture, choose_hits(picture)) == [Fraction(12)]


def test_two_light_cuts_beat_one_of_less_weight_between_them() -> None:
    picture = with_boundaries(boundary(240, 0.6), boundary(288, 1.0), boundary(336, 0.6))
    assert times(picture, choose_hits(picture)) == [Fraction(10), Fraction(14)]


@pytest.mark.parametrize(
    ("frame", "taken"),
    [
        pytest.param(0, False, id="the head"),
        pytest.param(7, False, id="before the first fast beat"),
        pytest.param(8, True, id="after it"),
        pytest.param(SECONDS * 24 - 8, True, id="before the last fast beat"),
        pytest.param(SECONDS * 24 - 7, False, id="inside it"),
        pytest.param(SECONDS * 24, False, id="the end"),
    ],
)
def test_edges(frame: int, taken: bool) -> None:
    picture = with_boundaries(boundary(frame, USER_WEIGHT))
    assert choose_hits(picture) == ([0] if taken else [])


def test_exactly_the_gap_is_far_enough() -> None:
    picture = picture_of([48, 144, 239], SECONDS)
    assert times(picture, choose_hits(picture)) == [Fraction(2), Fraction(6)]


def test_nothing_to_hit() -> None:
    assert choose_hits(picture_of([], 10)) == []
    assert choose_hits(with_boundaries(boundary(240, 0.0), boundary(480, 0.2))) == []
