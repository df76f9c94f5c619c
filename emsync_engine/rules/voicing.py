"""Voice leading: chords as voices that move as little as they can."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations, pairwise, repeat

from emsync_engine.rules.theory import Chord


@lru_cache(maxsize=4096)
def _candidates(pitch_classes: tuple[int, ...], low: int, high: int, voices: int) -> tuple[tuple[int, ...], ...]:
    """Voicings with every chord note (root and fifth may go when notes outnumber voices) and sensible spacing."""
    pool = [p for p in range(low, high + 1) if p % 12 in pitch_classes]
    needed = set(pitch_classes)
    if len(pitch_classes) > voices:  # the bass has the root, and the fifth says least
        root, fifth = pitch_classes[0], (pitch_classes[0] + 7) % 12
        needed -= {root, fifth} if fifth in pitch_classes else {pitch_classes[2]}
    found = [
        v
        for v in combinations(pool, voices)
        if needed <= {p % 12 for p in v}
        and all(2 <= b - a <= 10 for a, b in pairwise(v))
        and v[1] - v[0] >= _floor(v[0])
    ]
    if not found:  # a narrow range: close position from the bottom
        found = [tuple(sorted(pool[:voices]))] if len(pool) >= voices else [tuple(pool)]
    return tuple(found)


def _floor(lowest: int) -> int:
    """Low interval limit: wide at the bottom, so that chords do not growl."""
    return 5 if lowest < 48 else 3 if lowest < 55 else 2


def voice_lead(
    chords: Sequence[Chord],
    low: int,
    high: int,
    voices: int,
    centre: float | None = None,
    lifts: Sequence[float] = (),
) -> list[tuple[int, ...]]:
    """One voicing a chord, each close to the one before.

    Cost: total motion, leaps of the top voice, parallel fifths and octaves of the outer voices, distance of the
    mean pitch from ``centre`` (the middle of the range when None) plus the chord's entry of ``lifts``.
    """
    middle = (low + high) / 2 if centre is None else centre
    result: list[tuple[int, ...]] = []
    for chord, lift in zip(chords, lifts or repeat(0.0)):
        options = _candidates(chord.pitch_classes, low, high, voices)
        before = result[-1] if result else None
        result.append(min(options, key=lambda v: _cost(v, before, middle + lift)))
    return result


def _cost(voicing: tuple[int, ...], before: tuple[int, ...] | None, centre: float) -> float:
    drift = abs(sum(voicing) / len(voicing) - centre)
    if before is None or len(before) != len(voicing):
        return drift * 2
    motion = sum(abs(a - b) for a, b in zip(voicing, before))
    top = abs(voicing[-1] - before[-1])
    parallel = 0
    if voicing[0] != before[0]:
        intervals = ((voicing[-1] - voicing[0]) % 12, (before[-1] - before[0]) % 12)
        parallel = 6 if intervals[0] == intervals[1] and intervals[0] in (0, 7) else 0
    return motion + max(0, top - 4) * 2 + parallel + drift * 0.6
