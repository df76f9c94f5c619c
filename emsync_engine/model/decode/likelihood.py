"""How likely the network finds rows that are given: the training loss in numpy, by row and field."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emsync_engine.model import conditions as cond
from emsync_engine.model import events as ev
from emsync_engine.model import layouts as lay
from emsync_engine.model.decode.reference import NO_ROOT, IntArray, Network, RowArray, now_of
from emsync_engine.model.decode.weights import FIELD_SIZES, FloatArray

FIELDS = tuple(FIELD_SIZES)


def nats(network: Network, sequence: lay.Sequence, first: int = 1) -> FloatArray:
    """Nats of the fields of rows `first`... of a sequence, each given all rows before it: (T - first, 6).

    Rows that open a segment, or follow nothing they could follow, cost nothing, as in training.
    """
    rows = sequence.rows
    condition = network.condition(sequence.values, sequence.categories, rows[:, ev.COL_KIND])
    cache = network.open(1, 1, len(rows))
    hidden = network.extend(cache, 0, rows[:-1], condition[:-1])[first - 1 :]
    root = sequence.categories[first:, cond.CAT_ROOT].astype(np.int64)
    if not network.told:
        root = np.full_like(root, NO_ROOT)
    hit = sequence.categories[first - 1 : -1, cond.CAT_HIT].astype(np.int64)
    return _fields(network, hidden, rows[first - 1 : -1], rows[first:], network.coming(condition[first:]), root, hit)


def _fields(
    network: Network, x: FloatArray, last: RowArray, target: RowArray, coming: FloatArray, root: IntArray,
    hit: IntArray,
) -> FloatArray:  # fmt: skip
    out = np.zeros((len(x), len(FIELDS)), dtype=np.float32)
    kind = target[:, ev.COL_KIND]
    follows = np.isin(kind, (ev.NOTE, ev.BAR, ev.END))
    time = ev.time_class(target)
    logits = np.where(time_mask(last), network.time_logits(x, last, hit), -np.inf)
    out[follows, 0] = _cross_entropy(logits[follows], time[follows])
    x = network.know_time(x, time, last, coming)
    bars = np.flatnonzero(kind == ev.BAR)
    if len(bars):
        out[bars, 1] = _cross_entropy(network.metre_logits(x[bars]), target[bars, ev.COL_BARLEN].astype(np.int64))
    notes = np.flatnonzero((kind == ev.NOTE) & (last[:, ev.COL_KIND] <= ev.BAR))
    if len(notes):
        out[notes, 2:] = _note_fields(network, x[notes], root[notes], last[notes], target[notes])
    return out


def _note_fields(network: Network, x: FloatArray, root: IntArray, last: RowArray, target: RowArray) -> FloatArray:
    """Nats (notes, 4) of group, pitch, duration and velocity."""
    columns = (ev.COL_GROUP, ev.COL_PITCH, ev.COL_DUR, ev.COL_VEL, lay.COL_LAST_PITCH)
    group, pitch, duration, velocity, previous = (target[:, column].astype(np.int64) for column in columns)
    together = (last[:, ev.COL_KIND] == ev.NOTE) & (last[:, ev.COL_POS] == target[:, ev.COL_POS])
    lowest = np.where(together, last[:, ev.COL_GROUP], 0)[:, None]
    logits = np.where(np.arange(ev.N_GROUPS) >= lowest, network.group_logits(x), -np.inf)
    out = [_cross_entropy(logits, group)]
    last_of_group = target[:, [lay.COL_LAST_PITCH, lay.COL_LAST_DUR, lay.COL_LAST_VEL]].astype(np.int64)
    x = network.know_group(x, group, last_of_group)
    floor = np.where(together & (last[:, ev.COL_GROUP] == group), last[:, ev.COL_PITCH], 0)[:, None]
    logits = np.where(np.arange(128) >= floor, network.pitch_logits(x, previous, root), -np.inf)
    out.append(_cross_entropy(logits, pitch))
    drum = group == ev.DRUMS
    x = network.know_pitch(x, group, pitch, previous)
    out.append(np.where(drum, np.float32(0), _cross_entropy(network.duration_logits(x), duration)))
    x = network.know_duration(x, np.where(drum, ev.N_DURATIONS, duration))
    out.append(_cross_entropy(network.velocity_logits(x), velocity))
    return np.stack(out, axis=1)


def time_mask(last: RowArray) -> NDArray[np.bool_]:
    """What training allows after rows: places from theirs on within the bar, a bar, the end: (B, N_TIMES)."""
    inside = (last[:, ev.COL_KIND] <= ev.BAR)[:, None]
    places = np.arange(ev.MAX_BAR_TICKS)
    allowed = np.ones((len(last), ev.N_TIMES), dtype=bool)
    allowed[:, : ev.MAX_BAR_TICKS] = inside & (places >= now_of(last)[:, None]) & (places < last[:, [ev.COL_BARLEN]])
    return allowed


def _cross_entropy(logits: FloatArray, target: IntArray) -> FloatArray:
    top = logits.max(axis=1, keepdims=True)
    total = np.log(np.exp(logits - top).sum(axis=1)) + top[:, 0]
    return np.asarray(total - np.take_along_axis(logits, target[:, None], axis=1)[:, 0], dtype=np.float32)
