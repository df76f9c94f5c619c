"""Standard MIDI files to pieces on the grid.

Only the standard meaning of a file is used: every note-on with a velocity above zero is one note. A note
that is struck again before its end stops there; one that never ends gets `HANGING_QUARTERS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emsync_engine.errors import InputError
from emsync_engine.model import events as ev
from emsync_engine.model import smf

HANGING_QUARTERS = 2.0
"""Length given to a note without an end, in quarter notes."""
DEFAULT_TEMPO_US = 500_000
"""Microseconds per quarter note where a file states no tempo."""
DRUM_CHANNEL = 9

GroupRule = Callable[[int, str], int]
"""Instrument group from (program 0-127, track name), for notes that are not on the drum channel."""


class MidiFileError(InputError):
    """A file that cannot be read as music; `where` names the file."""

    default_code = "bad_midi"


@dataclass(frozen=True)
class RawNote:
    """A note in file time: ticks of the file's own resolution."""

    start: int
    end: int
    group: int
    pitch: int
    velocity: int


def group_of_program(program: int, _track_name: str) -> int:
    """The general rule: the group of the General MIDI program."""
    return ev.GROUP_OF_PROGRAM[program]


def read_piece(source: Path | bytes, rule: GroupRule = group_of_program) -> ev.Piece:
    """Parse a MIDI file (or its bytes) into a piece on the grid. Raises MidiFileError."""
    name = str(source) if isinstance(source, Path) else "<bytes>"
    data = source.read_bytes() if isinstance(source, Path) else source
    try:
        midi = smf.parse(data)
    except smf.SmfError as error:
        raise MidiFileError(f"not a readable MIDI file: {error}", where=name) from error
    metres: dict[int, tuple[int, int]] = {}
    tempos: dict[int, int] = {}
    notes = [note for track in midi.tracks for note in _read_track(track, rule, metres, tempos, midi.resolution)]
    return _on_grid(notes, metres, tempos, midi.resolution)


def _read_track(
    track: tuple[smf.Message, ...],
    rule: GroupRule,
    metres: dict[int, tuple[int, int]],
    tempos: dict[int, int],
    resolution: int,
) -> Iterator[RawNote]:
    """Yield the notes of a track; metres and tempos met on the way are entered by tick."""
    name = ""
    program = [0] * 16
    sounding: dict[tuple[int, int], tuple[int, int, int]] = {}  # (channel, pitch) -> (start, group, velocity)

    def close(key: tuple[int, int], end: int) -> Iterator[RawNote]:
        if key in sounding:
            start, group, velocity = sounding.pop(key)
            yield RawNote(start, end, group, key[1], velocity)

    for message in track:
        now, data = message.tick, message.data
        if message.status == smf.NOTE_ON and data[1] > 0:
            key = (message.channel, data[0] & 0x7F)
            yield from close(key, now)
            drum = message.channel == DRUM_CHANNEL
            group = ev.DRUMS if drum else rule(program[message.channel], name)
            sounding[key] = (now, group, data[1] & 0x7F)
        elif message.status in (smf.NOTE_ON, smf.NOTE_OFF):
            yield from close((message.channel, data[0] & 0x7F), now)
        elif message.status == smf.PROGRAM:
            program[message.channel] = data[0] & 0x7F
        elif message.status == smf.META and message.channel == smf.META_NAME:
            name = data.decode("latin-1")
        elif message.status == smf.META and message.channel == smf.META_METRE and len(data) >= 2:
            metres[now] = (data[0], 2 ** min(data[1], 6))
        elif message.status == smf.META and message.channel == smf.META_TEMPO and len(data) == 3:
            tempos[now] = max(int.from_bytes(data, "big"), 1)
    for key in list(sounding):
        yield from close(key, sounding[key][0] + round(HANGING_QUARTERS * resolution))


def _on_grid(
    notes: list[RawNote], metres: dict[int, tuple[int, int]], tempos: dict[int, int], resolution: int
) -> ev.Piece:
    """Quantise notes and bar lines (each from its exact place, so nothing drifts)."""
    columns = np.array([(n.start, n.end, n.group, n.pitch, n.velocity) for n in notes], dtype=np.int64)
    columns = columns.reshape(-1, 5)
    scale = ev.GRID / resolution
    onset = np.floor(columns[:, 0] * scale + 0.5).astype(np.int32)
    length = np.floor((columns[:, 1] - columns[:, 0]) * scale + 0.5).astype(np.int32)
    last = float(columns[:, 0].max() / resolution) if len(columns) else 0.0
    lines = _bar_lines({tick / resolution: metre for tick, metre in metres.items()}, last)
    bar_start = np.floor(lines * ev.GRID + 0.5).astype(np.int32)
    if len(onset) and onset.max() >= bar_start[-1]:  # rounded over the last line
        bar_start = np.append(bar_start, bar_start[-1] + (bar_start[-1] - bar_start[-2])).astype(np.int32)
        lines = np.append(lines, 2 * lines[-1] - lines[-2])
    seconds = _seconds_at(lines, {tick / resolution: tempo for tick, tempo in tempos.items()})
    return ev.sort_notes(
        ev.Piece(
            onset=onset,
            group=columns[:, 2].astype(np.uint8),
            pitch=columns[:, 3].astype(np.uint8),
            duration=np.maximum(length, 1),
            velocity=columns[:, 4].astype(np.uint8),
            bar_start=bar_start,
            bar_seconds=np.diff(seconds).astype(np.float32),
        )
    )


def _bar_lines(metres: dict[float, tuple[int, int]], last_onset: float) -> np.ndarray:
    """Bar lines in quarters from 0 to past `last_onset`; a metre change starts a bar; long bars are split."""
    changes = sorted(metres.items())
    if not changes or changes[0][0] > 0:
        changes.insert(0, (0.0, (4, 4)))
    lines = [0.0]
    for index, (start, (numerator, denominator)) in enumerate(changes):
        stop = changes[index + 1][0] if index + 1 < len(changes) else np.inf
        quarters = max(numerator, 1) * 4.0 / max(denominator, 1)
        parts = int(np.ceil(quarters * ev.GRID / ev.MAX_BAR_TICKS))
        step = max(quarters / parts, 1.0 / ev.GRID)
        count = 1
        while lines[-1] <= last_onset and start + count * step < stop - 0.5 / ev.GRID:
            lines.append(start + count * step)
            count += 1
        if lines[-1] > last_onset:
            return np.array(lines)
        if stop > lines[-1] + 0.5 / ev.GRID:
            lines.append(stop)
    return np.array(lines)


def _seconds_at(quarters: np.ndarray, tempos: dict[float, int]) -> np.ndarray:
    """Seconds at each place in quarters under piecewise constant tempos (microseconds per quarter)."""
    changes = sorted(tempos.items())
    if not changes or changes[0][0] > 0:
        changes.insert(0, (0.0, DEFAULT_TEMPO_US))
    at = np.array([place for place, _ in changes])
    rate = np.array([tempo * 1e-6 for _, tempo in changes])
    elapsed = np.concatenate([[0.0], np.cumsum(np.diff(at) * rate[:-1])])
    index = np.clip(np.searchsorted(at, quarters, side="right") - 1, 0, None)
    return np.asarray(elapsed[index] + (quarters - at[index]) * rate[index])
