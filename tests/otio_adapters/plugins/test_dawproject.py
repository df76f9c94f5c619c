"""DAWproject: valid against the schema, and projects of other DAWs are understood."""

from __future__ import annotations

import io
import struct
import zipfile
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import opentimelineio as otio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emsync_engine.errors import InputError
from otio_adapters.plugins.dawproject_read import read_dawproject
from otio_adapters.plugins.dawproject_write import dawproject_of
from otio_adapters.plugins.session import Item, Session, SessionTrack
from otio_adapters.plugins.tempo import Clock
from otio_adapters.plugins.to_timeline import timeline_of
from otio_adapters.plugins.wave_format import wave_format
from tests.otio_adapters.plugins.conftest import ROOT
from tests.otio_adapters.plugins.sessions import by_hand, sessions

SCHEMAS = ROOT.parent / "shared" / "schemas" / "dawproject"


def _parts(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def _schema(name: str) -> Any:
    etree = pytest.importorskip("lxml.etree")
    path = SCHEMAS / name
    if not path.is_file():
        pytest.skip("the DAWproject schema is not here")
    return etree.XMLSchema(etree.parse(str(path)))


def _check(data: bytes) -> None:
    etree = pytest.importorskip("lxml.etree")
    for part, schema in (("project.xml", "Project.xsd"), ("metadata.xml", "MetaData.xsd")):
        _schema(schema).assertValid(etree.fromstring(_parts(data)[part]))


def test_valid_by_hand() -> None:
    _check(dawproject_of(by_hand()))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(session=sessions())
def test_valid_at_random(session: Session) -> None:
    _check(dawproject_of(session))


def test_ids_are_unique_and_references_resolve() -> None:
    root = ET.fromstring(_parts(dawproject_of(by_hand()))["project.xml"])
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    for element in root.iter():
        for key in ("track", "destination", "parameter"):
            assert element.get(key) is None or element.get(key) in ids


def test_positions_are_beats_and_media_is_in_its_own_seconds() -> None:
    session = by_hand()
    root = ET.fromstring(_parts(dawproject_of(session))["project.xml"])
    clock = Clock(session.tempo)
    arrangement = root.find("Arrangement")
    assert arrangement is not None
    shot = next(clip for clip in arrangement.iter("Clip") if clip.get("name") == "Shot 1")
    assert shot.get("contentTimeUnit") == "seconds"
    assert float(shot.get("playStart", "")) == pytest.approx(1.001)
    assert float(shot.get("duration", "")) == pytest.approx(float(clock.quarters(session.tracks[1].items[0].end)))
    times = [float(p.get("time", "")) for p in arrangement.iterfind("TempoAutomation/RealPoint")]
    assert times == pytest.approx([0, 16, 22])
    marker = arrangement.find("Markers/Marker")
    assert marker is not None and marker.get("comment") == "quiet; then `loud` [5.005 s]"


def _wave(path: Path, rate: int = 44_100, channels: int = 1) -> Path:
    fmt = struct.pack("<HHIIHH", 1, channels, rate, rate * channels * 2, channels * 2, 16)
    body = b"WAVEJUNK" + struct.pack("<I", 5) + b"12345\0" + b"fmt " + struct.pack("<I", 16) + fmt
    body += b"data" + struct.pack("<I", 4) + b"\1\2\3\4"
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    return path


def test_wave_headers_say_rate_and_channels(tmp_path: Path) -> None:
    assert wave_format(_wave(tmp_path / "a.wav")) == (44_100, 1)
    (tmp_path / "b.wav").write_bytes(b"RIFF1234WAVEfmt ")
    assert wave_format(tmp_path / "b.wav") is None
    assert wave_format(tmp_path / "absent.wav") is None


@pytest.mark.usefixtures("plugins")
def test_audio_files_are_embedded_when_asked(tmp_path: Path) -> None:
    first, second = tmp_path / "one" / "a #1.wav", tmp_path / "two" / "A #1.wav"
    for path in (first, second):
        path.parent.mkdir()
        _wave(path)
    items = [Item(Fraction(i), Fraction(1), "audio", str(i), str(path)) for i, path in enumerate((first, second))]
    items.append(Item(Fraction(2), Fraction(1), "audio", "away", str(tmp_path / "absent.wav")))
    timeline = timeline_of(Session("s", Fraction(24), tracks=(SessionTrack("t", tuple(items)),)))
    target = tmp_path / "s.dawproject"
    otio.adapters.write_to_file(timeline, str(target), embed_media=True)
    parts = _parts(target.read_bytes())
    assert parts["audio/a #1.wav"] == first.read_bytes() == parts["audio/A #1 2.wav"]
    files = [(f.get("path"), f.get("external")) for f in ET.fromstring(parts["project.xml"]).iter("File")]
    assert files == [
        ("audio/a #1.wav", None),
        ("audio/A #1 2.wav", None),
        (str(tmp_path / "absent.wav"), "true"),
    ]
    otio.adapters.write_to_file(timeline, str(target))
    assert set(_parts(target.read_bytes())) == {"metadata.xml", "project.xml"}


def test_equal_sessions_give_equal_files() -> None:
    assert dawproject_of(by_hand()) == dawproject_of(by_hand())


def test_names_that_xml_cannot_hold() -> None:
    session = replace(by_hand(), name="a\0b\x1f<&>\ud800")
    assert read_dawproject(dawproject_of(session)).name == "ab<&>?"


FOREIGN = """<?xml version="1.0" encoding="UTF-8"?>
<Project version="1.0">
  <Application name="Somebody" version="5"/>
  <Transport>
    <Tempo unit="bpm" value="120" id="t0"/>
    <TimeSignature denominator="4" numerator="3" id="t1"/>
  </Transport>
  <Structure>
    <Track id="g" name="Group" contentType="tracks">
      <Track id="a" name="Bass" contentType="notes">
        <Channel role="regular" id="ca"><Mute value="true" id="m"/>
          <Volume unit="decibel" value="-6.0206" id="v"/></Channel>
      </Track>
      <Track id="b" name="Drums" contentType="audio"/>
    </Track>
    <Track id="z" contentType="audio notes" name="Master"><Channel role="master" id="cz"/></Track>
  </Structure>
  <Arrangement id="arr">
    <Lanes timeUnit="beats" id="l">
      <Lanes track="a" id="la">
        <Clips id="c1">
          <Clip time="4" duration="4" playStart="1" name="riff" enable="false">
            <Notes id="n">
              <Note time="0" duration="0.5" channel="0" key="40" vel="1"/>
              <Note time="1" duration="0.25" channel="9" key="41" vel="0.5"/>
              <Note time="2" duration="1" channel="0" key="42"/>
            </Notes>
          </Clip>
        </Clips>
      </Lanes>
      <Lanes track="b" id="lb">
        <Clips id="c2">
          <Clip time="0" duration="8" name="loop">
            <Clips id="c3">
              <Clip time="0" duration="6" contentTimeUnit="beats" playStart="2">
                <Warps contentTimeUnit="seconds" timeUnit="beats" id="w">
                  <Audio channels="2" duration="8" sampleRate="44100"><File path="audio/loop.wav"/></Audio>
                  <Warp time="0" contentTime="0"/>
                  <Warp time="8" contentTime="8"/>
                </Warps>
              </Clip>
              <Clip time="6" duration="99">
                <Audio channels="2" duration="8" sampleRate="44100" timeUnit="seconds"><File path="b.wav"/></Audio>
              </Clip>
            </Clips>
          </Clip>
        </Clips>
        <Clips timeUnit="seconds" id="c4">
          <Clip time="10" duration="2.5" playStart="0.25" fadeInTime="1" name="spot"><Audio channels="1" duration="9"
            sampleRate="48000"><File path="/abs/spot.wav" external="true"/></Audio></Clip>
        </Clips>
      </Lanes>
    </Lanes>
    <Markers timeUnit="beats"><Marker time="8" name="chorus" color="#ff0000"/></Markers>
    <TempoAutomation timeUnit="beats" unit="bpm" id="ta"><Target parameter="t0"/>
      <RealPoint time="0" value="120" interpolation="hold"/>
      <RealPoint time="16" value="60" interpolation="hold"/>
    </TempoAutomation>
    <TimeSignatureAutomation timeUnit="beats" id="tsa"><Target parameter="t1"/>
      <TimeSignaturePoint time="0" numerator="3" denominator="4"/>
      <TimeSignaturePoint time="12" numerator="7" denominator="8"/>
    </TimeSignatureAutomation>
  </Arrangement>
</Project>
"""


def _zip(project: str, **more: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in {"project.xml": project, **more}.items():
            archive.writestr(name, text)
    return out.getvalue()


def test_a_project_of_somebody_else() -> None:
    session = read_dawproject(_zip(FOREIGN))
    assert [(p.time, round(p.bpm), p.meter) for p in session.tempo] == [
        (0, 120, (3, 4)),
        (6, 120, (7, 8)),
        (8, 60, (7, 8)),
    ]
    assert [(m.time, m.name, m.colour) for m in session.markers] == [(4, "chorus", "RED")]
    bass, drums = session.tracks
    assert (bass.name, bass.muted, round(bass.volume, 4)) == ("Bass", True, 0.5)
    riff = bass.items[0]
    assert (riff.start, riff.duration, riff.muted, riff.name) == (2, 2, True, "riff")
    assert riff.midi is not None
    assert [tuple(note) for note in riff.midi.notes] == [(0, 41, 240, 64, 9), (960, 42, 960, 100, 0)]
    assert [(i.name, i.start, i.end, i.source, i.speed, i.media) for i in drums.items] == [
        ("loop", 0, 3, 2, 2, "audio/loop.wav"),
        ("loop", 3, 4, 0, 1, "b.wav"),
        ("spot", 10, Fraction(25, 2), Fraction(1, 4), 1, "/abs/spot.wav"),
    ]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no zip",
        _zip("<Project"),
        _zip("<!DOCTYPE x [<!ENTITY a 'b'>]><Project/>"),
        b"PK\5\6" + bytes(18),
    ],
    ids=["empty", "text", "bad xml", "entities", "empty zip"],
)
def test_what_is_no_project_is_said(data: bytes) -> None:
    with pytest.raises(InputError):
        read_dawproject(data)


_OLD, _NEW = st.sampled_from(FOREIGN.split('"')), st.sampled_from(["", "x", "-1", "1e9", "nan", "true"])


@given(st.lists(st.tuples(_OLD, _NEW), max_size=4))
def test_damaged_values_are_read_or_refused(changes: list[tuple[str, str]]) -> None:
    text = FOREIGN
    for old, new in changes:
        if old:
            text = text.replace(f'"{old}"', f'"{new}"')
    with suppress(InputError):
        read_dawproject(_zip(text))
