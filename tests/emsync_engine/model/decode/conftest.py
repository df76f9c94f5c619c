"""Fixtures of the decoder's tests."""

from __future__ import annotations

import numpy as np
import pytest
from decode_music import random_window

from emsync_engine.model import events as ev
from emsync_engine.model import layouts as lay


@pytest.fixture(params=["plain", "infill"])
def sequence(request: pytest.FixtureRequest) -> lay.Sequence:
    """Random music in either layout."""
    window = random_window(3)
    if request.param == "plain":
        return lay.plain(window, begins=True, ends=True)
    parts = np.zeros(ev.N_GROUPS, dtype=bool)
    parts[[0, 2, 4]] = True
    return lay.infill(window, lay.Hole(0, 3, 5, 8, parts), 1.0)
