"""Choosing a class: guidance, biases, temperature, min-p and top-p, and a stream of random numbers a candidate."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from emsync_engine.model import conditions as cond
from emsync_engine.model import events as ev
from emsync_engine.model.decode.frame import BoolArray
from emsync_engine.model.decode.state import State

GUIDED = ("valence", "arousal", "boundary", "density")
"""Channels that guidance strengthens: what the network says without them is compared with what it says with them."""


@dataclass(frozen=True)
class Sampling:
    """How freely classes are chosen."""

    temperature: float = 0.95
    min_p: float = 0.04
    """Classes less likely than this share of the likeliest one are left out (Nguyen et al. 2024)."""
    top_p: float = 1.0
    """Only the likeliest classes that together have this probability stay."""
    guidance: float = 1.0
    """Logits are u + guidance (c - u), with (c) and without (u) the guided conditions; 1 is none and costs nothing
    (classifier-free guidance, Ho & Salimans 2021)."""

    def __post_init__(self) -> None:
        if self.temperature <= 0 or not 0 <= self.min_p < 1 or not 0 < self.top_p <= 1:
            raise ValueError(f"temperature must be above 0, min_p in [0, 1), top_p in (0, 1]: {self}")


class Bias(Protocol):
    """A wish: added to the logits, never a prohibition."""

    def bias(self, field: str, state: State) -> NDArray[np.float32] | None:
        """Logits to add to the classes of a field, or None."""
        ...


@dataclass(frozen=True)
class InHarmony:
    """Notes outside the scale are less likely, tones of the chord a little more; freer where it is agitated."""

    outside: float = 3.0
    inside: float = 0.4
    arousal: NDArray[np.float64] | None = None
    """By bar; above 0.7 the wish fades."""

    def at(self, arousal: NDArray[np.float64]) -> InHarmony:
        """The same wish under an arousal curve."""
        return replace(self, arousal=arousal)

    def bias(self, field: str, state: State) -> NDArray[np.float32] | None:
        if field != "pitch" or state.draft.group == ev.DRUMS:
            return None
        frame, tick = state.frame, state.draft_tick
        strength = 1.0 if self.arousal is None else float(np.clip((1.0 - self.arousal[state.bar]) / 0.3, 0.0, 1.0))
        by_class = np.where(frame.tones[tick], self.inside, np.where(frame.scale[tick], 0.0, -self.outside))
        return np.tile(by_class * strength, 11)[:128].astype(np.float32)


def guide_without(guide: cond.Guide, channels: tuple[str, ...] = GUIDED) -> cond.Guide:
    """The guide with some channels untold."""
    known = guide.known & ~np.isin(cond.CHANNELS, channels)
    return replace(guide, known=known)


def stream_of(seed: int, candidate: int) -> np.random.Generator:
    """The random numbers of one candidate: a counter-based generator, the same on every platform."""
    return np.random.Generator(np.random.Philox(key=np.array([seed % 2**64, candidate], dtype=np.uint64)))


def probabilities(logits: NDArray[np.floating], allowed: BoolArray, sampling: Sampling) -> NDArray[np.float64]:
    """What is chosen from: shape of `logits`, 0 where not allowed or cut by min-p or top-p."""
    scores = np.where(allowed, logits.astype(np.float64), -np.inf) / sampling.temperature
    shares: NDArray[np.float64] = np.exp(scores - scores.max())
    shares[shares < sampling.min_p] = 0.0
    if sampling.top_p < 1:
        order = np.argsort(-shares, kind="stable")
        before = np.cumsum(shares[order]) - shares[order]
        shares[order[before >= sampling.top_p * shares.sum()]] = 0.0
    return np.asarray(shares / shares.sum())


def pick(logits: NDArray[np.floating], allowed: BoolArray, sampling: Sampling, rng: np.random.Generator) -> int:
    """A class drawn by its probability: one random number, whatever is allowed."""
    draw = rng.random()
    cumulated = np.cumsum(probabilities(logits, allowed, sampling))
    chosen = int(np.searchsorted(cumulated, draw * cumulated[-1], side="right"))
    return min(chosen, int(np.flatnonzero(allowed)[-1]))
