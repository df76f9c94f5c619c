"""The motif: a short idea in scale degrees that opens sections and returns, and the melody made of it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from emsync_engine.rules.context import EIGHTH, QUARTER, SIXTEENTH, BarContext, as_chord
from emsync_engine.rules.theory import SCALES, nearest, scale_for, scale_pitch_classes, snap, step
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


@dataclass(frozen=True)
class Motif:
    """One bar of 4/4: durations in eighths, steps along the scale from the opening note, which is a chord note."""

    eighths: tuple[int, ...]
    steps: tuple[int, ...]
    opening: int
    """Chord note it begins on: 0 root, 1 third, 2 fifth."""


_MOVES = (-3, -2, -2, -1, -1, -1, 1, 1, 1, 2, 2, 3, 4)
_PLAIN = Motif((3, 1, 2, 2), (0, 1, 2, 0), 0)
_TRIES = 2000


def make_motif(rng: random.Random, energy: float) -> Motif:
    """A singable motif of four notes or more: a rhythm near the energy and a contour drawn until it is well formed."""
    near = sorted(_RHYTHMS, key=lambda row: abs(row[0] - max(energy, 0.35)))[:3]
    eighths = rng.choice(near)[1]
    while len(eighths) < 4:
        longest = eighths.index(max(eighths))
        half = eighths[longest] // 2
        eighths = (*eighths[:longest], eighths[longest] - half, half, *eighths[longest + 1 :])
    for _ in range(_TRIES):
        steps = [0]
        for _ in eighths[1:]:
            steps.append(steps[-1] + rng.choice(_MOVES))
        motif = Motif(tuple(eighths), tuple(steps), rng.choice((0, 1, 2)))
        if _well_formed(motif):
            return motif
    return _PLAIN


def _well_formed(motif: Motif) -> bool:
    """Strong notes are notes of the tonic chord; no tritones; one peak; at most one leap, and that is answered."""
    degrees = [2 * motif.opening + s for s in motif.steps]
    stable = [d % 7 in (0, 2, 4) for d in degrees]
    longest = motif.eighths.index(max(motif.eighths))
    if not (stable[-1] and stable[longest]) or degrees.count(max(degrees)) != 1 or max(degrees) == degrees[0]:
        return False
    at = 0
    for k, eighths in enumerate(motif.eighths):
        if at == 4 and not stable[k] and not (k + 1 < len(degrees) and degrees[k] - degrees[k + 1] == 1):
            return False
        at += eighths
    return all(_singable([SCALES[m][d % 7] + 12 * (d // 7) for d in degrees]) for m in ("major", "minor"))


def _singable(pitches: Sequence[int]) -> bool:
    moves = [b - a for a, b in pairwise(pitches)]
    leaps = [k for k, move in enumerate(moves) if abs(move) >= 5]
    answered = all(k + 1 < len(moves) and moves[k] * moves[k + 1] < 0 and abs(moves[k + 1]) <= 4 for k in leaps)
    compass = max(pitches) - min(pitches)
    return 4 <= compass <= 12 and len(leaps) <= 1 and answered and all(abs(m) != 6 and abs(m) <= 9 for m in moves)


def state(motif: Motif, tick: int, key: Key, root: int, around: int, velocity: int) -> list[Note]:
    """The motif on a chord with root pitch class ``root`` of the key, as it stands: a literal statement."""
    scale = scale_pitch_classes(key)
    first = nearest(step(root + 60, 2 * motif.opening, scale) % 12, around)
    notes, at = [], tick
    for eighths, steps in zip(motif.eighths, motif.steps):
        length = eighths * EIGHTH
        accent = 6 if (at - tick) % (2 * QUARTER) == 0 else 0
        notes.append(Note(at, step(first, steps, scale), length - SIXTEENTH // 4, min(velocity + accent, 127)))
        at += length
    return notes


@dataclass(frozen=True)
class Voice:
    """Where a melody lies: it turns around ``centre`` and stays between ``low`` and ``high``."""

    centre: int
    low: int
    high: int


def melody(
    bars: Sequence[BarContext], motif: Motif, rng: random.Random, voice: Voice, velocity: int
) -> tuple[list[Note], list[int]]:
    """A melody over the bars of one section: statement, answer, sequence, breath, a turn towards the next hit.

    Returns:
        notes, and the ticks of literal statements of the motif.
    """
    notes: list[Note] = []
    statements: list[int] = []
    for place, context in enumerate(bars):
        before = notes[-1].pitch if notes else voice.centre
        if states_motif(context, first=place == 0):
            key = context.section.key
            line = state(motif, context.bar.tick, key, key.tonic, voice.centre, velocity)
            statements.append(context.bar.tick)
        else:
            line = _folded(_free_bar(context, motif, rng, before, voice, velocity), voice)
        notes += [_shaped(n, voice) for n in line if n.tick < context.stop]
    return notes, statements


def states_motif(context: BarContext, first: bool | None = None) -> bool:
    """Whether the motif is stated in a bar: a whole one that opens a phrase, on the tonic or opening the section."""
    opens = context.index == 0 if first is None else first
    on_tonic = context.chords[0].root == context.section.key.tonic
    return context.beats >= 4 and context.phrase % 4 == 0 and (opens or on_tonic)


def _free_bar(
    context: BarContext, motif: Motif, rng: random.Random, before: int, voice: Voice, velocity: int
) -> list[Note]:
    """A bar that is not the statement."""
    last_of_cue = context.before_turn and context.next_chord is not None and context.next_chord.numeral in ("I", "i")
    if context.before_turn or context.beats < 3:
        if last_of_cue or rng.random() < 0.55:
            return _towards(context, before, velocity)
        return _held(context, before, velocity)
    if context.phrase % 4 == 3:
        return _answer(context, motif, rng, before, velocity, ((2, 4), (4, 2), (6,), (3, 3)))
    if context.phrase % 2 == 1:
        return _answer(context, motif, rng, before, velocity, ((2, 2, 4), (1, 1, 6), (3, 1, 4), (4, 4), (2, 6)))
    return _sequence(context, motif, voice.centre, velocity)


def _folded(notes: list[Note], voice: Voice) -> list[Note]:
    """The bar moved by octaves until it turns around the centre and keeps to its range."""
    if not notes:
        return notes
    mean = sum(n.pitch for n in notes) / len(notes)
    shift = -12 * round((mean - voice.centre) / 12) if abs(mean - voice.centre) > 9 else 0
    while max(n.pitch for n in notes) + shift > voice.high:
        shift -= 12
    while min(n.pitch for n in notes) + shift < voice.low:
        shift += 12
    return [replace(n, pitch=n.pitch + shift) for n in notes]


def _shaped(note: Note, voice: Voice) -> Note:
    """High notes sing a little louder than low ones."""
    return replace(note, velocity=min(max(note.velocity + max(-6, min(6, (note.pitch - voice.centre) // 2)), 1), 127))


def _held(context: BarContext, before: int, velocity: int) -> list[Note]:
    """One long note and a rest: suspense before the turn."""
    chord = as_chord(context.chord_at(context.bar.tick))
    length = (context.stop - context.bar.tick) * 5 // 8 // SIXTEENTH * SIXTEENTH
    return [Note(context.bar.tick, snap(before, chord.pitch_classes), max(length, SIXTEENTH), velocity)]


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


def _answer(
    context: BarContext,
    motif: Motif,
    rng: random.Random,
    before: int,
    velocity: int,
    rhythms: Sequence[tuple[int, ...]],
) -> list[Note]:
    """Fewer, longer notes that come to rest; rhythms shorter than the bar leave a breath."""
    rhythm = rng.choice(rhythms)
    direction = -1 if motif.steps[-1] > 0 else 1
    at, pitch = context.bar.tick, before
    notes = []
    for k, eighths in enumerate(rhythm):
        if at >= context.stop:
            break
        chord = as_chord(context.chord_at(at))
        scale = scale_for(context.section.key, chord)
        last = k == len(rhythm) - 1
        target = (
            _next_chord_note(pitch, direction, chord.pitch_classes) if last or k == 0 else step(pitch, direction, scale)
        )
        pitch = target if abs(target - before) < 9 else snap(before, chord.pitch_classes)
        length = min(eighths * EIGHTH, context.stop - at)
        notes.append(Note(at, pitch, max(length - SIXTEENTH // 4, SIXTEENTH), max(velocity - 5 + 2 * k, 1)))
        at += eighths * EIGHTH
    return notes


def _next_chord_note(pitch: int, direction: int, pitch_classes: tuple[int, ...]) -> int:
    """The nearest chord note above or below, never the same pitch."""
    pitch += direction
    while pitch % 12 not in pitch_classes:
        pitch += direction
    return pitch


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
