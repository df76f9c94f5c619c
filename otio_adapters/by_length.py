"""Two cuts of which one or both are bare videos: no source time says what is the same, the rhythm of the cuts does.

Shots of one length that follow one another in both are the same shots; where somebody can look at the frames, he is
asked, and trimmed shots beside them are found too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import PurePath
from typing import NamedTuple

from emsync_engine.picture import Picture
from otio_adapters.matching import Alignment, joined, longest_first
from otio_adapters.media import VIDEO_SUFFIXES
from otio_adapters.overlaps import Match, Piece, pieces

_LEAST_SHOTS = 2
"""Of one length one after the other that are taken for the same without a look."""


class Agreement(NamedTuple):
    """Whether two shots look the same, counted from their heads and from their ends."""

    head: bool
    tail: bool


Look = Callable[[int, int], Agreement]
"""From the numbers of an old and of a new shot, black between shots counted."""


def is_bare(picture: Picture) -> bool:
    """Whether the picture was read from a video, not from a timeline."""
    return PurePath(picture.source).suffix.lower() in VIDEO_SUFFIXES


def align_by_length(old: Picture, new: Picture, look: Look | None = None) -> Alignment:
    """Lay two cuts of one frame rate over each other by the lengths of their shots."""
    before, after = pieces(old), pieces(new)
    runs = [m for m in longest_first(_runs(before, after, look)) if look or _enough(m, before, after)]
    if look:
        runs = joined([*runs, *_trimmed(runs, before, after, look)])
    return Alignment(tuple(joined(runs)), ())


def _runs(before: Sequence[Piece], after: Sequence[Piece], look: Look | None) -> Iterator[Match]:
    """Shots of one length (and look) that follow one another in both, as long as they go."""
    places: defaultdict[int, list[int]] = defaultdict(list)
    for k, piece in enumerate(after):
        places[piece.length].append(k)
    pairs = [(i, k) for i, a in enumerate(before) for k in places[a.length]]
    equal = {pair for pair in pairs if look is None or all(look(*pair))}
    for i, k in sorted(equal):
        if (i - 1, k - 1) not in equal:
            end = 0
            while (i + end, k + end) in equal:
                end += 1
            yield Match(after[k].start, before[i].start, before[i + end - 1].end - before[i].start)


def _enough(run: Match, before: Sequence[Piece], after: Sequence[Piece]) -> bool:
    """Whether a run has shots enough to be no accident: two, or all there are."""
    inside = sum(run.old <= p.start and p.end <= run.old + run.length for p in before)
    return inside >= _LEAST_SHOTS or inside == len(before) == len(after)


def _trimmed(runs: Sequence[Match], before: Sequence[Piece], after: Sequence[Piece], look: Look) -> Iterator[Match]:
    """The rest of shots of another length that begin or end with the same frames."""
    old_free = [i for i, p in enumerate(before) if not _covered(p.start, [(m.old, m.length) for m in runs])]
    new_free = [k for k, p in enumerate(after) if not _covered(p.start, [(m.new, m.length) for m in runs])]
    found = []
    for i in old_free:
        for k in new_free:
            a, b = before[i], after[k]
            agrees, length = look(i, k), min(a.length, b.length)
            if agrees.head:
                found.append(Match(b.start, a.start, length))
            elif agrees.tail:
                found.append(Match(b.end - length, a.end - length, length))
    yield from longest_first(found)


def _covered(frame: int, spans: Sequence[tuple[int, int]]) -> bool:
    return any(start <= frame < start + length for start, length in spans)
