"""The demo film: what it must contain to show off every case of the main job."""

from __future__ import annotations

import itertools
import wave
from pathlib import Path

import av
import numpy as np
import opentimelineio as otio
import pytest

from bridge.demo.canvas import FPS, HEIGHT, WIDTH
from bridge.demo.clips import CLIPS, HANDLE
from bridge.demo.film import make_demo, write_clip
from bridge.demo.scenes.night import SLAM_S
from bridge.demo.sound import RATE
from bridge.demo.timeline import SCENE_ORDER, build_timeline


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_demo(tmp_path_factory.mktemp("demo"))


def frames_of(item: otio.core.Item) -> int:
    return round(item.trimmed_range().duration.value)


def clips_of(timeline: otio.schema.Timeline) -> list[otio.schema.Clip]:
    return list(timeline.find_clips())


def pictures(path: Path, *numbers: int) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        frames = {
            n: frame.to_ndarray(format="rgb24") for n, frame in enumerate(container.decode(video=0)) if n in numbers
        }
    return [frames[n] for n in numbers]


def test_demo_is_a_timeline_of_one_minute_from_one_hour(demo: Path) -> None:
    timeline = otio.adapters.read_from_file(str(demo))
    assert demo.name == "demo.otio"
    assert timeline.global_start_time == otio.opentime.RationalTime(3600 * FPS, FPS)
    assert timeline.duration() == otio.opentime.RationalTime(60 * FPS, FPS)
    assert {sum(frames_of(i) for i in t if isinstance(i, otio.core.Item)) for t in timeline.tracks} == {60 * FPS}


def test_demo_has_every_structure_of_the_main_job() -> None:
    timeline = build_timeline()
    video = timeline.video_tracks()
    assert len(video) == 2
    assert next(t.name for t in timeline.audio_tracks()) == "Dialogue"
    main = video[0]
    assert any(isinstance(i, otio.schema.Transition) for i in main)
    assert any(isinstance(i, otio.schema.Stack) for i in main)
    assert any(isinstance(i, otio.schema.Gap) for i in main)
    clips = clips_of(timeline)
    assert [c.name for c in clips if not c.enabled] == ["Rest Sea (alternative)"]
    assert [e.time_scalar for c in clips for e in c.effects] == [0.5]
    assert [m.name for m in timeline.tracks.markers] == ["hit", "section: chase"]


def test_shots_are_short_in_the_chase_and_long_elsewhere() -> None:
    main = build_timeline().video_tracks()[0]
    for clip in (c for c in main if isinstance(c, otio.schema.Clip)):
        seconds = frames_of(clip) / FPS
        chase = clip.media_reference.target_url.startswith("media/chase_")
        assert (1 <= seconds <= 2.2) if chase else (2 <= seconds <= 11), clip.name


def test_no_cut_falls_on_a_whole_second_but_scene_heads_may() -> None:
    main = build_timeline().video_tracks()[0]
    ends = list(itertools.accumulate(frames_of(i) for i in main if isinstance(i, otio.core.Item)))
    assert sum(end % FPS == 0 for end in ends[:-1]) <= 2


@pytest.mark.parametrize("order", list(itertools.permutations(SCENE_ORDER))[::7], ids="-".join)
def test_scenes_swap_places(order: tuple[str, ...]) -> None:
    timeline = build_timeline(order)
    heads = [c.media_reference.target_url.split("/")[1].split("_")[0] for c in timeline.video_tracks()[0].find_clips()]
    assert [scene for scene, _ in itertools.groupby(heads)] == list(order)
    assert timeline.duration().value == 60 * FPS
    chase = next(m for m in timeline.tracks.markers if m.name == "section: chase").marked_range.start_time
    at_marker = [
        c.media_reference.target_url
        for c in timeline.video_tracks()[0].find_clips()
        if c.range_in_parent().start_time <= chase < c.range_in_parent().end_time_exclusive()
        and isinstance(c.parent(), otio.schema.Track) and c.parent().name == "V1"
    ]  # fmt: skip
    assert at_marker == ["media/chase_cars.mp4"]


def test_every_used_range_lies_inside_its_media(demo: Path) -> None:
    timeline = otio.adapters.read_from_file(str(demo))
    for clip in clips_of(timeline):
        url = clip.media_reference.target_url
        assert not url.startswith(("/", "file:"))
        path = demo.parent / url
        with av.open(str(path)) as container:
            length_s = container.duration / av.time_base
        speed = clip.effects[0].time_scalar if clip.effects else 1
        used = clip.source_range
        last = used.start_time.to_seconds() + used.duration.to_seconds() * speed
        assert used.start_time.value >= 0
        assert last <= length_s + 1e-6, clip.name
        if path.suffix == ".mp4":
            assert used.start_time.value >= HANDLE


def test_media_are_what_an_editor_expects(demo: Path) -> None:
    media = demo.parent / "media"
    assert not list(demo.parent.rglob("*.part*"))
    assert {p.stem for p in media.glob("*.mp4")} == set(CLIPS)
    for path in media.glob("*.mp4"):
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            assert (stream.width, stream.height, stream.average_rate) == (WIDTH, HEIGHT, FPS)
            assert stream.frames == CLIPS[path.stem].frames
    for path in media.glob("*.wav"):
        with wave.open(str(path)) as file:
            assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE, 1, 2)


def test_day_is_bright_and_night_is_dark(demo: Path) -> None:
    (valley,) = pictures(demo.parent / "media/day_valley.mp4", 60)
    (moon,) = pictures(demo.parent / "media/night_moon.mp4", 60)
    assert valley.mean() > 130
    assert moon.mean() < 50


def test_the_hit_marker_is_where_the_door_goes_dark(demo: Path) -> None:
    timeline = otio.adapters.read_from_file(str(demo))
    marker = next(m for m in timeline.tracks.markers if m.name == "hit")
    house = next(i for i in timeline.video_tracks()[0] if isinstance(i, otio.schema.Stack))
    offset = round(marker.marked_range.start_time.value - house.range_in_parent().start_time.value)
    slam = HANDLE + offset
    assert slam == round(SLAM_S * FPS)
    before, after = pictures(demo.parent / "media/night_house.mp4", slam - 3, slam)
    lit = np.asarray(before, float) - np.asarray(after, float)
    assert lit[225:285, 440:480].mean() > 40
    door = next(c for c in timeline.find_clips() if c.name == "Door Slam")
    assert door.range_in_parent().start_time == marker.marked_range.start_time


def test_same_bytes_every_time(tmp_path: Path) -> None:
    clip = CLIPS["night_window"]
    write_clip(tmp_path / "a.mp4", clip)
    write_clip(tmp_path / "b.mp4", clip)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_progress_rises_to_one(demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.demo.film.CLIPS", {"chase_siren": CLIPS["chase_siren"]})
    seen: list[float] = []
    make_demo(tmp_path, progress=lambda share, _: seen.append(share))
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


def test_a_wrong_order_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="day, night, chase, rest"):
        make_demo(tmp_path, order=("day", "night"))


def test_a_failed_clip_leaves_nothing_half_written(tmp_path: Path) -> None:
    def broken() -> object:
        raise RuntimeError("no paint")

    with pytest.raises(RuntimeError):
        write_clip(tmp_path / "x.mp4", type(CLIPS["day_birds"])("x", 1, lambda: lambda _: broken()))  # type: ignore
    assert list(tmp_path.iterdir()) == []
