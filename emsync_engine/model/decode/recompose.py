"""Another take of a region: the network fills a hole, told what is to its left, to its right and beside it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np

from emsync_engine.instructions import PARTS
from emsync_engine.measure import accent_ticks
from emsync_engine.model import conditions as cond
from emsync_engine.model.decode.compose import HARMONY, OnBar, Seeds, as_network, context_of
from emsync_engine.model.decode.draft import Decoding
from emsync_engine.model.decode.ensemble import group_of
from emsync_engine.model.decode.frame import Frame
from emsync_engine.model.decode.infill import Filling
from emsync_engine.model.decode.notation import Lines, audible, notes_of
from emsync_engine.model.decode.reference import Network
from emsync_engine.model.decode.region import Region, frame_in
from emsync_engine.model.decode.staging import GRID_TICKS, Stage, density_of, frame_of, guide_of
from emsync_engine.model.decode.state import Event
from emsync_engine.model.decode.weights import Weights
from emsync_engine.rules.accents import raise_hits, strike_hits

# What a region means for seeds, moods, chords and levels is the same for both composers.
from emsync_engine.rules.compose import _replaced_controls, _reseeded, _spliced, _whole_bars, _with_mood
from emsync_engine.rules.context import Context
from emsync_engine.rules.dynamics import controls
from emsync_engine.rules.harmony import plan_chords
from emsync_engine.score import ChordSpan, Score
from emsync_engine.smf import normalise_notes
from emsync_engine.spotting.cuesheet import CueSheet

_ATTEMPTS, _NEXT_SEED = 3, 1_000_003
_LEAST_NEW = 0.1
"""Share of a take's notes that must not have been there before. Where the bars around leave the network in no doubt, it
is tried again, more freely each time; of the attempts that fail the newest is kept."""
_FREER = 1.35
"""Factor on the temperature from one attempt to the next."""


def recompose(
    score: Score,
    sheet: CueSheet,
    start: int,
    end: int,
    parts: Sequence[str],
    seed: int,
    weights: Weights | Network,
    mood: tuple[float, float] | None = None,
    decoding: Decoding | None = None,
    on_bar: OnBar | None = None,
) -> Score:
    """Another take of [start, end) ticks of some parts; every note and controller outside stays as it is.

    A note belongs to where it begins. Those held over the left edge stay, and so do those that begin inside and are
    held over the right edge: they sound outside too, and new notes keep clear of their pitches. New notes end at the
    right edge at the latest. The harmony of whole bars inside changes too when all parts of the score are asked for.

    Args:
        score: the take to start from, composed from ``sheet`` by any engine.
        weights: a network that is ready (`network_of`), or the weights to make one from.
        mood: (valence, arousal) for the region instead of the sheet's.
    """
    seeds, chords, changed = _plan(score, sheet, start, end, parts, seed, mood)
    stage = Stage(sheet, chords)
    names = {group_of(p): p.id for p in reversed(score.parts) if p.id in parts}
    region = Region(score, stage, start, end, names)
    begin, stop = region.ticks
    if begin >= stop or not names:
        return score
    decoding = decoding or Decoding()
    frame = frame_in(region, frame_of(stage, forced=decoding.forced))
    lines, fallbacks = _new_lines(as_network(weights), region, frame, _guide(region, mood), decoding, seed, on_bar)
    context = context_of(Stage(changed, chords), seeds)
    merged, fresh, repaired = _with_accents(score, region, lines, context)
    levels = raise_hits(merged, [t for t in stage.hits.values() if start <= t < end], sheet.bars)
    new_parts = []
    for part in score.parts:
        if part.id not in lines:
            new_parts.append(part)
            continue
        loud = {(n.tick, n.pitch): n for n in levels[part.id]}
        notes = [loud[n.tick, n.pitch] if (n.tick, n.pitch) in fresh[part.id] else n for n in merged[part.id]]
        cc = part.controls
        if mood:
            cc = _replaced_controls(cc, controls(context, part.id), start, end)
        new_parts.append(replace(part, notes=tuple(sorted(notes)), controls=cc))
    touched = {s.id for s in sheet.sections if s.tick < end and s.end > start}
    sections = tuple(replace(s, seed=seed) if s.id in touched else s for s in score.sections)
    metadata = {**score.metadata, "seeds": seeds, "fallbacks": fallbacks, "repaired_hits": repaired}
    return replace(score, parts=tuple(new_parts), chords=chords, sections=sections, metadata=metadata)


def _new_lines(
    network: Network,
    region: Region,
    frame: Frame,
    guide: cond.Guide,
    decoding: Decoding,
    seed: int,
    on_bar: OnBar | None,
) -> tuple[Lines, int]:
    """New notes of the region's parts, not the old ones again, and how often grammar decided alone."""

    def on_events(bar: int, events: Sequence[Event]) -> None:
        if on_bar is not None:
            first, after = (int(tick) * GRID_TICKS for tick in frame.bar_start[bar : bar + 2])
            on_bar(first, after, notes_of(events, region.stage, frame, region.names))

    old = {(s.part, s.note.tick, s.note.pitch) for s in region.sounded if region.is_free(s)}
    found: list[tuple[float, Lines]] = []
    fallbacks = 0
    for attempt in range(_ATTEMPTS):
        if attempt:
            decoding = _freer(decoding)
        filling = Filling(network, region, frame, guide, decoding, seed + _NEXT_SEED * attempt, on_events)
        written = filling.write()
        fallbacks += written.fallbacks
        lines = _beside_what_stays(notes_of(written.events, region.stage, frame, region.names), region)
        new = {(part, n.tick, n.pitch) for part, notes in lines.items() for n in notes}
        found.append((len(new - old) / max(len(new), 1), lines))
        if not old or found[-1][0] >= _LEAST_NEW:
            break
    return max(found, key=lambda take: take[0])[1], fallbacks


def _freer(decoding: Decoding) -> Decoding:
    """Without the wish for patterns to go on, and with unlikelier notes."""
    sampling = decoding.sampling
    return replace(
        decoding,
        wishes=replace(decoding.wishes, echo=0.0),
        sampling=replace(sampling, temperature=_FREER * sampling.temperature, min_p=sampling.min_p / 2),
    )


def _plan(
    score: Score, sheet: CueSheet, start: int, end: int, parts: Sequence[str], seed: int,
    mood: tuple[float, float] | None,
) -> tuple[Seeds, tuple[ChordSpan, ...], CueSheet]:  # fmt: skip
    """Seeds and chords of the new take, and the sheet with its mood."""
    every = {p.id for p in score.parts}
    touched = [s.id for s in sheet.sections if s.tick < end and s.end > start]
    default = {s.id: dict.fromkeys((*PARTS, HARMONY), score.seed) for s in sheet.sections}
    seeds = _reseeded({**default, **score.metadata.get("seeds", {})}, touched, parts, seed, every)
    changed = _with_mood(sheet, start, end, mood) if mood else sheet
    if not every <= set(parts):
        return seeds, score.chords, changed
    planned = plan_chords(changed, [seeds[s.id][HARMONY] for s in sheet.sections])
    if not score.chords:
        return seeds, planned, changed
    return seeds, _spliced(score.chords, planned, _whole_bars(sheet, start, end)), changed


def _guide(region: Region, mood: tuple[float, float] | None) -> cond.Guide:
    """The cue's guide, with another mood in the region's bars."""
    guide = guide_of(region.stage, {group_of(p) for p in region.score.parts})
    if mood is None:
        return guide
    inside = slice(*region.bars)
    valence, arousal, density = guide.valence.copy(), guide.arousal.copy(), guide.density.copy()
    valence[inside], arousal[inside] = mood
    density[inside] = density_of(arousal[inside], np.full(len(arousal[inside]), len(region.score.parts)))
    return replace(guide, valence=valence, arousal=arousal, density=density)


def _beside_what_stays(lines: Lines, region: Region) -> Lines:
    """New notes cut to the region, and where a note that stays begins on their pitch."""
    result: Lines = {}
    for part, notes in lines.items():
        stays = region.stays(part)
        result[part] = []
        for note in notes:
            stops = [n.tick for n in stays if n.pitch == note.pitch and n.tick > note.tick]
            taken = any(n.pitch == note.pitch and n.tick <= note.tick < n.end for n in stays)
            stop = min([note.end, region.end, *stops])
            if region.start <= note.tick < stop and not taken:
                result[part].append(replace(note, duration=stop - note.tick))
    return result


def _with_accents(
    score: Score, region: Region, lines: Lines, context: Context
) -> tuple[Lines, dict[str, Collection[tuple[int, int]]], int]:
    """All parts with the new notes, (tick, pitch) of what is new, and how many hits the rules had to strike."""
    merged: Lines = {p.id: sorted([*region.stays(p.id), *lines.get(p.id, [])]) for p in score.parts}
    made = set(accent_ticks(replace(score, parts=tuple(replace(p, notes=tuple(merged[p.id])) for p in score.parts))))
    hits = [h for h in context.sheet.hits if region.start <= h.tick < region.end and h.tick not in made]
    unmet = tuple(h for h in hits if not any(a <= h.tick < b for a, b in context.sheet.silences))
    if unmet:
        sheet = replace(context.sheet, hits=unmet)
        struck = strike_hits(Context(sheet, context.chords, context.seeds), dict(lines), list(lines))
        heard = {part: audible(normalise_notes(notes), context.sheet) for part, notes in struck.items()}
        lines = _beside_what_stays(heard, region)
        merged |= {part: sorted([*region.stays(part), *notes]) for part, notes in lines.items()}
    fresh: dict[str, Collection[tuple[int, int]]] = {
        part: {(n.tick, n.pitch) for n in notes} for part, notes in lines.items()
    }
    return merged, fresh, len(unmet)
