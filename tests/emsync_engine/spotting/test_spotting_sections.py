"""The form: where sections begin and which share material."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.edits import curve_through
from emsync_engine.mood.curve import MoodCurve, constant
from emsync_engine.spotting.sections import LEAST_S, MOST_S, SAME_MOOD, find_sections

points = st.tuples(st.floats(-1, 1), st.floats(-1, 1))


def curve_of(moods: list[tuple[float, float]], seconds: float) -> MoodCurve:
    return curve_through([(seconds * k / (len(moods) - 1), v, a) for k, (v, a) in enumerate(moods)])


@st.composite
def films(draw: st.DrawFn) -> tuple[MoodCurve, list[Fraction], Fraction]:
    duration = Fraction(draw(st.integers(24, 24 * 240)), 24)
    gaps = draw(st.lists(st.integers(24 * 1, 24 * 30), max_size=60))
    hits = [Fraction(int(f), 24) for f in np.cumsum(gaps)]
    moods = draw(st.lists(points, min_size=2, max_size=8))
    return curve_of(moods, float(duration)), [t for t in hits if t < duration - 1], duration


@given(films())
@settings(deadline=None, max_examples=100)
def test_sections_tile_the_cue(film: tuple[MoodCurve, list[Fraction], Fraction]) -> None:
    curve, hits, duration = film
    spans = find_sections(curve, hits, duration)
    assert spans[0].start == 0
    assert spans[-1].end == duration
    assert all(a.end == b.start for a, b in pairwise(spans))
    assert all(s.start < s.end for s in spans)


@given(films())
@settings(deadline=None, max_examples=100)
def test_sections_begin_at_hits_and_last(film: tuple[MoodCurve, list[Fraction], Fraction]) -> None:
    """Only where no hit is near is a long stretch cut elsewhere."""
    curve, hits, duration = film
    spans = find_sections(curve, hits, duration)
    if duration >= LEAST_S:
        assert all(s.end - s.start >= LEAST_S for s in spans)
    for span in spans[1:]:
        if span.start not in hits:
            around = [Fraction(0), *hits, duration]
            assert max(b - a for a, b in pairwise(around)) > Fraction(2 * LEAST_S) or _is_piece(span.start, spans)


def _is_piece(start: Fraction, spans: list) -> bool:  # type: ignore[type-arg]
    """Whether a start cuts a stretch into equal pieces."""
    at = [s.start for s in spans].index(start)
    before, after = spans[at - 1], spans[at]
    return before.end - before.start == after.end - after.start


@given(films())
@settings(deadline=None)
def test_no_section_goes_on_for_ever(film: tuple[MoodCurve, list[Fraction], Fraction]) -> None:
    curve, hits, duration = film
    assert all(s.end - s.start <= MOST_S for s in find_sections(curve, hits, duration))


@given(films())
@settings(deadline=None)
def test_sections_of_a_role_are_of_one_mood(film: tuple[MoodCurve, list[Fraction], Fraction]) -> None:
    spans = find_sections(*film)
    first: dict[str, tuple[float, float]] = {}
    for span in spans:
        v, a = first.setdefault(span.role, (span.valence, span.arousal))
        assert ((v - span.valence) ** 2 + (a - span.arousal) ** 2) ** 0.5 < SAME_MOOD
    assert len({s.name for s in spans}) == len(spans)


def test_a_change_of_mood_at_a_hit_starts_a_section() -> None:
    curve = curve_through([(0, 0.6, -0.6), (29.9, 0.6, -0.6), (30.1, -0.6, 0.7), (60, -0.6, 0.7)])
    spans = find_sections(curve, [Fraction(t) for t in (5, 12, 21, 30, 38, 47, 55)], Fraction(60))
    assert Fraction(30) in [s.start for s in spans]
    assert spans[0].role != spans[-1].role
    assert spans[0].arousal < 0 < spans[-1].arousal


def test_material_returns_when_the_mood_does() -> None:
    calm, wild = (0.5, -0.6), (-0.4, 0.8)
    rows = [(0, *calm), (30, *calm), (30.1, *wild), (60, *wild), (60.1, *calm), (90, *calm)]
    spans = find_sections(curve_through(rows), [Fraction(t) for t in (10, 20, 30, 41, 50, 60, 70, 80)], Fraction(90))
    assert [s.role for s in spans if s.start in (0, 30, 60)] == ["a", "b", "a"]
    assert spans[-1].name.startswith("A")
    assert spans[-1].name != spans[0].name


def test_a_quiet_minute_without_hits_is_still_divided() -> None:
    spans = find_sections(constant(60, 0.2, 0.0), [], Fraction(60))
    assert len(spans) >= 2
    assert {s.role for s in spans} == {"a"}


def test_named_sections_begin_where_the_user_says() -> None:
    """At the nearest hit within a second, otherwise on the spot; however short."""
    hits = [Fraction(t) for t in (10, 20, 40)]
    named = [(Fraction(41, 2), "chase"), (Fraction(33), "rest"), (Fraction(35), "rest again")]
    spans = find_sections(constant(60, 0, 0), hits, Fraction(60), named)
    by_name = {s.name: s.start for s in spans}
    assert by_name["chase"] == 20
    assert by_name["rest"] == 33
    assert by_name["rest again"] == 35


def test_a_name_at_the_head_or_after_the_end() -> None:
    spans = find_sections(constant(20, 0, 0), [], Fraction(20), [(Fraction(0), "opening"), (Fraction(25), "lost")])
    assert [s.name for s in spans] == ["opening"]
