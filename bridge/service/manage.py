"""Installing, removing and looking at the entry that starts the daemon at login."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from bridge.daemon.state import ADDRESS, default_state
from bridge.files import write_atomic
from bridge.service.entries import ENTRIES, Command, Entry, serve_command
from emsync_engine.errors import InputError

_COMMAND_S = 60
_ANSWER_S = 3


def install(options: Sequence[str], *, start: bool) -> dict[str, Any]:
    """Write the entry, and start the daemon by it.

    Args:
        options: of ``emsync serve``, with absolute paths.

    Raises:
        InputError: the system does not take it; the entry is written all the same.
    """
    entry, path = _here()
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, entry.text(serve_command(options), Path.home()))
    if start:
        _run_all(entry.start(path), f"the {entry.name} is written")
    return {"installed": str(path), "kind": entry.name, "started": start}


def remove(*, stop: bool) -> dict[str, Any]:
    """Stop the daemon where the system can, and remove the entry."""
    entry, path = _here()
    was_there = path.is_file()
    try:
        if was_there and stop:
            _run_all(entry.stop(path), f"the {entry.name} is removed")
    finally:
        path.unlink(missing_ok=True)
    return {"removed": str(path) if was_there else "", "kind": entry.name}


def status(state: Path | None = None) -> dict[str, Any]:
    """Whether the entry is there, and whether a daemon answers."""
    entry, path = _here()
    return {"kind": entry.name, "installed": str(path) if path.is_file() else "", **running(state or default_state())}


def running(state: Path) -> dict[str, Any]:
    """Where the daemon of a state folder answers; nothing when none does."""
    try:
        address = json.loads((state / ADDRESS).read_text(encoding="utf-8"))
        with urlopen(f"{address['http']}/1/hello", timeout=_ANSWER_S) as answer:
            said = json.loads(answer.read())
    except (OSError, HTTPException, ValueError, KeyError, TypeError):
        return {"running": "", "version": ""}
    return {"running": address["http"], "version": said["version"]}


def _here() -> tuple[Entry, Path]:
    entry = ENTRIES.get(sys.platform, ENTRIES["linux"])
    return entry, entry.path(Path.home(), os.environ)


def _run_all(commands: Sequence[Command], done: str) -> None:
    for command in commands:
        words = " ".join(command)
        try:
            ran = subprocess.run(
                command, capture_output=True, text=True, errors="replace", timeout=_COMMAND_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise InputError(f"{done}, but {words!r} cannot be run: {error}", code="service") from error
        if ran.returncode:
            said = " ".join((ran.stderr or ran.stdout).split())[:300]
            raise InputError(f"{done}, but {words!r} failed: {said}", code="service")
