"""The harmonic plan of whole cues."""

from __future__ import annotations

import random
from itertools import pairwise
from statistics import mean

import pytest
from composed import MOODS, Cue, sheet_of

from benchmarks.mood_grid import major_share
from emsync_engine.rules.harmony import plan_chords, progression
from emsync_engine.rules.theory import QUALITIES
from emsync_engine.score import TICKS_PER_QUARTER, ChordSpan, Key

THREE_CHORDS_TICKS = 6 * TICKS_PER_QUARTER


def name(chord: ChordSpan) -> tuple[int, str]:
    return chord.root, chord.quality


def test_chords_tile_the_cue(cues: list[Cue]) -> None:
    for cue in cues:
        chords = cue.score.chords
        assert chords[0].tick == 0
        assert chords[-1].end == cue.sheet.end_tick
        assert all(a.end == b.tick for a, b in pairwise(chords))
        assert all(c.duration > 0 and c.quality in QUALITIES for c in chords)


def test_neighbours_differ(cues: list[Cue]) -> None:
    """Inside a section a chord that goes on is one chord."""
    for cue in cues:
        starts = {s.tick for s in cue.sheet.sections}
        for a, b in pairwise(cue.score.chords):
            assert name(a) != name(b) or b.tick in starts


def test_every_section_has_three_chords(cues: list[Cue]) -> None:
    for cue in cues:
        for section in cue.sheet.sections:
            inside = {name(c) for c in cue.score.chords if c.tick < section.end and c.end > section.tick}
            if section.end - section.tick >= THREE_CHORDS_TICKS:
                assert len(inside) >= 3, (section, inside)


def test_a_hit_brings_a_new_chord(cues: list[Cue]) -> None:
    """Except after the close, which is left to ring."""
    for cue in cues:
        for hit in cue.sheet.hits:
            if hit.tick <= cue.sheet.final_tick:
                assert name(cue.chord_at(hit.tick)) != name(cue.chord_at(hit.tick - 1)), hit


def test_hits_land_on_stable_chords(cues: list[Cue]) -> None:
    """Most of them: a hit is an arrival."""
    arrivals = [cue.chord_at(h.tick) for cue in cues for h in cue.sheet.hits]
    assert mean(c.quality in ("maj", "min", "maj7", "min7", "add9", "madd9") for c in arrivals) > 0.9


def test_the_cue_ends_with_a_cadence(cues: list[Cue]) -> None:
    for cue in cues:
        dominant, tonic = cue.score.chords[-2:]
        assert tonic.tick == cue.sheet.final_tick
        assert (tonic.root, tonic.quality) == (cue.sheet.key.tonic, "maj" if cue.sheet.key.mode == "major" else "min")
        assert (dominant.root - tonic.root) % 12 == 7
        assert dominant.quality in ("maj", "dom7", "7sus4")


def test_nothing_diminished_or_suspended_is_tonicised(cues: list[Cue]) -> None:
    """An applied dominant goes to a chord that could be a key's tonic."""
    for cue in cues:
        for a, b in pairwise(cue.score.chords):
            if "/" in a.numeral and name(a) != name(b) and a.root != b.root:
                assert QUALITIES[b.quality][:2] in ((0, 4), (0, 3), (0, 2)), (a, b)
                assert "dim" not in b.quality


@pytest.mark.parametrize("mood", MOODS)
def test_progressions_begin_at_home(mood: tuple[float, float]) -> None:
    for tonic in range(12):
        key = Key(tonic, "major" if mood[0] >= 0 else "minor")
        for again in range(4):
            row = progression(key, *mood, random.Random(tonic), again)
            assert row[0].root == tonic
            assert len({(c.root, c.quality) for c in row}) >= 3


def test_valence_asks_for_major_chords(cues: list[Cue]) -> None:
    bright = [major_share(c.score) for c in cues if mean(s.valence for s in c.sheet.sections) > 0.4]
    dark = [major_share(c.score) for c in cues if mean(s.valence for s in c.sheet.sections) < -0.4]
    assert mean(bright) > mean(dark) + 0.25


@pytest.mark.parametrize("beats", range(1, 10))
@pytest.mark.parametrize("bars", [2, 3, 5, 9])
def test_any_metre_and_length(beats: int, bars: int) -> None:
    sheet = sheet_of([beats] * bars, hits=(1,) if bars > 3 else ())
    chords = plan_chords(sheet, [1])
    assert chords[0].tick == 0
    assert chords[-1].tick == sheet.final_tick
    assert all(a.end == b.tick for a, b in pairwise(chords))


def test_inversions_step(cues: list[Cue]) -> None:
    """A chord stands on its third only to let the bass step there; hits and cadences stand on their roots."""
    for cue in cues:
        firm = {h.tick for h in cue.sheet.hits} | {cue.sheet.final_tick}
        for before, chord in pairwise(cue.score.chords):
            if chord.bass is not None:
                assert chord.tick not in firm
                assert chord.bass in {(chord.root + s) % 12 for s in QUALITIES[chord.quality]}
                low = before.root if before.bass is None else before.bass
                assert min((chord.bass - low) % 12, (low - chord.bass) % 12) <= 2
