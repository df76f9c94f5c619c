"""Whole scores: the same from the same, another from another seed, and new takes of a region."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from statistics import median

import pytest
from composed import LEVELS, MOODS, Cue, check_playable, composed

from benchmarks.edits import random_edit
from emsync_engine.instructions import PARTS
from emsync_engine.measure import measure_hits
from emsync_engine.rules import compose, recompose
from emsync_engine.score import Key, Score
from emsync_engine.smf import smf_bytes
from emsync_engine.spotting import SpotOptions

SOUND = """
import hashlib
from benchmarks.edits import random_edit, wandering_mood
from emsync_engine.rules import compose, recompose
from emsync_engine.smf import smf_bytes
from emsync_engine.spotting import SpotOptions, spot
sheet = spot(random_edit(4, 60.0), wandering_mood(4, 60.0), SpotOptions(seed=4))
score = compose(sheet, 4)
again = recompose(score, sheet, 19200, 57600, ("bass", "piano"), 9, (0.1, 0.6))
print(hashlib.sha256(smf_bytes(score) + smf_bytes(again)).hexdigest())
"""


def notes_of(score: Score) -> set[tuple[str, int, int]]:
    return {(p.id, n.tick, n.pitch) for p in score.parts for n in p.notes}


def change(before: Score, after: Score) -> float:
    """Share of the notes that are not there any more."""
    old = notes_of(before)
    return 1 - len(old & notes_of(after)) / len(old)


def test_the_same_again(cues: list[Cue]) -> None:
    for cue in cues[:8]:
        assert compose(cue.sheet, cue.score.seed) == cue.score


def test_the_same_in_every_process() -> None:
    """Nothing rests on the order of sets or on an address."""
    found = {
        subprocess.run(
            [sys.executable, "-c", SOUND], check=True, capture_output=True, text=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("0", "1", "4242")
    }  # fmt: skip
    assert len(found) == 1
    assert len(found.pop().strip()) == len(hashlib.sha256().hexdigest())


@pytest.mark.parametrize("mood", MOODS)
def test_another_seed_is_other_music_on_the_same_hits(mood: tuple[float, float]) -> None:
    """Even in the key that is asked for."""
    picture = random_edit(8, 60.0)
    takes = [composed(picture, mood, seed, SpotOptions(key=Key(7, "minor"))) for seed in range(1, 8)]
    changes = [change(takes[0].score, take.score) for take in takes[1:]]
    assert min(changes) >= 0.3
    assert median(changes) >= 0.45
    assert len({take.score.hits for take in takes}) == 1
    assert all(abs(m.error_s) <= 0.001 for take in takes for m in measure_hits(take.score))


def test_the_score_says_what_it_is(cues: list[Cue]) -> None:
    for cue in cues[:8]:
        score, sheet = cue.score, cue.sheet
        assert (score.duration, score.end_tick, score.hits) == (sheet.duration, sheet.end_tick, sheet.hits)
        assert (score.bars, score.tempo_map, score.key) == (sheet.bars, sheet.tempo_map, sheet.key)
        assert [(s.id, s.tick, s.end, s.role) for s in score.sections] == [
            (s.id, s.tick, s.end, s.role) for s in sheet.sections
        ]
        assert score.engine == "rules"


# --- another take of a region --------------------------------------------------------------------------------


def region(cue: Cue, bars: tuple[int, int], offset: int = 0) -> tuple[int, int]:
    return cue.sheet.bars[bars[0]].tick + offset, cue.sheet.bars[bars[1]].tick + offset


def outside(score: Score, start: int, end: int) -> list[object]:
    return [(p.id, p.program, [n for n in p.notes if not start <= n.tick < end]) for p in score.parts]


def level_at(score: Score, part: str, tick: int) -> dict[int, int]:
    """Value of every controller at a tick."""
    return {c.controller: c.value for c in score.part(part).controls if c.tick <= tick}


@pytest.mark.parametrize("offset", [0, 240, 700], ids=["on a bar line", "on a sixteenth", "anywhere"])
@pytest.mark.parametrize("parts", [PARTS, ("bass", "drums"), ("strings",)], ids="-".join)
@pytest.mark.parametrize("mood", [None, (-0.8, 0.9), (0.8, -0.9)], ids=["same mood", "chase", "rest"])
def test_outside_the_region_nothing_changes(
    offset: int, parts: tuple[str, ...], mood: tuple[float, float] | None
) -> None:
    cue = composed(random_edit(6, 60.0), (0.1, 0.1), 3)
    start, end = region(cue, (6, 14), offset)
    after = recompose(cue.score, cue.sheet, start, end, parts, 77, mood)
    assert outside(after, start, end) == outside(cue.score, start, end)
    assert (after.bars, after.tempo_map, after.hits) == (cue.score.bars, cue.score.tempo_map, cue.score.hits)
    for part in cue.score.parts:
        if part.id not in parts:
            assert after.part(part.id) == part
        for tick in (0, start - 1, end, end + 5000, cue.sheet.end_tick):
            assert level_at(after, part.id, tick) == level_at(cue.score, part.id, tick)
    before_region = [c for c in cue.score.chords if c.end <= start or c.tick >= end]
    assert set(before_region) <= set(after.chords)
    if parts != PARTS:
        assert after.chords == cue.score.chords
    held = [n for p in after.parts for n in p.notes if n.tick < start < n.end]
    assert held == [n for p in cue.score.parts for n in p.notes if n.tick < start < n.end]
    new = notes_of(after) - notes_of(cue.score)
    assert all(start <= tick < end for _, tick, _ in new)
    check_playable(Cue(cue.sheet, after))


def test_a_new_take_changes_the_region(cues: list[Cue]) -> None:
    changes = []
    for cue in cues[:14]:
        last = len(cue.sheet.bars) - 3
        start, end = region(cue, (last // 3, last))
        after = recompose(cue.score, cue.sheet, start, end, PARTS, 1234)
        old = {n for n in notes_of(cue.score) if start <= n[1] < end}
        changes.append(1 - len(old & notes_of(after)) / len(old))
        assert all(abs(m.error_s) <= 0.001 for m in measure_hits(after))
        assert after.sections[-1].seed == 1234 or after.sections[-1].tick >= end
    assert median(changes) > 0.4
    assert min(changes) > 0.05


def test_the_same_take_again(cues: list[Cue]) -> None:
    cue = cues[3]
    start, end = region(cue, (4, 12))
    one, two = (recompose(cue.score, cue.sheet, start, end, ("piano",), 5) for _ in range(2))
    assert one == two
    assert recompose(cue.score, cue.sheet, start, end, ("piano",), 6) != one


def test_a_mood_for_a_region() -> None:
    """A chase in the middle of a rest: more and louder notes there, and only there."""
    cue = composed(random_edit(6, 60.0), (0.2, -0.7), 3)
    start, end = region(cue, (5, 12))
    after = recompose(cue.score, cue.sheet, start, end, PARTS, 3, (-0.4, 0.9))

    def inside(score: Score) -> list[int]:
        return [n.velocity for p in score.parts for n in p.notes if start <= n.tick < end]

    assert len(inside(after)) > 2 * len(inside(cue.score))
    assert median(inside(after)) > median(inside(cue.score)) + 10
    assert all(abs(m.error_s) <= 0.001 for m in measure_hits(after))


def test_the_whole_cue_and_the_edges() -> None:
    cue = composed(random_edit(6, 30.0), (0.2, 0.2), 3)
    whole = recompose(cue.score, cue.sheet, 0, cue.sheet.end_tick, PARTS, 9)
    check_playable(Cue(cue.sheet, whole))
    assert max(n.end for p in whole.parts for n in p.notes) == cue.sheet.end_tick
    nothing = recompose(cue.score, cue.sheet, 3000, 3000, PARTS, 9)
    assert notes_of(nothing) == notes_of(cue.score)
    assert smf_bytes(nothing) == smf_bytes(cue.score)


def test_take_upon_take() -> None:
    """Several takes of several regions stay playable and keep the hits."""
    cue = composed(random_edit(9, 60.0), None, 2)
    score = cue.score
    for seed, (first, last) in enumerate([(2, 6), (4, 9), (0, 3), (8, 15), (5, 7)]):
        start, end = region(cue, (first, last), 480 * (seed % 2))
        score = recompose(score, cue.sheet, start, end, PARTS[seed % 3 :], 50 + seed, (0.0, LEVELS[seed]))
        check_playable(Cue(cue.sheet, score))
        assert all(abs(m.error_s) <= 0.001 for m in measure_hits(score))
