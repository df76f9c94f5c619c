"""``CueSheet``: everything that is decided about a cue before a note is written."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from emsync_engine.score import Bar, Key, ScoreHit, TempoMap


@dataclass(frozen=True)
class SectionPlan:
    """A span of whole bars with one mood."""

    id: str
    name: str
    tick: int
    end: int
    valence: float
    arousal: float
    role: str
    """Sections of one letter share progression and motif treatment."""
    parts: tuple[str, ...]
    """Who plays here."""
    key: Key
    """The cue's key or its relative, when the mood of the section turns."""


@dataclass(frozen=True)
class CueSheet:
    """Hits, sections, tempo map, key and ending of one cue. Ticks as in ``emsync_engine.score``."""

    title: str
    duration: Fraction
    """Seconds."""
    bars: tuple[Bar, ...]
    tempo_map: TempoMap
    hits: tuple[ScoreHit, ...]
    sections: tuple[SectionPlan, ...]
    key: Key
    final_tick: int
    """The bar line of the closing tonic chord, held to ``end_tick``."""
    end_tick: int
    arousal: tuple[tuple[int, float], ...]
    """Arousal at bar lines: (tick, value)."""
    silences: tuple[tuple[int, int], ...] = ()
    """Ticks in which nothing sounds."""
    warnings: tuple[str, ...] = ()
