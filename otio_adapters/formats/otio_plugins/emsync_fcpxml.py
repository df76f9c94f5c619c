"""OpenTimelineIO adapter for FCPXML 1.8 to 1.14, files and bundles: exact times, lanes, compound clips, auditions."""

from __future__ import annotations

from typing import Any

from otio_adapters.formats.fcpxml import read
from otio_adapters.formats.otio_plugins import timeline_from


def read_from_file(filepath: str) -> Any:
    """The timeline of a ``.fcpxml`` or ``.fcpxmld``.

    Raises:
        InputError: another format, or a damaged file.
    """
    return timeline_from(read, filepath)
