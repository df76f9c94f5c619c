"""Emotion of the picture over time: evidence from picture and sound, fused into a valence-arousal curve.

``watch`` and ``with_mood`` are loaded at first use, because the words and curves are also needed where nobody wants
to wait for a video decoder.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from emsync_engine.mood.curve import Evidence, MoodCurve, ShotMood

if TYPE_CHECKING:
    from emsync_engine.mood.edit import with_mood
    from emsync_engine.mood.watching import watch

__all__ = ["Evidence", "MoodCurve", "ShotMood", "watch", "with_mood"]

_LATE = {"watch": "emsync_engine.mood.watching", "with_mood": "emsync_engine.mood.edit"}


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LATE[name]), name)
