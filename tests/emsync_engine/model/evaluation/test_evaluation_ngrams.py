"""The baselines: probabilities that sum to one, and contexts that help where music repeats."""

from __future__ import annotations

import numpy as np
from evaluation_music import tune

from emsync_engine.model.decode.weights import FIELD_SIZES
from emsync_engine.model.evaluation import ngrams
from emsync_engine.model.midi_files import read_piece


def test_probabilities_sum_to_one_after_known_and_unknown_contexts() -> None:
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 6, (400, 5)).astype(np.uint8)
    model = ngrams.NGram.fit(codes, 8, ngrams.ORDER)
    for context in ([0, 0, 0, 0], [1, 2, 3, 4], [200, 1, 2, 3], [1, 200, 2, 3]):
        each = np.array([[symbol, *context] for symbol in range(8)], dtype=np.uint8)
        total = sum(2 ** -model.bits(each[i : i + 1]) for i in range(8))
        assert abs(total - 1) < 1e-9


def test_a_unigram_is_the_share_in_the_training_music() -> None:
    codes = np.array([[0, 9, 9, 9, 9]] * 30 + [[1, 9, 9, 9, 9]] * 10, dtype=np.uint8)
    model = ngrams.NGram.fit(codes, 2, 1)
    share = (30 + 2 * 0.5) / 42  # Witten-Bell: two kinds after 40 counts, the rest spread evenly
    assert abs(model.bits(codes[:1]) + np.log2(share)) < 1e-9


def test_five_grams_learn_a_tune_that_unigrams_cannot() -> None:
    training, held_out = (ngrams.codes_of([read_piece(tune(count))]) for count in (300, 120))
    models = ngrams.fit(training)
    one, five = (sum(models[order].bits(held_out).values()) for order in (1, ngrams.ORDER))
    assert five < 0.5 * one


def test_every_note_is_counted_in_every_field() -> None:
    piece = read_piece(tune(50))
    codes = ngrams.codes_of([piece])
    drums = int((piece.group == 0).sum())
    assert len(codes["pitch"]) == len(codes["velocity"]) == piece.n_notes
    assert len(codes["duration"]) == piece.n_notes - drums
    assert len(codes["time"]) == piece.n_notes + piece.n_bars + 1
    assert set(codes) == set(FIELD_SIZES)
