"""Read chosen moments of media files with PyAV: one forward pass a file, however the edit orders them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np
import numpy.typing as npt
from av.container import InputContainer
from av.video.reformatter import VideoReformatter

from emsync_engine.mood.look import HEIGHT, WIDTH, RgbFrame

AUDIO_RATE = 16_000
"""Sound is listened to at this rate, in samples a second, mono."""

_SEEK_OVER_S = 4.0
"""Longer stretches that nobody wants are jumped over; shorter ones are decoded through."""
_FAST_FPS = 18.0
"""From this frame rate on, frames that no other frame needs are skipped: enough are left for 8 a second."""
_LATE_S = 1.0
"""A moment this long after the last readable frame is not answered any more."""
_MAX_BROKEN = 64
"""Packets that cannot be decoded before a file is given up."""
_TIMEOUT_S = 20.0
_NEAR_S = 1e-4
"""Times closer than this are the same."""
_BLOCK = AUDIO_RATE * 16
"""Samples handed out at once, a multiple of the hop of ``listen``."""

Samples = npt.NDArray[np.float32]
"""Mono, -1..1."""


class UnreadableMediaError(Exception):
    """A file that cannot be opened or holds no such stream. Caught in this package and reported as a warning."""


class Seen(NamedTuple):
    """A frame that answers one of the wanted moments."""

    moment: int
    """Its index."""
    time_s: float
    """Of the frame, from the head of the media."""
    frame: RgbFrame
    """(HEIGHT, WIDTH, 3) RGB. The very same object again when one frame answers several moments."""


class Heard(NamedTuple):
    """A block of sound."""

    time_s: float
    """Of the first sample, from the head of the media."""
    samples: Samples


def frames_at(path: str, moments_s: Sequence[float]) -> Iterator[Seen]:
    """Answer rising moments, in seconds from the head of the media, with frames.

    Each is answered by the last frame that starts at or before it, or by the first frame when there is none.
    Moments beyond the readable media are left unanswered.

    Raises:
        UnreadableMediaError: the file cannot be opened or holds no picture.
    """
    with _opened(path) as container:
        stream = next((s for s in container.streams.video if not _is_cover(s)), None)
        if stream is None:
            raise UnreadableMediaError("no picture in it")
        _decodable(stream)
        if float(stream.average_rate or 0) >= _FAST_FPS and not stream.codec_context.codec.intra_only:
            stream.codec_context.skip_frame = "NONREF"
        if container.format.name == "image2" or container.format.name.endswith("_pipe"):
            moments_s = [0.0] * len(moments_s)  # a still picture shows the same at every moment
        yield from _answers(_Tape(container, stream), moments_s)


def sound_in(path: str, spans_s: Sequence[tuple[float, float]]) -> Iterator[Heard]:
    """The sound of rising, disjoint spans (seconds from the head of the media) at ``AUDIO_RATE``, block by block.

    Raises:
        UnreadableMediaError: the file cannot be opened or holds no sound.
    """
    with _opened(path) as container:
        if not container.streams.audio:
            raise UnreadableMediaError("no sound in it")
        _decodable(container.streams.audio[0])
        tape = _Tape(container, container.streams.audio[0])
        for start_s, end_s in spans_s:
            if start_s - tape.position_s > _SEEK_OVER_S:
                tape.seek(start_s)
            yield from _blocks(tape, start_s, end_s)


@contextmanager
def _opened(path: str) -> Iterator[InputContainer]:
    """A container that reads local files only: a playlist among the media must not reach into the network."""
    if not Path(path).is_file():
        raise UnreadableMediaError("no such file")
    try:
        av.logging.set_level(None)  # another library of this process may have let FFmpeg speak
        with closing(av.open(path, options={"protocol_whitelist": "file"}, timeout=_TIMEOUT_S)) as container:
            yield container
    except (av.FFmpegError, OSError) as error:
        raise UnreadableMediaError(getattr(error, "strerror", None) or str(error)) from error


def _decodable(stream: av.VideoStream | av.AudioStream) -> None:
    if getattr(stream, "codec_context", None) is None:
        raise UnreadableMediaError("no decoder for it")


def _is_cover(stream: av.VideoStream) -> bool:
    return bool(stream.disposition & av.stream.Disposition.attached_pic)


class _Tape:
    """The frames of one stream in order, with a playing position."""

    def __init__(self, container: InputContainer, stream: av.VideoStream | av.AudioStream) -> None:
        stream.codec_context.thread_type = "AUTO"
        self._container, self._stream = container, stream
        self._base = stream.time_base or Fraction(1, 1000)
        self._head = stream.start_time or 0
        self._intra = stream.type == "video" and bool(stream.codec_context.codec.intra_only)
        self._frames = self._decode()
        self.position_s = 0.0
        """Of the latest frame."""
        self.wanted_s = 0.0
        """What ends before this need not be decoded where frames stand alone."""

    def seek(self, time_s: float) -> None:
        """Go to the key frame before a time; where the file cannot be sought, go on from here."""
        try:
            self._container.seek(int(time_s / self._base) + self._head, stream=self._stream)
        except av.FFmpegError:
            return
        self._frames = self._decode()

    def next(self) -> av.VideoFrame | av.AudioFrame | None:
        """The next frame; None at the end. ``position_s`` is its time."""
        frame = next(self._frames, None)
        if frame is not None and frame.pts is not None:
            self.position_s = float((frame.pts - self._head) * (frame.time_base or self._base))
        return frame

    def _decode(self) -> Iterator[Any]:
        broken = 0
        passed: av.Packet[Any] | None = None
        for packet in self._container.demux(self._stream):
            if self._intra and self._is_past(packet):
                passed = packet
                continue
            try:
                if packet.size == 0 and passed is not None:  # the end: what was passed over is the last frame there is
                    yield from passed.decode()
                yield from packet.decode()
                passed = None
            except av.FFmpegError:
                broken += 1
                if broken > _MAX_BROKEN:
                    return

    def _is_past(self, packet: av.Packet[Any]) -> bool:
        if packet.pts is None or not packet.duration or not packet.size:
            return False
        return float((packet.pts + packet.duration - self._head) * self._base) <= self.wanted_s


class _Timed(NamedTuple):
    """A decoded frame and when it is on; its end is its start where the file does not say how long it lasts."""

    start_s: float
    end_s: float
    frame: av.VideoFrame


def _answers(tape: _Tape, moments_s: Sequence[float]) -> Iterator[Seen]:
    """Walk a tape forwards from moment to moment."""
    before: _Timed | None = None
    latest: _Timed | None = None
    shown: tuple[float, RgbFrame] | None = None
    jump_over, ended = _SEEK_OVER_S, False
    scaler = VideoReformatter()
    for index, moment in enumerate(moments_s):
        tape.wanted_s = moment
        if not ended and moment - tape.position_s > jump_over:
            was = tape.position_s
            tape.seek(moment)
            before, latest = None, _timed(tape)
            if latest and latest.start_s <= was:
                jump_over *= 2  # the key frames lie further apart than that
        while not ended and (latest is None or latest.end_s <= moment + _NEAR_S):
            before, latest = latest or before, _timed(tape)
            ended = latest is None
        answer = latest if latest and latest.start_s <= moment + _NEAR_S else before or latest
        if answer is None or (ended and moment > answer.end_s + _LATE_S):
            return
        if shown is None or shown[0] != answer.start_s:
            shown = answer.start_s, _small(scaler, answer.frame)
        yield Seen(index, *shown)


def _timed(tape: _Tape) -> _Timed | None:
    frame = tape.next()
    if not isinstance(frame, av.VideoFrame):
        return None
    return _Timed(tape.position_s, tape.position_s + float((frame.duration or 0) * (frame.time_base or 0)), frame)


def _small(scaler: VideoReformatter, frame: av.VideoFrame) -> RgbFrame:
    small = scaler.reformat(frame, WIDTH, HEIGHT, "rgb24", interpolation="AREA")
    return small.to_ndarray().astype(np.uint8, copy=False)


def _blocks(tape: _Tape, start_s: float, end_s: float) -> Iterator[Heard]:
    """One span of sound, resampled and cut to its ends."""
    resampler = av.AudioResampler(format="flt", layout="mono", rate=AUDIO_RATE)
    held: list[Samples] = []
    count, at_s = 0, -1.0
    while (frame := tape.next()) is not None and tape.position_s < end_s:
        if not isinstance(frame, av.AudioFrame):
            continue
        if at_s < 0:
            if tape.position_s + frame.samples / frame.sample_rate <= start_s:
                continue
            at_s = max(start_s, tape.position_s)
            skip = round((at_s - tape.position_s) * AUDIO_RATE)
        piece = _resampled(resampler, frame)[skip:]
        skip = 0
        held.append(piece)
        count += len(piece)
        if count >= _BLOCK:
            samples = np.concatenate(held)
            yield Heard(at_s, samples[:_BLOCK])
            held, count, at_s = [samples[_BLOCK:]], count - _BLOCK, at_s + _BLOCK / AUDIO_RATE
    if count:
        yield Heard(at_s, np.concatenate(held)[: max(0, round((end_s - at_s) * AUDIO_RATE))])


def _resampled(resampler: av.AudioResampler, frame: av.AudioFrame) -> Samples:
    parts = [part.to_ndarray().reshape(-1) for part in resampler.resample(frame)]
    return np.concatenate(parts).astype(np.float32, copy=False) if parts else np.zeros(0, dtype=np.float32)
