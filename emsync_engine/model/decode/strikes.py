"""Strikes: time does not pass a hit before its accent is complete, nor a cadence before its chord is.

Rows of a place are written by rising group and pitch, so every choice must leave enough above it: a group or a pitch
is allowed while what is still missing can be found in the rest of its group and in later ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np

from emsync_engine.model import events as ev
from emsync_engine.model.decode.constraints import free_pitches, open_to
from emsync_engine.model.decode.frame import KICK_OR_CRASH, BoolArray, Strike, Struck, class_mask, is_complete
from emsync_engine.model.decode.state import State

_FIRST_ROOT_WITHIN = 24
"""The root under a closing chord lies within this many semitones of the instrument's lowest pitch."""


@dataclass(frozen=True)
class Strikes:
    """The rule; what it asks for is in the frame."""

    def allow(self, field: str, state: State) -> BoolArray | None:
        if field == "time":
            return self._time(state)
        if not state.opened or field == "metre":
            return None
        strike = state.frame.strikes.get(state.draft_tick)
        if strike is None:
            return None
        if field == "group":
            return self._groups(strike, state)
        if field == "pitch":
            return pitches_that_leave_room(strike, state, state.draft.group)
        if field == "velocity" and strike.loud:
            return np.arange(ev.VELOCITY_BINS) >= min(ceil(state.loudness), ev.VELOCITY_BINS - 1)
        return None

    def _time(self, state: State) -> BoolArray | None:
        if not state.opened:
            return None
        due = self._due(state)
        if due is None:
            return None
        mask = np.zeros(ev.N_TIMES, dtype=bool)
        mask[: due - state.bar_begin + 1] = True
        return mask

    def _due(self, state: State) -> int | None:
        """The first tick from the present place to the end of the bar whose strike is not complete."""
        frame, tick = state.frame, state.tick
        ticks = frame.strike_ticks
        stop = frame.bar_start[state.bar + 1]
        for at in ticks[np.searchsorted(ticks, tick) : np.searchsorted(ticks, stop)]:
            if at != tick or not is_complete(frame.strikes[tick], state.here):
                return int(at)
        return None

    def _groups(self, strike: Strike, state: State) -> BoolArray:
        tick = state.draft_tick
        mask = np.zeros(ev.N_GROUPS, dtype=bool)
        for group in range(ev.N_GROUPS):
            if open_to(state, group, tick):
                mask[group] = (ordered(state, group) & pitches_that_leave_room(strike, state, group)).any()
        return mask


def ordered(state: State, group: int) -> BoolArray:
    """Pitches of a group that may follow what is written at the place, in the order of rows."""
    mask = free_pitches(state, group, state.draft_tick).copy()
    if state.notes_here:
        last_group, last_pitch = state.notes_here[-1]
        if group < last_group:
            mask[:] = False
        elif group == last_group:
            mask[: last_pitch + 1] = False
    return mask


def pitches_that_leave_room(strike: Strike, state: State, group: int) -> BoolArray:
    """Pitches of a group after which the strike can still be completed, shape (128,)."""
    here, tick = state.notes_here, state.draft_tick
    struck = Struck.of(strike, here)
    free = ordered(state, group) & _above_the_root(strike, struck, group)
    own = free & _root_first(strike, struck, group, free)
    if is_complete(strike, here):
        return own
    later = _Later.after(strike, state, group, struck)
    if group == ev.DRUMS:
        return own & _drums_lead_on(strike, struck, state, later)
    if group > ev.BASS and strike.with_bass and not struck.bass and state.frame.may_begin[tick, ev.BASS]:
        return np.zeros(128, dtype=bool)
    if group == ev.BASS and strike.kick_with_bass and struck.drummed:
        return own
    if not strike.pitched:
        return np.zeros(128, dtype=bool)
    return own & _pitches_lead_on(strike, struck, free, state.room(group, tick), later)


@dataclass(frozen=True)
class _Later:
    """What pitched groups after the present one can still add."""

    slots: int
    classes: frozenset[int]
    bass: bool
    """The bass can still come."""

    @classmethod
    def after(cls, strike: Strike, state: State, group: int, struck: Struck) -> _Later:
        tick = state.draft_tick
        slots, classes, bass = 0, set[int](), False
        for other in range(max(group + 1, ev.DRUMS + 1), ev.N_GROUPS):
            if not open_to(state, other, tick):
                continue
            free = free_pitches(state, other, tick) & _above_the_root(strike, struck, other)
            free[list(struck.pitches)] = False
            count = min(state.room(other, tick), int(free.sum()))
            slots += count
            if count > 0:
                bass = bass or other == ev.BASS
                classes |= set((np.flatnonzero(free) % 12).tolist())
        return cls(slots, frozenset(classes), bass)

    def suffice(self, strike: Strike, struck: Struck) -> bool:
        """Pitches alone can still make the strike."""
        missing = strike.needs - struck.classes
        wanted = max(strike.pitched - len(struck.pitches), len(missing))
        return strike.pitched > 0 and self.slots >= wanted and missing <= self.classes


def _above_the_root(strike: Strike, struck: Struck, group: int) -> BoolArray:
    """Pitches above the lowest so far, where that is to be the root."""
    mask = np.ones(128, dtype=bool)
    if strike.root is not None and group != ev.DRUMS and struck.pitches:
        mask[: min(struck.pitches) + 1] = False
    return mask


def _root_first(strike: Strike, struck: Struck, group: int, free: BoolArray) -> BoolArray:
    """Where the lowest pitch is to be the root, the first one is: in the low half of its instrument."""
    if strike.root is None or group == ev.DRUMS or struck.pitches or not free.any():
        return np.ones(128, dtype=bool)
    lowest = int(np.flatnonzero(free)[0])
    return class_mask(frozenset((strike.root,))) & (np.arange(128) <= lowest + _FIRST_ROOT_WITHIN)


def _drums_lead_on(strike: Strike, struck: Struck, state: State, later: _Later) -> BoolArray:
    """Drums after which the strike can be completed: any, while pitches can do it; else kick or crash must come."""
    if later.suffice(strike, struck):
        return np.ones(128, dtype=bool)
    useful = np.isin(np.arange(128), KICK_OR_CRASH)
    if not (strike.kick_alone or (strike.kick_with_bass and (struck.bass or later.bass))):
        return np.ones(128, dtype=bool)
    if struck.drummed:
        return np.ones(128, dtype=bool)
    if state.room(ev.DRUMS, state.draft_tick) > 1:  # one may come before it
        return useful | (np.arange(128) < max(KICK_OR_CRASH))
    return useful


def _pitches_lead_on(strike: Strike, struck: Struck, free: BoolArray, room: int, later: _Later) -> BoolArray:
    """Pitches of one group after which enough pitches, and the needed classes, remain above and in later groups."""
    pitches = np.arange(128)
    new = ~np.isin(pitches, list(struck.pitches))
    fresh = free & new
    above = np.minimum(room - 1, fresh[::-1].cumsum()[::-1] - fresh)
    missing = strike.needs - struck.classes
    wanted = strike.pitched - len(struck.pitches) - new
    still = len(missing) - np.isin(pitches % 12, list(missing))
    fine: BoolArray = np.asarray(above + later.slots >= np.maximum(wanted, still))
    for needed in missing - later.classes:
        found = np.flatnonzero(free & (pitches % 12 == needed))
        fine &= (pitches % 12 == needed) | (pitches < (found[-1] if len(found) else -1))
    return fine
