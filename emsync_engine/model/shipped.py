"""Where the composer's weights lie that come with the program."""

from __future__ import annotations

from pathlib import Path

from emsync_engine.errors import MissingComponentError

FOLDER = Path(__file__).resolve().parent / "weights"


def has_shipped() -> bool:
    """Whether this installation came with weights."""
    return (FOLDER / "model.json").is_file()


def shipped() -> Path:
    """The folder of the project's own weights.

    Raises:
        MissingComponentError: this installation came without.
    """
    if not has_shipped():
        raise MissingComponentError(
            "this installation came without the composer's weights: install EMSYNC again, or use --engine rules",
            str(FOLDER),
            "no_weights",
        )
    return FOLDER
