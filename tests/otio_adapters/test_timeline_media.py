"""From a URL to a file, relinking, sounds, captions, and cuts seen in media."""

from __future__ import annotations

import zlib
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from emsync_engine.errors import InputError
from otio_adapters import read_picture
from otio_adapters.captions import parse_captions
from otio_adapters.media import MediaFinder, paths_of
from otio_adapters.shots import sound_role
from tests.otio_adapters.builders import clip, gap, marker, rt, save, timeline, tr, track


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("file:///Users/me/My%20Film/a%23b.mov", "/Users/me/My Film/a#b.mov"),
        ("file://localhost/Volumes/x/a.mov", "/Volumes/x/a.mov"),
        ("file:///C:/media/a.mov", "C:/media/a.mov"),
        ("file://localhost/D%3a/media/a.mov", "D:/media/a.mov"),
        ("file://C:/media/a.mov", "C:/media/a.mov"),
        ("file:///C|/media/a.mov", "C:/media/a.mov"),
        ("file://server/share/a%20b.mov", "//server/share/a b.mov"),
        ("\\\\server\\share\\a.mov", "\\\\server\\share\\a.mov"),
        ("C:\\media\\a.mov", "C:\\media\\a.mov"),
        ("E:/media/100%.mov", "E:/media/100%.mov"),
        ("/plain/a#1.mov", "/plain/a#1.mov"),
        ("/plain/a%20b.mov", "/plain/a%20b.mov"),
        ("file:///a/%C3%A9t%C3%A9.mov", "/a/été.mov"),
        ("media/a.mov", "media/a.mov"),
    ],
)
def test_media_urls_of_all_systems(url: str, path: str) -> None:
    assert paths_of(url)[0] == path


@pytest.mark.parametrize("url", ["", "https://example.org/a.mov", "s3://bucket/a.mov"])
def test_what_is_no_file_has_no_path(url: str) -> None:
    assert paths_of(url) == []


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    return path


@pytest.mark.parametrize("name", ["a b.mov", "a%20b.mov", "a#1?.mov", "été.mov"])
def test_awkward_names_are_found_beside_the_timeline(tmp_path: Path, name: str) -> None:
    wanted = touch(tmp_path / "media" / name)
    finder = MediaFinder(tmp_path)
    assert finder.find(f"media/{name}") == (str(wanted), True)
    assert finder.find(wanted.as_uri()) == (str(wanted), True)


def test_media_is_relinked_by_name_and_by_the_likest_path(tmp_path: Path) -> None:
    touch(tmp_path / "root" / "day1" / "clip.mov")
    wanted = touch(tmp_path / "root" / "day2" / "clip.mov")
    finder = MediaFinder(tmp_path / "edit", [tmp_path / "root"])
    (tmp_path / "edit").mkdir()
    assert finder.find("D:\\shoot\\day2\\CLIP.mov") == (str(wanted), True)


def test_media_without_a_url_is_relinked_by_clip_or_reel_name(tmp_path: Path) -> None:
    wanted = touch(tmp_path / "A001C003_220101_R1AB.mov")
    finder = MediaFinder(tmp_path)
    assert finder.find("", ["", "A001C003_220101_R1AB"]) == (str(wanted), True)


def test_offline_media_keeps_what_the_timeline_says(tmp_path: Path) -> None:
    assert MediaFinder(tmp_path).find("file:///C:/gone/a%20b.mov") == ("C:/gone/a b.mov", False)
    picture = read_picture(save(tmp_path, timeline(track(clip("a", 0, 30, url="/gone/a.mov")))))
    assert not picture.shots[0].online
    assert any("'a'" in w or " a;" in w for w in picture.warnings)


def test_image_sequences_are_online_when_a_frame_is_there(tmp_path: Path) -> None:
    touch(tmp_path / "seq" / "shot.0101.exr")
    reference = {
        "OTIO_SCHEMA": "ImageSequenceReference.1",
        "target_url_base": "seq/",
        "name_prefix": "shot.",
        "name_suffix": ".exr",
        "frame_zero_padding": 4,
        "start_frame": 101,
        "available_range": tr(101, 50),
    }
    picture = read_picture(save(tmp_path, timeline(track(clip("a", 111, 30, reference=reference)))))
    assert picture.shots[0].online
    assert picture.shots[0].media.endswith("shot.%04d.exr")
    assert picture.shots[0].media_start == Fraction(10, 24)
    assert not picture.shots[0].still


@pytest.mark.parametrize(
    ("track_name", "clip_name", "role"),
    [
        ("DX 1", "a.wav", "dialogue"),
        ("Dialogue", "music.wav", "dialogue"),
        ("A1", "VO_take3.wav", "dialogue"),
        ("A1", "anna-voice.wav", "dialogue"),
        ("MX", "a.wav", "music"),
        ("A2", "temp_music.mp3", "music"),
        ("SFX", "a.wav", "effects"),
        ("A3", "room tone.wav", "effects"),
        ("A4", "interview.wav", "unknown"),
        ("Audio 1", "foxtrot.wav", "unknown"),
    ],
)
def test_sound_roles_come_from_names(track_name: str, clip_name: str, role: str) -> None:
    assert sound_role(track_name, clip_name) == role


def test_dialogue_ranges_are_joined(tmp_path: Path) -> None:
    first = track(clip("d1", 0, 24), clip("d2", 0, 24), gap(24), clip("d3", 0, 24), kind="Audio", name="DX 1")
    second = track(gap(12), clip("d4", 0, 48), kind="Audio", name="DX 2")
    music = track(clip("m", 0, 200), kind="Audio", name="MX")
    picture = read_picture(save(tmp_path, timeline(track(clip("v", 0, 200)), first, second, music)))
    assert picture.dialogue == ((0, Fraction(60, 24)), (3, 4))


SRT = "1\r\n00:00:01,500 --> 00:00:02,000\r\n<i>Hello,</i>\r\nyou.\r\n\r\n2\r\n01:00:00,000 --> 01:00:01,000\r\nEnd\r\n"


def test_captions_beside_the_timeline(tmp_path: Path) -> None:
    (tmp_path / "cut.en.srt").write_bytes(b"\xef\xbb\xbf" + SRT.encode())
    picture = read_picture(save(tmp_path, timeline(track(clip("v", 0, 200)))))
    assert [(c.start, c.end, c.text) for c in picture.captions] == [
        (Fraction(3, 2), 2, "Hello, you."),
        (3600, 3601, "End"),
    ]


def test_webvtt_without_hours_and_with_settings() -> None:
    text = "WEBVTT\n\nNOTE x\n\ncue-1\n00:01.000 --> 00:02.250 align:start\n<v Anna>It&apos;s me\n"
    assert [(c.start, c.end, c.text) for c in parse_captions(text)] == [(1, Fraction(9, 4), "It's me")]


def film(path: Path, shots: list[int], rate: Fraction = Fraction(24), **options: Any) -> Path:
    """A film of noise pictures, each shot of another colour, cut after the given numbers of frames."""
    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream("mpeg4", rate=rate)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        stream.bit_rate = 2_000_000
        for number, frames in enumerate(shots):
            chance = np.random.default_rng(zlib.crc32(bytes([number])))
            picture = chance.integers(0, 256, (8, 12, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
            for _ in range(frames):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path


@pytest.mark.parametrize("rate", [Fraction(24), Fraction(24000, 1001), Fraction(25)])
def test_a_bare_video_is_cut_at_the_first_frame_of_each_shot(tmp_path: Path, rate: Fraction) -> None:
    picture = read_picture(film(tmp_path / "x.mp4", [30, 5, 20, 41], rate))
    assert picture.rate == rate
    assert [(b.frame, b.kind, b.through) for b in picture.boundaries] == [
        (30, "cut", False),
        (35, "cut", False),
        (55, "cut", False),
    ]
    assert [b.time for b in picture.boundaries] == [n / rate for n in (30, 35, 55)]
    assert picture.duration == 96 / rate
    assert picture.shots[2].media_start == 35 / rate


def test_one_take_stays_one_shot(tmp_path: Path) -> None:
    picture = read_picture(film(tmp_path / "x.mov", [48]))
    assert (len(picture.shots), picture.boundaries) == (1, ())


def test_cuts_inside_long_clips_only_when_asked(tmp_path: Path) -> None:
    film(tmp_path / "reel.mp4", [100, 100, 100])
    whole = clip("reel", 10, 240, url="reel.mp4", available=tr(0, 300))
    path = save(tmp_path, timeline(track(clip("x", 0, 24, url="none.mov"), whole)))
    assert [b.frame for b in read_picture(path).boundaries] == [24]
    picture = read_picture(path, detect_within=True)
    assert [b.frame for b in picture.boundaries] == [24, 114, 214]
    assert [s.media_start for s in picture.shots[1:]] == [Fraction(n, 24) for n in (10, 100, 200)]


def test_markers_speak_about_detected_cuts_too(tmp_path: Path) -> None:
    film(tmp_path / "reel.mp4", [100, 100, 100])
    notes = [marker("hit", 100), marker("no-hit", 201)]
    path = save(tmp_path, timeline(track(clip("reel", 0, 300, url="reel.mp4")), markers=notes))
    picture = read_picture(path, detect_within=True)
    assert [(b.frame, b.kind, b.weight) for b in picture.boundaries] == [(100, "cut", 10.0), (200, "cut", 0.0)]


def test_source_timecode_without_a_range_is_looked_up_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "tc.mov"
    with av.open(str(path), "w") as container:
        container.metadata["timecode"] = "01:00:00:00"
        stream = container.add_stream("mpeg4", rate=24)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        for _ in range(48):
            frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    coded = clip("tc", 86410, 20, url="tc.mov", available=None)
    counted = clip("tc", 10, 20, url="tc.mov", available=None)
    picture = read_picture(save(tmp_path, timeline(track(coded, counted), global_start_time=rt(86400))))
    assert [s.media_start for s in picture.shots] == [Fraction(10, 24)] * 2


def test_a_broken_video_is_refused_in_one_line(tmp_path: Path) -> None:
    path = film(tmp_path / "x.mp4", [48])
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(InputError) as caught:
        read_picture(path)
    assert "\n" not in str(caught.value)
