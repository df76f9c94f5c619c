"""``emsync evaluate``, as a user calls it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from evaluation_music import save, tiny

from bridge.cli.main import main


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tiny random weights as an export."""
    folder = tmp_path_factory.mktemp("weights")
    save(tiny(), folder)
    return folder


def test_a_folder_is_judged_in_one_json_document(
    midi_folder: Path, exported: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["evaluate", "likelihood", str(midi_folder), "--weights", str(exported), "--data", str(exported)]
    assert main([*arguments, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["subject"] == "likelihood"
    assert found["notes"] > 0
    assert found["pieces"] == 5
    assert found["bits_per_note"] > 0


def test_people_get_a_table_and_other_networks_a_row(
    midi_folder: Path, exported: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["evaluate", "likelihood", str(midi_folder), "--weights", str(exported), "--data", str(exported)]
    assert main([*arguments, "--compare", f"twin={exported}", "--limit", "60"]) == 0
    out = capsys.readouterr().out
    assert "### Likelihood" in out
    assert "twin" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["sync", "somewhere"], "DIR is for likelihood"),
        (["likelihood", "--limit", "-1"], "--limit"),
        (["likelihood", "--compare", "nothing"], "NAME=DIR"),
        (["likelihood", "--weights", "nowhere"], "nowhere"),
    ],
)
def test_what_makes_no_sense_is_said(
    arguments: list[str], said: str, exported: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = [] if "--weights" in arguments else ["--weights", str(exported)]
    assert main(["evaluate", *arguments, *weights]) in (2, 3)
    assert said in capsys.readouterr().err


def test_without_a_data_set_a_folder_is_asked_for(
    tmp_path: Path, exported: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", "likelihood", "--weights", str(exported), "--data", str(tmp_path)]) == 3
    assert "name a folder" in capsys.readouterr().err
