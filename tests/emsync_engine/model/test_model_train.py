"""Training: it learns, stops and goes on exactly, keeps whole checkpoints, runs under torchrun."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from emsync_engine.model import checkpoint, curves, export, feed, optim, train
from emsync_engine.model import config as configs
from emsync_engine.model.net import Composer
from emsync_engine.model.train import Budget


def tiny(**changes: object) -> configs.Config:
    config = configs.load("tiny")
    model = replace(config.model, d_model=32, d_ff=48, d_field=32, d_cond=16)
    settings = replace(config.train, **{"log_every": 2, "eval_sequences": 2, **changes})  # type: ignore[arg-type]
    return replace(config, model=model, train=settings)


def log_of(run: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]


def test_a_minute_of_training_learns_the_little_band(built: Path, tmp_path: Path) -> None:
    """From about 20 bits a note to well below what guessing evenly among the band's own notes would give."""
    config = configs.load("tiny")
    config = replace(config, train=replace(config.train, eval_every=40))
    trainer = train.start(config, tmp_path / "run", built, Budget(steps=120))
    records = log_of(tmp_path / "run")
    valid = [record["valid"] for record in records if "valid" in record]
    assert trainer.step == 120
    assert valid[-1] < 7 < 18 < records[0]["bits_per_note"]  # type: ignore[operator]
    assert valid == sorted(valid, reverse=True)  # type: ignore[type-var]
    svg = (tmp_path / "run" / "curve.svg").read_text()
    assert svg.startswith("<svg")
    assert "valid" in svg
    assert {record["length"] for record in records if "valid" in record} == {128}


def test_going_on_equals_never_having_stopped(built: Path, tmp_path: Path) -> None:
    config = tiny()
    whole = train.Trainer(config, tmp_path / "whole", built, feed.join_world("cpu"))
    (tmp_path / "whole").mkdir()
    whole.fit(Budget(steps=6))
    halves = tmp_path / "parts"
    halves.mkdir()
    begun = train.Trainer(config, halves, built, feed.join_world("cpu"))
    stop_after(begun, 3)
    begun.fit(Budget(steps=6))
    assert begun.step == 3
    resumed = train.Trainer(config, halves, built, feed.join_world("cpu"))
    assert resumed.resume()
    assert (resumed.step, resumed.sequences) == (3, 12)
    resumed.fit(Budget(steps=6))
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, resumed.model.state_dict()[name]), name
    for name, value in whole.average.items():
        assert torch.equal(value, resumed.average[name]), name


def stop_after(trainer: train.Trainer, steps: int) -> None:
    """Ask the trainer to end after some steps, as a signal would."""
    update = trainer._update

    def counted(*args: object) -> float:
        trainer.stop = trainer.step + 1 >= steps
        return update(*args)  # type: ignore[arg-type]

    trainer._update = counted  # type: ignore[method-assign, assignment]


def test_a_signal_ends_the_run_with_a_checkpoint(built: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "emsync_engine.model.train", "--config", "tiny", "--name", "r"]
    command += ["--runs", str(tmp_path), "--data", str(built)]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if '"step"' in line:
                break
        process.terminate()
        process.stderr.read()
    assert process.returncode == 0
    assert len(checkpoint.checkpoints(tmp_path / "r")) == 1


def test_a_checkpoint_that_was_cut_off_is_not_seen(built: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    train.start(tiny(), run, built, Budget(steps=2))
    (run / "step-00000009").mkdir()
    (run / ".step-00000011.tmp").mkdir()
    trainer = train.Trainer(tiny(), run, built, feed.join_world("cpu"))
    assert trainer.resume()
    assert trainer.step == 2


def test_log_lines_from_after_the_checkpoint_are_dropped(built: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    train.start(tiny(), run, built, Budget(steps=4))
    with (run / "log.jsonl").open("a") as file:
        file.write(json.dumps({"step": 99, "events": 1}) + "\n")
    trainer = train.Trainer(tiny(), run, built, feed.join_world("cpu"))
    trainer.resume()
    assert max(int(record["step"]) for record in log_of(run)) == 4  # type: ignore[call-overload]


def test_only_the_last_checkpoints_stay(tmp_path: Path) -> None:
    for step in range(5):
        checkpoint.save(tmp_path, step, {"model": {"a": torch.zeros(2)}}, {})
    assert [path.name for path in checkpoint.checkpoints(tmp_path)] == ["step-00000003", "step-00000004"]


def test_weights_are_written_in_small_pieces(tmp_path: Path) -> None:
    tensors = {f"t{i}": torch.randn(300, 300) for i in range(12)}
    paths = checkpoint.save_pieces(tmp_path, "model", tensors, limit=800_000)
    assert len(paths) > 1
    assert all(path.stat().st_size <= 820_000 for path in paths)
    loaded = checkpoint.load_pieces(tmp_path, "model")
    assert all(torch.equal(loaded[name], tensor) for name, tensor in tensors.items())


def test_exported_weights_load_as_the_same_network(tmp_path: Path) -> None:
    model = Composer(tiny().model)
    checkpoint.export(tmp_path, model, dict(model.named_parameters()), torch.bfloat16, {"note": "test"})
    loaded = checkpoint.load_model(tmp_path)
    for name, value in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value.bfloat16().float())


def test_a_new_run_can_begin_from_weights(built: Path, tmp_path: Path) -> None:
    trainer = train.start(tiny(), tmp_path / "first", built, Budget(steps=4))
    source = checkpoint.checkpoints(tmp_path / "first")[-1]
    other = train.Trainer(tiny(seed=2), tmp_path / "second", built, feed.join_world("cpu"))
    other.warm_start(source)
    for name, value in other.model.named_parameters():
        assert torch.equal(value, trainer.average[name])
    assert other.step == 0


def test_shorter_sequences_keep_the_rows_of_a_step_and_the_run_goes_on(built: Path, tmp_path: Path) -> None:
    config = tiny()
    short = train._with_length(config, 32)
    assert (short.train.batch, short.train.length) == (16, 32)
    assert train._with_length(short, 128).train.batch == config.train.batch
    first = train.start(short, tmp_path, built, Budget(steps=3))
    assert (first.sequences, first.events) == (48, 3 * 4 * 128)
    second = train.start(config, tmp_path, built, Budget(steps=5))
    assert (second.step, second.sequences, second.events) == (5, 56, 5 * 4 * 128)
    with pytest.raises(configs.ConfigError, match="length 48"):
        train._with_length(config, 48)


def test_another_model_does_not_continue_a_run(built: Path, tmp_path: Path) -> None:
    train.start(tiny(), tmp_path, built, Budget(steps=1))
    config = tiny()
    other = replace(config, model=replace(config.model, n_layers=1))
    with pytest.raises(checkpoint.CheckpointError, match="another model"):
        train.Trainer(other, tmp_path, built, feed.join_world("cpu")).resume()


def test_a_folder_without_weights_says_so(tmp_path: Path) -> None:
    with pytest.raises(checkpoint.CheckpointError, match="neither"):
        checkpoint.load_model(tmp_path)
    with pytest.raises(checkpoint.CheckpointError, match="no model-"):
        checkpoint.load_pieces(tmp_path, "model")


def test_training_runs_under_torchrun(built: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command += ["-m", "emsync_engine.model.train", "--config", "tiny", "--name", "ddp", "--steps", "3"]
    command += ["--runs", str(tmp_path), "--data", str(built), "--device", "cpu"]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=240, env={**os.environ, "OMP_NUM_THREADS": "1"}, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    state = checkpoint.read_state(checkpoint.checkpoints(tmp_path / "ddp")[-1])
    assert (state["step"], state["sequences"]) == (3, 12)


def test_helpers_prepare_the_same_sequences(built: Path, tmp_path: Path) -> None:
    world = feed.join_world("cpu")
    prepared = []
    for workers in (0, 2):
        trainer = train.Trainer(tiny(workers=workers), tmp_path, built, world)
        data = feed.batches(trainer.sampler, trainer.config, world, 8)
        prepared.append([next(data).rows for _ in range(3)])
    for alone, helped in zip(*prepared, strict=True):
        assert torch.equal(alone, helped)


def test_training_needs_torch_numpy_and_safetensors_alone() -> None:
    """On a bare GPU machine nothing else of the project's needs is installed."""
    code = (
        "import sys\n"
        "import emsync_engine.model.train, emsync_engine.model.export\n"
        "names = {name.split('.')[0] for name in sys.modules}\n"
        "print(sorted(names & {'mido', 'pretty_midi', 'opentimelineio', 'av', 'scenedetect', 'numba', 'symusic'}))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_run_pauses_and_its_budget_goes_on(built: Path, tmp_path: Path) -> None:
    config = tiny()
    first = train.start(config, tmp_path, built, Budget(minutes=0.1, pause_minutes=0.02), device="cpu")
    assert 0 < first.seconds < 6
    second = train.start(config, tmp_path, built, Budget(minutes=0.1), device="cpu")
    assert second.step > first.step
    assert second.seconds == pytest.approx(6, abs=2)
    rates = [record["rate"] for record in log_of(tmp_path) if "rate" in record]
    assert rates[-1] < 0.5  # type: ignore[operator]


def test_a_run_is_exported_with_its_log(built: Path, tmp_path: Path) -> None:
    trainer = train.start(tiny(), tmp_path / "runs" / "r", built, Budget(steps=4))
    out = tmp_path / "weights"
    assert export.main(["--name", "r", "--runs", str(tmp_path / "runs"), "--out", str(out), "--dtype", "fp32"]) == 0
    assert {path.name for path in out.iterdir()} >= {"model.json", "model-1.safetensors", "log.jsonl", "curve.svg"}
    loaded = checkpoint.load_model(out)
    for name, value in trainer.average.items():
        assert torch.equal(loaded.state_dict()[name], value)


def test_two_processes_learn_what_one_does(built: Path, tmp_path: Path) -> None:
    """The ranks' shares of a batch are the batch: numbers of the sequences, in order."""
    config = tiny()
    world = [feed.World(rank, 2, torch.device("cpu")) for rank in range(2)]
    alone = iter(feed._Numbers(config, feed.World(0, 1, torch.device("cpu")), 8))
    ranks = [iter(feed._Numbers(config, member, 8)) for member in world]
    for _ in range(3):
        assert next(alone) == [number for rank in ranks for number in next(rank)]


@given(step=st.integers(0, 10**5), progress=st.one_of(st.none(), st.floats(0, 1)))
def test_rates_stay_between_nothing_and_one(step: int, progress: float | None) -> None:
    assert 0 <= optim.rate_factor(step, 100, progress, 0.3) <= 1


def test_rates_warm_up_stay_and_fall() -> None:
    assert optim.rate_factor(0, 100, None, 0.3) == 0.01
    assert optim.rate_factor(500, 100, None, 0.3) == 1.0
    assert optim.rate_factor(500, 100, 0.7, 0.3) == pytest.approx(1.0)
    assert optim.rate_factor(500, 100, 0.85, 0.3) == pytest.approx(0.5)
    assert optim.rate_factor(500, 100, 1.0, 0.3) == 0.0


@pytest.mark.parametrize("shape", [(24, 24), (12, 40), (40, 12)])
def test_muons_update_is_nearly_orthogonal(shape: tuple[int, int]) -> None:
    torch.manual_seed(1)
    update = optim.orthogonalise(torch.randn(3, *shape))
    singular = torch.linalg.svdvals(update)
    assert singular.max() < 1.35
    assert singular.median() > 0.6


def test_every_parameter_has_one_optimiser() -> None:
    model = Composer(tiny().model)
    made = optim.make(model, 0.02, 2e-3, 0.01)
    taken = [p for o in (made.muon, made.adamw) for group in o.param_groups for p in group["params"]]
    assert len(taken) == len({id(p) for p in taken}) == len(list(model.parameters()))
    assert all(p.ndim == 2 for group in made.muon.param_groups for p in group["params"])


def test_a_budget_is_used_up_by_steps_or_minutes() -> None:
    assert Budget().progress(10, 1e6) is None
    assert Budget(steps=100).progress(25, 1e6) == 0.25
    assert Budget(minutes=10).progress(10**6, 300) == 0.5
    assert Budget(steps=100, minutes=10).progress(25, 300) == 0.5


def test_an_empty_curve_is_still_a_picture() -> None:
    assert curves.svg({}, "x", "y").startswith("<svg")
