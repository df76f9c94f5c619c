"""Drums: grooves by energy, fills into the hits."""

from __future__ import annotations

import random

from emsync_engine.rules.context import QUARTER, SIXTEENTH, BarContext, Context
from emsync_engine.score import Note

KICK, SIDESTICK, SNARE, HAT, PEDAL_HAT, OPEN_HAT = 36, 37, 38, 42, 44, 46
LOW_TOM, MID_TOM, HIGH_TOM, CRASH, RIDE, SHAKER, TAMBOURINE = 43, 47, 50, 49, 51, 70, 54

Pattern = tuple[tuple[int, str], ...]
"""(drum, sixteen characters of a 4/4 bar): ``.`` rest, 1..9 loudness."""

_GROOVES: tuple[tuple[Pattern, ...], ...] = (
    (  # still: a pulse at most
        ((SHAKER, "..2...2...2...2."), (KICK, "4...............")),
        ((RIDE, "3.......3......."), (KICK, "4...............")),
    ),
    (  # gentle
        ((KICK, "6.........4....."), (SIDESTICK, "........5......."), (SHAKER, "3.2.3.2.3.2.3.2.")),
        ((KICK, "6.......4......."), (SIDESTICK, "....3.......5..."), (RIDE, "4...3...4...3...")),
    ),
    (  # moving
        ((KICK, "7.....4.7......."), (SNARE, "....6.......6..."), (HAT, "5.3.5.3.5.3.5.3.")),
        ((KICK, "7.......7.4....."), (SNARE, "....6.......6.2."), (RIDE, "5...4.3.5...4.3.")),
        ((KICK, "7..4....6..4...."), (SIDESTICK, "....6.......6..."), (HAT, "5.4.5.4.5.4.5.4.")),
    ),
    (  # driving
        (
            (KICK, "8..5..6.8.5....."),
            (SNARE, "....8..2.2..8..2"),
            (HAT, "6.5.6.5.6.5.6.5."),
            (OPEN_HAT, "..............5."),
        ),
        ((KICK, "8...6..58...6..."), (SNARE, "....8.......8.3."), (HAT, "6464646464646464")),
        ((KICK, "8.5...8.8.5...6."), (SNARE, "....8..3....8..."), (TAMBOURINE, "5.4.6.4.5.4.6.4.")),
    ),
    (  # racing
        (
            (KICK, "9.6.8.6.9.6.8.6."),
            (SNARE, "..3.8..3..3.8.44"),
            (LOW_TOM, "7..6..7...6..7.."),
            (HAT, "6555655565556555"),
        ),
        (
            (KICK, "9..79..79..79.7."),
            (SNARE, "....9..4.4..9.44"),
            (HAT, "7565756575657565"),
            (MID_TOM, "......5...5....."),
        ),
        (
            (KICK, "9.7.9.7.9.7.9.7."),
            (LOW_TOM, "7.57.57.7.57.57."),
            (HIGH_TOM, "...5..5....5..5."),
            (SNARE, "....8.......8.5."),
        ),
    ),
)


def write(context: Context, part: str) -> list[Note]:
    """The drum part before the close."""
    notes: list[Note] = []
    for bar in context.bars_of(part):
        grooves = _GROOVES[bar.level]
        again = context.returns[bar.section.id]
        own = context.rng(bar.section, part, f"groove {bar.level}")
        groove = _own(grooves[(own.randrange(len(grooves)) + again) % len(grooves)], own)
        groove = _varied(groove, bar)
        rng = context.rng_once(bar.section, part, f"fill {bar.index}")
        beats = _fill_beats(bar)
        notes += _groove(bar, groove, bar.stop - beats * QUARTER, context, part)
        if beats:
            notes += _fill(bar, bar.stop - beats * QUARTER, rng)
        if bar.index == 0 and bar.level >= 2 and bar.section.tick:
            notes.append(Note(bar.bar.tick, CRASH, QUARTER // 2, _loudness("6", bar.energy)))
    return notes


def _own(groove: Pattern, rng: random.Random) -> Pattern:
    """The groove with soft strokes dropped and ghost notes added, so that every seed has its own; beats stay."""
    rows = []
    for drum, marks in groove:
        busy = drum in (HAT, RIDE, SHAKER, TAMBOURINE)
        changed = list(marks)
        for k, mark in enumerate(marks):
            if k % 4 and mark != "." and rng.random() < 0.12:
                changed[k] = "."
            elif k % 2 == 0 and k % 4 and mark == "." and not busy and rng.random() < 0.1:
                changed[k] = "3"
        rows.append((drum, "".join(changed)))
    return tuple(rows)


def _varied(groove: Pattern, bar: BarContext) -> Pattern:
    """Four-bar phrases: the second and fourth bar open the hat or leave a kick out, so that the groove breathes."""
    place = bar.phrase % 4
    if place % 2 == 0 or bar.level < 2:
        return groove
    rows = []
    for drum, marks in groove:
        if drum == KICK and place == 3:
            marks = marks[:10] + "." * 2 + marks[12:]
        if drum in (HAT, RIDE):
            marks = marks[:14] + ".."
        rows.append((drum, marks))
    return (*rows, (OPEN_HAT, "..............5."))


def _loudness(mark: str, energy: float) -> int:
    return round(12 + int(mark) * (4.5 + 6.5 * energy))


def _groove(bar: BarContext, groove: Pattern, stop: int, context: Context, part: str) -> list[Note]:
    """The groove over as many sixteenths as the bar has; small changes of loudness keep it alive."""
    rng = context.rng_once(bar.section, part, f"touch {bar.index}")
    notes = []
    sparse = bar.level == 0 and bar.index % 2 == 1
    for drum, marks in groove:
        if sparse and drum == KICK:
            continue
        for k in range((bar.stop - bar.bar.tick) // SIXTEENTH):
            mark = marks[k % 16]
            tick = bar.bar.tick + k * SIXTEENTH
            if mark == "." or tick >= stop:
                continue
            velocity = _loudness(mark, bar.energy) + rng.randint(-3, 3)
            notes.append(Note(tick, drum, SIXTEENTH, min(max(velocity, 12), 118)))
    return notes


def _fill_beats(bar: BarContext) -> int:
    """Beats of fill: one when gentle and two when driving before a turn, one at the end of eight bars, else none."""
    if bar.before_turn:
        return min(1 if bar.level <= 2 else 2, max(bar.beats - 1, 0))
    return 1 if bar.phrase % 8 == 7 and bar.level >= 2 and bar.beats > 2 else 0


def _fill(bar: BarContext, start: int, rng: random.Random) -> list[Note]:
    """A crescendo into the next bar: a cymbal swell when quiet, snare when moving, toms when driving."""
    steps = (bar.stop - start) // SIXTEENTH
    if steps <= 0:
        return []
    base = 26 + 50 * bar.energy
    swell = [base + (22 + 18 * bar.energy) * k / max(steps - 1, 1) for k in range(steps)]
    if bar.level <= 1:
        sparse = range(0, steps, 2 if bar.level == 0 else 1)
        return [Note(start + k * SIXTEENTH, RIDE, SIXTEENTH, round(swell[k] * 0.8)) for k in sparse]
    if bar.level == 2:
        skip = rng.choice(((), (1,), (2,)))
        return [Note(start + k * SIXTEENTH, SNARE, SIXTEENTH, round(swell[k])) for k in range(steps) if k not in skip]
    toms = [HIGH_TOM, MID_TOM, LOW_TOM]
    drums = [SNARE if rng.random() < 0.3 else toms[min(k * 3 // steps, 2)] for k in range(steps)]
    return [Note(start + k * SIXTEENTH, d, SIXTEENTH, min(round(swell[k]), 112)) for k, d in enumerate(drums)]
