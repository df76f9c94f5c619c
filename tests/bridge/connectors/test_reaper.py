"""A score in REAPER: what is written, what is never touched, and what is said when it cannot be."""

from __future__ import annotations

import json
import os
import socket
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from bridge.connectors.base import Delivered, Options, TargetError
from bridge.connectors.plan import Plan, Region, content_hash, plan_of_folder
from bridge.connectors.reaper import ReaperConnector
from bridge.connectors.reaper_box import Mailbox, RefusedError
from bridge.daemon.osc_packets import parse
from bridge.history import use_take
from bridge.pipeline import RegenerateRequest, regenerate
from emsync_engine.score import Note
from tests.bridge.connectors.scores import section_score
from tests.daw_scripts.reaper.fake_project import BEATS, TIME, Item, MisuseError, Project, Tempo, midi_hash
from tests.daw_scripts.reaper.fake_reaper import LUAS, NEWEST, OLDEST
from tests.daw_scripts.reaper.running import MOVIE, Running, content, whole_state

PLACES = [(lua, version) for lua in LUAS for version in (NEWEST, OLDEST)]
pytestmark = pytest.mark.usefixtures("silent", "few_files")
NAMES = [f"{lua}-{version.partition('/')[0]}" for lua, version in PLACES]


@pytest.fixture
def running(tmp_path: Path) -> Running:
    return Running(tmp_path / "fake").start()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return section_score(tmp_path)


@pytest.fixture
def plan(folder: Path) -> Plan:
    return plan_of_folder(folder)


def check_project(running: Running, plan: Plan, start: float = 0.0) -> None:
    """The project has exactly the plan, from ``start`` on."""
    project, ours = running.project, running.ours()
    assert set(ours) == {item.id for item in plan.items}
    for part in plan.parts:
        for wanted in part.items:
            item = ours[wanted.id]
            take = item.active
            assert abs(item.position - start - float(wanted.start_s)) < 1e-9
            assert abs(item.end - start - float(wanted.end_s)) < 1e-9
            ticks = take.source.ticks / 960
            assert take.notes() == [
                (round(n.tick * ticks), n.pitch, round(n.end * ticks) - round(n.tick * ticks), n.velocity, part.channel)
                for n in wanted.relative_notes()
            ]
            assert take.controls() == [
                (round(c.tick * ticks), c.controller, c.value) for c in wanted.relative_controls()
            ]
            assert take.programs() == ([(0, part.program)] if wanted.tick == 0 else [])
            assert item.track.ext["P_EXT:emsync_track"] == part.id
            assert take.source.events[-1][0] == round((wanted.end - wanted.tick) * ticks)
    for tick, _ in plan.bars:
        quarter = project.quarters(start) + tick / 960
        assert abs(project.time(quarter) - start - float(plan.seconds(tick))) < 1e-6
        metre = next(m for m in reversed(plan.metres) if m.tick <= tick)
        assert project.tempo_at(start + float(plan.seconds(tick)))[:2] == (metre.numerator, metre.denominator)
    markers = {(m.name, round(m.time - start, 6), round(m.end - start, 6)) for m in project.state.markers}
    assert markers >= {(m.text, round(float(m.seconds), 6), round(float(m.end_s), 6)) for m in plan.markers}


def outcomes(delivered: Delivered) -> set[str]:
    return {item.outcome for item in delivered.items}


def another_take(folder: Path, section: str, parts: tuple[str, ...] | None = None) -> tuple[Plan, Region]:
    """The score regenerated in one section: the new plan and the region."""
    row = next(s for s in plan_of_folder(folder).sections if s.id == section)
    asked = RegenerateRequest(folder, f"{float(row.start_s):.6f}", f"{float(row.end_s):.6f}", parts)
    regenerate(asked, lambda done, stage: None)
    return plan_of_folder(folder), Region(row.tick, row.end, parts)


# --- pushing ---


@pytest.mark.parametrize(("lua", "version"), PLACES, ids=NAMES)
def test_a_push_writes_everything_in_one_undo_step(tmp_path: Path, plan: Plan, lua: str, version: str) -> None:
    running = Running(tmp_path / "fake", lua, version).start()
    before = whole_state(running.project)
    delivered = running.connector().push(plan)
    check_project(running, plan)
    assert outcomes(delivered) == {"written"}
    assert delivered.application == f"REAPER {version.partition('/')[0]}"
    assert (delivered.tracks, delivered.markers) == (len(plan.parts), len(plan.markers))
    assert [t.name for t in running.project.state.tracks] == [p.name for p in plan.parts]
    assert [t.colour for t in running.project.state.tracks] == [
        (p.colour & 255) << 16 | p.colour & 0xFF00 | p.colour >> 16 for p in plan.parts
    ]
    assert [title for title, _ in running.project.undo] == ["EMSYNC: score take 1"]
    running.reaper.Undo_DoUndo2(0)
    assert whole_state(running.project) == before


@pytest.mark.parametrize("ticks", [480, 960, 1920])
def test_the_resolution_of_reaper_is_asked_for_and_not_assumed(running: Running, plan: Plan, ticks: int) -> None:
    running.project.midi_ticks = ticks
    running.connector().push(plan)
    check_project(running, plan)


def test_all_pitches_velocities_and_channels_arrive(running: Running, plan: Plan) -> None:
    notes = tuple(Note(480 * i, i, 240, max(i, 1)) for i in range(128) if 480 * i + 240 <= plan.parts[0].items[0].end)
    high = tuple(Note(480 * i, 127 - i, 240, 127 - i) for i in range(100))
    first = replace(plan.parts[0].items[0], notes=notes, hash=content_hash(notes, plan.parts[0].items[0].controls))
    end = plan.parts[1].items[-1]
    last = replace(end, notes=tuple(replace(n, tick=n.tick % 960 + end.tick) for n in high[:1]))
    parts = (
        replace(plan.parts[0], items=(first, *plan.parts[0].items[1:])),
        replace(plan.parts[1], channel=15, items=(*plan.parts[1].items[:-1], last)),
        *plan.parts[2:],
    )
    wanted = replace(plan, parts=parts)
    running.connector().push(wanted)
    check_project(running, wanted)
    assert any(n[1] == 127 and n[3] == 127 for n in running.ours()[last.id].active.notes())


def test_pushing_twice_changes_nothing(running: Running, plan: Plan) -> None:
    running.connector().push(plan)
    before = whole_state(running.project)
    delivered = running.connector().push(plan)
    assert whole_state(running.project) == before
    assert outcomes(delivered) == {"unchanged"}
    assert len(running.project.undo) == 1
    assert "nothing was changed" in delivered.said[-1]


def test_a_new_take_is_put_beside_the_old_one_and_comes_back(running: Running, plan: Plan, folder: Path) -> None:
    running.connector().push(plan)
    section = plan.sections[1].id
    newer, _ = another_take(folder, section, ("strings",))
    delivered = running.connector().push(newer)
    check_project(running, newer)
    assert [i.id for i in delivered.items if i.outcome == "updated"] == [f"{plan.cue}:strings:{section}"]
    strings = running.item("strings", section)
    assert len(strings.takes) == 2
    use_take(folder, 1, lambda done, stage: None)
    running.connector().push(plan_of_folder(folder))
    check_project(running, plan)
    assert (len(strings.takes), strings.current) == (2, 0)


def test_tracks_that_were_renamed_and_moved_are_found_again(running: Running, plan: Plan, folder: Path) -> None:
    running.connector().push(plan)
    tracks = running.project.state.tracks
    tracks[0].name = "My drums"
    tracks.reverse()
    newer, _ = another_take(folder, plan.sections[0].id)
    running.connector().push(newer)
    assert sorted(t.name for t in tracks) == sorted(["My drums", *(p.name for p in plan.parts[1:])])
    check_project(running, newer)


def test_replace_touches_nothing_but_the_items_of_the_region(running: Running, plan: Plan, folder: Path) -> None:
    running.connector().push(plan)
    section = plan.sections[1].id
    newer, region = another_take(folder, section, ("bass", "piano"))
    marker = running.add_marker("mine", 1.0)
    tempo = [(m.time, m.bpm) for m in running.project.state.tempo]
    others = {
        n: content(i) for n, i in running.ours().items() if not n.endswith((f"bass:{section}", f"piano:{section}"))
    }
    delivered = running.connector().replace(newer, region)
    assert {item.part for item in delivered.items} == {"bass", "piano"}
    check_project(running, newer)
    assert {n: content(i) for n, i in running.ours().items() if n in others} == others
    assert tempo == [(m.time, m.bpm) for m in running.project.state.tempo]
    assert marker in running.project.state.markers


def test_two_cues_live_in_one_project(running: Running, plan: Plan) -> None:
    def renamed(name: str) -> str:
        return name.replace(plan.cue, "0123456789ab")

    parts = tuple(
        replace(p, id=renamed(p.id), items=tuple(replace(i, id=renamed(i.id)) for i in p.items)) for p in plan.parts
    )
    other = replace(plan, cue="0123456789ab", parts=parts,
                    markers=tuple(replace(m, id=renamed(m.id)) for m in plan.markers))  # fmt: skip
    running.connector().push_at(plan, 5.0)
    first = {name: content(item) for name, item in running.ours().items()}
    running.connector().push_at(other, 100.0)
    assert {name: content(item) for name, item in running.ours().items() if name in first} == first
    assert len(running.ours()) == 2 * len(first)
    assert outcomes(running.connector().push(plan)) == {"unchanged"}
    assert outcomes(running.connector().push(other)) == {"unchanged"}
    mine = running.add_marker("door", 3.0)
    running.action("send_markers")
    ((_, request),) = running.box().requests()
    assert [row["name"] for row in request["args"]["markers"]] == [mine.name]


def test_replace_in_a_project_without_the_score_is_refused(running: Running, plan: Plan) -> None:
    with pytest.raises(RefusedError, match="send the whole score first"):
        running.connector().replace(plan, Region(0, plan.end_tick))
    assert running.project.undo == []


# --- the picture and what is the composer's ---


@pytest.mark.parametrize("kind", ["VIDEO", "WAVE"])
@pytest.mark.parametrize("mode", [-1, BEATS, TIME])
def test_picture_and_sound_stay_where_they_are(running: Running, plan: Plan, kind: str, mode: int) -> None:
    item = running.add_item(kind, 5.0, 51.0, file=MOVIE, timebase=mode)
    running.connector().push(plan)
    assert (item.position, item.length) == (5.0, 51.0)
    kept = TIME if kind == "VIDEO" else mode
    assert item.values["C_BEATATTACHMODE"] == kept


def test_the_score_begins_where_the_picture_begins(running: Running, plan: Plan) -> None:
    running.add_item("WAVE", 1.0, 3.0, file="/films/slate.wav")
    running.add_item("VIDEO", 12.5, 51.0, file=MOVIE)
    running.connector().push(plan)
    check_project(running, plan, 12.5)
    assert running.project.state.tempo[0].flags & 4  # the bar before may be a partial one


def test_a_place_that_is_asked_for_is_kept_for_the_next_push(running: Running, plan: Plan, folder: Path) -> None:
    running.connector().push_at(plan, 100.0)
    check_project(running, plan, 100.0)
    newer, _ = another_take(folder, plan.sections[0].id)
    running.connector().push(newer)
    check_project(running, newer, 100.0)
    running.connector().push_at(newer, 40.0)
    check_project(running, newer, 40.0)
    assert min(m.time for m in running.project.state.tempo) == 40.0


def test_tempo_markers_of_the_composer_within_the_cue_are_replaced_and_that_is_said(
    running: Running, plan: Plan
) -> None:
    running.project.state.tempo = [Tempo(3.0, 90.0, 3, 4)]
    delivered = running.connector().push(plan)
    check_project(running, plan)
    assert any("1 tempo markers of yours" in line for line in delivered.said)
    running.reaper.Undo_DoUndo2(0)
    assert [(m.time, m.bpm) for m in running.project.state.tempo] == [(3.0, 90.0)]


def test_behind_the_cue_the_tempo_is_what_it_was(running: Running, plan: Plan) -> None:
    running.project.state.tempo = [Tempo(0.0, 77.0, 5, 4), Tempo(200.0, 140.0)]
    before = [running.project.tempo_at(t) for t in (100.0, 250.0)]
    running.connector().push(plan)
    check_project(running, plan)
    assert [running.project.tempo_at(t) for t in (100.0, 250.0)] == before
    running.connector().push(plan)
    assert len(running.project.undo) == 1
    for factor in (Fraction(5, 4), Fraction(4, 5)):
        other = _stretched(plan, factor)
        running.connector().push(other)
        check_project(running, other)
        assert [running.project.tempo_at(t) for t in (100.0, 250.0)] == before


def test_midi_of_the_composer_that_moves_with_the_tempo_is_said(running: Running, plan: Plan) -> None:
    mine = running.add_item("MIDI", 8.0, 4.0)
    delivered = running.connector().push(plan)
    assert mine.position != 8.0
    assert any("1 MIDI items of yours moved" in line for line in delivered.said)


def test_markers_that_were_moved_renamed_or_deleted_stay_so(running: Running, plan: Plan, folder: Path) -> None:
    running.connector().push(plan)
    hits = sorted((m for m in running.project.state.markers if m.name.startswith("Hit")), key=lambda m: m.time)
    hits[0].time += 0.2
    hits[1].name = "door"
    running.project.state.markers.remove(hits[2])
    newer, _ = another_take(folder, plan.sections[0].id)
    before = sorted((m.name, m.time) for m in running.project.state.markers)
    delivered = running.connector().push(newer)
    assert sorted((m.name, m.time) for m in running.project.state.markers) == before
    assert any("3 markers that you moved" in line for line in delivered.said)


# --- edits by hand ---


def test_notes_changed_by_hand_are_never_overwritten(running: Running, plan: Plan, folder: Path) -> None:
    running.connector().push(plan)
    section = plan.sections[1].id
    bass = running.item("bass", section)
    mine = running.edit(bass)
    newer, _ = another_take(folder, section)
    delivered = running.connector().push(newer)
    assert content(bass) == mine
    assert len(bass.takes) == 1
    assert [i.id for i in delivered.edited] == [f"{plan.cue}:bass:{section}"]
    assert len(running.item("strings", section).takes) == 2


def test_a_changed_controller_is_an_edit_too(running: Running, plan: Plan, folder: Path) -> None:
    running.connector().push(plan)
    item = next(i for i in running.ours().values() if i.active.controls())
    events = item.active.source.events
    at = next(i for i, (_, _, m) in enumerate(events) if m[0] & 0xF0 == 0xB0)
    tick, flags, message = events[at]
    events[at] = (tick, flags, bytes((message[0], message[1], (message[2] + 1) % 128)))
    mine = content(item)
    _, part, section = item.ext["P_EXT:emsync_item"].split(":")
    newer, _ = another_take(folder, section, (part,))
    delivered = running.connector().push(newer)
    assert content(item) == mine
    assert [(i.part, i.section) for i in delivered.edited] == [(part, section)]


def test_beside_puts_a_take_beside_the_edit_and_a_push_leaves_the_edit_sounding(
    running: Running, plan: Plan, folder: Path
) -> None:
    running.connector().push(plan)
    section = plan.sections[1].id
    bass = running.item("bass", section)
    mine = running.edit(bass)
    newer, region = another_take(folder, section, ("bass",))
    running.connector("beside").push(newer)
    assert content(bass) == mine
    assert len(bass.takes) == 2
    running.connector("beside").push(newer)
    assert len(bass.takes) == 2
    newest, region = another_take(folder, section, ("bass",))
    delivered = running.connector("beside").replace(newest, region)
    assert outcomes(delivered) == {"beside"}
    assert (len(bass.takes), bass.current) == (3, 2)
    assert repr(bass.takes[0].source.events).encode() == mine


def test_selecting_notes_and_loading_the_project_again_are_no_edits(running: Running, plan: Plan, folder: Path) -> None:
    running.connector().push(plan)
    for item in running.ours().values():
        item.active.source.events = [
            (tick, flags | 1, message if message[0] & 0xF0 != 0x80 else bytes((message[0] | 0x10, message[1], 0)))
            for tick, flags, message in item.active.source.events
        ]
    running.reaper.loaded += 1
    newer, _ = another_take(folder, plan.sections[1].id, ("bass",))
    delivered = running.connector().push(newer)
    assert [i.part for i in delivered.items if i.outcome == "updated"] == ["bass"]
    assert delivered.edited == ()
    mine = running.edit(running.item("piano", plan.sections[1].id))
    running.reaper.loaded += 1
    newest, _ = another_take(folder, plan.sections[1].id, ("piano",))
    running.connector().push(newest)
    assert content(running.item("piano", plan.sections[1].id)) == mine


@pytest.mark.parametrize("leaves", [False, True])
def test_after_undo_a_push_writes_everything_again(running: Running, plan: Plan, leaves: bool) -> None:
    """Whether undo brings back what scripts keep in the project or not."""
    running.reaper.undo_leaves_ext = leaves
    running.connector().push_at(plan, 10.0)
    running.reaper.Undo_DoUndo2(0)
    assert running.ours() == {}
    running.connector().push_at(plan, 10.0)
    check_project(running, plan, 10.0)


def test_an_item_that_was_moved_is_left_alone(running: Running, plan: Plan, folder: Path) -> None:
    running.connector().push(plan)
    section = plan.sections[1].id
    bass = running.item("bass", section)
    bass.position += 1.5
    place, mine = bass.position, content(bass)
    newer, _ = another_take(folder, section)
    for on_edit in ("keep", "beside"):
        delivered = running.connector(on_edit).push(newer)
        assert (bass.position, content(bass), len(bass.takes)) == (place, mine, 1)
        assert [i.outcome for i in delivered.items if i.id.endswith(f"bass:{section}")] == ["kept"]


def test_a_copy_of_an_item_is_the_composers(running: Running, plan: Plan, folder: Path) -> None:
    running.connector().push(plan)
    section = plan.sections[1].id
    bass = running.item("bass", section)
    copy = Item(bass.track, bass.position + 60, bass.length, ext=dict(bass.ext), values=dict(bass.values))
    copy.takes = [replace(t, item=copy, ext=dict(t.ext)) for t in bass.takes]
    bass.track.items.insert(0, copy)
    place, mine = copy.position, content(copy)
    newer, _ = another_take(folder, section, ("bass",))
    running.connector().push(newer)
    assert (copy.position, content(copy), len(copy.takes)) == (place, mine, 1)
    assert len(bass.takes) == 2


def test_a_take_that_the_composer_recorded_stays_in_use(running: Running, plan: Plan, folder: Path) -> None:
    running.connector().push(plan)
    section = plan.sections[1].id
    bass = running.item("bass", section)
    mine = replace(bass.takes[0], ext={}, name="recorded")
    bass.takes.append(mine)
    bass.current = 1
    newer, _ = another_take(folder, section, ("bass",))
    running.connector().push(newer)
    assert bass.active is mine


def test_a_chosen_take_stays_chosen_when_there_is_nothing_new(running: Running, plan: Plan, folder: Path) -> None:
    running.connector().push(plan)
    section = plan.sections[1].id
    newer, _ = another_take(folder, section, ("bass",))
    running.connector().push(newer)
    bass = running.item("bass", section)
    running.select(bass)
    running.action("previous_take")
    assert bass.current == 0
    assert running.reaper.status.endswith("take 1")
    running.connector().push(newer)
    assert bass.current == 0
    running.action("next_take")
    running.action("next_take")
    assert bass.current == 0


def test_locked_items_are_left_alone(running: Running, plan: Plan, folder: Path) -> None:
    running.connector().push(plan)
    section = plan.sections[1].id
    bass, piano = running.item("bass", section), running.item("piano", section)
    bass.values["C_LOCK"] = 1.0  # REAPER's own lock
    running.select(piano)
    running.action("lock")
    newer, _ = another_take(folder, section)
    before = content(bass), content(piano)
    delivered = running.connector().push(newer)
    assert (content(bass), content(piano)) == before
    assert sorted(i.part for i in delivered.items if i.outcome == "locked") == ["bass", "piano"]
    running.select(bass, piano)
    names = [len(bass.takes), len(piano.takes)]
    running.action("next_take")
    assert [len(bass.takes), len(piano.takes)] == names
    assert running.reaper.messages.pop().startswith("There is no other take")


def test_items_that_are_not_in_the_score_any_more_go_unless_they_were_edited(running: Running, plan: Plan) -> None:
    running.connector().push(plan)
    last = plan.sections[-1].id
    bass = running.item("bass", last)
    mine = running.edit(bass)
    shorter = replace(plan, parts=tuple(replace(p, items=p.items[:-1]) for p in plan.parts))
    delivered = running.connector().push(shorter)
    assert {i.part for i in delivered.items if i.outcome == "removed"} == {p.part for p in plan.parts} - {"bass"}
    assert content(running.item("bass", last)) == mine
    assert set(running.ours()) == {i.id for i in shorter.items} | {bass.ext["P_EXT:emsync_item"]}


def test_a_new_tempo_map_moves_the_items_and_keeps_their_takes(running: Running, plan: Plan, folder: Path) -> None:
    running.connector().push(plan)
    section = plan.sections[1].id
    newer, _ = another_take(folder, section, ("bass",))
    running.connector().push(newer)
    slower = _stretched(newer, Fraction(6, 5))
    running.connector().push(slower)
    check_project(running, slower)
    assert len(running.item("bass", section).takes) == 2


def test_other_bars_replace_what_was_there(running: Running, plan: Plan) -> None:
    running.connector().push(plan)
    items = plan.parts[1].items
    edge = items[0].end - 3840
    first = replace(items[0], end=edge, end_s=plan.seconds(edge), hash="f" * 16,
                    notes=tuple(n for n in items[0].notes if n.end <= edge),
                    controls=tuple(c for c in items[0].controls if c.tick < edge))  # fmt: skip
    second = replace(items[1], tick=edge, start_s=plan.seconds(edge), hash="e" * 16)
    moved = replace(
        plan, parts=(plan.parts[0], replace(plan.parts[1], items=(first, second, *items[2:])), *plan.parts[2:])
    )
    delivered = running.connector().push(moved)
    check_project(running, moved)
    assert delivered.count("updated") == 2


def _stretched(plan: Plan, factor: Fraction) -> Plan:
    """The plan at another speed."""
    tempo = [replace(event, us_per_quarter=round(event.us_per_quarter * factor)) for event in plan.tempo]
    slower = replace(plan, tempo=tuple(tempo))

    def at(tick: int) -> Fraction:
        return slower.seconds(tick)

    return replace(
        slower,
        tempo=tuple(replace(t, seconds=at(t.tick)) for t in tempo),
        metres=tuple(replace(m, seconds=at(m.tick)) for m in plan.metres),
        markers=tuple(replace(m, seconds=at(m.tick), end_s=at(m.end)) for m in plan.markers),
        parts=tuple(
            replace(p, items=tuple(replace(i, start_s=at(i.tick), end_s=at(i.end)) for i in p.items))
            for p in plan.parts
        ),
    )


# --- refusals and failures ---


def test_a_failure_in_the_middle_takes_everything_back(running: Running, plan: Plan) -> None:
    running.add_item("VIDEO", 5.0, 51.0, file=MOVIE)
    before = whole_state(running.project)
    written: list[Any] = []
    write = running.reaper.MIDI_SetAllEvts

    def fails_at_the_seventh(take: Any, buffer: str) -> bool:
        written.append(take)
        return write(take, buffer) if len(written) != 7 else False

    running.reaper.MIDI_SetAllEvts = fails_at_the_seventh  # type: ignore[method-assign]
    with pytest.raises(RefusedError, match="did not take the notes"):
        running.connector().push(plan)
    assert whole_state(running.project) == before
    assert running.project.undo == []
    running.connector().push(plan)
    check_project(running, plan, 5.0)


@pytest.mark.parametrize("row", [[0, 128, 10, 64], [0, 60, 10, 0], [0, 60, 0, 64], [-1, 60, 10, 64], [0, 60.5, 10, 64]])
def test_a_note_that_cannot_be_written_is_refused_before_anything_is_done(
    running: Running, plan: Plan, row: list[Any]
) -> None:
    from bridge.connectors.reaper_message import score_message

    message = score_message(plan)
    message["parts"][2]["items"][1]["notes"].append(row)
    with pytest.raises(RefusedError, match="cannot be written"):
        running.box().ask("score", message, 10)
    assert running.project.undo == []
    assert running.ours() == {}


def test_nothing_is_written_while_reaper_records(running: Running, plan: Plan) -> None:
    running.project.playing = 4
    with pytest.raises(RefusedError, match="recording") as caught:
        running.connector().push(plan)
    assert (caught.value.state, caught.value.reason) == ("refused", "recording")
    assert running.ours() == {}


def test_the_score_of_another_tab_is_not_written_into_this_one(running: Running, plan: Plan) -> None:
    running.connector().push(plan)
    running.project.path = "/films/reel 1.rpp"
    running.reaper.projects.append(Project("reel 2.rpp", "/films/reel 2.rpp"))
    running.reaper.front = 1
    with pytest.raises(RefusedError, match=r"/films/reel 1\.rpp"):
        running.connector().push(plan)
    assert running.project.items() == []
    running.reaper.front = 0
    assert outcomes(running.connector().push(plan)) == {"unchanged"}


def test_misuse_by_a_script_fails_a_push(running: Running, plan: Plan) -> None:
    """The net under these tests holds."""
    running.reaper.prevented = 1
    with pytest.raises(MisuseError, match="PreventUIRefresh"):
        running.connector().push(plan)


# --- states ---


def test_a_reaper_without_our_scripts(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="emsync reaper install") as caught:
        ReaperConnector(Options(at=str(tmp_path))).hello()
    assert caught.value.state == "not_installed"


def test_closed_crashed_busy_and_back(running: Running, plan: Plan) -> None:
    connector = running.connector()
    assert connector.hello().state == "ready"
    for age, state in ((10, "busy"), (3600, "crashed")):
        running.age_s = age
        assert connector.box.state() == state
    running.reaper.crash()
    with pytest.raises(TargetError, match="without saying goodbye") as caught:
        connector.push(plan)
    assert caught.value.state == "crashed"
    running.restart()
    assert outcomes(connector_of(running).push(plan)) == {"written"}
    running.reaper.quit()
    with pytest.raises(TargetError, match="closed") as caught:
        connector_of(running).push(plan)
    assert caught.value.state == "closed"
    running.restart()
    assert outcomes(connector_of(running).push(plan)) == {"unchanged"}


def connector_of(running: Running) -> ReaperConnector:
    made: ReaperConnector = running.connector()
    return made


def test_a_heartbeat_that_is_there_but_old_is_not_alive(running: Running) -> None:
    path = running.box().root / "heartbeat.json"
    hours_ago = time.time() - 7200
    os.utime(path, (hours_ago, hours_ago))
    assert Mailbox(running.resources).state() == "crashed"


def test_a_reaper_that_shows_a_dialog_is_busy_and_the_message_is_withdrawn(running: Running, plan: Plan) -> None:
    stuck = ReaperConnector(Options(timeout_s=0.2), Mailbox(running.resources, running.clock))  # nobody turns the loop
    with pytest.raises(TargetError, match=r"a dialog is open or it renders; nothing was done") as caught:
        stuck.hello()
    assert caught.value.state == "busy"
    running.reaper.turn(20)
    assert list((running.box().root / "in").iterdir()) == []
    assert list((running.box().root / "out").iterdir()) == []
    assert outcomes(running.connector().push(plan)) == {"written"}


def test_scripts_of_another_version_are_named(running: Running) -> None:
    listener = running.scripts / "lib" / "emsync.lua"
    listener.write_text(listener.read_text(encoding="utf-8").replace("PROTOCOL = 1", "PROTOCOL = 7"), encoding="utf-8")
    running.reaper.crash()
    running.restart()
    with pytest.raises(TargetError, match="emsync reaper install") as caught:
        running.connector().hello()
    assert caught.value.state == "other_version"


# --- selection and transport ---


def test_what_is_selected(running: Running, plan: Plan) -> None:
    running.connector().push_at(plan, 20.0)
    section = plan.sections[1]
    with pytest.raises(RefusedError, match="select a time range"):
        running.connector().read_selection()
    running.project.selection = (21.0, 25.5)
    chosen = running.connector().read_selection()
    assert (chosen.start_s, chosen.end_s, chosen.parts, chosen.cue) == (1, Fraction(11, 2), (), plan.cue)
    running.project.state.tracks[0].selected = True
    assert running.connector().read_selection().parts == (plan.parts[0].part,)
    bass, piano = running.item("bass", section.id), running.item("piano", section.id)
    running.select(bass, piano)
    running.project.selection = (0.0, 0.0)
    running.edit(piano)
    chosen = running.connector().read_selection()
    assert chosen.parts == ("bass", "piano")
    assert float(chosen.start_s) == pytest.approx(float(section.start_s), abs=1e-6)
    assert float(chosen.end_s) == pytest.approx(float(section.end_s), abs=1e-6)
    assert chosen.edited == (piano.ext["P_EXT:emsync_item"],)


def test_the_transport_counts_from_the_head_of_the_cue(running: Running, plan: Plan) -> None:
    running.connector().push_at(plan, 20.0)
    running.reaper.turn(40)  # a heartbeat that knows the cue
    connector = running.connector()
    state = connector.transport("locate", 2.5)
    assert (state.playing, state.seconds) == (False, Fraction(5, 2))
    assert running.project.cursor == 22.5
    assert connector.transport("play").playing
    assert not connector.transport("stop").playing
    assert connector.transport().seconds == Fraction(5, 2)


def test_a_listener_that_was_stopped_is_woken_by_osc_where_that_is_configured(running: Running, tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as surface:
        surface.bind(("127.0.0.1", 0))
        surface.setblocking(False)
        ini = (
            f'[REAPER]\ncsurf_cnt=1\ncsurf_0=OSC "EMSYNC" 3 {surface.getsockname()[1]} "127.0.0.1" 9 1024 10 "EMSYNC"\n'
        )
        (running.resources / "reaper.ini").write_text(ini, encoding="utf-8")
        running.reaper.quit()
        heard = []

        def turn(_: float) -> None:
            try:
                heard.append(parse(surface.recv(2048))[0].address)
            except BlockingIOError:
                time.sleep(0.001)
            if heard and not running.reaper.deferred:
                command = running.reaper.NamedCommandLookup(heard[0].removeprefix("/action/"))
                running.reaper.Main_OnCommand(command, 0)
            running.reaper.turn()

        connector = ReaperConnector(Options(timeout_s=60), Mailbox(running.resources, running.clock, turn))
        assert connector.hello().state == "ready"
        assert heard[0].startswith("/action/_RS")


def test_without_the_listener_the_transport_goes_by_osc_where_that_is_configured(running: Running, plan: Plan) -> None:
    running.connector().push_at(plan, 20.0)
    running.reaper.turn(40)
    running.reaper.quit()
    with pytest.raises(TargetError, match="closed"):
        running.connector().transport("play")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as surface:
        surface.bind(("127.0.0.1", 0))
        surface.settimeout(10)
        ini = f'[REAPER]\ncsurf_0=OSC "pad" 7 {surface.getsockname()[1]} "127.0.0.1" 9 1024 10 ""\n'
        (running.resources / "reaper.ini").write_text(ini, encoding="utf-8")
        beat = json.loads((running.box().root / "heartbeat.json").read_bytes())
        beat["commands"] = {}  # nothing that could wake the listener
        (running.box().root / "heartbeat.json").write_text(json.dumps(beat), encoding="utf-8")
        connector = running.connector()
        assert connector.transport("locate", 2.5).seconds == Fraction(5, 2)
        assert connector.transport("play").playing
        assert not connector.transport("stop").playing
        heard = [parse(surface.recv(2048))[0] for _ in range(3)]
    assert [(m.address, [round(a, 3) for a in m.arguments]) for m in heard] == [
        ("/time", [22.5]), ("/play", []), ("/stop", []),
    ]  # fmt: skip
    with pytest.raises(TargetError, match="closed"):
        connector.transport()


def test_the_hash_of_the_fake_sees_controllers_only_when_asked(running: Running, plan: Plan) -> None:
    running.connector().push(plan)
    source = next(i.active.source for i in running.ours().values() if i.active.controls())
    before = midi_hash(source, True), midi_hash(source, False)
    source.events.insert(0, (0, 0, b"\xb0\x01\x05"))
    assert midi_hash(source, True) == before[0]
    assert midi_hash(source, False) != before[1]
