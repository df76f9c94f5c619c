"""Small films and pictures to watch."""

from __future__ import annotations

import wave
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from emsync_engine.picture import Boundary, Picture, Shot

Paint = Callable[[float], np.ndarray]


def noise_at(t: float) -> np.ndarray:
    """Another random picture at every moment."""
    return np.random.default_rng(round(t * 1000)).integers(0, 255, (90, 160, 3), dtype=np.uint8)


def write_film(path: Path, paint: Paint, seconds: float, *, fps: int = 24, codec: str = "mpeg4", gop: int = 24) -> Path:
    """A film of 160 x 90; ``paint`` gives (90, 160, 3) RGB at a time in seconds."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=fps)
        stream.width, stream.height = 160, 90
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.codec_context.gop_size = gop
        for number in range(round(seconds * fps)):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(paint(number / fps)), format="rgb24")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def write_wav(path: Path, samples: np.ndarray, rate: int = 48_000) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return path


def clock(t: float) -> np.ndarray:
    """A grey that tells the time: level 16 + 3.9 a second."""
    return np.full((90, 160, 3), 16 + round(3.9 * t), dtype=np.uint8)


def picture_of(*shots: Shot, **fields: object) -> Picture:
    """Shots one after the other with cuts between them."""
    cuts = tuple(Boundary(s.start, round(s.start * 24), s.start, "cut") for s in shots[1:])
    end = max((s.end for s in shots), default=Fraction(0))
    return Picture("test", Fraction(24), end, shots=shots, boundaries=cuts, **fields)  # type: ignore[arg-type]


def shot_of(path: Path | str, start: float, end: float, media_start: float = 0.0, **fields: object) -> Shot:
    values: dict[str, object] = {"online": True, **fields}
    name = Path(path).stem
    return Shot(Fraction(start), Fraction(end), name, str(path), Fraction(media_start), **values)  # type: ignore[arg-type]
