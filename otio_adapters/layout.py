"""Where every clip, transition and marker of a document lies in record time.

Nested stacks, windows (``source_range``) and time warps become one affine map a composition, kept exact.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction

from emsync_engine.errors import InputError
from otio_adapters import document as doc
from otio_adapters.appearance import PLAIN, Look, look_of
from otio_adapters.caption_tracks import is_caption_track
from otio_adapters.document import Node
from otio_adapters.kinds import LayerKind, is_wipe, layer_kind, speed_of
from otio_adapters.places import Item, Path, Place
from otio_adapters.retiming import Curve, chord, retime_of, value_at

OURS = "emsync"
"""Metadata key that marks the tracks and markers we wrote ourselves."""

_SHOWN = ("Clip", "Stack", "Track")
_MAX_ITEMS = 1_000_000
"""Items that are laid out, nests counted each time they are used."""


@dataclass(frozen=True)
class Layer:
    """A clip over the span of record time in which its track shows it."""

    start: Fraction
    end: Fraction
    path: Path
    kind: LayerKind
    clip: Node
    source: Fraction
    """Source time in seconds at ``start``, in the media's own time (timecode or from 0, as the document says)."""
    speed: Fraction
    """Source seconds per record second, on the average: negative runs backwards, 0 is a freeze."""
    track: str = ""
    sound: bool = False
    """It lies on a sound track."""
    curve: Curve = ()
    """Source seconds by record time where the speed changes; empty for one speed."""

    def source_at(self, time: Fraction) -> Fraction:
        """Source seconds at a record time."""
        if self.curve:
            return value_at(self.curve, time)
        return self.source + self.speed * (time - self.start)


@dataclass(frozen=True)
class Blend:
    """A transition in record time between the items at two paths of one track (None where there is nothing)."""

    start: Fraction
    edit: Fraction
    end: Fraction
    wipe: bool
    before: Path | None
    after: Path | None
    name: str = ""


@dataclass(frozen=True)
class Fade:
    """A clip or nest coming out of nothing, or going into it, by an effect of its own."""

    start: Fraction
    end: Fraction
    path: Path
    is_in: bool
    name: str = ""


@dataclass(frozen=True)
class Mark:
    """A marker node in record time."""

    time: Fraction
    duration: Fraction
    node: Node
    own: bool
    """It sits on the sequence itself, not on a clip or a track."""


@dataclass
class Layout:
    """Everything of a document in record time, picture layers bottom first."""

    layers: list[Layer] = field(default_factory=list)
    sounds: list[Layer] = field(default_factory=list)
    captions: list[Layer] = field(default_factory=list)
    blends: list[Blend] = field(default_factory=list)
    fades: list[Fade] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    track_ends: list[Fraction] = field(default_factory=list)
    duration: Fraction = Fraction(0)


@dataclass(frozen=True)
class _Context:
    place: Place
    audio: bool
    track: str
    where: str
    captions: bool = False
    """Inside a track of captions: they are read, not seen."""
    partial: bool = False
    """Inside a nest that lets what lies beneath show."""
    unseen: bool = False
    """Inside a nest that is fully transparent."""


def lay_out(document: Node, where: str, *, warp_keeps_source: bool = False) -> Layout:
    """Lay the whole document out.

    Args:
        document: a ``Timeline`` node.
        where: the file's name for messages.
        warp_keeps_source: ``source_range`` of retimed clips has the length of the source, not of the record (the
            dialect of Premiere).

    Raises:
        InputError: a damaged node, with file, track, clip and time.
    """
    return _Builder(where, warp_keeps_source).build(document)


class _Builder:
    """One reading of one document."""

    def __init__(self, where: str, warp_keeps_source: bool) -> None:
        self._where = where
        self._warp_keeps_source = warp_keeps_source
        self._lengths: dict[int, Fraction] = {}
        self._placed = 0
        self._out = Layout()

    def build(self, document: Node) -> Layout:
        stack = document.get("tracks")
        if not isinstance(stack, dict):
            raise InputError("the timeline has no tracks: export it again", self._where, "not_a_timeline")
        try:
            self._out.duration = self._visible_length(stack, ())
        except InputError as error:
            raise error if error.where else InputError(error.message, self._where, error.code) from error
        place = Place(Fraction(0), Fraction(1), Fraction(0), self._out.duration)
        window = self._range(stack)
        if window is not None:
            place = replace(place, origin=-window[0])
        self._marks(stack, replace(place, hi=Fraction(doc.MAX_SECONDS)), own=True)
        self._stack(stack, (), _Context(place, False, "", self._where))
        return self._out

    def _visible_length(self, stack: Node, path: Path) -> Fraction:
        """Length of the sequence: the longest of the tracks that are on and not ours."""
        window = self._range(stack)
        lengths = [
            self._length(child, (*path, number))
            for number, child in enumerate(doc.nodes_of(stack, "children"))
            if doc.is_enabled(child) and OURS not in doc.metadata_of(child)
        ]
        self._out.track_ends = lengths
        return window[1] if window is not None else max(lengths, default=Fraction(0))

    def _range(self, node: Node) -> tuple[Fraction, Fraction] | None:
        return doc.range_of(node.get("source_range"))

    def _length(self, node: Node, path: Path) -> Fraction:
        """Length of an item in its parent's time. Composition lengths are remembered."""
        known = self._lengths.get(id(node))
        if known is None:
            known = self._measure(node, path)
            self._lengths[id(node)] = known
        return known

    def _measure(self, node: Node, path: Path) -> Fraction:
        if len(path) > doc.MAX_DEPTH:
            raise InputError(f"nested more than {doc.MAX_DEPTH} levels deep: flatten the nests and export again")
        schema = doc.schema_of(node)
        if schema == "Transition":
            return Fraction(0)
        window = self._range(node)
        if schema == "Track" and (window is None or self._ignored_window(window, node, path)):
            return self._content_length(node, path)
        if schema == "Stack" and window is None:
            children = enumerate(doc.nodes_of(node, "children"))
            return max((self._length(child, (*path, i)) for i, child in children), default=Fraction(0))
        if window is None:
            window = doc.range_of(doc.media_reference_of(node).get("available_range"))
        if window is None:
            name = doc.text_of(node, "name") or schema
            self._out.warnings.append(f"{self._where}: {name!r} has no length and is left out: give it a source range")
            return Fraction(0)
        speed = speed_of(node)
        if self._warp_keeps_source and schema == "Clip" and speed:
            return window[1] / abs(speed)
        return window[1]

    def _content_length(self, track: Node, path: Path) -> Fraction:
        """Length of a track's children laid end to end."""
        position = Fraction(0)
        child = track
        try:
            for number, child in enumerate(doc.nodes_of(track, "children")):
                position += self._length(child, (*path, number))
        except InputError as error:
            if error.where:
                raise
            names = [doc.text_of(node, "name") for node in (track, child)]
            place = f"track {names[0]!r}" if names[0] else f"track {path[-1] + 1 if path else 1}"
            where = f"{self._where}, {place}, {names[1]!r} at {float(position):.3f} s"
            raise InputError(error.message, where, error.code) from error
        return position

    def _ignored_window(self, window: tuple[Fraction, Fraction], track: Node, path: Path) -> bool:
        """A track's window that is empty or outside its content says something else (a record start)."""
        if window[0] < 0:
            return True
        content = self._content_length(track, path)
        return content > 0 and (window[0] >= content or not window[1])

    def _stack(self, stack: Node, path: Path, context: _Context) -> None:
        for number, child in enumerate(doc.nodes_of(stack, "children")):
            if not doc.is_enabled(child) or OURS in doc.metadata_of(child):
                continue
            item = self._item(child, (*path, number), Fraction(0), context)
            self._place(item, context)

    def _track(self, track: Node, path: Path, context: _Context) -> None:
        position = Fraction(0)
        items = list(enumerate(doc.nodes_of(track, "children")))
        for number, child in items:
            if doc.schema_of(child) == "Transition":
                self._blend(items, number, position, path, context)
                continue
            item = self._item(child, (*path, number), position, context)
            position += item.duration
            if doc.is_enabled(child):
                self._place(item, context)

    def _item(self, node: Node, path: Path, position: Fraction, context: _Context) -> Item:
        try:
            duration = self._length(node, path)
            window = self._range(node)
            if window is None and doc.schema_of(node) == "Clip":
                window = doc.range_of(doc.media_reference_of(node).get("available_range"))
            if window is not None and doc.schema_of(node) == "Track" and self._ignored_window(window, node, path):
                window = None
            source, speed = window[0] if window else Fraction(0), speed_of(node)
            retime = retime_of(node, source, duration) if doc.schema_of(node) in _SHOWN else None
            if retime is not None:
                speed, curve = retime.speed, retime.curve
                source = retime.source + min(speed, Fraction(0)) * duration
            else:
                curve = ()
            return Item(node, path, position, duration, source, speed, curve)
        except InputError as error:
            raise self._located(error, node, position, context) from error

    def _located(self, error: InputError, node: Node, position: Fraction, context: _Context) -> InputError:
        if error.where:
            return error
        name = doc.text_of(node, "name") or doc.schema_of(node) or "?"
        where = f"{context.where}, {name!r} at {float(context.place.record(position)):.3f} s"
        return InputError(error.message, where, error.code)

    def _place(self, item: Item, context: _Context) -> None:
        window = context.place.span(item.position, item.position + item.duration)
        if window is None:
            return
        self._placed += 1
        if self._placed > _MAX_ITEMS:
            raise InputError(f"holds more than {_MAX_ITEMS} items with its nests: flatten it and export again")
        schema = doc.schema_of(item.node)
        try:
            look = PLAIN if context.audio else look_of(item.node, item.duration)
        except InputError as error:
            raise self._located(error, item.node, item.position, context) from error
        if schema in _SHOWN and not context.audio:
            self._fades(item, look, context)
        partial, unseen = context.partial or look.is_partial, context.unseen or look.is_unseen
        pieces = item.pieces()
        for piece in pieces:
            window = context.place.span(piece.position, piece.position + piece.duration)
            if window is None:
                continue
            inner = piece.inner(context.place, window)
            if inner.instant is None or len(pieces) == 1:
                self._item_marks(piece, inner, context)
            if schema == "Clip":
                self._clip(piece, inner, look, context)
            elif schema in _SHOWN:
                self._composition(piece, inner, replace(context, partial=partial, unseen=unseen))
        if schema not in (*_SHOWN, "Gap"):
            name = doc.text_of(item.node, "OTIO_SCHEMA") or "an object without OTIO_SCHEMA"
            self._out.warnings.append(f"{context.where}: {name} is not understood and shows nothing")

    def _item_marks(self, item: Item, inner: Place, context: _Context) -> None:
        try:
            self._marks(item.node, inner, own=False)
        except InputError as error:
            raise self._located(error, item.node, item.position, context) from error

    def _composition(self, item: Item, inner: Place, context: _Context) -> None:
        node = item.node
        name = doc.text_of(node, "name")
        if doc.schema_of(node) == "Track":
            kind = doc.text_of(node, "kind") or "Video"
            captions = context.captions or is_caption_track(node)
            if kind not in ("Video", "Audio") and not captions:
                return
            place_name = f"track {name!r}" if name else f"track {item.path[-1] + 1}"
            deeper = replace(
                context,
                place=inner,
                audio=context.audio or kind == "Audio",
                track=name or context.track,
                where=f"{context.where}, {place_name}",
                captions=captions,
            )
            self._track(node, item.path, deeper)
            return
        self._stack(node, item.path, replace(context, place=inner))

    def _clip(self, item: Item, inner: Place, look: Look, context: _Context) -> None:
        kind = layer_kind(item.node, look)
        if kind == "picture" and context.partial:
            kind = "partial"
        if kind is None or context.unseen:
            return
        speed = Fraction(0) if inner.instant is not None else 1 / inner.stretch
        start, end, source, curve = inner.lo, inner.hi, inner.local(inner.lo), _record_curve(item, context.place)
        if curve:
            source, speed = value_at(curve, start), chord(curve, start, end)
        layer = Layer(start, end, item.path, kind, item.node, source, speed, context.track, context.audio, curve)
        out = self._out
        (out.captions if context.captions else out.sounds if context.audio else out.layers).append(layer)

    def _fades(self, item: Item, look: Look, context: _Context) -> None:
        """The fades of an item whose ends are in sight."""
        place = context.place
        if place.instant is not None:
            return
        tail = item.position + item.duration
        spans = ((item.position, item.position + look.fade_in, True), (tail - look.fade_out, tail, False))
        for first, last, is_in in spans:
            start, end = sorted((place.record(first), place.record(last)))
            if start < end and place.lo <= start and end <= place.hi:
                opens = is_in == (place.stretch > 0)
                self._out.fades.append(Fade(start, end, item.path, opens, doc.text_of(item.node, "name")))

    def _blend(
        self, items: list[tuple[int, Node]], number: int, position: Fraction, path: Path, context: _Context
    ) -> None:
        node = items[number][1]
        if context.audio or context.place.instant is not None or node.get("enabled") is False:
            return
        try:
            before, after = doc.seconds_of(node.get("in_offset")), doc.seconds_of(node.get("out_offset"))
        except InputError as error:
            raise self._located(error, node, position, context) from error
        ends = [context.place.record(t) for t in (position - abs(before), position, position + abs(after))]
        if context.place.stretch < 0:
            ends.reverse()
        lo, hi = context.place.lo, context.place.hi
        if not lo <= ends[1] <= hi or ends[0] == ends[2]:
            return
        sides = [_partner(items, number + step, path) for step in (-1, 1)]
        if context.place.stretch < 0:
            sides.reverse()
        wipe = is_wipe(node)
        name = doc.text_of(node, "name")
        self._out.blends.append(Blend(max(ends[0], lo), ends[1], min(ends[2], hi), wipe, sides[0], sides[1], name))

    def _marks(self, node: Node, place: Place, own: bool) -> None:
        """Markers of a node, whose times are in the node's own time: seen only inside its window."""
        for marker in doc.nodes_of(node, "markers"):
            if OURS in doc.metadata_of(marker):
                continue
            span = doc.range_of(marker.get("marked_range")) or (Fraction(0), Fraction(0))
            if place.instant is not None:
                time, length = place.lo, Fraction(0)
            else:
                time, length = place.record(span[0]), span[1] * abs(place.stretch)
            if place.lo <= time < place.hi or (own and time >= 0):
                self._out.marks.append(Mark(time, length, marker, own))


def _record_curve(item: Item, place: Place) -> Curve:
    """The retime curve of an item by record time."""
    if not item.curve or place.instant is not None:
        return ()
    return tuple(sorted((place.record(item.position + time), source) for time, source in item.curve))


def _partner(items: list[tuple[int, Node]], number: int, path: Path) -> Path | None:
    """Path of the neighbour of a transition when it shows anything."""
    if not 0 <= number < len(items):
        return None
    node = items[number][1]
    if doc.schema_of(node) in ("Gap", "Transition", "") or not doc.is_enabled(node):
        return None
    return (*path, number)
