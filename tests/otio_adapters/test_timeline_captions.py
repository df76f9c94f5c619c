"""Captions wherever they come from: files in any encoding, tracks of text, clips that play a caption file."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from emsync_engine.picture import Picture
from otio_adapters import read_picture
from otio_adapters.captions import read_captions
from tests.otio_adapters.builders import clip, gap, generator, save, timeline, track
from tests.otio_adapters.test_timeline_formats import item, write, xmeml

SRT = "1\r\n00:00:01,000 --> 00:00:02,000\r\nÇa va, señor?\r\n"


def lines(picture: Picture) -> list[tuple[Fraction, Fraction, str]]:
    return [(c.start, c.end, c.text) for c in picture.captions]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1", "cp1252"])
@pytest.mark.parametrize("newline", ["\r\n", "\n"])
def test_caption_files_of_every_encoding(tmp_path: Path, encoding: str, newline: str) -> None:
    path = tmp_path / "x.srt"
    path.write_bytes(SRT.replace("\r\n", newline).encode(encoding))
    assert [(c.start, c.end, c.text) for c in read_captions(path)] == [(1, 2, "Ça va, señor?")]


def test_big_endian_with_a_mark(tmp_path: Path) -> None:
    path = tmp_path / "x.srt"
    path.write_bytes(b"\xfe\xff" + SRT.encode("utf-16-be"))
    assert read_captions(path)[0].text == "Ça va, señor?"


def test_a_binary_caption_file_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "cut.srt").write_bytes(b"\x00\x01\x02\x00" * 100)
    picture = read_picture(save(tmp_path, timeline(track(clip("v", 0, 48)))))
    assert picture.captions == ()
    assert any("cut.srt" in warning for warning in picture.warnings)


def words(text: str, length: int, **more: Any) -> dict[str, Any]:
    reference = {"OTIO_SCHEMA": "GeneratorReference.1", "generator_kind": "Text", "parameters": {"text": text}}
    return clip("Caption", 0, length, reference=reference, **more)


@pytest.mark.parametrize("kind", ["Subtitle", "Captions", "Text"])
def test_a_track_of_the_caption_kind_is_read(tmp_path: Path, kind: str) -> None:
    lane = track(gap(24), words("<i>Hello</i> &amp; welcome", 24), gap(12), words("Bye", 12), kind=kind)
    picture = read_picture(save(tmp_path, timeline(track(clip("v", 0, 96)), lane)))
    assert lines(picture) == [(1, 2, "Hello & welcome"), (Fraction(5, 2), 3, "Bye")]
    assert picture.boundaries == ()


def test_a_picture_track_named_captions_is_read_and_not_seen(tmp_path: Path) -> None:
    lane = track(gap(24), generator("Hello there", 24), name="Subtitles_EN")
    picture = read_picture(save(tmp_path, timeline(track(clip("v", 0, 96)), lane)))
    assert (lines(picture), picture.boundaries) == ([(1, 2, "Hello there")], ())


def test_a_track_of_pictures_is_seen_whatever_its_name(tmp_path: Path) -> None:
    lane = track(gap(24), clip("b", 0, 24), name="Captions")
    picture = read_picture(save(tmp_path, timeline(track(clip("v", 0, 96)), lane)))
    assert (lines(picture), [b.frame for b in picture.boundaries]) == ([], [24, 48])


def test_caption_text_may_be_in_metadata(tmp_path: Path) -> None:
    note = clip("1", 0, 24, metadata={"tool": {"id": 7, "Caption": "In metadata"}})
    picture = read_picture(save(tmp_path, timeline(track(clip("v", 0, 96)), track(note, kind="Subtitle"))))
    assert lines(picture) == [(0, 1, "In metadata")]


def test_a_clip_may_play_a_caption_file(tmp_path: Path) -> None:
    (tmp_path / "all.srt").write_bytes((SRT + "\r\n2\r\n00:00:03,000 --> 00:00:09,000\r\nLong\r\n").encode())
    played = clip("all", 12, 84, url="all.srt")
    picture = read_picture(save(tmp_path, timeline(track(clip("v", 0, 240)), track(gap(24), played, name="srt"))))
    assert lines(picture) == [
        (Fraction(3, 2), Fraction(5, 2), "Ça va, señor?"),
        (Fraction(7, 2), Fraction(9, 2), "Long"),
    ]


def test_a_caption_file_that_is_away_is_a_warning(tmp_path: Path) -> None:
    lane = track(clip("all", 0, 96, url="/gone/all.srt"), kind="Subtitle")
    picture = read_picture(save(tmp_path, timeline(track(clip("v", 0, 96)), lane)))
    assert picture.captions == ()
    assert any("all.srt" in warning for warning in picture.warnings)


def test_captions_on_tracks_win_over_a_file_beside(tmp_path: Path) -> None:
    (tmp_path / "cut.srt").write_bytes(SRT.encode())
    document = timeline(track(clip("v", 0, 96)), track(words("On the track", 24), kind="Subtitle"))
    assert lines(read_picture(save(tmp_path, document))) == [(0, 1, "On the track")]


def text_item(text: str, start: int, end: int) -> str:
    parameter = f"<parameter><parameterid>str</parameterid><name>Text</name><value>{text}</value></parameter>"
    return f"""<generatoritem><name>Text</name><start>{start}</start><end>{end}</end><in>0</in><out>{end - start}</out>
      <effect><name>Text</name><effectid>Text</effectid>{parameter}</effect></generatoritem>"""


def test_fcp7_tracks_of_text_are_captions(tmp_path: Path) -> None:
    texts = "".join(text_item(f"Line {n}", 25 * n, 25 * n + 20) for n in range(5))
    body = f"<track>{item('a', 0, 125)}</track><track>{texts}</track>"
    picture = read_picture(write(tmp_path, "x.xml", xmeml(body)))
    assert lines(picture) == [(n, n + Fraction(20, 25), f"Line {n}") for n in range(5)]


def test_fcp7_tracks_named_captions_are_captions_and_not_titles(tmp_path: Path) -> None:
    named = '<track MZ.TrackName="Subtitles">' + text_item("Only one", 25, 50) + "</track>"
    picture = read_picture(write(tmp_path, "x.xml", xmeml(f"<track>{item('a', 0, 125)}</track>{named}")))
    assert (lines(picture), picture.boundaries) == ([(1, 2, "Only one")], ())


def test_fcp7_titles_are_no_captions(tmp_path: Path) -> None:
    body = f"<track>{item('a', 0, 125)}</track><track>{text_item('Chapter 1', 25, 50)}</track>"
    picture = read_picture(write(tmp_path, "x.xml", xmeml(body)))
    assert (lines(picture), [b.kind for b in picture.boundaries]) == ([], ["title", "title"])
