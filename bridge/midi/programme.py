"""What a score sends, and when: its music, and the clock, the timecode and the machine control that go with it."""

from __future__ import annotations

import heapq
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from bridge.midi.timecode import (
    QUARTERS,
    MtcRate,
    full_frame,
    mmc_locate,
    mmc_play,
    mmc_stop,
    mtc_rate,
    quarter_frame,
)
from emsync_engine.picture import Picture
from emsync_engine.score import TICKS_PER_QUARTER, Part, Score
from emsync_engine.smf import normalise_notes, part_controls

CLOCK_TICKS = TICKS_PER_QUARTER // 24
"""Ticks between two messages of MIDI clock."""
SIXTEENTH_TICKS = TICKS_PER_QUARTER // 4
"""The unit of the song position pointer."""
_MAX_POSITION = 0x3FFF
_AHEAD_S = 0.002
"""A receiver is told to start this long before the clock that it starts with."""
_SYNC, _OFF, _CONTROL, _ON = range(4)
CLOCK, START, CONTINUE, STOP = b"\xf8", b"\xfa", b"\xfb", b"\xfc"
_EPSILON_S = 1e-9


@dataclass(frozen=True, order=True)
class Timed:
    """One message at a time of the score."""

    at_s: float
    """Seconds from the head of the cue."""
    order: int
    """At one time: clock and timecode, endings, controllers, beginnings."""
    data: bytes

    @property
    def is_sync(self) -> bool:
        return self.order == _SYNC


class Programme:
    """A score that is ready to be played from anywhere."""

    def __init__(self, score: Score, picture: Picture) -> None:
        self.score, self.picture = score, picture
        self.duration_s = max(float(score.duration), float(score.tempo_map.seconds(score.end_tick)))
        self.rate: MtcRate = mtc_rate(picture.rate, picture.drop_frame)
        self.first_frame = round(Fraction(picture.start_frame) / picture.rate * self.rate.hz)
        """Of the timecode, at the head of the cue."""
        self._music = sorted(event for part in score.parts for event in _part(part, score))
        self._times = [event.at_s for event in self._music]

    def frame(self, at_s: float) -> int:
        """The timecode's frame that is shown at a time."""
        return self.first_frame + int(Fraction(at_s + _EPSILON_S) * self.rate.hz // 1)

    def seconds(self, frame: Fraction | int) -> float:
        """When a frame of the timecode is reached; before the head it is negative."""
        return float((Fraction(frame) - self.first_frame) / self.rate.hz)

    # --- music ---

    def music(self, from_s: float) -> Iterator[Timed]:
        """Everything that the parts play from a time on."""
        at = bisect_left(self._times, from_s - _EPSILON_S)
        return (self._music[i] for i in range(at, len(self._music)))

    def settings(self, at_s: float) -> list[bytes]:
        """Instruments and controllers as they stand just before a time."""
        programs = [bytes((0xC0 | p.channel, p.program)) for p in self.score.parts]
        values: dict[bytes, bytes] = {}
        for event in self._music[: bisect_left(self._times, at_s - _EPSILON_S)]:
            if event.order == _CONTROL:
                values[event.data[:2]] = event.data
        return [*programs, *values.values()]

    # --- leading other machines ---

    def cue(self, at_s: float) -> list[bytes]:
        """What tells other machines where we stand: timecode, machine control and song position."""
        frame = self.frame(at_s)
        position = _position(self._next_sixteenth(at_s) // SIXTEENTH_TICKS)
        return [mmc_locate(frame, self.rate), full_frame(frame, self.rate), position]

    @staticmethod
    def halt() -> list[bytes]:
        """What stops other machines."""
        return [STOP, mmc_stop()]

    def sync(self, from_s: float) -> Iterator[Timed]:
        """Start, clock and timecode from a time to the end."""
        streams = (self._starts(from_s), self._clocks(from_s), self._quarter_frames(from_s))
        return heapq.merge(*streams, key=lambda event: event.at_s)  # at one time in this order

    def _next_sixteenth(self, at_s: float) -> int:
        tick = max(self.score.tempo_map.tick(max(at_s - _EPSILON_S, 0.0)), 0)
        return -(-tick // SIXTEENTH_TICKS) * SIXTEENTH_TICKS

    def _starts(self, from_s: float) -> Iterator[Timed]:
        tick = self._next_sixteenth(from_s)
        begin = max(float(self.score.tempo_map.seconds(tick)) - _AHEAD_S, from_s)
        yield Timed(from_s, _SYNC, mmc_play())
        yield Timed(begin, _SYNC, START if tick == 0 else CONTINUE)

    def _clocks(self, from_s: float) -> Iterator[Timed]:
        tick = self._next_sixteenth(from_s)
        begin = max(float(self.score.tempo_map.seconds(tick)), from_s)
        yield Timed(begin, _SYNC, CLOCK)
        while (at_s := float(self.score.tempo_map.seconds(tick := tick + CLOCK_TICKS))) < self.duration_s:
            yield Timed(at_s, _SYNC, CLOCK)

    def _quarter_frames(self, from_s: float) -> Iterator[Timed]:
        """From the next even frame on: the first piece of eight comes with one."""
        hz = self.rate.hz
        exact = self.first_frame + Fraction(max(from_s - _EPSILON_S, 0.0)) * hz
        frame = int(-(-exact // 2)) * 2
        while True:
            fields = self.rate.fields(frame)
            for piece in range(QUARTERS):
                at_s = self.seconds(frame + Fraction(piece, 4))
                if at_s >= self.duration_s:
                    return
                yield Timed(at_s, _SYNC, quarter_frame(piece, fields, self.rate))
            frame += 2


def _position(sixteenths: int) -> bytes:
    sixteenths = min(sixteenths, _MAX_POSITION)
    return bytes((0xF2, sixteenths & 127, sixteenths >> 7))


def _part(part: Part, score: Score) -> Iterator[Timed]:
    def at(tick: int) -> float:
        return float(score.tempo_map.seconds(tick))

    for control in part_controls(part):
        yield Timed(at(control.tick), _CONTROL, bytes((0xB0 | part.channel, control.controller, control.value)))
    for note in normalise_notes(part.notes):
        yield Timed(at(note.tick), _ON, bytes((0x90 | part.channel, note.pitch, note.velocity)))
        yield Timed(at(note.end), _OFF, bytes((0x80 | part.channel, note.pitch, 0)))
