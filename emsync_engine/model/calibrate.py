"""Calibration: one temperature a field, fitted on held-out windows and folded into exported weights.

    python -m emsync_engine.model.calibrate --weights build/large --out build/calibrated

A network that has seen its data many times is surer than it is right. Dividing a field's logits by one number mends
most of that and changes no ranking (temperature scaling, Guo et al. 2017). Half of the held-out windows fit the
temperatures, the other half tells what that gained; both figures are kept in `model.json`.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from emsync_engine.model import checkpoint, layouts, shards, sources, validation
from emsync_engine.model.net import FIELDS, Composer
from emsync_engine.model.train import DEFAULT_DATA

log = logging.getLogger(__name__)

GRID = (0.9, 1.0, 1.12, 1.25, 1.4, 1.6, 1.8, 2.1)
"""Temperatures that are tried; the best of each field lies on a parabola through its neighbours."""
_BESIDE = {"time": ("advance", "at_boundary"), "pitch": ("interval", "from_root")}
"""What is added to a field's logits besides its classes."""

Windows = Mapping[str, Sequence[layouts.Sequence]]


def folded(tensors: Mapping[str, Tensor], temperatures: Mapping[str, float]) -> dict[str, Tensor]:
    """The tensors of a network whose logits are divided by a temperature a field."""
    scale = {f"heads.{field}.classes.weight": value for field, value in temperatures.items()}
    scale |= {f"{name}.weight": temperatures[field] for field, names in _BESIDE.items() for name in names}
    return {name: tensor / scale[name] if name in scale else tensor for name, tensor in tensors.items()}


def best_on(grid: Sequence[float], bits: Sequence[float]) -> float:
    """The temperature of least bits: the vertex of the parabola through the best point of the grid (in logarithms)."""
    at = min(max(int(np.argmin(bits)), 1), len(grid) - 2)
    x, y = np.log(grid[at - 1 : at + 2]), np.asarray(bits[at - 1 : at + 2])
    square, slope, _ = np.polyfit(x, y, 2)
    vertex = -slope / (2 * square) if square > 0 else x[int(np.argmin(y))]
    return float(np.exp(np.clip(vertex, x[0], x[-1])))


class Calibration:
    """Measures a network on windows, each source weighing as many notes as it has in the training data."""

    def __init__(self, model: Composer, notes: Mapping[str, int], bf16: bool = True) -> None:
        self.model, self.notes, self.bf16 = model, notes, bf16
        self._tensors = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}

    def bits(self, windows: Windows, temperatures: Mapping[str, float]) -> dict[str, float]:
        """Bits a note by field at these temperatures."""
        self.model.load_state_dict(folded(self._tensors, temperatures))
        results = validation.evaluate(self.model, windows, 8, torch.device("cpu"), self.bf16)
        total = sum(self.notes[source] for source in results)
        share = {source: self.notes[source] / total / max(found.notes, 1) for source, found in results.items()}
        return {f: sum(found.fields[f] * share[source] for source, found in results.items()) for f in FIELDS}

    def fit(self, windows: Windows) -> dict[str, float]:
        """The best temperature of each field."""
        tried = [self.bits(windows, dict.fromkeys(FIELDS, value)) for value in GRID]
        return {field: round(best_on(GRID, [row[field] for row in tried]), 3) for field in FIELDS}


def calibrate(weights: Path, data: Path, out: Path, windows: int = 24) -> dict[str, float]:
    """Write calibrated weights to `out`; returns the temperatures. `windows` are looked at in each source."""
    model = checkpoint.load_model(weights)
    notes = {name: shard.n_notes for name, shard in shards.load_split(data, "train").items()}
    length = model.config.context + 1
    found = {n: validation.held_out_windows(s, windows, length) for n, s in shards.load_split(data, "valid").items()}
    fitting, telling = ({n: w[start::2] for n, w in found.items() if w[start::2]} for start in (0, 1))
    calibration = Calibration(model, notes)
    temperatures = calibration.fit(fitting)
    before = sum(calibration.bits(telling, dict.fromkeys(FIELDS, 1.0)).values())
    after = sum(calibration.bits(telling, temperatures).values())
    log.info("temperatures %s: %.3f -> %.3f bits a note", temperatures, before, after)
    described = json.loads((weights / "model.json").read_text(encoding="utf-8"))
    about = {key: value for key, value in described.items() if key != "model"}
    about["calibration"] = {"temperatures": temperatures, "before": round(before, 4), "after": round(after, 4)}
    about["rights"] = sources.statement(notes)
    checkpoint.export(out, model, dict(model.named_parameters()), torch.bfloat16, about)
    return temperatures


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="emsync calibrate", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--weights", type=Path, required=True, help="an export (model.json and its files)")
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--windows", type=int, default=24, help="held-out windows a source")
    args = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    calibrate(args.weights, args.data, args.out, args.windows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
