"""Where the items of a composition lie: its time mapped to record time, one affine map a composition, kept exact."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from otio_adapters import document as doc
from otio_adapters.document import Node
from otio_adapters.retiming import Curve, value_at

Path = tuple[int, ...]
"""Child numbers from the top stack down."""


@dataclass(frozen=True)
class Place:
    """Maps a composition's own time to record time: ``origin + local * stretch``, seen through ``lo..hi``.

    ``instant`` is set under a freeze: only what covers that local time is seen, for the whole window.
    """

    origin: Fraction
    stretch: Fraction
    lo: Fraction
    hi: Fraction
    instant: Fraction | None = None

    def span(self, start: Fraction, end: Fraction) -> tuple[Fraction, Fraction] | None:
        """The visible record span of a local span, or None."""
        if self.instant is not None:
            return (self.lo, self.hi) if start <= self.instant < end and self.lo < self.hi else None
        a, b = self.record(start), self.record(end)
        a, b = max(min(a, b), self.lo), min(max(a, b), self.hi)
        return (a, b) if a < b else None

    def record(self, local: Fraction) -> Fraction:
        return self.lo if self.instant is not None else self.origin + local * self.stretch

    def local(self, record: Fraction) -> Fraction:
        return self.instant if self.instant is not None else (record - self.origin) / self.stretch


@dataclass(frozen=True)
class Item:
    """A child of a composition with its place in the composition's time."""

    node: Node
    path: Path
    position: Fraction
    duration: Fraction
    source: Fraction
    speed: Fraction
    curve: Curve = ()
    """Seconds from the item's head to source seconds."""

    def pieces(self) -> list[Item]:
        """A nest whose speed changes on the way, in parts of one speed; anything else as it is."""
        if not self.curve or doc.schema_of(self.node) == "Clip":
            return [self]
        edges = sorted({Fraction(0), self.duration, *(t for t, _ in self.curve if 0 < t < self.duration)})
        found = []
        for start, end in pairwise(edges):
            first, last = value_at(self.curve, start), value_at(self.curve, end)
            speed, position = (last - first) / (end - start), self.position + start
            found.append(Item(self.node, self.path, position, end - start, min(first, last), speed))
        return found

    def inner(self, place: Place, window: tuple[Fraction, Fraction]) -> Place:
        """The place of this item's own time."""
        first = self.source if self.speed >= 0 else self.source - self.speed * self.duration
        lo, hi = window
        if place.instant is not None:
            return Place(lo, place.stretch, lo, hi, first + self.speed * (place.instant - self.position))
        if not self.speed:
            return Place(lo, place.stretch, lo, hi, first)
        stretch = place.stretch / self.speed
        return Place(place.record(self.position) - first * stretch, stretch, lo, hi)
