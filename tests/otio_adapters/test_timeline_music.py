"""Music of ours in a timeline: what is written, and that nothing else is."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from emsync_engine.errors import InputError
from otio_adapters import MusicDelivery, MusicMarker, read_picture, timeline_with_music, without_music, write_timeline
from tests.otio_adapters.builders import clip, marker, rt, save, timeline, track
from tests.otio_adapters.test_timeline_formats import EDL, FCPXML_SPINE, fcpxml


def delivery(**more: Any) -> MusicDelivery:
    values: dict[str, Any] = {
        "name": "cue-1",
        "tracks": (("EMSYNC mix", Path("/s/mix.wav")), ("EMSYNC bass", Path("/s/bass.wav"))),
        "markers": (MusicMarker(Fraction(2), "hit", "bar 2"), (Fraction(5, 2), "hit", "bar 3")),
        "duration": Fraction(4),
        "rate": Fraction(24),
        "start_frame": 86400,
    }
    return MusicDelivery(**{**values, **more})


def test_the_mix_comes_first_as_a_new_audio_track_at_sequence_rate(tmp_path: Path) -> None:
    path = save(tmp_path, timeline(track(clip("a", 0, 96)), global_start_time=rt(86400)))
    document = timeline_with_music(path, delivery(duration=Fraction(97, 24) - Fraction(1, 1000)))
    picture, mix, bass = document["tracks"]["children"]
    assert picture["children"][0]["name"] == "a"
    assert (mix["name"], mix["kind"], bass["name"]) == ("EMSYNC mix", "Audio", "EMSYNC bass")
    (node,) = mix["children"]
    reference = node["media_references"]["DEFAULT_MEDIA"]
    assert (reference["OTIO_SCHEMA"], reference["target_url"]) == ("ExternalReference.1", "/s/mix.wav")
    assert node["source_range"]["duration"] == {"OTIO_SCHEMA": "RationalTime.1", "rate": 24.0, "value": 97.0}
    assert node["source_range"] == reference["available_range"]
    assert node["source_range"]["start_time"]["value"] == 86400
    assert mix["metadata"] == {"emsync": {"cue": "cue-1", "part": "EMSYNC mix"}}


def test_hit_markers_stand_on_the_sequence_with_name_and_comment(tmp_path: Path) -> None:
    path = save(tmp_path, timeline(track(clip("a", 0, 96)), markers=[marker("mine", 3)]))
    document = timeline_with_music(path, delivery())
    mine, first, second = document["tracks"]["markers"]
    assert mine["name"] == "mine"
    assert (first["OTIO_SCHEMA"], first["name"], first["comment"]) == ("Marker.2", "hit", "bar 2")
    assert [m["marked_range"]["start_time"]["value"] for m in (first, second)] == [48, 60]


@pytest.mark.parametrize("markers", [None, "absent"])
def test_without_a_list_of_markers_ours_stand_on_the_mix(tmp_path: Path, markers: str | None) -> None:
    document = timeline(track(clip("a", 0, 96)))
    document["tracks"]["markers"] = None
    if markers == "absent":
        del document["tracks"]["markers"]
    done = timeline_with_music(save(tmp_path, document), delivery())
    assert [m["name"] for m in done["tracks"]["children"][1]["markers"]] == ["hit", "hit"]
    assert without_music(done) == document


def test_music_of_a_range_starts_where_it_belongs(tmp_path: Path) -> None:
    path = save(tmp_path, timeline(track(clip("a", 0, 960))))
    document = timeline_with_music(path, delivery(offset=Fraction(10)))
    lead, node = document["tracks"]["children"][1]["children"]
    assert (lead["OTIO_SCHEMA"], lead["source_range"]["duration"]["value"]) == ("Gap.1", 240)
    assert node["source_range"]["start_time"]["value"] == 86640


def test_a_second_scoring_replaces_the_first(tmp_path: Path) -> None:
    document = timeline(track(clip("a", 0, 96)))
    first = save(tmp_path, timeline_with_music(save(tmp_path, document), delivery()), "scored.otio")
    again = timeline_with_music(first, delivery(name="cue-2", tracks=(("EMSYNC mix", Path("/s/new.wav")),)))
    assert len(again["tracks"]["children"]) == 2
    assert [m["metadata"]["emsync"]["cue"] for m in again["tracks"]["markers"]] == ["cue-2", "cue-2"]
    assert without_music(again) == document


def test_newer_schemas_and_vendors_data_stay_as_they_are(tmp_path: Path) -> None:
    odd: dict[str, Any] = {"OTIO_SCHEMA": "Marker.3", "name": "n", "color": {"OTIO_SCHEMA": "Color.1", "r": 1.0}}
    odd["marked_range"] = marker("x", 3)["marked_range"]
    document = timeline(track(clip("a", 0, 96)), markers=[odd], metadata={"Resolve_OTIO": {"x": [1, 2.5, None]}})
    path = save(tmp_path, document)
    path.write_text(path.read_text().replace('"t"', '"t", "extra": [NaN, Infinity, 123456789012345678901234567890]'))
    done = without_music(timeline_with_music(path, delivery()))
    assert math.isnan(done["extra"][0])
    assert done["extra"][1:] == [math.inf, 123456789012345678901234567890]
    assert done["tracks"]["markers"] == [odd]
    target = tmp_path / "out.otio"
    write_timeline(done, target)
    assert json.loads(target.read_text())["extra"][2] == 123456789012345678901234567890


def test_bare_inf_is_understood(tmp_path: Path) -> None:
    path = save(tmp_path, timeline(track(clip("Inf in a name", 0, 96)), metadata={"a": "Inf"}))
    path.write_text(path.read_text().replace('"t"', '"t", "extra": [Inf, -Inf]'))
    assert timeline_with_music(path, delivery())["extra"] == [math.inf, -math.inf]
    assert read_picture(path).shots[0].name == "Inf in a name"


@pytest.mark.parametrize(("name", "text"), [("reel.edl", EDL), ("cut.fcpxml", fcpxml(FCPXML_SPINE))])
def test_other_formats_come_back_as_what_was_read(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    before = read_picture(path)
    target = tmp_path / "timeline.otio"
    music = delivery(rate=before.rate, start_frame=before.start_frame)
    write_timeline(timeline_with_music(path, music), target)
    after = read_picture(target)
    assert [(b.time, b.kind) for b in after.boundaries] == [(b.time, b.kind) for b in before.boundaries]
    assert after.start_timecode == before.start_timecode


def test_drop_frame_counting_survives_the_way_back(tmp_path: Path) -> None:
    path = tmp_path / "x.edl"
    path.write_text("FCM: DROP FRAME\n001  A V C 00:00:00:00 00:00:10:00 01:00:12:05 01:00:22:05\n")
    before = read_picture(path)
    target = tmp_path / "timeline.otio"
    write_timeline(timeline_with_music(path, delivery(rate=before.rate)), target)
    assert read_picture(target).start_timecode == before.start_timecode == "01:00:12;05"


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "timeline.otio"
    target.write_text("before")
    with pytest.raises(TypeError):
        write_timeline({"bad": object()}, target)
    assert target.read_text() == "before"
    assert list(tmp_path.iterdir()) == [target]
    write_timeline({"name": "half a pair \ud83d"}, target)
    assert json.loads(target.read_text()) == {"name": "half a pair \ud83d"}


def test_a_document_without_a_timeline_takes_no_music(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        timeline_with_music(save(tmp_path, {"OTIO_SCHEMA": "Clip.2"}), delivery())
