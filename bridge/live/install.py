"""Puts our remote script into Live's Remote Scripts folder, keeps it up to date, and takes it away again.

Only files that we wrote, and that are as we wrote them, are replaced or removed. What was changed by hand is copied
into the daemon's state folder first: Live would list a copy in its own folder as one more control surface.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.daemon import state as daemon_state
from bridge.files import json_bytes, sha256, write_atomic
from daw_scripts import script_path
from emsync_engine.errors import InputError

NAME = "EMSYNC"
MANIFEST = "installed.json"
SETTINGS = "emsync.json"
_CACHE = "__pycache__"


@dataclass(frozen=True)
class Installed:
    """What is in one Remote Scripts folder."""

    folder: Path
    """``.../Remote Scripts/EMSYNC``."""
    state: str
    """``absent``, ``current``, ``other`` (another version of ours), ``edited`` (changed by hand), ``foreign`` (somebody
    else's folder of this name)."""
    edited: tuple[str, ...] = ()
    """Files of ours that were changed by hand."""

    def as_json(self) -> dict[str, Any]:
        return {"folder": str(self.folder), "state": self.state, "edited": list(self.edited)}


@dataclass(frozen=True)
class Change:
    """What an installation did, or would do."""

    folder: Path
    written: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    """Files that are not ours."""
    backup: Path | None = None
    """Where files that were changed by hand were copied to."""

    def as_json(self) -> dict[str, Any]:
        return {
            "folder": str(self.folder), "written": list(self.written), "removed": list(self.removed),
            "left": list(self.left), "backup": str(self.backup) if self.backup else "",
        }  # fmt: skip


def look(scripts: Path) -> Installed:
    """What is in a Remote Scripts folder."""
    folder = scripts / NAME
    if not folder.exists():
        return Installed(folder, "absent")
    known = _manifest(folder)
    if known is None:
        return Installed(folder, "foreign")
    edited = tuple(name for name, digest in known.items() if _digest(folder / name) != digest)
    if edited:
        return Installed(folder, "edited", edited)
    return Installed(folder, "current" if known == _ours() else "other")


def install(scripts: Path, state: Path, *, port: int | None = None, dry_run: bool = False) -> Change:
    """Write or update the script. Live loads it at its next start.

    Args:
        scripts: the Remote Scripts folder.
        state: of the daemon; it gets the token that the script and we share.
        port: to listen on; by default the one that is set, or ours.

    Raises:
        InputError: a folder of this name is there that is not ours, or nothing can be written there.
    """
    before = look(scripts)
    folder = before.folder
    if before.state == "foreign":
        raise InputError(
            "there is a folder of this name that is not ours; rename or remove it first", str(folder), "not_ours"
        )
    files = _ours()
    stale = sorted(set(_manifest(folder) or {}) - set(files))
    if dry_run:
        return Change(folder, tuple(files), tuple(stale))
    daemon_state.token(daemon_state.open_state(state))
    backup = _back_up(before, state)
    folder.mkdir(parents=True, exist_ok=True)
    write_atomic(folder / MANIFEST, json_bytes({"name": NAME, "files": {**files, **(_manifest(folder) or {})}}))
    source = script_path("live", NAME)
    for name in files:
        write_atomic(folder / name, (source / name).read_bytes())
    for name in stale:
        (folder / name).unlink(missing_ok=True)
    write_atomic(folder / SETTINGS, json_bytes(_settings(folder, state, port), indent=1))
    write_atomic(folder / MANIFEST, json_bytes({"name": NAME, "files": files}, indent=1))
    shutil.rmtree(folder / _CACHE, ignore_errors=True)
    return Change(folder, tuple(files), tuple(stale), backup=backup)


def uninstall(scripts: Path, state: Path, *, dry_run: bool = False) -> Change:
    """Take our files away. Files that are not ours stay.

    Raises:
        InputError: the folder of this name is not ours.
    """
    before = look(scripts)
    folder = before.folder
    if before.state == "absent":
        return Change(folder)
    known = _manifest(folder)
    if known is None:
        raise InputError("this folder is not ours, so it stays", str(folder), "not_ours")
    ours = [*known, SETTINGS, MANIFEST]
    if not dry_run:
        backup = _back_up(before, state)
        for name in ours:
            (folder / name).unlink(missing_ok=True)
        shutil.rmtree(folder / _CACHE, ignore_errors=True)
        left = tuple(sorted(p.name for p in folder.iterdir()))
        if not left:
            folder.rmdir()
        return Change(folder, removed=tuple(ours), left=left, backup=backup)
    left = tuple(sorted(p.name for p in folder.iterdir() if p.name not in (*ours, _CACHE)))
    return Change(folder, removed=tuple(ours), left=left)


def _ours() -> dict[str, str]:
    """The files of the script -> sha256."""
    source = script_path("live", NAME)
    return {path.name: sha256(path) for path in sorted(source.glob("*.py"))}


def _manifest(folder: Path) -> Mapping[str, str] | None:
    """File -> sha256 as written; None where we have not written."""
    try:
        said = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    files = said.get("files") if isinstance(said, dict) and said.get("name") == NAME else None
    plain = isinstance(files, dict) and all(Path(str(name)).name == name for name in files)
    return files if plain else None


def _digest(path: Path) -> str:
    return sha256(path) if path.is_file() else ""


def _back_up(before: Installed, state: Path) -> Path | None:
    """Copy what was changed by hand; the folder it lies in."""
    changed = [name for name in before.edited if (before.folder / name).is_file()]
    if not changed:
        return None
    for number in range(1, 10_000):
        home = state / "backup" / f"live-{NAME}-{number}"
        if not home.exists():
            home.mkdir(parents=True)
            for name in changed:
                shutil.copy2(before.folder / name, home / name)
            return home
    raise InputError("too many backups; move some away", str(state / "backup"), "too_many_copies")


def _settings(folder: Path, state: Path, port: int | None) -> dict[str, Any]:
    """What the user has set stays; state and, when it is given, the port are ours."""
    try:
        kept = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        kept = {}
    kept = kept if isinstance(kept, dict) else {}
    return {**kept, "state": str(state.resolve()), **({} if port is None else {"port": port})}
