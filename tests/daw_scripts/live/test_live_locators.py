"""Locators: named where Live lets us, never on the grid instead of the hit, never while it plays, never on yours."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bridge.connectors.plan import Plan
from tests.daw_scripts.live.conftest import Connect, Start
from tests.daw_scripts.live.fake_live import FakeLive
from tests.daw_scripts.live.plans import BEAT, small_plan

WANTED = [("Section A", 0.0), ("Hit 1 door", 6.0), ("Hit 2 / Section B", 16.0), ("End", 32.0)]


def locators(fake: FakeLive) -> list[tuple[str, float]]:
    return sorted(((c.name, c.time) for c in fake.song.cue_points), key=lambda row: row[1])


def moved_hit(plan: Plan, beat: float) -> Plan:
    """The plan with its first hit elsewhere."""
    tick = round(beat * BEAT)
    return replace(plan, markers=tuple(replace(m, tick=tick) if m.text == "Hit 1 door" else m for m in plan.markers))


def test_markers_become_named_locators(start: Start, connect: Connect, tmp_path: Path) -> None:
    live = start()
    with live.paused() as fake:
        fake.song._values["current_song_time"] = 12.5
    delivered = connect(live).push(small_plan(tmp_path))
    assert delivered.markers == 4
    with live.paused() as fake:
        assert locators(fake) == WANTED
        fake.tick()
        assert fake.song.current_song_time == 12.5, "the playhead is where it was"


def test_live_11_numbers_them(start: Start, connect: Connect, tmp_path: Path) -> None:
    live = start((11, 3))
    for _ in range(2):
        delivered = connect(live).push(small_plan(tmp_path))
        assert delivered.markers == 4
    assert any("does not let scripts name locators" in sentence for sentence in delivered.said)
    with live.paused() as fake:
        assert [time for _, time in locators(fake)] == [0.0, 6.0, 16.0, 32.0]


def test_sending_again_toggles_nothing(start: Start, connect: Connect, tmp_path: Path) -> None:
    live = start()
    connect(live).push(small_plan(tmp_path))
    with live.paused() as fake:
        fake.world.calls.clear()
    connect(live).push(small_plan(tmp_path))
    with live.paused() as fake:
        assert "Song.set_or_delete_cue" not in fake.world.calls
        assert locators(fake) == WANTED


def test_a_marker_that_moved_takes_its_locator_along(start: Start, connect: Connect, tmp_path: Path) -> None:
    live, plan = start(), small_plan(tmp_path)
    connect(live).push(plan)
    connect(live).push(moved_hit(plan, 7.0))
    with live.paused() as fake:
        assert ("Hit 1 door", 7.0) in locators(fake)
        assert len(locators(fake)) == 4


def test_a_marker_that_got_another_text_is_renamed(start: Start, connect: Connect, tmp_path: Path) -> None:
    live, plan = start(), small_plan(tmp_path)
    connect(live).push(plan)
    other = replace(plan, markers=tuple(replace(m, text=m.text.replace("door", "window")) for m in plan.markers))
    connect(live).push(other)
    with live.paused() as fake:
        assert ("Hit 1 window", 6.0) in locators(fake)
        assert len(locators(fake)) == 4


def test_nothing_is_set_while_live_plays(start: Start, connect: Connect, tmp_path: Path) -> None:
    live = start()
    with live.paused() as fake:
        fake.song.start_playing()
        fake.tick()
    delivered = connect(live).push(small_plan(tmp_path))
    assert delivered.count("written") == 4, "the clips are written all the same"
    (row,) = [row for row in delivered.left_out if row.what == "markers"]
    assert "stop it and send again" in row.why
    with live.paused() as fake:
        assert locators(fake) == []
        assert fake.song.is_playing


def test_pressing_play_in_the_middle_stops_it(start: Start, connect: Connect, tmp_path: Path) -> None:
    live, plan = start(), small_plan(tmp_path)
    link = connect(live).link
    link.connect()
    with live.paused() as fake:
        fake.song.add_current_song_time_listener(lambda: fake.song.later("is_playing", True))
    delivered = connect(live).push(plan)
    assert [row.what for row in delivered.left_out] == ["markers"]
    with live.paused() as fake:
        assert len(locators(fake)) <= 1
        assert all(row in WANTED for row in locators(fake))


def test_the_grid_does_not_move_a_hit(start: Start, connect: Connect, tmp_path: Path) -> None:
    live = start(grid=4.0)
    delivered = connect(live).push(moved_hit(small_plan(tmp_path), 9.5))
    (row,) = [row for row in delivered.left_out if row.what == "marker"]
    assert row.why == "Hit 1 door: Live's grid would put it at beat 8 instead of 9.5"
    with live.paused() as fake:
        assert locators(fake) == [WANTED[0], WANTED[2], WANTED[3]], "and none is left at beat 8"


def test_the_grid_does_not_cost_a_locator_that_is_there(start: Start, connect: Connect, tmp_path: Path) -> None:
    live = start(grid=4.0)
    with live.paused() as fake:
        fake.add_locator(8.0, "mine")
    delivered = connect(live).push(moved_hit(small_plan(tmp_path), 9.5))
    assert any("onto the locator 'mine' at beat 8" in row.why for row in delivered.left_out)
    with live.paused() as fake:
        assert ("mine", 8.0) in locators(fake)


def test_a_locator_of_the_user_keeps_its_name(start: Start, connect: Connect, tmp_path: Path) -> None:
    live = start()
    with live.paused() as fake:
        fake.add_locator(6.0, "KNOCK")
    for _ in range(2):
        delivered = connect(live).push(small_plan(tmp_path))
        assert any(row.why == "Hit 1 door: your locator 'KNOCK' is there" for row in delivered.left_out)
        with live.paused() as fake:
            assert ("KNOCK", 6.0) in locators(fake)
            assert len(locators(fake)) == 4


@pytest.mark.parametrize("version", [(11, 0), (12, 2)], ids=str)
def test_a_playhead_that_does_not_move_is_said(
    version: tuple[int, int], start: Start, connect: Connect, tmp_path: Path
) -> None:
    live = start(version)
    with live.paused() as fake:
        object.__setattr__(fake.song, "later", lambda name, value: None)
    delivered = connect(live).push(small_plan(tmp_path))
    (row,) = [row for row in delivered.left_out if row.what == "markers"]
    assert "does not move its playhead" in row.why


def test_what_was_ours_stays_ours_when_somebody_presses_play(start: Start, connect: Connect, tmp_path: Path) -> None:
    live, plan = start(), small_plan(tmp_path)
    connect(live).push(plan)
    with live.paused() as fake:
        fake.song.start_playing()
        fake.tick()
    connect(live).push(moved_hit(plan, 7.0))
    with live.paused() as fake:
        fake.song.stop_playing()
        fake.tick()
    other = replace(plan, markers=tuple(replace(m, text=m.text.replace("door", "window")) for m in plan.markers))
    connect(live).push(other)
    with live.paused() as fake:
        assert ("Hit 1 window", 6.0) in locators(fake)
        assert len(locators(fake)) == 4
