"""What became of a job that was cut off, from the score folder alone; and jobs that take too long."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.daemon.engine import Engine
from bridge.daemon.jobs import DONE, FAILED, Job, JobStore
from bridge.daemon.outcome import outcome, takes_seen
from bridge.pipeline import RegenerateRequest, ScoreRequest, regenerate, score
from tests.acceptance.edits import plain_cut
from tests.conftest import environment, save

pytestmark = pytest.mark.usefixtures("silent")


def quiet(done: float, stage: str) -> None:
    """Progress that nobody watches."""


def regeneration(folder: Path) -> Job:
    request = {"folder": str(folder), "start": "1", "end": "4"}
    job = Job("1", "regenerate", request, 0, 60.0, started=time.time())
    return replace(job, seen=takes_seen(job))


def test_nothing_was_done(scored: Path) -> None:
    assert outcome(regeneration(scored)).again


def test_the_take_was_made(scored: Path) -> None:
    job = regeneration(scored)
    regenerate(RegenerateRequest(scored, "1", "4"), quiet)
    result = outcome(job).result
    assert result is not None and (result["take"], result["recovered"]) == (2, True)


def test_the_take_of_somebody_else_is_not_ours(scored: Path) -> None:
    job = regeneration(scored)
    regenerate(RegenerateRequest(scored, "1", "5"), quiet)
    assert outcome(job).again


def test_a_score_of_several_cues_that_was_cut_off_is_not_done_again(tmp_path: Path) -> None:
    timeline = save(plain_cut([50, 60]), tmp_path / "cut.otio")
    job = Job("1", "score", {"source": str(timeline), "output": str(tmp_path / "out")}, 0, 60.0, started=time.time())
    assert outcome(job).again
    score(ScoreRequest(timeline, tmp_path / "out" / "one.emsync"), quiet)
    error = outcome(job).error
    assert error is not None and error["code"] == "cut_off"


def test_a_damaged_folder_is_said(scored: Path) -> None:
    job = regeneration(scored)
    (scored / "score.json").write_text("{", encoding="utf-8")
    error = outcome(job).error
    assert error is not None and error["code"] == "damaged"


def test_a_job_that_takes_too_long_fails_and_the_next_one_is_done(scored: Path, tmp_path: Path) -> None:
    async def run() -> list[Job]:
        engine = Engine(JobStore(tmp_path / "queue"))
        engine.start()
        late = Job("late", "mood", {"source": str(tmp_path / "cut.otio")}, 0, 0.0001)
        good = Job("good", "lock", {"folder": str(scored), "part": "bass"}, 9, 60.0)
        try:
            for job in (late, good):
                await engine.submit(lambda job=job: job)  # type: ignore[misc]
            return [await engine.ended(j.id, 60) for j in (late, good)]
        finally:
            await engine.stop()

    late, good = asyncio.run(run())
    assert (late.state, late.error["code"]) == (FAILED, "timeout")
    assert good.state == DONE


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux limits memory like this")
def test_what_needs_too_much_memory_fails_and_the_worker_lives() -> None:
    code = (
        "from bridge.daemon.worker import error_of, limit_memory\n"
        "limit_memory(256 << 20)\n"
        "try:\n"
        "    bytearray(1 << 30)\n"
        "except MemoryError as error:\n"
        "    print(error_of(error)['code'])\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, timeout=120, check=False
    )
    assert (ran.returncode, ran.stdout.strip()) == (0, "too_large"), ran
