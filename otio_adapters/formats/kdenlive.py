"""Kdenlive projects (``.kdenlive``, MLT XML): tracks of two playlists that overlap where clips are mixed."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from emsync_engine.errors import InputError
from emsync_engine.timecode import canonical_rate
from otio_adapters import document as doc
from otio_adapters.appearance import PLAIN, Look, look_metadata
from otio_adapters.document import Node
from otio_adapters.formats.placing import Blended, Placed, place_track
from otio_adapters.formats.xml_text import Element, parse_xml
from otio_adapters.reading import Reading

_CLOCK = re.compile(r"^(?:(\d+):)?(\d+):(\d+)(?:[.,](\d+))?$")
_GENERATORS = {"color": "Solid Color", "colour": "Solid Color", "kdenlivetitle": "Title", "noise": "Noise"}
_ZERO = Fraction(0)


def read(path: Path) -> Reading:
    """Read a Kdenlive project.

    Raises:
        InputError: not one, or a damaged one.
    """
    root = parse_xml(path)
    if root.tag != "mlt":
        raise InputError(f"is XML with <{root.tag}>, not a Kdenlive project", path.name, "not_a_timeline")
    project = _Project(root, path.name)
    sequence = project.sequence()
    tracks = project.tracks(sequence)
    document = doc.timeline_node(path.stem, tracks, None)
    document["tracks"]["markers"] = project.guides(sequence)
    folder = Path(root.get("root") or "")
    return Reading(document, project.rate, media_folder=folder if folder.is_absolute() and folder.is_dir() else None)


@dataclass
class _Project:
    """One file: everything by id."""

    root: Element
    where: str
    rate: Fraction = Fraction(25)
    _open: list[str] = field(default_factory=list)
    _nests: dict[tuple[str, str], Node] = field(default_factory=dict)

    def __post_init__(self) -> None:
        profile = self.root.find("profile")
        try:
            if profile is not None:
                numbers = int(profile.get("frame_rate_num", "")), int(profile.get("frame_rate_den", ""))
                self.rate = canonical_rate(Fraction(*numbers))
        except (ValueError, ZeroDivisionError) as error:
            raise InputError("its profile has no usable frame rate: save the project again", self.where) from error
        sides = [(profile.get(name) or "") if profile is not None else "" for name in ("width", "height")]
        self._size = [int(side) if side.isdecimal() and len(side) < 7 else 0 for side in sides]
        self._by_id = {element.get("id") or "": element for element in self.root if element.get("id")}
        self._markers = {
            key: markers
            for element in self.root
            if (key := _property(element, "kdenlive:id")) and (markers := _json_list(element, "kdenlive:markers"))
        }

    def sequence(self) -> Element:
        """The tractor that holds the tracks.

        Raises:
            InputError: there is none.
        """
        tractors = self.root.findall("tractor")
        if not tractors:
            raise InputError("holds no timeline: save the project again", self.where, "not_a_timeline")
        project = next((t for t in tractors if _property(t, "kdenlive:projectTractor") == "1"), None)
        if project is not None:
            inner = (self._by_id.get(track.get("producer") or "") for track in project.findall("track"))
            return next((t for t in inner if t is not None and t.tag == "tractor"), project)
        return tractors[-1]

    def guides(self, sequence: Element) -> list[Node]:
        found = _json_list(sequence, "kdenlive:sequenceproperties.guides")
        for element in self.root.findall("playlist") if not found else ():
            found = found or _json_list(element, "kdenlive:docproperties.guides")
        return [self._marker(guide) for guide in found]

    def tracks(self, sequence: Element, medium: str = "") -> list[Node]:
        """Tracks bottom first; only those of one medium when it is given."""
        tracks: list[Node] = []
        for track in sequence.findall("track"):
            element = self._by_id.get(track.get("producer") or "")
            if element is None or element.tag not in ("tractor", "playlist"):
                continue
            kind = "Audio" if _property(element, "kdenlive:audio_track") == "1" else "Video"
            if medium and kind != medium:
                continue
            name = _property(element, "kdenlive:track_name") or f"{kind[0]}{len(tracks) + 1}"
            node = self._track(element, kind, name)
            node["enabled"] = track.get("hide") not in ("both", kind.lower())
            tracks.append(node)
        return tracks

    def _track(self, element: Element, kind: str, name: str) -> Node:
        ids = (
            [element.get("id")] if element.tag == "playlist" else [t.get("producer") for t in element.findall("track")]
        )
        playlists = [self._by_id[key] for key in ids if key in self._by_id]
        clips = [clip for playlist in playlists for clip in self._clips(playlist, kind)]
        mixes = [mix for mix in element.findall("transition") if _property(mix, "kdenlive:mixcut")]
        blends = [blend for mix in mixes if (blend := self._mix(mix, clips)) is not None]
        return place_track(name, kind, clips, self.rate, blends)

    def _mix(self, mix: Element, clips: list[Placed]) -> Blended | None:
        """A mix of two overlapping clips: both are cut at its edit point, which counts back from its end."""
        start, end = (self._time(mix.get(name)) for name in ("in", "out"))
        back = _property(mix, "kdenlive:mixcut")
        edit = end - Fraction(int(back)) / self.rate if back.isdecimal() else (start + end) / 2
        if not start <= edit <= end or start == end:
            return None
        for number, clip in enumerate(clips):
            if clip.start == start and clip.end > edit:
                clips[number] = clip.between(edit, clip.end)
            elif clip.end == end and clip.start < edit:
                clips[number] = replace(clip, end=edit)
        name = _property(mix, "kdenlive_id") or _property(mix, "mlt_service")
        return Blended(start, edit, end, name, wipe=bool(_property(mix, "resource")))

    def _clips(self, playlist: Element, kind: str) -> list[Placed]:
        clips = []
        position = _ZERO
        for entry in playlist:
            if entry.tag == "blank":
                position += self._time(entry.get("length"))
            elif entry.tag == "entry":
                first = self._time(entry.get("in"))
                length = self._time(entry.get("out")) - first + 1 / self.rate
                producer = self._by_id.get(entry.get("producer") or "")
                if producer is not None and length > 0:
                    clip = self._clip(producer, position, position + length, first, kind)
                    clips.append(replace(clip, metadata=look_metadata(self._look(entry, length))))
                position += max(length, _ZERO)
        return clips

    def _clip(self, producer: Element, start: Fraction, end: Fraction, first: Fraction, kind: str) -> Placed:
        resource, service = _property(producer, "resource"), _property(producer, "mlt_service")
        speed = Fraction(1)
        if service == "timewarp":
            factor, _, file = resource.partition(":")
            speed = _number(_property(producer, "warp_speed") or factor)
            resource = _property(producer, "warp_resource") or file or resource
        name = _property(producer, "kdenlive:clipname") or Path(resource).name or producer.get("id") or ""
        if producer.tag == "tractor":
            return Placed(start, end, name, None, first, nest=self._nest(producer, kind))
        if service in _GENERATORS or resource in ("black", "color:black"):
            kind_of = "black" if resource in ("black", "#000000", "0x000000ff") else _GENERATORS.get(service, "black")
            return Placed(start, end, "" if kind_of == "black" else name, doc.generator_reference(kind_of, name))
        length = self._time(_property(producer, "length"))
        available = doc.time_range(_ZERO, length * abs(speed), self.rate) if 0 < length < 10**6 else None
        marks = tuple(self._marker(mark) for mark in self._markers.get(_property(producer, "kdenlive:id"), []))
        source = first * speed if speed >= 0 else (length - first) * abs(speed)
        return Placed(start, end, name, doc.external_reference(resource, available), source, speed, markers=marks)

    def _look(self, entry: Element, length: Fraction) -> Look:
        """Fades and the frame that a clip is drawn into, from its effects."""
        look = PLAIN
        for effect in entry.findall("filter"):
            name = _property(effect, "kdenlive_id") or _property(effect, "mlt_service")
            if _property(effect, "disable") == "1":
                continue
            lasts = min(self._time(effect.get("out")) - self._time(effect.get("in")) + 1 / self.rate, length)
            if name == "fade_from_black" and effect.get("out"):
                look = replace(look, fade_in=lasts)
            elif name == "fade_to_black" and effect.get("out"):
                look = replace(look, fade_out=lasts)
            elif name in ("qtblend", "transform"):
                look = self._drawn(look, _property(effect, "rect"))
        return look

    def _drawn(self, look: Look, rect: str) -> Look:
        """``x y width height opacity``, or several such with their times: what is drawn at the largest."""
        places = [part.partition("=")[2] or part for part in rect.split(";")]
        numbers = [[_share(word) for word in place.split()] for place in places]
        drawn = [place for place in numbers if len(place) >= 4]
        if not drawn or not all(self._size):
            return look
        scale = max(max(place[2] / self._size[0], place[3] / self._size[1]) for place in drawn)
        opacity = max(place[4] if len(place) > 4 else 1.0 for place in drawn) * 100
        return replace(look, scale=scale, opacity=opacity)

    def _nest(self, tractor: Element, kind: str) -> Node:
        key = tractor.get("id") or ""
        known = self._nests.get((key, kind))
        if known is not None:
            return known
        if key in self._open:
            raise InputError("a sequence contains itself: save the project again", self.where, "bad_nest")
        self._open.append(key)
        stack = doc.stack_node(key, self.tracks(tractor, kind))
        self._open.pop()
        self._nests[key, kind] = stack
        return stack

    def _marker(self, mark: Node) -> Node:
        position = mark.get("pos")
        frames = position if isinstance(position, int) and abs(position) < 10**9 else 0
        length = mark.get("duration")
        duration = Fraction(length) / self.rate if isinstance(length, int) and 0 < length < 10**9 else _ZERO
        name = doc.text_of(mark, "comment")
        return doc.marker_node(name, Fraction(frames) / self.rate, self.rate, duration=duration, comment=name)

    def _time(self, text: str | None) -> Fraction:
        """Seconds of ``00:00:13.520`` or of a frame count; 0 when absent.

        Raises:
            InputError: neither.
        """
        if not text:
            return _ZERO
        clock = _CLOCK.match(text)
        if clock:
            hours, minutes, seconds, part = clock.groups()
            whole = int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds)
            exact = whole + Fraction(int(part or 0), 10 ** len(part or ""))
            return Fraction(round(exact * self.rate)) / self.rate
        if text.lstrip("-").isdecimal() and len(text) < 12:
            return Fraction(int(text)) / self.rate
        raise InputError(f"has the time {text!r}, which is no time: save the project again", self.where, "bad_time")


def _property(element: Element, name: str) -> str:
    for child in element.findall("property"):
        if child.get("name") == name:
            return (child.text or "").strip()
    return ""


def _json_list(element: Element, name: str) -> list[Any]:
    text = _property(element, name)
    try:
        value = json.loads(text) if text else []
    except ValueError:
        return []  # notes of an older kind, without positions
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _share(text: str) -> float:
    """A number, or a percentage as a share; 0 for anything else."""
    try:
        value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        return 0.0
    return value if abs(value) < 1e6 else 0.0


def _number(text: str) -> Fraction:
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        return Fraction(1)
