"""Power cuts: every write, sync and rename of a daemon is recorded, and the disk as it would be after any of them is
built again.

Recorded by ``strace`` (Linux). Two disks are built for every moment: one where everything written has reached the disk
in order, and one where only what was synced has: files that were not synced are empty or as they were at their last
sync, and names are those of the last sync of anything, as a journalling file system keeps them.
"""

from __future__ import annotations

import copy
import os
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bridge.daemon.jobs import ENDED, JobStore
from bridge.daemon.outcome import outcome
from bridge.files import only_writer
from bridge.folder import ScoreFolder
from tests.bridge.daemon.conftest import Daemon
from tests.bridge.test_score_folder import check_whole

_CALLS = (
    "openat,write,pwrite64,writev,pwritev,fsync,fdatasync,ftruncate,rename,renameat,renameat2,unlink,unlinkat,mkdir,"
    "mkdirat,rmdir,lseek,sendfile,copy_file_range,clone,clone3,fork,vfork,close"
)
_LINE = re.compile(r"(\d+\.\d+) (\w+)\((.*)\) = (-?\d+)(?:<([^>]*)>)?.*<(\d+\.\d+)>$")
_FD = re.compile(r"^(\d+)<([^>]*)>")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_BASE = re.compile(r"(?:AT_FDCWD|\d+)<([^>]*)>")


@dataclass(frozen=True)
class Op:
    """Something that was done to the disk."""

    at: float
    """Seconds since 1970 when it had been done."""
    kind: str
    path: str
    offset: int = 0
    data: bytes = b""
    to: str = ""


def strace(traces: Path) -> list[str]:
    """The command that records what follows it."""
    return ["strace", "-ff", "--seccomp-bpf", "-ttt", "-T", "-y", "-xx", "-s", "100000000", "-e", f"trace={_CALLS}",
            "-e", "signal=none", "-o", str(traces / "t")]  # fmt: skip


def recorded(traces: Path, home: Path, before: Disk) -> list[Op]:
    """What was done below ``home``, in order, to what lay there before."""
    calls = []
    owner: dict[int, int] = {}
    for file in sorted(traces.glob("t.*"), key=lambda p: int(p.suffix[1:])):
        thread = int(file.suffix[1:])
        for line in file.read_text(encoding="ascii").splitlines():
            match = _LINE.match(line)
            if match is None:
                continue
            began, name, words, value, path, took = match.groups()
            if int(value) < 0:
                continue
            if name in ("clone", "clone3", "fork", "vfork"):
                if "CLONE_THREAD" in words:
                    owner[int(value)] = thread
                continue
            calls.append((float(began) + float(took), thread, name, words, int(value), _text(path or "")))
    calls.sort(key=lambda c: c[0])
    return list(_Reader(home, owner, before).ops(calls))


class _Reader:
    """Turns system calls into what they do, keeping the places of open files."""

    def __init__(self, home: Path, owner: dict[int, int], before: Disk) -> None:
        self._home = f"{home}{os.sep}"
        self._owner = owner
        self._places: dict[tuple[int, int], int] = {}
        self._appending: set[tuple[int, int]] = set()
        self._sizes = {name: len(before.files[number]) for name, number in before.names.items()}

    def ops(self, calls: Sequence[tuple[float, int, str, str, int, str]]) -> Iterator[Op]:
        for at, thread, name, words, value, opened in calls:
            while thread in self._owner:
                thread = self._owner[thread]
            if name == "openat":
                yield from self._open(at, (thread, value), words, opened)
                continue
            fd = _FD.match(words)
            if fd and not name.endswith("at"):
                path = self._ours(_text(fd.group(2)))
                if path is not None:
                    yield from self._on_file(at, name, (thread, int(fd.group(1))), path, words, value)
            else:
                yield from self._on_name(at, name, words)

    def _ours(self, path: str) -> str | None:
        return path[len(self._home) :] if path.startswith(self._home) else "" if f"{path}/" == self._home else None

    def _open(self, at: float, key: tuple[int, int], words: str, opened: str) -> Iterator[Op]:
        path = self._ours(opened)
        if path is None or "O_DIRECTORY" in words:
            return
        self._places[key] = 0
        self._appending.discard(key)
        if "O_APPEND" in words:
            self._appending.add(key)
        if "O_CREAT" in words and path not in self._sizes:
            self._sizes[path] = 0
            yield Op(at, "create", path)
        elif "O_TRUNC" in words:
            self._sizes[path] = 0
            yield Op(at, "truncate", path)

    def _on_file(self, at: float, name: str, key: tuple[int, int], path: str, words: str, value: int) -> Iterator[Op]:
        if name in ("fsync", "fdatasync"):
            yield Op(at, "sync", path)
        elif name == "lseek":
            self._places[key] = value
        elif name == "ftruncate":
            size = int(words.rsplit(",", 1)[1])
            self._sizes[path] = size
            yield Op(at, "truncate", path, offset=size)
        elif name in ("write", "writev", "pwrite64", "pwritev"):
            data = b"".join(_bytes(t) for t in _TEXT.findall(words))[:value]
            if name.startswith("p"):
                place = int(words.rsplit(",", 1)[1])
            else:
                place = self._sizes.get(path, 0) if key in self._appending else self._places.get(key, 0)
                self._places[key] = place + value
            self._sizes[path] = max(self._sizes.get(path, 0), place + value)
            yield Op(at, "write", path, place, data)
        elif name in ("sendfile", "copy_file_range"):
            raise AssertionError(f"{name} is not replayed: {path}")

    def _on_name(self, at: float, name: str, words: str) -> Iterator[Op]:
        bases = [_text(b) for b in _BASE.findall(words)]
        names = [_bytes(t).decode() for t in _TEXT.findall(words)]
        whole = [self._ours(str(Path(bases[i] if i < len(bases) else "", n))) for i, n in enumerate(names)]
        if not whole or whole[0] is None:
            return
        if name.startswith("rename"):
            assert whole[1] is not None
            self._sizes[whole[1]] = self._sizes.pop(whole[0], 0)
            yield Op(at, "rename", whole[0], to=whole[1])
        elif name in ("unlink", "rmdir", "unlinkat"):
            self._sizes.pop(whole[0], None)
            yield Op(at, "remove", whole[0])
        elif name in ("mkdir", "mkdirat"):
            yield Op(at, "mkdir", whole[0])


def _text(hexed: str) -> str:
    return _bytes(hexed).decode() if hexed.startswith("\\x") else hexed


def _bytes(hexed: str) -> bytes:
    return bytes.fromhex(hexed.replace("\\x", ""))


@dataclass
class Disk:
    """A disk that is written to, and what of it survives a power cut."""

    files: dict[int, bytearray] = field(default_factory=dict)
    names: dict[str, int] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    synced: dict[int, bytes] = field(default_factory=dict)
    synced_names: dict[str, int] = field(default_factory=dict)
    synced_folders: set[str] = field(default_factory=set)
    made: int = 0

    @classmethod
    def of(cls, home: Path) -> Disk:
        """What lies there, all of it synced."""
        disk = cls()
        for path in sorted(home.rglob("*")):
            name = path.relative_to(home).as_posix()
            if path.is_dir():
                disk.folders.add(name)
            else:
                disk.apply(Op(0, "create", name))
                disk.apply(Op(0, "write", name, 0, path.read_bytes()))
                disk.apply(Op(0, "sync", name))
        return disk

    def apply(self, op: Op) -> None:
        getattr(self, f"_{op.kind}")(op)

    def _create(self, op: Op) -> None:
        self.made += 1
        self.names[op.path], self.files[self.made] = self.made, bytearray()

    def _write(self, op: Op) -> None:
        if op.path not in self.names:
            return  # a file that has lost its name while it was open
        file = self.files[self.names[op.path]]
        file.extend(bytes(max(op.offset - len(file), 0)))
        file[op.offset : op.offset + len(op.data)] = op.data

    def _truncate(self, op: Op) -> None:
        file = self.files[self.names[op.path]]
        del file[op.offset :]
        file.extend(bytes(op.offset - len(file)))

    def _sync(self, op: Op) -> None:
        if op.path in self.names:
            number = self.names[op.path]
            self.synced[number] = bytes(self.files[number])
        self.synced_names, self.synced_folders = dict(self.names), set(self.folders)

    def _rename(self, op: Op) -> None:
        if op.path in self.names:
            self.names[op.to] = self.names.pop(op.path)
            return
        for name in [n for n in self.names if n.startswith(f"{op.path}/")]:
            self.names[op.to + name[len(op.path) :]] = self.names.pop(name)
        for name in [n for n in self.folders if n == op.path or n.startswith(f"{op.path}/")]:
            self.folders.remove(name)
            self.folders.add(op.to + name[len(op.path) :])

    def _remove(self, op: Op) -> None:
        self.names.pop(op.path, None)
        self.folders.discard(op.path)

    def _mkdir(self, op: Op) -> None:
        self.folders.add(op.path)

    def build(self, home: Path, *, only_synced: bool) -> None:
        """Make ``home`` be what is left after a power cut now."""
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir()
        for name in sorted(self.synced_folders if only_synced else self.folders):
            (home / name).mkdir(parents=True, exist_ok=True)
        for name, number in (self.synced_names if only_synced else self.names).items():
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            (home / name).write_bytes(self.synced.get(number, b"") if only_synced else self.files[number])


@dataclass
class Session:
    """What a daemon did to its disk while a score was made and regenerated."""

    home: Path
    before: Disk
    ops: list[Op]
    accepted: dict[str, float]
    """Job -> when its client was told that it was accepted, in seconds since 1970."""
    ended: dict[str, float]
    left: dict[str, bytes]
    """The files at the end."""

    def moments(self) -> Iterator[tuple[Op, Disk]]:
        """Every operation, and the disk just after it."""
        disk = copy.deepcopy(self.before)
        for op in self.ops:
            disk.apply(op)
            yield op, disk

    def accepted_by(self, at: float) -> list[str]:
        return [job for job, when in self.accepted.items() if when <= at]

    def ended_by(self, at: float) -> list[str]:
        return [job for job, when in self.ended.items() if when <= at]


def record(daemon: Daemon, traces: Path) -> Session:
    """Run a daemon for a score and a regeneration, recording it."""
    home = daemon.home
    before = Disk.of(home)
    accepted, ended = {}, {}
    daemon.start(under=strace(traces))
    region = {"folder": str(home / "cut.emsync"), "start": 1, "end": 4}
    for job, call, more in (("first", "score", {"source": str(home / "cut.otio")}), ("second", "regenerate", region)):
        daemon.ask(call, {"id": job, **more})
        accepted[job] = time.time()
        assert daemon.end_of(job)["state"] == "done"
        ended[job] = time.time()
    assert daemon.stop() == (0, "")
    left = {p.relative_to(home).as_posix(): p.read_bytes() for p in home.rglob("*") if p.is_file()}
    return Session(home, before, recorded(traces, home, before), accepted, ended, left)


def check_left(home: Path, accepted: Sequence[str], ended: Sequence[str]) -> None:
    """What must hold after any power cut: the queue opens and has every accepted job, no job that was told to have
    ended is open again, and score folders are whole or not there.

    Args:
        home: with the state folder in it.
        accepted: ids of jobs that a client had been told were accepted.
        ended: ids of jobs that a client had been told have ended.
    """
    (home / "state").mkdir(exist_ok=True)
    store = JobStore(home / "state" / "queue.sqlite")
    jobs = {j.id: j for j in store.jobs()}
    store.close()
    assert set(accepted) <= set(jobs), f"lost: {set(accepted) - set(jobs)}"
    assert all(jobs[i].state in ENDED for i in ended)
    for job in jobs.values():
        if job.ended is None and job.started is not None:
            outcome(job)
    for path in home.glob("*.emsync"):
        folder = ScoreFolder(path)
        with only_writer(path, wait_s=0):
            folder.recover()
        if folder.exists():
            check_whole(path)
        else:
            assert not list(path.iterdir()), f"left in {path}: {[p.name for p in path.iterdir()]}"
    for job in jobs.values():
        if job.state == "done" and job.call == "regenerate":
            takes = ScoreFolder(Path(job.request["folder"])).document().takes
            assert job.brief["take"] in [t.number for t in takes], "a take that was told of is not there"
