"""A bare video: its cuts are detected, and a take without cuts is one shot."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from emsync_engine.errors import InputError
from otio_adapters import document as doc
from otio_adapters.detect import detect_cuts
from otio_adapters.document import Node
from otio_adapters.probe import Probe, probe
from otio_adapters.reading import Reading


def read(path: Path) -> Reading:
    """Read a video file as a timeline of its shots.

    Raises:
        InputError: not a video that can be decoded.
    """
    found = probe(str(path))
    if found is None:
        raise InputError("cannot be opened as video: is the file complete?", path.name, "bad_media")
    if found.rate is None:
        raise InputError("has no video stream: give a video or a timeline", path.name, "no_picture")
    detection = detect_cuts(str(path))
    edges = (Fraction(0), *detection.cuts, detection.end)
    start = round(found.start_seconds * found.rate) if found.start_seconds is not None else 0
    tracks = [doc.track_node("V1", "Video", _clips(path, edges, found.rate))]
    if found.has_audio:
        tracks.append(doc.track_node("A1", "Audio", _clips(path, (Fraction(0), detection.end), found.rate)))
    document = doc.timeline_node(path.stem, tracks, doc.rational_time(start / found.rate, found.rate))
    return Reading(
        document, found.rate, found.drop_frame, start, detected=True, warnings=_warnings(path, found, detection.steady)
    )


def _clips(path: Path, edges: tuple[Fraction, ...], rate: Fraction) -> list[Node]:
    available = doc.time_range(Fraction(0), edges[-1], rate)
    reference = doc.external_reference(path.absolute().as_posix(), available, path.name)
    return [
        doc.clip_node(path.name, doc.time_range(start, end - start, rate), dict(reference))
        for start, end in pairwise(edges)
    ]


def _warnings(path: Path, found: Probe, steady: bool) -> tuple[str, ...]:
    if steady:
        return ()
    text = f"{path.name} has a varying frame rate: times are exact, frame numbers count {found.rate} frames a second"
    return (text,)
