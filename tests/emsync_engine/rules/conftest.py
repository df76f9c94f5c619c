"""Cues that many tests look at, composed once."""

from __future__ import annotations

import pytest
from composed import Cue, random_cues


@pytest.fixture(scope="session")
def cues() -> list[Cue]:
    """Random one-minute cues of every mood."""
    return list(random_cues(42))
