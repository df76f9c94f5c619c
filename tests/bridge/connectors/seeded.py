"""Seeded bugs: a connector or script with one deliberate mistake, and the check that has to notice it.

A test module that is called ``test_..._bugs.py`` and holds

    BUGS = (Bug("pitch 127 lost", "bridge/connectors/abletonosc.py", "0, 128,", "0, 127,", check_every_pitch), ...)
    test_seeded_bug_is_caught = seeded(BUGS)

gets a test a bug: the mistake can be made (the text is there, once), the check passes on the code as it is, and fails
on the code with the mistake. A check is a function of a temporary folder. It imports connectors **inside** and finds
scripts through ``daw_scripts.script_path``, so that it meets the code with the mistake.
"""

from __future__ import annotations

import ast
import importlib
import importlib.abc
import importlib.machinery
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
FRESH = ("bridge.connectors", "bridge.live", "bridge.midi", "daw_scripts")
"""Packages that are imported anew for a check with a mistake in."""

Check = Callable[[Path], None]
_NOTICED = (Exception, pytest.fail.Exception)
"""Any failure of a check notices the mistake; the second is that of a ``pytest.raises`` in it."""


@dataclass(frozen=True)
class Bug:
    """One mistake."""

    name: str
    file: str
    """Relative to the repository, forward slashes."""
    old: str
    """Text that is there exactly once."""
    new: str
    check: Check


def seeded(bugs: Sequence[Bug]) -> Callable[..., None]:
    """The test of a table of bugs."""

    @pytest.mark.parametrize("bug", bugs, ids=[bug.name.replace(" ", "-") for bug in bugs])
    def test(bug: Bug, tmp_path: Path) -> None:
        for name in ("right", "wrong"):
            (tmp_path / name).mkdir()
        bug.check(tmp_path / "right")
        with mistake(bug, tmp_path / "scripts"), pytest.raises(_NOTICED):
            bug.check(tmp_path / "wrong")

    return test


@contextmanager
def mistake(bug: Bug, scratch: Path) -> Iterator[None]:
    """The code with the mistake in, for imports and ``script_path`` inside the block."""
    text = (ROOT / bug.file).read_text(encoding="utf-8")
    assert text.count(bug.old) == 1, f"{bug.file} has {bug.old!r} {text.count(bug.old)} times"
    changed = text.replace(bug.old, bug.new)
    if bug.file.endswith(".py"):
        ast.parse(changed)  # a mistake in meaning, not in spelling
    saved = _taken_away()
    finder = _Finder(bug.file, changed)
    sys.meta_path.insert(0, finder)
    try:
        if bug.file.startswith("daw_scripts/"):
            _scripts_with(bug.file, changed, scratch)
        yield
    finally:
        sys.meta_path.remove(finder)
        _taken_away()
        sys.modules.update(saved)
        for name, module in saved.items():
            parent, _, child = name.rpartition(".")
            if parent in sys.modules:
                setattr(sys.modules[parent], child, module)


def _taken_away() -> dict[str, ModuleType]:
    names = [n for n in sys.modules if any(n == root or n.startswith(f"{root}.") for root in FRESH)]
    return {name: sys.modules.pop(name) for name in names}


def _scripts_with(file: str, text: str, scratch: Path) -> None:
    home = Path(shutil.copytree(ROOT / "daw_scripts", scratch, ignore=shutil.ignore_patterns("__pycache__")))
    (home / Path(file).relative_to("daw_scripts")).write_text(text, encoding="utf-8")
    scripts: Any = importlib.import_module("daw_scripts")
    scripts.HOME = home
    scripts.__path__ = [str(home)]


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Serves one module from a text."""

    def __init__(self, file: str, text: str) -> None:
        name = file.removesuffix(".py").replace("/", ".")
        self._name = name.removesuffix(".__init__")
        self._file, self._text = file, text

    def find_spec(self, fullname: str, path: object, target: object = None) -> importlib.machinery.ModuleSpec | None:
        if not self._file.endswith(".py") or fullname != self._name or self._file.startswith("daw_scripts/"):
            return None
        return importlib.machinery.ModuleSpec(
            fullname, self, origin=str(ROOT / self._file), is_package=self._file.endswith("__init__.py")
        )

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        module.__file__ = str(ROOT / self._file)
        if self._file.endswith("__init__.py"):
            module.__path__ = [str((ROOT / self._file).parent)]
        exec(compile(self._text, module.__file__, "exec"), module.__dict__)
