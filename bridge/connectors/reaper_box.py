"""The mailbox: a folder through which EMSYNC and the script inside REAPER talk, and what its heartbeat tells.

Below the resource path, in ``Data/EMSYNC/mailbox``: ``in/`` holds messages to REAPER, ``out/`` its answers
(``ID.reply.json``) and what its actions ask for (``ID.request.json``), ``heartbeat.json`` is written by the script
every second, ``pump.json`` by whoever serves the requests. Every file appears whole, by renaming.
"""

from __future__ import annotations

import contextlib
import json
import math
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bridge.connectors.base import State, TargetError
from bridge.files import json_bytes, write_atomic

PROTOCOL = 1
MAILBOX = Path("Data", "EMSYNC", "mailbox")
"""Relative to the resource path."""
FRESH_S = 5.0
"""A heartbeat younger than this: the script runs. It beats once a second, and stalls while a menu is open."""
CRASHED_S = 30.0
"""A heartbeat older than this, and no goodbye: REAPER is gone, or hangs."""
_POLL_S = 0.01
_KEEP_S = 600.0
"""Answers that nobody fetched are swept away after this."""


class RefusedError(TargetError):
    """The script in REAPER has refused to do what it was asked for.

    Args:
        reason: its word for why, such as ``recording`` or ``other_project``.
    """

    def __init__(self, message: str, reason: str, where: str = "") -> None:
        super().__init__(message, "other_version" if reason == "other_version" else "refused", where)
        self.reason = reason


@dataclass(frozen=True)
class Heartbeat:
    """What the script has last said of itself."""

    age_s: float
    state: str
    """``idle``, ``busy`` or ``closed``."""
    beat: int = 0
    application: str = ""
    version: str = ""
    """Of the scripts."""
    commands: dict[str, str] = field(default_factory=dict)
    """Action -> its command id in REAPER, ``_RS...``."""
    project: dict[str, Any] = field(default_factory=dict)


class Mailbox:
    """One side of the mailbox.

    Args:
        resources: REAPER's resource path.
        clock: seconds since 1970, by which the age of a heartbeat is told.
        wait: lets so many seconds pass.
    """

    def __init__(
        self,
        resources: Path,
        clock: Callable[[], float] = time.time,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self.resources = resources
        self.root = resources / MAILBOX
        self.wait = wait
        self._clock = clock
        self._sent = 0

    # --- who is there ---

    def heartbeat(self) -> Heartbeat | None:
        """None when the script has never run here."""
        path = self.root / "heartbeat.json"
        for _ in range(5):  # on Windows the file is gone for a moment while it is replaced
            try:
                said = json.loads(path.read_text(encoding="utf-8"))
                age = self._clock() - path.stat().st_mtime
            except (OSError, ValueError):
                if not self.root.is_dir():
                    return None
                self.wait(_POLL_S)
                continue
            return _heartbeat(said, age) if isinstance(said, dict) else None
        return None

    def state(self) -> State:
        """Judged by the age of the heartbeat, never by its being there."""
        beat = self.heartbeat()
        if beat is None:
            return "closed" if (self.resources / "Scripts" / "EMSYNC").is_dir() else "not_installed"
        if beat.state == "closed":
            return "closed"
        if beat.age_s < FRESH_S:
            return "ready"
        return "busy" if beat.age_s < CRASHED_S else "crashed"

    def require(self) -> None:
        """Raises:
        TargetError: nobody would answer.
        """
        state = self.state()
        if state in _GONE:
            raise TargetError(_GONE[state], state, f"reaper ({self.resources})")

    # --- messages to REAPER ---

    def ask(self, op: str, args: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        """Send a message and wait for its answer.

        Raises:
            TargetError: nobody is there, or nobody answers in time. The message is withdrawn where it still can be.
            RefusedError: the answer is an error.
        """
        self.require()
        message = uuid.uuid4().hex
        path = self._post(op, args, message, time.time() + timeout_s)
        answer = self.root / "out" / f"{message}.reply.json"
        deadline = time.monotonic() + timeout_s
        while not answer.is_file():
            if time.monotonic() >= deadline or self.state() in _GONE:
                raise self._unanswered(path, timeout_s)
            self.wait(_POLL_S)
        said = _read(answer)
        answer.unlink(missing_ok=True)
        self._sweep()
        if said.get("v") != PROTOCOL:
            raise RefusedError(_OTHER_VERSION, "other_version", f"reaper ({self.resources})")
        if said.get("ok") is not True:
            error = said.get("error") or {}
            raise RefusedError(str(error.get("message")), str(error.get("code")), "REAPER")
        result: dict[str, Any] = said.get("result") or {}
        return result

    def tell(self, op: str, args: dict[str, Any], lasts_s: float = 60.0) -> None:
        """Send a message whose answer does not matter."""
        self._post(op, args, uuid.uuid4().hex, time.time() + lasts_s, quiet=True)

    def _post(self, op: str, args: dict[str, Any], message: str, deadline: float, *, quiet: bool = False) -> Path:
        self._sent += 1
        folder = self.root / "in"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{time.time_ns() // 1000:017d}{self._sent % 1000:03d}-{message}.json"
        body = {"v": PROTOCOL, "id": message, "op": op, "args": args, "deadline": math.ceil(deadline)}
        if quiet:
            body["quiet"] = True
        write_atomic(path, json_bytes(body))
        return path

    def _unanswered(self, path: Path, timeout_s: float) -> TargetError:
        state = self.state()
        withdrawn = True
        try:
            path.unlink()
        except OSError:
            withdrawn = False
        where = f"reaper ({self.resources})"
        if state in _GONE:
            return TargetError(_GONE[state], state, where)
        tail = "nothing was done" if withdrawn else "it may still be done"
        return TargetError(
            f"REAPER does not answer within {timeout_s:g} s: a dialog is open or it renders; {tail}", "busy", where
        )

    def _sweep(self) -> None:
        for path in (self.root / "out").glob("*.reply.json"):
            with contextlib.suppress(OSError):
                if self._clock() - path.stat().st_mtime > _KEEP_S:
                    path.unlink()

    # --- requests from REAPER's actions ---

    def requests(self) -> list[tuple[Path, dict[str, Any]]]:
        """The waiting requests, the oldest first. Files that are no requests are moved aside."""
        found = []
        for path in (self.root / "out").glob("*.request.json"):
            said = _read(path)
            if isinstance(said.get("id"), str) and isinstance(said.get("args"), dict):
                found.append((path, said))
            else:
                with contextlib.suppress(OSError):
                    path.replace(path.with_suffix(".bad"))
        return sorted(found, key=lambda row: (row[1].get("time", 0), row[0].name))

    def pump_beat(self, state: str = "listening") -> None:
        """Tell REAPER's actions that requests are served."""
        self.root.mkdir(parents=True, exist_ok=True)
        write_atomic(self.root / "pump.json", json_bytes({"time": int(time.time()), "state": state}))


_GONE: dict[State, str] = {
    "not_installed": "EMSYNC's scripts are not in this REAPER; run: emsync reaper install",
    "closed": "REAPER is closed, or the EMSYNC listener does not run in it; start REAPER (with the listener running "
    "from its action list if it was stopped) and try again",
    "crashed": "REAPER has stopped answering without saying goodbye: it has crashed, hangs, or was killed; start it "
    "again and try again",
}
_OTHER_VERSION = (
    "the scripts in REAPER are of another version than this EMSYNC; run emsync reaper install and start REAPER again"
)


def _heartbeat(said: dict[str, Any], age_s: float) -> Heartbeat:
    commands, project = said.get("commands"), said.get("project")
    return Heartbeat(
        age_s=age_s,
        state=str(said.get("state", "")),
        beat=int(said.get("beat") or 0),
        application=str(said.get("application", "")),
        version=str(said.get("version", "")),
        commands=commands if isinstance(commands, dict) else {},
        project=project if isinstance(project, dict) else {},
    )


def _read(path: Path) -> dict[str, Any]:
    """A JSON object; an empty one when the file is no such thing."""
    try:
        said = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}
