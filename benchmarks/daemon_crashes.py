"""The daemon when it is killed and when the power fails (Linux).

``python -m benchmarks.daemon_crashes [--kills 200]``: ``kill -9`` of the daemon or its worker at random moments of
jobs; then, where ``strace`` is, a power cut after every single write, sync and rename of a score and a regeneration.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.harness import Table, parser, show
from tests.acceptance.edits import plain_cut
from tests.bridge.daemon.conftest import Daemon, is_dead, wait_for
from tests.bridge.daemon.power import check_left, record
from tests.bridge.daemon.test_daemon_crashes import another_worker, takes
from tests.bridge.test_score_folder import check_whole
from tests.conftest import save

_RESTARTS = 20
"""Power cuts after which a real daemon is started and has to finish its jobs."""
_LONG_S = 900
"""A busy machine is no fault of ours."""


def main(arguments: Sequence[str] | None = None) -> int:
    options = parser(__doc__)
    options.add_argument("--kills", type=int, default=200)
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args(arguments)
    tables = [_kills(given.kills, given.seed)] if given.kills else []
    if shutil.which("strace"):
        tables.append(_power_cuts())
    show(tables, given.json)
    return 0


def _daemon() -> Daemon:
    home = Path(tempfile.mkdtemp(prefix="emsync-crashes-")).resolve()
    save(plain_cut([50, 60, 40]), home / "cut.otio")
    return Daemon(home)


def _kills(count: int, seed: int) -> Table:
    """Everything that is accepted ends once, with one take, whoever is killed when."""
    rng, daemon = random.Random(seed), _daemon()
    daemon.start()
    _, job = daemon.ask("score", {"id": "base", "source": str(daemon.home / "cut.otio"), "wait": 60})
    folder = Path(job["result"]["dir"])
    killed = {"worker": 0, "daemon": 0}
    during: dict[str, int] = {}
    recovered, slowest_s = 0, 0.0
    for number in range(count):
        worker, job_id = daemon.worker(), f"kill-{number}"
        daemon.ask("regenerate", {"id": job_id, "folder": str(folder), "start": 1, "end": 4})
        time.sleep(rng.uniform(0, 0.4))
        state = daemon.job(job_id)["stage"] or daemon.job(job_id)["state"]
        during[state] = during.get(state, 0) + 1
        whom = rng.choice(sorted(killed))
        killed[whom] += 1
        began = time.monotonic()
        if whom == "worker":
            os.kill(worker, signal.SIGKILL)
            wait_for(lambda worker=worker: another_worker(daemon, worker), _LONG_S)  # type: ignore[misc]
        else:
            assert daemon.stop(signal.SIGKILL)[0] == -signal.SIGKILL
            wait_for(lambda worker=worker: is_dead(worker), _LONG_S)  # type: ignore[misc]
            daemon.start()
        ended = daemon.end_of(job_id, _LONG_S)
        slowest_s = max(slowest_s, time.monotonic() - began)
        assert ended["state"] == "done", ended
        assert len(takes(folder)) == number + 2
        recovered += bool(ended["brief"].get("recovered"))
        check_whole(folder)
    assert daemon.stop()[0] == 0
    shutil.rmtree(daemon.home)
    rows = (
        ("kill -9 of the worker", killed["worker"]),
        ("kill -9 of the daemon", killed["daemon"]),
        ("jobs that ended once, with one take each", count),
        ("of which had written their take when they were killed", recovered),
        ("score folders found damaged", 0),
        ("longest from the kill to the end of the job, s", slowest_s),
    )
    stages = ", ".join(f"{name} {n}" for name, n in sorted(during.items(), key=lambda row: -row[1]))
    return Table("kill -9", ("measure", "value"), rows, (f"Killed during: {stages}.",))


def _power_cuts() -> Table:
    """Both disks of every moment are sound; from some of them a daemon goes on."""
    daemon = _daemon()
    traces = Path(tempfile.mkdtemp(prefix="emsync-traces-"))
    session = record(daemon, traces)
    looked, started = 0, 0
    begins = min(session.accepted.values())
    every = max(sum(op.at > begins for op in session.ops) // (_RESTARTS // 2), 1)
    for number, (op, disk) in enumerate(session.moments()):
        for only_synced in (False, True):
            disk.build(daemon.home, only_synced=only_synced)
            check_left(daemon.home, session.accepted_by(op.at), session.ended_by(op.at))
            looked += 1
            if op.at > begins and number % every == 0:
                disk.build(daemon.home, only_synced=only_synced)
                _goes_on(daemon, session.accepted_by(op.at))
                started += 1
    shutil.rmtree(daemon.home)
    shutil.rmtree(traces)
    rows = (
        ("writes, syncs, renames ...", len(session.ops)),
        ("disks looked at, sound", looked),
        ("daemons started on one, all jobs ended", started),
    )
    return Table("Power cuts", ("measure", "value"), rows)


def _goes_on(daemon: Daemon, accepted: Sequence[str]) -> None:
    daemon.start()
    for job in accepted:
        assert daemon.end_of(job, _LONG_S)["state"] == "done"
    assert daemon.stop() == (0, "")


if __name__ == "__main__":
    sys.exit(main())
