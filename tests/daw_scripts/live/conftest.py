"""A running fake Live with our script in it, and a connector to it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bridge.connectors.base import OnEdit, Options
from bridge.connectors.live import LiveConnector
from tests.daw_scripts.live.lom import Version
from tests.daw_scripts.live.running import RunningLive

VERSIONS: tuple[Version, ...] = ((11, 0), (11, 3), (12, 0), (12, 2))
Start = Callable[..., RunningLive]
Connect = Callable[..., LiveConnector]


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda handle: None)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """``start((11, 3), grid=1.0)`` is a Live that runs until the test ends."""
    lives: list[RunningLive] = []

    def make(version: Version = (12, 2), *, grid: float = 0.0) -> RunningLive:
        live = RunningLive(tmp_path, version, grid=grid)
        lives.append(live)
        return live

    yield make
    for live in lives:
        live.quit()


@pytest.fixture
def connect() -> Iterator[Connect]:
    with ExitStack() as stack:

        def make(live: RunningLive, *, on_edit: OnEdit = "keep", timeout_s: float = 20.0) -> LiveConnector:
            made = LiveConnector(Options(str(live.state), timeout_s, on_edit))
            stack.callback(made.close)
            return made

        yield make
