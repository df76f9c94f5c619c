"""Likelihood: bits a note on any folder of MIDI files.

Bits are of everything that makes the rows of a piece: onset (to 1/12 of a quarter), instrument group (of twelve),
pitch, duration (nearest of 32), velocity (eight steps), and also the bar lines with their lengths and the end; their
sum is divided by the number of notes. A note is a note-on with a velocity above zero, as any MIDI parser counts them;
none is left out. Nothing computed from the piece is told to the network: every condition is unknown. Whole pieces are
read in one pass with a sliding cache (`passes`): each row has at least half a context behind it once there is as much.

Beside it, over the same rows: unigram and 5-gram (`ngrams`, from the training split of the data set where there is one)
and other networks (`--compare`). Without a folder, the held-out pieces of the data set are read; these have labels, so
that there the gain of telling each condition is measured too.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emsync_engine.errors import InputError
from emsync_engine.model import conditions as cond
from emsync_engine.model import events as ev
from emsync_engine.model import shards, windows
from emsync_engine.model.decode.reference import Network
from emsync_engine.model.decode.weights import Weights
from emsync_engine.model.evaluation import corpus, ngrams
from emsync_engine.model.evaluation.passes import Reader, sequence_of
from emsync_engine.model.evaluation.request import Report, Request
from emsync_engine.model.evaluation.tables import Cell, Table

FIELDS = ngrams.FIELDS
QUICK_NOTES = 3000
"""Notes a source in a quick evaluation."""

Pieces = Sequence[tuple[str, ev.Piece]]


@dataclass(frozen=True)
class Found:
    """Bits of a source by field, its notes and pieces."""

    bits: NDArray[np.float64] = field(default_factory=lambda: np.zeros(len(FIELDS)))
    notes: int = 0
    pieces: int = 0

    def __add__(self, other: Found) -> Found:
        return Found(self.bits + other.bits, self.notes + other.notes, self.pieces + other.pieces)

    def to_json(self) -> dict[str, Any]:
        """Bits a note, whole and by field."""
        notes = max(self.notes, 1)
        shares = {name: round(float(bits) / notes, 4) for name, bits in zip(FIELDS, self.bits, strict=True)}
        return {
            "bits_per_note": round(float(self.bits.sum()) / notes, 4),
            "notes": self.notes,
            "pieces": self.pieces,
            "fields": shares,
        }


class Meter:
    """Counts notes and says how far it is, at most once a second."""

    def __init__(self, request: Request, what: str, notes: int) -> None:
        self._request, self._what, self._notes = request, what, notes
        self._done, self._began, self._said = 0, time.monotonic(), 0.0

    def add(self, notes: int) -> None:
        self._done += notes
        now = time.monotonic()
        if now - self._said < 1.0:
            return
        self._said = now
        rate = self._done / max(now - self._began, 1e-9)
        self._request.progress(f"{self._what}: {self._done:,} of {self._notes:,} notes, {rate:,.0f} a second")


def bits_of(
    network: Network, pieces: Iterable[ev.Piece], guides: Iterable[cond.Guide | None]
) -> Iterator[NDArray[np.float64]]:
    """Bits by field of each piece under its guide (None tells nothing), on all processors.

    Products of matrices run on one thread each (`bridge.cli.evaluate` sees to that): two pieces at a time then are
    faster than one piece on two threads.
    """
    reader = Reader(network)

    def bits(piece: ev.Piece, guide: cond.Guide | None) -> NDArray[np.float64]:
        return reader.bits(sequence_of(piece, guide))

    with ThreadPoolExecutor(max(os.cpu_count() or 1, 1)) as pool:
        yield from pool.map(bits, pieces, guides)


def of_pieces(network: Network, pieces: Pieces, meter: Meter) -> Found:
    """Untold bits of pieces."""
    total = Found()
    every = bits_of(network, (piece for _, piece in pieces), [None] * len(pieces))
    for (_, piece), bits in zip(pieces, every, strict=True):
        total += Found(bits, piece.n_notes, 1)
        meter.add(piece.n_notes)
    return total


def measure(
    request: Request, folder: Path | None = None, data: Path | None = None, limit: int = 0, baselines: bool = True
) -> Report:
    """Bits a note of a folder, or of the data set's held-out pieces.

    Args:
        data: the data set (shards), for the baselines and, without a folder, to read from.
        limit: notes a source, 0 for all.
    """
    limit = limit or (QUICK_NOTES if request.quick else 0)
    request.progress("reading")
    given = list(corpus.read(folder, limit)) if folder else list(held_out(data, limit))
    notes = sum(source.notes for source in given)
    if not notes:
        raise InputError("no note in any file that could be read", where=str(folder or data), code="no_notes")
    networks = {"": request.weights, **request.compare}
    found = {}
    for name, weights in networks.items():
        network, meter = Network(weights), Meter(request, name or "likelihood", notes)
        found[name] = {source.name: of_pieces(network, source.pieces, meter) for source in given}
    own = found.pop("")
    whole = sum(own.values(), Found())
    rows = [_row(_named(request.weights), whole)]
    rows += [_row(f"{name} ({_named(request.compare[name])})", sum(f.values(), Found())) for name, f in found.items()]
    numbers = whole.to_json() | {
        "sources": {name: f.to_json() for name, f in own.items()},
        "files": sum(source.files for source in given),
        "empty": sum(source.empty for source in given),
        "unreadable": [entry for source in given for entry in source.unreadable],
        "compare": {name: sum(f.values(), Found()).to_json() for name, f in found.items()},
    }
    if baselines and data is not None and _has_training(data):
        simple = _baselines(request, data, given)
        numbers["baselines"] = {name: f.to_json() for name, f in simple.items()}
        rows += [_row(name, f) for name, f in simple.items()]
    heading = ("bits a note", "all", *FIELDS, "notes", "pieces")
    where = str(folder) if folder else "the data set's held-out pieces"
    note = f"{where}; no condition told; {len(numbers['unreadable'])} files could not be read."
    tables = [Table("Likelihood", heading, tuple(rows), (note,))]
    if len(own) > 1:
        tables.append(Table("By source", heading, tuple(_row(name, f) for name, f in own.items())))
    return Report(tuple(tables), numbers)


def _row(name: str, found: Found) -> tuple[Cell, ...]:
    notes = max(found.notes, 1)
    shares = [round(float(bits) / notes, 3) for bits in found.bits]
    return (name, round(float(found.bits.sum()) / notes, 3), *shares, found.notes, found.pieces)


def _named(weights: Weights) -> str:
    return f"{weights.n_parameters / 1e6:.1f} M, {weights.config.conditioning}"


def held_out(data: Path | None, limit: int, split: str = "valid") -> Iterator[corpus.Source]:
    """The data set's pieces of a split, by source."""
    for name, shard in _shards(data, split).items():
        source = corpus.Source(name, shard.n_pieces)
        for index in corpus.evenly(shard.n_pieces) if limit else range(shard.n_pieces):
            source.pieces.append((shard.names[index], shard.piece(index)))
            if limit and source.notes >= limit:
                break
        yield source


def _shards(data: Path | None, split: str) -> dict[str, shards.Shard]:
    try:
        return shards.load_split(data or Path(), split)
    except FileNotFoundError as error:
        raise InputError(
            "no data set here: name a folder of MIDI files, or build the data set first (docs/model/data.md)",
            where=str(data),
            code="no_data",
        ) from error


def _has_training(data: Path) -> bool:
    return any(data.glob("*.train.npz"))


def _baselines(request: Request, data: Path, given: Sequence[corpus.Source]) -> dict[str, Found]:
    """Unigram and 5-gram, from all training pieces of the data set."""
    request.progress("counting for unigram and 5-gram")
    limit = 10 * QUICK_NOTES if request.quick else 0
    training = (piece for source in held_out(data, limit, "train") for _, piece in source.pieces)
    models = ngrams.fit(ngrams.codes_of(training))
    codes = ngrams.codes_of(piece for source in given for _, piece in source.pieces)
    notes, pieces = sum(s.notes for s in given), sum(len(s.pieces) for s in given)
    names = {1: "unigram", ngrams.ORDER: f"{ngrams.ORDER}-gram"}
    found = {}
    for order, model in models.items():
        bits = model.bits(codes)
        found[names[order]] = Found(np.array([bits[name] for name in FIELDS]), notes, pieces)
    return found


def telling(request: Request, data: Path, limit: int) -> Report:
    """What telling conditions gains on the held-out pieces: nothing told, each channel alone, everything."""
    told_sets = {"nothing": (), **{name: (name,) for name in cond.CHANNELS}, "everything": cond.CHANNELS}
    rows: list[tuple[Cell, ...]] = []
    numbers = {}
    splits = _shards(data, "valid")
    for name, told in told_sets.items():
        total = Found()
        request.progress(f"telling {name}")
        for shard in splits.values():
            total += _told_bits(Network(request.weights), shard, told, limit)
        numbers[name] = total.to_json()
        rows.append(_row(name, total))
    heading = ("told", "bits a note", *FIELDS, "notes", "pieces")
    note = "Labels are computed from the pieces themselves, so these rows say what each condition does, not how good."
    return Report((Table("What each condition tells", heading, tuple(rows), (note,)),), {"telling": numbers})


def _told_bits(network: Network, shard: shards.Shard, told: Sequence[str], limit: int) -> Found:
    chosen: list[int] = []
    for index in corpus.evenly(shard.n_pieces):
        chosen.append(index)
        if limit and sum(shard.piece(i).n_notes for i in chosen) >= limit:
            break
    pieces = [shard.piece(index) for index in chosen]
    known = np.isin(cond.CHANNELS, list(told))
    guides = [
        replace(windows.guide_of(shard, index, "arousal", piece.group.astype(np.int64)), known=known)
        for index, piece in zip(chosen, pieces, strict=True)
    ]
    every = bits_of(network, pieces, guides)
    return sum((Found(bits, p.n_notes, 1) for p, bits in zip(pieces, every, strict=True)), Found())
