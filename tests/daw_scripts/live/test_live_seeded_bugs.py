"""Mistakes that a bridge to Live can make, made on purpose: each has to be noticed."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import mido
import pytest

from tests.bridge.connectors.fake_abletonosc import FakeAbletonOsc, abletonosc
from tests.bridge.connectors.seeded import Bug, seeded
from tests.daw_scripts.live.fake_clips import Clip, MidiNoteSpecification
from tests.daw_scripts.live.plans import BEAT, heard, rows_of, small_plan
from tests.daw_scripts.live.running import RunningLive, running

SCRIPT = "daw_scripts/live/EMSYNC"
NEW = ((0, 72, 2, 100), (4, 126, 1, 127))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda handle: None)


@contextmanager
def live_of(home: Path, version: tuple[int, int] = (12, 2), *, grid: float = 0.0) -> Iterator[tuple[RunningLive, Any]]:
    from bridge.connectors.base import Options
    from bridge.connectors.live import LiveConnector

    with running(home, version, grid=grid) as live, LiveConnector(Options(str(live.state), 20)) as connector:
        yield live, connector


@contextmanager
def osc_of(home: Path) -> Iterator[tuple[FakeAbletonOsc, Any]]:
    from bridge.connectors import abletonosc_line
    from bridge.connectors.abletonosc import AbletonOscConnector
    from bridge.connectors.base import Options
    from bridge.live import remembered

    with pytest.MonkeyPatch.context() as patch, abletonosc(version=(12, 0)) as osc:
        patch.setattr(remembered, "default_state", lambda: home / "state")
        patch.setattr(abletonosc_line, "ASK_AGAIN_S", 20.0)  # nothing is lost here: what is asked twice is a mistake
        with AbletonOscConnector(Options(osc.at, 20)) as connector:
            yield osc, connector


def outcomes(delivered: Any) -> dict[str, str]:
    return {f"{i.part} {i.section}": i.outcome for i in delivered.items}


# --- our script ----------------------------------------------------------------------------------------------------


def check_takes(home: Path) -> None:
    """Two takes, one after the other, on an old Live and a new one: exactly what each plan has, once."""
    for version in ((11, 3), (12, 2)):
        here = home / f"{version[0]}"
        here.mkdir()
        with live_of(here, version) as (live, connector):
            for plan in (small_plan(here), small_plan(here, take=2, bass=NEW)):
                connector.push(plan)
                assert set(outcomes(connector.push(plan)).values()) == {"unchanged"}
                with live.paused() as fake:
                    for part in plan.parts:
                        clips = fake.clips(part.name)
                        assert [c.start_time * BEAT for c in clips] == [i.tick for i in part.items]
                        assert [rows_of(c) for c in clips] == [heard(plan, i.part, i.section) for i in part.items]
                    assert not any(s.has_clip for t in fake.song.tracks for s in t.clip_slots)
                    assert len(fake.song.tracks) == 4


def check_one_undo(home: Path) -> None:
    from bridge.connectors.plan import Region

    with live_of(home) as (live, connector):
        plan = small_plan(home)
        connector.replace(plan, Region(0, plan.end_tick))
        with live.paused() as fake:
            fake.song.undo()
            assert len(fake.song.tracks) == 2


def check_copies(home: Path) -> None:
    """A copy that the user has put before ours is not ours."""
    with live_of(home) as (live, connector):
        connector.push(small_plan(home))
        with live.paused() as fake:
            track = fake.track("Strings")
            ours = track.arrangement_clips[1]
            track.delete_clip(track.arrangement_clips[0])
            copy = track.duplicate_clip_to_arrangement(ours, 0.0)
        plan = small_plan(home, take=2, other=NEW)
        connector.push(plan)
        with live.paused():
            assert rows_of(ours) == heard(plan, "strings", "s2")
            assert rows_of(copy) != rows_of(ours)


def check_edit_stays(home: Path) -> None:
    with live_of(home) as (live, connector):
        connector.push(small_plan(home))
        with live.paused() as fake:
            clip = fake.clips("Strings")[0]
            clip.add_new_notes((MidiNoteSpecification(90, 3.0, 1.0),))
            before = rows_of(clip)
        delivered = connector.push(small_plan(home, take=2, strings=NEW))
        assert outcomes(delivered)["strings s1"] == "kept"
        with live.paused():
            assert rows_of(clip) == before


def check_mine_stays(home: Path) -> None:
    with live_of(home) as (live, connector):
        with live.paused() as fake:
            fake.song.tracks[0].name = "Strings"
            mine = fake.song.tracks[0].create_midi_clip(4.0, 40.0)
        connector.push(small_plan(home))
        with live.paused():
            assert (mine.start_time, mine.end_time) == (4.0, 44.0)


def check_audible(home: Path) -> None:
    with live_of(home) as (live, connector):
        connector.push(small_plan(home, strings=((0, 60, 1, 0),)))
        with live.paused() as fake:
            assert rows_of(fake.clips("Strings")[0]) == [(0, 60, BEAT, 1)]


def check_overlaps(home: Path) -> None:
    with live_of(home) as (live, connector):
        connector.push(small_plan(home, strings=((0, 60, 4, 80), (1, 60, 1, 80))))
        with live.paused() as fake:
            assert rows_of(fake.clips("Strings")[0]) == [(0, 60, BEAT, 80), (BEAT, 60, BEAT, 80)]


def check_read_back(home: Path) -> None:
    """A Live that swallows a note is not said to have it."""
    add = Clip.do_add_new_notes
    with live_of(home) as (_, connector), pytest.MonkeyPatch.context() as patch:
        patch.setattr(Clip, "do_add_new_notes", lambda clip, specs: add(clip, tuple(specs)[1:]))
        try:
            connector.push(small_plan(home))
        except Exception as error:
            assert "Live holds" in str(error), "its class is another one in code with a mistake"
        else:
            raise AssertionError("nobody has noticed")


def check_locators(home: Path) -> None:
    with live_of(home) as (live, connector):
        for _ in range(2):
            assert connector.push(small_plan(home)).markers == 4
            with live.paused() as fake:
                assert sorted(c.time for c in fake.song.cue_points) == [0.0, 6.0, 16.0, 32.0]


def check_playing(home: Path) -> None:
    with live_of(home) as (live, connector):
        with live.paused() as fake:
            fake.song._values["current_song_time"] = 100.0
            fake.song.start_playing()
            fake.tick()
        connector.push(small_plan(home))
        with live.paused() as fake:
            assert list(fake.song.cue_points) == []
            assert fake.song.current_song_time > 100.0, "the playhead of somebody who listens is left alone"


def check_grid(home: Path) -> None:
    plan = small_plan(home)
    markers = [replace(m, tick=round(9.5 * BEAT)) if m.text == "Hit 1 door" else m for m in plan.markers]
    for mine in (False, True):
        here = home / f"{mine}"
        here.mkdir()
        with live_of(here, grid=4.0) as (live, connector):
            if mine:
                with live.paused() as fake:
                    fake.add_locator(8.0, "mine")
            connector.push(replace(plan, markers=tuple(markers)))
            with live.paused() as fake:
                assert [c.name for c in fake.song.cue_points if c.time == 8.0] == (["mine"] if mine else [])


def check_selection(home: Path) -> None:
    with live_of(home) as (live, connector):
        connector.push(small_plan(home, bpm=(120.0, 60.0)))
        with live.paused() as fake:
            fake.song.loop_start, fake.song.loop_length = 14.0, 4.0
            fake.select("Bass")
        selection = connector.read_selection()
        assert (float(selection.start_s), float(selection.end_s), selection.parts) == (7.0, 10.0, ("bass",))


def check_asks_once(home: Path) -> None:
    with live_of(home, (11, 0)) as (live, connector):
        live.wait_for(lambda fake: fake.surface._requests._seen is not None)
        with live.paused() as fake:
            fake.add_locator(1.0, ">regen")
            fake.tick(20)
            for value in (127, 100, 0):
                fake.midi(0xBF, 103, value)
        rows = connector.link.ask("requests", {"after": 0})["requests"]
        assert [row["action"] for row in rows] == ["regenerate", "next"]


def check_token(home: Path) -> None:
    with running(home) as live:
        port = json.loads((live.state / "live.json").read_text(encoding="ascii"))["port"]
        with socket.create_connection(("127.0.0.1", port), timeout=20) as line:
            said = {"id": 1, "op": "hello", "args": {"token": "wrong", "protocol": 1}}
            line.sendall(json.dumps(said).encode() + b"\n")
            assert "error" in json.loads(line.makefile("rb").readline())


def check_tempo(home: Path) -> None:
    with live_of(home) as (live, connector):
        delivered = connector.push(small_plan(home, bpm=(100.0, 90.0)))
        with live.paused() as fake:
            assert fake.song.tempo == 120.0, "one tempo would override the map that the file brings"
        (path,) = [row.file for row in delivered.left_out if row.what == "tempo_map"]
        notes = [m for track in mido.MidiFile(path).tracks for m in track if m.type == "note_on"]
        assert len(notes) == 1, "without a note Live takes no tempo map"


# --- AbletonOSC ----------------------------------------------------------------------------------------------------


def check_osc_takes(home: Path) -> None:
    with osc_of(home) as (osc, connector):
        for plan in (small_plan(home), small_plan(home, take=2, bass=NEW)):
            connector.push(plan)
            assert set(outcomes(connector.push(plan)).values()) == {"unchanged"}
            with osc.paused() as fake:
                for part in plan.parts:
                    held = [s.clip for s in fake.track(part.name).clip_slots if s.has_clip]
                    assert [rows_of(c) for c in held] == [heard(plan, i.part, i.section) for i in part.items]
        assert osc.errors == []


def check_osc_waits(home: Path) -> None:
    with osc_of(home) as (osc, connector):
        connector.push(small_plan(home))
        assert osc.most <= 2, "a message, and the question that waits for it"


def check_osc_moved(home: Path) -> None:
    """One clip was moved to another scene: it is found by its tag."""
    with osc_of(home) as (osc, connector):
        connector.push(small_plan(home))
        with osc.paused() as fake:
            fake.song.create_scene(-1)
            slots = fake.track("Strings").clip_slots
            clip = slots[1].clip
            slots[1]._values["clip"], slots[2]._values["clip"] = None, clip
        plan = small_plan(home, take=2, other=NEW)
        connector.push(plan)
        with osc.paused():
            assert rows_of(clip) == heard(plan, "strings", "s2")
            assert not slots[1].has_clip


def check_osc_overlaps(home: Path) -> None:
    with osc_of(home) as (osc, connector):
        connector.push(small_plan(home, strings=((0, 60, 4, 80), (1, 60, 1, 80))))
        with osc.paused() as fake:
            clip = fake.track("Strings").clip_slots[0].clip
            assert rows_of(clip) == [(0, 60, BEAT, 80), (BEAT, 60, BEAT, 80)]


BUGS = (
    Bug("pitch 127 lost", f"{SCRIPT}/clips.py", "PITCHES = 128", "PITCHES = 127", check_takes),
    Bug("index for id", f"{SCRIPT}/clips.py", "return min(main, key=lambda f: (f.edited, abs(ticks(f.clip.start_time) "
        "- start))) if main else None", "return main[0] if main else None", check_copies),
    Bug("undo left open", f"{SCRIPT}/writing.py", "            if grouped:\n                self.song.end_undo_step()",
        "            pass", check_one_undo),
    Bug("undo not begun", f"{SCRIPT}/writing.py", "            self.song.begin_undo_step()",
        "            grouped = False", check_one_undo),
    Bug("beats and seconds mixed", f"{SCRIPT}/writing.py", "create_midi_clip(beats(item.start), beats(item.length))\n"
        "        return self", "create_midi_clip(beats(item.start) / 2, beats(item.length))\n        return self",
        check_takes),
    Bug("clips not found again", f"{SCRIPT}/writing.py", "self.found = clips.find(self.song, self.cue)",
        'self.found = clips.find(self.song, "nobody")', check_takes),
    Bug("session clip left behind", f"{SCRIPT}/writing.py", "        finally:\n            slot.delete_clip()",
        "        finally:\n            pass", check_takes),
    Bug("old notes stay", f"{SCRIPT}/clips.py", "    clip.remove_notes_extended(0, PITCHES, *EVERYWHERE)\n", "",
        check_takes),
    Bug("hand edit overwritten", f"{SCRIPT}/writing.py", "    if found != written:", "    if False:", check_edit_stays),
    Bug("clip of the user cut", f"{SCRIPT}/writing.py", "if other is not None:", "if False:", check_mine_stays),
    Bug("velocity 0", f"{SCRIPT}/clips.py", "max(int(v), 1)", "max(int(v), 0)", check_audible),
    Bug("overlap rule not applied", "bridge/connectors/live.py", "notes = normalise_notes(Note(n.tick, n.pitch, "
        "n.duration, n.velocity) for n in item.relative_notes())", "notes = item.relative_notes()", check_overlaps),
    Bug("nothing read back", f"{SCRIPT}/writing.py", "if sorted(held) != sorted(item.rows):", "if False:",
        check_read_back),
    Bug("locator set while playing", f"{SCRIPT}/locators.py", "    if song.is_playing:\n        raise",
        "    if False:\n        raise", check_playing),
    Bug("locator toggled away", f"{SCRIPT}/locators.py", "    if there is not None:\n        return _name_ours",
        "    if False:\n        return _name_ours", check_locators),
    Bug("playhead not waited for", f"{SCRIPT}/locators.py", "    yield from _move(song, time)\n    before",
        "    song.current_song_time = time\n    before", check_locators),
    Bug("locator left on the grid", f"{SCRIPT}/locators.py", "if abs(made.time - time) > NEAR:", "if False:",
        check_grid),
    Bug("locator of the user lost", f"{SCRIPT}/locators.py", "yield from _restore(song, gone[0])", "pass", check_grid),
    Bug("selection in beats", "bridge/connectors/live.py", 'tempo.seconds(said["start"])',
        'Fraction(said["start"], 960)', check_selection),
    Bug("a locator asks for ever", f"{SCRIPT}/asking.py", "if key not in self._seen]", "]", check_asks_once),
    Bug("a button held down", f"{SCRIPT}/surface.py", "if is_down and control not in self._down:", "if is_down:",
        check_asks_once),
    Bug("token not looked at", f"{SCRIPT}/server.py", 'not _same(str(arguments.get("token", "")), token)', "False",
        check_token),
    Bug("one tempo of many", "bridge/connectors/live.py",
        "        if one_tempo(plan):\n            self._set_tempo(plan)", "        self._set_tempo(plan)", check_tempo),
    Bug("no guard note", "bridge/live/files.py", "Region(0, plan.end_tick, ()), guard=True)",
        "Region(0, plan.end_tick, ()))", check_tempo),
    Bug("pitch 127 lost over OSC", "bridge/connectors/abletonosc_notes.py", "ALL_PITCHES = (0, 128)",
        "ALL_PITCHES = (0, 127)", check_osc_takes),
    Bug("pitch as a float", "bridge/connectors/abletonosc_notes.py", "yield from (note.pitch,",
        "yield from (float(note.pitch),", check_osc_takes),
    Bug("burst of datagrams", "bridge/connectors/abletonosc_line.py",
        "        self._send(address, arguments)\n        self.fence()", "        self._send(address, arguments)",
        check_osc_waits),
    Bug("place for id", "bridge/connectors/abletonosc.py", "slot = found.slot if found else place", "slot = place",
        check_osc_moved),
    Bug("overlap rule not applied over OSC", "bridge/connectors/abletonosc_notes.py",
        "for n in normalise_notes(notes))", "for n in notes)", check_osc_overlaps),
)  # fmt: skip

test_seeded_bug_is_caught = seeded(BUGS)
