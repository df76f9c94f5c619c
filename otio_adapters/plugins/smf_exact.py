"""What a MIDI file cannot say, said in sequencer-specific events that every other program skips.

A tick is half a millisecond; an event of ours (``FF 7F``, the non-commercial id ``7D``, ``otio``, JSON) stands at the
tick of the marker, tempo or clip it is about and gives the exact time as an offset in seconds from that tick, so that
it stays right when the tempo is edited.
"""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

_HEAD = (0x7D, *b"otio")
_LIMIT = 100_000  # bytes


def exact_data(about: str, **values: Any) -> tuple[int, ...]:
    """Data bytes of an event about ``"marker"``, ``"tempo"``, ``"clip"`` or ``"session"``."""
    text = json.dumps({"about": about, **values}, separators=(",", ":"))
    return (*_HEAD, *text.encode("ascii"))


def read_exact(data: tuple[int, ...]) -> dict[str, Any]:
    """The values of such an event; an empty dict for anything else."""
    if tuple(data[: len(_HEAD)]) != _HEAD or len(data) > _LIMIT:
        return {}
    try:
        value = json.loads(bytes(data[len(_HEAD) :]))
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def seconds_in(values: dict[str, Any], key: str) -> Fraction:
    """A number of seconds to the picosecond; 0 for anything else."""
    value = values.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < 10**7:
        return Fraction(0)
    return Fraction(round(Fraction(value) * 10**12), 10**12)


def text_in(values: dict[str, Any], key: str) -> str:
    value = values.get(key)
    return value if isinstance(value, str) else ""
