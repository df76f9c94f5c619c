"""Who composes: the trained network or the rules, behind the same two functions."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from emsync_engine import rules
from emsync_engine.errors import InputError
from emsync_engine.model.shipped import has_shipped, shipped
from emsync_engine.score import Note, Score
from emsync_engine.spotting.cuesheet import CueSheet

if TYPE_CHECKING:
    from emsync_engine.model.decode.reference import Network

ENGINES = ("model", "rules")
"""The first is the default wherever its weights are."""
ENGINE_VARIABLE, WEIGHTS_VARIABLE = "EMSYNC_ENGINE", "EMSYNC_WEIGHTS"
"""Environment variables: another default engine, and a folder with weights of one's own."""

OnProgress = Callable[[float], None]
"""Told the share that is done, 0 to 1."""


class Composer(Protocol):
    """Composes cues and takes; the same arguments always give the same notes."""

    name: str

    def compose(self, sheet: CueSheet, seed: int, progress: OnProgress = ...) -> Score:
        """A whole score for the sheet."""
        ...

    def recompose(
        self, score: Score, sheet: CueSheet, start: int, end: int, parts: Sequence[str], seed: int,
        mood: tuple[float, float] | None = None, progress: OnProgress = ...,
    ) -> Score:  # fmt: skip
        """Another take of [start, end) ticks of some parts; whatever else there is stays as it is."""
        ...

    @property
    def rights(self) -> Mapping[str, str]:
        """What a cue may say of its origin: the engine, its weights and their training data."""
        ...


def _silent(_done: float) -> None:
    return None


class Rules:
    """The rule composer: no weights, no training data."""

    name = "rules"
    rights: Mapping[str, str] = {
        "engine": "EMSYNC rules composer",
        "weights": "none: composed by rule, no trained model and no training data were used",
    }

    def compose(self, sheet: CueSheet, seed: int, progress: OnProgress = _silent) -> Score:
        return rules.compose(sheet, seed)

    def recompose(
        self, score: Score, sheet: CueSheet, start: int, end: int, parts: Sequence[str], seed: int,
        mood: tuple[float, float] | None = None, progress: OnProgress = _silent,
    ) -> Score:  # fmt: skip
        return rules.recompose(score, sheet, start, end, parts, seed, mood)


class Model:
    """The trained network. Its weights are read, and its inner loops compiled, when it first composes."""

    name = "model"

    def __init__(self, weights: Path) -> None:
        self.weights = weights

    def compose(self, sheet: CueSheet, seed: int, progress: OnProgress = _silent) -> Score:
        from emsync_engine.model.decode import compose

        def on_bar(_start: int, end: int, _notes: Mapping[str, Sequence[Note]]) -> None:
            progress(end / max(sheet.end_tick, 1))

        return compose(sheet, seed, _network(self.weights), on_bar=on_bar)

    def recompose(
        self, score: Score, sheet: CueSheet, start: int, end: int, parts: Sequence[str], seed: int,
        mood: tuple[float, float] | None = None, progress: OnProgress = _silent,
    ) -> Score:  # fmt: skip
        from emsync_engine.model.decode import recompose

        def on_bar(_start: int, bar_end: int, _notes: Mapping[str, Sequence[Note]]) -> None:
            progress((bar_end - start) / max(end - start, 1))

        return recompose(score, sheet, start, end, parts, seed, _network(self.weights), mood, on_bar=on_bar)

    @property
    def rights(self) -> Mapping[str, str]:
        about = json.loads((self.weights / "model.json").read_text(encoding="utf-8"))
        name = about.get("run", self.weights.name)
        statement = about.get("rights", "weights of your own: what they were trained on is yours to say")
        return {"engine": "EMSYNC model composer", "weights": f"{name}: {statement}"}


@lru_cache(maxsize=1)
def _network(weights: Path) -> Network:
    """The network, ready; kept, so that a process that stays pays for it once."""
    from emsync_engine.model.decode import load, network_of, warm

    network = network_of(load(weights))
    warm(network)
    return network


def warm_up() -> None:
    """Make the default composer ready, where that takes time (a process that will compose later calls this)."""
    chosen = composer_of(default_engine())
    if isinstance(chosen, Model):
        _network(chosen.weights)


def default_engine() -> str:
    """`EMSYNC_ENGINE` where it is set; else the model where weights are, else the rules."""
    chosen = os.environ.get(ENGINE_VARIABLE)
    if chosen:
        return chosen
    return ENGINES[0] if WEIGHTS_VARIABLE in os.environ or has_shipped() else "rules"


def composer_of(engine: str) -> Composer:
    """The composer of a name.

    Raises:
        InputError: there is no such engine.
        MissingComponentError: the model's weights are not there.
    """
    if engine not in ENGINES:
        raise InputError(f"there is no engine {engine!r} (choose from {', '.join(ENGINES)})", code="bad_engine")
    if engine == "rules":
        return Rules()
    own = os.environ.get(WEIGHTS_VARIABLE)
    return Model(Path(own) if own else shipped())
