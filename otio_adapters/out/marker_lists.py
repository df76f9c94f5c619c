"""Hits and sections as marker lists: EDLs, CSV, and the text that Avid imports."""

from __future__ import annotations

import csv
import io

from emsync_engine.timecode import timecode_from_frames
from otio_adapters.out.delivery import Delivery, Mark

_RESOLVE_COLOURS = {"PURPLE": "Purple", "CYAN": "Cyan"}
_LOCATOR_COLOURS = {"PURPLE": "MAGENTA", "CYAN": "CYAN"}
"""Avid knows eight: red, green, blue, cyan, magenta, yellow, black, white."""


def locator_edl(delivery: Delivery) -> str:
    """A CMX 3600 list of one black event over the whole cue, with the marks as ``* LOC:`` lines."""
    lines = [*_head(delivery), _event(delivery, 1, "BL", 0, delivery.frames)]
    for mark in delivery.marks:
        colour = _LOCATOR_COLOURS[mark.colour]
        lines.append(f"* LOC: {_timecode(delivery, mark.frame)} {colour:<7} {_described(mark)}")
    return "\n".join(lines) + "\n"


def resolve_edl(delivery: Delivery) -> str:
    """What Resolve imports as timeline markers: an event a mark, with colour, name and length on a line of its own."""
    lines = _head(delivery)
    for number, mark in enumerate(delivery.marks, 1):
        note = f"{_without_bars(mark.comment)} " if mark.comment != mark.name else " "
        name, colour = _without_bars(mark.name), _RESOLVE_COLOURS[mark.colour]
        lines += [
            _event(delivery, number, "001", mark.frame, mark.frame + 1) + "  ",
            f"{note}|C:ResolveColor{colour} |M:{name} |D:{max(mark.frames, 1)}",
            "",
        ]
    return "\n".join(lines) + "\n"


def marker_csv(delivery: Delivery) -> str:
    """A table for spreadsheets and scripts, with a header (RFC 4180)."""
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\r\n")
    rows.writerow(["Timecode", "Frame", "Seconds", "Duration frames", "Kind", "Name", "Comment", "Colour"])
    for mark in delivery.marks:
        facts = [_timecode(delivery, mark.frame), mark.frame, f"{float(mark.time):.6f}", mark.frames, mark.kind]
        rows.writerow([*facts, _inert(mark.name), _inert(mark.comment), mark.colour.lower()])
    return out.getvalue()


def avid_markers(delivery: Delivery) -> str:
    """Lines of user, timecode, track, colour, comment and length, separated by tabs, as Media Composer imports them."""
    lines = []
    for mark in delivery.marks:
        colour = _LOCATOR_COLOURS[mark.colour].lower()
        words = ["EMSYNC", _timecode(delivery, mark.frame), "V1", colour, _described(mark), str(max(mark.frames, 1))]
        lines.append("\t".join(words) + "\n")
    return "".join(lines)


def _head(delivery: Delivery) -> list[str]:
    counting = "DROP FRAME" if delivery.picture.drop_frame else "NON-DROP FRAME"
    return [f"TITLE: {' '.join(delivery.name.split())}", f"FCM: {counting}", ""]


def _event(delivery: Delivery, number: int, reel: str, first: int, end: int) -> str:
    """A cut on the video track. Black counts from zero; a mark's event has the record timecodes as source too."""
    record = [_timecode(delivery, frame) for frame in (first, end)]
    from_zero = [_counted(delivery, frame) for frame in (0, end - first)]
    times = [*(from_zero if reel == "BL" else record), *record]
    return f"{number:03d}  {reel:<8} V     C        {' '.join(times)}"


def _timecode(delivery: Delivery, frame: int) -> str:
    return _counted(delivery, delivery.picture.start_frame + frame)


def _counted(delivery: Delivery, frame: int) -> str:
    return timecode_from_frames(frame, delivery.rate, delivery.picture.drop_frame)


def _described(mark: Mark) -> str:
    return mark.name if mark.comment == mark.name else f"{mark.name}: {mark.comment}"


def _without_bars(text: str) -> str:
    """Resolve splits the line at its bars."""
    return text.replace("|", "/")


def _inert(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text
