"""Write a run's weights for use or for travel: files below 16 MiB, a configuration, and the run's log and curve.

python -m emsync_engine.model.export --name base-1 --out weights --dtype bf16
"""

from __future__ import annotations

import argparse
import logging
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from emsync_engine.model import checkpoint
from emsync_engine.model.train import DEFAULT_RUNS

log = logging.getLogger(__name__)

_TYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def export_run(run: Path, out: Path, dtype: torch.dtype, stem: str = "ema") -> list[Path]:
    """Export the last checkpoint of a run (averaged weights unless `stem` is `model`); returns the files."""
    found = checkpoint.checkpoints(run)
    if not found:
        raise checkpoint.CheckpointError(f"{run}: no checkpoint to export")
    state = checkpoint.read_state(found[-1])
    model = checkpoint.load_model(found[-1], stem)
    about = {"run": run.name, **{key: state[key] for key in ("step", "events", "seconds", "config")}}
    checkpoint.export(out, model, dict(model.named_parameters()), dtype, about)
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
    parser.add_argument("--weights", choices=("ema", "model"), default="ema")
    args = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    kind = _TYPES[args.dtype]
    for path in export_run(args.runs / args.name, args.out, kind, args.weights):
        log.info("%s %.1f MiB", path.name, path.stat().st_size / 2**20)
    return 0


if __name__ == "__main__":
    sys.exit(main())
