"""The timeline exports of a folder: which have been written to their end, which cue each belongs to."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bridge.files import Look, files_of, json_bytes, look_at, sha256, write_atomic
from bridge.folder import ScoreFolder
from bridge.remember import recalled
from emsync_engine.codec import CodecError, decode, encode
from emsync_engine.errors import InputError
from otio_adapters.read import FORMATS

MEMORY = ".emsync-watch.json"
_NO_EXPORTS = ("video", "smf", "rpp")
"""Readers of what is not an export of an editing system."""
SUFFIXES = frozenset(suffix for suffix, form in FORMATS.items() if form.module not in _NO_EXPORTS)
_VERSION = re.compile(r"([ _.-]+(v|ver|version|rev)[ _.-]?\d+([._]\d+)*|[ _-]*\(\d+\)|[ _-]+copy)$", re.IGNORECASE)


def cue_of(path: Path) -> str:
    """The name of the cue that an export is a version of: ``cut`` for ``cut_v2.otio``, ``cut v03.edl``, ``cut (1).xml``
    and ``cut.otio`` itself.

    A number alone is no version: ``reel_2`` is another reel.
    """
    name = path.stem
    while (shorter := _VERSION.sub("", name)) and shorter != name:
        name = shorter
    return name


def exports(folder: Path) -> dict[Path, Look]:
    """The exports of a folder, in order of their last change. An empty file is yet to be written.

    Raises:
        OSError: the folder cannot be listed.
    """
    found = {}
    for path in folder.iterdir():
        if path.suffix.lower() in SUFFIXES and not path.name.startswith((".", "~")):
            look = look_at(path)
            if look is not None and look.size:
                found[path] = look
    return dict(sorted(found.items(), key=lambda item: (item[1].mtime_ns, item[0].name)))


class Settling:
    """Tells when an export has stopped growing: it looks the same for a while."""

    def __init__(self, settle_s: float) -> None:
        self._settle_s = settle_s
        self._seen: dict[Path, tuple[Look, float]] = {}

    def settled(self, looks: Mapping[Path, Look], now: float) -> list[Path]:
        """Those that have looked the same since ``settle_s`` seconds."""
        self._seen = {
            path: self._seen[path] if path in self._seen and self._seen[path][0] == look else (look, now)
            for path, look in looks.items()
        }
        return [p for p, (look, since) in self._seen.items() if now - since >= self._settle_s]


@dataclass(frozen=True)
class Handled:
    """What was made of an export."""

    look: Look
    sha256: str
    line: str


@dataclass(frozen=True)
class _Kept:
    handled: Mapping[str, Handled]


class Memory:
    """What has been handled already, kept in a file so that a new start does nothing twice.

    Raises:
        InputError: the file is damaged.
    """

    def __init__(self, home: Path) -> None:
        self._path = home / MEMORY
        self._handled: dict[str, Handled] = {}
        if self._path.is_file():
            try:
                self._handled = dict(decode(_Kept, _json(self._path)).handled)
            except (CodecError, ValueError, OSError) as error:
                raise InputError(f"cannot be read ({error}); remove it", str(self._path), "damaged") from error

    def is_handled(self, path: Path, look: Look) -> bool:
        """Whether an export is as it was when it was handled, going by what it looks like and then by its bytes."""
        before = self._handled.get(path.name)
        if before is None or before.look == look:
            return before is not None
        digest = digest_of(path)
        if digest != before.sha256:
            return False
        self.add(path, Handled(look, digest, before.line))
        return True

    def add(self, path: Path, handled: Handled) -> None:
        self._handled[path.name] = handled
        write_atomic(self._path, json_bytes(encode(_Kept(self._handled)), indent=1))


def _json(path: Path) -> object:
    return json.loads(path.read_text(encoding="utf-8"))


def digest_of(path: Path) -> str:
    """Of the bytes of a file, or of all files of a bundle with their names; empty when it has just gone."""
    try:
        if not path.is_dir():
            return sha256(path)
        whole = hashlib.sha256()
        for file in files_of(path):
            whole.update(f"{file.relative_to(path).as_posix()}\0{sha256(file)}\0".encode())
        return whole.hexdigest()
    except OSError:
        return ""


# --- known cues ---


def score_folders(home: Path) -> list[Path]:
    """The score folders of a known cue: the one, or one a cue of its timeline inside it; none of a new cue."""
    if ScoreFolder(home).exists():
        return [home]
    return [p for p in sorted(home.glob("*.emsync")) if ScoreFolder(p).exists()]


def was_made_from(folder: Path, path: Path, look: Look) -> bool:
    """Whether the current take of a score folder was made from this export, as it is now."""
    try:
        home = ScoreFolder(folder)
        document = home.document()
        source = home.cut(document.entry(document.current).cut).source
        asked = recalled(document, document.current)
    except InputError:
        return False
    return Path(source) == path.resolve() and asked.look == look
