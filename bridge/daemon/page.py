"""The page of the daemon: its queue and the last report. The link of the start message lets it cancel jobs too."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path

_HERE = Path(__file__).parent
_SCRIPT = (_HERE / "page.js").read_text(encoding="utf-8")
_SCRIPT_HASH = base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()
CONTENT_POLICY = (
    f"default-src 'none'; style-src 'unsafe-inline'; connect-src 'self'; script-src 'sha256-{_SCRIPT_HASH}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
REPORT_POLICY = (
    "sandbox allow-scripts; default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "img-src data:; font-src data:; base-uri 'none'; form-action 'none'"
)
"""A report is shown as a page of nobody: it cannot ask the daemon anything."""


@cache
def page() -> bytes:
    """The page, one file without outside resources."""
    text = (_HERE / "page.html").read_text(encoding="utf-8")
    return text.replace("SCRIPT_HERE", _SCRIPT).encode()
