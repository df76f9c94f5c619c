"""Mistakes in the plan and in what every connector shares: each is caught."""

from __future__ import annotations

import importlib
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.bridge.connectors.scores import section_score
from tests.bridge.connectors.seeded import Bug, seeded

PLAN, BASE, LINES = (f"bridge/connectors/{name}.py" for name in ("plan", "base", "plan_lines"))


def _module(name: str) -> Any:
    return importlib.import_module(f"bridge.connectors.{name}")


def items_follow_each_other(home: Path) -> None:
    plan = _module("plan").plan_of_folder(section_score(home))
    for part in plan.parts:
        assert part.items[0].tick == 0
        assert part.items[-1].end >= plan.end_tick
        assert all(a.end == b.tick for a, b in zip(part.items, part.items[1:]))
        assert all(item.tick <= n.tick < n.end <= item.end for item in part.items for n in item.notes)


def no_note_is_lost(home: Path) -> None:
    folder = section_score(home)
    from bridge.folder import ScoreFolder

    score = ScoreFolder(folder).take().score
    plan = _module("plan").plan_of_folder(folder)
    for part in plan.parts:
        assert [(n.tick, n.pitch, n.velocity) for n in part.notes] == [
            (n.tick, n.pitch, n.velocity) for n in score.part(part.part).notes
        ]


def long_notes_end(home: Path) -> None:
    """A note that sounds over the edge of its section ends there, and the plan says so."""
    from bridge.folder import ScoreFolder
    from emsync_engine.score import Note

    folder = section_score(home)
    store = ScoreFolder(folder)
    document, take = store.document(), store.take()
    edge = take.score.sections[0].end
    strings = take.score.part("strings")
    held = replace(strings, notes=(*strings.notes, Note(edge - 100, 24, 500, 70)))
    parts = tuple(held if p.id == "strings" else p for p in take.score.parts)
    longer = replace(take, score=replace(take.score, parts=parts))
    plan = _module("plan").plan_of(folder, document, 1, longer, store.cut(1))
    first = next(item for item in plan.items if item.part == "strings")
    assert [n.duration for n in first.notes if n.pitch == 24] == [100]
    assert plan.shortened == 1


def ids_hold_through_a_rename(home: Path) -> None:
    folder = section_score(home)
    before = _module("plan").plan_of_folder(folder)
    moved = folder.rename(home / "renamed.emsync")
    after = _module("plan").plan_of_folder(moved)
    assert [item.id for item in after.items] == [item.id for item in before.items]
    assert len({item.id for item in before.items}) == len(before.items)


def hashes_tell_velocities_apart(home: Path) -> None:
    from emsync_engine.score import Note

    hashed = _module("plan").content_hash
    assert hashed([Note(0, 60, 10, 80)], []) != hashed([Note(0, 60, 10, 81)], [])
    assert hashed([Note(0, 60, 10, 80)], []) != hashed([Note(0, 60, 11, 80)], [])


def hashes_do_not_move_with_the_section(home: Path) -> None:
    plan = _module("plan").plan_of_folder(section_score(home))
    hashed = _module("plan").content_hash
    assert all(item.hash == hashed(item.relative_notes(), item.relative_controls()) for item in plan.items)


def edits_stay(home: Path) -> None:
    decide = _module("base").decide
    assert decide("new", "old", "edited") == "kept"
    assert decide("new", "old", "edited", on_edit="beside") == "beside"
    assert decide("new", "old", "old", locked=True) == "locked"
    assert decide("new", None, "theirs") == "kept"


def sending_twice_changes_nothing(home: Path) -> None:
    assert _module("base").decide("same", "same", "same") == "unchanged"


def lines_end_with_their_number(home: Path) -> None:
    lines = _module("plan_lines")
    text = lines.plan_lines(_module("plan").plan_of_folder(section_score(home)))
    rows = [lines.split_row(line) for line in text.splitlines()]
    assert rows[-1] == ["end", str(len(rows) - 1)]


def texts_come_back(home: Path) -> None:
    lines = _module("plan_lines")
    text = "a\tb\\n\nc\\"
    assert "\t" not in lines.escaped(text)
    assert "\n" not in lines.escaped(text)
    assert lines.split_row(lines.escaped(text)) == [text]


BUGS = (
    Bug("items start late", PLAN, "starts = [0, *", "starts = [1, *", items_follow_each_other),
    Bug("note over the edge", PLAN, "min(note.end, spans[at][1]) - note.tick", "note.duration", long_notes_end),
    Bug("notes at one tick lost", PLAN, "for note in normalise_notes(part.notes):",
        "for note in {n.tick: n for n in part.notes}.values():", no_note_is_lost),
    Bug("note in the wrong section", PLAN, "bisect_right(starts, note.tick) - 1", "bisect_right(starts, note.tick) - 2",
        items_follow_each_other),
    Bug("id by place", PLAN, 'id=f"{cue}:{part.id}:{section.id}"', 'id=f"{cue}:{index}"', ids_hold_through_a_rename),
    Bug("id of the folder", PLAN, 'f"{first.sha256} {first.created}"', "str(id(document))", ids_hold_through_a_rename),
    Bug("hash without velocity", PLAN, "{n.duration} {n.velocity}\\n", "{n.duration}\\n", hashes_tell_velocities_apart),
    Bug("hash of absolute ticks", PLAN, "(Note(n.tick - start, n.pitch", "(Note(n.tick, n.pitch",
        hashes_do_not_move_with_the_section),
    Bug("edit overwritten", BASE, "if found != written:", "if written is None:", edits_stay),
    Bug("lock ignored", BASE, "if locked:", "if False:", edits_stay),
    Bug("written again and again", BASE, "if found == wanted:", "if found == wanted and not written:",
        sending_twice_changes_nothing),
    Bug("short file not seen", LINES, '_row(("end", len(rows)))', '_row(("end", 0))', lines_end_with_their_number),
    Bug("tab in a name", LINES, '"\\t": "\\\\t", ', "", texts_come_back),
)  # fmt: skip

test_seeded_bug_is_caught = seeded(BUGS)
