"""Broadcast WAV files read by hand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Wave:
    """``samples`` of shape (length, channels), as whole numbers of 24 bits."""

    rate: int
    bits: int
    samples: NDArray[np.int32]
    time_reference: int
    """Samples since midnight at the first one."""


def read_wave(path: Path) -> Wave:
    data = path.read_bytes()
    assert data[:4] == b"RIFF" and data[8:12] == b"WAVE"
    chunks, at = {}, 12
    while at + 8 <= len(data):
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        chunks[data[at : at + 4]] = data[at + 8 : at + 8 + size]
        at += 8 + size + size % 2
    form = chunks[b"fmt "]
    channels, rate, bits = (int.from_bytes(form[a:b], "little") for a, b in ((2, 4), (4, 8), (14, 16)))
    assert bits == 24
    raw = np.frombuffer(chunks[b"data"], np.uint8).reshape(-1, channels, 3).astype(np.int32)
    values = raw[..., 0] | raw[..., 1] << 8 | raw[..., 2] << 16
    samples = np.where(values >= 1 << 23, values - (1 << 24), values).astype(np.int32)
    bext = chunks[b"bext"]
    reference = int.from_bytes(bext[338:346], "little")  # after description, originator, reference, date and time
    return Wave(rate, bits, samples, reference)
