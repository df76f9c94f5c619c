"""Timelines made by program: plain ones for quick tests, random ones as editors might cut them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

Node = dict[str, Any]

RATES = (24.0, 25.0, 30.0, 24000 / 1001, 30000 / 1001, 50.0, 60000 / 1001)


def time(frames: float, rate: float = 24.0) -> Node:
    return {"OTIO_SCHEMA": "RationalTime.1", "rate": rate, "value": float(frames)}


def span(start: float, length: float, rate: float = 24.0) -> Node:
    return {"OTIO_SCHEMA": "TimeRange.1", "start_time": time(start, rate), "duration": time(length, rate)}


def clip(name: str, start: float, length: float, rate: float = 24.0, **more: Any) -> Node:
    """A clip of media that is not there."""
    return {
        "OTIO_SCHEMA": "Clip.2",
        "metadata": {},
        "name": name,
        "source_range": span(start, length, rate),
        "effects": [],
        "markers": [],
        "enabled": True,
        "media_references": {"DEFAULT_MEDIA": {"OTIO_SCHEMA": "MissingReference.1", "metadata": {}, "name": name}},
        "active_media_reference_key": "DEFAULT_MEDIA",
        **more,
    }


def gap(length: float, rate: float = 24.0) -> Node:
    return {"OTIO_SCHEMA": "Gap.1", "metadata": {}, "name": "", "source_range": span(0, length, rate), "effects": [],
            "markers": [], "enabled": True}  # fmt: skip


def dissolve(half: float, rate: float = 24.0) -> Node:
    return {"OTIO_SCHEMA": "Transition.1", "metadata": {}, "name": "Cross Dissolve", "in_offset": time(half, rate),
            "out_offset": time(half, rate), "transition_type": "SMPTE_Dissolve"}  # fmt: skip


def marker(name: str, frame: float, length: float = 0, rate: float = 24.0, comment: str = "") -> Node:
    return {"OTIO_SCHEMA": "Marker.2", "metadata": {}, "name": name, "marked_range": span(frame, length, rate),
            "color": "RED", "comment": comment}  # fmt: skip


def track(children: Sequence[Node], kind: str = "Video", name: str = "V1", **more: Any) -> Node:
    return {"OTIO_SCHEMA": "Track.1", "metadata": {}, "name": name, "source_range": None, "effects": [],
            "markers": [], "enabled": True, "children": list(children), "kind": kind, **more}  # fmt: skip


def timeline(
    tracks: Sequence[Node], markers: Sequence[Node] = (), *, name: str = "cut", start: float = 86400, rate: float = 24.0
) -> Node:
    """A timeline that starts at frame ``start`` (by default 01:00:00:00 at 24)."""
    stack = {"OTIO_SCHEMA": "Stack.1", "metadata": {}, "name": "tracks", "source_range": None, "effects": [],
             "markers": list(markers), "enabled": True, "children": list(tracks)}  # fmt: skip
    return {"OTIO_SCHEMA": "Timeline.1", "metadata": {"editor": {"note": "keep me", "n": 1.5}}, "name": name,
            "global_start_time": time(start, rate), "tracks": stack}  # fmt: skip


def plain_cut(
    lengths: Sequence[int], markers: Sequence[Node] = (), *, rate: float = 24.0, name: str = "cut", start: float = 86400
) -> Node:
    """Shots of so many frames, one after the other, on one track."""
    shots = [clip(f"shot {i + 1}", 1000 * i, n, rate) for i, n in enumerate(lengths)]
    return timeline([track(shots)], markers, rate=rate, name=name, start=start)


def random_edit(seed: int) -> Node:
    """An edit between 4 and 100 s: pace, dissolves, black, cutaways, disabled clips and markers as they fall."""
    rng = random.Random(seed)
    rate = rng.choice(RATES)
    length_s = rng.choice((4, 8, 12, 20, 30, 45, 60, 100)) * rng.uniform(0.8, 1.2)
    mean_s = rng.choice((0.4, 1.0, 2.5, 5.0, 12.0))
    total = round(length_s * rate)
    main = _main_track(rng, rate, total, mean_s)
    tracks = [track(main)]
    if rng.random() < 0.5:
        tracks.append(track(_cutaways(rng, rate, total), name="V2"))
    if rng.random() < 0.5:
        tracks.append(track([clip("voice", 0, total, rate)], kind="Audio", name="Dialogue"))
    return timeline(tracks, _markers(rng, rate, total), name=f"edit {seed}", start=round(3600 * rate), rate=rate)


def _main_track(rng: random.Random, rate: float, total: int, mean_s: float) -> list[Node]:
    row: list[Node] = []
    at = number = 0
    while at < total:
        length = max(1, round(rng.expovariate(1 / mean_s) * rate))
        length = length if total - at - length >= 2 else total - at
        number += 1
        if rng.random() < 0.06 and row and "Gap" not in row[-1]["OTIO_SCHEMA"] and at + length < total:
            row.append(gap(length, rate))
        else:
            half = min(round(rate / 2), length // 3, _length(row[-1]) // 3 if row else 0)
            if row and "Clip" in row[-1]["OTIO_SCHEMA"] and half >= 1 and rng.random() < 0.12:
                row.append(dissolve(half, rate))
            row.append(clip(f"shot {number}", 1000 + 10_000 * number, length, rate))
        at += length
    return row


def _length(node: Node) -> int:
    return int(node["source_range"]["duration"]["value"]) if "source_range" in node else 0


def _cutaways(rng: random.Random, rate: float, total: int) -> list[Node]:
    row: list[Node] = []
    at = 0
    while at < total:
        pause = min(round(rng.uniform(1, 12) * rate), total - at)
        length = min(round(rng.uniform(0.3, 4) * rate), total - at - pause)
        row.append(gap(pause, rate))
        if length > 0:
            row.append(clip(f"cutaway {at}", 500 * at, length, rate, enabled=rng.random() < 0.8))
        at += pause + max(length, 0)
    return row


def _markers(rng: random.Random, rate: float, total: int) -> list[Node]:
    texts = ("hit", "no-hit", "a note to myself", "section: middle", "mood: tense", "mood: 0.5,-0.5")
    count = rng.choice((0, 0, 1, 2, 4))
    return [marker(rng.choice(texts), rng.randrange(total), rate=rate) for _ in range(count)]


def frames_per_second(document: Node) -> Fraction:
    """The rate of a timeline made here, exactly."""
    rate = document["global_start_time"]["rate"]
    return Fraction(round(rate * 1001), 1001) if rate % 1 else Fraction(int(rate))
