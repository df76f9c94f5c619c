"""A reading as an OpenTimelineIO document that stands on its own."""

from __future__ import annotations

from otio_adapters import document as doc
from otio_adapters.document import Node
from otio_adapters.reading import Reading
from otio_adapters.resolve import timing_of


def document_of(reading: Reading) -> Node:
    """The document with what the format said beside it: start timecode and how it counts.

    Drop-frame counting is told the way OpenTimelineIO's own FCP XML adapter does.

    Raises:
        InputError: a damaged time.
    """
    rate, start_frame, drop_frame = timing_of(reading)
    document = dict(reading.document)
    if document.get("global_start_time") is None:
        document["global_start_time"] = doc.rational_time(start_frame / rate, rate)
    if drop_frame:
        timecode = {"timecode": {"displayformat": "DF"}}
        document["metadata"] = {**doc.metadata_of(document), "fcp_xml": timecode}
    return document
