"""The demo from one end of the road to the other."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.acceptance.checks import check_cue, hit_times
from tests.acceptance.conftest import Demo
from tests.acceptance.listening import changed_share, listen
from tests.acceptance.waves import read_wave
from tests.conftest import Emsync


def test_the_demo_keeps_every_promise_about_hits_tempo_and_ending(demo: Demo) -> None:
    check_cue(demo.answer, demo.cuts, demo.heard)
    assert len(demo.answer["hits"]) >= 8


def test_the_users_hit_marker_is_hit(demo: Demo) -> None:
    (asked,) = [m["time_s"] for m in demo.cuts["markers"] if m["name"] == "hit"]
    assert any(abs(asked - time_s) < 1e-9 for time_s in hit_times(demo.answer))


def test_all_files_are_there_and_named(demo: Demo) -> None:
    files = {name: Path(path) for name, path in demo.answer["files"].items()}
    assert {"midi", "wav", "timeline", "report", "document"} <= set(files)
    assert {name for name in files if name.startswith("stem_")} == {f"stem_{part}" for part in demo.answer["notes"]}
    assert all(path.is_absolute() and path.stat().st_size > 500 for path in files.values())
    assert demo.answer["rights"]["soundfont_licence"]
    assert demo.answer["rights"]["engine"] and demo.answer["rights"]["weights"]
    left = [p.name for p in Path(demo.answer["dir"]).rglob(".*")]
    assert not left, "working files were left behind"


def test_the_mix_lasts_as_long_as_the_picture_and_starts_at_its_timecode(demo: Demo) -> None:
    mix = read_wave(demo.file("wav"))
    frames = round(Fraction(demo.answer["duration_s"]) * Fraction(demo.cuts["rate"]))
    assert (mix.rate, mix.bits) == (48000, 24)
    assert len(mix.samples) == round(frames / Fraction(demo.cuts["rate"]) * 48000)
    assert demo.cuts["start_timecode"] == "01:00:00:00"
    assert mix.time_reference == 3600 * 48000
    assert np.abs(mix.samples).max() > 1 << 18, "the mix is next to silent"


def test_the_stems_sum_to_the_mix(demo: Demo) -> None:
    mix = read_wave(demo.file("wav"))
    stems = [read_wave(Path(p)) for name, p in demo.answer["files"].items() if name.startswith("stem_")]
    assert np.array_equal(sum(stem.samples.astype(np.int64) for stem in stems), mix.samples)
    assert {(stem.rate, stem.time_reference) for stem in stems} == {(mix.rate, mix.time_reference)}
    assert all(np.abs(stem.samples).max() > 0 for stem in stems)


def test_sound_follows_the_notes(demo: Demo) -> None:
    """At every hit the mix swells: more energy in the tenth of a second after it than in the one before."""
    mix = read_wave(demo.file("wav")).samples.astype(np.float64)
    louder = 0
    for time_s in hit_times(demo.answer):
        at = round(time_s * 48000)
        before, after = mix[at - 4800 : at], mix[at : at + 4800]
        louder += bool((after**2).sum() > (before**2).sum())
    assert louder >= 0.8 * len(hit_times(demo.answer))


def test_the_timeline_comes_back_with_music_and_otherwise_untouched(demo: Demo) -> None:
    before = json.loads(demo.timeline.read_text(encoding="utf-8"))
    after = json.loads(demo.file("timeline").read_text(encoding="utf-8"))
    stack = after["tracks"]
    ours = [t for t in stack["children"] if "emsync" in t["metadata"]]
    assert len(ours) == 1 + len(demo.answer["notes"])
    for track in ours:
        assert track["kind"] == "Audio"
        (clip,) = [c for c in track["children"] if c["OTIO_SCHEMA"].startswith("Clip")]
        url = clip["media_references"]["DEFAULT_MEDIA"]["target_url"]
        assert Path(url.removeprefix("file://")).is_file()
    marks = [m for m in stack["markers"] if "emsync" in m["metadata"]]
    rate = float(Fraction(demo.cuts["rate"]))
    places = [m["marked_range"]["start_time"]["value"] / rate for m in marks]
    assert places == pytest.approx(hit_times(demo.answer), abs=0.5 / rate)
    stack["children"] = [t for t in stack["children"] if "emsync" not in t["metadata"]]
    stack["markers"] = [m for m in stack["markers"] if "emsync" not in m["metadata"]]
    assert after == before


def test_the_same_input_and_seed_give_the_same_bytes(demo: Demo, emsync: Emsync, tmp_path: Path) -> None:
    again = emsync("score", demo.timeline, "-o", tmp_path / "again", "--json").json
    assert Path(again["files"]["midi"]).read_bytes() == demo.file("midi").read_bytes()


def test_another_seed_keeps_the_hits_and_changes_the_notes(demo: Demo, emsync: Emsync, tmp_path: Path) -> None:
    other = emsync("score", demo.timeline, "-o", tmp_path / "other", "--seed", 2, "--json").json
    heard = listen(Path(other["files"]["midi"]))
    check_cue(other, demo.cuts, heard)
    assert hit_times(other) == hit_times(demo.answer)
    assert changed_share(demo.heard, heard) >= 0.3


def test_the_report_stands_alone_and_names_every_shot(demo: Demo) -> None:
    page = demo.file("report").read_text(encoding="utf-8")
    assert page.lstrip().lower().startswith("<!doctype html>")
    assert "http://" not in page.replace("http://www.w3.org/", "") and "https://" not in page
    for shot in demo.cuts["shots"]:
        assert shot["name"] in page
    assert "data:image" in page, "no thumbnails"
