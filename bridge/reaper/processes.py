"""Whether REAPER runs: by the listener's heartbeat, otherwise by the system's list of processes."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from bridge.connectors.reaper_box import Mailbox

_NAMES = frozenset({"reaper", "reaper.exe"})
_WAIT_S = 10


def reaper_runs(resources: Path) -> bool | None:
    """True or False; None when it cannot be told."""
    if Mailbox(resources).state() in ("ready", "busy"):
        return True
    try:
        names = _from_proc() if Path("/proc/self/comm").is_file() else _from_list()
    except (OSError, subprocess.SubprocessError):
        return None
    return any(name.strip().lower() in _NAMES for name in names)


def _from_proc() -> list[str]:
    names = []
    for path in Path("/proc").glob("[0-9]*/comm"):
        with suppress(OSError):  # it has just ended
            names.append(path.read_text(encoding="utf-8", errors="replace"))
    return names


def _from_list() -> list[str]:
    if sys.platform == "win32":
        command = ["tasklist", "/FO", "CSV", "/NH"]
    else:
        command = ["ps", "-A", "-o", "comm="]
    done = subprocess.run(command, capture_output=True, timeout=_WAIT_S, check=True)
    lines = done.stdout.decode(errors="replace").splitlines()
    if sys.platform == "win32":
        return [line.split('","')[0].strip('"') for line in lines]
    return [line.rpartition("/")[2] for line in lines]
