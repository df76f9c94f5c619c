"""The lanes of the parts: a piano roll each, and named rows for drums.

Notes are drawn in few, long paths: one for every velocity band of every stretch of time. A two-hour score stays small,
and a browser skips the stretches that are off the screen.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bridge.report.lane import Lane, count, drawing, path
from bridge.report.markup import escape, number, numbers
from bridge.report.view import FloatArray, View, note_name
from emsync_engine.score import Note, Part

VELOCITY_BANDS = (48, 64, 80, 96)
"""First velocity of each band after the softest."""
STRETCH_S = 20.0
MIN_ROWS = 15  # semitones
ROLL_HEIGHT = 144  # pixels aimed at; a semitone is 3 to 6 of them
DRUM_ROW = 15  # pixels

DRUM_NAMES = {
    35: "Kick 2", 36: "Kick", 37: "Side stick", 38: "Snare", 39: "Clap", 40: "Snare 2", 41: "Floor tom 2",
    42: "Closed hat", 43: "Floor tom", 44: "Pedal hat", 45: "Low tom", 46: "Open hat", 47: "Mid tom 2",
    48: "Mid tom", 49: "Crash", 50: "High tom", 51: "Ride", 52: "China", 53: "Ride bell", 54: "Tambourine",
    55: "Splash", 56: "Cowbell", 57: "Crash 2", 58: "Vibraslap", 59: "Ride 2", 60: "High bongo", 61: "Low bongo",
    62: "Mute conga", 63: "High conga", 64: "Low conga", 65: "High timbale", 66: "Low timbale", 67: "High agogo",
    68: "Low agogo", 69: "Cabasa", 70: "Maracas", 71: "Short whistle", 72: "Long whistle", 73: "Short guiro",
    74: "Long guiro", 75: "Claves", 76: "High block", 77: "Low block", 78: "Mute cuica", 79: "Open cuica",
    80: "Mute triangle", 81: "Triangle", 82: "Shaker",
}  # fmt: skip
"""General MIDI percussion (and the shaker of GM 2)."""

DRUM_ORDER = (49, 57, 55, 52, 51, 59, 53, 46, 42, 44, 54, 82, 70, 50, 48, 47, 45, 43, 41, 39, 37, 40, 38, 35, 36)
"""From the top row down, as a drummer's staff has it: cymbals, hats, toms, snare, kick."""


def part_lane(view: View, part: Part) -> Lane:
    """The lane of one part."""
    if not part.notes:
        return Lane(f"part-{part.id}", part.name, 30, '<p class="silent">silent</p>', note="no notes")
    return _drum_lane(view, part) if part.is_drums else _roll_lane(view, part)


def _roll_lane(view: View, part: Part) -> Lane:
    pitches = [note.pitch for note in part.notes]
    low, high = min(pitches) - 1, max(pitches) + 1
    spare = max(0, MIN_ROWS - (high - low + 1))
    low, high = low - spare // 2, high + spare - spare // 2
    rows = high - low + 1
    size = max(3.0, min(6.0, round(ROLL_HEIGHT / rows * 2) / 2))
    height = rows * size
    octaves = [pitch for pitch in range(low + 1, high + 1) if pitch % 12 == 0]
    lines = "".join(f"M0 {number((high - p + 1) * size)}H{number(view.duration_s)}" for p in octaves)
    ys = (high - np.array(pitches) + 0.5) * size
    starts, ends = _times(view, part.notes)
    commands = [
        f"M{x} {y}h{w}" for x, y, w in zip(numbers(starts), numbers(ys, 1), numbers(np.maximum(ends - starts, 0.01)))
    ]
    label = f"{part.name}, {count(len(pitches), 'note')} from {note_name(min(pitches))} to {note_name(max(pitches))}"
    notes = _grouped(part.notes, starts.tolist(), commands)
    body = drawing(f'{path("octave", lines)}<g style="stroke-width:{number(size - 0.7, 1)}">{notes}</g>',
                   view.duration_s, height, label)  # fmt: skip
    names = [f'<em style="top:{number((high - p + 0.5) * size, 1)}px">{note_name(p)}</em>' for p in octaves]
    return Lane(f"part-{part.id}", part.name, round(height), body, count(len(pitches), "note"), _rows(names))


def _drum_lane(view: View, part: Part) -> Lane:
    used = {note.pitch for note in part.notes}
    rows = [p for p in DRUM_ORDER if p in used] + sorted(used.difference(DRUM_ORDER))
    foot = {pitch: (row + 1) * DRUM_ROW - 2 for row, pitch in enumerate(rows)}
    height = len(rows) * DRUM_ROW
    starts, _ = _times(view, part.notes)
    commands = [
        f"M{x} {foot[note.pitch]}v-{number(3 + 9 * note.velocity / 127, 1)}"
        for x, note in zip(numbers(starts), part.notes)
    ]
    lines = "".join(f"M0 {y + 1.5:g}H{number(view.duration_s)}" for y in list(foot.values())[:-1])
    label = f"{part.name}, {count(len(part.notes), 'stroke')} on {', '.join(_drum_name(p) for p in rows)}"
    body = drawing(path("row", lines) + _grouped(part.notes, starts.tolist(), commands), view.duration_s, height, label)
    names = [f'<em style="top:{foot[p] - DRUM_ROW / 2 + 2:g}px">{escape(_drum_name(p))}</em>' for p in rows]
    return Lane(f"part-{part.id}", part.name, height, body, count(len(part.notes), "stroke"), _rows(names, " named"))


def _rows(names: Sequence[str], kind: str = "") -> str:
    return f'<span class="rows{kind}" aria-hidden="true">{"".join(names)}</span>'


def _drum_name(pitch: int) -> str:
    return DRUM_NAMES.get(pitch, f"Note {pitch}")


def _times(view: View, notes: Sequence[Note]) -> tuple[FloatArray, FloatArray]:
    starts = view.clock.seconds([note.tick for note in notes])
    return starts, view.clock.seconds([note.end for note in notes])


def _grouped(notes: Sequence[Note], starts: Sequence[float], commands: Sequence[str]) -> str:
    """One path for each stretch of time and velocity band."""
    groups: dict[tuple[int, int], list[str]] = {}
    bands = np.searchsorted(VELOCITY_BANDS, [note.velocity for note in notes], side="right").tolist()
    for start, band, command in zip(starts, bands, commands):
        groups.setdefault((int(start // STRETCH_S), band), []).append(command)
    return "".join(path(f"v{band}", "".join(group)) for (_, band), group in sorted(groups.items()))
