"""Captions in ``.stl`` files: EBU subtitle data (binary), and the text of the same suffix that DVD tools write."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from emsync_engine.errors import InputError
from emsync_engine.picture import Caption
from emsync_engine.timecode import nominal_fps

_HEAD = 1024  # bytes of the general block
_BLOCK = 128  # bytes of a block of text
_TEXT = 16  # where its text begins
_NEW_LINE, _UNUSED = 0x8A, 0x8F
_USER_DATA, _LAST = 0xFE, 0xFF
_RATES = {b"STL23": Fraction(24000, 1001), b"STL24": Fraction(24), b"STL25": Fraction(25), b"STL30": Fraction(30)}
_CODE_PAGES = {b"01": "iso8859-5", b"02": "iso8859-6", b"03": "iso8859-7", b"04": "iso8859-8"}
_ACCENTS = dict(
    zip(
        range(0xC1, 0xD0),
        ("\u0300", "\u0301", "\u0302", "\u0303", "\u0304", "\u0306", "\u0307", "\u0308", "", "\u030a", "\u0327", "",
         "\u030b", "\u0328", "\u030c"),
    )
)  # fmt: skip
"""Accents of ISO 6937, which stand before their letter."""
_LETTERS = {
    0xA1: "¡", 0xA3: "£", 0xA4: "$", 0xA5: "¥", 0xA7: "§", 0xA9: "‘", 0xAA: "“", 0xAB: "«", 0xB0: "°", 0xB1: "±",
    0xB2: "²", 0xB3: "³", 0xB5: "µ", 0xB7: "·", 0xB9: "’", 0xBA: "”", 0xBB: "»", 0xBC: "¼", 0xBD: "½", 0xBE: "¾",
    0xBF: "¿", 0xD0: "—", 0xE1: "Æ", 0xE8: "Ł", 0xE9: "Ø", 0xEA: "Œ", 0xF0: "ĸ", 0xF1: "æ", 0xF5: "ı", 0xF8: "ł",
    0xF9: "ø", 0xFA: "œ", 0xFB: "ß", 0xEC: "Þ", 0xFC: "þ", 0xF3: "ð", 0xF2: "đ",
}  # fmt: skip
_LINE = re.compile(r"^\s*(\d{1,2}):(\d{2}):(\d{2})[:;.](\d{2})\s*,\s*(\d{1,2}):(\d{2}):(\d{2})[:;.](\d{2})\s*,\s*(.*)$")
_CONTROLS = re.compile(r"\^[BIUN]")


def read_stl(path: Path, rate: Fraction) -> tuple[Caption, ...]:
    """The captions of an ``.stl`` file, in order.

    Args:
        path: the file.
        rate: frames a second of the sequence, for the text kind, which does not say.

    Raises:
        InputError: neither kind.
    """
    data = path.read_bytes()
    if data[3:6] == b"STL" and len(data) >= _HEAD:
        captions = list(_of_blocks(data))
    elif b"\0" in data:
        raise InputError("is neither EBU subtitle data nor a list of captions", path.name, "not_captions")
    else:
        captions = list(_of_lines(data.decode("utf-8", errors="replace"), rate))
    return tuple(sorted(captions, key=lambda caption: (caption.start, caption.end)))


def _of_blocks(data: bytes) -> Iterator[Caption]:
    """Captions of EBU data, counted from the start of the programme; comments and user data are left out."""
    rate = _RATES.get(data[3:8], Fraction(25))
    page = _CODE_PAGES.get(data[12:14], "")
    start = _programme_start(data, rate)
    text = b""
    for at in range(_HEAD, len(data) - _BLOCK + 1, _BLOCK):
        block = data[at : at + _BLOCK]
        if block[3] == _USER_DATA or block[15] == 1:
            continue
        text += block[_TEXT:].partition(bytes([_UNUSED]))[0]
        if block[3] != _LAST:
            continue
        first, last = (_seconds(tuple(block[n : n + 4]), rate) - start for n in (5, 9))
        words = " ".join(_decoded(text, page).split())
        text = b""
        if words and last > first >= 0:
            yield Caption(first, last, words)


def _programme_start(data: bytes, rate: Fraction) -> Fraction:
    """Timecode of the programme's first frame, by which all others count; 0 where it is not given."""
    digits = data[256:264]
    if not digits.isdigit():
        return Fraction(0)
    start = _seconds(tuple(int(digits[n : n + 2]) for n in (0, 2, 4, 6)), rate)
    blocks = range(_HEAD, len(data) - _BLOCK + 1, _BLOCK)
    earliest = min((_seconds(tuple(data[at + 5 : at + 9]), rate) for at in blocks), default=start)
    return start if start <= earliest else Fraction(0)


def _seconds(clock: tuple[int, ...], rate: Fraction) -> Fraction:
    hours, minutes, seconds, frames = clock
    return Fraction(((hours * 60 + minutes) * 60 + seconds) * nominal_fps(rate) + frames) / rate


def _decoded(text: bytes, page: str) -> str:
    """Text without control codes: of a code page, else in ISO 6937."""
    if page:
        plain = bytes(b if b != _NEW_LINE else 0x20 for b in text if b == _NEW_LINE or b >= 0xA0 or 0x20 <= b < 0x7F)
        return plain.decode(page, errors="replace")
    words, accent = "", ""
    for byte in text:
        if byte in _ACCENTS:
            accent = _ACCENTS[byte]
        elif 0x20 <= byte < 0x7F or byte in _LETTERS:
            letter = chr(byte) if byte < 0x7F else _LETTERS[byte]
            words, accent = words + unicodedata.normalize("NFC", letter + accent), ""
        else:
            words += " "
    return words


def _of_lines(text: str, rate: Fraction) -> Iterator[Caption]:
    """Captions of the text kind: ``in , out , words | second line``."""
    for line in text.splitlines():
        match = _LINE.match(line)
        if match is None or line.lstrip().startswith(("//", "$")):
            continue
        first, last = (_seconds(tuple(int(match.group(n + k)) for k in range(4)), rate) for n in (1, 5))
        words = " ".join(_CONTROLS.sub("", match.group(9)).replace("|", " ").split())
        if words and last > first:
            yield Caption(first, last, words)
