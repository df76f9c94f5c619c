"""Killed, interrupted, raced: the folder always opens, with the state before or the one after."""

from __future__ import annotations

import gc
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bridge.files import only_writer
from bridge.folder import ScoreFolder
from bridge.history import list_takes, use_take
from bridge.pipeline import RegenerateRequest, ScoreRequest, regenerate, score
from emsync_engine.errors import InputError
from tests.acceptance.edits import plain_cut
from tests.bridge.test_score_folder import check_whole
from tests.conftest import command, environment, files_of, save

pytestmark = pytest.mark.usefixtures("silent")
needs_posix = pytest.mark.skipif(sys.platform == "win32", reason="forks and sends signals")


def quiet(done: float, stage: str) -> None:
    """Progress that nobody watches."""


# --- killed at every step ----------------------------------------------------------------------------------------


def dies_at(step: int, work: Callable[[], object]) -> bool:
    """Do some work in a child that dies, as if killed, at its ``step``-th change of the disk; whether it did die."""
    child = os.fork()
    if child == 0:
        gc.disable()  # or it would end decoders of other tests, whose threads it does not have, and wait for ever
        _die_at(step)
        try:
            work()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


def _die_at(step: int) -> None:
    left = step

    def watched(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            nonlocal left
            left -= 1
            if left < 0:
                os._exit(9)
            return function(*arguments, **named)

        return call

    for name in ("replace", "rename", "unlink", "remove", "rmdir", "mkdir", "fsync"):
        setattr(os, name, watched(getattr(os, name)))


@needs_posix
@pytest.mark.usefixtures("few_files")
def test_a_take_killed_at_every_step_is_whole_or_not_there(scored: Path) -> None:
    """A derived file was edited by hand before, so that moving it aside is among the steps."""
    (scored / "score.mid").write_bytes(b"mine")
    before = files_of(scored)
    steps = 0
    while dies_at(steps, lambda: regenerate(RegenerateRequest(scored, "3", "15"), quiet)):
        takes = list_takes(scored)
        now = files_of(scored)
        if len(takes["takes"]) == 1:
            assert now == before, f"half a take after step {steps}"
        else:
            assert takes["current"] == 2
            check_whole(scored)
            assert now["score.edited-1.mid"] == b"mine"
            assert now["takes/take-0001.json"] == before["takes/take-0001.json"]
            _restore(scored, before)
        steps += 1
    assert steps > 15
    check_whole(scored)


def _restore(folder: Path, files: dict[str, bytes]) -> None:
    for name in set(files_of(folder)) - set(files):
        (folder / name).unlink()
    for name, data in files.items():
        (folder / name).write_bytes(data)


@needs_posix
@pytest.mark.usefixtures("few_files")
def test_a_first_score_killed_at_every_step_can_be_made_again(tmp_path: Path) -> None:
    path = save(plain_cut([50, 60]), tmp_path / "cut.otio")
    steps = 0
    while dies_at(steps, partial(score, ScoreRequest(path, tmp_path / f"out{steps}"), quiet)):
        folder = tmp_path / f"out{steps}"
        if steps % 3 == 0:
            finished = folder.exists() and ScoreFolder(folder).exists()
            assert score(ScoreRequest(path, folder), quiet)["take"] == (2 if finished else 1)
            check_whole(folder)
        steps += 1
    assert steps > 20


@needs_posix
@pytest.mark.usefixtures("few_files")
def test_a_recovery_that_is_killed_itself_can_be_repeated(scored: Path) -> None:
    before = files_of(scored)
    for first in range(12, 40, 4):
        _restore(scored, before)
        if not dies_at(first, lambda: regenerate(RegenerateRequest(scored, "3", "15"), quiet)):
            break
        second = 0
        while dies_at(second, lambda: list_takes(scored)):
            second += 1
        if len(list_takes(scored)["takes"]) == 1:
            assert files_of(scored) == before
        else:
            check_whole(scored)


@pytest.mark.parametrize("failure", [OSError(5, "Input/output error"), KeyboardInterrupt()], ids=["disk", "ctrl-c"])
@pytest.mark.parametrize("step", range(8))
def test_a_failure_at_any_rename_loses_nothing(
    step: int, failure: BaseException, scored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = files_of(scored)
    left = step
    rename = os.replace

    def failing(*arguments: Any, **named: Any) -> None:
        nonlocal left
        left -= 1
        if left == -1:
            raise failure
        rename(*arguments, **named)

    monkeypatch.setattr(os, "replace", failing)
    with suppress(OSError, KeyboardInterrupt):
        regenerate(RegenerateRequest(scored, "3", "15"), quiet)
    monkeypatch.setattr(os, "replace", rename)
    if len(list_takes(scored)["takes"]) == 1:
        assert files_of(scored) == before
    else:
        check_whole(scored)
    assert use_take(scored, 1, quiet)["current"] == 1


# --- signals -----------------------------------------------------------------------------------------------------


def start(*arguments: object, synth: str | None = None) -> subprocess.Popen[bytes]:
    """A command with sound, in a process group of its own, as a terminal starts it."""
    return subprocess.Popen(
        command(*arguments), env=environment(synth), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        start_new_session=True,
    )  # fmt: skip


def strike(process: subprocess.Popen[bytes], number: int, after_s: float) -> tuple[int, str]:
    """Send a signal to the whole group after a while: (exit status, stderr)."""
    try:
        process.wait(after_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, number)
    _, said = process.communicate(timeout=60)
    return process.returncode, said.decode(errors="replace")


@pytest.fixture(scope="module")
def sounding_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A 4 s score with sound."""
    home = tmp_path_factory.mktemp("sounding")
    save(plain_cut([50, 46]), home / "cut.otio")
    small = Path(pytest.importorskip("pretty_midi").__file__).with_name("TimGM6mb.sf2")
    score_it = command("score", home / "cut.otio", "-o", home / "out", "--soundfont", small)
    subprocess.run(score_it, env=environment(None), check=True, capture_output=True)
    return home


@needs_posix
def test_signals_at_any_moment_leave_a_folder_that_opens(sounding_once: Path) -> None:
    """Ten strikes on regenerate and score, half of them Ctrl-C, half of them kill -9, into the same folder."""
    folder = sounding_once / "out"
    rng = random.Random(11)
    began = time.monotonic()
    whole = start("regenerate", folder, "--start", 1, "--end", 3)
    assert whole.wait(60) == 0
    lasts_s = time.monotonic() - began
    takes = 2
    for number in range(10):
        arguments: tuple[object, ...] = ("regenerate", folder, "--start", 1, "--end", 3)
        if number % 3 == 2:
            arguments = ("score", sounding_once / "cut.otio", "-o", folder, "--seed", number)
        kind = (signal.SIGINT, signal.SIGKILL)[number % 2]
        status, said = strike(start(*arguments), kind, rng.uniform(0.1, 0.95) * lasts_s)
        listed = list_takes(folder)
        assert len(listed["takes"]) in (takes, takes + 1)
        assert listed["current"] == len(listed["takes"])
        takes = len(listed["takes"])
        check_whole(folder)
        if kind == signal.SIGINT and "site.py" not in said and "<frozen" not in said:  # while Python itself starts
            assert status in (0, 130, -signal.SIGINT) and "Traceback" not in said, said
    done = start("regenerate", folder, "--start", 1, "--end", 3)
    assert done.wait(60) == 0
    assert len(list_takes(folder)["takes"]) == takes + 1
    check_whole(folder)


@needs_posix
def test_ctrl_c_during_a_first_score_leaves_nothing(sounding_once: Path, tmp_path: Path) -> None:
    process = start("score", sounding_once / "cut.otio", "-o", tmp_path / "new", "--json")
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("new/.staging*/.emsync-render*")) and time.monotonic() < deadline:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    out, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert json.loads(out)["error"]["code"] == "interrupted"
    assert said == b""
    assert not (tmp_path / "new").exists()


@needs_posix
def test_no_player_outlives_a_killed_command(sounding_once: Path, tmp_path: Path) -> None:
    """kill -9 on the command alone: the processes that play its parts end by themselves."""
    process = start("score", sounding_once / "cut.otio", "-o", tmp_path / "new")
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("new/.staging*/.emsync-render*/worker-*")) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.kill()
    process.wait()
    for _ in range(200):
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            break
        time.sleep(0.05)
    else:
        os.killpg(process.pid, signal.SIGKILL)
        pytest.fail("a player still runs after ten seconds")
    for pipe in (process.stdout, process.stderr):
        assert pipe is not None
        pipe.close()


# --- two at once -------------------------------------------------------------------------------------------------


def test_two_programs_on_one_folder_take_turns(scored: Path) -> None:
    both = [
        start("regenerate", scored, "--start", 2, "--end", 15, "--parts", part, "--json", synth="none")
        for part in ("piano", "strings")
    ]
    answers = [json.loads(p.communicate(timeout=60)[0]) for p in both]
    assert sorted(a["take"] for a in answers) == [2, 3]
    first, second = sorted(answers, key=lambda a: a["take"])
    listed = list_takes(scored)["takes"]
    assert [t["parent"] for t in listed] == [None, 1, 2]
    assert listed[1]["changed"] == first["changed"] and listed[2]["changed"] == second["changed"]
    check_whole(scored)
    parts = {p.id: p.notes for p in ScoreFolder(scored).take(3).score.parts}
    old = {p.id: p.notes for p in ScoreFolder(scored).take(1).score.parts}
    assert {p for p in old if old[p] != parts[p]} == {"piano", "strings"}, "one of the two was lost"


def test_two_first_scores_into_one_folder(tmp_path: Path) -> None:
    path = save(plain_cut([100, 92]), tmp_path / "cut.otio")
    both = [start("score", path, "-o", tmp_path / "out", "--seed", seed, "--json", synth="none") for seed in (1, 2)]
    answers = [json.loads(p.communicate(timeout=60)[0]) for p in both]
    assert sorted(a["take"] for a in answers) == [1, 2]
    check_whole(tmp_path / "out")


def test_the_history_can_be_read_while_a_take_is_made(scored: Path) -> None:
    with only_writer(scored):
        began = time.monotonic()
        assert len(list_takes(scored)["takes"]) == 1
        assert time.monotonic() - began < 5


def test_a_writer_that_waits_too_long_says_so(scored: Path) -> None:
    told: list[str] = []
    waits = only_writer(scored / ".." / scored.name, wait_s=0.2, waiting=lambda: told.append("waiting"))
    with only_writer(scored), pytest.raises(InputError) as caught, waits:
        raise AssertionError("two writers at once")
    assert caught.value.code == "busy" and str(scored.name) in caught.value.where
    assert told == ["waiting"]
    with only_writer(scored, wait_s=0):
        pass
