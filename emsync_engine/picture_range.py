"""A part of a picture as a picture of its own, and the cues that a timeline's markers ask for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from emsync_engine.errors import InputError
from emsync_engine.picture import Boundary, Picture, PictureMarker, Shot


@dataclass(frozen=True)
class CueRange:
    """A cue of a timeline, in seconds from its head."""

    name: str
    start: Fraction
    end: Fraction


def picture_between(picture: Picture, start: Fraction, end: Fraction) -> Picture:
    """What is seen in [start, end), both moved to the nearest frame, with times counted from ``start``.

    Raises:
        InputError: the range is empty or outside the picture.
    """
    first, last = picture.frame_at(start), picture.frame_at(end)
    a, b = Fraction(first) / picture.rate, min(Fraction(last) / picture.rate, picture.duration)
    if not 0 <= a < b:
        raise InputError(
            f"the range {float(start):g} s to {float(end):g} s holds no picture (the timeline is "
            f"{float(picture.duration):g} s long)",
            where=picture.source,
            code="bad_range",
        )
    if a == 0 and b == picture.duration:
        return picture
    return replace(
        picture,
        duration=b - a,
        start_frame=picture.start_frame + first,
        shots=tuple(_clip_shot(s, a, b) for s in picture.shots if s.start < b and s.end > a),
        boundaries=tuple(_move_boundary(x, a, picture) for x in picture.boundaries if a < x.time < b and a < x.hit < b),
        markers=tuple(_move_marker(m, a) for m in picture.markers if a <= m.time < b or _reaches(m, a)),
        sounds=tuple(
            replace(
                s,
                start=max(s.start, a) - a,
                end=min(s.end, b) - a,
                media_start=s.media_start + (max(s.start, a) - s.start) * s.speed,
            )
            for s in picture.sounds
            if s.start < b and s.end > a
        ),
        dialogue=tuple((max(x, a) - a, min(y, b) - a) for x, y in picture.dialogue if x < b and y > a),
        captions=tuple(
            replace(c, start=max(c.start, a) - a, end=min(c.end, b) - a)
            for c in picture.captions
            if c.start < b and c.end > a
        ),
    )


def _clip_shot(shot: Shot, a: Fraction, b: Fraction) -> Shot:
    start, end = max(shot.start, a), min(shot.end, b)
    return replace(shot, start=start - a, end=end - a, media_start=shot.media_start + (start - shot.start) * shot.speed)


def _move_boundary(boundary: Boundary, a: Fraction, picture: Picture) -> Boundary:
    span = (max(boundary.span[0] - a, Fraction(0)), boundary.span[1] - a) if boundary.span else None
    frame = boundary.frame - picture.frame_at(a)
    return replace(boundary, time=boundary.time - a, hit=boundary.hit - a, frame=frame, span=span)


def _reaches(marker: PictureMarker, a: Fraction) -> bool:
    """The marker begins earlier but still holds at ``a``."""
    return marker.time < a < marker.time + marker.duration


def _move_marker(marker: PictureMarker, a: Fraction) -> PictureMarker:
    start = max(marker.time, a)
    return replace(marker, time=start - a, duration=marker.duration - (start - marker.time))


def cue_ranges(picture: Picture) -> list[CueRange]:
    """The cues of ``cue: NAME`` and ``end`` markers; without them one cue, to the first ``end`` or the end.

    A cue lasts to the next ``cue:``, the next ``end`` or the end of the picture. Equal names are numbered.

    Raises:
        InputError: a cue would not last a frame.
    """
    stops: Sequence[PictureMarker] = sorted(
        (m for m in picture.markers if m.instruction and m.instruction.kind in ("cue", "end")), key=lambda m: m.time
    )
    starts = [m for m in stops if m.instruction and m.instruction.kind == "cue"]
    if not starts:
        end = next((m.time for m in stops if m.time > 0), picture.duration)
        return [CueRange("", Fraction(0), min(end, picture.duration))]
    cues: list[CueRange] = []
    used: dict[str, int] = {}
    for marker in starts:
        end = next((m.time for m in stops if m.time > marker.time), picture.duration)
        name = str(marker.instruction.value) if marker.instruction else ""
        if picture.frame_at(end) <= picture.frame_at(marker.time):
            raise InputError(
                f"the cue {name!r} at {picture.timecode_at(marker.time)} has no length: it begins where the picture "
                "ends; move its marker",
                where=picture.source,
                code="empty_cue",
            )
        used[name] = used.get(name, 0) + 1
        cues.append(CueRange(name if used[name] == 1 else f"{name} {used[name]}", marker.time, end))
    return cues
