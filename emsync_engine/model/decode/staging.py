"""From a cue sheet and its harmony to what a decode needs: the bars on the grid, the guide, and the frame."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from emsync_engine.model import conditions as cond
from emsync_engine.model import events as ev
from emsync_engine.model import harmony
from emsync_engine.model.decode.ensemble import groups_of
from emsync_engine.model.decode.frame import BoolArray, Frame, Limits, Strike
from emsync_engine.rules.theory import SCALES, Chord, scale_for
from emsync_engine.score import TICKS_PER_QUARTER, ChordSpan, Key
from emsync_engine.spotting.cuesheet import CueSheet, SectionPlan

GRID_TICKS = TICKS_PER_QUARTER // ev.GRID
"""Score ticks of a grid tick."""

SECTION_SHARE = 0.7
"""How much of a bar's arousal is its section's; the rest is the curve's."""
_DENSITY_BASE = (2.35, 2.75, 3.1, 3.25, 3.4)
_DENSITY_SLOPE = 0.65
"""Notes a quarter aimed at: log2(1 + density) by the number of parts, at arousal 0 and per unit of arousal; medians
of the training bars with as many groups."""

_QUALITY_CODES = {
    "maj": "maj", "min": "min", "dim": "dim", "aug": "aug", "sus2": "sus", "sus4": "sus", "maj7": "maj7",
    "min7": "min7", "dom7": "7", "hdim7": "m7b5", "dim7": "dim7", "add9": "maj", "madd9": "min", "7sus4": "sus",
}  # fmt: skip
"""The rules' chord qualities in the model's alphabet."""


def to_grid(tick: int) -> int:
    """Nearest grid tick of a score tick."""
    return round(tick / GRID_TICKS)


def first_at(tick: int) -> int:
    """First grid tick that is not before a score tick."""
    return -(-tick // GRID_TICKS)


@dataclass(frozen=True)
class Stage:
    """A cue on the grid."""

    sheet: CueSheet
    chords: tuple[ChordSpan, ...]

    @cached_property
    def bar_start(self) -> ev.IntArray:
        """Grid tick of each of the model's bars, and the end: the sheet's, those of more than eight beats split."""
        starts: list[int] = []
        for bar in self.sheet.bars:
            begin = to_grid(bar.tick)
            starts += range(begin, begin + bar.beats * ev.GRID, ev.MAX_BAR_TICKS)
        last = self.sheet.bars[-1]
        return np.array([*starts, to_grid(last.tick) + last.beats * ev.GRID], dtype=np.int32)

    @property
    def n_ticks(self) -> int:
        return int(self.bar_start[-1])

    @property
    def end(self) -> int:
        """First grid tick at or after the end of the cue."""
        return min(first_at(self.sheet.end_tick), self.n_ticks)

    @property
    def final(self) -> int:
        """Grid tick of the closing chord."""
        return to_grid(self.sheet.final_tick)

    @cached_property
    def stop_bar(self) -> int:
        """The bar after the last in which something may begin."""
        return int(np.searchsorted(self.bar_start[:-1], self.end))

    @cached_property
    def hits(self) -> dict[int, int]:
        """Grid tick of each hit before the end, with its exact score tick."""
        return {to_grid(h.tick): h.tick for h in self.sheet.hits if to_grid(h.tick) < self.end}

    def section_at(self, tick: int) -> SectionPlan:
        """The section of a score tick."""
        return self.sheet.sections[max(bisect_right(self._section_starts, tick) - 1, 0)]

    @cached_property
    def _section_starts(self) -> list[int]:
        return [s.tick for s in self.sheet.sections]

    def chord_at(self, tick: int) -> ChordSpan | None:
        """The chord of a grid tick."""
        at = bisect_right(self._chord_starts, tick) - 1
        return self.chords[at] if at >= 0 else None

    @cached_property
    def _chord_starts(self) -> list[int]:
        return [to_grid(c.tick) for c in self.chords]

    @property
    def parts(self) -> frozenset[str]:
        """Everybody who plays in some section."""
        return frozenset(part for section in self.sheet.sections for part in section.parts)

    @cached_property
    def arousal(self) -> NDArray[np.float64]:
        """By bar of the model: the section's, leaning to the curve's."""
        ticks = [tick for tick, _ in self.sheet.arousal]
        values = []
        for start in self.bar_start[:-1] * GRID_TICKS:
            own = self.section_at(int(start)).arousal
            at = max(bisect_right(ticks, int(start)) - 1, 0)
            curve = self.sheet.arousal[at][1] if ticks else own
            values.append(SECTION_SHARE * own + (1 - SECTION_SHARE) * curve)
        return np.clip(np.array(values, dtype=np.float64), -1.0, 1.0)


def density_of(arousal: NDArray[np.float64], parts: NDArray[np.integer]) -> NDArray[np.float64]:
    """Notes a quarter, all parts together, aimed at for an arousal and a number of parts."""
    base = np.array(_DENSITY_BASE)[np.clip(parts, 1, len(_DENSITY_BASE)) - 1]
    return np.asarray(2.0 ** (base + _DENSITY_SLOPE * arousal) - 1)


def guide_of(stage: Stage, groups: Iterable[int]) -> cond.Guide:
    """What the network is told along the cue: every channel; the boundaries are the hits and the close."""
    sheet = stage.sheet
    starts = stage.bar_start * GRID_TICKS
    sections = [stage.section_at(int(tick)) for tick in starts[:-1]]
    begins = {s.tick for s in sheet.sections}
    seconds = np.array([float(sheet.tempo_map.seconds(int(tick))) for tick in starts])
    codes = [_chord_code(stage.chord_at(int(tick))) for tick in harmony.beats_of(stage.bar_start).start[:-1]]
    instruments = np.zeros(ev.N_GROUPS, dtype=bool)
    instruments[list(groups)] = True
    parts = np.array([len(s.parts) for s in sections])
    return cond.Guide(
        bar_start=stage.bar_start,
        bar_seconds=np.diff(seconds),
        valence=np.array([s.valence for s in sections], dtype=np.float64),
        arousal=stage.arousal,
        density=density_of(stage.arousal, parts),
        section=np.array([int(tick) in begins for tick in starts[:-1]], dtype=np.uint8),
        chord=np.array(codes, dtype=np.uint8),
        key=np.array([s.key.tonic + 12 * (s.key.mode == "minor") for s in sections], dtype=np.uint8),
        boundaries=np.array(sorted({*stage.hits, stage.final}), dtype=np.int32),
        instruments=instruments,
        known=np.array([channel != "chord" or bool(stage.chords) for channel in cond.CHANNELS]),
    )


def _chord_code(span: ChordSpan | None) -> int:
    if span is None:
        return harmony.NO_CHORD
    return 1 + span.root * harmony.N_QUALITIES + harmony.QUALITIES.index(_QUALITY_CODES[span.quality])


# --- the frame -----------------------------------------------------------------------------------------------


def frame_of(stage: Stage, limits: Limits | None = None, *, forced: bool = True) -> Frame:
    """Who may begin where under the whole sheet: sections, silences, hits, cadence, close and end.

    Args:
        forced: hits are struck; otherwise they are only announced.
    """
    limits = limits or Limits()
    may = _may_begin(stage)
    tones, scale = _harmony(stage)
    hits = [tick for tick in stage.hits if tick != stage.final] if forced else []
    strikes = {tick: _hit(stage, limits, may, tick) for tick in hits}
    strikes |= _cadence(stage, limits, may)
    strikes = {tick: strike for tick, strike in strikes.items() if may[tick].any()}
    leading = _leading_chord(stage)
    firm = np.zeros(stage.n_ticks, dtype=bool)
    if leading is not None:
        firm[to_grid(leading.tick) : stage.final : ev.GRID] = True
    firm[stage.final :] = True
    return Frame(
        bar_start=stage.bar_start,
        may_begin=may,
        must_end=_must_end(stage, [t for t, strike in strikes.items() if t <= stage.final or strike.pitched]),
        tones=tones,
        scale=scale,
        firm=firm,
        hold=frozenset(t for t, strike in strikes.items() if t >= stage.final and strike.pitched) | {stage.final},
        strikes=strikes,
        limits=limits,
    )


def _may_begin(stage: Stage) -> BoolArray:
    may = np.zeros((stage.n_ticks, ev.N_GROUPS), dtype=bool)
    everybody = groups_of(stage.parts)
    for section in stage.sheet.sections:
        may[np.ix_(range(to_grid(section.tick), min(to_grid(section.end), stage.n_ticks)), _columns(section.parts))] = (
            True
        )
    may[stage.final + 1 :] = False
    for tick in stage.hits:
        if tick > stage.final:
            pair = {ev.DRUMS, ev.BASS}
            may[tick, sorted(pair if pair <= everybody else everybody)] = True
        elif not _can_strike(may[tick]):
            may[tick, sorted(everybody)] = True
    for begin, end in stage.sheet.silences:
        may[first_at(begin) : first_at(end)] = False
    may[stage.end :] = False
    return may


def _columns(parts: Iterable[str]) -> list[int]:
    return sorted(groups_of(parts))


def _can_strike(may: BoolArray) -> bool:
    """These groups can make an accent: drums with bass, or a chord."""
    return bool((may[ev.DRUMS] and may[ev.BASS]) or may[ev.BASS + 1 :].any())


def _must_end(stage: Stage, cuts: Iterable[int]) -> NDArray[np.int32]:
    silences = [first_at(begin) for begin, _ in stage.sheet.silences]
    stops = np.array(sorted({*cuts, *silences, stage.end, stage.n_ticks}), dtype=np.int32)
    return stops[np.minimum(np.searchsorted(stops, np.arange(stage.n_ticks), side="right"), len(stops) - 1)]


def _harmony(stage: Stage) -> tuple[BoolArray, BoolArray]:
    """Pitch classes of chord and scale by tick, (ticks, 12) each; without chords the scale is both."""
    tones, scale = (np.zeros((stage.n_ticks, 12), dtype=bool) for _ in range(2))
    for section in stage.sheet.sections:
        inside = slice(to_grid(section.tick), stage.n_ticks)
        for table in (tones, scale):
            table[inside] = False
            table[inside, _key_classes(section.key)] = True
    for span in stage.chords:
        inside = slice(to_grid(span.tick), to_grid(span.end))
        chord = Chord(span.root, span.quality, span.numeral)
        tones[inside] = scale[inside] = False
        tones[inside, list(chord.pitch_classes)] = True
        scale[inside, list(scale_for(stage.section_at(span.tick).key, chord))] = True
    return tones, scale | tones


def _key_classes(key: Key) -> list[int]:
    return [(key.tonic + step) % 12 for step in SCALES[key.mode]]


# --- strikes -------------------------------------------------------------------------------------------------


def _hit(stage: Stage, limits: Limits, may: BoolArray, tick: int) -> Strike:
    span = stage.chord_at(tick)
    if tick > stage.final:
        return _after_the_close(stage, limits, may[tick])
    if span is None:
        return _possible(Strike(), limits, may[tick])
    tones = Chord(span.root, span.quality, span.numeral).pitch_classes
    bass = span.root if span.bass is None else span.bass
    return _possible(Strike(classes=frozenset(tones), bass=bass), limits, may[tick])


def _possible(strike: Strike, limits: Limits, may: BoolArray) -> Strike:
    """The strike as these groups can make it."""
    pitched = np.flatnonzero(may[ev.DRUMS + 1 :]) + ev.DRUMS + 1
    voices: dict[int, int] = {}
    if list(pitched) == [ev.BASS] and not may[ev.DRUMS]:  # the bass makes the chord by itself
        voices = {ev.BASS: strike.pitched}
        strike = replace(strike, bass=None)
    room = sum(voices.get(int(g), limits.voices[int(g)]) for g in pitched)
    both = bool(may[ev.DRUMS] and may[ev.BASS])
    if room < strike.pitched:
        return replace(
            strike, pitched=0 if both or not room else room, kick_with_bass=both, kick_alone=not room, voices=voices
        )
    return replace(strike, kick_with_bass=strike.kick_with_bass and both, voices=voices)


def _leading_chord(stage: Stage) -> ChordSpan | None:
    """The chord that leads to the close, when it has a beat to itself."""
    span = stage.chord_at(stage.final - 1) if stage.final > 0 else None
    if span is None or not 0 < to_grid(span.tick) <= stage.final - ev.GRID:
        return None
    return span


def _cadence(stage: Stage, limits: Limits, may: BoolArray) -> dict[int, Strike]:
    """The chord before the close, struck where it begins, and the close itself."""
    strikes = {stage.final: _close(stage, limits, may)}
    span = _leading_chord(stage)
    if span is not None:
        tick = to_grid(span.tick)
        chord = Chord(span.root, span.quality, span.numeral)
        strike = Strike(
            kick_with_bass=False, classes=frozenset(chord.pitch_classes), needs=frozenset({chord.third}),
            bass=chord.root, loud=tick in stage.hits,
        )  # fmt: skip
        strikes[tick] = _possible(strike, limits, may[tick])
    return strikes


def _close(stage: Stage, limits: Limits, may: BoolArray) -> Strike:
    """The tonic with its third, the root lowest."""
    key = stage.sheet.sections[-1].key
    third = (key.tonic + (4 if key.mode == "major" else 3)) % 12
    triad = frozenset({key.tonic, third, (key.tonic + 7) % 12})
    groups = may[stage.final]
    strike = Strike(
        kick_with_bass=False, classes=triad, needs=frozenset({key.tonic, third}), bass=key.tonic,
        with_bass=bool(groups[ev.BASS]), root=key.tonic, loud=stage.final in stage.hits,
    )  # fmt: skip
    possible = _possible(strike, limits, groups)
    if possible.pitched < len(strike.needs):
        return replace(possible, needs=frozenset())
    return possible


def _after_the_close(stage: Stage, limits: Limits, may: BoolArray) -> Strike:
    """A hit while the closing chord rings: drums with the bass's root, or the chord once more."""
    close = _close(stage, limits, np.broadcast_to(may, (stage.final + 1, ev.N_GROUPS)))
    if may[ev.DRUMS] and may[ev.BASS]:
        return replace(close, pitched=0, kick_with_bass=True, needs=frozenset(), root=None, loud=True)
    return replace(close, loud=True)
