"""The project file and the scripts say the same: what REAPER opens from ``NAME.rpp`` is what a push writes."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import pytest

from bridge.connectors.plan import Plan, plan_of_folder
from tests.acceptance.edits import plain_cut
from tests.conftest import run_emsync, save
from tests.daw_scripts.reaper.fake_project import Source, Take
from tests.daw_scripts.reaper.running import Running


@dataclass
class Rpp:
    """What a reader of its own finds in a project file."""

    tempo: list[tuple[float, float, int, int]] = field(default_factory=list)
    """(seconds, bpm, numerator, denominator)."""
    markers: list[tuple[str, float]] = field(default_factory=list)
    notes: dict[str, list[tuple[Fraction, int, Fraction, int]]] = field(default_factory=dict)
    """Track -> (quarters from the item's start, pitch, quarters, velocity)."""
    starts: dict[str, float] = field(default_factory=dict)
    depth: int = 0


def read_rpp(text: str) -> Rpp:
    found, track, ticks, now = Rpp(), "", 960, 0
    events: list[tuple[int, int, bytes]] = []
    for line in map(str.strip, text.splitlines()):
        words = line.split()
        found.depth += line.startswith("<") - (line == ">")
        if line.startswith("<TRACK"):
            track = ""
        elif words and words[0] == "NAME" and not track:
            track = line[5:].strip("\"'`")
        elif words and words[0] == "PT":
            code = int(words[4]) if len(words) > 4 else 0
            found.tempo.append((float(words[1]), float(words[2]), code & 0xFFFF, code >> 16))
        elif words and words[0] == "MARKER":
            match = re.match(r"MARKER \d+ (\S+) (\"[^\"]*\"|'[^']*'|`[^`]*`|\S+) (\d)", line)
            assert match, line
            if match[2] not in ('""',):
                found.markers.append((match[2].strip("\"'`"), float(match[1])))
        elif words and words[0] == "POSITION":
            found.starts.setdefault(track, float(words[1]))
        elif words and words[0] == "HASDATA":
            ticks, now, events = int(words[2]), 0, []
        elif words and words[0] in ("E", "e"):
            now += int(words[1])
            data = bytes(int(w, 16) for w in words[2:])
            events.append((now, 0, data))
            found.notes[track] = [
                (Fraction(t, ticks), pitch, Fraction(length, ticks), velocity)
                for t, pitch, length, velocity, _ in Take(None, Source("MIDI", events=_sounding(events))).notes()  # type: ignore[arg-type]
            ]
    return found


def _sounding(events: list[tuple[int, int, bytes]]) -> list[tuple[int, int, bytes]]:
    """The events up to now, without notes that have not ended yet."""
    open_at: dict[int, int] = {}
    for number, (_, _, m) in enumerate(events):
        if m[0] & 0xF0 == 0x90 and m[2]:
            open_at[m[1]] = number
        elif m[0] & 0xE0 == 0x80:
            open_at.pop(m[1], None)
    return [e for n, e in enumerate(events) if n not in open_at.values()]


@cache
def _scored() -> Path:
    home = Path(mkdtemp(prefix="emsync-test-rpp-"))
    shutil.rmtree(home)
    home.mkdir()
    timeline = save(plain_cut([120, 200, 300]), home / "cut.otio")
    ran = run_emsync("score", timeline, "-o", home / "cut.emsync", "--json")
    assert ran.status == 0, ran.err
    return home


@pytest.fixture(scope="module")
def plan() -> Plan:
    return plan_of_folder(_scored() / "cut.emsync")


@pytest.fixture(scope="module")
def rpp(plan: Plan) -> Rpp:
    path = plan.file(".rpp")
    assert path is not None
    return read_rpp(path.read_text(encoding="utf-8"))


def test_every_bracket_of_the_project_file_is_closed(rpp: Rpp) -> None:
    assert rpp.depth == 0


def test_file_and_scripts_have_the_same_notes(tmp_path: Path, plan: Plan, rpp: Rpp) -> None:
    running = Running(tmp_path).start()
    running.connector().push(plan)
    for part in plan.parts:
        rows = []
        for item in part.items:
            take = running.ours()[item.id].active
            rows += [
                (Fraction(item.tick, 960) + Fraction(t, 960), p, Fraction(length, 960), v)
                for t, p, length, v, _ in take.notes()
            ]
        in_file = next(notes for name, notes in rpp.notes.items() if part.name in name)
        assert sorted(rows) == sorted(in_file)


def test_file_and_scripts_have_the_same_tempo_map_and_markers(tmp_path: Path, plan: Plan, rpp: Rpp) -> None:
    running = Running(tmp_path).start()
    running.connector().push(plan)
    project = running.project
    end = float(plan.seconds(plan.end_tick))
    for seconds in [end * i / 97 for i in range(97)]:
        bpm = next(row[1] for row in reversed(rpp.tempo) if row[0] <= seconds + 1e-9)
        assert project.tempo_at(seconds)[2] == pytest.approx(bpm, abs=1e-9)
    hits = [(m.text.partition(" ")[0], float(m.seconds)) for m in plan.markers if m.kind == "hit"]
    for _, time in hits:
        assert min(abs(time - seen) for _, seen in rpp.markers) < 1e-5
        assert min(abs(time - m.time) for m in project.state.markers) < 1e-9


def test_a_project_file_of_the_composers_is_scored_from_its_picture_and_markers(tmp_path: Path) -> None:
    """What REAPER saves is read without REAPER: video items are shots, markers steer."""
    project = tmp_path / "film.rpp"
    items = "".join(
        f"""    <ITEM
      POSITION {start}
      LENGTH {length}
      NAME "{name}"
      SOFFS 0
      <SOURCE VIDEO
        FILE "{name}"
      >
    >
"""
        for name, start, length in (("a.mov", 0, 5), ("b.mov", 5, 8), ("c.mov", 13, 12))
    )
    project.write_text(
        f"""<REAPER_PROJECT 0.1 "7.22/linux-x86_64" 1700000000
  PROJOFFS 3600 0 0
  TIMEMODE 1 5 -1 24 0 0 -1
  TEMPO 120 4 4
  MARKER 1 17.5 "hit" 0 0 1 R {{00000000-0000-0000-0000-000000000001}} 0
  <TRACK {{00000000-0000-0000-0000-000000000002}}
    NAME "picture"
{items}  >
>
""",
        encoding="utf-8",
    )
    ran = run_emsync("score", project, "-o", tmp_path / "film.emsync", "--json")
    assert ran.status == 0, ran.out + ran.err
    hits = [row["time_s"] for row in json.loads(ran.out)["hits"]]
    assert min(abs(hit - 17.5) for hit in hits) < 1e-6
    assert min(abs(hit - 13) for hit in hits) < 1e-6
