"""Moods that the user sets, and the words for them."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mood_films import picture_of

from emsync_engine.errors import InputError
from emsync_engine.mood import Evidence, MoodCurve, with_mood
from emsync_engine.mood.curve import constant
from emsync_engine.mood.words import ANCHORS, WORDS, categories, mood_from_word
from emsync_engine.picture import Instruction, Picture, PictureMarker, Shot

SHOTS = tuple(Shot(Fraction(n), Fraction(n + 10), f"s{n}", "", Fraction(0)) for n in (0, 10, 20))


def watched() -> MoodCurve:
    ones = np.ones_like(constant(30, 0, 0).time_s)
    return replace(
        constant(30, 0.1, -0.1, 0.4),
        evidence=(Evidence("motion", 0.7), Evidence("light and colour", 0.3)),
        valence_confidence=0.2 * ones,
        arousal_confidence=0.6 * ones,
    )


def picture(*markers: PictureMarker) -> Picture:
    return picture_of(*SHOTS, markers=markers)


def mood(at: float, valence: float, arousal: float, duration: float = 0) -> PictureMarker:
    instruction = Instruction("mood", (valence, arousal))
    return PictureMarker(Fraction(at), "mood: x", Fraction(duration), instruction=instruction)


def test_nothing_said_nothing_changed() -> None:
    curve = watched()
    hit = PictureMarker(Fraction(3), "hit", instruction=Instruction("hit"))
    assert with_mood(curve, picture(hit, PictureMarker(Fraction(4), "note")), mood=None) is curve


def test_a_marker_holds_until_the_next_one() -> None:
    curve = with_mood(watched(), picture(mood(20, -0.8, 0.6), mood(10, 0.5, -0.5)), mood=None)
    assert curve.at(5) == pytest.approx((0.1, -0.1))
    assert curve.at(15) == pytest.approx((0.5, -0.5))
    assert curve.at(30) == pytest.approx((-0.8, 0.6))


def test_a_marker_with_a_duration_ends() -> None:
    curve = with_mood(watched(), picture(mood(10, 0.9, 0.9, duration=5)), mood=None)
    assert curve.at(12.5) == pytest.approx((0.9, 0.9))
    assert curve.at(16) == pytest.approx((0.1, -0.1))


def test_what_was_watched_does_not_shine_through_between_markers() -> None:
    curve = with_mood(watched(), picture(mood(10, 0.8, 0.8), mood(20, 0.8, 0.8)), mood=None)
    inside = curve.time_s >= 10.5
    assert curve.valence[inside] == pytest.approx(0.8)
    assert curve.confidence[inside] == pytest.approx(1)


def test_edges_are_half_a_second_long_and_smooth() -> None:
    curve = with_mood(watched(), picture(mood(10, 1.0, 1.0)), mood=None)
    valence = dict(zip(curve.time_s.round(3), curve.valence))
    assert valence[9.75] == pytest.approx(0.1)
    assert valence[10.0] == pytest.approx(0.55)
    assert valence[10.25] == pytest.approx(1.0)


def test_a_marker_at_the_head_has_no_edge() -> None:
    curve = with_mood(watched(), picture(mood(0, 0.7, 0.7)), mood=None)
    assert curve.valence == pytest.approx(0.7)


def test_the_command_line_goes_before_markers() -> None:
    curve = with_mood(watched(), picture(mood(10, -1, -1)), mood=(0.3, 0.4))
    assert curve.valence == pytest.approx(0.3)
    assert curve.arousal == pytest.approx(0.4)
    for confidence in (curve.confidence, curve.valence_confidence, curve.arousal_confidence):
        assert confidence == pytest.approx(1)


def test_evidence_says_that_a_hand_was_there() -> None:
    half = with_mood(watched(), picture(mood(15, 0, 0)), mood=None)
    weights = {e.name: e.weight for e in half.evidence}
    assert weights["marker"] == pytest.approx(0.5, abs=0.02)
    assert sum(weights.values()) == pytest.approx(1)
    whole = with_mood(watched(), picture(), mood=(0, 0))
    assert {e.name: e.weight for e in whole.evidence}["override"] == pytest.approx(1)


def test_shots_follow_the_hand() -> None:
    curve = with_mood(watched(), picture(mood(10, *ANCHORS["fear"])), mood=None)
    assert [max(s.categories, key=lambda word: s.categories[word]) for s in curve.shots] == ["neutral", "fear", "fear"]
    assert curve.shots[2].confidence == pytest.approx(1)


def test_json_has_what_the_command_promises() -> None:
    document = with_mood(watched(), picture(), mood=(0.25, -0.5)).to_json()
    assert document["curve"][3] == {
        "time_s": 0.75, "valence": 0.25, "arousal": -0.5, "confidence": 1.0,
        "valence_confidence": 1.0, "arousal_confidence": 1.0,
    }  # fmt: skip
    assert {"start_s", "end_s", "valence", "arousal", "confidence", "categories"} <= set(document["shots"][0])
    assert document["evidence"][-1] == {"name": "override", "weight": 1.0, "detail": "set by hand"}


@given(st.floats(-1, 1), st.floats(-1, 1), st.floats(0, 1))
def test_categories_are_probabilities(valence: float, arousal: float, confidence: float) -> None:
    words = categories(valence, arousal, confidence)
    assert set(words) == set(ANCHORS)
    assert sum(words.values()) == pytest.approx(1)
    assert min(words.values()) >= 0
    if confidence < 0.5:
        assert max(words, key=lambda word: words[word]) == "neutral"


@pytest.mark.parametrize("word", [w for w in ANCHORS if w not in ("calm", "tender")])
def test_a_sure_mood_on_a_words_point_is_that_word(word: str) -> None:
    words = categories(*ANCHORS[word], 1.0)
    assert max(words, key=lambda w: words[w]) == word


@pytest.mark.parametrize("word", WORDS)
def test_words_lie_in_the_plane(word: str) -> None:
    valence, arousal = mood_from_word(f" {word.upper()} ")
    assert -1 <= valence <= 1
    assert -1 <= arousal <= 1


def test_an_unknown_word_names_its_neighbours() -> None:
    with pytest.raises(InputError, match="tense"):
        mood_from_word("tensed")
