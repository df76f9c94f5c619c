"""What must hold for any timeline, tried on random ones."""

from __future__ import annotations

import copy
import json
import random
import tempfile
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emsync_engine.picture import Picture
from otio_adapters import MusicDelivery, MusicMarker, read_picture, timeline_with_music, without_music
from tests.otio_adapters.builders import clip, gap, generator, save, stack, timeline, tr, track, transition, warp

Node = dict[str, Any]


@dataclass(frozen=True)
class Seen:
    """A leaf at an instant, as the sampler sees it."""

    path: tuple[int, ...]
    title: bool
    instant: Fraction
    partial: bool = False
    """It lets what lies beneath show."""


def sample(document: Node, frame: int) -> Seen | None:
    """What the middle of a frame shows: a second opinion that shares nothing with the code under test."""
    found = list(leaves_at(document["tracks"], Fraction(2 * frame + 1, 2), (), stacked=True))
    pictures = [leaf for leaf in found if not leaf.title]
    full = [leaf for leaf in pictures if not leaf.partial]
    return (full or pictures or found or [None])[-1]


def opacity(node: Node) -> float:
    """Per cent, as the documents below say it."""
    effects = (effect["metadata"]["Resolve_OTIO"] for effect in node.get("effects") or [] if effect.get("metadata"))
    return min((effect["Parameters"][0]["Parameter Value"] for effect in effects), default=100)


def see_through(percent: float) -> Node:
    parameters = [{"Parameter ID": "opacity", "Parameter Value": percent, "Key Frames": {}}]
    details = {"Effect Name": "Composite", "Enabled": True, "Parameters": parameters}
    return {"OTIO_SCHEMA": "Effect.1", "metadata": {"Resolve_OTIO": details}}


def length(node: Node) -> Fraction:
    if node["OTIO_SCHEMA"].startswith("Transition"):
        return Fraction(0)
    if node.get("source_range"):
        return Fraction(node["source_range"]["duration"]["value"])
    lengths = [length(child) for child in node["children"]]
    return Fraction(sum(lengths)) if node["OTIO_SCHEMA"].startswith("Track") else Fraction(max(lengths, default=0))


def leaves_at(node: Node, at: Fraction, path: tuple[int, ...], stacked: bool) -> list[Seen]:
    """Leaves at a time in frames of a composition's own time, bottom first."""
    found: list[Seen] = []
    position = Fraction(0)
    for number, child in enumerate(node["children"]):
        here = (*path, number)
        if child["OTIO_SCHEMA"].startswith("Transition"):
            continue
        start = Fraction(0) if stacked else position
        end = start + length(child)
        position = end
        hidden = child.get("enabled") is False or child.get("kind") == "Audio" or not opacity(child)
        if hidden or not start <= at < end:
            continue
        speed = Fraction(1)
        for effect in child.get("effects") or []:
            speed *= Fraction(effect.get("time_scalar", 1))
        first = Fraction((child.get("source_range") or tr(0, 0))["start_time"]["value"])
        inner = first + speed * (at - start)
        if child["OTIO_SCHEMA"].startswith(("Track", "Stack")):
            inside = leaves_at(child, inner, here, child["OTIO_SCHEMA"].startswith("Stack"))
            found += [replace(leaf, partial=leaf.partial or opacity(child) < 100) for leaf in inside]
        elif child["OTIO_SCHEMA"].startswith("Clip"):
            reference = child["media_references"]["DEFAULT_MEDIA"]["OTIO_SCHEMA"]
            found.append(Seen(here, reference.startswith("Generator"), inner, opacity(child) < 100))
    return found


@st.composite
def items(draw: st.DrawFn, depth: int) -> Node:
    """An item of a track, whole frames long."""
    kinds = ["clip", "clip", "clip", "gap", "title", "off", "fast", "partial", "ghost"] + (
        ["nest", "nest"] if depth else []
    )
    kind = draw(st.sampled_from(kinds))
    duration = draw(st.integers(1, 12))
    name = f"m{draw(st.integers(0, 3))}"
    start = draw(st.integers(0, 40))
    if kind == "gap":
        return gap(duration)
    if kind == "title":
        return generator("T", duration)
    if kind == "off":
        return clip(name, start, duration, enabled=False)
    if kind == "fast":
        return clip(name, start, duration, effects=[warp(draw(st.sampled_from([0, 0.5, 2, 3])))])
    if kind in ("partial", "ghost"):
        return clip(name, start, duration, effects=[see_through(40 if kind == "partial" else 0)])
    if kind == "nest":
        window = tr(draw(st.integers(0, 8)), duration)
        effects = draw(st.sampled_from([[], [], [warp(2)], [warp(0.5)], [warp(0)], [see_through(40)]]))
        return stack(*draw(st.lists(tracks(depth - 1), max_size=3)), source_range=window, effects=effects)
    return clip(name, start, duration)


@st.composite
def tracks(draw: st.DrawFn, depth: int) -> Node:
    children = draw(st.lists(items(depth), max_size=6))
    more: Node = {}
    total = sum(length(child) for child in children)
    if total > 2 and draw(st.booleans()):
        first = draw(st.integers(0, int(total) - 1))
        more["source_range"] = tr(first, draw(st.integers(1, int(total) - first)))
    if draw(st.integers(0, 5)) == 0:
        more["enabled"] = False
    return track(*children, kind=draw(st.sampled_from(["Video", "Video", "Video", "Audio"])), **more)


def resolved(document: Node) -> Picture:
    with tempfile.TemporaryDirectory() as folder:
        return read_picture(save(Path(folder), document))


@settings(max_examples=400, deadline=None)
@given(st.lists(tracks(2), min_size=1, max_size=5))
def test_what_is_seen_agrees_with_a_sampler_frame_by_frame(lanes: list[Node]) -> None:
    document = timeline(*lanes)
    picture = resolved(document)
    total = max((length(lane) for lane in lanes if lane.get("enabled") is not False), default=Fraction(0))
    frames = [sample(document, frame) for frame in range(int(total))]
    paths = [leaf.path if leaf else None for leaf in frames]
    expected = [frame for frame in range(1, len(paths)) if paths[frame] != paths[frame - 1]]
    if not any(paths):
        expected = []
    assert [b.frame for b in picture.boundaries if b.picture] == expected
    for shot in picture.shots:
        middle = shot.start + Fraction(1, 48)
        leaf = frames[int(shot.start * 24)]
        assert leaf is not None
        assert leaf.path == shot.path
        if not leaf.title:
            assert (shot.media_start + shot.speed * (middle - shot.start)) * 24 == leaf.instant


@settings(max_examples=200, deadline=None)
@given(st.lists(tracks(1), min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_splitting_a_clip_into_through_edits_changes_nothing_else(lanes: list[Node], chance: random.Random) -> None:
    before = resolved(timeline(*lanes))
    pieces = copy.deepcopy(lanes)
    for lane in pieces:
        lane["children"] = [part for child in lane["children"] for part in split(child, chance)]
    after = resolved(timeline(*pieces))
    assert essentials(after) == essentials(before)


def split(node: Node, chance: random.Random) -> list[Node]:
    """A plain clip in two parts of the same running media."""
    if not node["OTIO_SCHEMA"].startswith("Clip") or node["effects"] or chance.random() < 0.4:
        return [node]
    start, duration = (node["source_range"][key]["value"] for key in ("start_time", "duration"))
    if duration < 2 or node["media_references"]["DEFAULT_MEDIA"]["OTIO_SCHEMA"].startswith("Generator"):
        return [node]
    at = chance.randrange(1, int(duration))
    left, right = copy.deepcopy(node), copy.deepcopy(node)
    left["source_range"], right["source_range"] = tr(start, at), tr(start + at, duration - at)
    return [left, right]


def essentials(picture: Picture) -> list[tuple[Any, ...]]:
    return [(b.frame, b.kind, b.hit, b.span, b.picture) for b in picture.boundaries if not b.through]


@settings(max_examples=100, deadline=None)
@given(st.lists(tracks(1), min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_harmless_changes_keep_the_cuts(lanes: list[Node], chance: random.Random) -> None:
    document = timeline(*lanes)
    changed = copy.deepcopy(document)
    top = changed["tracks"]
    video = [lane for lane in top["children"] if lane["kind"] != "Audio"]
    audio = [lane for lane in top["children"] if lane["kind"] == "Audio"]
    chance.shuffle(audio)
    top["children"] = [*audio, *video]
    for lane in top["children"]:
        lane["metadata"] = {"note": chance.random()}
        for child in lane["children"]:
            child["metadata"] = {"other": {"id": str(chance.random())}}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "cut.otio")
        path.write_text("\ufeff" + json.dumps(changed, indent=chance.randrange(5)) + "\n\n", encoding="utf-8")
        after = read_picture(path)
    assert essentials(after) == essentials(resolved(document))


@settings(max_examples=100, deadline=None)
@given(st.lists(tracks(1), min_size=1, max_size=3), st.booleans())
def test_music_goes_in_and_out_of_any_document(lanes: list[Node], has_markers: bool) -> None:
    document = timeline(*lanes)
    if not has_markers:
        del document["tracks"]["markers"]
    music = MusicDelivery(
        "c", (("mix", Path("mix.wav")),), (MusicMarker(Fraction(1), "hit"),), Fraction(7, 3), Fraction(24)
    )
    with tempfile.TemporaryDirectory() as folder:
        once = timeline_with_music(save(Path(folder), document), music)
        twice = timeline_with_music(save(Path(folder), once), music)
    assert twice == once
    assert without_music(once) == document
    assert len(once["tracks"]["children"]) == len(document["tracks"]["children"]) + 1


@pytest.mark.parametrize("rate", [24, 25, 24000 / 1001, 30000 / 1001, 50, 60000 / 1001])
def test_the_last_cut_of_two_hours_is_exact(tmp_path: Path, rate: float) -> None:
    clips = [clip(f"m{n}", 3 * n, 97, rate) for n in range(2000)]
    picture = read_picture(save(tmp_path, timeline(track(*clips))))
    assert picture.boundaries[-1].time == Fraction(97 * 1999) / picture.rate
    assert picture.frame_at(picture.boundaries[-1].time) == 97 * 1999


def test_dissolves_of_a_random_track_meet_their_cuts(tmp_path: Path) -> None:
    chance = random.Random(3)
    children: list[Node] = []
    expected = []
    position = 0
    for number in range(60):
        duration = chance.randrange(30, 60)
        children.append(clip(f"m{number}", 100, duration))
        position += duration
        if number < 59 and chance.random() < 0.5:
            before, after = chance.randrange(0, 12), chance.randrange(1, 12)
            children.append(transition(before, after))
            expected.append((position, Fraction(2 * position + after - before, 48)))
    picture = read_picture(save(tmp_path, timeline(track(*children))))
    assert [(b.frame, b.hit) for b in picture.boundaries if b.kind == "dissolve"] == expected
