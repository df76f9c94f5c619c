"""The plan: what a connector is given."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bridge.connectors.base import Delivered, ItemResult, decide, left_out
from bridge.connectors.plan import Plan, Region, content_hash, plan_json, plan_of_folder
from bridge.connectors.plan_lines import plan_lines, split_row
from bridge.folder import ScoreFolder
from emsync_engine.score import Control, Note
from tests.bridge.connectors.scores import section_score
from tests.conftest import run_emsync


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return section_score(tmp_path)


@pytest.fixture
def plan(folder: Path) -> Plan:
    return plan_of_folder(folder)


def test_as_json_it_says_the_same_as_the_score(folder: Path, plan: Plan) -> None:
    data = json.loads(json.dumps(plan_json(plan)))
    score = ScoreFolder(folder).take().score
    assert data["schema"] == "emsync.plan/1"
    for part in data["parts"]:
        found = [
            (item["tick"] + tick, pitch, duration, velocity)
            for item in part["items"]
            for tick, pitch, duration, velocity, _, _ in item["notes"]
        ]
        wanted = score.part(part["part"])
        assert sorted(found) == [(n.tick, n.pitch, n.duration, n.velocity) for n in sorted(wanted.notes)]
        for item in part["items"]:
            for tick, _, duration, _, start_s, end_s in item["notes"]:
                assert start_s == pytest.approx(float(score.tempo_map.seconds(item["tick"] + tick)), abs=1e-9)
                assert end_s == pytest.approx(float(score.tempo_map.seconds(item["tick"] + tick + duration)), abs=1e-9)
    assert [h["time_s"] for h in data["markers"] if h["kind"] == "hit"] == pytest.approx(
        [float(h.time) for h in score.hits], abs=1e-4
    )


def test_as_lines_it_says_the_same_as_json(plan: Plan) -> None:
    data, rows = plan_json(plan), [split_row(line) for line in plan_lines(plan).splitlines()]
    by_tag = {tag: [row[1:] for row in rows if row[0] == tag] for tag in {row[0] for row in rows}}
    assert by_tag["plan"][0][1:4] == [data["cue"], data["title"], str(data["take"])]
    assert [int(row[0]) for row in by_tag["tempo"]] == [t["tick"] for t in data["tempo"]]
    assert [(row[0], row[9]) for row in by_tag["item"]] == [
        (i["id"], str(int(i["locked"]))) for p in data["parts"] for i in p["items"]
    ]
    assert [list(map(int, row)) for row in by_tag["n"]] == [
        n[:4] for p in data["parts"] for i in p["items"] for n in i["notes"]
    ]
    assert [list(map(int, row)) for row in by_tag["c"]] == [
        c[:3] for p in data["parts"] for i in p["items"] for c in i["controls"]
    ]


def test_lines_of_some_items_hold_these_alone_and_every_track(plan: Plan) -> None:
    section = plan.sections[1]
    some = plan.within(Region(section.tick, section.end, ("bass",)))
    rows = [split_row(line) for line in plan_lines(plan, some).splitlines()]
    assert [row[1] for row in rows if row[0] == "item"] == [f"{plan.cue}:bass:{section.id}"]
    assert [row[1] for row in rows if row[0] == "part"] == [part.id for part in plan.parts]


def test_a_region_holds_what_it_touches_and_nothing_that_it_only_borders_on(plan: Plan) -> None:
    first, second = plan.sections[:2]
    assert {i.section for i in plan.within(Region(first.tick, first.end))} == {first.id}
    assert {i.section for i in plan.within(Region(first.tick, first.end + 1))} == {first.id, second.id}


def test_another_take_of_some_bars_changes_the_items_there_and_no_other(folder: Path, plan: Plan) -> None:
    section = plan.sections[1]
    bar = 1 + [tick for tick, _ in plan.bars].index(section.tick)
    ran = run_emsync("regenerate", folder, "--start", f"b{bar}", "--end", f"b{bar + 2}", "--parts", "piano")
    assert ran.status == 0, ran.err
    after = plan_of_folder(folder)
    assert after.cue == plan.cue
    changed = {new.id for old, new in zip(plan.items, after.items) if old.hash != new.hash}
    assert changed == {f"{plan.cue}:piano:{section.id}"}
    assert plan_of_folder(folder, 1).items == plan.items


def test_two_cues_of_one_timeline_are_two(tmp_path: Path) -> None:
    folder = section_score(tmp_path)
    document = (folder / "score.json").read_text(encoding="utf-8")
    created = ScoreFolder(folder).document().takes[0].created
    one = plan_of_folder(folder).cue
    (folder / "score.json").write_text(document.replace(created, "2001-01-01T00:00:00Z"), encoding="utf-8")
    assert plan_of_folder(folder).cue != one


def test_the_hash_is_the_one_that_is_published() -> None:
    """Scripts in Lua compute it as well."""
    assert content_hash([], []) == "cbf29ce484222325"
    notes = [Note(960, 60, 480, 80), Note(0, 64, 960, 100)]
    value = 0xCBF29CE484222325
    for byte in b"n 0 64 960 100\nn 960 60 480 80\nc 0 11 97\n":
        value = (value ^ byte) * 0x100000001B3 % 2**64
    assert content_hash(notes, [Control(0, 11, 97)]) == f"{value:016x}"


@pytest.mark.parametrize(
    ("wanted", "written", "found", "locked", "on_edit", "outcome"),
    [
        ("a", None, None, False, "keep", "written"),
        ("a", "a", None, False, "keep", "written"),
        ("a", "a", "a", False, "keep", "unchanged"),
        ("a", "a", "a", True, "keep", "unchanged"),
        ("b", "a", "a", False, "keep", "updated"),
        ("b", "a", "a", True, "keep", "locked"),
        ("b", "a", "x", False, "keep", "kept"),
        ("b", "a", "x", False, "beside", "beside"),
        ("b", "a", "b", False, "keep", "unchanged"),
        ("b", "a", "x", True, "beside", "locked"),
        ("b", None, "x", False, "keep", "kept"),
    ],
)
def test_what_is_done_with_an_item(
    wanted: str, written: str | None, found: str | None, locked: bool, on_edit: str, outcome: str
) -> None:
    assert decide(wanted, written, found, locked=locked, on_edit=on_edit) == outcome  # type: ignore[arg-type]


def test_what_is_left_out_names_the_file_that_holds_it(plan: Plan) -> None:
    row = left_out(plan, "tempo_map", "there is none", "no.such", "score.mid")
    assert Path(row.file).name == "score.mid"
    assert left_out(plan, "x", "y", "no.such").file == ""
    json.dumps(Delivered("t", "a", "c", 1, (ItemResult("i", "p", "s", "kept"),), left_out=(row,)).as_json())
