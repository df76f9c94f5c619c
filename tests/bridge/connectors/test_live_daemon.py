"""The whole way: something is asked for in Live, the real daemon composes, the clips in Live change."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from bridge.connectors.base import Options
from bridge.connectors.live import LiveConnector
from bridge.connectors.plan import plan_of_folder
from bridge.live.desk import LiveDesk
from tests.bridge.connectors.scores import section_score
from tests.bridge.daemon.conftest import Daemon
from tests.conftest import command, environment, run_emsync
from tests.daw_scripts.live.fake_clips import MidiNoteSpecification
from tests.daw_scripts.live.plans import heard, rows_of
from tests.daw_scripts.live.running import RunningLive


class Studio:
    """Live with a score in it, a daemon, and the desk between them."""

    def __init__(self, home: Path, daemon: Daemon, stack: ExitStack) -> None:
        self.daemon = daemon
        self.folder = section_score(home)
        self.live = RunningLive(home, (12, 2))
        stack.callback(self.live.quit)
        shutil.copy(daemon.state / "token", self.live.state / "token")
        self.said: list[str] = []
        self.desk = LiveDesk(Options(str(self.live.state), 30), daemon.state, self.said.append)
        stack.callback(self.desk.close)
        self.first = plan_of_folder(self.folder)
        self.desk.live.push(self.first)
        self.desk.step()

    def ask(self, action: str) -> str:
        """Ask for something in Live; what is said there when it was done."""
        self.desk.live.link.ask("ask", {"action": action})
        assert self.desk.step() == 1
        return self.said[-1]

    def select(self, start_beat: float, beats: float, *tracks: str) -> None:
        with self.live.paused() as fake:
            fake.song.loop_start, fake.song.loop_length = start_beat, beats
            fake.select(*tracks)

    def rows(self, part: str) -> dict[str, list[Any]]:
        """Section -> the notes of a part's clip in Live."""
        with self.live.paused() as fake:
            clips = [c for t in fake.song.tracks for c in t.arrangement_clips if f":{part}:" in c.name]
            return {c.name.split(":")[2].split()[0]: rows_of(c) for c in clips}

    def holds_current_take(self) -> bool:
        plan = plan_of_folder(self.folder)
        return all(self.rows(i.part).get(i.section, []) == heard(plan, i.part, i.section) for i in plan.items)


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """One daemon for all tests; each has a score and a Live of its own."""
    made = Daemon(tmp_path_factory.mktemp("daemon").resolve())
    made.state.mkdir()
    made.start()
    yield made
    made.stop()


@pytest.fixture
def studio(daemon: Daemon, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Studio]:
    monkeypatch.setattr(os, "fsync", lambda handle: None)
    home = daemon.home / str(request.node.name)
    home.mkdir()
    with ExitStack() as stack:
        yield Studio(home, daemon, stack)


def test_regenerate_what_is_selected_in_live(studio: Studio) -> None:
    before = {part.part: studio.rows(part.part) for part in studio.first.parts}
    section = studio.first.sections[1]
    studio.select(section.tick / 960, (section.end - section.tick) / 960, "Strings")
    said = studio.ask("regenerate")
    assert said == "take 2: strings"
    after = {part.part: studio.rows(part.part) for part in studio.first.parts}
    assert after["strings"][section.id] != before["strings"][section.id]
    after["strings"].pop(section.id)
    before["strings"].pop(section.id)
    assert after == before, "nothing else has changed"
    assert studio.holds_current_take()
    with studio.live.paused() as fake:
        assert fake.shown[-1] == f"EMSYNC: {said}"
        fake.song.undo()
    assert studio.rows("strings")[section.id] == heard(studio.first, "strings", section.id), "one undo takes it back"

    # and again, from a mapped control
    with studio.live.paused() as fake:
        fake.midi(0xBF, 102, 127)
    assert studio.desk.step() == 1
    assert studio.said[-1] == "take 3: strings"
    assert studio.holds_current_take()

    # the takes before and after
    assert "take 2: 1 of" in studio.ask("previous")
    assert studio.holds_current_take()
    assert "take 3: 1 of" in studio.ask("next")
    assert studio.ask("next") == "take 3 is the last"
    assert studio.holds_current_take()


def test_what_was_edited_in_live_is_locked_and_stays(studio: Studio) -> None:
    section = studio.first.sections[0]
    with studio.live.paused() as fake:
        clip = next(c for t in fake.song.tracks for c in t.arrangement_clips if f":strings:{section.id} " in c.name)
        clip.add_new_notes((MidiNoteSpecification(100, 1.0, 1.0),))
        edited = rows_of(clip)
    studio.select(section.tick / 960, (section.end - section.tick) / 960, "Strings", "Bass")
    said = studio.ask("regenerate")
    assert said == "take 2: bass; kept as you edited it: strings"
    assert studio.rows("strings")[section.id] == edited
    document = json.loads((studio.folder / "score.json").read_text(encoding="utf-8"))
    assert document["locks"] == [{"part": "strings", "section": section.id}]
    studio.select(section.tick / 960, (section.end - section.tick) / 960, "Strings")
    assert "everything in this region is locked" in studio.ask("regenerate")
    assert studio.rows("strings")[section.id] == edited


def test_a_take_made_elsewhere_arrives_in_live(studio: Studio) -> None:
    request = {"id": "page-1", "folder": str(studio.folder), "start": "b1", "end": "b3", "parts": "bass"}
    studio.daemon.ask("regenerate", request)
    assert studio.daemon.end_of("page-1", 120)["state"] == "done"
    assert studio.desk.step() == 1
    assert studio.holds_current_take()
    assert studio.desk.step() == 0, "once"


def test_watch_from_the_command_line(studio: Studio) -> None:
    studio.desk.close()
    studio.select(0, 8, "Bass")
    state = studio.folder.parent / "both"
    state.mkdir()
    for path in (studio.live.state / "live.json", *(studio.daemon.state / name for name in ("address.json", "token"))):
        shutil.copy(path, state)
    process = subprocess.Popen(
        command("live", "watch", "--state", state, "--timeout", 30),
        env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        ran = run_emsync("live", "regenerate", "--state", state, "--json")
        assert ran.json["action"] == "regenerate"
        studio.live.wait_for(lambda fake: any("EMSYNC: take 2: bass" in text for text in fake.shown))
    finally:
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=40)
    assert (process.returncode, err.decode()) == (0, "")
    assert "take 2: bass" in out.decode()
    assert studio.holds_current_take()


def test_without_a_daemon_or_without_live_it_says_so_and_goes_on(studio: Studio) -> None:
    studio.select(0, 8, "Bass")
    studio.daemon.stop()
    assert "start it with: emsync serve" in studio.ask("regenerate")
    studio.live.quit()
    assert studio.desk.step() == 0
    assert studio.desk.step() == 0
    assert len([text for text in studio.said if "start Live" in text]) == 1, "said once"
    studio.live.start()
    studio.desk.step()
    assert studio.said[-1] == "Live is there again"
    studio.daemon.start()
    assert studio.ask("regenerate").startswith("take 2: bass")


def test_from_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda handle: None)
    home = tmp_path.resolve()
    daemon = Daemon(home)
    daemon.state.mkdir()
    with ExitStack() as stack:
        live = RunningLive(home, (12, 2))  # in the daemon's own state folder
        stack.callback(live.quit)
        daemon.start()
        stack.callback(daemon.stop)
        folder = section_score(home)
        with LiveConnector(Options(str(live.state), 30)) as connector:
            connector.push(plan_of_folder(folder))
        with live.paused() as fake:
            fake.song.loop_start, fake.song.loop_length = 0.0, 8.0
            fake.select("Bass")
        assert daemon.ask("status")[1]["live"] is True
        assert daemon.ask("live", {"action": "regenerate"})[1]["action"] == "regenerate"
        live.wait_for(lambda fake: any("EMSYNC: take 2: bass" in text for text in fake.shown))
        assert daemon.ask("live", {"action": "dance"})[0] == 400
