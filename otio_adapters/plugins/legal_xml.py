"""Text that XML can hold."""

from __future__ import annotations

import re

_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def legal(text: str) -> str:
    """The text without control characters; half a surrogate pair becomes ``?``."""
    return _ILLEGAL.sub("", text.encode("utf-8", "replace").decode())
