"""A big timeline is read and resolved in seconds, and cost grows about linearly."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from otio_adapters import read_picture
from tests.otio_adapters.builders import TRACKS, clips_of, feature, save


def seconds(path: Path) -> float:
    started = time.process_time()
    assert read_picture(path).boundaries
    return time.process_time() - started


def test_the_feature_is_one(tmp_path: Path) -> None:
    document = feature(5_000)
    picture = read_picture(save(tmp_path, document))
    assert clips_of(document) >= 5_000
    assert len(document["tracks"]["children"]) == TRACKS
    assert picture.duration >= 7200
    deepest = max((shot.path for shot in picture.shots), key=len)
    assert len(deepest) == 8, "a stack and a track a level, below a track of the top"


@pytest.mark.slow
def test_five_thousand_clips_take_less_than_five_seconds_and_grow_linearly(tmp_path: Path) -> None:
    small = save(tmp_path, feature(5_000), "small.otio")
    large = save(tmp_path, feature(20_000), "large.otio")
    first = min(seconds(small) for _ in range(2))
    assert first < 5
    assert seconds(large) < 4 * first * 1.8 + 0.5
