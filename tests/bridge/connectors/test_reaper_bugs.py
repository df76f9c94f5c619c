"""Mistakes in the scripts inside REAPER and in the connector: each is caught."""

from __future__ import annotations

import importlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from emsync_engine.score import Control, Note
from tests.bridge.connectors.scores import section_score
from tests.bridge.connectors.seeded import Bug, mistake, seeded
from tests.daw_scripts.reaper.fake_project import Track
from tests.daw_scripts.reaper.running import MOVIE, Running, content, whole_state

SCRIPTS = "daw_scripts/reaper"
BOX, MESSAGE, CONNECTOR = (f"bridge/connectors/reaper{more}.py" for more in ("_box", "_message", ""))


class Pushed:
    """A running REAPER and a plan, made with whatever code is in use."""

    def __init__(self, home: Path, *, push: bool = True) -> None:
        self.plan = plan_of(section_score(home))
        self.running = Running(home / "fake").start()
        self.running.project.midi_ticks = 480
        self.before = whole_state(self.running.project)
        if push:
            self.push()

    def push(self, plan: Any = None, on_edit: str = "keep") -> Any:
        return self.running.connector(on_edit).push(plan or self.plan)

    def changed(self, part: str = "bass", section: int = 1) -> Any:
        """A plan with other notes in one item."""
        return with_item(self.plan, part, section, lambda item: tuple(replace(n, velocity=33) for n in item.notes))

    def item(self, part: str = "bass", section: int = 1) -> Any:
        return self.running.item(part, self.plan.sections[section].id)


def plan_of(folder: Path) -> Any:
    return importlib.import_module("bridge.connectors.plan").plan_of_folder(folder)


def with_item(plan: Any, part: str, section: int, change: Any) -> Any:
    """The plan with other notes in one item."""

    def item_of(item: Any) -> Any:
        return replace(item, notes=change(item), hash="0123456789abcdef")

    rows = [
        replace(p, items=tuple(item_of(i) if n == section else i for n, i in enumerate(p.items)))
        if p.part == part
        else p
        for p in plan.parts
    ]
    return replace(plan, parts=tuple(rows))


def has(pushed: Pushed, plan: Any, start: float = 0.0) -> None:
    """Every note, controller, program and bar line of the plan is where it belongs."""
    ours, project = pushed.running.ours(), pushed.running.project
    assert set(ours) == {item.id for item in plan.items}
    for part in plan.parts:
        for item in part.items:
            there = ours[item.id]
            assert abs(there.position - start - float(item.start_s)) < 1e-9
            assert abs(there.end - start - float(item.end_s)) < 1e-9
            assert there.active.notes() == [
                (round(n.tick / 2), n.pitch, round(n.end / 2) - round(n.tick / 2), n.velocity, part.channel)
                for n in item.relative_notes()
            ]
            assert there.active.controls() == [
                (round(c.tick / 2), c.controller, c.value) for c in item.relative_controls()
            ]
            assert there.active.programs() == ([(0, part.program)] if item.tick == 0 else [])
    for tick, beats in plan.bars:
        seconds = start + float(plan.seconds(tick))
        assert abs(project.time(project.quarters(start) + tick / 960) - seconds) < 1e-6
        assert project.tempo_at(seconds)[0] == beats


def everything_arrives(home: Path) -> None:
    pushed = Pushed(home)
    has(pushed, pushed.plan)
    assert [title for title, _ in pushed.running.project.undo] == ["EMSYNC: score take 1"]
    pushed.running.reaper.Undo_DoUndo2(0)
    assert whole_state(pushed.running.project) == pushed.before


def all_pitches_and_velocities(home: Path) -> None:
    pushed = Pushed(home, push=False)
    rows = tuple(Note(240 * i, i, 120, 127 - i or 1) for i in range(128))
    end = rows[-1].end
    part = pushed.plan.parts[2]
    longest = replace(part.items[0], notes=rows, end=max(end, part.items[0].end))
    same = (Note(0, 60, 480, 80), Note(480, 60, 480, 81), Note(960, 60, 480, 82))
    second = replace(pushed.plan.parts[3].items[0], notes=same)
    parts = [replace(part, items=(longest,)), replace(pushed.plan.parts[3], items=(second,))]
    plan = replace(pushed.plan, parts=tuple(parts))
    longest = replace(longest, end_s=plan.seconds(longest.end))
    plan = replace(plan, parts=(replace(part, items=(longest,)), parts[1]))
    pushed.push(plan)
    has(pushed, plan)


def pushing_twice_changes_nothing(home: Path) -> None:
    pushed = Pushed(home)
    before = whole_state(pushed.running.project)
    pushed.push()
    assert whole_state(pushed.running.project) == before
    assert len(pushed.running.project.undo) == 1
    assert len(pushed.running.project.state.tracks) == len(pushed.plan.parts)


def tracks_are_found_by_id(home: Path) -> None:
    pushed = Pushed(home, push=False)
    pushed.running.project.state.tracks.append(Track("mine"))
    pushed.push()
    pushed.running.project.state.tracks.reverse()
    pushed.running.project.items()[0].track.items.remove(pushed.running.project.items()[0])
    pushed.push()
    has(pushed, pushed.plan)
    mine = next(t for t in pushed.running.project.state.tracks if t.name == "mine")
    assert (mine.items, len(pushed.running.project.state.tracks)) == ([], len(pushed.plan.parts) + 1)
    for item in pushed.running.ours().values():
        assert item.ext["P_EXT:emsync_item"].startswith(item.track.ext["P_EXT:emsync_track"])


def new_notes_are_a_take_beside_the_old_ones(home: Path) -> None:
    pushed = Pushed(home)
    newer = pushed.changed()
    pushed.push(newer)
    has(pushed, newer)
    assert [len(item.takes) for item in pushed.running.ours().values()].count(2) == 1


def edits_survive(home: Path) -> None:
    pushed = Pushed(home)
    mine = pushed.running.edit(pushed.item())
    delivered = pushed.push(pushed.changed())
    assert content(pushed.item()) == mine
    assert [item.outcome for item in delivered.edited] == ["kept"]
    pushed.push(pushed.changed(), "beside")
    assert content(pushed.item()) == mine


def edited_controllers_survive(home: Path) -> None:
    pushed = Pushed(home)
    item = next(i for i in pushed.running.ours().values() if i.active.controls())
    _, part, section = item.ext["P_EXT:emsync_item"].split(":")
    item.active.source.events.insert(0, (0, 0, b"\xb0\x0b\x05"))
    mine = content(item)
    number = [s.id for s in pushed.plan.sections].index(section)
    pushed.push(pushed.changed(part, number))
    assert content(item) == mine


def moved_items_stay(home: Path) -> None:
    pushed = Pushed(home)
    item = pushed.item()
    item.position += 0.5
    place = item.position
    pushed.push(pushed.changed())
    assert (item.position, len(item.takes)) == (place, 1)


def locked_items_stay(home: Path) -> None:
    pushed = Pushed(home)
    pushed.running.select(pushed.item())
    pushed.running.action("lock")
    pushed.push(pushed.changed())
    assert len(pushed.item().takes) == 1


def the_picture_stays(home: Path) -> None:
    pushed = Pushed(home, push=False)
    movie = pushed.running.add_item("VIDEO", 5.0, 51.0, file=MOVIE)
    sound = pushed.running.add_item("WAVE", 9.0, 3.0, file="/films/door.wav")
    pushed.push()
    assert [(i.position, i.length) for i in (movie, sound)] == [(5.0, 51.0), (9.0, 3.0)]
    has(pushed, pushed.plan, 5.0)


def a_failure_takes_everything_back(home: Path) -> None:
    pushed = Pushed(home, push=False)
    written: list[Any] = []
    write = pushed.running.reaper.MIDI_SetAllEvts

    def fails(take: Any, buffer: str) -> bool:
        written.append(take)
        return write(take, buffer) if len(written) != 7 else False

    pushed.running.reaper.MIDI_SetAllEvts = fails  # type: ignore[method-assign]
    with pytest.raises(Exception, match="did not take the notes"):
        pushed.push()
    assert whole_state(pushed.running.project) == pushed.before
    assert pushed.running.reaper.misuse == []


def replacing_leaves_the_rest(home: Path) -> None:
    pushed = Pushed(home)
    plan = importlib.import_module("bridge.connectors.plan")
    section = pushed.plan.sections[1]
    newer = with_item(pushed.changed(), "piano", 2, lambda item: item.notes[:-1])
    pushed.running.connector().replace(newer, plan.Region(section.tick, section.end, ("bass",)))
    assert len(pushed.item().takes) == 2
    assert len(pushed.item("piano", 2).takes) == 1


def markers_are_updated(home: Path) -> None:
    pushed = Pushed(home)
    count = len(pushed.running.project.state.markers)
    moved = [replace(m, seconds=m.seconds + 1) if m.kind == "hit" else m for m in pushed.plan.markers]
    moved = [replace(m, end_s=m.seconds) if m.kind == "hit" else m for m in moved]
    pushed.push(replace(pushed.plan, markers=tuple(moved)))
    there = {(m.name, round(m.time, 6)) for m in pushed.running.project.state.markers}
    assert there == {(m.text, round(float(m.seconds), 6)) for m in moved}
    assert len(pushed.running.project.state.markers) == count


def files_appear_whole(home: Path) -> None:
    running = Running(home / "fake")

    def look() -> None:
        for path in running.resources.rglob("*.json"):
            json.loads(path.read_bytes())

    running.reaper.on_write = look
    running.start()
    running.connector().hello()
    assert running.reaper.misuse == []
    assert running.reaper.console == []


def old_heartbeats_are_dead(home: Path) -> None:
    running = Running(home / "fake").start()
    running.age_s = 3600
    assert running.box().state() == "crashed"


def a_goodbye_is_understood(home: Path) -> None:
    running = Running(home / "fake").start()
    running.reaper.quit()
    assert running.box().state() == "closed"


def what_is_not_answered_is_not_done_later(home: Path) -> None:
    running = Running(home / "fake").start()
    box = running.box()
    box.wait = lambda _: None
    with pytest.raises(Exception, match="does not answer"):
        box.ask("transport", {"command": "locate", "seconds": 5.0}, 0.05)
    running.reaper.turn(10)
    assert running.project.cursor == 0.0


def a_message_is_done_once(home: Path) -> None:
    running = Running(home / "fake").start()
    body = {"v": 1, "id": "m1", "op": "transport", "args": {"command": "locate", "seconds": 5.0}}
    for cursor in (0.0, 9.0):
        running.project.cursor = cursor
        (running.box().root / "in" / "1-m1.json").write_text(json.dumps(body), encoding="utf-8")
        running.reaper.turn(10)
    assert running.project.cursor == 9.0


def selections_count_from_the_head(home: Path) -> None:
    pushed = Pushed(home, push=False)
    pushed.running.connector().push_at(pushed.plan, 20.0)
    pushed.running.project.selection = (21.0, 25.0)
    chosen = pushed.running.connector().read_selection()
    assert (chosen.start_s, chosen.end_s) == (1, 5)


def controllers_are_written(home: Path) -> None:
    pushed = Pushed(home, push=False)
    plan = pushed.plan
    item = replace(plan.parts[1].items[1], controls=(Control(plan.parts[1].items[1].tick + 960, 1, 127),))
    part = replace(plan.parts[1], items=(plan.parts[1].items[0], item, *plan.parts[1].items[2:]))
    plan = replace(plan, parts=(plan.parts[0], part, *plan.parts[2:]))
    pushed.push(plan)
    has(pushed, plan)


_WRITE_FILE = """    local aside = path .. TEMPORARY
    local file, why = io.open(aside, 'wb')"""

BUGS = (
    Bug("reaper tempo map after the items", f"{SCRIPTS}/lib/apply.lua",
        """          tempo_events = write_tempo(project, score, plan, said)
          markers.apply(project, score.cue, plan.markers)
          memory.remember_cue(project, score.cue, score.folder, start)
        end
        write_items(project, plan)
""", """          write_items(project, plan)
          tempo_events = write_tempo(project, score, plan, said)
          markers.apply(project, score.cue, plan.markers)
          memory.remember_cue(project, score.cue, score.folder, start)
        else
          write_items(project, plan)
        end
""", everything_arrives),
    Bug("reaper picture not protected", f"{SCRIPTS}/lib/tempo.lua",
        "fixed = not kind:find('^MIDI')", "fixed = false", the_picture_stays),
    Bug("reaper undo left open", f"{SCRIPTS}/lib/operation.lua", "  reaper.Undo_EndBlock2(project, title, -1)",
        "  if ok then reaper.Undo_EndBlock2(project, title, -1) end", a_failure_takes_everything_back),
    Bug("reaper redraw left locked", f"{SCRIPTS}/lib/operation.lua", "  reaper.PreventUIRefresh(-1)",
        "  if ok then reaper.PreventUIRefresh(-1) end", a_failure_takes_everything_back),
    Bug("reaper half a change stays", f"{SCRIPTS}/lib/operation.lua", "if not ok and reaper.Undo_CanUndo2",
        "if false and reaper.Undo_CanUndo2", a_failure_takes_everything_back),
    Bug("reaper pitch 127 lost", f"{SCRIPTS}/lib/midi.lua", "string.char(NOTE_ON | channel, note[2], note[4])",
        "string.char(NOTE_ON | channel, math.min(note[2], 126), note[4])", all_pitches_and_velocities),
    Bug("reaper velocity 0", f"{SCRIPTS}/lib/midi.lua", "string.char(NOTE_ON | channel, note[2], note[4])",
        "string.char(NOTE_ON | channel, note[2], note[4] & 126)", all_pitches_and_velocities),
    Bug("reaper note on before note off", f"{SCRIPTS}/lib/midi.lua", "FIRST_OFF, THEN_CONTROL, THEN_ON = 0, 1, 2",
        "FIRST_OFF, THEN_CONTROL, THEN_ON = 2, 1, 0", all_pitches_and_velocities),
    Bug("reaper 960 ticks assumed", f"{SCRIPTS}/lib/midi.lua", "tick * per_quarter / ticks_per_quarter",
        "tick * 960 / ticks_per_quarter", everything_arrives),
    Bug("reaper everything on channel 1", f"{SCRIPTS}/lib/apply.lua", "midi.prepare(item, part.channel)",
        "midi.prepare(item, 0)",
        everything_arrives),
    Bug("reaper controllers lost", MESSAGE,
        '"controls": [[c.tick, c.controller, c.value] for c in item.relative_controls()]', '"controls": []',
        controllers_are_written),
    Bug("reaper ticks of the cue for ticks of the item", MESSAGE, "for n in item.relative_notes()",
        "for n in item.notes",
        everything_arrives),
    Bug("reaper metre lost", MESSAGE, "*metres.get(tick, (0, 0))", "0, 0", everything_arrives),
    Bug("reaper index for id", f"{SCRIPTS}/lib/apply.lua", "local track = plan.tracks[part.id]",
        "local track = reaper.GetTrack(project, 0) and plan.tracks[part.id] and reaper.GetTrack(project, 0)",
        tracks_are_found_by_id),
    Bug("reaper push adds", f"{SCRIPTS}/lib/identity.lua", "if name and id.cue(name) == cue then", "if false then",
        pushing_twice_changes_nothing),
    Bug("reaper adds a track each time", f"{SCRIPTS}/lib/identity.lua",
        "if name and id.cue(name) == cue and not found[name] then", "if false then", tracks_are_found_by_id),
    Bug("reaper adds markers each time", f"{SCRIPTS}/lib/markers.lua",
        "for at = #todo.drop, 1, -1 do reaper.DeleteProjectMarkerByIndex(project, todo.drop[at]) end", "",
        markers_are_updated),
    Bug("reaper markers deleted from the front", f"{SCRIPTS}/lib/markers.lua", "for at = #todo.drop, 1, -1 do",
        "for at = 1, #todo.drop do", markers_are_updated),
    Bug("reaper old notes are gone", f"{SCRIPTS}/lib/takes.lua", "      take = new_take(item, row)\n",
        "      take = reaper.GetActiveTake(item)\n", new_notes_are_a_take_beside_the_old_ones),
    Bug("reaper new take not heard", f"{SCRIPTS}/lib/takes.lua", "    reaper.SetActiveTake(take)\n    id.mark_item",
        "    id.mark_item", new_notes_are_a_take_beside_the_old_ones),
    Bug("reaper edit overwritten", f"{SCRIPTS}/lib/takes.lua", "    local edited = takes.is_edited(item)\n",
        "    local edited = false\n", edits_survive),
    Bug("reaper edit drowned by the take beside it", f"{SCRIPTS}/lib/takes.lua", "row.activate and take or was", "take",
        edits_survive),
    Bug("reaper edited controllers overlooked", f"{SCRIPTS}/lib/identity.lua", "reaper.MIDI_GetHash(take, false, '')",
        "reaper.MIDI_GetHash(take, true, '')", edited_controllers_survive),
    Bug("reaper notes overlooked when the hash differs", f"{SCRIPTS}/lib/identity.lua",
        "rows[#rows + 1] = string.pack('>I8B', tick, flags & ~SELECTED) .. message",
        "rows[#rows + 1] = string.pack('>I8B', tick, flags & ~SELECTED)", edits_survive),
    Bug("reaper moved item pulled back", f"{SCRIPTS}/lib/takes.lua", "return id.is_moved(item) or not (take",
        "return not (take", moved_items_stay),
    Bug("reaper lock ignored", f"{SCRIPTS}/lib/takes.lua", "    if id.is_locked(item) then return 'locked' end\n", "",
        locked_items_stay),
    Bug("reaper replaces too much", CONNECTOR, "self.replace_items(plan, plan.within(region), progress)",
        "self.replace_items(plan, plan.items, progress)", replacing_leaves_the_rest),
    Bug("reaper mailbox not atomic", f"{SCRIPTS}/lib/mailbox.lua", _WRITE_FILE,
        _WRITE_FILE.replace("path .. TEMPORARY", "path"), files_appear_whole),
    Bug("reaper old heartbeat taken for life", BOX, "if beat.age_s < FRESH_S:", "if beat.age_s is not None:",
        old_heartbeats_are_dead),
    Bug("reaper goodbye overheard", BOX, 'if beat.state == "closed":', 'if beat.state == "quit":',
        a_goodbye_is_understood),
    Bug("reaper does it when nobody waits any more", BOX, "            path.unlink()\n        except OSError:",
        "            pass\n        except OSError:",
        what_is_not_answered_is_not_done_later),
    Bug("reaper does it twice", f"{SCRIPTS}/emsync_listener.lua",
        "  if answers[message.id] then return answers[message.id] end\n", "", a_message_is_done_once),
    Bug("reaper selection in project time", f"{SCRIPTS}/lib/selection.lua", "start_s = from - start,",
        "start_s = from,",
        selections_count_from_the_head),
)  # fmt: skip

test_seeded_bug_is_caught = seeded(BUGS)


@pytest.mark.parametrize("bug", {b.check: b for b in BUGS}.values(), ids=lambda bug: bug.check.__name__)
def test_the_checks_pass_with_a_change_that_means_nothing(bug: Bug, tmp_path: Path) -> None:
    """It is the mistake that a check notices, not that the code comes from elsewhere."""
    first = (Path(__file__).parents[3] / bug.file).read_text(encoding="utf-8").split("\n")[0]
    harmless = replace(bug, old=first, new=first.replace(" ", "  ", 1))
    (tmp_path / "right").mkdir()
    with mistake(harmless, tmp_path / "scripts"):
        bug.check(tmp_path / "right")
