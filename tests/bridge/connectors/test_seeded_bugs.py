"""All seeded bugs together: there are at least twenty of them, in every connector that has a test of its own."""

from __future__ import annotations

import importlib
from collections import Counter
from pathlib import Path

from tests.bridge.connectors.seeded import ROOT, Bug

HERE = Path(__file__).parent


def all_bugs() -> list[Bug]:
    found: list[Bug] = []
    for path in sorted(HERE.glob("test_*_bugs.py")):
        if path.stem != Path(__file__).stem:
            found += importlib.import_module(f"tests.bridge.connectors.{path.stem}").BUGS
    return found


def test_there_are_twenty_seeded_bugs_and_no_two_are_the_same() -> None:
    bugs = all_bugs()
    assert len(bugs) >= 20
    assert [key for key, n in Counter((b.file, b.old, b.new) for b in bugs).items() if n > 1] == []
    assert [name for name, n in Counter(b.name for b in bugs).items() if n > 1] == []


def test_every_seeded_bug_can_be_made() -> None:
    wrong = [
        b.name for b in all_bugs() if (ROOT / b.file).read_text(encoding="utf-8").count(b.old) != 1 or b.old == b.new
    ]
    assert wrong == []
