"""The notes of a changed picture: old ones over what is unchanged, new ones where it changed, and nothing between."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emsync_engine.measure import measure_hits
from emsync_engine.mood.curve import MoodCurve
from emsync_engine.picture import Instruction, Picture, PictureMarker
from emsync_engine.rules import compose, recompose
from emsync_engine.rules.conform import changed_regions, conform, with_old_sections
from emsync_engine.score import Control, Note, Part, Score
from emsync_engine.smf import smf_bytes
from emsync_engine.spotting import CueSheet, SpotOptions, respot, spot
from emsync_engine.spotting.regrid import Kept
from otio_adapters.conform import kept_spans
from tests.recuts import (
    MS,
    RATE,
    Cut,
    Span,
    calm,
    check_kept_notes,
    covering,
    first_cut,
    frames_of,
    heard,
    lifted,
    picture_of,
    random_film,
    random_recut,
    with_inserted,
)

LEVELS = (7, 10, 11)


@dataclass(frozen=True)
class Made:
    """A score and what it was made for."""

    picture: Picture
    score: Score
    sheet: CueSheet


def scored(picture: Picture, seed: int = 1, **options: object) -> Made:
    sheet = spot(picture, calm(picture), SpotOptions(seed=seed, **options))  # type: ignore[arg-type]
    return Made(picture, compose(sheet, seed), sheet)


def conformed(
    old: Made, picture: Picture, curve: MoodCurve | None = None, parts: tuple[str, ...] | None = None
) -> tuple[Made, list[Kept]]:
    kept = kept_spans(old.picture, picture)
    options = SpotOptions(seed=old.score.seed, parts=parts)
    sheet, grid = respot(picture, curve or calm(picture), options, old.score, kept)
    sheet = with_old_sections(sheet, old.score, grid, kept)
    return Made(picture, conform(old.score, sheet, grid, kept), sheet), kept


FILM = first_cut([120, 96, 200, 150, 90, 260, 110])


@cache
def film() -> Made:
    return scored(picture_of(FILM))


# --- what must hold of every conform ---


def check_new_notes(made: Made, old: Score, kept: Sequence[Kept]) -> None:
    """Where the picture changed there is only what the sheet asks for; elsewhere only old notes and new accents."""
    fresh = {(p.id, n.tick, n.pitch, n.velocity) for p in compose(made.sheet, old.seed).parts for n in p.notes}
    before = heard(old)
    seams = {h.tick for h in made.sheet.hits}
    for part in made.score.parts:
        for note in part.notes:
            time = made.score.tempo_map.seconds(note.tick)
            is_new = (part.id, note.tick, note.pitch, note.velocity) in fresh
            k = covering(kept, time, new=True)
            if k is None:
                edge = any(abs(time - t) <= MS for s in kept for t in (s.new_start, s.new_end))
                assert is_new or edge, f"{part.id} {note} is left over"
                continue
            rows = before.get((part.id, note.pitch, note.velocity), [])
            was = any(abs(a + k.shift - time) <= MS for a, _ in rows)
            assert was or (is_new and note.tick in seams), f"{part.id} {note} came from nowhere"


def check_form(made: Made) -> None:
    score = made.score
    assert [s.id for s in made.sheet.sections] == [s.id for s in score.sections]
    assert len({s.id for s in score.sections}) == len(score.sections)
    assert score.sections[0].tick == 0 and score.sections[-1].end == score.end_tick
    assert all(a.end == b.tick for a, b in pairwise(score.sections))
    assert score.chords[0].tick == 0 and score.chords[-1].end >= score.end_tick
    assert all(a.end == b.tick for a, b in pairwise(score.chords)), "chords tile"
    for m in measure_hits(score):
        assert m.error_s is not None and abs(m.error_s) <= 0.001
    for part in score.parts:
        check_part(part, score.end_tick)
    assert smf_bytes(score)
    recompose(score, made.sheet, 0, score.bars[0].end, [p.id for p in score.parts], 99)


def check_part(part: Part, end_tick: int) -> None:
    assert list(part.notes) == sorted(part.notes)
    by_pitch: defaultdict[int, list[Note]] = defaultdict(list)
    for note in part.notes:
        assert 0 <= note.tick < note.end <= end_tick and 0 <= note.pitch < 128 and 0 < note.velocity < 128
        by_pitch[note.pitch].append(note)
    for rows in by_pitch.values():
        assert all(a.end <= b.tick for a, b in pairwise(rows))
    assert list(part.controls) == sorted(part.controls)
    assert len({(c.tick, c.controller) for c in part.controls}) == len(part.controls)
    assert all(0 <= c.tick <= end_tick and 0 <= c.value < 128 for c in part.controls)


def level(controls: Sequence[Control], controller: int, tick: int) -> int | None:
    values = [c.value for c in controls if c.controller == controller and c.tick <= tick]
    return values[-1] if values else None


def check_levels(old: Score, new: Score, kept: Sequence[Kept]) -> None:
    """Over unchanged picture every controller has the value it had."""
    for part in new.parts:
        before = next((p for p in old.parts if p.id == part.id), None)
        for k in kept if before else ():
            for share in (Fraction(1, 50), Fraction(1, 3), Fraction(97, 100)):
                was = old.tempo_map.tick(k.old_start + k.length * share)
                now = new.tempo_map.tick(k.new_start + k.length * share)
                for number in LEVELS:
                    values = {level(before.controls, number, was + d) for d in (-1, 0, 1)}
                    assert level(part.controls, number, now) in values


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**9), st.integers(0, 7))
def test_random_edits(seed: int, edits: int) -> None:
    rng = random.Random(seed)
    cut = random_film(rng)
    if frames_of(cut) < 96:
        return
    old = scored(picture_of(cut), seed % 7 + 1)
    made, kept = conformed(old, picture_of(random_recut(rng, cut, edits)))
    check_kept_notes(old.score, made.score, kept)
    check_new_notes(made, old.score, kept)
    check_levels(old.score, made.score, kept)
    check_form(made)


# --- by hand ---


def test_an_identical_cut_gives_an_identical_score() -> None:
    made, _ = conformed(film(), picture_of(FILM))
    old = film().score
    assert made.score.parts == old.parts
    assert made.score == old


EDITS: dict[str, Cut] = {
    "trim the head": lifted(FILM, 0, 17),
    "trim a tail": lifted(FILM, 100, 120),
    "ripple delete": lifted(FILM, 120, 216),
    "insert": with_inserted(FILM, 216, [Span("new.mov", 0, 77)]),
    "swap": [FILM[0], FILM[2], FILM[1], *FILM[3:]],
    "re-time": [*FILM[:3], replace(FILM[3], speed=Fraction(1, 2), origin=None), *FILM[4:]],
    "shorter end": lifted(FILM, 980, 1026),
    "longer end": [*FILM, Span("coda.mov", 0, 120)],
}


@pytest.mark.parametrize("name", EDITS)
def test_single_edits(name: str) -> None:
    made, kept = conformed(film(), picture_of(EDITS[name]))
    assert check_kept_notes(film().score, made.score, kept) > 200
    check_new_notes(made, film().score, kept)
    check_levels(film().score, made.score, kept)
    check_form(made)


@pytest.mark.parametrize("name", EDITS)
def test_twice_is_once(name: str) -> None:
    once, _ = conformed(film(), picture_of(EDITS[name]))
    twice, _ = conformed(once, picture_of(EDITS[name]))
    assert twice.score == once.score


@pytest.mark.parametrize("name", EDITS)
def test_there_and_back_keeps_what_both_cuts_show(name: str) -> None:
    there, kept = conformed(film(), picture_of(EDITS[name]))
    back, kept_back = conformed(there, picture_of(FILM))
    both = [Kept(k.old_start, k.old_start, k.length) for k in kept]
    assert sum(k.length for k in kept_back) == sum(k.length for k in kept)
    # a note that a cut shortened stays short: only its beginning is asked for
    now = heard(back.score)
    for key, rows in heard(film().score).items():
        for start, _ in rows:
            if covering(both, start):
                assert any(abs(a - start) <= 2 * MS for a, _ in now[key])
    check_form(back)


def test_whole_bars_move_by_whole_beats() -> None:
    """Notes inside a block keep their place in the beat to the tick."""
    made, _ = conformed(film(), picture_of(EDITS["ripple delete"]))
    old_rows = [
        (n.pitch, n.tick % 960) for n in film().score.part("piano").notes if n.tick > film().score.end_tick // 2
    ]
    new_rows = [(n.pitch, n.tick % 960) for n in made.score.part("piano").notes]
    assert new_rows[-len(old_rows) :] == old_rows


def test_notes_held_into_picture_that_is_gone_end_with_their_own() -> None:
    cut = lifted(FILM, 300, 420)
    made, kept = conformed(film(), picture_of(cut))
    edge = made.score.tempo_map.tick(kept[0].new_end)
    seconds = film().score.tempo_map.seconds
    notes = [n for p in film().score.parts for n in p.notes]
    held = [n for n in notes if seconds(n.tick) < kept[0].old_end < seconds(n.end)]
    assert held
    assert not [n for p in made.score.parts for n in p.notes if n.tick < edge - 1 and n.end > edge + 1]


def test_new_music_never_runs_into_old() -> None:
    made, kept = conformed(film(), picture_of(EDITS["insert"]))
    start, end = (made.score.tempo_map.tick(t) for t in (kept[0].new_end, kept[1].new_start))
    for part in made.score.parts:
        assert all(n.end <= end + 1 for n in part.notes if start <= n.tick < end)


def test_a_moved_shot_that_now_begins_with_a_hit_gets_its_accent_and_keeps_its_notes() -> None:
    made, kept = conformed(film(), picture_of(EDITS["swap"]))
    starts = {round(k.new_start * RATE) for k in kept[1:]}
    struck = {round(h.time * RATE) for h in made.score.hits}
    assert starts & struck
    check_kept_notes(film().score, made.score, kept)


def test_parts_that_the_new_cut_does_not_ask_for_keep_what_they_had() -> None:
    made, kept = conformed(film(), picture_of(EDITS["insert"]), parts=("piano", "bass"))
    assert [p.id for p in made.score.parts] == [p.id for p in film().score.parts]
    check_kept_notes(film().score, made.score, kept)
    start, end = kept[0].new_end + MS, kept[1].new_start - MS
    for part in made.score.parts:
        new = [n for n in part.notes if start < made.score.tempo_map.seconds(n.tick) < end]
        assert bool(new) == (part.id in ("piano", "bass"))


def test_a_part_that_is_new_plays_only_where_the_picture_is() -> None:
    old = scored(picture_of(FILM), parts=("piano", "bass"))
    made, kept = conformed(old, picture_of(EDITS["insert"]))
    strings = made.score.part("strings")
    times = [made.score.tempo_map.seconds(n.tick) for n in strings.notes]
    seams = {h.tick for h in made.score.hits}
    inside = [n for n, t in zip(strings.notes, times) if covering(kept, t, new=True)]
    assert len(inside) < len(strings.notes) and all(n.tick in seams for n in inside)
    check_kept_notes(old.score, made.score, kept)


def test_a_new_silence_is_kept_even_over_unchanged_picture() -> None:
    marker = PictureMarker(Fraction(10), "silence", Fraction(4), instruction=Instruction("silence"))
    made, _ = conformed(film(), picture_of(FILM, markers=[marker]))
    a, b = made.sheet.silences[0]
    sounding = [n for p in made.score.parts for n in p.notes if n.tick < b and n.end > a]
    assert not sounding


def test_a_score_of_another_engine_stays_one() -> None:
    """Its metadata may lack what the rules note."""
    old = replace(film(), score=replace(film().score, engine="model", metadata={"fallbacks": 3}))
    made, kept = conformed(old, picture_of(EDITS["insert"]))
    assert made.score.engine == "model"
    check_kept_notes(old.score, made.score, kept)
    check_form(made)


@pytest.mark.parametrize("name", EDITS)
def test_where_the_music_is_new(name: str) -> None:
    picture = picture_of(EDITS[name])
    kept = kept_spans(film().picture, picture)
    sheet, grid = respot(picture, calm(picture), SpotOptions(seed=1), film().score, kept)
    regions = changed_regions(sheet, film().score, grid, kept)
    seconds = grid.grid.tempo_map.seconds
    for a, b in regions:
        assert not any(k.new_start + MS < seconds(b) and seconds(a) < k.new_end - MS for k in kept)
    new = sum(seconds(b) - seconds(a) for a, b in regions) + sum(k.length for k in kept)
    assert abs(new - picture.duration) < 2, "all but less than a beat at each seam"


# --- sections, seeds, locks ---


def _moody(picture: Picture) -> MoodCurve:
    """Two moods, so that there are several sections."""
    curve = calm(picture)
    late = curve.time_s > float(picture.duration) / 2
    return replace(curve, valence=curve.valence - 0.9 * late, arousal=curve.arousal + 0.7 * late)


def test_sections_keep_their_ids_with_their_picture() -> None:
    picture = picture_of(FILM)
    sheet = spot(picture, _moody(picture))
    old = Made(picture, compose(sheet, 1), sheet)
    assert len(old.score.sections) >= 2
    longer = picture_of(with_inserted(FILM, 0, [Span("prologue.mov", 0, 480)]))
    curve = _moody(longer)
    made, kept = conformed(old, longer, curve)
    for section in made.score.sections:
        before = next((s for s in old.score.sections if s.id == section.id), None)
        if before:
            middle = old.score.tempo_map.seconds((before.tick + before.end) // 2) + kept[0].shift
            start, end = (made.score.tempo_map.seconds(t) for t in (section.tick, section.end))
            assert start - 4 <= middle <= end + 4
    assert {s.id for s in old.score.sections} <= {s.id for s in made.score.sections}


def test_a_section_that_was_composed_again_keeps_its_seed() -> None:
    old = film()
    first = old.score.sections[0]
    other = recompose(old.score, old.sheet, first.tick, first.end, ["strings"], 77)
    made, _ = conformed(replace(old, score=other), picture_of(EDITS["shorter end"]))
    assert made.score.sections[0].seed == 77
    assert made.score.metadata["seeds"][first.id]["strings"] == 77


def test_every_section_has_seeds() -> None:
    for cut in EDITS.values():
        made, _ = conformed(film(), picture_of(cut))
        assert set(made.score.metadata["seeds"]) == {s.id for s in made.score.sections}


def test_the_motif_is_where_its_notes_are() -> None:
    made, kept = conformed(film(), picture_of(EDITS["ripple delete"]))
    onsets = {n.tick for p in made.score.parts for n in p.notes}
    assert made.score.metadata["motif_ticks"]
    for tick in made.score.metadata["motif_ticks"]:
        near_edge = any(
            abs(made.score.tempo_map.seconds(tick) - t) <= MS for k in kept for t in (k.new_start, k.new_end)
        )
        assert tick in onsets or near_edge
