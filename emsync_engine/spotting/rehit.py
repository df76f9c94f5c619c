"""Which boundaries of a changed picture are hits: the old ones over unchanged picture, new ones where it changed."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Sequence
from fractions import Fraction

from emsync_engine.picture import Picture
from emsync_engine.score import Score
from emsync_engine.spotting.hits import EDGE, USER_WEIGHT, choose_hits
from emsync_engine.spotting.regrid import Kept

_APART_S = Fraction(1)
"""Old hits that an edit has brought closer together than this are one hit: the heavier one."""


def hits_again(
    picture: Picture, min_gap: Fraction, score: Score, kept: Sequence[Kept], barred: Collection[int] = ()
) -> list[int]:
    """Indices into ``picture.boundaries`` of the hits, by hit time.

    A hit on a cut goes with the picture that comes in.

    Args:
        picture: the new one.
        min_gap: least seconds between hits that are chosen anew.
        score: of the old picture.
        kept: spans of unchanged picture.
        barred: boundaries that are not to be chosen.
    """
    near = 1 / picture.rate / 2
    moved = sorted(h.time + k.shift for k in kept for h in score.hits if k.old_start <= h.time < k.old_end)
    spans = sorted((k.new_start, k.new_end) for k in kept)
    again, inside = [], set()
    for i, boundary in enumerate(picture.boundaries):
        if _inside(spans, boundary.hit):
            inside.add(i)
        if _near(moved, boundary.hit, near) and EDGE <= boundary.hit <= picture.duration - EDGE and i not in barred:
            again.append(i)
    settled = _apart(picture, again, min(min_gap, _APART_S))
    return choose_hits(picture, min_gap, settled=settled, barred={*barred, *(inside - settled), *again} - settled)


def _inside(spans: Sequence[tuple[Fraction, Fraction]], time: Fraction) -> bool:
    at = bisect_left(spans, (time, Fraction(0))) - 1
    return at >= 0 and spans[at][0] < time < spans[at][1]


def _near(times: Sequence[Fraction], time: Fraction, near: Fraction) -> bool:
    return bisect_right(times, time + near) > bisect_left(times, time - near)


def _apart(picture: Picture, again: Sequence[int], gap: Fraction) -> set[int]:
    """Of boundaries closer than the gap the heavier one; what the user asked for needs only be playable."""
    chosen: list[tuple[Fraction, int]] = []
    for i in sorted(again, key=lambda i: (-picture.boundaries[i].weight, picture.boundaries[i].hit)):
        boundary = picture.boundaries[i]
        least = EDGE if boundary.weight >= USER_WEIGHT else max(gap, EDGE)
        at = bisect_left(chosen, (boundary.hit, -1))
        if all(abs(boundary.hit - time) >= least for time, _ in chosen[max(at - 1, 0) : at + 1]):
            chosen.insert(at, (boundary.hit, i))
    return {i for _, i in chosen}
