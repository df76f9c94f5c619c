"""``emsync send --to files``: what is written, that it is right, and that nobody's work is overwritten."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import mido
import pytest

from bridge.connectors import TARGETS, connector
from bridge.connectors.base import CannotError, Connector, Delivered, ItemResult, Options, TargetError, lock_edited
from bridge.connectors.files import FilesConnector
from bridge.connectors.plan import Plan, Region, plan_of_folder
from bridge.connectors.plan_smf import GUARD_NAME, smf_of_plan
from bridge.folder import ScoreFolder
from emsync_engine.errors import UsageError
from tests.bridge.connectors.scores import section_score
from tests.conftest import run_emsync


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return section_score(tmp_path)


@pytest.fixture
def plan(folder: Path) -> Plan:
    return plan_of_folder(folder)


def sounding(path: Path) -> dict[str, list[tuple[int, int, int, int]]]:
    """(tick, pitch, duration, velocity) of every named track of a MIDI file."""
    found: dict[str, list[tuple[int, int, int, int]]] = {}
    for track in mido.MidiFile(path).tracks[1:]:
        now, held, rows = 0, {}, []
        for message in track:
            now += message.time
            if message.type == "note_on" and message.velocity:
                assert message.note not in held, "a pitch sounds twice at once"
                held[message.note] = (now, message.velocity)
            elif message.type in ("note_off", "note_on"):
                start, velocity = held.pop(message.note)
                rows.append((start, message.note, now - start, velocity))
        assert held == {}
        found[track.name] = sorted(rows)
    return found


def test_the_midi_file_holds_every_note_the_tempo_map_the_metre_and_the_markers(plan: Plan, tmp_path: Path) -> None:
    delivered = FilesConnector(Options(str(tmp_path / "out"))).push(plan)
    path = next(Path(name) for name in delivered.files if name.endswith(".mid"))
    file = mido.MidiFile(path)
    assert (file.type, file.ticks_per_beat) == (1, 960)
    assert sounding(path) == {
        p.name: sorted((n.tick, n.pitch, n.duration, n.velocity) for n in p.notes) for p in plan.parts
    }
    now, rows = 0, []
    for message in file.tracks[0]:
        now += message.time
        rows.append((now, message))
    assert [(t, m.tempo) for t, m in rows if m.type == "set_tempo"] == [(t.tick, t.us_per_quarter) for t in plan.tempo]
    assert [(t, m.numerator) for t, m in rows if m.type == "time_signature"] == [
        (m.tick, m.numerator) for m in plan.metres
    ]
    markers = [(t, m.text) for t, m in rows if m.type == "marker"]
    assert markers == [(m.tick, m.text) for m in plan.markers]
    assert all(text.isascii() for _, text in markers)
    offset = next(m for _, m in rows if m.type == "smpte_offset")
    assert (offset.frame_rate, offset.hours, offset.minutes, offset.frames) == (24, 1, 0, 0)


def test_each_part_has_its_own_channel_and_its_controllers(plan: Plan, tmp_path: Path) -> None:
    path = tmp_path / "cut.mid"
    path.write_bytes(smf_of_plan(plan))
    for part, track in zip(plan.parts, mido.MidiFile(path).tracks[1:]):
        assert {m.channel for m in track if not m.is_meta} == {part.channel}
        assert [m.program for m in track if m.type == "program_change"] == [part.program]
        now, rows = 0, []
        for message in track:
            now += message.time
            if message.type == "control_change":
                rows.append((now, message.control, message.value))
        assert sorted(rows) == sorted((c.tick, c.controller, c.value) for c in part.controls)


def test_a_guard_note_reaches_from_the_first_tick_to_the_last(plan: Plan, tmp_path: Path) -> None:
    path = tmp_path / "cut.mid"
    path.write_bytes(smf_of_plan(plan, guard=True))
    assert sounding(path)[GUARD_NAME] == [(0, 0, plan.end_tick, 1)]


def test_a_region_is_a_file_that_starts_at_its_bar(plan: Plan, tmp_path: Path) -> None:
    section = plan.sections[1]
    region = Region(section.tick, section.end, ("strings",))
    delivered = FilesConnector(Options(str(tmp_path / "out"))).replace(plan, region)
    (path,) = map(Path, delivered.files)
    (item,) = plan.within(region)
    assert sounding(path) == {"Strings": [(n.tick, n.pitch, n.duration, n.velocity) for n in item.relative_notes()]}
    bar = 1 + [tick for tick, _ in plan.bars].index(section.tick)
    assert f"at bar {bar} (" in delivered.said[0]
    tempo = next(m.tempo for m in mido.MidiFile(path).tracks[0] if m.type == "set_tempo")
    assert tempo == [t.us_per_quarter for t in plan.tempo if t.tick <= section.tick][-1]


def test_a_region_within_a_bar_is_a_file_that_starts_at_the_bar_line(plan: Plan, tmp_path: Path) -> None:
    strings = next(p for p in plan.parts if p.part == "strings")
    note = next(n for n in strings.notes if n.tick not in [tick for tick, _ in plan.bars])
    bar = max(tick for tick, _ in plan.bars if tick <= note.tick)
    path = tmp_path / "some.mid"
    path.write_bytes(smf_of_plan(plan, Region(note.tick, note.tick + 1, ("strings",))))
    onsets = {tick for tick, *_ in sounding(path)["Strings"]}
    assert onsets == {note.tick - bar}


def test_writing_again_changes_nothing(plan: Plan, tmp_path: Path) -> None:
    target = FilesConnector(Options(str(tmp_path / "out")))
    first = target.push(plan)
    before = {p: Path(p).read_bytes() for p in first.files}
    second = target.push(plan)
    assert second.files == first.files
    assert {i.outcome for i in first.items} == {"written"}
    assert {i.outcome for i in second.items} == {"unchanged"}
    assert {p: Path(p).read_bytes() for p in second.files} == before


def test_another_take_updates_and_an_edited_file_stays(folder: Path, tmp_path: Path) -> None:
    target = FilesConnector(Options(str(tmp_path / "out")))
    plan = plan_of_folder(folder)
    midi, *others = map(Path, target.push(plan).files)
    midi.write_bytes(b"edited")
    ran = run_emsync("regenerate", folder, "--start", "b1", "--end", "b5", "--parts", "strings", "--json")
    assert ran.status == 0, ran.err
    again = target.push(plan_of_folder(folder))
    assert midi.read_bytes() == b"edited"
    beside = Path(again.files[0])
    assert beside.name == "cut.take-2.mid"
    assert any("cut.mid was changed by hand" in line for line in again.said)
    assert set(map(str, others)) <= set(again.files)
    assert target.push(plan_of_folder(folder)).files == again.files


def test_a_file_of_somebody_else_is_never_overwritten(plan: Plan, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "cut.rpp").write_text("my own project")
    delivered = FilesConnector(Options(str(out))).push(plan)
    assert (out / "cut.rpp").read_text() == "my own project"
    assert str(out / "cut.take-1.rpp") in delivered.files


def test_a_damaged_list_of_what_was_written_lets_nothing_be_overwritten(folder: Path, tmp_path: Path) -> None:
    target = FilesConnector(Options(str(tmp_path / "out")))
    files = target.push(plan_of_folder(folder)).files
    (tmp_path / "out" / "emsync-files.json").write_text("[")
    before = Path(files[0]).read_bytes()
    assert run_emsync("regenerate", folder, "--start", "b1", "--end", "b5", "--json").status == 0
    target.push(plan_of_folder(folder))
    assert Path(files[0]).read_bytes() == before


def test_a_folder_that_cannot_be_written_is_said(plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(TargetError) as caught:
        FilesConnector(Options(str(tmp_path / "out"))).push(plan)
    assert caught.value.state == "refused"
    assert "--at" in caught.value.message


# --- the command ---


def test_send_says_what_it_did(folder: Path) -> None:
    ran = run_emsync("send", folder, "--to", "files", "--json")
    assert ran.status == 0, ran.err
    answer = ran.json
    assert answer["target"] == "files"
    assert len(answer["items"]) == 5 * len(ScoreFolder(folder).take().score.sections)
    assert sorted(Path(p).suffix for p in answer["files"]) == [".csv", ".dawproject", ".mid", ".rpp"]
    assert all(Path(p).is_file() for p in answer["files"])
    spoken = run_emsync("send", folder, "--to", "files")
    assert "items as they were" in spoken.out
    assert "01:00:00:00" in spoken.out


@pytest.mark.parametrize(
    ("arguments", "status", "code"),
    [
        (("--to", "cubase"), 2, "usage"),
        (("--to", "files", "--take", "9"), 3, "no_such_take"),
        (("--to", "files", "--parts", "strings", "--start", "b9", "--end", "b2"), 2, "usage"),
        (("--to", "files", "--start", "b900"), 3, "bad_time"),
        (("--to", "files", "--timeout", "0"), 2, "usage"),
    ],
)
def test_send_refuses(folder: Path, arguments: tuple[str, ...], status: int, code: str) -> None:
    ran = run_emsync("send", folder, *arguments, "--json")
    assert (ran.status, ran.error["code"]) == (status, code)


def test_send_needs_a_score(tmp_path: Path) -> None:
    assert run_emsync("send", tmp_path / "none.emsync", "--to", "files", "--json").error["code"] == "no_score"


# --- the table of connectors ---


def test_a_connector_is_imported_when_it_is_used_and_not_before() -> None:
    code = (
        "import sys, bridge.connectors as c\n"
        "modules = [f'bridge.connectors.{t.module}' for t in c.TARGETS]\n"
        "assert not [m for m in modules if m in sys.modules]\n"
        "c.connector('files')\n"
        "assert [m for m in modules if m in sys.modules] == ['bridge.connectors.files']\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr.decode()


def test_every_target_of_the_table_says_its_name_and_what_it_cannot_do_is_an_error_of_its_own() -> None:
    for row in TARGETS:
        made = connector(row.name)
        assert isinstance(made, Connector)
        assert made.name == row.name
    with pytest.raises(CannotError, match="selected"):
        connector("files").read_selection()
    with pytest.raises(UsageError, match="reaper"):
        connector("cubase")


def test_what_was_edited_by_hand_counts_as_locked_from_then_on(folder: Path) -> None:
    plan = plan_of_folder(folder)
    item = next(i for i in plan.items if i.part == "piano")
    delivered = Delivered("x", "x", plan.cue, 1, (ItemResult(item.id, "piano", item.section, "kept"),))
    said = lock_edited(folder, delivered)
    assert "unlock" in said[0]
    assert lock_edited(folder, delivered) == ()
    assert plan_of_folder(folder).item(item.id).locked  # type: ignore[union-attr]
    ran = run_emsync("regenerate", folder, "--start", "b1", "--end", "b3", "--parts", "piano", "--json")
    assert ran.error["code"] == "locked"


def test_a_plan_that_ran_into_a_crash_is_finished_first(folder: Path, tmp_path: Path) -> None:
    """A change of the folder that was cut off is put in place before anything is sent."""
    whole = plan_of_folder(folder)
    shutil.copytree(folder, tmp_path / "copy.emsync")
    journal: dict[str, Any] = {"moves": [], "document": ScoreFolder(folder).document()}
    from bridge.folder import _Journal, write_json

    write_json(folder / ".commit.json", _Journal((), journal["document"]))
    (folder / "score.json").unlink()
    assert [i.hash for i in plan_of_folder(folder).items] == [i.hash for i in whole.items]
