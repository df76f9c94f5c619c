"""The daemon's own files: where they lie, the token, the logs."""

from __future__ import annotations

import json
import logging
import os
import secrets
import sys
import time
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

from bridge.files import json_bytes, write_atomic

QUEUE, TOKEN, LOG, ADDRESS = "queue.sqlite", "token", "serve.log", "address.json"
_LOG_BYTES, _LOGS = 2_000_000, 3


def default_state() -> Path:
    """The folder for a program's state that the system has for a user."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local") / "emsync"
    if sys.platform == "darwin":
        return Path.home() / "Library/Application Support/emsync"
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state") / "emsync"


def open_state(folder: Path) -> Path:
    """The state folder, made when it is not there; only its user may look into it."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    return folder


def token(folder: Path) -> str:
    """The secret that changing anything over HTTP needs, from a file that only the user can read; made once."""
    path = folder / TOKEN
    if path.is_file():
        path.chmod(0o600)
        said = path.read_text(encoding="ascii").strip()
        if len(said) >= 32:
            return said
    path.unlink(missing_ok=True)
    made = secrets.token_urlsafe(32)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(made + "\n")
    return made


def write_address(folder: Path, address: dict[str, Any]) -> None:
    """Where the daemon listens, for scripts."""
    write_atomic(folder / ADDRESS, json_bytes(address, indent=1))


class _Lines(logging.Formatter):
    """One JSON object a line: time, level, what part of the daemon, message."""

    def format(self, record: logging.LogRecord) -> str:
        said: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{record.msecs:03.0f}Z",
            "level": record.levelname.lower(),
            "part": record.name,
            "message": record.getMessage()[:2000],
        }
        said |= {key: vars(record)[key] for key in ("job", "state", "peer") if key in vars(record)}
        if record.exc_info:
            said["traceback"] = self.formatException(record.exc_info)
        return json.dumps(said, ensure_ascii=False)


def log_to(folder: Path) -> logging.Handler:
    """Log to a few files of bounded size in the state folder."""
    handler = RotatingFileHandler(folder / LOG, maxBytes=_LOG_BYTES, backupCount=_LOGS, encoding="utf-8")
    handler.setFormatter(_Lines())
    root = logging.getLogger("emsync")
    root.setLevel(logging.INFO)
    root.propagate = False
    root.addHandler(handler)
    return handler
