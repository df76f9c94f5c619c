"""``emsync conform`` where there is no timeline: one export of the film after another."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bridge.conform import ConformRequest, conform
from bridge.lookalike import look_between
from bridge.pipeline import ScoreRequest, score
from emsync_engine.picture import Picture, Shot
from otio_adapters import read_picture
from otio_adapters.by_length import align_by_length
from otio_adapters.change_list import changes
from otio_adapters.conform import compare
from tests.emsync_engine.mood.mood_films import write_film

F = Fraction
Scene = tuple[int, int, int]
"""Which scene, its first frame, how many frames."""

FILM: list[Scene] = [(0, 0, 60), (1, 0, 84), (2, 0, 48), (3, 0, 96), (4, 0, 72)]


def look_of(scene: int, frame: int) -> np.ndarray:
    """Every scene has blotches of its own that drift slowly."""
    rng = np.random.default_rng(scene)
    y, x = np.mgrid[0:90, 0:160] / 90
    light = np.zeros((90, 160))
    for _ in range(6):
        fx, fy, phase, pace = rng.uniform(-4, 4), rng.uniform(-4, 4), rng.uniform(0, 6), rng.uniform(-0.02, 0.02)
        light += np.sin(2 * fx * x + 2 * fy * y + phase + pace * frame)
    grey = np.clip(128 + 30 * light, 0, 255)
    return np.stack([grey, np.roll(grey, scene, 0), grey * (0.5 + 0.08 * scene)], axis=2).clip(0, 255).astype(np.uint8)


def exported(path: Path, cut: Sequence[Scene]) -> Path:
    frames = [(scene, first + n) for scene, first, count in cut for n in range(count)]
    return write_film(path, lambda t: look_of(*frames[min(round(t * 24), len(frames) - 1)]), len(frames) / 24)


def kept(old: Path, new: Path) -> list[tuple[int, int, int]]:
    a, b = read_picture(old), read_picture(new)
    return [(m.old, m.new, m.length) for m in compare(a, b, look_between(a, b)).alignment.kept]


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return exported(tmp_path_factory.mktemp("first") / "film_v1.mp4", FILM)


@pytest.mark.parametrize(
    ("cut", "expected"),
    [
        (FILM, [(0, 0, 360)]),
        ([FILM[0], *FILM[2:]], [(0, 0, 60), (144, 60, 216)]),
        ([*FILM[:2], (7, 0, 40), *FILM[2:]], [(0, 0, 144), (144, 184, 216)]),
        ([FILM[0], (1, 0, 50), *FILM[2:]], [(0, 0, 110), (144, 110, 216)]),
        ([FILM[0], (1, 30, 54), *FILM[2:]], [(0, 0, 60), (90, 60, 270)]),
        ([FILM[3], *FILM[:3], FILM[4]], [(192, 0, 96), (0, 96, 192), (288, 288, 72)]),
        ([*FILM[:2], (8, 0, 48), *FILM[3:]], [(0, 0, 144), (192, 192, 168)]),
    ],
    ids=["same", "deleted", "inserted", "tail", "head", "moved", "replaced"],
)
def test_exports_are_compared_by_their_shots(
    first: Path, cut: list[Scene], expected: list[tuple[int, int, int]], tmp_path: Path
) -> None:
    assert kept(first, exported(tmp_path / "film_v2.mp4", cut)) == expected


def test_another_film_of_the_same_rhythm_is_another_film(first: Path, tmp_path: Path) -> None:
    other = [(scene + 20, start, count) for scene, start, count in FILM]
    assert kept(first, exported(tmp_path / "film_v2.mp4", other)) == []


def test_without_the_old_file_the_rhythm_decides(first: Path, tmp_path: Path) -> None:
    old = read_picture(first)
    new = read_picture(exported(tmp_path / "film_v2.mp4", [FILM[0], *FILM[2:]]))
    gone = replace(old, shots=tuple(replace(s, media="/gone/film_v1.mp4") for s in old.shots))
    assert look_between(gone, new) is None
    assert [(m.old, m.new, m.length) for m in compare(gone, new).alignment.kept] == [(144, 60, 216)]


def test_an_export_under_its_old_name_is_not_taken_for_the_old_one(first: Path, tmp_path: Path) -> None:
    """Source times agree everywhere, and say nothing."""
    path = Path(shutil.copy(first, tmp_path / "film.mp4"))
    old = read_picture(path)
    exported(path, [FILM[0], *FILM[2:]])
    new = read_picture(path)
    assert look_between(old, new) is None
    assert [(m.old, m.new, m.length) for m in compare(old, new).alignment.kept] == [(144, 60, 216)]


def test_one_shot_of_a_length_alone_proves_nothing() -> None:
    def rhythm(name: str, lengths: Sequence[int]) -> Picture:
        at, shots = 0, []
        for length in lengths:
            shots.append(Shot(F(at, 24), F(at + length, 24), "x", f"/{name}.mp4", F(at, 24)))
            at += length
        return Picture(name, F(24), F(at, 24), f"/{name}.mp4", shots=tuple(shots))

    cuts = compare(rhythm("a", [50, 60, 70, 80]), rhythm("b", [60, 99, 70, 80]))
    assert [(m.old, m.new, m.length) for m in cuts.alignment.kept] == [(110, 159, 150)]
    assert [r.kind for r in changes(cuts)].count("delete") == 2
    assert not align_by_length(rhythm("a", [50, 60]), rhythm("b", [60, 50])).kept
    assert align_by_length(rhythm("a", [50]), rhythm("b", [50])).kept


@pytest.mark.usefixtures("silent")
def test_a_score_follows_from_export_to_export(first: Path, tmp_path: Path) -> None:
    score(ScoreRequest(first, tmp_path / "film.emsync"), lambda *_: None)
    second = exported(tmp_path / "film_v2.mp4", [FILM[0], *FILM[2:]])
    answer: dict[str, Any] = conform(ConformRequest(tmp_path / "film.emsync", second), lambda *_: None)
    assert [c["kind"] for c in answer["changes"]] == ["keep", "delete", "move"]
    assert answer["kept_s"] == pytest.approx(276 / 24)
    assert all(abs(h["error_s"]) <= 1e-3 for h in answer["hits"])
    assert any("a timeline of both cuts says it exactly" in w for w in answer["warnings"])
