"""The data set on disk: one compressed file of flat columns per source and split, cheap to load and to crop.

Notes are stored as performed (velocity 1-127, bars in seconds), so that training can transpose, vary loudness
and re-crop. Labels are those of `labels.Labels`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emsync_engine.model import events as ev
from emsync_engine.model.labels import Labels

VERSION = 1
SPLITS = ("train", "valid")

_NOTE = {"pos": np.uint8, "group": np.uint8, "pitch": np.uint8, "dur": np.uint8, "vel": np.uint8}
_BAR = {
    "bar_notes": np.uint16, "bar_len": np.uint8, "bar_seconds": np.float32, "arousal": np.int8,
    "arousal_tempo": np.int8, "valence": np.int8, "density": np.uint8, "key": np.uint8, "section": np.uint8,
}  # fmt: skip
_BEAT = {"chord": np.uint8}
_BOUNDARY = {"boundary_tick": np.uint32, "boundary_kind": np.uint8}
_PIECE = {"piece_bars": np.int32, "piece_boundaries": np.int32}
COLUMNS: dict[str, type] = {**_NOTE, **_BAR, **_BEAT, **_BOUNDARY, **_PIECE}


@dataclass(frozen=True)
class LabelledPiece:
    """A piece with its labels, ready to be stored."""

    name: str
    piece: ev.Piece
    labels: Labels


def columns_of(item: LabelledPiece) -> dict[str, NDArray[Any]]:
    """The stored columns of one piece."""
    piece, labels = item.piece, item.labels
    bar = piece.note_bar
    values: dict[str, object] = {
        "pos": piece.onset - piece.bar_start[bar],
        "group": piece.group,
        "pitch": piece.pitch,
        "dur": np.where(piece.group == ev.DRUMS, 0, ev.duration_bin(piece.duration)),
        "vel": piece.velocity,
        "bar_notes": np.bincount(bar, minlength=piece.n_bars),
        "bar_len": piece.bar_length,
        "bar_seconds": piece.bar_seconds,
        "arousal": labels.arousal,
        "arousal_tempo": labels.arousal_tempo,
        "valence": labels.valence,
        "density": labels.density,
        "key": labels.key,
        "section": labels.section,
        "chord": labels.chord,
        "boundary_tick": labels.boundary_tick,
        "boundary_kind": labels.boundary_kind,
        "piece_bars": [piece.n_bars],
        "piece_boundaries": [len(labels.boundary_tick)],
    }
    return {name: np.asarray(values[name]).astype(kind) for name, kind in COLUMNS.items()}


def write(path: Path, items: Sequence[LabelledPiece]) -> None:
    """Write the pieces of one source and split."""
    parts = [columns_of(item) for item in items]
    arrays: dict[str, Any] = {
        name: np.concatenate([part[name] for part in parts]) if parts else np.zeros(0, dtype=kind)
        for name, kind in COLUMNS.items()
    }
    names = np.array([item.name for item in items], dtype=np.str_)
    np.savez_compressed(path, version=np.array(VERSION), name=names, **arrays)


@dataclass(frozen=True)
class Shard:
    """One source and split in memory: flat columns, and where each piece and bar begins in them."""

    source: str
    names: tuple[str, ...]
    columns: dict[str, NDArray[Any]]
    piece_bar: NDArray[np.int64]
    """First bar of each piece, plus the number of bars."""
    bar_note: NDArray[np.int64]
    """First note of each bar, plus the number of notes."""
    bar_beat: NDArray[np.int64]
    """First beat of each bar, plus the number of beats."""
    piece_boundary: NDArray[np.int64]
    """First boundary of each piece, plus their number."""

    @property
    def n_pieces(self) -> int:
        return len(self.names)

    @property
    def n_notes(self) -> int:
        return int(self.bar_note[-1])

    def piece(self, index: int) -> ev.Piece:
        """The piece as it was stored (lengths at their bins)."""
        bars = slice(int(self.piece_bar[index]), int(self.piece_bar[index + 1]))
        notes = slice(int(self.bar_note[bars.start]), int(self.bar_note[bars.stop]))
        starts = _offsets(self.columns["bar_len"][bars]).astype(np.int32)
        bar = np.repeat(np.arange(bars.stop - bars.start), self.columns["bar_notes"][bars])
        group = self.columns["group"][notes].astype(np.uint8)
        length = np.where(group == ev.DRUMS, 1, ev.DURATION_BINS[self.columns["dur"][notes].astype(np.intp)])
        return ev.Piece(
            onset=(starts[bar] + self.columns["pos"][notes]).astype(np.int32),
            group=group,
            pitch=self.columns["pitch"][notes].astype(np.uint8),
            duration=length.astype(np.int32),
            velocity=self.columns["vel"][notes].astype(np.uint8),
            bar_start=starts,
            bar_seconds=self.columns["bar_seconds"][bars].astype(np.float32),
        )


def _offsets(counts: NDArray[Any]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(counts.astype(np.int64))]).astype(np.int64)


def load(path: Path) -> Shard:
    """Read a file written by `write`; its source is the first part of its name (`SOURCE.SPLIT.npz`)."""
    with np.load(path) as data:
        if int(data["version"]) != VERSION:
            raise ValueError(f"{path}: data set version {int(data['version'])}, this program reads {VERSION}")
        columns: dict[str, NDArray[Any]] = {name: data[name] for name in COLUMNS}
        names = tuple(str(name) for name in data["name"])
    beats = -(-columns["bar_len"].astype(np.int64) // ev.GRID)
    return Shard(
        source=path.name.split(".")[0],
        names=names,
        columns=columns,
        piece_bar=_offsets(columns["piece_bars"]),
        bar_note=_offsets(columns["bar_notes"]),
        bar_beat=_offsets(beats),
        piece_boundary=_offsets(columns["piece_boundaries"]),
    )


def load_split(folder: Path, split: str) -> dict[str, Shard]:
    """All sources of a split that have pieces, by name. Raises FileNotFoundError when there is none."""
    shards = {path.name.split(".")[0]: load(path) for path in sorted(folder.glob(f"*.{split}.npz"))}
    if not shards:
        raise FileNotFoundError(f"{folder}: no *.{split}.npz; build the data set first")
    return {name: shard for name, shard in shards.items() if shard.n_pieces}
