"""Figures that piano, guitar and strings share: a voicing played in a rhythm."""

from __future__ import annotations

import random
from collections.abc import Sequence

from emsync_engine.rules.context import SIXTEENTH, BarContext, Context, as_chord
from emsync_engine.rules.voicing import voice_lead
from emsync_engine.score import ChordSpan, Note

Voiced = tuple[BarContext, ChordSpan, tuple[int, ...]]
"""A chord inside a bar and its voicing, low to high."""


_REGISTERS = (-4, -2, 0, 2, 4)
"""Semitones by which a section lies lower or higher than the part's usual place."""


def voiced_bars(context: Context, part: str, low: int, high: int, voices: int, centre: float) -> list[Voiced]:
    """Every chord of every bar in which the part plays, voice-led from start to end."""
    rows = [(bar, span) for bar in context.bars_of(part) for span in bar.chords]
    lifts = {s.id: context.rng(s, part, "register").choice(_REGISTERS) for s in context.sheet.sections}
    places = [lifts[bar.section.id] for bar, _ in rows]
    voicings = voice_lead([as_chord(span) for _, span in rows], low, high, voices, centre, places)
    return [(bar, span, voicing) for (bar, span), voicing in zip(rows, voicings)]


def arpeggio(
    span: ChordSpan, voicing: Sequence[int], order: Sequence[int], unit: int, velocity: int, rng: random.Random
) -> list[Note]:
    """Single notes of the voicing in the given order, ``unit`` ticks apart, ringing to the end of the chord's half."""
    notes = []
    for k in range((span.end - span.tick) // unit):
        tick = span.tick + k * unit
        pitch = voicing[order[k % len(order)] % len(voicing)]
        ring = min(unit * len(order) - (k % len(order)) * unit, span.end - tick)
        touch = 5 if k % len(order) == 0 else 0
        notes.append(
            Note(tick, pitch, max(ring - SIXTEENTH // 6, SIXTEENTH // 2), velocity + touch + rng.randint(-3, 3))
        )
    return notes


def strokes(
    span: ChordSpan, pitches: Sequence[int], rhythm: str, velocity: int, rng: random.Random, *, short: bool = False
) -> list[Note]:
    """The pitches together at each mark of a sixteen-character bar (``1``..``9`` loudness), held to the next mark."""
    marks = [k for k in range((span.end - span.tick) // SIXTEENTH) if rhythm[k % 16] != "."]
    notes = []
    for i, k in enumerate(marks):
        tick = span.tick + k * SIXTEENTH
        until = span.tick + marks[i + 1] * SIXTEENTH if i + 1 < len(marks) else span.end
        length = SIXTEENTH * 3 // 4 if short else max(until - tick - SIXTEENTH // 6, SIXTEENTH // 2)
        loud = velocity + 3 * (int(rhythm[k % 16]) - 6) + rng.randint(-3, 3)
        notes += [Note(tick, p, length, min(max(loud, 12), 118)) for p in pitches]
    return notes


def own_rhythm(rhythm: str, rng: random.Random) -> str:
    """The rhythm with a few marks dropped or added off the beat, so that every seed has its own."""
    marks = []
    for k, mark in enumerate(rhythm):
        if k % 4 and mark != "." and rng.random() < 0.15:
            mark = "."
        elif k % 2 == 0 and k % 4 and mark == "." and rng.random() < 0.25:
            mark = "4"
        marks.append(mark)
    return "".join(marks)


def held(span: ChordSpan, pitches: Sequence[int], velocity: int) -> list[Note]:
    """The pitches held through the chord."""
    return [Note(span.tick, p, max(span.end - span.tick - SIXTEENTH // 6, SIXTEENTH // 2), velocity) for p in pitches]


def tied(rows: Sequence[Voiced], notes_of: Sequence[list[Note]]) -> list[Note]:
    """Join held notes that continue unchanged into the next chord of the phrase: pads in legato."""
    open_notes: dict[int, Note] = {}
    done: list[Note] = []
    for (bar, span, _), notes in zip(rows, notes_of):
        fresh = span.tick == bar.bar.tick and (bar.is_hit or bar.index == 0)
        following: dict[int, Note] = {}
        for note in notes:
            before = open_notes.pop(note.pitch, None)
            if before and not fresh and note.tick - before.end <= SIXTEENTH:
                note = Note(before.tick, note.pitch, note.end - before.tick, before.velocity)
            elif before:
                done.append(before)
            if note.pitch in following:  # struck twice within the chord
                done.append(following[note.pitch])
            following[note.pitch] = note
        done += open_notes.values()
        open_notes = following
    return [*done, *open_notes.values()]
