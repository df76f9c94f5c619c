"""Make the demo: draw the clips, record the sound, write the timeline."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path

import av
import cv2
import numpy as np

from bridge.demo.canvas import FPS, HEIGHT, WIDTH
from bridge.demo.clips import CLIPS, Clip
from bridge.demo.files import unfinished
from bridge.demo.sound import SOUNDS, write_sound
from bridge.demo.timeline import SCENE_ORDER, write_timeline

Progress = Callable[[float, str], None]
"""Told the share done (0..1) and what is being done."""

MEDIA_FOLDER = "media"


def make_demo(folder: Path, *, order: Sequence[str] | None = None, progress: Progress | None = None) -> Path:
    """Write the demo film's media and ``demo.otio`` into a folder, and return the path of the timeline.

    Args:
        folder: created when it is missing; files of an earlier demo in it are replaced.
        order: the scenes in another order, a permutation of ``day, night, chase, rest``.
        progress: called from this thread after every finished file.

    Raises:
        ValueError: ``order`` is not such a permutation.
        OSError: the folder cannot be written.
    """
    scenes = tuple(order or SCENE_ORDER)
    if sorted(scenes) != sorted(SCENE_ORDER):
        raise ValueError(f"order must hold each of {', '.join(SCENE_ORDER)} once, not {', '.join(scenes)}")
    media = folder / MEDIA_FOLDER
    media.mkdir(parents=True, exist_ok=True)
    for share, name in _build_media(media):
        if progress:
            progress(0.98 * share, name)
    timeline = write_timeline(folder / "demo.otio", order=scenes)
    if progress:
        progress(1.0, timeline.name)
    return timeline


def _build_media(media: Path) -> Iterator[tuple[float, str]]:
    """Write all media, the longest clips first so that two cores finish together; yields (share done, file)."""
    clips = sorted(CLIPS.values(), key=lambda clip: -clip.frames)
    with _plain_opencv(), ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
        jobs: dict[Future[None], str] = {}
        for clip in clips:
            jobs[pool.submit(write_clip, media / clip.file, clip)] = clip.file
        for name in SOUNDS:
            jobs[pool.submit(write_sound, media / f"{name}.wav", name)] = f"{name}.wav"
        try:
            for done, job in enumerate(as_completed(jobs), start=1):
                job.result()
                yield done / len(jobs), jobs[job]
        finally:
            for job in jobs:
                job.cancel()


@contextmanager
def _plain_opencv() -> Iterator[None]:
    """OpenCV without threads of its own: clips are drawn side by side, and its pool would only get in the way."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)


def write_clip(path: Path, clip: Clip) -> None:
    """Draw a clip and encode it (H.264 where the encoder is present, else MPEG-4 part 2)."""
    painter = clip.painter()
    with unfinished(path) as partial, av.open(str(partial), "w", format="mp4") as container:
        stream = _video_stream(container)
        for number in range(clip.frames):
            planes = cv2.cvtColor(painter(number / FPS), cv2.COLOR_BGR2YUV_I420)
            frame = av.VideoFrame.from_ndarray(planes.astype(np.uint8, copy=False), format="yuv420p")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _video_stream(container: av.container.OutputContainer) -> av.VideoStream:
    fast = "libx264" in av.codecs_available
    stream = container.add_stream("libx264" if fast else "mpeg4", rate=FPS)
    stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    stream.codec_context.thread_count = 1  # clips are encoded side by side, and the bytes stay the same everywhere
    stream.codec_context.gop_size = FPS
    if fast:
        stream.options = {"preset": "ultrafast", "crf": "20"}
    else:
        stream.bit_rate = 4_000_000
    return stream
