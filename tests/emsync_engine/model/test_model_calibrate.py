"""Calibration finds the temperature that was hidden in the weights, and training keeps its best weights."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from emsync_engine.model import calibrate, checkpoint, sources, train
from emsync_engine.model import config as configs
from emsync_engine.model.net import FIELDS
from emsync_engine.model.train import BEST, Budget


@pytest.fixture(scope="module")
def run(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short run, evaluated three times."""
    folder = tmp_path_factory.mktemp("runs") / "r"
    config = configs.from_dict({**configs.to_dict(configs.load("tiny"))})
    settings = {**configs.to_dict(config), "train": {**configs.to_dict(config)["train"], "eval_every": 20}}
    train.start(configs.from_dict(settings), folder, built, Budget(steps=60), device="cpu")
    return folder


def test_the_best_weights_of_a_run_are_kept(run: Path) -> None:
    seen = [json.loads(line) for line in (run / "log.jsonl").read_text("utf-8").splitlines()]
    told = [record["valid"] for record in seen if "valid" in record]
    about = json.loads((run / BEST / "model.json").read_text("utf-8"))
    assert len(told) >= 3 and about["valid"] == min(told)
    assert checkpoint.load_model(run / BEST).config == checkpoint.load_model(checkpoint.checkpoints(run)[-1]).config


def test_a_worse_evaluation_leaves_the_best_alone(run: Path, built: Path, tmp_path: Path) -> None:
    state = checkpoint.read_state(checkpoint.checkpoints(run)[-1])
    trainer = train.Trainer(configs.from_dict(state["config"]), run, built, train.join_world("cpu"))
    assert trainer.resume() and trainer.best == pytest.approx(state["best"])
    before = (run / BEST / "model.json").read_bytes()
    with torch.no_grad():
        for value in trainer.average.values():
            value.mul_(8)
    trainer.validate()
    assert (run / BEST / "model.json").read_bytes() == before


def test_calibrated_weights_are_no_worse_and_say_what_was_done(run: Path, built: Path, tmp_path: Path) -> None:
    model = checkpoint.load_model(run / BEST)
    tensors = calibrate.folded(dict(model.named_parameters()), dict.fromkeys(FIELDS, 1 / 6))
    checkpoint.export(tmp_path / "sharp", model, tensors, torch.float32, {"run": "sharp"})
    words = [
        "--weights",
        str(tmp_path / "sharp"),
        "--data",
        str(built),
        "--out",
        str(tmp_path / "out"),
        "--windows",
        "6",
    ]
    assert calibrate.main(words) == 0
    about = json.loads((tmp_path / "out" / "model.json").read_text("utf-8"))
    assert about["calibration"]["after"] < about["calibration"]["before"]
    assert about["run"] == "sharp" and "unstated" in about["rights"]


def test_the_vertex_lies_between_the_points_of_the_grid() -> None:
    grid = calibrate.GRID
    bits = [(np.log(value) - np.log(1.31)) ** 2 for value in grid]
    assert calibrate.best_on(grid, bits) == pytest.approx(1.31, abs=1e-6)
    assert calibrate.best_on(grid, list(range(len(grid)))) == pytest.approx(grid[0])


def test_the_statement_names_every_source() -> None:
    said = sources.statement(["quartets", "groove"])
    assert "OpenScore String Quartets (CC0)" in said and "CC BY 4.0" in said
