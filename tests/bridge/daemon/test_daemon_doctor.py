"""``emsync doctor`` looks at every hop between a request and the music, and says what to do."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from bridge.daemon import checks as looked
from bridge.daemon.checks import checks
from bridge.doctor import Check
from emsync_engine.errors import InputError
from tests.bridge.daemon.conftest import Daemon


def by_name(state: Path) -> dict[str, Check]:
    found = {c.name: c for c in checks(state)}
    assert all(c.ok or c.fix for c in found.values())
    assert not any(c.required for c in found.values())
    return found


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No DAW of this computer is asked."""
    for name in ("HOME", "USERPROFILE", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "APPDATA", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "nobody"))


def test_a_daemon_that_runs_is_asked_by_http_and_osc(shared: Daemon) -> None:
    found = by_name(shared.state)
    assert found["daemon, HTTP"].ok and str(shared.http_port) in found["daemon, HTTP"].detail
    assert found["daemon, OSC"].ok and str(shared.osc[1]) in found["daemon, OSC"].detail
    assert {"models", "MIDI ports", "target reaper", "target live", "target ardour"} <= set(found)


def test_a_daemon_that_is_dead_is_noticed(tmp_path: Path) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        (tmp_path / "address.json").write_text(
            f'{{"http": "http://127.0.0.1:{port}", "osc": "127.0.0.1:{port}"}}', encoding="utf-8"
        )
        found = by_name(tmp_path)
    assert not found["daemon, HTTP"].ok and not found["daemon, OSC"].ok
    assert "emsync serve" in found["daemon, HTTP"].fix


def test_a_port_that_another_program_has_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        monkeypatch.setattr(looked, "HTTP_PORT", other.getsockname()[1])
        found = by_name(tmp_path)
    assert not found["daemon, HTTP"].ok
    assert "--http-port" in found["daemon, HTTP"].fix


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_a_token_that_others_can_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("x" * 40, encoding="ascii")
    (tmp_path / "token").chmod(0o644)
    assert by_name(tmp_path)["daemon, state"].fix == f"chmod 600 {tmp_path / 'token'}"


def test_ports_are_listed_or_the_fix_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looked, "port_names", lambda: (["Synth"], []))
    assert by_name(tmp_path)["MIDI ports"].detail == "out: Synth; in: none"

    def broken() -> tuple[list[str], list[str]]:
        raise InputError("no MIDI system", code="no_midi")

    monkeypatch.setattr(looked, "port_names", broken)
    check = by_name(tmp_path)["MIDI ports"]
    assert (check.ok, check.detail) == (False, "no MIDI system") and check.fix
