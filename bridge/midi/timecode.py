"""MIDI time code and MIDI machine control, as bytes and back."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from emsync_engine.timecode import frames_from_timecode, nominal_fps, supports_drop_frame, timecode_from_frames

QUARTER_FRAME = 0xF1
QUARTERS = 8
"""Quarter frames that hold one whole timecode; they take two frames of time."""
_ALL_DEVICES = 0x7F
_STOP, _PLAY, _LOCATE = 0x01, 0x02, 0x44
_DROP = 2
_BASES = {0: Fraction(24), 1: Fraction(25), 2: Fraction(30000, 1001), 3: Fraction(30)}
"""Rate code of MIDI time code -> frames a second, where nobody says more exactly."""


@dataclass(frozen=True)
class MtcRate:
    """One of the four ways in which MIDI time code counts, and how fast its frames really go by."""

    code: int
    """0: 24, 1: 25, 2: 30 drop-frame, 3: 30."""
    hz: Fraction

    @property
    def drop(self) -> bool:
        return self.code == _DROP

    def frame(self, fields: tuple[int, int, int, int]) -> int:
        """The count of a timecode's frames since midnight.

        Raises:
            ValueError: no timecode of this rate.
        """
        hours, minutes, seconds, frames = fields
        return frames_from_timecode(f"{hours:02d}:{minutes:02d}:{seconds:02d}:{frames:02d}", self.hz, self.drop)

    def fields(self, frame: int) -> tuple[int, int, int, int]:
        """Hours, minutes, seconds and frames of a count; after midnight it is counted anew."""
        day = frames_from_timecode("24:00:00:00", self.hz, self.drop)
        text = timecode_from_frames(frame % day, self.hz, self.drop).replace(";", ":")
        hours, minutes, seconds, frames = (int(f) for f in text.split(":"))
        return hours, minutes, seconds, frames


def mtc_rate(rate: Fraction, drop: bool) -> MtcRate:
    """How a picture of ``rate`` frames a second is counted.

    A faster rate is counted in every second, third ... frame (50 as 25); a rate that is no multiple of 24, 25 or 30
    in 30 frames of a real second.
    """
    fps = nominal_fps(rate)
    base = next((b for b in (24, 25, 30) if fps % b == 0), 0)
    hz = rate / (fps // base) if base else Fraction(30)
    if base in (24, 25):
        return MtcRate(base - 24, hz)
    return MtcRate(_DROP if drop and supports_drop_frame(hz) else 3, hz)


def rate_of_code(code: int, like: MtcRate) -> MtcRate:
    """The rate that another machine's time code means: exactly ours where it counts as we do."""
    return like if code == like.code else MtcRate(code, _BASES[code])


def quarter_frame(piece: int, fields: tuple[int, int, int, int], rate: MtcRate) -> bytes:
    """Piece 0..7 of a timecode: the low and high nibbles of frames, seconds, minutes and hours."""
    hours, minutes, seconds, frames = fields
    value = (frames, seconds, minutes, hours | rate.code << 5)[piece // 2]
    return bytes((QUARTER_FRAME, piece << 4 | (value >> 4 if piece % 2 else value & 15)))


def full_frame(frame: int, rate: MtcRate) -> bytes:
    """Where the tape stands, in one message."""
    hours, minutes, seconds, frames = rate.fields(frame)
    return bytes((0xF0, 0x7F, _ALL_DEVICES, 1, 1, hours | rate.code << 5, minutes, seconds, frames, 0xF7))


def mmc_stop() -> bytes:
    return bytes((0xF0, 0x7F, _ALL_DEVICES, 6, _STOP, 0xF7))


def mmc_play() -> bytes:
    return bytes((0xF0, 0x7F, _ALL_DEVICES, 6, _PLAY, 0xF7))


def mmc_locate(frame: int, rate: MtcRate) -> bytes:
    """Go to a timecode."""
    hours, minutes, seconds, frames = rate.fields(frame)
    target = (hours | rate.code << 5, minutes, seconds, frames, 0)
    return bytes((0xF0, 0x7F, _ALL_DEVICES, 6, _LOCATE, 6, 1, *target, 0xF7))


@dataclass(frozen=True)
class Timecode:
    """A timecode that another machine has said."""

    code: int
    fields: tuple[int, int, int, int]


def read_full_frame(data: bytes) -> Timecode | None:
    """The timecode of a full-frame message; None when this is another message."""
    if len(data) != 10 or data[:2] != b"\xf0\x7f" or data[3:5] != b"\x01\x01" or data[9] != 0xF7:
        return None
    return _timecode(data[8], data[7], data[6], data[5])


def _timecode(frames: int, seconds: int, minutes: int, hours: int) -> Timecode:
    return Timecode(hours >> 5 & 3, (hours & 31, minutes, seconds, frames))


class QuarterFrames:
    """Puts the eight pieces together again."""

    def __init__(self) -> None:
        self._nibbles: list[int] = []

    def hear(self, data: int) -> Timecode | None:
        """Take the data byte of a quarter frame; the timecode when it was the eighth in order (forwards)."""
        piece, nibble = data >> 4 & 7, data & 15
        if piece != len(self._nibbles):
            self._nibbles = []
            if piece:
                return None
        self._nibbles.append(nibble)
        if len(self._nibbles) < QUARTERS:
            return None
        low_high, self._nibbles = self._nibbles, []
        return _timecode(*(low_high[i] | low_high[i + 1] << 4 for i in range(0, QUARTERS, 2)))
