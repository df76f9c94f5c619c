"""A cue to draw: a film of any length with shots, a mood, and music that never left this file."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from bridge.report import HitReport
from emsync_engine.mood.curve import Evidence, MoodCurve
from emsync_engine.picture import Boundary, BoundaryKind, Picture, Shot, ShotRef
from emsync_engine.score import (
    TICKS_PER_QUARTER,
    Bar,
    ChordSpan,
    Key,
    Note,
    Part,
    Score,
    ScoreHit,
    Section,
    Tempo,
    TempoMap,
)

RATE = Fraction(24000, 1001)
NASTY = "<script>alert(\"x\")</script> & 'co'"
"""A name that must come out as text, wherever it stands."""

Cue = dict[str, Any]
"""The keyword arguments of ``report_html``."""


def build_cue(seconds: int = 60, *, shots: int = 14, notes_a_bar: int = 24, name: str = "The Long Way Home") -> Cue:
    """A cue of about so many seconds."""
    picture = _picture(seconds, shots, name)
    score = _score(picture, notes_a_bar, name)
    return {
        "picture": picture,
        "mood": _mood(seconds),
        "score": score,
        "hits": [_hit(score, hit, index) for index, hit in enumerate(score.hits)],
        "rights": {
            "engine": "rules 0.1, no training data",
            "soundfont": "TimGM6mb.sf2, GPL-2.0",
            "weights": "none",
        },
        "takes": [
            {"take": 1, "sections": ["A", "B"], "seed": 7, "engine": "rules", "parent": None},
            {"take": 2, "sections": ["B"], "seed": 11, "engine": "rules", "parent": 1, "request": {"mood": [0.4, 0.6]}},
        ],
        "warnings": ["Shot 4 (rushes_B) is offline: its mood is neutral."],
        "thumbnails": None,
    }


def _picture(seconds: int, shots: int, name: str) -> Picture:
    frames = seconds * 24
    rng = random.Random(3)
    inner = sorted(rng.sample(range(24, frames - 24, 6), shots - 1))
    edges = [Fraction(f) / RATE for f in (0, *inner, frames)]
    spans = list(pairwise(edges))
    names = ["Ridge at dawn", "Kitchen", "Hands", "Road, wide", "Underpass", NASTY, "Mirror", "Stairwell"]
    strip = tuple(
        Shot(a, b, names[i % 8], "" if i % 7 == 3 else f"/media/{i % 8}.mov", Fraction(i % 5), online=i % 7 != 3)
        for i, (a, b) in enumerate(spans)
    )
    return Picture(name, RATE, edges[-1], start_frame=86400, shots=strip, boundaries=_boundaries(strip),
                   dialogue=tuple((s.start + 1, s.end) for s in strip[2::5] if s.duration > 2))  # fmt: skip


def _boundaries(shots: tuple[Shot, ...]) -> tuple[Boundary, ...]:
    kinds: list[BoundaryKind] = ["cut", "cut", "cut", "dissolve", "cut", "wipe", "cut", "cut"]
    found = [Boundary(Fraction(0), 0, Fraction(1), "from_black", span=(Fraction(0), Fraction(1)))]
    for index, (before, after) in enumerate(pairwise(shots)):
        kind = kinds[index % len(kinds)]
        span = (after.start - Fraction(1, 4), after.start + Fraction(1, 4)) if kind in ("dissolve", "wipe") else None
        sides = [ShotRef(shot.name, shot.media, shot.media_start) for shot in (before, after)]
        found.append(
            Boundary(after.start, round(after.start * RATE), after.start, kind, through=index % 9 == 8, span=span,
                     outgoing=sides[0], incoming=sides[1], weight=0.5 + index % 5 / 10)
        )  # fmt: skip
    soft: list[BoundaryKind] = ["title", "marker", "overlay"]
    for index, kind in enumerate(soft):
        time = shots[-1].end * (index + 1) / 5 + Fraction(1, 3)
        found.append(Boundary(time, round(time * RATE), time, kind, picture=False, label=f"{kind} {NASTY}"))
    end = shots[-1].end
    found.append(Boundary(end - 1, round((end - 1) * RATE), end, "to_black", span=(end - 1, end)))
    return tuple(sorted(found, key=lambda b: b.hit))


def _mood(seconds: int) -> MoodCurve:
    t = np.arange(0, seconds + 0.25, 0.25)
    period = min(60.0, seconds)
    arousal = 0.15 + 0.6 * np.sin(t / period * 2 * math.pi - 1.4) * np.exp(-((t / seconds - 0.6) ** 2) * 3)
    valence = 0.35 * np.cos(t / period * 1.6 * math.pi) + 0.05 * np.sin(t * 1.3)
    confidence = 0.55 + 0.35 * np.sin(t / period * 3 * math.pi)
    return MoodCurve(t, valence, arousal, confidence, evidence=(Evidence("motion", 0.6), Evidence("loudness", 0.4)))


def _score(picture: Picture, notes_a_bar: int, name: str) -> Score:
    bars, tempos = _bars(picture.duration)
    tempo_map = TempoMap(tuple(tempos))
    key = Key(2, "minor")
    marks = [b for b in picture.boundaries if b.picture and not b.through][1::2]
    hits = tuple(ScoreHit(tempo_map.tick(b.hit), b.hit, b.incoming.name if b.incoming else "", b.weight) for b in marks)
    return Score(
        tempo_map, tuple(bars), key, tuple(_parts(bars, notes_a_bar)), tuple(_sections(bars)), tuple(_chords(bars)),
        hits, picture.duration, bars[-1].end, 7, "rules", name,
    )  # fmt: skip


def _bars(duration: Fraction) -> tuple[list[Bar], list[Tempo]]:
    bars: list[Bar] = []
    tempos: list[Tempo] = []
    tick, seconds = 0, Fraction(0)
    while seconds < duration - 2:
        index = len(bars)
        beats = 3 if index % 11 == 10 else 4
        us = round(60e6 / (92 + 14 * math.sin(index / 7)))
        if index % 4 == 0:
            tempos.append(Tempo(tick, us, forced=index % 24 == 16))
        bars.append(Bar(tick, beats))
        tick += beats * TICKS_PER_QUARTER
        seconds += Fraction(beats * tempos[-1].us_per_quarter, 1_000_000)
    return bars, tempos


def _sections(bars: list[Bar]) -> list[Section]:
    moods = [("Dawn", 0.45, -0.3, "a"), (NASTY, -0.2, 0.15, "b"), ("Chase", -0.25, 0.8, "c"), ("Rest", 0.3, -0.5, "a")]
    size = max(2, min(12, len(bars) // 4))
    rows = []
    for index, start in enumerate(range(0, len(bars) - size // 2, size)):
        end = start + size if start + size <= len(bars) - size // 2 else len(bars)
        title, valence, arousal, role = moods[index % 4]
        rows.append(Section(f"s{index}", title, bars[start].tick, bars[end - 1].end, valence, arousal, 7, 1, role))
    return rows


def _chords(bars: list[Bar]) -> list[ChordSpan]:
    plan = [(2, "min", "i"), (10, "maj", "VI"), (5, "maj7", "III"), (9, "dom7", "V7")]
    return [ChordSpan(bar.tick, bar.ticks, *plan[i % 4]) for i, bar in enumerate(bars)]


def _parts(bars: list[Bar], notes_a_bar: int) -> list[Part]:
    rng = random.Random(5)
    share = max(1, notes_a_bar // 5)
    specs = [("bass", "Bass", 33, 0, 38, 8), ("piano", "Piano", 0, 1, 64, 16), ("guitar", "Guitar", 25, 2, 57, 12),
             ("strings", "Strings", 48, 3, 67, 14)]  # fmt: skip
    drums = tuple(
        Note(bar.tick + k * bar.ticks // share, rng.choice([36, 38, 42, 42, 46, 49]), 120, rng.randint(35, 120))
        for bar in bars for k in range(share)
    )  # fmt: skip
    parts = [Part("drums", "Drums", 0, 9, drums)]
    for part_id, name, program, channel, centre, spread in specs:
        notes = tuple(
            Note(bar.tick + k * bar.ticks // share, centre + round(rng.gauss(0, spread / 3)), bar.ticks // share - 20,
                 min(127, max(20, round(70 + 25 * math.sin(i / 6) + rng.gauss(0, 8)))))
            for i, bar in enumerate(bars) for k in range(share)
        )  # fmt: skip
        parts.append(Part(part_id, name, program, channel, notes))
    return parts


def _hit(score: Score, hit: ScoreHit, index: int) -> HitReport:
    onset = float(score.tempo_map.seconds(hit.tick))
    bar, beat = score.bar_beat(hit.tick)
    return HitReport(float(hit.time), onset, (0.0003, -0.0002, 0.0)[index % 3], bar, round(beat), hit.label)


@pytest.fixture
def cue() -> Cue:
    """One minute."""
    return build_cue()


@pytest.fixture
def make_cue() -> Callable[..., Cue]:
    """The builder itself."""
    return build_cue
