"""The queue on disk: every accepted job is there until long after it has ended, whatever dies in between."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from emsync_engine.errors import InputError

QUEUED, RUNNING, DONE, FAILED, CANCELLED = "queued", "running", "done", "failed", "cancelled"
ENDED = (DONE, FAILED, CANCELLED)

MAX_WAITING = 100
"""Jobs that may wait or run; more are refused."""
MAX_KEPT = 500
"""Ended jobs that are remembered (and whose ids are answered again)."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  call TEXT NOT NULL,
  request TEXT NOT NULL,
  priority INTEGER NOT NULL,
  timeout_s REAL NOT NULL,
  state TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  seen TEXT NOT NULL DEFAULT '{}',
  created REAL NOT NULL,
  started REAL,
  ended REAL,
  brief TEXT NOT NULL DEFAULT '{}',
  error TEXT NOT NULL DEFAULT '{}',
  result TEXT
)
"""
_COLUMNS = (
    "number, id, call, request, priority, timeout_s, state, attempts, seen, created, started, ended, brief, error"
)


@dataclass(frozen=True)
class Job:
    """One accepted request."""

    id: str
    """Chosen by the client."""
    call: str
    request: Mapping[str, Any]
    """Checked arguments by name; paths are absolute."""
    priority: int
    """Less goes first."""
    timeout_s: float
    number: int = 0
    """Order of acceptance."""
    state: str = QUEUED
    attempts: int = 0
    seen: Mapping[str, int] = field(default_factory=dict)
    """Score folder -> its highest take when the job began: what a crash is judged by."""
    created: float = 0.0
    """Seconds since 1970, like ``started`` and ``ended``."""
    started: float | None = None
    ended: float | None = None
    brief: Mapping[str, Any] = field(default_factory=dict)
    """The plain values of the result; the whole of it stays on disk."""
    error: Mapping[str, str] = field(default_factory=dict)
    """code, message and where of a failed job."""
    progress: float = 0.0
    """0..1; not kept on disk."""
    stage: str = ""

    def to_json(self) -> dict[str, Any]:
        """What clients are told of a job."""
        return {k: v for k, v in vars(self).items() if k not in ("seen", "number")}


class JobStore:
    """The jobs in one SQLite file, which this process has to itself. Use it from one thread at a time.

    Raises:
        InputError: another daemon has the file, or it is damaged.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._database = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
        try:
            self._database.execute("PRAGMA locking_mode=EXCLUSIVE")
            self._database.execute("PRAGMA journal_mode=WAL")
            self._database.execute("PRAGMA synchronous=FULL")
            self._database.execute("BEGIN EXCLUSIVE")
            self._database.execute(_SCHEMA)
            self._database.execute("COMMIT")
        except sqlite3.Error as error:
            self._database.close()
            raise _said(error, path) from error

    def close(self) -> None:
        self._database.close()

    # --- reading ---

    def jobs(self) -> list[Job]:
        """All jobs, the oldest first."""
        with closing(self._database.execute(f"SELECT {_COLUMNS} FROM jobs ORDER BY number")) as rows:
            return [_job(row) for row in rows]

    def get(self, job_id: str) -> Job | None:
        row = self._database.execute(f"SELECT {_COLUMNS} FROM jobs WHERE id = ?", (job_id,)).fetchone()
        return _job(row) if row else None

    def result(self, job_id: str) -> dict[str, Any] | None:
        """The whole result of a job that is done."""
        row = self._database.execute("SELECT result FROM jobs WHERE id = ?", (job_id,)).fetchone()
        return json.loads(row[0]) if row and row[0] else None

    # --- writing ---

    def add(self, job: Job) -> Job:
        """Accept a job, on disk when this returns; the job of that id when there is one already.

        Raises:
            InputError: the id belongs to another request, or too many jobs wait.
        """
        old = self.get(job.id)
        if old is not None:
            if (old.call, dict(old.request)) != (job.call, dict(job.request)):
                raise InputError(
                    f"the id {job.id} was used for another request; choose a new id for every request", code="id_used"
                )
            return old
        waiting = self._database.execute("SELECT count(*) FROM jobs WHERE ended IS NULL").fetchone()[0]
        if waiting >= MAX_WAITING:
            raise InputError(f"{waiting} jobs are waiting already; try again later", code="queue_full")
        created = time.time()
        inserted = self._database.execute(
            "INSERT INTO jobs (id, call, request, priority, timeout_s, state, created) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (job.id, job.call, json.dumps(job.request), job.priority, job.timeout_s, QUEUED, created),
        )
        return replace(job, number=inserted.lastrowid or 0, state=QUEUED, created=created)

    def start(self, job: Job, seen: Mapping[str, int]) -> Job:
        """A job begins."""
        job = replace(job, state=RUNNING, attempts=job.attempts + 1, seen=seen, started=time.time())
        self._database.execute(
            "UPDATE jobs SET state = ?, attempts = ?, seen = ?, started = ? WHERE id = ?",
            (job.state, job.attempts, json.dumps(job.seen), job.started, job.id),
        )
        return job

    def requeue(self, job: Job) -> Job:
        """A job that was cut off waits again."""
        self._database.execute(
            "UPDATE jobs SET state = ?, attempts = ? WHERE id = ? AND ended IS NULL",
            (QUEUED, max(job.attempts, 0), job.id),
        )
        return replace(job, state=QUEUED, attempts=max(job.attempts, 0), progress=0.0, stage="")

    def end(
        self, job: Job, state: str, *, result: Mapping[str, Any] | None = None, error: Mapping[str, str] | None = None
    ) -> Job:
        """A job is done, failed or cancelled, for good."""
        brief = brief_of(result or {})
        job = replace(
            job, state=state, ended=time.time(), brief=brief, error=error or {}, progress=float(state == DONE), stage=""
        )
        self._database.execute(
            "UPDATE jobs SET state = ?, ended = ?, brief = ?, error = ?, result = ? WHERE id = ? AND ended IS NULL",
            (state, job.ended, json.dumps(brief), json.dumps(job.error),
             json.dumps(result) if result is not None else None, job.id),
        )  # fmt: skip
        return job

    def forget_old(self) -> list[str]:
        """Forget the oldest ended jobs beyond ``MAX_KEPT``; their ids."""
        old = self._database.execute(
            "SELECT id FROM jobs WHERE ended IS NOT NULL ORDER BY ended DESC LIMIT -1 OFFSET ?", (MAX_KEPT,)
        ).fetchall()
        self._database.executemany("DELETE FROM jobs WHERE id = ?", old)
        return [row[0] for row in old]


def brief_of(result: Mapping[str, Any]) -> dict[str, Any]:
    """The plain values of a result and the path of its report."""
    brief = {k: v for k, v in result.items() if v is None or isinstance(v, (str, int, float))}
    files = result.get("files")
    if isinstance(files, Mapping) and isinstance(files.get("report"), str):
        brief["report"] = files["report"]
    return brief


def _job(row: Sequence[Any]) -> Job:
    names = [name.strip() for name in _COLUMNS.split(",")]
    values = dict(zip(names, row))
    for name in ("request", "seen", "brief", "error"):
        values[name] = json.loads(values[name])
    return Job(**values, progress=float(values["state"] == DONE))


def _said(error: sqlite3.Error, path: Path) -> InputError:
    if "locked" in str(error):
        return InputError(
            "another emsync serve is running with this state folder; stop it or give --state", str(path), "busy"
        )
    return InputError(f"the queue cannot be opened ({error}); move the file away", str(path), "damaged")
