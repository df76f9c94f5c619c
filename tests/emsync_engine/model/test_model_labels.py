"""Arousal, boundaries, sections and valence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from little_band import Struck, band_piece, write_midi

from emsync_engine.model import charts, dataset, harmony, labels, sources, valence
from emsync_engine.model import events as ev
from emsync_engine.model.midi_files import read_piece


def repeated(steps_per_beat: int, velocity: int, bars: int = 8, bpm: float = 120) -> ev.Piece:
    notes = [
        Struck(i / steps_per_beat, 0.2, 60 + i % 5, velocity, 0) for i in range(bars * 4 * steps_per_beat)
    ]  # fmt: skip
    return read_piece(write_midi(notes, bpm=bpm))


def arousal_means(pieces: list[ev.Piece]) -> tuple[list[float], list[float]]:
    raw = [labels.raw_arousal(piece) for piece in pieces]
    free, real = labels.arousal_of_source(np.concatenate([r for r, _ in raw]), np.concatenate([q for _, q in raw]))
    ends = np.cumsum([piece.n_bars for piece in pieces])[:-1]
    return [float(x.mean()) for x in np.split(free, ends)], [float(x.mean()) for x in np.split(real, ends)]


def test_more_onsets_are_more_aroused() -> None:
    free, _ = arousal_means([repeated(1, 80), repeated(2, 80), repeated(4, 80)])
    assert free[0] < free[1] < free[2]


def test_louder_is_more_aroused() -> None:
    free, _ = arousal_means([repeated(2, 40), repeated(2, 80), repeated(2, 120)])
    assert free[0] < free[1] < free[2]


def test_tempo_moves_only_the_arousal_in_real_time() -> None:
    free, real = arousal_means([repeated(2, 80, bpm=70), repeated(2, 80, bpm=140)])
    assert free[0] == pytest.approx(free[1])
    assert real[0] < real[1]


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=60))
def test_ranks_keep_order_and_are_centred(values: list[float]) -> None:
    ranks = labels.to_ranks(np.array(values))
    assert np.abs(ranks).max() <= 1
    assert ranks.mean() == pytest.approx(0, abs=1e-9)
    order = np.argsort(values, kind="stable")
    assert (np.diff(ranks[order]) >= 0).all()


def test_long_chords_are_boundaries_and_shorter_or_thinner_ones_are_not() -> None:
    notes = [Struck(0, 2, pitch, 80, 0) for pitch in (60, 64, 67)]
    notes += [Struck(4, 1.5, pitch, 80, 0) for pitch in (60, 64, 67)]
    notes += [Struck(8, 2, pitch, 80, 0) for pitch in (60, 64)]
    notes += [Struck(12, 4, 36 + step, 80, 9) for step in range(4)]
    piece = read_piece(write_midi(notes))
    tick, kind = labels.boundaries(piece, np.zeros(piece.n_bars, dtype=np.uint8))
    assert tick[kind == labels.LONG_CHORD].tolist() == [0]


def test_a_hit_among_soft_notes_is_an_accent() -> None:
    notes = [Struck(i / 2, 0.4, 60, 50, 0) for i in range(64)]
    notes += [Struck(16, 0.4, pitch, 120, 0) for pitch in (48, 52, 55)]
    tick, kind = labels.boundaries(read_piece(write_midi(notes)), np.zeros(8, dtype=np.uint8))
    assert tick[kind == labels.ACCENT].tolist() == [16 * ev.GRID]


def test_a_strike_is_an_accent_where_the_bars_around_have_none() -> None:
    chord = (60, 64, 67)
    notes = [Struck(4.0 * bar, 1, pitch, 80, 0) for bar in range(8) for pitch in chord]  # on every bar line: a pattern
    notes += [Struck(4.0 * bar + 3, 1, pitch, 80, 0) for bar in (2, 3) for pitch in chord]
    notes += [Struck(21.5, 1, pitch, 80, 0) for pitch in chord] + [Struck(9, 1, pitch, 80, 0) for pitch in chord[:2]]
    tick, kind = labels.boundaries(read_piece(write_midi(notes)), np.zeros(8, dtype=np.uint8))
    assert tick[kind == labels.STRIKE].tolist() == [int(21.5 * ev.GRID)]


def test_kick_and_bass_together_are_struck() -> None:
    notes = [Struck(1, 1, 36, 80, 9), Struck(2, 1, 36, 80, 1), Struck(3, 1, 49, 80, 9), Struck(3, 1, 40, 80, 1)]
    piece = read_piece(write_midi(notes, {1: 33}))
    assert labels.struck_ticks(piece).tolist() == [3 * ev.GRID]


def test_a_section_starts_where_harmony_and_parts_change() -> None:
    notes = [Struck(i, 1, 60 + (0, 4, 7)[i % 3], 70, 0) for i in range(48)]
    notes += [Struck(48 + i / 2, 0.5, 66 + (0, 3, 7)[i % 3], 90, 1) for i in range(96)]
    notes += [Struck(48 + i / 2, 0.2, 42, 90, 9) for i in range(96)]
    piece = read_piece(write_midi(notes, {1: 30}))
    beats = harmony.beats_of(piece.bar_start)
    total, _ = harmony.chroma(piece, beats)
    starts = labels.section_starts(piece, np.add.reduceat(total, beats.first_of_bar[:-1], axis=0))
    assert np.flatnonzero(starts).tolist() == [0, 12]


def test_density_codes_can_be_read_back() -> None:
    piece = repeated(4, 80)
    assert 2 ** (labels.density_codes(piece) / labels.DENSITY_SCALE) - 1 == pytest.approx(4, rel=0.02)


def test_valence_features_are_named_and_finite() -> None:
    features = valence.piece_features(read_piece(band_piece(1)))
    assert features.shape[1] == len(valence.FEATURES)
    assert np.isfinite(features).all()


def test_ridge_finds_a_linear_rule() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(500, 4))
    y = x @ np.array([0.5, -0.2, 0.0, 0.1]) + 0.3
    model = valence.ridge(x, y, np.ones(500), penalty=1e-6)
    inside = (np.abs(x) < 2.9).all(axis=1)
    np.testing.assert_allclose(model.predict(x)[inside], y[inside], atol=0.02)


def test_valence_is_explained_on_series_that_were_held_out(music_data: Path, tmp_path: Path) -> None:
    model, report = dataset._valence_model(music_data / "vgmidi.tar.xz")
    assert model is not None
    assert report is not None
    assert report.pieces == 143
    assert report.r2_bars > 0.3
    assert report.spearman_pieces > 0.6


def test_chords_read_from_notes_agree_with_the_charts(music_data: Path) -> None:
    chart_texts = dict(sources.read_files(music_data / "mma_charts.tar.xz", (".txt",)))
    agreed = []
    for number, (name, data) in enumerate(sources.read_files(music_data / "mma.tar.xz")):
        if number >= 200:
            break
        if number % 20:
            continue
        piece = read_piece(data)
        beats = harmony.beats_of(piece.bar_start)
        read = harmony.chords(*harmony.chroma(piece, beats)).astype(int)
        written = charts_of(chart_texts[name], beats)
        both = (read > 0) & (written > 0)
        if both.any():  # a drums-only chart has no harmony to read
            agreed.append(float(((read - 1) // 10 == (written - 1) // 10)[both].mean()))
    assert np.mean(agreed) > 0.7


def charts_of(text: bytes, beats: harmony.Beats) -> np.ndarray:
    return charts.chords_on_beats(charts.parse_chart(text.decode()), beats).astype(int)
