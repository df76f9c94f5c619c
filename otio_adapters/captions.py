"""Captions beside a timeline: SubRip (``.srt``) and WebVTT (``.vtt``)."""

from __future__ import annotations

import html
import re
from fractions import Fraction
from pathlib import Path

from emsync_engine.picture import Caption

_CLOCK = r"(?:(\d+):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})"
_CUE = re.compile(rf"^\s*{_CLOCK}\s*-->\s*{_CLOCK}")
_TAG = re.compile(r"<[^>]*>|\{\\[^}]*\}")
_SUFFIXES = (".srt", ".vtt")


def captions_beside(path: Path) -> tuple[tuple[Caption, ...], tuple[str, ...]]:
    """Captions of the files named like the timeline (``cut.srt``, ``cut.en.vtt``), and warnings.

    The first file in alphabetical order counts: others are translations of it.
    """
    stem = path.name.partition(".")[0] if path.suffix.lower() in _SUFFIXES else path.stem
    try:
        files = sorted(
            candidate
            for candidate in path.parent.iterdir()
            if candidate.suffix.lower() in _SUFFIXES
            and (candidate.stem == stem or candidate.stem.rpartition(".")[0] == stem)
        )
    except OSError as error:
        return (), (f"captions beside {path.name} could not be looked for: {error.strerror}",)
    if not files:
        return (), ()
    try:
        return parse_captions(files[0].read_text(encoding="utf-8-sig", errors="replace")), ()
    except OSError as error:
        return (), (f"captions {files[0].name} could not be read: {error.strerror}",)


def parse_captions(text: str) -> tuple[Caption, ...]:
    """Captions of a SubRip or WebVTT text, in order; formatting tags are dropped."""
    captions: list[Caption] = []
    for block in re.split(r"\n\s*\n", text.replace("\r\n", "\n").replace("\r", "\n")):
        lines = block.strip("\n").split("\n")
        for number, line in enumerate(lines):
            times = _CUE.match(line)
            if times:
                start, end = _seconds(times.groups()[:4]), _seconds(times.groups()[4:])
                words = " ".join(html.unescape(_TAG.sub("", part)).strip() for part in lines[number + 1 :])
                if words.strip() and end > start:
                    captions.append(Caption(start, end, words.strip()))
                break
    return tuple(sorted(captions, key=lambda caption: (caption.start, caption.end)))


def _seconds(clock: tuple[str | None, ...]) -> Fraction:
    hours, minutes, seconds, part = clock
    fraction = Fraction(int(part or 0), 10 ** len(part or "0"))
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(seconds or 0) + fraction
