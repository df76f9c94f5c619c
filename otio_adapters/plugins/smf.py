"""OpenTimelineIO adapter for Standard MIDI Files (``.mid``): markers, tempo map and the notes of MIDI clips, and back.

Written as type 1 with 960 ticks a quarter: a conductor track (name, SMPTE offset, tempo, time signatures, markers) and
a track for each track that holds MIDI clips. Picture and sound clips have no place in such a file. Any other program
sees markers and tempo changes to the nearest tick; exact times ride along in events that only this adapter reads.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from otio_adapters.plugins.from_timeline import session_of
from otio_adapters.plugins.smf_read import read_smf
from otio_adapters.plugins.smf_write import smf_of
from otio_adapters.plugins.to_timeline import timeline_in


def read_from_file(filepath: str) -> Any:
    """The timeline of a MIDI file: markers, ``tempo_map`` metadata and a MIDI clip for each track of notes.

    Raises:
        InputError: not a MIDI file, or a damaged one.
    """
    return timeline_in(filepath, lambda path: read_smf(path.read_bytes()))


def write_to_file(input_otio: Any, filepath: str) -> None:
    """Write the markers, the tempo map and the MIDI clips of a timeline.

    Raises:
        InputError: not a timeline, or a damaged one.
        OSError: the folder cannot be written.
    """
    Path(filepath).write_bytes(smf_of(session_of(input_otio)))
