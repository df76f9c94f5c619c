"""kill -9 of the worker or the daemon at any moment: accepted jobs end once, score folders stay whole."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bridge.daemon import jobs
from bridge.daemon.jobs import CANCELLED, DONE, FAILED, QUEUED, RUNNING, Job, JobStore
from emsync_engine.errors import InputError
from tests.bridge.daemon.conftest import Daemon, is_dead, wait_for
from tests.bridge.test_score_folder import check_whole

pytestmark = pytest.mark.timeout(900)  # workers are started again and again
needs_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")


def takes(folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((folder / "score.json").read_text(encoding="utf-8"))["takes"]
    return found


def scored(daemon: Daemon) -> Path:
    _, job = daemon.ask("score", {"id": "base", "source": str(daemon.home / "cut.otio"), "wait": 60})
    assert job["state"] == "done", job
    return Path(job["result"]["dir"])


def another_worker(daemon: Daemon, before: int) -> bool:
    """Whether a worker has taken the place of a dead one."""
    return daemon.ask("status")[1]["worker"] not in (0, before)


@needs_linux
def test_a_killed_worker_is_replaced_and_its_job_is_done_once(daemon: Daemon) -> None:
    daemon.start()
    folder = scored(daemon)
    rng = random.Random(1)
    worker = 0
    for number in range(6):
        wait_for(partial(another_worker, daemon, worker))
        worker = daemon.worker()
        asked = {"id": f"kill-{number}", "folder": str(folder), "start": 1, "end": 4}
        assert daemon.ask("regenerate", asked)[0] in (200, 202)
        time.sleep(rng.uniform(0, 0.3))
        os.kill(worker, signal.SIGKILL)
        assert daemon.end_of(f"kill-{number}")["state"] == "done"
        assert len(takes(folder)) == number + 2
        check_whole(folder)


@needs_linux
def test_a_job_that_always_kills_its_worker_fails(daemon: Daemon) -> None:
    daemon.start()
    asked = {"id": "deadly", "source": str(daemon.home / "long.otio")}
    daemon.ask("score", asked)
    killed: set[int] = set()
    while (job := daemon.job("deadly"))["ended"] is None:
        worker = daemon.ask("status")[1]["worker"]
        if job["state"] == "running" and worker and worker not in killed:
            killed.add(worker)
            os.kill(worker, signal.SIGKILL)
        time.sleep(0.05)
    assert (job["state"], job["error"]["code"], job["attempts"]) == ("failed", "worker_died", 3)
    assert not (daemon.home / "long.emsync" / "score.json").exists()


@needs_linux
def test_a_killed_daemon_finishes_its_jobs_once_when_it_is_started_again(daemon: Daemon) -> None:
    daemon.start()
    folder = scored(daemon)
    rng = random.Random(2)
    for number in range(4):
        worker = daemon.worker()
        for job_id in (f"a-{number}", f"b-{number}"):
            daemon.ask("regenerate", {"id": job_id, "folder": str(folder), "start": 1, "end": 4})
        time.sleep(rng.uniform(0, 0.5))
        assert daemon.stop(signal.SIGKILL)[0] == -signal.SIGKILL
        wait_for(partial(is_dead, worker))  # it dies with its parent
        daemon.start()
        for job_id in (f"a-{number}", f"b-{number}"):
            assert daemon.end_of(job_id)["state"] == "done"
        assert len(takes(folder)) == 2 * number + 3
        check_whole(folder)
        again = {"id": f"a-{number}", "folder": str(folder), "start": 1, "end": 4}
        assert daemon.ask("regenerate", again)[1]["state"] == "done"  # a client that has not heard its end
        assert len(takes(folder)) == 2 * number + 3


@needs_linux
def test_a_clean_stop_keeps_what_waits(daemon: Daemon) -> None:
    daemon.start()
    daemon.ask("score", {"id": "runs", "source": str(daemon.home / "long.otio")})
    daemon.ask("score", {"id": "waits", "source": str(daemon.home / "cut.otio")})
    wait_for(lambda: daemon.job("runs")["state"] == "running")
    assert daemon.stop() == (0, "")
    daemon.start()
    assert daemon.job("runs")["attempts"] <= 1
    assert daemon.ask("cancel", {"job": "runs"})[1]["state"] == "cancelled"
    assert daemon.end_of("waits")["state"] == "done"
    check_whole(daemon.home / "cut.emsync")


# --- the queue alone ---


def job(job_id: str, **more: Any) -> Job:
    return Job(job_id, "lock", {"folder": f"/{job_id}"}, 0, 60.0, **more)


def test_the_queue_survives_closing(tmp_path: Path) -> None:
    store = JobStore(tmp_path / "q")
    first = store.start(store.add(job("1")), {"/x": 3})
    store.end(store.add(job("2")), DONE, result={"take": 2, "notes": {"bass": 3}, "files": {"report": "/r"}})
    store.end(store.add(job("3")), FAILED, error={"code": "c", "message": "m", "where": ""})
    store.end(store.add(job("4")), CANCELLED)
    store.requeue(store.start(store.add(job("5")), {}))
    store.close()
    store = JobStore(tmp_path / "q")
    kept = {j.id: j for j in store.jobs()}
    assert [j.state for j in kept.values()] == [RUNNING, DONE, FAILED, CANCELLED, QUEUED]
    assert kept["1"] == first
    assert kept["2"].brief == {"take": 2, "report": "/r"}
    assert store.result("2") == {"take": 2, "notes": {"bass": 3}, "files": {"report": "/r"}}
    assert kept["3"].error["code"] == "c"
    assert kept["5"].attempts == 1
    store.close()


def test_the_queue_is_of_one_process(tmp_path: Path) -> None:
    store = JobStore(tmp_path / "q")
    with pytest.raises(InputError) as refused:
        JobStore(tmp_path / "q")
    assert refused.value.code == "busy"
    store.close()
    JobStore(tmp_path / "q").close()


def test_the_queue_is_bounded_and_forgets_the_oldest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "MAX_KEPT", 5)
    monkeypatch.setattr(jobs, "MAX_WAITING", 10)
    store = JobStore(tmp_path / "q")
    for number in range(7):
        store.end(store.add(job(f"old-{number}")), DONE)
    assert sorted(store.forget_old()) == ["old-0", "old-1"]
    for number in range(10):
        store.add(job(f"{number}"))
    with pytest.raises(InputError) as refused:
        store.add(job("more"))
    assert refused.value.code == "queue_full"
    assert store.add(job("7")).number  # one of them again
    store.close()


def test_what_is_no_queue_is_said(tmp_path: Path) -> None:
    (tmp_path / "q").write_bytes(b"x" * 5000)
    with pytest.raises(InputError) as refused:
        JobStore(tmp_path / "q")
    assert refused.value.code == "damaged"
