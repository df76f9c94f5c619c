"""Putting a take into its folder: staged, derived, committed as one change; and what is said of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from bridge import derive
from bridge.derive import Cue, Progress
from bridge.files import sha256
from bridge.folder import Document, ScoreFolder, Take, TakeEntry, Written
from emsync_engine.errors import InputError
from emsync_engine.measure import measure_hits
from emsync_engine.score import Score


def existing(folder: ScoreFolder) -> Document | None:
    """The document of an existing score folder; None where a new one may be made.

    Raises:
        InputError: the path is a file, or a folder with something else in it.
    """
    if folder.exists():
        return folder.document()
    if folder.path.exists() and (not folder.path.is_dir() or any(folder.path.iterdir())):
        raise InputError(
            "this exists and is not a score folder; choose another one with -o", str(folder.path), "not_a_score_folder"
        )
    return None


def current(folder: ScoreFolder, number: int | None = None) -> tuple[Document, Take, Cue]:
    """The document, a take (by default the current one) and what its files are derived from."""
    document = folder.document()
    entry = document.entry(document.current if number is None else number)
    take = folder.take(entry.number)
    return document, take, Cue(folder.path, folder.cut(entry.cut), folder.cut_timeline(entry.cut), take)


def take_entry(
    command: str, engine: str, seed: int, parent: int | None, request: dict[str, Any], changed: Any = None
) -> TakeEntry:
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    asked = {"command": command, **request}
    return TakeEntry(0, "", "", engine, seed, now, parent=parent, request=asked, changed=changed or {})


@contextmanager
def discarded_on_failure(folder: ScoreFolder, staging: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        folder.discard(staging)
        raise


def commit(
    folder: ScoreFolder,
    document: Document,
    cue: Cue,
    staging: Path,
    progress: Progress,
    *,
    soundfont: Path | None = None,
    needs_audio: bool = False,
    leave: Sequence[str] = (),
) -> Written:
    """Stage the derived files of the document's current take, then put everything staged in place.

    Args:
        leave: derived files to leave alone where they would come out as they were written before.
    """
    before = folder.document() if folder.exists() else Document()
    document = derive.derive_all(cue, staging, document, progress, soundfont=soundfont, needs_audio=needs_audio)
    made = {p.relative_to(staging).as_posix() for p in staging.rglob("*") if p.is_file()}
    for name in leave:
        if sha256(staging / name) == before.files.get(name) and (folder.path / name).is_file():
            (staging / name).unlink()
    return folder.commit(document, staging, dropped=_dropped(before, document, made))


def _dropped(before: Document, document: Document, made: Collection[str]) -> list[str]:
    """Derived files that the current take does not have: sound of other parts, and what was made for another cut."""
    old, new = ({t.number: t.cut for t in d.takes}.get(d.current) for d in (before, document))
    return [n for n in before.files if n not in made and (old != new or n.endswith(".wav"))]


def absolute(folder: ScoreFolder, names: Sequence[str]) -> list[str]:
    return [str(folder.path.resolve() / name) for name in names]


def answer(folder: ScoreFolder, written: Written, cue: Cue) -> dict[str, Any]:
    """What ``emsync score`` says of a cue."""
    document, score = written.document, cue.take.score
    return {
        "dir": str(folder.path.resolve()),
        "title": cue.cut.title,
        "take": document.current,
        "files": derive.file_paths(folder.path, document),
        "kept_aside": absolute(folder, written.kept_aside),
        "hits": [m.to_json() for m in measure_hits(score)],
        "tempo_map": tempo_rows(score),
        "sections": [
            {
                "id": s.id, "name": s.name, "role": s.role, "start_s": float(score.tempo_map.seconds(s.tick)),
                "end_s": float(score.tempo_map.seconds(s.end)), "valence": s.valence, "arousal": s.arousal,
                "seed": s.seed,
            }
            for s in score.sections
        ],
        "key": score.key.name,
        "duration_s": float(score.duration),
        "bars": len(score.bars),
        "notes": {p.id: len(p.notes) for p in score.parts},
        "seed": score.seed,
        "engine": score.engine,
        "audio": dict(document.audio),
        "rights": dict(document.rights),
        "warnings": [*cue.cut.warnings, *document.warnings],
    }  # fmt: skip


def tempo_rows(score: Score) -> list[dict[str, Any]]:
    """The tempo map for people and programs."""
    rows = []
    for event in score.tempo_map.events:
        bar, beat = score.bar_beat(event.tick)
        rows.append(
            {
                "time_s": float(score.tempo_map.seconds(event.tick)), "bar": bar, "beat": beat,
                "bpm": round(event.bpm, 6), "us_per_quarter": event.us_per_quarter, "forced": event.forced,
            }
        )  # fmt: skip
    return rows
