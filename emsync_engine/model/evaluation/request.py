"""What is to be evaluated, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emsync_engine.model.decode.draft import Decoding
from emsync_engine.model.decode.fast import network_of, warm
from emsync_engine.model.decode.reference import Network
from emsync_engine.model.decode.weights import Weights, load
from emsync_engine.model.decode.wishes import Wishes
from emsync_engine.model.evaluation.tables import Table

Progress = Callable[[str], None]
"""Told what is being done."""


def silent(_text: str) -> None:
    """Nobody wants to know."""


NO_WISHES = Wishes(outside=0.0, inside=0.0, level=0.0, pace=0.0, turns=0.0, echo=0.0)
DETAIL = ("density", "chord", "key")
"""Channels that spell out what valence and arousal are to bring about; without them the network has to know itself."""


@dataclass(frozen=True)
class System:
    """A network and how it is decoded."""

    name: str
    network: Network
    decoding: Decoding


@dataclass(frozen=True)
class Request:
    """One evaluation."""

    weights: Weights
    compare: Mapping[str, Weights] = field(default_factory=dict)
    """Other networks by name: other conditionings, trained as long."""
    quick: bool = False
    """Fewer and shorter cues, fewer notes."""
    progress: Progress = silent

    def network(self, name: str = "") -> Network:
        """The network for decoding, warm; of a comparison where it is named."""
        network = network_of(self.compare[name] if name else self.weights)
        warm(network)
        return network


@dataclass(frozen=True)
class Report:
    """What was measured: tables for people, the same numbers by name for programs."""

    tables: tuple[Table, ...]
    numbers: dict[str, Any]


def compared(folders: Mapping[str, Path]) -> dict[str, Weights]:
    """Weights of the folders by name."""
    return {name: load(folder) for name, folder in folders.items()}
