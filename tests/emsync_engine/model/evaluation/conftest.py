"""Fixtures of the evaluation's tests: a tiny network and a folder of MIDI files."""

from __future__ import annotations

from pathlib import Path

import pytest
from evaluation_music import midi_bytes, tiny, tune

from emsync_engine.model.decode.weights import Weights
from emsync_engine.model.evaluation.request import Request


@pytest.fixture(scope="session")
def weights() -> Weights:
    return tiny()


@pytest.fixture
def request_of_tiny(weights: Weights) -> Request:
    return Request(weights, quick=True)


@pytest.fixture(scope="session")
def midi_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sub-folders and a loose file; one file is empty, one is no MIDI file."""
    root = tmp_path_factory.mktemp("midi")
    for name in ("first", "second"):
        (root / name).mkdir()
    for index in range(3):
        (root / "first" / f"tune{index}.mid").write_bytes(tune(30 + 20 * index))
    (root / "second" / "low.MIDI").write_bytes(tune(60, step=160, low=36))
    (root / "second" / "silent.mid").write_bytes(midi_bytes([]))
    (root / "second" / "broken.mid").write_bytes(b"no MIDI file")
    (root / "loose.mid").write_bytes(tune(24))
    return root
