"""What is asked for inside Live: by a mapped control, a locator's name, or from outside; and what is selected there."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from bridge.connectors.base import TargetError
from tests.daw_scripts.live.conftest import VERSIONS, Connect, Start
from tests.daw_scripts.live.fake_clips import MidiNoteSpecification
from tests.daw_scripts.live.lom import Version
from tests.daw_scripts.live.plans import small_plan
from tests.daw_scripts.live.running import RunningLive

REGENERATE, NEXT = (0xBF, 102), (0xBF, 103)
"""Control changes 102 and 103 on channel 16."""


def asked(live: RunningLive, connect: Connect) -> list[tuple[str, str]]:
    rows = connect(live).link.ask("requests", {"after": 0})["requests"]
    return [(row["action"], row["source"]) for row in rows]


def test_a_mapped_control_asks_once_a_press(start: Start, connect: Connect) -> None:
    live = start()
    with live.paused() as fake:
        assert ("forward_midi_cc", 15, 102) in fake.forwarded, "Live is told to hand it to us"
        for value in (127, 127, 80, 0, 127):
            fake.midi(*REGENERATE, value)
        fake.midi(*NEXT, 127)
        fake.midi(0xB0, 102, 127)  # another channel
        fake.midi(0xBF, 7, 127)
    assert asked(live, connect) == [("regenerate", "control"), ("regenerate", "control"), ("next", "control")]


def test_controls_are_chosen_in_the_settings(start: Start, connect: Connect, tmp_path: Path) -> None:
    live = start()
    live.quit()
    settings = live.scripts / "EMSYNC" / "emsync.json"
    said = json.loads(settings.read_text(encoding="utf-8"))
    rows = [["previous", "note", 1, 36], ["nonsense", "cc", 1, 1], "x", ["next", "cc", 99, 1]]
    settings.write_text(json.dumps({**said, "controls": rows}), encoding="utf-8")
    live.start()
    with live.paused() as fake:
        fake.midi(0x90, 36, 100)
        fake.midi(0x80, 36, 0)
        fake.midi(*REGENERATE, 127)
    assert asked(live, connect) == [("previous", "control")]


def test_a_locator_called_regen_asks_once(start: Start, connect: Connect) -> None:
    live = start()
    live.wait_for(lambda fake: fake.surface._requests._seen is not None)
    with live.paused() as fake:
        cue = fake.add_locator(4.0, " >Regen ")
    live.wait_for(lambda fake: cue.name == "EMSYNC: Regen")
    assert asked(live, connect) == [("regenerate", "locator")]
    with live.paused():
        cue.name = ">next"
    live.wait_for(lambda fake: cue.name == "EMSYNC: next")
    assert asked(live, connect) == [("regenerate", "locator"), ("next", "locator")]


def test_a_locator_asks_in_live_11_too(start: Start, connect: Connect) -> None:
    live = start((11, 0))
    live.wait_for(lambda fake: fake.surface._requests._seen is not None)
    with live.paused() as fake:
        fake.add_locator(4.0, ">regen")
        fake.tick(20)
    assert asked(live, connect) == [("regenerate", "locator")]


def test_a_locator_that_was_there_when_the_set_was_opened_asks_nothing(start: Start, connect: Connect) -> None:
    live = start()
    live.quit()
    live.fake.add_locator(4.0, ">regen")
    live.start()
    with live.paused() as fake:
        fake.tick(20)
    assert asked(live, connect) == []


def test_it_can_be_asked_from_outside(start: Start, connect: Connect) -> None:
    live = start()
    connector = connect(live)
    assert connector.link.ask("ask", {"action": "next"}) == {"number": 1}
    with pytest.raises(TargetError, match="there is regenerate"):
        connector.link.ask("ask", {"action": "explode"})
    assert asked(live, connect) == [("next", "page")]


def test_a_request_is_fetched_once(start: Start, connect: Connect) -> None:
    live = start()
    link = connect(live).link
    link.ask("ask", {"action": "next"})
    last = link.ask("requests", {"after": 0})["last"]
    assert link.ask("requests", {"after": last})["requests"] == []


@pytest.mark.parametrize("version", VERSIONS, ids=str)
def test_the_selection_is_the_brace_and_the_selected_tracks(
    version: Version, start: Start, connect: Connect, tmp_path: Path
) -> None:
    live = start(version)
    connector = connect(live)
    connector.push(small_plan(tmp_path, bpm=(120.0, 60.0)))
    with live.paused() as fake:
        fake.song.loop_start, fake.song.loop_length = 14.0, 4.0
        fake.select("Bass")
    selection = connector.read_selection()
    assert (float(selection.start_s), float(selection.end_s)) == (7.0, 10.0), "seconds, through the tempo map"
    assert (selection.parts, selection.cue, selection.edited) == (("bass",), "0123456789ab", ())
    with live.paused() as fake:
        fake.select("Bass", "Strings")
        fake.clips("Strings")[1].add_new_notes((MidiNoteSpecification(90, 3.0, 1.0),))
    selection = connector.read_selection()
    assert selection.parts == ("bass", "strings")
    assert selection.edited == ("0123456789ab:strings:s2",)
    with live.paused() as fake:
        fake.select("1-MIDI")
    assert connector.read_selection().parts == (), "nothing of ours is selected: all parts are meant"


def test_a_set_without_a_score_has_no_selection(start: Start, connect: Connect) -> None:
    with pytest.raises(TargetError, match="send a score first") as caught:
        connect(start()).read_selection()
    assert caught.value.state == "refused"


def test_transport(start: Start, connect: Connect, tmp_path: Path) -> None:
    live = start()
    connector = connect(live)
    connector.push(small_plan(tmp_path, bpm=(120.0, 60.0)))
    assert connector.transport("locate", 10).seconds == 10
    with live.paused() as fake:
        assert fake.song.current_song_time == 18.0
    assert connector.transport("play").playing
    assert not connector.transport("stop").playing


def test_a_request_that_nobody_fetched_is_forgotten(start: Start, connect: Connect) -> None:
    live = start()
    link = connect(live).link
    link.ask("ask", {"action": "next"})
    with live.paused():
        sys.modules["EMSYNC.asking"].KEPT_S = -1.0  # type: ignore[attr-defined]
    assert link.ask("requests", {"after": 0})["requests"] == []
