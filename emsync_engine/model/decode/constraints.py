"""What may come next: small rules that are combined, each a mask over the classes of the field being decided.

A rule sees the frame and the candidate's state (its open bar and place, what sounds, the draft of the coming event) and
says what it allows; None means everything. `Rules` combines them, keeps the last open door open (time may not stay
where nothing can begin), and falls back to `Grammar` alone where nothing is left, which it counts.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from emsync_engine.model import events as ev
from emsync_engine.model.decode.frame import BoolArray, Given, is_complete
from emsync_engine.model.decode.state import Draft, State
from emsync_engine.model.decode.weights import FIELD_SIZES

GRACE = 3
"""A pitch may be struck again this many ticks before it was to end (lengths are rounded); the first is cut."""


class Constraint(Protocol):
    """A rule without memory of its own: all that moves is in the state."""

    def allow(self, field: str, state: State) -> BoolArray | None:
        """Classes of `field` that may be chosen, shape (FIELD_SIZES[field],), or None for all of them."""
        ...


@dataclass(frozen=True)
class Grammar:
    """The order of rows: bars one after the other to the last, then the end; notes by place, group and pitch."""

    def allow(self, field: str, state: State) -> BoolArray | None:
        if field == "time":
            return self._time(state)
        if field == "metre":
            mask = np.zeros(FIELD_SIZES["metre"], dtype=bool)
            mask[state.frame.bar_length(state.bar + 1)] = True
            return mask
        if field == "group":
            return self._groups(state)
        if field != "pitch" or not state.notes_here:
            return None
        group, pitch = state.notes_here[-1]
        return np.asarray(np.arange(128) > pitch) if state.draft.group == group else None

    def _groups(self, state: State) -> BoolArray:
        """Later ones, or the same while it has pitches left; of those that play at all."""
        later = np.ones(ev.N_GROUPS, dtype=bool)
        if state.notes_here:
            group, pitch = state.notes_here[-1]
            later = np.asarray(np.arange(ev.N_GROUPS) >= group + (pitch == 127))
        return later & state.frame.playing if (later & state.frame.playing).any() else later

    def _time(self, state: State) -> BoolArray:
        mask = np.zeros(ev.N_TIMES, dtype=bool)
        more = state.bar + 1 < state.stop
        mask[ev.T_BAR], mask[ev.T_END] = more, not more
        if state.opened:
            full = bool(state.here) and state.here[-1] == (ev.N_GROUPS - 1, 127)
            mask[state.pos + full : state.frame.bar_length(state.bar)] = True
        return mask


@dataclass(frozen=True)
class Band:
    """Who plays where, in which range and with how many voices; no pitch sounds twice in a group; no note storms."""

    def allow(self, field: str, state: State) -> BoolArray | None:
        if field == "time":
            return self._time(state)
        if field == "group":
            tick = state.draft_tick
            mask = np.zeros(ev.N_GROUPS, dtype=bool)
            for group in state.frame.players:
                mask[group] = open_to(state, group, tick)
            return mask
        if field == "pitch":
            return free_pitches(state, state.draft.group, state.draft_tick)
        return None

    def _time(self, state: State) -> BoolArray:
        frame = state.frame
        mask = np.ones(ev.N_TIMES, dtype=bool)
        if not state.opened:
            return mask
        length = frame.bar_length(state.bar)
        begin = state.bar_begin
        if state.in_bar >= frame.limits.notes_per_quarter * length / ev.GRID:
            mask[:length] = False
            mask[[tick - begin for tick in frame.strikes if state.tick <= tick < begin + length]] = True
            return mask
        mask[state.pos : length] = False
        for group in frame.players:
            free = _free_at(state, group) - begin
            mask[free:length] |= frame.may_begin[begin + free : begin + length, group]
        return mask


def open_to(state: State, group: int, tick: int) -> bool:
    """A note of the group may begin at the tick as far as its place and its voices go."""
    return bool(state.frame.may_begin[tick, group]) and state.room(group, tick) > 0


def free_pitches(state: State, group: int, tick: int) -> BoolArray:
    """Pitches of a group that may begin at a tick: playable there, and not sounding."""
    playable = state.frame.pitches(group, tick)
    if group == ev.DRUMS:
        return playable
    sounding = [p for p, end in state.sounding[group].items() if end > tick + GRACE]
    sounding += state.frame.taken(group, tick)
    if tick == state.tick:
        sounding += [p for g, p in state.here if g == group]
    if not sounding:
        return playable
    free = playable.copy()
    free[sounding] = False
    return free


def _free_at(state: State, group: int) -> int:
    """The first tick from the present place on at which a group has a voice to spare."""
    limits, tick = state.frame.limits, state.tick
    if group == ev.DRUMS or limits.voices[group] == 1:
        return tick
    ends = sorted((end for end in state.sounding[group].values() if end > tick), reverse=True)
    voices = limits.voices[group]
    return tick if len(ends) < voices else ends[voices - 1]


@dataclass(frozen=True)
class Ends:
    """No note is longer than its place allows (to the next hit, silence or the end); the close is held."""

    def allow(self, field: str, state: State) -> BoolArray | None:
        if field != "duration":
            return None
        tick = state.draft_tick
        room = int(state.frame.must_end[tick]) - tick
        reach = min(int(np.searchsorted(ev.DURATION_BINS, room)), ev.N_DURATIONS - 1)
        classes = np.arange(ev.N_DURATIONS)
        return np.asarray(classes == reach if tick in state.frame.hold else classes <= reach)


@dataclass(frozen=True)
class GivenNotes:
    """Notes that are there already are passed through in their order, as they are."""

    def allow(self, field: str, state: State) -> BoolArray | None:
        note = self._due(state, field)
        if note is None:
            return None
        if field == "time":
            mask = np.zeros(ev.N_TIMES, dtype=bool)
            mask[: note.tick - state.bar_begin + 1] = True
            return mask
        if state.draft_tick != note.tick:
            return None
        if field == "group":
            return np.arange(ev.N_GROUPS) <= note.group
        if state.draft.group != note.group:
            return None
        if field == "pitch":
            alone = not state.frame.may_begin[note.tick, note.group]  # the group plays given notes only
            return np.asarray(np.arange(128) == note.pitch) if alone else np.arange(128) <= note.pitch
        if state.draft.pitch != note.pitch:
            return None
        own = note.duration if field == "duration" else note.velocity
        return np.asarray(np.arange(FIELD_SIZES[field]) == own)

    def insist(self, field: str, state: State) -> int | None:
        """The given note's own class, which is open whatever other rules say."""
        note = self._due(state, field)
        if note is None or (field != "time" and state.draft_tick != note.tick):
            return None
        if field == "time":
            return note.tick - state.bar_begin
        if field == "group":
            return note.group
        same = state.draft.group == note.group and (field == "pitch" or state.draft.pitch == note.pitch)
        return {"pitch": note.pitch, "duration": note.duration, "velocity": note.velocity}[field] if same else None

    def _due(self, state: State, field: str) -> Given | None:
        """The next given note of the open bar."""
        frame = state.frame
        if not frame.given or not state.opened or field == "metre":
            return None
        stop = state.bar_begin + frame.bar_length(state.bar)
        for note in frame.given[bisect_left(frame.given_ticks, state.tick) :]:
            if note.tick >= stop:
                return None
            if note.tick != state.tick or (note.group, note.pitch) not in state.here:
                return note
        return None


class Rules:
    """All rules of a decode. A state counts how often nothing was left and grammar decided alone (`fallbacks`)."""

    def __init__(self, more: Sequence[Constraint]) -> None:
        self.grammar = Grammar()
        self.given = GivenNotes()
        self._all: tuple[Constraint, ...] = (self.grammar, *more, self.given)

    def allow(self, field: str, state: State) -> BoolArray:
        """Classes that all rules allow; never empty."""
        mask = self._combined(field, state)
        if state.here and field in ("time", "group"):
            self._close_dead_ends(field, state, mask)
        insisted = self.given.insist(field, state) if state.frame.given else None
        if insisted is not None and not (mask.any() and self._due(state, field)):
            mask[insisted] = True
        if mask.any():
            return mask
        state.fallbacks += 1
        alone = self.grammar.allow(field, state)
        return np.ones(FIELD_SIZES[field], dtype=bool) if alone is None else alone

    @staticmethod
    def _due(state: State, field: str) -> bool:
        """Something is to be struck at the place of the note being decided: that comes first while it can."""
        if field != "group" or state.draft_tick not in state.frame.strikes:
            return False
        return not is_complete(state.frame.strikes[state.draft_tick], state.notes_here)

    def _combined(self, field: str, state: State) -> BoolArray:
        mask = np.ones(FIELD_SIZES[field], dtype=bool)
        for rule in self._all:
            allowed = rule.allow(field, state)
            if allowed is not None:
                mask &= allowed
        return mask

    def _close_dead_ends(self, field: str, state: State, mask: BoolArray) -> None:
        """Time may not stay where no group can begin, nor a group be chosen again that has no pitch left."""
        draft = state.draft
        if field == "time" and mask[state.pos]:
            state.draft = Draft(time=state.pos)
            groups = self._combined("group", state)
            self._close_dead_ends("group", state, groups)
            mask[state.pos] = groups.any()
        elif field == "group" and draft.time == state.pos:
            group = state.here[-1][0]
            if mask[group]:
                state.draft = replace(draft, group=group)
                mask[group] = self._combined("pitch", state).any()
        state.draft = draft
