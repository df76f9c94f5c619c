"""User markers in record time, and what they ask for."""

from __future__ import annotations

from fractions import Fraction

from emsync_engine.errors import InputError
from emsync_engine.instructions import parse_instruction
from emsync_engine.picture import Instruction, PictureMarker
from emsync_engine.timecode import timecode_from_frames
from otio_adapters import document as doc
from otio_adapters.layout import Layout, Mark


def picture_markers(
    layout: Layout, rate: Fraction, start_frame: int, drop_frame: bool, are_hits: bool = False
) -> tuple[list[PictureMarker], list[str]]:
    """Markers sorted by time without repeats (linked picture and sound carry the same one), and warnings.

    Args:
        layout: the timeline in record time.
        rate: sequence rate in Hz.
        start_frame: record timecode of the head in frames.
        drop_frame: how the timecode of warnings counts.
        are_hits: markers without an instruction are hits.
    """
    warnings: list[str] = []
    found: dict[tuple[Fraction, str, str], PictureMarker] = {}
    for mark in layout.marks:
        time = _from_head(mark, layout.duration, Fraction(start_frame) / rate)
        if time is None:
            continue
        name, comment = doc.text_of(mark.node, "name").strip(), doc.text_of(mark.node, "comment").strip()
        try:
            instruction = _instruction(name, comment)
        except InputError as error:
            timecode = timecode_from_frames(start_frame + round(time * rate), rate, drop_frame)
            warnings.append(f"marker {(name or comment)!r} at {timecode}: {error.message}; it is taken as plain text")
            instruction = None
        if instruction is None and are_hits:
            instruction = Instruction("hit")
        colour = mark.node.get("color")
        text = colour if isinstance(colour, str) else doc.text_of(colour, "name") if isinstance(colour, dict) else ""
        marker = PictureMarker(time, name, mark.duration, comment, text, instruction)
        found.setdefault((time, name.lower(), comment.lower()), marker)
    return sorted(found.values(), key=lambda marker: marker.time), warnings


def _from_head(mark: Mark, duration: Fraction, head: Fraction) -> Fraction | None:
    """Record time of a marker; sequence markers beyond the end may be counted in timecode. None when outside."""
    if mark.time <= duration or not duration:
        return mark.time
    if mark.own and head and 0 <= mark.time - head <= duration:
        return mark.time - head
    return None


def _instruction(name: str, comment: str) -> Instruction | None:
    return parse_instruction(name) or parse_instruction(comment)
