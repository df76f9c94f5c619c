"""Parts of a cue and the model's instrument groups: who is who, on which channel, with which sound."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from emsync_engine.instructions import PARTS
from emsync_engine.model import events as ev
from emsync_engine.score import Part

DRUM_CHANNEL = 9
GROUP_OF_PART: Mapping[str, int] = {name: ev.GROUPS.index(name) for name in PARTS}
CHANNELS: Mapping[str, int] = {"drums": DRUM_CHANNEL, "bass": 0, "piano": 1, "guitar": 2, "strings": 3}


def group_of(part: Part) -> int:
    """The instrument group of a part: by its name, else by its program."""
    if part.is_drums:
        return ev.DRUMS
    return GROUP_OF_PART.get(part.id, ev.GROUP_OF_PROGRAM[part.program])


def groups_of(parts: Iterable[str]) -> frozenset[int]:
    """Groups of the standard ensemble's parts, by name."""
    return frozenset(GROUP_OF_PART[part] for part in parts)


def program_of(part: str, valence: float, arousal: float) -> int:
    """General MIDI program by mood: nylon to overdriven guitar, upright to picked bass, slow to full strings."""
    calm, lively = arousal < -0.2, arousal > 0.45
    bass = 32 if calm else 34 if lively else 33
    driven = 29 if valence < -0.2 else 27
    guitar = 24 if calm else driven if lively else 25
    return {"drums": 0, "bass": bass, "piano": 0, "guitar": guitar, "strings": 49 if calm else 48}[part]


def new_part(part: str, valence: float, arousal: float) -> Part:
    """A part of the standard ensemble, without notes."""
    return Part(part, part.capitalize(), program_of(part, valence, arousal), CHANNELS[part])
