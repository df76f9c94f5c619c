"""The state of a fake REAPER project: tracks, items, takes, MIDI, tempo, markers. Texts are raw bytes as latin-1."""

from __future__ import annotations

import copy
import hashlib
import itertools
import struct
import uuid
from dataclasses import dataclass, field

BEATS, TIME, BEATS_POSITION = 1, 0, 2
"""Timebases of items: bound to beats with position, length and rate; bound to seconds; bound to beats with position."""

_serial = itertools.count(1)


class MisuseError(Exception):
    """A script has used the API as it may not be used."""


def guid() -> str:
    return "{" + str(uuid.UUID(int=next(_serial))).upper() + "}"


@dataclass(eq=False)
class Source:
    """A media source: a file, or MIDI in the project."""

    kind: str
    file: str = ""
    ticks: int = 960
    """A quarter note of MIDI."""
    events: list[tuple[int, int, bytes]] = field(default_factory=list)
    """(tick, flags, message) in order; the last one ends the source."""
    parent: Source | None = None


@dataclass(eq=False)
class Take:
    item: Item
    source: Source | None = None
    name: str = ""
    ext: dict[str, str] = field(default_factory=dict)
    values: dict[str, float] = field(default_factory=lambda: {"D_STARTOFFS": 0.0, "D_PLAYRATE": 1.0})

    def notes(self) -> list[tuple[int, int, int, int, int]]:
        """(tick, pitch, duration, velocity, channel) in order."""
        sounding: dict[tuple[int, int], tuple[int, int]] = {}
        found = []
        for tick, _, message in self.source.events if self.source else []:
            kind, channel = message[0] & 0xF0, message[0] & 0x0F
            if kind == 0x90 and message[2] > 0:
                sounding[channel, message[1]] = (tick, message[2])
            elif kind in (0x80, 0x90):
                start, velocity = sounding.pop((channel, message[1]))
                found.append((start, message[1], tick - start, velocity, channel))
        return sorted(found)

    def controls(self) -> list[tuple[int, int, int]]:
        events = self.source.events[:-1] if self.source else []
        return [(tick, m[1], m[2]) for tick, _, m in events if m[0] & 0xF0 == 0xB0]

    def programs(self) -> list[tuple[int, int]]:
        return [(tick, m[1]) for tick, _, m in self.source.events if m[0] & 0xF0 == 0xC0] if self.source else []


@dataclass(eq=False)
class Item:
    track: Track
    position: float = 0.0
    length: float = 1.0
    takes: list[Take] = field(default_factory=list)
    current: int = 0
    selected: bool = False
    ext: dict[str, str] = field(default_factory=dict)
    values: dict[str, float] = field(
        default_factory=lambda: {"C_BEATATTACHMODE": -1.0, "C_LOCK": 0.0, "B_MUTE": 0.0, "B_LOOPSRC": 1.0}
    )

    @property
    def end(self) -> float:
        return self.position + self.length

    @property
    def active(self) -> Take | None:
        return self.takes[self.current] if self.takes else None


@dataclass(eq=False)
class Track:
    name: str = ""
    guid: str = field(default_factory=guid)
    colour: int = 0
    selected: bool = False
    items: list[Item] = field(default_factory=list)
    ext: dict[str, str] = field(default_factory=dict)
    values: dict[str, float] = field(default_factory=lambda: {"C_BEATATTACHMODE": -1.0, "B_MUTE": 0.0})


@dataclass
class Tempo:
    time: float
    bpm: float
    numerator: int = 0
    """0 unless it sets the metre."""
    denominator: int = 0
    ramp: bool = False
    flags: int = 0


@dataclass
class Marker:
    is_region: bool
    time: float
    end: float
    name: str
    number: int
    colour: int = 0
    guid: str = field(default_factory=guid)


@dataclass(eq=False)
class State:
    """What undo brings back."""

    tracks: list[Track] = field(default_factory=list)
    tempo: list[Tempo] = field(default_factory=list)
    markers: list[Marker] = field(default_factory=list)
    ext: dict[str, dict[str, str]] = field(default_factory=dict)


@dataclass(eq=False)
class Project:
    name: str = "film.rpp"
    path: str = ""
    state: State = field(default_factory=State)
    timebase: int = BEATS
    """Of items that do not say otherwise, as in a new project."""
    base_bpm: float = 120.0
    base_metre: tuple[int, int] = (4, 4)
    midi_ticks: int = 960
    rate: float = 24.0
    drop: bool = False
    offset: float = 0.0
    cursor: float = 0.0
    playing: int = 0
    selection: tuple[float, float] = (0.0, 0.0)
    changes: int = 0
    undo: list[tuple[str, State]] = field(default_factory=list)

    # --- time ---

    def _segments(self) -> list[tuple[float, float, float]]:
        """(time, quarters there, bpm from there on)."""
        rows = [(0.0, 0.0, self.base_bpm)]
        for mark in sorted(self.state.tempo, key=lambda m: m.time):
            time, quarters, bpm = rows[-1]
            rows.append((mark.time, quarters + (mark.time - time) * bpm / 60, mark.bpm))
        return rows

    def quarters(self, time: float) -> float:
        at, quarters, bpm = [row for row in self._segments() if row[0] <= time + 1e-12 or row[0] == 0.0][-1]
        return quarters + (time - at) * bpm / 60

    def time(self, quarters: float) -> float:
        at, here, bpm = [row for row in self._segments() if row[1] <= quarters + 1e-12 or row[1] == 0.0][-1]
        return at + (quarters - here) * 60 / bpm

    def tempo_at(self, time: float) -> tuple[int, int, float]:
        metre, bpm = self.base_metre, self.base_bpm
        for mark in sorted(self.state.tempo, key=lambda m: m.time):
            if mark.time <= time + 1e-12:
                bpm = mark.bpm
                metre = (mark.numerator, mark.denominator) if mark.numerator else metre
        return (*metre, bpm)

    def items(self) -> list[Item]:
        return [item for track in self.state.tracks for item in track.items]

    def timebase_of(self, item: Item) -> int:
        for value in (item.values["C_BEATATTACHMODE"], item.track.values["C_BEATATTACHMODE"]):
            if value >= 0:
                return int(value)
        return self.timebase

    def change_tempo(self, change: object) -> None:
        """Run ``change``, which alters the tempo markers; items bound to beats go where their beats go."""
        bound = [(i, self.quarters(i.position), self.quarters(i.end), self.timebase_of(i)) for i in self.items()]
        change()  # type: ignore[operator]
        self.state.tempo.sort(key=lambda m: m.time)
        for item, start, end, mode in bound:
            if mode in (BEATS, BEATS_POSITION):
                item.position = self.time(start)
            if mode == BEATS:
                item.length = self.time(end) - item.position

    def snapshot(self) -> State:
        return copy.deepcopy(self.state)

    def has(self, thing: object) -> bool:
        """Whether a pointer is still good."""
        if isinstance(thing, Track):
            return thing in self.state.tracks
        if isinstance(thing, Item):
            return self.has(thing.track) and thing in thing.track.items
        if isinstance(thing, Take):
            return self.has(thing.item) and thing in thing.item.takes
        return True


def parse_events(buffer: bytes) -> list[tuple[int, int, bytes]]:
    """The events of a MIDI_SetAllEvts buffer.

    Raises:
        MisuseError: not such a buffer, or messages that no MIDI source can hold.
    """
    events, at, now = [], 0, 0
    while at < len(buffer):
        if at + 9 > len(buffer):
            raise MisuseError("MIDI buffer cut off")
        offset, flags, size = struct.unpack_from("<iBi", buffer, at)
        message = buffer[at + 9 : at + 9 + size]
        at += 9 + size
        now += offset
        if offset < 0 or len(message) != size or not message:
            raise MisuseError(f"MIDI event with offset {offset} and {len(message)} of {size} bytes")
        _check(message)
        events.append((now, flags, message))
    if not events or events[-1][2][:2] not in {bytes((0xB0 | c, 123)) for c in range(16)}:
        raise MisuseError("MIDI data without the final all-notes-off that gives the source its length")
    return events


def pack_events(events: list[tuple[int, int, bytes]]) -> bytes:
    """The buffer of MIDI_GetAllEvts."""
    pieces, now = [], 0
    for tick, flags, message in events:
        pieces.append(struct.pack("<iBi", tick - now, flags, len(message)) + message)
        now = tick
    return b"".join(pieces)


def _check(message: bytes) -> None:
    kind = message[0] & 0xF0
    sizes = {0x80: 3, 0x90: 3, 0xA0: 3, 0xB0: 3, 0xC0: 2, 0xD0: 2, 0xE0: 3}
    if kind == 0xF0:
        return
    if sizes.get(kind) != len(message) or any(byte > 127 for byte in message[1:]):
        raise MisuseError(f"no MIDI message: {message.hex(' ')}")
    if kind == 0x90 and message[2] == 0:
        raise MisuseError("a note with velocity 0")


def midi_hash(source: Source | None, notes_only: bool) -> str:
    events = source.events if source else []
    kept = [e for e in events if not notes_only or e[2][0] & 0xF0 in (0x80, 0x90)]
    return hashlib.sha1(repr(kept).encode()).hexdigest()
