"""Train the listener (`listener.py`) on VGMIDI: pieces with the valence and arousal that people felt at each measure.

    python -m emsync_engine.model.evaluation.train_listener --pieces FOLDER

FOLDER holds the MIDI files and `labels.json` ({file: {series, valence_median: [per measure], arousal_median}}). Five
networks are trained, each without the series of one fold (a series of games is never on both sides); each is tested on
its fold, and these errors are what `listener.json` tells. Needs torch; about ten minutes on one core.
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
EPOCHS, BATCH = 24, 32
MEASURES_A_PIECE = 14
"""Measures drawn from each piece in an epoch, so that long pieces count no more than short ones."""
RATE, DECAY, DROPOUT = 2e-3, 0.02, 0.3
TRANSPOSE = 6


@dataclass(frozen=True)
class Heard:
    """One annotated piece: its roll, where the window of each measure begins, what was felt there, its series."""

    roll: NDArray[np.float32]
    first: NDArray[np.int64]
    felt: NDArray[np.float32]
    """Valence and arousal by measure, (measures, 2)."""
    series: str


class Net(nn.Module):
    """Two convolutions over the roll, mean and maximum of what they find, one hidden layer."""

    def __init__(self, channels: int = 16, hidden: int = 24) -> None:
        super().__init__()
        self.first = nn.Conv2d(2, channels, ear.KERNEL_1, ear.STRIDE_1)
        self.second = nn.Conv2d(channels, channels, ear.KERNEL_2, ear.STRIDE_2)
        self.hidden = nn.Linear(2 * channels, hidden)
        self.out = nn.Linear(hidden, len(ear.SCALES))

    def forward(self, x: Tensor) -> Tensor:
        """(B, 2, N_PITCHES, WINDOW_STEPS) -> (B, 2), standardised."""
        x = functional.relu(self.first(x))
        x = functional.relu(self.second(functional.dropout2d(x, DROPOUT / 2, self.training)))
        pooled = torch.cat([x.mean(dim=(2, 3)), x.amax(dim=(2, 3))], dim=1)
        hidden = functional.relu(self.hidden(functional.dropout(pooled, DROPOUT, self.training)))
        out: Tensor = self.out(functional.dropout(hidden, DROPOUT, self.training))
        return out


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


def windows(piece: Heard, measures: NDArray[np.int64], shift: int = 0) -> NDArray[np.float32]:
    """Windows of measures, transposed by `shift` semitones: (measures, 2, N_PITCHES, WINDOW_STEPS)."""
    cut = np.stack([piece.roll[:, :, at : at + ear.WINDOW_STEPS] for at in piece.first[measures]])
    moved = np.roll(cut, shift, axis=2)
    if shift > 0:
        moved[:, :, :shift] = 0
    elif shift < 0:
        moved[:, :, shift:] = 0
    return np.asarray(moved)


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
            x.append(windows(piece, measures, int(rng.integers(-TRANSPOSE, TRANSPOSE + 1))))
            y.append((piece.felt[measures] - mean) / spread)
        inputs, targets = torch.from_numpy(np.concatenate(x)), torch.from_numpy(np.concatenate(y))
        order = torch.from_numpy(rng.permutation(len(inputs)))
        for chosen in order.split(BATCH)[: len(inputs) // BATCH]:
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
        net = train([p for p, f in zip(pieces, folds, strict=True) if f != fold], mean, spread, SEED + fold)
        tensors |= {f"{fold}.{name}": value.numpy().astype(np.float16) for name, value in net.state_dict().items()}
        for index in np.flatnonzero(folds == fold):
            guesses[index] = judged(net, pieces[index]) * spread + mean
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
