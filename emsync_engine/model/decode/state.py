"""Where a decode is: the event being decided, what sounds, and what has been written of the present place."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from dataclasses import dataclass, field, replace

from emsync_engine.model import events as ev
from emsync_engine.model import layouts as lay
from emsync_engine.model.decode.frame import Frame

_LATELY = 24
"""Notes over which loudness is followed."""


@dataclass(frozen=True)
class Event:
    """A row that has been decided. `bar` counts the cue's bars; duration and velocity are classes."""

    kind: int
    bar: int
    pos: int = 0
    group: int = 0
    pitch: int = 0
    duration: int = 0
    velocity: int = 0


@dataclass
class Draft:
    """The fields of the coming event as far as they are decided, in the order of `FIELD_SIZES`."""

    time: int = -1
    group: int = -1
    pitch: int = -1
    duration: int = -1
    velocity: int = -1

    def decide(self, field: str, chosen: int) -> None:
        """Enter a field."""
        setattr(self, field, chosen)


@dataclass
class State:
    """One candidate's place in the frame. `step` moves it; constraints only look at it."""

    frame: Frame
    first: int
    """First bar to be written."""
    stop: int
    """The bar after the last."""
    bar: int = -1
    """The bar that is open; first - 1 before the first."""
    pos: int = 0
    here: list[tuple[int, int]] = field(default_factory=list)
    """(group, pitch) written at the present place, in order."""
    in_bar: int = 0
    """Notes of the present bar."""
    sounding: list[dict[int, int]] = field(default_factory=lambda: [{} for _ in range(ev.N_GROUPS)])
    """Tick at which each sounding pitch ends, by group; not for drums."""
    last: list[tuple[int, int, int]] = field(
        default_factory=lambda: [(lay.NO_PITCH, lay.NO_DUR, lay.NO_VEL)] * ev.N_GROUPS
    )
    """Pitch, duration and velocity of each group's last note."""
    lately: deque[int] = field(default_factory=lambda: deque(maxlen=_LATELY))
    """Velocity classes of the last notes."""
    begun: list[tuple[int, int]] = field(default_factory=list)
    """Tick and group of the notes written, in order."""
    bars: dict[int, tuple[tuple[int, int, int], ...]] = field(default_factory=dict)
    """(place, group, pitch) of the notes of the bars that were written, in order."""
    ended: bool = False
    fallbacks: int = 0
    """How often no class satisfied all rules and grammar decided alone."""
    draft: Draft = field(default_factory=Draft)
    bar_begin: int = field(init=False)
    """Tick of the open bar."""

    def __post_init__(self) -> None:
        if self.bar < 0:
            self.bar = self.first - 1
        self.bar_begin = int(self.frame.bar_start[self.bar])

    @property
    def opened(self) -> bool:
        """A bar is open."""
        return self.bar >= self.first

    @property
    def tick(self) -> int:
        """The place reached."""
        return self.bar_begin + self.pos

    @property
    def draft_tick(self) -> int:
        """The place of the note being decided."""
        return self.bar_begin + self.draft.time

    @property
    def notes_here(self) -> list[tuple[int, int]]:
        """What has been written at the place of the note being decided."""
        return self.here if self.draft.time == self.pos else []

    def room(self, group: int, tick: int) -> int:
        """Notes of a group that may still begin at a tick (this place or a later one)."""
        begun = [p for g, p in self.here if g == group] if tick == self.tick else []
        allowed = self.frame.voices(group, tick)
        if group == ev.DRUMS or self.frame.limits.voices[group] == 1:
            return allowed - len(begun)  # drums do not sound on; a single voice is cut by its next note
        return allowed - sum(end > tick for end in self.sounding[group].values())

    def step(self, event: Event) -> None:
        """Go on by an event."""
        self.draft = Draft()
        if event.kind == ev.END:
            self.ended = True
        elif event.kind == ev.BAR:
            self.bar, self.pos, self.in_bar, self.here = event.bar, 0, 0, []
            self.bar_begin = int(self.frame.bar_start[event.bar])
            self.bars[event.bar] = ()
        elif event.kind == ev.NOTE:
            self._note(event)

    def _note(self, event: Event) -> None:
        if event.pos != self.pos:
            self.pos, self.here = event.pos, []
        self.here.append((event.group, event.pitch))
        self.bars[self.bar] = (*self.bars.get(self.bar, ()), (event.pos, event.group, event.pitch))
        self.in_bar += 1
        self.lately.append(event.velocity)
        self.last[event.group] = (event.pitch, event.duration, event.velocity)
        tick = self.tick
        self.begun.append((tick, event.group))
        if event.group == ev.DRUMS:
            return
        sounding = self.sounding[event.group]
        alone = self.frame.limits.voices[event.group] == 1
        still = {p: e for p, e in sounding.items() if e > tick and (not alone or (event.group, p) in self.here)}
        end = min(tick + int(ev.DURATION_BINS[event.duration]), int(self.frame.must_end[tick]))
        still[event.pitch] = max(end, tick + 1)
        self.sounding[event.group] = still

    @property
    def loudness(self) -> float:
        """Mean velocity class of the last notes; 3 when there are none."""
        return sum(self.lately) / len(self.lately) if self.lately else 3.0

    def begun_since(self, tick: int) -> list[tuple[int, int]]:
        """Tick and group of the notes written after a tick."""
        return self.begun[bisect_right(self.begun, (tick, ev.N_GROUPS)) :]

    def fork(self) -> State:
        """A copy that goes its own way."""
        return replace(
            self,
            here=list(self.here),
            sounding=[dict(pitches) for pitches in self.sounding],
            last=list(self.last),
            lately=deque(self.lately, maxlen=_LATELY),
            begun=list(self.begun),
            bars=dict(self.bars),
            draft=replace(self.draft),
        )
