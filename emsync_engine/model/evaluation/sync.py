"""Sync: does the music mark the boundaries it was told of, before anything is forced?

Cues over random edits with a wandering mood, decoded with ``Decoding(forced=False)``: hits are announced to the network
and nothing more. A hit is met when an accent (three pitches that begin together, or kick or crash with the bass:
`emsync_engine.measure.accent_ticks`) sounds at most 42 ms early or 83 ms late (one and two frames of film, the
practice quoted by ITU-R BS.1204). Busy music meets anything, so every share stands beside

* moved: the same hits moved by 0.7 s, round the end of the cue;
* other bars: the first beats of bars that are no hits. Hits always fall on bar lines, where music accents anyway, so
  this is the strict null: lift = hits met - other bars met.

Hits within the cadence (from the bar before the closing chord on) are left out: its chords are struck in any case.
The last rows are the product as it is, with hits forced.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from emsync_engine.measure import accent_ticks
from emsync_engine.model import conditions as cond
from emsync_engine.model.decode.compose import compose
from emsync_engine.model.decode.draft import Decoding
from emsync_engine.model.evaluation import cues
from emsync_engine.model.evaluation.request import NO_WISHES, Report, Request, System
from emsync_engine.model.evaluation.tables import Cell, Table
from emsync_engine.score import Score
from emsync_engine.spotting.cuesheet import CueSheet

EARLY_S, LATE_S = 0.042, 0.083
SHIFT_S = 0.7
EDITS, QUICK_EDITS = 16, 4
DURATION_S, QUICK_DURATION_S = 45.0, 30.0


@dataclass(frozen=True)
class Met:
    """How many of how many were met."""

    met: int = 0
    of: int = 0

    def __add__(self, other: Met) -> Met:
        return Met(self.met + other.met, self.of + other.of)

    @property
    def share(self) -> float:
        return self.met / self.of if self.of else 0.0


def counted(times: Sequence[float], targets: Sequence[float]) -> Met:
    """Targets (s) with one of the rising `times` (s) inside the window."""
    slack = 1e-9
    found = 0
    for target in targets:
        at = bisect_left(times, target - EARLY_S - slack)
        found += at < len(times) and times[at] <= target + LATE_S + slack
    return Met(found, len(targets))


def targets_of(sheet: CueSheet) -> tuple[list[float], list[float], list[float]]:
    """Seconds of the hits, of the moved hits, and of the other bars, all before the cadence."""
    lines = [bar.tick for bar in sheet.bars]
    before_close = max((tick for tick in lines if tick < sheet.final_tick), default=0)
    seconds = sheet.tempo_map.seconds
    hits = [float(h.time) for h in sheet.hits if 0 < h.tick < before_close]
    end_s = float(seconds(before_close))
    moved = [(t + SHIFT_S) % end_s for t in hits]
    taken = {h.tick for h in sheet.hits}
    others = [float(seconds(tick)) for tick in lines if 0 < tick < before_close and tick not in taken]
    return hits, moved, others


def marks(score: Score, sheet: CueSheet) -> tuple[Met, Met, Met]:
    """Hits, moved hits and other bars that the score marks with an accent."""
    times = [float(score.tempo_map.seconds(tick)) for tick in accent_ticks(score)]
    hits, moved, others = targets_of(sheet)
    return counted(times, hits), counted(times, moved), counted(times, others)


def play(system: System, edits: int, duration_s: float, request: Request) -> tuple[Met, Met, Met]:
    """Sums over the edits."""
    sums = (Met(), Met(), Met())
    for seed in range(1, edits + 1):
        request.progress(f"sync, {system.name}: {seed} of {edits}")
        sheet = cues.sheet_of(seed, duration_s)
        score = compose(sheet, seed, system.network, system.decoding)
        hits, moved, others = marks(score, sheet)
        sums = sums[0] + hits, sums[1] + moved, sums[2] + others
    return sums


def systems_of(request: Request) -> list[System]:
    """The shipped network, with and without being told of boundaries; the other conditionings; and with forcing."""
    every = frozenset(cond.CHANNELS)
    network = request.network()

    def free(told: frozenset[str] = every) -> Decoding:
        return Decoding(candidates=1, wishes=NO_WISHES, told=told, forced=False)

    systems = [
        System("shipped network", network, free()),
        System("shipped network, boundaries untold", network, free(every - {"boundary"})),
        *(System(name, request.network(name), free()) for name in request.compare),
    ]
    return [*systems, System("as shipped, hits forced", network, Decoding(candidates=1))]


def measure(request: Request) -> Report:
    """Sync of all systems."""
    edits = QUICK_EDITS if request.quick else EDITS
    duration_s = QUICK_DURATION_S if request.quick else DURATION_S
    rows: list[tuple[Cell, ...]] = []
    numbers = {}
    for system in systems_of(request):
        hits, moved, others = play(system, edits, duration_s, request)
        shares = {"hits": hits.share, "moved": moved.share, "other_bars": others.share}
        shares |= {"lift_over_moved": hits.share - moved.share, "lift_over_bars": hits.share - others.share}
        numbers[system.name] = {name: round(value, 4) for name, value in shares.items()} | {"boundaries": hits.of}
        rows.append((system.name, hits.of, *(100 * value for value in shares.values())))
    columns = ("", "hits", "hits met, %", "moved, %", "other bars, %", "lift over moved", "lift over other bars")
    note = (
        f"{edits} edits of {duration_s:.0f} s; an accent at most 42 ms early or 83 ms late; one candidate, no wishes."
    )
    return Report((Table("Sync, before any forcing", columns, tuple(rows), (note,)),), {"systems": numbers})
