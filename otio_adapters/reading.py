"""``Reading``: what a format reader hands over, before it is resolved to what is seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from emsync_engine.picture import Caption
from otio_adapters.document import Node


@dataclass(frozen=True)
class Reading:
    """A timeline as an OpenTimelineIO document with what such a document cannot say."""

    document: Node
    rate: Fraction | None = None
    """The sequence rate in Hz where the format states it; None leaves it to the document."""
    drop_frame: bool | None = None
    start_frame: int | None = None
    """Record timecode of the head in frames; None leaves it to the document."""
    warnings: tuple[str, ...] = ()
    captions: tuple[Caption, ...] = ()
    detected: bool = False
    """The cuts were seen in the media: none is a through edit, and none moves to the frame grid."""
    markers_are_hits: bool = False
    """Markers without an instruction are hits (MIDI files, DAW projects)."""
    media_folder: Path | None = None
    """Folder that relative media paths start from, when not the timeline's own."""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """What else the file says, as it goes into ``Picture.metadata``: ``tempo_map`` of a MIDI file."""
