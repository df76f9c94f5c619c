"""Strings: pads that lead their voices, ostinatos when there is drive, the melody when they have it."""

from __future__ import annotations

from dataclasses import replace

from emsync_engine.rules.chordal import Voiced, held, own_rhythm, strokes, tied, voiced_bars
from emsync_engine.rules.context import EIGHTH, QUARTER, SIXTEENTH, Context, as_chord
from emsync_engine.rules.theory import scale_for, snap, step
from emsync_engine.score import Note

LOW, HIGH, VOICES, CENTRE = 50, 81, 4, 64
_OSTINATI = ("7.5.6.5.7.5.6.5.", "7..5..7.5..6..5.", "7.557.557.557.55")
_RACING = ("8565756585657565", "8558558585585585")


def write(context: Context, part: str, has_melody: frozenset[str]) -> list[Note]:
    """The string part before the close; in sections where it carries the melody it thins out to two pad voices."""
    rows = voiced_bars(context, part, LOW, HIGH, VOICES, CENTRE)
    pads: list[list[Note]] = []
    moving: list[Note] = []
    for row in rows:
        bar, _, voicing = row
        melodic = bar.section.id in has_melody
        voices = voicing[:2] if melodic else voicing if bar.level else voicing[:3]
        if bar.level <= 2:
            sings = bar.level == 2 and not melodic
            pads.append(_pad(context, row, part, voices[:-1] if sings else voices))
            moving += _counter_line(context, row, part) if sings else []
        else:
            pads.append([])
            moving += _ostinato(context, row, part, bar.section.id in has_melody)
    return tied(rows, pads) + moving


def _pad(context: Context, row: Voiced, part: str, voices: tuple[int, ...]) -> list[Note]:
    """The chord held; or its voices entering a beat apart; or the upper ones bowed anew in the middle."""
    bar, span, _ = row
    style = context.rng(bar.section, part, "pad").choice(("held", "entering", "bowed"))
    velocity = round(30 + 52 * bar.energy)
    notes = held(span, voices, velocity)
    length = span.end - span.tick
    if style == "entering" and length >= (len(voices) + 1) * QUARTER and bar.phrase % 2 == 0 and not bar.is_hit:
        return [replace(n, tick=n.tick + k * QUARTER, duration=n.duration - k * QUARTER) for k, n in enumerate(notes)]
    half = length // 2 // QUARTER * QUARTER
    if style == "bowed" and half >= QUARTER:
        gap = SIXTEENTH // 6
        upper = [replace(n, duration=half - gap) for n in notes[1:]]
        again = [replace(n, tick=n.tick + half, duration=length - half - gap, velocity=velocity - 4) for n in notes[1:]]
        return [*notes[:1], *upper, *again]
    return notes


def _counter_line(context: Context, row: Voiced, part: str) -> list[Note]:
    """The top voice moves: to a neighbour and on, in halves or quarters, under the tune."""
    bar, span, voicing = row
    rng = context.rng(bar.section, part, f"line {bar.phrase % 4}")
    chord = as_chord(span)
    scale = scale_for(bar.section.key, chord)
    length = span.end - span.tick
    top = voicing[-1]
    shape: tuple[int, ...] = rng.choice(((0, 1), (0, -1), (0, 1, 2), (0, -1, -2), (0, 2, 1)))
    unit = length // len(shape) // EIGHTH * EIGHTH
    if unit < QUARTER:
        shape, unit = (0,), length
    notes = []
    for k, move in enumerate(shape):
        tick = span.tick + k * unit
        end = span.end if k == len(shape) - 1 else tick + unit
        pitch = step(top, move, scale) if move else top
        pitch = snap(pitch, chord.pitch_classes) if k == len(shape) - 1 and k else pitch
        notes.append(Note(tick, pitch, max(end - tick - SIXTEENTH // 6, SIXTEENTH), round(34 + 50 * bar.energy)))
    return notes


def _ostinato(context: Context, row: Voiced, part: str, thin: bool) -> list[Note]:
    """Short repeated bows that rock between the two low voices, with the top voice held above them."""
    bar, span, voicing = row
    rng = context.rng(bar.section, part, f"ostinato {bar.level}")
    rhythm = own_rhythm(rng.choice(_OSTINATI if bar.level == 3 else _RACING), rng)
    turn = rng.choice((1, 2, 4))
    touch = context.rng_once(bar.section, part, f"touch {bar.index}")
    velocity = round(40 + 46 * bar.energy)
    bows = strokes(span, voicing[:1], rhythm, velocity, touch, short=True)
    low = [Note(n.tick, voicing[k // turn % 2], n.duration, n.velocity) for k, n in enumerate(bows)]
    if thin:
        return low
    top = voicing[-1] if voicing[-1] not in voicing[:2] else voicing[-1] + 12
    return [*low, Note(span.tick, top, max(span.end - span.tick - SIXTEENTH // 6, SIXTEENTH), velocity)]
