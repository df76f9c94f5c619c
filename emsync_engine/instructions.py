"""The words a user may write into timeline markers, whatever editing system carried them.

``hit``, ``no-hit``, ``mood: tense``, ``mood: -0.4,0.7``, ``section: chase``, ``silence``, ``tempo: 92``,
``key: d minor``, ``parts: strings,piano``, ``cue: NAME``, ``end``. Anything else is a plain marker.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from emsync_engine.errors import InputError
from emsync_engine.mood.words import mood_from_word
from emsync_engine.picture import Instruction

PARTS = ("drums", "bass", "piano", "guitar", "strings")
"""The parts of the standard ensemble in score order."""

_PITCH_CLASSES = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11, "h": 11}
_KEY = re.compile(r"^([a-h])\s*(#|♯|sharp|b|♭|flat)?\s*[- ]?\s*(maj|major|min|minor|m)?$")


def parse_mood(text: str) -> tuple[float, float]:
    """(valence, arousal) of ``-0.4,0.7`` or of a word such as ``tense``.

    Raises:
        InputError: neither two numbers in [-1, 1] nor a known word.
    """
    numbers = re.split(r"[,;\s]+", text.strip())
    if len(numbers) == 2:
        try:
            valence, arousal = (float(n) for n in numbers)
        except ValueError:
            pass
        else:
            if not (-1 <= valence <= 1 and -1 <= arousal <= 1):
                raise InputError(
                    f"mood {text!r} is outside -1..1 (give valence,arousal such as -0.4,0.7)", code="bad_mood"
                )
            return valence, arousal
    return mood_from_word(text)


def parse_key(text: str) -> tuple[int, str]:
    """(pitch class, ``"major"`` or ``"minor"``) of ``d minor``, ``F# major``, ``Bb``, ``am``.

    Raises:
        InputError: not a key.
    """
    match = _KEY.match(text.strip().lower())
    if not match:
        raise InputError(f"{text!r} is not a key (write it like 'd minor' or 'F# major')", code="bad_key")
    letter, accidental, mode = match.groups()
    shift = {None: 0, "#": 1, "♯": 1, "sharp": 1, "b": -1, "♭": -1, "flat": -1}[accidental]
    tonic = (_PITCH_CLASSES[letter] + shift) % 12
    return tonic, "minor" if mode in ("min", "minor", "m") else "major"


def parse_tempo(text: str) -> float:
    """Beats a minute, 40..200.

    Raises:
        InputError: not a number in that range.
    """
    try:
        tempo = float(text.strip().lower().removesuffix("bpm").strip())
    except ValueError as error:
        raise InputError(f"{text!r} is not a tempo (give beats a minute such as 92)", code="bad_tempo") from error
    if not 40 <= tempo <= 200:
        raise InputError(f"tempo {tempo:g} is outside 40..200 beats a minute", code="bad_tempo")
    return tempo


def parse_parts(text: str) -> tuple[str, ...]:
    """Parts of a comma-separated list, in score order.

    Raises:
        InputError: an unknown part, or none.
    """
    names = [name.strip().lower() for name in re.split(r"[,+]", text) if name.strip()]
    unknown = [name for name in names if name not in PARTS]
    if unknown or not names:
        what = f"unknown part {', '.join(map(repr, unknown))}" if unknown else "no part given"
        raise InputError(f"{what} (choose from {', '.join(PARTS)})", code="bad_parts")
    return tuple(part for part in PARTS if part in names)


def _name(text: str) -> str:
    if not text.strip():
        raise InputError("a name is missing after the colon", code="bad_name")
    return text.strip()


_BARE: tuple[str, ...] = ("hit", "no-hit", "silence", "end")
_WITH_VALUE: dict[str, Callable[[str], Any]] = {
    "mood": parse_mood,
    "section": _name,
    "tempo": parse_tempo,
    "key": parse_key,
    "parts": parse_parts,
    "cue": _name,
}


def parse_instruction(text: str) -> Instruction | None:
    """The instruction a marker's text gives, or None for a plain marker.

    Raises:
        InputError: the keyword is ours but its value cannot be used.
    """
    line = text.strip().lower()
    if line in _BARE:
        return Instruction(line)  # type: ignore[arg-type]
    keyword, colon, value = text.partition(":")
    parse = _WITH_VALUE.get(keyword.strip().lower())
    if not colon or parse is None:
        return None
    return Instruction(keyword.strip().lower(), parse(value))  # type: ignore[arg-type]
