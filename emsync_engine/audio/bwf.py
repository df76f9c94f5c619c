"""Broadcast WAV, 48 kHz, 24 bit, stereo, written as a stream.

EBU Tech 3285 version 2 (``bext``), EBU Tech 3306 (RF64 past 4 GiB), the iXML chunk for production sound, and
``cue `` with ``LIST adtl`` labels for the points an editor wants to snap to.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import BinaryIO
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray

from emsync_engine.audio.loudness import Loudness
from emsync_engine.audio.synth import SAMPLE_RATE
from emsync_engine.smf import ascii_text

CHANNELS = 2
BYTES_PER_SAMPLE = 3
FRAME_BYTES = CHANNELS * BYTES_PER_SAMPLE
FULL_SCALE = 1 << 23
RIFF_LIMIT = 0xFFFFFFFF
"""Largest RIFF size; a longer file is RF64."""

_UNUSED_LOUDNESS = 0x7FFF
_BEXT_FIXED = struct.Struct("<256s32s32s10s8sQH64s5H180s")


@dataclass(frozen=True)
class CuePoint:
    """A labelled position in samples from the file's start."""

    sample: int
    label: str


@dataclass(frozen=True)
class BroadcastInfo:
    """What the file says about itself."""

    description: str
    track_name: str
    rate: Fraction
    """Picture frame rate in Hz."""
    drop_frame: bool
    start_frame: int
    """Timecode of the file's first sample, as a frame count since midnight."""
    originator: str = "EMSYNC"
    originator_reference: str = ""
    coding_history: str = ""
    """One line a process, without line ends."""
    loudness: Loudness | None = None
    cues: tuple[CuePoint, ...] = ()
    project: str = ""

    @property
    def time_reference(self) -> int:
        """Samples since midnight of the first sample."""
        return time_reference(self.start_frame, self.rate)


def time_reference(start_frame: int, rate: Fraction) -> int:
    """Samples since midnight of a frame count, exactly, rounded up.

    Up, because a reader that truncates when it turns samples back into frames would land on the frame before.
    """
    return max(0, _ceil(Fraction(start_frame) * SAMPLE_RATE / rate))


def picture_samples(frames: int, rate: Fraction) -> int:
    """Samples that a picture of ``frames`` frames lasts, to the nearest (halves upwards)."""
    exact = Fraction(frames) * SAMPLE_RATE / rate
    return int(exact + Fraction(1, 2))


class BroadcastWavWriter:
    """Writes one file beside its target and puts it in place on ``commit``.

    Use it as a context manager: leaving without ``commit`` removes what was written.
    """

    def __init__(self, path: Path, samples: int, info: BroadcastInfo, *, riff_limit: int = RIFF_LIMIT) -> None:
        """
        Args:
            path: the target. The temporary file is beside it, so that the rename is atomic.
            samples: the length, known before.
            info: the file's metadata.
            riff_limit: size in bytes from which on the file is RF64.

        Raises:
            OSError: the temporary file cannot be made.
        """
        self.path = path
        self._expected = samples
        self._written = 0
        self._temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
        head, self._end = _layout(samples, info, riff_limit)
        self._file: BinaryIO = self._temporary.open("wb")
        try:
            self._file.write(head)
        except BaseException:
            self.discard()
            raise

    def __enter__(self) -> BroadcastWavWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.discard()

    def write(self, audio: NDArray[np.int32]) -> None:
        """Append samples, shape (samples, 2), -2**23 .. 2**23 - 1."""
        self._file.write(pack_24(audio))
        self._written += len(audio)

    def finish(self) -> None:
        """Write the chunks after the audio and bring everything to the disk."""
        if self._written != self._expected:
            raise ValueError(f"{self._written} samples were written of {self._expected}")
        self._file.write(self._end)
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def commit(self) -> None:
        """Put the finished file in its place."""
        if not self._file.closed:
            self.finish()
        self._temporary.replace(self.path)

    def discard(self) -> None:
        """Remove the temporary file, if it is still there."""
        self._file.close()
        self._temporary.unlink(missing_ok=True)


def pack_24(audio: NDArray[np.int32]) -> bytes:
    """Little-endian 24-bit samples of 32-bit integers."""
    raw = np.ascontiguousarray(audio, dtype="<i4").view(np.uint8).reshape(-1, 4)
    return raw[:, :BYTES_PER_SAMPLE].tobytes()


def _layout(samples: int, info: BroadcastInfo, riff_limit: int) -> tuple[bytes, bytes]:
    """Everything before the first sample, and everything after the last."""
    data_size = samples * FRAME_BYTES
    fmt = struct.pack("<HHIIHH", 1, CHANNELS, SAMPLE_RATE, SAMPLE_RATE * FRAME_BYTES, FRAME_BYTES, 24)
    chunks = _chunk(b"bext", bext_body(info)) + _chunk(b"iXML", ixml_body(info)) + _chunk(b"fmt ", fmt)
    end = b"\0" * (data_size % 2) + _cue_chunks(info.cues)
    riff_size = 4 + len(chunks) + 8 + data_size + len(end)
    if riff_size <= riff_limit:
        return _head(b"RIFF", riff_size, b"", chunks, data_size), end
    ds64_size = 28
    riff_size += 8 + ds64_size
    ds64 = _chunk(b"ds64", struct.pack("<QQQI", riff_size, data_size, samples, 0))
    return _head(b"RF64", RIFF_LIMIT, ds64, chunks, RIFF_LIMIT), end


def _head(form: bytes, riff_size: int, first: bytes, chunks: bytes, data_size: int) -> bytes:
    return form + struct.pack("<I", riff_size) + b"WAVE" + first + chunks + b"data" + struct.pack("<I", data_size)


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def bext_body(info: BroadcastInfo) -> bytes:
    """The broadcast extension. Date and time stay empty: equal scores give equal files."""
    loudness = info.loudness or Loudness(None, None, None, None)
    measured = (
        loudness.integrated, loudness.range_lu, loudness.true_peak_db, loudness.momentary_max, loudness.short_term_max
    )  # fmt: skip
    fixed = _BEXT_FIXED.pack(
        *(ascii_text(text).encode("ascii")[:size]
          for text, size in ((info.description, 256), (info.originator, 32), (info.originator_reference, 32))),
        b"", b"", info.time_reference, 2, b"", *(_hundredths(value) for value in measured), b"",
    )  # fmt: skip
    history = "".join(ascii_text(line) + "\r\n" for line in info.coding_history.splitlines())
    return fixed + history.encode("ascii")


def _hundredths(value: float | None) -> int:
    return _UNUSED_LOUDNESS if value is None else round(value * 100) & 0xFFFF


def ixml_body(info: BroadcastInfo) -> bytes:
    """The iXML document: timecode rate and flag, time stamp and the track's name."""
    rate = f"{info.rate.numerator}/{info.rate.denominator}"
    stamp = info.time_reference
    speed = (
        ("MASTER_SPEED", rate),
        ("CURRENT_SPEED", rate),
        ("TIMECODE_RATE", rate),
        ("TIMECODE_FLAG", "DF" if info.drop_frame else "NDF"),
        ("FILE_SAMPLE_RATE", SAMPLE_RATE),
        ("AUDIO_BIT_DEPTH", 24),
        ("DIGITIZER_SAMPLE_RATE", SAMPLE_RATE),
        ("TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_HI", stamp >> 32),
        ("TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_LO", stamp & 0xFFFFFFFF),
        ("TIMESTAMP_SAMPLE_RATE", SAMPLE_RATE),
    )
    tracks = [
        _element("TRACK", _elements((("CHANNEL_INDEX", i), ("INTERLEAVE_INDEX", i), ("NAME", f"{info.track_name} {s}"),
                                     ("FUNCTION", function))))
        for i, s, function in ((1, "L", "LEFT"), (2, "R", "RIGHT"))
    ]  # fmt: skip
    body = _elements((("IXML_VERSION", "2.10"), ("PROJECT", info.project), ("NOTE", info.description)))
    body += _element("SPEED", _elements(speed))
    body += _element("TRACK_LIST", _elements((("TRACK_COUNT", CHANNELS),)) + "".join(tracks))
    return ('<?xml version="1.0" encoding="UTF-8"?>' + _element("BWFXML", body)).encode("utf-8")


def _elements(rows: Sequence[tuple[str, str | int]]) -> str:
    """One element a row; rows without text are left out, as the format asks."""
    texts = [(name, "".join(c for c in str(value) if c.isprintable())) for name, value in rows]
    return "".join(_element(name, escape(text)) for name, text in texts if text)


def _element(name: str, inner: str) -> str:
    return f"<{name}>{inner}</{name}>"


def _cue_chunks(cues: Sequence[CuePoint]) -> bytes:
    if not cues:
        return b""
    points = b"".join(
        struct.pack("<II4sIII", i, cue.sample, b"data", 0, 0, cue.sample) for i, cue in enumerate(cues, 1)
    )
    labels = b"".join(
        _chunk(b"labl", struct.pack("<I", i) + ascii_text(cue.label, f"{i}").encode("ascii") + b"\0")
        for i, cue in enumerate(cues, 1)
    )
    return _chunk(b"cue ", struct.pack("<I", len(cues)) + points) + _chunk(b"LIST", b"adtl" + labels)


def _ceil(value: Fraction) -> int:
    return -(-value.numerator // value.denominator)
