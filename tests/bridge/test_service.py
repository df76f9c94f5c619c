"""The entries that start the daemon at login: generated, parsed and linted; nothing is started for real."""

from __future__ import annotations

import json
import os
import plistlib
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import pytest

from bridge.cli.main import main
from bridge.service.entries import ENTRIES, launchd_plist, serve_command, systemd_unit, windows_entry

needs_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks for a systemd unit")
ODD = ("/opt/a b/100%/py$thon", "-m", "bridge.cli.main", "serve", "--midi-out", 'Synth "1" \\ x')
HOME = PurePosixPath("/home/kim 50%")


def unit_values(unit: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in unit.splitlines() if "=" in line)


def unescaped(text: str) -> str:
    return text.replace("%%", "%").replace("$$", "$")


def test_a_unit_holds_any_command() -> None:
    values = unit_values(systemd_unit(ODD, HOME).decode())
    assert tuple(unescaped(word) for word in shlex.split(values["ExecStart"])) == ODD
    assert unescaped(values["WorkingDirectory"]) == str(HOME)
    assert values["WantedBy"] == "default.target"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / "emsync.service"
    unit.write_bytes(systemd_unit(serve_command(["--midi-out", "Synth 100% $HOME"]), tmp_path))
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path), "HOME": str(tmp_path)}
    ran = subprocess.run(
        ["systemd-analyze", "--user", "verify", "--man=no", "--recursive-errors=no", unit],
        capture_output=True, text=True, timeout=60, env=environment, check=False,
    )  # fmt: skip
    ours = [line for line in (ran.stdout + ran.stderr).splitlines() if "emsync.service" in line]
    assert not ours, ours


def test_a_plist_holds_any_command() -> None:
    values = plistlib.loads(launchd_plist(ODD, HOME))
    assert values["ProgramArguments"] == list(ODD)
    assert (values["Label"], values["RunAtLoad"]) == ("emsync.serve", True)
    assert values["KeepAlive"] == {"SuccessfulExit": False}
    assert values["WorkingDirectory"] == str(HOME)


def test_a_command_file_holds_any_command() -> None:
    command = (r"C:\Program Files\Python\python.exe", "-m", "bridge.cli.main", "serve", "--midi-out", "Synth 100%")
    text = windows_entry(command, PureWindowsPath(r"C:\Users\Kim Ö")).decode("utf-8")
    assert text.endswith("\r\n") and text.count("\n") == text.count("\r\n")
    assert 'cd /d "C:\\Users\\Kim Ö"' in text
    start = next(line for line in text.splitlines() if line.startswith("start "))
    assert start == (
        'start "EMSYNC" /min "C:\\Program Files\\Python\\python.exe" -m bridge.cli.main serve --midi-out "Synth 100%%"'
    )


def test_every_system_has_its_place() -> None:
    home = Path("home")
    places = {name: entry.path(home, {}).as_posix() for name, entry in ENTRIES.items()}
    assert places == {
        "linux": "home/.config/systemd/user/emsync.service",
        "darwin": "home/Library/LaunchAgents/emsync.serve.plist",
        "win32": "home/AppData/Roaming/Microsoft/Windows/Start Menu/Programs/Startup/emsync.cmd",
    }
    assert ENTRIES["linux"].path(home, {"XDG_CONFIG_HOME": "/c"}).as_posix() == "/c/systemd/user/emsync.service"


# --- the command, in a home of its own ---


@dataclass
class Home:
    """A home folder of nobody; ``service`` is the command line in this process."""

    path: Path
    patch: pytest.MonkeyPatch
    said: pytest.CaptureFixture[str]

    def service(self, *words: object, status: int = 0) -> Any:
        """The JSON answer of ``emsync service WORDS``."""
        assert main(["service", *map(str, words), "--json"]) == status
        return json.loads(self.said.readouterr().out)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Home:
    for name in ("HOME", "USERPROFILE", "APPDATA"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", "")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    return Home(tmp_path, monkeypatch, capsys)


@needs_linux
def test_installing_and_removing_without_starting(home: Home) -> None:
    said = home.service("install", "--no-start", "--serve=--root films --osc-port 9000")
    unit = Path(said["installed"])
    words = shlex.split(unit_values(unit.read_text(encoding="utf-8"))["ExecStart"])
    assert words[:4] == [sys.executable, "-m", "bridge.cli.main", "serve"]
    assert sorted([words[4:6], words[6:8]]) == [["--osc-port", "9000"], ["--root", str(home.path / "films")]]
    said = home.service("status")
    assert (said["installed"], said["running"]) == (str(unit), "")
    assert home.service("remove", "--no-start")["removed"] == str(unit)
    assert not unit.exists()
    assert home.service("remove")["removed"] == ""


@needs_linux
def test_the_system_is_told(home: Home) -> None:
    tool = home.path / "systemctl"
    tool.write_text(f'#!/bin/sh\necho "$@" >> {home.path}/told\n', encoding="utf-8")
    tool.chmod(0o755)
    home.patch.setenv("PATH", f"{home.path}{os.pathsep}{os.environ['PATH']}")
    home.service("install")
    home.service("remove")
    assert (home.path / "told").read_text(encoding="utf-8").splitlines() == [
        "--user daemon-reload", "--user enable --now emsync.service", "--user disable --now emsync.service",
    ]  # fmt: skip
    tool.write_text("#!/bin/sh\necho no bus >&2\nexit 1\n", encoding="utf-8")
    error = home.service("install", status=3)["error"]
    assert error["code"] == "service"
    assert "no bus" in error["message"] and "is written" in error["message"]


WRONG = ["--osc-prot 9", "--osc-port x", "stray", "--listen everywhere", "'"]


@pytest.mark.parametrize("words", WRONG)
def test_wrong_options_are_refused_before_anything_is_written(home: Home, words: str) -> None:
    assert home.service("install", "--no-start", f"--serve={words}", status=2)["error"]["code"] == "usage"
    assert not [p for p in home.path.rglob("*") if p.is_file()]
