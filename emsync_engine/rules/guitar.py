"""Guitar: picked chords, strums, muted power chords as the energy rises."""

from __future__ import annotations

from emsync_engine.rules.chordal import Voiced, arpeggio, own_rhythm, strokes, voiced_bars
from emsync_engine.rules.context import EIGHTH, QUARTER, SIXTEENTH, Context, as_chord
from emsync_engine.rules.theory import nearest
from emsync_engine.score import Note

LOW, HIGH, VOICES, CENTRE = 50, 71, 4, 60
_ORDERS = ((0, 2, 1, 3), (0, 1, 2, 3), (0, 3, 2, 1), (0, 2, 3, 1))
_STRUMS = ("7.....4.6...4.5.", "7...5.4...4.6.4.", "7..5..5.6..5..5.")
_FULL_STRUMS = ("7.4.7.5.7.4.7.5.", "7..57.5.7..57.5.", "7.457.4.7.457.4.")
_CHUGS = ("8..5..8..5..8.5.", "8.5.5.8.5.5.8.5.", "8.5.8.5.8.5.8.55")


def write(context: Context, part: str, has_melody: frozenset[str]) -> list[Note]:
    """The guitar part before the close; under its own melody it rests unless it chugs."""
    notes: list[Note] = []
    for row in voiced_bars(context, part, LOW, HIGH, VOICES, CENTRE):
        bar, span, voicing = row
        melodic = bar.section.id in has_melody
        chugs = bar.level == 4 or (bar.level == 3 and bar.section.valence <= 0)
        if melodic and not chugs:
            continue
        rng = context.rng(bar.section, part, f"figure {bar.level}")
        velocity = round(26 + 56 * bar.energy)
        if bar.level == 0:
            if bar.phrase % 2 == 1:
                notes += arpeggio(span, voicing, (0, 2, 3, 2), QUARTER, velocity, rng)
        elif bar.level == 1:
            notes += arpeggio(
                span, voicing, rng.choice(_ORDERS), QUARTER if bar.energy < 0.32 else EIGHTH, velocity, rng
            )
        elif not chugs:
            notes += _strum(
                context, row, part, own_rhythm(rng.choice(_STRUMS if bar.level == 2 else _FULL_STRUMS), rng), velocity
            )
        else:
            notes += _chug(context, row, part, own_rhythm(rng.choice(_CHUGS[: bar.level - 1]), rng), velocity)
    return notes


def _strum(context: Context, row: Voiced, part: str, rhythm: str, velocity: int) -> list[Note]:
    """Strums; the lighter ones catch the upper strings only."""
    bar, span, voicing = row
    touch = context.rng_once(bar.section, part, f"touch {bar.index}")
    notes = strokes(span, voicing, rhythm, velocity, touch)
    light = {span.tick + k * SIXTEENTH for k in range((span.end - span.tick) // SIXTEENTH) if rhythm[k % 16] in "34"}
    return [n for n in notes if n.tick not in light or n.pitch >= voicing[-2]]


def _chug(context: Context, row: Voiced, part: str, rhythm: str, velocity: int) -> list[Note]:
    """Root and fifth, muted: the accents of the rhythm ring longer."""
    bar, span, _ = row
    touch = context.rng_once(bar.section, part, f"touch {bar.index}")
    root = nearest(as_chord(span).root, 46)  # low E and up
    fifth = nearest(as_chord(span).fifth, root + 7)
    return strokes(span, (root, fifth), rhythm, velocity, touch, short=True)
