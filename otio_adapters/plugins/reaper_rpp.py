"""OpenTimelineIO adapter for REAPER projects (``.rpp``): video, audio and MIDI items, tempo map, markers, regions.

Items keep name, position, source offset, play rate (backwards and freezes too) and mute; tracks their name, volume, pan
and mute. Media paths that are relative start at the project's folder. Of an item with several takes the one that plays
is read; looped sources are read once; tempo ramps become steps with the same bar lines.
"""

from __future__ import annotations

from typing import Any

from otio_adapters.formats.text import read_text
from otio_adapters.plugins.from_timeline import session_of
from otio_adapters.plugins.rpp_read import read_rpp
from otio_adapters.plugins.rpp_write import rpp_text
from otio_adapters.plugins.to_timeline import timeline_in, timeline_of


def read_from_string(input_str: str) -> Any:
    """The timeline of a project's text.

    Raises:
        InputError: not a REAPER project, or one that ends early.
    """
    return timeline_of(read_rpp(input_str))


def read_from_file(filepath: str) -> Any:
    """The timeline of a project file, which may have a byte order mark or be in Windows' own encoding.

    Raises:
        InputError: not a REAPER project, or one that ends early.
    """
    return timeline_in(filepath, lambda path: read_rpp(read_text(path)))


def write_to_string(input_otio: Any) -> str:
    """The project of a timeline.

    Raises:
        InputError: not a timeline, or a damaged one.
    """
    return rpp_text(session_of(input_otio))
