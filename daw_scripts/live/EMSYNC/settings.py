"""What the installer wrote for this script, and where the token lies."""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from pathlib import Path

VERSION = "1.0.0"
PROTOCOL = 1
PORT = 17713
"""Of no DAW, controller or bridge that we know; when it is taken, another one is used and written down."""
SETTINGS = "emsync.json"
ADDRESS = "live.json"
TOKEN = "token"
ACTIONS = ("regenerate", "next", "previous", "push")
LOCATORS = {">regen": "regenerate", ">next": "next", ">prev": "previous", ">push": "push"}
"""Names of locators that ask for something when they appear."""
CONTROLS = (
    ("regenerate", "cc", 16, 102),
    ("next", "cc", 16, 103),
    ("previous", "cc", 16, 104),
)
"""(action, ``cc`` or ``note``, MIDI channel 1..16, number), unless ``emsync.json`` says otherwise."""


class Settings:
    """Read anew at every start of the script."""

    def __init__(self, state, port=PORT, controls=CONTROLS):
        self.state = Path(state)
        self.port = port
        self.controls = tuple(controls)

    def token(self):
        """The secret that a client must know, or an empty text when there is none yet (then nobody may connect)."""
        try:
            return (self.state / TOKEN).read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            return ""

    def write_address(self, host, port):
        """Tell the programs of this user where the script listens."""
        made = self.state / (ADDRESS + ".tmp")
        said = {"host": host, "port": port, "pid": os.getpid(), "protocol": PROTOCOL}
        made.write_text(json.dumps(said), encoding="ascii")
        made.replace(self.state / ADDRESS)

    def forget_address(self):
        with suppress(OSError):
            (self.state / ADDRESS).unlink()


def default_state():
    """The folder of the daemon's state on this system."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local") / "emsync"
    if sys.platform == "darwin":
        return Path.home() / "Library/Application Support/emsync"
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state") / "emsync"


def load(folder=None):
    """The settings beside this file; what is missing or unusable there takes its default."""
    try:
        said = json.loads((Path(folder or Path(__file__).resolve().parent) / SETTINGS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        said = {}
    said = said if isinstance(said, dict) else {}
    port = said.get("port")
    return Settings(
        said.get("state") or default_state(),
        port if isinstance(port, int) and 0 <= port <= 65535 else PORT,
        [row for row in map(_control, said.get("controls") or CONTROLS) if row],
    )


def _control(row):
    """A row of ``controls``, or None when it is not one."""
    try:
        action, kind, channel, number = row
    except (TypeError, ValueError):
        return None
    right = action in ACTIONS and kind in ("cc", "note") and channel in range(1, 17) and number in range(128)
    return (action, kind, channel, number) if right else None
