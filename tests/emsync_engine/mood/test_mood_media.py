"""Reading moments and spans of media files."""

from __future__ import annotations

import io
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mood_films import clock, noise_at, write_film, write_wav

from emsync_engine.mood.media import AUDIO_RATE, UnreadableMediaError, frames_at, sound_in


def seconds_shown(frame: np.ndarray) -> float:
    """The time that the grey of ``clock`` tells."""
    return (float(frame.mean()) - 16) / 3.9


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moments=st.lists(st.floats(0, 59.9), min_size=1, max_size=12))
def test_every_moment_gets_the_frame_that_is_on(minute: Path, moments: list[float]) -> None:
    moments = sorted(moments)
    answers = list(frames_at(str(minute), moments))
    assert [a.moment for a in answers] == list(range(len(moments)))
    for answer in answers:
        wanted = moments[answer.moment]
        assert wanted - 1.5 / 24 <= answer.time_s <= wanted + 1e-3
        assert abs(seconds_shown(answer.frame) - wanted) < 0.6


@pytest.mark.parametrize("gop", [1, 12, 600])
def test_key_frames_may_lie_anywhere(gop: int, tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.mp4", clock, 40, gop=gop)
    moments = [0.5, 6.0, 12.0, 17.5, 23.0, 29.0, 39.0]
    shown = [seconds_shown(a.frame) for a in frames_at(str(film), moments)]
    assert shown == pytest.approx(moments, abs=0.8)


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [("mp4", "mpeg4"), ("mov", "mjpeg"), ("mkv", "ffv1"), ("webm", "libvpx"), ("mpg", "mpeg2video")],
)
def test_containers_and_codecs(suffix: str, codec: str, tmp_path: Path) -> None:
    if codec not in av.codecs_available:
        pytest.skip(f"no {codec} encoder")
    film = write_film(tmp_path / f"film.{suffix}", clock, 12, codec=codec)
    moments = [0.1, 1.0, 1.1, 7.3, 11.0, 11.95]
    shown = [seconds_shown(a.frame) for a in frames_at(str(film), moments)]
    assert shown == pytest.approx(moments, abs=0.8)


def test_one_frame_answers_many_moments_as_the_same_object(minute: Path) -> None:
    answers = list(frames_at(str(minute), [10.0, 10.01, 10.02, 10.03]))
    assert len({id(a.frame) for a in answers}) == 1


def test_moments_beyond_the_end_are_left_out(minute: Path) -> None:
    answers = list(frames_at(str(minute), [59.0, 60.5, 70.0, 1e6]))
    assert [a.moment for a in answers] == [0, 1]


def test_a_film_that_does_not_start_at_zero(tmp_path: Path) -> None:
    path = tmp_path / "late.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=24)
        stream.width, stream.height, stream.pix_fmt = 160, 90, "yuv420p"
        for number in range(72):
            frame = av.VideoFrame.from_ndarray(clock(number / 24), format="rgb24")
            frame.pts = number + 2400
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    (answer,) = frames_at(str(path), [2.0])
    assert seconds_shown(answer.frame) == pytest.approx(2.0, abs=0.5)


def test_a_broken_frame_in_the_middle_costs_only_itself(tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.avi", noise_at, 4, codec="mjpeg")
    data = bytearray(film.read_bytes())
    middle = data.index(b"\xff\xd8", len(data) // 2)
    data[middle : middle + 200] = bytes(200)
    film.write_bytes(bytes(data))
    moments = [n / 8 for n in range(31)]
    assert len(list(frames_at(str(film), moments))) >= 29


@pytest.mark.parametrize("path", ["/nowhere/film.mp4", "/", "", "http://127.0.0.1:9/film.mp4"])
def test_what_is_no_file_is_refused(path: str) -> None:
    with pytest.raises(UnreadableMediaError):
        list(frames_at(path, [0.0]))
    with pytest.raises(UnreadableMediaError):
        list(sound_in(path, [(0.0, 1.0)]))


# --- sound


def sweep(seconds: float, rate: int) -> np.ndarray:
    """A constant level of 0.1 in the first second, 0.2 in the second and so on, alternating in sign fast."""
    t = np.arange(round(seconds * rate)) / rate
    return np.sin(2 * np.pi * 440 * t) * (0.1 + 0.1 * np.floor(t)) * np.sqrt(2)


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000, 96_000])
def test_spans_hold_their_own_sound(rate: int, tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", sweep(6, rate), rate)
    blocks = list(sound_in(str(path), [(1.1, 1.9), (4.1, 4.9)]))
    assert [b.time_s for b in blocks] == pytest.approx([1.1, 4.1], abs=0.03)
    for block, level in zip(blocks, (0.2, 0.5)):
        assert len(block.samples) == pytest.approx(0.8 * AUDIO_RATE, abs=0.05 * AUDIO_RATE)
        assert np.sqrt(np.mean(block.samples**2)) == pytest.approx(level, rel=0.05)


def test_long_sound_comes_in_blocks(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", np.zeros(16_000 * 50), 16_000)
    blocks = list(sound_in(str(path), [(2.0, 47.0)]))
    assert [b.time_s for b in blocks] == pytest.approx([2, 18, 34], abs=0.01)
    assert sum(len(b.samples) for b in blocks) == pytest.approx(45 * AUDIO_RATE, abs=200)


def test_stereo_is_as_loud_as_its_channels_together(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="wav") as container:
        stream = container.add_stream("pcm_s16le", rate=48_000, layout="stereo")
        sound = (sweep(1, 48_000) * 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(np.repeat(sound, 2)[None], format="s16", layout="stereo")
        frame.sample_rate = 48_000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    path = tmp_path / "stereo.wav"
    path.write_bytes(buffer.getvalue())
    (block,) = sound_in(str(path), [(0.0, 1.0)])
    assert np.sqrt(np.mean(block.samples**2)) == pytest.approx(0.1 * np.sqrt(2), rel=0.05)


def test_a_span_beyond_the_end_is_silent(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", np.zeros(16_000), 16_000)
    assert list(sound_in(str(path), [(5.0, 6.0)])) == []
