"""An OpenTimelineIO timeline as a ``Session``."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from emsync_engine.errors import InputError
from otio_adapters import document as doc
from otio_adapters.dialect import lay_out_document
from otio_adapters.document import Node
from otio_adapters.layout import OURS, Layer, Layout
from otio_adapters.media import base_name
from otio_adapters.plugins.midi import midi_of_metadata
from otio_adapters.plugins.session import Item, ItemKind, Session, SessionMarker, SessionTrack, lanes_of
from otio_adapters.plugins.tempo import fine, tempo_points
from otio_adapters.rates import guess_drop_frame, sequence_rate, start_frame

_MUTED = "emsync muted"
_MAX_VOLUME = 100.0


def session_of(timeline: Any) -> Session:
    """The session of an OpenTimelineIO object: a timeline, or what stands for one (stack, track, clip, collection).

    Raises:
        InputError: it holds no timeline, or a damaged one.
    """
    document = _timeline_node(json.loads(timeline.to_json_string()))
    _prepare(document, muted=False)
    name = doc.text_of(document, "name")
    rate = sequence_rate(document)
    layout = lay_out_document(document, name or "the timeline", rate)
    start = start_frame(document, rate)
    return Session(
        name=name,
        rate=rate,
        start_frame=start,
        drop_frame=guess_drop_frame(document, rate, start),
        tempo=tempo_points(doc.metadata_of(document).get("tempo_map")),
        tracks=_tracks(document, layout),
        markers=_markers(layout),
    )


def _timeline_node(node: Node) -> Node:
    schema = doc.schema_of(node)
    if schema == "Timeline":
        return node
    if schema == "SerializableCollection":
        found = [child for child in doc.nodes_of(node, "children") if doc.schema_of(child) == "Timeline"]
        if found:
            return max(found, key=lambda timeline: sum(1 for _ in doc.walk(timeline)))
    if schema == "Clip":
        node = doc.track_node(doc.text_of(node, "name"), "Video", [node])
        schema = "Track"
    if schema == "Track":
        node = doc.stack_node(doc.text_of(node, "name"), [node])
        schema = "Stack"
    if schema != "Stack":
        raise InputError(f"a {schema or 'thing without schema'} is no timeline: give a timeline", code="not_a_timeline")
    return {**doc.timeline_node(doc.text_of(node, "name"), [], None), "tracks": node}


def _prepare(node: Node, muted: bool, depth: int = 0) -> None:
    """What is off becomes a mark on its clips, so that it is laid out; music of ours counts like any other.

    A track of the timeline itself (depth 2) that is off is marked, and not its clips.
    """
    for marked in (node, *doc.nodes_of(node, "markers")):
        if OURS in doc.metadata_of(marked):
            marked["metadata"] = {key: value for key, value in marked["metadata"].items() if key != OURS}
    inner = node.get("tracks") if depth == 0 else None
    for child in [inner] if isinstance(inner, dict) else doc.nodes_of(node, "children"):
        if doc.schema_of(child) == "Transition":
            continue
        off = muted or not doc.is_enabled(child)
        child["metadata"] = {**doc.metadata_of(child), _MUTED: off}
        child["enabled"] = True
        _prepare(child, off and not (depth == 1 and not muted), depth + 1)


def _tracks(document: Node, layout: Layout) -> tuple[SessionTrack, ...]:
    """Pictures from the top down, then sounds."""
    pictures: list[SessionTrack] = []
    sounds: list[SessionTrack] = []
    layers: dict[tuple[int, bool], list[Layer]] = defaultdict(list)
    for is_sound, group in ((False, layout.layers), (True, layout.sounds)):
        for layer in group:
            if layer.kind != "adjustment":
                layers[layer.path[0], is_sound].append(layer)
    for number, node in enumerate(doc.nodes_of(document["tracks"], "children")):
        own_kind = doc.text_of(node, "kind") == "Audio"
        for is_sound, into in ((False, pictures), (True, sounds)):
            found = layers.get((number, is_sound))
            if found or is_sound is own_kind:
                into += _lanes(node, [_item(layer, is_sound) for layer in found or ()], is_sound)
    return (*reversed(pictures), *sounds)


def _lanes(node: Node, items: list[Item], is_sound: bool) -> Iterator[SessionTrack]:
    mix = doc.metadata_of(node).get("mix")
    mix = mix if isinstance(mix, dict) else {}
    for lane in lanes_of(items):
        yield SessionTrack(
            doc.text_of(node, "name"),
            tuple(lane),
            "audio" if is_sound else "video",
            _number(mix.get("volume"), 1.0, 0.0, _MAX_VOLUME),
            _number(mix.get("pan"), 0.0, -1.0, 1.0),
            bool(doc.metadata_of(node).get(_MUTED)),
        )


def _number(value: object, default: float, lo: float, hi: float) -> float:
    """A number of the range, else the default."""
    fits = isinstance(value, (int, float)) and not isinstance(value, bool) and lo <= value <= hi
    return float(value) if fits and isinstance(value, (int, float)) else default


def _item(layer: Layer, is_sound: bool) -> Item:
    clip = layer.clip
    reference = doc.media_reference_of(clip)
    url = doc.text_of(reference, "target_url")
    available = doc.range_of(reference.get("available_range"))
    midi = midi_of_metadata(doc.metadata_of(clip).get("midi")) if is_sound else None
    kind: ItemKind = "midi" if midi is not None else "audio" if is_sound else "video"
    return Item(
        start=layer.start,
        duration=layer.end - layer.start,
        kind=kind,
        name=doc.text_of(clip, "name") or base_name(url),
        media=url if midi is None else "",
        source=layer.source - (available[0] if available else 0),
        speed=layer.speed,
        muted=bool(doc.metadata_of(clip).get(_MUTED)),
        midi=midi,
        media_duration=available[1] if available and available[1] else None,
    )


def _markers(layout: Layout) -> tuple[SessionMarker, ...]:
    found = []
    for mark in layout.marks:
        colour = mark.node.get("color")
        colour = doc.text_of(colour, "name") if isinstance(colour, dict) else colour
        found.append(
            SessionMarker(
                max(fine(mark.time), Fraction(0)),
                doc.text_of(mark.node, "name"),
                fine(mark.duration),
                doc.text_of(mark.node, "comment"),
                colour.upper() if isinstance(colour, str) else "",
            )
        )
    return tuple(sorted(found, key=lambda marker: (marker.time, marker.name)))
