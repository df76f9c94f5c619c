"""Valence and arousal as listeners would feel them: a small convolutional network on the bare notes.

It reads a piano roll (which key begins and which key sounds at which sixteenth) and nothing else: no chords, no key, no
mode, no tempo, no velocity, none of the features that the composer's valence labels were computed from. It was trained
on VGMIDI's listeners (medians of some thirty raters a measure) in five folds that keep every series of games together;
the five networks judge together, and `listener.json` holds the error of each on the series it had not seen.
See `train_listener` for the command that made it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emsync_engine.model import events as ev

FloatArray = NDArray[np.float32]

STEP_TICKS = ev.GRID // 4
"""Grid ticks of a step: a sixteenth note."""
WINDOW_STEPS = 64
"""Sixteen quarters around the bar that is judged."""
LOWEST, N_PITCHES = 24, 84
"""Pitches of the roll; others are moved into it by octaves."""
FOLDS = 5
SCALES = ("valence", "arousal")
KERNEL_1, STRIDE_1 = (13, 4), (1, 4)
KERNEL_2, STRIDE_2 = (12, 4), (3, 2)
WEIGHTS = Path(__file__).parent / "listener.npz"
REPORT = Path(__file__).parent / "listener.json"


def roll_of(piece: ev.Piece) -> FloatArray:
    """Piano roll of the pitched notes, (2, N_PITCHES, steps): begins here, sounds here. Half a window beside it."""
    steps = -(-int(piece.bar_start[-1]) // STEP_TICKS)
    roll = np.zeros((2, N_PITCHES, steps + WINDOW_STEPS), dtype=np.float32)
    pitched = piece.group != ev.DRUMS
    pitch = piece.pitch[pitched].astype(int)
    row = np.where(pitch < LOWEST, LOWEST + (pitch - LOWEST) % 12, pitch) - LOWEST
    row = np.where(row >= N_PITCHES, N_PITCHES - 12 + (row - N_PITCHES) % 12, row)
    begin = piece.onset[pitched] // STEP_TICKS + WINDOW_STEPS // 2
    end = np.maximum(-(-(piece.onset + piece.duration)[pitched] // STEP_TICKS) + WINDOW_STEPS // 2, begin + 1)
    roll[0, row, begin] = 1.0
    for at, first, last in zip(row, begin, end, strict=True):
        roll[1, at, first:last] = 1.0
    return roll


def centres(piece: ev.Piece) -> NDArray[np.int64]:
    """First step, in the padded roll, of the window around each bar's middle."""
    middle = (piece.bar_start[:-1] + piece.bar_start[1:]) // (2 * STEP_TICKS)
    return np.asarray(middle, dtype=np.int64)


@dataclass(frozen=True)
class Listener:
    """The trained networks. `tensors` maps `FOLD.NAME` to weights; `mean` and `spread` undo the standardised labels."""

    tensors: Mapping[str, FloatArray]
    report: Mapping[str, Any]

    def judge(self, piece: ev.Piece) -> FloatArray:
        """Valence and arousal of each bar on the listeners' scale, (bars, 2)."""
        roll, first = roll_of(piece), centres(piece)
        windows = np.lib.stride_tricks.sliding_window_view(roll, WINDOW_STEPS, axis=2)
        out = []
        for begin in range(0, len(first), 32):
            batch = np.ascontiguousarray(windows[:, :, first[begin : begin + 32]].transpose(2, 0, 1, 3))
            out.append(np.mean([self._forward(fold, batch) for fold in range(FOLDS)], axis=0))
        standard = np.concatenate(out)
        return np.asarray(standard * self.tensors["spread"] + self.tensors["mean"], dtype=np.float32)

    def _forward(self, fold: int, x: FloatArray) -> FloatArray:
        """Windows (B, 2, N_PITCHES, WINDOW_STEPS) -> standardised valence and arousal (B, 2)."""

        def own(name: str) -> FloatArray:
            return self.tensors[f"{fold}.{name}"]

        x = np.maximum(convolve(x, own("first.weight"), own("first.bias"), STRIDE_1), 0)
        x = np.maximum(convolve(x, own("second.weight"), own("second.bias"), STRIDE_2), 0)
        pooled = np.concatenate([x.mean(axis=(2, 3)), x.max(axis=(2, 3))], axis=1)
        hidden = np.maximum(pooled @ own("hidden.weight").T + own("hidden.bias"), 0)
        return np.asarray(hidden @ own("out.weight").T + own("out.bias"))


def convolve(x: FloatArray, kernel: FloatArray, bias: FloatArray, stride: tuple[int, int]) -> FloatArray:
    """Convolution without padding. x (B, channels, H, W), kernel (out, channels, h, w) -> (B, out, H', W')."""
    patches = np.lib.stride_tricks.sliding_window_view(x, kernel.shape[2:], axis=(2, 3))
    patches = patches[:, :, :: stride[0], :: stride[1]].transpose(0, 2, 3, 1, 4, 5)
    b, rows, columns = patches.shape[:3]
    flat = patches.reshape(b * rows * columns, -1) @ kernel.reshape(len(kernel), -1).T + bias
    return np.asarray(flat.reshape(b, rows, columns, -1).transpose(0, 3, 1, 2))


@lru_cache(maxsize=1)
def load() -> Listener:
    """The listener that comes with the program."""
    with np.load(WEIGHTS) as stored:
        tensors = {name: stored[name].astype(np.float32) for name in stored.files}
    return Listener(tensors, json.loads(REPORT.read_text(encoding="utf-8")))
