"""Strings: pads that lead their voices, ostinatos when there is drive, the melody when they have it."""

from __future__ import annotations

from emsync_engine.rules.chordal import Voiced, arpeggio, held, strokes, tied, voiced_bars
from emsync_engine.rules.context import EIGHTH, SIXTEENTH, Context
from emsync_engine.score import Note

LOW, HIGH, VOICES = 45, 79, 4
_OSTINATI = ("7.5.6.5.7.5.6.5.", "7..5..7.5..6..5.", "7.557.557.557.55")
_RACING = ("8565756585657565", "8558558585585585")


def write(context: Context, part: str, has_melody: frozenset[str]) -> list[Note]:
    """The string part before the close; in sections where it carries the melody it thins out to two pad voices."""
    rows = voiced_bars(context, part, LOW, HIGH, VOICES, 60)
    pads: list[list[Note]] = []
    moving: list[Note] = []
    for row in rows:
        bar, _, voicing = row
        voices = voicing[:2] if bar.section.id in has_melody else voicing if bar.level else voicing[:3]
        if bar.level <= 2:
            pads.append(held(row[1], voices, round(30 + 52 * bar.energy)))
            if bar.level == 2 and bar.section.id not in has_melody:
                moving += _inner_motion(context, row, part)
        else:
            pads.append([])
            moving += _ostinato(context, row, part, bar.section.id in has_melody)
    return tied(rows, pads) + moving


def _inner_motion(context: Context, row: Voiced, part: str) -> list[Note]:
    """A line of eighths an octave above the middle of the chord."""
    bar, span, voicing = row
    rng = context.rng(bar.section, part, f"motion {bar.phrase % 4}")
    order = rng.choice(((1, 2, 3, 2), (2, 3, 2, 1), (3, 2, 1, 2)))
    top = [p + 12 for p in voicing]
    return arpeggio(span, top, order, EIGHTH, round(28 + 46 * bar.energy), rng)


def _ostinato(context: Context, row: Voiced, part: str, thin: bool) -> list[Note]:
    """Short repeated bows that rock between the two low voices, with the top voice held above them."""
    bar, span, voicing = row
    rng = context.rng(bar.section, part, f"ostinato {bar.level}")
    rhythm = rng.choice(_OSTINATI if bar.level == 3 else _RACING)
    touch = context.rng_once(bar.section, part, f"touch {bar.index}")
    velocity = round(40 + 46 * bar.energy)
    bows = strokes(span, voicing[:1], rhythm, velocity, touch, short=True)
    low = [Note(n.tick, voicing[k // 2 % 2], n.duration, n.velocity) for k, n in enumerate(bows)]
    if thin:
        return low
    top = voicing[-1] if voicing[-1] not in voicing[:2] else voicing[-1] + 12
    return [*low, Note(span.tick, top, max(span.end - span.tick - SIXTEENTH // 6, SIXTEENTH), velocity)]
