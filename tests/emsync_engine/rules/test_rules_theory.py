"""Numerals, scales and moving along them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emsync_engine.rules.theory import (
    QUALITIES,
    SCALES,
    Chord,
    chord,
    diatonic,
    nearest,
    scale_for,
    scale_pitch_classes,
    snap,
    step,
)
from emsync_engine.score import Key

NAMES = ["C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"]
C, A, D = Key(0, "major"), Key(9, "minor"), Key(2, "minor")
keys = st.builds(Key, st.integers(0, 11), st.sampled_from(["major", "minor"]))


def spelt(pitch_classes: tuple[int, ...]) -> str:
    return " ".join(NAMES[p] for p in pitch_classes)


@pytest.mark.parametrize(
    ("numeral", "key", "notes"),
    [
        ("I", C, "C E G"),
        ("ii", C, "D F A"),
        ("vi7", C, "A C E G"),
        ("V7", C, "G B D F"),
        ("IVmaj7", C, "F A C E"),
        ("Iadd9", C, "C D E G"),
        ("Vsus4", C, "G C D"),
        ("V7sus4", C, "G C D F"),
        ("bVII", C, "Bb D F"),
        ("iv", C, "F Ab C"),
        ("vii°", C, "B D F"),
        ("V7/vi", C, "E Ab B D"),
        ("V/V", C, "D F# A"),
        ("i", A, "A C E"),
        ("iv", A, "D F A"),
        ("v", A, "E G B"),
        ("V7", A, "E Ab B D"),
        ("bVI", A, "F A C"),
        ("bVII", A, "G B D"),
        ("bII", A, "Bb D F"),
        ("ii°", A, "B D F"),
        ("iiø", A, "B D F A"),
        ("vii°", A, "Ab B D"),
        ("iadd9", A, "A B C E"),
        ("V7/iv", A, "A Db E G"),
    ],
)
def test_numerals(numeral: str, key: Key, notes: str) -> None:
    assert spelt(chord(numeral, key).pitch_classes) == notes
    assert chord(numeral, key).numeral == numeral


@pytest.mark.parametrize("text", ["", "VIII", "H", "1", "I/", "ivx"])
def test_what_is_no_numeral(text: str) -> None:
    with pytest.raises(ValueError, match="numeral"):
        chord(text, C)


@pytest.mark.parametrize(
    ("numeral", "key", "notes"),
    [
        # an accidental takes the place of the note of its own letter
        ("I", C, "C D E F G A B"),
        ("V7", D, "D E F G A Bb Db"),
        ("V7/vi", C, "C D E F Ab A B"),
        ("V7/ii", C, "Db D E F G A B"),
        ("V7/IV", C, "C D E F G A Bb"),
        ("iv", C, "C D E F G Ab B"),
        ("bVII", C, "C D E F G A Bb"),
        ("bII", D, "D Eb F G A Bb C"),
        ("vii°", D, "D E F G A Bb Db"),
        ("V7/iv", D, "D E F# G A Bb C"),
        ("IV", D, "D E F G A B C"),
    ],
)
def test_the_scale_bends_to_the_chord(numeral: str, key: Key, notes: str) -> None:
    assert sorted(scale_for(key, chord(numeral, key))) == sorted(NAMES.index(n) for n in notes.split())


@given(keys, st.sampled_from(sorted(QUALITIES)), st.integers(0, 11))
def test_a_bent_scale_is_still_a_scale(key: Key, quality: str, root: int) -> None:
    scale = scale_for(key, Chord(root, quality))
    assert len(set(scale)) == 7
    if quality in ("maj", "min", "dom7") and root in scale_pitch_classes(key):
        assert set(Chord(root, quality).pitch_classes) <= set(scale)


@given(keys)
def test_diatonic_triads(key: Key) -> None:
    """They use the key's notes, and their numerals name them."""
    scale = scale_pitch_classes(key)
    for root in range(12):
        triad = diatonic(root, key)
        assert (triad is not None) == (root in scale)
        if triad:
            assert set(triad.pitch_classes) <= set(scale)
            again = chord(triad.numeral, key)
            assert (again.root, again.quality) == (triad.root, triad.quality)


@given(st.integers(0, 11), st.integers(20, 100))
def test_nearest_is_at_most_a_tritone_away(pitch_class: int, around: int) -> None:
    found = nearest(pitch_class, around)
    assert found % 12 == pitch_class
    assert abs(found - around) <= 6


@given(st.integers(20, 100), st.sets(st.integers(0, 11), min_size=1).map(tuple))
def test_snapping_finds_the_nearest_and_stays(pitch: int, classes: tuple[int, ...]) -> None:
    found = snap(pitch, classes)
    assert found % 12 in classes
    assert abs(found - pitch) == min(abs(p - pitch) for p in range(pitch - 12, pitch + 13) if p % 12 in classes)
    assert snap(found, classes) == found


@given(keys, st.integers(40, 90), st.integers(-14, 14))
def test_steps_along_a_scale_come_back(key: Key, pitch: int, steps: int) -> None:
    scale = scale_pitch_classes(key)
    start = snap(pitch, scale)
    there = step(start, steps, scale)
    assert there % 12 in scale
    assert step(there, -steps, scale) == start
    assert (there - start) * steps >= 0
    if steps % 7 == 0:
        assert there - start == 12 * steps // 7


def test_scales_are_major_and_natural_minor() -> None:
    assert spelt(tuple(SCALES["major"])) == "C D E F G A B"
    assert spelt(tuple(SCALES["minor"])) == "C D Eb F G Ab Bb"
