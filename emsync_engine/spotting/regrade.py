"""A score played to the same picture at another frame rate: every note on its tick, the tempo map bent a little."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

from emsync_engine.score import TICKS_PER_QUARTER, Score, Tempo
from emsync_engine.spotting.tempo import tempo_map_of


def regraded(score: Score, duration: Fraction, moved: Callable[[Fraction], Fraction]) -> Score:
    """The score with its hits at other times.

    Args:
        score: any score.
        duration: of the picture at the other rate, seconds.
        moved: where a hit time of the score is there; by much less than a beat from an even stretch.
    """
    hits = tuple(replace(h, time=moved(h.time)) for h in score.hits)
    knots = _rising([(0, Fraction(0)), *((h.tick, h.time) for h in hits), (score.end_tick, duration)])
    old = score.tempo_map
    events: list[Tempo] = []
    now = Fraction(0)
    for (a, start), (b, end) in pairwise(knots):
        stretch = (end - start) / (old.seconds(b) - old.seconds(a))
        ticks = [a, *(e.tick for e in old.events if a < e.tick < b), b]
        for x, y in pairwise(ticks):
            target = start + (old.seconds(y) - old.seconds(a)) * stretch
            us = max(1, round((target - now) * 1_000_000 * TICKS_PER_QUARTER / (y - x)))
            events.append(Tempo(x, us))
            now += Fraction(us * (y - x), TICKS_PER_QUARTER * 1_000_000)
    return replace(score, tempo_map=tempo_map_of(events), hits=hits, duration=duration)


def _rising(knots: Sequence[tuple[int, Fraction]]) -> list[tuple[int, Fraction]]:
    """Knots without those that do not lie between their neighbours."""
    last = knots[-1]
    result = [knots[0]]
    for tick, time in sorted(knots[1:-1]):
        if result[-1][0] < tick < last[0] and result[-1][1] < time < last[1]:
            result.append((tick, time))
    return [*result, last]
