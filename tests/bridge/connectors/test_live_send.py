"""``emsync send DIR --to live|abletonosc``: as a user calls it, what it says, what it locks."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from bridge.connectors.plan import plan_of_folder
from tests.bridge.connectors.fake_abletonosc import abletonosc
from tests.bridge.connectors.scores import section_score
from tests.conftest import Emsync
from tests.daw_scripts.live.fake_clips import MidiNoteSpecification
from tests.daw_scripts.live.plans import heard, rows_of
from tests.daw_scripts.live.running import running


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda handle: None)


def test_to_live(emsync: Emsync, tmp_path: Path) -> None:
    folder = section_score(tmp_path)
    plan = plan_of_folder(folder)
    with running(tmp_path, (12, 2)) as live:
        at = ("--at", live.state, "--timeout", 30)
        ran = emsync("send", folder, "--to", "live", *at)
        assert ran.status == 0, ran.err
        assert "take 1 to Ableton Live 12.2.3" in ran.out
        assert "tempo map: in Live's Arrangement, drag" in ran.out
        assert "controllers: Live lets no script" in ran.err
        with live.paused() as fake:
            for part in plan.parts:
                written = [i for i in part.items if i.notes]
                assert [rows_of(c) for c in fake.clips(part.name)] == [heard(plan, i.part, i.section) for i in written]
            edited = plan.parts[0].items[0]
            fake.clips(plan.parts[0].name)[0].add_new_notes((MidiNoteSpecification(11, 0.5, 0.5),))
        again = emsync("send", folder, "--to", "live", *at, "--json").json
        kept = [i for i in again["items"] if i["outcome"] == "kept"]
        assert [i["id"] for i in kept] == [edited.id]
        assert any("is now locked" in sentence for sentence in again["said"])
        document = json.loads((folder / "score.json").read_text(encoding="utf-8"))
        assert document["locks"] == [{"part": edited.part, "section": edited.section}]


def test_live_is_not_there(emsync: Emsync, tmp_path: Path) -> None:
    folder = section_score(tmp_path)
    state = tmp_path / "state"
    state.mkdir()
    (state / "token").write_text("x" * 43, encoding="ascii")
    (state / "live.json").write_text('{"port": 9}', encoding="ascii")
    ran = emsync("send", folder, "--to", "live", "--at", state, "--json")
    assert ran.status == 5
    assert ran.error["code"] == "daw_crashed"


def test_to_abletonosc(emsync: Emsync, tmp_path: Path) -> None:
    folder = section_score(tmp_path)
    plan = plan_of_folder(folder)
    with abletonosc(version=(12, 0)) as osc:
        env = {"XDG_STATE_HOME": str(tmp_path / "xdg"), "LOCALAPPDATA": str(tmp_path / "xdg")}
        ran = emsync("send", folder, "--to", "abletonosc", "--at", osc.at, "--timeout", 30, "--json", env=env)
        assert ran.status == 0, ran.out + ran.err
        assert {i["outcome"] for i in ran.json["items"]} == {"written"}
        assert "arrangement_write" in {row["what"] for row in ran.json["left_out"]}
        with osc.paused() as fake:
            for part in plan.parts:
                held = [rows_of(s.clip) for s in fake.track(part.name).clip_slots if s.has_clip]
                assert held == [heard(plan, i.part, i.section) for i in part.items]
