"""Infilling measured: what must not change is watched, what is new is counted, seams have a price."""

from __future__ import annotations

from dataclasses import replace

import pytest
from evaluation_music import tiny

from emsync_engine.model.decode.reference import Network
from emsync_engine.model.evaluation import cues, infill
from emsync_engine.model.evaluation.passes import Reader
from emsync_engine.rules import compose
from emsync_engine.score import Score


@pytest.fixture(scope="module")
def score() -> Score:
    """A little score by the rules: nothing here depends on who wrote it."""
    return compose(cues.sheet_of(1, 20.0), 1)


def with_note_moved(score: Score, part: str, index: int) -> Score:
    """One note a semitone higher."""
    return replace(
        score,
        parts=tuple(
            replace(p, notes=tuple(replace(n, pitch=n.pitch + 1) if i == index else n for i, n in enumerate(p.notes)))
            if p.id == part
            else p
            for p in score.parts
        ),
    )


def test_an_untouched_outside_is_identical_and_one_moved_note_is_seen(score: Score) -> None:
    start, end = score.bars[2].tick, score.bars[4].tick
    piano = next(p for p in score.parts if p.id == "piano")
    inside = next(i for i, n in enumerate(piano.notes) if start <= n.tick < end)
    before = next(i for i, n in enumerate(piano.notes) if n.tick < start)
    assert infill.outside_kept(score, with_note_moved(score, "piano", inside), start, end, ["piano"]) == 1
    assert infill.outside_kept(score, with_note_moved(score, "piano", before), start, end, ["piano"]) < 1
    assert infill.outside_kept(score, with_note_moved(score, "piano", inside), start, end, ["bass"]) < 1


def test_only_notes_that_were_not_there_are_new(score: Score) -> None:
    start, end = 0, score.bars[-1].end
    assert infill.novelty(score, score, start, end, ["piano"]) == 0
    count = len(next(p for p in score.parts if p.id == "piano").notes)
    moved = with_note_moved(score, "piano", 0)
    assert infill.novelty(score, moved, start, end, ["piano"]) == pytest.approx(1 / count)
    assert infill.novelty(score, moved, start, end, ["bass"]) == 0


def test_the_seam_is_priced_by_what_follows_alone(score: Score) -> None:
    reader = Reader(Network(tiny()))
    end = score.bars[4].tick
    price = infill.seam_cost(reader, score, end)
    assert price > 0
    after = next(i for i, n in enumerate(score.parts[1].notes) if n.tick >= score.bars[7].tick)
    assert infill.seam_cost(reader, with_note_moved(score, score.parts[1].id, after), end) == pytest.approx(price)
    before = next(i for i, n in enumerate(score.parts[1].notes) if score.bars[3].tick <= n.tick < end)
    assert infill.seam_cost(reader, with_note_moved(score, score.parts[1].id, before), end) != price


def test_foreign_bars_replace_the_region_and_nothing_else(score: Score) -> None:
    other = compose(cues.sheet_of(2, 20.0), 2)
    start, end = score.bars[2].tick, score.bars[4].tick
    mixed = infill.strange(score, other, start, end, ["piano", "bass"])
    assert infill.outside_kept(score, mixed, start, end, ["piano", "bass"]) == 1
    theirs, ours = (next(p for p in s.parts if p.id == "piano") for s in (other, mixed))
    assert {n for n in ours.notes if start <= n.tick < end} == {n for n in theirs.notes if start <= n.tick < end}
