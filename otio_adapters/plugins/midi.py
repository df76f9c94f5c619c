"""Notes and controllers of a MIDI clip: as metadata, as channel messages, and cut to what a clip shows."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

# Order of messages at one tick: endings before set-up before beginnings.
_OFF, _SETUP, _ON = range(3)


class Note(NamedTuple):
    """``duration`` in ticks, at least 1."""

    tick: int
    pitch: int
    duration: int
    velocity: int
    channel: int = 0


class Control(NamedTuple):
    """A control change."""

    tick: int
    controller: int
    value: int
    channel: int = 0


class Program(NamedTuple):
    """A program change."""

    tick: int
    program: int
    channel: int = 0


class Bend(NamedTuple):
    """A pitch bend, -8192 to 8191."""

    tick: int
    value: int
    channel: int = 0


class Message(NamedTuple):
    """A MIDI channel message at a tick: status byte and data bytes."""

    tick: int
    data: tuple[int, ...]


@dataclass(frozen=True)
class Midi:
    """The contents of a MIDI clip, each in order of time."""

    ticks_per_quarter: int = 960
    notes: tuple[Note, ...] = ()
    controls: tuple[Control, ...] = ()
    programs: tuple[Program, ...] = ()
    bends: tuple[Bend, ...] = ()

    @property
    def end(self) -> int:
        """Tick at which the last note or event ends."""
        ends = [note.tick + note.duration for note in self.notes]
        ends += [row[0] for rows in (self.controls, self.programs, self.bends) for row in rows]
        return max(ends, default=0)

    def to_metadata(self) -> dict[str, Any]:
        """As ``clip.metadata["midi"]`` holds it."""
        lists = {key: [list(row) for row in getattr(self, key)] for key in _ROWS}
        return {"ticks_per_quarter": self.ticks_per_quarter, **lists}

    def resolved(self, ticks_per_quarter: int) -> Midi:
        """The same at another resolution; positions are rounded to the nearest tick."""
        if ticks_per_quarter == self.ticks_per_quarter:
            return self

        ratio = Fraction(ticks_per_quarter, self.ticks_per_quarter)
        return self.mapped(lambda tick: round(tick * ratio), ticks_per_quarter)

    def between(self, start: int, end: int) -> Midi:
        """What sounds in [start, end), counted from ``start``: notes that begin there, cut at its end.

        Controllers, programs and bends set before ``start`` hold there.
        """
        if start <= 0 and end >= self.end:
            return self
        notes = (
            note._replace(tick=note.tick - start, duration=min(note.duration, end - note.tick))
            for note in self.notes
            if start <= note.tick < end
        )
        return Midi(
            self.ticks_per_quarter,
            tuple(notes),
            tuple(_chased(self.controls, start, end, lambda c: (c.channel, c.controller))),
            tuple(_chased(self.programs, start, end, lambda p: p.channel)),
            tuple(_chased(self.bends, start, end, lambda b: b.channel)),
        )

    def mapped(self, to: Callable[[int], int], ticks_per_quarter: int) -> Midi:
        """Everything at ``to`` of its tick; notes keep at least one tick."""
        return Midi(
            ticks_per_quarter,
            tuple(
                n._replace(tick=to(n.tick), duration=max(1, to(n.tick + n.duration) - to(n.tick))) for n in self.notes
            ),
            tuple(control._replace(tick=to(control.tick)) for control in self.controls),
            tuple(program._replace(tick=to(program.tick)) for program in self.programs),
            tuple(bend._replace(tick=to(bend.tick)) for bend in self.bends),
        )

    def messages(self) -> list[Message]:
        """Channel messages in the order they are sent."""
        rows: list[tuple[int, int, tuple[int, ...]]] = [
            (p.tick, _SETUP, (0xC0 | p.channel, p.program)) for p in self.programs
        ]
        rows += [(c.tick, _SETUP, (0xB0 | c.channel, c.controller, c.value)) for c in self.controls]
        rows += [
            (b.tick, _SETUP, (0xE0 | b.channel, (b.value + 8192) & 127, (b.value + 8192) >> 7)) for b in self.bends
        ]
        rows += [(n.tick, _ON, (0x90 | n.channel, n.pitch, n.velocity)) for n in self.notes]
        rows += [(n.tick + n.duration, _OFF, (0x80 | n.channel, n.pitch, 0)) for n in self.notes]
        return [Message(tick, data) for tick, _, data in sorted(rows, key=lambda row: row[:2])]


_ROWS: dict[str, tuple[type[Any], tuple[tuple[int, int], ...]]] = {
    "notes": (Note, ((0, 127), (1, 1 << 40), (1, 127), (0, 15))),
    "controls": (Control, ((0, 127), (0, 127), (0, 15))),
    "programs": (Program, ((0, 127), (0, 15))),
    "bends": (Bend, ((-8192, 8191), (0, 15))),
}
"""Field of ``Midi`` and of its metadata: row type, and the least and greatest of each column after the tick."""


def _chased(events: Iterable[Any], start: int, end: int, key: Any) -> list[Any]:
    held: dict[Any, Any] = {}
    kept = []
    for event in events:
        if event.tick < start:
            held[key(event)] = event._replace(tick=0)
        elif event.tick < end:
            kept.append(event._replace(tick=event.tick - start))
    return [*held.values(), *kept]


def midi_of_metadata(value: object) -> Midi | None:
    """The MIDI of ``clip.metadata["midi"]``; None when it is none. Rows outside MIDI's ranges are left out."""
    if not isinstance(value, Mapping):
        return None
    resolution = value.get("ticks_per_quarter", 960)
    if not isinstance(resolution, int) or not 1 <= resolution <= 100_000:
        return None
    rows = {key: tuple(sorted(_rows(value.get(key), *shape))) for key, shape in _ROWS.items()}
    return Midi(resolution, **rows)


def _rows(value: object, kind: type[Any], limits: tuple[tuple[int, int], ...]) -> Iterable[Any]:
    for row in value if isinstance(value, Sequence) and not isinstance(value, str) else ():
        if not isinstance(row, Sequence) or not len(limits) <= len(row) <= len(limits) + 1:
            continue
        columns = tuple(row) if len(row) == len(limits) + 1 else (*row, 0)
        if not all(isinstance(column, int) and not isinstance(column, bool) for column in columns):
            continue
        if columns[0] >= 0 and all(lo <= column <= hi for column, (lo, hi) in zip(columns[1:], limits)):
            yield kind(*columns)


def midi_of_messages(messages: Iterable[Message], ticks_per_quarter: int) -> Midi:
    """The clip that messages in order of time make. Of equal notes that overlap, the one struck first ends first.

    A note that is never released ends with the last message; other kinds of message are left out.
    """
    notes: list[Note] = []
    lists: dict[int, list[Any]] = {0xB0: [], 0xC0: [], 0xE0: []}
    sounding: dict[tuple[int, int], deque[tuple[int, int]]] = defaultdict(deque)
    last = 0
    for tick, data in messages:
        last = max(last, tick)
        kind, channel = data[0] & 0xF0, data[0] & 0x0F
        first, second = (*data[1:], 0, 0)[:2]
        if kind == 0x90 and second:
            sounding[channel, first].append((tick, second))
        elif kind in (0x80, 0x90):
            if sounding[channel, first]:
                start, velocity = sounding[channel, first].popleft()
                notes.append(Note(start, first, max(tick - start, 1), velocity, channel))
        elif kind == 0xB0:
            lists[kind].append(Control(tick, first, second, channel))
        elif kind == 0xC0:
            lists[kind].append(Program(tick, first, channel))
        elif kind == 0xE0:
            lists[kind].append(Bend(tick, first + (second << 7) - 8192, channel))
    for (channel, pitch), waiting in sounding.items():
        notes += [Note(start, pitch, max(last - start, 1), velocity, channel) for start, velocity in waiting]
    ordered = (tuple(sorted(rows)) for rows in (notes, lists[0xB0], lists[0xC0], lists[0xE0]))
    return Midi(ticks_per_quarter, *ordered)
