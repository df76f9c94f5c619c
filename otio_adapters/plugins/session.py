"""``Session``: a timeline as a DAW sees it. What every plug-in writes from and reads into."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from otio_adapters.plugins.midi import Midi
from otio_adapters.plugins.tempo import Clock, TempoPoint

ItemKind = Literal["video", "audio", "midi"]

COLOURS = {
    "RED": 0xFF0000,
    "ORANGE": 0xFF8000,
    "YELLOW": 0xFFFF00,
    "GREEN": 0x00C000,
    "CYAN": 0x00FFFF,
    "BLUE": 0x0060FF,
    "PURPLE": 0x8000FF,
    "MAGENTA": 0xFF00FF,
    "PINK": 0xFF80C0,
    "BLACK": 0x000000,
    "WHITE": 0xFFFFFF,
}
"""OpenTimelineIO's marker colours as 0xRRGGBB."""


@dataclass(frozen=True)
class Item:
    """A clip in record time. Seconds, exact."""

    start: Fraction
    duration: Fraction
    kind: ItemKind
    name: str = ""
    media: str = ""
    """Path or URL; empty for MIDI and for what has no file."""
    source: Fraction = Fraction(0)
    """Seconds from the head of the media shown at ``start``."""
    speed: Fraction = Fraction(1)
    """Media seconds per record second; negative runs backwards, 0 is a freeze."""
    muted: bool = False
    midi: Midi | None = None
    media_duration: Fraction | None = None
    """Length of the file in seconds where it is known."""

    @property
    def end(self) -> Fraction:
        return self.start + self.duration


@dataclass(frozen=True)
class SessionTrack:
    """A track with its items in order of time."""

    name: str
    items: tuple[Item, ...] = ()
    kind: ItemKind = "audio"
    """Of an empty track; otherwise the items say it."""
    volume: float = 1.0
    """Linear gain."""
    pan: float = 0.0
    """-1 left, 1 right."""
    muted: bool = False

    def items_of(self, video: bool) -> tuple[Item, ...]:
        return tuple(item for item in self.items if (item.kind == "video") is video)


@dataclass(frozen=True)
class SessionMarker:
    """A marker, or a region when it lasts."""

    time: Fraction
    name: str = ""
    duration: Fraction = Fraction(0)
    comment: str = ""
    colour: str = ""
    """An OpenTimelineIO colour name, or empty."""


@dataclass(frozen=True)
class Session:
    """A project: tracks top first, as a DAW shows them, so that the topmost picture comes first."""

    name: str
    rate: Fraction
    """Frames a second of the timecode."""
    start_frame: int = 0
    """Record timecode of the head in frames."""
    drop_frame: bool = False
    tempo: tuple[TempoPoint, ...] = ()
    tracks: tuple[SessionTrack, ...] = ()
    markers: tuple[SessionMarker, ...] = ()

    @property
    def duration(self) -> Fraction:
        """End of the last item in seconds."""
        return max((item.end for track in self.tracks for item in track.items), default=Fraction(0))

    @property
    def start_seconds(self) -> Fraction:
        return Fraction(self.start_frame) / self.rate


def lanes_of(items: Iterable[Item]) -> list[list[Item]]:
    """Items spread over as few lanes as let none overlap, each in order of time; never empty."""
    lanes: list[list[Item]] = []
    for item in sorted(items, key=lambda item: (item.start, item.end)):
        lane = next((lane for lane in lanes if lane[-1].end <= item.start), None)
        if lane is None:
            lanes.append([item])
        else:
            lane.append(item)
    return lanes or [[]]


def shown_midi(item: Item, clock: Clock) -> Midi:
    """The MIDI that an item plays, with tick 0 at its start."""
    midi = item.midi or Midi()
    origin = clock.quarters(item.start - item.source)
    first = round((clock.quarters(item.start) - origin) * midi.ticks_per_quarter)
    return midi.between(first, round((clock.quarters(item.end) - origin) * midi.ticks_per_quarter))


def nearest_colour(rgb: int) -> str:
    """The OpenTimelineIO colour closest to 0xRRGGBB."""

    def distance(other: int) -> int:
        return sum(((rgb >> shift & 255) - (other >> shift & 255)) ** 2 for shift in (0, 8, 16))

    return min(COLOURS, key=lambda name: distance(COLOURS[name]))
