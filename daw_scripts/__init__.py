"""What runs inside REAPER, Live, Ardour and their like. Data files here; nothing of ours is imported by them.

``script_path`` finds them in a checkout and in an installed wheel alike.
"""

from __future__ import annotations

from pathlib import Path

HOME = Path(__file__).resolve().parent


def script_path(*names: str) -> Path:
    """The path of a script, such as ``script_path("ardour", "emsync_import.lua")``.

    Raises:
        FileNotFoundError: it was not installed: the package is damaged.
    """
    path = HOME.joinpath(*names)
    if not path.exists():
        raise FileNotFoundError(2, "part of EMSYNC is missing; install it again", str(path))
    return path
