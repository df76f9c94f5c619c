"""What a container of FCPXML shows in its own time, and small look-ups on its elements."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field, replace
from fractions import Fraction

from emsync_engine.errors import InputError
from emsync_engine.picture import Caption
from otio_adapters.document import Node
from otio_adapters.formats.fcpxml_resources import time_of
from otio_adapters.formats.placing import Blended, Placed, lanes_of, place_track
from otio_adapters.formats.xml_text import Element

_ZERO = Fraction(0)
DEFAULT_LOCAL = Fraction(3600)
"""Local time at which gaps and transitions start when they do not say."""
CLIPS = frozenset({"asset-clip", "clip", "video", "audio", "title", "ref-clip", "sync-clip", "mc-clip", "gap"})
MAX_LANES = 8
_WHOLE = re.compile(r"^\s*[-+]?[0-9]{1,9}\s*$")

Lane = tuple[int, ...]
"""Lane numbers from the primary storyline (an empty tuple) down to a connected clip."""


@dataclass
class Story:
    """What a container shows, in its own time from 0."""

    lanes: dict[Lane, list[Placed]] = field(default_factory=lambda: defaultdict(list))
    blends: list[Blended] = field(default_factory=list)
    sounds: dict[str, list[Placed]] = field(default_factory=lambda: defaultdict(list))
    markers: list[Node] = field(default_factory=list)
    captions: list[Caption] = field(default_factory=list)
    length: Fraction = Fraction(0)
    """Seconds of the primary storyline, gaps at its end included."""

    def video_tracks(self, rate: Fraction) -> list[Node]:
        """Tracks bottom first."""
        tracks: list[Node] = []
        lanes = {**self.lanes, (): self.lanes.get((), [])} if self.length else self.lanes
        for lane in sorted(lanes, key=lambda lane: lane + (0,) * (MAX_LANES - len(lane))):
            clips = lanes[lane]
            blends, length = ([], Fraction(0)) if lane else (self.blends, self.length)
            for part in [clips] if not lane else lanes_of(clips):
                tracks.append(place_track(f"V{len(tracks) + 1}", "Video", part, rate, blends, length))
        return tracks

    def audio_tracks(self, rate: Fraction) -> list[Node]:
        """Tracks named by role."""
        return [
            place_track(role, "Audio", part, rate) for role, clips in self.sounds.items() for part in lanes_of(clips)
        ]


@dataclass
class Part:
    """A clip of a storyline with the span in which it is seen."""

    element: Element
    start: Fraction
    lo: Fraction
    hi: Fraction


@dataclass(frozen=True)
class Content:
    """What an element shows and plays."""

    picture: Node | None = None
    """Media reference of a picture of its own."""
    sound: Node | None = None
    shift: Fraction = _ZERO
    """What to add to the element's own time for source time."""
    nest: Story | None = None
    """What it holds, for compound, multicam and synchronised clips."""
    nest_shift: Fraction = _ZERO
    sounds: tuple[tuple[Node, Fraction], ...] = ()
    """Media references of more sounds, each with its own shift."""


def active_of(element: Element) -> Element:
    """The clip an audition shows: its first."""
    if element.tag != "audition":
        return element
    return next((child for child in element if child.tag in CLIPS), element)


def marker_elements(element: Element) -> list[Element]:
    return [child for child in element if child.tag in ("marker", "chapter-marker")]


def lane_number(element: Element) -> int:
    text = element.get("lane") or "0"
    if not _WHOLE.match(text):
        raise InputError(f"<{element.tag}> {element.get('name')!r} has lane={text!r}, which is no number")
    return int(text)


def gap_start(gap: Element) -> Fraction:
    """A gap's own time at its head where it does not say: an hour, unless what hangs from it counts from 0."""
    offsets = [time_of(child, "offset") for child in gap if child.get("lane") and child.get("offset")]
    return _ZERO if any(offset < DEFAULT_LOCAL for offset in offsets) else DEFAULT_LOCAL


def let_through(nest: Story, enable: str) -> Story:
    """What of a nest an element lets through: its picture, its sound or both."""
    if enable == "audio":
        return Story(sounds=nest.sounds)
    return replace(nest, sounds={}) if enable == "video" else nest


def split_sound(whole: Placed, shown: Placed, span: tuple[Fraction, Fraction] | None) -> Placed:
    """The sound of a clip: where a split edit puts it, else under the picture."""
    if span is None or whole.curve:
        return shown
    start, end = max(whole.start + span[0], _ZERO), whole.start + span[1]
    return whole.between(start, end) if end > start else shown


def with_source_from(clip: Placed, by: Fraction) -> Placed:
    """The clip with its source counted from another zero."""
    curve = tuple((time, value + by) for time, value in clip.curve)
    return replace(clip, source=clip.source + by, curve=curve)


def moved(clip: Placed, by: Fraction) -> Placed:
    return replace(clip, start=clip.start + by, end=clip.end + by)
