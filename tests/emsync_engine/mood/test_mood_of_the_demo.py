"""What the issue promises about the demo film, and about films that are not drawn by us."""

from __future__ import annotations

import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from mood_films import picture_of, shot_of

from bridge.demo.timeline import write_timeline
from emsync_engine.mood import MoodCurve, watch
from emsync_engine.picture import Picture
from otio_adapters import read_picture

FILM = Path(__file__).resolve().parents[4] / "shared" / "data" / "film"
ORDERS = (
    ("day", "night", "chase", "rest"),
    ("rest", "chase", "night", "day"),
    ("chase", "rest", "day", "night"),
    ("night", "day", "rest", "chase"),
)


def of_scene(picture: Picture, curve: MoodCurve, scene: str) -> tuple[float, float]:
    """Mean (valence, arousal) over the shots whose media belong to a scene."""
    inside = np.zeros(len(curve.time_s), dtype=bool)
    for shot in picture.shots:
        if Path(shot.media).name.startswith(f"{scene}_"):
            inside |= (curve.time_s >= float(shot.start)) & (curve.time_s < float(shot.end))
    assert inside.any()
    return float(curve.valence[inside].mean()), float(curve.arousal[inside].mean())


@pytest.fixture(scope="module", params=ORDERS, ids="-".join)
def watched(request: pytest.FixtureRequest, demo: Path) -> tuple[Picture, MoodCurve]:
    timeline = write_timeline(demo.with_name("-".join(request.param) + ".otio"), order=request.param)
    picture = read_picture(timeline)
    return picture, watch(picture)


def test_chase_is_more_aroused_than_rest(watched: tuple[Picture, MoodCurve]) -> None:
    assert of_scene(*watched, "chase")[1] - of_scene(*watched, "rest")[1] >= 0.3


def test_day_is_more_positive_than_night(watched: tuple[Picture, MoodCurve]) -> None:
    assert of_scene(*watched, "day")[0] - of_scene(*watched, "night")[0] >= 0.2


def test_curve_is_dense_bounded_and_whole(watched: tuple[Picture, MoodCurve]) -> None:
    picture, curve = watched
    assert curve.time_s[0] == 0
    assert curve.time_s[-1] == pytest.approx(float(picture.duration))
    assert np.diff(curve.time_s).max() <= 0.25 + 1e-9
    assert np.abs(curve.valence).max() <= 1
    assert np.abs(curve.arousal).max() <= 1
    for confidence in (curve.confidence, curve.valence_confidence, curve.arousal_confidence):
        assert confidence is not None
        assert confidence.min() >= 0
        assert confidence.max() <= 1
    assert curve.warnings == ()


def test_arousal_is_surer_than_valence(watched: tuple[Picture, MoodCurve]) -> None:
    _, curve = watched
    assert curve.arousal_confidence is not None
    assert curve.valence_confidence is not None
    assert curve.arousal_confidence.mean() > 0.7
    assert curve.valence_confidence.mean() < 0.5


def test_every_shot_has_a_mood_and_words_that_sum_to_one(watched: tuple[Picture, MoodCurve]) -> None:
    picture, curve = watched
    assert [(m.start_s, m.end_s) for m in curve.shots] == [(float(s.start), float(s.end)) for s in picture.shots]
    for mood in curve.shots:
        assert sum(mood.categories.values()) == pytest.approx(1)
        assert 0 <= mood.confidence <= 1


def test_evidence_tells_what_counted(watched: tuple[Picture, MoodCurve]) -> None:
    _, curve = watched
    weights = {e.name: e.weight for e in curve.evidence}
    assert set(weights) == {"motion", "cutting rate", "loudness", "timbre", "saturation", "light and colour"}
    assert sum(weights.values()) == pytest.approx(1)
    assert all(e.detail for e in curve.evidence)


def test_the_mood_turns_quickly_where_the_chase_is_cut_in(demo: Path) -> None:
    picture = read_picture(demo)
    curve = watch(picture)
    start = next(float(m.time) for m in picture.markers if m.name == "section: chase")
    before, after = curve.at(start - 2.0)[1], curve.at(start + 1.5)[1]
    assert after - before > 0.6


def test_same_curve_every_time(demo: Path) -> None:
    picture = read_picture(demo)
    assert watch(picture).to_json() == watch(picture).to_json()


def test_a_minute_takes_seconds(demo: Path) -> None:
    picture = read_picture(demo)
    before = time.process_time()
    watch(picture)
    assert time.process_time() - before < 8


def test_progress_rises_to_one(demo: Path) -> None:
    seen: list[float] = []
    watch(read_picture(demo), progress=lambda share, _: seen.append(share))
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    assert len(seen) > 20


@pytest.mark.parametrize(("name", "seconds"), [("big_buck_bunny_0_30.webm", 30), ("chaplin.mp4", 4)])
def test_real_film_clips_can_be_watched(name: str, seconds: int) -> None:
    path = FILM / name
    if not path.is_file():
        pytest.skip("film clips are not here")
    half = Fraction(seconds, 2)
    curve = watch(picture_of(shot_of(path, 0, half), shot_of(path, half, seconds, half)))
    assert curve.warnings == ()
    assert curve.confidence.min() > 0.4
    assert "loudness" in {e.name for e in curve.evidence}
