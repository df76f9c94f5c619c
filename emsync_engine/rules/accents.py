"""Arriving: the accent at every hit and the closing chord."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import mean, median

from emsync_engine.rules.context import QUARTER, Context, as_chord
from emsync_engine.rules.drums import CRASH, KICK
from emsync_engine.rules.theory import nearest
from emsync_engine.rules.voicing import voice_lead
from emsync_engine.score import Bar, ChordSpan, Note

CENTRES = {"strings": 65, "piano": 62, "guitar": 59, "bass": 38}
"""Where an accent's chord lies, by part."""
RANGES = {"strings": (52, 81), "piano": (48, 77), "guitar": (48, 71), "bass": (28, 52)}
LOUDER = 14
"""An accent's least lead over the median velocity of its bar."""
_VOICES = {"strings": 4, "piano": 3, "guitar": 3}

Lines = dict[str, list[Note]]
"""Notes by part id."""


def strike_hits(context: Context, lines: Lines, parts: Sequence[str]) -> Lines:
    """Put an accent of the given parts on every hit: kick and crash, bass root, chords struck anew.

    A hit after the closing chord has been struck is marked by drums and bass alone, so that the chord rings on.
    """
    struck = {part: _index(lines.get(part, [])) for part in lines}
    for hit in context.sheet.hits:
        span = _chord_at(context, hit.tick)
        closing = hit.tick > context.sheet.final_tick
        group = [p for p in parts if p in ("drums", "bass")] if closing and "bass" in parts else list(parts)
        for part in group:
            _strike(struck.setdefault(part, {}), part, span, hit.tick, context, alone=_alone(parts, part, closing))
    return {part: _flatten(index) for part, index in struck.items()}


def _alone(parts: Sequence[str], part: str, closing: bool) -> bool:
    """The part has to make the accent's three pitches by itself."""
    chordal = [p for p in parts if p in _VOICES]
    if part == "bass":
        return not chordal and "drums" not in parts
    return len(chordal) == 1 or (closing and "bass" not in parts)


def _index(notes: Sequence[Note]) -> dict[int, list[Note]]:
    rows: dict[int, list[Note]] = {}
    for note in notes:
        rows.setdefault(note.tick, []).append(note)
    return rows


def _flatten(rows: Mapping[int, Sequence[Note]]) -> list[Note]:
    return sorted(n for notes in rows.values() for n in notes)


def _chord_at(context: Context, tick: int) -> ChordSpan:
    found = context.chords[0]
    for span in context.chords:
        if span.tick > tick:
            break
        found = span
    return found


def _strike(
    rows: dict[int, list[Note]], part: str, span: ChordSpan, tick: int, context: Context, *, alone: bool
) -> None:
    existing = rows.get(tick, [])
    end = min(span.end, context.sheet.end_tick)
    velocity = 72
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
    if melodic is not None:
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
        rest = [Note(tick, CRASH, min(length, 2 * QUARTER), max(velocity - 8, 20))]
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
        others = [r for r in rows if r[1].tick != hit]
        base = median([n.velocity for _, n in others]) if others else 60
        ceiling = 118 if base + LOUDER <= 118 else 124
        shrink = min(1.0, (ceiling - LOUDER) / base)
        for part, note in others:
            if shrink < 1:
                adjusted[part][note.tick, note.pitch] = max(round(note.velocity * shrink), 1)
        _level(accents, [round(n.velocity * shrink) for _, n in others], ceiling, adjusted)
    return {
        part: [Note(n.tick, n.pitch, n.duration, adjusted[part].get((n.tick, n.pitch), n.velocity)) for n in notes]
        for part, notes in lines.items()
    }


def _level(
    accents: Sequence[tuple[str, Note]],
    others: Sequence[int],
    ceiling: int,
    adjusted: dict[str, dict[tuple[int, int], int]],
) -> None:
    """Velocities of one accent: a loud core (drums, bass, top voices), the doubling voices under it."""
    base = round(median(others)) if others else 56
    top = {part: max(n.pitch for p, n in accents if p == part) for part, _ in accents}
    quiet = base < 60
    loud = min(base + (LOUDER if quiet else LOUDER + 6), ceiling)
    soft = base + (3 if quiet else LOUDER // 2)
    core = [part in ("drums", "bass") or note.pitch == top[part] for part, note in accents]
    values = [loud if c else soft for c in core]
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
