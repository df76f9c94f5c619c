"""MIDI time code against the counting of the standard, at every rate."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.midi.timecode import (
    MtcRate,
    QuarterFrames,
    full_frame,
    mmc_locate,
    mmc_play,
    mmc_stop,
    mtc_rate,
    quarter_frame,
    read_full_frame,
)

NTSC = Fraction(1000, 1001)
RATES = [
    (Fraction(24), False, 0, Fraction(24)),
    (24 * NTSC, False, 0, 24 * NTSC),
    (Fraction(25), False, 1, Fraction(25)),
    (Fraction(50), False, 1, Fraction(25)),
    (30 * NTSC, True, 2, 30 * NTSC),
    (60 * NTSC, True, 2, 30 * NTSC),
    (30 * NTSC, False, 3, 30 * NTSC),
    (Fraction(30), False, 3, Fraction(30)),
    (Fraction(48), False, 0, Fraction(24)),
    (Fraction(16), False, 3, Fraction(30)),
]


@pytest.mark.parametrize(("rate", "drop", "code", "hz"), RATES, ids=str)
def test_every_picture_rate_has_a_time_code(rate: Fraction, drop: bool, code: int, hz: Fraction) -> None:
    assert mtc_rate(rate, drop) == MtcRate(code, hz)


@settings(deadline=None)
@given(st.sampled_from(RATES), st.integers(0, 2_000_000))
def test_eight_quarter_frames_are_one_timecode(row: tuple[Fraction, bool, int, Fraction], frame: int) -> None:
    rate, pieces = mtc_rate(row[0], row[1]), QuarterFrames()
    heard = [pieces.hear(quarter_frame(n, rate.fields(frame), rate)[1]) for n in range(8)]
    assert heard[:7] == [None] * 7
    assert heard[7] is not None and (heard[7].code, heard[7].fields) == (rate.code, rate.fields(frame))
    whole = read_full_frame(full_frame(frame, rate))
    assert whole == heard[7]
    assert rate.frame(rate.fields(frame)) == frame


def test_pieces_out_of_order_are_no_timecode() -> None:
    rate, pieces = mtc_rate(Fraction(25), False), QuarterFrames()
    data = [quarter_frame(n, (1, 2, 3, 4), rate)[1] for n in range(8)]
    assert [pieces.hear(d) for d in (*data[3:], *data[:4], *data[5:], *reversed(data))] == [None] * 20
    assert [pieces.hear(d) for d in data[1:]][-1] is not None  # the last of the reversed ones was the first piece


def test_the_bytes_are_those_of_the_standard() -> None:
    rate = mtc_rate(Fraction(25), False)
    frame = rate.frame((1, 2, 3, 4))
    assert full_frame(frame, rate).hex(" ") == "f0 7f 7f 01 01 21 02 03 04 f7"
    assert mmc_locate(frame, rate).hex(" ") == "f0 7f 7f 06 44 06 01 21 02 03 04 00 f7"
    assert (mmc_stop().hex(" "), mmc_play().hex(" ")) == ("f0 7f 7f 06 01 f7", "f0 7f 7f 06 02 f7")
    assert quarter_frame(0, (1, 2, 3, 4), rate) == b"\xf1\x04"
    assert quarter_frame(7, (1, 2, 3, 4), rate) == b"\xf1\x72"


def test_drop_frame_counts_over_the_minute() -> None:
    rate = mtc_rate(30 * NTSC, True)
    assert rate.fields(1799) == (0, 0, 59, 29)
    assert rate.fields(1800) == (0, 1, 0, 2)
    with pytest.raises(ValueError, match="out of range"):
        rate.frame((0, 0, 61, 0))
