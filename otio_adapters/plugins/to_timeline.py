"""A ``Session`` as an OpenTimelineIO timeline."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import opentimelineio as otio

from emsync_engine.errors import InputError
from emsync_engine.timecode import supports_drop_frame
from otio_adapters.plugins.session import COLOURS, Item, Session, SessionMarker, SessionTrack, lanes_of
from otio_adapters.plugins.tempo import tempo_metadata

_ON_GRID = Fraction(1, 2_000_000)  # seconds: a time this close to a frame is that frame
_WINDOWS = re.compile(r"^([A-Za-z]:[\\/]|\\\\)")
_SCHEME = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]+:")


def timeline_of(session: Session) -> Any:
    """The timeline: times at the session's rate, whole frames where they lie on one, and metadata for the music."""
    grid = _Grid(session.rate)
    timeline = otio.schema.Timeline(session.name)
    timeline.global_start_time = grid.time(session.start_seconds)
    if session.tempo:
        timeline.metadata["tempo_map"] = tempo_metadata(session.tempo)
    if supports_drop_frame(session.rate):
        timeline.metadata["fcp_xml"] = {"timecode": {"displayformat": "DF" if session.drop_frame else "NDF"}}
    pictures: list[Any] = []
    sounds: list[Any] = []
    for track in session.tracks:
        for is_video, into in ((True, pictures), (False, sounds)):
            items = track.items_of(is_video)
            if items or (not track.items and (track.kind == "video") is is_video):
                into += [_track(track, lane, is_video, grid) for lane in lanes_of(items)]
    timeline.tracks.extend([*reversed(pictures), *sounds])
    timeline.tracks.markers.extend(_marker(marker, grid) for marker in session.markers)
    return timeline


def timeline_in(filepath: str, read: Callable[[Path], Session]) -> Any:
    """The timeline of a file.

    Raises:
        InputError: what ``read`` found, with the file's name.
    """
    path = Path(filepath)
    try:
        return timeline_of(read(path))
    except InputError as error:
        raise error if error.where else InputError(error.message, path.name, error.code) from error


class _Grid:
    """Times of a session in frames of its rate."""

    def __init__(self, rate: Fraction) -> None:
        self._rate = rate

    def snap(self, seconds: Fraction) -> Fraction:
        on_frame = Fraction(round(seconds * self._rate)) / self._rate
        return on_frame if abs(on_frame - seconds) < _ON_GRID else seconds

    def time(self, seconds: Fraction) -> Any:
        return otio.opentime.RationalTime(float(self.snap(seconds) * self._rate), float(self._rate))

    def range(self, start: Fraction, duration: Fraction) -> Any:
        return otio.opentime.TimeRange(self.time(start), self.time(duration))


def _track(track: SessionTrack, items: Iterable[Item], is_video: bool, grid: _Grid) -> Any:
    kind = otio.schema.TrackKind.Video if is_video else otio.schema.TrackKind.Audio
    result = otio.schema.Track(track.name, kind=kind)
    result.enabled = not track.muted
    if track.volume != 1 or track.pan:
        result.metadata["mix"] = {"volume": track.volume, "pan": track.pan}
    position = Fraction(0)
    for item in items:
        start, end = grid.snap(item.start), grid.snap(item.end)
        if start > position:
            result.append(otio.schema.Gap(source_range=grid.range(Fraction(0), start - position)))
        result.append(_clip(item, end - start, grid))
        position = end
    return result


def _clip(item: Item, duration: Fraction, grid: _Grid) -> Any:
    first = item.source + min(item.speed, Fraction(0)) * duration
    clip = otio.schema.Clip(item.name, source_range=grid.range(first, duration))
    clip.enabled = not item.muted
    if item.media:
        clip.media_reference = otio.schema.ExternalReference(url_of(item.media))
        if item.media_duration:
            clip.media_reference.available_range = grid.range(Fraction(0), item.media_duration)
    if item.midi is not None:
        clip.metadata["midi"] = item.midi.to_metadata()
    if not item.speed:
        clip.effects.append(otio.schema.FreezeFrame())
    elif item.speed != 1:
        clip.effects.append(otio.schema.LinearTimeWarp(time_scalar=float(item.speed)))
    return clip


def _marker(marker: SessionMarker, grid: _Grid) -> Any:
    start, end = grid.snap(marker.time), grid.snap(marker.time + marker.duration)
    colour = marker.colour if marker.colour in COLOURS else "RED"
    return otio.schema.Marker(
        name=marker.name, marked_range=grid.range(start, end - start), color=colour, comment=marker.comment
    )


def url_of(path: str) -> str:
    """A media path as a URL; a relative path stays as it is, to be found beside the project."""
    if _WINDOWS.match(path):
        return PureWindowsPath(path).as_uri()
    if path.startswith("/"):
        return PurePosixPath(path).as_uri()
    return path if _SCHEME.match(path) else path.replace("\\", "/")
