"""OpenTimelineIO adapter for CMX 3600 lists: record times, drop-frame and overlaps as they stand in the list."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from otio_adapters.formats.edl import read
from otio_adapters.formats.otio_plugins import timeline_from
from otio_adapters.rates import given_rate


def read_from_file(filepath: str, rate: float | str | None = None) -> Any:
    """The timeline of a list.

    Args:
        filepath: the ``.edl``.
        rate: frames a second, such as 25 or ``"24000/1001"``; None guesses from the timecodes.

    Raises:
        InputError: not an edit decision list, or it does not fit the rate.
    """
    return timeline_from(read, filepath, rate=given_rate(Fraction(rate) if rate is not None else None))
