"""What a REAPER project shows, read as a timeline: the cuts that a viewer would see, at the right times."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from bridge.connectors.reaper_picture import head_seconds, plain_name, timeline_of
from emsync_engine.errors import InputError
from emsync_engine.picture import Picture
from otio_adapters import read_picture
from tests.conftest import save
from tests.otio_adapters.test_timeline_media import film


def video(file: object, position: float, length: float, *, source: float = 0, speed: float = 1, track: int = 1) -> Any:
    return {"file": str(file), "name": Path(str(file)).name, "position_s": position, "length_s": length,
            "source_s": source, "speed": speed, "track": track}  # fmt: skip


def marker(name: str, time: float, end: float | None = None) -> dict[str, Any]:
    return {"name": name, "time_s": time, "end_s": end or time, "is_region": end is not None}


def seen(*videos: Any, markers: Any = (), rate: float = 24.0, offset: float = 3600.0, **more: Any) -> dict[str, Any]:
    return {"rate": rate, "drop_frame": False, "offset_s": offset, "length_s": 60.0, "path": "/films/reel 1.rpp",
            "videos": list(videos), "markers": list(markers), **more}  # fmt: skip


def picture_of(said: dict[str, Any], home: Path) -> Picture:
    return read_picture(save(timeline_of(said, "reel"), home / "reel.otio"))


def cuts(picture: Picture) -> list[float]:
    """Times of the boundaries that music may land on as on any cut."""
    return [round(float(b.time), 6) for b in picture.boundaries if b.picture and b.weight > 0.5]


def test_items_are_shots_from_the_head_of_the_picture(tmp_path: Path) -> None:
    said = seen(video("a.mov", 10, 5), video("b.mov", 15, 4), video("c.mov", 20, 3))
    picture = picture_of(said, tmp_path)
    assert head_seconds(said) == 10
    assert cuts(picture) == [5, 9, 10]  # a second of black before the last one
    assert picture.duration == 13
    assert picture.start_timecode == "01:00:10:00"


def test_cuts_inside_a_long_item_are_found(tmp_path: Path) -> None:
    movie = film(tmp_path / "movie.mp4", [48, 60, 36, 56])
    picture = picture_of(seen(video(movie, 5, 200 / 24)), tmp_path)
    assert cuts(picture) == [2, 4.5, 6]


def test_an_item_that_begins_within_its_film_and_runs_at_another_speed(tmp_path: Path) -> None:
    movie = film(tmp_path / "movie.mp4", [48, 60, 36, 56])
    later = picture_of(seen(video(movie, 0, 5, source=1)), tmp_path)
    assert cuts(later) == [1, 3.5]
    fast = picture_of(seen(video(movie, 0, 4, speed=2)), tmp_path)
    assert cuts(fast) == [1, 2.25, 3]


def test_the_upper_track_is_seen(tmp_path: Path) -> None:
    said = seen(video("below.mov", 0, 20, track=2), video("above.mov", 5, 5, track=1))
    assert cuts(picture_of(said, tmp_path)) == [5, 10]


def test_of_two_items_that_overlap_the_later_one_is_seen(tmp_path: Path) -> None:
    assert cuts(picture_of(seen(video("a.mov", 0, 8), video("b.mov", 6, 6)), tmp_path)) == [6]


@pytest.mark.parametrize(
    ("rate", "exact"), [(23.976, Fraction(24000, 1001)), (25, Fraction(25)), (29.97, Fraction(30000, 1001))]
)
def test_the_rate_is_what_it_means(tmp_path: Path, rate: float, exact: Fraction) -> None:
    picture = picture_of(seen(video("a.mov", 0, 10), video("b.mov", 10, 10), rate=rate, offset=0), tmp_path)
    assert picture.rate == exact
    assert abs(cuts(picture)[0] - 10) < 0.5 / float(exact)


def test_markers_steer_and_chosen_ones_are_hits(tmp_path: Path) -> None:
    markers = [marker("mood: tense", 10), marker("door", 13), marker("note", 16), marker("early", 3)]
    said = seen(video("a.mov", 10, 20), markers=markers, hits=[markers[1]])
    picture = picture_of(said, tmp_path)
    kinds = {round(float(m.time), 6): m.instruction.kind if m.instruction else "" for m in picture.markers}
    assert kinds == {0: "mood", 3: "hit", 6: ""}


def test_a_project_without_picture_can_have_hits(tmp_path: Path) -> None:
    markers = [marker("one", 4), marker("two", 9)]
    picture = picture_of(seen(markers=markers, hits=markers), tmp_path)
    assert [round(float(b.time), 6) for b in picture.boundaries if b.weight >= 10] == [4, 9]


def test_nothing_at_all_is_refused() -> None:
    with pytest.raises(InputError, match="neither picture nor a marker"):
        timeline_of(seen(), "x")


@pytest.mark.parametrize(
    ("path", "name"),
    [("/films/reel 1.rpp", "reel 1"), ("/films/a:b?.rpp", "a_b_"), ("", "reaper"), ("/x/...rpp", "reaper")],
)
def test_files_are_called_like_the_project(path: str, name: str) -> None:
    assert plain_name({"path": path, "name": ""}) == name
