"""Another take of a region: everything outside is as it was, hits inside are met, seams are kept."""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from decode_music import RandomNetwork, network, random_sheet

from emsync_engine import rules
from emsync_engine.measure import accent_ticks
from emsync_engine.model import events as ev
from emsync_engine.model import layouts as lay
from emsync_engine.model.decode import infill, region
from emsync_engine.model.decode.compose import compose
from emsync_engine.model.decode.draft import Decoding, Written
from emsync_engine.model.decode.notation import Lines
from emsync_engine.model.decode.recompose import recompose
from emsync_engine.model.decode.sample import Sampling
from emsync_engine.score import Note, Part, Score
from emsync_engine.spotting.cuesheet import CueSheet

recomposing = sys.modules[recompose.__module__]
FREE = Sampling(temperature=1.0, min_p=0.0)


def cue(seed: int) -> tuple[CueSheet, Score]:
    sheet = random_sheet(seed)
    score = rules.compose(sheet, seed) if seed % 2 else compose(sheet, seed, RandomNetwork(seed), Decoding(FREE))
    return sheet, score


def some_region(seed: int, sheet: CueSheet, score: Score) -> tuple[int, int, tuple[str, ...]]:
    """A region at bar lines or anywhere, of some or all parts."""
    rng = random.Random(f"region {seed}")
    places = [b.tick for b in sheet.bars] if rng.random() < 0.5 else range(0, sheet.end_tick, 7)
    start = rng.choice([t for t in places if t < sheet.end_tick])
    end = rng.choice([*(t for t in places if t > start), sheet.end_tick])
    every = [p.id for p in score.parts]
    parts = every if rng.random() < 0.4 else rng.sample(every, rng.randint(1, len(every)))
    return start, min(end, sheet.end_tick), tuple(parts)


def sounds_outside(part: Part, start: int, end: int) -> set[tuple[int, int, int, int]]:
    """What is heard of a part before and after the region: (from, to, pitch, velocity)."""
    before = {(n.tick, min(n.end, start), n.pitch, n.velocity) for n in part.notes if n.tick < start}
    return before | {(max(n.tick, end), n.end, n.pitch, n.velocity) for n in part.notes if n.end > end}


@pytest.mark.parametrize("seed", range(60))
def test_outside_region_and_parts_nothing_changes(seed: int) -> None:
    sheet, old = cue(seed)
    start, end, parts = some_region(seed, sheet, old)
    mood = (0.5, -0.5) if seed % 5 == 0 else None
    new = recompose(old, sheet, start, end, parts, seed + 7, RandomNetwork(seed), mood, Decoding(FREE))
    assert [p.id for p in new.parts] == [p.id for p in old.parts]
    for before, after in zip(old.parts, new.parts):
        if before.id not in parts:
            assert after == before
            continue
        outside = [n for n in before.notes if not start <= n.tick < end]
        assert [n for n in after.notes if not start <= n.tick < end] == outside
        assert sounds_outside(after, start, end) == sounds_outside(before, start, end)
        changed = set(after.controls) ^ set(before.controls)
        assert all(start <= c.tick <= end for c in changed) and (mood or not changed)
    for name in ("tempo_map", "bars", "key", "hits", "duration", "end_tick", "title"):
        assert getattr(new, name) == getattr(old, name)


@pytest.mark.parametrize("seed", range(60))
def test_new_material_fits_in(seed: int) -> None:
    """No pitch twice at once in a part, nothing in silences, every hit that was met still is."""
    sheet, old = cue(seed)
    start, end, parts = some_region(seed, sheet, old)
    new = recompose(old, sheet, start, end, parts, seed + 7, RandomNetwork(seed), None, Decoding(FREE))
    for before, after in zip(old.parts, new.parts):
        added = set(after.notes) - set(before.notes)
        assert all(start <= n.tick < n.end <= end and 1 <= n.velocity <= 127 for n in added)
        assert all(not (a < n.end and n.tick < b) for n in added for a, b in sheet.silences)
        for note in added:
            twice = [n for n in after.notes if n.pitch == note.pitch and n.tick < note.end and note.tick < n.end]
            assert twice == [note]
    met, still = set(accent_ticks(old)), set(accent_ticks(new))
    assert {h.tick for h in sheet.hits} & met <= still


def test_a_note_held_over_either_edge_stays_whole() -> None:
    sheet, old = cue(11)
    start, end = sheet.bars[1].tick, sheet.bars[3].tick
    left, right = Note(start - 400, 61, 2000, 70), Note(end - 300, 66, 900, 75)
    held = tuple(replace(p, notes=(left, right)) if p.id == old.parts[-1].id else p for p in old.parts)
    new = recompose(
        replace(old, parts=held), sheet, start, end, tuple(p.id for p in old.parts), 3, RandomNetwork(2), None,
        Decoding(FREE),
    )  # fmt: skip
    assert {left, right} <= set(new.parts[-1].notes)


def test_a_take_is_reproducible_and_another_seed_is_another_take() -> None:
    sheet, old = cue(4)
    parts = tuple(p.id for p in old.parts)
    net = network()
    take = [recompose(old, sheet, 0, sheet.end_tick, parts, seed, net) for seed in (1, 1, 2)]
    assert take[0] == take[1]
    assert take[0].parts != take[2].parts


@pytest.mark.parametrize("failures", [0, 1, 2, 3])
def test_the_old_notes_again_are_no_other_take(failures: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network that is sure of what was there is asked again, more freely each time, three times in all."""
    sheet, old = cue(4)
    parts = tuple(p.id for p in old.parts)
    asked: list[Decoding] = []
    written = recomposing.notes_of

    class Sure(infill.Filling):
        def write(self) -> Written:
            asked.append(self.decoding)
            return super().write()

    def at_first_the_old(*words: Any) -> Lines:
        new = written(*words)
        return {p.id: list(p.notes) for p in old.parts} if len(asked) <= failures else new

    monkeypatch.setattr(recomposing, "Filling", Sure)
    monkeypatch.setattr(recomposing, "notes_of", at_first_the_old)
    new = recompose(old, sheet, 0, sheet.end_tick, parts, 3, RandomNetwork(1), None, Decoding(FREE, 1))
    assert len(asked) == min(failures + 1, 3)
    assert ({p.id: p.notes for p in new.parts} == {p.id: p.notes for p in old.parts}) == (failures == 3)
    warmth = [decoding.sampling.temperature for decoding in asked]
    assert warmth == sorted(set(warmth)) and all(decoding.wishes.echo == 0 for decoding in asked[1:])


def test_a_part_of_another_ensemble_can_be_written_anew() -> None:
    """A score from elsewhere, with a flute that no sheet knows and without chords."""
    sheet, old = cue(4)
    flute = Part(
        "flute", "Flute", 73, 5, tuple(Note(b.tick, 72, 480, 70) for b in sheet.bars if b.tick < sheet.end_tick)
    )
    other = replace(old, parts=(*old.parts, flute), chords=(), metadata={}, engine="elsewhere")
    some = recompose(other, sheet, 0, sheet.end_tick, ("flute",), 3, RandomNetwork(1), None, Decoding(FREE))
    assert some.parts[:-1] == other.parts[:-1]
    assert len(some.part("flute").notes) > 0 and some.part("flute").notes != flute.notes
    everything = tuple(p.id for p in other.parts)
    assert recompose(other, sheet, 0, sheet.end_tick, everything, 3, RandomNetwork(1), None, Decoding(FREE)).chords


def test_an_empty_region_or_no_part_changes_nothing() -> None:
    sheet, old = cue(4)
    assert recompose(old, sheet, 100, 110, ("piano",), 1, RandomNetwork(1)).parts == old.parts
    assert recompose(old, sheet, 0, sheet.end_tick, (), 1, RandomNetwork(1)).parts == old.parts


def test_bars_are_told_as_they_are_finished() -> None:
    sheet, old = cue(4)
    told: list[tuple[int, int]] = []
    new = recompose(
        old, sheet, 0, sheet.end_tick, tuple(p.id for p in old.parts), 5, RandomNetwork(3),
        on_bar=lambda first, after, _notes: told.append((first, after)),
    )  # fmt: skip
    assert told[0][0] == 0 and all(a[1] == b[0] for a, b in pairwise(told))
    assert new.parts != old.parts


def test_the_context_is_what_training_would_have_shown() -> None:
    """The opening of an infill is training's own layout of the same bars, up to the answer."""
    sheet, old = cue(21)
    stage = region.Stage(sheet, old.chords)
    names = {ev.PIANO: "piano"} if any(p.id == "piano" for p in old.parts) else {ev.DRUMS: "drums"}
    lines = stage.bar_start * 80
    where = region.Region(old, stage, int(lines[1]), int(lines[2]), names)
    from emsync_engine.model.decode.staging import guide_of

    guide = guide_of(stage, {ev.PIANO, ev.DRUMS})
    span = region.span_of(where.kept, guide, 1, 2, 900, with_right=True)
    opening = region.infill_opening(where.kept, guide, span, where.groups)
    window = region.window_of(where.sounded, guide, span.left, span.right)
    whole = lay.infill(window, lay.Hole(0, 1 - span.left, 2 - span.left, span.right - span.left, where.groups), 0.0)
    np.testing.assert_array_equal(opening.rows, whole.rows[: len(opening)])
    np.testing.assert_array_equal(opening.values, whole.values[: len(opening)])
    assert opening.rows[-1, ev.COL_KIND] == ev.SEP


@pytest.mark.parametrize("candidates", [1, 3])
def test_rows_of_an_answer_are_training_s_rows(candidates: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the writer feeds back equals what training's layout makes of the finished hole."""
    seen: list[tuple[infill.Candidate, infill.Span, infill.Filling]] = []
    inner = infill.Filling._chunk

    def spy(self: infill.Filling, first: int, stop: int, *, last: bool) -> infill.Candidate:
        notes = list(self._notes)
        chosen = inner(self, first, stop, last=last)
        span = region.span_of(notes, self.guide, first, stop, self.network.config.context, with_right=last)
        parts = [*notes, *(self._sounded(e) for e in chosen.events if e.kind == ev.NOTE)]
        window = region.window_of(parts, self.guide, span.left, span.right)
        hole = lay.Hole(0, first - span.left, stop - span.left, span.right - span.left, self.region.groups)
        wanted = lay.infill(window, hole, 0.0)
        rows = wanted.rows[wanted.rows[:, lay.COL_ROLE] == lay.ANSWER][1:]
        np.testing.assert_array_equal(np.stack(chosen.rows), rows)
        seen.append((chosen, span, self))
        return chosen

    monkeypatch.setattr(infill.Filling, "_chunk", spy)
    sheet, old = cue(24)
    lines = [b.tick for b in sheet.bars]
    parts = tuple(p.id for p in old.parts)[:2]
    recompose(old, sheet, lines[1], lines[-1], parts, 3, RandomNetwork(3), None, Decoding(FREE, candidates))
    assert seen
