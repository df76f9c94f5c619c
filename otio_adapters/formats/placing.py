"""Formats that give clips a place in record time, made into OpenTimelineIO tracks that count from the left."""

from __future__ import annotations

import heapq
from bisect import bisect_right, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import pairwise

from otio_adapters import document as doc
from otio_adapters.document import Node
from otio_adapters.retiming import Curve, chord, curve_metadata, shifted, value_at


@dataclass(frozen=True)
class Placed:
    """A clip or a nest at a place in record time."""

    start: Fraction
    end: Fraction
    name: str
    reference: Node | None
    """Media reference; None for a nest."""
    source: Fraction = Fraction(0)
    """Source seconds shown at ``start``."""
    speed: Fraction = Fraction(1)
    """Source seconds per record second; 0 is a freeze."""
    enabled: bool = True
    markers: tuple[Node, ...] = ()
    """Marker nodes in source time."""
    metadata: Node = field(default_factory=dict)
    nest: Node | None = None
    """The stack that a nest shows."""
    curve: Curve = ()
    """Source seconds by seconds from ``start`` where the speed changes; empty for one speed."""

    def between(self, start: Fraction, end: Fraction) -> Placed:
        """The part of it in a shorter record span."""
        skipped = start - self.start
        if self.curve:
            curve = shifted(self.curve, -skipped)
            speed = chord(curve, Fraction(0), end - start) if end > start else self.speed
            return replace(self, start=start, end=end, source=value_at(curve, Fraction(0)), speed=speed, curve=curve)
        return replace(self, start=start, end=end, source=self.source + self.speed * skipped)


@dataclass(frozen=True)
class Blended:
    """A transition around an edit point, in record seconds."""

    start: Fraction
    edit: Fraction
    end: Fraction
    name: str = ""
    wipe: bool = False


def place_track(
    name: str,
    kind: str,
    clips: Iterable[Placed],
    rate: Fraction,
    blends: Sequence[Blended] = (),
    length: Fraction = Fraction(0),
) -> Node:
    """A track that shows each clip at its record time.

    Where clips overlap the one that starts later is seen, and of two that start together the one given later; a clip
    that outlasts what covered it is seen again. Gaps fill the rest. A transition goes where two of the resulting items
    meet.

    Args:
        name: the track's name.
        kind: ``Video`` or ``Audio``.
        clips: in any order.
        rate: sequence rate in Hz, for writing times.
        blends: transitions; those whose edit point is no edit are left out.
        length: seconds that the track lasts at least.
    """
    children: list[Node] = []
    waiting = {blend.edit: blend for blend in blends}
    position = Fraction(0)
    for clip in _without_overlaps(clips):
        if clip.start > position:
            _append_blend(children, waiting, position, rate)
            children.append(doc.gap_node(clip.start - position, rate))
        _append_blend(children, waiting, clip.start, rate)
        children.append(_node(clip, rate))
        position = clip.end
    _append_blend(children, waiting, position, rate)
    if position < length:
        children.append(doc.gap_node(length - position, rate))
    return doc.track_node(name, kind, children)


def _append_blend(children: list[Node], waiting: dict[Fraction, Blended], time: Fraction, rate: Fraction) -> None:
    blend = waiting.pop(time, None)
    if blend is not None:
        children.append(
            doc.transition_node(blend.name, blend.edit - blend.start, blend.end - blend.edit, rate, blend.wipe)
        )


def _node(clip: Placed, rate: Fraction) -> Node:
    length = clip.end - clip.start
    first = clip.source + min(clip.speed, Fraction(0)) * length
    source_range = doc.time_range(first, length, rate)
    if clip.nest is not None:
        node: Node = {**clip.nest, "source_range": source_range, "name": clip.name}
        node["metadata"] = {**doc.metadata_of(node), **clip.metadata}
    else:
        node = doc.clip_node(clip.name, source_range, clip.reference or doc.missing_reference(), dict(clip.metadata))
    node["enabled"] = clip.enabled
    node["markers"] = [*(node.get("markers") or []), *clip.markers]
    if clip.speed != 1 or clip.curve:
        node["effects"] = [doc.warp_node(clip.speed) | {"metadata": curve_metadata(clip.curve) if clip.curve else {}}]
    return node


def _without_overlaps(clips: Iterable[Placed]) -> list[Placed]:
    """The clips cut so that none overlap, in record order; a covered clip is seen again after what covered it."""
    ordered = sorted((clip for clip in clips if clip.end > clip.start), key=lambda clip: clip.start)
    edges = sorted({time for clip in ordered for time in (clip.start, clip.end)})
    showing: list[int] = []  # heap of negative positions in ``ordered``: the latest is seen
    spans: list[tuple[int, Fraction, Fraction]] = []
    waiting = 0
    for start, end in pairwise(edges):
        while waiting < len(ordered) and ordered[waiting].start <= start:
            heapq.heappush(showing, -waiting)
            waiting += 1
        while showing and ordered[-showing[0]].end <= start:
            heapq.heappop(showing)
        if showing and spans and spans[-1][0] == -showing[0] and spans[-1][2] == start:
            spans[-1] = (spans[-1][0], spans[-1][1], end)
        elif showing:
            spans.append((-showing[0], start, end))
    return [ordered[number].between(start, end) for number, start, end in spans]


def lanes_of(clips: Iterable[Placed]) -> list[list[Placed]]:
    """Clips spread over as few lanes as let none overlap, earlier ones lowest."""
    lanes: list[list[Placed]] = []
    ends: list[tuple[Fraction, int]] = []  # (end of the lane, its number), sorted
    for clip in sorted(clips, key=lambda clip: clip.start):
        free = bisect_right(ends, (clip.start, len(lanes))) - 1
        if free >= 0:
            _, lane = ends.pop(free)
        else:
            lane = len(lanes)
            lanes.append([])
        lanes[lane].append(clip)
        insort(ends, (clip.end, lane))
    return lanes
