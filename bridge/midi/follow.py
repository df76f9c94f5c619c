"""Following another machine: what comes in as MIDI time code or MIDI clock, as a moving place in the score."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from bridge.midi.anchor import Anchor
from bridge.midi.programme import CLOCK_TICKS, SIXTEENTH_TICKS, Programme
from bridge.midi.timecode import QUARTER_FRAME, QuarterFrames, Timecode, rate_of_code, read_full_frame

_JUMP_S = 0.05
"""A place that is further than this from where we are is another place, not jitter."""


class Follower(Protocol):
    """Takes messages as they come in and knows where the other machine is."""

    anchor: Anchor | None
    """Set while it runs."""
    stands_s: float
    """Where it stands while it does not."""

    def hear(self, data: bytes, now: float) -> None: ...

    def take_up(self, programme: Programme, now: float) -> None:
        """Go on with another score, from where the other machine is."""

    @property
    def silent_at(self) -> float:
        """When the other machine has said nothing for so long that it has stopped, while it runs."""


class MtcFollower:
    """Follows quarter frames; full frames say where it stands."""

    _SILENCE_S = 0.2
    _GAIN = 0.1
    """Part of each error that is corrected at once: what the arrival of a hundred messages a second jitters by is
    not heard."""

    def __init__(self, programme: Programme) -> None:
        self.anchor: Anchor | None = None
        self.stands_s = 0.0
        self._programme = programme
        self._pieces = QuarterFrames()
        self._quarter_s = 0.0
        self._heard = 0.0

    @property
    def silent_at(self) -> float:
        return self._heard + self._SILENCE_S

    def hear(self, data: bytes, now: float) -> None:
        if data[0] == QUARTER_FRAME and len(data) == 2:
            self._quarter(data[1], now)
        elif (whole := read_full_frame(data)) is not None and (place := self._place(whole, 0.0)) is not None:
            self.anchor, self.stands_s = None, place

    def take_up(self, programme: Programme, now: float) -> None:
        moved_s = _start_s(self._programme) - _start_s(programme)
        self._programme = programme
        self.stands_s += moved_s
        if self.anchor is not None:
            self.anchor = replace(self.anchor, position_s=self.anchor.position(now) + moved_s, at=now)

    def _quarter(self, data: int, now: float) -> None:
        self._heard = now
        whole = self._pieces.hear(data)
        if whole is not None:
            measured = self._place(whole, 7 / 4)  # the eighth piece comes so many frames after what it tells
        elif self.anchor is not None:
            measured = self.stands_s + self._quarter_s
        else:
            return
        if measured is None:
            return
        self.stands_s = measured
        self.anchor = self._corrected(measured, now)

    def _place(self, said: Timecode, frames_later: float) -> float | None:
        """Seconds of the score; None for a timecode that there is not."""
        rate = rate_of_code(said.code, self._programme.rate)
        try:
            frame = rate.frame(said.fields)
        except ValueError:
            return None
        self._quarter_s = float(1 / rate.hz / 4)
        return float(frame / rate.hz) - _start_s(self._programme) + frames_later * 4 * self._quarter_s

    def _corrected(self, measured: float, now: float) -> Anchor:
        limit = measured + self._SILENCE_S
        if self.anchor is None or abs(measured - self.anchor.position(now)) > _JUMP_S:
            return Anchor(measured, now, limit_s=limit)
        expected = self.anchor.position(now)
        return Anchor(expected + self._GAIN * (measured - expected), now, limit_s=limit)


def _start_s(programme: Programme) -> float:
    """Seconds of the timecode at the head of the score."""
    return float(programme.first_frame / programme.rate.hz)


@dataclass(frozen=True)
class _Beat:
    """The last clock that came: the tick it is for, when it came if the jitter is taken out, and the period."""

    tick: int
    at: float
    period_s: float


class ClockFollower:
    """Follows MIDI clock: the score goes by ticks, so that the other machine's tempo is the tempo."""

    _SILENCE_S = 0.5
    _PHASE, _PERIOD = 0.3, 0.05
    """Parts of an error in time that are taken for phase and for tempo."""

    def __init__(self, programme: Programme) -> None:
        self.anchor: Anchor | None = None
        self.stands_s = 0.0
        self._map = programme.score.tempo_map
        self._tick = 0
        self._running = False
        self._beat: _Beat | None = None

    @property
    def silent_at(self) -> float:
        return (self._beat.at if self._beat else 0.0) + self._SILENCE_S

    def hear(self, data: bytes, now: float) -> None:
        kind = data[0]
        if kind == 0xF2 and len(data) == 3 and not self._running:
            self._stand((data[1] | data[2] << 7) * SIXTEENTH_TICKS)
        elif kind == 0xFA:
            self._stand(0)
            self._running = True
        elif kind == 0xFB:
            self._running = True
        elif kind == 0xFC:
            self._stand(self._tick)
        elif kind == 0xF8 and self._running:
            self._clock(now)

    def take_up(self, programme: Programme, now: float) -> None:
        self._map = programme.score.tempo_map
        if self._beat is not None and self.anchor is not None:
            self._go_from(self._beat)
        else:
            self.stands_s = float(self._map.seconds(self._tick))

    def _stand(self, tick: int) -> None:
        self._tick, self._running, self._beat, self.anchor = tick, False, None, None
        self.stands_s = float(self._map.seconds(tick))

    def _clock(self, now: float) -> None:
        self._beat = beat = self._next(now)
        self._tick = beat.tick + CLOCK_TICKS
        self._go_from(beat)

    def _go_from(self, beat: _Beat) -> None:
        here, after, limit = (float(self._map.seconds(beat.tick + n * CLOCK_TICKS)) for n in range(3))
        self.stands_s = here
        self.anchor = Anchor(here, beat.at, (after - here) / beat.period_s, limit)

    def _next(self, now: float) -> _Beat:
        if self._beat is None:
            ends = (self._map.seconds(self._tick + n * CLOCK_TICKS) for n in (1, 0))
            return _Beat(self._tick, now, float(next(ends) - next(ends)))
        before = self._beat
        error = now - before.at - before.period_s
        if abs(error) > before.period_s:  # the tempo has jumped, or the clock had stopped
            return _Beat(self._tick, now, before.period_s)
        period_s = max(before.period_s + self._PERIOD * error, 0.001)
        return replace(before, tick=self._tick, at=before.at + before.period_s + self._PHASE * error, period_s=period_s)


FOLLOWERS: dict[str, type[MtcFollower] | type[ClockFollower]] = {"mtc": MtcFollower, "clock": ClockFollower}
