"""AbletonOSC as a peer: everything in small pieces, one at a time, read back; session clips found by their tag."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import mido
import pytest

from bridge.connectors import abletonosc_line, abletonosc_notes
from bridge.connectors.abletonosc import AbletonOscConnector
from bridge.connectors.abletonosc_line import OscLine
from bridge.connectors.abletonosc_notes import Slot
from bridge.connectors.base import Delivered, Options, TargetError
from bridge.connectors.plan import Region
from emsync_engine.errors import UsageError
from emsync_engine.score import Note
from tests.bridge.connectors.fake_abletonosc import MESSAGES, FakeAbletonOsc, abletonosc
from tests.daw_scripts.live.fake_clips import MidiNoteSpecification
from tests.daw_scripts.live.plans import BEAT, MELODY, heard, rows_of, small_plan

NEW = ((0, 72, 2, 100), (4, 127, 1, 127))


@pytest.fixture(autouse=True)
def a_home_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What is remembered of cues goes into a state folder of the test."""
    monkeypatch.setattr("bridge.live.remembered.default_state", lambda: tmp_path / "state")
    monkeypatch.setattr(os, "fsync", lambda handle: None)


@pytest.fixture
def osc() -> Iterator[FakeAbletonOsc]:
    with abletonosc(version=(12, 0)) as made:
        yield made


@pytest.fixture
def connector(osc: FakeAbletonOsc) -> Iterator[AbletonOscConnector]:
    with AbletonOscConnector(Options(osc.at, 20)) as made:
        yield made


def outcomes(delivered: Delivered) -> dict[str, str]:
    return {f"{i.part} {i.section}": i.outcome for i in delivered.items}


def clip(osc: FakeAbletonOsc, track: str, scene: int) -> Any:
    return osc.fake.track(track).clip_slots[scene].clip


def test_hello(connector: AbletonOscConnector) -> None:
    said = connector.hello()
    assert (said.application, said.state) == ("Ableton Live 12.0 with AbletonOSC", "ready")
    assert said.capabilities.names() == ("markers", "read_selection")


def test_a_score_becomes_scenes(osc: FakeAbletonOsc, connector: AbletonOscConnector, tmp_path: Path) -> None:
    plan = small_plan(tmp_path)
    delivered = connector.push(plan)
    assert set(outcomes(delivered).values()) == {"written"}
    assert delivered.tracks == 2
    with osc.paused() as fake:
        assert [t.name for t in fake.song.tracks] == ["1-MIDI", "2-Audio", "Strings", "Bass"]
        for part in plan.parts:
            for scene, item in enumerate(part.items):
                held = clip(osc, part.name, scene)
                assert rows_of(held) == heard(plan, item.part, item.section), "pitches 0 and 127 among them"
                assert held.name.startswith(f"{item.name} [{item.id} ")
                assert (held.length, held.looping) == (16.0, False)
    assert osc.errors == []
    assert osc.lost == 0, "nothing was sent faster than it is read"


def test_only_published_messages_are_sent(osc: FakeAbletonOsc, connector: AbletonOscConnector, tmp_path: Path) -> None:
    connector.push(small_plan(tmp_path, bpm=(90.0,)))
    connector.read_selection()
    connector.transport("locate", 2)
    assert set(osc.said) <= set(MESSAGES)
    with osc.paused() as fake:
        assert fake.song.tempo == pytest.approx(90.0)


def test_sending_again_changes_nothing(osc: FakeAbletonOsc, connector: AbletonOscConnector, tmp_path: Path) -> None:
    plan = small_plan(tmp_path)
    connector.push(plan)
    with osc.paused():
        osc.said.clear()
    assert set(outcomes(connector.push(plan)).values()) == {"unchanged"}
    changing = {"/live/clip/add/notes", "/live/clip_slot/create_clip", "/live/song/create_midi_track",
                "/live/song/cue_point/add_or_delete", "/live/clip/remove/notes"}  # fmt: skip
    assert not changing & set(osc.said)


def test_another_take_in_place(osc: FakeAbletonOsc, connector: AbletonOscConnector, tmp_path: Path) -> None:
    connector.push(small_plan(tmp_path))
    with osc.paused() as fake:
        fake.track("Strings").name = "VIOLINS"
    second = small_plan(tmp_path, take=2, other=NEW)
    delivered = connector.replace(second, Region(20 * BEAT, 24 * BEAT, ("strings",)))
    assert outcomes(delivered) == {"strings s2": "updated"}
    with osc.paused():
        assert rows_of(clip(osc, "VIOLINS", 1)) == heard(second, "strings", "s2")
        assert rows_of(clip(osc, "VIOLINS", 0)) == heard(second, "strings", "s1")


def test_clips_are_found_where_the_user_has_moved_them(
    osc: FakeAbletonOsc, connector: AbletonOscConnector, tmp_path: Path
) -> None:
    connector.push(small_plan(tmp_path))
    with osc.paused() as fake:
        fake.song.create_scene(0)
        fake.song.create_midi_track(0)
    second = small_plan(tmp_path, take=2, strings=NEW)
    assert outcomes(connector.push(second))["strings s1"] == "updated"
    with osc.paused() as fake:
        assert rows_of(clip(osc, "Strings", 1)) == heard(second, "strings", "s1")
        assert len(fake.song.tracks) == 5


def test_clips_of_the_user_are_left_alone(osc: FakeAbletonOsc, connector: AbletonOscConnector, tmp_path: Path) -> None:
    with osc.paused() as fake:
        fake.song.tracks[0].name = "Strings"
        fake.song.tracks[0].clip_slots[1].create_clip(4.0)
        mine = fake.song.tracks[0].clip_slots[1].clip
        mine.name = "mine"
    connector.push(small_plan(tmp_path))
    with osc.paused():
        assert mine.name == "mine"
        assert clip(osc, "Strings", 1) is mine
        assert clip(osc, "Strings", 2).name.startswith("Strings A [")


@pytest.mark.parametrize("what", ["a note more", "a muted note"])
def test_what_was_edited_by_hand_stays(
    what: str, osc: FakeAbletonOsc, connector: AbletonOscConnector, tmp_path: Path
) -> None:
    connector.push(small_plan(tmp_path))
    with osc.paused():
        edited = clip(osc, "Strings", 0)
        if what == "a note more":
            edited.add_new_notes((MidiNoteSpecification(90, -2.0, 1.0),))  # before the clip's start
        else:
            edited.get_notes_extended(0, 128, 0.0, 16.0)[0]._values["mute"] = True
        before = rows_of(edited)
    delivered = connector.push(small_plan(tmp_path, take=2, strings=NEW))
    assert outcomes(delivered)["strings s1"] == "kept"
    assert outcomes(delivered)["strings s2"] == "updated"
    with osc.paused():
        assert rows_of(edited) == before


def test_what_left_the_score_leaves_live(osc: FakeAbletonOsc, connector: AbletonOscConnector, tmp_path: Path) -> None:
    connector.push(small_plan(tmp_path))
    with osc.paused():
        clip(osc, "Strings", 1).add_new_notes((MidiNoteSpecification(90, 1.0, 1.0),))
    delivered = connector.push(small_plan(tmp_path, take=2, parts=("bass",)))
    assert (outcomes(delivered)["strings s1"], outcomes(delivered)["strings s2"]) == ("removed", "kept")
    with osc.paused():
        assert clip(osc, "Strings", 0) is None
        assert clip(osc, "Strings", 1) is not None


def test_notes_that_overlap_are_cut_before_they_are_sent(
    osc: FakeAbletonOsc, connector: AbletonOscConnector, tmp_path: Path
) -> None:
    plan = small_plan(tmp_path, strings=((0, 60, 4, 80), (1, 60, 1, 80), (2, 62, 1, 0)))
    assert outcomes(connector.push(plan))["strings s1"] == "written"
    with osc.paused():
        assert rows_of(clip(osc, "Strings", 0)) == [(0, 60, BEAT, 80), (BEAT, 60, BEAT, 80), (2 * BEAT, 62, BEAT, 1)]


def test_many_notes_go_in_pieces(osc: FakeAbletonOsc, connector: AbletonOscConnector) -> None:
    notes = tuple(Note(step * 40, 30 + step % 60, 30, 1 + step % 127) for step in range(1000))
    sizes: list[int] = []
    with osc.paused() as fake:
        fake.song.tracks[0].clip_slots[0].create_clip(48.0)
    build = abletonosc_line.build

    def measured(address: str, *arguments: Any) -> bytes:
        packet = build(address, *arguments)
        sizes.append(len(packet))
        return packet

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(abletonosc_line, "build", measured)
        abletonosc_notes.write(connector.line, Slot(0, 0), notes, 48.0)
    assert abletonosc_notes.read(connector.line, Slot(0, 0), 48.0) == notes
    assert max(sizes) <= 8192
    assert osc.errors == []


def test_a_clip_too_dense_for_one_answer_is_read_in_halves(
    osc: FakeAbletonOsc, connector: AbletonOscConnector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(abletonosc_line, "ASK_AGAIN_S", 0.4)
    monkeypatch.setattr(abletonosc_line, "QUIET_S", 0.15)
    with osc.paused() as fake:
        fake.song.tracks[0].clip_slots[0].create_clip(4.0)
        specs = tuple(MidiNoteSpecification(p, t / 8, 0.125) for t in range(32) for p in range(40, 60))
        fake.song.tracks[0].clip_slots[0].clip.add_new_notes(specs)
    assert len(abletonosc_notes.read(connector.line, Slot(0, 0), 4.0)) == 640


def test_lost_datagrams_are_made_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(abletonosc_line, "ASK_AGAIN_S", 0.4)
    monkeypatch.setattr(abletonosc_line, "QUIET_S", 0.15)
    with abletonosc(version=(12, 0), lost_each=23) as osc, AbletonOscConnector(Options(osc.at, 60)) as connector:
        plan = small_plan(tmp_path, parts=("bass",), sections=1)
        connector.push(plan)
        assert osc.lost > 0
        with osc.paused():
            for part in plan.parts:
                for scene, item in enumerate(part.items):
                    assert rows_of(clip(osc, part.name, scene)) == heard(plan, item.part, item.section)


def test_what_cannot_be_taken_is_said(connector: AbletonOscConnector, tmp_path: Path) -> None:
    delivered = connector.push(small_plan(tmp_path, bpm=(120.0, 90.0), controls=True))
    left = {row.what: row.file for row in delivered.left_out}
    assert set(left) == {"arrangement_write", "tempo_map", "controllers"}
    assert mido.MidiFile(left["tempo_map"]).type == 1
    assert any("1.1.1" in sentence for sentence in delivered.said)


# --- locators ------------------------------------------------------------------------------------------------------

WANTED = [("Section A", 0.0), ("Hit 1 door", 6.0), ("Hit 2 / Section B", 16.0), ("End", 32.0)]


def test_locators(osc: FakeAbletonOsc, connector: AbletonOscConnector, tmp_path: Path) -> None:
    assert connector.push(small_plan(tmp_path)).markers == 4
    with osc.paused() as fake:
        assert sorted(((c.name, c.time) for c in fake.song.cue_points), key=lambda row: row[1]) == WANTED


def test_locators_keep_their_numbers_in_live_11(tmp_path: Path) -> None:
    with abletonosc(version=(11, 3)) as osc, AbletonOscConnector(Options(osc.at, 20)) as connector:
        for _ in range(2):
            assert connector.push(small_plan(tmp_path)).markers == 4
        with osc.paused() as fake:
            assert sorted(c.time for c in fake.song.cue_points) == [0.0, 6.0, 16.0, 32.0]


def test_no_locator_while_it_plays(osc: FakeAbletonOsc, connector: AbletonOscConnector, tmp_path: Path) -> None:
    with osc.paused() as fake:
        fake.song.start_playing()
        fake.tick()
    delivered = connector.push(small_plan(tmp_path))
    assert [row.why for row in delivered.left_out if row.what == "markers"] == [
        "locators can only be set while Live is stopped; stop it and send again"
    ]
    with osc.paused() as fake:
        assert list(fake.song.cue_points) == []


def test_the_grid_neither_moves_a_hit_nor_costs_a_locator(tmp_path: Path) -> None:
    plan = small_plan(tmp_path)
    markers = [replace(m, tick=round(9.5 * BEAT)) if m.text == "Hit 1 door" else m for m in plan.markers]
    plan = replace(plan, markers=tuple(markers))
    for mine in (False, True):
        with abletonosc(version=(12, 0), grid=4.0) as osc, AbletonOscConnector(Options(osc.at, 20)) as connector:
            if mine:
                osc.fake.add_locator(8.0, "mine")
            (row,) = [row for row in connector.push(plan).left_out if row.what == "marker"]
            assert "beat 8" in row.why
            with osc.paused() as fake:
                there = sorted(c.time for c in fake.song.cue_points)
                assert there == ([0.0, 8.0, 16.0, 32.0] if mine else [0.0, 16.0, 32.0])
                assert not mine or "mine" in [c.name for c in fake.song.cue_points]


# --- selection and transport ---------------------------------------------------------------------------------------


def test_the_selection_is_the_brace(osc: FakeAbletonOsc, connector: AbletonOscConnector, tmp_path: Path) -> None:
    connector.push(small_plan(tmp_path, bpm=(120.0, 60.0)))
    with osc.paused() as fake:
        fake.song.loop_start, fake.song.loop_length = 14.0, 4.0
        fake.select("Strings")
        clip(osc, "Strings", 1).add_new_notes((MidiNoteSpecification(90, 1.0, 1.0),))
    selection = connector.read_selection()
    assert (float(selection.start_s), float(selection.end_s)) == (7.0, 10.0)
    assert (selection.parts, selection.edited) == (("strings",), ("0123456789ab:strings:s2",))


def test_nothing_of_ours_there(connector: AbletonOscConnector) -> None:
    with pytest.raises(TargetError, match="nothing of ours"):
        connector.read_selection()


def test_transport(osc: FakeAbletonOsc, connector: AbletonOscConnector, tmp_path: Path) -> None:
    connector.push(small_plan(tmp_path))
    assert float(connector.transport("locate", 3).seconds) == pytest.approx(3)
    assert connector.transport("play").playing
    assert not connector.transport("stop").playing


# --- who is there --------------------------------------------------------------------------------------------------


def test_closed_and_crashed_and_back(osc: FakeAbletonOsc, connector: AbletonOscConnector, tmp_path: Path) -> None:
    connector.push(small_plan(tmp_path))
    osc.quit()
    with pytest.raises(TargetError) as caught:
        connector.hello()
    assert caught.value.state == "crashed"
    with pytest.raises(TargetError, match="choose AbletonOSC") as caught:
        connector.hello()
    assert caught.value.state == "closed"
    osc.start()
    assert set(outcomes(connector.push(small_plan(tmp_path))).values()) == {"unchanged"}


def test_busy(osc: FakeAbletonOsc) -> None:
    with osc.paused():
        osc.stalled = True
    with AbletonOscConnector(Options(osc.at, 0.3)) as connector:
        with pytest.raises(TargetError, match="menus") as caught:
            connector.hello()
        assert caught.value.state == "busy"
        osc.stalled = False
        connector.line._timeout_s = 20
        assert connector.hello().state == "ready"


def test_one_client_at_a_time(osc: FakeAbletonOsc, connector: AbletonOscConnector) -> None:
    connector.hello()
    with pytest.raises(TargetError, match="one client at a time") as caught:
        AbletonOscConnector(Options(osc.at, 5)).hello()
    assert caught.value.state == "busy"


def test_an_error_of_abletonosc_is_handed_on(connector: AbletonOscConnector) -> None:
    with pytest.raises(TargetError, match="Index out of range") as caught:
        connector.line.ask("/live/track/get/name", 99, echo=(99,))
    assert caught.value.state == "refused"
    with pytest.raises(TargetError, match="Unknown OSC address"):
        connector.line.ask("/live/song/get/happiness")


def test_the_ports_are_those_that_are_published() -> None:
    assert abletonosc_line.address_of("") == ("127.0.0.1", 11000, 11001)
    for wrong in ("11000", "host:", "host:x", "host:70000"):
        with pytest.raises(UsageError):
            abletonosc_line.address_of(wrong)


def test_the_fake_loses_what_comes_too_fast(osc: FakeAbletonOsc) -> None:
    """As AbletonOSC does: the reason why one question is asked at a time."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line, osc.paused():
        for _ in range(50):
            line.sendto(abletonosc_line.build("/live/song/create_scene", -1), ("127.0.0.1", osc.port))
        osc._process()
    assert len(osc.fake.song.scenes) < 52
    assert osc.lost > 0


def test_melody_is_heard_as_written(osc: FakeAbletonOsc, connector: AbletonOscConnector, tmp_path: Path) -> None:
    """Thirds of a beat come back as the same tick, though the wire has 32-bit floats."""
    rows = tuple((step / 3, 60 + step % 12, 1 / 3, 64) for step in range(48))
    plan = small_plan(tmp_path, strings=(*MELODY[:0], *rows))
    connector.push(plan)
    assert set(outcomes(connector.push(plan)).values()) == {"unchanged"}


def test_a_line_is_let_go(osc: FakeAbletonOsc) -> None:
    line = OscLine(osc.at, 20)
    line.fence()
    line.close()
    other = OscLine(osc.at, 20)
    other.fence()
    other.close()
