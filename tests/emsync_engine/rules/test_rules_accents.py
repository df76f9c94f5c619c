"""Arriving: the hits as they are heard, and the last chord."""

from __future__ import annotations

from dataclasses import replace
from statistics import mean, median

from composed import Cue, by_hand, composed

from benchmarks.edits import random_edit
from benchmarks.sync import accents_of, share_met, shifted
from emsync_engine.measure import measure_hits
from emsync_engine.rules.theory import QUALITIES
from emsync_engine.smf import smf_bytes

FINE = (0.001, 0.001)


def test_every_hit_is_an_accent(cues: list[Cue]) -> None:
    for cue in cues:
        assert len(measure_hits(cue.score)) == len(cue.sheet.hits)
        assert all(abs(m.error_s) <= 0.001 for m in measure_hits(cue.score))


def test_the_file_says_so_too_and_not_by_chance(cues: list[Cue]) -> None:
    """Read back through its own tempo map; moved by 0.7 s, which is a beat at 86 a minute, few are met."""
    chance = []
    for cue in cues[::4]:
        accents = accents_of(smf_bytes(cue.score))
        hits = [float(h.time) for h in cue.sheet.hits]
        assert share_met(accents, hits, FINE) == 1
        chance.append(share_met(accents, shifted(hits, float(cue.sheet.duration)), FINE))
    assert mean(chance) < 0.25


def test_an_accent_is_louder_than_its_bar(cues: list[Cue]) -> None:
    for cue in cues:
        velocities = [(n.tick, n.velocity) for p in cue.score.parts for n in p.notes]
        for hit in cue.sheet.hits:
            bar = next(b for b in cue.sheet.bars if b.tick == hit.tick)
            inside = [v for tick, v in velocities if bar.tick <= tick < bar.end]
            accent = [v for tick, v in velocities if tick == hit.tick]
            assert mean(accent) > median(inside), hit
            assert max(accent) >= median(inside) + 6, hit


def test_a_hit_is_no_drop(cues: list[Cue]) -> None:
    """However quiet the scene: the bass at a hit is as loud as it is in its section around."""
    for cue in cues:
        bass = cue.score.part("bass").notes
        for hit in cue.sheet.hits:
            section = next(s for s in cue.sheet.sections if s.tick <= hit.tick < s.end)
            span = range(max(section.tick, hit.tick - 8000), min(section.end, hit.tick + 8000))
            near = [n.velocity for n in bass if n.tick in span and n.tick != hit.tick]
            struck = [n.velocity for n in bass if n.tick == hit.tick]
            assert len(near) < 4 or max(struck) >= median(near) - 8, hit


def test_a_hit_has_kick_and_bass(cues: list[Cue]) -> None:
    for cue in cues:
        for hit in cue.sheet.hits:
            assert 36 in {n.pitch for n in cue.score.part("drums").notes if n.tick == hit.tick}
            assert [n for n in cue.score.part("bass").notes if n.tick == hit.tick]


def test_the_close(cues: list[Cue]) -> None:
    """Everybody strikes the tonic chord on its bar line and holds it to the end of the picture."""
    for cue in cues:
        sheet = cue.sheet
        tonic = cue.score.chords[-1]
        classes = {(tonic.root + s) % 12 for s in QUALITIES[tonic.quality]}
        struck = [n for p in cue.score.parts if not p.is_drums for n in p.notes if n.tick == sheet.final_tick]
        assert {n.pitch % 12 for n in struck} == classes
        assert min(struck, key=lambda n: n.pitch).pitch % 12 == sheet.key.tonic
        assert all(part.notes and any(n.tick == sheet.final_tick for n in part.notes) for part in cue.score.parts)
        if not any(h.tick > sheet.final_tick for h in sheet.hits):
            assert all(n.end == sheet.end_tick for n in struck)
        last = max(n.end for p in cue.score.parts for n in p.notes)
        assert abs(float(sheet.tempo_map.seconds(last) - sheet.duration)) <= 0.05


def test_the_tune_ends_on_the_tonic(cues: list[Cue]) -> None:
    """The highest note of the last chord is the key's own note, or a note of its chord."""
    tops = []
    for cue in cues:
        struck = [n for p in ("piano", "strings") for n in cue.score.part(p).notes if n.tick == cue.sheet.final_tick]
        tops.append(max(struck, key=lambda n: n.pitch).pitch % 12 == cue.sheet.key.tonic)
    assert mean(tops) > 0.9


def test_hits_after_the_close_let_it_ring() -> None:
    cue = by_hand([4] * 6, hits=(5,))
    after = cue.sheet.bars[5].tick
    chordal = [n for p in ("piano", "guitar", "strings") for n in cue.score.part(p).notes if n.tick == after]
    assert not chordal
    assert all(abs(m.error_s) < 1e-9 for m in measure_hits(cue.score))


def test_quiet_hits_are_quiet() -> None:
    """A hit in a still scene is a breath, not a blow: no crash, and softer than the softest racing bar."""
    still, racing = (composed(random_edit(3, 60.0), (-0.2, a), 1) for a in (-0.9, 0.9))

    def loudest(cue: Cue) -> list[int]:
        return [max(n.velocity for n in cue.notes_at(h.tick)) for h in cue.sheet.hits]

    assert max(loudest(still)) < min(loudest(racing))
    before_close = [h for h in still.sheet.hits if h.tick < still.sheet.final_tick]
    for hit in before_close:
        assert 49 not in {n.pitch for n in still.score.part("drums").notes if n.tick == hit.tick}


def test_hits_on_neighbouring_bars() -> None:
    cue = by_hand([1, 1, 1, 1, 2, 1, 4, 4, 4], hits=(1, 2, 3, 4, 5, 6), arousal=0.9)
    assert all(abs(m.error_s) < 1e-9 for m in measure_hits(cue.score))


def test_a_hit_on_the_close_itself() -> None:
    sheet = by_hand([4] * 6).sheet
    cue = by_hand([4] * 6, hits=(4,))
    assert cue.sheet.final_tick == sheet.final_tick == cue.sheet.hits[0].tick
    assert all(abs(m.error_s) < 1e-9 for m in measure_hits(cue.score))
    assert replace(cue.sheet, hits=()) == sheet
