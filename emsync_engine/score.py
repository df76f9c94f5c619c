"""``Score``: the composed cue as an exact, editable document.

Time inside a score is integer ticks (``TICKS_PER_QUARTER`` a quarter note); the tempo map turns ticks into exact
``Fraction`` seconds because a MIDI tempo is a whole number of microseconds a quarter.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any, Literal

TICKS_PER_QUARTER = 960


@dataclass(frozen=True)
class Tempo:
    """From ``tick`` on, a quarter lasts ``us_per_quarter`` microseconds."""

    tick: int
    us_per_quarter: int
    forced: bool = False
    """The step to this tempo is larger than the solver's limit because a hit left no other way."""

    @property
    def bpm(self) -> float:
        return 60e6 / self.us_per_quarter


@dataclass(frozen=True)
class TempoMap:
    """A piecewise constant tempo. The first event is at tick 0."""

    events: tuple[Tempo, ...]

    def __post_init__(self) -> None:
        if not self.events or self.events[0].tick != 0:
            raise ValueError("a tempo map starts at tick 0")

    @cached_property
    def _ticks(self) -> list[int]:
        return [e.tick for e in self.events]

    @cached_property
    def _starts_us(self) -> list[Fraction]:
        starts = [Fraction(0)]
        for a, b in zip(self.events, self.events[1:]):
            starts.append(starts[-1] + Fraction((b.tick - a.tick) * a.us_per_quarter, TICKS_PER_QUARTER))
        return starts

    def seconds(self, tick: int) -> Fraction:
        """Exact seconds at a tick."""
        i = bisect_right(self._ticks, tick) - 1
        event = self.events[max(i, 0)]
        us = self._starts_us[max(i, 0)] + Fraction((tick - event.tick) * event.us_per_quarter, TICKS_PER_QUARTER)
        return us / 1_000_000

    def tick(self, seconds: Fraction | float) -> int:
        """Nearest tick of a time in seconds."""
        us = Fraction(seconds) * 1_000_000
        i = max(bisect_right(self._starts_us, us) - 1, 0)
        event = self.events[i]
        return event.tick + round((us - self._starts_us[i]) * TICKS_PER_QUARTER / event.us_per_quarter)

    def bpm_at(self, tick: int) -> float:
        return self.events[max(bisect_right(self._ticks, tick) - 1, 0)].bpm


@dataclass(frozen=True)
class Bar:
    """One bar: ``beats`` quarter notes from ``tick``. Every metre is N/4."""

    tick: int
    beats: int

    @property
    def ticks(self) -> int:
        return self.beats * TICKS_PER_QUARTER

    @property
    def end(self) -> int:
        return self.tick + self.ticks


@dataclass(frozen=True)
class Key:
    """Tonic pitch class (0 = C) and mode."""

    tonic: int
    mode: Literal["major", "minor"]

    @property
    def name(self) -> str:
        """``"D minor"``, spelt as key signatures are."""
        major = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
        minor = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B")
        return f"{(major if self.mode == 'major' else minor)[self.tonic]} {self.mode}"


@dataclass(frozen=True, order=True)
class Note:
    """A sounding note. ``duration`` > 0 ticks, velocity 1..127."""

    tick: int
    pitch: int
    duration: int
    velocity: int

    @property
    def end(self) -> int:
        return self.tick + self.duration


@dataclass(frozen=True, order=True)
class Control:
    """A control change."""

    tick: int
    controller: int
    value: int


@dataclass(frozen=True)
class Part:
    """One instrument line. ``id`` is stable across takes."""

    id: str
    name: str
    program: int
    channel: int
    """0..15; drums are on 9."""
    notes: tuple[Note, ...] = ()
    controls: tuple[Control, ...] = ()

    @property
    def is_drums(self) -> bool:
        return self.channel == 9


@dataclass(frozen=True)
class ChordSpan:
    """A chord of the harmonic plan."""

    tick: int
    duration: int
    root: int
    """Pitch class."""
    quality: str
    """``maj``, ``min``, ``dim``, ``maj7``, ``min7``, ``dom7``, ``sus2``, ``sus4``, ``add9`` ..."""
    numeral: str = ""
    bass: int | None = None
    """Pitch class of the bass when it is not the root."""

    @property
    def end(self) -> int:
        return self.tick + self.duration


@dataclass(frozen=True)
class ScoreMarker:
    """A hit, a section start or the end, for DAW markers."""

    tick: int
    text: str
    kind: Literal["hit", "section", "end"]


@dataclass(frozen=True)
class ScoreHit:
    """A boundary the music lands on."""

    tick: int
    time: Fraction
    """The boundary's hit time in seconds: what the music aims at."""
    label: str = ""
    weight: float = 1.0
    boundary: int | None = None
    """Index into the picture's boundaries."""


@dataclass(frozen=True)
class Section:
    """A span of bars with one mood, one seed and one history."""

    id: str
    name: str
    tick: int
    end: int
    valence: float
    arousal: float
    seed: int
    take: int = 1
    role: str = "a"
    """Formal role: sections of the same letter share material; ``ending`` closes the cue."""


@dataclass(frozen=True)
class Score:
    """A whole cue."""

    tempo_map: TempoMap
    bars: tuple[Bar, ...]
    key: Key
    parts: tuple[Part, ...]
    sections: tuple[Section, ...]
    chords: tuple[ChordSpan, ...]
    hits: tuple[ScoreHit, ...]
    duration: Fraction
    """Seconds; equals the picture's."""
    end_tick: int
    """Where the last notes end."""
    seed: int
    engine: str
    title: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)

    def part(self, part_id: str) -> Part:
        for part in self.parts:
            if part.id == part_id:
                return part
        raise KeyError(part_id)

    def markers(self) -> tuple[ScoreMarker, ...]:
        """Hits, section starts and the end, by time."""
        rows = [ScoreMarker(s.tick, f"Section {s.name}", "section") for s in self.sections]
        rows += [ScoreMarker(h.tick, f"Hit {i + 1}" + (f" {h.label}" if h.label else ""), "hit")
                 for i, h in enumerate(self.hits)]  # fmt: skip
        rows.append(ScoreMarker(self.end_tick, "End", "end"))
        return tuple(sorted(rows, key=lambda m: (m.tick, m.kind)))

    def bar_beat(self, tick: int) -> tuple[int, float]:
        """1-based bar number and beat (1.0 is the bar line) of a tick."""
        index = max(bisect_right([b.tick for b in self.bars], tick) - 1, 0)
        return index + 1, 1 + (tick - self.bars[index].tick) / TICKS_PER_QUARTER


def notes_between(notes: Iterable[Note], start: int, end: int) -> list[Note]:
    """Notes whose onset lies in [start, end)."""
    return [n for n in notes if start <= n.tick < end]
