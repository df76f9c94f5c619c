"""The user's own daemon serves REAPER's actions; one with a state folder of its own leaves REAPER alone."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bridge.connectors.reaper_box import Mailbox
from bridge.reaper.resources import VARIABLE
from tests.bridge.daemon.conftest import Daemon, wait_for

pytestmark = pytest.mark.skipif(
    sys.platform in ("win32", "darwin"), reason="the state folder is moved by XDG_STATE_HOME"
)


class UsersDaemon(Daemon):
    """Its state is where a user's is."""

    @property
    def state(self) -> Path:
        return self.home / "emsync"


@pytest.mark.parametrize("kind, serves", [(UsersDaemon, True), (Daemon, False)])
def test_reaper_is_served_by_the_users_daemon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: type[Daemon], serves: bool
) -> None:
    resources = tmp_path / "REAPER"
    (resources / "Scripts" / "EMSYNC").mkdir(parents=True)
    monkeypatch.setenv(VARIABLE, str(resources))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    beat = Mailbox(resources).root / "pump.json"
    daemon = kind(tmp_path)
    daemon.start()
    try:
        if serves:
            wait_for(beat.is_file)
        else:
            daemon.worker()  # it has long begun to work
    finally:
        status, said = daemon.stop()
    assert status == 0, said
    assert beat.is_file() is serves
