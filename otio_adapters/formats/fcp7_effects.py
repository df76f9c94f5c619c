"""Filters of Final Cut Pro 7 XML: how a clip is composited and retimed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from otio_adapters import document as doc
from otio_adapters.appearance import Look, fades_by_keyframes
from otio_adapters.formats.xml_text import Element, number_at, text_at
from otio_adapters.retiming import Curve, curve_through

_ZERO = Fraction(0)
_CENTRED = 0.01
Size = tuple[float, float]


def effects_named(item: Element, name: str) -> Iterator[dict[str, Element]]:
    """Parameters by id of every filter of a name that is on."""
    for holder in item.findall("filter"):
        effect = holder.find("effect")
        if effect is None or text_at(holder, "enabled").upper() == "FALSE":
            continue
        if text_at(effect, "effectid").lower().replace(" ", "") == name:
            yield {text_at(p, "parameterid").lower(): p for p in effect.findall("parameter")}


def size_of(element: Element | None, path: str) -> Size | None:
    """Width and height in pixels of the ``samplecharacteristics`` at a path."""
    if element is None:
        return None
    width, height = (number_at(element, f"{path}/samplecharacteristics/{side}") for side in ("width", "height"))
    return (width, height) if width and height and width > 0 and height > 0 else None


def look_of_item(item: Element, media: Size | None, frame: Size | None, rate: Fraction, length: Fraction) -> Look:
    """How a clip is composited.

    Args:
        item: the clip item.
        media: size of its media in pixels, None when unknown.
        frame: size of the sequence.
        rate: the clip's own rate in Hz, in which key frames count from the head of the media.
        length: seconds that the clip lasts.
    """
    mode = text_at(item, "compositemode").lower()
    look = Look(blended=mode not in ("", "normal"))
    for parameters in effects_named(item, "opacity"):
        parameter = parameters.get("opacity")
        if parameter is not None:
            keys = _keys(parameter, Fraction(number_at(item, "in") or 0), rate)
            fades = fades_by_keyframes(keys, length)
            look = replace(look, opacity=_greatest(parameter, keys, 100.0), fade_in=fades[0], fade_out=fades[1])
    for parameters in effects_named(item, "basic"):
        scale = parameters.get("scale")
        if scale is not None:
            keys = _keys(scale, _ZERO, rate)
            share = _greatest(scale, keys, 100.0) / 100
            look = replace(look, scale=share * _own_scale(parameters.get("center"), media, frame))
    return look


def _own_scale(centre: Element | None, media: Size | None, frame: Size | None) -> float:
    """Share of the frame that the media fills at 100 %, of the side that fills it better.

    Unknown sizes: a picture in the middle of the frame is taken to be larger than the frame and fitted into it.
    """
    if media is not None and frame is not None:
        return max(a / b for a, b in zip(media, frame))
    where = [number_at(centre, f"value/{axis}") or 0.0 for axis in ("horiz", "vert")] if centre is not None else []
    return 100.0 if where and all(abs(axis) <= _CENTRED for axis in where) else 1.0


def _keys(parameter: Element, first: Fraction, rate: Fraction) -> list[tuple[Fraction, float]]:
    """Key frames of a number: (seconds from the clip's head, value)."""
    keys = []
    for key in parameter.findall("keyframe"):
        when, value = number_at(key, "when"), number_at(key, "value")
        if when is not None and value is not None:
            keys.append(((Fraction(when) - first) / rate, value))
    return sorted(keys)


def _greatest(parameter: Element, keys: list[tuple[Fraction, float]], default: float) -> float:
    if keys:
        return max(value for _, value in keys)
    value = number_at(parameter, "value")
    return default if value is None else value


def curve_of_item(item: Element, rate: Fraction, length: Fraction) -> Curve:
    """The curve of a variable Time Remap: source seconds by seconds from the clip's in point; empty for one speed."""
    for parameters in effects_named(item, "timeremap"):
        variable, graph = parameters.get("variablespeed"), parameters.get("graphdict")
        if graph is None or (variable is not None and number_at(variable, "value") == 0):
            continue
        first = Fraction(number_at(item, "in") or 0)
        keys = _keys(graph, first, rate)
        return curve_through([(time, Fraction(value) / rate) for time, value in keys], length)
    return ()


def text_of_item(item: Element) -> str:
    """What a text generator says; empty for anything else."""
    for parameter in item.iterfind("effect/parameter"):
        if text_at(parameter, "parameterid").lower() in ("str", "text"):
            return text_at(parameter, "value")
    return ""


def timecode_metadata(file: Element, rate: Fraction) -> doc.Node:
    """Start timecode and reel of a media file, where OpenTimelineIO's own adapter keeps them."""
    details: doc.Node = {}
    frame = number_at(file, "timecode/frame")
    if frame is not None and 0 < frame < rate * doc.MAX_SECONDS:
        details["timecode"] = doc.rational_time(Fraction(frame) / rate, rate)
    reel = text_at(file, "timecode/reel/name")
    if reel:
        details["reel"] = reel
    return {"fcp_xml": details} if details else {}
