"""The Broadcast WAV files, read back by readers that are not ours."""

from __future__ import annotations

import struct
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from wavinfo import WavInfoReader

from emsync_engine.audio.bwf import (
    FULL_SCALE,
    BroadcastInfo,
    BroadcastWavWriter,
    CuePoint,
    ixml_body,
    pack_24,
    picture_samples,
    time_reference,
)
from emsync_engine.audio.loudness import Loudness

NTSC_24, NTSC_30 = Fraction(24000, 1001), Fraction(30000, 1001)
INFO = BroadcastInfo(
    description="Chase, cue 1m1 – A & <B>",
    track_name="Bass & <Drums>",
    rate=NTSC_24,
    drop_frame=False,
    start_frame=86400,
    originator_reference="EMSYNC1",
    coding_history="A=PCM,F=48000,W=24,M=stereo",
    loudness=Loudness(-18.04, 5.0, -15.5, -16.25, -1.01),
    cues=(CuePoint(0, "Section A"), CuePoint(480, "Hit 1 Tür")),
    project="Film",
)
NOISE = np.random.default_rng(0).integers(-FULL_SCALE, FULL_SCALE, (1001, 2), dtype=np.int32)


def write(path: Path, audio: NDArray[np.int32] = NOISE, info: BroadcastInfo = INFO, **options: int) -> Path:
    with BroadcastWavWriter(path, len(audio), info, **options) as writer:
        writer.write(audio[:400])
        writer.write(audio[400:])
        writer.commit()
    return path


@pytest.mark.parametrize(
    ("frame", "rate", "expected"),
    [
        pytest.param(86400, Fraction(24), 172_800_000, id="24 at 01:00:00:00"),
        pytest.param(90000, Fraction(25), 172_800_000, id="25 at 01:00:00:00"),
        pytest.param(86400, NTSC_24, 172_972_800, id="23.976 at 01:00:00:00"),
        pytest.param(107892, NTSC_30, 172_799_828, id="29.97 drop at 01:00:00;00, rounded up"),
        pytest.param(108000, NTSC_30, 172_972_800, id="29.97 non-drop at 01:00:00:00"),
        pytest.param(0, Fraction(24), 0, id="midnight"),
        pytest.param(-24, Fraction(24), 0, id="before midnight"),
    ],
)
def test_time_reference(frame: int, rate: Fraction, expected: int) -> None:
    assert time_reference(frame, rate) == expected


@given(st.integers(0, 24 * 3600 * 30), st.sampled_from([Fraction(24), Fraction(25), NTSC_24, NTSC_30]))
def test_a_reader_that_truncates_finds_the_same_frame(frame: int, rate: Fraction) -> None:
    assert int(time_reference(frame, rate) * rate / 48000) == frame


@pytest.mark.parametrize(
    ("frames", "rate", "expected"),
    [(24, Fraction(24), 48000), (1, NTSC_30, 1602), (2, NTSC_30, 3203), (1, Fraction(48000 * 2), 1), (0, NTSC_24, 0)],
)
def test_picture_samples_are_rounded_to_the_nearest(frames: int, rate: Fraction, expected: int) -> None:
    assert picture_samples(frames, rate) == expected


def test_the_broadcast_extension(tmp_path: Path) -> None:
    bext = WavInfoReader(str(write(tmp_path / "a.wav"))).bext
    assert bext.version == 2
    assert bext.time_reference == 172_972_800
    assert bext.description == "Chase, cue 1m1 - A & <B>"
    assert (bext.originator, bext.originator_ref) == ("EMSYNC", "EMSYNC1")
    assert bext.coding_history == "A=PCM,F=48000,W=24,M=stereo\r\n"
    assert (bext.loudness_value, bext.loudness_range, bext.max_true_peak) == (-18.04, 5.0, -1.01)
    assert (bext.max_momentary_loudness, bext.max_shortterm_loudness) == (-15.5, -16.25)


def test_unmeasured_loudness_is_marked_as_unused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", info=replace(INFO, loudness=None))
    assert WavInfoReader(str(path)).bext.loudness_value == 327.67  # 0x7FFF


def test_a_long_description_is_cut(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", info=replace(INFO, description="x" * 300))
    assert WavInfoReader(str(path)).bext.description == "x" * 256


def test_ixml(tmp_path: Path) -> None:
    import xml.etree.ElementTree as ET

    ixml = WavInfoReader(str(write(tmp_path / "a.wav"))).ixml
    assert ixml.project == "Film"
    assert [track.name for track in ixml.track_list] == ["Bass & <Drums> L", "Bass & <Drums> R"]
    speed = ET.fromstring(ixml_body(replace(INFO, start_frame=INFO.start_frame * 30))).find("SPEED")
    assert speed is not None
    assert speed.findtext("TIMECODE_RATE") == "24000/1001"
    assert speed.findtext("TIMECODE_FLAG") == "NDF"
    assert speed.findtext("FILE_SAMPLE_RATE") == "48000"
    high, low = (int(speed.findtext(f"TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_{half}", "")) for half in ("HI", "LO"))
    assert high == 1
    assert high << 32 | low == 30 * 172_972_800


def test_ixml_of_a_drop_frame_timeline() -> None:
    body = ixml_body(replace(INFO, rate=NTSC_30, drop_frame=True))
    assert b"<TIMECODE_RATE>30000/1001</TIMECODE_RATE><TIMECODE_FLAG>DF</TIMECODE_FLAG>" in body


def test_cue_points_and_labels(tmp_path: Path) -> None:
    cues = WavInfoReader(str(write(tmp_path / "a.wav"))).cues
    assert [(c.sample_offset, c.position) for c in cues.cues] == [(0, 0), (480, 480)]
    assert [label.text for label in cues.labels] == ["Section A", "Hit 1 Tur"]


def test_the_audio_comes_back_sample_for_sample(tmp_path: Path, read_wav) -> None:  # type: ignore[no-untyped-def]
    assert np.array_equal(read_wav(write(tmp_path / "a.wav")), NOISE)


@given(st.lists(st.integers(-FULL_SCALE, FULL_SCALE - 1), min_size=2, max_size=40).filter(lambda x: len(x) % 2 == 0))
def test_24_bit_packing(values: list[int]) -> None:
    packed = pack_24(np.array(values, np.int32).reshape(-1, 2))
    assert [int.from_bytes(packed[i : i + 3], "little", signed=True) for i in range(0, len(packed), 3)] == values


@pytest.mark.parametrize("samples", [0, 1, 1001])
def test_sizes_in_the_headers_are_those_of_the_file(tmp_path: Path, samples: int) -> None:
    data = write(tmp_path / "a.wav", NOISE[:samples]).read_bytes()
    assert (data[:4], data[8:12]) == (b"RIFF", b"WAVE")
    assert int.from_bytes(data[4:8], "little") == len(data) - 8
    at, names = 12, []
    while at < len(data):
        name, size = struct.unpack_from("<4sI", data, at)
        names.append(name)
        at += 8 + size + size % 2
    assert at == len(data)
    assert names == [b"bext", b"iXML", b"fmt ", b"data", b"cue ", b"LIST"]


def test_past_the_limit_the_file_is_rf64(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", riff_limit=5000)
    data = path.read_bytes()
    assert (data[:4], data[8:16]) == (b"RF64", b"WAVEds64")
    assert data[4:8] == b"\xff\xff\xff\xff"
    riff_size, data_size, samples = struct.unpack_from("<QQQ", data, 20)
    assert (riff_size, data_size, samples) == (len(data) - 8, len(NOISE) * 6, len(NOISE))
    info = WavInfoReader(str(path))
    assert (info.data.frame_count, info.bext.time_reference) == (len(NOISE), 172_972_800)


@pytest.mark.parametrize("limit", [5000, 1 << 32], ids=["RF64", "RIFF"])
def test_ffmpeg_decodes_it(tmp_path: Path, limit: int) -> None:
    av = pytest.importorskip("av")
    with av.open(str(write(tmp_path / "a.wav", riff_limit=limit))) as container:
        decoded = np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)
        assert container.metadata["time_reference"] == "172972800"
    assert np.array_equal(decoded.reshape(-1, 2) >> 8, NOISE)


def test_nothing_is_left_without_commit(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), BroadcastWavWriter(tmp_path / "a.wav", 10, INFO) as writer:
        writer.write(NOISE[:5])
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())


def test_too_few_samples_are_not_committed(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"before")
    with pytest.raises(ValueError, match="5 samples"), BroadcastWavWriter(tmp_path / "a.wav", 10, INFO) as writer:
        writer.write(NOISE[:5])
        writer.commit()
    assert list(tmp_path.iterdir()) == [tmp_path / "a.wav"]
    assert (tmp_path / "a.wav").read_bytes() == b"before"
