"""The listener: what it hears, what it must not care about, and that the shipped file is what was trained."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from evaluation_music import tune

from emsync_engine.model import events as ev
from emsync_engine.model.evaluation import listener
from emsync_engine.model.midi_files import read_piece


@pytest.fixture(scope="module")
def ear() -> listener.Listener:
    return listener.load()


def test_every_bar_is_judged(ear: listener.Listener) -> None:
    piece = read_piece(tune(70))
    felt = ear.judge(piece)
    assert felt.shape == (piece.n_bars, 2)
    assert np.isfinite(felt).all()
    assert (np.abs(felt) < 2).all()


def test_loudness_tempo_and_drums_are_not_heard(ear: listener.Listener) -> None:
    piece = read_piece(tune(60))
    pitched = piece.group != ev.DRUMS
    columns = {name: getattr(piece, name)[pitched] for name in ("onset", "group", "pitch", "duration", "velocity")}
    changed = replace(piece, **columns)
    changed = replace(changed, velocity=np.full_like(changed.velocity, 20), bar_seconds=piece.bar_seconds * 3)
    np.testing.assert_allclose(ear.judge(changed), ear.judge(piece), atol=1e-6)


def test_a_transposed_piece_is_felt_alike_within_a_register(ear: listener.Listener) -> None:
    piece = read_piece(tune(60, low=53))
    moved = replace(piece, pitch=np.where(piece.group == ev.DRUMS, piece.pitch, piece.pitch + 1).astype(np.uint8))
    assert (moved.pitch[piece.group != ev.DRUMS] < listener.REGISTERS[1]).all()
    np.testing.assert_allclose(ear.judge(moved), ear.judge(piece), atol=1e-4)


def test_its_errors_on_series_it_has_not_seen_come_with_it(ear: listener.Listener) -> None:
    for scale in listener.SCALES:
        assert -1 < ear.report[scale]["spearman_measures"] < 1
        assert ear.report[scale]["mae_measures"] > 0
    assert listener.WEIGHTS.stat().st_size < 300_000


def test_the_program_hears_what_training_heard(ear: listener.Listener) -> None:
    torch = pytest.importorskip("torch")
    from emsync_engine.model.evaluation import train_listener

    piece = read_piece(tune(20))
    felt = np.zeros((piece.n_bars, 2), dtype=np.float32)
    heard = train_listener.Heard(listener.roll_of(piece), listener.centres(piece), felt, "tunes")
    net = train_listener.Net().eval()
    net.load_state_dict(
        {n.partition(".")[2]: torch.from_numpy(v) for n, v in ear.tensors.items() if n.startswith("0.")}
    )
    windows = train_listener.windows(heard, np.arange(piece.n_bars))
    np.testing.assert_allclose(ear._forward(0, windows), train_listener.judged(net, heard), atol=1e-4)


def test_a_series_is_never_on_both_sides() -> None:
    pytest.importorskip("torch")
    from emsync_engine.model.evaluation import train_listener

    nothing = np.zeros((1, 1, 1), dtype=np.float32), np.zeros(1, dtype=np.int64), np.zeros((1, 2), dtype=np.float32)
    series = [
        name for name, count in (("a", 9), ("b", 7), ("c", 4), ("d", 3), ("e", 3), ("f", 2)) for _ in range(count)
    ]
    folds = train_listener.folds_of([train_listener.Heard(*nothing, name) for name in series])
    assert set(folds.tolist()) == set(range(listener.FOLDS))
    assert len(set(zip(series, folds.tolist(), strict=True))) == len(set(series))
