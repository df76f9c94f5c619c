"""What a REAPER project shows, as a timeline that can be scored: video items, cuts inside them, markers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

from emsync_engine.errors import EmsyncError, InputError
from emsync_engine.instructions import parse_instruction
from emsync_engine.timecode import canonical_rate

Node = dict[str, Any]
_SHORT_FRAMES = 2
"""Gaps and shots under this many frames are rounding, not picture."""


@dataclass(frozen=True)
class _Video:
    """A video item on the frame grid."""

    track: int
    first: int
    """Frames of the project from its head."""
    frames: int
    name: str
    file: str
    source_s: Fraction
    speed: Fraction


def head_seconds(seen: Mapping[str, Any]) -> float:
    """Where the picture begins in the project."""
    return min((float(v["position_s"]) for v in seen["videos"]), default=0.0)


def timeline_of(seen: Mapping[str, Any], name: str) -> Node:
    """An OpenTimelineIO document of what REAPER has told.

    Times count from the head of the picture, where the first video item begins. Cuts inside a video item are looked
    for. Markers steer as written in docs/markers.md; those in ``hits`` are hits whatever they are called.

    Raises:
        InputError: neither picture nor marker.
    """
    rate = canonical_rate(float(seen["rate"]))
    head = Fraction(head_seconds(seen)).limit_denominator(10**9)
    videos = [_video(row, head, rate) for row in seen["videos"]]
    if not videos and not seen["markers"]:
        raise InputError(
            "there is neither picture nor a marker in this project", str(seen.get("path", "")), "no_picture"
        )
    tracks = [_track(rows, rate) for rows in _by_track(videos)]
    if not tracks:
        length = round(Fraction(float(seen["length_s"])) * rate)
        tracks = [_node_track([_gap(max(length, 1), rate)])]
    start = round((Fraction(float(seen["offset_s"])).limit_denominator(10**9) + head) * rate)
    stack: Node = {
        "OTIO_SCHEMA": "Stack.1", "metadata": {}, "name": "tracks", "source_range": None, "effects": [],
        "markers": list(_markers(seen, head, rate)), "enabled": True, "children": tracks,
    }  # fmt: skip
    return {
        "OTIO_SCHEMA": "Timeline.1",
        "metadata": {"emsync": {"from": "REAPER", "head_s": float(head), "project": str(seen.get("path", ""))}},
        "name": name, "global_start_time": _time(start, rate), "tracks": stack,
    }  # fmt: skip


def plain_name(seen: Mapping[str, Any]) -> str:
    """A file name after the project."""
    stem = Path(str(seen.get("path") or seen.get("name") or "")).stem
    return re.sub(r"[^\w .-]+", "_", stem).strip(" .") or "reaper"


def _video(row: Mapping[str, Any], head: Fraction, rate: Fraction) -> _Video:
    position = Fraction(float(row["position_s"])).limit_denominator(10**9) - head
    first = round(position * rate)
    last = round((position + Fraction(float(row["length_s"])).limit_denominator(10**9)) * rate)
    return _Video(
        track=int(row["track"]),
        first=first,
        frames=max(last - first, 1),
        name=str(row["name"] or Path(str(row["file"])).name),
        file=str(row["file"]),
        source_s=Fraction(float(row["source_s"])).limit_denominator(10**9),
        speed=Fraction(float(row["speed"])).limit_denominator(10**6),
    )


def _by_track(videos: Sequence[_Video]) -> Iterator[list[_Video]]:
    """Videos by track, the lowest first: REAPER shows what is on the upper track."""
    for track in sorted({v.track for v in videos}, reverse=True):
        yield sorted((v for v in videos if v.track == track), key=lambda v: v.first)


def _track(videos: Sequence[_Video], rate: Fraction) -> Node:
    """One track; where items overlap, the later one is seen."""
    children: list[Node] = []
    now = 0
    for video, following in zip(videos, [*videos[1:], None]):
        stop = video.first + video.frames
        if following is not None:
            stop = min(stop, following.first)
        if video.first - now >= _SHORT_FRAMES or (children and video.first > now):
            children.append(_gap(video.first - now, rate))
            now = video.first
        if stop - now >= 1:
            children += _shots(video, stop - now, rate)
            now = stop
    return _node_track(children)


def _shots(video: _Video, frames: int, rate: Fraction) -> Iterator[Node]:
    """The clip of an item, divided at the cuts that are seen in it."""
    edges = [0, *_cuts(video, frames, rate), frames]
    for number, (a, b) in enumerate(pairwise(edges), 1):
        name = video.name if len(edges) == 2 else f"{video.name} {number}"
        yield _clip(name, video, a, b - a, rate)


def _cuts(video: _Video, frames: int, rate: Fraction) -> list[int]:
    from otio_adapters.detect import detect_cuts

    if not Path(video.file).is_file() or video.speed <= 0:
        return []
    end = video.source_s + Fraction(frames) / rate * video.speed
    try:
        found = detect_cuts(video.file, (video.source_s, end)).cuts
    except EmsyncError:  # the item is one shot then; reading the timeline says what is wrong with the file
        return []
    places = (round((cut - video.source_s) / video.speed * rate) for cut in found)
    return sorted({p for p in places if _SHORT_FRAMES <= p <= frames - _SHORT_FRAMES})


def _markers(seen: Mapping[str, Any], head: Fraction, rate: Fraction) -> Iterator[Node]:
    hits = {(row["name"], row["time_s"]) for row in seen.get("hits") or ()}
    for row in seen["markers"]:
        first = round((Fraction(float(row["time_s"])).limit_denominator(10**9) - head) * rate)
        if first < 0:
            continue
        length = round(Fraction(float(row["end_s"]) - float(row["time_s"])).limit_denominator(10**9) * rate)
        name = str(row["name"])
        is_hit = (row["name"], row["time_s"]) in hits and parse_instruction(name) is None
        yield {
            "OTIO_SCHEMA": "Marker.2", "metadata": {}, "name": name, "color": "RED", "comment": "hit" if is_hit else "",
            "marked_range": _range(first, max(length, 0), rate),
        }  # fmt: skip


# --- nodes -------------------------------------------------------------------------------------------------------


def _time(frames: float | Fraction, rate: Fraction) -> Node:
    return {"OTIO_SCHEMA": "RationalTime.1", "rate": float(rate), "value": float(frames)}


def _range(first: float | Fraction, frames: int, rate: Fraction) -> Node:
    return {"OTIO_SCHEMA": "TimeRange.1", "start_time": _time(first, rate), "duration": _time(frames, rate)}


def _gap(frames: int, rate: Fraction) -> Node:
    return {"OTIO_SCHEMA": "Gap.1", "metadata": {}, "name": "", "source_range": _range(0, frames, rate), "effects": [],
            "markers": [], "enabled": True}  # fmt: skip


def _node_track(children: list[Node]) -> Node:
    return {"OTIO_SCHEMA": "Track.1", "metadata": {}, "name": "V", "source_range": None, "effects": [], "markers": [],
            "enabled": True, "children": children, "kind": "Video"}  # fmt: skip


def _clip(name: str, video: _Video, first: int, frames: int, rate: Fraction) -> Node:
    """A clip of a video's item from a frame of it on."""
    source = (video.source_s + Fraction(first) / rate * video.speed) * rate
    media: Node = {"OTIO_SCHEMA": "ExternalReference.1", "metadata": {}, "name": Path(video.file).name,
             "target_url": Path(video.file).as_posix(), "available_range": None}  # fmt: skip
    effects = []
    if video.speed != 1:
        effects = [{"OTIO_SCHEMA": "LinearTimeWarp.1", "metadata": {}, "name": "", "effect_name": "LinearTimeWarp",
                    "time_scalar": float(video.speed)}]  # fmt: skip
    return {
        "OTIO_SCHEMA": "Clip.2", "metadata": {}, "name": name, "source_range": _range(source, frames, rate),
        "effects": effects, "markers": [], "enabled": True, "media_references": {"DEFAULT_MEDIA": media},
        "active_media_reference_key": "DEFAULT_MEDIA",
    }  # fmt: skip
