"""All seeded bugs together: at least twenty in all, some of them for every DAW, and each can be made."""

from __future__ import annotations

import importlib
from collections import Counter

from tests.bridge.connectors.seeded import ROOT, Bug

PLACES = ("tests/bridge/connectors", "tests/daw_scripts")
DAWS = ("reaper", "live", "ardour")


def all_bugs() -> list[Bug]:
    found: list[Bug] = []
    for path in sorted(path for place in PLACES for path in (ROOT / place).rglob("test_*_bugs.py")):
        if path.name != "test_seeded_bugs.py":
            name = path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")
            found += importlib.import_module(name).BUGS
    return found


def test_there_are_twenty_seeded_bugs_some_for_every_daw_and_no_two_are_the_same() -> None:
    bugs = all_bugs()
    assert len(bugs) >= 20
    for daw in DAWS:
        assert sum(1 for bug in bugs if daw in bug.file) >= 5, daw
    assert [key for key, n in Counter((b.file, b.old, b.new) for b in bugs).items() if n > 1] == []


def test_every_seeded_bug_can_be_made() -> None:
    texts = {bug.file: (ROOT / bug.file).read_text(encoding="utf-8") for bug in all_bugs()}
    assert [b.name for b in all_bugs() if texts[b.file].count(b.old) != 1 or b.old == b.new] == []


def test_the_wheel_holds_every_file_that_runs_inside_a_daw() -> None:
    """``package-data`` names every kind of file there is below ``daw_scripts``."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    folder = ROOT / "daw_scripts"
    kinds = {p.suffix for p in folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts} - {".py", ".pyc"}
    assert kinds >= {".lua", ".ReaperOSC"}
    assert [kind for kind in sorted(kinds) if f'"*{kind}"' not in text] == []
