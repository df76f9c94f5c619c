"""What a media file says about itself, read with PyAV only when a timeline leaves it open."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

from emsync_engine.timecode import canonical_rate, frames_from_timecode


@dataclass(frozen=True)
class Probe:
    """A media file's clock."""

    duration: Fraction | None
    """Seconds; None when the container does not say."""
    rate: Fraction | None
    """Frames a second of the first video stream; None for sound alone."""
    start_seconds: Fraction | None
    """Real seconds of the start timecode; None without one."""
    drop_frame: bool | None = None
    """How the start timecode counts."""
    has_audio: bool = False
    reel: str = ""
    """Reel or tape name that the container carries."""
    size: tuple[int, int] | None = None
    """Width and height of the picture in pixels."""


_REEL_KEYS = ("reel_name", "reel", "com.apple.proapps.reel", "com.apple.quicktime.reel", "tape")


@lru_cache(maxsize=512)
def probe(path: str) -> Probe | None:
    """Look into a media file; None when it cannot be opened as media."""
    import av  # heavy: only when needed

    try:
        with av.open(path) as container:
            return _probe_container(container)
    except (av.error.FFmpegError, OSError, ValueError):
        return None


def _probe_container(container: Any) -> Probe:
    video = container.streams.video[0] if container.streams.video else None
    rate = canonical_rate(Fraction(video.average_rate)) if video is not None and video.average_rate else None
    duration = stream_duration(video) if video is not None else None
    if duration is None and container.duration:
        duration = Fraction(container.duration, 1_000_000)
    text = _timecode(container)
    start = _start_seconds(text, rate) if text and rate else None
    drop = text[-3:-2] in (";", ".") if text and start is not None else None
    if start is None and video is None:
        start = _sample_start(container)
    size = (video.width, video.height) if video is not None and video.width and video.height else None
    return Probe(duration, rate, start, drop, bool(container.streams.audio), _reel(container), size)


def stream_duration(stream: Any) -> Fraction | None:
    """Seconds of one stream; None when it does not say."""
    if stream.duration and stream.time_base:
        return Fraction(stream.duration) * Fraction(stream.time_base)
    return None


def _timecode(container: Any) -> str | None:
    return _tag(container, ("timecode",)) or None


def _reel(container: Any) -> str:
    return _tag(container, _REEL_KEYS).strip()


def _tag(container: Any, keys: tuple[str, ...]) -> str:
    """The first tag of these names that the container or a stream of it carries; empty when none does."""
    holders = [container.metadata, *(stream.metadata for stream in container.streams)]
    return next((tags[key] for key in keys for tags in holders if tags.get(key)), "")


def _sample_start(container: Any) -> Fraction | None:
    """Seconds since midnight of a Broadcast WAV's time reference."""
    sound = container.streams.audio[0] if container.streams.audio else None
    samples = container.metadata.get("time_reference", "")
    if sound is None or not sound.rate or not samples.isdecimal() or int(samples) == 0:
        return None
    return Fraction(int(samples), sound.rate)


def _start_seconds(text: str, rate: Fraction) -> Fraction | None:
    try:
        return frames_from_timecode(text, rate) / rate
    except ValueError:
        return None  # a timecode of another rate says nothing usable
