"""Sample rate and channels of a WAV file, from its header alone."""

from __future__ import annotations

import struct
from pathlib import Path

DEFAULT_FORMAT = (48_000, 2)
"""(Hz, channels) where a file cannot say: what picture is scored at."""

_HEADER = 1 << 16  # bytes looked at; the format chunk comes before the sound


def wave_format(path: Path) -> tuple[int, int] | None:
    """(sample rate in Hz, channels) of a RIFF or RF64 WAVE file; None for anything else."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEADER)
    except OSError:
        return None
    if head[:4] not in (b"RIFF", b"RF64", b"BW64") or head[8:12] != b"WAVE":
        return None
    position = 12
    while position + 24 <= len(head):
        name, size = head[position : position + 4], struct.unpack_from("<I", head, position + 4)[0]
        if name == b"fmt ":
            _, channels, rate = struct.unpack_from("<HHI", head, position + 8)
            return (rate, channels) if rate and channels else None
        position += 8 + size + size % 2
    return None
