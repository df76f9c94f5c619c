"""Whether two shots of two videos look the same: a few frames of each, small and without their colour."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from emsync_engine.mood.media import UnreadableMediaError, frames_at
from emsync_engine.picture import Picture, Shot
from otio_adapters.by_length import Agreement, Look
from otio_adapters.overlaps import Piece, pieces

_OFFSETS = (Fraction(1, 5), Fraction(1), Fraction(5, 2))
"""Seconds from the head and from the end of a shot at which it is looked at."""
_ALIKE = 0.9
"""Least correlation of the light of two frames; another encoding or a burnt-in timecode stays above it."""
_FLAT = 3.0
"""Standard deviation of light, 0..255, under which a frame is even and only its brightness counts."""
_CELL = 10
"""Picture elements a side that are averaged."""

Sketch = npt.NDArray[np.float64]
"""Mean light of the cells of a frame, one after the other."""


def look_between(old: Picture, new: Picture) -> Look | None:
    """A way to compare the shots of two cuts by their frames; None where those of one cut cannot be seen.

    A file that has been exported anew under its old name shows only the new cut.
    """
    if old.source == new.source:
        return None
    sides = [_sketches(picture) for picture in (old, new)]
    if not all(sides):
        return None
    before, after = sides

    def look(i: int, k: int) -> Agreement:
        (head, tail), (other_head, other_tail) = before[i], after[k]
        return Agreement(_agree(head, other_head), _agree(tail, other_tail))

    return look


def _sketches(picture: Picture) -> list[tuple[list[Sketch], list[Sketch]]]:
    """For each shot its sketches from the head and from the end; nothing where one cannot be read."""
    rows = pieces(picture)
    wanted: dict[str, list[tuple[Fraction, int, int, int]]] = {}
    result: list[tuple[list[Sketch], list[Sketch]]] = []
    for number, piece in enumerate(rows):
        result.append(([], []))
        for side, moments in enumerate(_moments(piece, picture.rate)):
            for order, moment in enumerate(moments):
                wanted.setdefault(piece.shot.media, []).append((moment, number, side, order))
    for media, asked in wanted.items():
        asked.sort()
        try:
            seen = list(frames_at(media, [float(moment) for moment, *_ in asked])) if media else []
        except UnreadableMediaError:
            return []
        if len(seen) < len(asked):
            return []
        sketches = {asked[s.moment][1:]: _sketch(s.frame) for s in seen}
        for (number, side, _), sketch in sorted(sketches.items(), key=lambda row: row[0]):
            result[number][side].append(sketch)
    return result


def _moments(piece: Piece, rate: Fraction) -> tuple[list[Fraction], list[Fraction]]:
    """Seconds of the medium to look at: from the head on, and from the end back."""
    if piece.black:
        return [], []
    shot: Shot = piece.shot
    length = piece.length / rate
    inside = [t for t in _OFFSETS if t < length] or [length / 2]
    heads = [shot.media_start + shot.speed * t for t in inside]
    return heads, [shot.media_start + shot.speed * (length - t) for t in inside]


def _sketch(frame: npt.NDArray[np.uint8]) -> Sketch:
    light = frame.astype(np.float64).mean(2)
    height, width = (n // _CELL for n in light.shape)
    cells = light[: height * _CELL, : width * _CELL].reshape(height, _CELL, width, _CELL)
    return np.asarray(cells.mean((1, 3)).ravel())


def _agree(one: Sequence[Sketch], other: Sequence[Sketch]) -> bool:
    """Whether the frames that both shots are long enough for are alike."""
    return bool(one) == bool(other) and all(_alike(a, b) for a, b in zip(one, other))


def _alike(a: Sketch, b: Sketch) -> bool:
    if min(a.std(), b.std()) < _FLAT:
        return bool(max(a.std(), b.std()) < 2 * _FLAT and abs(a.mean() - b.mean()) < 4 * _FLAT)
    return bool(np.corrcoef(a, b)[0, 1] >= _ALIKE)
