"""Score folders for tests of connectors: made once a run, copied for each who asks."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from tests.acceptance.edits import plain_cut
from tests.conftest import run_emsync, save


def section_score(home: Path) -> Path:
    """``home/cut.emsync``: 51 s, three sections, five parts, without audio."""
    return Path(shutil.copytree(_made() / "cut.emsync", home / "cut.emsync"))


@cache
def _made() -> Path:
    home = Path(tempfile.mkdtemp(prefix="emsync-test-scores-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    timeline = save(plain_cut([120, 200, 300, 250, 360]), home / "cut.otio")
    ran = run_emsync("score", timeline, "-o", home / "cut.emsync", "--engine", "rules", "--json")
    assert ran.status == 0, ran.out + ran.err
    return home
