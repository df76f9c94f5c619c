"""What an FCPXML element says about its sound: the role, whether it is heard at all, and split edits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction

from otio_adapters.formats.fcpxml_resources import time_of
from otio_adapters.formats.xml_text import Element

_SILENT_DB = -95.0
"""Volume from which a clip is muted: the lowest that Final Cut writes is -96 dB."""
_DECIBELS = re.compile(r"^\s*(-?\d+(?:\.\d+)?)\s*dB\s*$")
_WRAPPERS = ("video", "audio", "clip")


def role_of(element: Element) -> str:
    """Main role of an element's sound.

    Sources of channels say it over the clip's own attribute, which often is only a default.
    """
    sources = [source for source in element.iterfind("audio-channel-source") if source.get("role")]
    active = [source for source in sources if "0" not in (source.get("enabled"), source.get("active"))]
    inner = (found for found in played(element) if found.get("role") and found.tag == "audio")
    text = next(
        filter(
            None,
            (
                *(source.get("role") for source in active),
                element.get("audioRole"),
                element.get("role"),
                *(found.get("role") for found in inner),
            ),
        ),
        "audio",
    )
    return text.partition(".")[0]


def is_muted(element: Element) -> bool:
    """Nothing of an element's sound is heard: its volume is down all through, or all its channels are off."""
    volume = element.find("adjust-volume")
    level = _DECIBELS.match(volume.get("amount") or "") if volume is not None else None
    if volume is not None and level and float(level.group(1)) <= _SILENT_DB and volume.find("param") is None:
        return True
    sources = element.findall("audio-channel-source")
    return bool(sources) and all("0" in (s.get("enabled"), s.get("active")) for s in sources)


def played(element: Element) -> Iterator[Element]:
    """The pictures and sounds that a ``clip`` holds, outermost first, without what is merely connected to it."""
    for child in element:
        if child.tag in ("video", "audio") and child.get("ref"):
            yield child
        if child.tag in _WRAPPERS and (element.tag != "clip" or child.get("lane") is None):
            yield from played(child)


def heard_span(element: Element, local: Fraction, pace: Fraction) -> tuple[Fraction, Fraction] | None:
    """Where a split edit lets the sound begin and end: seconds from the picture's head; None without one.

    Args:
        element: the clip.
        local: its own time at its head.
        pace: seconds of its own time a second of its parent.
    """
    if element.get("audioStart") is None and element.get("audioDuration") is None:
        return None
    start = (time_of(element, "audioStart", local) - local) / pace
    length = time_of(element, "audioDuration", time_of(element, "duration", Fraction(0)))
    return (start, start + length) if length > 0 else None
