"""Caption files: SubRip (``.srt``) and WebVTT (``.vtt``) in whatever encoding they were saved, Timed Text (``.itt``,
``.ttml``, ``.dfxp``) and ``.stl``."""

from __future__ import annotations

import html
import re
from fractions import Fraction
from pathlib import Path

from emsync_engine.errors import InputError
from emsync_engine.picture import Caption
from otio_adapters.captions_stl import read_stl
from otio_adapters.captions_ttml import read_ttml
from otio_adapters.formats.text import read_text

_CLOCK = r"(?:(\d+):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})"
_CUE = re.compile(rf"^\s*{_CLOCK}\s*-->\s*{_CLOCK}")
_TAG = re.compile(r"<[^>]*>|\{\\[^}]*\}")
_TIMED_TEXT = (".itt", ".ttml", ".dfxp")
CAPTION_SUFFIXES = (".srt", ".vtt", *_TIMED_TEXT, ".stl")
_PLAIN_RATE = Fraction(25)
_MANY_ZEROS = 0.3
"""Share of zero bytes at odd or even places from which a text without a mark is UTF-16."""


def captions_beside(path: Path, rate: Fraction = _PLAIN_RATE) -> tuple[tuple[Caption, ...], tuple[str, ...]]:
    """Captions of the files named like the timeline (``cut.srt``, ``cut.en.vtt``), and warnings.

    The first file in alphabetical order counts: others are translations of it.

    Args:
        path: the timeline.
        rate: frames a second of the sequence, for captions that count frames and do not say.
    """
    stem = path.name.partition(".")[0] if path.suffix.lower() in CAPTION_SUFFIXES else path.stem
    try:
        files = sorted(
            candidate
            for candidate in path.parent.iterdir()
            if candidate.suffix.lower() in CAPTION_SUFFIXES
            and (candidate.stem == stem or candidate.stem.rpartition(".")[0] == stem)
        )
    except OSError as error:
        return (), (f"captions beside {path.name} could not be looked for: {error.strerror}",)
    if not files:
        return (), ()
    try:
        return read_captions(files[0], rate), ()
    except (InputError, OSError) as error:
        return (), (f"captions {files[0].name} could not be read: {error}",)


def read_captions(path: Path, rate: Fraction = _PLAIN_RATE) -> tuple[Caption, ...]:
    """The captions of a file. Text is UTF-8 or UTF-16 with or without a mark, else Windows' Latin.

    Args:
        path: the file.
        rate: frames a second, for captions that count frames and do not say.

    Raises:
        InputError: it is binary, or not what its suffix says.
        OSError: it cannot be read.
    """
    if path.suffix.lower() in _TIMED_TEXT:
        return read_ttml(path, rate)
    if path.suffix.lower() == ".stl":
        return read_stl(path, rate)
    encoding = _unmarked_utf16(path.read_bytes()[:4096])
    text = path.read_bytes().decode(encoding, errors="replace") if encoding else read_text(path)
    return parse_captions(text)


def _unmarked_utf16(data: bytes) -> str:
    """``utf-16-le`` or ``-be`` for text in them without a byte order mark; empty for anything else."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or len(data) < 4:
        return ""
    zeros = [data[first::2].count(0) / (len(data) // 2) for first in (0, 1)]
    if max(zeros) < _MANY_ZEROS or min(zeros) > _MANY_ZEROS / 3:
        return ""
    return "utf-16-le" if zeros[1] > zeros[0] else "utf-16-be"


def parse_captions(text: str) -> tuple[Caption, ...]:
    """Captions of a SubRip or WebVTT text, in order; formatting tags are dropped."""
    captions: list[Caption] = []
    for block in re.split(r"\n\s*\n", text.replace("\r\n", "\n").replace("\r", "\n")):
        lines = block.strip("\n").split("\n")
        for number, line in enumerate(lines):
            times = _CUE.match(line)
            if times:
                start, end = _seconds(times.groups()[:4]), _seconds(times.groups()[4:])
                words = plain_text("\n".join(lines[number + 1 :]))
                if words and end > start:
                    captions.append(Caption(start, end, words))
                break
    return tuple(sorted(captions, key=lambda caption: (caption.start, caption.end)))


def plain_text(text: str) -> str:
    """Text in one line without formatting tags and entities."""
    return " ".join(html.unescape(_TAG.sub("", line)).strip() for line in text.splitlines()).strip()


def _seconds(clock: tuple[str | None, ...]) -> Fraction:
    hours, minutes, seconds, part = clock
    fraction = Fraction(int(part or 0), 10 ** len(part or "0"))
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(seconds or 0) + fraction
