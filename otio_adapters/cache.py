"""Files kept between runs under the user's cache folder, dropped when they have not been used for a month."""

from __future__ import annotations

import os
import shutil
import sys
import time
from contextlib import suppress
from pathlib import Path

KEPT_DAYS = 30
"""Days after its last use that an entry is dropped."""
_STAMP = ".used"
_DOOMED = ".doomed-"


def cache_folder() -> Path:
    """The user's cache folder of this program: ``%LOCALAPPDATA%``, ``~/Library/Caches`` or the XDG one."""
    if os.name == "nt":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
        return Path(base) / "emsync" / "Cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "emsync"
    stated = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(stated) if stated.startswith("/") else Path.home() / ".cache") / "emsync"


def entry(kind: str, key: str) -> Path:
    """The folder of one entry, made if needed and marked as used now; old entries of the kind are dropped.

    Safe beside other runs: an entry in use is young, and an old one is moved away before it is taken apart.

    Raises:
        OSError: the cache folder cannot be written.
    """
    shelf = cache_folder() / kind
    folder = shelf / key
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _STAMP).touch()
    drop_old(shelf, time.time() - KEPT_DAYS * 86400)
    return folder


def drop_old(shelf: Path, before: float) -> None:
    """Remove the entries of a shelf that were last used before a time (seconds since 1970)."""
    for folder in shelf.iterdir():
        with suppress(OSError):  # another run was faster, or the entry is not ours to remove
            stamp = folder / _STAMP
            used = (stamp if stamp.exists() else folder).stat().st_mtime
            if used < before or folder.name.startswith(_DOOMED):
                _drop(folder)


def _drop(folder: Path) -> None:
    doomed = folder
    if not folder.name.startswith(_DOOMED):
        doomed = folder.with_name(f"{_DOOMED}{os.getpid()}-{folder.name}")
        folder.rename(doomed)
    shutil.rmtree(doomed, ignore_errors=True)
