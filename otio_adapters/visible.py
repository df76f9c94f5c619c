"""From layers in record time to what is on the screen: the top-most picture at every instant.

Intervals are painted with one sweep over their ends, so the cost is n log n in the number of clips.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from otio_adapters.layout import Layer

_SILENT_SNAP = Fraction(1, 100)
"""Frames that an edit may lie off the grid before it is worth a word."""
_RANKS = {"picture": 0, "partial": 1, "generator": 2}


@dataclass(frozen=True)
class Segment:
    """A span of record time with one layer on the screen; None is black."""

    start: Fraction
    end: Fraction
    layer: Layer | None


def paint(layers: list[Layer], duration: Fraction) -> list[Segment]:
    """Segments that cover ``0..duration`` without a hole, neighbours always differing.

    A picture that fills the frame always wins over one that does not, and that over titles and generators: neither
    hides it. Adjustment layers paint nothing.
    """
    painters = [layer for layer in layers if layer.kind != "adjustment"]
    starts = sorted(range(len(painters)), key=lambda number: painters[number].start)
    times = {t for layer in painters for t in (layer.start, layer.end) if 0 < t < duration}
    edges = [Fraction(0), *sorted(times), duration]
    showing: list[tuple[int, int]] = []  # heap of (rank, -order): the smallest is on the screen
    segments: list[Segment] = []
    waiting = 0
    for start, end in pairwise(edges):
        while waiting < len(starts) and painters[starts[waiting]].start <= start:
            order = starts[waiting]
            heapq.heappush(showing, (_RANKS[painters[order].kind], -order))
            waiting += 1
        while showing and painters[-showing[0][1]].end <= start:
            heapq.heappop(showing)
        _append(segments, Segment(start, end, painters[-showing[0][1]] if showing else None))
    return segments


def _append(segments: list[Segment], new: Segment) -> None:
    """Add a segment, joining it to the one before when that shows the same layer."""
    if new.start >= new.end:
        return
    if segments and segments[-1].layer is new.layer:
        segments[-1] = Segment(segments[-1].start, new.end, new.layer)
    else:
        segments.append(new)


def snap(time: Fraction, rate: Fraction) -> int:
    """The first frame whose middle is not before ``time``: the first one on which an edit there is seen."""
    return math.ceil(time * rate - Fraction(1, 2))


def snap_segments(segments: list[Segment], rate: Fraction) -> tuple[list[Segment], int]:
    """Segments with their ends on the frame grid, and how many edits had to be moved visibly.

    A sliver that no frame shows is given to its left neighbour.
    """
    snapped: list[Segment] = []
    moved = 0
    for segment in segments:
        start, end = (Fraction(snap(t, rate)) / rate for t in (segment.start, segment.end))
        moved += abs(segment.start - start) * rate > _SILENT_SNAP
        _append(snapped, Segment(start, end, segment.layer))
    return snapped, moved
