"""OpenTimelineIO adapter for Kdenlive projects: mixes, speed changes, guides."""

from __future__ import annotations

from typing import Any

from otio_adapters.formats.kdenlive import read
from otio_adapters.formats.otio_plugins import timeline_from


def read_from_file(filepath: str) -> Any:
    """The timeline of a ``.kdenlive``.

    Raises:
        InputError: another format, or a damaged file.
    """
    return timeline_from(read, filepath)
