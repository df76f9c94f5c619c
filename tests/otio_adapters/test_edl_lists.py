"""Edit decision lists of many dialects with cuts by hand, and random ones against a reading frame by frame."""

from __future__ import annotations

import random
from fractions import Fraction
from pathlib import Path

import pytest

from emsync_engine.picture import Picture
from otio_adapters import read_picture
from tests.otio_adapters.test_timeline_formats import edits, write


def read(folder: Path, text: str, rate: int | Fraction | None = 24) -> Picture:
    return read_picture(write(folder, "x.edl", text), rate=None if rate is None else Fraction(rate))


def event(number: int, reel: str, channel: str, start: str, end: str, kind: str = "C", source: str = "01:00") -> str:
    times = (f"{source}:00:00", f"{source}:10:00", start, end)
    return f"{number:03}  {reel:<8} {channel:<5} {kind:<8} {' '.join(times)}\n"


def clock(frame: int, fps: int = 24) -> str:
    return f"{frame // (3600 * fps):02}:{frame // (60 * fps) % 60:02}:{frame // fps % 60:02}:{frame % fps:02}"


def test_a_speed_line_without_a_time_or_for_the_outgoing_reel(tmp_path: Path) -> None:
    text = (
        event(1, "A001", "V", "01:00:00:00", "01:00:02:00")
        + "M2   A001   048.0\n"
        + event(2, "A001", "V", "01:00:02:00", "01:00:02:00")
        + event(2, "B001", "V", "01:00:02:00", "01:00:04:00", "D    012")
        + "M2   A001   048.0  01:00:00:00\n"
        + event(3, "C001", "V", "01:00:04:00", "01:00:05:00")
        + "M2   C001   -12  01:00:00:00\n"
    )
    picture = read(tmp_path, text)
    assert [(s.name, s.speed) for s in picture.shots] == [("A001", 2), ("B001", 1), ("C001", Fraction(-1, 2))]


@pytest.mark.parametrize("channel", ["V", "V1", "B", "AA/V", "A2/V", "VA1", "A1V", "VA1A2", "BOTH"])
def test_every_spelling_of_a_picture_channel(tmp_path: Path, channel: str) -> None:
    text = event(1, "A", channel, "01:00:00:00", "01:00:02:00") + event(2, "B", "V", "01:00:02:00", "01:00:03:00")
    assert edits(read(tmp_path, text)) == [(48, "cut")]


def test_sound_channels(tmp_path: Path) -> None:
    text = (
        event(1, "A", "V", "01:00:00:00", "01:00:04:00")
        + event(2, "A", "AA", "01:00:00:00", "01:00:01:00")
        + event(3, "A", "A3", "01:00:01:00", "01:00:02:00")
        + "AUD  4    5\n"
        + event(4, "A", "B", "01:00:02:00", "01:00:03:00")
        + event(5, "A", "NONE", "01:00:03:00", "01:00:04:00")
    )
    picture = read(tmp_path, text)
    assert sorted((s.track, s.start) for s in picture.sounds) == [
        ("A1", 0), ("A1", 2), ("A2", 0), ("A3", 1), ("A4", 1), ("A5", 1)
    ]  # fmt: skip
    assert [(s.start, s.end) for s in picture.shots][-1][1] == 4


def test_upper_tracks_lie_over_lower_ones_by_number(tmp_path: Path) -> None:
    text = (
        event(1, "A", "V2", "01:00:00:00", "01:00:10:00")
        + event(2, "B", "V10", "01:00:02:00", "01:00:04:00")
        + event(3, "C", "V", "01:00:00:00", "01:00:12:00")
    )
    picture = read(tmp_path, text)
    assert [(s.name, s.start) for s in picture.shots] == [("A", 0), ("B", 2), ("A", 4), ("C", 10)]


def test_a_key_lies_over_its_background(tmp_path: Path) -> None:
    text = (
        event(1, "A", "V", "01:00:00:00", "01:00:02:00")
        + event(2, "B", "V", "01:00:02:00", "01:00:06:00", "K B")
        + event(2, "TITLE", "V", "01:00:03:00", "01:00:05:00", "K    000")
        + event(3, "C", "V", "01:00:06:00", "01:00:07:00")
        + event(4, "LOGO", "V", "01:00:06:12", "01:00:07:00", "K O  006")
    )
    picture = read(tmp_path, text)
    assert edits(picture) == [(48, "cut"), (144, "cut")]
    assert [(b.frame, b.kind, b.label) for b in picture.boundaries if not b.picture] == [
        (72, "overlay", "TITLE"), (120, "overlay", "TITLE"), (156, "overlay", "LOGO")
    ]  # fmt: skip


def test_a_key_alone_is_a_picture(tmp_path: Path) -> None:
    text = event(1, "A", "V", "01:00:00:00", "01:00:02:00") + event(2, "T", "V", "01:00:02:00", "01:00:03:00", "K 000")
    assert edits(read(tmp_path, text)) == [(48, "cut")]


@pytest.mark.parametrize("form", ["{}:{}:{}:{}", "{};{};{};{}", "{}:{}:{};{}", "{}:{}:{}.{}", "{}.{}.{}.{}"])
def test_separators_of_timecode(tmp_path: Path, form: str) -> None:
    def tc(seconds: int) -> str:
        return form.format("01", "00", f"{seconds:02}", "00")

    text = event(1, "A", "V", tc(0), tc(2)) + event(2, "B", "V", tc(2), tc(3))
    picture = read(tmp_path, text, Fraction(30000, 1001))
    assert edits(picture) == [(60, "cut")]
    assert picture.drop_frame == (form[-3] in ";.")
    assert picture.start_frame == (107892 if picture.drop_frame else 108000)


def test_counting_that_changes_inside_a_list(tmp_path: Path) -> None:
    """The record is drop-frame all along; a source of the other kind is announced by ``FCM``."""
    text = (
        "FCM: DROP FRAME\n"
        + event(1, "A", "V", "00:00:58:00", "00:01:00:02")
        + "FCM: NON-DROP FRAME\n"
        + event(2, "B", "V", "00:01:00;02", "00:01:02;00", source="01:00")
    )
    picture = read(tmp_path, text, Fraction(30000, 1001))
    assert edits(picture) == [(60, "cut")]
    assert picture.duration * picture.rate == 118


def test_a_drop_frame_list_of_high_rate_is_guessed(tmp_path: Path) -> None:
    text = event(1, "A", "V", "01:00:00;00", "01:00:01;50") + event(2, "B", "V", "01:00:01;50", "01:00:03;00")
    picture = read(tmp_path, text, None)
    assert picture.rate == Fraction(60000, 1001)
    assert edits(picture) == [(110, "cut")]


def test_a_list_that_runs_over_midnight(tmp_path: Path) -> None:
    text = (
        event(1, "A", "V", "23:59:58:00", "23:59:59:00")
        + event(2, "B", "V", "23:59:59:00", "00:00:01:00")
        + event(3, "C", "V", "00:00:01:00", "00:00:02:00")
    )
    picture = read(tmp_path, text)
    assert edits(picture) == [(24, "cut"), (72, "cut")]
    assert picture.start_timecode == "23:59:58:00"
    assert not [w for w in picture.warnings if "before they start" in w]


def test_a_list_of_markers_from_resolve(tmp_path: Path) -> None:
    text = (
        "TITLE: markers\nFCM: NON-DROP FRAME\n\n"
        + event(1, "001", "V", "01:00:01:00", "01:00:01:01")
        + " |C:ResolveColorBlue |M:hit |D:1\n\n"
        + event(2, "001", "V", "01:00:02:00", "01:00:02:01")
        + " |C:ResolveColorRed |M:mood: tense |D:24\n"
    )
    picture = read(tmp_path, text)
    assert picture.shots == ()
    assert [(m.name, m.time, m.duration, m.color) for m in picture.markers] == [
        ("hit", 0, 0, "BLUE"), ("mood: tense", 1, 1, "RED")
    ]  # fmt: skip


def test_names_of_clips_in_many_words(tmp_path: Path) -> None:
    words = ("* FROM CLIP NAME: n", "*FROM CLIP NAME: n", "FROM CLIP NAME: n", "* CLIP NAME: n", "* FROM CLIP: n")
    for line in (*words, "* SOURCE FILE: n"):
        text = event(1, "REEL", "V", "01:00:00:00", "01:00:02:00") + line + "\n* COMMENT: nothing\nREM: nothing\n"
        assert read(tmp_path, text).shots[0].name == "n"


def test_long_reels_spaces_and_tabs(tmp_path: Path) -> None:
    reel = "A001_C004_0101XY a very long name_" * 3
    text = (
        f"000001\t{reel}\tV\tC\t\t01:00:00:00\t01:00:02:00\t10:00:00:00\t10:00:02:00\t\r\n"
        "2 V C 01:00:00:00 01:00:02:00 10:00:02:00 10:00:04:00\r\n"
    )
    picture = read(tmp_path, text)
    assert edits(picture) == [(48, "cut")]
    assert picture.shots[0].reel == reel.replace("\t", " ")


@pytest.mark.parametrize("seed", range(40))
def test_random_lists_agree_with_a_reading_frame_by_frame(tmp_path: Path, seed: int) -> None:
    """On each track the event that starts last is seen, of two that start together the later line; tracks by number."""
    chance = random.Random(seed)
    rows: list[tuple[int, int, int]] = []
    for _ in range(chance.randrange(1, 25)):
        start = chance.randrange(0, 300)
        rows.append((chance.choice([1, 1, 1, 2, 3, 11]), start, start + chance.randrange(1, 60)))
    base = 86400 + 24 * 10
    text = "TITLE: random\n"
    for number, (track, start, end) in enumerate(rows, 1):
        text += event(number, f"R{number}", f"V{track}", clock(base + start), clock(base + end))
    picture = read(tmp_path, text)
    head, last = min(start for _, start, _ in rows), max(end for _, _, end in rows)
    shown = []
    for frame in range(head, last):
        over = [(t, s, n) for n, (t, s, e) in enumerate(rows, 1) if s <= frame < e]
        shown.append(f"R{max(over)[2]}" if over else "")
    changes = [n for n in range(1, len(shown)) if shown[n] != shown[n - 1]]
    assert [b.frame for b in picture.boundaries if b.picture] == changes
    for shot in picture.shots:
        assert shown[int(shot.start * 24)] == shot.name


@pytest.mark.parametrize("samples", [44_100, 48_000, 96_000])
def test_a_cut_just_before_two_hours_of_timecode_is_right_to_the_sample(tmp_path: Path, samples: int) -> None:
    """01:59:59:12 of 23.976: 172,788 frames of 1001/24000 s."""
    rate = Fraction(24000, 1001)
    text = event(1, "A", "V", "00:00:00:00", "01:59:59:12") + event(2, "B", "V", "01:59:59:12", "02:00:01:00")
    picture = read(tmp_path, text, rate)
    (cut,) = picture.boundaries
    assert cut.time == Fraction(172_788 * 1001, 24_000)
    assert picture.timecode_at(cut.time) == "01:59:59:12"
    assert round(cut.time * samples) == round(172_788 * 1001 * samples / 24_000)
    assert abs(picture.to_json()["boundaries"][0]["time_s"] * samples - cut.time * samples) < 1e-3
