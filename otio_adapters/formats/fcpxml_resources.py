"""What an FCPXML document defines once and refers to: formats, assets, compound clips; and its rational times."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise

from emsync_engine.errors import InputError
from emsync_engine.timecode import canonical_rate
from otio_adapters import document as doc
from otio_adapters.document import Node
from otio_adapters.formats.xml_text import Element

_TIME = re.compile(r"^\s*(-?\d+(?:\.\d+)?)(?:/(\d+))?s?\s*$")
_NAMED_RATE = re.compile(r"(?:p|i)(2398|24|25|2997|30|50|5994|60)$")
_NAMED_RATES = {"2398": Fraction(24000, 1001), "2997": Fraction(30000, 1001), "5994": Fraction(60000, 1001)}


def time_of(element: Element, name: str, default: Fraction | None = None) -> Fraction:
    """A time attribute in exact seconds.

    Raises:
        InputError: it is no time, or it is missing and has no default.
    """
    text = element.get(name)
    if text is None and default is not None:
        return default
    match = _TIME.match(text or "")
    divisor = int(match.group(2) or 1) if match else 0
    if match is None or divisor == 0:
        what = element.get("name") or element.tag
        raise InputError(f"<{element.tag}> {what!r} has {name}={text!r}, which is no time: export it again")
    seconds = Fraction(match.group(1)) / divisor
    if abs(seconds) > doc.MAX_SECONDS:
        raise InputError(f"<{element.tag}> has {name}={text!r}, which cannot be right: export it again")
    return seconds


@dataclass(frozen=True)
class Asset:
    """A media file."""

    name: str
    url: str
    start: Fraction
    duration: Fraction
    has_video: bool
    has_audio: bool

    def reference(self, rate: Fraction) -> Node:
        available = doc.time_range(self.start, self.duration, rate) if self.duration > 0 else None
        return doc.external_reference(self.url, available, self.name)


@dataclass
class Resources:
    """Resources by id."""

    rates: dict[str, Fraction] = field(default_factory=dict)
    assets: dict[str, Asset] = field(default_factory=dict)
    effects: dict[str, str] = field(default_factory=dict)
    media: dict[str, Element] = field(default_factory=dict)

    @classmethod
    def of(cls, root: Element) -> Resources:
        """Read the resources of a document.

        Raises:
            InputError: a damaged time or rate.
        """
        found = cls()
        for element in root.findall("resources/*"):
            key = element.get("id") or ""
            if element.tag == "format":
                rate = _format_rate(element)
                if rate is not None:
                    found.rates[key] = rate
            elif element.tag == "asset":
                found.assets[key] = _asset(element)
            elif element.tag == "effect":
                found.effects[key] = element.get("name") or ""
            elif element.tag == "media":
                found.media[key] = element
        return found


def _format_rate(element: Element) -> Fraction | None:
    """Frames a second of a format; None for audio and undefined ones."""
    if element.get("frameDuration"):
        duration = time_of(element, "frameDuration")
        if duration <= 0:
            raise InputError(f"format {element.get('name')!r} has a frame duration of 0: export it again")
        return canonical_rate(1 / duration)
    named = _NAMED_RATE.search(element.get("name") or "")
    if named is None:
        return None
    return _NAMED_RATES.get(named.group(1)) or Fraction(int(named.group(1)))


def _asset(element: Element) -> Asset:
    copies = element.findall("media-rep")
    originals = [copy for copy in copies if copy.get("kind", "original-media") == "original-media"]
    best = next(iter((*originals, *copies)), None)
    url = (best.get("src") if best is not None else None) or element.get("src") or ""
    return Asset(
        name=element.get("name") or "",
        url=url,
        start=time_of(element, "start", Fraction(0)),
        duration=time_of(element, "duration", Fraction(0)),
        has_video=element.get("hasVideo") == "1",
        has_audio=element.get("hasAudio") == "1",
    )


@dataclass(frozen=True)
class Retiming:
    """A clip's ``timeMap`` around its start: local time to source time."""

    source: Fraction
    """Source seconds at the clip's start."""
    speed: Fraction


def retiming_of(clip: Element, start: Fraction) -> Retiming:
    """How a clip's own time maps to its source at ``start``; one to one without a time map."""
    points = [(time_of(point, "time"), time_of(point, "value")) for point in clip.findall("timeMap/timept")]
    points.sort(key=lambda point: point[0])
    for number, ((t0, v0), (t1, v1)) in enumerate(pairwise(points)):
        last = number == len(points) - 2
        if t1 > t0 and (start < t1 or last):
            speed = (v1 - v0) / (t1 - t0)
            return Retiming(v0 + (start - t0) * speed, speed)
    return Retiming(start, Fraction(1))
