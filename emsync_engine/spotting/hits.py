"""Choosing the boundaries that the music lands on."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Sequence
from fractions import Fraction

from emsync_engine.picture import Boundary, Picture

DEFAULT_MIN_GAP = Fraction(4)
"""Least seconds between two hits, as in Sulun's EMSYNC (arXiv 2502.10154)."""
LEAST_WEIGHT = 0.25
"""Boundaries below it (plain markers) never become hits by themselves."""
USER_WEIGHT = 10.0
"""A user's ``hit`` marker: taken whatever the gap."""
EDGE = Fraction(3, 10)
"""Seconds at the head and the end, and the least distance of two user hits: one beat at 200 a minute."""


def choose_hits(
    picture: Picture,
    min_gap: Fraction = DEFAULT_MIN_GAP,
    *,
    settled: Collection[int] = (),
    barred: Collection[int] = (),
) -> list[int]:
    """Indices into ``picture.boundaries`` of the chosen hits, by hit time.

    The user's own hits come first; then picture edits, as many weight units as fit >= ``min_gap`` apart (and the
    earliest set among equals); then titles and overlays in the gaps that are left. The choice is maximal: a
    boundary that is not chosen lies closer than ``min_gap`` to one that is.

    Args:
        settled: boundaries that are hits in any case; the others are chosen around them.
        barred: boundaries that are not to be chosen.
    """
    chosen = sorted((picture.boundaries[i].hit, i) for i in settled)
    by_rank: tuple[list[tuple[Fraction, int]], ...] = ([], [], [])
    for i, boundary in enumerate(picture.boundaries):
        inside = EDGE <= boundary.hit <= picture.duration - EDGE
        if boundary.weight >= LEAST_WEIGHT and inside and i not in settled and i not in barred:
            by_rank[_rank(boundary)].append((boundary.hit, i))
    for gap, candidates in zip((EDGE, min_gap, min_gap), by_rank):
        free = [c for c in sorted(candidates) if _clear(c[0], chosen, gap)]
        weights = [min(picture.boundaries[i].weight, 1.0) for _, i in free]
        chosen = sorted(chosen + [free[k] for k in heaviest_apart([t for t, _ in free], weights, gap)])
    return [i for _, i in chosen]


def _rank(boundary: Boundary) -> int:
    if boundary.weight >= USER_WEIGHT:
        return 0
    return 1 if boundary.picture else 2


def _clear(time: Fraction, chosen: Sequence[tuple[Fraction, int]], gap: Fraction) -> bool:
    at = bisect_left(chosen, (time, -1))
    return all(abs(time - other) >= gap for other, _ in chosen[max(at - 1, 0) : at + 1])


def heaviest_apart(times: Sequence[Fraction], weights: Sequence[float], gap: Fraction) -> list[int]:
    """Indices of the subset of rising ``times``, pairwise >= ``gap`` apart, with the greatest total weight.

    O(n log n). Among equal totals the one whose members come earliest: with equal weights it is the greedy choice.
    """
    count = len(times)
    best = [0.0] * (count + 1)  # best[i]: greatest weight using times[i:]
    after = [max(bisect_left(times, t + gap), i + 1) for i, t in enumerate(times)]
    for i in range(count - 1, -1, -1):
        best[i] = max(best[i + 1], weights[i] + best[after[i]])
    chosen, i = [], 0
    while i < count:
        if weights[i] + best[after[i]] >= best[i + 1] - 1e-9:
            chosen.append(i)
            i = after[i]
        else:
            i += 1
    return chosen


def is_maximal(times: Sequence[Fraction], chosen: Sequence[Fraction], gap: Fraction) -> bool:
    """Whether every time lies closer than ``gap`` to a chosen one (or is chosen)."""
    ordered = sorted(chosen)
    for time in times:
        at = bisect_right(ordered, time)
        if not any(abs(time - other) < gap for other in ordered[max(at - 1, 0) : at + 1]):
            return False
    return True
