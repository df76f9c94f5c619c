"""The index of a ReaPack repository that holds our scripts: ``python -m bridge.reaper.reapack --base-url URL``.

ReaPack installs from an ``index.xml`` whose sources are addresses of single files. One package holds all scripts, so
that they are always of one version; the actions are marked, the library is not. The ``.ReaperOSC`` file is not in it:
ReaPack has no place for it (``emsync reaper install`` puts it there).
"""

from __future__ import annotations

import argparse
import sys
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from urllib.parse import quote, urlsplit

from daw_scripts import script_path
from emsync_engine.errors import UsageError
from emsync_engine.version import __version__

NAME = "EMSYNC"
"""Of the repository: the folder below ``Scripts`` that ReaPack makes."""
CATEGORY = "Film music"
PACKAGE = "emsync.lua"
"""ReaPack tells the kind of a package by this name's ending; it is no file."""
DESCRIPTION = "EMSYNC: film music that lands on the cut"
_ABOUT = """{\\rtf1 Scores the picture of this project, writes tracks, takes, tempo map and markers, and \
regenerates what is selected. Needs EMSYNC on this computer (emsync serve). After installing, \
run the action emsync_listener once.}"""


def index_xml(base_url: str, *, version: str = "", time: datetime | None = None) -> bytes:
    """The index.

    Args:
        base_url: address below which the files of ``daw_scripts/reaper`` lie.
        version: of the package: a digit first, numbers between dots; default: EMSYNC's own.
        time: of the release; default: now.

    Raises:
        UsageError: the address is not one that ReaPack could fetch from.
    """
    parts = urlsplit(base_url)
    if parts.scheme not in ("https", "http") or not parts.netloc:
        raise UsageError(f"{base_url!r} is no web address", code="bad_url")
    root = ET.Element("index", version="1", name=NAME)
    category = ET.SubElement(root, "category", name=CATEGORY)
    package = ET.SubElement(category, "reapack", name=PACKAGE, type="script", desc=DESCRIPTION)
    metadata = ET.SubElement(package, "metadata")
    ET.SubElement(metadata, "description").text = _ABOUT
    stamp = (time or datetime.now(timezone.utc)).astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    release = ET.SubElement(package, "version", name=version or __version__, author=NAME, time=stamp)
    home = script_path("reaper")
    for path in sorted(home.rglob("*.lua")):
        name = path.relative_to(home).as_posix()
        source = ET.SubElement(release, "source", file=name)
        if path.parent == home:
            source.set("main", "main")
        source.text = f"{base_url.rstrip('/')}/{quote(name)}"
    ET.indent(root, "  ")
    text: str = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n'.encode()


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bridge.reaper.reapack", description=__doc__.split("\n")[0])
    parser.add_argument("--base-url", required=True, help="address below which daw_scripts/reaper lies")
    parser.add_argument("-o", "--output", type=Path, default=Path("index.xml"))
    options = parser.parse_args(arguments)
    options.output.write_bytes(index_xml(options.base_url))
    return 0


if __name__ == "__main__":
    sys.exit(main())
