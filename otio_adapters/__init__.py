"""Timelines in (``Picture``) and out (music tracks, markers): readers, writers and OpenTimelineIO plug-ins."""

from otio_adapters.music import MusicDelivery, MusicMarker, timeline_with_music, without_music, write_timeline
from otio_adapters.read import read_picture

__all__ = [
    "MusicDelivery",
    "MusicMarker",
    "read_picture",
    "timeline_with_music",
    "without_music",
    "write_timeline",
]
