"""Fifty edits made by chance: whatever an editor cuts, the music lands on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.pipeline import ScoreRequest, read, score
from tests.acceptance.checks import check_cue
from tests.acceptance.edits import random_edit
from tests.acceptance.listening import listen
from tests.conftest import Emsync, save

THROUGH_THE_COMMAND_LINE = range(100, 105)


@pytest.mark.usefixtures("silent", "few_files")
@pytest.mark.parametrize("seed", range(45))
def test_random_edits_are_scored_as_promised(seed: int, tmp_path: Path) -> None:
    path = save(random_edit(seed), tmp_path / "cut.otio")
    request = ScoreRequest(path, tmp_path / "out")
    answer = score(request, lambda done, stage: None)
    check_cue(answer, read(request).to_json(), listen(tmp_path / "out" / "score.mid"))


@pytest.mark.parametrize("seed", THROUGH_THE_COMMAND_LINE)
def test_random_edits_through_the_command_line(emsync: Emsync, seed: int, tmp_path: Path) -> None:
    path = save(random_edit(seed), tmp_path / "cut.otio")
    answer = emsync("score", path, "-o", tmp_path / "out", "--json").json
    cuts = emsync("cuts", path, "--json").json
    check_cue(answer, cuts, listen(Path(answer["files"]["midi"])))
