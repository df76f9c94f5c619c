"""What an FCPXML document defines once and refers to: formats, assets, compound clips; and its rational times."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from fractions import Fraction

from emsync_engine.errors import InputError
from otio_adapters import document as doc
from otio_adapters.appearance import Look
from otio_adapters.document import Node
from otio_adapters.formats.xml_text import Element
from otio_adapters.rates import stated_rate
from otio_adapters.retiming import Curve, chord, curve_through, value_at

_TIME = re.compile(r"^\s*(-?\d{1,30}(?:\.\d{1,30})?)(?:/(\d{1,30}))?s?\s*$")
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
    format: str = ""
    """Id of its format."""

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
    sizes: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Width and height in pixels of formats."""
    frame_size: tuple[int, int] | None = None
    """Of the sequence that is read."""

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
                sides = [element.get(name) or "" for name in ("width", "height")]
                if all(side.isdecimal() and 0 < int(side) < 10**6 for side in sides):
                    found.sizes[key] = (int(sides[0]), int(sides[1]))
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
        try:
            return stated_rate(1 / duration)
        except (ValueError, ZeroDivisionError) as error:
            what = f"format {element.get('name') or element.get('id')!r} has frameDuration={str(duration)!r}"
            raise InputError(f"{what}, which is no frame's: export it again") from error
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
        format=element.get("format") or "",
    )


@dataclass(frozen=True)
class Retiming:
    """A clip's ``timeMap`` over the clip: local time to source time."""

    source: Fraction
    """Source seconds at the clip's start."""
    speed: Fraction
    """Source seconds a second, on the average."""
    curve: Curve = ()
    """Source seconds by seconds from the clip's start where the speed changes; empty for one speed."""


def conform_speed(clip: Element, rate: Fraction) -> Fraction:
    """Seconds of a clip's own time that pass in a second of its parent.

    Not 1 where media of another rate is played frame by frame (``conform-rate``): then the clip's start, its markers
    and what is connected to it count in the media's seconds, its duration in the parent's.

    Args:
        clip: the element.
        rate: frame rate of the enclosing sequence, Hz.
    """
    conform = clip.find("conform-rate")
    if conform is None or conform.get("scaleEnabled") == "0":
        return Fraction(1)
    try:
        media = stated_rate(conform.get("srcFrameRate") or "")
    except ValueError:
        return Fraction(1)
    return rate / media


def retiming_of(clip: Element, start: Fraction, length: Fraction, pace: Fraction = Fraction(1)) -> Retiming:
    """How a clip's own time maps to its source from ``start`` on; one to one without a time map.

    Eased points are taken as corners: the source is then at most a few frames off within the ease.

    Args:
        clip: the element.
        start: its own time at its head.
        length: seconds that it lasts in its parent.
        pace: seconds of its own time a second of its parent.
    """
    points = [
        ((time_of(point, "time") - start) / pace, time_of(point, "value")) for point in clip.findall("timeMap/timept")
    ]
    rising = tuple(sorted(dict(points).items()))
    if len(rising) < 2:
        return Retiming(start, pace)
    curve = curve_through(rising, length)
    if curve:
        return Retiming(value_at(curve, Fraction(0)), chord(curve, Fraction(0), length), curve)
    following = value_at(rising, length or Fraction(1))
    source = value_at(rising, Fraction(0))
    return Retiming(source, (following - source) / (length or Fraction(1)))


def look_of_element(element: Element, resources: Resources, length: Fraction) -> Look:
    """How a clip is composited: ``adjust-transform`` and ``adjust-blend``.

    The scale counts from the picture fitted into the frame, except under ``adjust-conform type="none"``, where it
    counts from the media's own pixels, which a format may tell.
    """
    transform, blend = element.find("adjust-transform"), element.find("adjust-blend")
    look = Look()
    if transform is not None and transform.get("enabled") != "0":
        look = replace(look, scale=_scale(transform) * _own_scale(element, resources))
    if blend is not None:
        keys = _amounts(blend)
        opacity = max((value for _, value in keys), default=_float(blend.get("amount"), 1.0)) * 100
        fades = [
            sum((time_of(fade, "duration", Fraction(0)) for fade in blend.iterfind(f"param/{name}")), Fraction(0))
            for name in ("fadeIn", "fadeOut")
        ]
        mode = (blend.get("mode") or "0").lower()
        look = replace(look, opacity=opacity, blended=mode not in ("0", "normal"), fade_in=fades[0], fade_out=fades[1])
    return replace(look, fade_in=min(look.fade_in, length), fade_out=min(look.fade_out, length))


def _scale(transform: Element) -> float:
    """Greatest scale of a transform over both sides and all key frames."""
    texts = [key.get("value") for key in transform.iterfind("param[@name='scale']/keyframeAnimation/keyframe")]
    sides = [_float(side, 1.0) for text in texts or [transform.get("scale")] for side in (text or "1").split()]
    return max(sides, default=1.0)


def _own_scale(element: Element, resources: Resources) -> float:
    """Share of the frame that media fills at 100 %: 1 where it is fitted, or where it cannot be known to be smaller."""
    conform = element.find("adjust-conform")
    if conform is None or conform.get("type") != "none":
        return 1.0
    media = resources.sizes.get(element.get("format") or "")
    if media is None or not resources.frame_size:
        return 100.0  # it may well be larger than the frame
    return max(a / b for a, b in zip(media, resources.frame_size))


def _amounts(blend: Element) -> list[tuple[Fraction, float]]:
    keys = blend.iterfind("param[@name='amount']/keyframeAnimation/keyframe")
    return [(time_of(key, "time", Fraction(0)), _float(key.get("value"), 1.0)) for key in keys]


def _float(text: str | None, default: float) -> float:
    try:
        value = float(text or "")
    except ValueError:
        return default
    return value if abs(value) < doc.MAX_SECONDS else default
