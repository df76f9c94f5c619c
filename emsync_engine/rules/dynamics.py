"""Levels, places and swells: the controllers of each part."""

from __future__ import annotations

from collections.abc import Sequence

from emsync_engine.rules.context import QUARTER, Context
from emsync_engine.score import Control

VOLUME, PAN, EXPRESSION = 7, 10, 11
_LEVELS = {"drums": (92, 64), "bass": (98, 60), "piano": (94, 50), "guitar": (84, 84), "strings": (96, 70)}
"""CC7 and CC10 by part."""
_STEP = 2  # smallest change of CC11 worth an event


def controls(context: Context, part: str) -> tuple[Control, ...]:
    """CC7 and CC10 at the start, CC11 following the arousal: by beats and with swells into hits for strings."""
    volume, pan = _LEVELS.get(part, (92, 64))
    rows = [Control(0, VOLUME, volume), Control(0, PAN, pan)]
    curve = _expression(context, by_beats=part == "strings")
    last = None
    for tick, value in curve:
        if last is None or abs(value - last) >= _STEP:
            rows.append(Control(tick, EXPRESSION, value))
            last = value
    return tuple(sorted(rows))


def _expression(context: Context, *, by_beats: bool) -> list[tuple[int, int]]:
    bars = context.bars
    levels = [76 + 42 * b.energy for b in bars]
    rows: list[tuple[int, int]] = []
    for i, bar in enumerate(bars):
        following = levels[min(i + 1, len(levels) - 1)]
        beats = max(bar.beats, 1) if by_beats else 1
        for k in range(beats):
            level = levels[i] + (following - levels[i]) * k / beats
            if by_beats and bar.before_turn:
                level += 8 * (k + 1) / beats
            rows.append((bar.bar.tick + k * QUARTER, min(round(level), 127)))
    sheet = context.sheet
    closing = min(round(levels[-1] + 4), 127) if levels else 96
    rows.append((sheet.final_tick, closing))
    rows += _diminuendo(sheet.final_tick, sheet.end_tick, closing) if by_beats else []
    return rows


def _diminuendo(start: int, end: int, level: int) -> Sequence[tuple[int, int]]:
    """The closing chord eases off after its first beat."""
    steps = range(start + QUARTER, end, QUARTER // 2)
    return [(tick, round(level - (level - 46) * (tick - start) / max(end - start, 1))) for tick in steps]
