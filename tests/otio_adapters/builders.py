"""Small documents for the tests, written out by hand: frames at 24 unless said otherwise."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

Node = dict[str, Any]


def rt(frames: float, rate: float = 24) -> Node:
    return {"OTIO_SCHEMA": "RationalTime.1", "value": frames, "rate": rate}


def tr(start: float, duration: float, rate: float = 24) -> Node:
    return {"OTIO_SCHEMA": "TimeRange.1", "start_time": rt(start, rate), "duration": rt(duration, rate)}


def clip(name: str, start: float, duration: float, rate: float = 24, **more: Any) -> Node:
    reference = more.pop("reference", None) or {
        "OTIO_SCHEMA": "ExternalReference.1",
        "target_url": more.pop("url", f"{name}.mov"),
        "available_range": more.pop("available", tr(0, 10_000, rate)),
    }
    node = {
        "OTIO_SCHEMA": "Clip.2",
        "name": name,
        "source_range": tr(start, duration, rate),
        "media_references": {"DEFAULT_MEDIA": reference},
        "active_media_reference_key": "DEFAULT_MEDIA",
        "effects": [],
        "markers": [],
        "enabled": True,
        "metadata": {},
    }
    return node | more


def generator(name: str, duration: float, kind: str = "Rich", **more: Any) -> Node:
    reference = {"OTIO_SCHEMA": "GeneratorReference.1", "generator_kind": kind, "available_range": None}
    return clip(name, 0, duration, reference=reference, **more)


def gap(duration: float, rate: float = 24) -> Node:
    return {"OTIO_SCHEMA": "Gap.1", "name": "", "source_range": tr(0, duration, rate)}


def transition(before: float, after: float, **more: Any) -> Node:
    node = {
        "OTIO_SCHEMA": "Transition.1",
        "name": "Cross Dissolve",
        "in_offset": rt(before),
        "out_offset": rt(after),
        "transition_type": "SMPTE_Dissolve",
    }
    return node | more


def warp(scalar: float) -> Node:
    return {"OTIO_SCHEMA": "LinearTimeWarp.1", "time_scalar": scalar, "enabled": True}


def marker(name: str, frame: float, **more: Any) -> Node:
    return {"OTIO_SCHEMA": "Marker.2", "name": name, "marked_range": tr(frame, 0), "comment": "", "metadata": {}} | more


def track(*children: Node, kind: str = "Video", **more: Any) -> Node:
    return {"OTIO_SCHEMA": "Track.1", "kind": kind, "name": "", "children": list(children)} | more


def stack(*children: Node, **more: Any) -> Node:
    return {"OTIO_SCHEMA": "Stack.1", "name": "nest", "children": list(children)} | more


def timeline(*tracks: Node, markers: list[Node] | None = None, **more: Any) -> Node:
    top = {"OTIO_SCHEMA": "Stack.1", "name": "tracks", "children": list(tracks), "markers": markers or []}
    return {"OTIO_SCHEMA": "Timeline.1", "name": "t", "global_start_time": None, "tracks": top, "metadata": {}} | more


def save(folder: Path, document: Node, name: str = "cut.otio") -> Path:
    path = folder / name
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


TRACKS = 26
"""Of ``feature``."""
_SHOT = 1350
"""Frames of a shot of ``feature`` on the average: 5,000 on 26 tracks last a little over two hours."""


def feature(clips: int) -> dict[str, Any]:
    """A feature of 26 picture and sound tracks that holds so many clips, a part of them in nests of three levels."""
    chance = random.Random(1)
    lanes: list[list[Node]] = [[] for _ in range(TRACKS)]
    made = 0
    while made < clips:
        for number, children in enumerate(lanes):
            length = chance.randrange(_SHOT - 400, _SHOT + 400)
            kind = chance.choice(["clip"] * 8 + ["gap", "nest"])
            child = clip(f"m{number}-{made}", chance.randrange(1000), length) if kind != "gap" else gap(length)
            made += kind != "gap"
            if kind == "nest":
                for level in range(3):
                    lower = track(child, clip(f"x{level}", 0, 50))
                    child = stack(
                        lower, track(gap(20), clip(f"y{level}", 0, 30)), source_range=tr(5, length - 5 * level)
                    )
                    made += 2
            children.append(child)
    return timeline(*(track(*row, kind="Video" if n < 16 else "Audio") for n, row in enumerate(lanes)))


def clips_of(node: Node) -> int:
    """How many clips a document holds."""
    inner = [node["tracks"]] if "tracks" in node else node.get("children", [])
    return (node["OTIO_SCHEMA"] == "Clip.2") + sum(map(clips_of, inner))
