"""Resource paths of REAPER: the usual one of each system, portable installs, and the ones that are named."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

INI = "reaper.ini"
"""A folder that holds this is a resource path, or becomes one at REAPER's first start."""
VARIABLE = "EMSYNC_REAPER"
"""Environment variable that names the resource path."""
_PROGRAMS = {"win32": ("reaper.exe",), "darwin": ("REAPER.app",)}
_ELSEWHERE = ("reaper",)


def standard(system: str, home: Path, environment: Mapping[str, str]) -> Path:
    """The resource path of a normal install.

    Args:
        system: as ``sys.platform``.
    """
    if system == "win32":
        roaming = environment.get("APPDATA")
        return (Path(roaming) if roaming else home / "AppData" / "Roaming") / "REAPER"
    if system == "darwin":
        return home / "Library" / "Application Support" / "REAPER"
    config = environment.get("XDG_CONFIG_HOME")
    return (Path(config) if config else home / ".config") / "REAPER"


def program_folders(system: str, home: Path, environment: Mapping[str, str]) -> list[Path]:
    """Where REAPER's program may lie; a portable install has its resources beside it."""
    if system == "win32":
        roots = [environment.get(name) for name in ("ProgramFiles", "ProgramW6432", "ProgramFiles(x86)")]
        named = [Path(root) / f"REAPER{more}" for root in roots if root for more in ("", " (x64)")]
        return [*named, *(home / place / "REAPER" for place in ("Desktop", "Documents", "Downloads", ""))]
    if system == "darwin":
        private = [home / place / "REAPER" for place in ("Desktop", "Documents", "")]
        return [Path("/Applications"), home / "Applications", *private]
    places = [Path("/opt/REAPER"), Path("/usr/local/REAPER"), home / "opt" / "REAPER", home / "REAPER"]
    return [*places, home / "Desktop" / "REAPER", home / "Downloads" / "REAPER"]


def is_portable(folder: Path, system: str) -> bool:
    """The program and its ``reaper.ini`` lie in one folder."""
    names = _PROGRAMS.get(system, _ELSEWHERE)
    return (folder / INI).is_file() and any((folder / name).exists() for name in names)


def find_resources(
    system: str | None = None, home: Path | None = None, environment: Mapping[str, str] | None = None
) -> list[Path]:
    """The resource paths on this computer, without doubles: the named one, the normal one, portable ones."""
    system, home = system or sys.platform, home or Path.home()
    said = os.environ if environment is None else environment
    found: list[Path] = []
    if said.get(VARIABLE):
        found.append(Path(said[VARIABLE]))
    normal = standard(system, home, said)
    if normal.is_dir():
        found.append(normal)
    found += [folder for folder in program_folders(system, home, said) if is_portable(folder, system)]
    return list(_distinct(found))


def _distinct(paths: Iterable[Path]) -> Iterable[Path]:
    seen = set()
    for path in paths:
        key = os.path.normcase(path.absolute())
        if key not in seen:
            seen.add(key)
            yield path


def usual_resources() -> Path:
    """The resource path to talk to: one that has our scripts, otherwise the first, otherwise the normal place."""
    found = find_resources()
    ours = [path for path in found if (path / "Scripts" / "EMSYNC").is_dir()]
    return next(iter([*ours, *found]), standard(sys.platform, Path.home(), os.environ))
