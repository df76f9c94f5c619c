"""Finding a General MIDI SoundFont, and what its licence is."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from emsync_engine.errors import InputError, MissingComponentError

MAX_INFO_BYTES = 1 << 20  # an INFO list larger than this is not one

# (beginning of the name in lower case without separators, licence); the first match counts.
_LICENCES = (
    ("fluidr3", "MIT (Frank Wen and contributors)"),
    ("timgm6mb", "GPL-2 (Tim Brechbill)"),
    ("musescoregeneral", "MIT (S. Christian Collins, after Frank Wen's Fluid)"),
    ("generalusergs", "GeneralUser GS licence (S. Christian Collins; free to use, also commercially)"),
)

# System SoundFonts by preference; compared as in ``_LICENCES``. Compressed ones (.sf3) are not every synthesiser's.
_PREFERRED = ("fluidr3gm", "musescoregeneral", "generalusergs", "generaluser", "fluidr3", "defaultgm", "default",
              "timgm6mb")  # fmt: skip


@dataclass(frozen=True)
class SoundFont:
    """A SoundFont file that was found and looked into."""

    path: Path
    name: str
    """The name it gives itself, else its file name."""
    licence: str
    """A licence this product knows of, else what the file itself says."""


def find_soundfont(explicit: Path | None = None) -> SoundFont:
    """The SoundFont to play with: the given one, else a good one of the system's, else the small one that comes along.

    Raises:
        InputError: the given file is missing, unreadable or not a SoundFont.
        MissingComponentError: none was given and none was found.
    """
    if explicit is not None:
        return read_soundfont(explicit)
    for path in (*_system_soundfonts(), *_bundled_soundfont()):
        with suppress(InputError):  # a broken file in a system folder is not the user's choice: look further
            return read_soundfont(path)
    raise MissingComponentError(
        "no SoundFont was found: pass --soundfont FILE.sf2, or reinstall pretty_midi, which brings a small one",
        code="no_soundfont",
    )


def read_soundfont(path: Path) -> SoundFont:
    """Look into a SoundFont file.

    Raises:
        InputError: it is missing, unreadable or not a SoundFont.
    """
    try:
        info = _read_info(path)
    except OSError as error:
        raise InputError(
            f"cannot read the SoundFont: {error.strerror or error}", where=str(path), code="bad_soundfont"
        ) from error
    if info is None:
        raise InputError("not a SoundFont (no RIFF sfbk header)", where=str(path), code="bad_soundfont")
    name = info.get("INAM") or path.resolve().stem
    return SoundFont(path, name, _licence(name, info))


def _licence(name: str, info: dict[str, str]) -> str:
    said = "; ".join(info[key] for key in ("ICOP", "ICMT") if info.get(key))
    for prefix, licence in _LICENCES:
        if _plain(name).startswith(prefix):
            return licence
    return f"see the file's own information: {said}" if said else "unknown: the file says nothing about it"


def _read_info(path: Path) -> dict[str, str] | None:
    """The texts of the INFO list by four-letter code; None when the file is not a SoundFont."""
    with path.open("rb") as file:
        head = file.read(12)
        if len(head) < 12 or head[:4] != b"RIFF" or head[8:] != b"sfbk":
            return None
        chunk = file.read(12)
        if chunk[:4] != b"LIST" or chunk[8:] != b"INFO":
            return None
        body = file.read(min(int.from_bytes(chunk[4:8], "little") - 4, MAX_INFO_BYTES))
    info: dict[str, str] = {}
    at = 0
    while at + 8 <= len(body):
        size = int.from_bytes(body[at + 4 : at + 8], "little")
        value = body[at + 8 : at + 8 + size].split(b"\0", 1)[0]
        info[body[at : at + 4].decode("ascii", "replace")] = " ".join(value.decode("utf-8", "replace").split())
        at += 8 + size + size % 2
    return info


def _system_soundfonts() -> Iterator[Path]:
    """SoundFonts of the system's folders, the preferred ones first."""
    found: list[tuple[int, str, Path]] = []
    for folder in _system_folders():
        try:
            files = [p for p in folder.iterdir() if p.suffix.lower() == ".sf2"]
        except OSError:
            continue  # most of these folders do not exist on a given machine
        for path in files:
            names = (_plain(path.stem), _plain(path.resolve().stem))
            ranks = [i for i, prefix in enumerate(_PREFERRED) if any(n.startswith(prefix) for n in names)]
            if ranks:
                found.append((ranks[0], str(path), path))
    yield from (path for _, _, path in sorted(found))


def _system_folders() -> list[Path]:
    home = Path.home()
    if sys.platform == "win32":
        roots = [os.environ.get(name) for name in ("ProgramData", "ProgramFiles", "ProgramFiles(x86)", "LOCALAPPDATA")]
        inside = ("soundfonts", "SoundFonts", "MuseScore 4/sound", "MuseScore 3/sound", "FluidSynth", "fluidsynth/sf2")
        return [Path(root) / part for root in roots if root for part in inside] + [Path("C:/soundfonts")]
    if sys.platform == "darwin":
        return [
            home / "Library/Audio/Sounds/Banks",
            Path("/Library/Audio/Sounds/Banks"),
            Path("/opt/homebrew/share/soundfonts"),
            Path("/opt/homebrew/share/fluid-synth/sf2"),
            Path("/usr/local/share/soundfonts"),
            Path("/usr/local/share/fluid-synth/sf2"),
            Path("/opt/local/share/sounds/sf2"),
        ]
    return [
        home / ".local/share/soundfonts",
        home / ".local/share/sounds/sf2",
        Path("/usr/share/sounds/sf2"),
        Path("/usr/share/soundfonts"),
        Path("/usr/local/share/sounds/sf2"),
        Path("/usr/local/share/soundfonts"),
    ]


def _bundled_soundfont() -> Iterator[Path]:
    """The small GPL-2 SoundFont inside pretty_midi, found without importing it (that import is slow)."""
    spec = find_spec("pretty_midi")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        yield Path(folder) / "TimGM6mb.sf2"


def _plain(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalnum())
