"""Visible changes of picture: what kind each is, where music should land on it, and how much it asks for a hit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

from emsync_engine.picture import Boundary, BoundaryKind, PictureMarker
from otio_adapters.layout import Blend, Fade, Layer, Layout
from otio_adapters.places import Path
from otio_adapters.shots import MediaMap
from otio_adapters.visible import Segment, snap

_WEIGHTS: dict[str, float] = {
    "cut": 1.0,
    "dissolve": 1.0,
    "wipe": 1.0,
    "from_black": 1.0,
    "to_black": 1.0,
    "title": 0.3,
    "overlay": 0.3,
    "marker": 0.2,
}
_THROUGH_WEIGHT = 0.25
_FEW_THROUGH = Fraction(1, 5)
"""Share of through edits from which they are a cut-up master: then each of them is a real cut."""
HIT_WEIGHT = 10.0
_NO_HIT_REACH = Fraction(1, 10)  # seconds either side of a no-hit marker
_SOFT_KINDS: dict[str, BoundaryKind] = {"generator": "title", "adjustment": "overlay", "partial": "overlay"}
_SOFT_WEIGHT = 0.3


def picture_boundaries(
    segments: Sequence[Segment], layout: Layout, media: MediaMap, detected: bool = False
) -> list[Boundary]:
    """A boundary wherever one segment follows another.

    Args:
        segments: what is on the screen, ends on the frame grid.
        layout: for its transitions.
        media: for the media and source times on both sides.
        detected: the cuts were seen in the media, so that none is a through edit.
    """
    blends: dict[int, list[Blend]] = defaultdict(list)
    for blend in layout.blends:
        blends[snap(blend.edit, media.rate)].append(blend)
    fades: dict[int, list[Fade]] = defaultdict(list)
    for fade in layout.fades:
        fades[snap(fade.start if fade.is_in else fade.end, media.rate)].append(fade)
    result = []
    for before, after in pairwise(segments):
        if before.layer and after.layer and before.layer.path == after.layer.path:
            continue  # one clip of a nest that changes its speed
        frame = snap(after.start, media.rate)
        fading = (_as_blend(fade, before.layer, after.layer) for fade in fades[frame])
        here = [*blends[frame], *filter(None, fading)]
        result.append(_boundary(before.layer, after, here, media, detected))
    return result


def _as_blend(fade: Fade, out: Layer | None, into: Layer | None) -> Blend | None:
    """A fade seen as a transition: with black, or with a picture that lies beneath all through it.

    None where another picture is cut to or from: that stays a cut.
    """
    mine, other = (into, out) if fade.is_in else (out, into)
    if mine is None or not _within(mine, fade.path):
        return None
    if other is not None and not (other.start <= fade.start and fade.end <= other.end):
        return None
    edit = fade.start if fade.is_in else fade.end
    before, after = (None, fade.path) if fade.is_in else (fade.path, None)
    return Blend(fade.start, edit, fade.end, False, before, after, "Fade In" if fade.is_in else "Fade Out")


def _boundary(out: Layer | None, after: Segment, blends: list[Blend], media: MediaMap, detected: bool) -> Boundary:
    time, into = after.start, after.layer
    blend = next((b for b in blends if _joins(b, out, into)), None)
    kind = _kind(out, into, blend)
    span = (blend.start, blend.end) if blend is not None else None
    through = blend is None and not detected and _is_through(out, into, time, media)
    return Boundary(
        time=time,
        frame=snap(time, media.rate),
        hit=_hit(kind, time, span),
        kind=kind,
        through=through,
        span=span,
        outgoing=media.side(out, time),
        incoming=media.side(into, time),
        weight=_WEIGHTS[kind],
        label=blend.name if blend is not None else "",
    )


def _joins(blend: Blend, out: Layer | None, into: Layer | None) -> bool:
    """Whether the transition is what is seen between two layers.

    A side without a partner blends with whatever lies beneath.
    """
    if blend.before is None:
        return blend.after is not None and _within(into, blend.after)
    return _within(out, blend.before) and (blend.after is None or _within(into, blend.after))


def _within(layer: Layer | None, path: Path) -> bool:
    return layer is None or layer.path[: len(path)] == path


def _kind(out: Layer | None, into: Layer | None, blend: Blend | None) -> BoundaryKind:
    if out is None:
        return "from_black"
    if into is None:
        return "to_black"
    if blend is None:
        return "cut"
    return "wipe" if blend.wipe else "dissolve"


def _hit(kind: BoundaryKind, time: Fraction, span: tuple[Fraction, Fraction] | None) -> Fraction:
    if span is None:
        return time
    return span[1] if kind in ("from_black", "to_black") else (span[0] + span[1]) / 2


def _is_through(out: Layer | None, into: Layer | None, time: Fraction, media: MediaMap) -> bool:
    """Same media, same speed, and the source runs on within half a frame."""
    if out is None or into is None or out.speed != into.speed or {out.kind, into.kind} == {"generator"}:
        return False
    identity = media.ref(out).identity
    if not identity or identity != media.ref(into).identity:
        return False
    jump = media.source_at(into, time) - media.source_at(out, time)
    return abs(jump) * media.rate < Fraction(1, 2)


def soft_boundaries(
    segments: Sequence[Segment], layout: Layout, rate: Fraction, taken: Iterable[int]
) -> list[Boundary]:
    """What comes and goes over the picture where the picture itself does not change: titles, overlays, adjustments.

    Partial pictures, and fades that follow a cut, are among them.
    """
    order = {id(layer): number for number, layer in enumerate(layout.layers)}
    last = snap(layout.duration, rate)
    seen = set(taken)
    found = _fades_after_cuts(segments, layout, rate, seen)
    events = sorted(
        ((snap(time, rate), number, layer) for number, layer in enumerate(layout.layers) if layer.kind in _SOFT_KINDS
         for time in (layer.start, layer.end)),
        key=lambda event: event[:2],
    )  # fmt: skip
    position = 0
    for frame, number, layer in events:
        time = Fraction(frame) / rate
        while position < len(segments) - 1 and segments[position].end <= time:
            position += 1
        top = segments[position].layer if segments else None
        hidden = top is None or order[id(top)] > number
        if hidden or frame in seen or not 0 < frame < last:
            continue
        seen.add(frame)
        kind = _SOFT_KINDS[layer.kind]
        label = str(layer.clip.get("name") or "")
        found.append(Boundary(time, frame, time, kind, picture=False, weight=_WEIGHTS[kind], label=label))
    return found


def _fades_after_cuts(segments: Sequence[Segment], layout: Layout, rate: Fraction, seen: set[int]) -> list[Boundary]:
    """Fades in of what was cut to directly, at the full picture. Their frames are added to ``seen``."""
    cuts = {snap(after.start, rate): (before.layer, after.layer) for before, after in pairwise(segments)}
    found = []
    for fade in layout.fades:
        out, into = cuts.get(snap(fade.start, rate), (None, None))
        frame = snap(fade.end, rate)
        if not fade.is_in or out is None or into is None or frame in seen or not _within(into, fade.path):
            continue
        if _as_blend(fade, out, into) is None and fade.end <= into.end:
            seen.add(frame)
            time, span = Fraction(frame) / rate, (fade.start, fade.end)
            found.append(
                Boundary(time, frame, time, "from_black", False, span=span, weight=_SOFT_WEIGHT, label=fade.name)
            )
    return found


def weighted(boundaries: list[Boundary], markers: Sequence[PictureMarker], rate: Fraction) -> list[Boundary]:
    """Boundaries with the markers' say: through edits count less when rare, ``hit`` raises, ``no-hit`` silences.

    ``hit`` markers away from every picture boundary and plain markers become boundaries themselves.
    """
    pictures = [b for b in boundaries if b.picture]
    throughs = sum(b.through for b in pictures)
    if throughs < _FEW_THROUGH * len(pictures):
        boundaries = [replace(b, weight=_THROUGH_WEIGHT) if b.through else b for b in boundaries]
    result = list(boundaries)
    for marker in markers:
        instruction = marker.instruction.kind if marker.instruction else None
        if instruction == "hit":
            _add_hit(result, marker, rate)
        elif instruction is None:
            result.append(_marker_boundary(marker, rate, _WEIGHTS["marker"]))
    reach = max(_NO_HIT_REACH, 1 / rate)
    silent = [m.time for m in markers if m.instruction and m.instruction.kind == "no-hit"]
    if silent:
        result = [replace(b, weight=0.0) if any(_near(b, t, reach) for t in silent) else b for b in result]
    return sorted(result, key=lambda b: (b.time, not b.picture))


def _near(boundary: Boundary, time: Fraction, reach: Fraction) -> bool:
    return min(abs(boundary.time - time), abs(boundary.hit - time)) <= reach


def _add_hit(boundaries: list[Boundary], marker: PictureMarker, rate: Fraction) -> None:
    """Raise the picture boundary a ``hit`` marker stands on, or add one for it.

    On the edit point of a transition the user's place wins over the middle.
    """
    half_frame = 1 / (2 * rate)
    for number, boundary in enumerate(boundaries):
        if not boundary.picture:
            continue
        if abs(boundary.hit - marker.time) <= half_frame:
            boundaries[number] = replace(boundary, weight=HIT_WEIGHT)
            return
        if abs(boundary.time - marker.time) <= half_frame:
            boundaries[number] = replace(boundary, weight=HIT_WEIGHT, hit=boundary.time)
            return
    boundaries.append(_marker_boundary(marker, rate, HIT_WEIGHT))


def _marker_boundary(marker: PictureMarker, rate: Fraction, weight: float) -> Boundary:
    time = marker.time
    label = marker.name or marker.comment
    return Boundary(time, snap(time, rate), time, "marker", picture=False, weight=weight, label=label)
