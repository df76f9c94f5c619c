"""What tells each system to start the daemon at login: where it lies and what is in it."""

from __future__ import annotations

import os
import plistlib
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath, PureWindowsPath

LABEL = "emsync.serve"
"""Of the launchd agent."""
UNIT = "emsync.service"
_STOP_S = 30
Command = tuple[str, ...]


@dataclass(frozen=True)
class Entry:
    """How one system starts something at login."""

    name: str
    path: Callable[[Path, Mapping[str, str]], Path]
    """From the home folder and the environment."""
    text: Callable[[Command, PurePath], bytes]
    """From the command to run and the home folder."""
    start: Callable[[Path], tuple[Command, ...]]
    """Commands that make the system notice the entry and start it now, from its path."""
    stop: Callable[[Path], tuple[Command, ...]]
    """Commands that stop it and make the system forget it."""


# --- systemd -----------------------------------------------------------------------------------------------------


def systemd_unit(command: Command, home: PurePath) -> bytes:
    """A user unit. ``home`` is where it runs, so that the default roots are those of a shell.

    It is started again when it fails, but not when it was started wrongly (statuses 2 to 4 say what to change).
    """
    lines = [
        "[Unit]",
        "Description=EMSYNC: scores for film cues over OSC, MIDI and HTTP",
        "StartLimitIntervalSec=60",
        "StartLimitBurst=5",
        "",
        "[Service]",
        "Type=exec",
        f"ExecStart={' '.join(map(_systemd_word, command))}",
        f"WorkingDirectory={_systemd_specifiers(str(home))}",
        "Environment=PYTHONSAFEPATH=1",
        "Restart=on-failure",
        "RestartSec=2",
        "RestartPreventExitStatus=2 3 4",
        "KillMode=mixed",
        f"TimeoutStopSec={_STOP_S}",
        "NoNewPrivileges=yes",
        "",
        "[Install]",
        "WantedBy=default.target",
        "",
    ]
    return "\n".join(lines).encode()


def _systemd_word(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")
    return f'"{_systemd_specifiers(escaped)}"'


def _systemd_specifiers(text: str) -> str:
    return text.replace("%", "%%")


def _systemd_path(home: Path, environment: Mapping[str, str]) -> Path:
    return Path(environment.get("XDG_CONFIG_HOME") or home / ".config") / "systemd" / "user" / UNIT


# --- launchd -----------------------------------------------------------------------------------------------------


def launchd_plist(command: Command, home: PurePath) -> bytes:
    """A launch agent: started at login, and again when it fails."""
    log = str(home / "Library/Logs/emsync.log")
    return plistlib.dumps(
        {
            "Label": LABEL,
            "ProgramArguments": list(command),
            "WorkingDirectory": str(home),
            "EnvironmentVariables": {"PYTHONSAFEPATH": "1"},
            "RunAtLoad": True,
            "KeepAlive": {"SuccessfulExit": False},
            "ThrottleInterval": 10,
            "ExitTimeOut": _STOP_S,
            "ProcessType": "Interactive",  # live MIDI is not to be slowed down
            "StandardOutPath": log,
            "StandardErrorPath": log,
        }
    )


def _launchd_path(home: Path, environment: Mapping[str, str]) -> Path:
    return home / "Library/LaunchAgents" / f"{LABEL}.plist"


def _launchd_domain() -> str:
    return f"gui/{os.getuid()}" if sys.platform != "win32" else ""


# --- Windows -----------------------------------------------------------------------------------------------------


def windows_entry(command: Command, home: PurePath) -> bytes:
    """A command file for the start-up folder: the daemon runs in a minimised window, and ends when that is closed."""
    words = subprocess.list2cmdline(command).replace("%", "%%")
    lines = [
        "@echo off",
        "chcp 65001 >nul",
        "set PYTHONSAFEPATH=1",
        f'cd /d "{str(PureWindowsPath(home)).replace("%", "%%")}"',
        f'start "EMSYNC" /min {words}',
        "",
    ]
    return "\r\n".join(lines).encode()


def _windows_path(home: Path, environment: Mapping[str, str]) -> Path:
    roaming = Path(environment.get("APPDATA") or home / "AppData/Roaming")
    return roaming / "Microsoft/Windows/Start Menu/Programs/Startup/emsync.cmd"


ENTRIES: Mapping[str, Entry] = {
    "linux": Entry(
        "systemd user unit", _systemd_path, systemd_unit,
        lambda path: (("systemctl", "--user", "daemon-reload"), ("systemctl", "--user", "enable", "--now", UNIT)),
        lambda path: (("systemctl", "--user", "disable", "--now", UNIT),),
    ),
    "darwin": Entry(
        "launch agent", _launchd_path, launchd_plist,
        lambda path: (("launchctl", "bootstrap", _launchd_domain(), str(path)),),
        lambda path: (("launchctl", "bootout", f"{_launchd_domain()}/{LABEL}"),),
    ),
    "win32": Entry(
        "start-up entry", _windows_path, windows_entry, lambda path: (("cmd", "/c", str(path)),), lambda path: (),
    ),
}  # fmt: skip
"""``sys.platform`` -> how that system does it."""


def serve_command(options: Sequence[str]) -> Command:
    """The daemon's command line, with the Python that runs us."""
    return (sys.executable, "-m", "bridge.cli.main", "serve", *options)
