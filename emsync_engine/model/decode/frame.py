"""The frame of a decode: who may begin a note where, how long it may sound, what must happen at which place.

Everything is on the grid (12 ticks a quarter, from the start of the cue) and fixed before the first note; the
constraints read it. Making one from a cue is in `staging`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from emsync_engine.measure import CRASHES, KICKS
from emsync_engine.model import events as ev

BoolArray = NDArray[np.bool_]

KICK_OR_CRASH = (*KICKS, *CRASHES)
ACCENT_PITCHES = 3
"""An accent is this many pitches that begin together (or kick or crash with bass), as `measure` reads it."""

Begun = Iterable[tuple[int, int]]
"""(group, pitch) of notes that begin together."""

_RANGES: Mapping[int, tuple[int, int]] = {
    # lowest and highest pitch, sounding; strings from the contrabass to the first violin
    ev.DRUMS: (35, 81), ev.BASS: (28, 60), ev.PIANO: (28, 98), ev.GUITAR: (40, 86), ev.STRINGS: (28, 96),
    ev.LEAD: (40, 96), ev.BRASS: (34, 86), ev.WINDS: (34, 96), ev.KEYS: (29, 96), ev.PAD: (36, 96),
    ev.MALLETS: (36, 103), ev.EFFECTS: (24, 103),
}  # fmt: skip
_REMEMBERED = 16
"""Bars that one remembers: as many as repetition is measured over (`evaluation.music`)."""
_VOICES: Mapping[int, int] = {
    ev.DRUMS: 4, ev.BASS: 1, ev.PIANO: 8, ev.GUITAR: 6, ev.STRINGS: 6, ev.LEAD: 2, ev.BRASS: 4, ev.WINDS: 4,
    ev.KEYS: 6, ev.PAD: 6, ev.MALLETS: 4, ev.EFFECTS: 2,
}  # fmt: skip
"""Notes of a group that may sound at once (drums: begin at once)."""


@dataclass(frozen=True)
class Limits:
    """What the instruments can do."""

    ranges: Mapping[int, tuple[int, int]] = field(default_factory=lambda: dict(_RANGES))
    """Lowest and highest pitch by group."""
    voices: Mapping[int, int] = field(default_factory=lambda: dict(_VOICES))
    """Notes at once by group. A group of one voice is cut short by its next note."""
    notes_per_quarter: int = 24
    """More than this in a bar is a storm: nothing further begins in it, strikes apart."""

    @cached_property
    def playable(self) -> BoolArray:
        """Pitches in range, shape (N_GROUPS, 128)."""
        table: BoolArray = np.zeros((ev.N_GROUPS, 128), dtype=bool)
        for group, (low, high) in self.ranges.items():
            table[group, low : high + 1] = True
        return table


@dataclass(frozen=True)
class Strike:
    """What must begin together at a place before time may go on: a hit, a cadence's chord, the close."""

    pitched: int = ACCENT_PITCHES
    """Different pitches; 0 when pitches alone cannot make it."""
    kick_with_bass: bool = True
    """Kick or crash together with the bass will do instead."""
    kick_alone: bool = False
    """Kick or crash will do (a cue of drums)."""
    classes: frozenset[int] | None = None
    """Pitch classes of all pitched notes that begin here; None leaves them free."""
    needs: frozenset[int] = frozenset()
    """Pitch classes that must be among them."""
    bass: int | None = None
    """Pitch class of the bass group here."""
    with_bass: bool = False
    """The bass group must play."""
    root: int | None = None
    """Pitch class of the lowest pitched note here."""
    voices: Mapping[int, int] = field(default_factory=dict)
    """Notes at once where they differ from the limits: a bass that must make the accent by itself."""
    kept: frozenset[tuple[int, int]] = frozenset()
    """(group, pitch) that begin here and are not being written."""
    loud: bool = True
    """No softer than what has been played lately."""


@dataclass(frozen=True)
class Struck:
    """What of a strike is there."""

    pitches: frozenset[int]
    drummed: bool
    bass: bool

    @classmethod
    def of(cls, strike: Strike, here: Begun) -> Struck:
        begun = [*strike.kept, *here]
        return cls(
            frozenset(p for g, p in begun if g != ev.DRUMS),
            any(g == ev.DRUMS and p in KICK_OR_CRASH for g, p in begun),
            any(g == ev.BASS for g, _ in begun),
        )

    @property
    def classes(self) -> frozenset[int]:
        return frozenset(p % 12 for p in self.pitches)


def is_complete(strike: Strike, here: Begun) -> bool:
    """Whether what begins here makes the strike."""
    struck = Struck.of(strike, here)
    if strike.kick_alone and struck.drummed:
        return True
    if strike.kick_with_bass and struck.drummed and struck.bass:
        return True
    if not strike.pitched:
        return not (strike.kick_with_bass or strike.kick_alone)  # nobody here can make it: nothing is demanded
    if strike.with_bass and not struck.bass:
        return False
    return len(struck.pitches) >= strike.pitched and strike.needs <= struck.classes


@dataclass(frozen=True)
class Given:
    """A note that is there already and has to be passed through, on the grid."""

    tick: int
    group: int
    pitch: int
    duration: int
    """Class of `DURATION_BINS`; 0 for drums."""
    velocity: int
    """Class 0-7."""


@dataclass(frozen=True)
class Held:
    """A note that stays as it is and sounds through [begin, end): its pitch is taken."""

    group: int
    pitch: int
    begin: int
    end: int


@dataclass(frozen=True)
class Frame:
    """See the module. Arrays by tick have one entry a grid tick of the whole cue."""

    bar_start: ev.IntArray
    """Grid tick of each bar, and the end of the last."""
    may_begin: BoolArray
    """Shape (ticks, N_GROUPS)."""
    must_end: NDArray[np.int32]
    """Tick by which a note that begins here has ended."""
    tones: BoolArray
    """Pitch classes of the chord, shape (ticks, 12)."""
    scale: BoolArray
    """Pitch classes of the scale under the chord, shape (ticks, 12)."""
    firm: BoolArray
    """Only tones of the chord may begin here."""
    hold: frozenset[int] = frozenset()
    """Ticks whose notes sound as long as they may: the close."""
    strikes: Mapping[int, Strike] = field(default_factory=dict)
    given: tuple[Given, ...] = ()
    """By (tick, group, pitch)."""
    held: tuple[Held, ...] = ()
    limits: Limits = field(default_factory=Limits)

    @property
    def n_bars(self) -> int:
        return len(self.bar_start) - 1

    @cached_property
    def may_begin_any(self) -> BoolArray:
        """Whether any group may begin at a tick."""
        return np.asarray(self.may_begin.any(axis=1))

    @cached_property
    def playing(self) -> BoolArray:
        """Groups that may begin anywhere, or have given notes, shape (N_GROUPS,)."""
        mask: BoolArray = np.asarray(self.may_begin.any(axis=0))
        mask[[note.group for note in self.given]] = True
        return mask

    @cached_property
    def players(self) -> list[int]:
        """The groups of `playing`."""
        players: list[int] = np.flatnonzero(self.playing).tolist()
        return players

    @cached_property
    def strike_ticks(self) -> NDArray[np.int64]:
        return np.array(sorted(self.strikes), dtype=np.int64)

    @cached_property
    def given_ticks(self) -> list[int]:
        """Ticks of the given notes, in order."""
        return [note.tick for note in self.given]

    @cached_property
    def given_at(self) -> Mapping[int, tuple[Given, ...]]:
        """Given notes by tick."""
        rows: dict[int, list[Given]] = {}
        for note in self.given:
            rows.setdefault(note.tick, []).append(note)
        return {tick: tuple(notes) for tick, notes in rows.items()}

    @cached_property
    def likeness(self) -> tuple[int, ...]:
        """For each bar the last of the `_REMEMBERED` before it that has its length and begins with its chord, or -1."""
        chords = [(self.bar_length(b), self.tones[self.bar_start[b]].tobytes()) for b in range(self.n_bars)]
        last: dict[tuple[int, bytes], int] = {}
        found = []
        for bar, chord in enumerate(chords):
            before = last.get(chord, -1)
            found.append(before if before >= bar - _REMEMBERED else -1)
            last[chord] = bar
        return tuple(found)

    def bar_length(self, bar: int) -> int:
        return self._lengths[bar]

    @cached_property
    def _lengths(self) -> list[int]:
        lengths: list[int] = np.diff(self.bar_start).tolist()
        return lengths

    def pitches(self, group: int, tick: int) -> BoolArray:
        """Pitches of a group that range, chord and strike allow at a tick, shape (128,). Not to be written to."""
        playable: BoolArray = self.limits.playable[group]
        if group == ev.DRUMS:
            return playable
        strike = self.strikes.get(tick)
        if strike is not None and group == ev.BASS and strike.bass is not None:
            return playable & class_mask(frozenset((strike.bass,)))
        if strike is not None and strike.classes is not None:
            return playable & class_mask(strike.classes)
        if self.firm[tick]:
            return np.asarray(playable & self.tones[tick, PITCH_CLASSES])
        return playable

    def taken(self, group: int, tick: int) -> list[int]:
        """Pitches of a group that notes which stay sound at a tick."""
        return [h.pitch for h in self._held_by.get(group, ()) if h.begin <= tick < h.end]

    @cached_property
    def _held_by(self) -> dict[int, list[Held]]:
        return {group: [h for h in self.held if h.group == group] for group in {h.group for h in self.held}}

    def voices(self, group: int, tick: int) -> int:
        strike = self.strikes.get(tick)
        usual = self.limits.voices[group]
        return usual if strike is None else strike.voices.get(group, usual)


PITCH_CLASSES = np.arange(128) % 12
_CLASS_MASKS: dict[frozenset[int], BoolArray] = {}


def class_mask(classes: frozenset[int]) -> BoolArray:
    """Pitches of some pitch classes, shape (128,)."""
    if classes not in _CLASS_MASKS:
        _CLASS_MASKS[classes] = np.isin(PITCH_CLASSES, list(classes))
    return _CLASS_MASKS[classes]
