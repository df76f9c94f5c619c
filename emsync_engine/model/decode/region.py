"""A region to be written anew: what stays, what is asked for, and the context the network is given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from emsync_engine.model import conditions as cond
from emsync_engine.model import events as ev
from emsync_engine.model import layouts as lay
from emsync_engine.model.decode.draft import expected_rows
from emsync_engine.model.decode.frame import Frame, Given, Held, Strike, Struck
from emsync_engine.model.decode.notation import Sounded, on_grid
from emsync_engine.model.decode.staging import Stage, first_at
from emsync_engine.model.decode.state import State
from emsync_engine.model.windows import Window
from emsync_engine.score import Note, Score

_RIGHT_SHARE = 0.35
"""Most of the room for context that the right side takes."""
_LATELY = 24


@dataclass(frozen=True)
class Region:
    """Score ticks [start, end) of some parts. A note belongs to where it begins, except one that is held across the
    right seam: what sounds outside stays, so it stays whole, and new notes keep clear of its pitch."""

    score: Score
    stage: Stage
    start: int
    end: int
    names: Mapping[int, str]
    """Part id by group, of the parts that are written anew."""

    @cached_property
    def sounded(self) -> tuple[Sounded, ...]:
        """All notes of the score on the grid."""
        return tuple(on_grid(self.score.parts, self.stage.n_ticks))

    def is_free(self, sounded: Sounded) -> bool:
        """The note is given up."""
        inside = self.start <= sounded.note.tick < self.end and sounded.note.end <= self.end
        return inside and sounded.part in self.names.values()

    @cached_property
    def kept(self) -> tuple[Sounded, ...]:
        return tuple(s for s in self.sounded if not self.is_free(s))

    @cached_property
    def own(self) -> tuple[Sounded, ...]:
        """Kept notes of the parts that are written."""
        return tuple(s for s in self.kept if s.part in self.names.values())

    def stays(self, part: str) -> list[Note]:
        """The notes of a part that stay."""
        if part not in self.names.values():
            return list(self.score.part(part).notes)
        return [n for n in self.score.part(part).notes if not self.is_free(Sounded(part, n, 0, 0, 0))]

    @property
    def ticks(self) -> tuple[int, int]:
        """The region on the grid."""
        return first_at(self.start), min(first_at(self.end), self.stage.end)

    @cached_property
    def bars(self) -> tuple[int, int]:
        """The model's bars that the region touches."""
        begin, end = self.ticks
        lines = self.stage.bar_start
        first = int(np.searchsorted(lines, begin, side="right")) - 1
        return first, max(int(np.searchsorted(lines, end)), first)

    @property
    def groups(self) -> NDArray[np.bool_]:
        mask = np.zeros(ev.N_GROUPS, dtype=bool)
        mask[list(self.names)] = True
        return mask


def frame_in(region: Region, frame: Frame) -> Frame:
    """The cue's frame narrowed to the region: its parts begin inside it and end with it, around what stays."""
    begin, end = region.ticks
    may = frame.may_begin.copy()
    strange = region.groups & ~may.any(axis=0)  # a part that the sheet does not know plays where anybody does
    may[:, strange] = frame.may_begin_any[:, None]
    may &= region.groups
    may[:begin] = False
    may[end:] = False
    strikes = {t: _beside(s, region, frame, t) for t, s in frame.strikes.items() if begin <= t < end}
    inside = [s for s in region.own if int(region.stage.bar_start[region.bars[0]]) <= s.tick < end]
    return replace(
        frame,
        may_begin=may,
        must_end=np.minimum(frame.must_end, max(end, 1)).astype(np.int32),
        strikes={t: s for t, s in strikes.items() if may[t].any()},
        given=tuple(_given(s) for s in _distinct(inside)),
        held=tuple(
            Held(s.group, s.note.pitch, s.tick, first_at(s.note.end)) for s in region.own if s.group != ev.DRUMS
        ),
    )


def _given(sounded: Sounded) -> Given:
    velocity = int(ev.velocity_bin(np.array([sounded.note.velocity]))[0])
    return Given(sounded.tick, sounded.group, sounded.note.pitch, sounded.duration, velocity)


def _distinct(sounded: Iterable[Sounded]) -> list[Sounded]:
    """One note a place, group and pitch, in the order of rows."""
    by_place = {(s.tick, s.group, s.note.pitch): s for s in sounded}
    return [by_place[place] for place in sorted(by_place)]


def _beside(strike: Strike, region: Region, frame: Frame, tick: int) -> Strike:
    """The strike with what others play there; asked for no more than the parts that are written can do."""
    kept = frozenset((s.group, s.note.pitch) for s in region.kept if s.tick == tick)
    groups = frozenset(region.names)
    there = Struck.of(replace(strike, kept=kept), ())
    room = sum(strike.voices.get(g, frame.limits.voices[g]) for g in groups if g != ev.DRUMS)
    drums = there.drummed or ev.DRUMS in groups
    bass = there.bass or ev.BASS in groups
    needs = strike.needs if len(groups - {ev.DRUMS, ev.BASS}) else strike.needs & there.classes
    return replace(
        strike,
        kept=kept,
        pitched=min(strike.pitched, len(there.pitches) + room),
        kick_with_bass=strike.kick_with_bass and drums and bass,
        with_bass=strike.with_bass and bass,
        needs=needs,
        root=None if there.pitches else strike.root,
    )


# --- the network's context -------------------------------------------------------------------------------------


def window_of(notes: Sequence[Sounded], guide: cond.Guide, first: int, stop: int) -> Window:
    """Bars [first, stop) of the cue with these notes, as training's windows are."""
    lines = guide.bar_start
    inside = [s for s in _distinct(notes) if lines[first] <= s.tick < lines[stop]]
    tick = np.array([s.tick for s in inside], dtype=np.int64)
    bar = np.searchsorted(lines, tick, side="right") - 1
    return Window(
        first=first,
        n_bars=stop - first,
        bar=(bar - first).astype(np.int64),
        pos=tick - lines[bar],
        group=np.array([s.group for s in inside], dtype=np.int64),
        pitch=np.array([s.note.pitch for s in inside], dtype=np.int64),
        dur=np.array([s.duration for s in inside], dtype=np.int64),
        vel=np.array([s.note.velocity for s in inside], dtype=np.int64),
        guide=guide,
    )


@dataclass(frozen=True)
class Span:
    """Bars [start, stop) to be written with context from bar `left` to bar `right`."""

    left: int
    start: int
    stop: int
    right: int


def span_of(notes: Sequence[Sounded], guide: cond.Guide, start: int, stop: int, room: int, *, with_right: bool) -> Span:
    """As much context around bars [start, stop) as fits `room` rows beside them."""
    ticks = np.array([s.tick for s in notes], dtype=np.int64)
    counts = np.bincount(np.searchsorted(guide.bar_start, ticks, side="right") - 1, minlength=len(guide.bar_seconds))
    rows = counts[: len(guide.bar_seconds)] + 1
    room -= expected_rows(guide, start, stop) + int(rows[start:stop].sum()) + 4
    right = stop
    if with_right:
        right += int(np.searchsorted(np.cumsum(rows[stop:]), max(room, 0) * _RIGHT_SHARE, side="right"))
    room -= int(rows[stop:right].sum())
    before = np.cumsum(rows[:start][::-1])
    return Span(start - int(np.searchsorted(before, max(room, 0), side="right")), start, stop, right)


def infill_opening(notes: Sequence[Sounded], guide: cond.Guide, span: Span, groups: NDArray[np.bool_]) -> lay.Sequence:
    """The rows up to where the answer begins, as in training."""
    window = window_of(notes, guide, span.left, span.right)
    hole = lay.Hole(0, span.start - span.left, span.stop - span.left, span.right - span.left, groups)
    sequence = lay.infill(window, hole, 0.0)
    separator = int(np.flatnonzero(sequence.rows[:, ev.COL_KIND] == ev.SEP)[0])
    return sequence.cut(separator + 1)


def answer_guide(guide: cond.Guide, groups: NDArray[np.bool_]) -> cond.Guide:
    """The guide of an answer's rows: the instruments told are those that are written."""
    return replace(guide, instruments=groups)


def state_before(frame: Frame, opening: lay.Sequence, start: int, stop: int, before: State | None) -> State:
    """Where writing bars [start, stop) begins: after the left side, or after what was written last."""
    state = State(frame, start, stop)
    left = opening.rows[(opening.rows[:, lay.COL_ROLE] == lay.PLAIN) & (opening.rows[:, ev.COL_KIND] == ev.NOTE)]
    for row in left:
        last = (int(row[ev.COL_PITCH]), int(row[ev.COL_DUR]), int(row[ev.COL_VEL]))
        state.last[int(row[ev.COL_GROUP])] = last
    state.lately.extend(int(velocity) for velocity in left[-_LATELY:, ev.COL_VEL])
    if before is not None:
        state.sounding = [dict(pitches) for pitches in before.sounding]
    return state
