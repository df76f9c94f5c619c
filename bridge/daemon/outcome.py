"""What became of a job that was cut off, judged by the score folder: nothing is done twice or forgotten."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from bridge.daemon.jobs import Job
from bridge.files import only_writer
from bridge.folder import ScoreFolder, TakeEntry
from bridge.history import takes_answer
from emsync_engine.errors import EmsyncError

_MAKES_TAKES = {"score": "output", "regenerate": "folder", "conform": "folder"}
"""Call -> the argument that names its score folder. Other calls may simply be done again."""
_SAME = {"score": (("source", "source"),), "conform": (("source", "source"),),
         "regenerate": (("start", "start"), ("end", "end"))}  # fmt: skip
"""Call -> (key of a take's request, argument) that are equal when the take is the job's."""
_WAIT_S = 5.0
"""For another emsync that works on the folder."""


@dataclass(frozen=True)
class Outcome:
    """Exactly one holds: ``result`` (it was done), ``again`` (nothing happened), ``error`` (it cannot be known)."""

    result: Mapping[str, Any] | None = None
    again: bool = False
    error: Mapping[str, str] | None = None


def takes_seen(job: Job) -> dict[str, int]:
    """The highest take of every score folder that the job may write to."""
    return {str(folder.path): _highest(folder) for folder in _folders(job)}


def _highest(folder: ScoreFolder) -> int:
    """The highest take; 0 where it cannot be read, which the job itself will say. Nobody is waited for."""
    try:
        return max((t.number for t in folder.document().takes), default=0)
    except EmsyncError:
        return 0


def outcome(job: Job) -> Outcome:
    """What a job that was cut off has left. Call it when its process is dead."""
    try:
        made = [(folder, entry) for folder in _folders(job) for entry in _new_takes(folder, job)]
    except EmsyncError as error:
        return Outcome(error={"code": error.code, "message": f"cut off, and then: {error.message}",
                              "where": error.where})  # fmt: skip
    if not made:
        return Outcome(again=True)
    folder, entry = made[-1]
    if str(folder.path) != job.request[_MAKES_TAKES[job.call]]:
        message = f"cut off when {len(made)} of its cues were scored; score again for the others"
        return Outcome(error={"code": "cut_off", "message": message, "where": str(folder.path)})
    answer = takes_answer(folder.document())
    return Outcome({**answer, "dir": str(folder.path), "take": entry.number, "seed": entry.seed, "recovered": True})


def _folders(job: Job) -> Iterator[ScoreFolder]:
    """The score folder of a job, and those of single cues inside it."""
    name = _MAKES_TAKES.get(job.call)
    if name is None:
        return
    home = Path(job.request[name])
    for path in (*sorted(home.glob("*.emsync")), home):
        if ScoreFolder(path).exists():
            yield ScoreFolder(path)


def _new_takes(folder: ScoreFolder, job: Job) -> list[TakeEntry]:
    try:
        with only_writer(folder.path, wait_s=_WAIT_S):
            folder.recover()
    except EmsyncError as error:
        if error.code != "busy":
            raise  # who is busy there has finished what was left undone before
    before = job.seen.get(str(folder.path), 0)
    return [t for t in folder.document().takes if t.number > before and _is_of(t, job)]


def _is_of(entry: TakeEntry, job: Job) -> bool:
    """Whether a take was asked for by a job (and not by somebody else in the same moments)."""
    same = all(entry.request.get(key) == job.request.get(name) for key, name in _SAME[job.call])
    made = datetime.fromisoformat(entry.created).timestamp()  # whole seconds
    return entry.request.get("command") == job.call and same and made >= int(job.started or 0) - 1
