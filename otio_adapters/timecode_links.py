"""Relinking by timecode and reel: the file whose own timecode covers what a clip shows."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from otio_adapters.media import SOUND_SUFFIXES, VIDEO_SUFFIXES
from otio_adapters.probe import probe

MAX_PROBED = 3000
"""Media files opened for their timecode in one run; the rest is not looked at."""
MAX_SECONDS = 60.0
"""Wall-clock seconds spent on opening them."""
_SLACK = Fraction(1, 20)
"""Seconds that a clip may reach over the ends of its file: a frame, rounded up."""
_LEAST_PREFIX = 4
"""Letters from which a file name that starts with the reel name speaks for that reel."""


@dataclass(frozen=True)
class Wanted:
    """What a clip shows, in seconds of timecode."""

    start: Fraction
    end: Fraction
    reel: str = ""
    sound: bool = False
    """Sound is enough: the file need not have a picture."""
    available: tuple[Fraction, Fraction] | None = None
    """(start, length) of the whole media as the timeline has it."""


@dataclass(frozen=True)
class CodedFile:
    """A media file with a timecode."""

    path: Path
    start: Fraction
    """Real seconds since midnight of its first frame or sample."""
    length: Fraction
    reel: str
    has_video: bool

    def covers(self, wanted: Wanted) -> bool:
        inside = self.start - _SLACK <= wanted.start and wanted.end <= self.start + self.length + _SLACK
        return inside and (wanted.sound or self.has_video)

    def is_of_reel(self, reel: str) -> bool:
        wanted = reel.casefold()
        if self.reel:
            return self.reel.casefold() == wanted
        stem = self.path.stem.casefold()
        return stem == wanted or (len(wanted) >= _LEAST_PREFIX and stem.startswith(wanted))

    def is_whole(self, wanted: Wanted) -> bool:
        """It starts and ends where the timeline's media does."""
        if wanted.available is None:
            return False
        start, length = wanted.available
        return abs(self.start - start) <= _SLACK and abs(self.length - length) <= _SLACK


@dataclass
class TimecodeIndex:
    """Media files of some folders by timecode: each is opened once, when the first clip asks.

    Args:
        files: every file under the folders, in a steady order.
    """

    files: Iterable[Path]
    warnings: list[str] = field(default_factory=list)
    _coded: list[CodedFile] | None = None

    def fitting(self, wanted: Wanted) -> list[CodedFile]:
        """The files a clip may have come from: one is a link, several are no answer."""
        if self._coded is None:
            self._coded = self._open_all()
        return _best([file for file in self._coded if file.covers(wanted)], wanted)

    def _open_all(self) -> list[CodedFile]:
        suffixes = VIDEO_SUFFIXES | SOUND_SUFFIXES
        paths = list(dict.fromkeys(path for path in self.files if path.suffix.lower() in suffixes))
        coded: list[CodedFile] = []
        deadline = time.monotonic() + MAX_SECONDS
        for number, path in enumerate(paths):
            if number >= MAX_PROBED or time.monotonic() > deadline:
                left = len(paths) - number
                self.warnings.append(f"{left} of {len(paths)} media files were not looked into for their timecode")
                break
            found = probe(str(path))
            if found is not None and found.start_seconds is not None and found.duration:
                has_video = found.rate is not None
                coded.append(CodedFile(path, found.start_seconds, found.duration, found.reel, has_video))
        return coded


def _best(files: Sequence[CodedFile], wanted: Wanted) -> list[CodedFile]:
    """Of the files that cover a clip those that speak for it most.

    A file of another reel is out, and so is one that counts from 0, as most files without a clock do, unless its reel
    agrees.
    """
    same_reel = [file for file in files if wanted.reel and file.is_of_reel(wanted.reel)]
    coded = [file for file in files if file.start > 0 and not (wanted.reel and file.reel)]
    left = same_reel or coded
    return [file for file in left if file.is_whole(wanted)] or left
