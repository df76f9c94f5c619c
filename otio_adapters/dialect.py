"""Which dialect of retimed clips a document speaks: record-length or source-length ``source_range``.

OpenTimelineIO, Resolve and Avid give the length in the record; Premiere gives it in the source.
"""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction

from otio_adapters import document as doc
from otio_adapters.document import Node
from otio_adapters.layout import Layer, Layout, lay_out

_PREMIERE = "PremierePro_OTIO"
_GRID_TOLERANCE = Fraction(1, 100)  # frames


def lay_out_document(document: Node, where: str, rate: Fraction) -> Layout:
    """Lay a document out in the dialect it speaks; says so in a warning when that cannot be told.

    Raises:
        InputError: a damaged node, with file, track, clip and time.
    """
    record = lay_out(document, where)
    if not _is_premiere(document) or not any(layer.speed not in (0, 1) for layer in record.layers):
        return record
    source = lay_out(document, where, warp_keeps_source=True)
    scores = _score(record, rate), _score(source, rate)
    if scores[0] == scores[1]:
        text = "retimed clips may give their length in the record or in the source: the record was taken"
        record.warnings.append(f"{where}: {text}; compare the cuts after the first retimed clip")
    return record if scores[0] >= scores[1] else source


def _is_premiere(document: Node) -> bool:
    stack = document.get("tracks")
    return any(isinstance(node, dict) and _PREMIERE in doc.metadata_of(node) for node in (document, stack))


def _score(layout: Layout, rate: Fraction) -> tuple[int, int, int]:
    """How well a layout hangs together: linked clips that start together, equal track ends, edits on the grid."""
    starts: dict[str, set[Fraction]] = defaultdict(set)
    for layer in (*layout.layers, *layout.sounds):
        link = _link(layer)
        if link:
            starts[link].add(layer.start)
    ends = [end for end in layout.track_ends if end]
    off_grid = sum(abs(layer.end * rate - round(layer.end * rate)) > _GRID_TOLERANCE for layer in layout.layers)
    return -sum(len(times) - 1 for times in starts.values()), len(ends) - len(set(ends)), -off_grid


def _link(layer: Layer) -> str:
    details = doc.metadata_of(layer.clip).get(_PREMIERE)
    link = details.get("LinkID") if isinstance(details, dict) else None
    return str(link) if link else ""
