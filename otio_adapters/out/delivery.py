"""``Delivery``: a scored cue with its audio files, as every form of it needs it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import PurePath
from typing import Literal

from emsync_engine.picture import Picture
from emsync_engine.score import Score
from emsync_engine.smf import ascii_text

MIX_NAME = "MX Mix"

COLOURS = {"hit": "PURPLE", "section": "CYAN"}
"""Marker colours by kind; names of OpenTimelineIO."""


@dataclass(frozen=True)
class Mark:
    """A marker of ours. Frames count from the head of the sequence."""

    kind: Literal["hit", "section"]
    name: str
    comment: str
    time: Fraction
    """Exact seconds from the head."""
    end: Fraction
    """Equal to ``time`` for a hit."""
    frame: int
    frames: int
    """Length; 0 for a hit."""

    @property
    def colour(self) -> str:
        return COLOURS[self.kind]


@dataclass(frozen=True)
class Sound:
    """An audio file that starts at the head of the sequence and lasts as long as the picture."""

    name: str
    """Of the track."""
    path: PurePath
    is_mix: bool


@dataclass(frozen=True)
class Delivery:
    """A cue: its score, its picture, and the files rendered of it.

    The files are Broadcast WAV, 48 kHz stereo, as long as the picture in whole frames, with the record timecode of the
    picture's head as their time reference. Paths are absolute and where the files will lie in the end.
    """

    name: str
    score: Score
    picture: Picture
    """Of the cue alone: its head is the head of every form."""
    mix: PurePath | None = None
    stems: tuple[tuple[str, PurePath], ...] = ()
    """(id of the part, file)."""

    @property
    def file_name(self) -> str:
        """The cue's name in letters, digits, ``_``, ``-`` and ``.`` that no system and no URL stumbles over."""
        plain = re.sub(r"[^A-Za-z0-9._-]+", "_", ascii_text(self.name.replace("ß", "ss")))
        return plain.strip("._-")[:100] or "cue"

    @property
    def rate(self) -> Fraction:
        return self.picture.rate

    @property
    def frames(self) -> int:
        """Length in whole frames, as the audio was rendered; at least one."""
        return max(self.picture.frame_at(self.picture.duration), 1)

    @property
    def length(self) -> Fraction:
        """Seconds of ``frames``."""
        return Fraction(self.frames) / self.rate

    @property
    def sounds(self) -> tuple[Sound, ...]:
        """The mix, then the stems in the order given."""
        mix = [Sound(MIX_NAME, self.mix, True)] if self.mix is not None else []
        names = {part.id: part.name for part in self.score.parts}
        return (*mix, *(Sound(f"MX {names.get(part, part)}", path, False) for part, path in self.stems))

    def is_heard(self, sound: Sound) -> bool:
        """Whether an editor hears it at once: the mix, and not the same music a second time in its stems."""
        return sound.is_mix or self.mix is None

    @property
    def marks(self) -> tuple[Mark, ...]:
        """Hits and sections in order of time, all within the picture."""
        found = [self._hit(number) for number in range(len(self.score.hits))]
        found += [self._section(number) for number in range(len(self.score.sections))]
        return tuple(sorted((m for m in found if 0 <= m.frame < self.frames), key=lambda m: (m.time, m.kind, m.name)))

    def _hit(self, number: int) -> Mark:
        hit = self.score.hits[number]
        name = f"Hit {number + 1}"
        return Mark("hit", name, _line(hit.label) or name, hit.time, hit.time, self.picture.frame_at(hit.time), 0)

    def _section(self, number: int) -> Mark:
        section = self.score.sections[number]
        start = max(self.score.tempo_map.seconds(section.tick), Fraction(0))
        end = max(min(self.score.tempo_map.seconds(section.end), self.length), start)
        frame = self.picture.frame_at(start)
        name = _line(section.name) or f"Section {number + 1}"
        comment = f"valence {section.valence:+.2f}, arousal {section.arousal:+.2f}"
        return Mark("section", name, comment, start, end, frame, max(self.picture.frame_at(end) - frame, 0))


def _line(text: str) -> str:
    """Text on one line without control characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
