"""Choosing a class: guidance, temperature, min-p and top-p, and a stream of random numbers a candidate."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from emsync_engine.model import conditions as cond
from emsync_engine.model.decode.frame import BoolArray

GUIDED = ("valence", "arousal", "boundary", "density")
"""Channels that guidance strengthens: what the network says without them is compared with what it says with them."""


@dataclass(frozen=True)
class Sampling:
    """How freely classes are chosen."""

    temperature: float = 0.9
    min_p: float = 0.04
    """Classes less likely than this share of the likeliest one are left out (Nguyen et al. 2024)."""
    top_p: float = 1.0
    """Only the likeliest classes that together have this probability stay."""
    guidance: float = 1.0
    """Logits are u + guidance (c - u), with (c) and without (u) the guided conditions; 1 is none and costs nothing
    (classifier-free guidance, Ho & Salimans 2021)."""

    boundary: float = 4.0
    """Factor on the boundary reader: how much a boundary that is announced in the bar draws the next note to its place.
    The reader speaks of nothing but being told, so this is guidance too, and needs no second stream."""

    def __post_init__(self) -> None:
        if self.temperature <= 0 or not 0 <= self.min_p < 1 or not 0 < self.top_p <= 1:
            raise ValueError(f"temperature must be above 0, min_p in [0, 1), top_p in (0, 1]: {self}")


def guide_without(guide: cond.Guide, channels: tuple[str, ...] = GUIDED) -> cond.Guide:
    """The guide with some channels untold."""
    known = guide.known & ~np.isin(cond.CHANNELS, channels)
    return replace(guide, known=known)


def stream_of(seed: int, candidate: int) -> np.random.Generator:
    """The random numbers of one candidate: a counter-based generator, the same on every platform."""
    return np.random.Generator(np.random.Philox(key=np.array([seed % 2**64, candidate], dtype=np.uint64)))


def probabilities(logits: NDArray[np.floating], sampling: Sampling) -> NDArray[np.float64]:
    """What is chosen from: shape of `logits`, 0 where cut by min-p or top-p."""
    shares = logits.astype(np.float64) / sampling.temperature
    np.exp(shares - shares.max(), out=shares)
    shares[shares < sampling.min_p] = 0.0
    if sampling.top_p < 1:
        order = np.argsort(-shares, kind="stable")
        before = np.cumsum(shares[order]) - shares[order]
        shares[order[before >= sampling.top_p * shares.sum()]] = 0.0
    shares /= shares.sum()
    return shares


def pick(logits: NDArray[np.floating], allowed: BoolArray, sampling: Sampling, rng: np.random.Generator) -> int:
    """A class drawn by its probability among those allowed: one random number, whatever they are."""
    draw = rng.random()
    classes = allowed.nonzero()[0]
    if len(classes) == 1:
        return int(classes[0])
    cumulated = probabilities(logits[classes], sampling).cumsum()
    chosen = int(cumulated.searchsorted(draw * cumulated[-1], side="right"))
    return int(classes[min(chosen, len(classes) - 1)])
