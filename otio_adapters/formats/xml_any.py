"""``.xml``: the dialect is told by the root element."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from emsync_engine.errors import InputError
from otio_adapters.formats import fcp7, fcpxml, kdenlive
from otio_adapters.formats.xml_text import parse_xml
from otio_adapters.reading import Reading

_DIALECTS: dict[str, Callable[[Path], Reading]] = {
    "xmeml": fcp7.read,
    "fcpxml": fcpxml.read,
    "mlt": kdenlive.read,
}


def read(path: Path) -> Reading:
    """Read an XML timeline of any dialect.

    Raises:
        InputError: no dialect that is known.
    """
    tag = parse_xml(path).tag
    if tag not in _DIALECTS:
        message = f"is XML with <{tag}>, not a timeline: export Final Cut Pro 7 XML or FCPXML"
        raise InputError(message, path.name, "not_a_timeline")
    return _DIALECTS[tag](path)
