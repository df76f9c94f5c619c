"""Arriving: the accent at every hit and the closing chord."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from statistics import mean, median

from emsync_engine.rules.context import LEVELS, QUARTER, Context, as_chord
from emsync_engine.rules.drums import CRASH, KICK, RIDE
from emsync_engine.rules.theory import nearest
from emsync_engine.rules.voicing import voice_lead
from emsync_engine.score import Bar, ChordSpan, Note

CENTRES = {"strings": 65, "piano": 62, "guitar": 59, "bass": 38}
"""Where an accent's chord lies, by part."""
RANGES = {"strings": (52, 81), "piano": (48, 77), "guitar": (48, 71), "bass": (28, 52)}
LOUDER = 14
"""An accent's least lead over the median velocity of its bar."""
NEW = 30
"""Velocity of notes added for an accent until ``raise_hits`` gives them theirs."""
_VOICES = {"strings": 4, "piano": 3, "guitar": 3}

Lines = dict[str, list[Note]]
"""Notes by part id."""


def strike_hits(context: Context, lines: Lines, parts: Sequence[str]) -> Lines:
    """Put an accent of the given parts on every hit: kick and crash, bass root, chords struck anew.

    Only parts of the hit's section strike. A hit after the closing chord is marked by drums and bass alone, so that
    the chord rings on.
    """
    struck = {part: _index(lines.get(part, [])) for part in lines}
    for hit in context.sheet.hits:
        span = _chord_at(context, hit.tick)
        closing = hit.tick > context.sheet.final_tick
        ensemble = context.section_at(hit.tick).parts
        if closing and "bass" in ensemble:
            ensemble = tuple(p for p in ensemble if p in ("drums", "bass"))
        if any(start <= hit.tick < end for start, end in context.sheet.silences):
            continue
        for part in (p for p in ensemble if p in parts):
            _strike(struck.setdefault(part, {}), part, span, hit.tick, context, alone=_alone(ensemble, part))
    return {part: _flatten(index) for part, index in struck.items()}


def _alone(ensemble: Sequence[str], part: str) -> bool:
    """The part has to make the accent's three pitches by itself."""
    chordal = [p for p in ensemble if p in _VOICES]
    if part == "bass":
        return not chordal and "drums" not in ensemble
    return len(chordal) == 1


def _index(notes: Sequence[Note]) -> dict[int, list[Note]]:
    rows: dict[int, list[Note]] = {}
    for note in notes:
        rows.setdefault(note.tick, []).append(note)
    return rows


def _flatten(rows: Mapping[int, Sequence[Note]]) -> list[Note]:
    return sorted(n for notes in rows.values() for n in notes)


def _chord_at(context: Context, tick: int) -> ChordSpan:
    return context.chords[max(bisect_right(context.chord_ticks, tick) - 1, 0)]


def _strike(
    rows: dict[int, list[Note]], part: str, span: ChordSpan, tick: int, context: Context, *, alone: bool
) -> None:
    existing = rows.get(tick, [])
    end = min(span.end, context.sheet.end_tick)
    velocity = NEW
    if part == "drums":
        kept = [n for n in existing if n.pitch not in (KICK, CRASH)]
        crash = [Note(tick, CRASH, QUARTER // 2, velocity)] if context.levels.get(tick, 2) >= 2 else []
        rows[tick] = [*kept, Note(tick, KICK, QUARTER // 4, velocity), *crash]
        return
    wanted = _accent_pitches(part, span, alone)
    length = min(max(end - tick, QUARTER // 2), 2 * QUARTER)
    melodic = max(existing, key=lambda n: n.pitch, default=None)
    have = {n.pitch % 12 for n in existing}
    extra = [p for p in wanted if p % 12 not in have or part != "bass"]
    if len({n.pitch for n in existing}) >= len(wanted):
        extra = []
    if part == "bass" and alone:
        extra = [p for p in wanted if p not in {n.pitch for n in existing}]
    elif melodic is not None:
        extra = [p for p in extra if p < melodic.pitch and all(abs(p - n.pitch) > 1 for n in existing)]
    rows[tick] = sorted([*existing, *(Note(tick, p, length, velocity) for p in extra)])


def _accent_pitches(part: str, span: ChordSpan, alone: bool) -> list[int]:
    chord = as_chord(span)
    if part == "bass":
        root = nearest(span.root if span.bass is None else span.bass, CENTRES["bass"])
        return [root, root + 7, root + 12] if alone else [root]
    low, high = RANGES[part]
    return list(voice_lead([chord], low, high, _VOICES[part], CENTRES[part])[0])


def write_close(context: Context, part: str, energy: float, tune: int | None) -> list[Note]:
    """The closing tonic chord, struck on its bar line and held to the end of the picture.

    Args:
        tune: last pitch of the melody when this part carries it: the tonic nearest to it comes on top.
    """
    sheet = context.sheet
    span = context.closing_chord
    tick, length = sheet.final_tick, sheet.end_tick - sheet.final_tick
    velocity = round(50 + 40 * energy)
    if part == "drums":
        cymbal = CRASH if energy >= LEVELS[1] else RIDE
        rest = [Note(tick, cymbal, min(length, 2 * QUARTER), max(velocity - 8, 20))]
        return [Note(tick, KICK, QUARTER // 4, velocity), *rest]
    chord = as_chord(span)
    if part == "bass":
        root = nearest(chord.root, 36)
        return [Note(tick, root, length, velocity)]
    low, high = RANGES[part]
    voicing = list(voice_lead([chord], low, high, _VOICES[part] + (part != "strings"), CENTRES[part])[0])
    if part in ("piano", "strings") or tune is not None:  # the root on top: the cadence is perfect
        top = nearest(chord.root, voicing[-1] if tune is None else tune)
        voicing = sorted({*(p for p in voicing if p < top), top})
    return [Note(tick, p, length, velocity) for p in voicing]


def raise_hits(lines: Lines, hits: Sequence[int], bars: Sequence[Bar]) -> Lines:
    """Make every accent louder than the median of its bar; where there is no room above, the rest is eased."""
    adjusted: dict[str, dict[tuple[int, int], int]] = {part: {} for part in lines}
    by_bar = _notes_by_bar(lines, bars)
    numbers = {bar.tick: i for i, bar in enumerate(bars)}
    for hit in hits:
        index = numbers.get(hit)
        if index is None:
            continue
        rows = by_bar[index]
        accents = [r for r in rows if r[1].tick == hit]
        if not accents:
            continue
        others = [r for r in rows if r[1].tick != hit]
        base = median([n.velocity for _, n in others]) if others else 60
        ceiling = 118 if base + LOUDER <= 118 else 124
        shrink = min(1.0, (ceiling - LOUDER) / base)
        for part, note in others:
            if shrink < 1:
                adjusted[part][note.tick, note.pitch] = max(round(note.velocity * shrink), 1)
        pitched = [n.velocity * shrink for part, n in others if part != "drums"]
        _level(accents, [round(n.velocity * shrink) for _, n in others], pitched, ceiling, adjusted)
    return {
        part: [Note(n.tick, n.pitch, n.duration, adjusted[part].get((n.tick, n.pitch), n.velocity)) for n in notes]
        for part, notes in lines.items()
    }


def ease_under_hits(
    notes: Mapping[str, Sequence[Note]],
    new: Mapping[str, Collection[tuple[int, int]]],
    hits: Collection[int],
    bars: Sequence[Bar],
) -> Lines:
    """Keep every accent louder than the median of its bar by easing new notes alone.

    Args:
        notes: all notes by part.
        new: (tick, pitch) of the notes that may be changed, by part.
        hits: ticks of the hits.
        bars: all bars.
    """
    eased: Lines = {part: list(line) for part, line in notes.items()}
    for bar, rows in zip(bars, _notes_by_bar({p: list(n) for p, n in notes.items()}, bars)):
        accents = [n.velocity for _, n in rows if n.tick == bar.tick]
        if bar.tick not in hits or not accents or mean(accents) > median(n.velocity for _, n in rows) + 1:
            continue
        most = max(round(mean(accents)) - LOUDER // 2, 1)
        low = {(p, n) for p, n in rows if n.tick != bar.tick and (n.tick, n.pitch) in new.get(p, ())}
        for part in {p for p, _ in low}:
            eased[part] = [replace(n, velocity=min(n.velocity, most)) if (part, n) in low else n for n in eased[part]]
    return eased


def _level(
    accents: Sequence[tuple[str, Note]],
    others: Sequence[int],
    pitched: Sequence[float],
    ceiling: int,
    adjusted: dict[str, dict[tuple[int, int], int]],
) -> None:
    """Velocities of one accent: a loud core (drums, bass, top voices), the doubling voices under it."""
    written = [n.velocity - 4 for part, n in accents if part != "drums" and n.velocity > NEW]
    levels = [median(row) for row in (others, pitched, written) if row]
    base = min(round(max(levels)) if levels else 56, ceiling - LOUDER)
    top = {part: max(n.pitch for p, n in accents if p == part) for part, _ in accents}
    quiet = base < 60
    loud = min(base + (LOUDER if quiet else LOUDER + 6), ceiling)
    soft = base + (3 if quiet else LOUDER // 2)
    core = [part in ("drums", "bass") or note.pitch == top[part] for part, note in accents]
    values = [min(max(loud, n.velocity), ceiling) if c else soft for c, (_, n) in zip(core, accents)]
    if mean(values) <= median([*others, *values]):  # little else sounds: one note leads, the rest stand back
        leader = next((i for i, (p, n) in enumerate(accents) if p == "drums" and n.pitch == KICK), 0)
        values = [min(loud + 8, 127) if i == leader else soft for i in range(len(accents))]
    for (part, note), velocity in zip(accents, values):
        adjusted[part][note.tick, note.pitch] = velocity


def _notes_by_bar(lines: Lines, bars: Sequence[Bar]) -> list[list[tuple[str, Note]]]:
    rows: list[list[tuple[str, Note]]] = [[] for _ in bars]
    for part, notes in lines.items():
        at = 0
        for note in sorted(notes):
            while at + 1 < len(bars) and bars[at + 1].tick <= note.tick:
                at += 1
            rows[at].append((part, note))
    return rows
