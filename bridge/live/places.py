"""Where Ableton Live looks for remote scripts: the User Library, in its usual place or where its settings say."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping
from pathlib import Path

REMOTE_SCRIPTS = "Remote Scripts"
LIBRARY = "User Library"


def remote_script_folders(home: Path, environ: Mapping[str, str], platform: str = sys.platform) -> tuple[Path, ...]:
    """The Remote Scripts folders of every User Library on this computer; they need not exist yet.

    Args:
        home: the user's.
        environ: ``APPDATA`` and ``USERPROFILE`` matter on Windows.
        platform: as ``sys.platform``. On others than macOS and Windows, where there is no Live, nothing is found.
    """
    libraries = [path for path in _candidates(home, environ, platform) if path.is_dir()]
    return tuple(dict.fromkeys(path.resolve() / REMOTE_SCRIPTS for path in libraries))


def _candidates(home: Path, environ: Mapping[str, str], platform: str) -> Iterable[Path]:
    if platform == "darwin":
        yield home / "Music" / "Ableton" / LIBRARY
        yield from _chosen(home / "Library" / "Preferences" / "Ableton", "Live */Library.cfg")
    elif platform == "win32":
        for documents in (home / "Documents", home / "OneDrive" / "Documents"):
            yield documents / "Ableton" / LIBRARY
        roaming = Path(environ.get("APPDATA") or home / "AppData" / "Roaming")
        yield from _chosen(roaming / "Ableton", "Live */Preferences/Library.cfg")


def _chosen(settings: Path, pattern: str) -> Iterable[Path]:
    """Libraries that the user has moved: Live's ``Library.cfg`` is XML that names them."""
    for path in sorted(settings.glob(pattern)) if settings.is_dir() else ():
        try:
            root = ET.fromstring(path.read_bytes())
        except (ET.ParseError, OSError):
            continue  # written by a Live that we do not know; --to names the folder
        for library in root.iter("UserLibrary"):
            where = _value(library, "ProjectPath")
            if where:
                yield Path(where) / (_value(library, "ProjectName") or LIBRARY)
                yield Path(where)


def _value(element: ET.Element, name: str) -> str:
    return next((found.get("Value", "") for found in element.iter(name)), "")
