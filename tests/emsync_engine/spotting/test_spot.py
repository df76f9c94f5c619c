"""The whole cue sheet: markers, options, keys, parts, silences and the ending."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from statistics import mean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.edits import RATE, curve_through, picture_of, random_edit, wandering_mood
from emsync_engine.instructions import PARTS, parse_instruction
from emsync_engine.mood.curve import constant
from emsync_engine.picture import Boundary, Picture, PictureMarker
from emsync_engine.score import Key
from emsync_engine.spotting import CueSheet, SpotOptions, spot

DEFAULTS = SpotOptions()
MINUTE = [24 * t for t in (6, 13, 20, 26, 33, 41, 47, 54)]


def marker(seconds: float, text: str, duration_s: float = 0) -> PictureMarker:
    at, length = (Fraction(round(t * RATE)) / RATE for t in (seconds, duration_s))
    return PictureMarker(at, text, length, instruction=parse_instruction(text))


def marked(*markers: PictureMarker) -> Picture:
    return picture_of(MINUTE, 60, markers)


def neutral(picture: Picture, options: SpotOptions = DEFAULTS, mood: tuple[float, float] = (0.0, 0.0)) -> CueSheet:
    return spot(picture, constant(float(picture.duration), *mood), options)


def seconds(sheet: CueSheet, tick: int) -> float:
    return float(sheet.tempo_map.seconds(tick))


@given(st.integers(0, 10_000), st.sampled_from([0.05, 0.4, 1, 3, 9, 25, 70]), st.sampled_from([1.0, 3.0, 8.0]))
@settings(deadline=None, max_examples=80)
def test_any_edit_with_any_mood(seed: int, duration_s: float, mean_shot_s: float) -> None:
    picture = random_edit(seed, duration_s, mean_shot_s, least_shot_s=0.25)
    sheet = spot(picture, wandering_mood(seed, float(picture.duration)), SpotOptions(seed=seed))
    assert sheet.duration == picture.duration
    assert abs(sheet.tempo_map.seconds(sheet.end_tick) - picture.duration) < Fraction(1, 100_000)
    lines = {b.tick for b in sheet.bars}
    assert sheet.sections[0].tick == 0
    assert sheet.sections[-1].end == sheet.end_tick
    assert all(a.end == b.tick for a, b in pairwise(sheet.sections))
    assert all(s.tick in lines and s.tick < s.end for s in sheet.sections)
    assert len({s.id for s in sheet.sections}) == len(sheet.sections)
    for hit in sheet.hits:
        assert hit.tick in lines
        assert hit.boundary is not None
        assert picture.boundaries[hit.boundary].hit == hit.time
        assert abs(sheet.tempo_map.seconds(hit.tick) - hit.time) < Fraction(1, 100_000)
    assert [t for t, _ in sheet.arousal] == [b.tick for b in sheet.bars]
    assert sheet.final_tick in lines
    assert sheet.final_tick < sheet.end_tick
    if picture.duration > 10:
        assert picture.duration - sheet.tempo_map.seconds(sheet.final_tick) >= Fraction(3, 2)


def test_the_seed_moves_no_hit() -> None:
    sheets = [neutral(marked(), SpotOptions(seed=seed)) for seed in range(20)]
    assert len({(s.bars, s.tempo_map, s.hits) for s in sheets}) == 1
    assert len({s.key for s in sheets}) > 2


# --- key -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_mode_follows_valence(seed: int) -> None:
    assert neutral(marked(), SpotOptions(seed=seed), mood=(0.5, 0)).key.mode == "major"
    assert neutral(marked(), SpotOptions(seed=seed), mood=(-0.5, 0)).key.mode == "minor"


def test_a_key_marker_beats_the_mood_and_the_option_beats_the_marker() -> None:
    picture = marked(marker(0, "key: f# minor"))
    assert neutral(picture, mood=(0.9, 0)).key == Key(6, "minor")
    assert neutral(picture, SpotOptions(key=Key(2, "major")), mood=(-0.9, 0)).key == Key(2, "major")


def test_a_turn_of_mood_goes_to_the_relative_key_and_comes_home() -> None:
    curve = curve_through([(0, 0.6, 0), (25, 0.6, 0), (26, -0.6, 0), (60, -0.6, 0.0)])
    sheet = spot(marked(), curve, SpotOptions(key=Key(0, "major")))
    assert sheet.sections[0].key == Key(0, "major")
    assert Key(9, "minor") in {s.key for s in sheet.sections}
    assert sheet.sections[-1].key == sheet.key


# --- tempo ---------------------------------------------------------------------------------------------------


def mean_bpm(sheet: CueSheet, start_s: float, end_s: float) -> float:
    return mean(sheet.tempo_map.bpm_at(b.tick) for b in sheet.bars if start_s <= seconds(sheet, b.tick) < end_s)


def test_tempo_rises_with_arousal() -> None:
    found = [mean_bpm(neutral(marked(), mood=(0, a)), 0, 60) for a in (-0.8, -0.2, 0.3, 0.9)]
    assert found == sorted(found)
    assert found[-1] > found[0] * 1.4


def test_the_tempo_option_is_kept_all_through() -> None:
    sheet = neutral(marked(marker(30, "tempo: 160")), SpotOptions(tempo=100), mood=(0, 0.9))
    assert mean_bpm(sheet, 0, 50) == pytest.approx(100, rel=0.05)


def test_a_tempo_marker_changes_the_tempo_from_there() -> None:
    sheet = neutral(marked(marker(0, "tempo: 84"), marker(33, "tempo: 120")))
    assert mean_bpm(sheet, 0, 25) == pytest.approx(84, rel=0.08)
    assert mean_bpm(sheet, 42, 54) == pytest.approx(120, rel=0.08)


def test_the_end_slows_down() -> None:
    sheet = neutral(picture_of([24 * 30], 60), mood=(0, 0))
    inside = [b.tick for b in sheet.bars if b.tick < sheet.end_tick]
    assert sheet.tempo_map.bpm_at(inside[-1]) < sheet.tempo_map.bpm_at(inside[-5])


# --- hits ----------------------------------------------------------------------------------------------------


def with_user_hits(*at_s: float) -> Picture:
    rows = [Boundary(Fraction(t), round(t * 24), Fraction(t), "marker", False, weight=10.0, label="boom") for t in at_s]
    cuts = picture_of(MINUTE, 60).boundaries
    return replace(picture_of([], 60), boundaries=tuple(sorted((*cuts, *rows), key=lambda b: b.hit)))


def test_the_users_hits_are_met_whatever_the_gap() -> None:
    sheet = neutral(with_user_hits(6.5, 7.5, 14))
    assert {6.5, 7.5, 14} <= {float(h.time) for h in sheet.hits}
    assert not sheet.warnings
    assert "boom" in {h.label for h in sheet.hits}


def test_a_hit_that_cannot_be_had_is_said() -> None:
    sheet = neutral(with_user_hits(7.0, 7.125, 59.875))
    assert len(sheet.warnings) == 2
    assert all("00:00:" in w for w in sheet.warnings)


def test_the_gap_can_be_chosen() -> None:
    counts = [len(neutral(marked(), SpotOptions(min_gap=Fraction(gap))).hits) for gap in (1, 4, 7, 15)]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] == len(MINUTE)


# --- sections and parts --------------------------------------------------------------------------------------


def test_section_markers_name_the_form() -> None:
    sheet = neutral(marked(marker(0, "section: dawn"), marker(20, "section: chase"), marker(47.5, "section: rest")))
    starts = {s.name: seconds(sheet, s.tick) for s in sheet.sections}
    assert starts["dawn"] == 0
    assert starts["chase"] == pytest.approx(20, abs=1e-4)
    assert starts["rest"] == pytest.approx(47, abs=1e-4)  # the hit beside it


def test_everybody_plays_unless_told() -> None:
    assert {s.parts for s in neutral(marked()).sections} == {PARTS}


def test_parts_markers_hold_from_their_section_on() -> None:
    picture = marked(
        marker(0, "parts: piano"),
        marker(20, "section: b"),
        marker(20, "parts: strings, bass"),
        marker(41, "section: c"),
    )
    parts = {s.name: s.parts for s in neutral(picture).sections}
    assert next(iter(parts.values())) == ("piano",)
    assert parts["b"] == ("bass", "strings")
    assert parts["c"] == ("bass", "strings")


def test_the_parts_option_beats_the_markers() -> None:
    sheet = neutral(marked(marker(0, "parts: piano")), SpotOptions(parts=("guitar",)))
    assert {s.parts for s in sheet.sections} == {("guitar",)}


# --- silence -------------------------------------------------------------------------------------------------


def silences(sheet: CueSheet) -> list[tuple[float, float]]:
    return [(seconds(sheet, a), seconds(sheet, b)) for a, b in sheet.silences]


def test_a_silence_lasts_as_long_as_its_marker() -> None:
    assert silences(neutral(marked(marker(15, "silence", 3.5)))) == [pytest.approx((15, 18.5), abs=0.002)]


def test_a_point_of_silence_lasts_to_the_next_hit_but_two_seconds() -> None:
    """The hit at 26 s comes one second after the marker: too soon, so the next one ends it."""
    assert silences(neutral(marked(marker(22, "silence")))) == [pytest.approx((22, 26), abs=0.002)]
    assert silences(neutral(marked(marker(25, "silence")))) == [pytest.approx((25, 33), abs=0.002)]


def test_a_silence_without_an_end_goes_to_the_end() -> None:
    found = silences(neutral(picture_of([24 * 5], 30, (marker(20, "silence"),))))
    assert found == [pytest.approx((20, 30), abs=0.002)]
