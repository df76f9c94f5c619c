"""A watched folder: what an editor exports there is scored, and conformed when it is a new version."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from bridge.daemon.process import Worker
from bridge.daemon.worker import settings_of
from bridge.files import Look
from bridge.settings import Settings
from bridge.watch import WatchRequest, settings_json, watch
from bridge.watch_exports import Memory, Settling, cue_of, exports
from emsync_engine.errors import InputError
from emsync_engine.score import Key
from tests.acceptance.edits import plain_cut
from tests.bridge.test_score_folder import check_whole
from tests.conftest import NO_SYNTH, Ran, command, environment, run_emsync, save

CUT, NEXT = plain_cut([50, 60, 40]), plain_cut([50, 60, 90, 40])

# --- names ---


@pytest.mark.parametrize(
    ("name", "cue"),
    [
        ("cut.otio", "cut"), ("cut_v2.otio", "cut"), ("cut_V02.1.edl", "cut"), ("cut v3.xml", "cut"),
        ("cut (1).xml", "cut"), ("cut copy.xml", "cut"), ("Reel 1 Ver 12 (3).aaf", "Reel 1"),
        ("reel_2.otio", "reel_2"), ("v2.otio", "v2"), ("movie.v7.otio", "movie"), ("drive.otio", "drive"),
    ],
)  # fmt: skip
def test_versions_of_a_cue_share_its_name(name: str, cue: str) -> None:
    assert cue_of(Path(name)) == cue


def test_only_exports_are_seen(tmp_path: Path) -> None:
    for name in ("a.otio", "b.EDL", "c.mov", "d.mid", ".e.otio", "~f.xml", "g.txt", "h.otio.part"):
        (tmp_path / name).write_text("x", encoding="utf-8")
    (tmp_path / "empty.otio").touch()
    (tmp_path / "i.otiod").mkdir()
    (tmp_path / "i.otiod" / "content.otio").write_text("x", encoding="utf-8")
    assert sorted(p.name for p in exports(tmp_path)) == ["a.otio", "b.EDL", "i.otiod"]


def test_an_export_has_settled_when_it_has_not_changed_for_a_while() -> None:
    settling, path = Settling(2.0), Path("a")
    small, grown = Look(1, 1, 1), Look(2, 2, 1)
    settled = [settling.settled({path: look}, now) for now, look in
               ((0.0, small), (1.9, small), (2.0, small), (2.1, grown), (4.0, grown), (4.2, grown))]  # fmt: skip
    assert settled == [[], [], [path], [], [], [path]]
    assert settling.settled({}, 5.0) == []
    assert settling.settled({path: grown}, 6.0) == []  # it had gone meanwhile


def test_a_damaged_memory_is_said(tmp_path: Path) -> None:
    (tmp_path / ".emsync-watch.json").write_text("[", encoding="utf-8")
    with pytest.raises(InputError) as refused:
        Memory(tmp_path)
    assert refused.value.code == "damaged"


def test_the_worker_reads_the_settings_of_the_command_line() -> None:
    given = Settings(
        mood=(-0.25, 0.5), seed=3, parts=("drums", "bass"), min_gap=Fraction(5, 2), tempo=96.5, key=Key(9, "minor"),
        engine="rules", soundfont=Path.cwd() / "a.sf2", media_roots=(Path.cwd(),), rate=Fraction(24000, 1001),
    )  # fmt: skip
    assert settings_of(json.loads(json.dumps(settings_json(given)))) == given
    assert settings_of(settings_json(Settings())) == Settings()


# --- once ---


def watch_once(folder: Path, *more: object) -> Ran:
    return run_emsync("watch", folder, "--once", "--settle", 0.4, "--json", *more)


def lines(ran: Ran) -> list[tuple[str, bool]]:
    return [(line["file"], line["ok"]) for line in ran.json["handled"]]


def takes(folder: Path) -> list[Any]:
    found: list[Any] = json.loads((folder / "score.json").read_text(encoding="utf-8"))["takes"]
    return found


def test_once_scores_conforms_and_goes_on_after_bad_files(tmp_path: Path) -> None:
    save(CUT, tmp_path / "cut.otio")
    os.utime(tmp_path / "cut.otio", (1000, 1000))
    save(NEXT, tmp_path / "cut_v2.otio")
    (tmp_path / "bad.otio").write_text("{", encoding="utf-8")
    (tmp_path / "other.xml").write_text("<html/>", encoding="utf-8")
    ran = watch_once(tmp_path, "--seed", 7)
    assert ran.status == 3
    assert sorted(lines(ran)) == [("bad.otio", False), ("cut.otio", True), ("cut_v2.otio", True), ("other.xml", False)]
    assert all("\n" not in line["text"] and line["text"] for line in ran.json["handled"])
    made = takes(tmp_path / "cut.emsync")
    assert [t["request"]["command"] for t in made] == ["score", "conform"]
    assert made[0]["seed"] == 7
    check_whole(tmp_path / "cut.emsync")
    assert watch_once(tmp_path).json == {"handled": [], "exit_status": 0}

    os.utime(tmp_path / "cut_v2.otio")  # touched, not changed
    assert watch_once(tmp_path).json["handled"] == []
    save(CUT, tmp_path / "bad.otio")
    again = watch_once(tmp_path)
    assert (again.status, lines(again)) == (0, [("bad.otio", True)])
    check_whole(tmp_path / "bad.emsync")


def test_what_was_scored_by_hand_is_not_scored_again(tmp_path: Path) -> None:
    timeline = save(CUT, tmp_path / "cut.otio")
    assert run_emsync("score", timeline, "-o", tmp_path / "cut.emsync", "--json").status == 0
    ran = watch_once(tmp_path)
    assert "already" in ran.json["handled"][0]["text"]
    assert len(takes(tmp_path / "cut.emsync")) == 1


def test_an_export_saved_right_after_it_was_scored_is_new(tmp_path: Path) -> None:
    timeline = save(CUT, tmp_path / "cut.otio")
    assert run_emsync("score", timeline, "-o", tmp_path / "cut.emsync", "--json").status == 0
    created = takes(tmp_path / "cut.emsync")[0]["created"]
    save(NEXT, timeline)
    second_ns = int(datetime.fromisoformat(created).timestamp()) * 1_000_000_000
    os.utime(timeline, ns=(second_ns, second_ns))  # within the very second of the take
    ran = watch_once(tmp_path)
    assert ran.json["handled"][0]["text"].startswith("conformed, "), ran
    assert [t["request"]["command"] for t in takes(tmp_path / "cut.emsync")] == ["score", "conform"]


def test_what_is_saved_while_its_forerunner_is_being_scored_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    timeline, calls = save(CUT, tmp_path / "cut.otio"), []

    async def work(worker: Worker, call: str, *_: object) -> dict[str, Any]:
        calls.append(call)
        save(NEXT, timeline)
        return {"result": {"hits": [], "take": len(calls)}}

    monkeypatch.setattr(Worker, "work", work)
    for _ in range(3):
        watch(WatchRequest(tmp_path, once=True, settle_s=0.1), lambda line: None)
    assert calls == ["score", "score"]


def test_a_regenerated_score_still_knows_its_export(tmp_path: Path) -> None:
    timeline = save(CUT, tmp_path / "cut.otio")
    home = tmp_path / "cut.emsync"
    assert run_emsync("score", timeline, "-o", home, "--json").status == 0
    assert run_emsync("regenerate", home, "--start", "0", "--end", "2", "--json").status == 0
    ran = watch_once(tmp_path)
    assert "already" in ran.json["handled"][0]["text"]
    assert len(takes(home)) == 2


def test_score_folders_go_where_they_are_wanted(tmp_path: Path) -> None:
    save(CUT, tmp_path / "in" / "cut.otio")
    ran = watch_once(tmp_path / "in", "-o", tmp_path / "out")
    assert ran.status == 0, ran
    assert sorted(p.name for p in (tmp_path / "in").iterdir()) == ["cut.otio"]
    check_whole(tmp_path / "out" / "cut.emsync")


def test_no_such_folder(tmp_path: Path) -> None:
    ran = watch_once(tmp_path / "none")
    assert (ran.status, ran.error["code"]) == (3, "no_such_folder")


# --- for as long as it runs ---


@pytest.fixture
def watching(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    watch = command("watch", tmp_path, "--settle", 1)
    process = subprocess.Popen(
        watch, env=environment(NO_SYNTH), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("watching")
    yield process
    if process.poll() is None:
        process.kill()
    process.communicate()


@pytest.mark.timeout(280)
@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGTERM")
def test_an_export_is_scored_once_it_is_written_and_its_new_version_conformed(
    watching: subprocess.Popen[str], tmp_path: Path
) -> None:
    assert watching.stdout is not None
    whole = json.dumps(CUT)
    with (tmp_path / "cut.otio").open("w", encoding="utf-8") as file:
        for part in range(4):  # a slow export: half a file must not be read
            file.write(whole[part * len(whole) // 4 : (part + 1) * len(whole) // 4])
            file.flush()
            time.sleep(0.3)
    assert watching.stdout.readline().startswith("cut.otio: scored, ")
    assert run_emsync("watch", tmp_path, "--once", "--json").error["code"] == "busy"
    save(NEXT, tmp_path / "cut.otio")
    assert watching.stdout.readline().startswith("cut.otio: conformed, ")
    watching.send_signal(signal.SIGTERM)
    _, said = watching.communicate(timeout=120)
    assert (watching.returncode, said) == (0, "")
