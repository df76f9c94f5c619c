"""Chords, scales and numerals."""

from __future__ import annotations

import re
from dataclasses import dataclass

from emsync_engine.score import Key

QUALITIES: dict[str, tuple[int, ...]] = {
    "maj": (0, 4, 7), "min": (0, 3, 7), "dim": (0, 3, 6), "aug": (0, 4, 8), "sus2": (0, 2, 7), "sus4": (0, 5, 7),
    "maj7": (0, 4, 7, 11), "min7": (0, 3, 7, 10), "dom7": (0, 4, 7, 10), "hdim7": (0, 3, 6, 10),
    "dim7": (0, 3, 6, 9), "add9": (0, 2, 4, 7), "madd9": (0, 2, 3, 7), "7sus4": (0, 5, 7, 10),
}  # fmt: skip
"""Semitones above the root."""

SCALES: dict[str, tuple[int, ...]] = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
}
_DEGREES = {"i": 0, "ii": 1, "iii": 2, "iv": 3, "v": 4, "vi": 5, "vii": 6}
_NUMERAL = re.compile(r"^([b#]?)([ivIV]+)(°|ø)?(maj7|7|sus2|sus4|7sus4|add9)?(?:/([b#]?[ivIV]+))?$")


@dataclass(frozen=True)
class Chord:
    """A chord by pitch classes."""

    root: int
    quality: str
    numeral: str = ""

    @property
    def pitch_classes(self) -> tuple[int, ...]:
        return tuple((self.root + step) % 12 for step in QUALITIES[self.quality])

    @property
    def third(self) -> int:
        return (self.root + QUALITIES[self.quality][1]) % 12

    @property
    def fifth(self) -> int:
        return (self.root + QUALITIES[self.quality][-1 if len(QUALITIES[self.quality]) == 3 else 2]) % 12


def chord(numeral: str, key: Key) -> Chord:
    """The chord of a roman numeral: ``I``, ``vi7``, ``bVII``, ``V7/vi``, ``ii°``; degrees of the key's own scale.

    In minor, ``V``, ``V7`` and ``vii°`` stand on the usual degrees with the raised leading note.

    Raises:
        ValueError: not a numeral.
    """
    match = _NUMERAL.match(numeral)
    if (
        not match
        or match.group(2).lower() not in _DEGREES
        or not (match.group(2).islower() or match.group(2).isupper())
    ):
        raise ValueError(f"not a roman numeral: {numeral!r}")
    shift, roman, special, extension, target = match.groups()
    if target:
        goal = chord(target, key)
        applied = chord(numeral.rsplit("/", 1)[0], Key(goal.root, "major"))
        return Chord(applied.root, applied.quality, numeral)
    degree = _DEGREES[roman.lower()]
    scale = SCALES["major" if shift else key.mode]
    root = (key.tonic + scale[degree] + {"": 0, "b": -1, "#": 1}[shift]) % 12
    if special == "°" and degree == 6 and key.mode == "minor":
        root = (key.tonic + 11) % 12
    return Chord(root, _quality(roman, special, extension), numeral)


def _quality(roman: str, special: str | None, extension: str | None) -> str:
    minor = roman.islower()
    if special:
        return "dim" if special == "°" else "hdim7"
    if extension == "7":
        return "min7" if minor else "dom7"
    if extension == "add9":
        return "madd9" if minor else "add9"
    return extension or ("min" if minor else "maj")


def scale_pitch_classes(key: Key) -> tuple[int, ...]:
    return tuple((key.tonic + step) % 12 for step in SCALES[key.mode])


def scale_for(key: Key, over: Chord) -> tuple[int, ...]:
    """The key's scale bent to the chord: an accidental takes the place of the note of its own letter.

    A raised note (major third, root of a diminished chord, augmented fifth) replaces the note below it, any other
    chromatic note the one above.
    """
    scale = list(scale_pitch_classes(key))
    steps = QUALITIES[over.quality]
    for interval in steps:
        pc = (over.root + interval) % 12
        if pc in scale:
            continue
        raised = interval == 4 or interval == 8 or (interval == 0 and steps[:3] == (0, 3, 6))
        order = ((pc - 1) % 12, (pc + 1) % 12) if raised else ((pc + 1) % 12, (pc - 1) % 12)
        place = next((n for n in order if n in scale and n not in over.pitch_classes), None)
        if place is not None:
            scale[scale.index(place)] = pc
    return tuple(scale)


def diatonic(root: int, key: Key) -> Chord | None:
    """The triad of the key on a root pitch class; None when the root is not in the key."""
    scale = scale_pitch_classes(key)
    if root not in scale:
        return None
    degree = scale.index(root)
    third, fifth = ((scale[(degree + k) % 7] - root) % 12 for k in (2, 4))
    quality = next(q for q in ("maj", "min", "dim") if QUALITIES[q] == (0, third, fifth))
    roman = ("I", "II", "III", "IV", "V", "VI", "VII")[degree]
    flat = "b" if key.mode == "minor" and degree in (2, 5, 6) and quality == "maj" else ""
    return Chord(
        root, quality, flat + (roman if quality == "maj" else roman.lower() + ("°" if quality == "dim" else ""))
    )


def nearest(pitch_class: int, around: int) -> int:
    """The pitch of a class nearest to ``around`` (the lower one of two)."""
    return around + (pitch_class - around + 6) % 12 - 6


def snap(pitch: int, pitch_classes: tuple[int, ...]) -> int:
    """The nearest pitch that belongs to one of the classes."""
    return min((nearest(pc, pitch) for pc in pitch_classes), key=lambda p: (abs(p - pitch), p))


def step(pitch: int, steps: int, scale: tuple[int, ...]) -> int:
    """Move along a scale from ``pitch`` (snapped to it) by scale steps."""
    pitch = snap(pitch, scale)
    direction = 1 if steps > 0 else -1
    for _ in range(abs(steps)):
        pitch += direction
        while pitch % 12 not in scale:
            pitch += direction
    return pitch
