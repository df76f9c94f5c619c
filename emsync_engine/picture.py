"""``Picture``: what is seen when. The value every timeline reader yields and everything else starts from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal

from emsync_engine.timecode import rate_text, timecode_from_frames

Seconds = Fraction
"""Exact seconds from the head of the sequence."""

BoundaryKind = Literal["cut", "dissolve", "wipe", "from_black", "to_black", "title", "marker", "overlay"]


@dataclass(frozen=True)
class ShotRef:
    """One side of a boundary: the picture that goes out or comes in."""

    name: str
    media: str
    """Path or URL of the media as far as it is known, else an empty string."""
    media_time: Seconds
    """Seconds from the head of the media file at the boundary."""


@dataclass(frozen=True)
class Shot:
    """A span of record time that shows one piece of media without interruption."""

    start: Seconds
    end: Seconds
    name: str
    media: str
    """Absolute path when the file was found (or relinked), otherwise what the timeline says; empty for none."""
    media_start: Seconds
    """Seconds from the head of the media file shown at ``start``."""
    speed: Fraction = Fraction(1)
    """Media seconds per record second; negative runs backwards, 0 is a freeze."""
    online: bool = False
    """The media file exists on this machine."""
    still: bool = False
    """A still picture or a frozen frame: no motion of its own."""
    reel: str = ""
    path: tuple[int, ...] = ()
    """Structural path of the clip in the document: (track, child, ...). Identifies it within one reading."""

    @property
    def duration(self) -> Seconds:
        return self.end - self.start


@dataclass(frozen=True)
class Boundary:
    """A visible change of picture, or a softer event (title, marker, overlay)."""

    time: Seconds
    """The edit point from the head of the sequence (an EDL's dissolve: its start)."""
    frame: int
    hit: Seconds
    """Where music should land: the cut, the middle of a dissolve or wipe, the full picture of a fade."""
    kind: BoundaryKind
    picture: bool = True
    """An edit of the top-most picture, through edits included; false for titles, markers and other soft events."""
    through: bool = False
    """Same media, continuous in source time and speed: nothing is seen to change."""
    span: tuple[Seconds, Seconds] | None = None
    """Start and end of the transition."""
    outgoing: ShotRef | None = None
    """What is left; None is black."""
    incoming: ShotRef | None = None
    """What is shown next; None is black."""
    weight: float = 1.0
    """How much the boundary asks for a hit, 0..1; a user's ``hit`` marker has 10, ``no-hit`` has 0."""
    label: str = ""


@dataclass(frozen=True)
class Instruction:
    """What a user's marker asks for. ``value`` is already parsed (see ``emsync_engine.instructions``)."""

    kind: Literal["hit", "no-hit", "mood", "section", "silence", "tempo", "key", "parts", "cue", "end"]
    value: Any = None


@dataclass(frozen=True)
class PictureMarker:
    """A marker of the timeline in record time."""

    time: Seconds
    name: str
    duration: Seconds = Fraction(0)
    comment: str = ""
    color: str = ""
    instruction: Instruction | None = None


@dataclass(frozen=True)
class SoundClip:
    """An audio clip in record time."""

    start: Seconds
    end: Seconds
    name: str
    media: str
    media_start: Seconds
    speed: Fraction = Fraction(1)
    online: bool = False
    role: Literal["dialogue", "music", "effects", "unknown"] = "unknown"
    """From the track's and clip's names and flags. ``music`` is temp music and never listened to."""
    track: str = ""


@dataclass(frozen=True)
class Caption:
    """A line of text with its record time."""

    start: Seconds
    end: Seconds
    text: str


@dataclass(frozen=True)
class Picture:
    """A timeline resolved to what is on the screen.

    All times are exact seconds from the head of the sequence; ``start_frame`` is the record timecode of that head.
    """

    name: str
    rate: Fraction
    duration: Seconds
    source: str = ""
    """Path of the file it was read from."""
    drop_frame: bool = False
    start_frame: int = 0
    shots: tuple[Shot, ...] = ()
    boundaries: tuple[Boundary, ...] = ()
    markers: tuple[PictureMarker, ...] = ()
    sounds: tuple[SoundClip, ...] = ()
    dialogue: tuple[tuple[Seconds, Seconds], ...] = ()
    captions: tuple[Caption, ...] = ()
    warnings: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def frame_at(self, time: Seconds) -> int:
        """Nearest frame number from the head."""
        return round(time * self.rate)

    def timecode_at(self, time: Seconds) -> str:
        """Record timecode of a time."""
        return timecode_from_frames(self.start_frame + self.frame_at(time), self.rate, self.drop_frame)

    @property
    def start_timecode(self) -> str:
        return timecode_from_frames(self.start_frame, self.rate, self.drop_frame)

    @property
    def start_seconds(self) -> Seconds:
        """Real seconds since midnight of the first frame."""
        return Fraction(self.start_frame) / self.rate

    def to_json(self) -> dict[str, Any]:
        """The document of ``emsync cuts --json``."""
        return {
            "name": self.name,
            "source": self.source,
            "rate": rate_text(self.rate),
            "drop_frame": self.drop_frame,
            "start_timecode": self.start_timecode,
            "duration_s": float(self.duration),
            "boundaries": [_boundary_json(b) for b in self.boundaries],
            "shots": [_shot_json(s) for s in self.shots],
            "markers": [_marker_json(m) for m in self.markers],
            "dialogue": [[float(a), float(b)] for a, b in self.dialogue],
            "captions": [{"start_s": float(c.start), "end_s": float(c.end), "text": c.text} for c in self.captions],
            "warnings": list(self.warnings),
        }


def _ref_json(ref: ShotRef | None) -> dict[str, Any] | None:
    if ref is None:
        return None
    return {"name": ref.name, "media": ref.media, "media_s": float(ref.media_time)}


def _boundary_json(b: Boundary) -> dict[str, Any]:
    return {
        "time_s": float(b.time),
        "frame": b.frame,
        "hit_s": float(b.hit),
        "span_s": [float(b.span[0]), float(b.span[1])] if b.span else None,
        "kind": b.kind,
        "picture": b.picture,
        "through": b.through,
        "from": _ref_json(b.outgoing),
        "to": _ref_json(b.incoming),
        "weight": b.weight,
        "label": b.label,
    }


def _shot_json(s: Shot) -> dict[str, Any]:
    return {
        "start_s": float(s.start),
        "end_s": float(s.end),
        "name": s.name,
        "media": s.media,
        "media_start_s": float(s.media_start),
        "speed": float(s.speed),
        "online": s.online,
    }


def _marker_json(m: PictureMarker) -> dict[str, Any]:
    return {
        "time_s": float(m.time),
        "duration_s": float(m.duration),
        "name": m.name,
        "comment": m.comment,
        "color": m.color,
        "instruction": {"kind": m.instruction.kind, "value": m.instruction.value} if m.instruction else None,
    }
