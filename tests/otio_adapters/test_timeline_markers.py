"""User markers: where they lie, what they ask for, and what they do to boundaries."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from otio_adapters import read_picture
from tests.otio_adapters.builders import clip, marker, rt, save, stack, timeline, tr, track, transition, warp


def test_sequence_markers_count_from_the_head(tmp_path: Path) -> None:
    picture = read_picture(save(tmp_path, timeline(track(clip("a", 0, 99)), markers=[marker("note", 30)])))
    assert [(m.time, m.name) for m in picture.markers] == [(Fraction(30, 24), "note")]


def test_sequence_markers_written_in_timecode_are_understood(tmp_path: Path) -> None:
    document = timeline(track(clip("a", 0, 99)), markers=[marker("note", 86430)], global_start_time=rt(86400))
    assert read_picture(save(tmp_path, document)).markers[0].time == Fraction(30, 24)


def test_clip_markers_are_in_source_time(tmp_path: Path) -> None:
    fast = clip("b", 100, 20, effects=[warp(2)], markers=[marker("m", 120), marker("outside", 141)])
    picture = read_picture(save(tmp_path, timeline(track(clip("a", 0, 30), fast))))
    assert [(m.name, m.time) for m in picture.markers] == [("m", Fraction(40, 24))]


def test_markers_inside_a_nest_come_out_at_record_time(tmp_path: Path) -> None:
    nest = stack(track(clip("b", 0, 50, markers=[marker("m", 25)])), source_range=tr(20, 20))
    picture = read_picture(save(tmp_path, timeline(track(clip("a", 0, 30), nest))))
    assert picture.markers[0].time == Fraction(35, 24)


def test_the_same_marker_on_linked_picture_and_sound_counts_once(tmp_path: Path) -> None:
    lane = [clip("a", 0, 30, markers=[marker("m", 5)])]
    picture = read_picture(save(tmp_path, timeline(track(*lane), track(*lane, kind="Audio"))))
    assert len(picture.markers) == 1


@pytest.mark.parametrize("schema", ["Marker.1", "Marker.2", "Marker.3"])
def test_markers_of_every_schema_are_read(tmp_path: Path, schema: str) -> None:
    colour = {"OTIO_SCHEMA": "Color.1", "name": "RED", "r": 1.0, "g": 0.0, "b": 0.0, "a": 1.0}
    node = marker("hit", 7, OTIO_SCHEMA=schema, color=colour)
    picture = read_picture(save(tmp_path, timeline(track(clip("a", 0, 30)), markers=[node])))
    assert (picture.markers[0].color, picture.markers[0].instruction is not None) == ("RED", True)


def test_instructions_come_from_name_or_comment_in_any_case(tmp_path: Path) -> None:
    notes = [
        marker("HIT", 10),
        marker("Marker 2", 20, comment="Mood: -0.4,0.7"),
        marker("section: Chase", 30),
        marker("buy milk", 40),
    ]
    picture = read_picture(save(tmp_path, timeline(track(clip("a", 0, 99)), markers=notes)))
    kinds = [m.instruction.kind if m.instruction else None for m in picture.markers]
    assert kinds == ["hit", "mood", "section", None]
    assert picture.markers[1].instruction is not None
    assert picture.markers[1].instruction.value == (-0.4, 0.7)


def test_a_malformed_instruction_is_a_warning_with_its_timecode(tmp_path: Path) -> None:
    document = timeline(track(clip("a", 0, 99)), markers=[marker("tempo: fast", 30)], global_start_time=rt(86400))
    picture = read_picture(save(tmp_path, document))
    assert picture.markers[0].instruction is None
    (warning,) = [w for w in picture.warnings if "tempo" in w]
    assert "01:00:01:06" in warning


def test_hit_raises_a_boundary_or_makes_one(tmp_path: Path) -> None:
    notes = [marker("hit", 30), marker("hit", 50)]
    picture = read_picture(save(tmp_path, timeline(track(clip("a", 0, 30), clip("b", 0, 60)), markers=notes)))
    found = [(b.frame, b.kind, b.picture, b.weight) for b in picture.boundaries]
    assert found == [(30, "cut", True, 10.0), (50, "marker", False, 10.0)]


def test_a_hit_on_the_edit_point_of_a_dissolve_moves_the_hit_there(tmp_path: Path) -> None:
    lane = track(clip("a", 0, 30), transition(0, 10), clip("b", 10, 60))
    (boundary,) = read_picture(save(tmp_path, timeline(lane, markers=[marker("hit", 30)]))).boundaries
    assert (boundary.kind, boundary.hit, boundary.weight) == ("dissolve", Fraction(30, 24), 10.0)


def test_no_hit_silences_what_is_near_and_nothing_else(tmp_path: Path) -> None:
    lane = track(clip("a", 0, 30), clip("b", 0, 30), clip("c", 0, 30))
    picture = read_picture(save(tmp_path, timeline(lane, markers=[marker("no-hit", 32)])))
    assert [(b.frame, b.weight) for b in picture.boundaries] == [(30, 0.0), (60, 1.0)]


def test_plain_markers_are_light_boundaries(tmp_path: Path) -> None:
    picture = read_picture(save(tmp_path, timeline(track(clip("a", 0, 99)), markers=[marker("door slams", 40)])))
    (boundary,) = picture.boundaries
    assert (boundary.kind, boundary.picture, boundary.weight, boundary.label) == ("marker", False, 0.2, "door slams")
