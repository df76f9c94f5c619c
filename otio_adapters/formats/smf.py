"""Standard MIDI files (``.mid``) as a list of hits: their markers and cue points in real time."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from emsync_engine.errors import InputError
from emsync_engine.timecode import canonical_rate, nominal_fps
from otio_adapters import document as doc
from otio_adapters.document import Node
from otio_adapters.reading import Reading

_DEFAULT_TEMPO = 500_000  # microseconds a quarter note
_MARKERS = {"marker": "text", "cue_marker": "text"}


def read(path: Path, rate: Fraction | None = None) -> Reading:
    """Read the markers of a MIDI file as hits.

    Args:
        path: the file.
        rate: frame rate in Hz for frame numbers; None takes the file's SMPTE offset, else 24.

    Raises:
        InputError: not a MIDI file.
    """
    if path.read_bytes()[:4] != b"MThd":
        raise InputError("is not a standard MIDI file: export it again", path.name, "not_a_timeline")
    import mido  # only for MIDI files

    try:
        file = mido.MidiFile(str(path), clip=True)
    except (OSError, EOFError, ValueError, KeyError, IndexError, TypeError) as error:
        message = f"is a damaged MIDI file ({type(error).__name__}: {error}): export it again"
        raise InputError(message, path.name, "not_a_timeline") from error
    if file.ticks_per_beat <= 0:
        raise InputError("counts in SMPTE frames, not in ticks: export it with a tempo map", path.name, "bad_rate")
    return _reading(mido.merge_tracks(file.tracks), file.ticks_per_beat, rate, path)


def _reading(messages: Any, ticks_per_beat: int, rate: Fraction | None, path: Path) -> Reading:
    time, tempo = Fraction(0), _DEFAULT_TEMPO
    quarters = Fraction(0)
    tempos: list[dict[str, float]] = []
    meters: list[dict[str, float]] = []
    marks: list[tuple[Fraction, str]] = []
    head: int | None = None
    for message in messages:
        time += Fraction(message.time * tempo, ticks_per_beat * 1_000_000)
        quarters += Fraction(message.time, ticks_per_beat)
        here = {"time_s": float(time), "quarter": float(quarters)}
        if message.type == "set_tempo":
            tempo = message.tempo
            tempos.append(here | {"quarters_per_minute": 60_000_000 / tempo if tempo else 0.0})
        elif message.type == "time_signature":
            meters.append(here | {"beats": message.numerator, "beat_unit": message.denominator})
        elif message.type in _MARKERS:
            marks.append((time, message.text.strip() or f"marker {len(marks) + 1}"))
        elif message.type == "smpte_offset" and head is None:
            rate = rate or canonical_rate(message.frame_rate)
            seconds = (message.hours * 60 + message.minutes) * 60 + message.seconds
            head = seconds * nominal_fps(rate) + message.frames
    if time > doc.MAX_SECONDS:
        raise InputError("is longer than 115 days: its tempo map is damaged", path.name, "bad_time")
    chosen = rate or Fraction(24)
    reading = hits_reading(path.stem, marks, time, chosen, head or 0)
    start = {"time_s": 0.0, "quarter": 0.0, "quarters_per_minute": 60_000_000 / _DEFAULT_TEMPO}
    tempos = tempos if tempos and tempos[0]["quarter"] == 0 else [start, *tempos]
    return replace(reading, metadata={"tempo_map": tempos, "meters": meters})


def hits_reading(name: str, marks: list[tuple[Fraction, str]], length: Fraction, rate: Fraction, head: int) -> Reading:
    """A timeline without picture whose markers are hits.

    Args:
        name: of the timeline.
        marks: (seconds from the head, text).
        length: seconds; stretched to the last marker.
        rate: frame rate in Hz.
        head: record timecode of the head in frames.
    """
    end = max([length, *(time for time, _ in marks)])
    lane: list[Node] = [doc.gap_node(end, rate)] if end > 0 else []
    document = doc.timeline_node(name, [doc.track_node("V1", "Video", lane)], doc.rational_time(head / rate, rate))
    document["tracks"]["markers"] = [doc.marker_node(text, time, rate) for time, text in marks if time >= 0]
    return Reading(document, rate, start_frame=head, markers_are_hits=True)
