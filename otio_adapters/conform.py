"""What changed between two cuts of one film: kept, moved, trimmed, inserted, deleted, re-timed.

Shots are compared by material and source time, the way conform tools compare edit lists (``identity``, ``overlaps``,
``matching``); bare videos by the lengths of their shots (``by_length``).
A cut that was exported at another frame rate is put on the frames of the new one first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction

from emsync_engine.picture import Boundary, Picture, Shot
from emsync_engine.spotting.regrid import Kept
from otio_adapters.by_length import Look, align_by_length, is_bare
from otio_adapters.matching import Alignment, align


@dataclass(frozen=True)
class Comparison:
    """Two cuts laid over each other."""

    old: Picture
    """The old cut as it was read."""
    new: Picture
    regraded: Picture
    """The old cut on the frames of the new one: ``old`` itself where the rates agree."""
    scale: Fraction
    """Seconds of ``regraded`` a second of ``old``: not 1 where a cut was exported frame for frame at another rate."""
    alignment: Alignment

    @property
    def kept(self) -> tuple[Kept, ...]:
        """Spans of unchanged picture, by new time. Old times are those of ``regraded``."""
        rate = self.new.rate
        return tuple(Kept(m.old / rate, m.new / rate, m.length / rate) for m in self.alignment.kept)

    def old_time(self, frame: int) -> Fraction:
        """Seconds of ``old`` at a frame of ``regraded``."""
        return frame / self.new.rate / self.scale


def compare(old: Picture, new: Picture, look: Look | None = None) -> Comparison:
    """Lay two cuts over each other: by material and source time, or where one is a bare video by the shots' lengths.

    Where the frame rates differ, the same seconds or the same number of frames may have been meant: what keeps more
    of the picture is taken, and of equals the number of frames.

    Args:
        old: the cut as it was.
        new: the cut as it is.
        look: compares shots of bare videos by their frames.
    """
    if old.rate == new.rate:
        return Comparison(old, new, old, Fraction(1), _aligned(old, new, look))
    found = []
    for scale in (old.rate / new.rate, Fraction(1)):
        regraded = regrade(old, new.rate, scale)
        same_shots = len(regraded.shots) == len(old.shots)
        alignment = _aligned(regraded, new, look if same_shots else None)
        found.append(Comparison(old, new, regraded, scale, alignment))
    return max(found, key=lambda c: sum(m.length for m in c.alignment.kept))


def _aligned(old: Picture, new: Picture, look: Look | None) -> Alignment:
    if is_bare(old) or is_bare(new):
        return align_by_length(old, new, look)
    return align(old, new)


def kept_spans(old: Picture, new: Picture) -> list[Kept]:
    """Spans of unchanged picture, by new time."""
    return list(compare(old, new).kept)


def regrade(picture: Picture, rate: Fraction, scale: Fraction = Fraction(1)) -> Picture:
    """The picture played ``scale`` times as long, with its edits on the frames of another rate."""

    def on_frame(time: Fraction) -> Fraction:
        return round(time * scale * rate) / rate

    return replace(
        picture,
        rate=rate,
        duration=on_frame(picture.duration),
        start_frame=round(picture.start_frame / picture.rate * rate),
        shots=tuple(_regraded_shots(picture.shots, rate, scale)),
        boundaries=tuple(_regraded(b, rate, scale) for b in picture.boundaries),
    )


def _regraded_shots(shots: Iterable[Shot], rate: Fraction, scale: Fraction) -> Iterable[Shot]:
    for shot in shots:
        start, end = (round(t * scale * rate) / rate for t in (shot.start, shot.end))
        moved = start - shot.start * scale
        if end > start:
            yield replace(shot, start=start, end=end, media_start=shot.media_start * scale + moved * shot.speed)


def _regraded(boundary: Boundary, rate: Fraction, scale: Fraction) -> Boundary:
    def on_frame(time: Fraction) -> Fraction:
        return round(time * scale * rate) / rate

    time = on_frame(boundary.time)
    span = (on_frame(boundary.span[0]), on_frame(boundary.span[1])) if boundary.span else None
    return replace(boundary, time=time, frame=round(time * rate), span=span, hit=_hit(boundary, time, span, scale))


def _hit(boundary: Boundary, time: Fraction, span: tuple[Fraction, Fraction] | None, scale: Fraction) -> Fraction:
    if boundary.hit == boundary.time:
        return time
    if span and boundary.span:
        return span[1] if boundary.hit == boundary.span[1] else (span[0] + span[1]) / 2
    return boundary.hit * scale
