"""Infilling: a composed cue gets another take of some bars of some parts.

* outside: share of the notes and controllers outside region x parts that are as before (must be 1);
* novelty: share of the new take's notes inside that were not there before (place, pitch), and how many takes changed
  anything at all;
* seam cost: bits a note of the music just after the region (to two bars on), given all before it: with the new take,
  less with the old one. Near 0 means that what follows goes on from the new bars as well as from the old ones; beside
  it, the same after bars of a different cue were put there, for the scale of the number.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from emsync_engine.model import events as ev
from emsync_engine.model.decode.compose import compose
from emsync_engine.model.decode.draft import Decoding
from emsync_engine.model.decode.recompose import recompose
from emsync_engine.model.decode.reference import Network
from emsync_engine.model.evaluation import cues
from emsync_engine.model.evaluation.passes import Reader, sequence_of
from emsync_engine.model.evaluation.request import Report, Request
from emsync_engine.model.evaluation.tables import Cell, Table
from emsync_engine.score import Note, Score

CUES, QUICK_CUES = 6, 2
TAKES_A_CUE = 3
DURATION_S, QUICK_DURATION_S = 40.0, 24.0
REGION_BARS = (2, 4, 8)
SEAM_BARS = 2


@dataclass(frozen=True)
class Take:
    """What one new take measures."""

    outside: float
    novelty: float
    seam_new: float
    seam_old: float
    seam_strange: float


def inside(note: Note, start: int, end: int) -> bool:
    return start <= note.tick < end


def outside_kept(before: Score, after: Score, start: int, end: int, parts: Sequence[str]) -> float:
    """Share of notes and controllers outside [start, end) x parts that are the same in both."""
    kept = of = 0
    for old, new in zip(before.parts, after.parts, strict=True):
        free = old.id in parts
        for a, b in ((old.notes, new.notes), (old.controls, new.controls)):
            was = {x for x in a if not (free and start <= x.tick < end)}
            now = {x for x in b if not (free and start <= x.tick < end)}
            kept += len(was & now)
            of += len(was | now)
    return kept / of if of else 1.0


def novelty(before: Score, after: Score, start: int, end: int, parts: Sequence[str]) -> float:
    """Share of the new notes inside whose (part, tick, pitch) was not there before."""
    old, new = (
        {(p.id, n.tick, n.pitch) for p in score.parts if p.id in parts for n in p.notes if inside(n, start, end)}
        for score in (before, after)
    )
    return len(new - old) / len(new) if new else 0.0


def seam_cost(reader: Reader, score: Score, end: int) -> float:
    """Bits a note of the `SEAM_BARS` bars from tick `end` on, given everything before them."""
    piece = cues.heard(score)
    sequence = sequence_of(piece)
    bits = reader.nats(sequence).sum(axis=1) / np.log(2)
    kind = sequence.rows[1:, ev.COL_KIND]
    bar = np.cumsum(kind == ev.BAR) - 1
    first = int(np.searchsorted(piece.bar_start, round(end * ev.GRID / 960)))
    here = (bar >= first) & (bar < first + SEAM_BARS) & (kind != ev.END)
    return float(bits[here].sum() / max(int((here & (kind == ev.NOTE)).sum()), 1))


def strange(score: Score, other: Score, start: int, end: int, parts: Sequence[str]) -> Score:
    """The score with the region's notes taken from the same ticks of another score."""
    foreign = {part.id: part.notes for part in other.parts}
    return replace(
        score,
        parts=tuple(
            replace(
                part,
                notes=tuple(
                    sorted(
                        [n for n in part.notes if not inside(n, start, end)]
                        + [n for n in foreign.get(part.id, ()) if inside(n, start, end)]
                    )
                ),
            )
            if part.id in parts
            else part
            for part in score.parts
        ),
    )


def takes_of(network: Network, reader: Reader, seed: int, duration_s: float, decoding: Decoding) -> list[Take]:
    """New takes of random regions and parts of one cue."""
    rng = random.Random(f"infill {seed}")
    sheet = cues.sheet_of(seed, duration_s)
    score = compose(sheet, seed, network, decoding)
    other = compose(cues.sheet_of(seed + 1000, duration_s), seed + 1, network, replace(decoding, candidates=1))
    lines = [bar for bar in sheet.bars if bar.end <= sheet.final_tick]
    ids = [part.id for part in score.parts]
    made = []
    for number in range(TAKES_A_CUE):
        length = min(REGION_BARS[number % len(REGION_BARS)], max(len(lines) - SEAM_BARS - 2, 1))
        first = rng.randrange(1, max(len(lines) - length - SEAM_BARS, 2))
        start, end = lines[first].tick, lines[min(first + length, len(lines)) - 1].end
        parts = ids if number % 3 == 2 else rng.sample(ids, rng.randint(1, len(ids) - 1))
        new = recompose(score, sheet, start, end, parts, seed + 100 + number, network, None, decoding)
        made.append(
            Take(
                outside=outside_kept(score, new, start, end, parts),
                novelty=novelty(score, new, start, end, parts),
                seam_new=seam_cost(reader, new, end),
                seam_old=seam_cost(reader, score, end),
                seam_strange=seam_cost(reader, strange(score, other, start, end, parts), end),
            )
        )
    return made


def measure(request: Request) -> Report:
    """Takes of several cues."""
    count = QUICK_CUES if request.quick else CUES
    duration_s = QUICK_DURATION_S if request.quick else DURATION_S
    network, reader = request.network(), Reader(Network(request.weights))
    decoding = Decoding(candidates=1) if request.quick else Decoding()
    takes: list[Take] = []
    for seed in range(201, 201 + count):
        request.progress(f"infill: cue {seed - 200} of {count}")
        takes += takes_of(network, reader, seed, duration_s, decoding)

    def mean(name: str) -> float:
        return round(float(np.mean([getattr(take, name) for take in takes])), 4)

    least = min(take.outside for take in takes)
    numbers = {
        "takes": len(takes),
        "outside_identical": least,
        "novelty": mean("novelty"),
        "takes_with_new_notes": sum(take.novelty > 0 for take in takes),
        "seam_bits_per_note": {"new": mean("seam_new"), "old": mean("seam_old"), "another cue's": mean("seam_strange")},
        "seam_cost": round(mean("seam_new") - mean("seam_old"), 4),
        "seam_cost_of_another_cue": round(mean("seam_strange") - mean("seam_old"), 4),
    }
    rows: tuple[tuple[Cell, ...], ...] = (
        ("outside identical, % (least of all takes)", 100 * least),
        ("takes with new notes", f"{numbers['takes_with_new_notes']} of {len(takes)}"),
        ("new notes inside, %", 100 * mean("novelty")),
        ("bits a note after the region: old take", mean("seam_old")),
        ("the same: new take", mean("seam_new")),
        ("the same: bars of another cue", mean("seam_strange")),
    )
    note = f"{len(takes)} takes of 2 to 8 bars, one part to all, of {count} cues of {duration_s:.0f} s."
    return Report((Table("Infilling", ("measure", "value"), rows, (note,)),), numbers)
