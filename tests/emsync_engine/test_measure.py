"""Measuring a score from its notes."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from emsync_engine.measure import accent_ticks, count_changes, measure_hits
from emsync_engine.score import Bar, Key, Note, Part, Score, ScoreHit, Tempo, TempoMap

Q = 960


def a_score(*parts: Part, hits: tuple[ScoreHit, ...] = ()) -> Score:
    """Two bars of 4/4 at 120."""
    return Score(TempoMap((Tempo(0, 500_000),)), (Bar(0, 4), Bar(4 * Q, 4)), Key(0, "major"), parts, (), (), hits,
                 Fraction(4), 8 * Q, 1, "test")  # fmt: skip


def chord(tick: int, *pitches: int) -> tuple[Note, ...]:
    return tuple(Note(tick, p, Q, 80) for p in pitches)


def piano(*notes: Note) -> Part:
    return Part("piano", "Piano", 0, 1, notes)


def bass(*ticks: int) -> Part:
    return Part("bass", "Bass", 33, 0, tuple(Note(t, 36, Q, 80) for t in ticks))


def drums(pitch: int, *ticks: int) -> Part:
    return Part("drums", "Drums", 0, 9, tuple(Note(t, pitch, 120, 80) for t in ticks))


@pytest.mark.parametrize(
    ("parts", "ticks"),
    [
        ((piano(*chord(Q, 60, 64, 67)),), [Q]),
        ((piano(*chord(Q, 60, 64)),), []),
        ((piano(*chord(Q, 60, 60, 60)),), []),
        ((piano(*chord(Q, 60, 64)), bass(Q)), [Q]),
        ((drums(36, Q), bass(Q, 2 * Q)), [Q]),
        ((drums(49, Q), bass(Q)), [Q]),
        ((drums(42, Q), bass(Q)), []),
        ((drums(36, Q), bass(Q + 1)), []),
        ((drums(36, Q), piano(*chord(Q, 60))), []),
        ((drums(36, Q, 3 * Q),), [Q, 3 * Q]),
        ((), []),
    ],
    ids=["triad", "two notes", "one pitch thrice", "two and bass", "kick and bass", "crash and bass", "hat and bass",
         "a tick apart", "kick and one note", "drums alone", "nothing"],
)  # fmt: skip
def test_accents(parts: tuple[Part, ...], ticks: list[int]) -> None:
    assert accent_ticks(a_score(*parts)) == ticks


def test_a_hit_is_measured_at_the_nearest_accent() -> None:
    hits = (ScoreHit(4 * Q, Fraction(2), "Door"), ScoreHit(6 * Q, Fraction(3)))
    row, late = measure_hits(a_score(piano(*chord(0, 60, 64, 67), *chord(4 * Q + 2, 60, 64, 67)), hits=hits))
    assert (row.time_s, row.bar, row.label) == (2.0, 2, "Door")
    assert row.onset_s == pytest.approx(2 + 2 * 0.5 / Q) and row.error_s == pytest.approx(2 * 0.5 / Q)
    assert late.error_s == pytest.approx(2 * 0.5 / Q - 1)


def test_without_any_accent_there_is_no_error_to_tell() -> None:
    (row,) = measure_hits(a_score(piano(*chord(0, 60)), hits=(ScoreHit(4 * Q, Fraction(2)),)))
    assert (row.onset_s, row.error_s, row.bar, row.beat) == (None, None, 2, 1.0)
    assert row.to_json()["error_s"] is None


def test_changes_are_counted_by_part() -> None:
    before = a_score(piano(*chord(0, 60, 64), *chord(Q, 67)), bass(0))
    after = replace(before, parts=(piano(*chord(0, 60, 65), *chord(Q, 67)), bass(0)))
    assert count_changes(before, after) == {"piano": {"removed": 1, "added": 1}}
    assert count_changes(before, before) == {}
    assert count_changes(before, replace(before, parts=(*before.parts, drums(36, 0)))) == {
        "drums": {"removed": 0, "added": 1}
    }


def test_a_louder_note_is_another_note() -> None:
    before = a_score(bass(0))
    louder = replace(before.parts[0], notes=(Note(0, 36, Q, 90),))
    assert count_changes(before, replace(before, parts=(louder,))) == {"bass": {"removed": 1, "added": 1}}
