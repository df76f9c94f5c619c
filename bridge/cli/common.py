"""Arguments and output that several commands share."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from bridge.settings import Settings, key_of, min_gap_of
from emsync_engine.errors import EmsyncError, UsageError
from emsync_engine.instructions import PARTS, parse_mood, parse_parts, parse_tempo
from emsync_engine.timecode import canonical_rate


def checked(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    """A parser of ours as an argparse type: its message becomes the usage error."""

    def convert(text: str) -> Any:
        try:
            return parse(text)
        except (EmsyncError, ValueError) as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return convert


def rate_argument(text: str) -> Fraction:
    rate = canonical_rate(text)
    if rate > 1000:
        raise ValueError(f"{text} frames a second is no frame rate")
    return rate


def add_input(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("input", type=Path, metavar="INPUT", help="timeline (OTIO, EDL, XML, AAF ...) or video file")
    parser.add_argument(
        "--rate", type=checked(rate_argument), help="frames a second of an EDL, such as 25 or 24000/1001"
    )
    parser.add_argument(
        "--media-root",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="look here for offline media, by name",
    )
    parser.add_argument("--within", action="store_true", help="also look for cuts inside long clips")


def add_scoring(parser: argparse.ArgumentParser) -> None:
    """The options that steer a score; they win over markers in the timeline and over emsync.toml."""
    parser.add_argument(
        "--mood", type=checked(parse_mood), metavar="V,A|WORD", help="valence,arousal in -1..1, or a word"
    )
    parser.add_argument("--seed", type=int, help="another number gives another score (default 1)")
    parser.add_argument("--parts", type=checked(parse_parts), help=f"who plays, from {','.join(PARTS)}")
    parser.add_argument(
        "--min-gap",
        type=checked(min_gap_of),
        metavar="S",
        help="least seconds between hits (default 4, never under 0.3)",
    )
    parser.add_argument("--tempo", type=checked(parse_tempo), help="beats a minute wanted, 40..200")
    parser.add_argument("--key", type=checked(key_of), help="such as 'd minor'")
    add_engine(parser, "who composes: the trained model (default) or the rules, which need no weights")
    parser.add_argument("--soundfont", type=Path, metavar="SF2", help="SoundFont for the audio")


def add_engine(parser: argparse.ArgumentParser, text: str) -> None:
    parser.add_argument("--engine", choices=("model", "rules"), help=text)


def settings_of(options: argparse.Namespace) -> Settings:
    """The command line's part of the settings."""
    get = vars(options).get
    return Settings(
        mood=get("mood"),
        seed=get("seed"),
        parts=get("parts"),
        min_gap=get("min_gap"),
        tempo=get("tempo"),
        key=get("key"),
        engine=get("engine"),
        soundfont=get("soundfont"),
        media_roots=tuple(get("media_root") or ()),
        rate=get("rate"),
    )


def folder_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dir", type=Path, metavar="DIR", help="a score folder, as made by emsync score")


def require(condition: bool, message: str) -> None:
    """Raises:
    UsageError: unless the condition holds.
    """
    if not condition:
        raise UsageError(message)


class Reporter:
    """Progress on stderr when it is a terminal and no JSON is wanted."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._on = sys.stderr.isatty()
        self._last = ""

    def __call__(self, done: float, stage: str) -> None:
        if not self._on or not stage:
            return
        line = f"{stage} ..." if not 0 < done < 1 else f"{stage} {done:4.0%}"
        if line != self._last:
            sys.stderr.write(f"\r\x1b[K{line}")
            sys.stderr.flush()
            self._last = line

    def close(self) -> None:
        if self._on and self._last:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def say(text: str = "") -> None:
    sys.stdout.write(text + "\n")


def warn(warnings: Iterable[str]) -> None:
    for warning in warnings:
        sys.stderr.write(f"warning: {warning}\n")


def table(rows: Sequence[Sequence[str]], indent: str = "  ") -> None:
    """Left-aligned columns; the last one is free."""
    if not rows:
        return
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]) - 1)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths)]
        say((indent + "  ".join([*cells, row[-1]])).rstrip())


def clock(seconds: float) -> str:
    """``m:ss.mmm``."""
    minutes, rest = divmod(round(seconds * 1000), 60_000)
    return f"{minutes}:{rest // 1000:02d}.{rest % 1000:03d}"


def say_files(files: Mapping[str, str]) -> None:
    labels = {"wav": "mix", "midi": "MIDI", "timeline": "timeline", "report": "report", "document": "score"}
    rows = [(labels[k], files[k]) for k in ("midi", "wav", "timeline", "report", "document") if k in files]
    stems = [path for key, path in files.items() if key.startswith("stem_")]
    if stems:
        rows.insert(2, ("stems", f"{Path(stems[0]).parent} ({len(stems)} files)"))
    others = sorted(key for key, path in files.items() if key == Path(path).name)
    if others:
        rows.append(("also", ", ".join(others)))
    table(rows)
