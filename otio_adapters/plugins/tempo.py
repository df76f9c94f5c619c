"""The tempo map of a session: seconds to quarter notes and back, exactly."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

_WHOLE_US = Fraction(1, 10**5)  # a tempo this close to whole microseconds a quarter is meant to be whole
_STEP = 10**12  # finest time that is kept: a picosecond, so that fractions stay short
_RAMP_STEP = Fraction(1, 4)  # seconds (or quarters) of the steps that stand for a tempo ramp
_MAX_RAMP_STEPS = 256


@dataclass(frozen=True)
class TempoPoint:
    """From ``time`` on, a quarter lasts ``us`` microseconds and a bar has ``numerator``/``denominator``."""

    time: Fraction
    us: Fraction
    numerator: int = 4
    denominator: int = 4

    @property
    def bpm(self) -> float:
        """Quarter notes a minute."""
        return float(60_000_000 / self.us)

    @property
    def meter(self) -> tuple[int, int]:
        return self.numerator, self.denominator


DEFAULT_TEMPO = TempoPoint(Fraction(0), Fraction(500_000))


def us_of_bpm(bpm: float | Fraction) -> Fraction:
    """Microseconds a quarter of a tempo; whole where that is what rounding hid.

    Raises:
        ValueError: not a tempo.
    """
    beats = Fraction(bpm)
    if not 1 <= beats <= 10_000:
        raise ValueError(f"not a tempo: {float(beats):g} beats a minute")
    us = Fraction(60_000_000) / beats
    return Fraction(round(us)) if abs(us - round(us)) < _WHOLE_US else fine(us)


def fine(value: Fraction) -> Fraction:
    """To the nearest picosecond."""
    return Fraction(round(value * _STEP), _STEP)


class Clock:
    """Seconds and quarter notes of a tempo map. Before its first point the first tempo holds."""

    def __init__(self, points: Iterable[TempoPoint]) -> None:
        self.points = _normal(points)
        self._times = [point.time for point in self.points]
        self._quarters = [Fraction(0)]
        for a, b in zip(self.points, self.points[1:]):
            self._quarters.append(fine(self._quarters[-1] + (b.time - a.time) * 1_000_000 / a.us))

    def quarters(self, seconds: Fraction) -> Fraction:
        """Quarter notes from the head at a time."""
        i = max(bisect_right(self._times, seconds) - 1, 0)
        return self._quarters[i] + (seconds - self._times[i]) * 1_000_000 / self.points[i].us

    def seconds(self, quarters: Fraction) -> Fraction:
        """Time of a number of quarter notes from the head."""
        i = max(bisect_right(self._quarters, quarters) - 1, 0)
        return self._times[i] + (quarters - self._quarters[i]) * self.points[i].us / 1_000_000


def _normal(points: Iterable[TempoPoint]) -> tuple[TempoPoint, ...]:
    """In order, the last of each time, and the first at the head."""
    by_time = {max(point.time, Fraction(0)): point for point in sorted(points, key=lambda point: point.time)}
    ordered = [replace(point, time=time) for time, point in by_time.items()] or [DEFAULT_TEMPO]
    if ordered[0].time:
        ordered.insert(0, replace(ordered[0], time=Fraction(0)))
    return tuple(ordered)


def ramp_steps(lo: Fraction, hi: Fraction, first: Fraction, last: Fraction) -> list[tuple[Fraction, Fraction]]:
    """(position, bpm) of the steps that stand for a tempo running straight from ``first`` to ``last`` bpm.

    Over time their mean is the ramp's own, so that the bar lines at both ends are exact.
    """
    count = max(1, min(_MAX_RAMP_STEPS, round((hi - lo) / _RAMP_STEP))) if first != last else 1
    step = (hi - lo) / count
    return [(fine(lo + i * step), first + (last - first) * (2 * i + 1) / (2 * count)) for i in range(count)]


def tempo_metadata(points: Iterable[TempoPoint]) -> list[dict[str, Any]]:
    """As ``timeline.metadata["tempo_map"]`` holds it."""
    return [
        {
            "time_s": float(point.time),
            "bpm": point.bpm,
            "numerator": point.numerator,
            "denominator": point.denominator,
        }
        for point in points
    ]


def tempo_points(rows: object) -> tuple[TempoPoint, ...]:
    """The points of ``timeline.metadata["tempo_map"]``; rows that make no sense are left out."""
    points = []
    for row in rows if isinstance(rows, Iterable) and not isinstance(rows, (str, bytes)) else ():
        if not isinstance(row, Mapping):
            continue
        try:
            time, us = fine(Fraction(row.get("time_s", 0))), us_of_bpm(row["bpm"])
            numerator, denominator = int(row.get("numerator", 4)), int(row.get("denominator", 4))
        except (KeyError, TypeError, ValueError, OverflowError):
            continue
        points.append(TempoPoint(time, us, *meter(numerator, denominator)))
    return tuple(points)


def meter(numerator: int, denominator: int) -> tuple[int, int]:
    """A time signature that every form can hold; 4/4 for one that makes no sense."""
    known = 1 <= numerator <= 255 and denominator in (1, 2, 4, 8, 16, 32, 64)
    return (numerator, denominator) if known else (4, 4)
