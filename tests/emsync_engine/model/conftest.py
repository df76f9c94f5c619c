"""Fixtures of the composer's tests: a folder of little pieces and the data set built from it."""

from __future__ import annotations

from pathlib import Path

import pytest
from little_band import band_piece

from emsync_engine.model import dataset, shards


@pytest.fixture(scope="session")
def music_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sources of little pieces, one of them twice under another name."""
    root = tmp_path_factory.mktemp("music")
    for source, seeds in (("band", range(14)), ("other", range(100, 106))):
        (root / source).mkdir()
        for seed in seeds:
            (root / source / f"piece{seed:03d}.mid").write_bytes(band_piece(seed))
    (root / "other" / "piece_copied.mid").write_bytes(band_piece(3))
    return root


@pytest.fixture(scope="session")
def built(music_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data set built from `music_folder`."""
    out = tmp_path_factory.mktemp("dataset")
    dataset.build(music_folder, out)
    return out


@pytest.fixture(scope="session")
def train_shards(built: Path) -> dict[str, shards.Shard]:
    return shards.load_split(built, "train")


@pytest.fixture(scope="session")
def music_data() -> Path:
    """The training collections beside the repository; tests that need them skip where they are absent."""
    path = Path(__file__).resolve().parents[4] / "shared" / "data" / "music"
    if not path.is_dir():
        pytest.skip(f"no training collections at {path}")
    return path
