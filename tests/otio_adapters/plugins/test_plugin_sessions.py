"""How timelines of other people become sessions."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import opentimelineio as otio
import pytest

from emsync_engine.errors import InputError
from otio_adapters.plugins.from_timeline import session_of
from otio_adapters.plugins.session import Session
from otio_adapters.plugins.to_timeline import url_of
from tests.otio_adapters.plugins.sessions import otio_clip

Track, Stack, Gap = otio.schema.Track, otio.schema.Stack, otio.schema.Gap


def _gap(frames: float) -> Any:
    return Gap(source_range=otio_clip("", 0, frames).source_range)


def _timeline(*tracks: Any) -> Any:
    timeline = otio.schema.Timeline("cut")
    timeline.tracks.extend(tracks)
    return timeline


def _video(*children: Any, name: str = "V1") -> Any:
    return Track(name, children=list(children), kind="Video")


def _shown(session: Session) -> list[tuple[str, str, int, int, int]]:
    """(track, item, start, end, source) in frames at 24."""
    return [
        (track.name, item.name, *(int(24 * time) for time in (item.start, item.end, item.source)))
        for track in session.tracks
        for item in track.items
    ]


def test_pictures_from_the_top_down_then_sounds() -> None:
    sound = Track("A1", children=[_gap(6), otio_clip("s", 0, 6)], kind="Audio")
    timeline = _timeline(_video(otio_clip("low", 10, 12)), _video(otio_clip("high", 0, 12), name="V2"), sound)
    assert _shown(session_of(timeline)) == [("V2", "high", 0, 12, 0), ("V1", "low", 0, 12, 10), ("A1", "s", 6, 12, 0)]


def test_media_time_counts_from_the_head_of_the_file() -> None:
    clip = otio_clip("tape", 86_424, 12, url="file:///a%20b.mov")
    clip.media_reference.available_range = otio_clip("", 86_400, 480).source_range
    item = session_of(_timeline(_video(clip))).tracks[0].items[0]
    assert (item.source, item.media_duration, item.media) == (1, 20, "file:///a%20b.mov")


def test_a_nest_is_opened_and_its_layers_lie_over_each_other() -> None:
    nest = Stack("nest", children=[_video(otio_clip("under", 0, 24)), _video(_gap(6), otio_clip("over", 0, 6))])
    nest.source_range = otio_clip("", 3, 15).source_range
    shown = _shown(session_of(_timeline(_video(otio_clip("first", 0, 10), nest))))
    assert shown == [("V1", "over", 13, 19, 0), ("V1", "first", 0, 10, 0), ("V1", "under", 10, 25, 3)]


def test_off_is_muted_and_keeps_its_place() -> None:
    off = otio_clip("off", 0, 5)
    off.enabled = False
    muted = _video(off, otio_clip("on", 0, 5))
    muted.enabled = False
    inner = Stack("nest", children=[_video(otio_clip("inside", 0, 5))])
    inner[0].enabled = False
    session = session_of(_timeline(muted, _video(inner, name="V2")))
    by_name = {item.name: item.muted for track in session.tracks for item in track.items}
    assert by_name == {"off": True, "on": False, "inside": True}
    assert {track.name: track.muted for track in session.tracks} == {"V1": True, "V2": False}
    assert _shown(session)[-1] == ("V1", "on", 5, 10, 0)


def test_a_transition_is_the_cut_in_its_middle() -> None:
    blend = otio.schema.Transition(
        "x", "SMPTE_Dissolve", otio.opentime.RationalTime(4, 24), otio.opentime.RationalTime(4, 24)
    )
    shown = _shown(session_of(_timeline(_video(otio_clip("a", 10, 12), blend, otio_clip("b", 20, 12)))))
    assert shown == [("V1", "a", 0, 12, 10), ("V1", "b", 12, 24, 20)]


def test_music_that_was_delivered_before_is_sound_like_any_other() -> None:
    ours = Track("MX Mix", children=[otio_clip("mix", 0, 12, url="/mix.wav")], kind="Audio")
    ours.metadata["emsync"] = {"cue": "c"}
    timeline = _timeline(_video(otio_clip("a", 0, 12)), ours)
    hit = otio.schema.Marker("Hit 1", otio_clip("", 6, 0).source_range)
    hit.metadata["emsync"] = {"cue": "c"}
    timeline.tracks.markers.append(hit)
    session = session_of(timeline)
    assert [track.name for track in session.tracks] == ["V1", "MX Mix"]
    assert [(marker.name, marker.time) for marker in session.markers] == [("Hit 1", Fraction(1, 4))]


def test_markers_of_clips_are_in_record_time() -> None:
    clip = otio_clip("a", 100, 24)
    clip.markers.append(otio.schema.Marker("on the clip", otio_clip("", 112, 12).source_range, color="green"))
    session = session_of(_timeline(_video(_gap(24), clip)))
    marker = session.markers[0]
    assert (marker.name, marker.time, marker.duration, marker.colour) == (
        "on the clip",
        Fraction(3, 2),
        Fraction(1, 2),
        "GREEN",
    )


@pytest.mark.parametrize("wrap", [lambda c: c, lambda c: Track("t", [c]), lambda c: Stack("s", [Track("t", [c])])])
def test_parts_of_timelines_will_do(wrap: Any) -> None:
    session = session_of(wrap(otio_clip("alone", 0, 24)))
    assert [item.name for track in session.tracks for item in track.items] == ["alone"]


def test_of_a_collection_the_largest_timeline() -> None:
    small, large = _timeline(), _timeline(_video(otio_clip("a", 0, 24)))
    collection = otio.schema.SerializableCollection("bin", [small, large])
    assert len(session_of(collection).tracks) == 1


def test_nothing_to_write_is_said() -> None:
    with pytest.raises(InputError, match="no timeline"):
        session_of(otio.schema.SerializableCollection("empty", []))


def test_metadata_that_makes_no_sense_is_left_out() -> None:
    timeline = _timeline(Track("t", [otio_clip("m", 0, 24)], kind="Audio"))
    timeline.metadata["tempo_map"] = [1, {"bpm": 0}, {"bpm": "x"}, {"time_s": 1, "bpm": 90}, {"time_s": None, "bpm": 3}]
    rows = [[0, 60, 10, 64], [0, 200, 1, 1], ["a"], [0, 60, 0, 64], [5, 61, 9, 99, 15]]
    timeline.tracks[0][0].metadata["midi"] = {"ticks_per_quarter": 480, "notes": rows, "controls": 7}
    timeline.tracks[0].metadata["mix"] = {"volume": "loud", "pan": 9}
    session = session_of(timeline)
    assert [(point.time, round(point.bpm, 9)) for point in session.tempo] == [(1, 90)]
    midi = session.tracks[0].items[0].midi
    assert midi is not None
    assert [tuple(note) for note in midi.notes] == [(0, 60, 10, 64, 0), (5, 61, 9, 99, 15)]
    assert (session.tracks[0].volume, session.tracks[0].pan) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("/a b/c#1 100%.wav", "file:///a%20b/c%231%20100%25.wav"),
        ("C:\\Music\\ü.wav", "file:///C:/Music/%C3%BC.wav"),
        ("\\\\nas\\share\\x.wav", "file://nas/share/x.wav"),
        ("stems/x.wav", "stems/x.wav"),
        ("stems\\x.wav", "stems/x.wav"),
        ("file:///a%20b.wav", "file:///a%20b.wav"),
        ("https://host/x.wav", "https://host/x.wav"),
    ],
)
def test_paths_become_urls(path: str, url: str) -> None:
    assert url_of(path) == url
