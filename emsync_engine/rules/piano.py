"""Piano: broken chords when calm, comping when moving, runs and octaves when driving, often the melody."""

from __future__ import annotations

from emsync_engine.rules.chordal import Voiced, arpeggio, held, own_rhythm, strokes, voiced_bars
from emsync_engine.rules.context import EIGHTH, QUARTER, SIXTEENTH, Context, as_chord
from emsync_engine.rules.theory import nearest
from emsync_engine.score import Note

LOW, HIGH, VOICES = 50, 76, 3
_ORDERS = ((0, 1, 2, 1), (0, 2, 1, 2), (0, 1, 2, 3), (3, 2, 1, 0))
_COMPS = ("7...5...6...5...", "7..5..6.....5...", "7.....5.6...5...")
_OFFBEATS = ("7..6..7..6..7.6.", "..6...7...6...7.", "7...6.7...6.7...")
_DRIVES = ("7..6..7..6..7.6.", "8..7..7.8..7..7.", "8.....7.8..7....")


def write(context: Context, part: str, has_melody: frozenset[str]) -> list[Note]:
    """The piano part before the close; under its own melody it keeps to the left hand."""
    notes: list[Note] = []
    for row in voiced_bars(context, part, LOW, HIGH, VOICES, 62):
        notes += _left_hand(context, row, part) if row[0].section.id in has_melody else _both_hands(context, row, part)
    return notes


def _left_hand(context: Context, row: Voiced, part: str) -> list[Note]:
    """Broken tenths under the melody: fewer notes when still, eighths when moving."""
    bar, span, _ = row
    rng = context.rng(bar.section, part, f"left {bar.level}")
    chord = as_chord(span)
    root = nearest(chord.root, 48)
    fifth = nearest(chord.fifth, root + 7)
    low = (root, fifth, root + 12, nearest(chord.third, root + 16))
    unit = QUARTER * 2 if bar.level == 0 else QUARTER if bar.level == 1 else EIGHTH
    if unit > span.end - span.tick:
        unit = EIGHTH
    return arpeggio(
        span, low, rng.choice(((0, 1, 2, 1), (0, 1, 3, 1), (0, 1, 2, 3))), unit, round(26 + 48 * bar.energy), rng
    )


def _both_hands(context: Context, row: Voiced, part: str) -> list[Note]:
    bar, span, voicing = row
    rng = context.rng(bar.section, part, f"figure {bar.level}")
    velocity = round(28 + 58 * bar.energy)
    full = (*voicing, voicing[0] + 12)
    if bar.level == 0:
        return held(span, voicing[1:], velocity) if bar.phrase % 2 == 0 else []
    if bar.level == 1:
        return arpeggio(span, full, rng.choice(_ORDERS), QUARTER if bar.energy < 0.32 else EIGHTH, velocity, rng)
    touch = context.rng_once(bar.section, part, f"touch {bar.index}")
    if bar.level == 2:
        low = nearest(as_chord(span).root, 48)  # clear of the bass
        root = [Note(span.tick, low, max(span.end - span.tick - SIXTEENTH, SIXTEENTH), velocity)]
        return root + strokes(span, voicing[-2:], own_rhythm(rng.choice(_COMPS), rng), velocity, touch)
    if bar.level == 3 and bar.phrase % 4 >= 2:  # room for the others' eighths
        return held(span, voicing, velocity)
    if bar.level == 3:
        order = _ORDERS[(rng.randrange(len(_ORDERS)) + bar.phrase % 2) % len(_ORDERS)]
        return arpeggio(span, full, order, EIGHTH, velocity, touch)
    if bar.section.valence > 0:
        return strokes(span, voicing, own_rhythm(rng.choice(_OFFBEATS), rng), velocity, touch, short=True)
    low = nearest(as_chord(span).root, 46)
    octave = (low, low + 12)
    return strokes(span, octave, own_rhythm(rng.choice(_DRIVES), rng), velocity, touch, short=True)
