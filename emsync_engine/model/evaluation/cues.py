"""Pictures to score: random edits with a mood, and the music for them read back from its MIDI file."""

from __future__ import annotations

import random
from fractions import Fraction

import numpy as np

from emsync_engine.model import events as ev
from emsync_engine.model.midi_files import read_piece
from emsync_engine.mood.curve import MoodCurve, constant, grid
from emsync_engine.picture import Boundary, Picture
from emsync_engine.score import Score
from emsync_engine.smf import smf_bytes
from emsync_engine.spotting import CueSheet, SpotOptions, spot
from emsync_engine.spotting.hits import DEFAULT_MIN_GAP

RATE = Fraction(24)
MEAN_SHOT_S, LEAST_SHOT_S = 5.0, 1.0
MOOD_EVERY_S = 15.0


def edit(seed: int, duration_s: float) -> Picture:
    """A random edit: shots as long as an exponential distribution says, but at least `LEAST_SHOT_S`."""
    rng = random.Random(f"evaluation {seed}")
    cuts, now = [], 0.0
    while True:
        now += max(LEAST_SHOT_S, rng.expovariate(1 / MEAN_SHOT_S))
        if now > duration_s - LEAST_SHOT_S:
            break
        frame = round(now * RATE)
        cuts.append(Boundary(Fraction(frame) / RATE, frame, Fraction(frame) / RATE, "cut"))
    return Picture(f"edit {seed}", RATE, Fraction(round(duration_s * RATE)) / RATE, boundaries=tuple(cuts))


def wandering(seed: int, duration_s: float) -> MoodCurve:
    """A mood that moves to another random point of the plane every `MOOD_EVERY_S`."""
    rng = random.Random(f"evaluation mood {seed}")
    count = max(2, round(duration_s / MOOD_EVERY_S) + 1)
    at = np.linspace(0.0, duration_s, count)
    valence, arousal = (np.array([rng.uniform(-0.8, 0.8) for _ in range(count)]) for _ in range(2))
    time_s = grid(duration_s)
    return MoodCurve(
        time_s, np.interp(time_s, at, valence), np.interp(time_s, at, arousal), np.ones_like(time_s)
    )  # fmt: skip


def sheet_of(
    seed: int, duration_s: float, mood: tuple[float, float] | None = None, min_gap_s: float = float(DEFAULT_MIN_GAP)
) -> CueSheet:
    """The default cue sheet of an edit, with one mood (valence, arousal) or a wandering one."""
    curve = wandering(seed, duration_s) if mood is None else constant(duration_s, *mood)
    return spot(edit(seed, duration_s), curve, SpotOptions(seed=seed, min_gap=Fraction(min_gap_s)))


def heard(score: Score) -> ev.Piece:
    """The score as a reader of its MIDI file finds it."""
    return read_piece(smf_bytes(score))
