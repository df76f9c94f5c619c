"""Keys, chords and charts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from little_band import Struck, write_midi

from emsync_engine.model import charts, harmony
from emsync_engine.model import events as ev
from emsync_engine.model.midi_files import read_piece


def chorale(roots: list[tuple[int, tuple[int, ...]]], shift: int = 0) -> ev.Piece:
    """A bar of half notes for each (root, steps)."""
    notes = [
        Struck(4.0 * bar + half, 2, 60 + shift + root + step, 80, 0)
        for bar, (root, steps) in enumerate(roots)
        for half in (0, 2)
        for step in (*steps, -12)
    ]
    return read_piece(write_midi(notes))


MAJOR, MINOR, SEVENTH = (0, 4, 7), (0, 3, 7), (0, 4, 7, 10)
CADENCE = [(0, MAJOR), (5, MAJOR), (7, SEVENTH), (0, MAJOR), (9, MINOR), (2, MINOR), (7, SEVENTH), (0, MAJOR)]


def beat_chords(piece: ev.Piece) -> list[str]:
    beats = harmony.beats_of(piece.bar_start)
    codes = harmony.chords(*harmony.chroma(piece, beats))[beats.first_of_bar[:-1]]
    return [chord_name(int(code)) for code in codes]


def chord_name(code: int) -> str:
    if code == harmony.NO_CHORD:
        return "N"
    root, quality = divmod(code - 1, harmony.N_QUALITIES)
    return ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")[root] + harmony.QUALITIES[quality]


def test_the_chords_of_a_chorale_are_read() -> None:
    expected = ["Cmaj", "Fmaj", "G7", "Cmaj", "Amin", "Dmin", "G7", "Cmaj"]
    assert beat_chords(chorale(CADENCE)) == expected


@settings(max_examples=12, deadline=None)
@given(st.integers(-6, 6))
def test_key_and_chords_follow_a_transposition(shift: int) -> None:
    plain, moved = chorale(CADENCE), chorale(CADENCE, shift)
    codes = []
    for piece in (plain, moved):
        beats = harmony.beats_of(piece.bar_start)
        total, bass = harmony.chroma(piece, beats)
        bar_chroma = np.add.reduceat(total, beats.first_of_bar[:-1], axis=0)
        codes.append((harmony.chords(total, bass).astype(int), harmony.keys(bar_chroma).astype(int)))
    (chords, keys), (moved_chords, moved_keys) = codes
    assert (keys == 0).all()
    assert (moved_keys == shift % 12).all()
    np.testing.assert_array_equal(((chords - 1) // 10 + shift) % 12, (moved_chords - 1) // 10)
    np.testing.assert_array_equal((chords - 1) % 10, (moved_chords - 1) % 10)


def test_a_minor_cadence_is_in_minor() -> None:
    piece = chorale([(9, MINOR), (2, MINOR), (4, SEVENTH), (9, MINOR)])
    beats = harmony.beats_of(piece.bar_start)
    total, _ = harmony.chroma(piece, beats)
    assert (harmony.keys(np.add.reduceat(total, beats.first_of_bar[:-1], axis=0)) == 12 + 9).all()


def test_drums_alone_have_no_key_and_no_chord() -> None:
    piece = read_piece(write_midi([Struck(beat, 0.1, 36, 90, 9) for beat in range(8)]))
    beats = harmony.beats_of(piece.bar_start)
    total, bass = harmony.chroma(piece, beats)
    assert (harmony.chords(total, bass) == harmony.NO_CHORD).all()
    assert (harmony.keys(np.zeros((2, 12))) == harmony.NO_KEY).all()


def test_beats_of_an_odd_bar_end_with_the_bar() -> None:
    beats = harmony.beats_of(np.array([0, 30, 66], dtype=np.int32))
    assert beats.start.tolist() == [0, 12, 24, 30, 42, 54, 66]
    assert beats.first_of_bar.tolist() == [0, 3, 6]


@pytest.mark.parametrize(
    "symbol, root, quality",
    [
        ("C", 0, "maj"), ("Bb", 10, "maj"), ("F#m", 6, "min"), ("G7", 7, "7"), ("CM7", 0, "maj7"),
        ("Dm7", 2, "min7"), ("Dm7b5", 2, "m7b5"), ("Gbdim7", 6, "dim7"), ("Abdim", 8, "dim"), ("Faug", 5, "aug"),
        ("C7#5", 0, "aug"), ("Dsus4", 2, "sus"), ("C9", 0, "7"), ("F13", 5, "7"), ("Eb6", 3, "maj"),
        ("Fm6", 5, "min"), ("Gm9", 7, "min7"), ("C/E", 0, "maj"), ("A7/E", 9, "7"), ("Cb", 11, "maj"),
    ],
)  # fmt: skip
def test_lead_sheet_symbols(symbol: str, root: int, quality: str) -> None:
    assert harmony.parse_chord(symbol) == 1 + root * harmony.N_QUALITIES + harmony.QUALITIES.index(quality)


@pytest.mark.parametrize("symbol", ["z", "", "/", "N.C."])
def test_what_is_no_chord_is_none(symbol: str) -> None:
    assert harmony.parse_chord(symbol) == harmony.NO_CHORD


CHART = """Tempo 120
Groove Swing
1 C / G7 /
2 / / / /
Groove Swing
3 Am / /
Groove Waltz Fill
4 Dm / /
"""


def test_a_chart_is_read_and_its_slash_holds_the_chord() -> None:
    chart = charts.parse_chart(CHART)
    c, g7 = harmony.parse_chord("C"), harmony.parse_chord("G7")
    assert chart.bars[0] == (c, c, g7, g7)
    assert chart.bars[1] == (g7,) * 4
    assert chart.sections == (3,), "the same groove again is not a section"


def test_a_charts_chords_are_laid_over_the_beats_of_the_piece() -> None:
    chart = charts.parse_chart(CHART)
    beats = harmony.beats_of(np.array([0, 48, 96, 132, 168, 204], dtype=np.int32))
    codes = charts.chords_on_beats(chart, beats)
    assert len(codes) == 17
    assert codes[:4].tolist() == list(chart.bars[0])
    assert codes[8:11].tolist() == list(chart.bars[2])
    assert codes[14:].tolist() == [harmony.NO_CHORD] * 3, "a bar past the chart's end"
