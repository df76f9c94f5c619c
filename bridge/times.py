"""Times as people write them: seconds, record timecode, bars."""

from __future__ import annotations

import re
from fractions import Fraction

from emsync_engine.errors import InputError
from emsync_engine.picture import Picture
from emsync_engine.score import TICKS_PER_QUARTER, Score
from emsync_engine.timecode import frames_from_timecode, plain_number

_ROUNDING_S = Fraction(1, 1000)
"""The end as it is printed may lie this much behind the end as it is."""
_BAR = re.compile(r"^b(\d+)(?:\.(\d+(?:\.\d+)?))?$", re.IGNORECASE)


def parse_time(text: str, picture: Picture, score: Score | None = None) -> Fraction:
    """Seconds from the head of the picture.

    Args:
        text: ``12.5`` (seconds), ``01:00:12:05`` or ``01:00:12;05`` (record timecode), ``b17`` or ``b17.3`` (bar and
            beat, 1-based, of the score).

    Raises:
        InputError: none of these, outside the picture, or bars where there is no score yet.
    """
    line = text.strip()
    match = _BAR.match(line)
    if match:
        seconds = _bar_time(match, score, text)
    elif ":" in line or ";" in line:
        try:
            frame = frames_from_timecode(line, picture.rate, picture.drop_frame or ";" in line)
        except ValueError as error:
            raise InputError(str(error), code="bad_time") from error
        seconds = Fraction(frame - picture.start_frame) / picture.rate
    else:
        try:
            seconds = plain_number(line)
        except ValueError as error:
            raise InputError(
                f"{text!r} is not a time (seconds such as 12.5, timecode such as 01:00:12:05, or bars such as b17.1)",
                code="bad_time",
            ) from error
    if 0 < seconds - picture.duration < _ROUNDING_S:
        return picture.duration
    if not 0 <= seconds <= picture.duration:
        raise InputError(
            f"{text} lies outside the picture ({picture.start_timecode} to {picture.timecode_at(picture.duration)}, "
            f"{float(picture.duration):g} s)",
            code="bad_time",
        )
    return seconds


def _bar_time(match: re.Match[str], score: Score | None, text: str) -> Fraction:
    if score is None:
        raise InputError(f"{text}: there are no bars before the first score; give seconds or timecode", code="bad_time")
    bar, beat = int(match.group(1)), Fraction(match.group(2) or 1)
    if not 1 <= bar <= len(score.bars) + 1:
        raise InputError(f"{text}: the score has bars 1 to {len(score.bars)}", code="bad_time")
    if bar == len(score.bars) + 1:
        return score.duration
    here = score.bars[bar - 1]
    if not 1 <= beat < here.beats + 1:
        raise InputError(f"{text}: bar {bar} has beats 1 to {here.beats}", code="bad_time")
    tick = min(here.tick + round((beat - 1) * TICKS_PER_QUARTER), score.end_tick)
    return min(score.tempo_map.seconds(tick), score.duration)
