"""Train the composer: from a configuration, on a CPU, a GPU or several, stopped and resumed at any moment.

    python -m emsync_engine.model.train --config base --name base-1
    torchrun --nproc-per-node 4 -m emsync_engine.model.train --config large --name large-1 --minutes 25

A run lives in RUNS/NAME: `log.jsonl`, `curve.svg`, `config.json` and checkpoints. Starting a run that exists
continues it: training sequence number i is a function of the seed and i, so the order of the data goes on
exactly where it stopped.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import logging
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from emsync_engine.model import checkpoint, curves, layouts, optim, shards, validation
from emsync_engine.model import config as configs
from emsync_engine.model.config import Config
from emsync_engine.model.feed import World, batches, join_world
from emsync_engine.model.net import BOUNDARY_READER, FIELDS, Batch, Composer

log = logging.getLogger(__name__)

DEFAULT_DATA = Path("~/.cache/emsync/dataset").expanduser()
BEST = "best"
"""Folder of a run with the averaged weights that did best on held-out music, as an export."""
DEFAULT_RUNS = Path("~/.cache/emsync/runs").expanduser()


@dataclass(frozen=True)
class Budget:
    """When to stop. With none of these, a run goes on until it is told to end (SIGTERM or SIGINT)."""

    steps: int | None = None
    """The step at which the run ends; the rates fall to 0 towards it."""
    minutes: float | None = None
    """Training minutes from where the run first got this budget; the rates fall to 0 towards their end."""
    pause_minutes: float | None = None
    """Minutes after which this process stops, to be resumed later; the rates do not heed it."""

    def progress(self, step: int, used_s: float) -> float | None:
        """Share used, the larger of the two; None without a budget."""
        shares = []
        if self.steps is not None:
            shares.append(step / max(self.steps, 1))
        if self.minutes is not None:
            shares.append(used_s / max(self.minutes * 60, 1e-9))
        return max(shares) if shares else None


class Trainer:
    """A run in progress: network, averaged weights, optimisers, place in the data, log."""

    def __init__(self, config: Config, run: Path, data: Path, world: World) -> None:
        self.config, self.run, self.world = config, run, world
        train = shards.load_split(data, "train")
        held_out = shards.load_split(data, "valid")
        self.length = config.train.length or config.model.context
        self.sampler = layouts.Sampler(train, config.data, self.length + 1, config.train.seed)
        self.notes = {name: train.get(name, shard).n_notes for name, shard in held_out.items()}
        self.held_out = {
            name: validation.held_out_windows(shard, config.train.eval_sequences, self.length + 1)
            for name, shard in held_out.items()
        }
        torch.manual_seed(config.train.seed)
        self.model = Composer(config.model).to(world.device)
        self.model.drop(config.train.dropout)
        self.average = {name: value.detach().clone() for name, value in self.model.named_parameters()}
        self.optimisers = optim.make(
            self.model, config.train.lr_matrix, config.train.lr_other, config.train.weight_decay
        )
        self.step = 0
        self.sequences = 0
        """Sequences used so far: the place in the data."""
        self.events = 0
        """Rows seen so far."""
        self.seconds = 0.0
        """Training time over all processes of the run."""
        self.budget_from: float | None = None
        """`seconds` at which a budget in minutes began."""
        self.best: float | None = None
        """Least bits a note on held-out music so far; its averaged weights are kept in `BEST`."""
        self.stop = False

    @property
    def names(self) -> dict[Tensor, str]:
        return {parameter: name for name, parameter in self.model.named_parameters()}

    def warm_start(self, folder: Path) -> None:
        """Begin from the weights of an export or checkpoint (its averaged weights); the rest starts afresh."""
        source = checkpoint.load_model(folder)
        fresh = self.model.load_state_dict(source.state_dict(), strict=False)
        strange = [name for name in (*fresh.missing_keys, *fresh.unexpected_keys) if name != BOUNDARY_READER]
        if strange:
            raise checkpoint.CheckpointError(f"{folder} is another network: {', '.join(strange[:3])}")
        self.average = {name: value.detach().clone() for name, value in self.model.named_parameters()}

    def resume(self) -> bool:
        """Continue from the run's last checkpoint, if there is one."""
        found = checkpoint.checkpoints(self.run)
        if not found:
            return False
        state = checkpoint.read_state(found[-1])
        if state["config"]["model"] != configs.to_dict(self.config)["model"]:
            raise checkpoint.CheckpointError(f"{found[-1]} has another model configuration; choose another --name")
        self.model.load_state_dict(checkpoint.load_pieces(found[-1], "model"))
        average = checkpoint.load_pieces(found[-1], "ema")
        self.average = {name: average[name].to(self.world.device) for name in self.average}
        tensors = checkpoint.load_pieces(found[-1], "optimiser")
        torch.set_rng_state(tensors.pop("rng"))
        self.optimisers.load(self.names, tensors)
        self.step, self.sequences, self.events = (int(state[name]) for name in ("step", "sequences", "events"))
        self.seconds, self.budget_from = float(state["seconds"]), state.get("budget_from")
        self.best = state.get("best")
        self._trim_log()
        return True

    def _trim_log(self) -> None:
        """Drop log lines from after the checkpoint (written by a process that was killed later)."""
        path = self.run / "log.jsonl"
        if self.world.leads and path.is_file():
            lines = [line for line in path.read_text("utf-8").splitlines() if json.loads(line)["step"] <= self.step]
            path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")

    def save(self) -> None:
        """Write a checkpoint (the leading process does)."""
        if not self.world.leads:
            return
        groups: dict[str, dict[str, Tensor]] = {
            "model": dict(self.model.named_parameters()),
            "ema": self.average,
            "optimiser": {**self.optimisers.tensors(self.names), "rng": torch.get_rng_state()},
        }
        state = {
            "config": configs.to_dict(self.config),
            "seconds": self.seconds,
            "budget_from": self.budget_from,
            "sequences": self.sequences,
            "events": self.events,
            "best": self.best,
        }
        checkpoint.save(self.run, self.step, groups, state)

    def fit(self, budget: Budget) -> None:
        """Train until the budget is used or the process is asked to end; always ends with a checkpoint."""
        settings = self.config.train
        network = self._network()
        data = batches(self.sampler, self.config, self.world, self.sequences)
        began = last_save = last_log = time.monotonic()
        before, meter = self.seconds, _Meter()
        if budget.minutes is None:
            self.budget_from = None
        elif self.budget_from is None:
            self.budget_from = self.seconds
        while not self._ended(budget, time.monotonic() - began):
            progress = budget.progress(self.step, self.seconds - (self.budget_from or 0.0))
            if progress is not None and progress >= 1:
                break
            factor = optim.rate_factor(self.step, settings.warmup_steps, progress, settings.decay_share)
            meter.gradient = self._update(network, data, factor, meter)
            self.step += 1
            self.sequences += settings.batch
            self.events += settings.batch * self.length
            now = time.monotonic()
            self.seconds = before + now - began
            if self.step % settings.log_every == 0:
                rate = settings.log_every * settings.batch * self.length / (now - last_log)
                self._log({**meter.take(), "rate": round(factor, 4), "events_per_s": round(rate)})
                last_log = time.monotonic()
            if self.step % settings.eval_every == 0:
                self.validate()
                last_log = time.monotonic()
            if now - last_save > settings.checkpoint_minutes * 60:
                self.save()
                last_save = time.monotonic()
        self.save()
        if not self.stop:
            self.validate()
        if torch.distributed.is_initialized():
            # Who leaves while another still works takes the connections with him: all go together.
            torch.distributed.barrier()

    def _network(self) -> nn.Module:
        """What is called in a step: the model, shared among processes and compiled as asked."""
        if self.config.train.compile:
            torch._dynamo.config.suppress_errors = True  # without a compiler: only speed is lost
            self.model.compile_parts()
        if not torch.distributed.is_initialized():
            return self.model
        index = self.world.device.index
        return DistributedDataParallel(self.model, device_ids=None if index is None else [index])

    def _ended(self, budget: Budget, elapsed_s: float) -> bool:
        """Whether any process was asked to end or has used its own time."""
        if budget.pause_minutes is not None and elapsed_s >= budget.pause_minutes * 60:
            self.stop = True
        if not torch.distributed.is_initialized():
            return self.stop
        flag = torch.tensor([float(self.stop)], device=self.world.device)
        torch.distributed.all_reduce(flag)
        return bool(flag.item() > 0)

    def _update(self, network: nn.Module, data: Iterator[Batch], factor: float, meter: _Meter) -> Tensor:
        """One step: gradients of the rank's micro batches, clipped; weights; averaged weights. Gradient norm."""
        settings, device = self.config.train, self.world.device
        share = settings.batch // self.world.size
        micro = [next(data).to(device) for _ in range(-(-share // settings.micro_batch))]
        total = sum(part.weight[:, 1:].sum() for part in micro)
        for part in micro:
            with torch.autocast(device.type, torch.bfloat16, enabled=settings.precision == "bf16"):
                nats, weight = network(part)
            loss = (nats.sum(dim=-1) * weight).sum() / total
            loss.backward()
            meter.add(nats.detach(), part, loss.detach())
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), settings.grad_clip)
        self.optimisers.step(factor)
        keep = min(settings.ema, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            current = [parameter.detach() for parameter in self.model.parameters()]
            torch._foreach_lerp_(list(self.average.values()), current, 1 - keep)
        return norm

    @torch.no_grad()
    def validate(self) -> dict[str, validation.Bits]:
        """Bits a note of the averaged weights on held-out windows, logged by source and field."""
        if not self.world.leads:
            return {}
        current = {name: parameter.detach().clone() for name, parameter in self.model.named_parameters()}
        self.model.load_state_dict(self.average)
        self.model.eval()
        with torch.compiler.set_stance("force_eager"):  # other shapes than in training, and only a few
            results = validation.evaluate(
                self.model, self.held_out, self.config.train.micro_batch, self.world.device,
                self.config.train.precision == "bf16",
            )  # fmt: skip
        self.model.load_state_dict(current)
        self.model.train()
        bits = validation.headline(results, self.notes)
        if self.best is None or bits < self.best:
            self.best = bits
            about = {
                "run": self.run.name, "step": self.step, "events": self.events, "seconds": round(self.seconds, 1),
                "valid": round(bits, 4), "config": configs.to_dict(self.config),
            }  # fmt: skip
            checkpoint.export(self.run / BEST, self.model, self.average, torch.bfloat16, about)
        record = {
            "length": self.length,
            "valid": round(bits, 4),
            "fields": validation.add(results.values()).summary(),
            "sources": {name: bits.summary() for name, bits in results.items()},
        }
        self._log(record)
        (self.run / "curve.svg").write_text(curves.of_log(self.run / "log.jsonl"), encoding="utf-8")
        return results

    def _log(self, record: dict[str, Any]) -> None:
        if not self.world.leads:
            return
        line = {"step": self.step, "events": self.events, "seconds": round(self.seconds, 1), **record}
        with (self.run / "log.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        log.info("%s", json.dumps(line))


class _Meter:
    """Loss and bits since the last log line."""

    def __init__(self) -> None:
        self.parts: list[tuple[Tensor, Tensor]] = []
        self.loss: list[Tensor] = []
        self.gradient = torch.zeros(())

    def add(self, nats: Tensor, batch: Batch, loss: Tensor) -> None:
        counted = batch.weight[:, 1:] > 0
        notes = (counted & (batch.rows[:, 1:, 0] == 0)).sum()
        self.parts.append(((nats * counted[..., None]).sum(dim=(0, 1)), notes))
        self.loss.append(loss)

    def take(self) -> dict[str, Any]:
        """What was gathered, and start again."""
        nats = torch.stack([part for part, _ in self.parts]).sum(dim=0)
        notes = torch.stack([number for _, number in self.parts]).sum()
        bits = (nats / notes / 0.6931471805599453).tolist()
        out = {
            "loss": round(float(torch.stack(self.loss).mean()), 4),
            "bits_per_note": round(sum(bits), 4),
            "train_fields": {name: round(value, 3) for name, value in zip(FIELDS, bits, strict=True)},
            "gradient": round(float(self.gradient), 3),
        }
        self.parts, self.loss = [], []
        return out


def _keep_memory() -> None:
    """Tell glibc to keep freed blocks: giving them back and faulting them in again costs a third of a CPU step."""
    if sys.platform != "linux":
        return
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return  # another C library: only speed is lost
    for option, value in ((-4, 0), (-1, 2**31 - 1), (-2, 2**28)):  # M_MMAP_MAX, M_TRIM_THRESHOLD, M_TOP_PAD
        mallopt(option, value)


def start(
    config: Config, run: Path, data: Path, budget: Budget, warm_start: Path | None = None, device: str | None = None
) -> Trainer:
    """Start or continue a run and train it; the command line and the tests come through here."""
    world = join_world(device)
    if config.train.batch % world.size:
        raise configs.ConfigError(f"batch {config.train.batch} does not divide among {world.size} processes")
    if world.device.type == "cpu":
        torch.set_num_threads(config.train.threads)
        _keep_memory()
    torch.set_float32_matmul_precision("high")
    run.mkdir(parents=True, exist_ok=True)
    trainer = Trainer(config, run, data, world)
    if trainer.resume():
        log.info("resumed %s at step %d", run.name, trainer.step)
    elif warm_start is not None:
        trainer.warm_start(warm_start)
        log.info("warm start from %s", warm_start)
    if world.leads:
        (run / "config.json").write_text(json.dumps(configs.to_dict(config), indent=1) + "\n", encoding="utf-8")

    def ask_to_end(_signal: int, _frame: FrameType | None) -> None:
        trainer.stop = True

    previous = {number: signal.signal(number, ask_to_end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        trainer.fit(budget)
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    return trainer


def _with_length(config: Config, length: int) -> Config:
    """The configuration with sequences of another length and as many rows a step."""
    settings = config.train
    before = settings.length or config.model.context
    if length > config.model.context or (before % length and length % before):
        raise configs.ConfigError(f"length {length} is not a whole part or multiple of {before} within the context")
    batch, micro = (max(1, size * before // length) for size in (settings.batch, settings.micro_batch))
    return replace(config, train=replace(settings, length=length, batch=batch, micro_batch=micro))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line's options."""
    parser.add_argument("--config", default="base", help="a TOML file or a shipped name (base, large, paper, none)")
    parser.add_argument("--name", default="base-1", help="name of the run")
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="where `emsync dataset build` wrote")
    parser.add_argument("--runs", type=Path, default=DEFAULT_RUNS, help="where runs are kept")
    parser.add_argument("--steps", type=int, help="stop at this step; the rates fall to 0 towards it")
    parser.add_argument("--minutes", type=float, help="end after these minutes; the rates fall to 0 towards them")
    parser.add_argument("--pause-minutes", type=float, help="stop this process then, to be resumed; rates unaffected")
    parser.add_argument("--decay-share", type=float, help="share of the budget over which the rates fall")
    parser.add_argument("--length", type=int, help="rows of a sequence; the batch is changed to hold as many rows")
    parser.add_argument("--warm-start", type=Path, help="begin from these weights (a new run only)")
    parser.add_argument("--device", choices=("cpu", "cuda"))


def run_with(args: argparse.Namespace) -> dict[str, Any]:
    """Train as the options say; returns where the run is and how it ended."""
    config = configs.load(args.config)
    if args.decay_share is not None:
        config = replace(config, train=replace(config.train, decay_share=args.decay_share))
    if args.length is not None:
        config = _with_length(config, args.length)
    budget = Budget(args.steps, args.minutes, args.pause_minutes)
    trainer = start(config, args.runs / args.name, args.data, budget, args.warm_start, args.device)
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
    return {
        "run": str(trainer.run.resolve()), "step": trainer.step, "events": trainer.events,
        "seconds": round(trainer.seconds, 1), "best": trainer.best,
    }  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="emsync train", description=__doc__.splitlines()[0] if __doc__ else None)
    add_arguments(parser)
    args = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    run_with(args)
    return 0


if __name__ == "__main__":
    sys.exit(main())
