"""Times as people write them."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.times import parse_time
from emsync_engine.errors import InputError
from emsync_engine.picture import Picture
from emsync_engine.score import Bar, Key, Score, Tempo, TempoMap

FILM = Picture("film", Fraction(24), Fraction(100), start_frame=24 * 3600)
NTSC = Picture("ntsc", Fraction(30000, 1001), Fraction(3600), drop_frame=True, start_frame=107892)  # 01:00:00;00
SCORE = Score(
    tempo_map=TempoMap((Tempo(0, 500_000), Tempo(7 * 960, 400_000))),
    bars=(Bar(0, 4), Bar(4 * 960, 3), Bar(7 * 960, 4)),
    key=Key(0, "major"),
    parts=(),
    sections=(),
    chords=(),
    hits=(),
    duration=Fraction(49, 10),
    end_tick=int(10.5 * 960),
    seed=1,
    engine="test",
)

SAME_MOMENT = [
    ("12.5", FILM, Fraction(25, 2)),
    (" 12.5 ", FILM, Fraction(25, 2)),
    ("12", FILM, Fraction(12)),
    ("1/3", FILM, Fraction(1, 3)),
    ("0", FILM, Fraction(0)),
    ("100", FILM, Fraction(100)),
    ("01:00:12:12", FILM, Fraction(25, 2)),
    ("1:00:12:12", FILM, Fraction(25, 2)),
    ("01:01:00;02", NTSC, Fraction(1800 * 1001, 30000)),
    ("01:01:00:02", NTSC, Fraction(1800 * 1001, 30000)),
    ("b1", FILM, Fraction(0)),
    ("b1.3", FILM, Fraction(1)),
    ("B1.3", FILM, Fraction(1)),
    ("b2.1", FILM, Fraction(2)),
    ("b3", FILM, Fraction(7, 2)),
    ("b3.2.5", FILM, Fraction(7, 2) + Fraction(3, 5)),
    ("b4", FILM, Fraction(49, 10)),
]


@pytest.mark.parametrize(("text", "picture", "seconds"), SAME_MOMENT, ids=[row[0] for row in SAME_MOMENT])
def test_each_way_of_writing_a_time(text: str, picture: Picture, seconds: Fraction) -> None:
    assert parse_time(text, picture, SCORE) == seconds


@pytest.mark.parametrize(
    "text", ["", "b", "b1.", "b.1", "12,5", "1e3", "--5", "12:30", "01:00:12", "noon", "∞", "b-1", "b1.5", "b5", "b2.4"]
)
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_time(text, FILM, SCORE)
    assert caught.value.code == "bad_time"


@pytest.mark.parametrize("text", ["-0.1", "100.001", "00:59:59:23", "01:01:40:01"])
def test_times_outside_the_picture_name_its_limits(text: str) -> None:
    with pytest.raises(InputError, match="01:00:00:00 to 01:01:40:00"):
        parse_time(text, FILM)


def test_bars_without_a_score_are_refused() -> None:
    with pytest.raises(InputError, match="no bars before"):
        parse_time("b2", FILM)


@given(st.integers(0, 2399))
def test_every_frame_may_be_named_by_its_timecode(frame: int) -> None:
    time = Fraction(frame, 24)
    assert parse_time(FILM.timecode_at(time), FILM) == time


@given(st.integers(0, 3600 * 30 - 200))
def test_every_frame_may_be_named_by_its_drop_frame_timecode(frame: int) -> None:
    time = frame / NTSC.rate
    assert parse_time(NTSC.timecode_at(time), NTSC) == time
    assert parse_time(NTSC.timecode_at(time).replace(";", ":"), NTSC) == time


@given(st.text(max_size=12))
def test_anything_else_is_an_input_error(text: str) -> None:
    try:
        time = parse_time(text, replace(FILM), SCORE)
    except InputError:
        return
    assert 0 <= time <= 100
