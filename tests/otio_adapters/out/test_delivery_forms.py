"""Every form of a cue, by the rules of the systems that take it, and read back by our readers and OpenTimelineIO."""

from __future__ import annotations

import csv
import io
import json
import re
from fractions import Fraction
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import opentimelineio as otio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emsync_engine.audio.bwf import time_reference
from emsync_engine.picture import Picture
from emsync_engine.timecode import frames_from_timecode, supports_drop_frame
from otio_adapters import read_picture
from otio_adapters.media import paths_of
from otio_adapters.out import FORMS, Delivery, write_all
from otio_adapters.out.fcp7_xml import fcp7_xml, file_url
from otio_adapters.out.fcpxml import fcpxml
from otio_adapters.out.marker_lists import avid_markers, locator_edl, marker_csv, resolve_edl
from otio_adapters.out.otio_dialects import premiere_otio, resolve_otio
from tests.otio_adapters.out.cues import FOLDER, RATES, delivery

ALL_RATES = pytest.mark.parametrize("rate", RATES)
DIALECTS = pytest.mark.parametrize("make", [resolve_otio, premiere_otio])
PATHS = [str(FOLDER / "score mix.wav"), str(FOLDER / "stems" / "strings.wav"), str(FOLDER / "stems" / "drums.wav")]
NAMES = ["MX Mix", "MX Strings", "MX Drums & Perc"]


def _read(tmp_path: Path, cue: Delivery, form: str) -> Picture:
    path = tmp_path / FORMS[form].file_name(cue)
    path.write_bytes(FORMS[form].data(cue, tmp_path))
    return read_picture(path, rate=cue.rate if path.suffix == ".edl" else None)


def _walk(node: Any) -> Any:
    if isinstance(node, dict):
        yield node
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from _walk(child)


@ALL_RATES
@pytest.mark.parametrize("form", ["resolve", "premiere", "fcp7", "fcpxml"])
def test_read_back_by_our_readers(form: str, rate: str, tmp_path: Path) -> None:
    cue = delivery(rate)
    seen = _read(tmp_path, cue, form)
    assert (seen.rate, seen.start_frame, seen.duration) == (cue.rate, cue.picture.start_frame, cue.length)
    if form in ("fcp7", "fcpxml") or not supports_drop_frame(cue.rate) or cue.picture.start_frame:
        assert seen.drop_frame is cue.picture.drop_frame
    audible = [sound for sound in seen.sounds if sound.media == PATHS[0]]
    assert {(s.start, s.end, s.media_start) for s in audible} == {(Fraction(0), cue.length, Fraction(0))}
    assert [(m.time * cue.rate, m.name) for m in seen.markers] == [(mark.frame, mark.name) for mark in cue.marks]
    if form == "fcpxml":  # Final Cut has no regions
        return
    regions = {m.name: m.duration * cue.rate for m in seen.markers if m.name in ("Calm", "Chase", "Ending")}
    assert regions == {mark.name: mark.frames for mark in cue.marks if mark.kind == "section"}


@ALL_RATES
@DIALECTS
def test_otio_dialects_load_and_every_node_is_complete(make: Any, rate: str) -> None:
    cue = delivery(rate)
    data = make(cue)
    timeline = otio.adapters.read_from_string(data.decode(), "otio_json")
    assert timeline.global_start_time == otio.opentime.RationalTime(cue.picture.start_frame, float(cue.rate))
    assert [track.name for track in timeline.audio_tracks()] == NAMES
    assert timeline.duration().value == cue.frames
    schemas = set()
    for node in _walk(json.loads(data)):
        schema = node.get("OTIO_SCHEMA")
        schemas.add(schema)
        if schema == "RationalTime.1":
            assert node["rate"] == float(cue.rate)
            assert node["value"] == int(node["value"])
        if schema in ("Clip.2", "Gap.1", "Track.1"):
            assert node.keys() >= {"enabled", "metadata", "effects", "markers", "color", "name"}
    assert schemas - {None} == {
        "Timeline.1", "Stack.1", "Track.1", "Gap.1", "Clip.2", "ExternalReference.1", "Marker.2", "TimeRange.1",
        "RationalTime.1",
    }  # fmt: skip


@ALL_RATES
@DIALECTS
def test_media_counts_from_the_time_reference_of_the_file(make: Any, rate: str) -> None:
    cue = delivery(rate)
    reference = Fraction(time_reference(cue.picture.start_frame, cue.rate), 48_000)
    for track in otio.adapters.read_from_string(make(cue).decode(), "otio_json").audio_tracks():
        clip = track[0]
        assert clip.source_range == clip.media_reference.available_range
        frame = clip.source_range.start_time.value
        assert frame == int(reference * cue.rate)  # the file's first sample, as a reader that truncates sees it
        assert clip.source_range.duration.value == cue.frames


@DIALECTS
def test_markers_say_everything_twice_and_begin_at_the_head(make: Any) -> None:
    cue = delivery()
    markers = json.loads(make(cue))["tracks"]["markers"]
    assert len(markers) == 6
    for marker in markers:
        assert marker["name"] and marker["comment"]
        assert marker["color"] in ("PURPLE", "CYAN")
        assert 0 <= marker["marked_range"]["start_time"]["value"] < cue.frames


def test_the_dialects_differ_in_urls_and_metadata() -> None:
    resolve, premiere = (json.loads(make(delivery())) for make in (resolve_otio, premiere_otio))
    urls = [[n["target_url"] for n in _walk(d) if "target_url" in n] for d in (resolve, premiere)]
    assert urls[0] == PATHS
    assert urls[1][0] == "file:///mnt/Gr%C3%B6%C3%9Fe%20100%25%20%231/cue%20folder/score%20mix.wav"
    assert [paths_of(url)[0] for url in urls[1]] == PATHS
    assert resolve["metadata"] == {"Resolve_OTIO": {"Resolve OTIO Meta Version": "1.0"}}
    assert premiere["metadata"] == {"PremierePro_OTIO": {"MetadataVersion": "1.0"}}
    assert premiere["tracks"]["metadata"]["PremierePro_OTIO"]["VideoFrameRate"] == 24000 / 1001
    assert "LinkID" not in json.dumps(premiere)
    names = [n["name"] for n in _walk(resolve) if n.get("OTIO_SCHEMA") == "ExternalReference.1"]
    assert names == [Path(path).name for path in PATHS]


@DIALECTS
def test_the_mix_is_heard_and_its_stems_wait(make: Any) -> None:
    def heard(cue: Delivery) -> list[bool]:
        timeline = otio.adapters.read_from_string(make(cue).decode(), "otio_json")
        return [track[0].enabled for track in timeline.audio_tracks()]

    cue = delivery()
    assert heard(cue) == [True, False, False]
    assert heard(Delivery(cue.name, cue.score, cue.picture, None, cue.stems)) == [True, True]


@pytest.mark.parametrize(
    ("path", "url"),
    [
        (PurePosixPath("/a b/c#1 100%?.wav"), "file://localhost/a%20b/c%231%20100%25%3F.wav"),
        (PurePosixPath("/Größe/日本.wav"), "file://localhost/Gr%C3%B6%C3%9Fe/%E6%97%A5%E6%9C%AC.wav"),
        (PureWindowsPath("E:\\Music & Co\\x.wav"), "file://localhost/E%3A/Music%20%26%20Co/x.wav"),
        (PureWindowsPath("\\\\nas\\share\\x y.wav"), "file://nas/share/x%20y.wav"),
    ],
)
def test_urls_of_fcp7_xml(path: Any, url: str) -> None:
    assert file_url(path) == url
    assert paths_of(url)[0] == path.as_posix()


_CHARACTERS = st.characters(codec="utf-8", exclude_categories=("C", "Z"), exclude_characters="/\\:")
_NAME = st.text(_CHARACTERS | st.sampled_from(" %#?&+;=~"), min_size=1, max_size=10)


@given(st.lists(_NAME.filter(lambda name: name == name.strip() and name.strip(".")), min_size=1, max_size=4))
def test_every_url_leads_back_to_its_file(names: list[str]) -> None:
    path = PurePosixPath("/", *names)
    for url in (path.as_posix(), path.as_uri(), file_url(path)):
        assert paths_of(url)[0] == str(path)
        assert url.isascii() or not url.startswith("file:")


@pytest.mark.parametrize("path", [PureWindowsPath("E:\\Music 100%\\x.wav"), PureWindowsPath("\\\\nas\\share\\x.wav")])
def test_windows_paths_in_the_dialects(path: PureWindowsPath) -> None:
    cue = delivery()
    cue = Delivery(cue.name, cue.score, cue.picture, path)
    for make in (resolve_otio, premiere_otio):
        url = next(n["target_url"] for n in _walk(json.loads(make(cue))) if "target_url" in n)
        assert "\\" not in url and paths_of(url)[0] == path.as_posix()
        assert url.startswith("file:") is (make is premiere_otio)


@ALL_RATES
def test_fcp7_says_what_resolve_insists_on(rate: str) -> None:
    cue = delivery(rate)
    data = fcp7_xml(cue)
    assert data.startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE xmeml>\n<xmeml version="5">')
    root = ET.fromstring(data)
    timebase, ntsc = str(round(cue.rate)), "TRUE" if cue.rate.denominator == 1001 else "FALSE"
    sequence = root.find("sequence")
    assert sequence is not None
    files = [f for f in root.iter("file") if len(f)]
    assert len(files) == 3
    for element in [sequence, *files, *root.iter("clipitem"), *root.iter("timecode")]:
        assert (element.findtext("rate/timebase"), element.findtext("rate/ntsc")) == (timebase, ntsc)
    for element in [sequence, *files]:
        code = element.findtext("timecode/string", "")
        assert element.findtext("timecode/frame") == str(cue.picture.start_frame)
        assert element.findtext("timecode/displayformat") == ("DF" if cue.picture.drop_frame else "NDF")
        assert frames_from_timecode(code, cue.rate) == cue.picture.start_frame
    urls = [f.findtext("pathurl", "") for f in files]
    assert [unquote(url.removeprefix("file://localhost")) for url in urls] == PATHS


def test_fcp7_stereo_is_two_linked_tracks() -> None:
    cue = delivery()
    root = ET.fromstring(fcp7_xml(cue))
    items = list(root.iter("clipitem"))
    ids = {item.get("id") for item in items}
    assert len(ids) == len(items) == 6
    assert [item.findtext("sourcetrack/trackindex") for item in items] == ["1", "2"] * 3
    for item in items:
        assert {link.findtext("linkclipref") for link in item.iter("link")} <= ids
        assert item.find("file") is not None
        assert (item.findtext("start"), item.findtext("end"), item.findtext("in"), item.findtext("out")) == (
            "0", "1000", "0", "1000",
        )  # fmt: skip
    assert [item.findtext("enabled") for item in items] == ["TRUE"] * 2 + ["FALSE"] * 4
    tracks = root.findall("sequence/media/audio/track")
    links = {(link.findtext("linkclipref"), int(link.findtext("trackindex", "0")) - 1) for link in root.iter("link")}
    assert all(tracks[index].find("clipitem").get("id") == name for name, index in links)  # type: ignore[union-attr]


@ALL_RATES
def test_fcpxml_times_are_on_the_frame_grid(rate: str) -> None:
    cue = delivery(rate)
    root = ET.fromstring(fcpxml(cue))
    assert root.get("version") == "1.10"
    values = [
        value
        for element in root.iter()
        for key, value in element.attrib.items()
        if key in ("offset", "start", "duration", "tcStart", "frameDuration")
    ]
    assert len(values) > 20
    for value in values:
        seconds = Fraction(value.removesuffix("s"))
        assert value.endswith("s") and (seconds * cue.rate).denominator == 1


def test_fcpxml_lanes_and_order() -> None:
    root = ET.fromstring(fcpxml(delivery()))
    gap = root.find("library/event/project/sequence/spine/gap")
    assert gap is not None
    tags = [child.tag for child in gap]
    assert tags == ["asset-clip"] * 3 + ["marker"] * 6  # the DTD wants connected clips before markers
    assert [child.get("lane") for child in gap if child.tag == "asset-clip"] == ["-1", "-2", "-3"]
    assets = {asset.get("id") for asset in root.iter("asset")}
    assert {clip.get("ref") for clip in gap.iter("asset-clip")} == assets
    assert all(asset.find("media-rep") is not None and asset.get("src") is None for asset in root.iter("asset"))
    assert [clip.get("enabled", "1") for clip in gap.iter("asset-clip")] == ["1", "0", "0"]


@ALL_RATES
def test_locators_are_read_back(rate: str, tmp_path: Path) -> None:
    cue = delivery(rate)
    seen = _read(tmp_path, cue, "locators")
    assert [round(m.time * cue.rate) for m in seen.markers] == [mark.frame for mark in cue.marks]
    assert seen.drop_frame is cue.picture.drop_frame
    assert [line for line in locator_edl(cue).splitlines() if "FCM" in line] == [
        f"FCM: {'' if cue.picture.drop_frame else 'NON-'}DROP FRAME"
    ]


_RESOLVE_EVENT = re.compile(
    r"^(\d{3})  001      V     C        (\S+) (\S+) \2 \3  \n(.*?) ?\|C:ResolveColor(\w+) \|M:([^|]+) \|D:(\d+)$", re.M
)


@ALL_RATES
def test_resolve_markers(rate: str) -> None:
    cue = delivery(rate)
    found = _RESOLVE_EVENT.findall(resolve_edl(cue))
    assert [int(row[0]) for row in found] == list(range(1, len(cue.marks) + 1))
    head = cue.picture.start_frame
    for row, mark in zip(found, cue.marks):
        first, last = (frames_from_timecode(code, cue.rate) - head for code in row[1:3])
        assert (first, last, row[5], int(row[6])) == (mark.frame, mark.frame + 1, mark.name, max(mark.frames, 1))
    assert [row[3] for row in found if "door" in row[3]] == ['the "door", slams / twice']


def test_csv_is_a_table() -> None:
    cue = delivery("29.97 DF")
    rows = list(csv.DictReader(io.StringIO(marker_csv(cue), newline="")))
    assert [row["Name"] for row in rows] == [mark.name for mark in cue.marks]
    assert rows[1] == {
        "Timecode": "01:00:03;10", "Frame": "100", "Seconds": "3.336667", "Duration frames": "0", "Kind": "hit",
        "Name": "Hit 1", "Comment": "Shot 2", "Colour": "purple",
    }  # fmt: skip
    assert any(row["Comment"] == 'the "door", slams | twice' for row in rows)


def test_avid_markers() -> None:
    rows = [line.split("\t") for line in avid_markers(delivery()).splitlines()]
    assert {len(row) for row in rows} == {6}
    assert rows[1] == ["EMSYNC", "01:00:04:04", "V1", "magenta", "Hit 1: Shot 2", "1"]
    known = {"red", "green", "blue", "cyan", "magenta", "yellow", "black", "white"}
    assert {row[3] for row in rows} <= known


def test_all_forms_are_written_whole_with_safe_names(tmp_path: Path) -> None:
    written = write_all(tmp_path, delivery())
    assert set(written) == set(FORMS)
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in written.values()}
    for path in written.values():
        assert re.fullmatch(r"Grosse_Act_1_2_Finale[\w.]*", path.name)
        assert path.stat().st_size
    before = {path: path.read_bytes() for path in written.values()}
    write_all(tmp_path, delivery())
    assert before == {path: path.read_bytes() for path in written.values()}
    assert list(write_all(tmp_path, delivery(), ["csv"])) == ["csv"]


def test_without_audio_there_are_still_markers(tmp_path: Path) -> None:
    cue = delivery(audio=False)
    for path in write_all(tmp_path, cue).values():
        assert path.stat().st_size
    assert len(_read(tmp_path, cue, "fcpxml").markers) == 6
    assert _read(tmp_path, cue, "resolve").sounds == ()


@pytest.mark.parametrize("name", ["", "///", "..", "日本", "a" * 300, "CON\0", "x?*:|y"])
def test_file_names(name: str) -> None:
    cue = delivery()
    safe = Delivery(name, cue.score, cue.picture).file_name
    assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}", safe)
