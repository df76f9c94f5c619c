"""Media found by timecode and reel when neither URL nor name leads to it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from emsync_engine.picture import Picture
from otio_adapters import media, read_picture, timecode_links
from otio_adapters.probe import probe
from tests.otio_adapters.builders import clip, save, timeline, tr, track

HOUR = 86400  # frames of an hour at 24


def shoot(path: Path, timecode: str = "", frames: int = 48, reel: str = "") -> Path:
    """A black film with a start timecode and reel name in its container."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", options={"movflags": "use_metadata_tags"} if reel else {}) as container:
        if reel:
            container.metadata["reel_name"] = reel
        if timecode:
            container.metadata["timecode"] = timecode
        stream = container.add_stream("mpeg4", rate=24)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
        for _ in range(frames):
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def record(path: Path, samples_since_midnight: int, seconds: int = 2) -> Path:
    """A Broadcast WAV of silence with a time reference."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", options={"write_bext": "1"}) as container:
        container.metadata["time_reference"] = str(samples_since_midnight)
        stream = container.add_stream("pcm_s16le", rate=48000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 48000 * seconds), np.int16), format="s16", layout="mono")
        frame.sample_rate = 48000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def cut(folder: Path, *clips: dict[str, Any], kind: str = "Video", roots: bool = True) -> Picture:
    edit = folder / "edit"
    edit.mkdir(exist_ok=True)
    return read_picture(
        save(edit, timeline(track(*clips, kind=kind))), media_roots=[folder / "rushes"] if roots else []
    )


def coded(name: str, start: float, length: float, reel: str = "", **more: Any) -> dict[str, Any]:
    metadata = {"cmx_3600": {"reel": reel}} if reel else {}
    return clip(name, start, length, url="/gone/old name.mov", metadata=metadata, **{"available": None} | more)


def test_probe_reads_timecode_and_reel(tmp_path: Path) -> None:
    found = probe(str(shoot(tmp_path / "a.mov", "01:00:00:00", reel="A001")))
    assert found is not None
    assert (found.start_seconds, found.reel) == (3600, "A001")


def test_a_file_whose_timecode_covers_the_clip_is_linked(tmp_path: Path) -> None:
    shoot(tmp_path / "rushes" / "other.mov", "02:00:00:00")
    wanted = shoot(tmp_path / "rushes" / "renamed.mov", "01:00:00:00")
    picture = cut(tmp_path, coded("shot 1", HOUR + 10, 20))
    (shot,) = picture.shots
    assert (shot.online, shot.media, shot.media_start) == (True, str(wanted), Fraction(10, 24))
    assert any("linked by timecode" in w and "renamed.mov" in w for w in picture.warnings)


def test_nothing_is_looked_for_by_timecode_without_media_roots(tmp_path: Path) -> None:
    shoot(tmp_path / "edit" / "near.mov", "01:00:00:00")
    assert not cut(tmp_path, coded("shot 1", HOUR + 10, 20), roots=False).shots[0].online


@pytest.mark.parametrize(("start", "length"), [(HOUR - 10, 20), (HOUR + 40, 20), (10, 20)])
def test_a_clip_that_reaches_beyond_a_file_is_not_in_it(tmp_path: Path, start: int, length: int) -> None:
    shoot(tmp_path / "rushes" / "x.mov", "01:00:00:00")
    assert not cut(tmp_path, coded("shot 1", start, length)).shots[0].online


def test_files_without_a_clock_match_nothing(tmp_path: Path) -> None:
    shoot(tmp_path / "rushes" / "plain.mov")
    shoot(tmp_path / "rushes" / "zero.mov", "00:00:00:00")
    assert not cut(tmp_path, coded("shot 1", 10, 20)).shots[0].online


def test_two_files_that_fit_are_no_answer(tmp_path: Path) -> None:
    for name in ("x.mov", "y.mov"):
        shoot(tmp_path / "rushes" / name, "01:00:00:00")
    picture = cut(tmp_path, coded("shot 1", HOUR, 20))
    assert not picture.shots[0].online
    (warning,) = [w for w in picture.warnings if "by timecode" in w]
    assert "'shot 1'" in warning
    assert "x.mov" in warning
    assert "y.mov" in warning


def test_the_reel_decides_between_files_of_the_same_timecode(tmp_path: Path) -> None:
    shoot(tmp_path / "rushes" / "x.mov", "01:00:00:00", reel="A001")
    wanted = shoot(tmp_path / "rushes" / "y.mov", "01:00:00:00", reel="B007")
    assert cut(tmp_path, coded("shot 1", HOUR, 20, "b007")).shots[0].media == str(wanted)
    assert not cut(tmp_path, coded("shot 1", HOUR, 20, "C003")).shots[0].online


def test_a_file_name_that_starts_with_the_reel_speaks_for_it(tmp_path: Path) -> None:
    shoot(tmp_path / "rushes" / "A001C002_0101.mov", "01:00:00:00")
    wanted = shoot(tmp_path / "rushes" / "A001C003_0101.mov", "01:00:00:00")
    assert cut(tmp_path, coded("shot 1", HOUR, 20, "A001C003")).shots[0].media == str(wanted)


def test_the_whole_media_range_decides_between_overlapping_files(tmp_path: Path) -> None:
    shoot(tmp_path / "rushes" / "long.mov", "00:59:59:00", 96)
    wanted = shoot(tmp_path / "rushes" / "same.mov", "01:00:00:00")
    picture = cut(tmp_path, coded("shot 1", HOUR + 5, 20, available=tr(HOUR, 48)))
    assert (picture.shots[0].media, picture.shots[0].media_start) == (str(wanted), Fraction(5, 24))


def test_sound_is_linked_by_the_time_reference_of_a_broadcast_wav(tmp_path: Path) -> None:
    wanted = record(tmp_path / "rushes" / "T01.wav", 3600 * 48000)
    (sound,) = cut(tmp_path, coded("take", HOUR + 12, 24), kind="Audio").sounds
    assert (sound.online, sound.media, sound.media_start) == (True, str(wanted), Fraction(1, 2))


def test_a_sound_file_is_no_picture(tmp_path: Path) -> None:
    record(tmp_path / "rushes" / "T01.wav", 3600 * 48000)
    assert not cut(tmp_path, coded("shot 1", HOUR + 12, 24)).shots[0].online


def test_fcp7_media_is_linked_by_its_own_timecode(tmp_path: Path) -> None:
    wanted = shoot(tmp_path / "rushes" / "renamed.mov", "01:00:00:00")
    rate = "<rate><timebase>24</timebase><ntsc>FALSE</ntsc></rate>"
    item = f"""<clipitem><name>a</name><start>0</start><end>20</end><in>10</in><out>30</out><file id="f"><name>a</name>
      {rate}<duration>48</duration><pathurl>file:///gone/a.mov</pathurl>
      <timecode>{rate}<frame>86400</frame></timecode></file></clipitem>"""
    path = tmp_path / "x.xml"
    path.write_text(
        f"<xmeml><sequence>{rate}<media><video><track>{item}</track></video></media></sequence></xmeml>",
        encoding="utf-8",
    )
    (shot,) = read_picture(path, media_roots=[tmp_path / "rushes"]).shots
    assert (shot.media, shot.media_start) == (str(wanted), Fraction(10, 24))


def test_every_file_is_opened_once_and_never_too_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        shoot(tmp_path / "rushes" / f"{number}.mov", f"0{number + 1}:00:00:00")
    opened: list[str] = []

    def counting(path: str) -> Any:
        opened.append(path)
        return probe(path)

    monkeypatch.setattr(timecode_links, "probe", counting)
    monkeypatch.setattr(timecode_links, "MAX_PROBED", 3)
    picture = cut(tmp_path, *(coded(f"shot {n}", (n + 1) * HOUR, 20) for n in range(4)))
    assert len(opened) == 3
    assert [shot.online for shot in picture.shots] == [True, True, True, False]
    assert any("1 of 4 media files" in w for w in picture.warnings)


def test_a_folder_too_full_to_search_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("a", "b"):
        shoot(tmp_path / "rushes" / folder / f"{folder}.mov")
    monkeypatch.setattr(media, "MAX_INDEXED", 0)
    picture = cut(tmp_path, clip("b", 0, 20, url="/gone/b.mov"))
    assert any("rushes holds more than 0 files" in warning for warning in picture.warnings)
