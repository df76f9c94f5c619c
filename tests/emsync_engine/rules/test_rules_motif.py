"""The motif and the melody made of it."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from composed import Cue, sheet_of

from emsync_engine.rules.context import EIGHTH, Context
from emsync_engine.rules.harmony import plan_chords
from emsync_engine.rules.motif import Voice, make_motif, melody, state
from emsync_engine.score import Key

TRIADS = {"major": (0, 4, 7), "minor": (0, 3, 7)}
ENERGIES = (0.1, 0.3, 0.5, 0.7, 0.9)


@pytest.mark.parametrize("energy", ENERGIES)
@pytest.mark.parametrize("mode", ["major", "minor"])
def test_every_motif_can_be_sung(energy: float, mode: str) -> None:
    """Within an octave, without tritones and sevenths; what is long and what is last belongs to the tonic chord."""
    for seed in range(60):
        motif = make_motif(random.Random(seed), energy)
        notes = state(motif, 0, Key(0, mode), 0, 72, 80)  # type: ignore[arg-type]
        moves = [b.pitch - a.pitch for a, b in pairwise(notes)]
        assert len(notes) >= 4
        assert sum(motif.eighths) == 8
        assert max(n.pitch for n in notes) - min(n.pitch for n in notes) <= 12
        assert all(abs(m) != 6 and abs(m) < 10 for m in moves)
        longest = max(notes, key=lambda n: n.duration)
        assert {longest.pitch % 12, notes[0].pitch % 12, notes[-1].pitch % 12} <= set(TRIADS[mode])


def test_motifs_differ() -> None:
    motifs = {make_motif(random.Random(seed), 0.5) for seed in range(40)}
    assert len(motifs) >= 30


def test_a_statement_is_literal() -> None:
    """The same steps from every tonic, moved to the register that is asked for."""
    motif = make_motif(random.Random(3), 0.5)
    first = state(motif, 0, Key(0, "major"), 0, 72, 80)
    for tonic in range(12):
        again = state(motif, 3840, Key(tonic, "major"), tonic, 72, 80)
        assert [n.tick - 3840 for n in again] == [n.tick for n in first]
        assert [b.pitch - a.pitch for a, b in pairwise(again)] == [b.pitch - a.pitch for a, b in pairwise(first)]
        assert abs(again[0].pitch - 72) <= 6


@pytest.mark.parametrize("arousal", [-0.9, -0.3, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("seed", range(6))
def test_the_melody(arousal: float, seed: int) -> None:
    """One voice inside its range and the cue, with statements where it says so and no wild leaps."""
    sheet = sheet_of([4] * 18, arousal=arousal, hits=(6, 11), sections=(11,))
    seeds = {(s.id, p): seed for s in sheet.sections for p in (*s.parts, "harmony")}
    context = Context(sheet, plan_chords(sheet, [seed, seed]), seeds)
    motif = make_motif(random.Random(seed), (arousal + 1) / 2)
    voice = Voice(74, 60, 88)
    for section in sheet.sections:
        bars = [b for b in context.bars if b.section.id == section.id]
        notes, statements = melody(bars, motif, random.Random(seed), voice, 70)
        assert bars[0].bar.tick in statements
        assert all(a.end <= b.tick for a, b in pairwise(notes))
        assert all(bars[0].bar.tick <= n.tick < n.end <= bars[-1].stop for n in notes)
        assert all(voice.low <= n.pitch <= voice.high for n in notes)
        assert max(abs(b.pitch - a.pitch) for a, b in pairwise(notes)) <= 16
        for tick in statements:
            said = [n for n in notes if tick <= n.tick < tick + 8 * EIGHTH]
            literal = state(motif, tick, section.key, section.key.tonic, voice.centre, 70)
            assert [(n.tick, n.pitch, n.duration) for n in said] == [(n.tick, n.pitch, n.duration) for n in literal]


def test_the_motif_returns(cues: list[Cue]) -> None:
    for cue in cues:
        statements = cue.score.metadata["motif_ticks"]
        whole = [s for s in cue.sheet.sections if next(b for b in cue.sheet.bars if b.tick == s.tick).beats >= 4]
        assert len(statements) >= 2
        assert {s.tick for s in whole} <= set(statements)
