"""Write a run's weights for use or for travel: files below 16 MiB, a configuration, and the run's log and curve.

python -m emsync_engine.model.export --name base-1 --out weights --dtype bf16
"""

from __future__ import annotations

import argparse
import json
import logging
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from emsync_engine.model import checkpoint
from emsync_engine.model import config as configs
from emsync_engine.model.net import BOUNDARY_READER
from emsync_engine.model.train import DEFAULT_RUNS

log = logging.getLogger(__name__)

_TYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def export_run(
    run: Path, out: Path, dtype: torch.dtype, stem: str = "ema", first: Path | None = None, strength: float = 1.0
) -> list[Path]:
    """Export the last checkpoint of a run (averaged weights unless `stem` is `model`); returns the files.

    Args:
        first: the export that a second stage began from. Its weights are taken and the run's boundary reader with them:
            the columns of the conditions that were trained beside it make the network heed arousal less. What the
            first stage says of itself (its data and rights) stays, and the run is told of beside it.
        strength: factor on the boundary reader. What it says is what the network would say more or less of a time for
            being told of a boundary, so this is guidance (Ho & Salimans 2021) that costs nothing while decoding.
    """
    found = checkpoint.checkpoints(run)
    if not found:
        raise checkpoint.CheckpointError(f"{run}: no checkpoint to export")
    state = checkpoint.read_state(found[-1])
    model = checkpoint.load_model(found[-1], stem)
    about = {"run": run.name, **{key: state[key] for key in ("step", "events", "seconds", "config")}}
    if first is not None:
        described = json.loads((first / "model.json").read_text(encoding="utf-8"))
        about = {**{key: value for key, value in described.items() if key != "model"}, "second_stage": about}
    tensors: dict[str, Tensor] = dict(model.named_parameters())
    if BOUNDARY_READER not in tensors and (first is not None or strength != 1):
        raise configs.ConfigError(f"{run.name}: this network has no boundary reader")
    if first is not None:
        tensors |= {n: tensor for n, tensor in checkpoint.load_model(first).named_parameters() if n != BOUNDARY_READER}
    if strength != 1:
        tensors[BOUNDARY_READER] = tensors[BOUNDARY_READER] * strength
        about["boundary_strength"] = strength
    checkpoint.export(out, model, tensors, dtype, about)
    for name in ("log.jsonl", "curve.svg"):
        if (run / name).is_file():
            shutil.copyfile(run / name, out / name)
    return sorted(out.iterdir())


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="emsync export", description="Write a run's weights in small files.")
    parser.add_argument("--name", required=True, help="name of the run")
    parser.add_argument("--runs", type=Path, default=DEFAULT_RUNS)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--dtype", choices=sorted(_TYPES), default="bf16")
    parser.add_argument("--first", type=Path, help="the export that this run, a second stage, began from")
    parser.add_argument("--boundary-strength", type=float, default=1.0, help="factor on the boundary reader")
    parser.add_argument("--weights", choices=("ema", "model"), default="ema")
    args = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    kind = _TYPES[args.dtype]
    for path in export_run(args.runs / args.name, args.out, kind, args.weights, args.first, args.boundary_strength):
        log.info("%s %.1f MiB", path.name, path.stat().st_size / 2**20)
    return 0


if __name__ == "__main__":
    sys.exit(main())
