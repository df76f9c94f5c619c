"""The boundary reader, fitted: what being told of a boundary in the bar changes about when the next row comes.

    python -m emsync_engine.model.hindsight --out own --name own_a --first 100000 --pieces 200
    python -m emsync_engine.model.hindsight --out own --name own_b --first 200000 --pieces 200
    python -m emsync_engine.model.boundaries --weights FIRST --own own --out weights

The reader adds one number to the logit of the boundary's place and one to those of all places beyond it, both linear in
what the time field's head has in hand. Everything else stays as it is, so what is fitted is a logistic regression of
three classes (the next row comes before the boundary, at it, beyond it) whose offsets are what the network itself gives
them: convex, and done in seconds once the network has read the rows.

Most of the rows are the composer's own music in hindsight (`hindsight`), where the strikes that happened are news; the
rest is training music with its labels, of which the network knows by heart what comes next: it keeps the reader from
expecting a strike where another kind of boundary is announced. The last source of own music is not fitted on; what the
reader tells of it, and of held-out pieces, is kept in `model.json`.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from emsync_engine.model import checkpoint, layouts, shards, validation
from emsync_engine.model import conditions as cond
from emsync_engine.model import events as ev
from emsync_engine.model.config import DataConfig
from emsync_engine.model.net import BOUNDARY_READER, Batch, Composer
from emsync_engine.model.shards import Shard
from emsync_engine.model.train import DEFAULT_DATA

log = logging.getLogger(__name__)

OWN_SHARE = 0.7
RIDGE = 1e-3
"""Weight of the squared coefficients, for inputs in standard deviations (of 1e-4, 3e-4 and 1e-3 the best on sequences
of own music that were left out, though not their pieces)."""
BEFORE, AT, BEYOND = range(3)
_BATCH, _SEED = 8, 7
_ALMOST_NEVER = 1e-7


@dataclass(frozen=True)
class Rows:
    """N rows with a boundary ahead in their bar."""

    inner: Tensor
    """What the time field's classes are read from, (N, d_field)."""
    masses: Tensor
    """Log probabilities (N, 3) without a reader that the next row comes before, at and beyond the boundary."""
    happened: Tensor
    """Where it came, (N,)."""


@torch.no_grad()
def rows_of(model: Composer, sequences: Sequence[layouts.Sequence]) -> Rows:
    """The rows of some sequences of one length that have a boundary ahead in their bar and count in training."""
    found = [
        _of_batch(model, validation.collate(sequences[at : at + _BATCH])) for at in range(0, len(sequences), _BATCH)
    ]
    return Rows(*(torch.cat(parts) for parts in zip(*found, strict=True)))


def _of_batch(model: Composer, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
    width = batch.rows.shape[-1]
    last, target = batch.rows[:, :-1].reshape(-1, width).long(), batch.rows[:, 1:].reshape(-1, width).long()
    hit = batch.categories[:, :-1, cond.CAT_HIT].reshape(-1).long()
    kind = target[:, ev.COL_KIND]
    counts = (batch.weight[:, 1:].reshape(-1) > 0) & (hit < cond.HIT_NONE)
    chosen = counts & ((kind == ev.NOTE) | (kind == ev.BAR) | (kind == ev.END))
    with torch.autocast(batch.rows.device.type, torch.bfloat16):
        x = model.hidden(batch.rows[:, :-1], batch.values[:, :-1], batch.categories[:, :-1])
        x = x.reshape(len(last), -1)[chosen]
        inner = model.time_inner(x).float()
        shares = model.time_logits(x, last[chosen], torch.full_like(hit[chosen], cond.HIT_NONE)).softmax(1)
    hit, kind = hit[chosen], kind[chosen]
    time = torch.where(kind == ev.NOTE, target[chosen, ev.COL_POS], ev.T_BAR)
    places = torch.arange(shares.shape[1])
    before = (shares * (places < hit[:, None])).sum(1)
    at = shares.gather(1, hit[:, None])[:, 0]
    masses = torch.stack([before, at, 1 - before - at], 1).clamp(min=_ALMOST_NEVER).log()
    return inner, masses, torch.where(time < hit, BEFORE, torch.where(time == hit, AT, BEYOND))


def nats(reader: Tensor, rows: Rows) -> Tensor:
    """Mean nats of where the next row came, with a reader (2, d_field) of the boundary's place and beyond."""
    told = functional.pad(rows.inner @ reader.T, (1, 0))
    return functional.cross_entropy(rows.masses + told, rows.happened)


def fit(parts: Sequence[tuple[float, Rows]], ridge: float = RIDGE) -> Tensor:
    """The reader (2, d_field) of least nats over rows with their shares (Newton's way, as L-BFGS has it)."""
    spread = torch.cat([rows.inner for _, rows in parts]).std(0).clamp(min=1e-6)
    scaled = torch.zeros(2, len(spread), requires_grad=True)
    optimiser = torch.optim.LBFGS([scaled], max_iter=200, history_size=20, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimiser.zero_grad()
        total = ridge * scaled.square().sum()
        for share, rows in parts:
            total = total + share * nats(scaled / spread, rows)
        total.backward()  # type: ignore[no-untyped-call]
        return total

    optimiser.step(loss)  # type: ignore[no-untyped-call]
    return (scaled / spread).detach()


def sequences_of(
    model: Composer, sources: Mapping[str, Shard], count: int, strike_share: float
) -> list[layouts.Sequence]:
    """Training sequences of half a context whose boundaries are told in nine of ten."""
    config = DataConfig(infill_share=0.2, null_share=0.0, drop_share=0.1, strike_share=strike_share)
    sampler = layouts.Sampler(sources, config, model.config.context // 2 + 1, _SEED)
    return [sampler.sequence(index) for index in range(count)]


def fit_reader(weights: Path, own: Path, data: Path, out: Path, count: int = 800) -> dict[str, float]:
    """Write the weights with a reader fitted on `count` sequences of own music and as many of training music.

    Returns:
        Mean nats of where the next row comes, without (`..._before`) and with the reader, of own music that was not
        fitted on and of held-out pieces.
    """
    model = with_reader(checkpoint.load_model(weights))
    sources = shards.load_split(own, "train")
    *fitted, apart = sorted(sources)
    if not fitted:
        raise ValueError(f"{own}: needs two sources of own music, one to fit on and one to tell by")

    def read(chosen: Mapping[str, Shard], number: int, strike_share: float = DataConfig.strike_share) -> Rows:
        names = ", ".join(sorted(chosen))
        log.info("reading %s", names)
        rows = rows_of(model, sequences_of(model, chosen, number, strike_share))
        if not len(rows.happened):
            raise ValueError(f"no boundary lies ahead in any bar that was read of {names}")
        return rows

    mine = read({name: sources[name] for name in fitted}, count, 1.0)
    theirs = read(shards.load_split(data, "train"), count)
    reader = fit([(OWN_SHARE, mine), (1 - OWN_SHARE, theirs)])
    told = {
        "own": read({apart: sources[apart]}, count // 4, 1.0),
        "held_out": read(shards.load_split(data, "valid"), count // 4),
    }
    none = torch.zeros_like(reader)
    figures = {f"{name}_before": round(float(nats(none, rows)), 4) for name, rows in told.items()}
    figures |= {name: round(float(nats(reader, rows)), 4) for name, rows in told.items()}
    about = json.loads((weights / "model.json").read_text(encoding="utf-8"))
    about = {key: value for key, value in about.items() if key != "model"}
    about["boundary_reader"] = {"rows": len(mine.happened) + len(theirs.happened), "nats": figures}
    checkpoint.export(out, model, {**dict(model.named_parameters()), BOUNDARY_READER: reader}, torch.bfloat16, about)
    return figures


def with_reader(model: Composer) -> Composer:
    """The network with a boundary reader that says nothing yet, if it had none."""
    if model.config.boundary_reader:
        return model
    wider = Composer(replace(model.config, boundary_reader=True))
    wider.load_state_dict(model.state_dict(), strict=False)
    return wider.eval()


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m emsync_engine.model.boundaries", description=__doc__)
    parser.add_argument("--weights", type=Path, required=True, help="an export (model.json and its files)")
    parser.add_argument("--own", type=Path, required=True, help="folder of two sources that `hindsight` wrote")
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="the data set")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--sequences", type=int, default=800, help="sequences read of own and of training music")
    args = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    figures = fit_reader(args.weights, args.own, args.data, args.out, args.sequences)
    log.info("nats of where the next row comes: %s", figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
