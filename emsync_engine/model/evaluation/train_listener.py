"""Train the listener (`listener.py`) on VGMIDI: pieces with the valence and arousal that people felt at each measure.

    python -m emsync_engine.model.evaluation.train_listener --pieces FOLDER

FOLDER holds the MIDI files and `labels.json` ({file: {series, valence_median: [per measure], arousal_median}}). Ten
networks are trained, two without the series of each fold (a series of games is never on both sides); they are tested on
their fold, and these errors are what `listener.json` tells. Needs torch; some minutes on one core.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from emsync_engine.model import valence
from emsync_engine.model.evaluation import listener as ear
from emsync_engine.model.midi_files import read_piece

SEED = 1
EPOCHS, BATCH = 16, 32
MEASURES_A_PIECE = 12
"""Measures drawn from each piece in an epoch, so that long pieces count no more than short ones."""
RATE, DECAY, DROPOUT = 2e-3, 0.02, 0.2


@dataclass(frozen=True)
class Heard:
    """One annotated piece: its roll, where the window of each measure begins, what was felt there, its series."""

    roll: NDArray[np.float32]
    first: NDArray[np.int64]
    felt: NDArray[np.float32]
    """Valence and arousal by measure, (measures, 2)."""
    series: str


class Net(nn.Module):
    """Two convolutions round the octave and along time, one over the whole window's classes, a hidden layer."""

    def __init__(self, channels: int = 12, whole: int = 16, hidden: int = 16) -> None:
        super().__init__()
        self.whole = nn.Conv2d(ear.CHANNELS, whole, (ear.CLASSES, 1))
        self.first = nn.Conv2d(ear.CHANNELS, channels, (ear.CLASSES, ear.TIME_1[0]), (1, ear.TIME_1[1]))
        self.second = nn.Conv2d(channels, channels, (ear.CLASSES, ear.TIME_2[0]), (1, ear.TIME_2[1]))
        self.hidden = nn.Linear(2 * channels + 2 * whole, hidden)
        self.out = nn.Linear(hidden, len(ear.SCALES))

    def forward(self, x: Tensor) -> Tensor:
        """(B, CHANNELS, CLASSES, WINDOW_STEPS) -> (B, 2), standardised."""
        share = x.mean(dim=3, keepdim=True)
        share = ear.CLASSES * share / (share.sum(dim=2, keepdim=True) + ear.QUIET)
        whole = functional.relu(self.whole(_round(share))).squeeze(3)
        x = functional.relu(self.first(_round(x)))
        x = functional.relu(self.second(_round(functional.dropout2d(x, DROPOUT / 2, self.training))))
        found = [x.mean(dim=(2, 3)), x.amax(dim=2).mean(dim=2), whole.mean(dim=2), whole.amax(dim=2)]
        pooled = torch.cat(found, dim=1)
        hidden = functional.relu(self.hidden(functional.dropout(pooled, DROPOUT, self.training)))
        out: Tensor = self.out(functional.dropout(hidden, DROPOUT, self.training))
        return out


def _round(x: Tensor) -> Tensor:
    """The octave once more on top, so that a kernel runs round it."""
    return torch.cat([x, x[:, :, : ear.CLASSES - 1]], dim=2)


def read(folder: Path) -> list[Heard]:
    """All pieces of at least four annotated measures."""
    table = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
    pieces = []
    for name, entry in sorted(table.items()):
        piece = read_piece(folder / name)
        felt = np.array([entry["valence_median"], entry["arousal_median"]], dtype=np.float32).T
        if piece.n_bars < 4 or len(felt) < 4:
            continue
        bars, measures = piece.n_bars, len(felt)
        place = np.arange(measures) if abs(bars - measures) <= 1 else np.arange(measures) * bars // measures
        first = ear.centres(piece)[np.minimum(place, bars - 1)]
        pieces.append(Heard(ear.roll_of(piece), first, felt, str(entry["series"])))
    return pieces


def folds_of(pieces: Sequence[Heard]) -> NDArray[np.int64]:
    """Fold of each piece: the series, largest first, each into the fold that is smallest by then."""
    series = [piece.series for piece in pieces]
    sizes = np.zeros(ear.FOLDS, dtype=int)
    fold_of = {}
    for name in sorted(set(series), key=lambda name: (-series.count(name), name)):
        fold_of[name] = int(sizes.argmin())
        sizes[fold_of[name]] += series.count(name)
    return np.array([fold_of[name] for name in series])


def windows(piece: Heard, measures: NDArray[np.int64]) -> NDArray[np.float32]:
    """Windows of measures: (measures, CHANNELS, CLASSES, WINDOW_STEPS)."""
    return np.stack([piece.roll[:, :, at : at + ear.WINDOW_STEPS] for at in piece.first[measures]])


def train(pieces: Sequence[Heard], mean: NDArray[np.float32], spread: NDArray[np.float32], seed: int) -> Net:
    """A network trained on these pieces."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    net = Net()
    optimiser = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=DECAY)
    steps = EPOCHS * (len(pieces) * MEASURES_A_PIECE // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps)
    for _ in range(EPOCHS):
        x, y = [], []
        for piece in pieces:
            measures = rng.integers(len(piece.felt), size=MEASURES_A_PIECE)
            x.append(windows(piece, measures))
            y.append((piece.felt[measures] - mean) / spread)
        inputs, targets = torch.from_numpy(np.concatenate(x)), torch.from_numpy(np.concatenate(y))
        order = torch.from_numpy(rng.permutation(len(inputs)))
        for chosen in torch.split(order, BATCH)[: len(inputs) // BATCH]:
            loss = functional.mse_loss(net(inputs[chosen]), targets[chosen])
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
    return net.eval()


@torch.no_grad()
def judged(net: Net, piece: Heard) -> NDArray[np.float32]:
    """Standardised judgements of all measures of a piece."""
    every = np.arange(len(piece.felt))
    parts = [net(torch.from_numpy(windows(piece, every[at : at + 64]))).numpy() for at in range(0, len(every), 64)]
    return np.concatenate(parts)


def quality(truth: Sequence[NDArray[Any]], guess: Sequence[NDArray[Any]]) -> dict[str, float]:
    """Rank correlation, explained variance and mean error of one scale, over measures and over pieces' means."""
    found = {}
    for name, (t, g) in {
        "measures": (np.concatenate(list(truth)), np.concatenate(list(guess))),
        "pieces": (np.array([x.mean() for x in truth]), np.array([x.mean() for x in guess])),
    }.items():
        found[f"spearman_{name}"] = round(valence.spearman(t, g), 3)
        found[f"r2_{name}"] = round(float(1 - ((t - g) ** 2).sum() / ((t - t.mean()) ** 2).sum()), 3)
        found[f"mae_{name}"] = round(float(np.abs(t - g).mean()), 3)
    return found


def fit(folder: Path) -> tuple[dict[str, NDArray[np.float16]], dict[str, Any]]:
    """Tensors of all networks, and their errors on the series they have not seen."""
    pieces = read(folder)
    folds = folds_of(pieces)
    everything = np.concatenate([piece.felt for piece in pieces])
    mean, spread = everything.mean(axis=0), everything.std(axis=0)
    tensors = {"mean": mean.astype(np.float16), "spread": spread.astype(np.float16)}
    guesses: list[NDArray[np.float32]] = [np.zeros(0, dtype=np.float32)] * len(pieces)
    for fold in range(ear.FOLDS):
        others = [p for p, f in zip(pieces, folds, strict=True) if f != fold]
        numbers = range(fold * ear.COPIES, (fold + 1) * ear.COPIES)
        nets = [train(others, mean, spread, SEED + number) for number in numbers]
        for number, net in zip(numbers, nets, strict=True):
            values = net.state_dict().items()
            tensors |= {f"{number}.{name}": value.numpy().astype(np.float16) for name, value in values}
        for index in np.flatnonzero(folds == fold):
            together = np.mean([judged(net, pieces[index]) for net in nets], axis=0)
            guesses[index] = np.asarray(together * spread + mean, dtype=np.float32)
        print(f"fold {fold + 1} of {ear.FOLDS}", file=sys.stderr, flush=True)
    report: dict[str, Any] = {"data": "VGMIDI", "pieces": len(pieces), "measures": len(everything), "folds": ear.FOLDS}
    for scale, name in enumerate(ear.SCALES):
        report[name] = quality([p.felt[:, scale] for p in pieces], [g[:, scale] for g in guesses])
    return tensors, report


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--pieces", type=Path, required=True, help="folder with MIDI files and labels.json")
    parser.add_argument("--out", type=Path, default=ear.WEIGHTS.parent)
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    tensors, report = fit(args.pieces)
    arrays: dict[str, Any] = dict(tensors)
    np.savez_compressed(args.out / ear.WEIGHTS.name, **arrays)
    (args.out / ear.REPORT.name).write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
