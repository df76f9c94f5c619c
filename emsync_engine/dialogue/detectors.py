"""Which detector listens: silero-vad where its package is installed, else our own."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from functools import cache
from typing import Any

from emsync_engine.dialogue.voice import Spans, spoken
from emsync_engine.mood.media import AUDIO_RATE, Samples

Detector = Callable[[Samples], Spans]
"""From mono samples at ``AUDIO_RATE`` to the seconds in which somebody speaks, rising and disjoint."""

_PACKAGE = "silero_vad"


@cache
def best_detector() -> Detector:
    """The best detector that is installed. A package that cannot be used counts as not installed."""
    if importlib.util.find_spec(_PACKAGE) is None:
        return spoken
    try:
        return _silero(importlib.import_module(_PACKAGE))
    except (ImportError, AttributeError, OSError, RuntimeError):
        return spoken


def _silero(package: Any) -> Detector:
    """silero-vad (MIT) through its own package."""
    import torch

    model = package.load_silero_vad()

    def detect(samples: Samples) -> Spans:
        rows = package.get_speech_timestamps(
            torch.from_numpy(samples.copy()), model, sampling_rate=AUDIO_RATE, return_seconds=False
        )
        return [(row["start"] / AUDIO_RATE, row["end"] / AUDIO_RATE) for row in rows]

    return detect
