"""Which of several candidates is kept: what was asked for, nothing broken, and (between two sides) the seam."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, takewhile

import numpy as np
from numpy.typing import NDArray

from emsync_engine.model import conditions as cond
from emsync_engine.model import events as ev
from emsync_engine.model.decode.frame import Frame
from emsync_engine.model.decode.state import Event
from emsync_engine.model.decode.wishes import LOUDNESS_BASE, LOUDNESS_SLOPE
from emsync_engine.model.decode.writer import Candidate

_PRESENCE = 0.15
"""A group with less than this share of an even part of the notes has hardly played."""
_MAY_RETURN = 0.75
"""Share of the notes of a replaced take that a new one may have too."""
_SAME_BARS = 3
"""Bars in a row that may be exactly alike."""


@dataclass(frozen=True)
class Penalties:
    """What counts against a candidate, each about 0 for music like the training pieces'."""

    density: float
    """|log2| of notes written over notes aimed at."""
    loudness: float
    """Distance of the mean velocity class from what the arousal suggests."""
    silence: float
    """Share of bars without a note among those that may have one."""
    absence: float
    """Share of the groups that were to play and hardly have."""
    repetition: float
    """Share of bars that go on repeating their predecessors beyond `_SAME_BARS`."""
    storms: float
    """Share of bars with more than 2.5 times the notes aimed at."""
    outside: float
    """Share of pitched notes outside the scale."""
    copied: float
    """Share of the notes that were there before and have come again, beyond three quarters."""
    seam: float = 0.0
    """Bits a note of what follows, given this candidate."""

    @property
    def total(self) -> float:
        return (
            0.5 * self.density + 0.25 * self.loudness + 2.0 * self.silence + 0.5 * self.absence
            + 2.0 * self.repetition + 2.0 * self.storms + 2.0 * self.outside + 8.0 * self.copied + 0.3 * self.seam
        )  # fmt: skip


@dataclass(frozen=True)
class Judge:
    """Judges events under a frame and a guide."""

    frame: Frame
    guide: cond.Guide
    share: float = 1.0
    """Share of the guide's density that is being written; the rest is kept notes."""
    replaced: frozenset[tuple[int, int, int]] = frozenset()
    """(tick, group, pitch) of what was there before."""

    def best(self, candidates: Sequence[Candidate], first: int, stop: int, seams: Sequence[float] = ()) -> int:
        """Index of the candidate whose bars [first, stop) have the least against them."""
        totals = [
            self.penalties(c.events, first, stop, seams[i] if seams else 0.0).total for i, c in enumerate(candidates)
        ]
        return int(np.argmin(totals))

    def penalties(self, events: Sequence[Event], first: int, stop: int, seam: float = 0.0) -> Penalties:
        late = takewhile(lambda event: event.bar >= first, reversed(events))
        notes = [e for e in late if e.kind == ev.NOTE and e.bar < stop][::-1]
        counts = np.bincount([e.bar - first for e in notes], minlength=stop - first)
        aimed = self._aimed(first, stop)
        free = aimed > 0
        return Penalties(
            density=abs(float(np.log2((counts[free].sum() + 1) / (aimed.sum() + 1)))),
            loudness=self._loudness(notes),
            silence=float((counts[free] == 0).mean()) if free.any() else 0.0,
            absence=self._absence(notes, first, stop),
            repetition=_repetition(notes, first, stop),
            storms=float((counts[free] > 2.5 * aimed[free] + 4).mean()) if free.any() else 0.0,
            outside=self._outside(notes),
            copied=self._copied(notes),
            seam=seam,
        )

    def _aimed(self, first: int, stop: int) -> NDArray[np.float64]:
        """Notes wanted in each bar, as far as notes may begin in it."""
        starts = self.frame.bar_start
        open_share = [self.frame.may_begin_any[starts[bar] : starts[bar + 1]].mean() for bar in range(first, stop)]
        quarters = np.diff(starts)[first:stop] / ev.GRID
        return np.asarray(np.array(open_share) * quarters * self.guide.density[first:stop] * self.share)

    def _loudness(self, notes: Sequence[Event]) -> float:
        if not notes:
            return 0.0
        wanted = np.mean([LOUDNESS_BASE + LOUDNESS_SLOPE * self.guide.arousal[e.bar] for e in notes])
        return float(abs(np.mean([e.velocity for e in notes]) - wanted))

    def _absence(self, notes: Sequence[Event], first: int, stop: int) -> float:
        inside = slice(int(self.frame.bar_start[first]), int(self.frame.bar_start[stop]))
        wanted = np.flatnonzero(self.frame.may_begin[inside].mean(axis=0) > 0.5)
        counts = np.bincount([e.group for e in notes], minlength=ev.N_GROUPS)[wanted]
        return float((counts < _PRESENCE * counts.mean()).mean()) if counts.any() else 0.0

    def _outside(self, notes: Sequence[Event]) -> float:
        pitched = [e for e in notes if e.group != ev.DRUMS]
        if not pitched:
            return 0.0
        strange = [not self.frame.scale[self.frame.bar_start[e.bar] + e.pos, e.pitch % 12] for e in pitched]
        return float(np.mean(strange))

    def _copied(self, notes: Sequence[Event]) -> float:
        new = {(int(self.frame.bar_start[e.bar]) + e.pos, e.group, e.pitch) for e in notes}
        if not self.replaced:
            return 0.0
        return max(len(new & self.replaced) / len(self.replaced) - _MAY_RETURN, 0.0)


def _repetition(notes: Sequence[Event], first: int, stop: int) -> float:
    """Share of bars that are the `_SAME_BARS`-th or later in a row of equal ones."""
    bars: list[list[tuple[int, int, int]]] = [[] for _ in range(first, stop)]
    for e in notes:
        bars[e.bar - first].append((e.pos, e.group, e.pitch))
    run = repeated = 0
    for before, bar in pairwise(bars):
        run = run + 1 if bar and bar == before else 0
        repeated += run >= _SAME_BARS
    return repeated / max(stop - first, 1)
