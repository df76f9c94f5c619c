"""What a user writes into markers is heard in the score."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from statistics import mean
from typing import Any

import pytest

from bridge.cli.main import main
from tests.acceptance.checks import hit_times
from tests.acceptance.edits import Node, dissolve, marker, plain_cut
from tests.acceptance.listening import Heard, listen
from tests.conftest import save

Scored = Callable[..., tuple[dict[str, Any], Heard]]
LENGTHS = [240, 60, 180, 240, 240]  # cuts at 10, 12.5, 20 and 30 s of 40


@pytest.fixture
def with_markers(tmp_path: Path, silent: None, few_files: None, capsys: pytest.CaptureFixture[str]) -> Scored:
    def run(markers: list[Node], *options: str, document: Node | None = None) -> tuple[dict[str, Any], Heard]:
        path = save(document or plain_cut(LENGTHS, markers), tmp_path / "cut.otio")
        status = main(["score", str(path), "-o", str(tmp_path / "out"), "--json", *options])
        answer = json.loads(capsys.readouterr().out)
        assert status == 0, answer
        return answer, listen(Path(answer["files"]["midi"]))

    return run


def test_without_markers_the_crowded_cut_is_left_out(with_markers: Scored) -> None:
    assert hit_times(with_markers([])[0]) == [10, 20, 30]


def test_hit_on_a_cut_wins_over_its_neighbours(with_markers: Scored) -> None:
    answer, heard = with_markers([marker("hit", 300)])
    assert hit_times(answer) == [12.5, 20, 30]
    assert all(heard.is_met(Fraction(time_s)) for time_s in hit_times(answer))


def test_hit_away_from_every_cut(with_markers: Scored) -> None:
    answer, _ = with_markers([marker("HIT", 600, comment="he sees her")])
    assert 25 in hit_times(answer)
    (row,) = [h for h in answer["hits"] if h["time_s"] == 25]
    assert abs(row["error_s"]) <= 1e-3


def test_hits_that_are_too_near_are_said(with_markers: Scored) -> None:
    answer, _ = with_markers([marker("hit", 600), marker("hit", 603)])
    assert sum(24 <= t <= 26 for t in hit_times(answer)) == 1
    assert any("hit asked for" in w for w in answer["warnings"])


def test_no_hit_silences_a_cut(with_markers: Scored) -> None:
    assert hit_times(with_markers([marker("no-hit", 480)])[0]) == [10, 30]
    assert hit_times(with_markers([marker("no-hit", 240)])[0]) == [12.5, 20, 30]


def test_a_dissolve_is_hit_in_its_middle_and_on_its_edit_point_when_asked(with_markers: Scored) -> None:
    document = plain_cut([240, 240, 240])
    row = document["tracks"]["children"][0]["children"]
    transition = dissolve(12)
    transition["out_offset"]["value"] = 36.0
    row.insert(1, transition)
    assert hit_times(with_markers([], document=document)[0])[0] == 10.5
    document["tracks"]["markers"] = [marker("hit", 240)]
    assert hit_times(with_markers([], document=document)[0])[0] == 10


def test_section_begins_where_it_is_put_and_has_its_name(with_markers: Scored) -> None:
    answer, heard = with_markers([marker("section: The Chase", 480)])
    (section,) = [s for s in answer["sections"] if s["name"] == "The Chase"]
    assert section["start_s"] == pytest.approx(20, abs=1e-3)
    (place,) = [tick for tick, text in heard.markers if text == "Section The Chase"]
    assert float(heard.seconds(place)) == pytest.approx(20, abs=1e-3)


def test_mood_changes_what_is_played_under_it(with_markers: Scored) -> None:
    marks = [marker("mood: -0.7,0.9", 0), marker("mood: 0.6,-0.8", 480)]
    answer, heard = with_markers(marks)
    early = [s for s in heard.sounds if s.start_s < 20]
    late = [s for s in heard.sounds if s.start_s >= 20]
    assert len(early) > 1.5 * len(late)
    assert mean(s.velocity for s in early) > mean(s.velocity for s in late) + 5
    assert answer["sections"][0]["arousal"] > 0.6 and answer["sections"][-1]["arousal"] < -0.5


def test_tempo_is_taken_up(with_markers: Scored) -> None:
    answer, _ = with_markers([marker("tempo: 90", 0), marker("tempo: 96", 480)])
    early = [r["bpm"] for r in answer["tempo_map"] if r["time_s"] < 15]
    late = [r["bpm"] for r in answer["tempo_map"] if 20 <= r["time_s"] < 33]
    assert mean(early) == pytest.approx(90, rel=0.08)
    assert mean(late or early) == pytest.approx(96, rel=0.08)


@pytest.mark.parametrize(("text", "key"), [("d minor", "D minor"), ("F# major", "F# major"), ("bbm", "Bb minor")])
def test_key_is_the_scores_key(with_markers: Scored, text: str, key: str) -> None:
    answer, heard = with_markers([marker(f"key: {text}", 0)])
    assert answer["key"] == key
    (signature,) = [m for m in heard.midi.tracks[0] if m.type == "key_signature"]
    assert signature.key.endswith("m") == key.endswith("minor")


@pytest.mark.parametrize("length", [0, 72])
def test_nothing_sounds_in_a_silence(with_markers: Scored, length: int) -> None:
    """Three seconds from 15 s; without a length to the next hit, at 20 s."""
    _, heard = with_markers([marker("silence", 360, length)])
    start, end = 15, 18 if length else 20
    assert not [s for s in heard.sounds if s.end_s > start + 0.002 and s.start_s < end - 0.002]
    assert [s for s in heard.sounds if s.start_s > end]


def test_parts_from_the_marked_section_on(with_markers: Scored) -> None:
    _, heard = with_markers([marker("section: alone", 480), marker("parts: strings, piano", 480)])
    late = {s.part for s in heard.sounds if s.start_s > 20.01 and not any(abs(s.start_s - t) < 0.01 for t in (20, 30))}
    assert late == {"Strings", "Piano"}
    assert {s.part for s in heard.sounds if s.start_s < 20} == {"Drums", "Bass", "Piano", "Guitar", "Strings"}


def test_hits_are_struck_by_the_marked_parts_alone(with_markers: Scored) -> None:
    _, heard = with_markers([marker("section: alone", 480), marker("parts: strings, piano", 480)])
    assert {s.part for s in heard.sounds if s.start_s >= 20} == {"Strings", "Piano"}


def test_a_bass_alone_makes_accents(with_markers: Scored) -> None:
    answer, heard = with_markers([], "--parts", "bass")
    assert all(heard.is_met(Fraction(t)) for t in hit_times(answer))


@pytest.mark.parametrize("parts", ["drums", "piano", "guitar", "strings", "drums,bass", "bass,strings"])
def test_every_choice_of_parts_can_be_scored(with_markers: Scored, parts: str) -> None:
    answer, heard = with_markers([], "--parts", parts)
    assert list(answer["notes"]) == [p for p in ("drums", "bass", "piano", "guitar", "strings") if p in parts]
    assert all(row for row in heard.parts.values())
    assert all(abs(h["error_s"]) <= 1e-3 for h in answer["hits"])


# --- cues ----------------------------------------------------------------------------------------------------


def test_end_stops_the_cue(with_markers: Scored) -> None:
    answer, heard = with_markers([marker("end", 600)])
    assert answer["duration_s"] == 25
    assert float(heard.end_s) == pytest.approx(25, abs=0.05)


def test_cues_become_folders_of_their_own(with_markers: Scored, tmp_path: Path) -> None:
    marks = [marker("cue: 1m1 Opening", 0), marker("end", 200), marker("cue: 1m2", 240), marker("cue: 1m2", 720)]
    answer, _ = with_markers(marks)
    cues = answer["cues"]
    assert [c["title"] for c in cues] == ["1m1 Opening", "1m2", "1m2 2"]
    assert [Path(c["dir"]).name for c in cues] == ["1m1_Opening.emsync", "1m2.emsync", "1m2_2.emsync"]
    assert [c["duration_s"] for c in cues] == pytest.approx([200 / 24, 20, 10])
    assert hit_times(cues[1]) == [2.5, 10], "times count from the head of the cue"
    for cue in cues:
        document = json.loads(Path(cue["files"]["timeline"]).read_text(encoding="utf-8"))
        marked = [m for m in document["tracks"]["markers"] if "emsync" in m["metadata"]]
        assert len(marked) == len(cue["hits"])
    frames = [
        m["marked_range"]["start_time"]["value"]
        for m in json.loads(Path(cues[1]["files"]["timeline"]).read_text(encoding="utf-8"))["tracks"]["markers"]
        if "emsync" in m["metadata"]
    ]
    assert frames == [300, 480], "markers lie where they belong in the whole timeline"


def test_a_single_cue_is_the_folder_itself(with_markers: Scored, tmp_path: Path) -> None:
    answer, _ = with_markers([marker("cue: only", 240)])
    assert Path(answer["dir"]) == (tmp_path / "out").resolve()
    assert answer["title"] == "only"
    assert answer["duration_s"] == 30


def test_a_cue_without_length_is_named_and_no_other_is_scored(
    tmp_path: Path, silent: None, capsys: pytest.CaptureFixture[str]
) -> None:
    path = save(plain_cut(LENGTHS, [marker("cue: a", 0), marker("cue: b", 960)]), tmp_path / "cut.otio")
    assert main(["score", str(path), "-o", str(tmp_path / "out"), "--json"]) == 3
    assert "the cue 'b' at 01:00:40:00" in json.loads(capsys.readouterr().out)["error"]["message"]
    assert not (tmp_path / "out").exists()


def test_cue_names_that_differ_in_case_alone_get_folders_that_do_not(with_markers: Scored) -> None:
    marks = [marker("cue: Main/Title", 0), marker("cue: MAIN title", 240), marker("cue: 追跡", 480)]
    answer, _ = with_markers(marks)
    names = [Path(c["dir"]).name for c in answer["cues"]]
    assert names == ["Main_Title.emsync", "MAIN_title_2.emsync", "cue.emsync"]


def test_a_range_is_scored_as_a_cue(with_markers: Scored) -> None:
    for text in (("5", "25"), ("01:00:05:00", "01:00:25:00")):
        answer, heard = with_markers([], "--range", *text)
        assert answer["duration_s"] == 20
        assert hit_times(answer) == [5, 15]
        (offset,) = [m for m in heard.midi.tracks[0] if m.type == "smpte_offset"]
        assert (offset.hours, offset.minutes, offset.seconds, offset.frames) == (1, 0, 5, 0)
