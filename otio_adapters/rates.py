"""Frame rate and record timecode of a document's sequence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from emsync_engine.errors import InputError
from emsync_engine.timecode import canonical_rate, nominal_fps, supports_drop_frame
from otio_adapters import document as doc
from otio_adapters.document import Node

_PLAUSIBLE = (Fraction(5), Fraction(500))
"""Hz; anything else is a sample rate or damage."""


def sequence_rate(document: Node) -> Fraction:
    """Exact frame rate of the sequence.

    In this order: what Premiere states, the start timecode's rate, the commonest rate of the items on picture tracks,
    then on any track; 24 for an empty timeline.
    """
    stated = _premiere_rate(document)
    if stated is None:
        stated = _plausible(_rate_or_none(document.get("global_start_time")))
    if stated is not None:
        return stated
    stack = document.get("tracks")
    if isinstance(stack, dict):
        for audio_too in (False, True):
            counted = Counter(filter(None, _item_rates(stack, audio_too)))
            if counted:
                return max(counted, key=lambda rate: (counted[rate], rate))
    return Fraction(24)


def _rate_or_none(time: Any) -> Fraction | None:
    """The rate of a time; None for damage, which is reported with its place when the item is laid out."""
    try:
        return doc.rate_of(time) if isinstance(time, dict) else None
    except InputError:
        return None


def _plausible(rate: Fraction | None) -> Fraction | None:
    return rate if rate is not None and _PLAUSIBLE[0] <= rate <= _PLAUSIBLE[1] else None


def _premiere_rate(document: Node) -> Fraction | None:
    for node in (document.get("tracks"), document):
        details = doc.metadata_of(node).get("PremierePro_OTIO") if isinstance(node, dict) else None
        value = details.get("VideoFrameRate") if isinstance(details, dict) else None
        if isinstance(value, dict):
            value = value.get("rate")
        try:
            if isinstance(value, (int, float, str)):
                return _plausible(canonical_rate(value))
        except ValueError:
            return None
    return None


def _item_rates(stack: Node, audio_too: bool) -> Iterator[Fraction | None]:
    for child in doc.nodes_of(stack, "children"):
        if doc.text_of(child, "kind") == "Audio" and not audio_too:
            continue
        source = child.get("source_range")
        if doc.schema_of(child) not in ("Track", "Stack", "Transition") and isinstance(source, dict):
            yield _plausible(_rate_or_none(source.get("duration")))
        yield from _item_rates(child, audio_too)


def start_frame(document: Node, rate: Fraction) -> int:
    """Record timecode of the head in frames at ``rate``; 0 when the document does not say.

    Raises:
        InputError: a damaged time.
    """
    start = document.get("global_start_time")
    return round(doc.seconds_of(start) * rate) if isinstance(start, dict) else 0


def guess_drop_frame(document: Node, rate: Fraction, start: int) -> bool:
    """Whether record timecode counts drop-frame.

    Said by metadata where a format keeps it; otherwise a head on a full drop-frame hour (107892 at 29.97) tells.
    """
    if not supports_drop_frame(rate):
        return False
    stated = _stated_format(document)
    if stated is not None:
        return stated
    fps = nominal_fps(rate)
    dropped_hour = fps * 3600 - (fps // 15) * 54
    return start > 0 and start % dropped_hour == 0 and start % (fps * 3600) != 0


def _stated_format(document: Node) -> bool | None:
    for node in (document, document.get("tracks")):
        details = doc.metadata_of(node).get("fcp_xml") if isinstance(node, dict) else None
        timecode = details.get("timecode") if isinstance(details, dict) else None
        if isinstance(timecode, dict) and isinstance(timecode.get("displayformat"), str):
            return str(timecode["displayformat"]).upper() == "DF"
    return None


def stated_rate(rate: float | Fraction | str) -> Fraction:
    """The frame rate that a file states, made exact.

    Raises:
        ValueError: not a frame rate of a sequence or of media.
    """
    exact = canonical_rate(rate)
    if _plausible(exact) is None:
        raise ValueError(f"{exact} is no frame rate")
    return exact


def given_rate(rate: Fraction | None) -> Fraction | None:
    """The rate a caller gave, made exact.

    Raises:
        InputError: not a frame rate.
    """
    if rate is None:
        return None
    try:
        exact = canonical_rate(rate)
    except ValueError as error:
        raise InputError(f"{error} (give frames a second such as 24, 25 or 30000/1001)", code="bad_rate") from error
    if _plausible(exact) is None:
        raise InputError(f"{exact} is no frame rate of a sequence (5 to 500 frames a second)", code="bad_rate")
    return exact
