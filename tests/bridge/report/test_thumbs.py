"""Thumbnails from real files, good and bad."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from bridge.report import thumbnails
from bridge.report.thumbs import middle_of
from emsync_engine.picture import Picture, Shot

RATE = 10
COLOURS = [(220, 30, 30), (30, 200, 30), (30, 30, 220), (220, 220, 30)]
"""RGB of each second of the test film."""


def write_film(path: Path, *, size: tuple[int, int] = (320, 180), gop: int = 40) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=RATE)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.gop_size = gop
        for colour in COLOURS:
            for _ in range(RATE):
                image = np.full((size[1], size[0], 3), colour, dtype=np.uint8)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    return path


def shot(media: Path | str, start: float, seconds: float, speed: float = 1, online: bool = True) -> Shot:
    return Shot(Fraction(0), Fraction(seconds), "shot", str(media), Fraction(start), Fraction(speed), online=online)


def picture(*shots: Shot) -> Picture:
    return Picture("film", Fraction(24), sum((s.duration for s in shots), Fraction(0)), shots=shots)


def colour_of(jpeg: bytes) -> int:
    """Index of the test film's colour that a thumbnail shows."""
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    mean = image[..., ::-1].reshape(-1, 3).mean(axis=0)
    return int(np.argmin([np.abs(mean - colour).sum() for colour in COLOURS]))


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_film(tmp_path_factory.mktemp("media") / "film.mp4")


@pytest.mark.parametrize(
    ("start", "seconds", "speed", "expected"),
    [(0, 1, 1, 0), (1, 1, 1, 1), (3, 1, 1, 3), (2.2, 0.2, 1, 2), (0, 2, 2, 2), (3.9, 2, -1, 2), (1.5, 9, 0, 1)],
    ids=["first", "second", "last", "short", "double speed", "backwards", "frozen"],
)
def test_the_frame_is_from_the_middle_of_the_shot(
    film: Path, start: float, seconds: float, speed: float, expected: int
) -> None:
    found = thumbnails(picture(shot(film, start, seconds, speed)))
    assert colour_of(found[0]) == expected


def test_a_thumbnail_has_the_width_and_the_shape_asked_for(film: Path) -> None:
    image = cv2.imdecode(np.frombuffer(thumbnails(picture(shot(film, 0, 1)), width=96)[0], np.uint8), cv2.IMREAD_COLOR)
    assert image is not None and image.shape == (54, 96, 3)


def test_an_upright_picture_is_no_longer_than_the_width(tmp_path: Path) -> None:
    tall = write_film(tmp_path / "tall.mp4", size=(180, 320))
    image = cv2.imdecode(np.frombuffer(thumbnails(picture(shot(tall, 0, 1)))[0], np.uint8), cv2.IMREAD_COLOR)
    assert image is not None and image.shape[:2] == (160, 90)


def test_a_still_picture_is_its_own_thumbnail(tmp_path: Path) -> None:
    still = np.full((90, 160, 3), COLOURS[2][::-1], dtype=np.uint8)
    assert cv2.imwrite(str(tmp_path / "still.png"), still)
    assert colour_of(thumbnails(picture(shot(tmp_path / "still.png", 0, 5)))[0]) == 2


def test_offline_shots_and_gaps_are_left_out(film: Path, tmp_path: Path) -> None:
    shots = [shot(film, 0, 1, online=False), shot("", 0, 1), shot(tmp_path / "gone.mov", 0, 1), shot(film, 2, 1)]
    assert list(thumbnails(picture(*shots))) == [3]


def test_more_shots_than_the_limit_are_thinned_evenly(film: Path) -> None:
    shots = [shot(film, i / 10, 0.1) for i in range(40)]
    assert list(thumbnails(picture(*shots), limit=5)) == [0, 10, 20, 29, 39]
    assert thumbnails(picture(*shots), limit=0) == {}


def _truncated(film: Path, folder: Path) -> Path:
    path = folder / "truncated.mp4"
    path.write_bytes(film.read_bytes()[: film.stat().st_size // 2])
    return path


def _scrambled(film: Path, folder: Path) -> Path:
    path = folder / "scrambled.mp4"
    data = bytearray(film.read_bytes())
    rng = np.random.default_rng(1)
    for position in rng.integers(0, len(data), len(data) // 8):
        data[position] = int(rng.integers(256))
    path.write_bytes(data)
    return path


def _text(film: Path, folder: Path) -> Path:
    path = folder / "notes.mov"
    path.write_text("not a film", "utf-8")
    return path


def _empty(film: Path, folder: Path) -> Path:
    path = folder / "empty.mp4"
    path.touch()
    return path


def _folder(film: Path, folder: Path) -> Path:
    return folder


def _sound(film: Path, folder: Path) -> Path:
    path = folder / "sound.wav"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), dtype=np.int16), format="s16", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@pytest.mark.parametrize("damage", [_truncated, _scrambled, _text, _empty, _folder, _sound])
def test_damaged_media_cost_their_own_thumbnail_only(
    film: Path, tmp_path: Path, damage: Callable[[Path, Path], Path]
) -> None:
    bad = damage(film, tmp_path)
    found = thumbnails(picture(shot(bad, 0, 1), shot(film, 1, 1), shot(bad, 3, 1)))
    assert colour_of(found[1]) == 1


def test_a_shot_beyond_the_end_of_its_media_shows_the_last_that_there_is(film: Path) -> None:
    found = thumbnails(picture(shot(film, 60, 1)))
    assert set(found) <= {0}


def test_the_middle_never_lies_before_the_head() -> None:
    assert middle_of(shot("x", 0.5, 4, -1)) == 0
