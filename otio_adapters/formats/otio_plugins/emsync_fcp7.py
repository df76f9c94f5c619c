"""OpenTimelineIO adapter for Final Cut Pro 7 XML: nested sequences, disabled items and transitions."""

from __future__ import annotations

from typing import Any

from otio_adapters.formats.fcp7 import read
from otio_adapters.formats.otio_plugins import timeline_from


def read_from_file(filepath: str) -> Any:
    """The timeline of a ``.xml``.

    Raises:
        InputError: another format, or a damaged file.
    """
    return timeline_from(read, filepath)
