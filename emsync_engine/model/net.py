"""The network: one step of a decoder-only transformer an event, and an inner decoder for the event's fields.

Reads from top to bottom: embedding of a row, conditions, layers, inner decoder, loss. Shapes: B sequences,
T rows, D = d_model, N = rows that are predicted. Parts: pre-norm, rotary positions
(Su et al. 2021), SwiGLU (Shazeer 2020), grouped-query attention (Ainslie et al. 2023), normed queries and keys
(Henry et al. 2020), conditions added into every layer (in-attention, Wu & Yang 2021).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from emsync_engine.model import conditions as cond
from emsync_engine.model import events as ev
from emsync_engine.model import layouts as lay
from emsync_engine.model.conditioning import Conditioner, PaperConditioner, Tables
from emsync_engine.model.config import ModelConfig

FIELDS = ("time", "metre", "group", "pitch", "duration", "velocity")
"""Fields in the order in which they are decided; a bar has a metre, a note the last four."""
FIELD_SIZES = {
    "time": ev.N_TIMES, "metre": ev.MAX_BAR_TICKS + 1, "group": ev.N_GROUPS, "pitch": 128,
    "duration": ev.N_DURATIONS, "velocity": ev.VELOCITY_BINS,
}  # fmt: skip
EPSILON = 1e-5
BOUNDARY_READER = "at_boundary.weight"
"""The tensor of the boundary reader."""
N_INTERVALS = 255
"""Intervals -127..127 from the group's last pitch."""

_TABLES = {
    "kind": ev.N_KINDS, "pos": ev.MAX_BAR_TICKS + 1, "phase": ev.GRID + 1, "group": ev.N_GROUPS + 1,
    "pitch": 257, "pitch_class": 13, "duration": ev.N_DURATIONS + 1, "velocity": ev.VELOCITY_BINS + 1,
    "barlen": ev.MAX_BAR_TICKS + 1, "role": lay.N_ROLES, "relbar": lay.RELBAR_CLASSES, "remain": lay.REMAIN_CLASSES,
}  # fmt: skip
"""Embedding tables whose entries are summed into a row's input; the last class of a field means "none"."""


def row_codes(rows: Tensor) -> Tensor:
    """Index of each row in each table of `_TABLES`. rows (..., N_INPUTS) -> (..., 12)."""
    kind, pos, group, pitch, dur, vel, barlen, role, relbar, remain = rows[..., :10].unbind(-1)
    note = kind == ev.NOTE
    drum = group == ev.DRUMS

    def on_notes(value: Tensor, none: int) -> Tensor:
        return torch.where(note, value, torch.full_like(value, none))

    pitched = note & ~drum
    codes = [
        kind,
        on_notes(pos, ev.MAX_BAR_TICKS),
        on_notes(pos % ev.GRID, ev.GRID),
        on_notes(group, ev.N_GROUPS),
        on_notes(pitch + 128 * drum, 256),
        torch.where(pitched, pitch % 12, torch.full_like(pitch, 12)),
        torch.where(pitched, dur, torch.full_like(dur, ev.N_DURATIONS)),
        on_notes(vel, ev.VELOCITY_BINS),
        barlen,
        role,
        relbar,
        remain,
    ]
    return torch.stack(codes, dim=-1)


def norm(x: Tensor) -> Tensor:
    """Layer norm over the last axis without gain or bias (the matrices that follow can learn both).

    Preferred to RMS norm because torch has a fused kernel for it on the CPU: a third off a training step.
    """
    return functional.layer_norm(x, x.shape[-1:], eps=EPSILON)


def rope_tables(length: int, width: int, base: float, device: torch.device | None = None) -> tuple[Tensor, Tensor]:
    """cos and sin of the rotary positions, each (length, width / 2)."""
    rate = base ** (-torch.arange(0, width, 2, device=device).float() / width)
    angle = torch.arange(length, device=device).float()[:, None] * rate
    return angle.cos(), angle.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate the halves of each head's width by the position's angles. x (B, heads, T, width)."""
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1)


class Layer(nn.Module):
    """Conditions in, attention, feed-forward; each adds to the stream."""

    dropout = 0.0
    """Share of what attention and feed-forward add that is dropped while training (`Composer.drop`)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        d, self.heads, self.kv_heads = config.d_model, config.n_heads, config.n_kv_heads
        self.width = d // config.n_heads
        if config.conditioning == "full":
            self.cond = nn.Linear(config.d_cond, d, bias=False)
        self.query = nn.Linear(d, d, bias=False)
        self.key = nn.Linear(d, self.kv_heads * self.width, bias=False)
        self.value = nn.Linear(d, self.kv_heads * self.width, bias=False)
        self.out = nn.Linear(d, d, bias=False)
        self.gate = nn.Linear(d, config.d_ff, bias=False)
        self.up = nn.Linear(d, config.d_ff, bias=False)
        self.down = nn.Linear(config.d_ff, d, bias=False)

    def forward(self, x: Tensor, condition: Tensor | None, cos: Tensor, sin: Tensor) -> Tensor:
        """x (B, T, D), condition (B, T, d_cond) -> (B, T, D)."""
        if condition is not None:
            x = x + self.cond(condition)
        x = x + self._dropped(self.attend(norm(x), cos, sin))
        h = norm(x)
        return x + self._dropped(self.down(functional.silu(self.gate(h)) * self.up(h)))

    def _dropped(self, x: Tensor) -> Tensor:
        return functional.dropout(x, self.dropout, self.training) if self.dropout else x

    def attend(self, h: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Causal self-attention. Queries and keys are normed by head before rotation."""
        b, t, _ = h.shape
        q = self.query(h).view(b, t, self.heads, self.width).transpose(1, 2)
        k = self.key(h).view(b, t, self.kv_heads, self.width).transpose(1, 2)
        v = self.value(h).view(b, t, self.kv_heads, self.width).transpose(1, 2)
        q, k = rotate(norm(q), cos, sin), rotate(norm(k), cos, sin)
        shared = self.heads // self.kv_heads
        k, v = k.repeat_interleave(shared, dim=1), v.repeat_interleave(shared, dim=1)
        y = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        out: Tensor = self.out(y.transpose(1, 2).reshape(b, t, -1))
        return out


class FieldHead(nn.Module):
    """Logits of one field from what is known: norm, SwiGLU, linear."""

    def __init__(self, width: int, hidden: int, classes: int) -> None:
        super().__init__()
        self.gate = nn.Linear(width, hidden, bias=False)
        self.up = nn.Linear(width, hidden, bias=False)
        self.classes = nn.Linear(hidden, classes, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.classes(self.inner(x))
        return out

    def inner(self, x: Tensor) -> Tensor:
        """What the classes are read from: (N, D) -> (N, d_field)."""
        h = norm(x)
        out: Tensor = functional.silu(self.gate(h)) * self.up(h)
        return out


@dataclass(frozen=True)
class Batch:
    """B sequences of T + 1 rows: row j predicts row j + 1. See `layouts.Sequence` for the columns."""

    rows: Tensor
    values: Tensor
    categories: Tensor
    weight: Tensor

    def to(self, device: torch.device) -> Batch:
        return Batch(*(part.to(device, non_blocking=True) for part in self._parts()))

    def pin_memory(self) -> Batch:
        """The same in page-locked memory (the data loader asks for it on a GPU)."""
        return Batch(*(part.pin_memory() for part in self._parts()))

    def _parts(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        return self.rows, self.values, self.categories, self.weight


class Composer(nn.Module):
    """The whole network."""

    cos: Tensor
    sin: Tensor

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        d = config.d_model
        self.embed = Tables(list(_TABLES.values()), d)
        if config.conditioning == "full":
            self.conditioner = Conditioner(config.d_cond)
            self.cond_heads = nn.Linear(config.d_cond, d, bias=False)
        elif config.conditioning == "paper":
            self.paper = PaperConditioner(d)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.n_layers))
        self.heads = nn.ModuleDict({name: FieldHead(d, config.d_field, size) for name, size in FIELD_SIZES.items()})
        self.advance = nn.Linear(config.d_field, ev.MAX_BAR_TICKS, bias=False)
        self.interval = nn.Linear(config.d_field, N_INTERVALS, bias=False)
        self.from_root = nn.Linear(config.d_field, 12, bias=False)
        if config.boundary_reader:
            self.at_boundary = nn.Linear(config.d_field, 2, bias=False)
        self.known_time = Tables([ev.N_TIMES, ev.MAX_BAR_TICKS + 1], d)
        self.known_group = Tables([ev.N_GROUPS, 129, ev.N_DURATIONS + 1, ev.VELOCITY_BINS + 1], d)
        self.known_pitch = Tables([256, N_INTERVALS + 1], d)
        self.known_duration = Tables([ev.N_DURATIONS + 1], d)
        cos, sin = rope_tables(config.context, d // config.n_heads, config.rope_base)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        self.apply(_init)
        if config.boundary_reader:
            nn.init.zeros_(self.at_boundary.weight)
        for layer in self.layers:
            assert isinstance(layer, Layer)
            nn.init.zeros_(layer.out.weight)
            nn.init.zeros_(layer.down.weight)

    def drop(self, share: float) -> None:
        """Set the dropout of all layers (Srivastava et al. 2014)."""
        for layer in self.layers:
            assert isinstance(layer, Layer)
            layer.dropout = share

    def compile_parts(self) -> None:
        """Compile what repeats and what is long: a layer (once for all) and the inner decoder; shapes are fixed."""
        for layer in self.layers:
            layer.compile(dynamic=False)
        self.score = torch.compile(self.score, dynamic=False)  # type: ignore[method-assign]

    def hidden(self, rows: Tensor, values: Tensor, categories: Tensor) -> Tensor:
        """Stream after each row. rows (B, T, N_INPUTS), values and categories beside them -> (B, T, D)."""
        x = self.embed(row_codes(rows)).to(self.stream_dtype)
        condition = None
        if self.config.conditioning == "full":
            condition = self.conditioner(values, categories)
        elif self.config.conditioning == "paper":
            x = x + self.paper(values, rows[..., ev.COL_KIND]).to(x.dtype)
        cos, sin = (table[: rows.shape[1]].to(x.dtype) for table in (self.cos, self.sin))
        for layer in self.layers:
            x = layer(x, condition, cos, sin)
        return norm(x)

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Nats of each predicted row by field, (B, T, 6), and the weights of the rows, (B, T)."""
        hidden = self.hidden(batch.rows[:, :-1], batch.values[:, :-1], batch.categories[:, :-1])
        weight = batch.weight[:, 1:]
        b, t, d = hidden.shape
        coming = self.conditioner(batch.values[:, 1:], batch.categories[:, 1:]) if self._told else None
        last, target = batch.rows[:, :-1].reshape(b * t, -1).long(), batch.rows[:, 1:].reshape(b * t, -1).long()
        known = None if coming is None else self.cond_heads(coming).view(b * t, d)
        root = batch.categories[:, 1:, cond.CAT_ROOT].reshape(b * t).long()
        hit = batch.categories[:, :-1, cond.CAT_HIT].reshape(b * t).long()
        if coming is None:
            root = torch.full_like(root, cond.CATEGORY_SIZES[cond.CAT_ROOT] - 1)
        return self.score(hidden.reshape(b * t, d), known, root, hit, last, target).view(b, t, -1), weight

    def _head(self, field: str) -> FieldHead:
        head = self.heads[field]
        assert isinstance(head, FieldHead)
        return head

    @property
    def stream_dtype(self) -> torch.dtype:
        """bf16 under autocast, else the weights' type."""
        kind = self.embed.weight.device.type
        return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else self.embed.weight.dtype

    @property
    def _told(self) -> bool:
        return self.config.conditioning == "full"

    def score(
        self, x: Tensor, coming: Tensor | None, root: Tensor, hit: Tensor, last: Tensor, target: Tensor
    ) -> Tensor:
        """Teacher-forced nats (N, 6) of the fields of `target` rows, given the rows before them, `last`.

        `root` is the target's chord root, `hit` the last row's next boundary in its bar (classes of `conditions`).

        All rows go through all heads, whatever they are, so that no shape depends on what is in them (a compiled step
        never waits for the device); a field that a row lacks counts 0. Rows that open a segment or pad it cannot
        follow their neighbour; they carry no weight.
        """
        kind = target[:, ev.COL_KIND]
        bar = kind == ev.BAR
        note = (kind == ev.NOTE) & (last[:, ev.COL_KIND] <= ev.BAR)
        time = torch.where(kind == ev.NOTE, target[:, ev.COL_POS], torch.where(bar, ev.T_BAR, ev.T_END))
        free = (kind == ev.NOTE) | bar | (kind == ev.END)
        out = [_nats_where(free, self.time_logits(x, last, hit), time)]
        x = x + self.known_time(torch.stack([time, advance_code(time, last)], dim=-1)).to(x.dtype)
        if coming is not None:
            x = x + coming
        out.append(_nats_where(bar, self._head("metre")(x), target[:, ev.COL_BARLEN]))
        return torch.stack([*out, *self._note_nats(x, root, last, target, note)], dim=1)

    def _note_nats(self, x: Tensor, root: Tensor, last: Tensor, target: Tensor, note: Tensor) -> list[Tensor]:
        """Nats (N,) of group, pitch, duration and velocity; 0 in rows that are no notes."""
        group, pitch = target[:, ev.COL_GROUP], target[:, ev.COL_PITCH]
        dur, vel = target[:, ev.COL_DUR], target[:, ev.COL_VEL]
        together = (last[:, ev.COL_KIND] == ev.NOTE) & (last[:, ev.COL_POS] == target[:, ev.COL_POS])
        out = [_nats_where(note, self.group_logits(x, last, together), group)]
        previous = target[:, lay.COL_LAST_PITCH]
        x = x + self.known_group(
            torch.stack([group, previous, target[:, lay.COL_LAST_DUR], target[:, lay.COL_LAST_VEL]], dim=-1)
        ).to(x.dtype)
        floor = torch.where(together & (last[:, ev.COL_GROUP] == group), last[:, ev.COL_PITCH], 0)
        out.append(_nats_where(note, self.pitch_logits(x, previous, root, floor), pitch))
        drum = group == ev.DRUMS
        x = x + self.known_pitch(torch.stack([pitch + 128 * drum, interval_code(pitch, previous)], dim=-1)).to(x.dtype)
        out.append(_nats_where(note & ~drum, self._head("duration")(x), dur))
        x = x + self.known_duration(torch.where(drum, ev.N_DURATIONS, dur)[:, None]).to(x.dtype)
        out.append(_nats_where(note, self._head("velocity")(x), vel))
        return out

    def time_logits(self, x: Tensor, last: Tensor, hit: Tensor) -> Tensor:
        """Masked logits (N, N_TIMES): the places from the last row's on, within its bar, the next bar, the end."""
        head, h = self._head("time"), self.time_inner(x)
        now = torch.where(last[:, ev.COL_KIND] == ev.NOTE, last[:, ev.COL_POS], 0)
        places = torch.arange(ev.MAX_BAR_TICKS, device=x.device)
        ahead = places - now[:, None]
        relative = self.advance(h).gather(1, ahead.clamp(min=0))
        logits = head.classes(h).float()
        logits = torch.cat([logits[:, : ev.MAX_BAR_TICKS] + relative.float(), logits[:, ev.MAX_BAR_TICKS :]], dim=1)
        if self.config.boundary_reader:
            logits = logits + self._by_boundary(h, hit)
        inside = (last[:, ev.COL_KIND] <= ev.BAR)[:, None]
        allowed = (ahead >= 0) & (places < last[:, ev.COL_BARLEN, None]) & inside
        return logits.masked_fill(~functional.pad(allowed, (0, 2), value=True), -torch.inf)

    def time_inner(self, x: Tensor) -> Tensor:
        """What the time field's classes are read from: (N, D) -> (N, d_field)."""
        return self._head("time").inner(x)

    def _by_boundary(self, h: Tensor, hit: Tensor) -> Tensor:
        """What speaks for the place of the boundary, and for all that is beyond it: (N, N_TIMES)."""
        at, beyond = self.at_boundary(h).float().unbind(1)
        away = torch.arange(ev.N_TIMES, device=h.device) - hit[:, None]
        by_place = torch.where(away == 0, at[:, None], torch.where(away > 0, beyond[:, None], 0.0))
        return torch.where(hit[:, None] < cond.HIT_NONE, by_place, 0.0)

    def group_logits(self, x: Tensor, last: Tensor, together: Tensor) -> Tensor:
        """Masked logits (N, N_GROUPS); at the last note's place (`together`) only its group and later ones."""
        floor = torch.where(together, last[:, ev.COL_GROUP], 0)
        below = torch.arange(ev.N_GROUPS, device=x.device) < floor[:, None]
        out: Tensor = self._head("group")(x).float().masked_fill(below, -torch.inf)
        return out

    def pitch_logits(self, x: Tensor, previous: Tensor, root: Tensor, floor: Tensor) -> Tensor:
        """Masked logits (N, 128): by pitch, by interval from the group's last note, by degree of the chord."""
        head = self._head("pitch")
        h = head.inner(x)
        pitches = torch.arange(128, device=x.device)
        by_interval = self.interval(h).gather(1, (pitches - previous[:, None] + 127).clamp(0, N_INTERVALS - 1))
        by_degree = self.from_root(h).gather(1, (pitches - root[:, None]) % 12)
        logits = head.classes(h).float()
        logits = logits + torch.where(previous[:, None] < lay.NO_PITCH, by_interval, 0.0)
        logits = logits + torch.where(root[:, None] < 12, by_degree, 0.0)
        out: Tensor = logits.masked_fill(pitches < floor[:, None], -torch.inf)
        return out


def _nats_where(counts: Tensor, logits: Tensor, target: Tensor) -> Tensor:
    """Nats (N,) of the target classes where the field `counts`, else 0 (and no gradient)."""
    return torch.where(counts, functional.cross_entropy(logits.float(), target, reduction="none"), 0.0)


def advance_code(time: Tensor, last: Tensor) -> Tensor:
    """Ticks from the last row's place to a note's, `MAX_BAR_TICKS` for bars and ends."""
    now = torch.where(last[:, ev.COL_KIND] == ev.NOTE, last[:, ev.COL_POS], 0)
    return torch.where(time < ev.MAX_BAR_TICKS, (time - now).clamp(min=0), ev.MAX_BAR_TICKS)


def interval_code(pitch: Tensor, previous: Tensor) -> Tensor:
    """Interval class 0..254 from the group's last pitch, 255 for its first note."""
    return torch.where(previous < lay.NO_PITCH, pitch - previous + 127, N_INTERVALS)


def _init(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, std=module.in_features**-0.5 * 0.5)
