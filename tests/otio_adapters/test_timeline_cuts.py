"""What is on the screen, on small timelines worked out by hand."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from emsync_engine.picture import Picture
from otio_adapters import read_picture
from tests.otio_adapters.builders import (
    clip,
    gap,
    generator,
    rt,
    save,
    stack,
    timeline,
    tr,
    track,
    transition,
    warp,
)


def see(tmp_path: Path, *tracks: dict[str, Any], **more: Any) -> Picture:
    return read_picture(save(tmp_path, timeline(*tracks, **more)))


def edits(picture: Picture) -> list[tuple[int, str]]:
    return [(b.frame, b.kind) for b in picture.boundaries if b.picture]


def soft(picture: Picture) -> list[tuple[int, str]]:
    return [(b.frame, b.kind) for b in picture.boundaries if not b.picture]


def test_a_cutaway_on_an_upper_track_hides_the_cut_under_it(tmp_path: Path) -> None:
    picture = see(tmp_path, track(clip("a", 0, 50), clip("b", 0, 50)), track(gap(40), clip("c", 0, 20), gap(40)))
    assert edits(picture) == [(40, "cut"), (60, "cut")]
    assert [s.name for s in picture.shots] == ["a", "c", "b"]
    assert picture.shots[2].media_start == Fraction(10, 24)


def test_disabled_clips_and_tracks_are_not_seen(tmp_path: Path) -> None:
    lower = track(clip("a", 0, 50), clip("off", 0, 50, enabled=False), clip("b", 0, 50))
    picture = see(tmp_path, lower, track(clip("x", 0, 500), enabled=False))
    assert edits(picture) == [(50, "to_black"), (100, "from_black")]
    assert picture.duration == Fraction(150, 24)


def test_a_sound_track_on_top_paints_nothing_but_lasts(tmp_path: Path) -> None:
    picture = see(tmp_path, track(clip("a", 0, 50)), track(clip("music", 0, 80), kind="Audio"))
    assert edits(picture) == [(50, "to_black")]
    assert picture.duration == Fraction(80, 24)


def test_a_nest_shows_the_window_it_is_cut_to(tmp_path: Path) -> None:
    nest = stack(track(clip("a", 0, 30), clip("b", 0, 30)), track(gap(40), clip("c", 0, 5)), source_range=tr(20, 35))
    picture = see(tmp_path, track(clip("head", 0, 10), nest, clip("tail", 0, 10)))
    assert edits(picture) == [(10, "cut"), (20, "cut"), (30, "cut"), (35, "cut"), (45, "cut")]
    assert [s.name for s in picture.shots] == ["head", "a", "b", "c", "b", "tail"]
    assert picture.shots[1].media_start == Fraction(20, 24)


def test_a_nest_at_double_speed_halves_the_record_time_of_its_cuts(tmp_path: Path) -> None:
    nest = stack(track(clip("a", 0, 40), clip("b", 100, 40)), source_range=tr(0, 40), effects=[warp(2)])
    picture = see(tmp_path, track(clip("head", 0, 10), nest))
    assert edits(picture) == [(10, "cut"), (30, "cut")]
    assert picture.shots[2].speed == 2
    assert picture.shots[2].media_start == Fraction(100, 24)


def test_a_nest_played_backwards_shows_its_clips_in_reverse(tmp_path: Path) -> None:
    nest = stack(track(clip("a", 0, 30), clip("b", 100, 10)), source_range=tr(0, 40), effects=[warp(-1)])
    picture = see(tmp_path, track(nest))
    assert [s.name for s in picture.shots] == ["b", "a"]
    assert edits(picture) == [(10, "cut")]
    assert picture.shots[0].media_start == Fraction(110, 24)
    assert picture.shots[1].media_start == Fraction(30, 24)


def test_a_frozen_nest_holds_one_instant(tmp_path: Path) -> None:
    freeze = {"OTIO_SCHEMA": "FreezeFrame.1", "time_scalar": 0}
    nest = stack(track(clip("a", 0, 30), clip("b", 100, 30)), source_range=tr(35, 24), effects=[freeze])
    picture = see(tmp_path, track(clip("head", 0, 10), nest))
    assert edits(picture) == [(10, "cut")]
    assert picture.shots[1].name == "b"
    assert picture.shots[1].still
    assert picture.shots[1].media_start == Fraction(105, 24)


def test_a_track_window_cuts_head_and_tail(tmp_path: Path) -> None:
    picture = see(tmp_path, track(clip("a", 0, 50), clip("b", 0, 50), source_range=tr(20, 60)))
    assert edits(picture) == [(30, "cut")]
    assert picture.duration == Fraction(60, 24)


def test_a_negative_track_window_is_a_record_start_and_hides_nothing(tmp_path: Path) -> None:
    picture = see(tmp_path, track(clip("a", 0, 50), clip("b", 0, 50), source_range=tr(-86400, 100)))
    assert edits(picture) == [(50, "cut")]


def test_titles_never_hide_a_moving_picture_but_are_soft_events(tmp_path: Path) -> None:
    picture = see(
        tmp_path,
        track(clip("a", 0, 50), gap(50), clip("b", 0, 50)),
        track(gap(20), generator("Title", 100)),
    )
    assert edits(picture) == [(50, "cut"), (100, "cut")]
    assert soft(picture) == [(20, "title"), (120, "title")]
    assert [s.name for s in picture.shots] == ["a", "Title", "b"]


def test_adjustment_layers_are_overlays(tmp_path: Path) -> None:
    picture = see(tmp_path, track(clip("a", 0, 90)), track(gap(30), clip("Adjustment Layer", 0, 30)))
    assert edits(picture) == []
    assert soft(picture) == [(30, "overlay"), (60, "overlay")]


def test_a_dissolve_is_hit_in_its_middle(tmp_path: Path) -> None:
    picture = see(tmp_path, track(clip("a", 10, 50), transition(4, 12), clip("b", 20, 50)))
    (boundary,) = picture.boundaries
    assert (boundary.frame, boundary.kind) == (50, "dissolve")
    assert boundary.span == (Fraction(46, 24), Fraction(62, 24))
    assert boundary.hit == Fraction(54, 24)
    assert boundary.outgoing is not None and boundary.incoming is not None
    assert (boundary.outgoing.name, boundary.incoming.name) == ("a", "b")
    assert boundary.outgoing.media_time == Fraction(60, 24)


def test_fades_are_hit_at_full_picture_and_at_full_black(tmp_path: Path) -> None:
    lane = track(clip("a", 10, 50), transition(12, 0), gap(20), transition(0, 10), clip("b", 20, 50))
    first, second = see(tmp_path, lane).boundaries
    assert (first.frame, first.kind, first.hit) == (50, "to_black", Fraction(50, 24))
    assert (second.frame, second.kind, second.hit) == (70, "from_black", Fraction(80, 24))


def test_a_cutaway_that_starts_inside_a_dissolve_is_a_cut(tmp_path: Path) -> None:
    lower = track(clip("a", 10, 50), transition(10, 10), clip("b", 20, 50))
    picture = see(tmp_path, lower, track(gap(55), clip("c", 0, 15)))
    assert edits(picture) == [(50, "dissolve"), (55, "cut"), (70, "cut")]


def test_a_dissolve_under_an_opaque_picture_is_not_seen(tmp_path: Path) -> None:
    lower = track(clip("a", 10, 50), transition(10, 10), clip("b", 20, 50))
    picture = see(tmp_path, lower, track(gap(30), clip("c", 0, 40)))
    assert edits(picture) == [(30, "cut"), (70, "cut")]


def test_an_upper_clip_that_fades_away_dissolves_into_what_lies_beneath(tmp_path: Path) -> None:
    picture = see(tmp_path, track(clip("a", 0, 100)), track(clip("b", 0, 50), transition(10, 0), gap(50)))
    assert edits(picture) == [(50, "dissolve")]


def test_wipes_are_told_from_dissolves_by_type_and_by_name(tmp_path: Path) -> None:
    lane = track(
        *(clip("a", 10, 50), transition(5, 5, transition_type="SMPTE_Wipe"), clip("b", 20, 50)),
        *(transition(5, 5, name="Edge Wipe"), clip("c", 20, 50)),
    )
    assert edits(see(tmp_path, lane)) == [(50, "wipe"), (100, "wipe")]


def test_a_sliver_that_no_frame_shows_is_dropped(tmp_path: Path) -> None:
    picture = see(tmp_path, track(clip("a", 0, 50), clip("sliver", 0, 0.3), clip("b", 0, 49.7)))
    assert edits(picture) == [(50, "cut")]
    assert picture.shots[1].name == "b"


def test_retimed_clips_keep_their_record_length_and_source_speed(tmp_path: Path) -> None:
    picture = see(tmp_path, track(clip("a", 10, 20, effects=[warp(2)]), clip("b", 0, 10, effects=[warp(-0.5)])))
    fast, back = picture.shots
    assert edits(picture) == [(20, "cut")]
    assert (fast.media_start, fast.speed) == (Fraction(10, 24), 2)
    assert (back.media_start, back.speed) == (Fraction(5, 24), Fraction(-1, 2))


def test_premiere_gives_retimed_clips_their_source_length(tmp_path: Path) -> None:
    def linked(name: str, length: float, link: str, speed: float | None = None) -> dict[str, Any]:
        effects = [warp(speed)] if speed else []
        return clip(name, 0, length, effects=effects, metadata={"PremierePro_OTIO": {"LinkID": link}})

    video = track(linked("a", 40, "1", 2), linked("b", 30, "2"))
    sound = track(linked("a", 20, "1"), linked("b", 30, "2"), kind="Audio")
    premiere = {"PremierePro_OTIO": {"MetadataVersion": "1.0"}}
    assert edits(see(tmp_path, video, sound, metadata=premiere)) == [(20, "cut")]
    assert edits(see(tmp_path, video, sound)) == [(40, "cut")]


def test_a_clip_without_a_range_uses_its_media(tmp_path: Path) -> None:
    whole = clip("a", 0, 1, available=tr(86400, 33)) | {"source_range": None}
    picture = see(tmp_path, track(whole, clip("b", 0, 10)))
    assert edits(picture) == [(33, "cut")]
    assert picture.shots[0].media_start == 0


def test_a_clip_without_any_length_is_left_out_with_a_warning(tmp_path: Path) -> None:
    bare = clip("lost", 0, 1, reference={"OTIO_SCHEMA": "MissingReference.1"}) | {"source_range": None}
    picture = see(tmp_path, track(clip("a", 0, 10), bare, clip("b", 0, 10)))
    assert edits(picture) == [(10, "cut")]
    assert any("lost" in warning for warning in picture.warnings)


@pytest.mark.parametrize("rate", [23.976, 23.98, 24000 / 1001])
def test_a_rate_that_is_no_rate_is_recognised(tmp_path: Path, rate: float) -> None:
    picture = see(tmp_path, track(clip("a", 0, 240, rate), clip("b", 0, 240, rate)))
    assert picture.rate == Fraction(24000, 1001)
    assert picture.boundaries[0].time == Fraction(240 * 1001, 24000)


def test_media_time_counts_from_the_head_of_the_file(tmp_path: Path) -> None:
    coded = clip("a", 86410, 20, available=tr(86400, 500))
    assert see(tmp_path, track(coded)).shots[0].media_start == Fraction(10, 24)


def test_through_edits_are_flagged_kept_and_weigh_little_when_rare(tmp_path: Path) -> None:
    clips = [clip(f"c{n}", 0, 10) for n in range(8)]
    parts = [clip("m", 100, 10), clip("m", 110, 10)]
    picture = see(tmp_path, track(*clips, *parts))
    through = [b for b in picture.boundaries if b.through]
    assert [(b.frame, b.weight, b.picture) for b in through] == [(90, 0.25, True)]


def test_through_edits_of_a_cut_up_master_weigh_in_full(tmp_path: Path) -> None:
    picture = see(tmp_path, track(*(clip("master", 10 * n, 10) for n in range(5))))
    assert [(b.through, b.weight) for b in picture.boundaries] == [(True, 1.0)] * 4


def test_a_jump_cut_in_the_same_media_is_no_through_edit(tmp_path: Path) -> None:
    picture = see(tmp_path, track(clip("m", 0, 10), clip("m", 11, 10)))
    assert not picture.boundaries[0].through


@pytest.mark.parametrize(
    ("start", "rate", "drop", "text"),
    [
        (107892, 30000 / 1001, True, "01:00:00;00"),
        (108000, 30000 / 1001, False, "01:00:00:00"),
        (215784, 60000 / 1001, True, "01:00:00;00"),
        (86400, 24, False, "01:00:00:00"),
    ],
)
def test_record_timecode_has_the_right_counting(tmp_path: Path, start: int, rate: float, drop: bool, text: str) -> None:
    picture = see(tmp_path, track(clip("a", 0, 10, rate)), global_start_time=rt(start, rate))
    assert (picture.drop_frame, picture.start_timecode) == (drop, text)


def test_a_timeline_without_picture_has_no_boundaries_and_a_warning(tmp_path: Path) -> None:
    picture = see(tmp_path, track(gap(20)), track(clip("s", 0, 20), kind="Audio"))
    assert (picture.boundaries, picture.shots) == ((), ())
    assert any("no picture" in warning for warning in picture.warnings)


def test_several_nests_deep_the_times_stay_exact(tmp_path: Path) -> None:
    rate = 24000 / 1001
    inner: dict[str, Any] = stack(track(clip("a", 0, 5, rate), clip("b", 0, 5, rate)))
    for _ in range(12):
        inner = stack(track(clip("pad", 0, 1, rate), inner))
    picture = see(tmp_path, track(inner))
    assert picture.boundaries[-1].time == Fraction(17 * 1001, 24000)
