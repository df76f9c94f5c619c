"""A plain walk over an AAF composition, for files that the AAF adapter cannot read: cuts, layers, nests and media."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from emsync_engine.errors import InputError
from emsync_engine.timecode import canonical_rate
from otio_adapters import document as doc
from otio_adapters.document import Node

_ZERO = Fraction(0)
_MEDIA_DEPTH = 10
"""Mobs from a composition down to its file that are followed."""


def walk_file(path: Path, start: int | None) -> Node:
    """The first top-level composition of an AAF file as a timeline.

    Args:
        path: the file.
        start: record timecode of the head in frames, where it is known.

    Raises:
        InputError: there is none in it.
    """
    import aaf2  # heavy: only for AAF

    with aaf2.open(str(path), "r") as file:
        mobs = [*file.content.toplevel(), *file.content.compositionmobs()]
        if not mobs:
            raise InputError("holds no composition: export the sequence itself", path.name, "not_a_timeline")
        return _Walk().timeline(mobs[0], start)


@dataclass
class _Walk:
    """One reading of one file."""

    _open: list[int] = field(default_factory=list)

    def timeline(self, mob: Any, start: int | None) -> Node:
        tracks, rates = [], []
        for slot in mob.slots:
            kind = _kind_of(slot)
            if kind:
                rate = _rate_of(slot)
                tracks.append(self._track(slot.segment, rate, kind, slot.name or ""))
                rates.append(rate)
        head = doc.rational_time(start / rates[0], rates[0]) if start is not None and rates else None
        return doc.timeline_node(mob.name or "", tracks, head)

    def _track(self, segment: Any, rate: Fraction, kind: str, name: str = "") -> Node:
        return doc.track_node(name, kind, self._children(segment, rate, kind))

    def _children(self, segment: Any, rate: Fraction, kind: str) -> list[Node]:
        """Items of a track; clips give up what a transition beside them takes."""
        if _class_of(segment) != "Sequence":
            return [self._item(segment, rate, kind, int(segment.length), 0)]
        parts = list(segment.components)
        items: list[Node] = []
        for number, part in enumerate(parts):
            if _class_of(part) == "Transition":
                before = int(_value(part, "CutPoint") or 0)
                items.append(doc.transition_node("", before / rate, (int(part.length) - before) / rate, rate))
                continue
            head, tail = (_transition(parts, number + step) for step in (-1, 1))
            first = int(_value(head, "CutPoint") or 0) if head is not None else 0
            last = int(tail.length) - int(_value(tail, "CutPoint") or 0) if tail is not None else 0
            length = int(part.length) - first - last
            if length > 0:
                items.append(self._item(part, rate, kind, length, first))
        return items

    def _item(self, part: Any, rate: Fraction, kind: str, length: int, skipped: int) -> Node:
        """A part of a track, without its first frames; anything that is not known shows nothing."""
        reader = _READERS.get(_class_of(part))
        if reader is None:
            return doc.gap_node(length / rate, rate)
        if len(self._open) > doc.MAX_DEPTH or id(part) in self._open:
            raise InputError("contains itself or is nested too deeply: export it again", code="bad_nest")
        self._open.append(id(part))
        node = reader(self, part, rate, kind)
        self._open.pop()
        first = node["source_range"]["start_time"]["value"] if node.get("source_range") else 0
        start = Fraction(first) / rate + skipped / rate
        node["source_range"] = doc.time_range(start, length / rate, rate)
        return node

    def source_clip(self, part: Any, rate: Fraction, kind: str) -> Node:
        mob = part.mob
        whole = doc.time_range(Fraction(int(part.start or 0)) / rate, int(part.length) / rate, rate)
        slot = _slot_of(mob, part)
        if slot is not None and _class_of(mob) == "CompositionMob":
            return doc.stack_node(mob.name or "", [self._track(slot.segment, rate, kind)], whole)
        url, head = _media_of(mob, slot)
        name = (mob.name if mob is not None else "") or ""
        start = Fraction(int(part.start or 0)) / rate + head
        reference = doc.external_reference(url, None, name) if url else doc.missing_reference(name)
        return doc.clip_node(name, doc.time_range(start, int(part.length) / rate, rate), reference)

    def operation_group(self, part: Any, rate: Fraction, kind: str) -> Node:
        inputs = list(part.segments)
        whole = doc.time_range(_ZERO, int(part.length) / rate, rate)
        if not inputs:
            return doc.clip_node(part.operation.name or "", whole, doc.generator_reference("Effect"))
        node = doc.stack_node("", [self._track(segment, rate, kind) for segment in inputs], whole)
        speed = _speed_of(part)
        if speed != 1:
            node["effects"] = [doc.warp_node(speed)]
        return node

    def selector(self, part: Any, rate: Fraction, kind: str) -> Node:
        """What was selected; nothing stands for a clip that is muted."""
        chosen = part.getvalue("Selected")
        if chosen is None or _class_of(chosen) in ("Filler", "ScopeReference"):
            return doc.gap_node(int(part.length) / rate, rate)
        whole = doc.time_range(_ZERO, int(part.length) / rate, rate)
        return doc.stack_node("", [self._track(chosen, rate, kind)], whole)

    def nested_scope(self, part: Any, rate: Fraction, kind: str) -> Node:
        whole = doc.time_range(_ZERO, int(part.length) / rate, rate)
        return doc.stack_node("", [self._track(segment, rate, kind) for segment in part.slots], whole)

    def sequence(self, part: Any, rate: Fraction, kind: str) -> Node:
        return doc.stack_node("", [self._track(part, rate, kind)], doc.time_range(_ZERO, int(part.length) / rate, rate))


_READERS: dict[str, Callable[[_Walk, Any, Fraction, str], Node]] = {
    "SourceClip": _Walk.source_clip,
    "OperationGroup": _Walk.operation_group,
    "Selector": _Walk.selector,
    "NestedScope": _Walk.nested_scope,
    "Sequence": _Walk.sequence,
}


def _class_of(item: Any) -> str:
    return type(item).__name__ if item is not None else ""


def _value(item: Any, name: str) -> Any:
    found = item.get(name)
    return found.value if found is not None else None


def _kind_of(slot: Any) -> str:
    """``Video``, ``Audio``, or an empty string for timecode, markers and the like."""
    if _class_of(slot) != "TimelineMobSlot" or _class_of(slot.segment) in ("Timecode", "EdgeCode", "Pulldown", ""):
        return ""
    kind = str(slot.media_kind or "").lower()
    return "Video" if kind == "picture" else "Audio" if "sound" in kind else ""


def _rate_of(slot: Any) -> Fraction:
    return canonical_rate(float(slot.edit_rate))


def _transition(parts: list[Any], number: int) -> Any:
    inside = 0 <= number < len(parts) and _class_of(parts[number]) == "Transition"
    return parts[number] if inside else None


def _slot_of(mob: Any, clip: Any) -> Any:
    slots: Iterator[Any] = (slot for slot in (mob.slots if mob is not None else ()) if slot.slot_id == clip.slot_id)
    return next(slots, None)


def _speed_of(group: Any) -> Fraction:
    """Source seconds a record second of a time warp with one speed."""
    for parameter in group.parameters:
        if parameter.name == "SpeedRatio" and _class_of(parameter) == "ConstantValue":
            ratio = Fraction(str(parameter.value))
            return _ZERO if ratio == int(group.length) else 1 / ratio if ratio else Fraction(1)
    return Fraction(1)


def _media_of(mob: Any, slot: Any) -> tuple[str, Fraction]:
    """URL of the file that a master clip plays, and what to add to a time in the clip for one in the file, seconds.

    Of several in the chain the last one: the file that was imported, not what the system made of it.
    """
    found, head = "", _ZERO
    place = head
    for _ in range(_MEDIA_DEPTH):
        descriptor = getattr(mob, "descriptor", None)
        locators = _value(descriptor, "Locator") if descriptor is not None else None
        urls = [str(url) for locator in locators or () if (url := _value(locator, "URLString"))]
        if urls:
            found, place = urls[0], head
        segment: Any = slot.segment if slot is not None else None
        parts = list(segment.components) if _class_of(segment) == "Sequence" else [segment]
        inner = next((part for part in parts if _class_of(part) == "SourceClip"), None)
        if inner is None or inner.mob is None:
            break
        head += Fraction(int(inner.start or 0)) / _rate_of(slot)
        mob, slot = inner.mob, _slot_of(inner.mob, inner)
    return found, place
