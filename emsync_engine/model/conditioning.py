"""What turns conditions into vectors: every channel (`Conditioner`), or boundaries and emotion as in EMSYNC."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from emsync_engine.model import conditions as cond
from emsync_engine.model import events as ev

TABLE_STD = 0.4
"""Spread of fresh table entries: a few summed are as loud as the normed stream that they are added to."""


class Tables(nn.Module):
    """Several embedding tables in one matrix; the entries of a row are summed."""

    offsets: Tensor

    def __init__(self, sizes: list[int], width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(sum(sizes), width) * TABLE_STD)
        offsets = torch.tensor([sum(sizes[:i]) for i in range(len(sizes))])
        self.register_buffer("offsets", offsets, persistent=False)

    def forward(self, codes: Tensor) -> Tensor:
        """codes (..., tables) -> (..., width)."""
        flat = (codes.long() + self.offsets).reshape(-1, codes.shape[-1])
        return functional.embedding_bag(flat, self.weight, mode="sum").view(*codes.shape[:-1], -1)


class Conditioner(nn.Module):
    """Conditions of a row to one vector."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.values = nn.Linear(cond.N_COND, 2 * width, bias=False)
        self.categories = Tables(list(cond.CATEGORY_SIZES), 2 * width)
        self.mix = nn.Linear(2 * width, width, bias=False)

    def forward(self, values: Tensor, categories: Tensor) -> Tensor:
        """values (B, T, N_COND), categories (B, T, 4) -> (B, T, width)."""
        out: Tensor = self.mix(functional.silu(self.values(values) + self.categories(categories)))
        return out


class PaperConditioner(nn.Module):
    """Conditioning as in EMSYNC: boundary offsets in half of the input's channels, emotion on the first row.

    Offset: Linear(1, 128), ReLU, Linear(128, D/2) of o = 8 - min(8, b - t). Valence and arousal: Linear(1, 256),
    ReLU, Linear(256, D) each, or a learned null, added to the row that opens the sequence.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.offset = nn.Sequential(nn.Linear(1, 128), nn.ReLU(), nn.Linear(128, width // 2))
        self.emotion = nn.ModuleList(
            nn.Sequential(nn.Linear(1, 256), nn.ReLU(), nn.Linear(256, width)) for _ in range(2)
        )
        self.null = nn.Parameter(torch.randn(2, width) * 0.1)

    def forward(self, values: Tensor, kind: Tensor) -> Tensor:
        """values (B, T, N_COND), kind (B, T) -> (B, T, D) to add to the input."""
        offset = self.offset(values[..., cond.COL_OFFSET, None] * cond.CLAMP_S)
        x = functional.pad(offset, (offset.shape[-1], 0))
        opening = ((kind == ev.BOS) | (kind == ev.CONT))[..., None]
        for index, channel in enumerate(("valence", "arousal")):
            known = values[..., cond.N_VALUES + cond.CHANNELS.index(channel), None] > 0
            told = self.emotion[index](values[..., cond.SLICES[channel]])
            x = x + torch.where(opening, torch.where(known, told, self.null[index].to(told.dtype)), 0.0)
        return x
