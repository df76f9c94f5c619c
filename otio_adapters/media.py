"""From what a timeline says about a media file to the file itself: URLs of all systems, and relinking by name."""

from __future__ import annotations

import ntpath
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

_DRIVE = re.compile(r"^[A-Za-z]:[\\/]")
_URL_DRIVE = re.compile(r"^/([A-Za-z])[:|](/.*)?$")
_FRAME_NUMBER = re.compile(r"%0?\d*d")
_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]+)://")

VIDEO_SUFFIXES = frozenset(
    f".{name}"
    for name in (
        *("mp4", "m4v", "mov", "mkv", "webm", "avi", "mxf", "mpg", "mpeg", "mts", "m2ts", "ts"),
        *("wmv", "flv", "ogv", "3gp", "dv", "r3d", "braw"),
    )
)
SOUND_SUFFIXES = frozenset(f".{name}" for name in ("wav", "bwf", "rf64", "aif", "aiff", "caf", "flac", "m4a", "mp3"))
STILL_SUFFIXES = frozenset(
    f".{name}"
    for name in ("png", "jpg", "jpeg", "tif", "tiff", "bmp", "gif", "webp", "psd", "tga", "heic", "svg", "exr", "dpx")
)

MAX_INDEXED = 50_000
"""Files looked at under one media root before relinking gives up on the rest."""
_FOLDER_DEPTH = 3
"""Levels below the timeline's own folder in which media is looked for."""


def paths_of(url: str) -> list[str]:
    """The file paths a media URL or path may mean, likeliest first; empty when it is no file.

    Handles ``file:`` URLs with and without host, percent escapes, drive letters, UNC shares and bare paths. A bare path
    is taken literally first, since ``%`` and ``#`` are legal in names.
    """
    text = url.strip()
    if not text:
        return []
    if _DRIVE.match(text) or text.startswith(("\\\\", "//")):
        return _literal_first(text)
    if text.lower().startswith("file:"):
        return _file_url_paths(text[5:])
    scheme = _SCHEME.match(text)
    return [] if scheme else _literal_first(text)


def _literal_first(path: str) -> list[str]:
    return list(dict.fromkeys([path, unquote(path)]))


def _file_url_paths(rest: str) -> list[str]:
    host = ""
    if rest.startswith("//"):
        host, slash, tail = rest[2:].partition("/")
        rest = slash + tail
    if re.fullmatch(r"[A-Za-z](:|%3[aA])", host):  # file://C:/x: a drive where the host should be
        host, rest = "", f"/{host}{rest}"
    found = []
    for path in dict.fromkeys([unquote(rest), rest]):
        drive = _URL_DRIVE.match(path)
        if drive:
            path = f"{drive.group(1)}:{drive.group(2) or '/'}"
        elif host and host.lower() not in ("localhost", "127.0.0.1"):
            path = f"//{host}{path}"
        found.append(path)
    return found


def base_name(path: str) -> str:
    """Last part of a path of any system."""
    return ntpath.basename(path.replace("/", "\\").rstrip("\\"))


@dataclass
class MediaFinder:
    """Finds media files, remembering what it looked up.

    Args:
        folder: where relative paths start: the timeline's own folder.
        roots: folders searched by name, in this order, before the timeline's own.
    """

    folder: Path
    roots: Sequence[Path] = ()
    _found: dict[tuple[str, tuple[str, ...]], tuple[str, bool]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    """Folders that were too full to be searched to the end."""
    _indexes: list[dict[str, list[Path]]] | None = None

    def find(self, url: str, names: Sequence[str] = ()) -> tuple[str, bool]:
        """(path, online) of a media URL.

        Args:
            url: what the timeline says; may be empty.
            names: clip and reel names to look for when there is no file of the URL's name.

        Returns:
            The absolute path when a file exists, otherwise what the timeline says in readable form.
        """
        key = (url, tuple(names))
        if key not in self._found:
            self._found[key] = self._look_up(url, names)
        return self._found[key]

    def _look_up(self, url: str, names: Sequence[str]) -> tuple[str, bool]:
        candidates = paths_of(url)
        for candidate in candidates:
            absolute = self._absolute(candidate)
            if absolute is not None and _exists(absolute):
                return str(absolute), True
        for wanted in (*candidates, *names):
            relinked = self._relink(wanted)
            if relinked is not None:
                return str(relinked), True
        return (candidates[0] if candidates else url), False

    def files_of_roots(self) -> list[Path]:
        """Every file under the roots that relinking may look at, each once."""
        indexes = self._folders()[: len(self.roots)]
        return list(dict.fromkeys(path for index in indexes for paths in index.values() for path in paths))

    def _absolute(self, path: str) -> Path | None:
        windows = bool(_DRIVE.match(path)) or path.startswith("\\\\")
        if windows:
            return Path(path) if os.name == "nt" else None
        local = Path(path)
        return local if local.is_absolute() else Path(os.path.abspath(self.folder / local))  # noqa: PTH100

    def _relink(self, wanted: str) -> Path | None:
        name = base_name(wanted).lower()
        if not name:
            return None
        parts = [part.lower() for part in re.split(r"[\\/]+", wanted)]
        for index in self._folders():
            matches = index.get(name)
            if matches:
                return max(matches, key=lambda path: _common_tail(path, parts))
        return None

    def _folders(self) -> list[dict[str, list[Path]]]:
        if self._indexes is None:
            wanted = [*((Path(root), None) for root in self.roots), (self.folder, _FOLDER_DEPTH)]
            self._indexes = []
            for root, depth in wanted:
                names, complete = _index(root, depth)
                self._indexes.append(names)
                if not complete:
                    self.warnings.append(f"{root} holds more than {MAX_INDEXED} files: the rest was not searched")
        return self._indexes


def _common_tail(path: Path, parts: list[str]) -> int:
    """How many trailing path components agree."""
    count = 0
    for mine, theirs in zip(reversed(path.parts), reversed(parts)):
        if mine.lower() != theirs:
            break
        count += 1
    return count


def _index(root: Path, depth: int | None) -> tuple[dict[str, list[Path]], bool]:
    """(files under a folder by lower-case name and, for video, by stem too; whether these are all)."""
    names: dict[str, list[Path]] = {}
    seen = 0
    for folder, folders, files in os.walk(root):
        below = len(Path(folder).relative_to(root).parts)
        folders[:] = [] if depth is not None and below >= depth else sorted(filter(_is_searched, folders))
        for name in sorted(files):
            seen += 1
            path = Path(folder, name)
            names.setdefault(name.lower(), []).append(path.absolute())
            if path.suffix.lower() in VIDEO_SUFFIXES:
                names.setdefault(path.stem.lower(), []).append(path.absolute())
        if seen > MAX_INDEXED:
            return names, False
    return names, True


def _is_searched(folder: str) -> bool:
    """Hidden folders and our own score folders hold no media of the timeline."""
    return not folder.startswith(".") and not folder.endswith(".emsync")


def _exists(path: Path) -> bool:
    """Whether a file is there; of an image sequence (``name.%04d.exr``) any frame."""
    try:
        frames = _FRAME_NUMBER.sub("*", path.name)
        return path.exists() or (frames != path.name and next(path.parent.glob(frames), None) is not None)
    except (OSError, ValueError):  # a name too long, or with a null byte
        return False


def is_still(path: str) -> bool:
    """A still picture by its suffix."""
    return Path(base_name(path)).suffix.lower() in STILL_SUFFIXES
