"""The composer's own music as training data."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from emsync_engine.model import checkpoint, hindsight, labels, shards, valence
from emsync_engine.model import config as configs
from emsync_engine.model.net import Composer


@pytest.fixture
def data(built: Path, tmp_path: Path) -> Path:
    """The little data set with a valence model that finds everything alike."""
    folder = tmp_path / "data"
    shutil.copytree(built, folder)
    ones = (1.0,) * len(valence.FEATURES)
    model = valence.ValenceModel(ones, ones, ones, 0.25)
    (folder / "valence.json").write_text(valence.to_json(model, valence.ValenceReport(0, 0, 0, 0, 0, 0)), "utf-8")
    sheet = json.loads((folder / "datasheet.json").read_text("utf-8"))
    (folder / "datasheet.json").write_text(json.dumps({**sheet, "valence": {"centre": 0.0, "spread": 1.0}}), "utf-8")
    return folder


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    torch.manual_seed(3)
    net = Composer(configs.load("tiny").model)
    checkpoint.export(tmp_path / "weights", net, dict(net.named_parameters()), torch.float32, {})
    return tmp_path / "weights"


def written(data: Path, weights: Path, out: Path, name: str = "own") -> shards.Shard:
    words = ["--weights", weights, "--data", data, "--out", out, "--pieces", 2, "--name", name]
    assert hindsight.main([str(word) for word in words]) == 0
    return shards.load(out / f"{name}.train.npz")


def test_its_own_music_is_labelled_with_the_strikes_that_happened(
    data: Path, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hindsight, "DURATION_S", 12.0)
    shard = written(data, weights, tmp_path / "own")
    assert shard.n_pieces == 2 and shard.n_notes > 50
    assert {path.name for path in data.glob("*.valid.npz")} < {path.name for path in (tmp_path / "own").iterdir()}
    kinds, ticks = shard.columns["boundary_kind"], shard.columns["boundary_tick"]
    first = slice(0, int(shard.piece_boundary[1]))
    struck = labels.struck_ticks(shard.piece(0))
    assert (kinds[first] == labels.STRIKE).any()
    assert set(ticks[first][kinds[first] == labels.STRIKE].tolist()) <= set(struck.tolist())
    again = written(data, weights, tmp_path / "own", "again")
    for name, column in shard.columns.items():
        np.testing.assert_array_equal(column, again.columns[name])


def test_a_data_set_without_valence_is_refused(
    built: Path, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        written(built, weights, tmp_path / "own")
    assert "valence" in capsys.readouterr().err


def test_the_valence_model_comes_back_as_it_was() -> None:
    model = valence.ValenceModel((0.5,) * 3, (2.0,) * 3, (1.5,) * 3, -0.25)
    text = valence.to_json(model, valence.ValenceReport(1, 2, 0.5, 0.5, 0.5, 0.5))
    assert valence.from_json(text) == model
    with pytest.raises(ValueError, match="other features"):
        valence.from_json(text.replace(valence.FEATURES[0], "something"))
