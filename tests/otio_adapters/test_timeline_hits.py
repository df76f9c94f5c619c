"""MIDI files and REAPER projects as lists of hits."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import mido
import pytest

from otio_adapters import read_picture
from tests.otio_adapters.test_timeline_formats import write


def midi(folder: Path, *messages: mido.MetaMessage) -> Path:
    path = folder / "x.mid"
    end = mido.MetaMessage("end_of_track", time=480)
    mido.MidiFile(tracks=[mido.MidiTrack([*messages, end])], ticks_per_beat=480).save(str(path))
    return path


def meta(kind: str, time: int = 0, **more: object) -> mido.MetaMessage:
    return mido.MetaMessage(kind, time=time, **more)


def test_markers_named_like_instructions_are_obeyed_and_the_rest_are_hits(tmp_path: Path) -> None:
    texts = ["door slams", "mood: tense", "section: Chase", "hit", "", "tempo: 92"]
    picture = read_picture(midi(tmp_path, *(meta("marker", 480, text=text) for text in texts)))
    kinds = [(m.name, m.instruction.kind if m.instruction else None) for m in picture.markers]
    assert kinds == [
        ("door slams", "hit"),
        ("mood: tense", "mood"),
        ("section: Chase", "section"),
        ("hit", "hit"),
        ("marker 5", "hit"),
        ("tempo: 92", "tempo"),
    ]
    hits = [(b.time, b.kind, b.picture, b.weight, b.label) for b in picture.boundaries]
    assert hits == [
        (Fraction(1, 2), "marker", False, 10.0, "door slams"),
        (Fraction(2), "marker", False, 10.0, "hit"),
        (Fraction(5, 2), "marker", False, 10.0, "marker 5"),
    ]


def test_a_malformed_instruction_is_a_hit_with_a_warning(tmp_path: Path) -> None:
    picture = read_picture(midi(tmp_path, meta("marker", 480, text="tempo: fast")))
    assert [(b.label, b.weight) for b in picture.boundaries] == [("tempo: fast", 10.0)]
    assert any("tempo: fast" in warning for warning in picture.warnings)


def test_the_tempo_map_of_a_midi_file_is_noted(tmp_path: Path) -> None:
    picture = read_picture(
        midi(
            tmp_path,
            meta("set_tempo", tempo=600_000),
            meta("time_signature", numerator=6, denominator=8),
            meta("set_tempo", 960, tempo=300_000),
        )
    )
    assert picture.metadata == {
        "tempo_map": [
            {"time_s": 0.0, "quarter": 0.0, "quarters_per_minute": 100.0},
            {"time_s": 1.2, "quarter": 2.0, "quarters_per_minute": 200.0},
        ],
        "meters": [{"time_s": 0.0, "quarter": 0.0, "beats": 6, "beat_unit": 8}],
    }


def test_a_midi_file_without_a_tempo_runs_at_120(tmp_path: Path) -> None:
    picture = read_picture(midi(tmp_path, meta("marker", 480, text="x")))
    assert picture.metadata["tempo_map"] == [{"time_s": 0.0, "quarter": 0.0, "quarters_per_minute": 120.0}]


PROJECT = """<REAPER_PROJECT 0.1 "7.0/linux64" 1700000000
  TEMPO 90 4 4
  {more}
  MARKER 1 2 "" 0
  MARKER 2 3 "parts: strings,piano" 0
  MARKER 3 4 "" 1
  MARKER 3 6 "" 1
  MARKER 4 7 chase 1
  MARKER 4 9 "" 1
>
"""


def test_unnamed_reaper_markers_are_hits_and_ends_of_regions_are_not(tmp_path: Path) -> None:
    picture = read_picture(write(tmp_path, "x.rpp", PROJECT.replace("{more}", "")))
    kinds = [(m.time, m.name, m.instruction.kind if m.instruction else None) for m in picture.markers]
    assert kinds == [(2, "marker 1", "hit"), (3, "parts: strings,piano", "parts"), (7, "section: chase", "section")]
    assert [(b.time, b.weight) for b in picture.boundaries] == [(2, 10.0)]
    assert picture.metadata == {"tempo_map": [{"time_s": 0.0, "beats_per_minute": 90.0}]}


@pytest.mark.parametrize("shape", [0, 1])
def test_the_tempo_map_of_a_reaper_project_is_noted(tmp_path: Path, shape: int) -> None:
    envelope = f"<TEMPOENVEX\n    ACT 1 -1\n    PT 0 100 {shape}\n    PT 4.8 120.5 {shape} 262148 0 1\n  >"
    picture = read_picture(write(tmp_path, "x.rpp", PROJECT.replace("{more}", envelope)))
    assert picture.metadata["tempo_map"] == [
        {"time_s": 0.0, "beats_per_minute": 100.0},
        {"time_s": 4.8, "beats_per_minute": 120.5},
    ]
