"""Frame rates and timecode, exactly.

Time is a ``Fraction`` of seconds or an integer frame count. NTSC rates are N*1000/1001, never 23.976.
"""

from __future__ import annotations

import re
from fractions import Fraction

_NTSC_BASES = (12, 15, 24, 30, 48, 60, 72, 96, 100, 120, 240)
_NTSC_TOLERANCE = Fraction(6, 1000)  # Hz; 23.98 and 23.976 both mean 24000/1001
_NUMBER = re.compile(r"[+-]?\d{1,30}(\.\d{0,30}|/\d{1,30})?|[+-]?\.\d{1,30}")
_TIMECODE = re.compile(r"^(\d{1,3}):(\d{2}):(\d{2})([:;.])(\d{2,3})$")


def plain_number(text: str) -> Fraction:
    """The number in ``12``, ``12.5`` or ``24000/1001``; powers of ten are left out because they can be endless.

    Raises:
        ValueError: not such a number.
    """
    line = text.strip()
    if not _NUMBER.fullmatch(line):
        raise ValueError(f"not a number: {text!r}")
    try:
        return Fraction(line)
    except ZeroDivisionError as error:
        raise ValueError(f"a division by zero: {text!r}") from error


def canonical_rate(rate: float | Fraction | str) -> Fraction:
    """The frame rate meant by ``rate`` in Hz: 23.98 and 23.976 give 24000/1001, "24000/1001" itself.

    Raises:
        ValueError: the rate is not a number, not finite or not positive.
    """
    try:
        value = plain_number(rate) if isinstance(rate, str) else Fraction(rate)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"not a frame rate: {rate!r}") from error
    if value <= 0:
        raise ValueError(f"a frame rate must be positive, not {rate!r}")
    nearest = round(value)
    if nearest > 0 and abs(value - nearest) < Fraction(1, 10**9):
        return Fraction(nearest)
    base = round(value * Fraction(1001, 1000))
    if base in _NTSC_BASES and abs(value - Fraction(base * 1000, 1001)) < _NTSC_TOLERANCE:
        return Fraction(base * 1000, 1001)
    return value.limit_denominator(1001)


def rate_text(rate: Fraction) -> str:
    """``24`` or ``24000/1001``."""
    return str(rate)


def nominal_fps(rate: Fraction) -> int:
    """The integer count of timecode frames in a timecode second: 24 for 24000/1001, 30 for 29.97."""
    return max(1, -((-rate.numerator) // rate.denominator))


def supports_drop_frame(rate: Fraction) -> bool:
    """Whether SMPTE ST 12-1 drop-frame counting exists for the rate (29.97, 59.94 and 119.88)."""
    return rate in (Fraction(30000, 1001), Fraction(60000, 1001), Fraction(120000, 1001))


def frames_from_timecode(text: str, rate: Fraction, drop_frame: bool | None = None) -> int:
    """Frame count of an ``HH:MM:SS:FF`` (or ``;FF``) timecode.

    Args:
        text: the timecode; a ``;`` or ``.`` before the frames means drop-frame unless ``drop_frame`` says otherwise.
        rate: exact frame rate in Hz.
        drop_frame: overrides the separator where a list declares its counting elsewhere (an EDL's ``FCM:`` line).

    Raises:
        ValueError: not a timecode, or its fields are out of range.
    """
    match = _TIMECODE.match(text.strip())
    if not match:
        raise ValueError(f"not a timecode: {text!r} (expected HH:MM:SS:FF)")
    hours, minutes, seconds, frames = (int(match.group(i)) for i in (1, 2, 3, 5))
    fps = nominal_fps(rate)
    if minutes > 59 or seconds > 59 or frames >= fps:
        raise ValueError(f"timecode {text!r} is out of range at {rate_text(rate)} frames a second")
    if drop_frame is None:
        drop_frame = match.group(4) != ":"
    total_minutes = hours * 60 + minutes
    count = (total_minutes * 60 + seconds) * fps + frames
    if drop_frame and supports_drop_frame(rate):
        count -= (fps // 15) * (total_minutes - total_minutes // 10)
    return count


def timecode_from_frames(frame: int, rate: Fraction, drop_frame: bool = False) -> str:
    """``HH:MM:SS:FF`` of a frame count; ``;`` before the frames when counting drop-frame."""
    sign = "-" if frame < 0 else ""
    frame = abs(frame)
    fps = nominal_fps(rate)
    dropping = drop_frame and supports_drop_frame(rate)
    if dropping:
        dropped = fps // 15
        per_minute = fps * 60 - dropped
        per_ten = fps * 600 - dropped * 9
        tens, rest = divmod(frame, per_ten)
        frame += dropped * 9 * tens
        if rest >= fps * 60:
            frame += dropped * (1 + (rest - fps * 60) // per_minute)
    seconds, frames = divmod(frame, fps)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    separator = ";" if dropping else ":"
    digits = 3 if fps > 100 else 2
    return f"{sign}{hours:02d}:{minutes:02d}:{seconds:02d}{separator}{frames:0{digits}d}"
