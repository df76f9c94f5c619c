"""From the cue sheet to the score, and new takes of a region of it."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from emsync_engine.instructions import PARTS
from emsync_engine.rules import bass, drums, guitar, piano, strings
from emsync_engine.rules.accents import Lines, ease_under_hits, raise_hits, strike_hits, write_close
from emsync_engine.rules.context import BarContext, Context
from emsync_engine.rules.dynamics import EXPRESSION, controls
from emsync_engine.rules.harmony import plan_chords
from emsync_engine.rules.motif import Motif, Voice, make_motif, melody
from emsync_engine.score import ChordSpan, Control, Note, Part, Score, Section
from emsync_engine.smf import normalise_notes
from emsync_engine.spotting.cuesheet import CueSheet, SectionPlan

ENGINE = "rules"
HARMONY = "harmony"
"""The part name under which a section's harmony has its seed."""

_ACCOMPANISTS: dict[str, Callable[[Context, str, frozenset[str]], list[Note]]] = {
    "piano": piano.write,
    "guitar": guitar.write,
    "strings": strings.write,
}
_VOICES = {"piano": Voice(74, 60, 88), "guitar": Voice(67, 52, 79), "strings": Voice(76, 57, 88)}
_CHANNELS = {"drums": 9, "bass": 0, "piano": 1, "guitar": 2, "strings": 3}
_LEADS = {  # who leads in a section of a role, gentle and lively
    0: (("piano", "strings", "guitar"), ("strings", "piano", "guitar")),
    1: (("strings", "piano", "guitar"), ("guitar", "strings", "piano")),
    2: (("guitar", "strings", "piano"), ("piano", "strings", "guitar")),
}

Seeds = dict[str, dict[str, int]]
"""Section id -> part id (or ``harmony``) -> seed."""


def compose(sheet: CueSheet, seed: int) -> Score:
    """A whole score for the sheet. The same sheet and seed give the same score."""
    seeds: Seeds = {s.id: dict.fromkeys((*PARTS, HARMONY), seed) for s in sheet.sections}
    context = _context(sheet, seeds, plan_chords(sheet, [seed] * len(sheet.sections)))
    motif = _motif(sheet, seed)
    parts = [p for p in PARTS if any(p in s.parts for s in sheet.sections)]
    lines, statements = _write(context, parts, motif)
    lines = raise_hits(lines, [h.tick for h in sheet.hits], sheet.bars)
    mood = _mean_mood(sheet)
    return Score(
        tempo_map=sheet.tempo_map,
        bars=sheet.bars,
        key=sheet.key,
        parts=tuple(_part(p, mood, lines[p], controls(context, p)) for p in parts),
        sections=tuple(
            Section(s.id, s.name, s.tick, s.end, s.valence, s.arousal, seed, 1, s.role) for s in sheet.sections
        ),
        chords=context.chords,
        hits=sheet.hits,
        duration=sheet.duration,
        end_tick=sheet.end_tick,
        seed=seed,
        engine=ENGINE,
        title=sheet.title,
        metadata={"seeds": seeds, "motif_ticks": statements},
    )


def recompose(
    score: Score,
    sheet: CueSheet,
    start: int,
    end: int,
    parts: Sequence[str],
    seed: int,
    mood: tuple[float, float] | None = None,
) -> Score:
    """Another take of [start, end) ticks of some parts; every note and controller outside stays as it is.

    Notes held over the left edge stay; new ones end at the right edge at the latest. The harmony of whole bars
    inside changes too when all parts of the score are asked for.

    Args:
        score: the take to start from, composed from ``sheet``.
        mood: (valence, arousal) for the region instead of the sheet's.
    """
    touched = [s.id for s in sheet.sections if s.tick < end and s.end > start]
    seeds = _reseeded(score.metadata["seeds"], touched, parts, seed, {p.id for p in score.parts})
    changed = _with_mood(sheet, start, end, mood) if mood else sheet
    chords = score.chords
    if {p.id for p in score.parts} <= set(parts):
        planned = plan_chords(changed, [seeds[s.id][HARMONY] for s in sheet.sections])
        chords = _spliced(chords, planned, _whole_bars(sheet, start, end))
    context = _context(changed, seeds, chords)
    written, _ = _write(context, [p for p in parts if p in {q.id for q in score.parts}], _motif(sheet, score.seed))
    lines = {p.id: list(p.notes) for p in score.parts}
    fresh: dict[str, set[tuple[int, int]]] = {}
    for name, line in written.items():
        lines[name], fresh[name] = _replaced(lines[name], line, start, end)
    levelled = raise_hits(lines, [h.tick for h in sheet.hits if start <= h.tick < end], sheet.bars)
    merged = {p.id: _with_levels(lines[p.id], levelled[p.id], fresh.get(p.id, set())) for p in score.parts}
    merged = ease_under_hits(merged, fresh, {h.tick for h in sheet.hits}, sheet.bars)
    new_parts = []
    for part in score.parts:
        cc = part.controls
        if part.id in written and mood:
            cc = _replaced_controls(cc, controls(context, part.id), start, end)
        new_parts.append(replace(part, notes=tuple(sorted(merged[part.id])), controls=cc))
    sections = tuple(replace(s, seed=seed) if s.id in touched else s for s in score.sections)
    return replace(
        score, parts=tuple(new_parts), chords=chords, sections=sections, metadata={**score.metadata, "seeds": seeds}
    )


def _with_levels(notes: Sequence[Note], levelled: Sequence[Note], fresh: set[tuple[int, int]]) -> list[Note]:
    """The notes, with new velocities for the new ones alone."""
    loud = {(n.tick, n.pitch): n for n in levelled}
    return [loud[n.tick, n.pitch] if (n.tick, n.pitch) in fresh else n for n in notes]


def _context(sheet: CueSheet, seeds: Mapping[str, Mapping[str, int]], chords: tuple[ChordSpan, ...]) -> Context:
    return Context(sheet, chords, {(s, p): value for s, row in seeds.items() for p, value in row.items()})


def _mean_mood(sheet: CueSheet) -> tuple[float, float]:
    total = sum(s.end - s.tick for s in sheet.sections) or 1
    valence = sum(s.valence * (s.end - s.tick) for s in sheet.sections) / total
    return valence, sum(s.arousal * (s.end - s.tick) for s in sheet.sections) / total


def _motif(sheet: CueSheet, seed: int) -> Motif:
    return make_motif(random.Random(f"motif {seed}"), (_mean_mood(sheet)[1] + 1) / 2)


def _write(context: Context, parts: Sequence[str], motif: Motif) -> tuple[Lines, list[int]]:
    """Lines of the parts, accents and close included, same-pitch overlaps and silences resolved."""
    leads = _leads(context)
    lines: Lines = {}
    for part in parts:
        if part in _ACCOMPANISTS:
            leading = frozenset(s for s, lead in leads.items() if lead == part)
            lines[part] = _ACCOMPANISTS[part](context, part, leading)
        else:
            lines[part] = (drums if part == "drums" else bass).write(context, part)
    statements, last = _add_melodies(context, lines, leads, motif)
    closing = context.sheet.sections[-1]
    for part in parts:
        if part in closing.parts:
            tune = last if leads.get(closing.id) == part else None
            lines[part] += write_close(context, part, (closing.arousal + 1) / 2, tune)
    lines = strike_hits(context, _phrased(context, lines), parts)
    if "bass" in lines:
        lines["bass"] = bass.one_line(lines["bass"])
    return {p: _audible(normalise_notes(n), context.sheet) for p, n in lines.items()}, statements


_ARC = (-3, -1, 2, 4)
"""Velocity added in the bars of a four-bar phrase."""


def _phrased(context: Context, lines: Lines) -> Lines:
    """A swell over every four bars."""
    bars = context.bars
    ticks = [b.bar.tick for b in bars]

    def shaped(note: Note) -> Note:
        at = bisect_right(ticks, note.tick) - 1
        if at < 0 or note.tick >= context.sheet.final_tick:
            return note
        return replace(note, velocity=min(max(note.velocity + _ARC[bars[at].phrase % 4], 8), 120))

    return {part: [shaped(n) for n in notes] for part, notes in lines.items()}


def _leads(context: Context) -> dict[str, str]:
    """Section id -> the part that carries the melody there."""
    leads = {}
    for section in context.sheet.sections:
        row = _LEADS[(ord(section.role) - ord("a")) % 3]
        order = row[0] if section.arousal < 0.2 else row[1]
        able = [p for p in order if p in section.parts]
        if able:  # the tune passes on when its section returns
            turn = context.rng(section, HARMONY, "lead").randrange(2) + context.returns[section.id]
            leads[section.id] = able[turn % len(able)]
    return leads


def _add_melodies(
    context: Context, lines: Lines, leads: Mapping[str, str], motif: Motif
) -> tuple[list[int], int | None]:
    """Write the melody into the leading parts; returns ticks of the motif's literal statements and its last pitch."""
    statements: list[int] = []
    last = None
    rows: dict[str, list[BarContext]] = {}
    for bar in context.bars:
        rows.setdefault(bar.section.id, []).append(bar)
    tunes: Lines = {}
    for section in context.sheet.sections:
        lead = leads.get(section.id)
        bars = rows.get(section.id)
        if lead is None or lead not in lines or not bars:
            continue
        velocity = round(46 + 54 * (section.arousal + 1) / 2)
        voice = _VOICES[lead] if section.arousal > 0 else replace(_VOICES[lead], centre=_VOICES[lead].centre - 5)
        tune, ticks = melody(bars, motif, context.rng(section, lead, "melody"), voice, velocity)
        tunes.setdefault(lead, []).extend(tune)
        statements += ticks
        last = tune[-1].pitch if tune else last
    for lead, tune in tunes.items():
        taken = {(n.tick, n.pitch) for n in tune}
        lines[lead] = [n for n in lines[lead] if (n.tick, n.pitch) not in taken] + tune
    return statements, last


def _audible(notes: Iterable[Note], sheet: CueSheet) -> list[Note]:
    """Notes cut at the end of the cue and kept out of its silences."""
    result = []
    for note in notes:
        if note.tick >= sheet.end_tick:
            continue
        end = min(note.end, sheet.end_tick)
        for quiet_from, quiet_to in sheet.silences:
            if quiet_from <= note.tick < quiet_to:
                end = note.tick
            elif note.tick < quiet_from < end:
                end = quiet_from
        if end > note.tick:
            result.append(Note(note.tick, note.pitch, end - note.tick, note.velocity))
    return result


def _part(part: str, mood: tuple[float, float], notes: Iterable[Note], cc: tuple[Control, ...]) -> Part:
    return Part(part, part.capitalize(), _program(part, mood), _CHANNELS[part], tuple(notes), cc)


def _program(part: str, mood: tuple[float, float]) -> int:
    """General MIDI program by mood: nylon to overdriven guitar, upright to picked bass, slow to full strings."""
    valence, arousal = mood
    calm, lively = arousal < -0.2, arousal > 0.45
    return {
        "drums": 0,
        "bass": 32 if calm else 34 if lively else 33,
        "piano": 0,
        "guitar": 24 if calm else (29 if valence < -0.2 else 27) if lively else 25,
        "strings": 49 if calm else 48,
    }[part]


# --- another take --------------------------------------------------------------------------------------------


def _reseeded(
    seeds: Mapping[str, Mapping[str, int]], touched: Sequence[str], parts: Sequence[str], seed: int, every: set[str]
) -> Seeds:
    result = {s: dict(row) for s, row in seeds.items()}
    for section in touched:
        result[section].update(dict.fromkeys(parts, seed))
        if every <= set(parts):
            result[section][HARMONY] = seed
    return result


def _with_mood(sheet: CueSheet, start: int, end: int, mood: tuple[float, float]) -> CueSheet:
    """The sheet with the mood of the region changed; the tempo map and the hits stay."""
    sections: list[SectionPlan] = [
        replace(s, valence=mood[0], arousal=mood[1]) if s.tick < end and s.end > start else s for s in sheet.sections
    ]
    arousal = tuple((t, mood[1] if start <= t < end else a) for t, a in sheet.arousal)
    return replace(sheet, sections=tuple(sections), arousal=arousal)


def _whole_bars(sheet: CueSheet, start: int, end: int) -> tuple[int, int]:
    """The bars that lie in [start, end) as a whole, up to the close; an empty span when there are none."""
    inside = [b for b in sheet.bars if b.tick >= start and min(b.end, sheet.end_tick) <= end]
    if not inside:
        return start, start
    return inside[0].tick, min(inside[-1].end, sheet.final_tick)


def _spliced(old: Sequence[ChordSpan], new: Sequence[ChordSpan], region: tuple[int, int]) -> tuple[ChordSpan, ...]:
    start, end = region
    if end <= start:
        return tuple(old)
    kept = _clipped(old, 0, start) + _clipped(old, end, max(c.end for c in old))
    return tuple(sorted(kept + _clipped(new, start, end), key=lambda c: c.tick))


def _clipped(chords: Sequence[ChordSpan], start: int, end: int) -> list[ChordSpan]:
    return [
        replace(c, tick=max(c.tick, start), duration=min(c.end, end) - max(c.tick, start))
        for c in chords
        if c.tick < end and c.end > start
    ]


def _replaced(
    old: Sequence[Note], new: Sequence[Note], start: int, end: int
) -> tuple[list[Note], set[tuple[int, int]]]:
    """Old notes outside, new ones inside; (tick, pitch) of the new ones.

    A new note gives way where an old one of its pitch is held over the left edge, and ends at the right edge.
    """
    kept = [n for n in old if not start <= n.tick < end]
    held = {n.pitch: n.end for n in kept if n.tick < start < n.end}
    inside = [
        Note(n.tick, n.pitch, min(n.end, end) - n.tick, n.velocity)
        for n in new
        if start <= n.tick < end and n.tick >= held.get(n.pitch, 0)
    ]
    return sorted(kept + inside), {(n.tick, n.pitch) for n in inside}


def _replaced_controls(old: Sequence[Control], new: Sequence[Control], start: int, end: int) -> tuple[Control, ...]:
    """Expression of the region from the new curve; the old level returns at the right edge."""
    kept = [c for c in old if c.controller != EXPRESSION or not start <= c.tick < end]
    curve = [c for c in new if c.controller == EXPRESSION and c.tick < end]
    opening = [replace(c, tick=start) for c in curve if c.tick <= start][-1:]
    inside = [*opening, *(c for c in curve if c.tick > start)]
    before_end = [c for c in old if c.controller == EXPRESSION and c.tick < end]
    at_edge = any(c.controller == EXPRESSION and c.tick == end for c in old)
    restore = [replace(before_end[-1], tick=end)] if before_end and not at_edge else []
    return tuple(sorted([*kept, *inside, *restore]))
