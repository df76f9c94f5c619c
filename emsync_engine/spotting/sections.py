"""Where the form changes: sections that begin at hits, where the mood of the picture moves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np

from emsync_engine.mood import MoodCurve

LEAST_S = 8.0
"""A section lasts at least this many seconds (unless a user asked otherwise)."""
COMFORT_S = 24.0
"""Beyond this a section is split at the next good place."""
MOST_S = 44.0
SAME_MOOD = 0.3
"""Sections closer than this in the valence-arousal plane share their material."""
_CHANGE_COST = 0.9  # per section, in seconds of squared mood distance
_LONG_COST = 0.35  # per second beyond COMFORT_S


@dataclass(frozen=True)
class Span:
    """A section in seconds."""

    start: Fraction
    end: Fraction
    valence: float
    arousal: float
    name: str = ""
    role: str = ""


def find_sections(
    curve: MoodCurve, hits: Sequence[Fraction], duration: Fraction, named: Sequence[tuple[Fraction, str]] = ()
) -> list[Span]:
    """Sections that cover [0, duration].

    Args:
        curve: mood of the picture.
        hits: chosen hit times; sections start there.
        duration: seconds.
        named: (time, name) of the user's ``section:`` markers; each starts a section at the nearest hit within a
            second, otherwise at its own time.
    """
    marks = [(_nearest(time, hits, Fraction(1)), name) for time, name in named if time < duration]
    fixed = [Fraction(0), *sorted({t for t, _ in marks if t > 0}), duration]
    names = dict(marks)
    starts: list[Fraction] = []
    for a, b in pairwise(fixed):
        starts += _segment(curve, [t for t in hits if a < t < b], a, b)
    spans = []
    for a, b in zip(starts, [*starts[1:], duration]):
        valence, arousal = curve.mean(float(a), float(b))
        spans.append(Span(a, b, valence, arousal, names.get(a, "")))
    return _with_roles(spans)


def _nearest(time: Fraction, hits: Sequence[Fraction], within: Fraction) -> Fraction:
    near = min(hits, key=lambda h: abs(h - time), default=None)
    return near if near is not None and abs(near - time) <= within else max(time, Fraction(0))


def _segment(curve: MoodCurve, hits: Sequence[Fraction], start: Fraction, end: Fraction) -> list[Fraction]:
    """Section starts in [start, end): the cheapest segmentation, by dynamic programming over the hits.

    Cost of a section: its squared mood deviation integrated over time, a constant, and a charge for length. None is
    shorter than LEAST_S unless the whole stretch is; where no hit is near, a long one is cut into equal pieces.
    """
    points = [start, *hits, end]
    best: list[tuple[float, int]] = [(0.0, 0)]
    for j in range(1, len(points)):
        options = []
        for i in range(j - 1, -1, -1):
            length = float(points[j] - points[i])
            whole = i == 0 and j == len(points) - 1
            if math.isfinite(best[i][0]) and (length >= LEAST_S or whole):
                options.append((best[i][0] + _span_cost(curve, float(points[i]), float(points[j])), i))
            if options and length > MOST_S * 2:
                break
        best.append(min(options, default=(math.inf, 0)))
    starts, j = [], len(points) - 1
    while j > 0:
        i = best[j][1]
        starts += _split(points[i], points[j])[::-1]
        j = i
    return starts[::-1]


def _span_cost(curve: MoodCurve, start: float, end: float) -> float:
    length = end - start
    first, last = np.searchsorted(curve.time_s, (start, end))
    inside = slice(first, last)
    spread = float(curve.valence[inside].var() + curve.arousal[inside].var()) if last - first > 1 else 0.0
    return spread * length * 4 + _CHANGE_COST + _LONG_COST * max(0.0, length - COMFORT_S)


def _split(start: Fraction, end: Fraction) -> list[Fraction]:
    pieces = 1 if end - start <= MOST_S else -(-(end - start) // Fraction(COMFORT_S))
    return [start + (end - start) * k / pieces for k in range(int(pieces))]


def _with_roles(spans: Sequence[Span]) -> list[Span]:
    """Letters by mood: a section near an earlier one returns to its material."""
    seen: list[tuple[str, float, float]] = []
    counts: dict[str, int] = {}
    result = []
    for span in spans:
        role = next(
            (r for r, v, a in seen if ((v - span.valence) ** 2 + (a - span.arousal) ** 2) ** 0.5 < SAME_MOOD), ""
        )
        if not role:
            role = chr(ord("a") + len(seen) % 26)
            seen.append((role, span.valence, span.arousal))
        counts[role] = counts.get(role, 0) + 1
        letter = role.upper() + ("" if counts[role] == 1 else str(counts[role]))
        result.append(Span(span.start, span.end, span.valence, span.arousal, span.name or letter, role))
    return result
