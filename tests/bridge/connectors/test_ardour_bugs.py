"""Ardour's connector against the other end of its mailbox, and the mistakes that these checks notice."""

from __future__ import annotations

import importlib
import shutil
import subprocess
import sys
import threading
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from bridge.connectors.plan import Plan, plan_of_folder
from tests.bridge.connectors.ardour_fake import FakeArdour, Region, Track, no_osc, osc_surface, switch_on
from tests.bridge.connectors.scores import section_score
from tests.bridge.connectors.seeded import Bug, seeded
from tests.conftest import run_emsync

pytestmark = pytest.mark.usefixtures("silent")


def _target(settings: Path, on_edit: str = "keep", timeout_s: float = 10) -> Any:
    base = importlib.import_module("bridge.connectors.base")
    made = importlib.import_module("bridge.connectors.ardour").ArdourConnector
    return made(base.Options(str(settings), timeout_s, on_edit))


def _error(call: Any) -> Any:
    kind = importlib.import_module("bridge.connectors.base").TargetError
    with pytest.raises(kind) as caught:
        call()
    return caught.value


def _outcomes(delivered: Any) -> dict[tuple[str, str], str]:
    return {(item.part, item.section): item.outcome for item in delivered.items}


def _region(fake: FakeArdour, plan: Plan, part: str, number: int = 0) -> Region:
    tick = plan.sections[number].tick
    return next(r for r in fake.tracks[f"{plan.cue}:{part}"].regions.values() if r.tick == tick)


def _other_take(plan: Plan, part: str) -> Plan:
    """The plan with one velocity of every section of a part changed."""
    from bridge.connectors.plan import content_hash

    def changed(item: Any) -> Any:
        notes = (replace(item.notes[0], velocity=item.notes[0].velocity % 127 + 1), *item.notes[1:])
        moved = replace(item, notes=notes)
        return replace(moved, hash=content_hash(moved.relative_notes(), moved.relative_controls()))

    parts = [replace(p, items=tuple(map(changed, p.items))) if p.part == part else p for p in plan.parts]
    return replace(plan, parts=tuple(parts), take=plan.take + 1)


def everything_arrives_in_order(home: Path) -> None:
    plan = plan_of_folder(section_score(home))
    with FakeArdour(home).running() as fake:
        delivered = _target(home).push(plan)
        assert set(_outcomes(delivered).values()) == {"written"}
        assert delivered.said == ()
        assert fake.order.index("tempo") < fake.order.index("mark") < fake.order.index("put")
        assert fake.map == plan.tempo_map
        samples = {sample for sample, _ in fake.marks}
        assert samples == {round(m.seconds * 48_000) for m in plan.markers}
        text = " ".join(name for _, name in fake.marks)
        assert all(m.text in text for m in plan.markers)
        for part in plan.parts:
            regions = sorted(fake.tracks[part.id].regions.values(), key=lambda r: r.tick)
            assert [(r.name, r.tick, r.end) for r in regions] == [(i.name, i.tick, i.end) for i in part.items]


def hashes_are_the_plan_s(home: Path) -> None:
    """What a region holds is what the plan says, but for controllers that would be forgotten."""
    plan = plan_of_folder(section_score(home))
    with FakeArdour(home).running() as fake:
        _target(home).push(plan)
        for item in plan.items:
            if all(n > 1 for n in Counter(c.controller for c in item.controls).values()):
                number = [s.id for s in plan.sections].index(item.section)
                assert _region(fake, plan, item.part, number).hash == item.hash


def pushing_twice_changes_nothing(home: Path) -> None:
    plan = plan_of_folder(section_score(home))
    with FakeArdour(home).running() as fake:
        _target(home).push(plan)
        before = {id_: dict(track.regions) for id_, track in fake.tracks.items()}
        marks = set(fake.marks)
        again = _target(home).push(plan)
        assert set(_outcomes(again).values()) == {"unchanged"}
        assert {id_: dict(track.regions) for id_, track in fake.tracks.items()} == before
        assert fake.marks == marks
        assert "tempo" not in fake.order


def another_take_updates_in_place(home: Path) -> None:
    plan = plan_of_folder(section_score(home))
    with FakeArdour(home).running() as fake:
        _target(home).push(plan)
        delivered = _target(home).push(_other_take(plan, "strings"))
        assert {part for (part, _), outcome in _outcomes(delivered).items() if outcome == "updated"} == {"strings"}
        assert set(_outcomes(delivered).values()) == {"updated", "unchanged"}
        assert len(fake.tracks[f"{plan.cue}:strings"].regions) == len(plan.sections)


def edits_moves_and_locks_stay(home: Path) -> None:
    plan = plan_of_folder(section_score(home))
    with FakeArdour(home).running() as fake:
        _target(home).push(plan)
        edited, moved, locked = (_region(fake, plan, "strings", n) for n in range(3))
        edited.hash = "0123456789abcdef"
        moved.tick += 960
        locked.locked = True
        delivered = _target(home).push(_other_take(plan, "strings"))
        ids = [s.id for s in plan.sections]
        found = _outcomes(delivered)
        assert [found[("strings", ids[n])] for n in range(3)] == ["kept", "kept", "locked"]
        assert {edited.id, moved.id, locked.id} == set(fake.tracks[f"{plan.cue}:strings"].regions)


def something_of_the_user_s_in_its_place_stays(home: Path) -> None:
    plan = plan_of_folder(section_score(home))
    with FakeArdour(home).running() as fake:
        _target(home).push(plan)
        track = fake.tracks[f"{plan.cue}:bass"]
        ours = _region(fake, plan, "bass")
        del track.regions[ours.id]
        track.regions["7"] = Region("7", "half of it", ours.tick + 10, ours.tick + 480, "x")
        delivered = _target(home).push(plan)
        assert _outcomes(delivered)[("bass", plan.sections[0].id)] == "kept"
        assert "7" in track.regions


def a_deleted_region_comes_back(home: Path) -> None:
    plan = plan_of_folder(section_score(home))
    with FakeArdour(home).running() as fake:
        _target(home).push(plan)
        del fake.tracks[f"{plan.cue}:bass"].regions[_region(fake, plan, "bass").id]
        delivered = _target(home).push(plan)
        assert _outcomes(delivered)[("bass", plan.sections[0].id)] == "written"


def a_tempo_map_changed_by_hand_stays(home: Path) -> None:
    from emsync_engine.score import Tempo, TempoMap

    plan = plan_of_folder(section_score(home))
    with FakeArdour(home).running() as fake:
        _target(home).push(plan)
        theirs = TempoMap((Tempo(0, 600_000),))
        fake.map = theirs
        later = replace(plan, tempo=tuple(replace(t, us_per_quarter=t.us_per_quarter + 1) for t in plan.tempo))
        delivered = _target(home).push(later)
        assert fake.map == theirs
        assert any("tempo map was changed by hand" in line for line in delivered.said)


def a_new_tempo_map_is_written(home: Path) -> None:
    plan = plan_of_folder(section_score(home))
    with FakeArdour(home).running() as fake:
        _target(home).push(plan)
        later = replace(plan, tempo=tuple(replace(t, us_per_quarter=t.us_per_quarter + 1) for t in plan.tempo))
        assert _target(home).push(later).tempo_events > 0
        assert [e.us_per_quarter for e in fake.map.events] == [t.us_per_quarter for t in later.tempo]


def a_tempo_map_that_is_not_taken_is_an_error(home: Path) -> None:
    plan = plan_of_folder(section_score(home))
    with FakeArdour(home).running() as fake:
        fake.ignores_tempo = True
        assert "tempo map" in _error(lambda: _target(home).push(plan)).message
        assert not any(track.regions for track in fake.tracks.values())
        fake.ignores_tempo = False
        assert set(_outcomes(_target(home).push(plan)).values()) == {"written"}
        assert fake.map == plan.tempo_map


def music_of_the_user_s_on_another_map_is_not_moved(home: Path) -> None:
    plan = plan_of_folder(section_score(home))
    with FakeArdour(home).running() as fake:
        fake.others = 3
        before = fake.map
        error = _error(lambda: _target(home).push(plan))
        assert error.state == "refused"
        assert "open a new session" in error.message
        assert (fake.map, fake.tracks) == (before, {})


def markers_moved_by_hand_stay(home: Path) -> None:
    plan = plan_of_folder(section_score(home))
    with FakeArdour(home).running() as fake:
        _target(home).push(plan)
        sample, name = sorted(fake.marks)[1]
        fake.marks.remove((sample, name))
        fake.marks.add((sample + 4800, name))
        delivered = _target(home).push(plan)
        assert (sample + 4800, name) in fake.marks
        assert sample not in {s for s, _ in fake.marks}
        assert any(line.startswith("1 markers that you moved") for line in delivered.said)


def a_section_that_is_gone_is_taken_out(home: Path) -> None:
    plan = plan_of_folder(section_score(home))
    with FakeArdour(home).running() as fake:
        _target(home).push(plan)
        shorter = replace(plan, parts=tuple(replace(p, items=p.items[:-1]) for p in plan.parts))
        edited = _region(fake, plan, "piano", len(plan.sections) - 1)
        edited.hash = "edited"
        found = _outcomes(_target(home).push(shorter))
        last = plan.sections[-1].id
        assert found[("strings", last)] == "removed"
        assert found[("piano", last)] == "kept"
        assert edited.id in fake.tracks[f"{plan.cue}:piano"].regions
        assert len(fake.tracks[f"{plan.cue}:strings"].regions) == len(shorter.parts[0].items)


def a_region_replaces_only_itself(home: Path) -> None:
    from bridge.connectors.plan import Region as Span

    plan = plan_of_folder(section_score(home))
    with FakeArdour(home).running() as fake:
        refused = _error(lambda: _target(home).replace(plan, Span(0, 960)))
        assert "send the whole score first" in refused.message
        _target(home).push(plan)
        section = plan.sections[1]
        new = _other_take(_other_take(plan, "strings"), "bass")
        delivered = _target(home).replace(new, Span(section.tick, section.end, ("strings",)))
        assert _outcomes(delivered) == {("strings", section.id): "updated"}
        assert fake.order == ["put"]


def what_is_edited_in_between_stays(home: Path) -> None:
    plan = plan_of_folder(section_score(home))
    fake = FakeArdour(home)
    look = fake._do_look

    def look_and_edit(rows: Any, answer: Any) -> None:
        look(rows, answer)
        for region in fake.tracks.get(f"{plan.cue}:strings", Track("")).regions.values():
            region.hash = "edited just now"

    with fake.running():
        _target(home).push(plan)
        fake._do_look = look_and_edit  # type: ignore[method-assign]
        found = _outcomes(_target(home).push(_other_take(plan, "strings")))
        assert {found[("strings", s.id)] for s in plan.sections} == {"kept"}


def the_state_is_said(home: Path) -> None:
    plan = plan_of_folder(section_score(home))
    no_osc(home)
    assert _error(lambda: _target(home, timeout_s=0.2).push(plan)).state == "not_installed"
    fake = FakeArdour(home)
    fake.say_alive()
    fake.age(60)
    assert _error(lambda: _target(home, timeout_s=0.2).push(plan)).state == "closed"
    with FakeArdour(home).running() as fake:
        fake.silent = True
        busy = _error(lambda: _target(home, timeout_s=0.2).push(plan))
        assert busy.state == "busy"
        assert not (home / "emsync" / "request.tsv").exists(), "it would be done later, when nobody waits for it"
        fake.silent = False
        assert set(_outcomes(_target(home).push(plan)).values()) == {"written"}  # it recovers by itself
        fake.dies_on_request = True
        assert _error(lambda: _target(home, timeout_s=0.3).push(plan)).state == "crashed"
    with FakeArdour(home).running() as fake:
        fake.protocol = "0"
        fake.say_alive()
        assert _error(lambda: _target(home).push(plan)).state == "other_version"


def long_work_is_waited_for_while_it_is_seen_to_go_on(home: Path) -> None:
    """A film of many sections takes Ardour longer than anybody would wait for an answer."""
    plan = plan_of_folder(section_score(home))
    with FakeArdour(home).running() as fake:
        fake.works_s = 1.5
        assert set(_outcomes(_target(home, timeout_s=0.5).push(plan)).values()) == {"written"}


def a_process_that_is_gone_is_not_waited_for(home: Path) -> None:
    plan = plan_of_folder(section_score(home))
    program = shutil.copy(shutil.which("sleep") or "", home / "ardour-like")
    with FakeArdour(home).running() as fake:
        _target(home).push(plan)
        fake.silent = True
        with subprocess.Popen([program, "60"]) as process:
            fake.process = str(process.pid)
            fake.say_alive()
            threading.Timer(0.3, process.kill).start()
            crashed = _error(lambda: _target(home, timeout_s=60).push(plan))
    assert crashed.state == "crashed"


def the_first_word_is_waited_for(home: Path) -> None:
    """When a session opens, OSC answers before the listener does: no reason to send the markers alone."""
    plan = plan_of_folder(section_score(home))
    fake = FakeArdour(home)
    switch_on(home)
    with osc_surface(home) as marks:
        assert _error(lambda: _target(home, timeout_s=0.2).push(plan)).state == "closed"
        with fake.running(first_word_s=0.3):
            delivered = _target(home).push(plan)
    assert (set(_outcomes(delivered).values()), fake.map, marks) == ({"written"}, plan.tempo_map, set())


def without_a_listener_osc_sets_the_markers(home: Path) -> None:
    plan = plan_of_folder(section_score(home))
    with osc_surface(home) as marks:
        delivered = _target(home).push(plan)
    assert set(_outcomes(delivered).values()) == {"left_out"}
    assert {row.what for row in delivered.left_out} == {"arrangement_write", "tempo_map"}
    assert {sample for sample, _ in marks} == {round(m.seconds * 48_000) for m in plan.markers}
    assert "Script Manager" in delivered.said[0]


def a_selection_is_read(home: Path) -> None:
    with FakeArdour(home).running() as fake:
        assert "select a range" in _error(lambda: _target(home).read_selection()).message
        fake.selection = [["selection", "abc", "1.500000000", "4.250000000", "/score"], ["part", "abc:strings"]]
        found = _target(home).read_selection()
        assert (found.start_s, found.end_s, found.parts) == (Fraction(3, 2), Fraction(17, 4), ("strings",))


def nothing_is_left_behind(home: Path) -> None:
    plan = plan_of_folder(section_score(home))
    with FakeArdour(home).running():
        _target(home).push(plan)
    left = {p.name for p in (home / "emsync").iterdir()}
    assert left == {"alive.tsv", "emsync_core.lua", "program.tsv"}


NAMES = ("ardour", "ardour_work", "ardour_mailbox", "plan_smf")
ARDOUR, WORK, BOX, SMF = (f"bridge/connectors/{name}.py" for name in NAMES)

BUGS = (
    Bug("Ardour: items before the tempo map", ARDOUR, "*work.rows]", "*reversed(work.rows)]",
        everything_arrives_in_order),
    Bug("Ardour: markers in whole seconds", WORK, "sample = round(marker.seconds * rate)",
        "sample = int(marker.seconds) * rate", everything_arrives_in_order),
    Bug("Ardour: pitch 127 and others lost", SMF, "if not span.start <= note.tick < span.end:",
        "if not span.start < note.tick < span.end:", hashes_are_the_plan_s),
    Bug("Ardour: found by number, not by id", ARDOUR, "there = found.items.get((track, item.section))",
        "there = next(iter(found.items.values()), None)", another_take_updates_in_place),
    Bug("Ardour: edit overwritten", WORK, "untouched = self.now == self.seen and not self.moved",
        "untouched = True", edits_moves_and_locks_stay),
    Bug("Ardour: moved region taken back", WORK, "untouched = self.now == self.seen and not self.moved",
        "untouched = self.now == self.seen", edits_moves_and_locks_stay),
    Bug("Ardour: lock not looked at", WORK, "locked=there.locked)", "locked=False)", edits_moves_and_locks_stay),
    Bug("Ardour: written over the user's region", WORK, 'return "kept" if taken else "written"',
        'return "written"', something_of_the_user_s_in_its_place_stays),
    Bug("Ardour: tempo map by hand overwritten", WORK, "found.tempo[0] != found.tempo[1]",
        "found.tempo[0] is None", a_tempo_map_changed_by_hand_stays),
    Bug("Ardour: old tempo map stays", WORK, 'found.kept.get("map") == wanted', "True", a_new_tempo_map_is_written),
    Bug("Ardour: the user's music is moved", WORK, "found.tempo is None and found.others and", "False and",
        music_of_the_user_s_on_another_map_is_not_moved),
    Bug("Ardour: moved marker doubled", WORK, 'return "touched"', 'return "new"', markers_moved_by_hand_stay),
    Bug("Ardour: gone section edited by hand is dropped", WORK,
        "if there.found_key != there.written_key or there.locked:", "if there.locked:",
        a_section_that_is_gone_is_taken_out),
    Bug("Ardour: late request is done all the same", BOX, "for path in (request, answer):", "for path in (answer,):",
        the_state_is_said),
    Bug("Ardour: old sign of life believed", BOX, "if not there:", "if False:", the_state_is_said),
    Bug("Ardour: markers alone while the listener starts", BOX, "and not self.switched_on():", "and True:",
        the_first_word_is_waited_for),
    Bug("Ardour: a listener that is off is waited for", BOX, "and not self.switched_on():", "and False:",
        without_a_listener_osc_sets_the_markers),
    Bug("Ardour: long work is given up", BOX, "deadline = max(deadline,", "max(deadline,",
        long_work_is_waited_for_while_it_is_seen_to_go_on),
    Bug("Ardour: other version not seen", BOX, "if protocol != PROTOCOL:", "if not protocol:", the_state_is_said),
    Bug("Ardour: parcels left behind", BOX, "shutil.rmtree(parcel, ignore_errors=True)", "pass",
        nothing_is_left_behind),
    Bug("Ardour: part id with the cue's", ARDOUR, 'row[1].partition(":")[2] for row', "row[1] for row",
        a_selection_is_read),
)  # fmt: skip

test_seeded_bug_is_caught = seeded(BUGS)


@pytest.mark.parametrize(
    "check",
    [
        pushing_twice_changes_nothing,
        a_deleted_region_comes_back,
        a_region_replaces_only_itself,
        a_tempo_map_that_is_not_taken_is_an_error,
        what_is_edited_in_between_stays,
        pytest.param(
            a_process_that_is_gone_is_not_waited_for,
            marks=[pytest.mark.timeout(30), pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")],
        ),
    ],
    ids=lambda check: check.__name__.replace("_", "-"),
)
def test_the_connector(check: Any, tmp_path: Path) -> None:
    check(tmp_path)


def test_send_says_that_ardour_was_never_started(tmp_path: Path) -> None:
    folder = section_score(tmp_path)
    home = {"XDG_CONFIG_HOME": str(tmp_path), "HOME": str(tmp_path), "LOCALAPPDATA": str(tmp_path)}
    ran = run_emsync("send", folder, "--to", "ardour", "--json", env=home)
    assert (ran.status, ran.error["code"]) == (5, "daw_not_installed")


def test_send_puts_the_scripts_in_place_and_says_how_to_switch_them_on(tmp_path: Path) -> None:
    folder = section_score(tmp_path)
    no_osc(tmp_path / "ardour8")
    at = tmp_path / "ardour8"
    ran = run_emsync("send", folder, "--to", "ardour", "--at", at, "--timeout", "0.2", "--json")
    assert (ran.status, ran.error["code"]) == (5, "daw_not_installed")
    assert "Script Manager" in ran.error["message"]
    names = {p.name for p in (tmp_path / "ardour8" / "scripts").iterdir()}
    assert names == {"emsync_listener.lua", "emsync_receive.lua", "emsync_regenerate.lua"}
