"""REAPER's actions, the mailbox, the pump, the daemon and back: the whole way, with a real daemon and a fake REAPER."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.connectors.plan import Plan, plan_of_folder
from bridge.connectors.reaper_daemon import Daemon as DaemonClient
from bridge.connectors.reaper_mailbox import Pump
from tests.bridge.connectors.scores import section_score
from tests.bridge.daemon.conftest import Daemon, _finish
from tests.conftest import command, environment
from tests.daw_scripts.reaper.fake_project import Item
from tests.daw_scripts.reaper.running import Running, content, whole_state

DEADLINE_S = 60


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    made = Daemon(tmp_path_factory.mktemp("reaper-daemon").resolve())
    made.start()
    yield made
    _finish(made)


class Talk:
    """One REAPER with a score in its project, one pump, one daemon."""

    def __init__(self, home: Path, daemon: Daemon, lua: str = "lua54") -> None:
        home.mkdir()
        self.running = Running(home, lua)
        self.running.project.path = str(home / "film.rpp")
        self.folder = section_score(home)
        box = self.running.box()
        box.wait = self.turn
        self.pump = Pump(box, DaemonClient(daemon.state))

    def turn(self, seconds: float) -> None:
        time.sleep(min(seconds, 0.01))
        self.running.reaper.turn()

    def pushed(self) -> Talk:
        self.running.start()
        self.running.connector().push(self.plan)
        return self

    @property
    def plan(self) -> Plan:
        return plan_of_folder(self.folder)

    def act(self, name: str) -> None:
        """Run an action while somebody listens."""
        self.pump.box.pump_beat()
        self.running.action(name)

    def serve(self) -> str:
        """Do what waits; the line that REAPER shows in the end."""
        self.running.reaper.turn(3)
        deadline = time.monotonic() + DEADLINE_S
        while not self.pump.step():
            assert time.monotonic() < deadline, "no request came"
        self.running.reaper.turn(40)
        assert self.running.reaper.messages == []
        return self.running.reaper.status + "".join(self.running.reaper.console)

    def select_section(self, section: str) -> None:
        row = next(s for s in self.plan.sections if s.id == section)
        self.running.project.selection = (float(row.start_s), float(row.end_s))


@pytest.fixture
def talk(tmp_path: Path, daemon: Daemon) -> Talk:
    return Talk(daemon.home / tmp_path.name, daemon)


def takes(item: Item) -> list[str]:
    return [take.name for take in item.takes]


def sections(plan: Plan) -> list[str]:
    return [section.id for section in plan.sections]


def test_regenerate_the_time_selection_on_selected_items(talk: Talk) -> None:
    running = talk.pushed().running
    middle = sections(talk.plan)[1]
    talk.select_section(middle)
    strings = running.item("strings", middle)
    others = {name: content(item) for name, item in running.ours().items() if item is not strings}
    running.select(strings)
    talk.act("regenerate")
    said = talk.serve()
    assert "take 2" in said
    assert [name.rpartition(" ")[2] for name in takes(strings)] == ["1", "2"]
    assert strings.current == 1
    wanted = talk.plan.item(strings.ext["P_EXT:emsync_item"])
    assert [n[:4] for n in strings.active.notes()] == [
        (n.tick, n.pitch, n.duration, n.velocity) for n in wanted.relative_notes()
    ]
    assert {name: content(i) for name, i in running.ours().items() if i is not strings} == others
    assert [title for title, _ in running.project.undo] == ["EMSYNC: score take 1", "EMSYNC: regenerate take 2"]


def test_undo_takes_a_regeneration_back_whole(talk: Talk) -> None:
    running = talk.pushed().running
    before = whole_state(running.project)
    talk.select_section(sections(talk.plan)[1])
    talk.act("regenerate")
    talk.serve()
    assert whole_state(running.project) != before
    running.reaper.Undo_DoUndo2(0)
    assert whole_state(running.project) == before


def test_what_was_edited_by_hand_counts_as_locked_when_all_parts_are_asked_for(talk: Talk) -> None:
    running = talk.pushed().running
    middle = sections(talk.plan)[1]
    talk.select_section(middle)
    bass = running.item("bass", middle)
    mine = running.edit(bass)
    talk.act("regenerate")
    talk.serve()
    assert content(bass) == mine
    assert takes(bass)[0].endswith("take 1")
    assert len(takes(running.item("strings", middle))) == 2
    document = json.loads((talk.folder / "score.json").read_text(encoding="utf-8"))
    assert set(document["takes"][-1]["changed"]) == {p.part for p in talk.plan.parts} - {"bass"}
    assert document["locks"] == []


def test_an_edited_item_that_is_selected_gets_its_new_take_beside_the_edit(talk: Talk) -> None:
    running = talk.pushed().running
    middle = sections(talk.plan)[1]
    bass = running.item("bass", middle)
    mine = running.edit(bass)
    running.select(bass)
    talk.act("regenerate")
    assert "beside your edits" in talk.serve()
    assert bass.current == 1
    assert repr(bass.takes[0].source.events).encode() == mine
    running.action("previous_take")
    assert content(bass) == mine


def test_a_locked_item_stays_in_reaper_and_in_the_score(talk: Talk) -> None:
    running = talk.pushed().running
    middle = sections(talk.plan)[1]
    piano = running.item("piano", middle)
    before = content(piano)
    running.select(piano)
    talk.act("lock")
    talk.serve()
    assert piano.values["C_LOCK"] == 1
    running.select()
    talk.select_section(middle)
    talk.act("regenerate")
    talk.serve()
    assert content(piano) == before
    assert len(piano.takes) == 1
    running.select(piano)
    talk.act("lock")
    talk.serve()
    assert piano.values["C_LOCK"] == 0
    assert json.loads((talk.folder / "score.json").read_text(encoding="utf-8"))["locks"] == []


def test_another_mood_makes_another_take(talk: Talk) -> None:
    running = talk.pushed().running
    talk.select_section(sections(talk.plan)[1])
    running.reaper.answers = ["-0.8,0.9"]
    talk.act("change_mood")
    assert "take 2" in talk.serve()
    document = json.loads((talk.folder / "score.json").read_text(encoding="utf-8"))
    assert document["takes"][-1]["request"]["mood"] == [-0.8, 0.9]


def test_a_mood_that_is_none_is_refused_with_a_reason(talk: Talk) -> None:
    running = talk.pushed().running
    talk.select_section(sections(talk.plan)[1])
    running.reaper.answers = ["purple"]
    talk.act("change_mood")
    before = whole_state(running.project)
    assert "mood" in talk.serve()
    assert whole_state(running.project) == before


def test_everything_locked_is_refused_with_a_reason(talk: Talk) -> None:
    running = talk.pushed().running
    middle = sections(talk.plan)[1]
    items = [running.item(part.part, middle) for part in talk.plan.parts]
    running.select(*items)
    talk.act("lock")
    talk.serve()
    running.select()
    talk.select_section(middle)
    talk.act("regenerate")
    assert "locked" in talk.serve()
    assert all(len(item.takes) == 1 for item in items)


def test_nobody_listens_is_said_and_the_lock_waits(talk: Talk) -> None:
    running = talk.pushed().running
    talk.pump.close()
    piano = running.item("piano", sections(talk.plan)[0])
    running.select(piano)
    running.action("lock")
    assert "emsync serve" in running.reaper.messages.pop()
    assert piano.values["C_LOCK"] == 1
    talk.serve()
    locks = json.loads((talk.folder / "score.json").read_text(encoding="utf-8"))["locks"]
    assert locks == [{"part": "piano", "section": sections(talk.plan)[0]}]


def test_a_request_is_done_once_although_the_pump_died_before_it_said_so(talk: Talk, daemon: Daemon) -> None:
    running = talk.pushed().running
    talk.select_section(sections(talk.plan)[1])
    talk.act("regenerate")
    request = next((talk.pump.box.root / "out").glob("*.request.json"))
    asked = request.read_bytes()
    talk.serve()
    request.write_bytes(asked)
    talk.serve()
    assert talk.plan.take == 2
    assert [title for title, _ in running.project.undo] == ["EMSYNC: score take 1", "EMSYNC: regenerate take 2"]


def test_reaper_crashes_while_a_take_is_composed_and_gets_it_afterwards(talk: Talk) -> None:
    running = talk.pushed().running
    middle = sections(talk.plan)[1]
    talk.select_section(middle)
    talk.act("regenerate")
    running.reaper.turn(3)
    running.reaper.crash()
    running.age_s = 3600
    assert talk.pump.step()
    assert talk.plan.take == 2
    strings = running.item("strings", middle)
    assert len(strings.takes) == 1
    running.restart()
    delivered = running.connector().push(talk.plan)
    assert delivered.count("updated") == len(talk.plan.parts)
    assert len(strings.takes) == 2


def test_send_from_the_command_line(talk: Talk) -> None:
    running = talk.running.start()
    bass = None
    for expected in ("new", "as they were", "edited by hand"):
        with subprocess.Popen(
            command("send", talk.folder, "--to", "reaper", "--at", running.resources), env=environment(),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        ) as sending:  # fmt: skip
            deadline = time.monotonic() + DEADLINE_S
            while sending.poll() is None:
                assert time.monotonic() < deadline
                talk.turn(0.01)
            out, err = sending.communicate()
        assert (sending.returncode, err) == (0, b"")
        assert "REAPER 7.22" in out.decode()
        assert expected in out.decode()
        if bass is None:
            bass = running.item("bass", sections(talk.plan)[0])
        elif expected == "as they were":
            running.edit(bass)
    assert len(running.ours()) == len(talk.plan.items)
    assert json.loads((talk.folder / "score.json").read_text(encoding="utf-8"))["locks"] == [
        {"part": "bass", "section": sections(talk.plan)[0]}
    ]


def score_of(talk: Talk) -> Any:
    return json.loads((talk.folder.parent / "film.emsync" / "score.json").read_text(encoding="utf-8"))


def test_score_the_picture_of_a_project(talk: Talk) -> None:
    running = talk.running.start()
    for index, (start, length) in enumerate([(2.0, 5.0), (7.0, 4.0), (11.0, 6.0)]):
        running.add_item("VIDEO", start, length, file=f"/films/shot {index}.mov")
    running.add_marker("mood: tense", 2.0)
    talk.act("score_picture")
    assert "take 1" in talk.serve()
    document = score_of(talk)
    assert len(document["takes"]) == 1
    first = min(item.position for item in running.ours().values())
    assert first == 2.0
    hits = [m.time for m in running.project.state.markers if m.name.startswith("Hit")]
    assert hits
    assert all(min(abs(h - cut) for cut in (7.0, 11.0)) < 1e-3 for h in hits)


def test_a_folder_that_cannot_be_written_is_named_and_the_next_request_is_served(talk: Talk) -> None:
    running = talk.running.start()
    running.add_item("VIDEO", 0.0, 20.0, file="/films/one shot.mov")
    blocked = talk.folder.parent / "file"
    blocked.write_text("", encoding="utf-8")
    running.project.path = str(blocked / "film.rpp")
    talk.act("score_picture")
    assert "file" in talk.serve()
    assert running.ours() == {}
    running.project.path = str(talk.folder.parent / "film.rpp")
    talk.act("score_picture")
    assert "take 1" in talk.serve()


def test_markers_become_hits_and_the_score_is_updated(talk: Talk) -> None:
    running = talk.running.start()
    running.add_item("VIDEO", 0.0, 20.0, file="/films/one shot.mov")
    talk.act("score_picture")
    talk.serve()
    running.add_marker("door slams", 9.5)
    talk.act("send_markers")
    assert "take 2" in talk.serve()
    plan = plan_of_folder(talk.folder.parent / "film.emsync")
    assert set(running.ours()) == {item.id for item in plan.items}
    hits = [m.time for m in running.project.state.markers if m.name.startswith("Hit")]
    assert min(abs(h - 9.5) for h in hits) < 1e-3
    assert sum(m.name == "door slams" for m in running.project.state.markers) == 1
