"""Bits of whole pieces under the network, in one pass: the window slides over its own keys and values.

After a first window of the network's context, the latter half of the cached keys stays, moved back to the beginning
(keys carry their place as a rotation, so moving is one more rotation), behind an opening row that says "goes on". So
every row has between half a context and a whole one behind it, and is computed once.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emsync_engine.model import conditions as cond
from emsync_engine.model import events as ev
from emsync_engine.model import harmony
from emsync_engine.model import layouts as lay
from emsync_engine.model.decode.draft import opening_row, plain_opening
from emsync_engine.model.decode.likelihood import FIELDS, _fields
from emsync_engine.model.decode.reference import NO_ROOT, Cache, Network, rotate


def untold(piece: ev.Piece) -> cond.Guide:
    """A guide that tells nothing but where the bars are (which no channel repeats)."""
    bars = piece.n_bars
    return cond.Guide(
        bar_start=piece.bar_start,
        bar_seconds=piece.bar_seconds.astype(np.float64),
        valence=np.zeros(bars),
        arousal=np.zeros(bars),
        density=np.zeros(bars),
        section=np.zeros(bars, dtype=np.uint8),
        chord=np.zeros(len(harmony.beats_of(piece.bar_start).start), dtype=np.uint8),
        key=np.full(bars, harmony.NO_KEY, dtype=np.uint8),
        boundaries=np.zeros(0, dtype=np.int32),
        instruments=np.zeros(ev.N_GROUPS, dtype=bool),
        known=np.zeros(cond.N_CHANNELS, dtype=bool),
    )


def sequence_of(piece: ev.Piece, guide: cond.Guide | None = None) -> lay.Sequence:
    """The whole piece in plain layout with its conditions; without a guide nothing is told."""
    narrow = ev.to_rows(piece)
    rows = np.zeros((len(narrow), lay.N_INPUTS), dtype=np.int16)
    rows[:, : ev.N_COLUMNS] = narrow
    bars = np.clip(np.cumsum(rows[:, ev.COL_KIND] == ev.BAR) - 1, 0, max(piece.n_bars - 1, 0))
    return plain_opening(rows, bars, guide or untold(piece))


class Reader:
    """Reads pieces with one network."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.keep = network.config.context // 2

    def nats(self, sequence: lay.Sequence) -> NDArray[np.float32]:
        """Nats of the fields of each row after the first, (rows - 1, fields)."""
        network, rows = self.network, sequence.rows
        condition = network.condition(sequence.values, sequence.categories, rows[:, ev.COL_KIND])
        cache = network.open(1, 1, network.config.context)
        out = []
        at = 0
        while at < len(rows) - 1:
            if at:
                self._slide(cache, sequence, at)
            stop = min(at + network.config.context - int(cache.shared_length[0]), len(rows) - 1)
            hidden = network.extend(cache, 0, rows[at:stop], condition[at:stop])
            after = slice(at + 1, stop + 1)
            root = sequence.categories[after, cond.CAT_ROOT].astype(np.int64)
            if not network.told:
                root = np.full_like(root, NO_ROOT)
            coming = network.coming(condition[after])
            hit = sequence.categories[at:stop, cond.CAT_HIT].astype(np.int64)
            out.append(_fields(network, hidden, rows[at:stop], rows[after], coming, root, hit))
            at = stop
        return np.concatenate(out) if out else np.zeros((0, len(FIELDS)), dtype=np.float32)

    def bits(self, sequence: lay.Sequence) -> NDArray[np.float64]:
        """Bits of the whole sequence by field."""
        return np.asarray(self.nats(sequence).sum(axis=0, dtype=np.float64) / np.log(2))

    def _slide(self, cache: Cache, sequence: lay.Sequence, at: int) -> None:
        """Keep an opening row and the last rows before `at`, moved to the places after it."""
        network = self.network
        opening = opening_row(ev.CONT)
        opening[0, [lay.COL_LAST_PITCH, lay.COL_LAST_DUR, lay.COL_LAST_VEL]] = (lay.NO_PITCH, lay.NO_DUR, lay.NO_VEL)
        told = network.condition(
            sequence.values[at : at + 1], sequence.categories[at : at + 1], opening[:, ev.COL_KIND]
        )
        first = network.open(1, 1, 1)
        network.extend(first, 0, opening, told)
        length = int(cache.shared_length[0])
        begin = length - self.keep + 1
        cos, sin = network._cos[begin - 1], network._sin[begin - 1]
        keys = rotate(cache.shared_keys[:, 0, :, begin:length], cos, -sin)
        values = cache.shared_values[:, 0, :, begin:length].copy()
        cache.shared_keys[:, 0, :, 1 : self.keep], cache.shared_values[:, 0, :, 1 : self.keep] = keys, values
        cache.shared_keys[:, 0, :, :1], cache.shared_values[:, 0, :, :1] = (
            first.shared_keys[:, 0, :, :1], first.shared_values[:, 0, :, :1]
        )  # fmt: skip
        cache.shared_length[0] = self.keep
