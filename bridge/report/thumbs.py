"""Thumbnails of shots: one frame from the middle of each, as JPEG."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import numpy.typing as npt

from emsync_engine.picture import Picture, Shot

JPEG_QUALITY = 76
MAX_FRAMES_DECODED = 300  # from the key frame on; a longer group of pictures gives the last of these
UNREADABLE = (av.FFmpegError, cv2.error, OSError, ValueError, ArithmeticError, MemoryError)
"""What damaged media, odd formats and vanished drives raise."""

Image = npt.NDArray[np.uint8]


def thumbnails(picture: Picture, *, width: int = 160, limit: int = 200) -> dict[int, bytes]:
    """JPEG bytes by shot index, from the middle of each shot.

    Args:
        picture: its shots' ``media`` are read where they are online.
        width: the longer side of a thumbnail, in pixels; the other follows the picture's shape.
        limit: of more shots than this, as many are taken at even distances.

    Shots that are offline, or whose media cannot be read, are left out.
    """
    online = [i for i, shot in enumerate(picture.shots) if shot.online and shot.media and shot.duration > 0]
    if len(online) > limit:
        online = [online[round(k)] for k in np.linspace(0, len(online) - 1, limit)] if limit > 0 else []
    by_media: dict[str, list[int]] = defaultdict(list)
    for index in online:
        by_media[picture.shots[index].media].append(index)
    found: dict[int, bytes] = {}
    for media, indices in by_media.items():
        wanted = {index: middle_of(picture.shots[index]) for index in indices}
        for index, image in _frames(Path(media), wanted):
            data = _jpeg(image, width)
            if data:
                found[index] = data
    return dict(sorted(found.items()))


def middle_of(shot: Shot) -> Fraction:
    """Seconds from the head of the media that are seen in the middle of the shot."""
    return max(Fraction(0), shot.media_start + shot.speed * shot.duration / 2)


def _frames(media: Path, wanted: dict[int, Fraction]) -> Iterator[tuple[int, Image]]:
    """(shot index, RGB picture) for as many of the wanted times as the file gives."""
    try:
        with av.open(str(media)) as container:
            if not container.streams.video:
                return
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            for index, seconds in sorted(wanted.items(), key=lambda item: item[1]):
                image = _frame_at(container, stream, seconds)
                if image is not None:
                    yield index, image
    except UNREADABLE:
        return


def _frame_at(container: Any, stream: Any, seconds: Fraction) -> Image | None:
    """The frame that is on the screen at a time of the media, or the nearest that can be had."""
    target = (stream.start_time or 0) + round(seconds / stream.time_base)
    try:
        container.seek(target, stream=stream, backward=True)
    except UNREADABLE:
        return None
    frame = None
    try:
        for number, candidate in enumerate(container.decode(stream)):
            late = candidate.pts is not None and candidate.pts > target
            if frame is None or not late:
                frame = candidate
            if late or number >= MAX_FRAMES_DECODED:
                break
    except UNREADABLE:
        pass  # what was decoded before the damage will do
    return None if frame is None else _upright(frame, stream)


def _upright(frame: Any, stream: Any) -> Image:
    """The frame as it is meant to be seen: turned, and with square pixels."""
    image: Image = frame.to_ndarray(format="rgb24")
    turns = round(getattr(frame, "rotation", 0) / 90) % 4
    shape = stream.sample_aspect_ratio
    if shape and shape != 1 and 0.1 < shape < 10:
        size = (max(1, round(image.shape[1] * float(shape))), image.shape[0])
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    return np.ascontiguousarray(np.rot90(image, turns)) if turns else image


def _jpeg(image: Image, width: int) -> bytes:
    scale = width / max(image.shape[:2])
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    try:
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        good, data = cv2.imencode(
            ".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
        )
    except UNREADABLE:
        return b""
    return bytes(data) if good else b""
