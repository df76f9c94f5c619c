"""OpenTimelineIO adapter for DAWproject (``.dawproject``): Bitwig Studio, Studio One, Cubase and others.

Tempo and time signatures are automation, markers are markers (a region's length stands in its comment), MIDI clips are
note clips with their controllers, sound and picture are clips that point at their files. Retimed clips have warps; a
clip without a file keeps its place and its offset but no speed.

``otioconvert -A embed_media=True`` puts the audio files into the project; video is always pointed at.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from otio_adapters.plugins.dawproject_read import read_dawproject
from otio_adapters.plugins.dawproject_write import dawproject_of
from otio_adapters.plugins.from_timeline import session_of
from otio_adapters.plugins.to_timeline import timeline_in


def read_from_file(filepath: str) -> Any:
    """The timeline of a project. Embedded audio keeps its path inside the ZIP.

    Raises:
        InputError: not a DAWproject, or a damaged one.
    """
    return timeline_in(filepath, lambda path: read_dawproject(path.read_bytes()))


def write_to_file(input_otio: Any, filepath: str, embed_media: bool = False) -> None:
    """Write a timeline as a project.

    Args:
        input_otio: the timeline.
        filepath: where to.
        embed_media: put the audio files that exist into it.

    Raises:
        InputError: not a timeline, or a damaged one.
        OSError: the folder cannot be written.
    """
    Path(filepath).write_bytes(dawproject_of(session_of(input_otio), embed=embed_media))
