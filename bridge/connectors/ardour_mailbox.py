"""Talking to the scripts in Ardour: one request and one answer at a time, as small files in Ardour's settings folder.

The forms of the rows are described in ``daw_scripts/ardour/emsync_core.lua``, which is on the other side.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
import uuid
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bridge.connectors.base import TargetError
from bridge.connectors.plan_lines import escaped, split_row
from bridge.files import only_writer, write_atomic

PROTOCOL = "1"
VERSIONS = ("9", "8", "7")
"""Of Ardour, newest first."""
_CORE = "emsync_core.lua"
_SCRIPTS = ("emsync_listener.lua", "emsync_receive.lua", "emsync_regenerate.lua")
_HOOK = 'name="EMSYNC listener"'
"""How Ardour's settings name the listener among the hooks that are on."""
_FRESH_S = 5.0
"""The listener says once a second that it is there."""
_LOOK_S = 0.02

HOW_TO_LISTEN = (
    "in Ardour, once: Edit > Lua Scripts > Script Manager > Action Hooks > New Hook > EMSYNC listener, "
    "and Action Scripts > a free row > Add/Set > EMSYNC: another take of the selection"
)

Row = Sequence[str]


@dataclass(frozen=True)
class Alive:
    """What the listener said last."""

    age_s: float
    session: str
    path: str
    rate: int
    """Samples a second."""
    doing: str = ""
    """The number of the request it is at."""
    process: str = ""
    """The number of its process, where the script knows it (Linux)."""

    @property
    def fresh(self) -> bool:
        return self.age_s < _FRESH_S

    @property
    def runs(self) -> bool:
        """Whether its process is seen to run here; one of another namespace (a sandbox) is not."""
        if not self.process.isdigit():
            return False
        try:
            name, _, rest = Path("/proc", self.process, "stat").read_text("utf-8", "replace").rpartition(")")
        except OSError:
            return False
        return "ardour" in name.lower() and rest.split()[0] not in ("Z", "X")  # dead, and nobody has looked yet


def settings_folders() -> list[Path]:
    """Where Ardour keeps its settings, of every version that was ever started, newest first."""
    home = Path.home()
    if sys.platform == "darwin":
        places = [home / "Library" / "Preferences" / f"Ardour{v}" for v in VERSIONS]
    elif sys.platform == "win32":
        local = Path(os.environ.get("LOCALAPPDATA", home / "AppData" / "Local"))
        places = [local / f"ardour{v}" for v in VERSIONS]
    else:
        base = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
        places = [base / f"ardour{v}" for v in VERSIONS]
    return [place for place in places if place.is_dir()]


def rows_text(rows: Iterable[Sequence[object]]) -> str:
    """Rows as the scripts read them."""
    lines = ["\t".join(escaped(str(value)) for value in row) for row in rows]
    return "".join(f"{line}\n" for line in [*lines, f"end\t{len(lines)}"])


def read_rows(path: Path) -> list[Row] | None:
    """The rows of a file; None while it is not there or not whole."""
    try:
        text = path.read_bytes().decode("utf-8", "replace")
    except OSError:
        return None
    rows: list[Row] = [split_row(line) for line in text.split("\n")[:-1]]
    if not text.endswith("\n") or rows[-1] != ["end", str(len(rows) - 1)]:
        return None
    return rows[:-1]


class Mailbox:
    """The ``emsync`` folder in the settings of one Ardour."""

    def __init__(self, settings: Path) -> None:
        self.settings = settings
        self.home = settings / "emsync"

    # --- putting the scripts there ---

    def install(self) -> bool:
        """Put the scripts in place, or up to date; whether anything was written."""
        from daw_scripts import script_path

        targets = {self.home / _CORE: script_path("ardour", _CORE)}
        targets |= {self.settings / "scripts" / name: script_path("ardour", name) for name in _SCRIPTS}
        stale = {goal: source for goal, source in targets.items() if not _same(goal, source)}
        for goal, source in stale.items():
            goal.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(goal, source.read_bytes())
        system = "windows" if sys.platform == "win32" else "posix"
        program = rows_text([(system, sys.executable, "-m", "bridge.connectors.ardour_answer")])
        if not (self.home / "program.tsv").is_file() or (self.home / "program.tsv").read_text("utf-8") != program:
            write_atomic(self.home / "program.tsv", program.encode())
        return bool(stale)

    # --- talking ---

    def alive(self) -> Alive | None:
        """What the listener said last; None when it never spoke."""
        path = self.home / "alive.tsv"
        try:
            age = time.time() - path.stat().st_mtime
        except OSError:
            return None
        rows = read_rows(path)
        if not rows or len(rows[0]) < 6 or not rows[0][5].isdigit():
            return None
        _, protocol, _, session, folder, rate = rows[0][:6]
        if protocol != PROTOCOL:
            raise TargetError(
                f"the script in Ardour is of another version ({protocol}, not {PROTOCOL}); close and open the session",
                "other_version",
                str(self.settings),
            )
        return Alive(age, session, folder, int(rate), *rows[0][6:8])

    def ask(self, rows: Sequence[Sequence[object]], timeout_s: float) -> list[Row]:
        """Leave a request and wait for its answer: ``timeout_s`` from its last sign of life while it is being done.

        Raises:
            TargetError: nobody there, no answer in time, or an error there.
        """
        self.check_there(timeout_s)
        number = uuid.uuid4().hex[:12]
        answer = self.home / f"answer-{number}.tsv"
        request = self.home / "request.tsv"
        with only_writer(self.home, wait_s=timeout_s):
            write_atomic(request, rows_text([("request", PROTOCOL, number), *rows]).encode())
            try:
                found = self._await(number, answer, timeout_s)
            finally:
                for path in (request, answer):
                    with suppress(OSError):
                        path.unlink()
        _, _, outcome, why = found[0][:4]
        if outcome != "ok":
            raise TargetError(f"Ardour answers: {why}", "refused", str(self.settings))
        return found[1:]

    def _await(self, number: str, answer: Path, timeout_s: float) -> list[Row]:
        deadline = time.monotonic() + timeout_s
        ran = ended = False
        while time.monotonic() < deadline and not ended:
            alive = self.alive()
            if alive is not None:
                runs = alive.runs
                ran, ended = runs, ran and not runs
                if alive.doing == number:
                    deadline = max(deadline, time.monotonic() + timeout_s - alive.age_s)
            rows = read_rows(answer)
            if rows and rows[0][0] == "answer":
                return rows
            time.sleep(_LOOK_S)
        if ended or not self._speaks():
            raise TargetError(
                "Ardour was there and has stopped answering; look whether it still runs, then send again",
                "crashed",
                str(self.settings),
            )
        raise TargetError(
            f"Ardour did not answer within {timeout_s:g} s (a window that waits for you?); then send again",
            "busy",
            str(self.settings),
        )

    def switched_on(self) -> bool:
        """Whether Ardour calls the listener in every session. Its first word comes a moment after OSC's, or later."""
        try:
            return _HOOK in (self.settings / "ui_scripts").read_text("utf-8", "replace")
        except OSError:
            return False

    def check_there(self, timeout_s: float) -> None:
        """Wait for a sign of life, for half the time at most: a busy Ardour may be a little late with it.

        Raises:
            TargetError: there was none.
        """
        if self.alive() is None and not self.switched_on():
            raise TargetError(f"the EMSYNC listener is not on; {HOW_TO_LISTEN}", "not_installed", str(self.settings))
        deadline = time.monotonic() + timeout_s / 2
        while not (there := self._speaks()) and time.monotonic() < deadline:
            time.sleep(_LOOK_S)
        if not there:
            raise TargetError(
                "Ardour is closed, has no session open, or its EMSYNC listener is off; open the session "
                f"(no listener yet: {HOW_TO_LISTEN})",
                "closed",
                str(self.settings),
            )

    def _speaks(self) -> bool:
        alive = self.alive()
        return alive is not None and alive.fresh

    def parcel(self) -> Path:
        """A fresh folder for the MIDI files of a request."""
        path = self.home / f"parcel-{uuid.uuid4().hex[:12]}"
        path.mkdir(parents=True)
        return path

    def discard(self, parcel: Path) -> None:
        shutil.rmtree(parcel, ignore_errors=True)


def _same(goal: Path, source: Path) -> bool:
    return goal.is_file() and goal.read_bytes() == source.read_bytes()
