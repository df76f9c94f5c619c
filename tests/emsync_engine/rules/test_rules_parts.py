"""What the five parts play: in range, in time, in every metre and at every energy."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from fractions import Fraction
from itertools import combinations
from statistics import mean

import pytest
from composed import LEVELS, Cue, by_hand, check_bass_line, check_playable, composed
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from benchmarks.edits import random_edit
from benchmarks.mood_grid import mean_velocity, notes_a_second
from emsync_engine.instructions import PARTS, parse_instruction
from emsync_engine.measure import measure_hits
from emsync_engine.picture import PictureMarker
from emsync_engine.rules.theory import QUALITIES
from emsync_engine.spotting import SpotOptions

ENSEMBLES = [pytest.param(c, id="-".join(c)) for n in (1, 2) for c in combinations(PARTS, n)]


def test_random_cues_can_be_played(cues: list[Cue]) -> None:
    for cue in cues:
        check_playable(cue)
        check_bass_line(cue)


@given(st.integers(0, 100_000), st.sampled_from([0.5, 2, 7, 14, 33]), st.floats(-1, 1), st.floats(-1, 1))
@settings(deadline=None, max_examples=80)
def test_any_edit_any_mood(seed: int, duration_s: float, valence: float, arousal: float) -> None:
    cue = composed(random_edit(seed, duration_s, 3.0, 0.3), (valence, arousal), seed)
    check_playable(cue)
    assert all(abs(m.error_s) <= 0.001 for m in measure_hits(cue.score))


@given(st.integers(0, 100_000), st.sampled_from([2, 7, 14]), st.floats(-1, 0.2))
@example(49441, 7, 0.0)
@settings(deadline=None, max_examples=60, phases=[Phase.explicit, Phase.generate])
def test_the_bass_line_is_one_line(seed: int, duration_s: float, arousal: float) -> None:
    check_bass_line(composed(random_edit(seed, duration_s, 3.0, 0.3), (0.0, arousal), seed))


@pytest.mark.parametrize("arousal", LEVELS)
@pytest.mark.parametrize("beats", range(1, 10))
def test_every_metre_at_every_level(beats: int, arousal: float) -> None:
    """Bars of one to nine beats are filled, and never past their end."""
    for valence in (-0.6, 0.6):
        cue = by_hand([beats] * 12, valence=valence, arousal=arousal, hits=(4, 8), sections=(6,))
        check_playable(cue)
        assert all(abs(m.error_s) < 1e-9 for m in measure_hits(cue.score))
        busy = [
            b for b in cue.sheet.bars[:-2] if any(b.tick <= n.tick < b.end for p in cue.score.parts for n in p.notes)
        ]
        assert len(busy) == 10


@pytest.mark.parametrize("beats", [[4, 4, 1, 4, 4, 4], [5, 2, 4, 3, 7, 4, 4], [4, 9, 1, 1, 4, 4, 4], [2, 2, 2]])
def test_mixed_metres(beats: list[int]) -> None:
    for arousal in LEVELS:
        check_playable(by_hand(beats, arousal=arousal, hits=(1,), sections=(1,)))


@pytest.mark.parametrize("arousal", LEVELS)
def test_everybody_plays(arousal: float) -> None:
    cue = composed(random_edit(5, 60.0), (0.1, arousal), 1)
    assert [p.id for p in cue.score.parts] == list(PARTS)
    assert all(len(p.notes) >= 12 for p in cue.score.parts)
    assert len({p.channel for p in cue.score.parts}) == len(PARTS)
    assert cue.score.part("drums").channel == 9


def test_energy_brings_notes_and_loudness() -> None:
    scores = [composed(random_edit(5, 60.0), (0.1, arousal), 1).score for arousal in LEVELS]
    for measure in (notes_a_second, mean_velocity):
        found = [measure(s) for s in scores]
        assert found == sorted(found)
        assert found[-1] > 1.4 * found[0]


@pytest.mark.parametrize("parts", ENSEMBLES)
def test_small_ensembles_meet_the_hits_too(parts: tuple[str, ...]) -> None:
    """Any one or two parts: nobody else plays, and the accents are still accents."""
    for arousal in (-0.8, 0.0, 0.8):
        cue = composed(random_edit(11, 40.0), (0.0, arousal), 1, SpotOptions(parts=parts))
        assert tuple(p.id for p in cue.score.parts) == tuple(p for p in PARTS if p in parts)
        check_playable(cue)
        assert all(m.error_s is not None and abs(m.error_s) <= 0.001 for m in measure_hits(cue.score))


def test_parts_rest_where_they_are_told_to() -> None:
    picture = random_edit(2, 60.0)
    middle = picture.boundaries[len(picture.boundaries) // 2].hit
    markers = (
        PictureMarker(middle, "parts", instruction=parse_instruction("parts: piano, bass")),
        PictureMarker(middle, "section", instruction=parse_instruction("section: quiet")),
    )
    cue = composed(replace(picture, markers=markers), (0.2, 0.6), 1)
    quiet = next(s for s in cue.sheet.sections if s.name == "quiet")
    for part in ("drums", "guitar", "strings"):
        assert not [n for n in cue.score.part(part).notes if n.tick > quiet.tick and not _is_hit(cue, n.tick)]
    assert [n for n in cue.score.part("piano").notes if n.tick > quiet.tick]


def _is_hit(cue: Cue, tick: int) -> bool:
    return tick in {h.tick for h in cue.sheet.hits}


def test_silence_is_silent() -> None:
    marker = PictureMarker(Fraction(20), "", Fraction(4), instruction=parse_instruction("silence"))
    for arousal in (-0.8, 0.8):
        cue = composed(replace(random_edit(2, 60.0), markers=(marker,)), (0.0, arousal), 1)
        ((start, end),) = cue.sheet.silences
        for part in cue.score.parts:
            assert not [n for n in part.notes if n.tick < end and n.end > start]


def test_the_bass_plays_the_chords(cues: list[Cue]) -> None:
    """Where a chord begins, the bass has its root, or the note it is planned to stand on."""
    right = total = 0
    for cue in cues:
        onsets = {n.tick: n.pitch % 12 for n in cue.score.part("bass").notes}
        for chord in cue.score.chords:
            if chord.tick in onsets:
                total += 1
                right += onsets[chord.tick] == (chord.root if chord.bass is None else chord.bass)
    assert right / total > 0.97


def test_chordal_parts_play_the_chords(cues: list[Cue]) -> None:
    """On the beat that brings a chord most of what begins belongs to it."""
    shares = []
    for cue in cues:
        for chord in cue.score.chords:
            classes = {(chord.root + s) % 12 for s in QUALITIES[chord.quality]}
            starting = [
                n for p in ("piano", "guitar", "strings") for n in cue.score.part(p).notes if n.tick == chord.tick
            ]
            shares += [n.pitch % 12 in classes for n in starting]
    assert mean(shares) > 0.95


def test_music_does_not_run_in_a_loop(cues: list[Cue]) -> None:
    """Less than half of a part's bars repeat an earlier bar note for note."""
    for part in PARTS:
        repeated = total = 0
        for cue in cues:
            bars: Counter[tuple[tuple[int, int], ...]] = Counter()
            for bar in cue.sheet.bars:
                notes = [n for n in cue.score.part(part).notes if bar.tick <= n.tick < bar.end]
                if notes:
                    bars[tuple(sorted((n.tick - bar.tick, n.pitch) for n in notes))] += 1
            repeated += sum(n - 1 for n in bars.values())
            total += sum(bars.values())
        assert repeated / total < 0.5, part


def test_controllers_stay_sparse(cues: list[Cue]) -> None:
    """Volume and pan once, expression as often as it moves."""
    for cue in cues:
        for part in cue.score.parts:
            kinds = Counter(c.controller for c in part.controls)
            assert kinds[7] == kinds[10] == 1
            assert 1 <= kinds[11] <= 6 * len(cue.sheet.bars)
