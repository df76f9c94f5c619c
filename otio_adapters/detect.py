"""Cuts seen in the media itself, for a bare video and inside long clips of a timeline."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

from emsync_engine.errors import InputError
from emsync_engine.picture import Boundary, Picture, Shot, ShotRef
from otio_adapters.boundaries import weighted
from otio_adapters.probe import probe
from otio_adapters.visible import snap

MIN_SHOT_FRAMES = 2
"""The shortest shot looked for: the usual 0.6 s loses a quarter of the cuts of a fast edit."""
LONG_CLIP = Fraction(8)
"""Seconds from which a clip is looked into when asked."""
_GRID_SLACK = Fraction(2, 1000)
"""Seconds that a container's clock may round a frame's time by."""
_BACKENDS = ("pyav", "opencv")


@dataclass(frozen=True)
class Detection:
    """What was seen between two times of a media file."""

    cuts: tuple[Fraction, ...]
    """Seconds from the head of the file of the first frame of each new shot."""
    end: Fraction
    """Seconds at which the last frame that was looked at ends."""
    steady: bool
    """All times lie on the grid of the file's frame rate."""


def detect_cuts(path: str, span: tuple[Fraction, Fraction] | None = None) -> Detection:
    """Hard cuts in a video, to the frame.

    Args:
        path: the media file.
        span: seconds from the head to look at; None is the whole file.

    Raises:
        InputError: the file cannot be decoded as video.
    """
    found = probe(path)
    if found is None or found.rate is None:
        raise InputError("cannot be opened as video: is the file complete?", path, "bad_media")
    scenes = _scenes(path, span)
    times = [_time_of(start) for start, _ in scenes[1:]]
    end = _time_of(scenes[-1][1])
    on_grid = [_grid_time(time, found.rate) for time in (*times, end)]
    if any(time is None for time in on_grid):
        return Detection(tuple(times), end, steady=False)
    exact = [time for time in on_grid if time is not None]
    return Detection(tuple(exact[:-1]), exact[-1], steady=True)


def _scenes(path: str, span: tuple[Fraction, Fraction] | None) -> list[tuple[Any, Any]]:
    """PySceneDetect's scenes, with whichever of its decoders can read the file."""
    from scenedetect import AdaptiveDetector, VideoOpenFailure, detect  # heavy: only when needed

    logging.getLogger("pyscenedetect").setLevel(logging.ERROR)
    start, end = (float(span[0]), float(span[1])) if span is not None else (None, None)
    problem: Exception | None = None
    for backend in _BACKENDS:
        detector = AdaptiveDetector(min_scene_len=MIN_SHOT_FRAMES)
        try:
            scenes = detect(path, detector, start_time=start, end_time=end, start_in_scene=True, backend=backend)
        except (VideoOpenFailure, OSError, ValueError, RuntimeError) as error:
            problem = error
            continue
        if scenes:
            return list(scenes)
    raise InputError(f"cannot be decoded as video ({problem or 'no frames'})", path, "bad_media") from problem


def _time_of(timecode: Any) -> Fraction:
    if timecode.pts is not None and timecode.time_base is not None:
        return Fraction(timecode.pts) * Fraction(timecode.time_base)
    return Fraction(timecode.seconds).limit_denominator(1_000_000)


def _grid_time(time: Fraction, rate: Fraction) -> Fraction | None:
    """The frame time that a rounded clock means; None when there is none near."""
    near = Fraction(round(time * rate)) / rate
    return near if abs(near - time) <= _GRID_SLACK else None


def with_detected_cuts(picture: Picture) -> Picture:
    """The picture with the cuts inside its long clips as boundaries, and those clips split into shots there.

    Media that cannot be decoded is left as it is, with a warning.
    """
    shots: list[Shot] = []
    boundaries = [boundary for boundary in picture.boundaries if boundary.kind != "marker"]
    warnings = list(picture.warnings)
    for shot in picture.shots:
        try:
            times = _cuts_within(shot, picture.rate)
        except InputError as error:
            warnings.append(f"no cuts were looked for inside {shot.name!r}: {error}")
            times = []
        parts = _split(shot, times)
        shots += parts
        boundaries += [_seen_boundary(a, b, picture.rate) for a, b in pairwise(parts)]
    asked = tuple(weighted(boundaries, picture.markers, picture.rate))
    return replace(picture, shots=tuple(shots), boundaries=asked, warnings=tuple(warnings))


def _cuts_within(shot: Shot, rate: Fraction) -> list[Fraction]:
    """Record times of the cuts inside a shot, on the frame grid and off its ends."""
    if shot.duration < LONG_CLIP or not shot.online or shot.still or not shot.speed:
        return []
    other = shot.media_start + shot.speed * shot.duration
    span = max(min(shot.media_start, other), Fraction(0)), max(shot.media_start, other)
    found = detect_cuts(shot.media, span)
    records = (shot.start + (cut - shot.media_start) / shot.speed for cut in found.cuts)
    margin = MIN_SHOT_FRAMES / rate
    frames = sorted({snap(record, rate) for record in records})
    return [time for frame in frames if shot.start + margin <= (time := Fraction(frame) / rate) <= shot.end - margin]


def _split(shot: Shot, times: list[Fraction]) -> list[Shot]:
    edges = [shot.start, *times, shot.end]
    return [
        replace(shot, start=start, end=end, media_start=shot.media_start + shot.speed * (start - shot.start))
        for start, end in pairwise(edges)
    ]


def _seen_boundary(before: Shot, after: Shot, rate: Fraction) -> Boundary:
    time = after.start
    side = ShotRef(after.name, after.media, after.media_start)
    return Boundary(
        time, snap(time, rate), time, "cut", outgoing=replace(side, name=before.name), incoming=side, label="detected"
    )
