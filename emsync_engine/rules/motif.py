"""The motif: a short idea in scale degrees that opens sections and returns, and the melody made of it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from emsync_engine.rules.context import EIGHTH, QUARTER, SIXTEENTH, BarContext, as_chord
from emsync_engine.rules.theory import nearest, scale_for, scale_pitch_classes, snap, step
from emsync_engine.score import Key, Note

_RHYTHMS: tuple[tuple[float, tuple[int, ...]], ...] = (
    # energy it suits; durations in eighths of one 4/4 bar
    (0.1, (6, 2)),
    (0.2, (4, 2, 2)),
    (0.3, (3, 1, 4)),
    (0.4, (3, 1, 2, 2)),
    (0.5, (2, 1, 1, 4)),
    (0.6, (1, 1, 2, 3, 1)),
    (0.7, (3, 3, 2)),
    (0.8, (1, 1, 1, 1, 2, 2)),
    (0.9, (2, 1, 1, 2, 1, 1)),
)
_CONTOURS = ((0, 2, 4), (4, 2, 0), (0, 1, 2), (2, 4, 3), (0, -1, 2), (4, 5, 2), (0, 4, 2), (2, 1, 4))


@dataclass(frozen=True)
class Motif:
    """One bar of 4/4: durations in eighths, steps along the scale from the opening note, which is a chord note."""

    eighths: tuple[int, ...]
    steps: tuple[int, ...]
    opening: int
    """Chord note it begins on: 0 root, 1 third, 2 fifth."""


def make_motif(rng: random.Random, energy: float) -> Motif:
    """A motif of 4 to 6 notes (fewer when all is still): a rhythm near the energy and a contour that turns once."""
    near = sorted(_RHYTHMS, key=lambda row: abs(row[0] - max(energy, 0.35)))[:3]
    eighths = rng.choice(near)[1]
    while len(eighths) < 4:
        longest = eighths.index(max(eighths))
        half = eighths[longest] // 2
        eighths = (*eighths[:longest], eighths[longest] - half, half, *eighths[longest + 1 :])
    contour = rng.choice(_CONTOURS)
    steps = [contour[0]]
    for k in range(1, len(eighths)):
        goal = contour[min(k * len(contour) // len(eighths), len(contour) - 1)]
        move = goal - steps[-1]
        steps.append(steps[-1] + (rng.choice((-1, 1)) if move == 0 else max(-3, min(3, move))))
    base = steps[0]
    return Motif(tuple(eighths), tuple(s - base for s in steps), rng.choice((0, 1, 2)))


def state(motif: Motif, tick: int, key: Key, root: int, around: int, velocity: int) -> list[Note]:
    """The motif on a chord with root pitch class ``root`` of the key, as it stands: a literal statement."""
    scale = scale_pitch_classes(key)
    first = step(nearest(root, around), 2 * motif.opening, scale)
    first = nearest(first % 12, around)
    notes, at = [], tick
    for eighths, steps in zip(motif.eighths, motif.steps):
        length = eighths * EIGHTH
        accent = 6 if (at - tick) % (2 * QUARTER) == 0 else 0
        notes.append(Note(at, step(first, steps, scale), length - SIXTEENTH // 4, min(velocity + accent, 127)))
        at += length
    return notes


def melody(
    bars: Sequence[BarContext], motif: Motif, rng: random.Random, around: int, velocity: int
) -> tuple[list[Note], list[int]]:
    """A melody over the bars of one section: statement, answer, sequence, a turn towards the next hit.

    Returns:
        notes, and the ticks of literal statements of the motif.
    """
    notes: list[Note] = []
    statements: list[int] = []
    for place, context in enumerate(bars):
        chord = as_chord(context.chords[0])
        tonic = context.section.key.tonic
        if context.beats >= 4 and context.phrase % 4 == 0 and (place == 0 or chord.root == tonic):
            bar_notes = state(motif, context.bar.tick, context.section.key, tonic, around, velocity)
            statements.append(context.bar.tick)
            bar_notes = _fit(bar_notes, context) if place else bar_notes
        elif context.before_turn or context.beats < 3:
            bar_notes = _towards(context, notes[-1].pitch if notes else around, velocity)
        elif context.phrase % 2 == 1:
            bar_notes = _answer(context, motif, rng, notes[-1].pitch if notes else around, velocity)
        else:
            bar_notes = _sequence(context, motif, around, velocity)
        notes += [n for n in bar_notes if n.tick < context.stop]
    return notes, statements


def _fit(notes: list[Note], context: BarContext) -> list[Note]:
    return [n for n in notes if n.tick < context.stop]


def _sequence(context: BarContext, motif: Motif, around: int, velocity: int) -> list[Note]:
    """The motif moved onto the bar's chord, its strong notes bent to chord notes."""
    tick = context.bar.tick
    notes, at = [], tick
    opening = None
    for eighths, steps in zip(motif.eighths, motif.steps):
        if at >= context.stop:
            break
        chord = as_chord(context.chord_at(at))
        scale = scale_for(context.section.key, chord)
        if opening is None:
            opening = snap(around, chord.pitch_classes)
        pitch = step(opening, steps, scale)
        if (at - tick) % QUARTER == 0 and eighths >= 2:
            pitch = snap(pitch, chord.pitch_classes)
        length = min(eighths * EIGHTH, context.stop - at)
        notes.append(Note(at, pitch, max(length - SIXTEENTH // 4, SIXTEENTH), velocity))
        at += eighths * EIGHTH
    return _unstuck(notes, context)


def _answer(context: BarContext, motif: Motif, rng: random.Random, before: int, velocity: int) -> list[Note]:
    """Fewer, longer notes that come to rest: breath for the phrase."""
    rhythm = rng.choice(((2, 2, 4), (1, 1, 6), (3, 1, 4), (4, 4), (2, 6)))
    direction = -1 if motif.steps[-1] > 0 else 1
    at, pitch = context.bar.tick, before
    notes = []
    for k, eighths in enumerate(rhythm):
        if at >= context.stop:
            break
        chord = as_chord(context.chord_at(at))
        scale = scale_for(context.section.key, chord)
        last = k == len(rhythm) - 1
        target = snap(pitch + direction, chord.pitch_classes) if last or k == 0 else step(pitch, direction, scale)
        pitch = target if abs(target - before) < 9 else snap(before, chord.pitch_classes)
        length = min(eighths * EIGHTH, context.stop - at)
        notes.append(Note(at, pitch, max(length - SIXTEENTH // 4, SIXTEENTH), max(velocity - 5 + 2 * k, 1)))
        at += eighths * EIGHTH
    return notes


def _towards(context: BarContext, before: int, velocity: int) -> list[Note]:
    """Walk by step into a note of the chord that comes next, growing louder: the lead into the hit."""
    chord = as_chord(context.chord_at(context.bar.tick))
    goal_span = context.next_chord
    goal = snap(before, as_chord(goal_span).pitch_classes) if goal_span else before
    count = 2 if context.level < 2 else 4
    length = (context.stop - context.bar.tick) // count // SIXTEENTH * SIXTEENTH
    if length < EIGHTH:
        return []
    scale = scale_for(context.section.key, chord)
    away = -1 if goal >= before else 1
    start = step(goal, away * count, scale)
    notes = []
    for k in range(count):
        at = context.bar.tick + k * length
        here = as_chord(context.chord_at(at))
        pitch = step(start, -away * k, scale_for(context.section.key, here))
        pitch = snap(pitch, here.pitch_classes) if k == 0 else pitch
        notes.append(Note(at, pitch, length - SIXTEENTH // 4, min(velocity + 3 * k, 127)))
    return _unstuck(notes, context)


def _unstuck(notes: list[Note], context: BarContext) -> list[Note]:
    """No note three times in a row."""
    result: list[Note] = []
    for note in notes:
        if len(result) >= 2 and result[-1].pitch == result[-2].pitch == note.pitch:
            scale = scale_for(context.section.key, as_chord(context.chord_at(note.tick)))
            note = Note(note.tick, step(note.pitch, 1, scale), note.duration, note.velocity)
        result.append(note)
    return result
