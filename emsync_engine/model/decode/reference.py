"""The composer's network in plain numpy: readable, with a key-value cache in place; what faster paths must agree with.

One step reads a row and gives the stream after it; the inner decoder then judges the coming row field by field.
Shapes: B rows of different streams, T rows of one stream, d = d_model, w = width of a head. Every stream (a candidate,
or a candidate without its conditions) has its own place in the cache and its own length.

Nothing is masked here: what may follow is decided by `constraints` (or by `likelihood`, as in training).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emsync_engine.model import conditions as cond
from emsync_engine.model import events as ev
from emsync_engine.model import layouts as lay
from emsync_engine.model.decode.weights import FIELD_SIZES, N_INTERVALS, TABLE_SIZES, FloatArray, Weights

IntArray = NDArray[np.int64]
RowArray = NDArray[np.int16]

EPSILON = 1e-5
_QUERY_CHUNK = 256
"""Rows whose attention is computed at once while a context is read: bounds the memory of the scores."""
_GEMM_ROWS = 4
"""From this many rows on one product of matrices is quicker than one product a row."""
_KNOWN_GROUP_SIZES = (ev.N_GROUPS, 129, ev.N_DURATIONS + 1, ev.VELOCITY_BINS + 1)
NO_ROOT = cond.CATEGORY_SIZES[cond.CAT_ROOT] - 1


def norm(x: FloatArray) -> FloatArray:
    """Layer norm over the last axis, without gain or bias."""
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = np.mean(centred * centred, axis=-1, keepdims=True)
    return np.asarray(centred / np.sqrt(variance + np.float32(EPSILON)), dtype=np.float32)


def silu(x: FloatArray) -> FloatArray:
    return np.asarray(x / (1 + np.exp(-np.clip(x, -60, None))), dtype=np.float32)


def softmax(scores: FloatArray) -> FloatArray:
    """Over the last axis; works in place."""
    scores -= scores.max(axis=-1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=-1, keepdims=True)
    return scores


def linear(x: FloatArray, weight: FloatArray) -> FloatArray:
    """x (B, in) times weight (out, in) -> (B, out)."""
    if len(x) < _GEMM_ROWS:
        return np.stack([weight @ row for row in x])
    return np.asarray(x @ weight.T)


def starts_of(sizes: Sequence[int]) -> IntArray:
    """First row of each of several tables that stand in one matrix."""
    return np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)


def row_codes(rows: RowArray) -> IntArray:
    """Index of each row in each table of `TABLE_SIZES`. rows (B, N_INPUTS) -> (B, 12)."""
    kind, pos, group, pitch, dur, vel, barlen, role, relbar, remain = rows[:, :10].astype(np.int64).T
    note, drum = kind == ev.NOTE, group == ev.DRUMS
    pitched = note & ~drum
    columns = [
        kind,
        np.where(note, pos, ev.MAX_BAR_TICKS),
        np.where(note, pos % ev.GRID, ev.GRID),
        np.where(note, group, ev.N_GROUPS),
        np.where(note, pitch + 128 * drum, 256),
        np.where(pitched, pitch % 12, 12),
        np.where(pitched, dur, ev.N_DURATIONS),
        np.where(note, vel, ev.VELOCITY_BINS),
        barlen,
        role,
        relbar,
        remain,
    ]
    return np.stack(columns, axis=1)


@dataclass
class Cache:
    """Keys and values, written in place: of the beginnings that streams share, and of what each stream adds.

    A stream goes on from its beginning; candidates share one, and those without conditions share another.
    """

    shared_keys: FloatArray
    """Shape (layers, beginnings, kv heads, capacity, w)."""
    shared_values: FloatArray
    shared_length: IntArray
    """Rows of each beginning, shape (beginnings,)."""
    keys: FloatArray
    """Shape (layers, streams, kv heads, capacity, w)."""
    values: FloatArray
    length: IntArray
    """Own rows of each stream, shape (streams,)."""
    beginning: IntArray
    """The beginning that each stream goes on from, shape (streams,)."""

    @property
    def capacity(self) -> int:
        """Rows of a beginning with what is added to it."""
        return int(self.keys.shape[3])

    def place(self, streams: Sequence[int] | IntArray) -> IntArray:
        """Position of the next row of streams."""
        where = np.asarray(streams)
        return np.asarray(self.shared_length[self.beginning[where]] + self.length[where])

    def share(self, streams: Sequence[int]) -> None:
        """Make what each of these streams has added (one a beginning) part of the beginning for all others on it."""
        for stream in streams:
            common, rows = int(self.beginning[stream]), int(self.length[stream])
            begin = int(self.shared_length[common])
            self.shared_keys[:, common, :, begin : begin + rows] = self.keys[:, stream, :, :rows]
            self.shared_values[:, common, :, begin : begin + rows] = self.values[:, stream, :, :rows]
            self.shared_length[common] = begin + rows
            self.length[self.beginning == common] = 0


class Network:
    """The network with its weights; it holds no state of a decode, that is in `Cache`."""

    def __init__(self, weights: Weights) -> None:
        self.config = config = weights.config
        self.weights = weights
        self.width = config.d_model // config.n_heads
        self.told = config.conditioning == "full"
        self._table_starts = starts_of(tuple(TABLE_SIZES.values()))
        self._group_starts = starts_of(_KNOWN_GROUP_SIZES)
        self._category_starts = starts_of(cond.CATEGORY_SIZES)
        self._cos, self._sin = rope_tables(2 * config.context, self.width, config.rope_base)

    # --- conditions ----------------------------------------------------------------------------------------------

    @property
    def condition_width(self) -> int:
        """Width of what `condition` gives: `d_cond`, or d for the paper's (added to the input), or 0."""
        return {"full": self.config.d_cond, "paper": self.config.d_model, "none": 0}[self.config.conditioning]

    def condition(self, values: FloatArray, categories: NDArray[np.int16], kind: NDArray[np.integer]) -> FloatArray:
        """One vector a row. values (B, N_COND), categories (B, 4), kind (B,) -> (B, condition_width)."""
        if self.config.conditioning == "paper":
            return self._paper(values, kind)
        if not self.told:
            return np.zeros((len(values), 0), dtype=np.float32)
        table = self.weights["conditioner.categories.weight"]
        told = table[categories + self._category_starts].sum(axis=1)
        told += values @ self.weights["conditioner.values.weight"].T
        return np.asarray(silu(told) @ self.weights["conditioner.mix.weight"].T)

    def _paper(self, values: FloatArray, kind: NDArray[np.integer]) -> FloatArray:
        """Boundary offset in the upper half of the channels; valence and arousal on rows that open a sequence."""
        d = self.config.d_model
        out = np.zeros((len(values), d), dtype=np.float32)
        offset = values[:, cond.COL_OFFSET, None] * np.float32(cond.CLAMP_S)
        out[:, d - d // 2 :] = self._relu_net("paper.offset", offset)
        opening = np.isin(kind, (ev.BOS, ev.CONT))
        for index, channel in enumerate(("valence", "arousal")):
            known = values[:, cond.N_VALUES + cond.CHANNELS.index(channel), None] > 0
            told = self._relu_net(f"paper.emotion.{index}", values[:, cond.SLICES[channel]])
            emotion = np.where(known, told, self.weights["paper.null"][index])
            out += np.where(opening[:, None], emotion, np.float32(0))
        return out

    def _relu_net(self, name: str, x: FloatArray) -> FloatArray:
        hidden = np.maximum(x @ self.weights[f"{name}.0.weight"].T + self.weights[f"{name}.0.bias"], 0)
        return np.asarray(hidden @ self.weights[f"{name}.2.weight"].T + self.weights[f"{name}.2.bias"])

    # --- the stream ----------------------------------------------------------------------------------------------

    def open(self, beginnings: int, streams_each: int, capacity: int) -> Cache:
        """An empty cache. Stream `b * streams_each + i` goes on from beginning b.

        Positions go on to twice the training context at most.
        """
        config = self.config
        capacity, streams = min(capacity, 2 * config.context), beginnings * streams_each

        def zeros(count: int) -> FloatArray:
            return np.zeros((config.n_layers, count, config.n_kv_heads, capacity, self.width), dtype=np.float32)

        return Cache(
            shared_keys=zeros(beginnings),
            shared_values=zeros(beginnings),
            shared_length=np.zeros(beginnings, dtype=np.int64),
            keys=zeros(streams),
            values=zeros(streams),
            length=np.zeros(streams, dtype=np.int64),
            beginning=np.repeat(np.arange(beginnings), streams_each),
        )

    def embed(self, rows: RowArray, condition: FloatArray) -> FloatArray:
        """Input of rows. rows (B, N_INPUTS), condition (B, condition_width) -> (B, d)."""
        x: FloatArray = self.weights["embed.weight"][row_codes(rows) + self._table_starts].sum(axis=1)
        if self.config.conditioning == "paper":
            x += condition
        return x

    def extend(self, cache: Cache, beginning: int, rows: RowArray, condition: FloatArray) -> FloatArray:
        """Read T rows of a beginning in one go (they see those before, and one another's past) -> (T, d)."""
        begin = int(cache.shared_length[beginning])
        end = begin + len(rows)
        assert end <= cache.capacity, "the cache is full"
        x = self.embed(rows, condition)
        for layer in range(self.config.n_layers):
            if self.told:
                x = x + condition @ self._layer(layer, "cond").T
            q, k, v = self._heads_of(norm(x), layer, np.arange(begin, end))
            cache.shared_keys[layer, beginning, :, begin:end] = k.transpose(1, 0, 2)
            cache.shared_values[layer, beginning, :, begin:end] = v.transpose(1, 0, 2)
            mixed = []
            for first in range(begin, end, _QUERY_CHUNK):
                last = min(first + _QUERY_CHUNK, end)
                keys, values = (part[layer, beginning, :, :last] for part in (cache.shared_keys, cache.shared_values))
                mixed.append(self._attend(q[first - begin : last - begin], ((keys, values),)))
            x = x + np.concatenate(mixed) @ self._layer(layer, "out").T
            x = x + self._feed_forward(norm(x), layer)
        cache.shared_length[beginning] = end
        return norm(x)

    def step(self, cache: Cache, streams: Sequence[int], rows: RowArray, condition: FloatArray) -> FloatArray:
        """Read one row of each of B streams -> (B, d)."""
        x = self.embed(rows, condition)
        place, own = cache.place(streams), cache.length[list(streams)]
        assert (place < cache.capacity).all(), "the cache is full"
        for layer in range(self.config.n_layers):
            if self.told:
                x = x + linear(condition, self._layer(layer, "cond"))
            q, k, v = self._heads_of(norm(x), layer, place)
            mixed = np.empty_like(x)
            for b, stream in enumerate(streams):
                common, n = cache.beginning[stream], own[b]
                cache.keys[layer, stream, :, n], cache.values[layer, stream, :, n] = k[b], v[b]
                begun = slice(0, cache.shared_length[common])
                shared = cache.shared_keys[layer, common, :, begun], cache.shared_values[layer, common, :, begun]
                added = cache.keys[layer, stream, :, : n + 1], cache.values[layer, stream, :, : n + 1]
                mixed[b] = self._attend(q[b : b + 1], (shared, added))[0]
            x = x + linear(mixed, self._layer(layer, "out"))
            x = x + self._feed_forward(norm(x), layer)
        cache.length[list(streams)] = own + 1
        return norm(x)

    def _layer(self, layer: int, name: str) -> FloatArray:
        return self.weights[f"layers.{layer}.{name}.weight"]

    def _heads_of(self, h: FloatArray, layer: int, at: IntArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Queries (T, heads, w), keys and values (T, kv heads, w) of rows at places `at`, normed and rotated."""
        split = (len(h), -1, self.width)
        q, k, v = (linear(h, self._layer(layer, name)).reshape(split) for name in ("query", "key", "value"))
        cos, sin = self._cos[at, None], self._sin[at, None]
        return rotate(norm(q), cos, sin), rotate(norm(k), cos, sin), v

    def _attend(self, q: FloatArray, pieces: Sequence[tuple[FloatArray, FloatArray]]) -> FloatArray:
        """Attention of the last T rows: q (T, heads, w), pieces of keys and values (kv heads, n, w) -> (T, d)."""
        t, heads, w = q.shape
        kv = self.config.n_kv_heads
        grouped = q.reshape(t, kv, heads // kv, w).transpose(1, 2, 0, 3).reshape(kv, -1, w) * np.float32(w**-0.5)
        scores = np.concatenate([grouped @ keys.transpose(0, 2, 1) for keys, _ in pieces], axis=2)
        if t > 1:
            n = scores.shape[2]
            future = np.arange(n) > (n - t + np.arange(t))[:, None]
            scores.reshape(kv, heads // kv, t, n)[:, :, future] = -np.inf
        shares, at = softmax(scores), 0
        mixed = np.zeros((kv, len(grouped[0]), w), dtype=np.float32)
        for keys, values in pieces:
            mixed += shares[:, :, at : at + keys.shape[1]] @ values
            at += keys.shape[1]
        return mixed.reshape(kv, heads // kv, t, w).transpose(2, 0, 1, 3).reshape(t, heads * w)

    def _feed_forward(self, h: FloatArray, layer: int) -> FloatArray:
        inner = silu(linear(h, self._layer(layer, "gate"))) * linear(h, self._layer(layer, "up"))
        return linear(inner, self._layer(layer, "down"))

    # --- the inner decoder: logits of each field, and what is known once it is decided -----------------------------

    def head(self, field: str, x: FloatArray) -> FloatArray:
        """Raw outputs of a field: its classes, then those of its other readers (`readers_of`)."""
        h = norm(x)
        stem = f"heads.{field}"
        inner = silu(linear(h, self.weights[f"{stem}.gate.weight"])) * linear(h, self.weights[f"{stem}.up.weight"])
        matrices = [f"{stem}.classes.weight", *(f"{name}.weight" for name in self.readers_of(field))]
        return np.concatenate([linear(inner, self.weights[name]) for name in matrices], axis=1)

    def readers_of(self, field: str) -> tuple[str, ...]:
        """What scores a field besides its classes: times by advance and by boundary, pitches by interval and degree."""
        if field == "time":
            return ("advance", "at_boundary") if self.config.boundary_reader else ("advance",)
        return ("interval", "from_root") if field == "pitch" else ()

    def time_logits(self, x: FloatArray, last: RowArray, hit: IntArray, strength: float = 1.0) -> FloatArray:
        """Places of the bar, then bar and end: x (B, d), last rows (B, N_INPUTS), hit (B,), the class of the next
        boundary in the bar of each, and a factor on what the boundary reader says -> (B, N_TIMES)."""
        raw = self.head("time", x)
        logits = raw[:, : ev.N_TIMES].copy()
        logits[:, : ev.MAX_BAR_TICKS] += raw[np.arange(len(x))[:, None], _ADVANCE[now_of(last)]]
        if self.config.boundary_reader:
            at, beyond = raw[:, -2, None] * np.float32(strength), raw[:, -1, None] * np.float32(strength)
            away = np.arange(ev.N_TIMES) - hit[:, None]
            by_place = np.where(away == 0, at, np.where(away > 0, beyond, np.float32(0)))
            logits += np.where(hit[:, None] < cond.HIT_NONE, by_place, np.float32(0))
        return logits

    def metre_logits(self, x: FloatArray) -> FloatArray:
        return self.head("metre", x)

    def group_logits(self, x: FloatArray) -> FloatArray:
        return self.head("group", x)

    def pitch_logits(self, x: FloatArray, previous: IntArray, root: IntArray) -> FloatArray:
        """By pitch, by interval from the group's last pitch, by degree of the chord: (B, 128)."""
        raw, row = self.head("pitch", x), np.arange(len(x))[:, None]
        logits = raw[:, :128].copy()
        logits += raw[row, _INTERVAL[previous]] * (previous < lay.NO_PITCH)[:, None]
        logits += raw[row, _DEGREE[root]] * (root < NO_ROOT)[:, None]
        return logits

    def duration_logits(self, x: FloatArray) -> FloatArray:
        return self.head("duration", x)

    def velocity_logits(self, x: FloatArray) -> FloatArray:
        return self.head("velocity", x)

    def coming(self, condition: FloatArray) -> FloatArray:
        """What a place's condition adds for the fields of a row there: (B, condition_width) -> (B, d) or (B, 0)."""
        return linear(condition, self.weights["cond_heads.weight"]) if self.told else condition[:, :0]

    def know_time(self, x: FloatArray, time: IntArray, last: RowArray, coming: FloatArray) -> FloatArray:
        """The stream with the decided time and what the condition of the coming place adds (`coming`)."""
        table = self.weights["known_time.weight"]
        advance = np.where(time < ev.MAX_BAR_TICKS, np.maximum(time - now_of(last), 0), ev.MAX_BAR_TICKS)
        x = x + table[time] + table[ev.N_TIMES + advance]
        return x + coming if self.told else x

    def know_group(self, x: FloatArray, group: IntArray, last_of_group: IntArray) -> FloatArray:
        """... and the group, with pitch, duration and velocity of its last note (B, 3)."""
        codes = np.concatenate([group[:, None], last_of_group], axis=1) + self._group_starts
        return np.asarray(x + self.weights["known_group.weight"][codes].sum(axis=1))

    def know_pitch(self, x: FloatArray, group: IntArray, pitch: IntArray, previous: IntArray) -> FloatArray:
        table = self.weights["known_pitch.weight"]
        interval = np.where(previous < lay.NO_PITCH, pitch - previous + 127, N_INTERVALS)
        return np.asarray(x + table[pitch + 128 * (group == ev.DRUMS)] + table[256 + interval])

    def know_duration(self, x: FloatArray, duration: IntArray) -> FloatArray:
        """duration: class of a pitched note, `N_DURATIONS` for a drum hit."""
        return np.asarray(x + self.weights["known_duration.weight"][duration])


_PLACES, _PITCHES = np.arange(ev.MAX_BAR_TICKS), np.arange(128)
_ADVANCE = ev.N_TIMES + np.maximum(_PLACES - _PLACES[:, None], 0)
"""Output of the time field's head that scores the advance to each place, by the place reached."""
_INTERVAL = 128 + np.clip(_PITCHES - np.arange(lay.NO_PITCH + 1)[:, None] + 127, 0, N_INTERVALS - 1)
"""Output of the pitch field's head that scores the interval to each pitch, by the group's last pitch."""
_DEGREE = 128 + N_INTERVALS + (_PITCHES - np.arange(NO_ROOT + 1)[:, None]) % 12
"""Output of the pitch field's head that scores each pitch as a degree of the chord, by its root."""


def now_of(last: RowArray) -> IntArray:
    """Place in the bar that the last rows have reached."""
    return np.where(last[:, ev.COL_KIND] == ev.NOTE, last[:, ev.COL_POS], 0).astype(np.int64)


def rope_tables(length: int, width: int, base: float) -> tuple[FloatArray, FloatArray]:
    """cos and sin of the rotary positions, each (length, width / 2)."""
    rate = np.float32(base) ** (-np.arange(0, width, 2, dtype=np.float32) / np.float32(width))
    angle = np.arange(length, dtype=np.float32)[:, None] * rate
    return np.cos(angle), np.sin(angle)


def rotate(x: FloatArray, cos: FloatArray, sin: FloatArray) -> FloatArray:
    """Rotate the halves of each head's width by the place's angles. x (..., w), cos and sin (..., w / 2)."""
    first, second = np.split(x, 2, axis=-1)
    return np.concatenate([first * cos - second * sin, second * cos + first * sin], axis=-1)


assert FIELD_SIZES["time"] == ev.N_TIMES
