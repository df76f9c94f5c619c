"""Plays a programme in time. It owns no thread: whoever drives it asks when something is due and lets it be done."""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from bridge.midi.anchor import Anchor
from bridge.midi.follow import FOLLOWERS, Follower
from bridge.midi.programme import Programme, Timed
from emsync_engine.errors import InputError

Send = Callable[[bytes], None]
STOPPED, PLAYING, WAITING = "stopped", "playing", "waiting"
_JUMP_S = 0.05
_SUSTAIN, _NOTES_OFF = 64, 123
_REMEMBERED = 20_000


class Lateness:
    """How late messages were sent: of the last ones, and the worst of all."""

    def __init__(self) -> None:
        self._last: deque[float] = deque(maxlen=_REMEMBERED)
        self._count = 0
        self._worst_s = 0.0

    def add(self, late_s: float) -> None:
        self._last.append(late_s)
        self._count += 1
        self._worst_s = max(self._worst_s, late_s)

    def to_json(self) -> dict[str, float]:
        """Milliseconds."""
        ordered = sorted(self._last)

        def share(part: float) -> float:
            return round(ordered[min(int(part * len(ordered)), len(ordered) - 1)] * 1000, 3) if ordered else 0.0

        return {"messages": self._count, "median": share(0.5), "p99": share(0.99),
                "worst": round(self._worst_s * 1000, 3)}  # fmt: skip


@dataclass
class _Run:
    """One run from a place: what is still to come."""

    anchor: Anchor
    coming: Iterator[Timed]
    next: Timed | None


class Player:
    """The state of the transport. All times are those of one clock, in seconds."""

    def __init__(self, music: Send, sync: Send) -> None:
        self.programme: Programme | None = None
        self.lateness = Lateness()
        self._music, self._sync = music, sync
        self._run: _Run | None = None
        self._stands_s = 0.0
        self._follower: Follower | None = None
        self._follows = ""
        self._sounding: set[tuple[int, int]] = set()

    # --- what it is doing ---

    @property
    def state(self) -> str:
        if self._run is not None:
            return PLAYING
        return WAITING if self._follower is not None else STOPPED

    @property
    def follows(self) -> str:
        """``mtc``, ``clock`` or nothing."""
        return self._follows

    def position(self, now: float) -> float:
        """Seconds of the score."""
        return self._run.anchor.position(now) if self._run is not None else self._stands_s

    # --- orders ---

    def load(self, programme: Programme, now: float) -> None:
        """Take another score; while it plays, the new one goes on from the same place."""
        run, at_s = self._run, self.position(now)
        self.silence()
        self.programme = programme
        if self._follower is not None:
            self._follower.take_up(programme, now)
            self._run = None  # and begun again
            self._go_along(now)
        elif run is not None:
            self._begin(Anchor(min(at_s, programme.duration_s), now))

    def play(self, now: float, at_s: float | None = None) -> None:
        """Play by our own clock, leading the others."""
        programme = self._loaded()
        start = self._stands_s if at_s is None and self._run is None else self.position(now) if at_s is None else at_s
        self.free(now)
        if start >= programme.duration_s - 1e-6:
            start = 0.0
        self._send_sync(*programme.cue(start))
        self._begin(Anchor(start, now))

    def stop(self, now: float) -> None:
        """Stop where it is, and stop following."""
        self.free(now)

    def locate(self, at_s: float, now: float) -> None:
        """Go to a place; when it plays it goes on from there."""
        programme = self._loaded()
        if self._follower is not None:
            raise InputError(
                f"the {self._follows} that is followed says where to be; stop following first", code="follows"
            )
        if self._run is not None:
            self.play(now, at_s)
            return
        self._stands_s = at_s
        self._send_sync(*programme.cue(at_s))

    def follow(self, source: str, now: float) -> None:
        """Go where MIDI time code or MIDI clock that comes in goes."""
        programme = self._loaded()
        self.free(now)
        self._follower, self._follows = FOLLOWERS[source](programme), source

    def free(self, now: float) -> None:
        """Stop, and follow nobody."""
        led = self._run is not None and self._follower is None
        self._stands_s = self.position(now)
        self._run, self._follower, self._follows = None, None, ""
        self.silence()
        if led:
            self._send_sync(*Programme.halt())

    def returned(self, now: float) -> None:
        """The port of the music has come back: it does not know what was set before."""
        if self.programme is not None and self._run is not None:
            for data in self.programme.settings(self.position(now)):
                self._music(data)

    # --- what comes in ---

    def hear(self, data: bytes, now: float) -> None:
        """Take a message of the other machine."""
        if self._follower is None:
            return
        self._follower.hear(data, now)
        self._go_along(now)

    def _go_along(self, now: float) -> None:
        follower = self._follower
        assert follower is not None
        anchor = follower.anchor
        if anchor is None:
            self._run, self._stands_s = None, max(follower.stands_s, 0.0)
            self.silence()
        elif self._run is None or abs(anchor.position(now) - self._run.anchor.position(now)) > _JUMP_S:
            self._begin(anchor)
        else:
            self._run.anchor = anchor

    # --- doing what is due ---

    def due(self) -> float:
        """When something is to be done next; infinite when nothing is."""
        run = self._run
        if run is None:
            return math.inf
        message = run.anchor.due(run.next.at_s) if run.next is not None else self._end_due(run)
        return min(message, self._follower.silent_at) if self._follower is not None else message

    def _end_due(self, run: _Run) -> float:
        assert self.programme is not None
        return math.inf if self._follower is not None else run.anchor.due(self.programme.duration_s)

    def perform(self, now: float) -> None:
        """Send everything that is due."""
        while (run := self._run) is not None and self.due() <= now:
            if self._follower is not None and self._follower.silent_at <= now:
                self._lose_the_other(now)
            elif run.next is None:  # the end of the score
                self.free(now)
            else:
                due = run.anchor.due(run.next.at_s)
                event, run.next = run.next, next(run.coming, None)
                self._send(event)
                self.lateness.add(max(now - due, 0.0))

    def _lose_the_other(self, now: float) -> None:
        """The other machine has fallen silent: it stands."""
        assert self._follower is not None
        self._follower.anchor = None
        self._go_along(now)

    # --- sending ---

    def _begin(self, anchor: Anchor) -> None:
        programme = self._loaded()
        self.silence()
        start = anchor.position_s
        for data in programme.settings(start):
            self._music(data)
        coming = programme.music(start)
        if self._follower is None:
            coming = heapq.merge(coming, programme.sync(start), key=lambda event: (event.at_s, event.order))
        self._run = _Run(anchor, coming, next(coming, None))

    def _send(self, event: Timed) -> None:
        if event.is_sync:
            self._sync(event.data)
            return
        kind, key = event.data[0] & 0xF0, (event.data[0] & 15, event.data[1])
        if kind == 0x90:
            self._sounding.add(key)
        elif kind == 0x80 and key not in self._sounding:
            return  # it began before the place that we started from
        elif kind == 0x80:
            self._sounding.remove(key)
        self._music(event.data)

    def _send_sync(self, *messages: bytes) -> None:
        for data in messages:
            self._sync(data)

    def silence(self) -> None:
        """Nothing sounds any more."""
        for channel, pitch in sorted(self._sounding):
            self._music(bytes((0x80 | channel, pitch, 0)))
        for channel in sorted({channel for channel, _ in self._sounding}):
            self._music(bytes((0xB0 | channel, _SUSTAIN, 0)))
            self._music(bytes((0xB0 | channel, _NOTES_OFF, 0)))
        self._sounding.clear()

    def _loaded(self) -> Programme:
        """Raises:
        InputError: no score was named yet.
        """
        if self.programme is None:
            raise InputError("no score is loaded: name its folder", code="no_score")
        return self.programme

    def to_json(self, now: float) -> dict[str, Any]:
        """What is told of the transport."""
        at_s = self.position(now)
        said: dict[str, Any] = {"state": self.state, "position_s": round(at_s, 6), "follow": self._follows,
                                "lateness_ms": self.lateness.to_json()}  # fmt: skip
        if self.programme is not None:
            score = self.programme.score
            bar, beat = score.bar_beat(max(score.tempo_map.tick(max(at_s, 0.0)), 0))
            said |= {"bar": bar, "beat": round(beat, 3), "duration_s": self.programme.duration_s}
        return said
