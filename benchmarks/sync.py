"""How exactly the music meets the cut, on random edits, read back from the MIDI file.

An accent is three or more pitched notes that begin together, or kick or crash together with the bass. A window that
any busy music would meet by chance proves nothing, so every share stands beside the share of the same hits moved by
0.7 s; what is left is the lift. The window of one second is the one within which Sulun's EMSYNC (arXiv 2502.10154)
counts a boundary as met. One tempo: the best constant tempo within 12 % of the wanted one, every hit on its nearest
beat, as a click track would be chosen by hand; it has an accent on every such beat and nowhere else.
"""

from __future__ import annotations

import io
import math
import sys
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import mean, median

import mido

from benchmarks.edits import random_edit, wandering_mood
from benchmarks.harness import Table, add_engine, choose_engine, compose, parser, show
from emsync_engine.measure import CRASHES, KICKS
from emsync_engine.score import Score
from emsync_engine.smf import smf_bytes
from emsync_engine.spotting import CueSheet, spot
from emsync_engine.spotting.hits import EDGE, LEAST_WEIGHT
from emsync_engine.spotting.tempo import MAX_STEP

WINDOWS_S = {"1 ms": (0.001, 0.001), "42/83 ms": (0.042, 0.083), "250 ms": (0.25, 0.25), "1 s": (1.0, 1.0)}
"""By name: how early and how late the sound may be. 42/83 ms is film practice: a frame early, two late."""
SHIFT_S = 0.7
DURATIONS_S = (30.0, 60.0, 120.0)
MEAN_SHOTS_S = (2.0, 4.0, 8.0)


@dataclass(frozen=True)
class Played:
    """One random edit and the music for it."""

    sheet: CueSheet
    score: Score
    boundaries: tuple[float, ...]
    """Seconds of those that may be hit."""
    accents: tuple[float, ...]
    """Seconds, read from the MIDI file."""

    @property
    def hits(self) -> list[float]:
        return [float(h.time) for h in self.score.hits]


def play(seed: int) -> Played:
    """Compose for a random edit with a random, moving mood."""
    duration_s = DURATIONS_S[seed % len(DURATIONS_S)]
    picture = random_edit(seed, duration_s, MEAN_SHOTS_S[seed // len(DURATIONS_S) % len(MEAN_SHOTS_S)])
    sheet = spot(picture, wandering_mood(seed, duration_s))
    score = compose(sheet, seed)
    usable = tuple(
        float(b.hit)
        for b in picture.boundaries
        if b.weight >= LEAST_WEIGHT and EDGE <= b.hit <= picture.duration - EDGE
    )
    return Played(sheet, score, usable, accents_of(smf_bytes(score)))


def accents_of(midi: bytes) -> tuple[float, ...]:
    """Seconds of the accents in a MIDI file, by its own tempo map."""
    file = mido.MidiFile(file=io.BytesIO(midi))
    seconds = _clock(file)
    pitched: dict[int, set[int]] = {}
    drums: set[int] = set()
    basses: set[int] = set()
    for track in file.tracks:
        now = 0
        for message in track:
            now += message.time
            if message.type != "note_on" or not message.velocity:
                continue
            if message.channel == 9:
                if message.note in (*KICKS, *CRASHES):
                    drums.add(now)
                continue
            pitched.setdefault(now, set()).add(message.note)
            if track.name == "Bass":
                basses.add(now)
    return tuple(sorted(seconds(t) for t in {t for t, p in pitched.items() if len(p) >= 3} | (drums & basses)))


def _clock(file: mido.MidiFile) -> Callable[[int], float]:
    """A function from ticks to seconds."""
    changes, now, at_s, tempo = [], 0, 0.0, 500_000
    for message in file.tracks[0]:
        at_s += mido.tick2second(message.time, file.ticks_per_beat, tempo)
        now += message.time
        if message.type == "set_tempo":
            tempo = message.tempo
            changes.append((now, at_s, tempo))

    def seconds(tick: int) -> float:
        start, start_s, us = changes[max(bisect_left(changes, (tick + 1,)) - 1, 0)]
        return float(start_s + mido.tick2second(tick - start, file.ticks_per_beat, us))

    return seconds


def nearest_error(times: Sequence[float], target: float) -> float:
    """Nearest of the rising ``times`` less the target; infinite when there is none."""
    at = bisect_left(times, target)
    return min((t - target for t in times[max(at - 1, 0) : at + 1]), key=abs, default=math.inf)


def share_met(times: Sequence[float], targets: Sequence[float], window: tuple[float, float]) -> float:
    """Share of targets with one of ``times`` inside their window."""
    early, late = window
    slack = 1e-9
    met = [any(-early - slack <= t - x <= late + slack for t in _around(times, x, early, late)) for x in targets]
    return sum(met) / len(met) if met else math.nan


def _around(times: Sequence[float], target: float, early: float, late: float) -> Sequence[float]:
    return times[bisect_left(times, target - early - 1e-6) : bisect_left(times, target + late + 1e-6)]


def shifted(targets: Sequence[float], end_s: float) -> list[float]:
    """The targets moved by ``SHIFT_S``, round the end."""
    return [(t + SHIFT_S) % end_s for t in targets]


def one_tempo(played: Played) -> list[float]:
    """Seconds of the beats nearest to the hits under the best constant tempo (least squares, steps of 0.1)."""
    wanted = cue_tempo(played.score)
    tempos = [wanted * 0.88 + 0.1 * k for k in range(int(wanted * 0.24 / 0.1) + 1)]

    def beats(bpm: float) -> list[float]:
        return [max(1, round(h * bpm / 60)) * 60 / bpm for h in played.hits]

    def loss(bpm: float) -> float:
        return sum((b - h) ** 2 for b, h in zip(beats(bpm), played.hits))

    return sorted(beats(min(tempos, key=loss)))


def bar_tempos(score: Score) -> list[float]:
    """Beats a minute of every bar that begins inside the cue."""
    return [score.tempo_map.bpm_at(b.tick) for b in score.bars if b.tick < score.end_tick]


def cue_tempo(score: Score) -> float:
    """The cue's mean tempo in beats a minute."""
    return 60 * score.end_tick / 960 / float(score.duration)


def hits_table(played: Sequence[Played]) -> Table:
    """Errors of the hits and the shares met by window."""
    rows = []
    for name, window in WINDOWS_S.items():
        ours = mean(share_met(p.accents, p.hits, window) for p in played if p.hits)
        chance = mean(share_met(p.accents, shifted(p.hits, float(p.score.duration)), window) for p in played if p.hits)
        click = mean(share_met(one_tempo(p), p.hits, window) for p in played if p.hits)
        edits = mean(share_met(p.accents, p.boundaries, window) for p in played if p.boundaries)
        rows.append((name, 100 * ours, 100 * chance, 100 * (ours - chance), 100 * click, 100 * edits))
    columns = ("window", "hits met, %", "moved hits met, %", "lift", "one tempo, %", "all edits met, %")
    errors = sorted(abs(nearest_error(p.accents, h)) for p in played for h in p.hits)
    count = sum(len(p.boundaries) for p in played)
    results = {"hits": len(errors), "boundaries": count, "median_error_s": median(errors), "worst_error_s": errors[-1]}
    note = (
        f"{len(played)} edits of 30 to 120 s with {count} boundaries, {len(errors)} of them chosen as hits at least "
        f"4 s apart. Error: median {1e6 * median(errors):.2g} us, worst {1e6 * errors[-1]:.2g} us."
    )
    return Table("Hits", columns, tuple(rows), (note,), results)


def tempo_table(played: Sequence[Played]) -> Table:
    """What the exact hits cost in steadiness."""
    deviations, steps, forced, bars = [], [], 0, 0
    for p in played:
        tempos = bar_tempos(p.score)
        middle = median(tempos)
        deviations.append([abs(t / middle - 1) for t in tempos])
        events = [e for e in p.score.tempo_map.events if e.tick < p.score.end_tick]
        steps += [max(a.bpm / b.bpm, b.bpm / a.bpm) - 1 for a, b in pairwise(events) if not b.forced]
        forced += sum(e.forced for e in events)
        bars += len(tempos)
    flat = sorted(d for row in deviations for d in row)
    spans = sum(len(p.hits) + 1 for p in played)
    rows: tuple[tuple[str, float], ...] = (
        ("bar's tempo from the cue's median, %: median", 100 * median(flat)),
        ("the same: 95th percentile", 100 * flat[int(0.95 * len(flat))]),
        ("a cue's worst bar: median", 100 * median(max(row) for row in deviations)),
        ("largest unforced step, %", 100 * max(steps)),
        (f"steps over {MAX_STEP:.0%} that a hit forced", forced),
        ("bars", bars),
        ("spans between hits", spans),
    )
    return Table("Tempo", ("measure", "value"), rows)


def tables(seeds: Sequence[int]) -> list[Table]:
    """Hits and tempo over one random edit a seed."""
    played = [play(seed) for seed in seeds]
    return [hits_table(played), tempo_table(played)]


def main(arguments: list[str] | None = None) -> int:
    options = parser(__doc__)
    options.add_argument("--edits", type=int, default=100, help="number of random edits")
    add_engine(options)
    given = options.parse_args(arguments)
    choose_engine(given)
    show(tables(range(given.edits)), given.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
