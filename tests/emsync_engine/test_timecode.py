"""Frame rates and timecode, exactly."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emsync_engine.timecode import (
    canonical_rate,
    frames_from_timecode,
    nominal_fps,
    plain_number,
    rate_text,
    supports_drop_frame,
    timecode_from_frames,
)

F23, F29, F59 = Fraction(24000, 1001), Fraction(30000, 1001), Fraction(60000, 1001)
RATES = st.sampled_from(
    [
        Fraction(24),
        Fraction(25),
        Fraction(30),
        Fraction(50),
        Fraction(60),
        Fraction(120),
        F23,
        F29,
        F59,
        Fraction(48000, 1001),
        Fraction(120000, 1001),
        Fraction(15),
        Fraction(25, 2),
    ]
)

MEANT = [
    (24, 24),
    (25.0, 25),
    (23.976, F23),
    (23.98, F23),
    (23.976023976, F23),
    ("23.976", F23),
    ("24000/1001", F23),
    (29.97, F29),
    (29.97002997, F29),
    (59.94, F59),
    (119.88, Fraction(120000, 1001)),
    (47.952, Fraction(48000, 1001)),
    (" 30 ", 30),
    (Fraction(25), 25),
    (24.0000000001, 24),
    (12.5, Fraction(25, 2)),
    (14.985, Fraction(15000, 1001)),
    (1, 1),
    ("0.5", Fraction(1, 2)),
]


@pytest.mark.parametrize(("given_", "exact"), MEANT, ids=[str(row[0]) for row in MEANT])
def test_the_rate_that_is_meant(given_: float | str | Fraction, exact: Fraction) -> None:
    assert canonical_rate(given_) == exact


@pytest.mark.parametrize("rate", [0, -24, "0", "-1", "", "fast", "24fps", "1/0", float("nan"), float("inf"), "1e3"])
def test_what_is_no_rate(rate: float | str) -> None:
    with pytest.raises(ValueError, match="frame rate"):
        canonical_rate(rate)


@given(RATES)
def test_a_rate_written_out_is_read_back(rate: Fraction) -> None:
    assert canonical_rate(rate_text(rate)) == canonical_rate(float(rate)) == canonical_rate(rate) == rate


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", 12),
        ("12.5", Fraction(25, 2)),
        (".5", Fraction(1, 2)),
        ("3.", 3),
        ("-1", -1),
        ("+2", 2),
        ("1001/24000", Fraction(1001, 24000)),
    ],
)
def test_plain_numbers(text: str, value: Fraction) -> None:
    assert plain_number(text) == value


@pytest.mark.parametrize("text", ["", ".", "1e5", "0x10", "1/0", "1/", "nan", "1 2", "1_000", "9" * 99])
def test_what_is_no_plain_number(text: str) -> None:
    with pytest.raises(ValueError, match=r"number|zero"):
        plain_number(text)


KNOWN = [
    # timecode, rate, frame count; drop-frame values from SMPTE ST 12-1's rule of two (four) numbers a minute
    ("00:00:00:00", Fraction(24), 0),
    ("01:00:00:00", Fraction(24), 86400),
    ("01:00:00:00", F23, 86400),
    ("00:00:59;29", F29, 1799),
    ("00:01:00;02", F29, 1800),
    ("00:10:00;00", F29, 17982),
    ("01:00:00;00", F29, 107892),
    ("23:59:59;29", F29, 2589407),
    ("01:00:00:00", F29, 108000),
    ("00:01:00;04", F59, 3600),
    ("00:00:01:100", Fraction(120), 220),
    ("00:00:00.10", F29, 10),
]


@pytest.mark.parametrize(("text", "rate", "frame"), KNOWN, ids=[f"{row[0]} at {row[1]}" for row in KNOWN])
def test_known_timecodes(text: str, rate: Fraction, frame: int) -> None:
    assert frames_from_timecode(text, rate) == frame


@given(RATES, st.booleans(), st.integers(0, 24 * 3600 * 23))
def test_every_frame_has_one_timecode(rate: Fraction, drop: bool, frame: int) -> None:
    text = timecode_from_frames(frame, rate, drop)
    assert frames_from_timecode(text, rate) == frame
    assert (";" in text) == (drop and supports_drop_frame(rate))


@given(st.sampled_from([F29, F59]), st.integers(0, 6 * 3600 * 29))
def test_drop_frame_stays_with_the_clock(rate: Fraction, frame: int) -> None:
    """Counted second and true second never part by more than a tenth of a second in these hours."""
    hours, minutes, seconds, frames = (
        int(x) for x in timecode_from_frames(frame, rate, True).replace(";", ":").split(":")
    )
    shown = (hours * 60 + minutes) * 60 + seconds + Fraction(frames, nominal_fps(rate))
    assert abs(shown - frame / rate) < Fraction(1, 10)


@given(RATES, st.integers(1, 10**6))
def test_before_midnight_is_negative(rate: Fraction, frame: int) -> None:
    assert timecode_from_frames(-frame, rate) == "-" + timecode_from_frames(frame, rate)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "12",
        "1:2:3",
        "00:60:00:00",
        "00:00:60:00",
        "00:00:00:24",
        "00:00:00:0",
        "a:b:c:d",
        "00:00:00:00:00",
        "-01:00:00:00",
        "00-00-00-00",
    ],
)
def test_what_is_no_timecode(text: str) -> None:
    with pytest.raises(ValueError, match="timecode"):
        frames_from_timecode(text, Fraction(24))


def test_drop_frame_may_be_declared_elsewhere() -> None:
    assert frames_from_timecode("00:01:00:02", F29, True) == 1800
    assert frames_from_timecode("00:01:00;02", F29, False) == 1802
    assert frames_from_timecode("00:01:00;02", Fraction(25), True) == 1502
