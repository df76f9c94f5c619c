"""What every lane and table of the report looks at: the values, the clock, and how a time is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from emsync_engine.mood.curve import MoodCurve
from emsync_engine.picture import Picture
from emsync_engine.score import TICKS_PER_QUARTER, ChordSpan, Key, Score, TempoMap

FloatArray = npt.NDArray[np.float64]

SHARP_NAMES = ["C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B"]
FLAT_NAMES = ["C", "D♭", "D", "E♭", "E", "F", "G♭", "G", "A♭", "A", "B♭", "B"]
PLAIN_NAMES = ["C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B"]
"""What a key without signature borrows: its flat side in the upper half, its leading notes as sharps."""

CHORD_SUFFIXES = {
    "maj": "", "min": "m", "dim": "°", "aug": "+", "min7": "m7", "dom7": "7", "dim7": "°7", "hdim7": "ø7",
    "madd9": "m(add9)", "minmaj7": "m(maj7)", "maj6": "6", "min6": "m6", "min9": "m9", "dom9": "9",
}  # fmt: skip
"""How a quality is written after the root; the others (``sus4``, ``maj7`` ...) are written as they are called."""


@dataclass(frozen=True)
class HitReport:
    """How one hit came out.

    ``time_s`` is where the music should land, ``onset_s`` where it does, ``error_s`` their difference (positive is
    late), all in seconds from the head; ``bar`` and ``beat`` count from 1.
    """

    time_s: float
    onset_s: float
    error_s: float
    bar: int
    beat: float
    label: str = ""


class Clock:
    """Ticks to float seconds, for whole arrays at once."""

    def __init__(self, tempo_map: TempoMap, last_tick: int) -> None:
        ticks = [event.tick for event in tempo_map.events]
        ticks.append(max(last_tick, ticks[-1]) + TICKS_PER_QUARTER)
        self._ticks = np.array(ticks, dtype=np.float64)
        self._seconds = np.array([float(tempo_map.seconds(tick)) for tick in ticks])

    def seconds(self, ticks: Sequence[int] | FloatArray) -> FloatArray:
        """Seconds at each tick."""
        found: FloatArray = np.interp(np.asarray(ticks, dtype=np.float64), self._ticks, self._seconds)
        return found

    def at(self, tick: int) -> float:
        """Seconds at one tick."""
        return float(np.interp(tick, self._ticks, self._seconds))


@dataclass(frozen=True)
class View:
    """The cue as the report sees it."""

    picture: Picture
    mood: MoodCurve
    score: Score
    hits: Sequence[HitReport]
    thumbnails: Mapping[int, bytes]

    @cached_property
    def clock(self) -> Clock:
        ends = [self.score.end_tick, *(bar.end for bar in self.score.bars)]
        ends += [note.end for part in self.score.parts for note in part.notes]
        return Clock(self.score.tempo_map, max(ends))

    @cached_property
    def duration_s(self) -> float:
        """Length of the time axis: the picture's, or the score's where that is longer."""
        return max(float(self.picture.duration), float(self.score.duration), 0.04)

    @cached_property
    def bar_starts_s(self) -> FloatArray:
        return self.clock.seconds([bar.tick for bar in self.score.bars])

    def timecode(self, time_s: float) -> str:
        """Record timecode of a time."""
        return self.picture.timecode_at(Fraction(time_s))

    def bar_beat(self, tick: int) -> str:
        """``17.1``, or ``17.3.50`` with hundredths of a beat where it is not on one."""
        return bar_beat_text(*self.score.bar_beat(tick)) if self.score.bars else "1.1"

    def rooms(self, starts_s: Sequence[float] | FloatArray) -> list[float]:
        """From each of the rising starts to the next; the last one's room ends with the axis."""
        edges = [*map(float, starts_s), self.duration_s]
        return [b - a for a, b in pairwise(edges)]


def bar_beat_text(bar: int, beat: float) -> str:
    """``17.1``, or ``17.3.50`` with hundredths of a beat where it is not on one."""
    hundredths = round(beat * 100)
    whole, part = divmod(hundredths, 100)
    return f"{bar}.{whole}" + (f".{part:02d}" if part else "")


def clock_text(seconds: float, digits: int = 3) -> str:
    """``0:07.250`` or ``1:02:07.250``."""
    scale = 10**digits
    total = round(abs(seconds) * scale)
    whole, part = divmod(total, scale)
    minutes, secs = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    sign = "\N{MINUS SIGN}" if seconds < 0 and total else ""
    head = f"{hours}:{minutes:02d}:{secs:02d}" if hours else f"{minutes}:{secs:02d}"
    return sign + head + (f".{part:0{digits}d}" if digits else "")


def note_name(pitch: int) -> str:
    """``C4`` for 60."""
    return f"{SHARP_NAMES[pitch % 12]}{pitch // 12 - 1}"


def key_text(key: Key) -> str:
    """``B♭ minor``."""
    return key.name.replace("#", "♯").replace("b ", "♭ ", 1)


def chord_name(chord: ChordSpan, key: Key) -> tuple[str, str, str]:
    """Root, suffix and bass of ``B♭m7/F``, spelt as the key and the numeral have it; the last two may be empty."""
    names = _spelling(chord.numeral, key)
    root = names[chord.root % 12]
    above = 0 if chord.bass is None else (chord.bass - chord.root) % 12
    bass = f"/{_spell_above(root, above)}" if above else ""
    suffix = CHORD_SUFFIXES.get(chord.quality, chord.quality)
    minor = suffix.startswith("m") and not suffix.startswith("maj")
    return root + ("m" if minor else ""), suffix[1:] if minor else suffix, bass


def _spelling(numeral: str, key: Key) -> list[str]:
    if numeral[:1] in ("b", "♭"):
        return FLAT_NAMES
    if numeral[:1] in ("#", "♯"):
        return SHARP_NAMES
    relative_major = key.tonic if key.mode == "major" else key.tonic + 3
    sharps = (relative_major * 7 + 5) % 12 - 5  # of the signature; flats are negative
    return PLAIN_NAMES if sharps == 0 else SHARP_NAMES if sharps > 0 else FLAT_NAMES


def _spell_above(root: str, semitones: int) -> str:
    """The note so far above a root, on the letter that a chord's third, fifth or seventh has: G♯ over E, not A♭."""
    letters = "CDEFGAB"
    letter = letters[(letters.index(root[0]) + (0, 1, 1, 2, 2, 3, 4, 4, 4, 5, 6, 6)[semitones]) % 7]
    sharps = (
        SHARP_NAMES.index(root[0]) + root.count("♯") - root.count("♭") + semitones - SHARP_NAMES.index(letter)
    ) % 12
    sharps -= 12 if sharps > 6 else 0
    return letter + ("♯" * sharps if sharps > 0 else "♭" * -sharps)
