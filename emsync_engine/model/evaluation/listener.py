"""Valence and arousal as listeners would feel them: a small convolutional network on the bare notes.

It reads a piano roll folded into three registers of twelve pitch classes (which class begins and which sounds at which
sixteenth) and nothing else: no chords, no key, no mode, no tempo, no velocity, none of the features that the composer's
valence labels were computed from. Its kernels run round the octave, so that a transposed piece is judged alike.

It was trained on VGMIDI's listeners (medians of some thirty raters a measure) in five folds that keep every series of
games together; all networks judge together, and `listener.json` holds their errors on the series they had not seen.
`train_listener` has the command that made it.
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
WINDOW_STEPS = 128
"""Thirty-two quarters around the bar that is judged."""
REGISTERS = (52, 67)
"""Pitches at which the middle and the high register begin."""
CLASSES = 12
CHANNELS = 2 * (len(REGISTERS) + 1)
"""Begins and sounds, by register."""
FOLDS, COPIES = 5, 2
"""Networks: `COPIES` from different seeds without each fold."""
SCALES = ("valence", "arousal")
TIME_1, TIME_2 = (4, 4), (4, 2)
"""Steps that a kernel spans and steps between its places, in both convolutions."""
QUIET = 0.02
"""Added to what a channel sounds in all, so that silence divides by something."""
WEIGHTS = Path(__file__).parent / "listener.npz"
REPORT = Path(__file__).parent / "listener.json"


def roll_of(piece: ev.Piece) -> FloatArray:
    """Roll of the pitched notes, (CHANNELS, CLASSES, steps), with half a window of silence on either side."""
    steps = -(-int(piece.bar_start[-1]) // STEP_TICKS)
    roll = np.zeros((CHANNELS, CLASSES, steps + WINDOW_STEPS), dtype=np.float32)
    pitched = piece.group != ev.DRUMS
    pitch = piece.pitch[pitched].astype(int)
    register = np.searchsorted(REGISTERS, pitch, side="right")
    begin = piece.onset[pitched] // STEP_TICKS + WINDOW_STEPS // 2
    end = np.maximum(-(-(piece.onset + piece.duration)[pitched] // STEP_TICKS) + WINDOW_STEPS // 2, begin + 1)
    roll[register, pitch % CLASSES, begin] = 1.0
    sounds = register + len(REGISTERS) + 1
    for channel, row, first, last in zip(sounds, pitch % CLASSES, begin, end, strict=True):
        roll[channel, row, first:last] = 1.0
    return roll


def centres(piece: ev.Piece) -> NDArray[np.int64]:
    """First step, in the padded roll, of the window around each bar's middle."""
    middle = (piece.bar_start[:-1] + piece.bar_start[1:]) // (2 * STEP_TICKS)
    return np.asarray(middle, dtype=np.int64)


@dataclass(frozen=True)
class Listener:
    """The trained networks: weights by `NUMBER.NAME`; `mean` and `spread` bring them to the listeners' scale."""

    tensors: Mapping[str, FloatArray]
    report: Mapping[str, Any]

    def judge(self, piece: ev.Piece) -> FloatArray:
        """Valence and arousal of each bar on the listeners' scale, (bars, 2)."""
        roll, first = roll_of(piece), centres(piece)
        windows = np.lib.stride_tricks.sliding_window_view(roll, WINDOW_STEPS, axis=2)
        numbers = range(FOLDS * COPIES)
        out = []
        for begin in range(0, len(first), 16):
            batch = np.ascontiguousarray(windows[:, :, first[begin : begin + 16]].transpose(2, 0, 1, 3))
            out.append(np.mean([self._forward(number, batch) for number in numbers], axis=0))
        standard = np.concatenate(out)
        return np.asarray(standard * self.tensors["spread"] + self.tensors["mean"], dtype=np.float32)

    def _forward(self, number: int, x: FloatArray) -> FloatArray:
        """Windows (B, CHANNELS, CLASSES, WINDOW_STEPS) -> standardised valence and arousal (B, 2)."""

        def own(name: str) -> FloatArray:
            return self.tensors[f"{number}.{name}"]

        share = x.mean(axis=3, keepdims=True)
        share = CLASSES * share / (share.sum(axis=2, keepdims=True) + QUIET)
        whole = np.maximum(convolve(share, own("whole.weight"), own("whole.bias"), 1), 0)[:, :, :, 0]
        x = np.maximum(convolve(x, own("first.weight"), own("first.bias"), TIME_1[1]), 0)
        x = np.maximum(convolve(x, own("second.weight"), own("second.bias"), TIME_2[1]), 0)
        found = [x.mean(axis=(2, 3)), x.max(axis=2).mean(axis=2), whole.mean(axis=2), whole.max(axis=2)]
        pooled = np.concatenate(found, axis=1)
        hidden = np.maximum(pooled @ own("hidden.weight").T + own("hidden.bias"), 0)
        return np.asarray(hidden @ own("out.weight").T + own("out.bias"))


def convolve(x: FloatArray, kernel: FloatArray, bias: FloatArray, stride: int) -> FloatArray:
    """Convolution round the octave and along time. x (B, channels, 12, T), kernel (out, channels, 12, t)."""
    round_octave = np.concatenate([x, x[:, :, : kernel.shape[2] - 1]], axis=2)
    patches = np.lib.stride_tricks.sliding_window_view(round_octave, kernel.shape[2:], axis=(2, 3))
    patches = patches[:, :, :, ::stride].transpose(0, 2, 3, 1, 4, 5)
    b, rows, columns = patches.shape[:3]
    flat = patches.reshape(b * rows * columns, -1) @ kernel.reshape(len(kernel), -1).T + bias
    return np.asarray(flat.reshape(b, rows, columns, -1).transpose(0, 3, 1, 2))


@lru_cache(maxsize=1)
def load() -> Listener:
    """The listener that comes with the program."""
    with np.load(WEIGHTS) as stored:
        tensors = {name: stored[name].astype(np.float32) for name in stored.files}
    return Listener(tensors, json.loads(REPORT.read_text(encoding="utf-8")))
