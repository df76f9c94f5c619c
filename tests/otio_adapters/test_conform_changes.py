"""What changed between two cuts, by hand-made cuts and by random edits whose truth is known."""

from __future__ import annotations

import json
import random
import time
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emsync_engine.picture import Picture, Shot
from otio_adapters import read_picture
from otio_adapters.change_list import Change, change_text, changes
from otio_adapters.conform import Comparison, compare, kept_spans
from otio_adapters.identity import plain
from tests import recuts
from tests.otio_adapters.builders import Node, clip, gap, generator, marker, save, timeline, track, transition, warp
from tests.recuts import Span, picture_of

F = Fraction


def cut(folder: Path, *children: Node, name: str = "cut.otio", rate: float = 24, start: float = 86400) -> Picture:
    head = {"OTIO_SCHEMA": "RationalTime.1", "value": start * rate / 24, "rate": rate}
    folder.mkdir(parents=True, exist_ok=True)
    return read_picture(save(folder, timeline(track(*children), global_start_time=head), name))


def spans(cuts: Comparison) -> list[tuple[int, int, int]]:
    """(old frame, new frame, frames) of what was kept."""
    return [(m.old, m.new, m.length) for m in cuts.alignment.kept]


def said(cuts: Comparison) -> list[str]:
    return [row.text for row in changes(cuts)]


def laid_over(folder: Path, old: list[Node], new: list[Node]) -> Comparison:
    return compare(cut(folder / "old", *old), cut(folder / "new", *new))


A, B, C = (clip(n, 100, d) for n, d in (("a", 100), ("b", 80), ("c", 120)))
FAST, BACK = clip("b", 100, 40, effects=[warp(2.0)]), clip("b", 180, 80, effects=[warp(-1.0)])


# --- single edits, by hand ---


def test_the_same_cut_is_kept_as_one(tmp_path: Path) -> None:
    cuts = laid_over(tmp_path, [A, B, C], [A, B, C])
    assert spans(cuts) == [(0, 0, 300)]
    assert said(cuts) == ["kept: a, b, c"]


@pytest.mark.parametrize(
    ("new", "kept", "words"),
    [
        ([clip("a", 100, 90), B, C], [(0, 0, 90), (100, 90, 200)], "trimmed at the tail: a"),
        ([clip("a", 110, 90), B, C], [(10, 0, 290)], "trimmed at the head: a"),
        ([A, clip("b", 120, 60), C], [(0, 0, 100), (120, 100, 180)], "trimmed at the head: b"),
        ([A, clip("b", 100, 30), clip("b", 160, 20), C], [(0, 0, 130), (160, 130, 140)], "trimmed inside: b"),
        ([A, C], [(0, 0, 100), (180, 100, 120)], "deleted: b"),
        ([A, clip("new", 0, 50), B, C], [(0, 0, 100), (100, 150, 200)], "inserted: new"),
        ([clip("a", 100, 130), B, C], [(0, 0, 100), (100, 130, 200)], "extended at the tail: a"),
        ([clip("a", 90, 110), B, C], [(0, 10, 300)], "extended at the head: a"),
        ([A, gap(24), B, C], [(0, 0, 100), (100, 124, 200)], "inserted: black"),
        ([A, FAST, C], [(0, 0, 100), (180, 140, 120)], "re-timed from 100 % to 200 %: b"),
        ([A, BACK, C], [(0, 0, 100), (180, 180, 120)], "re-timed from 100 % to -100 %: b"),
    ],
    ids=["tail", "head", "head of 2nd", "razor", "delete", "insert", "longer", "longer head", "gap", "fast", "reverse"],
)
def test_single_edits(tmp_path: Path, new: list[Node], kept: list[tuple[int, int, int]], words: str) -> None:
    cuts = laid_over(tmp_path, [A, B, C], new)
    assert spans(cuts) == kept
    assert words in said(cuts)


def test_swapped_shots_both_move(tmp_path: Path) -> None:
    cuts = laid_over(tmp_path, [A, B, C], [B, A, C])
    assert spans(cuts) == [(100, 0, 80), (0, 80, 100), (180, 180, 120)]
    assert said(cuts) == ["moved by -100 frames: b", "moved by +80 frames: a", "kept: c"]


def test_a_second_use_of_a_shot_is_new_and_the_first_stays(tmp_path: Path) -> None:
    cuts = laid_over(tmp_path, [A, B, C], [A, B, A, C])
    assert spans(cuts) == [(0, 0, 180), (180, 280, 120)]
    assert "inserted: a" in said(cuts)


def test_a_trimmed_shot_at_its_place_wins_over_a_whole_copy_elsewhere(tmp_path: Path) -> None:
    cuts = laid_over(tmp_path, [B, A, C], [B, clip("a", 100, 80), C, A])
    assert spans(cuts) == [(0, 0, 160), (180, 160, 120), (160, 360, 20)]


def test_one_of_two_equal_shots_goes(tmp_path: Path) -> None:
    """Which of the two is left cannot be seen; the cut around it tells."""
    cuts = laid_over(tmp_path, [A, B, A, C], [A, B, C])
    assert spans(cuts) == [(0, 0, 180), (280, 180, 120)]
    assert said(cuts) == ["kept: a, b", "deleted: a", "moved by -100 frames: c"]


def test_a_slipped_shot_is_kept_where_its_frames_are_now(tmp_path: Path) -> None:
    cuts = laid_over(tmp_path, [A, B, C], [A, clip("b", 120, 80), C])
    assert spans(cuts) == [(0, 0, 100), (120, 100, 60), (180, 180, 120)]


def test_handles_that_happen_to_overlap_are_not_picture_that_moved(tmp_path: Path) -> None:
    old = [clip("a", 0, 100), B]
    cuts = laid_over(tmp_path, old, [B, clip("a", 95, 100)])
    assert spans(cuts) == [(100, 0, 80)]


# --- what a medium is called ---


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("/vfx/sh010_comp_v011.mov", "/vfx/sh010_comp_v012.mov"),
        ("/vfx/v011/sh010_v011_comp.exr", "/vfx/v012/sh010_v012_comp.exr"),
        ("/vfx/sh010.v9.%04d.exr", "/vfx/sh010.v10.%04d.exr"),
        ("/proxy/A001C003_proxy.mp4", "/online/A001C003.mxf"),
        ("file:///D:/Film/Proxies/A001C003.mov", "/Volumes/raid/A001C003.mov"),
        ("E:\\film\\day.mov", "/mnt/film/DAY.MOV"),
        ("sh010_v3 copy.mov", "sh010_v3.mov"),
        ("sh010 (1).mov", "sh010.mov"),
        ("/m/A001C003.mxf", "/m/A001C003_1080p.mp4"),
        ("/m/A001C003_ProRes422HQ.mov", "/m/A001C003_h264.mp4"),
    ],
    ids=["version", "inside", "frames", "proxy", "folder", "system", "copy", "second copy", "size", "codec"],
)
def test_the_same_material_under_another_name(tmp_path: Path, before: str, after: str) -> None:
    cuts = laid_over(tmp_path, [A, clip("shot", 100, 50, url=before), B], [A, clip("shot", 100, 50, url=after), B])
    assert spans(cuts) == [(0, 0, 230)]


def test_a_new_version_is_named_in_the_list(tmp_path: Path) -> None:
    old, new = (clip("comp", 100, 50, url=f"/vfx/sh010_v{v}.mov") for v in ("011", "012"))
    assert said(laid_over(tmp_path, [A, old], [A, new])) == ["kept: a, comp (sh010_v011.mov is now sh010_v012.mov)"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("IMG_1234.MOV", "IMG_1235.MOV"),
        ("photo.jpg", "photocopy.jpg"),
        ("overview.mov", "overview2.mov"),
        ("scene_0001.mov", "scene_0002.mov"),
        ("wal.mov", "wallow.mov"),
    ],
)
def test_different_material_under_a_similar_name(tmp_path: Path, one: str, other: str) -> None:
    assert plain(one) != plain(other)
    cuts = laid_over(tmp_path, [A, clip("x", 0, 50, url=one)], [A, clip("x", 0, 50, url=other)])
    assert spans(cuts) == [(0, 0, 100)]


def test_two_cards_with_one_file_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    one, two = (clip(n, 0, 50, url=f"/shoot/{n}/CLIP/C0001.MP4") for n in ("card1", "card2"))
    cuts = laid_over(tmp_path, [one, A, two], [two, A, one])
    assert spans(cuts) == [(150, 0, 50), (50, 50, 100), (0, 150, 50)]


def test_cards_are_still_told_apart_when_the_film_has_moved_to_another_disk(tmp_path: Path) -> None:
    def card(root: str, n: int) -> Node:
        return clip(f"card{n}", 0, 50, url=f"{root}/card{n}/C0001.MP4")

    cuts = laid_over(tmp_path, [card("/a", 1), A, card("/a", 2)], [card("/b", 2), A, card("/b", 1)])
    assert spans(cuts) == [(150, 0, 50), (50, 50, 100), (0, 150, 50)]


def test_two_versions_that_both_cuts_use_stay_two(tmp_path: Path) -> None:
    one, two = (clip(f"v{n}", 0, 50, url=f"/vfx/sh_v{n}.mov") for n in (1, 2))
    cuts = laid_over(tmp_path, [one, A, two], [two, A, one])
    assert spans(cuts) == [(150, 0, 50), (50, 50, 100), (0, 150, 50)]


def test_offline_media_known_by_name_only_is_found_again(tmp_path: Path) -> None:
    edl = tmp_path / "cut.edl"
    lines = ["TITLE: cut", "FCM: NON-DROP FRAME"]
    for number, (name, a, b, c, d) in enumerate(
        [("a.mov", "00:00:04:04", "00:00:08:08", "01:00:00:00", "01:00:04:04"),
         ("c.mov", "00:00:04:04", "00:00:09:04", "01:00:04:04", "01:00:09:04")], 1,
    ):  # fmt: skip
        lines += [f"{number:03d}  AX       V     C        {a} {b} {c} {d}", f"* FROM CLIP NAME: {name}"]
    edl.write_text("\n".join(lines) + "\n")
    cuts = compare(cut(tmp_path / "old", A, B, C), read_picture(edl))
    assert spans(cuts) == [(0, 0, 100), (180, 100, 120)]


def test_two_different_files_of_one_clip_name_are_two(tmp_path: Path) -> None:
    old, new = (clip("clip", 0, 50, url=url) for url in ("one.mov", "two.mov"))
    assert spans(laid_over(tmp_path, [A, old], [A, new])) == [(0, 0, 100)]


def test_media_that_has_come_online_may_be_counted_from_another_zero() -> None:
    """Offline its in-point is a timecode, online it is a second of the file."""
    old = picture_of([Span("a.mov", 0, 100), Span("b.mov", 86400, 80), Span("b.mov", 86600, 50)])
    shots = [replace(s, media_start=s.media_start - 3600, online=True) if s.media == "b.mov" else s for s in old.shots]
    assert spans(compare(old, replace(old, shots=tuple(shots)))) == [(0, 0, 230)]


# --- black, stills, freezes, through edits, speeds ---


def test_black_grows_and_shrinks_with_its_neighbours(tmp_path: Path) -> None:
    cuts = laid_over(tmp_path, [A, gap(24), B], [A, gap(48), B])
    assert spans(cuts) == [(0, 0, 124), (124, 148, 80)]
    assert "extended at the tail: black" in said(cuts)


def test_black_alone_is_not_picture_that_moved(tmp_path: Path) -> None:
    cuts = laid_over(tmp_path, [gap(24), A, B], [A, B, gap(24), clip("new", 0, 50)])
    assert spans(cuts) == [(24, 0, 180)]


def test_black_of_a_generator_is_black(tmp_path: Path) -> None:
    cuts = laid_over(tmp_path, [A, gap(24), B], [A, generator("Black Video", 24, kind="black"), B])
    assert spans(cuts) == [(0, 0, 204)]


def test_a_still_shows_the_same_whatever_part_of_it(tmp_path: Path) -> None:
    old, new = clip("p", 0, 60, url="photo.jpg"), clip("p", 30, 40, url="photo.jpg")
    cuts = laid_over(tmp_path, [A, old, B], [A, new, B])
    assert sum(n for _, _, n in spans(cuts)) == 220
    assert said(cuts)[1].startswith("trimmed at the")


def test_a_slide_show_with_one_slide_shortened(tmp_path: Path) -> None:
    slides = [clip(f"p{n}", 0, 48, url=f"photo{n}.jpg") for n in range(8)]
    short = [*slides[:5], clip("p5", 0, 24, url="photo5.jpg"), *slides[6:]]
    assert spans(laid_over(tmp_path, slides, short)) == [(0, 0, 264), (288, 264, 96)]


@pytest.mark.parametrize(("frame", "kept"), [(100, [(0, 0, 148)]), (300, [(0, 0, 100)])], ids=["same", "another"])
def test_a_freeze_is_the_same_at_the_same_frame(tmp_path: Path, frame: int, kept: list[tuple[int, int, int]]) -> None:
    old, new = (clip("f", at, 48, url="f.mov", effects=[warp(0.0)]) for at in (100, frame))
    assert spans(laid_over(tmp_path, [A, old], [A, new])) == kept


def test_a_reversed_shot_is_trimmed_like_any_other() -> None:
    back = Span("b.mov", 500, 100, F(-1))
    cuts = compare(picture_of([back]), picture_of([back.part(20, 100)]))
    assert spans(cuts) == [(20, 0, 80)]


def test_through_edits_change_nothing(tmp_path: Path) -> None:
    cuts = laid_over(tmp_path, [A, B], [clip("a", 100, 37), clip("a", 137, 63), clip("b", 100, 79), clip("b", 179, 1)])
    assert spans(cuts) == [(0, 0, 180)]
    assert said(cuts) == ["kept: a, b"]


def test_speeds_that_differ_by_rounding_are_one_speed() -> None:
    old = picture_of([Span("a.mov", 0, 300, F(1, 3))])
    new = replace(old, shots=tuple(replace(s, speed=F(0.3333)) for s in old.shots))
    assert spans(compare(old, new)) == [(0, 0, 300)]


def test_another_speed_is_not_the_same_picture() -> None:
    cuts = compare(picture_of([Span("a.mov", 0, 300)]), picture_of([Span("a.mov", 0, 300, F(101, 100))]))
    assert spans(cuts) == []


# --- transitions ---


def _dissolved(half: int, *, into: Node = B) -> list[Node]:
    return [A, transition(half, half), into, C] if half else [A, into, C]


def test_the_same_dissolve_is_kept(tmp_path: Path) -> None:
    assert spans(laid_over(tmp_path, _dissolved(12), _dissolved(12))) == [(0, 0, 300)]


@pytest.mark.parametrize(("before", "after", "reach"), [(0, 12, 12), (12, 0, 12), (12, 6, 12), (6, 12, 12)])
def test_frames_under_a_changed_dissolve_are_changed(tmp_path: Path, before: int, after: int, reach: int) -> None:
    cuts = laid_over(tmp_path, _dissolved(before), _dissolved(after))
    assert spans(cuts) == [(0, 0, 100 - reach), (100 + reach, 100 + reach, 200 - reach)]
    assert said(cuts)[1] == "transition changed: a / b"


def test_a_dissolve_into_something_else_is_changed_on_both_sides(tmp_path: Path) -> None:
    cuts = laid_over(tmp_path, _dissolved(12), _dissolved(12, into=clip("other", 0, 80)))
    assert spans(cuts) == [(0, 0, 88), (180, 180, 120)]


# --- frame rates ---


@pytest.mark.parametrize(("rate", "other"), [(24, 24000 / 1001), (24000 / 1001, 24), (25, 24), (24, 25)])
def test_a_cut_exported_frame_for_frame_at_another_rate(tmp_path: Path, rate: float, other: float) -> None:
    old, new = ([clip(n, 100, d, r) for n, d in (("a", 100), ("b", 80), ("c", 120))] for r in (rate, other))
    cuts = compare(cut(tmp_path / "o", *old, rate=rate), cut(tmp_path / "n", *new, rate=other))
    assert spans(cuts) == [(0, 0, 300)]
    assert cuts.scale == cuts.old.rate / cuts.new.rate != 1
    assert changes(cuts)[0].old == (0, cuts.old.duration)


def test_the_same_seconds_at_another_rate(tmp_path: Path) -> None:
    """24 to 25 frames a second: every edit moves to the nearest frame, nothing else happens."""
    old = [clip("a", 48, 96), clip("b", 24, 120), clip("c", 0, 72)]
    new = [clip("a", 50, 100, 25), clip("b", 25, 125, 25), clip("c", 0, 75, 25)]
    cuts = compare(cut(tmp_path / "o", *old), cut(tmp_path / "n", *new, rate=25))
    assert cuts.scale == 1
    assert spans(cuts) == [(0, 0, 300)]


def test_a_double_rate_export_with_a_trim(tmp_path: Path) -> None:
    new = [clip("a", 200, 200, 48), clip("b", 210, 150, 48), clip("c", 200, 240, 48)]
    cuts = compare(cut(tmp_path / "o", A, B, C), cut(tmp_path / "n", *new, rate=48))
    assert spans(cuts) == [(0, 0, 200), (210, 200, 390)]


# --- the list ---


def test_the_printed_list(tmp_path: Path) -> None:
    cuts = laid_over(
        tmp_path, [A, B, C], [clip("a", 100, 90), C, clip("x", 0, 24), clip("b", 100, 40, effects=[warp(2.0)])]
    )
    assert change_text(changes(cuts), cuts) == (
        "old cut: cut.otio, 01:00:00:00 to 01:00:12:12\n"
        "new cut: cut.otio, 01:00:00:00 to 01:00:11:10\n"
        "210 of 274 frames unchanged (77%), 120 of them moved; 1 trimmed, 1 re-timed, 1 inserted\n"
        "\n"
        "old timecode               new timecode               frames  change\n"
        "01:00:00:00 - 01:00:03:18  01:00:00:00 - 01:00:03:18      90  kept: a\n"
        "01:00:03:18 - 01:00:04:04  -                              10  trimmed at the tail: a\n"
        "01:00:07:12 - 01:00:12:12  01:00:03:18 - 01:00:08:18     120  moved by -90 frames: c\n"
        "-                          01:00:08:18 - 01:00:09:18      24  inserted: x\n"
        "01:00:04:04 - 01:00:07:12  01:00:09:18 - 01:00:11:10      40  re-timed from 100 % to 200 %: b\n"
    )


def test_drop_frame_timecode_is_written_as_such() -> None:
    base = replace(picture_of([Span("a.mov", 0, 3000)], rate=F(30000, 1001)), drop_frame=True, start_frame=107892)
    row = changes(compare(base, base))[0]
    assert row.old_timecode == ("01:00:00;00", "01:01:40;02")


def test_the_json_of_a_change(tmp_path: Path) -> None:
    row = changes(laid_over(tmp_path, [A, B, C], [A, C]))[1].to_json()
    assert json.loads(json.dumps(row)) == {
        "kind": "delete", "name": "b", "old_s": [100 / 24, 7.5], "new_s": None,
        "old_timecode": ["01:00:04:04", "01:00:07:12"], "new_timecode": None, "frames": 80, "text": "deleted: b",
    }  # fmt: skip


def test_a_deletion_stands_where_it_would_follow(tmp_path: Path) -> None:
    assert [r.kind for r in changes(laid_over(tmp_path, [A, B, C], [B, C]))] == ["delete", "move"]
    assert [r.kind for r in changes(laid_over(tmp_path, [A, B, C], [A, B]))] == ["keep", "delete"]


def test_nothing_in_common(tmp_path: Path) -> None:
    rows = changes(laid_over(tmp_path, [A, B], [C]))
    assert [r.kind for r in rows] == ["delete", "delete", "insert"]


# --- random edits ---


@settings(max_examples=250, deadline=None)
@given(st.integers(0, 10**9), st.integers(0, 8))
def test_random_edits_are_seen_for_what_they_are(seed: int, edits: int) -> None:
    rng = random.Random(seed)
    old = recuts.random_film(rng)
    if recuts.frames_of(old) < 49:
        return
    new = recuts.random_recut(rng, old, edits)
    assert spans(compare(picture_of(old), picture_of(new))) == recuts.truth(new)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10**9), st.integers(0, 8))
def test_every_frame_of_both_cuts_is_in_one_line_of_the_list(seed: int, edits: int) -> None:
    rng = random.Random(seed)
    old = recuts.random_film(rng)
    if recuts.frames_of(old) < 49:
        return
    new = recuts.random_recut(rng, old, edits)
    cuts = compare(picture_of(old), picture_of(new))
    rows = changes(cuts)
    assert _tiled([r.old for r in rows if r.old]) == [0, cuts.old.duration]
    assert _tiled([r.new for r in rows if r.new]) == [0, cuts.new.duration]
    assert [r.new[0] for r in rows if r.new] == sorted(r.new[0] for r in rows if r.new)
    assert sum(r.frames for r in rows if r.kind in ("keep", "move")) == sum(m.length for m in cuts.alignment.kept)
    assert all(_agrees(r, cuts) for r in rows)


def _tiled(ranges: list[tuple[Fraction, Fraction]]) -> list[Fraction]:
    """First and last time of ranges that follow one another without a hole."""
    ordered = sorted(ranges)
    assert all(a[1] == b[0] for a, b in pairwise(ordered))
    return [ordered[0][0], ordered[-1][1]]


def _agrees(row: Change, cuts: Comparison) -> bool:
    """The timecodes are those of the seconds."""
    pairs = ((row.old, row.old_timecode, cuts.old), (row.new, row.new_timecode, cuts.new))
    return all(
        (span is None and text is None) or text == tuple(p.timecode_at(t) for t in span) for span, text, p in pairs
    )


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**9), st.integers(0, 6))
def test_there_and_back_is_the_same_the_other_way_round(seed: int, edits: int) -> None:
    rng = random.Random(seed)
    old = recuts.random_film(rng)
    if recuts.frames_of(old) < 49:
        return
    new = recuts.random_recut(rng, old, edits)
    there = kept_spans(picture_of(old), picture_of(new))
    back = kept_spans(picture_of(new), picture_of(old))
    assert sorted((k.new_start, k.old_start, k.length) for k in there) == sorted(
        (k.old_start, k.new_start, k.length) for k in back
    )


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**9))
def test_reused_and_held_pictures_never_share_a_frame(seed: int) -> None:
    """Shots of few media with stills, freezes and black, overlapping at random: what is kept shows the same."""
    rng = random.Random(seed)

    def shot(at: int, length: int) -> Shot:
        media = rng.choice(["a.mov", "b.mov", "p.jpg"])
        speed = rng.choice([F(1), F(1), F(0), F(1, 2)]) if media != "p.jpg" else F(1)
        return Shot(
            F(at, 24), F(at + length, 24), media, media, F(rng.randrange(0, 200), 24), speed, still=media == "p.jpg"
        )

    def film() -> Picture:
        at, shots = 0, []
        for _ in range(rng.randrange(1, 12)):
            length = rng.randrange(1, 90)
            if rng.random() < 0.8:
                shots.append(shot(at, length))
            at += length
        return Picture("film", F(24), F(at, 24), "/f.otio", shots=tuple(shots))

    old, new = film(), film()
    kept = compare(old, new).alignment.kept
    for start in ("old", "new"):
        ordered = sorted((getattr(m, start), m.length) for m in kept)
        assert all(a + n <= b for (a, n), (b, _) in pairwise(ordered))
    for m in kept:
        for k in range(m.length):
            assert _shown(old, m.old + k) == pytest.approx(_shown(new, m.new + k), abs=1 / 24)


def _shown(picture: Picture, frame: int) -> tuple[float, float]:
    """(which medium, second of it); a still or a hole has no second."""
    time = F(frame, 24)
    shot = next((s for s in picture.shots if s.start <= time < s.end), None)
    if shot is None:
        return 0, 0
    second = 0.0 if shot.still else float(shot.media_start + shot.speed * (time - shot.start))
    return 100 * (1 + ord(shot.media[0])), second


def test_five_thousand_shots_are_compared_in_seconds() -> None:
    rng = random.Random(5)
    old = recuts.first_cut([rng.randrange(12, 60) for _ in range(5000)])
    old = [replace(s, media=f"reel_{i % 40}.mov") for i, s in enumerate(old)]
    new = recuts.random_recut(rng, old, 60)
    began = time.process_time()
    cuts = compare(picture_of(old), picture_of(new))
    rows = changes(cuts)
    assert time.process_time() - began < 10
    assert spans(cuts) == recuts.truth(new) and rows


def test_a_cut_up_master_keeps_its_cuts_apart() -> None:
    """Every shot of one file, as in a film cut out of one export."""
    old = [Span("master.mov", 1000 * i, 50, origin=50 * i) for i in range(400)]
    new = old[:100] + old[110:200] + old[300:] + old[200:300]
    assert spans(compare(picture_of(old), picture_of(new))) == recuts.truth(new)


def test_markers_alone_change_nothing(tmp_path: Path) -> None:
    one = cut(tmp_path / "o", A, B)
    path = save(tmp_path, timeline(track(A, B), markers=[marker("note", 30)]), "marked.otio")
    assert spans(compare(one, read_picture(path))) == [(0, 0, 180)]
