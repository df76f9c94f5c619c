"""A big timeline is read and resolved in seconds, and cost grows about linearly."""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Any

import pytest

from otio_adapters import read_picture
from tests.otio_adapters.builders import clip, gap, save, stack, timeline, tr, track

TRACKS = 26


def feature(clips: int) -> dict[str, Any]:
    """Picture and sound tracks whose clips are partly nested three levels deep."""
    chance = random.Random(1)
    lanes = []
    for number in range(TRACKS):
        children: list[dict[str, Any]] = []
        for index in range(clips // TRACKS):
            child = clip(f"m{number}-{index}", chance.randrange(1000), chance.randrange(400, 1000))
            if index % 5 == 0:
                child = gap(chance.randrange(100, 900))
            elif index % 11 == 0:
                for _ in range(3):
                    lower = track(child, clip("x", 0, 50))
                    child = stack(lower, track(gap(20), clip("y", 0, 30)), source_range=tr(5, 300))
            children.append(child)
        lanes.append(track(*children, kind="Video" if number < 16 else "Audio"))
    return timeline(*lanes)


def seconds(path: Path) -> float:
    started = time.process_time()
    assert read_picture(path).boundaries
    return time.process_time() - started


@pytest.mark.slow
def test_five_thousand_clips_take_less_than_five_seconds_and_grow_linearly(tmp_path: Path) -> None:
    small = save(tmp_path, feature(5_000), "small.otio")
    large = save(tmp_path, feature(20_000), "large.otio")
    first = min(seconds(small) for _ in range(2))
    assert first < 5
    assert seconds(large) < 4 * first * 1.8 + 0.5
