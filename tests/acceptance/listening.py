"""What is heard in ``score.mid``: read with mido through the file's own tempo map, by code that is not ours."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import combinations, pairwise
from pathlib import Path
from statistics import mean, median

import mido

DRUM_CHANNEL = 9
KICK_OR_CRASH = {35, 36, 49, 57}
TOLERANCE_S = Fraction(1, 1000)


@dataclass(frozen=True)
class Sound:
    """A note as it sounds."""

    part: str
    channel: int
    pitch: int
    velocity: int
    tick: int
    end_tick: int
    start_s: Fraction
    end_s: Fraction

    @property
    def is_drum(self) -> bool:
        return self.channel == DRUM_CHANNEL


@dataclass(frozen=True)
class Heard:
    """A whole file."""

    midi: mido.MidiFile
    tempos: tuple[tuple[int, int], ...]
    """(tick, microseconds a quarter)."""
    metres: tuple[tuple[int, int, int], ...]
    """(tick, numerator, denominator)."""
    markers: tuple[tuple[int, str], ...]
    sounds: tuple[Sound, ...]

    def seconds(self, tick: int) -> Fraction:
        total, here, us = Fraction(0), 0, 500_000
        for at, tempo in self.tempos:
            if at >= tick:
                break
            total += Fraction((at - here) * us, self.midi.ticks_per_beat)
            here, us = at, tempo
        return (total + Fraction((tick - here) * us, self.midi.ticks_per_beat)) / 1_000_000

    @cached_property
    def parts(self) -> dict[str, list[Sound]]:
        rows: dict[str, list[Sound]] = {track.name: [] for track in self.midi.tracks[1:]}
        for sound in self.sounds:
            rows[sound.part].append(sound)
        return rows

    @cached_property
    def at_tick(self) -> dict[int, list[Sound]]:
        rows: dict[int, list[Sound]] = defaultdict(list)
        for sound in self.sounds:
            rows[sound.tick].append(sound)
        return rows

    @cached_property
    def accents(self) -> list[tuple[Fraction, int]]:
        """(seconds, tick) of three or more pitched onsets, or kick or crash with bass."""
        return sorted((row[0].start_s, tick) for tick, row in self.at_tick.items() if is_accent(row))

    @cached_property
    def bar_lines(self) -> list[int]:
        """Ticks of all bar lines from the metres, and the one after the last note."""
        last = max((s.end_tick for s in self.sounds), default=0)
        lines = [0]
        while lines[-1] < last:
            _, beats, unit = next(m for m in reversed(self.metres) if m[0] <= lines[-1])
            lines.append(lines[-1] + beats * self.midi.ticks_per_beat * 4 // unit)
        return lines

    @property
    def end_s(self) -> Fraction:
        """The last note-off."""
        return max(s.end_s for s in self.sounds)

    def nearest_accent(self, seconds: Fraction) -> tuple[Fraction, int]:
        at = bisect_left(self.accents, (seconds, 0))
        near = self.accents[max(at - 1, 0) : at + 1]
        return min(near, key=lambda accent: abs(accent[0] - seconds))

    def is_met(self, seconds: Fraction) -> bool:
        return bool(self.accents) and abs(self.nearest_accent(seconds)[0] - seconds) <= TOLERANCE_S

    def stands_out(self, tick: int) -> bool:
        """Whether what begins at a tick is louder, on the average, than the median of its bar."""
        bar = bisect_right(self.bar_lines, tick) - 1
        start, end = self.bar_lines[bar], self.bar_lines[bar + 1]
        around = [s.velocity for s in self.sounds if start <= s.tick < end]
        return mean(s.velocity for s in self.at_tick[tick]) > median(around)

    def sounding(self, tick: int) -> list[Sound]:
        """Pitched notes that sound at a tick."""
        return [s for s in self.sounds if s.tick <= tick < s.end_tick and not s.is_drum]


def is_accent(row: Iterable[Sound]) -> bool:
    row = list(row)
    pitched = {s.pitch for s in row if not s.is_drum}
    drummed = any(s.is_drum and s.pitch in KICK_OR_CRASH for s in row)
    return len(pitched) >= 3 or (drummed and any(s.part == "Bass" for s in row))


def listen(path: Path) -> Heard:
    """Read a MIDI file. A note without an end, or an end without a note, is an error."""
    midi = mido.MidiFile(str(path))
    tempos, metres, markers = [], [], []
    for tick, message in _timed(midi.tracks[0]):
        if message.type == "set_tempo":
            tempos.append((tick, message.tempo))
        elif message.type == "time_signature":
            metres.append((tick, message.numerator, message.denominator))
        elif message.type == "marker":
            markers.append((tick, message.text))
    quiet = Heard(midi, tuple(tempos), tuple(metres), tuple(markers), ())
    sounds = [sound for track in midi.tracks[1:] for sound in _sounds(track, quiet)]
    return Heard(midi, tuple(tempos), tuple(metres), tuple(markers), tuple(sorted(sounds, key=lambda s: s.tick)))


def _timed(track: mido.MidiTrack) -> list[tuple[int, mido.Message]]:
    tick, rows = 0, []
    for message in track:
        tick += message.time
        rows.append((tick, message))
    return rows


def _sounds(track: mido.MidiTrack, clock: Heard) -> list[Sound]:
    open_notes: dict[int, tuple[int, int]] = {}
    sounds = []
    for tick, message in _timed(track):
        if message.type not in ("note_on", "note_off"):
            continue
        if message.type == "note_on" and message.velocity:
            assert message.note not in open_notes, f"{track.name}: {message.note} is struck while it sounds"
            open_notes[message.note] = (tick, message.velocity)
        else:
            began, velocity = open_notes.pop(message.note)
            sounds.append(
                Sound(track.name, message.channel, message.note, velocity, began, tick, clock.seconds(began),
                      clock.seconds(tick))
            )  # fmt: skip
    assert not open_notes, f"{track.name}: notes without an end"
    return sounds


def changed_share(a: Heard, b: Heard) -> float:
    """Share of notes that differ in part, place or pitch."""
    first, second = (Counter((s.part, s.tick, s.pitch) for s in heard.sounds) for heard in (a, b))
    return 1 - (first & second).total() / max(first.total(), second.total())


Figure = tuple[tuple[int, int], ...]
"""(ticks from the first note, semitones from the first note) of each note."""


def returning_figures(heard: Heard, apart_s: float = 8.0) -> dict[Figure, list[Fraction]]:
    """Melodic figures of a bar that come back note for note, in any register and part, and when (seconds).

    The figure begins on a bar line and may have other notes around it. A figure is melodic when it has four or more
    onsets, three or more pitches, moves by step somewhere and never by more than a sixth: neither a repeated chord
    nor an arpeggio counts.
    """
    shapes = [
        (heard.seconds(line), _shape(row, line))
        for part, row in heard.parts.items()
        if part not in ("Drums", "Bass")
        for line in heard.bar_lines[:-1]
    ]
    found: dict[Figure, set[Fraction]] = defaultdict(set)
    for (first_s, a), (later_s, b) in combinations([s for s in shapes if len(s[1]) >= 4], 2):
        figure = _top(a & b)
        if abs(later_s - first_s) >= apart_s and _is_melodic(figure):
            found[figure] |= {first_s, later_s}
    return {figure: sorted(times) for figure, times in found.items()}


def _shape(row: Sequence[Sound], line: int, length: int = 3840) -> set[tuple[int, int]]:
    here = [s for s in row if line <= s.tick < line + length]
    top = max((s.pitch for s in here if s.tick == line), default=None)
    return {(s.tick - line, s.pitch - top) for s in here} if top is not None else set()


def _top(points: Iterable[tuple[int, int]]) -> Figure:
    highest: dict[int, int] = {}
    for tick, pitch in points:
        highest[tick] = max(pitch, highest.get(tick, pitch))
    return tuple(sorted(highest.items()))


def _is_melodic(figure: Figure) -> bool:
    moves = [abs(b - a) for (_, a), (_, b) in pairwise(figure)]
    if len(figure) < 4 or figure[0] != (0, 0) or len({pitch for _, pitch in figure}) < 3:
        return False
    return max(moves) <= 9 and any(move in (1, 2) for move in moves)
