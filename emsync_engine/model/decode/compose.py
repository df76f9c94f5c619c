"""From the cue sheet to a score, by the trained network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from emsync_engine.instructions import PARTS
from emsync_engine.measure import accent_ticks
from emsync_engine.model.decode.draft import Decoding, write_cue
from emsync_engine.model.decode.ensemble import GROUP_OF_PART, groups_of, new_part
from emsync_engine.model.decode.fast import network_of
from emsync_engine.model.decode.notation import Lines, audible, notes_of
from emsync_engine.model.decode.reference import Network
from emsync_engine.model.decode.staging import GRID_TICKS, Stage, frame_of, guide_of, to_grid
from emsync_engine.model.decode.state import Event
from emsync_engine.model.decode.theme import with_theme
from emsync_engine.model.decode.weights import Weights
from emsync_engine.rules.accents import raise_hits, strike_hits
from emsync_engine.rules.context import Context
from emsync_engine.rules.dynamics import controls
from emsync_engine.rules.harmony import plan_chords
from emsync_engine.score import Note, Score, Section
from emsync_engine.smf import normalise_notes
from emsync_engine.spotting.cuesheet import CueSheet

ENGINE = "model"
HARMONY = "harmony"
"""The part name under which a section's harmony has its seed, as in the rule composer."""

CUE_CANDIDATES = 2
"""Attempts at every few bars of a whole cue, so that a minute takes seconds; a region gets more (`Decoding`)."""

Seeds = dict[str, dict[str, int]]
"""Section id -> part id (or ``harmony``) -> seed."""
OnBar = Callable[[int, int, Mapping[str, Sequence[Note]]], None]
"""Told of every finished bar: its first tick, its end, its notes by part (accents not raised yet)."""


def compose(
    sheet: CueSheet,
    seed: int,
    weights: Weights | Network,
    decoding: Decoding | None = None,
    on_bar: OnBar | None = None,
) -> Score:
    """A whole score for the sheet. The same sheet, seed, weights and decoding give the same score.

    Args:
        weights: a network that is ready (`network_of`), or the weights to make one from.
    """
    stage = Stage(sheet, plan_chords(sheet, [seed] * len(sheet.sections)))
    parts = [p for p in PARTS if p in stage.parts]
    names = {GROUP_OF_PART[p]: p for p in parts}
    decoding, network = decoding or Decoding(candidates=CUE_CANDIDATES), as_network(weights)
    seeds: Seeds = {s.id: dict.fromkeys((*PARTS, HARMONY), seed) for s in sheet.sections}
    context = context_of(stage, seeds)
    frame, statements = frame_of(stage, forced=decoding.forced), list[int]()
    if decoding.theme:
        frame, statements = with_theme(frame, stage, context, seed)

    def on_events(bar: int, events: Sequence[Event]) -> None:
        if on_bar is not None:
            begin, end = (int(tick) * GRID_TICKS for tick in frame.bar_start[bar : bar + 2])
            on_bar(begin, end, notes_of(events, stage, frame, names))

    guide = guide_of(stage, groups_of(parts))
    written = write_cue(network, frame, guide, stage.stop_bar, decoding, seed, on_events, returns_of(stage))
    lines = notes_of(written.events, stage, frame, names)
    mood = mean_mood(sheet)
    score = Score(
        tempo_map=sheet.tempo_map,
        bars=sheet.bars,
        key=sheet.key,
        parts=tuple(replace(new_part(p, *mood), notes=tuple(lines[p]), controls=controls(context, p)) for p in parts),
        sections=tuple(
            Section(s.id, s.name, s.tick, s.end, s.valence, s.arousal, seed, 1, s.role) for s in sheet.sections
        ),
        chords=stage.chords,
        hits=sheet.hits,
        duration=sheet.duration,
        end_tick=sheet.end_tick,
        seed=seed,
        engine=ENGINE,
        title=sheet.title,
        metadata={"seeds": seeds, "motif_ticks": statements, "fallbacks": written.fallbacks},
    )
    if not decoding.forced:
        return score
    return raised(with_accents(score, context), [h.tick for h in sheet.hits])


def returns_of(stage: Stage) -> dict[int, int]:
    """First bar of each section that has the role of an earlier one, with the first bar of that one."""
    firsts: dict[str, int] = {}
    found = {}
    for section in stage.sheet.sections:
        bar = int(np.searchsorted(stage.bar_start, to_grid(section.tick)))
        if section.role in firsts:
            found[bar] = firsts[section.role]
        else:
            firsts[section.role] = bar
    return found


def as_network(weights: Weights | Network) -> Network:
    return weights if isinstance(weights, Network) else network_of(weights)


def context_of(stage: Stage, seeds: Seeds) -> Context:
    """What the rules' levels and accents need to know."""
    flat = {(section, part): seed for section, row in seeds.items() for part, seed in row.items()}
    return Context(stage.sheet, stage.chords, flat)


def with_accents(score: Score, context: Context) -> Score:
    """The score with the rules' accent at every hit that decoding could not make (metadata counts them)."""
    made = set(accent_ticks(score))
    sheet = context.sheet
    unmet = tuple(h for h in sheet.hits if h.tick not in made and audible([Note(h.tick, 60, 1, 1)], sheet))
    lines: Lines = {part.id: list(part.notes) for part in score.parts}
    if unmet:
        lines = strike_hits(replace(context, sheet=replace(sheet, hits=unmet)), lines, list(lines))
    parts = tuple(replace(p, notes=tuple(audible(normalise_notes(lines[p.id]), sheet))) for p in score.parts)
    return replace(score, parts=parts, metadata={**score.metadata, "repaired_hits": len(unmet)})


def raised(score: Score, hits: Sequence[int]) -> Score:
    """The score with the accents at these ticks louder than their bars."""
    lines = raise_hits({part.id: list(part.notes) for part in score.parts}, hits, score.bars)
    return replace(score, parts=tuple(replace(p, notes=tuple(sorted(lines[p.id]))) for p in score.parts))


def mean_mood(sheet: CueSheet) -> tuple[float, float]:
    """Valence and arousal of the sections, by their lengths."""
    total = sum(s.end - s.tick for s in sheet.sections) or 1
    valence = sum(s.valence * (s.end - s.tick) for s in sheet.sections) / total
    return valence, sum(s.arousal * (s.end - s.tick) for s in sheet.sections) / total
