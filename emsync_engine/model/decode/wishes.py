"""Wishes: what is added to the logits so that the music keeps its harmony, loudness and pace, its parts and patterns.

A wish never forbids. Those about loudness and pace lean against what has been played lately, so that they say nothing
while the network does as it was told, and leave the patterns within a bar alone.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from math import log2
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from emsync_engine.model import conditions as cond
from emsync_engine.model import events as ev
from emsync_engine.model.decode.frame import PITCH_CLASSES
from emsync_engine.model.decode.state import State
from emsync_engine.model.decode.weights import FloatArray

FREE_FROM = 0.7
"""Arousal from which notes outside the scale are wished away less and less."""
LOUDNESS_BASE, LOUDNESS_SLOPE = 4.6, 1.2
"""Mean velocity class aimed at, at arousal 0 and per unit of it (means of the training bars)."""
_PACE_QUARTERS = 8
"""Quarters over which the pace is measured."""
_FURTHEST_QUARTERS = 2.0
_MOST = 2.0
_TURN_QUARTERS, _TURN_SHARE, _MOST_MISSED = 16, 0.4, 5.0
"""A part is missed when in the last quarters it had less than this share of an even part of the notes."""
_TIMES = np.arange(ev.N_TIMES, dtype=np.float64)
_LOUDER = np.arange(ev.VELOCITY_BINS) - (ev.VELOCITY_BINS - 1) / 2


class Bias(Protocol):
    """One wish."""

    def bias(self, field: str, state: State) -> FloatArray | None:
        """Logits to add to the classes of a field, or None."""
        ...


@dataclass(frozen=True)
class Wishes:
    """How strongly each is meant; 0 leaves it to the network."""

    outside: float = 3.0
    """Logits taken from notes outside the scale."""
    inside: float = 0.4
    """Logits given to tones of the chord."""
    level: float = 1.2
    """Logits a velocity class, for each class that the last notes are off the loudness aimed at."""
    pace: float = 2.0
    """Logits a quarter of advance, for each doubling of the density aimed at."""
    turns: float = 1.6
    """Logits a group, for each halving of the least share of the notes that a part should have."""

    echo: float = 1.4
    """Logits given to what an earlier bar had next: its place, its group, and under the same chord its pitch."""

    def under(self, guide: cond.Guide, share: float = 1.0) -> tuple[Bias, ...]:
        """The wishes for a guide; `share` of its density is being written."""
        arousal, density = guide.arousal, guide.density * share
        wishes: Sequence[tuple[float, Bias]] = (
            (self.outside + self.inside, InHarmony(self.outside, self.inside, arousal)),
            (self.level, AtLevel(self.level, LOUDNESS_BASE + LOUDNESS_SLOPE * arousal)),
            (self.pace, AtPace(self.pace, density)),
            (self.turns, TakeTurns(self.turns)),
            (self.echo, Echo(self.echo, guide.section)),
        )
        return tuple(wish for strength, wish in wishes if strength)


@dataclass(frozen=True)
class InHarmony:
    """Notes outside the scale are less likely, tones of the chord a little more; freer where it is agitated."""

    outside: float
    inside: float
    arousal: NDArray[np.float64]
    """By bar."""

    def bias(self, field: str, state: State) -> FloatArray | None:
        if field != "pitch" or state.draft.group == ev.DRUMS:
            return None
        frame, tick = state.frame, state.draft_tick
        strength = min(max((1.0 - float(self.arousal[state.bar])) / (1.0 - FREE_FROM), 0.0), 1.0)
        by_class = np.where(frame.tones[tick], self.inside, np.where(frame.scale[tick], 0.0, -self.outside))
        return (by_class * strength).astype(np.float32)[PITCH_CLASSES]


@dataclass(frozen=True)
class AtLevel:
    """Softer when the last notes were louder than aimed at, and the other way round."""

    strength: float
    level: NDArray[np.float64]
    """Mean velocity class aimed at, by bar."""

    def bias(self, field: str, state: State) -> FloatArray | None:
        if field != "velocity" or not state.lately:
            return None
        off = float(self.level[state.bar]) - state.loudness
        return (self.strength * off * _LOUDER).astype(np.float32)


@dataclass(frozen=True)
class AtPace:
    """Time goes on sooner when the last bars were denser than aimed at, later when they were thinner."""

    strength: float
    density: NDArray[np.float64]
    """Notes a quarter aimed at, by bar."""

    def bias(self, field: str, state: State) -> FloatArray | None:
        if field != "time" or not state.opened:
            return None
        tick = state.tick
        span = min(tick - int(state.frame.bar_start[state.first]) + ev.GRID, _PACE_QUARTERS * ev.GRID)
        notes = len(state.begun_since(tick - span))
        off = log2((notes + 1) * ev.GRID / span / (float(self.density[state.bar]) + ev.GRID / span))
        ahead = _TIMES - state.pos
        ahead[ev.T_BAR :] = state.frame.bar_length(state.bar) - state.pos
        quarters = np.minimum(np.maximum(ahead, 0.0) / ev.GRID, _FURTHEST_QUARTERS)
        return (self.strength * min(max(off, -_MOST), _MOST) * quarters).astype(np.float32)


@dataclass(frozen=True)
class TakeTurns:
    """A part that has hardly played is missed."""

    strength: float

    def bias(self, field: str, state: State) -> FloatArray | None:
        if field != "group":
            return None
        lately = state.begun_since(state.draft_tick - _TURN_QUARTERS * ev.GRID)
        least = _TURN_SHARE * len(lately) / max(len(state.frame.players), 1)
        counts = [0] * ev.N_GROUPS
        for _, group in lately:
            counts[group] += 1
        missed = [min(max(log2((least + 1) / (count + 1)), 0.0), _MOST_MISSED) for count in counts]
        return np.array([self.strength * much for much in missed], dtype=np.float32)


@dataclass(frozen=True)
class Echo:
    """A pattern goes on: what an earlier bar had next is more likely.

    The bar that is echoed is the last one like it (`Frame.likeness`), else the bar before, inside a section.
    """

    strength: float
    section: NDArray[np.uint8]
    """1 at bars with which a section starts."""

    def bias(self, field: str, state: State) -> FloatArray | None:
        if field not in ("time", "group", "pitch") or not state.opened:
            return None
        model = self._model(state)
        pattern = () if model is None else state.bars.get(model, ())
        if model is None or not pattern:
            return None
        draft, here = state.draft, state.here
        if field == "time":
            reached = (state.pos, *here[-1]) if here else (state.pos, -1, -1)
            coming = bisect_right(pattern, reached)
            return self._raised(ev.N_TIMES, [pattern[coming][0] if coming < len(pattern) else ev.T_BAR])
        if field == "group":
            written = state.notes_here
            return self._raised(
                ev.N_GROUPS, [g for at, g, pitch in pattern if at == draft.time and (g, pitch) not in written]
            )
        tones, place = state.frame.tones, int(state.frame.bar_start[model]) + draft.time
        if draft.group != ev.DRUMS and (tones[state.draft_tick] != tones[place]).any():
            return None
        return self._raised(128, [pitch for at, g, pitch in pattern if at == draft.time and g == draft.group])

    def _model(self, state: State) -> int | None:
        """The bar to be echoed."""
        bar, frame = state.bar, state.frame
        if frame.likeness[bar] >= 0:
            return frame.likeness[bar]
        goes_on = bar and not self.section[bar] and frame.bar_length(bar - 1) == frame.bar_length(bar)
        return bar - 1 if goes_on else None

    def _raised(self, classes: int, chosen: Sequence[int]) -> FloatArray | None:
        if not chosen:
            return None
        logits = np.zeros(classes, dtype=np.float32)
        logits[list(chosen)] = self.strength
        return logits
