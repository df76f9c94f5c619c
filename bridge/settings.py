"""``emsync.toml`` beside the timeline: what a project wants every time."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from emsync_engine.errors import InputError
from emsync_engine.instructions import parse_key, parse_mood, parse_parts, parse_tempo
from emsync_engine.score import Key
from emsync_engine.timecode import plain_number

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SETTINGS_FILE = "emsync.toml"


@dataclass(frozen=True)
class Settings:
    """What may be fixed on the command line or in ``emsync.toml``; None leaves it open."""

    mood: tuple[float, float] | None = None
    seed: int | None = None
    parts: tuple[str, ...] | None = None
    min_gap: Fraction | None = None
    tempo: float | None = None
    key: Key | None = None
    engine: str | None = None
    soundfont: Path | None = None
    media_roots: tuple[Path, ...] = ()
    rate: Fraction | None = None


def key_of(text: str) -> Key:
    """A ``Key`` from text such as ``d minor``."""
    tonic, mode = parse_key(text)
    return Key(tonic, mode)  # type: ignore[arg-type]


def min_gap_of(text: str) -> Fraction:
    """Seconds between hits, 0 to 600.

    Raises:
        InputError: not such a number.
    """
    try:
        value = plain_number(text)
    except ValueError as error:
        raise InputError(f"{text!r} is not a number of seconds", code="bad_min_gap") from error
    if not 0 <= value <= 600:
        raise InputError(f"a gap of {text} s is outside 0..600", code="bad_min_gap")
    return value


def _mood(value: Any) -> tuple[float, float]:
    return parse_mood(",".join(map(str, value)) if isinstance(value, list) else str(value))


def _parts(value: Any) -> tuple[str, ...]:
    return parse_parts(",".join(map(str, value)) if isinstance(value, list) else str(value))


def _seed(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise InputError("a seed is a whole number", code="bad_seed")
    return value


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "mood": _mood,
    "seed": _seed,
    "parts": _parts,
    "min_gap": lambda v: min_gap_of(str(v)),
    "tempo": lambda v: parse_tempo(str(v)),
    "key": lambda v: key_of(str(v)),
    "engine": str,
    "soundfont": str,
    "media_roots": lambda v: tuple(map(str, v if isinstance(v, list) else [v])),
}


def load_settings(folder: Path) -> Settings:
    """The settings of ``emsync.toml`` in a folder; empty when there is none.

    Raises:
        InputError: not TOML, an unknown key or an unusable value.
    """
    path = folder / SETTINGS_FILE
    if not path.is_file():
        return Settings()
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"cannot be read: {error}", str(path), "bad_settings") from error
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in _READERS:
            raise InputError(f"unknown key {key!r} (known: {', '.join(_READERS)})", str(path), "bad_settings")
        try:
            values[key] = _READERS[key](value)
        except InputError as error:
            raise InputError(f"{key}: {error.message}", str(path), error.code) from error
    if "soundfont" in values:
        values["soundfont"] = folder / values["soundfont"]
    if "media_roots" in values:
        values["media_roots"] = tuple(folder / root for root in values["media_roots"])
    return Settings(**values)
