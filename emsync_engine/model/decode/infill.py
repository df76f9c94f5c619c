"""Filling a region's hole: a few bars at a time, the candidate kept whose seam with what follows is the best."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from emsync_engine.model import conditions as cond
from emsync_engine.model import events as ev
from emsync_engine.model import layouts as lay
from emsync_engine.model.decode.draft import Decoding, Written, all_rules, chunk_end
from emsync_engine.model.decode.frame import Frame
from emsync_engine.model.decode.judge import Judge
from emsync_engine.model.decode.likelihood import nats
from emsync_engine.model.decode.notation import Sounded
from emsync_engine.model.decode.reference import Network
from emsync_engine.model.decode.region import (
    Region,
    Span,
    answer_guide,
    infill_opening,
    span_of,
    state_before,
    window_of,
)
from emsync_engine.model.decode.staging import GRID_TICKS
from emsync_engine.model.decode.state import Event, State
from emsync_engine.model.decode.writer import Answer, Candidate, Page, Writer
from emsync_engine.score import Note

_SEAM_LEFT, _SEAM_RIGHT = 3, 2
"""Bars before and after the hole's end with which a candidate's seam is judged; more would cost more than it tells."""
_LEAST_SHARE = 0.15

OnEvents = Callable[[int, Sequence[Event]], None]


@dataclass
class Filling:
    """One region being written. `frame` is the region's, `guide` the cue's with the region's mood."""

    network: Network
    region: Region
    frame: Frame
    guide: cond.Guide
    decoding: Decoding
    seed: int
    on_events: OnEvents

    def __post_init__(self) -> None:
        self._notes: list[Sounded] = list(self.region.kept)
        self._given = {(g.tick, g.group, g.pitch) for g in self.frame.given}
        self._before: State | None = None
        self._rules = all_rules()

    def write(self) -> Written:
        """New events of the region's bars; given notes are not among them."""
        first, stop = self.region.bars
        events: list[Event] = []
        fallbacks = 0
        while first < stop:
            until = chunk_end(self.frame, first, stop, self.network.config.context)
            chosen = self._chunk(first, until, last=until == stop)
            new = self._new(chosen)
            events += new
            self._notes += [self._sounded(e) for e in new]
            self._before = chosen.state
            fallbacks += chosen.state.fallbacks
            first = until
        return Written(tuple(events), fallbacks)

    def _chunk(self, first: int, stop: int, *, last: bool) -> Candidate:
        span = span_of(self._notes, self.guide, first, stop, self.network.config.context, with_right=last)
        groups = self.region.groups
        guides = self.decoding.guides(self.guide)
        pages = [Page(infill_opening(self._notes, g, span, groups), answer_guide(g, groups)) for g in guides]
        state = state_before(self.frame, pages[0].opening, first, stop, self._before)
        state.bars.update(self._patterns(span.left, first))
        wishes = self.decoding.wishes.under(self.guide, self._share(span))
        writer = Writer(
            self.network, pages, state, self._rules, wishes,
            self.decoding.sampling, self.seed, self.decoding.candidates, Answer(first, stop),
        )  # fmt: skip
        if self.decoding.candidates == 1:
            only = writer.candidates[0]
            writer.write(stop, lambda bar: self.on_events(bar, self._new_in(only, bar)))
            return only
        writer.write(stop)
        chosen = writer.candidates[self._best(writer.candidates, span)]
        for bar in range(first, stop):
            self.on_events(bar, self._new_in(chosen, bar))
        return chosen

    def _patterns(self, first: int, stop: int) -> dict[int, tuple[tuple[int, int, int], ...]]:
        """What the region's parts play in bars [first, stop): (place, group, pitch) of each bar."""
        lines = self.frame.bar_start
        bars: dict[int, list[tuple[int, int, int]]] = {}
        for s in self._notes:
            if s.group in self.region.names and lines[first] <= s.tick < lines[stop]:
                bar = int(np.searchsorted(lines, s.tick, side="right")) - 1
                bars.setdefault(bar, []).append((s.tick - int(lines[bar]), s.group, s.note.pitch))
        return {bar: tuple(sorted(notes)) for bar, notes in bars.items()}

    def _new(self, candidate: Candidate) -> list[Event]:
        """The candidate's notes that were not there already."""
        lines, given = self.frame.bar_start, self._given
        notes = (e for e in candidate.events if e.kind == ev.NOTE and e.group in self.region.names)
        return [e for e in notes if (int(lines[e.bar]) + e.pos, e.group, e.pitch) not in given]

    def _new_in(self, candidate: Candidate, bar: int) -> list[Event]:
        return [e for e in self._new(candidate) if e.bar == bar]

    def _sounded(self, event: Event) -> Sounded:
        """A new note as context for what follows."""
        tick = int(self.frame.bar_start[event.bar]) + event.pos
        velocity = int(ev.velocity_of_bin(np.array([event.velocity]))[0])
        length = int(ev.DURATION_BINS[event.duration]) * GRID_TICKS
        note = Note(tick * GRID_TICKS, event.pitch, length, velocity)
        return Sounded(self.region.names[event.group], note, tick, event.group, event.duration)

    # --- which candidate ---------------------------------------------------------------------------------------------

    def _best(self, candidates: Sequence[Candidate], span: Span) -> int:
        judge = Judge(self.frame, self.guide, self._share(span), self._replaced(span))
        seams = [self._seam(candidate, span) for candidate in candidates] if span.right > span.stop else ()
        return judge.best(candidates, span.start, span.stop, seams)

    def _share(self, span: Span) -> float:
        """Share of the notes aimed at that the written parts should have."""
        begin, end = (int(self.frame.bar_start[bar]) for bar in (span.start, span.stop))
        kept = sum(begin <= s.tick < end for s in self._notes)
        quarters = np.diff(self.frame.bar_start)[span.start : span.stop] / ev.GRID
        aimed = float((quarters * self.guide.density[span.start : span.stop]).sum())
        return float(np.clip(1 - kept / max(aimed, 1.0), _LEAST_SHARE, 1.0))

    def _replaced(self, span: Span) -> frozenset[tuple[int, int, int]]:
        """(tick, group, pitch) of what was there before."""
        begin, end = (int(self.frame.bar_start[bar]) for bar in (span.start, span.stop))
        old = (s for s in self.region.sounded if self.region.is_free(s) and begin <= s.tick < end)
        return frozenset((s.tick, s.group, s.note.pitch) for s in old)

    def _seam(self, candidate: Candidate, span: Span) -> float:
        """Bits a note of the bars after the hole, given the candidate before them."""
        left, right = max(span.stop - _SEAM_LEFT, span.left), min(span.stop + _SEAM_RIGHT, span.right)
        new = [self._sounded(e) for e in self._new(candidate)]
        window = window_of([*self._notes, *new], self.decoding.guides(self.guide)[0], left, right)
        sequence = lay.plain(window, begins=False, ends=False)
        bars = np.cumsum(sequence.rows[:, ev.COL_KIND] == ev.BAR) - 1
        after = np.flatnonzero(bars >= span.stop - left)
        if not len(after):
            return 0.0
        notes = int((sequence.rows[after, ev.COL_KIND] == ev.NOTE).sum())
        return float(nats(self.network, sequence, int(after[0])).sum() / np.log(2) / max(notes, 1))
