"""Text files as editing systems write them: byte order marks, any line end, UTF-8, UTF-16 or Windows' own."""

from __future__ import annotations

import codecs
from pathlib import Path

from emsync_engine.errors import InputError

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def read_text(path: Path) -> str:
    """The text of a file.

    Raises:
        InputError: it is binary.
    """
    data = path.read_bytes()
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data.decode(encoding, errors="replace")
    if b"\0" in data:
        raise InputError("is a binary file, not a text timeline: export it again", path.name, "not_a_timeline")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")
