"""Kdenlive projects (``.kdenlive``, MLT XML): tracks of two playlists that overlap where clips are mixed."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from emsync_engine.errors import InputError
from otio_adapters import document as doc
from otio_adapters.appearance import look_metadata
from otio_adapters.document import Node
from otio_adapters.formats.kdenlive_effects import (
    Crossing,
    crossings_of,
    look_of_entry,
    look_under,
    property_of,
    remapped,
)
from otio_adapters.formats.placing import Blended, Placed, place_track
from otio_adapters.formats.xml_text import Element, parse_xml
from otio_adapters.rates import stated_rate
from otio_adapters.reading import Reading
from otio_adapters.retiming import chord, curve_through, value_at

_CLOCK = re.compile(r"^(?:(\d{1,6}):)?(\d{1,6}):(\d{1,6})(?:[.,](\d{1,12}))?$")
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
                self.rate = stated_rate(Fraction(*numbers))
        except (ValueError, ZeroDivisionError) as error:
            raise InputError("its profile has no usable frame rate: save the project again", self.where) from error
        sides = [(profile.get(name) or "") if profile is not None else "" for name in ("width", "height")]
        self._size = [int(side) if side.isdecimal() and len(side) < 7 else 0 for side in sides]
        self._by_id = {element.get("id") or "": element for element in self.root if element.get("id")}
        self._markers = {
            key: markers
            for element in self.root
            if (key := property_of(element, "kdenlive:id")) and (markers := _json_list(element, "kdenlive:markers"))
        }

    def sequence(self) -> Element:
        """The tractor that holds the tracks.

        Raises:
            InputError: there is none.
        """
        tractors = self.root.findall("tractor")
        if not tractors:
            raise InputError("holds no timeline: save the project again", self.where, "not_a_timeline")
        project = next((t for t in tractors if property_of(t, "kdenlive:projectTractor") == "1"), None)
        if project is not None:
            inner = (self._by_id.get(track.get("producer") or "") for track in project.findall("track"))
            return next((t for t in inner if t is not None and t.tag == "tractor"), project)
        return tractors[-1]

    def guides(self, sequence: Element) -> list[Node]:
        found = _json_list(sequence, "kdenlive:sequenceproperties.guides")
        for element in self.root.findall("playlist") if not found else ():
            found = found or _json_list(element, "kdenlive:docproperties.guides")
        return [self._marker(guide) for guide in found] or self._old_guides()

    def _old_guides(self) -> list[Node]:
        """Guides as Kdenlive wrote them once: a property each, named by its time in seconds."""
        markers = []
        for element in self.root.iterfind("playlist/property"):
            text = (element.get("name") or "").partition("kdenlive:guide.")[2]
            time = _number(text, None) if text else None
            if time is not None and 0 <= time < doc.MAX_SECONDS:
                words = (element.text or "").strip()
                frame = Fraction(round(time * self.rate)) / self.rate
                markers.append(doc.marker_node(words, frame, self.rate, comment=words))
        return markers

    def tracks(self, sequence: Element, medium: str = "") -> list[Node]:
        """Tracks bottom first; only those of one medium when it is given."""
        tracks: list[Node] = []
        crossings = crossings_of(sequence, self._time, 1 / self.rate)
        for number, track in enumerate(sequence.findall("track")):
            element = self._by_id.get(track.get("producer") or "")
            if element is None or element.tag not in ("tractor", "playlist"):
                continue
            kind = "Audio" if property_of(element, "kdenlive:audio_track") == "1" else "Video"
            if medium and kind != medium:
                continue
            name = property_of(element, "kdenlive:track_name") or f"{kind[0]}{len(tracks) + 1}"
            node = self._track(element, kind, name, [c for c in crossings if c.track == number])
            node["enabled"] = not _is_hidden(track, element, kind)
            tracks.append(node)
        return tracks

    def _track(self, element: Element, kind: str, name: str, crossings: Sequence[Crossing]) -> Node:
        ids = (
            [element.get("id")] if element.tag == "playlist" else [t.get("producer") for t in element.findall("track")]
        )
        playlists = [self._by_id[key] for key in ids if key in self._by_id]
        clips = [clip for playlist in playlists for clip in self._clips(playlist, kind, crossings)]
        mixes = [mix for mix in element.findall("transition") if property_of(mix, "kdenlive:mixcut")]
        starts: dict[Fraction, list[int]] = defaultdict(list)
        ends: dict[Fraction, list[int]] = defaultdict(list)
        for number, clip in enumerate(clips if mixes else ()):
            starts[clip.start].append(number)
            ends[clip.end].append(number)
        blends = [blend for mix in mixes if (blend := self._mix(mix, clips, starts, ends)) is not None]
        return place_track(name, kind, clips, self.rate, blends)

    def _mix(
        self,
        mix: Element,
        clips: list[Placed],
        starts: Mapping[Fraction, Sequence[int]],
        ends: Mapping[Fraction, Sequence[int]],
    ) -> Blended | None:
        """A mix of two overlapping clips: both are cut at its edit point, which counts back from its end.

        Its end is that of the outgoing clip, or that clip's last frame.

        Args:
            mix: the transition.
            clips: of the track; the two are changed.
            starts: numbers of the clips by where they start.
            ends: numbers of the clips by where they end.
        """
        start, end = (self._time(mix.get(name)) for name in ("in", "out"))
        back = property_of(mix, "kdenlive:mixcut")
        edit = end - Fraction(int(back)) / self.rate if back.isdecimal() and len(back) < 9 else (start + end) / 2
        if not start <= edit <= end or start == end:
            return None
        incoming = [n for n in starts.get(start, ()) if clips[n].end > edit]
        outgoing = [n for time in (end, end + 1 / self.rate) for n in ends.get(time, ()) if n not in incoming]
        for number in incoming:
            clips[number] = clips[number].between(edit, clips[number].end)
        for number in outgoing:
            if clips[number].start < edit:
                clips[number] = replace(clips[number], end=edit)
        name = property_of(mix, "kdenlive_id") or property_of(mix, "mlt_service")
        return Blended(start, edit, end, name, wipe=bool(property_of(mix, "resource")))

    def _clips(self, playlist: Element, kind: str, crossings: Sequence[Crossing]) -> list[Placed]:
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
                    span, frame = (position, position + length), 1 / self.rate
                    look = look_of_entry(entry, span, self._time, frame, self._size)
                    look = look_under(look, span, crossings, frame, self._size)
                    clips.append(replace(clip, metadata=look_metadata(look)))
                position += max(length, _ZERO)
        return clips

    def _clip(self, producer: Element, start: Fraction, end: Fraction, first: Fraction, kind: str) -> Placed:
        resource, service = property_of(producer, "resource"), property_of(producer, "mlt_service")
        speed = Fraction(1)
        if service == "timewarp":
            factor, _, file = resource.partition(":")
            speed = _speed(property_of(producer, "warp_speed") or factor)
            resource = property_of(producer, "warp_resource") or file or resource
        elif service == "framebuffer" and "?" in resource:
            resource, _, factor = resource.rpartition("?")
            speed = _speed(factor)
        resource = property_of(producer, "kdenlive:originalurl") or resource  # else it may be a proxy
        name = property_of(producer, "kdenlive:clipname") or Path(resource).name or producer.get("id") or ""
        shown = property_of(producer, "set.test_image" if kind == "Video" else "set.test_audio") != "1"
        if kind == "Video" and property_of(producer, "video_index") == "-1":
            shown = False
        if producer.tag == "tractor":
            return Placed(start, end, name, None, first, enabled=shown, nest=self._nest(producer, kind))
        if service in _GENERATORS or resource in ("black", "color:black"):
            kind_of = "black" if resource in ("black", "#000000", "0x000000ff") else _GENERATORS.get(service, "black")
            said = "" if kind_of == "black" else name
            return Placed(start, end, said, doc.generator_reference(kind_of, name), enabled=shown)
        length = self._time(property_of(producer, "length"))
        media = length * abs(speed)
        available = doc.time_range(_ZERO, media, self.rate) if 0 < media < doc.MAX_SECONDS else None
        marks = tuple(self._marker(mark) for mark in self._markers.get(property_of(producer, "kdenlive:id"), []))
        source = first * speed if speed >= 0 else (length - first) * abs(speed)
        curve = tuple((time - first, value) for time, value in remapped(producer, self._time))
        if len(curve) > 1 and len(dict(curve)) > 1:
            straight = tuple(sorted(dict(curve).items()))
            source, speed = value_at(straight, _ZERO), chord(straight, _ZERO, end - start)
        curve = curve_through(curve, end - start)
        reference = doc.external_reference(resource, available)
        return Placed(start, end, name, reference, source, speed, shown, marks, curve=curve)

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
        if text.removeprefix("-").isdecimal() and len(text) < 12:
            return Fraction(int(text)) / self.rate
        raise InputError(f"has the time {text!r}, which is no time: save the project again", self.where, "bad_time")


def _json_list(element: Element, name: str) -> list[Any]:
    text = property_of(element, name)
    try:
        value = json.loads(text) if text else []
    except ValueError:
        return []  # notes of an older kind, without positions
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _number(text: str, default: Fraction | None = Fraction(1)) -> Fraction | None:
    """A finite number of ordinary size."""
    try:
        value = Fraction(text.replace(",", ".")) if len(text) < 40 else default
    except (ValueError, ZeroDivisionError):
        return default
    return value if value is None or abs(value) < doc.MAX_SECONDS else default


def _speed(text: str) -> Fraction:
    return _number(text) or Fraction(1)


def _is_hidden(track: Element, element: Element, kind: str) -> bool:
    """Whether a track is switched off: in its sequence, or in both of the playlists that it is made of."""
    hiding = ("both", kind.lower())
    inner = [part.get("hide") in hiding for part in element.findall("track")]
    return track.get("hide") in hiding or (bool(inner) and all(inner))
