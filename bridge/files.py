"""Files that are either whole or not there: atomic writes, hashes, one writer at a time."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from emsync_engine.errors import InputError


def json_bytes(value: Any, *, indent: int | None = None, allow_nan: bool = False) -> bytes:
    """A JSON document as UTF-8 with a final newline."""
    separators = (",", ":") if indent is None else None
    text = json.dumps(value, indent=indent, ensure_ascii=False, allow_nan=allow_nan, separators=separators)
    try:
        return text.encode() + b"\n"
    except UnicodeEncodeError:  # half a surrogate pair in a name: only an escape can hold it
        text = json.dumps(value, indent=indent, allow_nan=allow_nan, separators=separators)
        return text.encode() + b"\n"


def write_atomic(path: Path, data: bytes) -> None:
    """Write beside the target, flush to the disk, rename. Nobody ever sees half of it."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def sync_file(path: Path) -> None:
    """Flush a finished file to the disk."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Flush a folder's entries to the disk where the system can (not on Windows)."""
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sha256(path: Path) -> str:
    """Hex digest of a file's content."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


@dataclass(frozen=True)
class Look:
    """What a file or bundle looks like from outside; it is the same while nobody writes."""

    size: int
    """Bytes, of all files of a bundle."""
    mtime_ns: int
    files: int


def look_at(path: Path) -> Look | None:
    """What a path looks like; None when it has just gone."""
    try:
        stats = [p.stat() for p in files_of(path)]
    except (OSError, ValueError):  # the latter of a name that can be no path
        return None
    return Look(sum(s.st_size for s in stats), max((s.st_mtime_ns for s in stats), default=0), len(stats))


def files_of(path: Path) -> Iterator[Path]:
    """The file, or all files of a bundle in order. A bundle is a folder with a suffix."""
    if path.suffix and path.is_dir():
        yield from sorted(p for p in path.rglob("*") if p.is_file())
    else:
        yield path


@contextmanager
def only_writer(folder: Path, *, wait_s: float = 600.0, waiting: Callable[[], None] | None = None) -> Iterator[None]:
    """Hold the right to change ``folder``; a second process waits its turn.

    The lock lies in the system's temporary folder, is released when the process ends however it ends, and leaves
    nothing in the score folder.

    Raises:
        InputError: another process still holds it after ``wait_s`` seconds.
    """
    key = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:24]
    user = os.getuid() if sys.platform != "win32" else os.environ.get("USERNAME", "")
    path = Path(tempfile.gettempdir()) / f"emsync-{user}-{key}.lock"
    with path.open("a+b") as file:
        deadline = time.monotonic() + wait_s
        told = False
        while not _try_lock(file):
            if time.monotonic() > deadline:
                raise InputError(
                    "another emsync is still working on this folder; try again when it is done",
                    where=str(folder),
                    code="busy",
                )
            if waiting and not told:
                waiting()
                told = True
            time.sleep(0.05)
        try:
            yield
        finally:
            _unlock(file)


if sys.platform == "win32":
    import msvcrt

    def _try_lock(file: IO[bytes]) -> bool:
        file.seek(0)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _unlock(file: IO[bytes]) -> None:
        file.seek(0)
        with suppress(OSError):
            msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _try_lock(file: IO[bytes]) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def _unlock(file: IO[bytes]) -> None:
        with suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_UN)
