"""Where training music comes from: how to read each collection, and what its licence asks for."""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from emsync_engine.model import events as ev
from emsync_engine.model.midi_files import GroupRule, group_of_program

MIDI_SUFFIXES = (".mid", ".midi")


def _songs(program: int, _track_name: str) -> int:
    """Voices of songs are written for reeds and choirs: everything that is not a keyboard leads."""
    return ev.GROUP_OF_PROGRAM[program] if program < 8 else ev.LEAD


def _band(program: int, track_name: str) -> int:
    """Bass tracks of a band may carry a guitar's program."""
    group = ev.GROUP_OF_PROGRAM[program]
    return ev.BASS if group == ev.GUITAR and track_name.startswith(("Bass", "Walk")) else group


@dataclass(frozen=True)
class SourceInfo:
    """One collection. `work` finds in a file's name what its variants share (they stay in one split)."""

    licence: str
    attribution: str
    rule: GroupRule = group_of_program
    work: str = r"(.*)"


_UNKNOWN = SourceInfo("unstated", "unstated")

SOURCES: dict[str, SourceInfo] = {
    "lieder": SourceInfo("CC0", "OpenScore Lieder Corpus", rule=_songs),
    "quartets": SourceInfo("CC0", "OpenScore String Quartets"),
    "orchestra": SourceInfo("MIT; compositions in the public domain", "Hauptstimme project"),
    "mutopia": SourceInfo(
        "public domain, CC0 or CC BY by piece", "Mutopia project and its editors", work=r"([^_]+__[^_]+)"
    ),
    "mma": SourceInfo(
        "chords MIT (OpenEWLD, songs in the public domain); rendered by a GPL-2 program's own patterns",
        "OpenEWLD; Musical MIDI Accompaniment",
        rule=_band,
        work=r"(.*)_\d+$",
    ),
    "freedoom": SourceInfo("BSD-3-Clause", "Freedoom project"),
    "groove": SourceInfo(
        "CC BY 4.0", "Groove MIDI Dataset, Google LLC (Gillick et al. 2019)", work=r"(drummer\d+_(?:eval_)?session\d*)"
    ),
}
"""The collections whose quirks are known; other folders of MIDI files are read by the general rule."""


def info_of(source: str) -> SourceInfo:
    """What is known of a source."""
    return SOURCES.get(source, _UNKNOWN)


def work_of(source: str, name: str) -> str:
    """What the variants of a piece have in common in their names."""
    match = re.match(info_of(source).work, name)
    return match.group(1) if match else name


def statement(names: Iterable[str]) -> str:
    """What weights trained on these sources say of them."""
    rows = [f"{info_of(name).attribution} ({info_of(name).licence})" for name in sorted(names)]
    return f"trained by the EMSYNC project on public-domain and freely licensed music: {'; '.join(rows)}"


def find(root: Path) -> dict[str, Path]:
    """Sources under a folder: its sub-folders and `.tar.xz` archives by name; the folder itself if it has neither."""
    found = {path.name.removesuffix(".tar.xz"): path for path in sorted(root.glob("*.tar.xz"))}
    found.update({path.name: path for path in sorted(root.iterdir()) if path.is_dir()})
    return found or {root.name: root}


def read_files(path: Path, suffixes: tuple[str, ...] = MIDI_SUFFIXES) -> Iterator[tuple[str, bytes]]:
    """(name without folder and suffix, content) of the files of a source, sorted by name."""
    if path.is_dir():
        files = (file for file in path.rglob("*") if file.suffix.lower() in suffixes and file.is_file())
        for file in sorted(files):
            yield file.stem, file.read_bytes()
        return
    with tarfile.open(path) as archive:
        members = [member for member in archive.getmembers() if member.name.lower().endswith(suffixes)]
        for member in sorted(members, key=lambda entry: entry.name):
            handle = archive.extractfile(member)
            if handle is not None:
                yield Path(member.name).stem, handle.read()
