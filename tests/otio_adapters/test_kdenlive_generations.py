"""Kdenlive projects of several generations: what each writes in its own way, with cuts worked out by hand."""

from __future__ import annotations

import time
from fractions import Fraction
from pathlib import Path

import pytest

from emsync_engine.picture import Picture
from otio_adapters import read_picture
from tests.otio_adapters.test_timeline_formats import edits, write

PROFILE = '<profile frame_rate_num="25" frame_rate_den="1" width="1920" height="1080"/>'


def prop(name: str, value: object) -> str:
    return f'<property name="{name}">{value}</property>'


def producer(key: str, *more: tuple[str, object], tag: str = "producer", inner: str = "") -> str:
    rows = [("resource", f"{key}.mp4"), ("mlt_service", "avformat"), ("length", 900), *more]
    return f'<{tag} id="{key}">{"".join(prop(*row) for row in dict(rows).items())}{inner}</{tag}>'


def entry(key: str, first: int, length: int) -> str:
    return f'<entry producer="{key}" in="{first}" out="{first + length - 1}"/>'


def project(*parts: str) -> str:
    return f'<?xml version="1.0"?><mlt>{PROFILE}{"".join(parts)}</mlt>'


def two_tracks(lower: str, upper: str, producers: str, transitions: str = "") -> str:
    """A project with a black track and two picture tracks."""
    return project(
        producers,
        f'<playlist id="l1">{lower}</playlist><playlist id="l2">{upper}</playlist>',
        '<producer id="black"/><tractor id="main"><track producer="black"/>',
        f'<track producer="l1"/><track producer="l2"/>{transitions}</tractor>',
    )


def read(folder: Path, text: str) -> Picture:
    return read_picture(write(folder, "x.kdenlive", text))


def crossing(start: int, end: int, *more: tuple[str, object]) -> str:
    rows = "".join(prop(*row) for row in (("a_track", 1), ("b_track", 2), *more))
    return f'<transition in="{start}" out="{end}">{rows}</transition>'


LOWER = entry("a", 0, 100) + entry("b", 0, 100)
UPPER = '<blank length="80"/>' + entry("c", 10, 60)
PRODUCERS = producer("a") + producer("b") + producer("c")


def test_plain_playlists_and_a_dissolve_between_tracks(tmp_path: Path) -> None:
    """As in the days before mixes: the upper clip comes in over the lower one, and goes out to the next."""
    luma = ("mlt_service", "luma")
    text = two_tracks(LOWER, UPPER, PRODUCERS, crossing(80, 99, luma) + crossing(120, 139, luma, ("reverse", 1)))
    picture = read(tmp_path, text)
    assert [(b.frame, b.kind, b.hit) for b in picture.boundaries if b.picture] == [
        (80, "dissolve", Fraction(90, 25)), (140, "dissolve", Fraction(130, 25))
    ]  # fmt: skip


def test_how_kdenlive_stacks_its_tracks_is_no_dissolve(tmp_path: Path) -> None:
    stacked = crossing(0, 500, ("mlt_service", "qtblend"), ("internal_added", 237), ("always_active", 1))
    assert edits(read(tmp_path, two_tracks(LOWER, UPPER, PRODUCERS, stacked))) == [(80, "cut"), (140, "cut")]


@pytest.mark.parametrize(
    ("service", "name", "place", "partial"),
    [
        ("composite", "geometry", "0=1200/60:640x360:100;-1=1200/60:640x360:100", True),
        ("composite", "geometry", "0=0/0:1920x1080:100", False),
        ("composite", "geometry", "0=0/0:100%x100%:40", True),
        ("affine", "geometry", "00:00:00.000=0/0:100%x100%:100%", False),
        ("qtblend", "rect", "0=1200 60 640 360 1", True),
        ("qtblend", "rect", "", False),
    ],
)
def test_a_transition_that_draws_the_upper_track_into_a_part(
    tmp_path: Path, service: str, name: str, place: str, partial: bool
) -> None:
    drawn = crossing(80, 139, ("mlt_service", service), (name, place))
    picture = read(tmp_path, two_tracks(LOWER, UPPER, PRODUCERS, drawn))
    assert edits(picture) == ([(100, "cut")] if partial else [(80, "cut"), (140, "cut")])


def test_slow_motion_as_it_was_written_once(tmp_path: Path) -> None:
    slow = producer("slow", ("resource", "/m/a.mp4?0.5"), ("mlt_service", "framebuffer"))
    (shot,) = read(tmp_path, two_tracks(entry("slow", 100, 50), "", slow)).shots
    assert (shot.media, shot.speed, shot.media_start) == ("/m/a.mp4", Fraction(1, 2), 2)


def test_backwards(tmp_path: Path) -> None:
    back = producer("back", ("resource", "-2:a.mp4"), ("mlt_service", "timewarp"), ("warp_speed", "-2"))
    (shot,) = read(tmp_path, two_tracks(entry("back", 100, 50), "", back)).shots
    assert (shot.speed, shot.media_start) == (-2, 64)


def test_a_time_remap_of_a_chain(tmp_path: Path) -> None:
    """Normal for two seconds, then four times as fast."""
    keys = "00:00:00.000=0;00:00:02.000=2;00:00:04.000=10"
    link = f'<link id="k">{prop("mlt_service", "timeremap")}{prop("time_map", keys)}</link>'
    fast = producer("f", tag="chain", inner=link)
    picture = read(
        tmp_path, two_tracks(entry("f", 0, 100), '<blank length="60"/>' + entry("a", 0, 10), fast + PRODUCERS)
    )
    assert [(s.media_start, s.speed) for s in picture.shots] == [(0, Fraction(3, 2)), (0, 1), (Fraction(52, 10), 4)]


def test_clips_that_are_off_or_only_sound(tmp_path: Path) -> None:
    off = producer("off", ("set.test_image", 1), ("set.test_audio", 1))
    sound = producer("sound", ("video_index", -1))
    text = two_tracks(LOWER, entry("off", 0, 20) + entry("sound", 0, 20) + entry("c", 0, 20), PRODUCERS + off + sound)
    assert edits(read(tmp_path, text)) == [(40, "cut"), (60, "cut"), (100, "cut")]


def test_a_track_that_is_switched_off_in_its_playlists(tmp_path: Path) -> None:
    def whole(hide: str) -> str:
        upper = f"""<playlist id="l2">{UPPER}</playlist><playlist id="l3"/><tractor id="t2">
          <track hide="{hide}" producer="l2"/><track hide="{hide}" producer="l3"/></tractor>"""
        main = '<tractor id="main"><track producer="l1"/><track producer="t2"/></tractor>'
        return project(PRODUCERS, f'<playlist id="l1">{LOWER}</playlist>', upper, main)

    assert edits(read(tmp_path, whole("audio"))) == [(80, "cut"), (140, "cut")]
    assert edits(read(tmp_path, whole("both"))) == [(100, "cut")]


def test_guides_as_properties(tmp_path: Path) -> None:
    guides = f'<playlist id="main_bin">{prop("kdenlive:guide.2.52", "hit")}{prop("kdenlive:guide.x", "no")}</playlist>'
    picture = read(
        tmp_path, project(guides).replace("</mlt>", "") + two_tracks(LOWER, "", PRODUCERS).partition(PROFILE)[2]
    )
    assert [(m.name, m.time) for m in picture.markers] == [("hit", Fraction(63, 25))]


def test_proxies_stand_for_the_file_itself(tmp_path: Path) -> None:
    proxy = producer("p", ("resource", "/m/proxy/1234.mkv"), ("kdenlive:originalurl", "/m/a.mov"))
    assert read(tmp_path, two_tracks(entry("p", 0, 9), "", proxy)).shots[0].media == "/m/a.mov"


@pytest.mark.parametrize("form", ["{}", "00:00:{:02}.{:03}", "00:00:{:02},{:03}"])
def test_times_as_frames_or_by_the_clock_of_any_language(tmp_path: Path, form: str) -> None:
    def time(frame: int) -> str:
        return str(frame) if form == "{}" else form.format(frame // 25, frame % 25 * 40)

    lower = f'<blank length="{time(10)}"/><entry producer="a" in="{time(30)}" out="{time(69)}"/>' + entry("b", 0, 20)
    picture = read(tmp_path, two_tracks(lower, "", PRODUCERS))
    assert edits(picture) == [(10, "from_black"), (50, "cut")]
    assert picture.shots[0].media_start == Fraction(30, 25)


def mixes(count: int, inclusive: int = 0) -> str:
    """Clips of 60 frames on two playlists that overlap by ten, each overlap a mix in its middle."""
    lists, ends, found = ["", ""], [0, 0], ""
    for n in range(count):
        start, side = 50 * n, n % 2
        lists[side] += f'<blank length="{start - ends[side]}"/>' * (start > ends[side]) + entry("a", start, 60)
        ends[side] = start + 60
        if n:
            found += (
                f'<transition in="{start}" out="{start + 10 - inclusive}">{prop("kdenlive:mixcut", 5)}</transition>'
            )
    playlists = "".join(f'<playlist id="l{side}">{text}</playlist>' for side, text in enumerate(lists))
    track = f'<tractor id="t"><track producer="l0"/><track producer="l1"/>{found}</tractor>'
    return project(producer("a"), playlists, track, '<tractor id="main"><track producer="t"/></tractor>')


@pytest.mark.parametrize("inclusive", [0, 1])
def test_a_row_of_mixes(tmp_path: Path, inclusive: int) -> None:
    picture = read(tmp_path, mixes(5, inclusive))
    assert edits(picture) == [(50 * n + 5 - inclusive, "dissolve") for n in range(1, 5)]
    assert picture.boundaries[0].span == (2, Fraction(60 - inclusive, 25))


def test_thousands_of_mixes_take_seconds(tmp_path: Path) -> None:
    began = time.process_time()
    assert len(read(tmp_path, mixes(3000)).boundaries) == 2999
    assert time.process_time() - began < 20
