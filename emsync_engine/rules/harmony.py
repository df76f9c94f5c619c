"""The harmonic plan: functional progressions by mood, chords that lead into the hits, cadences.

Mood and harmony: mode and the share of major chords carry valence; applied dominants, chromatic neighbours and
minor subdominants carry tension (Juslin & Laukka 2004; Eerola, Friberg & Bresin 2013).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from emsync_engine.rules.theory import Chord, chord, diatonic
from emsync_engine.score import TICKS_PER_QUARTER, Bar, ChordSpan, Key
from emsync_engine.spotting.cuesheet import CueSheet, SectionPlan

_PROGRESSIONS: dict[str, tuple[tuple[float, float, str], ...]] = {
    # valence, arousal it suits best; chords, one a slot
    "major": (
        (0.8, 0.6, "I IV I V"),
        (0.8, 0.2, "I V IV V"),
        (0.7, 0.8, "I bVII IV V"),
        (0.6, 0.5, "I V vi IV"),
        (0.6, -0.3, "Iadd9 IV Imaj7 V"),
        (0.6, -0.7, "I IVmaj7 I Vsus4"),
        (0.4, 0.1, "I iii IV V"),
        (0.4, -0.4, "Imaj7 vi7 IV V7sus4"),
        (0.2, -0.6, "Iadd9 iii IVmaj7 iv"),
        (0.2, 0.4, "I vi ii V"),
        (0.0, 0.0, "I vi IV ii"),
        (0.0, 0.8, "I vi bVII V"),
        (-0.2, -0.3, "I iii vi ii"),
    ),
    "minor": (
        (0.1, 0.4, "i bVI bIII bVII"),
        (0.0, 0.8, "i bVII bVI bVII"),
        (-0.2, 0.0, "i iv bVI v"),
        (-0.3, -0.4, "i v iv i"),
        (-0.4, 0.5, "i iv i V"),
        (-0.5, 0.8, "i bII i iv"),
        (-0.5, -0.5, "iadd9 iv i v"),
        (-0.6, 0.1, "i iv v i"),
        (-0.7, 0.7, "i vii° i iv"),
        (-0.7, -0.6, "i iv i ii°"),
    ),
}
_SUBSTITUTES = {
    "major": {"I": ("iii", "vi"), "IV": ("ii", "vi"), "ii": ("IV",), "vi": ("IV", "iii"), "iii": ("vi",)},
    "minor": {"i": ("bIII", "bVI"), "iv": ("bVI", "ii°"), "v": ("bVII",), "bVI": ("iv",), "bVII": ("v",)},
}
"""Chords of like function that may stand for one another."""
_ARRIVALS = {"major": ("I", "vi", "I", "IV"), "minor": ("i", "bVI", "i", "iv")}
"""Chords that hits land on, in turn: home, the deceptive turn, home, the subdominant."""
_CLEAR = 0.45
_CLEAR_ARRIVALS = {"major": ("I", "IV", "I", "V"), "minor": ("i", "iv", "i", "v")}
"""The same where the mood is clear: chords of the mode's own colour."""
_CLOSES = {
    # pre-dominant, dominant, by mode
    "major": (("IV", "V7"), ("ii7", "V7"), ("IV", "V7sus4"), ("ii", "V")),
    "minor": (("iv", "V7"), ("iiø", "V7"), ("bVI", "V7"), ("bII", "V7")),
}


def plan_chords(sheet: CueSheet, seeds: Sequence[int]) -> tuple[ChordSpan, ...]:
    """Chords for the whole cue, one seed a section. Every section has at least three, every hit a new one."""
    hits = {h.tick for h in sheet.hits}
    spans: list[ChordSpan] = []
    heard: dict[str, int] = {}
    for section, seed, following in zip(sheet.sections, seeds, [*sheet.sections[1:], None]):
        rng = random.Random(f"harmony {seed} {section.role}")
        again = heard.get(section.role, 0)
        heard[section.role] = again + 1
        spans += _section_chords(sheet, section, rng, hits, following, again)
    return _with_inversions(spans, hits | {s.tick for s in sheet.sections} | {sheet.final_tick})


def progression(key: Key, valence: float, arousal: float, rng: random.Random, again: int = 0) -> list[Chord]:
    """One of the progressions whose mood is nearest; the ``again``-th return of a section takes the next one."""
    ranked = sorted(
        _PROGRESSIONS[key.mode], key=lambda row: 2 * (row[0] - valence) ** 2 + 0.5 * (row[1] - arousal) ** 2
    )
    numerals = ranked[(rng.randrange(4) + again) % 4][2].split()
    swaps = _SUBSTITUTES[key.mode]
    share = 0.35 * (1 - abs(valence))  # a clear mood keeps to its own chords
    chosen = [rng.choice(swaps[n]) if k and n in swaps and rng.random() < share else n for k, n in enumerate(numerals)]
    distinct = [n for k, n in enumerate(chosen) if k == 0 or n != chosen[k - 1]]
    return [chord(n, key) for n in (distinct if len(set(distinct)) >= 3 else numerals)]


def _slots(bars: Sequence[Bar], end: int, whole: set[int] | None) -> list[tuple[int, int]]:
    """(tick, end) of the chord slots: a bar each, or halves of bars of four beats and more that are not ``whole``."""
    slots: list[tuple[int, int]] = []
    for bar in bars:
        stop = min(bar.end, end)
        middle = bar.tick + 2 * TICKS_PER_QUARTER
        if whole is not None and bar.tick not in whole and bar.beats >= 4 and stop > middle:
            slots += [(bar.tick, middle), (middle, stop)]
        elif stop > bar.tick:
            slots.append((bar.tick, stop))
    return slots


def _section_chords(
    sheet: CueSheet,
    section: SectionPlan,
    rng: random.Random,
    hits: set[int],
    following: SectionPlan | None,
    again: int,
) -> list[ChordSpan]:
    bars = [b for b in sheet.bars if section.tick <= b.tick < section.end]
    closing = following is None
    body_end = sheet.final_tick if closing else section.end
    whole = hits | {section.tick}
    slots = _slots([b for b in bars if b.tick < body_end], body_end, whole if len(bars) < 6 else None)
    slots = _split_for_cadence(slots) if closing else slots
    cycle = progression(section.key, section.valence, section.arousal, rng, again)
    chords = _fill(slots, cycle, section, rng, hits)
    if closing:
        chords = _with_close(chords, section.key, rng)
    elif following is not None and len(chords) > 1 and section.end in hits:
        chords[-1] = _lead_to(_tonic(following.key), section, rng, avoid=chords[-2])
    placed = [ChordSpan(a, b - a, c.root, c.quality, c.numeral) for (a, b), c in zip(slots, chords) if b > a]
    spans = _resolved(placed)
    spans = _enriched(spans, section.key, hits | {section.tick})
    if closing:
        tonic = _tonic(section.key)
        spans.append(ChordSpan(body_end, sheet.end_tick - body_end, tonic.root, tonic.quality, tonic.numeral))
    return _merged(spans)


def _resolved(spans: Sequence[ChordSpan]) -> list[ChordSpan]:
    """A suspended dominant resolves in its second half, where there is room for it."""
    result = []
    for span in spans:
        half = span.duration // (2 * TICKS_PER_QUARTER) * TICKS_PER_QUARTER
        if span.quality != "7sus4" or half < TICKS_PER_QUARTER:
            result.append(span)
            continue
        numeral = span.numeral.replace("7sus4", "7")
        result.append(replace(span, duration=half))
        result.append(ChordSpan(span.tick + half, span.duration - half, span.root, "dom7", numeral))
    return result


def _with_inversions(spans: Sequence[ChordSpan], firm: set[int]) -> tuple[ChordSpan, ...]:
    """Passing chords stand on their third where that leads the bass by step; hits and cadences stand on the root."""
    result: list[ChordSpan] = []
    for span in spans:
        bass = span.root
        if result and span.tick not in firm and span.quality in ("maj", "min", "dom7"):
            third = (span.root + (3 if span.quality == "min" else 4)) % 12
            before = result[-1].bass if result[-1].bass is not None else result[-1].root
            if _distance(third, before) <= 2 and _distance(span.root, before) >= 4:
                bass = third
        result.append(replace(span, bass=bass if bass != span.root else None))
    return tuple(result)


def _distance(a: int, b: int) -> int:
    return min((a - b) % 12, (b - a) % 12)


def _tonic(key: Key) -> Chord:
    return chord("I" if key.mode == "major" else "i", key)


def _split_for_cadence(slots: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Give the last bar before the close two slots, for the pre-dominant and the dominant."""
    if len(slots) >= 2 or not slots:
        return slots
    a, b = slots[-1]
    if b - a < 2 * TICKS_PER_QUARTER:
        return slots
    middle = a + (b - a) // (2 * TICKS_PER_QUARTER) * TICKS_PER_QUARTER
    return [*slots[:-1], (a, middle), (middle, b)]


def _fill(
    slots: Sequence[tuple[int, int]], cycle: Sequence[Chord], section: SectionPlan, rng: random.Random, hits: set[int]
) -> list[Chord]:
    """Cycle the progression anew from every hit, which lands on a stable chord; the slot before leads there."""
    clear = abs(section.valence) > _CLEAR
    arrivals = [chord(n, section.key) for n in (_CLEAR_ARRIVALS if clear else _ARRIVALS)[section.key.mode]]
    chords: list[Chord] = []
    at = arrived = 0
    for start, _ in slots:
        if start in hits and start != section.tick:
            arrived += 1
            goal = arrivals[arrived % len(arrivals)]
            if chords and (goal.root, goal.quality) == (chords[-1].root, chords[-1].quality):
                goal = arrivals[(arrived + 1) % len(arrivals)]
            chords.append(goal)
            at = 1
        else:
            chords.append(cycle[at % len(cycle)])
            at += 1
    for i, (_, (start, _)) in enumerate(pairwise(slots)):
        if start in hits and i > 0 and rng.random() < 0.8:
            chords[i] = _lead_to(chords[i + 1], section, rng, avoid=chords[i - 1])
    return chords


def _lead_to(goal: Chord, section: SectionPlan, rng: random.Random, avoid: Chord) -> Chord:
    """A chord that wants to go to ``goal``: its dominant when there is energy, diatonic neighbours when calm."""
    key = section.key
    home = goal.root == key.tonic
    if goal.quality not in ("maj", "min", "maj7", "min7", "add9", "madd9"):
        softer = [chord(n, key) for n in (("IV", "ii") if key.mode == "major" else ("iv", "bVI"))]
        return rng.choice([c for c in softer if c.root != avoid.root])
    energy = (section.arousal + 1) / 2
    numeral = goal.numeral
    of = "" if home else f"/{numeral}"
    dominant = Chord((goal.root + 7) % 12, "dom7", f"V7{of}")
    suspended = Chord((goal.root + 7) % 12, "7sus4", f"V7sus4{of}")
    neapolitan = Chord((goal.root + 1) % 12, "maj", f"bII{of}")
    above, plagal = diatonic((goal.root + 7) % 12, key), diatonic((goal.root + 5) % 12, key)
    choices: list[tuple[Chord, float]] = []
    if home or energy > 0.45:
        choices += [(dominant, 0.4 + energy), (suspended, 0.35)]
    choices += [(c, 0.8 - 0.6 * energy) for c in (above, plagal) if c and c.quality != "dim"]
    if home and section.valence < -0.3 and energy > 0.4:
        choices.append((neapolitan, 0.3))
    choices = [(c, w) for c, w in choices if c.root not in (avoid.root, goal.root)]
    return rng.choices([c for c, _ in choices], [w for _, w in choices])[0] if choices else dominant


def _with_close(chords: list[Chord], key: Key, rng: random.Random) -> list[Chord]:
    """End on pre-dominant and dominant, so that the closing tonic arrives as a cadence."""
    closes = [[chord(n, key) for n in close] for close in _CLOSES[key.mode]]
    fresh = [c for c in closes if len(chords) < 3 or c[0].root != chords[-3].root]
    before, dominant = rng.choice(fresh)
    if len(chords) >= 3:
        return [*chords[:-2], before, dominant]
    if len(chords) == 2:
        return [chords[0], dominant]
    return [dominant] if chords else []


def _enriched(spans: list[ChordSpan], key: Key, whole: set[int]) -> list[ChordSpan]:
    """At least three different chords a section where there is room: long ones are divided."""
    colours = [chord(n, key) for n in (("IV", "vi", "V") if key.mode == "major" else ("iv", "bVI", "V"))]
    while len({(s.root, s.quality) for s in spans}) < 3 and colours:
        colour = colours.pop(0)
        if any((s.root, s.quality) == (colour.root, colour.quality) for s in spans):
            continue
        index = max(range(len(spans)), key=lambda i: _divisible(spans[i], whole), default=None)
        if index is None or spans[index].duration < 2 * TICKS_PER_QUARTER:
            break
        long = spans[index]
        half = long.duration // (2 * TICKS_PER_QUARTER) * TICKS_PER_QUARTER
        first = ChordSpan(long.tick, half, long.root, long.quality, long.numeral)
        rest = ChordSpan(long.tick + half, long.duration - half, colour.root, colour.quality, colour.numeral)
        if index == len(spans) - 1 and len(spans) > 1:  # never take the end of a section away from its last chord
            first, rest = (
                ChordSpan(long.tick, half, colour.root, colour.quality, colour.numeral),
                ChordSpan(long.tick + half, long.duration - half, long.root, long.quality, long.numeral),
            )
        spans[index : index + 1] = [first, rest]
    return spans


def _divisible(span: ChordSpan, whole: set[int]) -> tuple[bool, int, int]:
    """How gladly a chord is divided: not where a hit or the section begins, rather a long one, rather an early one."""
    return span.tick not in whole and span.duration >= 2 * TICKS_PER_QUARTER, span.duration, -span.tick


def _merged(spans: Sequence[ChordSpan]) -> list[ChordSpan]:
    """Neighbouring equal chords become one."""
    merged: list[ChordSpan] = []
    for span in spans:
        last = merged[-1] if merged else None
        if last and (last.root, last.quality) == (span.root, span.quality):
            merged[-1] = ChordSpan(last.tick, span.end - last.tick, last.root, last.quality, last.numeral)
        else:
            merged.append(span)
    return merged
