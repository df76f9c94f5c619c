"""Baselines of likelihood: a unigram and a 5-gram over the same fields, factored as the network factors them.

An event is decided field by field: time (place in the bar, a new bar, the end), metre of a bar; group, pitch, duration
and velocity of a note. The unigram gives each field its share in the training music. The 5-gram gives it its share
after four things that the network knows too, nearest first (`CONTEXTS`), by interpolated Witten-Bell smoothing
(Witten & Bell 1991; Chen & Goodman 1998, eq. 15):

    p(x | c1..ck) = (n(c1..ck, x) + t(c1..ck) p(x | c1..ck-1)) / (n(c1..ck) + t(c1..ck))

with n the counts and t the number of different fields seen after a context; below the unigram all classes are equal.
For pitch the contexts are the note's group and what was last played, not just the last four tokens of the stream, which
would be the velocity and length of the last note: so it is a better 5-gram than that of a token stream.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emsync_engine.model import events as ev
from emsync_engine.model import layouts as lay
from emsync_engine.model.decode.weights import FIELD_SIZES
from emsync_engine.model.evaluation.passes import sequence_of

IntArray = NDArray[np.int64]
Codes = NDArray[np.uint8]
"""Symbols, all below 256: (occurrences, 1 + contexts), the field itself first."""
FIELDS = tuple(FIELD_SIZES)
ORDER = 5

CONTEXTS: Mapping[str, tuple[str, ...]] = {
    "time": ("now", "length", "last group", "advance"),
    "metre": ("length", "last kind", "now", "last group"),
    "group": ("step", "last group", "place", "group before"),
    "pitch": ("group", "pitch of group", "chord below", "pitch of group before"),
    "duration": ("group", "duration of group", "place", "pitch"),
    "velocity": ("group", "velocity of group", "last velocity", "place"),
}
"""What each field's distribution depends on, nearest first."""


def symbols(rows: NDArray[np.int16]) -> dict[str, IntArray]:
    """By name: what each row after the first is, and what its contexts are. rows (n, N_INPUTS) of plain layout."""
    last, row = rows[:-1].astype(np.int64), rows[1:].astype(np.int64)
    note, was_note = row[:, ev.COL_KIND] == ev.NOTE, last[:, ev.COL_KIND] == ev.NOTE
    now = np.where(was_note, last[:, ev.COL_POS], 0)
    time = ev.time_class(rows[1:])
    step = np.where(note, np.clip(row[:, ev.COL_POS] - now, 0, ev.MAX_BAR_TICKS), ev.MAX_BAR_TICKS)
    last_group = np.where(was_note, last[:, ev.COL_GROUP], ev.N_GROUPS)
    together = note & was_note & (row[:, ev.COL_POS] == now)
    return {
        "time": time,
        "metre": row[:, ev.COL_BARLEN],
        "group": row[:, ev.COL_GROUP],
        "pitch": row[:, ev.COL_PITCH],
        "duration": row[:, ev.COL_DUR],
        "velocity": row[:, ev.COL_VEL],
        "now": now,
        "length": last[:, ev.COL_BARLEN],
        "last kind": last[:, ev.COL_KIND],
        "last group": last_group,
        "group before": _earlier(last_group),
        "advance": _earlier(step),
        "step": np.minimum(step, 1) * 2 + together,
        "place": row[:, ev.COL_POS],
        "pitch of group": row[:, lay.COL_LAST_PITCH],
        "duration of group": row[:, lay.COL_LAST_DUR],
        "velocity of group": row[:, lay.COL_LAST_VEL],
        "last velocity": np.where(was_note, last[:, ev.COL_VEL], ev.VELOCITY_BINS),
        "chord below": np.where(together, last[:, ev.COL_PITCH], 128),
        "pitch of group before": _before_last(row, note),
    }


def _earlier(column: IntArray) -> IntArray:
    """The column one row earlier."""
    return np.concatenate([column[:1] * 0, column[:-1]])


def _before_last(row: IntArray, note: NDArray[np.bool_]) -> IntArray:
    """For each note, the last pitch of its group's last note: the pitch before last."""
    out = np.full(len(row), lay.NO_PITCH, dtype=np.int64)
    for group in np.unique(row[note, ev.COL_GROUP]):
        own = np.flatnonzero(note & (row[:, ev.COL_GROUP] == group))
        out[own[1:]] = row[own[:-1], lay.COL_LAST_PITCH]
    return out


def counts_rows(field: str, rows: NDArray[np.int16]) -> NDArray[np.bool_]:
    """Which rows after the first have the field."""
    kind = rows[1:, ev.COL_KIND]
    if field == "time":
        return np.ones(len(kind), dtype=bool)
    if field == "metre":
        return np.asarray(kind == ev.BAR)
    pitched = (kind == ev.NOTE) & (rows[1:, ev.COL_GROUP] != ev.DRUMS)
    return np.asarray(pitched if field == "duration" else kind == ev.NOTE)


def codes_of(pieces: Iterable[ev.Piece]) -> dict[str, Codes]:
    """Symbols of every field in these pieces."""
    parts: dict[str, list[Codes]] = {field: [] for field in FIELDS}
    for piece in pieces:
        rows = sequence_of(piece).rows
        found = symbols(rows)
        for field in FIELDS:
            chosen = counts_rows(field, rows)
            columns = [found[name][chosen] for name in (field, *CONTEXTS[field])]
            parts[field].append(np.stack(columns, axis=1).astype(np.uint8))
    return {field: np.concatenate(arrays) for field, arrays in parts.items()}


@dataclass(frozen=True)
class Level:
    """Counts after contexts of one length: sorted keys of contexts with totals and kinds, of context and symbol."""

    contexts: IntArray
    total: IntArray
    kinds: IntArray
    joint: IntArray
    count: IntArray


@dataclass(frozen=True)
class NGram:
    """One field's model."""

    classes: int
    levels: tuple[Level, ...]

    @classmethod
    def fit(cls, codes: Codes, classes: int, order: int) -> NGram:
        """From (occurrences, 1 + contexts) symbols; `order` 1 looks at no context."""
        return cls(classes, tuple(_level(codes, length) for length in range(order)))

    def bits(self, codes: Codes) -> float:
        """Bits of all occurrences."""
        p = np.full(len(codes), 1.0 / self.classes)
        for length, level in enumerate(self.levels):
            context = _key(codes, length)
            n, kinds = _look_up(level.contexts, level.total, context), _look_up(level.contexts, level.kinds, context)
            joint = _look_up(level.joint, level.count, context * 256 + codes[:, 0])
            p = np.where(n > 0, (joint + kinds * p) / np.maximum(n + kinds, 1), p)
        return float(-np.log2(p).sum())


def _key(codes: Codes, length: int) -> IntArray:
    """The first `length` contexts as one number."""
    key = np.zeros(len(codes), dtype=np.int64)
    for column in range(1, length + 1):
        key = key * 256 + codes[:, column]
    return key


def _level(codes: Codes, length: int) -> Level:
    joint, count = np.unique(_key(codes, length) * 256 + codes[:, 0], return_counts=True)
    contexts, first = np.unique(joint // 256, return_index=True)
    if not len(joint):
        return Level(joint, joint, joint, joint, joint)
    kinds = np.diff(np.append(first, len(joint)))
    return Level(contexts, np.add.reduceat(count, first), kinds, joint, count)


def _look_up(keys: IntArray, values: IntArray, wanted: IntArray) -> IntArray:
    """Values at sorted keys, 0 where a key is missing."""
    if not len(keys):
        return np.zeros(len(wanted), dtype=np.int64)
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.asarray(np.where(keys[at] == wanted, values[at], 0))


@dataclass(frozen=True)
class Baseline:
    """Models of all fields."""

    models: Mapping[str, NGram]

    def bits(self, codes: Mapping[str, Codes]) -> dict[str, float]:
        """Bits by field."""
        return {field: model.bits(codes[field]) for field, model in self.models.items()}


def fit(codes: Mapping[str, Codes], orders: Sequence[int] = (1, ORDER)) -> dict[int, Baseline]:
    """Baselines by order."""
    return {
        order: Baseline({field: NGram.fit(codes[field], FIELD_SIZES[field], order) for field in FIELDS})
        for order in orders
    }
