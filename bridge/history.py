"""History, locks and derived files of a score folder: what is asked for after the composing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bridge import derive, locks
from bridge.derive import Progress
from bridge.files import only_writer
from bridge.folder import Document, Lock, ScoreFolder
from bridge.writing import absolute, commit, current, discarded_on_failure
from emsync_engine.errors import InputError


def use_take(path: Path, number: int, progress: Progress) -> dict[str, Any]:
    """Make an earlier (or later) take the current one and derive its files."""
    folder = ScoreFolder(path)
    with only_writer(path, waiting=lambda: progress(0.0, "waiting for another emsync to finish")):
        folder.recover()
        document, _, cue = current(folder, number)
        staging = folder.stage()
        with discarded_on_failure(folder, staging):
            written = commit(folder, replace(document, current=number), cue, staging, progress)
    return {**takes_answer(written.document), "kept_aside": absolute(folder, written.kept_aside)}


def change_locks(path: Path, asked: Sequence[Lock], *, locked: bool) -> dict[str, Any]:
    """Add locks, or remove every lock that these cover; all of them or none."""
    folder = ScoreFolder(path)
    with only_writer(path):
        folder.recover()
        document, score = folder.document(), folder.take().score
        for lock in asked:
            lock = replace(lock, section=locks.section_id(lock.section, score) if lock.section else None)
            locks.check_lock(lock, score)
            kept = tuple(k for k in document.locks if not _covers(lock, k))
            document = replace(document, locks=(*kept, lock) if locked else kept)
        staging = folder.stage()
        with discarded_on_failure(folder, staging):
            folder.commit(document, staging)
    return takes_answer(document)


def _covers(wide: Lock, narrow: Lock) -> bool:
    return wide.part in (None, narrow.part) and wide.section in (None, narrow.section)


def list_takes(path: Path) -> dict[str, Any]:
    """The history and the locks, as they are before a take that is just being made."""
    folder = ScoreFolder(path)
    try:
        with only_writer(path, wait_s=0):
            folder.recover()
    except InputError as error:
        if error.code != "busy":
            raise
    return takes_answer(folder.document())


def takes_answer(document: Document) -> dict[str, Any]:
    return {
        "takes": [derive.takes_row(document, i) for i in range(len(document.takes))],
        "current": document.current,
        "locks": [{"part": k.part, "section": k.section} for k in document.locks],
    }


def rerender(path: Path, soundfont: Path | None, progress: Progress) -> dict[str, Any]:
    """Mix and stems of the current take again.

    Raises:
        MissingComponentError: no synthesiser is installed.
    """
    folder = ScoreFolder(path)
    with only_writer(path, waiting=lambda: progress(0.0, "waiting for another emsync to finish")):
        folder.recover()
        document, _, cue = current(folder)
        staging = folder.stage()
        with discarded_on_failure(folder, staging):
            leave = (derive.MIDI, derive.TIMELINE, derive.REPORT)
            written = commit(
                folder, document, cue, staging, progress, soundfont=soundfont, needs_audio=True, leave=leave
            )
    document = written.document
    files = derive.file_paths(path, document)
    return {"files": {k: v for k, v in files.items() if v.endswith(".wav")}, "audio": dict(document.audio),
            "rights": dict(document.rights), "kept_aside": absolute(folder, written.kept_aside)}  # fmt: skip


def redraw(path: Path) -> dict[str, Any]:
    """The report of the current take again."""
    folder = ScoreFolder(path)
    with only_writer(path):
        folder.recover()
        document, _, cue = current(folder)
        staging = folder.stage()
        with discarded_on_failure(folder, staging):
            derive.write_report(cue, staging, document)
            written = folder.commit(document, staging)
    return {"files": {"report": str(path.resolve() / derive.REPORT)},
            "kept_aside": absolute(folder, written.kept_aside)}  # fmt: skip
