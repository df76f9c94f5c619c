"""Sync: does the music mark the boundaries it was told of, before anything is forced?

Cues over random edits with a wandering mood, decoded with ``Decoding(forced=False)``: hits are announced to the network
and nothing more. A hit is met when an accent (three pitches that begin together, or kick or crash with the bass:
`emsync_engine.measure.accent_ticks`) sounds at most 42 ms early or 83 ms late (one and two frames of film, the
practice quoted by ITU-R BS.1204). Busy music meets anything, so every share stands beside

* moved: the same hits moved by 0.7 s, round the end of the cue;
* the same place in other bars: what the same music does where a hit would be if it were in one of the bars that have
  none. This is the strict null; lift = hits met - that.

The product puts every hit on a bar line before a note is written, and bar lines are where music accents anyway. So
every second hit here is moved to another place of its bar (a beat or an eighth off the bar line), as boundaries fall in
systems that have no bars: "on bar lines" is what the product needs, "off bar lines" tells what the network has
understood of boundaries.

Hits within the cadence (from the bar before the closing chord on) are left out: its chords are struck in any case.
"""

from __future__ import annotations

import random
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

from emsync_engine.measure import accent_ticks
from emsync_engine.model import conditions as cond
from emsync_engine.model.decode.compose import compose
from emsync_engine.model.decode.draft import Decoding
from emsync_engine.model.evaluation import cues
from emsync_engine.model.evaluation.request import NO_WISHES, Report, Request, System
from emsync_engine.model.evaluation.tables import Cell, Table
from emsync_engine.score import TICKS_PER_QUARTER, ScoreHit
from emsync_engine.spotting.cuesheet import CueSheet

EARLY_S, LATE_S = 0.042, 0.083
SHIFT_S = 0.7
EDITS, QUICK_EDITS = 12, 3
DURATION_S, QUICK_DURATION_S = 45.0, 30.0
MIN_GAP_S = 2.5
PLACES = ("on bar lines", "off bar lines")
EIGHTH = TICKS_PER_QUARTER // 2


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


@dataclass(frozen=True)
class Marks:
    """Of the hits of one kind: those met, those met when moved, the same places met in other bars."""

    hits: Met = Met()
    moved: Met = Met()
    elsewhere: Met = Met()

    def __add__(self, other: Marks) -> Marks:
        return Marks(self.hits + other.hits, self.moved + other.moved, self.elsewhere + other.elsewhere)

    def to_json(self) -> dict[str, float | int]:
        """Shares and lifts."""
        return {
            "boundaries": self.hits.of,
            "hits": round(self.hits.share, 4),
            "moved": round(self.moved.share, 4),
            "elsewhere": round(self.elsewhere.share, 4),
            "lift_over_moved": round(self.hits.share - self.moved.share, 4),
            "lift": round(self.hits.share - self.elsewhere.share, 4),
        }


def counted(times: Sequence[float], targets: Sequence[float]) -> Met:
    """Targets (s) with one of the rising `times` (s) inside the window."""
    slack = 1e-9
    found = 0
    for target in targets:
        at = bisect_left(times, target - EARLY_S - slack)
        found += at < len(times) and times[at] <= target + LATE_S + slack
    return Met(found, len(targets))


def announced(seed: int, duration_s: float) -> CueSheet:
    """A cue sheet whose every second hit has been moved off its bar line, inside its bar."""
    sheet = cues.sheet_of(seed, duration_s, min_gap_s=MIN_GAP_S)
    rng = random.Random(f"sync {seed}")
    hits: list[ScoreHit] = []
    for number, hit in enumerate(sheet.hits):
        bar = sheet.bars[bisect_right([b.tick for b in sheet.bars], hit.tick) - 1]
        off = rng.randrange(1, 2 * bar.beats) * EIGHTH if number % 2 else 0
        tick = bar.tick + off
        hits.append(replace(hit, tick=tick, time=sheet.tempo_map.seconds(tick)))
    return replace(sheet, hits=tuple(hits))


def marks(times: Sequence[float], sheet: CueSheet) -> dict[str, Marks]:
    """What accents at these seconds mark, by the place of the hits; hits before the cadence only."""
    lines = [bar.tick for bar in sheet.bars]
    before_close = max((tick for tick in lines if tick < sheet.final_tick), default=0)
    seconds = sheet.tempo_map.seconds
    end_s = float(seconds(before_close))
    hits = [h.tick for h in sheet.hits if 0 < h.tick < before_close]
    hit_bars = {bisect_right(lines, tick) - 1 for tick in (h.tick for h in sheet.hits)}
    free = [b for i, b in enumerate(sheet.bars) if i and i not in hit_bars and b.tick < before_close]
    found = {}
    for kind, ticks in zip(PLACES, ([t for t in hits if t in lines], [t for t in hits if t not in lines]), strict=True):
        offsets = [tick - lines[bisect_right(lines, tick) - 1] for tick in ticks]
        elsewhere = [float(seconds(b.tick + offset)) for offset in offsets for b in free if offset < b.ticks]
        at = [float(seconds(tick)) for tick in ticks]
        moved = [(t + SHIFT_S) % end_s for t in at]
        found[kind] = Marks(counted(times, at), counted(times, moved), counted(times, elsewhere))
    return found


def play(system: System, edits: int, duration_s: float, request: Request) -> dict[str, Marks]:
    """Sums over the edits."""
    sums = dict.fromkeys(PLACES, Marks())
    for seed in range(1, edits + 1):
        request.progress(f"sync, {system.name}: {seed} of {edits}")
        sheet = announced(seed, duration_s)
        score = compose(sheet, seed, system.network, system.decoding)
        times = [float(score.tempo_map.seconds(tick)) for tick in accent_ticks(score)]
        for kind, found in marks(times, sheet).items():
            sums[kind] += found
    return sums


def systems_of(request: Request) -> list[System]:
    """The shipped network, with and without being told of boundaries; the other conditionings; and with forcing."""
    every = frozenset(cond.CHANNELS)
    network = request.network()

    def free(told: frozenset[str] = every) -> Decoding:
        return Decoding(candidates=1, wishes=NO_WISHES, told=told, forced=False, theme=False)

    return [
        System("shipped network", network, free()),
        System("the same, boundaries untold", network, free(every - {"boundary"})),
        *(System(name, request.network(name), free()) for name in request.compare),
        System("as shipped, hits forced", network, Decoding(candidates=1)),
    ]


def measure(request: Request) -> Report:
    """Sync of all systems."""
    edits = QUICK_EDITS if request.quick else EDITS
    duration_s = QUICK_DURATION_S if request.quick else DURATION_S
    rows: dict[str, list[tuple[Cell, ...]]] = {kind: [] for kind in PLACES}
    numbers: dict[str, dict[str, dict[str, float | int]]] = {}
    for system in systems_of(request):
        numbers[system.name] = {}
        for kind, found in play(system, edits, duration_s, request).items():
            shares = found.to_json()
            numbers[system.name][kind] = shares
            percent = [100 * value for name, value in shares.items() if name != "boundaries"]
            rows[kind].append((system.name, found.hits.of, *percent))
    columns = ("", "hits", "met, %", "moved, %", "same place, other bars, %", "lift over moved", "lift over other bars")
    note = f"{edits} edits of {duration_s:.0f} s; an accent at most 42 ms early or 83 ms late; one candidate."
    tables = [Table(f"Sync, hits {kind}", columns, tuple(rows[kind]), (note,)) for kind in PLACES]
    return Report(tuple(tables), {"systems": numbers})
