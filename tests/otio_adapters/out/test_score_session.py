"""A scored cue for DAWs: everything of it is in the timeline, and in every form written from it."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import opentimelineio as otio
import pytest

from emsync_engine.smf import normalise_notes
from otio_adapters.out import dawproject_of_score, rpp_of_score, score_timeline, smf_of_score
from otio_adapters.out.score_session import session_of_score, tempo_of
from otio_adapters.plugins.dawproject_read import read_dawproject
from otio_adapters.plugins.from_timeline import session_of
from otio_adapters.plugins.rpp_read import read_rpp
from otio_adapters.plugins.smf_read import read_smf
from otio_adapters.plugins.tempo import Clock
from tests.otio_adapters.out.cues import BARS, FOLDER, RATES, TEMPO, Q, delivery
from tests.otio_adapters.plugins.sessions import differences

ALL_RATES = pytest.mark.parametrize("rate", RATES)


def test_tracks_and_what_is_heard() -> None:
    session = session_of_score(delivery())
    assert [(track.name, track.muted) for track in session.tracks] == [
        ("Picture", False),
        ("DX 1", False),
        ("TEMP MX", True),
        ("MX Mix", True),
        ("MX Strings", False),
        ("MX Drums & Perc", False),
        ("Strings MIDI", False),
        ("Drums & Perc MIDI", False),
    ]


@ALL_RATES
def test_picture_items_are_the_shots(rate: str) -> None:
    cue = delivery(rate)
    items = session_of_score(cue).tracks[0].items
    assert [(i.name, i.start * cue.rate, i.end * cue.rate, i.source * cue.rate, i.speed) for i in items] == [
        ("Shot 1", 0, 100, 50, 1),
        ("Shot 2", 100, 240, 0, 2),
        ("Still", 300, 1000, 0, 0),
    ]


def test_bars_lie_where_the_score_has_them() -> None:
    points = tempo_of(delivery().score)
    clock = Clock(points)
    assert [(point.us, point.numerator) for point in points] == [(500_000, 4), (666_667, 3), (480_001, 4)]
    for bar in BARS:
        assert clock.quarters(TEMPO.seconds(bar.tick)) * Q == bar.tick


def test_markers_are_hits_sections_and_the_editors_own() -> None:
    cue = delivery()
    found = [(m.name, m.time * cue.rate, m.colour) for m in session_of_score(cue).markers]
    assert found[0] == ("Calm", 0, "CYAN")
    assert ("mood: tense", 12, "YELLOW") in found
    assert ("Hit 1 Shot 2", 100, "PURPLE") in found
    assert ("Hit 2", 240, "PURPLE") in found
    regions = {m.name: (m.time, m.duration) for m in session_of_score(cue).markers if m.duration}
    assert regions["Chase"] == (TEMPO.seconds(32 * Q), TEMPO.seconds(44 * Q) - TEMPO.seconds(32 * Q))
    assert sum(regions["Ending"]) <= cue.length


def test_parts_are_as_the_midi_file_has_them() -> None:
    cue = delivery()
    drums = session_of_score(cue).tracks[-1].items[0].midi
    assert drums is not None
    expected = [(n.tick, n.pitch, n.duration, n.velocity, 9) for n in normalise_notes(cue.score.part("drums").notes)]
    assert [tuple(note) for note in drums.notes] == expected
    assert {(c.controller, c.value) for c in drums.controls} == {(7, 100), (10, 64), (11, 127)}


@ALL_RATES
def test_every_form_holds_the_same_music(rate: str) -> None:
    """Markers, tempo map and clip times of all four, within a microsecond."""
    cue = delivery(rate)
    session = session_of_score(cue)
    through_otio = session_of(score_timeline(cue))
    assert differences(session, through_otio) == []
    assert differences(session, read_rpp(rpp_of_score(cue))) == []
    assert differences(session, read_dawproject(dawproject_of_score(cue))) == []
    assert differences(session, read_smf(smf_of_score(cue)), of="music") == []


def test_audio_beside_a_reaper_project_is_pointed_at_relatively() -> None:
    cue = delivery()
    text = rpp_of_score(cue, FOLDER)
    assert 'FILE "score mix.wav"' in text and 'FILE "stems/drums.wav"' in text
    assert 'FILE "/media/a 1.mov"' in text
    assert 'FILE "/mnt/Größe 100% #1/cue folder/score mix.wav"' in rpp_of_score(cue, Path("/elsewhere"))


@pytest.mark.usefixtures("plugins")
@pytest.mark.parametrize("suffix", ["rpp", "dawproject", "mid", "otio"])
def test_the_timeline_is_written_by_the_plug_ins(suffix: str, tmp_path: Path) -> None:
    cue = delivery()
    path = tmp_path / f"cue.{suffix}"
    otio.adapters.write_to_file(score_timeline(cue), str(path))
    read = session_of(otio.adapters.read_from_file(str(path)))
    assert differences(session_of_score(cue), read, of="music" if suffix == "mid" else "all") == []
    assert len(read.markers) == 7


def test_a_cut_after_two_hours_is_right_to_the_sample() -> None:
    """A hit at 01:59:59:00 of a 23.976 cue that begins at zero."""
    cue = delivery("23.976")
    frame = 172_776
    long = Fraction(200_000) / cue.rate
    score = replace(cue.score, hits=(replace(cue.score.hits[0], time=Fraction(frame) / cue.rate),), duration=long)
    cue = replace(cue, score=score, picture=replace(cue.picture, start_frame=0, duration=long, markers=()))
    for read in (
        read_rpp(rpp_of_score(cue)),
        read_smf(smf_of_score(cue)),
        read_dawproject(dawproject_of_score(cue)),
        session_of(score_timeline(cue)),
    ):
        hit = next(marker for marker in read.markers if marker.name.startswith("Hit"))
        assert abs(hit.time - Fraction(frame) / cue.rate) * 48_000 < Fraction(1, 2)
