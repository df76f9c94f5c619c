"""Whole cues by small networks with random weights."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from decode_music import TINY, RandomNetwork, network, random_sheet

from benchmarks.edits import random_edit, wandering_mood
from emsync_engine import rules
from emsync_engine.codec import decode, encode
from emsync_engine.instructions import PARTS
from emsync_engine.measure import measure_hits
from emsync_engine.model import conditions as cond
from emsync_engine.model import config as configs
from emsync_engine.model import events as ev
from emsync_engine.model import layouts as lay
from emsync_engine.model.decode import draft, staging
from emsync_engine.model.decode import writer as writing
from emsync_engine.model.decode.compose import compose
from emsync_engine.model.decode.draft import Decoding
from emsync_engine.model.decode.sample import Sampling
from emsync_engine.model.decode.state import State
from emsync_engine.model.decode.writer import Page, Writer
from emsync_engine.score import Note, Score
from emsync_engine.smf import smf_bytes
from emsync_engine.spotting import CueSheet, SpotOptions, spot


def sheet_of(seed: int, seconds: float = 25.0, parts: tuple[str, ...] | None = None) -> CueSheet:
    edit = random_edit(seed, seconds, 4.0)
    return spot(edit, wandering_mood(seed, seconds), SpotOptions(parts=parts))


@pytest.mark.parametrize("conditioning", configs.CONDITIONINGS)
def test_a_cue_for_a_cut(conditioning: str) -> None:
    """Everything a score promises: parts, hits, cadence, end; it can be stored and written as MIDI."""
    sheet = sheet_of(3)
    score = compose(sheet, 7, network(conditioning))
    assert [p.id for p in score.parts] == list(PARTS) and score.engine == "model"
    assert {p.channel for p in score.parts} == {9, 0, 1, 2, 3}
    assert score.metadata["fallbacks"] == 0 and score.metadata["repaired_hits"] == 0
    assert score.hits and all(abs(m.error_s or 1.0) < 1e-3 for m in measure_hits(score) if m.error_s != 0.0)
    assert max(n.end for p in score.parts for n in p.notes) == sheet.end_tick
    assert all({c.controller for c in p.controls} == {7, 10, 11} for p in score.parts)
    assert smf_bytes(score)[:4] == b"MThd"
    assert decode(Score, encode(score)) == score


@pytest.mark.parametrize("seed", range(6))
def test_the_close_is_a_cadence(seed: int) -> None:
    """The last chord is the tonic over its root, held to the end, and something else led to it."""
    sheet = sheet_of(seed)
    score = compose(sheet, seed, network(seed=seed))
    tonic, third = sheet.key.tonic, 4 if sheet.key.mode == "major" else 3
    pitched = [n for p in score.parts if not p.is_drums for n in p.notes]
    closing = [n for n in pitched if n.tick <= sheet.final_tick < n.end]
    classes = {(n.pitch - tonic) % 12 for n in closing}
    assert {0, third} <= classes <= {0, third, 7}
    assert min(n.pitch for n in closing) % 12 == tonic
    line = max(b.tick for b in sheet.bars if b.tick < sheet.final_tick)
    before = {(n.pitch - tonic) % 12 for n in pitched if line <= n.tick < sheet.final_tick}
    assert before & {7, 5, 2, 11, 10, 1} and not before <= {0, third}
    late = {n.tick for n in pitched if n.tick > sheet.final_tick}
    assert late <= {h.tick for h in sheet.hits}


@pytest.mark.parametrize("parts", [("drums",), ("bass",), ("strings",), ("drums", "bass"), ("piano", "drums")])
def test_any_set_of_parts_can_be_asked_for(parts: tuple[str, ...]) -> None:
    sheet = sheet_of(2, parts=parts)
    score = compose(sheet, 1, network())
    assert {p.id for p in score.parts} == set(parts)
    assert score.metadata["fallbacks"] == 0 and score.metadata["repaired_hits"] == 0
    assert all(m.error_s is not None and abs(m.error_s) < 1e-3 for m in measure_hits(score))


def test_the_same_request_gives_the_same_score_and_another_seed_another() -> None:
    sheet, net = sheet_of(1, 12.0), network()
    assert compose(sheet, 5, net) == compose(sheet, 5, net)
    assert compose(sheet, 5, net).parts != compose(sheet, 6, net).parts


def test_guidance_and_candidates_change_the_score_not_its_promises() -> None:
    sheet, net = sheet_of(1, 12.0), network()
    plain = compose(sheet, 5, net, Decoding(candidates=1))
    for decoding in (Decoding(Sampling(guidance=2.0), 1), Decoding(candidates=3)):
        score = compose(sheet, 5, net, decoding)
        assert score.parts != plain.parts
        assert all(abs(m.error_s or 0.0) < 1e-3 for m in measure_hits(score))


def test_hits_that_are_not_forced_are_only_announced() -> None:
    sheet = sheet_of(1)
    free = compose(sheet, 5, RandomNetwork(2), Decoding(forced=False))
    assert any(abs(m.error_s or 0.0) > 1e-3 for m in measure_hits(free))


def test_bars_are_streamed_as_they_are_written() -> None:
    sheet = sheet_of(5)
    told: list[tuple[int, int, dict[str, list[Note]]]] = []
    score = compose(sheet, 5, network(), on_bar=lambda a, b, notes: told.append((a, b, dict(notes))))
    assert score.metadata["repaired_hits"] == 0, "a hit that the rules have to strike is not streamed"
    assert told[0][0] == 0 and all(x[1] == y[0] for x, y in pairwise(told))
    streamed = {(part, n.tick, n.pitch) for _, _, notes in told for part, line in notes.items() for n in line}
    assert streamed == {(p.id, n.tick, n.pitch) for p in score.parts for n in p.notes}


def test_a_score_of_the_model_goes_on_with_the_rules_engine() -> None:
    sheet = sheet_of(1, 12.0)
    score = compose(sheet, 5, network())
    again = rules.recompose(score, sheet, 0, sheet.end_tick, tuple(p.id for p in score.parts), 9)
    assert again.parts != score.parts


# --- the writer ----------------------------------------------------------------------------------------------


def writer_of(candidates: int, seed: int = 3, guidance: float = 1.0) -> tuple[Writer, staging.Stage]:
    sheet = random_sheet(21)
    stage = staging.Stage(sheet, ())
    decoding = Decoding(Sampling(guidance=guidance))
    guide = staging.guide_of(stage, range(5))
    pages = [
        Page(draft.plain_opening(draft.opening_row(ev.BOS), np.zeros(1, dtype=np.int64), g), g)
        for g in decoding.guides(guide)
    ]
    state = State(staging.frame_of(stage), 0, stage.stop_bar)
    return Writer(network(), pages, state, draft.all_rules(), (), decoding.sampling, seed, candidates), stage


def test_candidates_do_not_depend_on_one_another() -> None:
    """Each has its own random numbers: alone or in company, the same notes."""
    alone, stage = writer_of(1)
    company, _ = writer_of(3)
    for writer in (alone, company):
        writer.write(stage.stop_bar)
    assert company.candidates[0].events == alone.candidates[0].events
    assert len({tuple(c.events) for c in company.candidates}) == 3


@pytest.mark.parametrize("crowded", [0.0, 1e9])
def test_halves_that_wait_for_one_another_go_on_together_with_the_same_notes(
    crowded: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a busy machine, and on one that never is."""
    alone = [writer_of(1)[0], writer_of(3)[0]]
    monkeypatch.setattr(writing, "_WATCHED_EVENTS", 3)
    monkeypatch.setattr(writing, "_CROWDED", crowded)
    company, stage = writer_of(3)
    steps: list[int] = []
    step = company._step
    monkeypatch.setattr(company, "_step", lambda going: (steps.append(len(going)), step(going)))
    for writer in (*alone, company):
        writer.write(stage.stop_bar)
    assert company.candidates[0].events == alone[0].candidates[0].events
    assert [c.events for c in company.candidates] == [c.events for c in alone[1].candidates]
    assert (max(steps) == 3) == (crowded == 0)


@pytest.mark.parametrize("broken", [0, 1])
def test_a_fault_in_either_half_of_the_candidates_is_told(broken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    writer, stage = writer_of(2)
    monkeypatch.setattr(writer.candidates[broken].state, "step", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        writer.write(stage.stop_bar)


def test_writing_in_pieces_is_writing_at_once() -> None:
    whole, stage = writer_of(2)
    whole.write(stage.stop_bar)
    pieces, _ = writer_of(2)
    for until in range(1, stage.stop_bar + 1):
        pieces.write(until)
    assert [c.events for c in pieces.candidates] == [c.events for c in whole.candidates]


def test_after_a_choice_all_go_on_from_the_chosen() -> None:
    writer, stage = writer_of(3, guidance=1.5)
    writer.write(2)
    chosen = list(writer.candidates[1].events)
    writer.choose(1)
    writer.write(stage.stop_bar)
    assert all(c.events[: len(chosen)] == chosen for c in writer.candidates)
    assert len({tuple(c.events) for c in writer.candidates}) > 1


def test_rows_fed_back_are_training_s_rows() -> None:
    """What the writer reads of its own notes is what training's layout makes of them, conditions included."""
    writer, stage = writer_of(1)
    writer.write(stage.stop_bar)
    rows = np.concatenate([draft.opening_row(ev.BOS), np.stack(writer.candidates[0].rows)])
    bars = np.array([0, *(e.bar for e in writer.candidates[0].events)])
    guide = staging.guide_of(stage, range(5))
    wanted = draft.plain_opening(rows, bars, guide)
    np.testing.assert_array_equal(wanted.rows[1:], rows[1:])
    conditions = writer._conditions[0]
    for row, bar, values, categories in zip(rows[1:-1], bars[1:-1], wanted.values[1:-1], wanted.categories[1:-1]):
        told, index = conditions.at(int(bar), int(row[ev.COL_POS]))
        expected = writer.network.condition(values[None], categories[None], np.array([row[0]]))[0]
        np.testing.assert_allclose(told.vectors[index], expected, atol=1e-5)
        assert told.root[index] == categories[cond.CAT_ROOT]


def test_a_long_cue_slides_its_window_and_stays_in_bounds() -> None:
    """Many times the training context: the older half is dropped at bar lines, the cache never overflows."""
    sheet = sheet_of(3, 100.0)
    net = network()
    lengths: list[int] = []
    inner = net.step

    def spy(cache, streams, rows, condition):  # type: ignore[no-untyped-def]
        lengths.append(int(cache.place(streams).max()))
        return inner(cache, streams, rows, condition)

    net.step = spy  # type: ignore[method-assign]
    score = compose(sheet, 1, net)
    assert sum(len(p.notes) for p in score.parts) > 1.5 * TINY.context
    assert max(lengths) < 2 * TINY.context
    assert sum(b < a for a, b in pairwise(lengths)) >= 2
    assert all(abs(m.error_s or 0.0) < 1e-3 for m in measure_hits(score))


def test_a_renewed_context_ends_with_what_was_written_last() -> None:
    writer, stage = writer_of(1)
    writer.write(stage.stop_bar - 1)
    guide = staging.guide_of(stage, range(5))
    seen: list[lay.Sequence] = []
    inner = writer.read
    writer.read = lambda openings: (seen.extend(openings), inner(openings))[1]  # type: ignore[method-assign]
    draft.renew(writer, [guide], 20)
    events = writer.candidates[0].events
    assert seen[0].rows[0, ev.COL_KIND] == ev.CONT and seen[0].rows[1, ev.COL_KIND] == ev.BAR
    kept = len(seen[0]) - 1
    assert kept <= 20 or sum(e.kind == ev.BAR for e in events[-kept:]) == 1
    assert seen[0].rows[1:, ev.COL_PITCH].tolist() == [e.pitch for e in events[-kept:]]
    writer.write(stage.stop_bar)
    assert writer.candidates[0].state.ended


# --- staging ---------------------------------------------------------------------------------------------------


def test_bars_of_nine_beats_are_split_for_the_model() -> None:
    sheet = next(s for s in map(random_sheet, range(100)) if any(b.beats == 9 for b in s.bars))
    stage = staging.Stage(sheet, ())
    assert np.diff(stage.bar_start).max() <= ev.MAX_BAR_TICKS
    assert stage.n_ticks * staging.GRID_TICKS == sheet.bars[-1].end
    assert {b.tick for b in sheet.bars} <= set((stage.bar_start * staging.GRID_TICKS).tolist())


def test_the_guide_says_what_the_sheet_says() -> None:
    sheet = sheet_of(3)
    from emsync_engine.rules.harmony import plan_chords

    stage = staging.Stage(sheet, plan_chords(sheet, [1] * len(sheet.sections)))
    guide = staging.guide_of(stage, range(5))
    assert guide.bar_seconds.sum() == pytest.approx(float(sheet.tempo_map.seconds(sheet.bars[-1].end)))
    assert set(guide.boundaries * 80) == {h.tick for h in sheet.hits} | {sheet.final_tick}
    assert guide.section.sum() == len(sheet.sections)
    assert (np.diff(staging.density_of(np.linspace(-1, 1, 9), np.full(9, 5))) > 0).all()
    values, categories = cond.encode(guide, np.arange(len(guide.bar_seconds)), np.zeros(len(guide.bar_seconds), int))
    assert np.isfinite(values).all() and (categories >= 0).all()
    quiet = replace(sheet, arousal=tuple((t, -1.0) for t, _ in sheet.arousal))
    assert (staging.Stage(quiet, ()).arousal <= stage.arousal + 1e-9).all()
