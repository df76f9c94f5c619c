"""Cues to look at: random edits with random moods, and sheets made by hand bar by bar."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Literal

from benchmarks.edits import random_edit, wandering_mood
from emsync_engine.instructions import PARTS
from emsync_engine.mood.curve import constant
from emsync_engine.picture import Picture
from emsync_engine.rules import compose
from emsync_engine.score import TICKS_PER_QUARTER, Bar, ChordSpan, Key, Note, Score, ScoreHit, Tempo, TempoMap
from emsync_engine.spotting import CueSheet, SectionPlan, SpotOptions, spot

RANGES = {"bass": (28, 60), "piano": (21, 108), "guitar": (40, 88), "strings": (36, 93)}
"""What can be played: E1-C4, the keyboard, E2-E6, cellos' C2 to violins' A6."""
GM_DRUMS = range(35, 82)

LEVELS = (-0.9, -0.35, 0.1, 0.45, 0.95)
"""Arousal of the five textures: still, gentle, moving, driving, racing."""
MOODS = ((-0.7, -0.7), (-0.6, 0.6), (0.0, 0.0), (0.6, -0.6), (0.7, 0.5), (-0.3, 0.95), (0.2, -0.95))


@dataclass(frozen=True)
class Cue:
    """What was planned and what was written."""

    sheet: CueSheet
    score: Score

    def chord_at(self, tick: int) -> ChordSpan:
        return next(c for c in reversed(self.score.chords) if c.tick <= tick)

    def notes_at(self, tick: int) -> list[Note]:
        return [n for p in self.score.parts for n in p.notes if n.tick == tick]


def composed(picture: Picture, mood: tuple[float, float] | None, seed: int, options: SpotOptions | None = None) -> Cue:
    """A cue for a picture: one mood throughout, or one that wanders."""
    length = float(picture.duration)
    curve = constant(length, *mood) if mood else wandering_mood(seed, length)
    sheet = spot(picture, curve, options or SpotOptions(seed=seed))
    return Cue(sheet, compose(sheet, seed))


def random_cues(count: int, duration_s: float = 60.0) -> Iterator[Cue]:
    """Cues of every mood and cutting rate."""
    for seed in range(count):
        mood = MOODS[seed % len(MOODS)] if seed % 3 else None
        yield composed(random_edit(seed, duration_s, (2.5, 5.0, 9.0)[seed % 3]), mood, seed)


def sheet_of(
    beats: Sequence[int],
    *,
    valence: float = 0.0,
    arousal: float = 0.0,
    mode: Literal["major", "minor"] = "major",
    hits: Sequence[int] = (),
    parts: tuple[str, ...] = PARTS,
    sections: Sequence[int] = (),
) -> CueSheet:
    """A sheet at 120 a minute with bars of the given beats, the last two of them the close.

    Args:
        hits: indices of bars that are hits.
        sections: indices of bars, besides the first, that begin sections.
    """
    bars: list[Bar] = []
    for count in beats:
        bars.append(Bar(bars[-1].end if bars else 0, count))
    tempo_map = TempoMap((Tempo(0, 500_000),))
    end = bars[-1].end
    key = Key(2, mode)
    edges = [0, *(bars[i].tick for i in sections), end]
    return CueSheet(
        title="by hand",
        duration=Fraction(end, TICKS_PER_QUARTER) / 2,
        bars=tuple(bars),
        tempo_map=tempo_map,
        hits=tuple(ScoreHit(bars[i].tick, tempo_map.seconds(bars[i].tick), f"hit {i}") for i in hits),
        sections=tuple(
            SectionPlan(f"s{i}", f"S{i}", a, b, valence, arousal, "a", parts, key)
            for i, (a, b) in enumerate(pairwise(edges), start=1)
        ),
        key=key,
        final_tick=bars[-2].tick,
        end_tick=end,
        arousal=tuple((b.tick, arousal) for b in bars),
    )


def by_hand(beats: Sequence[int], seed: int = 1, **more: object) -> Cue:
    """``sheet_of`` with its music."""
    sheet = sheet_of(beats, **more)  # type: ignore[arg-type]
    return Cue(sheet, compose(sheet, seed))


def check_playable(cue: Cue) -> None:
    """What holds of every score: ranges, lengths, no pitch sounding twice at once."""
    end = cue.sheet.end_tick
    for part in cue.score.parts:
        sounding: dict[int, int] = {}
        for note in sorted(part.notes):
            assert 0 <= note.tick < note.end <= end, (part.id, note)
            assert 1 <= note.velocity <= 127, (part.id, note)
            assert sounding.get(note.pitch, 0) <= note.tick, (part.id, note)
            sounding[note.pitch] = note.end
            if part.is_drums:
                assert note.pitch in GM_DRUMS
            else:
                low, high = RANGES[part.id]
                assert low <= note.pitch <= high, (part.id, note)
        assert all(0 <= c.tick <= end and 0 <= c.value <= 127 for c in part.controls)


def check_bass_line(cue: Cue) -> None:
    """The bass plays one note at a time."""
    for a, b in pairwise(sorted(cue.score.part("bass").notes)):
        assert a.end <= b.tick, (a, b)
