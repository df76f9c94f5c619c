"""A power cut after any write: what was accepted is there, score folders are whole or not there (the short form)."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.acceptance.edits import plain_cut
from tests.bridge.daemon.conftest import Daemon
from tests.bridge.daemon.power import Session, check_left, record
from tests.conftest import save

EVERY = 11
"""The suite looks at every eleventh moment; the benchmark at all of them."""


def can_record() -> bool:
    if shutil.which("strace") is None:
        return False
    return subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, check=False).returncode == 0


pytestmark = pytest.mark.skipif(not can_record(), reason="needs strace, and the right to use it")


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    home = tmp_path_factory.mktemp("power").resolve()
    save(plain_cut([50, 60, 40]), home / "cut.otio")
    return record(Daemon(home), tmp_path_factory.mktemp("traces"))


def test_every_disk_that_a_power_cut_leaves_is_sound(session: Session) -> None:
    kinds = {op.kind for op in session.ops}
    assert {"create", "write", "sync", "rename", "remove", "mkdir"} <= kinds
    for number, (op, disk) in enumerate(session.moments()):
        if number % EVERY == 0 or number == len(session.ops) - 1:
            for only_synced in (False, True):
                disk.build(session.home, only_synced=only_synced)
                check_left(session.home, session.accepted_by(op.at), session.ended_by(op.at))
    disk.build(session.home, only_synced=False)
    assert whole_disk(session.home) == session.left  # what was replayed is what was done


def test_a_daemon_goes_on_after_a_power_cut(session: Session) -> None:
    cut_at = session.accepted["second"] + 0.6 * (session.ended["second"] - session.accepted["second"])
    disk = next(disk for op, disk in session.moments() if op.at > cut_at)
    disk.build(session.home, only_synced=True)
    daemon = Daemon(session.home)
    daemon.start()
    for job in session.accepted_by(cut_at):
        assert daemon.end_of(job)["state"] == "done"
    assert daemon.stop() == (0, "")
    check_left(daemon.home, ["first", "second"], ["first", "second"])


def whole_disk(home: Path) -> dict[str, bytes]:
    return {p.relative_to(home).as_posix(): p.read_bytes() for p in home.rglob("*") if p.is_file()}
