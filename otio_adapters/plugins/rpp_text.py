"""The text of REAPER projects: nested blocks of words, in and out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction

from emsync_engine.errors import InputError

_WORD = re.compile(r'"([^"]*)"?|\'([^\']*)\'?|`([^`]*)`?|(\S+)')
_QUOTES = re.compile("[\"'`]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,2})?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029\x85]+")
_MAX_DEPTH = 100


@dataclass
class Block:
    """``<NAME words`` with its lines and inner blocks in order, up to ``>``."""

    words: list[str]
    entries: list[list[str] | Block] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.words[0].upper() if self.words else ""

    def lines(self, key: str) -> Iterator[list[str]]:
        """Words of each line that begins with a key, without the key."""
        return (entry[1:] for entry in self.entries if isinstance(entry, list) and entry[0] == key)

    def first(self, key: str) -> list[str]:
        """Words after the first such key; empty when absent."""
        return next(self.lines(key), [])

    def number(self, key: str, default: Fraction = Fraction(0), place: int = 0) -> Fraction:
        words = self.first(key)
        return number(words[place], default) if len(words) > place else default

    def inner(self, name: str) -> Iterator[Block]:
        return (entry for entry in self.entries if isinstance(entry, Block) and entry.name == name)


def parse(text: str) -> Block:
    """The project. Unknown keys and blocks are kept as words; an unclosed quote ends with its line.

    Raises:
        InputError: not a REAPER project, or one that ends early.
    """
    if not text.lstrip("\ufeff \t\r\n").startswith("<REAPER_PROJECT"):
        raise InputError("is not a REAPER project: save it again", code="not_a_timeline")
    root = Block([])
    opened = [root]
    for raw in text.lstrip("\ufeff").split("\n"):
        line = raw.strip()
        if line.startswith("<"):
            block = Block(words_of(line[1:]))
            opened[-1].entries.append(block)
            opened.append(block)
            if len(opened) > _MAX_DEPTH:
                raise InputError("is nested too deeply to be a REAPER project: save it again", code="not_a_timeline")
        elif line == ">":
            if len(opened) > 1:
                opened.pop()
        elif line and (words := words_of(line)):
            opened[-1].entries.append(words)
    if len(opened) > 1:
        raise InputError("ends in the middle: save the project again", code="not_a_timeline")
    return next(root.inner("REAPER_PROJECT"))


def words_of(line: str) -> list[str]:
    """Words of a line: bare, or in one of the three quotes."""
    if not _QUOTES.search(line):
        return line.split()
    return [next((part for part in match.groups() if part is not None), "") for match in _WORD.finditer(line)]


def quote(text: str) -> str:
    """A word in the first kind of quote it does not hold itself; line ends become spaces.

    REAPER has no escapes: a text with all three kinds loses its backticks to apostrophes.
    """
    text = one_line(text)
    for mark in "\"'`":
        if mark not in text:
            return f"{mark}{text}{mark}"
    return f"`{text.replace('`', chr(39))}`"


def one_line(text: str) -> str:
    """The text with spaces for line ends and control characters."""
    return _CONTROL.sub(" ", text).encode("utf-8", "replace").decode()


def decimal(value: Fraction | float) -> str:
    """A number as REAPER writes it: plain, at most 12 places, which is as far as two hours of seconds are exact."""
    return f"{float(value):.12f}".rstrip("0").rstrip(".") or "0"


def number(text: str, default: Fraction = Fraction(0)) -> Fraction:
    """A decimal number of sane size; the default for anything else."""
    if text.isdecimal() and len(text) < 10:
        return Fraction(int(text))
    if not _NUMBER.fullmatch(text) or len(text) > 60:
        return default
    value = Fraction(text)
    return value if abs(value) < 10**10 else default
