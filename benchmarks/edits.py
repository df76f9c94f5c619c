"""Random edits: pictures of straight cuts, and timelines of them on disk. The same seed gives the same edit."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from emsync_engine.mood.curve import MoodCurve, grid
from emsync_engine.picture import Boundary, Picture, PictureMarker

RATE = Fraction(24)


def cut_frames(seed: int, duration_s: float, mean_shot_s: float = 5.0, least_shot_s: float = 1.0) -> list[int]:
    """Frames of cuts: shots as long as an exponential distribution says, but at least ``least_shot_s``."""
    rng = random.Random(f"edit {seed}")
    frames: list[int] = []
    time_s = 0.0
    while True:
        time_s += max(least_shot_s, rng.expovariate(1 / mean_shot_s))
        if time_s > duration_s - least_shot_s:
            return frames
        frames.append(round(time_s * RATE))


def picture_of(
    frames: Sequence[int], duration_s: Fraction | float, markers: tuple[PictureMarker, ...] = (), name: str = "edit"
) -> Picture:
    """A picture cut at the given frames."""
    cuts = tuple(Boundary(Fraction(f) / RATE, f, Fraction(f) / RATE, "cut") for f in frames)
    return Picture(name, RATE, Fraction(duration_s), boundaries=cuts, markers=markers)


def random_edit(seed: int, duration_s: float, mean_shot_s: float = 5.0, least_shot_s: float = 1.0) -> Picture:
    """A random edit of a whole number of frames."""
    frames = cut_frames(seed, duration_s, mean_shot_s, least_shot_s)
    return picture_of(frames, Fraction(round(duration_s * RATE)) / RATE, name=f"edit {seed}")


def curve_through(points: Sequence[tuple[float, float, float]]) -> MoodCurve:
    """A mood curve through (seconds, valence, arousal), straight between; it lasts to the last point."""
    at, valence, arousal = (np.array(column, dtype=float) for column in zip(*points))
    time_s = grid(float(at[-1]))
    return MoodCurve(time_s, np.interp(time_s, at, valence), np.interp(time_s, at, arousal), np.ones_like(time_s))


def wandering_mood(seed: int, duration_s: float, every_s: float = 20.0) -> MoodCurve:
    """A mood that moves to another random point of the plane about every ``every_s`` seconds."""
    rng = random.Random(f"mood {seed}")
    count = max(2, round(duration_s / every_s) + 1)
    return curve_through(
        [(duration_s * k / (count - 1), rng.uniform(-0.8, 0.8), rng.uniform(-0.8, 0.8)) for k in range(count)]
    )


def write_otio(path: Path, frames: Sequence[int], duration_s: float) -> None:
    """The edit as an OpenTimelineIO timeline with one video track; the media does not exist."""
    edges = [0, *frames, round(duration_s * RATE)]
    clips = [_clip(i, b - a) for i, (a, b) in enumerate(pairwise(edges))]
    track = {"OTIO_SCHEMA": "Track.1", "name": "V1", "kind": "Video", "children": clips}
    stack = {"OTIO_SCHEMA": "Stack.1", "name": "tracks", "children": [track]}
    start = {"OTIO_SCHEMA": "RationalTime.1", "value": 86400, "rate": float(RATE)}
    timeline = {"OTIO_SCHEMA": "Timeline.1", "name": path.stem, "global_start_time": start, "tracks": stack}
    path.write_text(json.dumps(timeline), "utf-8")


def _clip(number: int, frames: int) -> dict[str, Any]:
    def time(value: int) -> dict[str, Any]:
        return {"OTIO_SCHEMA": "RationalTime.1", "value": value, "rate": float(RATE)}

    media = {
        "OTIO_SCHEMA": "ExternalReference.1",
        "target_url": f"reel_{number % 40:02d}.mov",
        "available_range": {"OTIO_SCHEMA": "TimeRange.1", "start_time": time(0), "duration": time(1_000_000)},
    }
    return {
        "OTIO_SCHEMA": "Clip.2",
        "name": f"shot {number + 1:04d}",
        "source_range": {
            "OTIO_SCHEMA": "TimeRange.1",
            "start_time": time(number * 97 % 5000),
            "duration": time(frames),
        },
        "media_references": {"DEFAULT_MEDIA": media},
        "active_media_reference_key": "DEFAULT_MEDIA",
    }
