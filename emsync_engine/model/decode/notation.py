"""Between rows on the grid and the notes of a score."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from emsync_engine.model import events as ev
from emsync_engine.model.decode.ensemble import group_of
from emsync_engine.model.decode.frame import Frame
from emsync_engine.model.decode.staging import GRID_TICKS, Stage, to_grid
from emsync_engine.model.decode.state import Event
from emsync_engine.score import TICKS_PER_QUARTER, Note, Part
from emsync_engine.smf import normalise_notes
from emsync_engine.spotting.cuesheet import CueSheet

Lines = dict[str, list[Note]]
"""Notes by part id."""

_DRUM_TICKS = TICKS_PER_QUARTER // 4
"""Length that drum hits are written with; they ring as they ring."""
_METRIC_WEIGHTS = ((4 * ev.GRID, 3), (ev.GRID, 2), (ev.GRID // 2, 0), (1, -3))
"""(every so many grid ticks of the bar, velocity): the first that divides a place shapes its notes within their bin."""
_WOBBLE = 5


@dataclass(frozen=True)
class Sounded:
    """A note of a score on the grid."""

    part: str
    note: Note
    tick: int
    group: int
    duration: int
    """Class of `DURATION_BINS`; 0 for drums."""


def on_grid(parts: Iterable[Part], n_ticks: int) -> list[Sounded]:
    """Notes of parts by (tick, group, pitch); what lies after the grid's end is left out."""
    found = []
    for part in parts:
        group = group_of(part)
        for note in part.notes:
            length = max(to_grid(note.end) - to_grid(note.tick), 1)
            duration = 0 if group == ev.DRUMS else int(ev.duration_bin(np.array([length]))[0])
            found.append(Sounded(part.id, note, to_grid(note.tick), group, duration))
    return sorted((s for s in found if 0 <= s.tick < n_ticks), key=lambda s: (s.tick, s.group, s.note.pitch))


def notes_of(events: Iterable[Event], stage: Stage, frame: Frame, names: Mapping[int, str]) -> Lines:
    """Notes of decoded events, at exact ticks: hits where they are, ends within silences, close and cue.

    Args:
        names: the part of each group.
    """
    lines: Lines = {name: [] for name in names.values()}
    for event in events:
        if event.kind == ev.NOTE:
            lines[names[event.group]].append(_note(event, stage, frame))
    for group, name in names.items():
        if frame.limits.voices[group] == 1:
            lines[name] = _one_voice(lines[name])
    return {name: audible(normalise_notes(notes), stage.sheet) for name, notes in lines.items()}


def _note(event: Event, stage: Stage, frame: Frame) -> Note:
    tick = int(frame.bar_start[event.bar]) + event.pos
    start = stage.hits.get(tick, tick * GRID_TICKS)
    if event.group == ev.DRUMS:
        length = _DRUM_TICKS
    else:
        room = int(frame.must_end[tick]) - tick
        longest = room if tick in frame.hold else min(int(ev.DURATION_BINS[event.duration]), room)
        stop = tick + longest
        length = stage.hits.get(stop, stop * GRID_TICKS) - start
    return Note(start, event.pitch, max(length, 1), shaped(event.velocity, event.pos, start, event.pitch))


def shaped(velocity_class: int, pos: int, tick: int, pitch: int) -> int:
    """A velocity inside its class: heavier on the beats, never quite the same twice, always the same again."""
    low = velocity_class * ev.VELOCITY_STEP
    weight = next(value for every, value in _METRIC_WEIGHTS if pos % every == 0)
    wobble = (tick // GRID_TICKS * 7 + pitch * 3) % _WOBBLE - _WOBBLE // 2
    velocity = low + ev.VELOCITY_STEP // 2 + weight + wobble
    return max(min(velocity, low + ev.VELOCITY_STEP - 1), low, 1)


def _one_voice(notes: Sequence[Note]) -> list[Note]:
    """Each note ends where the next begins at the latest."""
    onsets = sorted({n.tick for n in notes})
    following = dict(pairwise(onsets))
    return [replace(n, duration=min(n.end, following.get(n.tick, n.end)) - n.tick) for n in notes]


def audible(notes: Iterable[Note], sheet: CueSheet) -> list[Note]:
    """Notes cut at the end of the cue and kept out of its silences."""
    result = []
    for note in notes:
        end = min(note.end, sheet.end_tick)
        for quiet_from, quiet_to in sheet.silences:
            if quiet_from <= note.tick < quiet_to:
                end = note.tick
            elif note.tick < quiet_from:
                end = min(end, quiet_from)
        if end > note.tick:
            result.append(replace(note, duration=end - note.tick))
    return result
