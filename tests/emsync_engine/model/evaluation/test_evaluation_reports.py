"""Every subject makes its table and its numbers, with a network that has learned nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from evaluation_music import save, tiny

from emsync_engine.model.decode.draft import Decoding
from emsync_engine.model.decode.reference import Network
from emsync_engine.model.evaluation import infill, music, obedience, speed, sync
from emsync_engine.model.evaluation.passes import Reader
from emsync_engine.model.evaluation.request import Request
from emsync_engine.model.evaluation.tables import Table


def test_obedience_has_a_row_for_every_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(obedience, "LEVELS", (-0.8, 0.8))
    monkeypatch.setattr(obedience, "QUICK_DURATION_S", 4.0)
    said: list[str] = []
    report = obedience.measure(Request(tiny(), {"untold": tiny("none")}, quick=True, progress=said.append))
    assert set(report.numbers["spearman"]) == {"as shipped", "network alone", "untold, alone"}
    assert all(-1 <= rho <= 1 for row in report.numbers["spearman"].values() for rho in row.values())
    assert len(said) == 3 * 4
    json.dumps(report.numbers)


def test_sync_tells_the_two_places_of_hits_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync, "QUICK_EDITS", 1)
    monkeypatch.setattr(sync, "QUICK_DURATION_S", 14.0)
    report = sync.measure(Request(tiny(), quick=True))
    assert [table.title for table in report.tables] == [f"Sync, hits {place}" for place in sync.PLACES]
    forced = report.numbers["systems"]["as shipped, hits forced"]
    assert all(forced[place]["hits"] == 1 for place in sync.PLACES if forced[place]["boundaries"])


def test_composed_music_stands_beside_held_out_music(monkeypatch: pytest.MonkeyPatch, built: Path) -> None:
    monkeypatch.setattr(music, "QUICK_CUES", 1)
    monkeypatch.setattr(music, "QUICK_DURATION_S", 8.0)
    monkeypatch.setattr(music, "EXCERPT_BARS", 4)
    report = music.measure(Request(tiny(), quick=True), built)
    assert set(report.numbers["measures"]["composed"]) == set(music.MEASURES)
    assert report.numbers["measures"]["composed"]["range violations"] == 0
    assert "held out, all" in report.numbers["measures"]
    assert all(0 <= area <= 1.0001 for row in report.numbers["overlapped_area"].values() for area in row.values())


def test_without_a_data_set_the_composed_music_stands_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(music, "QUICK_CUES", 1)
    monkeypatch.setattr(music, "QUICK_DURATION_S", 6.0)
    assert set(music.measure(Request(tiny(), quick=True)).numbers["measures"]) == {"composed"}


def test_new_takes_leave_everything_outside_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(infill, "TAKES_A_CUE", 2)
    network = Network(tiny())
    takes = infill.takes_of(network, Reader(network), 1, 12.0, Decoding(candidates=1))
    assert [take.outside for take in takes] == [1.0, 1.0]
    assert max(take.novelty for take in takes) > 0


def test_speed_is_measured_on_named_weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(speed, "DURATION_S", 6.0)
    monkeypatch.setattr(speed, "CONTEXT", 3)
    save(tiny(), tmp_path)
    found = speed.decode("reference", str(tmp_path), 1)
    assert found["notes"] > 0
    assert 0 <= found["first bar"] <= found["region"]
    assert speed.steps("reference", str(tmp_path), 1)["event"] >= 0


def test_tables_are_markdown_that_people_can_read() -> None:
    text = Table("Title", ("name", "value"), (("a", 0.12345), ("b", 1234.5), ("c", None)), ("A note.",)).text()
    assert text.splitlines() == [
        "### Title", "", "| name | value |", "|------|-------|", "| a    | 0.123 |", "| b    | 1234  |",
        "| c    | -     |", "", "A note.",
    ]  # fmt: skip
