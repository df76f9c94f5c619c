"""``.otio``: OpenTimelineIO's own format, read as plain JSON so that newer schemas open too."""

from __future__ import annotations

from pathlib import Path

from emsync_engine.errors import InputError
from otio_adapters import document as doc
from otio_adapters.document import Node
from otio_adapters.reading import Reading


def read(path: Path) -> Reading:
    """Read an ``.otio`` file.

    Raises:
        InputError: not an OpenTimelineIO timeline.
    """
    return reading_of(doc.parse_document(path.read_bytes(), path.name), path.name)


def reading_of(document: Node, where: str) -> Reading:
    """The timeline in a document: itself, the fullest one of a collection, or a composition made one.

    Raises:
        InputError: there is no timeline in it.
    """
    schema = doc.schema_of(document)
    if schema == "Timeline":
        return Reading(document)
    if schema == "SerializableCollection":
        return _from_collection(document, where)
    if schema == "Stack":
        return Reading(doc.timeline_node(doc.text_of(document, "name"), [], None) | {"tracks": document})
    if schema == "Track":
        return Reading(doc.timeline_node(doc.text_of(document, "name"), [document], None))
    message = f"holds a {document['OTIO_SCHEMA']}, not a timeline: export the sequence itself"
    raise InputError(message, where, "not_a_timeline")


def _from_collection(document: Node, where: str) -> Reading:
    timelines = [child for child in doc.nodes_of(document, "children") if doc.schema_of(child) == "Timeline"]
    if not timelines:
        raise InputError("is a collection without a timeline: export the sequence itself", where, "not_a_timeline")
    chosen = max(timelines, key=lambda timeline: sum(1 for _ in doc.walk(timeline)))
    if len(timelines) == 1:
        return Reading(chosen)
    name = doc.text_of(chosen, "name")
    return Reading(chosen, warnings=(f"{where} holds {len(timelines)} timelines; the fullest is read: {name!r}",))
