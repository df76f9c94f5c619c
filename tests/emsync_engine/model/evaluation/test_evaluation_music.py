"""Statistics of notes, on music whose values are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from evaluation_music import midi_bytes, tune

from emsync_engine.model import events as ev
from emsync_engine.model.evaluation import music
from emsync_engine.model.midi_files import read_piece

QUARTER, BAR = 480, 1920


def piece(*notes: tuple[int, int, int, int, int]) -> ev.Piece:
    """A piece of (channel, start, length, pitch, velocity)."""
    return read_piece(midi_bytes(list(notes)))


def repeated(bars: int) -> ev.Piece:
    """The same four quarters in every bar."""
    return piece(*((0, b * BAR + i * QUARTER, QUARTER, 60 + 4 * i, 80) for b in range(bars) for i in range(4)))


def test_one_pitch_has_no_entropy_and_twelve_equal_ones_the_most() -> None:
    assert music.pitch_class_entropy(piece((0, 0, 480, 60, 80), (0, 480, 480, 72, 80))) == 0
    chromatic = piece(*((0, i * 240, 240, 60 + i, 80) for i in range(12)))
    assert music.pitch_class_entropy(chromatic) == pytest.approx(np.log2(12))
    assert music.scale_consistency(chromatic) == pytest.approx(7 / 12)


def test_a_scale_is_consistent_and_one_strange_note_in_eight_is_heard() -> None:
    scale = [(0, i * 240, 240, pitch, 80) for i, pitch in enumerate((60, 62, 64, 65, 67, 69, 71))]
    assert music.scale_consistency(piece(*scale)) == pytest.approx(1)
    assert music.scale_consistency(piece(*scale, (0, 1680, 240, 61, 80))) == pytest.approx(7 / 8)


def test_equal_bars_repeat_exactly_and_have_one_groove() -> None:
    same = repeated(6)
    assert music.groove_similarity(same) == 1
    assert music.repetition(same) == music.exact_repetition(same) == 1


def test_bars_without_a_common_place_or_pitch_do_not() -> None:
    first = [(0, i * QUARTER, 240, 60, 80) for i in range(4)]
    second = [(0, BAR + i * QUARTER + 240, 240, 61, 80) for i in range(4)]
    other = piece(*first, *second)
    assert music.groove_similarity(other) == pytest.approx(1 - 8 / 16)
    assert music.repetition(other) == 0


def test_silence_is_counted_up_to_the_last_note() -> None:
    assert music.empty_bars(piece((0, 0, 480, 60, 80), (0, 3 * BAR, 480, 60, 80))) == pytest.approx(2 / 4)


def test_voices_that_sound_together_are_counted_where_any_sounds() -> None:
    chord = [(0, 0, BAR, pitch, 80) for pitch in (60, 64, 67)]
    assert music.polyphony(piece(*chord)) == 3
    assert music.polyphony(piece(*chord, (0, 2 * BAR, BAR, 60, 80))) == pytest.approx(2)


def test_drums_alone_have_neither_pitch_classes_nor_polyphony() -> None:
    drums = piece((9, 0, 480, 36, 80))
    assert np.isnan([music.pitch_class_entropy(drums), music.scale_consistency(drums), music.polyphony(drums)]).all()


def test_notes_are_counted_by_the_quarter() -> None:
    assert music.notes_a_quarter(repeated(3)) == 1


def test_notes_no_piano_has_are_violations() -> None:
    assert music.range_violations(piece((0, 0, 480, 60, 80), (0, 480, 480, 120, 80))) == 0.5


def test_music_overlaps_itself_and_not_its_opposite() -> None:
    low, high = read_piece(tune(40, low=36)), read_piece(tune(40, low=84))
    for feature in music.FEATURES:
        assert music.overlap([low], [low], feature) == pytest.approx(1)
    assert music.overlap([low], [high], "pitch") == 0
    assert music.overlap([low], [high], "length") == pytest.approx(1)


def test_bars_of_a_piece_are_a_piece() -> None:
    part = music.cut_bars(repeated(6), 2, 5)
    assert (part.n_bars, part.n_notes, int(part.onset[0])) == (3, 12, 0)


def test_held_out_pieces_come_in_excerpts_by_source(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(music, "EXCERPT_BARS", 4)
    parts = [part for source in music.excerpts(built).values() for part in source]
    assert parts
    assert all(part.n_bars == 4 and part.n_notes for part in parts)
