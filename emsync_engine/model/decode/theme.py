"""The theme: the rules' motif, planted where they would state it, so that a cue has something to come back to.

The network is made to pass through these notes (`constraints.GivenNotes`) and writes everything else around them. In a
bar with a statement the leading part plays nothing but the theme.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from emsync_engine.model import events as ev
from emsync_engine.model.decode.ensemble import GROUP_OF_PART
from emsync_engine.model.decode.frame import Frame, Given
from emsync_engine.model.decode.staging import Stage, to_grid
from emsync_engine.model.decode.wishes import LOUDNESS_BASE, LOUDNESS_SLOPE

# Who leads where, and the motif of a seed, are the same for both composers.
from emsync_engine.rules.compose import _VOICES, _leads, _motif
from emsync_engine.rules.context import BarContext, Context
from emsync_engine.rules.motif import state, states_motif

_LOUDER = 0.6
"""Velocity classes by which the theme stands out."""


def with_theme(frame: Frame, stage: Stage, context: Context, seed: int) -> tuple[Frame, list[int]]:
    """The frame with the theme's statements as given notes, and the score ticks at which they begin."""
    motif = _motif(context.sheet, seed)
    may_begin, given, ticks = frame.may_begin.copy(), list[Given](), list[int]()
    for bar, part in _places(context):
        group, begin = GROUP_OF_PART[part], to_grid(bar.bar.tick)
        stop = begin + sum(motif.eighths) * ev.GRID // 2
        if not _has_room(frame, group, begin, stop):
            continue
        key, voice = bar.section.key, _VOICES[part]
        level = round(LOUDNESS_BASE + LOUDNESS_SLOPE * bar.section.arousal + _LOUDER)
        for eighths, note in zip(
            motif.eighths, state(motif, bar.bar.tick, key, key.tonic, voice.centre, 1), strict=True
        ):
            length = int(ev.duration_bin(np.array(eighths * ev.GRID // 2)))
            given.append(Given(to_grid(note.tick), group, note.pitch, length, min(max(level, 0), ev.VELOCITY_BINS - 1)))
        may_begin[begin:stop, group] = False
        ticks.append(bar.bar.tick)
    rows = tuple(sorted(given, key=lambda note: (note.tick, note.group, note.pitch)))
    return replace(frame, given=rows, may_begin=may_begin), ticks


def _has_room(frame: Frame, group: int, begin: int, stop: int) -> bool:
    """The group may play throughout, and the others can strike what is to be struck meanwhile.

    Drums with bass, or two others that play chords: one alone may be out of reach of the theme's place in the rows.
    """
    if not frame.may_begin[begin:stop, group].all() or (frame.must_end[begin:stop] < stop).any():
        return False
    others = frame.may_begin[begin:stop].copy()
    others[:, group] = False
    struck = [tick - begin for tick in frame.strikes if begin <= tick < stop]
    return all(others[at, [ev.DRUMS, ev.BASS]].all() or others[at, ev.BASS + 1 :].sum() > 1 for at in struck)


def _places(context: Context) -> Iterator[tuple[BarContext, str]]:
    """Bars that state the motif, with the part that leads there."""
    leads = _leads(context)
    for bar in context.bars:
        lead = leads.get(bar.section.id)
        if lead is not None and states_motif(bar):
            yield bar, lead
