"""Fusing evidence: properties that hold whatever the evidence is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emsync_engine.mood.fuse import CUT_PASSES, EvidenceTrack, fuse, smooth

TIME_S = np.arange(0, 30.01, 0.25)
NO_CUTS = np.zeros(0)
unit = st.floats(-1, 1)
share = st.floats(0, 1)


def track(name: str, valence: float | None, arousal: float | None, confidence: float) -> EvidenceTrack:
    ones = np.ones_like(TIME_S)
    return EvidenceTrack(
        name, TIME_S, None if valence is None else valence * ones, None if arousal is None else arousal * ones,
        confidence * ones,
    )  # fmt: skip


tracks = st.lists(st.builds(track, st.just("x"), st.none() | unit, st.none() | unit, share), max_size=5)


@given(tracks)
def test_mood_stays_between_neutral_and_the_evidence(evidence: list[EvidenceTrack]) -> None:
    curve = fuse(evidence, TIME_S, NO_CUTS)
    for mood, said in ((curve.valence, [t.valence for t in evidence]), (curve.arousal, [t.arousal for t in evidence])):
        values = [0.0, *(float(s[0]) for s in said if s is not None)]
        assert mood.min() >= min(values) - 1e-9
        assert mood.max() <= max(values) + 1e-9
    assert curve.confidence.min() >= 0
    assert curve.confidence.max() < 1


@given(unit, st.floats(0.05, 1), st.floats(0.01, 0.95))
def test_weak_evidence_shrinks_to_neutral(arousal: float, confidence: float, less: float) -> None:
    strong = fuse([track("a", None, arousal, confidence)], TIME_S, NO_CUTS)
    weak = fuse([track("a", None, arousal, less * confidence)], TIME_S, NO_CUTS)
    assert np.all(np.abs(weak.arousal) <= np.abs(strong.arousal) + 1e-12)
    assert np.all(weak.confidence < strong.confidence)


@given(tracks, st.permutations(range(5)))
def test_order_of_evidence_does_not_matter(evidence: list[EvidenceTrack], order: list[int]) -> None:
    shuffled = [evidence[i] for i in order if i < len(evidence)]
    one, other = fuse(evidence, TIME_S, NO_CUTS), fuse(shuffled, TIME_S, NO_CUTS)
    assert np.allclose(one.valence, other.valence)
    assert np.allclose(one.arousal, other.arousal)


def test_no_evidence_is_neutral() -> None:
    curve = fuse([], TIME_S, NO_CUTS)
    assert not (curve.valence.any() or curve.arousal.any() or curve.confidence.any())
    assert curve.evidence == ()


def test_weights_are_shares_of_confidence() -> None:
    curve = fuse([track("a", None, 1, 0.6), track("b", None, 0, 0.2), track("c", 1, None, 0.2)], TIME_S, NO_CUTS)
    assert [(e.name, e.weight) for e in curve.evidence] == [
        ("a", pytest.approx(0.6)),
        ("b", pytest.approx(0.2)),
        ("c", pytest.approx(0.2)),
    ]


def test_a_track_speaks_only_where_it_is() -> None:
    late = EvidenceTrack("late", np.array([20.0, 30.0]), None, np.array([1.0, 1.0]), np.array([1.0, 1.0]))
    curve = fuse([late], TIME_S, NO_CUTS)
    assert not curve.arousal[TIME_S < 16].any()
    assert np.all(curve.arousal[TIME_S > 23] > 0.75)


def test_tracks_may_have_their_own_times() -> None:
    coarse = EvidenceTrack("face", np.array([0.0, 30.0]), np.array([-0.6, 0.6]), None, np.array([0.75, 0.75]))
    curve = fuse([coarse], TIME_S, NO_CUTS)
    assert curve.valence[0] < -0.35
    assert curve.valence[-1] > 0.35
    assert abs(curve.at(15)[0]) < 0.01


def step_at_fifteen(cuts: np.ndarray) -> np.ndarray:
    values = np.where(TIME_S < 15, -1.0, 1.0)
    confidence = np.ones_like(TIME_S)
    return smooth(values, confidence, TIME_S, np.searchsorted(cuts, TIME_S, side="right").astype(float))[0]


def test_a_change_at_a_cut_is_quicker_than_one_inside_a_shot() -> None:
    inside, at_cut = step_at_fifteen(NO_CUTS), step_at_fifteen(np.array([15.0]))
    after = np.searchsorted(TIME_S, 15.25)
    assert at_cut[after] > inside[after] + 0.2
    assert np.all(np.diff(inside) >= -1e-9)
    assert np.all(np.diff(at_cut) >= -1e-9)
    assert 0 < CUT_PASSES < 1


@given(st.lists(unit, min_size=len(TIME_S), max_size=len(TIME_S)))
def test_smoothing_keeps_range_and_constants(values: list[float]) -> None:
    given_values = np.array(values)
    flat = np.zeros_like(TIME_S)
    smoothed, confidence = smooth(given_values, np.ones_like(TIME_S), TIME_S, flat)
    assert smoothed.min() >= given_values.min() - 1e-9
    assert smoothed.max() <= given_values.max() + 1e-9
    assert confidence == pytest.approx(1)
