"""Voice leading."""

from __future__ import annotations

from itertools import pairwise
from statistics import mean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emsync_engine.rules.theory import QUALITIES, Chord, chord
from emsync_engine.rules.voicing import voice_lead
from emsync_engine.score import Key

chords = st.lists(st.builds(Chord, st.integers(0, 11), st.sampled_from(sorted(QUALITIES))), min_size=1, max_size=12)
ensembles = st.sampled_from([(50, 81, 4, 64.0), (50, 76, 3, 62.0), (50, 71, 4, 60.0), (48, 77, 3, None)])


@given(chords, ensembles)
@settings(deadline=None, max_examples=80)
def test_voices_stay_in_range_and_never_cross(row: list[Chord], ensemble: tuple[int, int, int, float | None]) -> None:
    low, high, voices, centre = ensemble
    for harmony, voicing in zip(row, voice_lead(row, low, high, voices, centre)):
        assert len(voicing) == voices
        assert low <= voicing[0] and voicing[-1] <= high
        assert all(a < b for a, b in pairwise(voicing))
        assert all(p % 12 in harmony.pitch_classes for p in voicing)
        assert harmony.third in {p % 12 for p in voicing}


@given(chords, ensembles)
@settings(deadline=None, max_examples=80)
def test_no_voice_leaps(row: list[Chord], ensemble: tuple[int, int, int, float | None]) -> None:
    voicings = voice_lead(row, *ensemble)
    moves = [[abs(b - a) for a, b in zip(v, w)] for v, w in pairwise(voicings)]
    assert all(m <= 12 for row_of_moves in moves for m in row_of_moves)
    assert all(mean(m) <= 7 for m in moves)


@pytest.mark.parametrize(
    "numerals", ["I vi IV V", "i iv bVI V7 i", "I iii IV iv I", "i bVII bVI V7", "Imaj7 vi7 ii7 V7"]
)
@pytest.mark.parametrize("tonic", range(12))
def test_common_progressions_glide(numerals: str, tonic: int) -> None:
    """Common notes stay, the others step."""
    key = Key(tonic, "minor" if numerals.startswith("i") else "major")
    voicings = voice_lead([chord(n, key) for n in numerals.split()], 50, 81, 4, 64.0)
    moves = [abs(b - a) for v, w in pairwise(voicings) for a, b in zip(v, w)]
    assert mean(moves) <= 2.6
    assert max(moves) <= 5


def test_a_chord_that_stays_does_not_move() -> None:
    tonic = chord("I", Key(0, "major"))
    assert len(set(voice_lead([tonic] * 5, 50, 76, 3))) == 1


def test_no_thirds_growl_at_the_bottom() -> None:
    for voicing in voice_lead([chord(n, Key(5, "major")) for n in ["I", "IV", "V", "vi"]], 36, 70, 4, 50.0):
        if voicing[0] < 48:
            assert voicing[1] - voicing[0] >= 5
