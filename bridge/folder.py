"""The score folder: the document that is the truth, its takes, and the files made from it.

``NAME.emsync/`` holds ``score.json`` (the document), ``takes/take-NNNN.json`` (append-only, one whole score each),
``cuts/cut-NNNN.json`` and ``.otio`` (the timelines that takes were made for), and the derived files. A change is
staged whole, then a journal is written, then files are moved into place, then the document; a process that dies in
between is finished or undone at the next opening.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

from bridge.files import json_bytes, sha256, sync_file, sync_folder, write_atomic
from emsync_engine.codec import CodecError, decode, encode
from emsync_engine.errors import InputError
from emsync_engine.mood import MoodCurve
from emsync_engine.picture import Picture
from emsync_engine.score import Score
from emsync_engine.spotting import CueSheet
from emsync_engine.version import __version__

T = TypeVar("T")
SCHEMA_VERSION = 1
DOCUMENT = "score.json"
_JOURNAL = ".commit.json"
_STAGING = ".staging"


@dataclass(frozen=True)
class Lock:
    """Protects a part, a section, or a part in a section from regeneration. None stands for all."""

    part: str | None = None
    section: str | None = None


@dataclass(frozen=True)
class TakeEntry:
    """One line of the history."""

    number: int
    file: str
    sha256: str
    engine: str
    seed: int
    created: str
    """ISO 8601, UTC."""
    cut: int = 1
    """What it was made for."""
    parent: int | None = None
    request: Mapping[str, Any] = field(default_factory=dict)
    """What was asked for: command, range, parts, mood."""
    changed: Mapping[str, Any] = field(default_factory=dict)
    """Notes removed and added by part."""


@dataclass(frozen=True)
class Document:
    """``score.json``."""

    schema: str = f"emsync.score/{SCHEMA_VERSION}"
    emsync: str = __version__
    current: int = 0
    takes: tuple[TakeEntry, ...] = ()
    locks: tuple[Lock, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    """Derived file (relative, forward slashes) -> sha256 as written."""
    warnings: tuple[str, ...] = ()
    """About the derived files; those about the timeline are with the cut."""
    rights: Mapping[str, str] = field(default_factory=dict)
    soundfont: str = ""
    """Path of the SoundFont the user chose, if any."""
    audio: Mapping[str, Any] = field(default_factory=dict)

    def entry(self, number: int) -> TakeEntry:
        for take in self.takes:
            if take.number == number:
                return take
        known = ", ".join(str(t.number) for t in self.takes)
        raise InputError(f"there is no take {number} (there are {known})", code="no_such_take")


@dataclass(frozen=True)
class Take:
    """A whole score and the sheet it was composed from."""

    score: Score
    sheet: CueSheet


@dataclass(frozen=True)
class Cut:
    """What takes are made for: the timeline as it was read, and its mood. Kept, so that an earlier take comes back
    with its own picture when the timeline has moved on."""

    title: str
    source: str
    """Path of the timeline."""
    offset: Fraction
    """Seconds from the head of the timeline to the head of the cue."""
    picture: Picture
    mood: MoodCurve
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Written:
    """What a commit did."""

    document: Document
    kept_aside: tuple[str, ...]
    """Derived files that had been edited by hand, under the names they were moved to."""


@dataclass(frozen=True)
class _Journal:
    """A change that is about to be put in place."""

    moves: tuple[tuple[str, str], ...]
    """(from, to), relative to the folder."""
    document: Document


class ScoreFolder:
    """One cue on disk. Hold ``bridge.files.only_writer`` while changing it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    # --- reading ---

    def exists(self) -> bool:
        return (self.path / DOCUMENT).is_file() or (self.path / _JOURNAL).is_file()

    def document(self) -> Document:
        """The document.

        Raises:
            InputError: no score folder, damaged, or written by a newer version.
        """
        path = self.path / DOCUMENT
        if not path.is_file():
            what = "there is no such folder" if not self.path.exists() else f"not a score folder (no {DOCUMENT})"
            raise InputError(
                f"{what}; make one with: emsync score TIMELINE -o {self.path.name}", str(self.path), "no_score"
            )
        data = _read_json(path)
        schema = str(data.get("schema", "")) if isinstance(data, dict) else ""
        name, _, number = schema.partition("/")
        if name != "emsync.score" or not number.isdigit():
            raise InputError("this is not an EMSYNC score document", str(path), "not_a_score")
        if int(number) > SCHEMA_VERSION:
            raise InputError(
                f"written by a newer EMSYNC ({data.get('emsync', '?')}, schema {schema}); update EMSYNC to open it",
                str(path),
                "newer_version",
            )
        return _decode(Document, data, path)

    def take(self, number: int | None = None) -> Take:
        """A take, by default the current one."""
        document = self.document()
        entry = document.entry(document.current if number is None else number)
        path = self.path / entry.file
        return _decode(Take, _read_json(path), path)

    def cut(self, number: int) -> Cut:
        """What the takes of a cut were made for."""
        path = self.path / cut_file(number)
        return _decode(Cut, _read_json(path), path)

    def cut_timeline(self, number: int) -> Path:
        """The timeline of a cut as an OpenTimelineIO file, without music of ours."""
        return self.path / cut_timeline_file(number)

    # --- writing ---

    def recover(self) -> None:
        """Finish or undo a change that was cut off."""
        journal = self.path / _JOURNAL
        if journal.is_file():
            plan = _decode(_Journal, _read_json(journal), journal)
            self._move_into_place(plan.moves)
            write_atomic(self.path / DOCUMENT, json_bytes(encode(plan.document), indent=1))
            journal.unlink()
        if self.path.is_dir():
            for leftover in self.path.glob(f"{_STAGING}*"):
                shutil.rmtree(leftover, ignore_errors=True)
            for name in (DOCUMENT, _JOURNAL):  # of a write that was killed
                for leftover in self.path.glob(f".{name}.*.tmp"):
                    leftover.unlink(missing_ok=True)

    def stage(self) -> Path:
        """A fresh folder inside this one, to write files into before ``commit``."""
        self.path.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=_STAGING, dir=self.path))

    def commit(self, document: Document, staging: Path, dropped: Iterable[str] = ()) -> Written:
        """Put every staged file in place and write the document.

        Args:
            document: the new document; hashes of the staged derived files are filled in here.
            staging: from ``stage``; consumed.
            dropped: derived files of the old document that no longer belong to the score.
        """
        staged = sorted(p.relative_to(staging).as_posix() for p in staging.rglob("*") if p.is_file())
        hashes = {name: sha256(staging / name) for name in staged}
        for name in staged:
            sync_file(staging / name)
        old = self.document().files if (self.path / DOCUMENT).is_file() else {}
        derived = {name: digest for name, digest in hashes.items() if _is_derived(name)}
        moves, aside = self._plan(staging, staged, derived, old, tuple(dropped))
        files = {k: v for k, v in {**old, **derived}.items() if k not in dropped}
        document = replace(document, files=dict(sorted(files.items())))
        journal = _Journal(tuple((a, b) for a, b in moves), document)
        write_atomic(self.path / _JOURNAL, json_bytes(encode(journal)))
        self.recover()
        return Written(document, aside)

    def _plan(
        self,
        staging: Path,
        staged: Sequence[str],
        derived: Mapping[str, str],
        old: Mapping[str, str],
        dropped: Sequence[str],
    ) -> tuple[list[list[str]], tuple[str, ...]]:
        """Moves [from, to], relative to the folder: hand-edited files aside, dropped ones away, staged ones in."""
        moves: list[list[str]] = []
        aside: list[str] = []
        for name in (*derived, *(d for d in dropped if d in old)):
            path = self.path / name
            if not path.is_file():
                continue
            if sha256(path) not in (old.get(name), derived.get(name)):
                aside.append(self._name_beside(name, aside))
                moves.append([name, aside[-1]])
            elif name in dropped:
                moves.append([name, f"{staging.name}/dropped/{name}"])
        moves += [[f"{staging.name}/{name}", name] for name in staged]
        return moves, tuple(aside)

    def _name_beside(self, name: str, taken: Sequence[str]) -> str:
        stem, dot, suffix = name.rpartition(".")
        for number in range(1, 10_000):
            candidate = f"{stem}.edited-{number}{dot}{suffix}"
            if not (self.path / candidate).exists() and candidate not in taken:
                return candidate
        raise InputError(f"too many edited copies of {name}; move some away", str(self.path), "too_many_copies")

    def _move_into_place(self, moves: Sequence[Sequence[str]]) -> None:
        for source, target in moves:
            origin, goal = self.path / source, self.path / target
            made_before = goal.exists() and not source.startswith(_STAGING)  # names to keep old files under are new
            if origin.is_file() and not made_before:
                goal.parent.mkdir(parents=True, exist_ok=True)
                origin.replace(goal)
        sync_folder(self.path)

    def discard(self, staging: Path) -> None:
        """Forget what was staged; a folder made only for it disappears again.

        Once the journal is written the change is decided, and the next opening needs the staged files to finish it.
        """
        if (self.path / _JOURNAL).is_file():
            return
        shutil.rmtree(staging, ignore_errors=True)
        with suppress(OSError):
            self.path.rmdir()


def _is_derived(name: str) -> bool:
    return not name.startswith(("takes/", "cuts/"))


def cut_file(number: int) -> str:
    return f"cuts/cut-{number:04d}.json"


def cut_timeline_file(number: int) -> str:
    return f"cuts/cut-{number:04d}.otio"


def write_json(path: Path, value: Any) -> None:
    """Encode a value into a staged file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(json_bytes(encode(value)))


def add_take(document: Document, staging: Path, take: Take, entry: TakeEntry) -> Document:
    """The document with one more take, now the current one; its file is staged."""
    number = max((t.number for t in document.takes), default=0) + 1
    name = f"takes/take-{number:04d}.json"
    path = staging / name
    write_json(path, take)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    entry = replace(entry, number=number, file=name, sha256=digest)
    return replace(document, emsync=__version__, takes=(*document.takes, entry), current=number)


def add_cut(folder: ScoreFolder, document: Document, staging: Path, cut: Cut, timeline: bytes) -> int:
    """The number of the cut: that of an equal one which is there already, else a new one that is staged."""
    text = json_bytes(encode(cut))
    numbers = {t.cut for t in document.takes}
    for number in sorted(numbers):
        files = {folder.path / cut_file(number): text, folder.path / cut_timeline_file(number): timeline}
        if all(path.is_file() and path.read_bytes() == data for path, data in files.items()):
            return number
    number = max(numbers, default=0) + 1
    for name, data in ((cut_file(number), text), (cut_timeline_file(number), timeline)):
        (staging / name).parent.mkdir(exist_ok=True)
        (staging / name).write_bytes(data)
    return number


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(
            "the file is missing from the score folder; restore it from a backup", str(path), "damaged"
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"damaged score folder: {error}", str(path), "damaged") from error


def _decode(kind: type[T], data: Any, path: Path) -> T:
    try:
        return decode(kind, data)
    except CodecError as error:
        raise InputError(f"damaged score folder: {error}", str(path), "damaged") from error
