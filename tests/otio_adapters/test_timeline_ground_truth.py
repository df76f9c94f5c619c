"""Real timelines against cut lists that were established without any of our code."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from otio_adapters import MusicDelivery, MusicMarker, read_picture, timeline_with_music, without_music, write_timeline

ROOT = Path(__file__).resolve().parents[3] / "shared" / "timelines"
TRUTH: dict[str, Any] = {}
if (ROOT / "ground_truth.json").is_file():
    TRUTH = json.loads((ROOT / "ground_truth.json").read_text(encoding="utf-8"))
pytestmark = pytest.mark.skipif(not TRUTH, reason=f"the collection of real timelines is not at {ROOT}")
OTIO_FILES = sorted(ROOT.glob("*/*.otio")) if TRUTH else []


def rate_for(name: str) -> Fraction | None:
    """Edit lists carry no rate: the one under which their truth was counted."""
    return Fraction(TRUTH[name]["rate"]) if name.endswith(".edl") else None


@pytest.mark.parametrize("name", sorted(TRUTH))
def test_the_cuts_are_those_on_the_screen(name: str) -> None:
    picture = read_picture(ROOT / name, rate=rate_for(name))
    assert [b.frame for b in picture.boundaries if b.picture] == TRUTH[name]["cut_frames"]
    assert picture.rate == Fraction(TRUTH[name]["rate"])


@pytest.mark.parametrize("name", sorted(name for name in TRUTH if TRUTH[name]["frames"]))
def test_the_length_is_that_of_the_sequence(name: str) -> None:
    picture = read_picture(ROOT / name, rate=rate_for(name))
    assert picture.duration * picture.rate == TRUTH[name]["frames"]


@pytest.mark.parametrize("name", sorted(name for name in TRUTH if "record_start_frame" in TRUTH[name]))
def test_an_edit_list_starts_at_its_first_picture(name: str) -> None:
    picture = read_picture(ROOT / name, rate=rate_for(name))
    if picture.shots:
        assert picture.start_frame == TRUTH[name]["record_start_frame"]


@pytest.mark.parametrize("name", sorted(name for name in TRUTH if "transitions_frames" in TRUTH[name]))
def test_transitions_have_their_spans(name: str) -> None:
    picture = read_picture(ROOT / name)
    spans = [
        (float(a * picture.rate), float(b * picture.rate)) for b_ in picture.boundaries if b_.span for a, b in [b_.span]
    ]
    known = [(span[0], span[-1]) for span in TRUTH[name]["transitions_frames"]]
    for start, end in spans:
        assert any(abs(start - a) < 0.51 and abs(end - b) < 0.51 for a, b in known), (start, end)


@pytest.mark.parametrize("name", ["tlRender/SingleClip.otioz", "kdenlive/kdenlive_mixes_markers.kdenlive"])
def test_timelines_without_a_truth_open(name: str) -> None:
    picture = read_picture(ROOT / name)
    assert picture.shots
    frames = [b.frame for b in picture.boundaries if b.picture]
    assert frames == sorted(set(frames))


def delivery(name: str = "cue 1") -> MusicDelivery:
    return MusicDelivery(
        name=name,
        tracks=(("EMSYNC mix", Path("/music/mix.wav")), ("EMSYNC drums", Path("/music/stems/drums.wav"))),
        markers=(MusicMarker(Fraction(3), "hit", "bar 2, beat 1"), MusicMarker(Fraction(15, 2), "hit")),
        duration=Fraction(31, 3),
        rate=Fraction(24),
        start_frame=86400,
    )


@pytest.mark.parametrize("path", OTIO_FILES, ids=lambda path: path.name)
def test_music_goes_in_and_comes_out_again(path: Path, tmp_path: Path) -> None:
    document = json.loads(path.read_text(encoding="utf-8"))
    target = tmp_path / "timeline.otio"
    write_timeline(timeline_with_music(path, delivery()), target)
    written = json.loads(target.read_text(encoding="utf-8"))
    assert without_music(written) == document
    assert timeline_with_music(target, delivery()) == written
    assert without_music(timeline_with_music(target, delivery("another cue"))) == document


@pytest.mark.parametrize("path", OTIO_FILES, ids=lambda path: path.name)
def test_our_own_music_changes_nothing_that_is_seen(path: Path, tmp_path: Path) -> None:
    before = read_picture(path)
    target = tmp_path / path.name
    write_timeline(timeline_with_music(path, delivery()), target)
    after = read_picture(target)
    assert after.boundaries == before.boundaries
    assert after.duration == before.duration
    assert after.sounds == before.sounds
    assert after.markers == before.markers


@pytest.mark.parametrize("name", sorted(TRUTH))
def test_what_was_read_and_returned_reads_the_same(name: str, tmp_path: Path) -> None:
    before = read_picture(ROOT / name, rate=rate_for(name))
    target = tmp_path / "returned.otio"
    music = MusicDelivery("c", (("EMSYNC mix", Path("m.wav")),), (), Fraction(5), before.rate, before.start_frame)
    write_timeline(timeline_with_music(ROOT / name, music), target)
    after = read_picture(target)
    assert [(b.frame, b.kind, b.hit) for b in after.boundaries] == [(b.frame, b.kind, b.hit) for b in before.boundaries]
    assert (after.rate, after.start_frame) == (before.rate, before.start_frame)
