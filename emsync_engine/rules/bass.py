"""Bass: roots that carry the chords and walk into the next one."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from emsync_engine.rules.context import EIGHTH, QUARTER, SIXTEENTH, BarContext, Context, as_chord
from emsync_engine.rules.theory import nearest, scale_for, step
from emsync_engine.score import ChordSpan, Note

LOW, HIGH, CENTRE = 28, 50, 38

# Per level, variants of (offset in sixteenths, length in sixteenths, note) for one 4/4 bar;
# note: r root, f fifth, o octave, t third.
_FIGURES: tuple[tuple[tuple[tuple[int, int, str], ...], ...], ...] = (
    (((0, 16, "r"),),),
    (((0, 8, "r"), (8, 8, "f")), ((0, 12, "r"), (12, 4, "f"))),
    (
        ((0, 6, "r"), (6, 2, "r"), (8, 6, "f"), (14, 2, "r")),
        ((0, 4, "r"), (4, 4, "f"), (8, 4, "o"), (12, 4, "f")),
    ),
    (
        ((0, 2, "r"), (2, 2, "r"), (4, 2, "r"), (6, 2, "o"), (8, 2, "r"), (10, 2, "r"), (12, 2, "f"), (14, 2, "o")),
        ((0, 3, "r"), (3, 3, "r"), (6, 2, "o"), (8, 3, "r"), (11, 3, "f"), (14, 2, "o")),
    ),
    (
        tuple((k, 1 if k % 4 else 2, "o" if k % 8 == 6 else "r") for k in (0, 2, 3, 4, 6, 7, 8, 10, 11, 12, 14, 15)),
        tuple((k, 1, "rrorrrfo"[k % 8]) for k in range(16)),
    ),
)


def write(context: Context, part: str) -> list[Note]:
    """The bass line before the close."""
    notes: list[Note] = []
    root = CENTRE
    for bar in context.bars_of(part):
        variants = _FIGURES[bar.level]
        own = context.rng(bar.section, part, f"figure {bar.level}")
        choice = own.randrange(len(variants))
        figure = _own(variants[(choice + (bar.phrase % 4 == 3)) % len(variants)], own)
        rng = context.rng_once(bar.section, part, f"touch {bar.index}")
        for span in bar.chords:
            root = _place(span.root if span.bass is None else span.bass, root)
            following = _following(bar, span)
            line = _figure(bar, span, root, figure, rng)
            if following and bar.level >= 1 and span.end - span.tick >= 2 * QUARTER:
                line = _approach(line, bar, span, following, root)
            notes += line
    return notes


def _own(figure: tuple[tuple[int, int, str], ...], rng: random.Random) -> tuple[tuple[int, int, str], ...]:
    """The figure with a few of its later notes exchanged, so that every seed has its own."""
    swaps = {"r": "f", "f": "o", "o": "r"}
    return tuple((a, d, swaps[n] if a and rng.random() < 0.25 else n) for a, d, n in figure)


def one_line(notes: Sequence[Note]) -> list[Note]:
    """The notes with each one ending where the next begins; notes struck together stay together."""
    onsets = sorted({n.tick for n in notes})
    following = dict(pairwise(onsets))
    return [replace(n, duration=min(n.duration, following.get(n.tick, n.end) - n.tick)) for n in sorted(notes)]


def _place(pitch_class: int, before: int) -> int:
    root = nearest(pitch_class, round((before + CENTRE) / 2))
    return root - 12 if root > HIGH - 8 else root + 12 if root < LOW else root


def _following(bar: BarContext, span: ChordSpan) -> ChordSpan | None:
    """The chord that begins where this span ends; None when the same one goes on."""
    later = [c for c in bar.chords if c.tick > span.tick]
    following = later[0] if later else bar.next_chord
    return following if following and following.tick == span.end else None


def _figure(
    bar: BarContext, span: ChordSpan, root: int, figure: tuple[tuple[int, int, str], ...], rng: random.Random
) -> list[Note]:
    chord = as_chord(span)
    fifth = nearest(chord.fifth, root + 7) if span.bass is None else root + 12
    pitches = {"r": root, "o": root + 12, "f": fifth, "t": nearest(chord.third, root + 4)}
    notes = []
    length = (span.end - span.tick) // SIXTEENTH
    for repeat in range(0, length, 16):
        for offset, duration, name in figure:
            at = repeat + offset
            if at >= length:
                continue
            ticks = min(duration, length - at) * SIXTEENTH
            velocity = round(36 + 54 * bar.energy) + (8 if offset == 0 else 0) + rng.randint(-3, 3)
            gap = SIXTEENTH // 6 if bar.level >= 2 else 0
            notes.append(
                Note(
                    span.tick + at * SIXTEENTH, min(pitches[name], HIGH + 4), max(ticks - gap, SIXTEENTH // 2), velocity
                )
            )
    return notes


def _approach(notes: list[Note], bar: BarContext, span: ChordSpan, following: ChordSpan, root: int) -> list[Note]:
    """Replace the last eighth (a quarter when gentle) of the chord by a step into the next root."""
    goal = _place(following.root if following.bass is None else following.bass, root)
    if goal % 12 == root % 12:
        return notes
    length = EIGHTH if bar.level >= 2 else QUARTER
    start = span.end - length
    scale = scale_for(bar.section.key, as_chord(span))
    pitch = step(goal, 1 if root > goal else -1, scale)
    if bar.before_turn and bar.energy > 0.5:
        pitch = goal - 1  # the leading note below
    pitch = pitch + 12 if pitch < LOW else pitch
    kept = [n for n in notes if n.tick < start]
    kept = [n if n.end <= start else Note(n.tick, n.pitch, start - n.tick, n.velocity) for n in kept]
    return [*kept, Note(start, pitch, length - SIXTEENTH // 6, round(40 + 54 * bar.energy))]
