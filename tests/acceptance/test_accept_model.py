"""What holds of every score holds of the trained composer's too; it is the default wherever its weights are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.pipeline import RegenerateRequest, ScoreRequest, read, regenerate, score
from bridge.settings import Settings
from emsync_engine.composers import ENGINE_VARIABLE, default_engine
from emsync_engine.model.shipped import has_shipped
from tests.acceptance.checks import check_cue
from tests.acceptance.edits import plain_cut, random_edit
from tests.acceptance.listening import listen
from tests.conftest import notes_of, save

pytestmark = [
    pytest.mark.skipif(not has_shipped(), reason="this checkout has no weights"),
    pytest.mark.usefixtures("silent", "few_files"),
    pytest.mark.timeout(300),
]


@pytest.fixture(autouse=True)
def _default(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv(ENGINE_VARIABLE)
    yield


def made(timeline: Path, folder: Path, **settings: Any) -> dict[str, Any]:
    return score(ScoreRequest(timeline, folder, settings=Settings(**settings)), lambda done, stage: None)


@pytest.mark.parametrize("seed", range(4))
def test_random_edits_are_scored_as_promised(seed: int, tmp_path: Path) -> None:
    path = save(random_edit(seed), tmp_path / "cut.otio")
    answer = made(path, tmp_path / "out")
    assert answer["engine"] == default_engine() == "model"
    assert "public-domain" in answer["rights"]["weights"]
    check_cue(answer, read(ScoreRequest(path)).to_json(), listen(tmp_path / "out" / "score.mid"))


def test_the_same_seed_gives_the_same_file_and_another_seed_other_notes(tmp_path: Path) -> None:
    timeline = save(plain_cut([120, 96, 130, 110]), tmp_path / "cut.otio")
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        made(timeline, tmp_path / name, seed=seed, mood=(0.3, 0.2))
    same, again, other = (tmp_path / name / "score.mid" for name in "abc")
    assert same.read_bytes() == again.read_bytes()
    ours, theirs = (set(notes_of(path.parent)) for path in (same, other))
    assert len(ours - theirs) >= 0.3 * len(ours)


def test_another_take_of_a_region_leaves_the_rest_alone(tmp_path: Path) -> None:
    timeline = save(plain_cut([120, 96, 130, 110]), tmp_path / "cut.otio")
    folder = tmp_path / "out"
    made(timeline, folder, mood=(-0.2, 0.1))
    before = notes_of(folder)
    answer = regenerate(RegenerateRequest(folder, "b3", "b5", ("piano", "strings")), lambda done, stage: None)
    after = notes_of(folder)
    document = json.loads((folder / "score.json").read_text(encoding="utf-8"))
    assert document["current"] == answer["take"] == 2
    assert [take["engine"] for take in document["takes"]] == ["model", "model"]
    assert [row for row in before if row[0] not in ("piano", "strings")] == [
        row for row in after if row[0] not in ("piano", "strings")
    ]
    heard = listen(folder / "score.mid")
    start, end = heard.bar_lines[2], heard.bar_lines[4]

    def outside(rows: Any) -> list[Any]:
        return [row for row in rows if not start <= row[1][0] < end]

    assert outside(before) == outside(after)
    assert set(before) != set(after)
