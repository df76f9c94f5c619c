"""A cue as an OpenTimelineIO document of its own, in the dialects of DaVinci Resolve and Premiere Pro.

Both: an empty picture track that fixes the length, one audio track a file, times in whole frames at the sequence rate
(never the sample rate), media counted from its own timecode, markers on the sequence.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import PurePath
from typing import Any

from otio_adapters import document as doc
from otio_adapters.document import Node
from otio_adapters.out.delivery import Delivery, Mark, Sound

_SAMPLE_RATE = 48_000.0
_RESOLUTION = {"width": 1920, "height": 1080}  # the files say nothing of the picture; the editor's sequence decides


@dataclass(frozen=True)
class _Dialect:
    """What tells one system's documents from another's."""

    url: Callable[[PurePath], str]
    timeline: Node
    stack: Callable[[Delivery], Node]
    track: Node
    clip: Node


def resolve_otio(delivery: Delivery) -> bytes:
    """``NAME.resolve.otio``: bare paths and Resolve's own metadata."""
    return _document(delivery, _RESOLVE)


def premiere_otio(delivery: Delivery) -> bytes:
    """``NAME.premiere.otio``: file URLs and Premiere's own metadata."""
    return _document(delivery, _PREMIERE)


def _premiere_stack(delivery: Delivery) -> Node:
    return {
        "VideoFrameRate": float(delivery.rate),
        "AudioFrameRate": _SAMPLE_RATE,
        "VideoResolution": dict(_RESOLUTION),
        "PixelAspectRatio": {"numerator": 1.0, "denominator": 1.0},
    }


def _channels(track: bool) -> Node:
    if track:
        return {"AudioChannels": {"ChannelType": "Stereo", "NumberOfChannels": 2}}
    assignments = [{"SecondaryChannelIndex": 0}, {"SecondaryChannelIndex": 1}]
    return {
        "AudioChannels": {"ChannelType": "Stereo", "SecondaryAssignments": assignments},
        "OriginalChannelGroupIndex": 0,
        "SourceClipIndex": 0,
    }


_RESOLVE = _Dialect(
    url=lambda path: path.as_posix(),
    timeline={"Resolve_OTIO": {"Resolve OTIO Meta Version": "1.0"}},
    stack=lambda delivery: {},
    track={"Resolve_OTIO": {"Audio Type": "Stereo", "Locked": False, "SoloOn": False}},
    clip={"Resolve_OTIO": {"Channels": [{"Source Channel ID": i, "Source Track ID": 0} for i in (0, 1)]}},
)
_PREMIERE = _Dialect(
    url=lambda path: path.as_uri(),
    timeline={"PremierePro_OTIO": {"MetadataVersion": "1.0"}},
    stack=lambda delivery: {"PremierePro_OTIO": _premiere_stack(delivery)},
    track={"PremierePro_OTIO": _channels(track=True)},
    clip={"PremierePro_OTIO": _channels(track=False)},
)


def _document(delivery: Delivery, dialect: _Dialect) -> bytes:
    rate = delivery.rate
    start = Fraction(delivery.picture.start_frame) / rate
    picture = doc.track_node("Video 1", "Video", [doc.gap_node(delivery.length, rate)])
    tracks = [picture, *(_track(delivery, sound, start, dialect) for sound in delivery.sounds)]
    document = doc.timeline_node(delivery.name, tracks, doc.rational_time(start, rate), _copy(dialect.timeline))
    document["tracks"]["metadata"] = dialect.stack(delivery)
    document["tracks"]["markers"] = [_marker(mark, rate) for mark in delivery.marks]
    return json.dumps(document, indent=4, ensure_ascii=True).encode("ascii") + b"\n"


def _track(delivery: Delivery, sound: Sound, start: Fraction, dialect: _Dialect) -> Node:
    whole = doc.time_range(start, delivery.length, delivery.rate)
    reference = doc.external_reference(dialect.url(sound.path), whole, sound.path.name)
    clip = doc.clip_node(sound.path.stem, _copy(whole), reference, _copy(dialect.clip))
    clip["enabled"] = delivery.is_heard(sound)
    return doc.track_node(sound.name, "Audio", [clip], _copy(dialect.track))


def _marker(mark: Mark, rate: Fraction) -> Node:
    return doc.marker_node(
        mark.name,
        Fraction(mark.frame) / rate,
        rate,
        duration=Fraction(mark.frames) / rate,
        comment=mark.comment,
        color=mark.colour,
    )


def _copy(node: Node) -> Node:
    copied: dict[str, Any] = json.loads(json.dumps(node))
    return copied
