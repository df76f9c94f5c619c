"""The boundary reader is what a logistic regression says it is, and nothing else of the network changes."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from emsync_engine.model import boundaries, checkpoint, labels, layouts, shards
from emsync_engine.model import conditions as cond
from emsync_engine.model import config as configs
from emsync_engine.model import events as ev
from emsync_engine.model.boundaries import AT, BEFORE, BEYOND, Rows
from emsync_engine.model.config import DataConfig
from emsync_engine.model.net import BOUNDARY_READER, Composer
from emsync_engine.model.validation import collate

WIDTH = 5


def some_rows(n: int, seed: int, truth: torch.Tensor) -> Rows:
    """Rows whose next comes as `truth` (2, WIDTH) has it, with offsets of all kinds."""
    rng = torch.Generator().manual_seed(seed)
    inner = torch.randn(n, WIDTH, generator=rng) * torch.tensor([0.5, 1.0, 3.0, 1.0, 1.0])
    masses = torch.randn(n, 3, generator=rng).log_softmax(1)
    told = torch.nn.functional.pad(inner @ truth.T, (1, 0))
    happened = torch.multinomial((masses + told).softmax(1), 1, generator=rng)[:, 0]
    return Rows(inner, masses, happened)


def test_the_fit_finds_the_truth() -> None:
    truth = torch.tensor([[3.0, 1.0, -0.3, 0.0, 0.5], [0.0, -1.0, 0.2, 0.7, 0.0]])
    reader = boundaries.fit([(1.0, some_rows(20_000, 1, truth))], ridge=1e-6)
    torch.testing.assert_close(reader, truth, atol=0.25, rtol=0)
    apart = some_rows(5_000, 2, truth)
    assert boundaries.nats(reader, apart) < boundaries.nats(torch.zeros_like(reader), apart) - 0.1


def test_shares_weigh_the_parts() -> None:
    one, other = torch.full((2, WIDTH), 0.5), torch.full((2, WIDTH), -0.5)
    parts = some_rows(4_000, 3, one), some_rows(4_000, 4, other)
    first, second = (
        boundaries.fit([(share, parts[0]), (1 - share, parts[1])]) @ torch.ones(WIDTH) for share in (0.9, 0.1)
    )
    assert (first > 0).all() and (second < 0).all()


@pytest.fixture
def network() -> Composer:
    torch.manual_seed(3)
    model = configs.load("tiny").model
    return Composer(replace(model, boundary_reader=True)).eval()


@pytest.fixture
def sequences(network: Composer, built: Path) -> list[layouts.Sequence]:
    """Sequences with a boundary somewhere ahead at most rows."""
    drawn = boundaries.sequences_of(network, shards.load_split(built, "train"), 6, DataConfig.strike_share)
    rng = np.random.default_rng(1)
    for sequence in drawn:
        hits = rng.integers(sequence.rows[:, ev.COL_POS], cond.HIT_NONE + 1)
        sequence.categories[:, cond.CAT_HIT] = hits
    return drawn


def test_rows_are_those_before_a_boundary_of_their_bar(network: Composer, sequences: list[layouts.Sequence]) -> None:
    rows = boundaries.rows_of(network, sequences)
    batch = collate(sequences)
    ahead = batch.categories[:, :-1, cond.CAT_HIT] < cond.HIT_NONE
    assert len(rows.happened) == int((ahead & (batch.weight[:, 1:] > 0)).sum()) > 50
    assert set(rows.happened.tolist()) == {BEFORE, AT, BEYOND}
    torch.testing.assert_close(rows.masses.exp().sum(1), torch.ones(len(rows.masses)), atol=1e-2, rtol=0)


def test_what_the_rows_say_of_a_reader_is_what_the_network_says_with_it(
    network: Composer, sequences: list[layouts.Sequence]
) -> None:
    """Added nats of the time field, over all rows: those of the fit, for the reader touches nothing else."""
    rows = boundaries.rows_of(network, sequences)
    reader = torch.randn(2, network.config.d_field, generator=torch.Generator().manual_seed(1))

    def total() -> float:
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            nats, weight = network(collate(sequences))
        return float((nats[..., 0] * (weight > 0)).sum())

    untold = total()
    with torch.no_grad():
        network.at_boundary.weight.copy_(reader)
    fitted = len(rows.happened) * float(boundaries.nats(reader, rows) - boundaries.nats(torch.zeros_like(reader), rows))
    assert total() - untold == pytest.approx(fitted, rel=0.02)


def test_a_network_gets_a_reader_and_keeps_all_else(built: Path, tmp_path: Path) -> None:
    torch.manual_seed(3)
    first = Composer(replace(configs.load("tiny").model, boundary_reader=False))
    weights, own, out = tmp_path / "first", tmp_path / "own", tmp_path / "out"
    tensors = {name: value.bfloat16().float() for name, value in first.named_parameters()}
    checkpoint.export(weights, first, tensors, torch.bfloat16, {"rights": "mine"})
    own.mkdir()
    with np.load(next(built.glob("*.train.npz"))) as source:
        columns = dict(source)
    columns["boundary_kind"][:] = labels.STRIKE
    for name in ("a", "b"):
        np.savez(own / f"{name}.train.npz", **columns)
    words = ["--weights", weights, "--own", own, "--data", built, "--out", out, "--sequences", 8]
    assert boundaries.main([str(word) for word in words]) == 0
    exported = checkpoint.load_model(out)
    found = exported.state_dict()
    assert found.pop(BOUNDARY_READER).abs().sum() > 0
    assert all(torch.equal(value, tensors[name]) for name, value in found.items())
    about = json.loads((out / "model.json").read_text("utf-8"))
    assert about["rights"] == "mine" and set(about["boundary_reader"]["nats"]) == {
        "own", "own_before", "held_out", "held_out_before",
    }  # fmt: skip
    assert np.isfinite(list(about["boundary_reader"]["nats"].values())).all()


def test_own_music_of_one_source_is_not_enough(built: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    shutil.copy(next(built.glob("*.train.npz")), own / "a.train.npz")
    torch.manual_seed(3)
    net = Composer(configs.load("tiny").model)
    checkpoint.export(tmp_path / "first", net, dict(net.named_parameters()), torch.float32, {})
    with pytest.raises(ValueError, match="two sources"):
        boundaries.fit_reader(tmp_path / "first", own, built, tmp_path / "out", 4)
