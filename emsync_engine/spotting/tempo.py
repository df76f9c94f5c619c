"""The tempo map that puts every hit exactly on a bar line.

Film composers' practice made exact: whole beats between hits, an odd bar before a hit where needed, small tempo
changes for the rest. First a dynamic programme chooses the number of beats of each span between hits, then a
smooth tempo curve through the bars is solved whose bar lines meet the hits, then tempos are rounded to whole
microseconds a quarter with the error carried on, so that no hit is off by more than a few microseconds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from emsync_engine.score import TICKS_PER_QUARTER, Bar, Tempo, TempoMap

MIN_BPM, MAX_BPM = 40.0, 200.0
MAX_STEP = 0.06
"""Largest unforced ratio between neighbouring tempos, about the just noticeable difference of one interval
(Drake & Botte 1993)."""
BEATS_PER_BAR = 4
_DEVIATION_UNIT = 0.025  # a tempo this far (log) from the wanted one costs 1
_STEP_UNIT = 0.03  # likewise for the step between two spans
_ODD_BAR_COST = {0: 0.0, 1: 0.8, 2: 0.4, 3: 0.6}  # by beats left over after whole bars
_OPTIONS = 7
_SCALES = tuple(1 + 0.01 * k for k in range(-12, 13))
_FIRM_SCALES = (1.0,)
_STIFFNESS = (1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001)
_END_QUANTUM = 4  # the picture may end on any quarter of a beat
_GLIDE = 3  # steps that may lead from a pickup's tempo to the cue's
_PICKUP_UNIT = 0.05  # a pickup this far (log) from the wanted tempo, or from the next span's, costs 1


@dataclass(frozen=True)
class Grid:
    """Bars and tempo map of a cue."""

    bars: tuple[Bar, ...]
    tempo_map: TempoMap
    hit_ticks: tuple[int, ...]
    end_tick: int


def solve(
    anchors: Sequence[Fraction],
    duration: Fraction,
    wanted_bpm: Callable[[float], float],
    *,
    end_quantum: int = _END_QUANTUM,
    firm: bool = False,
) -> Grid:
    """Bars and tempos for hits at ``anchors`` seconds (rising, inside the cue) and a cue of ``duration`` seconds.

    Args:
        anchors: hit times; consecutive ones, the start and the end at least 0.3 s apart.
        duration: length of the cue.
        wanted_bpm: the tempo one would like at a time in seconds.
        end_quantum: the cue ends on a beat divided by this: 4 for a picture's end, 1 where more music follows.
        firm: the tempo was asked for: spans stay as near to it as their hits allow.
    """
    times = [Fraction(0), *anchors, duration]
    spans = [float(b - a) for a, b in pairwise(times)]
    wanted = [_mean_tempo(wanted_bpm, float(a), float(b)) for a, b in pairwise(times)]
    beats = _choose_beats(spans, wanted, end_quantum, _FIRM_SCALES if firm else _SCALES)
    bars, hit_ticks, end_tick = _lay_bars(beats)
    lines = _bar_line_times(bars, hit_ticks, end_tick, times, wanted_bpm)
    return Grid(bars, _integer_tempos(bars, end_tick, lines), hit_ticks, end_tick)


def _mean_tempo(wanted_bpm: Callable[[float], float], start: float, end: float) -> float:
    steps = max(2, min(64, int((end - start) * 2)))
    return sum(wanted_bpm(start + (end - start) * (k + 0.5) / steps) for k in range(steps)) / steps


# --- how many beats between two hits -------------------------------------------------------------------------


def _choose_beats(
    spans: Sequence[float], wanted: Sequence[float], end_quantum: int, scales: Sequence[float]
) -> list[Fraction]:
    """Beats of each span, by dynamic programming over all spans and a common scale of the wanted tempo.

    An opening of less than a bar is a pickup: whole beats may need a tempo far from the cue's, and the cue does not
    follow it there.
    """
    pickup = len(spans) > 1 and spans[0] * wanted[0] / 60 < BEATS_PER_BAR
    plans = (_plan_for_scale(spans, wanted, scale, pickup, end_quantum) for scale in scales)
    return min(plans, key=lambda plan: plan[0])[1]


def _plan_for_scale(
    spans: Sequence[float], wanted: Sequence[float], scale: float, pickup: bool, end_quantum: int
) -> tuple[float, list[Fraction]]:
    off_target = len(spans) * (math.log(scale) / 0.12) ** 2
    totals: list[float] = []
    tempos: list[float] = []
    back: list[list[int]] = []
    options: list[list[Fraction]] = []
    for i, (span, bpm) in enumerate(zip(spans, wanted)):
        last = i == len(spans) - 1
        choices = _beat_options(span, bpm * scale, end_quantum if last else 1)
        logs = [math.log(float(n) * 60 / span) for n in choices]
        cost_of = _pickup_cost if pickup and i == 0 else _deviation_cost
        costs = [
            cost_of(log - math.log(bpm * scale)) * (0.4 if last else 1.0) + _odd_bar_cost(n)
            for n, log in zip(choices, logs)
        ]
        if not totals:
            totals, links = costs, [0] * len(choices)
        else:
            step_cost = _pickup_cost if pickup and i == 1 else _step_cost
            arrivals = [[t + step_cost(log - old) for t, old in zip(totals, tempos)] for log in logs]
            links = [row.index(min(row)) for row in arrivals]
            totals = [cost + row[j] for cost, row, j in zip(costs, arrivals, links)]
        tempos = logs
        back.append(links)
        options.append(choices)
    at = min(range(len(totals)), key=totals.__getitem__)
    cost = totals[at] + off_target
    chosen: list[Fraction] = []
    for choices, links in zip(reversed(options), reversed(back)):
        chosen.append(choices[at])
        at = links[at]
    return cost, chosen[::-1]


def _deviation_cost(deviation: float) -> float:
    return (deviation / _DEVIATION_UNIT) ** 2


def _pickup_cost(deviation: float) -> float:
    return abs(deviation) / _PICKUP_UNIT


def _step_cost(step: float) -> float:
    cost = (step / _STEP_UNIT) ** 2
    return cost if abs(step) < MAX_STEP else cost + 200 * (abs(step) - MAX_STEP)


def _odd_bar_cost(beats: Fraction) -> float:
    if beats.denominator != 1:
        return 0.2
    whole, rest = divmod(int(beats), BEATS_PER_BAR)
    return _ODD_BAR_COST[rest] + (0.0 if whole else 0.4)


def _beat_options(span: float, bpm: float, quantum: int) -> list[Fraction]:
    """Numbers of beats, in steps of 1/quantum, near the wanted tempo."""
    ideal = span * bpm / 60 * quantum
    least = max(1, math.ceil(span * MIN_BPM / 60 * quantum - 1e-9))
    most = max(least, math.floor(span * MAX_BPM / 60 * quantum + 1e-9))
    centre = min(max(round(ideal), least), most)
    near = sorted(range(max(least, centre - 8), min(most, centre + 8) + 1), key=lambda n: (abs(n - ideal), n))
    return [Fraction(n, quantum) for n in sorted(near[:_OPTIONS])]


# --- bars ----------------------------------------------------------------------------------------------------


def bar_lengths(beats: int) -> list[int]:
    """Bars (in beats) of a span between two hits: whole bars first, the odd one before the hit.

    One beat over makes the last bar 5/4; a span of one beat is a bar of 1/4.
    """
    whole, rest = divmod(beats, BEATS_PER_BAR)
    if rest == 1 and whole:
        return [BEATS_PER_BAR] * (whole - 1) + [BEATS_PER_BAR + 1]
    return [BEATS_PER_BAR] * whole + ([rest] if rest else [])


def _lay_bars(beats: Sequence[Fraction]) -> tuple[tuple[Bar, ...], tuple[int, ...], int]:
    """Bars, ticks of the hits, tick of the end. The last bar is notated whole even when the picture ends inside."""
    bars: list[Bar] = []
    hits: list[int] = []
    tick = 0
    for count in beats[:-1]:
        for length in bar_lengths(int(count)):
            bars.append(Bar(tick, length))
            tick = bars[-1].end
        hits.append(tick)
    end_tick = tick + int(beats[-1] * TICKS_PER_QUARTER)
    for length in bar_lengths(math.ceil(beats[-1])):
        bars.append(Bar(tick, length))
        tick = bars[-1].end
    return tuple(bars), tuple(hits), end_tick


# --- tempo curve ---------------------------------------------------------------------------------------------


def _bar_line_times(
    bars: Sequence[Bar],
    hit_ticks: Sequence[int],
    end_tick: int,
    times: Sequence[Fraction],
    wanted_bpm: Callable[[float], float],
) -> list[Fraction]:
    """Seconds of every bar line (and of the end), meeting the hits and smooth between.

    Least squares over the bar-line times T with the hits fixed: alpha * (q_b/w_b - 1)^2 + ((q_{b+1} - q_b)/w_b)^2,
    where q_b = (T_{b+1} - T_b)/beats_b is the seconds a beat of bar b and w_b the wanted one. The stiffest
    adherence (alpha) whose steps stay under MAX_STEP is taken; a banded system, linear in the number of bars.
    A pickup bar whose tempo cannot be near that of the span after it keeps it to itself.
    """
    ticks = [b.tick for b in bars] + [end_tick]
    fixed = dict(zip((0, *hit_ticks, end_tick), times))
    beats = [(b - a) / TICKS_PER_QUARTER for a, b in pairwise(ticks)]
    guess = _interpolate(ticks, fixed)
    wanted = [60 / wanted_bpm((a + b) / 2) for a, b in pairwise(guess)]
    skip = _has_own_pickup(hit_ticks, guess, beats)
    lines = guess
    for alpha in _STIFFNESS:
        lines = _smooth_lines(guess, [t in fixed for t in ticks], beats, wanted, alpha, skip)
        periods = [(b - a) / n for a, b, n in zip(lines, lines[1:], beats)]
        if all(p > 0 for p in periods) and _largest_step(periods[skip:]) <= MAX_STEP - 0.002:
            break
    exact = [fixed.get(tick, Fraction(line).limit_denominator(10**9)) for tick, line in zip(ticks, lines)]
    if any(b <= a for a, b in pairwise(exact)):  # a pathological edit: fall back to straight lines
        exact = [fixed.get(tick, Fraction(line).limit_denominator(10**9)) for tick, line in zip(ticks, guess)]
    return exact


def _has_own_pickup(hit_ticks: Sequence[int], guess: Sequence[float], beats: Sequence[float]) -> bool:
    """Whether the first bar, up to a first hit, goes at a tempo that a few unforced steps do not lead away from."""
    if len(beats) < 2 or not hit_ticks or hit_ticks[0] != beats[0] * TICKS_PER_QUARTER:
        return False
    first, second = ((guess[i + 1] - guess[i]) / beats[i] for i in (0, 1))
    return _largest_step((first, second)) > (1 + MAX_STEP) ** _GLIDE - 1


def _largest_step(periods: Sequence[float]) -> float:
    return max((max(a / b, b / a) - 1 for a, b in pairwise(periods)), default=0.0)


def _interpolate(ticks: Sequence[int], fixed: dict[int, Fraction]) -> list[float]:
    known = sorted(fixed)
    lines, j = [], 0
    for tick in ticks:
        while j + 1 < len(known) - 1 and known[j + 1] <= tick:
            j += 1
        a, b = known[j], known[j + 1]
        lines.append(float(fixed[a]) + float(fixed[b] - fixed[a]) * (tick - a) / (b - a))
    return lines


def _smooth_lines(
    start: Sequence[float],
    pinned: Sequence[bool],
    beats: Sequence[float],
    wanted: Sequence[float],
    alpha: float,
    skip: int = 0,
) -> list[float]:
    """Minimise the objective of ``_bar_line_times`` over the unpinned lines (normal equations, half-bandwidth 2).

    The first ``skip`` steps are left out of it.
    """
    count = len(start)
    diagonals = [[0.0] * count for _ in range(3)]
    right = [0.0] * count

    def add(indices: Sequence[int], factors: Sequence[float], target: float) -> None:
        rest = target - sum(f * start[i] for i, f in zip(indices, factors) if pinned[i])
        for a, (i, f) in enumerate(zip(indices, factors)):
            if pinned[i]:
                continue
            right[i] += f * rest
            for k, g in zip(indices[a:], factors[a:]):
                if not pinned[k]:
                    diagonals[k - i][i] += f * g

    root = math.sqrt(alpha)
    for b, (n, w) in enumerate(zip(beats, wanted)):
        weight = root * math.sqrt(n / BEATS_PER_BAR)
        add((b, b + 1), (-weight / (n * w), weight / (n * w)), weight)
    for b in range(skip, len(beats) - 1):
        w = wanted[b]
        first, second = 1 / (beats[b] * w), 1 / (beats[b + 1] * w)
        add((b, b + 1, b + 2), (first, -first - second, second), 0.0)
    for i in range(count):
        if pinned[i]:
            diagonals[0][i], right[i] = 1.0, start[i]
    return _solve_banded(diagonals, right)


def _solve_banded(diagonals: list[list[float]], right: list[float]) -> list[float]:
    """Solve a symmetric positive definite system given by its main and two upper diagonals (LDL^T, O(n))."""
    d, e, f = (row[:] for row in diagonals)
    x = right[:]
    n = len(x)
    for i in range(n):
        for k, off in ((1, e[i]), (2, f[i])):
            if i + k >= n or off == 0.0:
                continue
            factor = off / d[i]
            d[i + k] -= factor * off
            if k == 1 and i + 2 < n:
                e[i + 1] -= factor * f[i]
            x[i + k] -= factor * x[i]
    for i in range(n - 1, -1, -1):
        value = x[i]
        if i + 1 < n:
            value -= e[i] * x[i + 1]
        if i + 2 < n:
            value -= f[i] * x[i + 2]
        x[i] = value / d[i]
    return x


def _integer_tempos(bars: Sequence[Bar], end_tick: int, lines: Sequence[Fraction]) -> TempoMap:
    """Whole microseconds a quarter for each bar; the rounding error is carried into the next bar."""
    ticks = [b.tick for b in bars] + [end_tick]
    events: list[Tempo] = []
    now = Fraction(0)
    for a, b, target in zip(ticks, ticks[1:], lines[1:]):
        quarters = Fraction(b - a, TICKS_PER_QUARTER)
        us = max(1, round((target - now) * 1_000_000 / quarters))
        now += quarters * us / 1_000_000
        events.append(Tempo(a, us))
    return tempo_map_of(events)


def tempo_map_of(events: Sequence[Tempo]) -> TempoMap:
    """The map of rising events: repetitions dropped, steps beyond the limits marked as forced."""
    kept: list[Tempo] = []
    for event in events:
        us = event.us_per_quarter
        before = kept[-1].us_per_quarter if kept else us
        if kept and us == before:
            continue
        step = max(us / before, before / us) - 1
        kept.append(Tempo(event.tick, us, forced=step > MAX_STEP or not MIN_BPM <= event.bpm <= MAX_BPM))
    return TempoMap(tuple(kept))
