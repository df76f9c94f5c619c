"""The alphabet of the composer: one row per musical event, and the way from notes to rows and back.

A piece is a list of rows. Structural rows open a bar (`BAR`, with its length) or close the piece (`END`);
every note is one `NOTE` row with five fields: position in the bar, instrument group, pitch, duration and
velocity. Rows of a position are sorted by group, then pitch, so the order of a piece's rows is canonical.

Quantisation (what the fields keep of a performance): onsets to 1/12 quarter; durations to the nearest of
`DURATION_BINS` (drum hits carry none); velocity to `VELOCITY_BINS` equal steps of 16; the 128 programs to
twelve groups. Bars longer than eight quarters are split. Nothing else is lost, and no note is left out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int32]
Rows = NDArray[np.int16]
"""Event rows, shape (events, N_COLUMNS)."""

GRID = 12
"""Grid ticks per quarter note."""
MAX_BAR_TICKS = 96
"""Longest bar in grid ticks (8 quarters); longer written bars are split."""

GROUPS = (
    "drums", "bass", "piano", "guitar", "strings", "lead",
    "brass", "winds", "keys", "pad", "mallets", "effects",
)  # fmt: skip
"""Instrument groups in the order in which notes of one position are written."""
N_GROUPS = len(GROUPS)
DRUMS, BASS, PIANO, GUITAR, STRINGS, LEAD, BRASS, WINDS, KEYS, PAD, MALLETS, EFFECTS = range(N_GROUPS)

_PROGRAM_RANGES: tuple[tuple[int, int, int], ...] = (
    # first program, last program, group (General MIDI level 1, programs from 0)
    (0, 5, PIANO), (6, 7, KEYS), (8, 15, MALLETS), (16, 23, KEYS), (24, 31, GUITAR), (32, 39, BASS),
    (40, 45, STRINGS), (46, 47, MALLETS), (48, 51, STRINGS), (52, 54, PAD), (55, 55, BRASS), (56, 63, BRASS),
    (64, 79, WINDS), (80, 87, LEAD), (88, 103, PAD), (104, 107, GUITAR), (108, 108, MALLETS),
    (109, 109, WINDS), (110, 110, STRINGS), (111, 111, WINDS), (112, 115, MALLETS), (116, 127, EFFECTS),
)  # fmt: skip
GROUP_OF_PROGRAM: tuple[int, ...] = tuple(
    next(group for first, last, group in _PROGRAM_RANGES if first <= program <= last) for program in range(128)
)
"""Instrument group of each General MIDI program (0-127); drum channels are `DRUMS` whatever the program."""

DURATION_BINS: NDArray[np.int16] = np.array(
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 15, 16, 18,
     20, 21, 24, 28, 30, 32, 36, 42, 48, 60, 72, 84, 96, 120, 144, 192],
    dtype=np.int16,
)  # fmt: skip
"""Note lengths in grid ticks; longer notes take the last."""
N_DURATIONS = len(DURATION_BINS)
VELOCITY_BINS = 8
VELOCITY_STEP = 128 // VELOCITY_BINS

NOTE, BAR, END, BOS, CONT, SEP, PAD_ROW = range(7)
"""Row kinds. `BOS` opens a piece, `CONT` a window that starts inside one, `SEP` the answer of an infill."""
N_KINDS = 7

N_COLUMNS = 7
COL_KIND, COL_POS, COL_GROUP, COL_PITCH, COL_DUR, COL_VEL, COL_BARLEN = range(N_COLUMNS)
"""Columns of a row. `COL_BARLEN` is the length of the row's bar in grid ticks, also on notes."""

T_BAR, T_END = MAX_BAR_TICKS, MAX_BAR_TICKS + 1
N_TIMES = MAX_BAR_TICKS + 2
"""Classes of the time field: a position in the bar (0..95), a new bar, or the end."""

_NEAREST_BIN: NDArray[np.uint8] = np.array(
    [int(np.abs(DURATION_BINS - ticks).argmin()) for ticks in range(int(DURATION_BINS[-1]) + 1)], dtype=np.uint8
)


@dataclass(frozen=True)
class Piece:
    """A piece on the grid: note columns sorted by (onset, group, pitch), and its bars.

    `onset` and `duration` are in grid ticks from the start of the piece, `velocity` is 1-127.
    `bar_start` has one entry per bar plus the end of the last; `bar_seconds` is each bar's length in seconds.
    """

    onset: IntArray
    group: NDArray[np.uint8]
    pitch: NDArray[np.uint8]
    duration: IntArray
    velocity: NDArray[np.uint8]
    bar_start: IntArray
    bar_seconds: NDArray[np.float32]

    @property
    def n_notes(self) -> int:
        return len(self.onset)

    @property
    def n_bars(self) -> int:
        return len(self.bar_seconds)

    @property
    def bar_length(self) -> IntArray:
        """Length of each bar in grid ticks."""
        return np.diff(self.bar_start).astype(np.int32)

    @property
    def note_bar(self) -> IntArray:
        """Index of the bar in which each note starts."""
        return (np.searchsorted(self.bar_start, self.onset, side="right") - 1).astype(np.int32)


def duration_bin(ticks: NDArray[np.integer]) -> NDArray[np.uint8]:
    """Nearest bin of each length in grid ticks (clamped to the table's ends)."""
    return np.asarray(_NEAREST_BIN[np.clip(ticks, 1, int(DURATION_BINS[-1]))])


def velocity_bin(velocity: NDArray[np.integer]) -> NDArray[np.uint8]:
    """Bin 0-7 of a MIDI velocity 1-127."""
    return np.asarray(np.clip(velocity, 0, 127) // VELOCITY_STEP, dtype=np.uint8)


def velocity_of_bin(bins: NDArray[np.integer]) -> NDArray[np.uint8]:
    """The velocity in the middle of each bin."""
    return (np.asarray(bins) * VELOCITY_STEP + VELOCITY_STEP // 2).astype(np.uint8)


def sort_notes(piece: Piece) -> Piece:
    """The same piece with its notes in canonical order (onset, group, pitch, then the longer and louder first)."""
    order = np.lexsort((-piece.velocity.astype(int), -piece.duration, piece.pitch, piece.group, piece.onset))
    return replace(
        piece,
        onset=piece.onset[order],
        group=piece.group[order],
        pitch=piece.pitch[order],
        duration=piece.duration[order],
        velocity=piece.velocity[order],
    )


def to_rows(piece: Piece) -> Rows:
    """Rows of a whole piece: BOS, then per bar a BAR row and its notes, then END. Shape (2 + bars + notes, 7)."""
    bar = piece.note_bar
    lengths = piece.bar_length
    rows = np.zeros((2 + piece.n_bars + piece.n_notes, N_COLUMNS), dtype=np.int16)
    rows[0, COL_KIND], rows[-1, COL_KIND] = BOS, END
    bar_row = 1 + np.arange(piece.n_bars) + np.searchsorted(bar, np.arange(piece.n_bars))
    rows[bar_row, COL_KIND] = BAR
    rows[bar_row, COL_BARLEN] = lengths
    note_row = 2 + bar + np.arange(piece.n_notes)
    rows[note_row, COL_KIND] = NOTE
    rows[note_row, COL_POS] = piece.onset - piece.bar_start[bar]
    rows[note_row, COL_GROUP] = piece.group
    rows[note_row, COL_PITCH] = piece.pitch
    rows[note_row, COL_DUR] = np.where(piece.group == DRUMS, 0, duration_bin(piece.duration))
    rows[note_row, COL_VEL] = velocity_bin(piece.velocity)
    rows[note_row, COL_BARLEN] = lengths[bar]
    return rows


def from_rows(rows: Rows, bar_seconds: NDArray[np.float32] | None = None) -> Piece:
    """Notes of a list of rows; rows that are neither BAR nor NOTE are ignored. Bars default to 120 bpm.

    Raises ValueError when a note stands before the first bar or outside its bar.
    """
    is_bar, is_note = rows[:, COL_KIND] == BAR, rows[:, COL_KIND] == NOTE
    lengths = rows[is_bar, COL_BARLEN].astype(np.int32)
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    bar = (np.cumsum(is_bar) - 1)[is_note]
    notes = rows[is_note]
    if len(notes) and (bar.min() < 0 or (notes[:, COL_POS] >= lengths[bar]).any()):
        raise ValueError("a note row lies outside the bars of its rows")
    group = notes[:, COL_GROUP].astype(np.uint8)
    seconds = lengths / GRID * 0.5 if bar_seconds is None else bar_seconds
    return Piece(
        onset=(starts[bar] + notes[:, COL_POS]).astype(np.int32),
        group=group,
        pitch=notes[:, COL_PITCH].astype(np.uint8),
        duration=np.where(group == DRUMS, 1, DURATION_BINS[notes[:, COL_DUR]]).astype(np.int32),
        velocity=velocity_of_bin(notes[:, COL_VEL]),
        bar_start=starts,
        bar_seconds=np.asarray(seconds, dtype=np.float32),
    )


def time_class(rows: Rows) -> NDArray[np.int64]:
    """Class of the time field of each row (`N_TIMES` classes); rows that are never predicted give `T_END`."""
    kind = rows[:, COL_KIND]
    return np.where(kind == NOTE, rows[:, COL_POS], np.where(kind == BAR, T_BAR, T_END)).astype(np.int64)
