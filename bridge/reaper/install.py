"""Puts the scripts into REAPER's resource path and takes them out again.

Files of ours go into ``Scripts/EMSYNC`` and ``OSC``; the only file of the user's that is changed is
``Scripts/__startup.lua``, which gets a block between two marks and is backed up first. ``reaper.ini`` is changed only
when it is asked for (``--osc``), and never while REAPER runs, because REAPER writes it when it quits.
"""

from __future__ import annotations

import re
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.connectors.reaper_box import MAILBOX, Mailbox
from bridge.connectors.reaper_osc import osc_device
from bridge.files import write_atomic
from bridge.reaper.processes import reaper_runs
from daw_scripts import script_path
from emsync_engine.errors import InputError

SCRIPTS = Path("Scripts", "EMSYNC")
STARTUP = Path("Scripts", "__startup.lua")
PATTERNS = Path("OSC", "EMSYNC.ReaperOSC")
BACKUPS = Path("EMSYNC-backups")
LISTENER = "emsync_listener.lua"
BEGIN, END = "-- EMSYNC begin: starts the listener (emsync reaper uninstall removes this)", "-- EMSYNC end"
_BLOCK = re.compile(rf"{re.escape(BEGIN)}\r?\n.*?{re.escape(END)}\r?\n?", re.DOTALL)
OSC_LISTEN, OSC_SEND = 17721, 17722
"""Ports of the OSC device that ``--osc`` makes: REAPER listens on the first and sends to the second."""
_SURFACE = re.compile(r"^csurf_(\d+)=", re.IGNORECASE)
_COUNT = re.compile(r"^csurf_cnt=(\d+)\s*$", re.IGNORECASE)
_SECTION = re.compile(r"^\s*\[([^\]]*)\]\s*$")


@dataclass(frozen=True)
class Status:
    """What is there."""

    resources: Path
    state: str
    """Of the listener, as a connector sees it."""
    scripts: str
    """``current``, ``other`` (another version, or changed) or ``none``."""
    autostart: bool
    application: str = ""
    osc: str = ""
    """Name and port of an OSC device that listens; empty without one."""

    def to_json(self) -> dict[str, Any]:
        return {**vars(self), "resources": str(self.resources)}


def our_files() -> dict[Path, bytes]:
    """Relative path below the resource path -> content."""
    home = script_path("reaper")
    scripts = {SCRIPTS / p.relative_to(home): p.read_bytes() for p in sorted(home.rglob("*.lua"))}
    return {**scripts, PATTERNS: script_path("reaper", "EMSYNC.ReaperOSC").read_bytes()}


def install(resources: Path, *, osc: bool = False) -> dict[str, Any]:
    """Copy the scripts and have REAPER start the listener. Doing it twice changes nothing the second time.

    Raises:
        InputError: no such folder; or ``osc`` is asked for while REAPER runs.
    """
    if not resources.is_dir():
        raise InputError(
            "there is no such folder; give REAPER's resource path with --resource-path (in REAPER: Options > Show "
            "REAPER resource path)", str(resources), "no_resource_path",
        )  # fmt: skip
    if osc:
        _require_closed(resources)
    changed, kept = [], []
    for name, data in our_files().items():
        path = resources / name
        if path.is_file() and path.read_bytes() == data:
            continue
        if path.is_file():
            kept.append(str(_back_up(resources, name)))
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, data)
        changed.append(str(path))
    for folder in ("in", "out"):
        (resources / MAILBOX / folder).mkdir(parents=True, exist_ok=True)
    startup = resources / STARTUP
    before = startup.read_bytes() if startup.is_file() else b""
    after = _with_block(before)
    if after != before:
        if before:
            kept.append(str(_back_up(resources, STARTUP)))
        write_atomic(startup, after)
        changed.append(str(startup))
    if osc and osc_device(resources) is None:
        kept.append(str(_back_up(resources, Path("reaper.ini"))))
        _add_device(resources / "reaper.ini")
        changed.append(str(resources / "reaper.ini"))
    return {"resources": str(resources), "changed": changed, "backups": kept, "running": reaper_runs(resources)}


def uninstall(resources: Path) -> dict[str, Any]:
    """Remove what ``install`` put there. Files in our folder that are not ours stay, with the folder."""
    removed = []
    for name in our_files():
        path = resources / name
        if path.is_file():
            path.unlink()
            removed.append(str(path))
    for folder in (resources / SCRIPTS / "lib", resources / SCRIPTS):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
    startup = resources / STARTUP
    if startup.is_file():
        before = startup.read_bytes()
        after = _without_block(before)
        if after != before:
            _back_up(resources, STARTUP)
            if after.strip():
                write_atomic(startup, after)
            else:
                startup.unlink()
            removed.append(str(startup))
    shutil.rmtree(resources / MAILBOX, ignore_errors=True)
    return {"resources": str(resources), "removed": removed, "running": reaper_runs(resources)}


def status(resources: Path) -> Status:
    box = Mailbox(resources)
    beat = box.heartbeat()
    files = our_files()
    there = [(resources / name).is_file() for name in files]
    same = all((resources / name).is_file() and (resources / name).read_bytes() == data for name, data in files.items())
    startup = resources / STARTUP
    device = osc_device(resources)
    return Status(
        resources=resources,
        state=box.state(),
        scripts="current" if same else "other" if any(there) else "none",
        autostart=startup.is_file() and BEGIN in startup.read_text(encoding="utf-8", errors="replace"),
        application=beat.application if beat else "",
        osc=f"{device.name} on port {device.port}" if device else "",
    )


# --- helpers -----------------------------------------------------------------------------------------------------


def _require_closed(resources: Path) -> None:
    if reaper_runs(resources) is not False:
        raise InputError(
            "reaper.ini may only be changed while REAPER is closed; quit REAPER and try again, or add the device by "
            "hand (docs/daw/reaper.md)", str(resources / "reaper.ini"), "running",
        )  # fmt: skip


def _back_up(resources: Path, name: Path) -> Path:
    """A copy of a file that is about to be changed, under a new name."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    for number in range(1000):
        path = resources / BACKUPS / f"{stamp}-{number}" / name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            if (resources / name).is_file():
                shutil.copy2(resources / name, path)
            return path
    raise InputError("too many backups in one second", str(resources / BACKUPS), "too_many_copies")


def _block() -> str:
    """Lua that starts the listener, and does nothing when it is not there any more."""
    return (
        f"{BEGIN}\n"
        "do\n"
        f"  local path = reaper.GetResourcePath() .. '/{SCRIPTS.as_posix()}/{LISTENER}'\n"
        "  if reaper.file_exists(path) then dofile(path) end\n"
        "end\n"
        f"{END}\n"
    )


def _with_block(text: bytes) -> bytes:
    """The start-up script with our block, at the end unless it has its place already."""
    said = text.decode("utf-8", "surrogateescape")
    if _BLOCK.search(said):
        after = _BLOCK.sub(lambda _: _block(), said, count=1)
    else:
        after = said + ("\n" if said and not said.endswith("\n") else "") + _block()
    return after.encode("utf-8", "surrogateescape")


def _without_block(text: bytes) -> bytes:
    return _BLOCK.sub("", text.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


def _add_device(ini: Path) -> None:
    """One more control surface in ``[REAPER]``; those that are there keep their numbers."""
    lines = ini.read_text(encoding="utf-8", errors="surrogateescape").splitlines() if ini.is_file() else []
    at = next((i for i, line in enumerate(lines) if (m := _SECTION.match(line)) and m[1].lower() == "reaper"), None)
    if at is None:
        lines += ["[REAPER]"]
        at = len(lines) - 1
    stop = next((i for i in range(at + 1, len(lines)) if _SECTION.match(lines[i])), len(lines))
    own = lines[at + 1 : stop]
    numbers = [int(m[1]) for line in own if (m := _SURFACE.match(line))]
    number = max(numbers, default=-1) + 1
    device = f'csurf_{number}=OSC "EMSYNC" 3 {OSC_LISTEN} "127.0.0.1" {OSC_SEND} 1024 10 "EMSYNC"'
    kept = [line for line in own if not _COUNT.match(line)]
    lines[at + 1 : stop] = [f"csurf_cnt={number + 1}", *kept, device]
    write_atomic(ini, ("\n".join(lines) + "\n").encode("utf-8", "surrogateescape"))
