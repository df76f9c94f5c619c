"""What every test folder may use: the command line as a user calls it, and short timelines to score."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # ``tests.x`` is importable however pytest is started

from tests.acceptance.edits import plain_cut  # noqa: E402

signal.signal(signal.SIGINT, signal.default_int_handler)  # where a runner ignores it, so would every program we start


os.environ.setdefault("EMSYNC_ENGINE", "rules")  # quick; the tests of the model ask for it by name

NO_SYNTH = "none"
"""A value of EMSYNC_SYNTH that no synthesiser has: scores come without audio, and quickly."""


@dataclass(frozen=True)
class Ran:
    """A finished command."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document on stdout; anything else there is an error."""
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, str]:
        found: dict[str, str] = self.json["error"]
        assert set(found) == {"code", "message", "where"}
        return found


Emsync = Callable[..., Ran]


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "bridge.cli.main", *map(str, arguments)]


def environment(synth: str | None = NO_SYNTH, **more: str) -> dict[str, str]:
    """The environment of a command; ``synth`` None leaves the choice to the program."""
    values = {k: v for k, v in os.environ.items() if k not in ("EMSYNC_SYNTH", "EMSYNC_DEBUG")}
    path = os.pathsep.join(p for p in (str(ROOT), os.environ.get("PYTHONPATH", "")) if p)
    return values | {"PYTHONPATH": path} | ({"EMSYNC_SYNTH": synth} if synth else {}) | more


def run_emsync(
    *arguments: object,
    synth: str | None = NO_SYNTH,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout_s: float = 120,
) -> Ran:
    """``emsync ARGUMENTS`` in a process of its own, by default without audio."""
    done = subprocess.run(
        command(*arguments),
        cwd=cwd,
        env=environment(synth, **(env or {})),
        capture_output=True,
        timeout=timeout_s,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    return Ran(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))


@pytest.fixture(scope="session")
def emsync() -> Emsync:
    """Runs the command line."""
    return run_emsync


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scores made in this process come without audio, and nobody waits for the disk."""
    monkeypatch.setenv("EMSYNC_SYNTH", NO_SYNTH)
    monkeypatch.setattr(os, "fsync", lambda handle: None)


@pytest.fixture
def few_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scores made in this process come without the forms that single systems take."""
    monkeypatch.setattr("bridge.derive.write_forms", lambda cue, staging, document: None)


def save(document: Mapping[str, Any], path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file below a folder by its relative name."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture(scope="session")
def scored_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``cut.otio`` (19 s, four shots) and ``cut.emsync``, scored once without audio."""
    home = tmp_path_factory.mktemp("scored")
    timeline = save(plain_cut([120, 96, 130, 110]), home / "cut.otio")
    ran = run_emsync("score", timeline, "-o", home / "cut.emsync", "--json")
    assert ran.status == 0, ran.out + ran.err
    return home


@pytest.fixture
def scored(scored_once: Path, tmp_path: Path) -> Path:
    """A score folder of one's own, a copy."""
    shutil.copy(scored_once / "cut.otio", tmp_path / "cut.otio")
    return Path(shutil.copytree(scored_once / "cut.emsync", tmp_path / "cut.emsync"))


def notes_of(folder: Path) -> Sequence[tuple[str, tuple[int, ...]]]:
    """(part, note row) of the current take, read from the documents as they lie there."""
    document = json.loads((folder / "score.json").read_text(encoding="utf-8"))
    entry = next(t for t in document["takes"] if t["number"] == document["current"])
    score = json.loads((folder / entry["file"]).read_text(encoding="utf-8"))["score"]
    return [(part["id"], tuple(note)) for part in score["parts"] for note in part["notes"]]
