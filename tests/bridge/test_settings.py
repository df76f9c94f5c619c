"""``emsync.toml``, and who wins: command line, timeline markers, emsync.toml, inference."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from bridge.cli.main import main
from bridge.settings import load_settings, min_gap_of
from emsync_engine.errors import InputError
from emsync_engine.score import Key
from tests.acceptance.edits import Node, marker, plain_cut
from tests.acceptance.listening import Heard, listen
from tests.conftest import save

Scored = Callable[..., tuple[dict[str, Any], Heard]]


@pytest.fixture
def project(tmp_path: Path, silent: None, few_files: None, capsys: pytest.CaptureFixture[str]) -> Scored:
    """Scores a 40 s cut with markers, an emsync.toml beside it and options: (answer, what is heard)."""

    def run(toml: str = "", markers: list[Node] | None = None, *options: str) -> tuple[dict[str, Any], Heard]:
        path = save(plain_cut([240, 240, 240, 240], markers or []), tmp_path / "cut.otio")
        (tmp_path / "emsync.toml").write_text(toml, encoding="utf-8")
        number = len(list(tmp_path.glob("out*")))
        status = main(["score", str(path), "-o", str(tmp_path / f"out{number}"), "--json", *options])
        answer = json.loads(capsys.readouterr().out)
        assert status == 0, answer
        return answer, listen(Path(answer["files"]["midi"]))

    return run


def mean_tempo(answer: dict[str, Any]) -> float:
    return sum(row["bpm"] for row in answer["tempo_map"]) / len(answer["tempo_map"])


def test_every_key_is_read(tmp_path: Path) -> None:
    (tmp_path / "emsync.toml").write_text(
        'mood = [-0.4, 0.7]\nseed = 5\nparts = ["bass", "drums"]\nmin_gap = 2.5\ntempo = 92\nkey = "d minor"\n'
        'engine = "rules"\nsoundfont = "fonts/big.sf2"\nmedia_roots = ["rushes", "more"]\n'
    )
    settings = load_settings(tmp_path)
    assert (settings.mood, settings.seed, settings.parts) == ((-0.4, 0.7), 5, ("drums", "bass"))
    assert (settings.min_gap, settings.tempo, settings.key) == (Fraction(5, 2), 92.0, Key(2, "minor"))
    assert settings.soundfont == tmp_path / "fonts" / "big.sf2"
    assert settings.media_roots == (tmp_path / "rushes", tmp_path / "more")


def test_no_file_is_no_setting_and_a_byte_order_mark_no_fault(tmp_path: Path) -> None:
    assert load_settings(tmp_path) == load_settings(tmp_path / "nowhere")
    (tmp_path / "emsync.toml").write_bytes(b"\xef\xbb\xbfseed = 3\r\n")
    assert load_settings(tmp_path).seed == 3


BAD = ["mood = 'blorp'", "mood = [1, 2]", "mood = [0.1]", "mood = [nan, 0.0]", "seed = '1'", "seed = 1.5",
       "seed = true", "parts = ['tuba']", "parts = []", "min_gap = -1", "min_gap = 'x'", "min_gap = true",
       "tempo = 500", "key = 'q major'", "engine = 'magic'", "loudness = 3", "mood = ", "[seed]", "\x00"]  # fmt: skip


@pytest.mark.parametrize("text", BAD)
@pytest.mark.usefixtures("silent")
def test_bad_settings_name_the_file_and_the_key(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = save(plain_cut([48, 48]), tmp_path / "cut.otio")
    (tmp_path / "emsync.toml").write_text(text)
    assert main(["score", str(path), "-o", str(tmp_path / "out"), "--json"]) == 3
    error = json.loads(capsys.readouterr().out)["error"]
    assert "emsync.toml" in error["where"] or "engine" in error["message"], error
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("text", ["0", "0.3", "4", "600", "7/2"])
def test_gaps(text: str) -> None:
    assert min_gap_of(text) == Fraction(text)


@pytest.mark.parametrize("text", ["-1", "601", "x", "1e400000000", "inf"])
def test_what_is_no_gap(text: str) -> None:
    with pytest.raises(InputError):
        min_gap_of(text)


# --- who wins ------------------------------------------------------------------------------------------------


def test_key(project: Scored) -> None:
    marks = [marker("key: e minor", 0)]
    assert project('key = "b major"')[0]["key"] == "B major"
    assert project('key = "b major"', marks)[0]["key"] == "E minor"
    assert project('key = "b major"', marks, "--key", "g minor")[0]["key"] == "G minor"


def test_tempo(project: Scored) -> None:
    marks = [marker("tempo: 70", 0)]
    assert mean_tempo(project("tempo = 150")[0]) == pytest.approx(150, rel=0.08)
    assert mean_tempo(project("tempo = 150", marks)[0]) == pytest.approx(70, rel=0.08)
    assert mean_tempo(project("tempo = 150", marks, "--tempo", "100")[0]) == pytest.approx(100, rel=0.08)


def test_a_tempo_of_the_file_holds_until_the_first_tempo_marker(project: Scored) -> None:
    answer, _ = project("tempo = 140", [marker("tempo: 125", 480)])
    assert answer["tempo_map"][0]["bpm"] == pytest.approx(140, rel=0.05)
    assert answer["tempo_map"][-1]["bpm"] < 130


def test_parts(project: Scored) -> None:
    marks = [marker("parts: strings,piano", 0)]
    assert list(project('parts = ["bass", "drums"]')[0]["notes"]) == ["drums", "bass"]
    assert list(project('parts = ["bass", "drums"]', marks)[0]["notes"]) == ["piano", "strings"]
    assert list(project('parts = ["bass", "drums"]', marks, "--parts", "guitar")[0]["notes"]) == ["guitar"]


def test_parts_of_the_file_hold_until_the_first_parts_marker(project: Scored) -> None:
    """The section that the marker begins is another one than the first."""
    marks = [marker("section: two", 480), marker("parts: strings,piano,bass,drums", 480)]
    _, heard = project('parts = ["piano"]', marks)
    hits = (0, 10)  # struck by all parts
    before = {s.part for s in heard.sounds if s.start_s < 19 and not any(abs(s.start_s - t) < 0.01 for t in hits)}
    assert before == {"Piano"}
    assert {s.part for s in heard.sounds} == {"Piano", "Strings", "Bass", "Drums"}


def test_seed_and_gap(project: Scored) -> None:
    assert project("seed = 9")[0]["seed"] == 9
    assert project("seed = 9", None, "--seed", "4")[0]["seed"] == 4
    assert len(project("min_gap = 15")[0]["hits"]) == 2
    assert len(project("min_gap = 15", None, "--min-gap", "4")[0]["hits"]) == 3


def moods(answer: dict[str, Any]) -> list[tuple[float, float]]:
    return [(round(s["valence"], 2), round(s["arousal"], 2)) for s in answer["sections"]]


def test_mood(project: Scored) -> None:
    marks = [marker("mood: -0.5,0.5", 0, 960)]
    assert set(moods(project("")[0])) == {(0.0, 0.0)}
    assert set(moods(project("mood = [0.8, -0.6]")[0])) == {(0.8, -0.6)}
    assert set(moods(project("mood = [0.8, -0.6]", marks)[0])) == {(-0.5, 0.5)}
    assert set(moods(project("mood = [0.8, -0.6]", marks, "--mood", "0.2,0.3")[0])) == {(0.2, 0.3)}


def test_a_mood_of_the_file_holds_outside_the_mood_markers(project: Scored) -> None:
    answer, _ = project("mood = [0.8, -0.8]", [marker("mood: -0.8,0.8", 480)])
    first, last = moods(answer)[0], moods(answer)[-1]
    assert first[0] > 0.5 and last[0] < -0.5
