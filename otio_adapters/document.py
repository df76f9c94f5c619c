"""OpenTimelineIO documents as plain JSON: tolerant loading, exact times, and the few nodes we write.

The document stays a tree of dicts, so that what we do not understand (newer schemas, vendors' metadata) survives a
round trip untouched, and times are read as exact ``Fraction`` seconds.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from typing import Any, TypeGuard

from emsync_engine.errors import InputError
from emsync_engine.timecode import canonical_rate

Node = dict[str, Any]
"""An OpenTimelineIO object as JSON, with its ``OTIO_SCHEMA``."""

MAX_SECONDS = 10**7
"""Times beyond this (115 days) are taken for damage."""
MAX_DEPTH = 100
"""Deepest nesting of compositions that is followed."""

_STRING_OR_INF = re.compile(r'"(?:\\.|[^"\\])*"|-?\bInf\b')
_FRACTION = re.compile(r"^(-?\d{1,40})(?:/(\d{1,40}))?$")
_VALUE_TOLERANCE = Fraction(1, 10**6)
_VALUE_DENOMINATOR = 100_000  # some systems write 37008.099992 where 37008.1 is meant


def parse_document(data: bytes, where: str) -> Node:
    """The document in ``data``: NaN, Infinity and a bare ``Inf`` are accepted, as OpenTimelineIO writes them.

    Raises:
        InputError: not text, not JSON, or not an OpenTimelineIO object.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError("is not an OpenTimelineIO file (binary, not text)", where, "not_a_timeline") from error
    try:
        try:
            document = json.loads(text)
        except json.JSONDecodeError:
            document = json.loads(_STRING_OR_INF.sub(_spell_out_infinity, text))
    except json.JSONDecodeError as error:
        message = f"is not valid JSON at line {error.lineno}, column {error.colno} ({error.msg}): is it complete?"
        raise InputError(f"{message} Export it again", where, "not_a_timeline") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"cannot be read as JSON ({error}): export it again", where, "not_a_timeline") from error
    if not isinstance(document, dict) or not isinstance(document.get("OTIO_SCHEMA"), str):
        message = "is JSON but not an OpenTimelineIO document (no OTIO_SCHEMA): export a timeline"
        raise InputError(message, where, "not_a_timeline")
    return document


def _spell_out_infinity(match: re.Match[str]) -> str:
    text = match.group()
    return text if text.startswith('"') else text.replace("Inf", "Infinity")


def schema_of(node: object) -> str:
    """``Clip`` of a node with ``OTIO_SCHEMA`` ``Clip.2``; an empty string for anything that is no node.

    Old names are given as today's: ``Sequence`` is a ``Track``, ``Filler`` a ``Gap``.
    """
    label = node.get("OTIO_SCHEMA") if isinstance(node, dict) else None
    name = label.partition(".")[0] if isinstance(label, str) else ""
    return {"Sequence": "Track", "Filler": "Gap"}.get(name, name)


def text_of(node: Node, key: str) -> str:
    """A text field; an empty string when it is absent or no text."""
    value = node.get(key)
    return value if isinstance(value, str) else ""


def nodes_of(node: Node, key: str) -> list[Node]:
    """A list of nodes such as ``children`` or ``markers``; absent and null are an empty list.

    Raises:
        InputError: the field holds something else.
    """
    value = node.get(key)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(child, dict) for child in value):
        raise InputError(f"its {key} are damaged (a list of objects was expected): export the timeline again")
    return value


def metadata_of(node: Node) -> Node:
    """The metadata of a node, or an empty dict."""
    value = node.get("metadata")
    return value if isinstance(value, dict) else {}


def is_enabled(node: Node) -> bool:
    return node.get("enabled") is not False


@lru_cache(maxsize=4096)
def _exact_rate(rate: float) -> Fraction:
    return canonical_rate(rate)


@lru_cache(maxsize=65536)
def exact_value(value: float) -> Fraction:
    """The count meant by a float of a document: whole when within a millionth, else the nearest simple fraction."""
    if isinstance(value, int):
        return Fraction(value)
    nearest = round(value)
    exact = Fraction(value)
    if abs(exact - nearest) < _VALUE_TOLERANCE:
        return Fraction(nearest)
    return exact.limit_denominator(_VALUE_DENOMINATOR)


@lru_cache(maxsize=4096)
def exact_scalar(value: float) -> Fraction:
    """A speed as a simple fraction: 0.8545454551724138 is 47/55 only where it says so to a millionth of a millionth."""
    exact = Fraction(value)
    simple = exact.limit_denominator(1000)
    return simple if abs(simple - exact) < Fraction(1, 10**12) else exact.limit_denominator(10**7)


def fraction_of(text: object) -> Fraction | None:
    """The number that a text such as ``-7/24`` holds, as ``str(Fraction)`` writes it; None for anything else."""
    match = _FRACTION.match(text) if isinstance(text, str) else None
    divisor = int(match.group(2) or 1) if match else 0
    return Fraction(int(match.group(1)), divisor) if match and divisor else None


def rate_of(time: object) -> Fraction:
    """Exact rate of a ``RationalTime``.

    Raises:
        InputError: it has none, or one that is no rate.
    """
    rate = time.get("rate") if isinstance(time, dict) else None
    if not _is_number(rate) or rate <= 0:
        raise InputError(f"a time has the rate {rate!r}, which is no frame rate: export the timeline again")
    exact = _exact_rate(rate)
    if not exact:
        raise InputError(f"a time has the rate {rate!r}, which is no frame rate: export the timeline again")
    return exact


def seconds_of(time: object) -> Fraction:
    """Exact seconds of a ``RationalTime``.

    Raises:
        InputError: not a time, or not a plausible one.
    """
    value = time.get("value") if isinstance(time, dict) else None
    if not _is_number(value):
        raise InputError(f"a time has the value {value!r}: export the timeline again")
    seconds = exact_value(value) / rate_of(time)
    if abs(seconds) > MAX_SECONDS:
        raise InputError("a time lies beyond 115 days, which cannot be right: export the timeline again")
    return seconds


def range_of(value: object) -> tuple[Fraction, Fraction] | None:
    """(start, duration) in seconds of a ``TimeRange``, or None when it is absent.

    Raises:
        InputError: the range is damaged or its duration negative.
    """
    if value is None:
        return None
    if not isinstance(value, dict):
        raise InputError(f"a time range is damaged ({value!r}): export the timeline again")
    start, duration = seconds_of(value.get("start_time")), seconds_of(value.get("duration"))
    if duration < 0:
        raise InputError(f"it lasts {float(duration):g} seconds, which cannot be: export the timeline again")
    return start, duration


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < math.inf


def media_reference_of(clip: Node) -> Node:
    """The active media reference of a ``Clip.1`` or ``Clip.2``; an empty dict when there is none."""
    references = clip.get("media_references")
    if isinstance(references, dict):
        key = clip.get("active_media_reference_key")
        reference = references.get(key if isinstance(key, str) else "DEFAULT_MEDIA")
        if not isinstance(reference, dict):
            reference = next((r for r in references.values() if isinstance(r, dict)), None)
    else:
        reference = clip.get("media_reference")
    return reference if isinstance(reference, dict) else {}


def walk(node: Node, depth: int = 0) -> Iterator[Node]:
    """A node and everything it contains through ``tracks`` and ``children``, parents first."""
    yield node
    if depth > MAX_DEPTH:
        raise InputError(f"it is nested more than {MAX_DEPTH} levels deep: flatten the nests and export again")
    inner = node.get("tracks")
    if isinstance(inner, dict):
        yield from walk(inner, depth + 1)
    for child in nodes_of(node, "children"):
        yield from walk(child, depth + 1)


def rational_time(seconds: Fraction, rate: Fraction) -> Node:
    """A ``RationalTime`` at the rate when the time is whole frames there, else one that holds it exactly."""
    frames = seconds * rate
    if frames.denominator == 1:
        value, hertz = frames, rate
    else:
        value, hertz = Fraction(seconds.numerator), Fraction(seconds.denominator)
    return {"OTIO_SCHEMA": "RationalTime.1", "rate": float(hertz), "value": float(value)}


def time_range(start: Fraction, duration: Fraction, rate: Fraction) -> Node:
    return {
        "OTIO_SCHEMA": "TimeRange.1",
        "start_time": rational_time(start, rate),
        "duration": rational_time(duration, rate),
    }


def _item(schema: str, name: str, source_range: Node | None, metadata: Node | None) -> Node:
    return {
        "OTIO_SCHEMA": schema,
        "metadata": metadata or {},
        "name": name,
        "source_range": source_range,
        "effects": [],
        "markers": [],
        "enabled": True,
        "color": None,
    }


def external_reference(url: str, available: Node | None, name: str = "") -> Node:
    return {
        "OTIO_SCHEMA": "ExternalReference.1",
        "metadata": {},
        "name": name,
        "available_range": available,
        "available_image_bounds": None,
        "target_url": url,
    }


def missing_reference(name: str = "", available: Node | None = None) -> Node:
    return {
        "OTIO_SCHEMA": "MissingReference.1",
        "metadata": {},
        "name": name,
        "available_range": available,
        "available_image_bounds": None,
    }


def generator_reference(kind: str, name: str = "", available: Node | None = None) -> Node:
    return {
        "OTIO_SCHEMA": "GeneratorReference.1",
        "metadata": {},
        "name": name,
        "available_range": available,
        "available_image_bounds": None,
        "generator_kind": kind,
        "parameters": {},
    }


def clip_node(name: str, source_range: Node, reference: Node, metadata: Node | None = None) -> Node:
    return _item("Clip.2", name, source_range, metadata) | {
        "media_references": {"DEFAULT_MEDIA": reference},
        "active_media_reference_key": "DEFAULT_MEDIA",
    }


def gap_node(duration: Fraction, rate: Fraction) -> Node:
    return _item("Gap.1", "", time_range(Fraction(0), duration, rate), None)


def track_node(name: str, kind: str, children: list[Node], metadata: Node | None = None) -> Node:
    return _item("Track.1", name, None, metadata) | {"children": children, "kind": kind}


def stack_node(name: str, children: list[Node], source_range: Node | None = None) -> Node:
    return _item("Stack.1", name, source_range, None) | {"children": children}


def timeline_node(name: str, tracks: list[Node], start: Node | None, metadata: Node | None = None) -> Node:
    return {
        "OTIO_SCHEMA": "Timeline.1",
        "metadata": metadata or {},
        "name": name,
        "global_start_time": start,
        "tracks": stack_node("tracks", tracks),
    }


def transition_node(name: str, before: Fraction, after: Fraction, rate: Fraction, wipe: bool = False) -> Node:
    """A transition ``before`` seconds into the outgoing and ``after`` seconds into the incoming clip."""
    return {
        "OTIO_SCHEMA": "Transition.1",
        "metadata": {},
        "name": name,
        "in_offset": rational_time(before, rate),
        "out_offset": rational_time(after, rate),
        "transition_type": "Custom_Transition" if wipe else "SMPTE_Dissolve",
    }


def warp_node(speed: Fraction) -> Node:
    """A ``LinearTimeWarp``, or a ``FreezeFrame`` for speed 0."""
    schema = "LinearTimeWarp.1" if speed else "FreezeFrame.1"
    return {
        "OTIO_SCHEMA": schema,
        "metadata": {},
        "name": "",
        "effect_name": schema.partition(".")[0],
        "enabled": True,
        "time_scalar": float(speed),
    }


def marker_node(name: str, start: Fraction, rate: Fraction, **more: Any) -> Node:
    """A marker. ``more``: ``duration`` (seconds), ``comment``, ``color`` (an OTIO colour name), ``metadata``."""
    return {
        "OTIO_SCHEMA": "Marker.2",
        "metadata": more.get("metadata") or {},
        "name": name,
        "color": more.get("color") or "RED",
        "marked_range": time_range(start, more.get("duration") or Fraction(0), rate),
        "comment": more.get("comment") or "",
    }
