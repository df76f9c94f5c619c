"""Any folder of MIDI files as pieces: nothing dropped, and what cannot be read is said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from emsync_engine.errors import InputError
from emsync_engine.model import events as ev
from emsync_engine.model import sources
from emsync_engine.model.midi_files import MidiFileError, read_piece

_GOLDEN = 0.6180339887498949


@dataclass
class Source:
    """The pieces of one sub-folder or archive."""

    name: str
    files: int
    pieces: list[tuple[str, ev.Piece]] = field(default_factory=list)
    """Name and music of each file that was chosen and has notes."""
    empty: int = 0
    """Files without a note."""
    unreadable: list[dict[str, str]] = field(default_factory=list)

    @property
    def notes(self) -> int:
        return sum(piece.n_notes for _, piece in self.pieces)


def read(folder: Path, limit: int = 0) -> Iterator[Source]:
    """The sources of a folder: its sub-folders and `.tar.xz` archives, and the files that lie in it directly.

    Args:
        limit: stop a source after so many notes, with pieces from all over it; 0 reads everything.

    Raises:
        InputError: no such folder, or no MIDI file in it.
    """
    if not folder.is_dir():
        raise InputError("not a folder", where=str(folder), code="no_folder")
    found = False
    for name, files in _files(folder):
        found = True
        yield _source(name, files, limit)
    if not found:
        raise InputError("no MIDI file (.mid, .midi) here or in its sub-folders and .tar.xz archives",
                         where=str(folder), code="no_midi")  # fmt: skip


def _files(folder: Path) -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    """Name and files of each source that has any; a folder and an archive of one name are one source."""
    places: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()):
        if path.is_dir() or path.name.endswith(".tar.xz"):
            places.setdefault(path.name.removesuffix(".tar.xz"), []).append(path)
    own = folder.resolve().name
    for name in [*places, *([own] if own not in places else [])]:
        files = [file for path in places.get(name, ()) for file in sources.read_files(path)]
        if name == own:
            files += [(path.stem, path.read_bytes()) for path in _loose(folder)]
        if files:
            yield name, files


def _loose(folder: Path) -> list[Path]:
    """MIDI files that lie in the folder itself."""
    return sorted(p for p in folder.iterdir() if p.is_file() and p.suffix.lower() in sources.MIDI_SUFFIXES)


def _source(name: str, files: Sequence[tuple[str, bytes]], limit: int) -> Source:
    source = Source(name, len(files))
    rule = sources.info_of(name).rule
    for index in evenly(len(files)) if limit else range(len(files)):
        stem, data = files[index]
        try:
            piece = read_piece(data, rule)
        except (MidiFileError, ValueError) as error:
            source.unreadable.append({"file": f"{name}/{stem}", "why": getattr(error, "message", str(error))})
            continue
        if piece.n_notes:
            source.pieces.append((stem, piece))
        else:
            source.empty += 1
        if limit and source.notes >= limit:
            break
    return source


def evenly(count: int) -> list[int]:
    """All of `count` indices in an order whose every beginning is spread over the whole range."""
    return sorted(range(count), key=lambda index: (index * _GOLDEN) % 1.0)
