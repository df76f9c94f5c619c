"""The demo film and a minute of grey, made once."""

from __future__ import annotations

from pathlib import Path

import pytest
from mood_films import clock, write_film

from bridge.demo.film import make_demo


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_demo(tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="session")
def minute(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A minute whose grey tells the time."""
    return write_film(tmp_path_factory.mktemp("film") / "minute.mp4", clock, 60)
