"""What a part needs to know while it writes: bars with their chords, energy and place in the form."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from emsync_engine.rules.theory import Chord
from emsync_engine.score import TICKS_PER_QUARTER, Bar, ChordSpan
from emsync_engine.spotting.cuesheet import CueSheet, SectionPlan

SIXTEENTH = TICKS_PER_QUARTER // 4
EIGHTH = TICKS_PER_QUARTER // 2
QUARTER = TICKS_PER_QUARTER

LEVELS = (0.22, 0.42, 0.62, 0.84)
"""Energies at which the texture steps up: still, gentle, moving, driving, racing."""


@dataclass(frozen=True)
class BarContext:
    """One bar as a part sees it."""

    bar: Bar
    stop: int
    """Where writing stops: the bar's end, or the close of the cue."""
    section: SectionPlan
    index: int
    """Bar number within its section."""
    phrase: int
    """Bar number since the last hit or section start."""
    left: int
    """Bars until the next hit, section or close, this one not counted."""
    energy: float
    """0..1 from arousal."""
    is_hit: bool
    chords: tuple[ChordSpan, ...]
    """Chords sounding in the bar, clipped to it."""
    next_chord: ChordSpan | None

    @property
    def level(self) -> int:
        """Texture 0 (still) .. 4 (racing)."""
        return bisect_right(LEVELS, self.energy)

    @property
    def before_turn(self) -> bool:
        """The next bar begins with a hit, a section or the close."""
        return self.left == 0

    @property
    def beats(self) -> int:
        """Whole beats that may be written."""
        return max((self.stop - self.bar.tick) // QUARTER, 0)

    def chord_at(self, tick: int) -> ChordSpan:
        """The chord sounding at a tick of the bar."""
        found = self.chords[0]
        for span in self.chords:
            if span.tick <= tick:
                found = span
        return found


@dataclass(frozen=True)
class Context:
    """A cue ready to be written: the sheet, its chords, and a seed for every (section, part)."""

    sheet: CueSheet
    chords: tuple[ChordSpan, ...]
    seeds: Mapping[tuple[str, str], int]
    """(section id, part id) -> seed."""

    def rng(self, section: SectionPlan, part: str, use: str = "") -> random.Random:
        """Random source shared by sections of one role that have one seed, so that their material returns."""
        return random.Random(f"{self.seeds[section.id, part]} {section.role} {part} {use}")

    def rng_once(self, section: SectionPlan, part: str, use: str = "") -> random.Random:
        """Random source of one section alone, for what should differ at each return."""
        return random.Random(f"{self.seeds[section.id, part]} {section.id} {part} {use}")

    def section_at(self, tick: int) -> SectionPlan:
        """The section that a tick lies in."""
        return self.sheet.sections[max(bisect_right([s.tick for s in self.sheet.sections], tick) - 1, 0)]

    @cached_property
    def levels(self) -> dict[int, int]:
        """Texture level by bar tick, for bars before the close."""
        return {b.bar.tick: b.level for b in self.bars}

    @cached_property
    def chord_ticks(self) -> list[int]:
        """Where the chords begin."""
        return [c.tick for c in self.chords]

    @cached_property
    def hit_ticks(self) -> frozenset[int]:
        return frozenset(h.tick for h in self.sheet.hits)

    @cached_property
    def bars(self) -> tuple[BarContext, ...]:
        """Bars before the close."""
        return tuple(_bar_contexts(self))

    @cached_property
    def returns(self) -> dict[str, int]:
        """Section id -> how often its role has been heard before: 0 for the first statement."""
        heard: dict[str, int] = {}
        result = {}
        for section in self.sheet.sections:
            result[section.id] = heard.get(section.role, 0)
            heard[section.role] = result[section.id] + 1
        return result

    def bars_of(self, part: str) -> list[BarContext]:
        """Bars in which a part plays: parts enter one after the other, and one rests where a section returns."""
        return [b for b in self.bars if part in b.section.parts and not self._waits(b, part)]

    def _waits(self, bar: BarContext, part: str) -> bool:
        section = bar.section
        if len(section.parts) < 3 or bar.level >= 3:
            return False
        if section.id == self.sheet.sections[0].id:  # the cue builds up to its first hit
            if bar.index == 0 and bar.before_turn and bar.beats < 4:  # a pickup: a chord that swells
                return part in ("guitar", "drums")
            enters = {"bass": 1, "guitar": 2, "drums": 2}.get(part, 0)
            before_hit = bar.phrase == bar.index
            return before_hit and bar.index < min(enters, bar.index + bar.left)
        resting = ("drums", "guitar", "bass", "drums")[self.returns[section.id] % 4]
        return part == resting and bar.index < (1 if self.returns[section.id] == 0 else 2)

    @property
    def closing_chord(self) -> ChordSpan:
        return self.chords[-1]


def as_chord(span: ChordSpan) -> Chord:
    return Chord(span.root, span.quality, span.numeral)


def _bar_contexts(context: Context) -> list[BarContext]:
    sheet = context.sheet
    bars = [b for b in sheet.bars if b.tick < sheet.final_tick]
    starts = [s.tick for s in sheet.sections]
    turns = context.hit_ticks | set(starts) | {sheet.final_tick}
    left = _bars_left(bars, turns)
    ticks = [c.tick for c in context.chords]
    result: list[BarContext] = []
    index = phrase = 0
    for i, bar in enumerate(bars):
        section = sheet.sections[max(bisect_right(starts, bar.tick) - 1, 0)]
        index = 0 if bar.tick == section.tick else index + 1
        phrase = 0 if bar.tick in turns else phrase + 1
        stop = min(bar.end, sheet.final_tick)
        chords, following = _chords_in(context.chords, ticks, bar.tick, stop)
        energy = (0.7 * section.arousal + 0.3 * sheet.arousal[i][1] + 1) / 2
        result.append(
            BarContext(
                bar,
                stop,
                section,
                index,
                phrase,
                left[i],
                min(max(energy, 0.0), 1.0),
                bar.tick in context.hit_ticks,
                chords,
                following,
            )
        )
    return result


def _bars_left(bars: Sequence[Bar], turns: frozenset[int] | set[int]) -> list[int]:
    left, count = [0] * len(bars), 0
    for i in range(len(bars) - 1, -1, -1):
        count = 0 if bars[i].end in turns or i == len(bars) - 1 else count + 1
        left[i] = count
    return left


def _chords_in(
    chords: Sequence[ChordSpan], ticks: Sequence[int], start: int, stop: int
) -> tuple[tuple[ChordSpan, ...], ChordSpan | None]:
    inside = []
    at = max(bisect_right(ticks, start) - 1, 0)
    while at < len(chords) and chords[at].tick < stop:
        span = chords[at]
        begin = max(span.tick, start)
        inside.append(replace(span, tick=begin, duration=min(span.end, stop) - begin))
        at += 1
    return tuple(inside), chords[at] if at < len(chords) else None
