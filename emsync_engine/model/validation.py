"""Bits a note on held-out pieces while training: fixed windows, plain layout, no condition, no augmentation."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from emsync_engine.model import events as ev
from emsync_engine.model import layouts, windows
from emsync_engine.model.config import DataConfig
from emsync_engine.model.net import FIELDS, Batch, Composer
from emsync_engine.model.shards import Shard


@dataclass(frozen=True)
class Bits:
    """Bits of some rows by field, and how many notes they hold."""

    fields: dict[str, float]
    notes: int

    @property
    def per_note(self) -> float:
        """All bits (bars and ends too) over the number of notes."""
        return sum(self.fields.values()) / max(self.notes, 1)

    def summary(self) -> dict[str, float]:
        """Bits per note, whole and by field, rounded."""
        shares = {name: round(bits / max(self.notes, 1), 4) for name, bits in self.fields.items()}
        return {"bits_per_note": round(self.per_note, 4), **shares}


def collate(sequences: Sequence[layouts.Sequence]) -> Batch:
    """Sequences of one length as tensors."""
    return Batch(
        rows=torch.from_numpy(np.stack([sequence.rows for sequence in sequences])),
        values=torch.from_numpy(np.stack([sequence.values for sequence in sequences])),
        categories=torch.from_numpy(np.stack([sequence.categories for sequence in sequences])),
        weight=torch.from_numpy(np.stack([sequence.weight for sequence in sequences])),
    )


def count(nats: torch.Tensor, batch: Batch) -> Bits:
    """Bits by field and notes of the rows with weight. nats (B, T, fields)."""
    counted = batch.weight[:, 1:] > 0
    sums = (nats * counted[..., None]).sum(dim=(0, 1)).double() / math.log(2)
    notes = (counted & (batch.rows[:, 1:, ev.COL_KIND] == ev.NOTE)).sum()
    return Bits(dict(zip(FIELDS, sums.tolist(), strict=True)), int(notes))


def add(parts: Iterable[Bits]) -> Bits:
    """The sum of several counts."""
    members = list(parts)
    return Bits({name: sum(part.fields[name] for part in members) for name in FIELDS}, sum(p.notes for p in members))


def held_out_windows(shard: Shard, limit: int, length: int, told: bool = False) -> list[layouts.Sequence]:
    """At most `limit` windows of whole bars, spread evenly over a shard, without conditions unless `told`."""
    starts: list[tuple[int, int, int]] = []
    for piece in range(shard.n_pieces):
        base, end = int(shard.piece_bar[piece]), int(shard.piece_bar[piece + 1])
        bar = base
        while bar < end:
            stop = bar + max(1, windows_end(shard, bar, end, length) - bar)
            starts.append((piece, bar - base, stop - base))
            bar = stop
    chosen = [starts[i * len(starts) // min(limit, len(starts))] for i in range(min(limit, len(starts)))]
    return [_window(shard, piece, first, stop, length, told) for piece, first, stop in chosen]


def windows_end(shard: Shard, bar: int, end: int, length: int) -> int:
    """The bar up to which whole bars from `bar` fit into `length` rows with an opening and an end row."""
    cost = shard.bar_note[bar : end + 1] - shard.bar_note[bar] + np.arange(end - bar + 1)
    return bar + int(np.searchsorted(cost, length - 2, side="right")) - 1


def _window(shard: Shard, piece: int, first: int, stop: int, length: int, told: bool) -> layouts.Sequence:
    window = windows.extract(shard, piece, first, stop, DataConfig())
    guide = window.guide if told else replace(window.guide, known=np.zeros_like(window.guide.known))
    n_bars = int(shard.piece_bar[piece + 1] - shard.piece_bar[piece])
    sequence = layouts.plain(replace(window, guide=guide), begins=first == 0, ends=stop == n_bars)
    return layouts.join([sequence.cut(length)], length)


@torch.no_grad()
def evaluate(
    model: Composer, held_out: Mapping[str, Sequence[layouts.Sequence]], batch: int, device: torch.device, bf16: bool
) -> dict[str, Bits]:
    """Bits of each source's windows."""
    results = {}
    for source, sequences in held_out.items():
        parts = []
        for at in range(0, len(sequences), batch):
            data = collate(sequences[at : at + batch]).to(device)
            with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
                nats, _ = model(data)
            parts.append(count(nats, data))
        results[source] = add(parts)
    return results


def headline(results: Mapping[str, Bits], notes: Mapping[str, int]) -> float:
    """Bits a note over sources, each weighing as many notes as it has in the data set (`notes`)."""
    total = sum(notes[source] for source in results)
    return sum(results[source].per_note * notes[source] / total for source in results)
