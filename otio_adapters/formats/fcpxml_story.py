"""Clips of an FCPXML container: storylines, connected clips in lanes, compound clips, auditions, transitions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from fractions import Fraction

from emsync_engine.errors import InputError
from emsync_engine.picture import Caption
from otio_adapters import document as doc
from otio_adapters.appearance import look_metadata
from otio_adapters.document import Node
from otio_adapters.formats.fcpxml_resources import Asset, Resources, look_of_element, retiming_of, time_of
from otio_adapters.formats.placing import Blended, Placed, lanes_of, place_track
from otio_adapters.formats.xml_text import Element

_ZERO = Fraction(0)
_DEFAULT_LOCAL = Fraction(3600)
"""Local time at which gaps and transitions start when they do not say."""
CLIPS = frozenset({"asset-clip", "clip", "video", "audio", "title", "ref-clip", "sync-clip", "mc-clip", "gap"})
_MAX_LANES = 8

Lane = tuple[int, ...]
"""Lane numbers from the primary storyline (an empty tuple) down to a connected clip."""


@dataclass
class Story:
    """What a container shows, in its own time from 0."""

    lanes: dict[Lane, list[Placed]] = field(default_factory=lambda: defaultdict(list))
    blends: list[Blended] = field(default_factory=list)
    sounds: dict[str, list[Placed]] = field(default_factory=lambda: defaultdict(list))
    markers: list[Node] = field(default_factory=list)
    captions: list[Caption] = field(default_factory=list)
    length: Fraction = Fraction(0)
    """Seconds of the primary storyline, gaps at its end included."""

    def video_tracks(self, rate: Fraction) -> list[Node]:
        """Tracks bottom first."""
        tracks: list[Node] = []
        lanes = {**self.lanes, (): self.lanes.get((), [])} if self.length else self.lanes
        for lane in sorted(lanes, key=lambda lane: lane + (0,) * (_MAX_LANES - len(lane))):
            clips = lanes[lane]
            blends, length = ([], Fraction(0)) if lane else (self.blends, self.length)
            for part in [clips] if not lane else lanes_of(clips):
                tracks.append(place_track(f"V{len(tracks) + 1}", "Video", part, rate, blends, length))
        return tracks

    def audio_tracks(self, rate: Fraction) -> list[Node]:
        """Tracks named by role."""
        return [
            place_track(role, "Audio", part, rate) for role, clips in self.sounds.items() for part in lanes_of(clips)
        ]


@dataclass
class _Part:
    """A clip of a storyline with the span in which it is seen."""

    element: Element
    start: Fraction
    lo: Fraction
    hi: Fraction


class StoryTeller:
    """Builds stories from one document's elements."""

    def __init__(self, resources: Resources, rate: Fraction) -> None:
        self._resources = resources
        self._rate = rate
        self._open: list[str] = []
        self._compounds: dict[str, Story] = {}

    def storyline(self, elements: Iterable[Element], base: Fraction, story: Story) -> None:
        """Put a storyline's clips into the primary lane; ``base`` is the time that lies at 0."""
        parts: list[_Part] = []
        joints: list[tuple[int, Element]] = []
        position = _ZERO
        for child in elements:
            element = _active(child)
            if child.tag == "transition":
                joints.append((len(parts), child))
            elif element.tag in CLIPS and child.get("lane") is None:
                offset = child.get("offset") and time_of(child, "offset") - base
                start = offset if isinstance(offset, Fraction) else position
                position = start + self._duration(element)
                parts.append(_Part(element, start, start, position))
        for number, element in joints:
            self._join(parts, number, element, base, story)
        for part in parts:
            self._place(part, (), story)
            story.length = max(story.length, part.hi)

    def _join(self, parts: list[_Part], number: int, element: Element, base: Fraction, story: Story) -> None:
        """A transition before part ``number``: its edit point is where the two meet, or its middle if they overlap."""
        start = time_of(element, "offset", base) - base
        end = start + time_of(element, "duration", _ZERO)
        left = parts[number - 1] if number > 0 else None
        right = parts[number] if number < len(parts) else None
        if left is not None and right is not None and left.hi > right.lo:
            left.hi = right.lo = (start + end) / 2
        edit = right.lo if right is not None else left.hi if left is not None else start
        if start < end and start <= edit <= end:
            name = element.get("name") or ""
            story.blends.append(Blended(start, edit, end, name, "wipe" in name.lower()))
        for marker in _marker_elements(element):
            local = time_of(marker, "start", _ZERO)
            local -= _DEFAULT_LOCAL if local >= _DEFAULT_LOCAL else _ZERO
            story.markers.append(self._marker(marker, max(start, _ZERO) + min(local, end - start)))

    def _place(self, part: _Part, lane: Lane, story: Story) -> None:
        element = part.element
        local = self._local_start(element)
        if part.hi > part.lo and element.get("enabled") != "0":
            self._show(part, lane, story, local)
        else:
            self._loose_markers(element, part, local, story)
        for child in element:
            if child.get("lane") is None and child.tag != "caption":
                continue
            record = part.start + time_of(child, "offset", local) - local
            self._connect(child, record, lane, story)

    def _connect(self, child: Element, record: Fraction, lane: Lane, story: Story) -> None:
        """A connected clip, storyline or caption at a record time."""
        element = _active(child)
        number = _lane_number(child)
        if len(lane) >= _MAX_LANES - 1:
            raise InputError("clips are connected to each other too deeply: flatten them and export again")
        if element.tag == "caption":
            end = record + time_of(element, "duration", _ZERO)
            words = " ".join("".join(text.itertext()).strip() for text in element.findall("text")).strip()
            if words and end > record:
                story.captions.append(Caption(record, end, words))
        elif element.tag == "spine":
            inner = Story()
            self.storyline(element, _ZERO, inner)
            self._nest(inner, element.get("name") or "Storyline", record, (*lane, number), story)
        elif element.tag in CLIPS:
            end = record + self._duration(element)
            self._place(_Part(element, record, record, end), (*lane, number), story)

    def _nest(self, inner: Story, name: str, record: Fraction, lane: Lane, story: Story) -> None:
        """A secondary storyline as a nest of its own."""
        placed = [clip for clips in inner.lanes.values() for clip in clips]
        end = max([inner.length, *(clip.end for clip in placed)])
        if end > 0:
            stack = doc.stack_node(name, inner.video_tracks(self._rate))
            stack["markers"] = inner.markers
            story.lanes[lane].append(Placed(record, record + end, name, None, nest=stack))
        for role, clips in inner.sounds.items():
            story.sounds[role] += [_moved(clip, record) for clip in clips]

    def _show(self, part: _Part, lane: Lane, story: Story, local: Fraction) -> None:
        """Put what an element shows and sounds into the story."""
        element = part.element
        name = element.get("name") or ""
        length = self._duration(element)
        retiming = retiming_of(element, local, length)
        look = look_of_element(element, self._resources, length)
        markers = tuple(
            self._marker(marker, retiming.source + (time_of(marker, "start", local) - local) * retiming.speed)
            for marker in _marker_elements(element)
        )
        seen, heard, shift, nest = self._content(element)
        curve = tuple((time, value + shift) for time, value in retiming.curve)
        source, metadata = retiming.source + shift, look_metadata(look)
        whole = Placed(part.start, part.hi, name, seen, source, retiming.speed, True, markers, metadata, curve=curve)
        shown = whole.between(part.lo, part.hi)
        if nest is not None:
            self._show_nest(nest, shown, lane, story)
        elif seen is not None:
            story.lanes[lane].append(shown)
        else:
            self._loose_markers(element, part, local, story)
        if heard is not None:
            role = (element.get("audioRole") or element.get("role") or "audio").partition(".")[0]
            story.sounds[role].append(replace(shown, reference=heard, markers=()))

    def _show_nest(self, nest: Story, shown: Placed, lane: Lane, story: Story) -> None:
        if nest.lanes or nest.length:
            stack = doc.stack_node(shown.name, nest.video_tracks(self._rate))
            stack["markers"] = nest.markers
            story.lanes[lane].append(replace(shown, reference=None, nest=stack))
        for role, clips in nest.sounds.items():
            stack = doc.stack_node(shown.name, Story(sounds={role: clips}).audio_tracks(self._rate))
            story.sounds[role].append(replace(shown, reference=None, markers=(), nest=stack))

    def _content(self, element: Element) -> tuple[Node | None, Node | None, Fraction, Story | None]:
        """(picture reference, sound reference, source shift, nest) of an element."""
        tag, enable = element.tag, element.get("srcEnable") or "all"
        if tag == "gap":
            return None, None, _ZERO, None
        if tag == "ref-clip":
            return None, None, -self._compound_start(element), self._compound(element)
        if tag == "sync-clip":
            inner = Story()
            inside = next((child for child in element.findall("spine") if child.get("lane") is None), element)
            self.storyline(inside, _ZERO, inner)
            return None, None, _ZERO, inner
        asset, shift = self._asset_of(element)
        if asset is None:
            name = element.get("name") or ""
            if element.get("ref") in self._resources.effects or tag == "title":
                return doc.generator_reference("Title" if tag == "title" else "Generator", name), None, _ZERO, None
            return (None if tag == "audio" else doc.missing_reference(name)), None, _ZERO, None
        reference = asset.reference(self._rate)
        seen = tag != "audio" and enable != "audio" and (asset.has_video or tag == "video")
        heard = tag != "video" and enable != "video" and asset.has_audio
        return (reference if seen else None), (reference if heard else None), shift, None

    def _asset_of(self, element: Element) -> tuple[Asset | None, Fraction]:
        """The media file an element plays and what to add to its local time; the file of a multicam's active angle."""
        if element.tag == "clip":
            inner = next((child for child in element.iter() if child.get("ref") in self._resources.assets), None)
            if inner is None:
                return None, _ZERO
            asset = self._resources.assets[inner.get("ref") or ""]
            return asset, time_of(inner, "start", asset.start) - time_of(inner, "offset", _ZERO)
        if element.tag == "mc-clip":
            return self._angle(element)
        return self._resources.assets.get(element.get("ref") or ""), _ZERO

    def _angle(self, element: Element) -> tuple[Asset | None, Fraction]:
        media = self._resources.media.get(element.get("ref") or "")
        angle = next((s.get("angleID") for s in element.findall("mc-source") if s.get("srcEnable") != "audio"), None)
        if media is None:
            return None, _ZERO
        multicam = media.find("multicam")
        base = time_of(multicam, "tcStart", _ZERO) if multicam is not None else _ZERO
        start = self._local_start(element)
        for clip in media.iterfind(f"multicam/mc-angle[@angleID='{angle}']/*") if angle and "'" not in angle else ():
            asset = self._resources.assets.get(clip.get("ref") or "")
            first = time_of(clip, "offset", base)
            if asset is not None and first <= start < first + time_of(clip, "duration", _ZERO):
                return asset, time_of(clip, "start", asset.start) - first
        return None, _ZERO

    def _compound(self, element: Element) -> Story:
        """What the compound clip of a ``ref-clip`` holds."""
        key = element.get("ref") or ""
        inner = Story()
        sequence = self._compound_sequence(element)
        if sequence is None:
            return inner
        if key in self._compounds:
            return self._compounds[key]
        if key in self._open or len(self._open) > doc.MAX_DEPTH:
            raise InputError(f"compound clip {element.get('name')!r} contains itself: export it again")
        self._open.append(key)
        for spine in sequence.findall("spine"):
            self.storyline(spine, time_of(sequence, "tcStart", _ZERO), inner)
        self._open.pop()
        self._compounds[key] = inner
        return inner

    def _compound_sequence(self, element: Element) -> Element | None:
        media = self._resources.media.get(element.get("ref") or "")
        return media.find("sequence") if media is not None else None

    def _compound_start(self, element: Element) -> Fraction:
        sequence = self._compound_sequence(element)
        return time_of(sequence, "tcStart", _ZERO) if sequence is not None else _ZERO

    def _local_start(self, element: Element) -> Fraction:
        """The element's own time at its head."""
        if element.tag == "gap":
            return time_of(element, "start", _DEFAULT_LOCAL)
        asset = self._resources.assets.get(element.get("ref") or "") if element.tag == "asset-clip" else None
        return time_of(element, "start", asset.start if asset is not None else self._compound_start(element))

    def _duration(self, element: Element) -> Fraction:
        asset = self._resources.assets.get(element.get("ref") or "")
        default = asset.duration if asset is not None else self._compound_duration(element)
        duration = time_of(element, "duration", default)
        if duration < 0:
            raise InputError(f"<{element.tag}> {element.get('name')!r} has a negative duration: export it again")
        return duration

    def _compound_duration(self, element: Element) -> Fraction:
        inner = self._compound_sequence(element)
        return time_of(inner, "duration", _ZERO) if inner is not None else _ZERO

    def _loose_markers(self, element: Element, part: _Part, local: Fraction, story: Story) -> None:
        """Markers of an element that shows nothing, at their record times."""
        for marker in _marker_elements(element):
            record = part.start + time_of(marker, "start", local) - local
            if part.lo <= record < part.hi:
                story.markers.append(self._marker(marker, record))

    def _marker(self, marker: Element, time: Fraction) -> Node:
        name, note = marker.get("value") or "", marker.get("note") or ""
        return doc.marker_node(name, time, self._rate, comment=note)


def _active(element: Element) -> Element:
    """The clip an audition shows: its first."""
    if element.tag != "audition":
        return element
    return next((child for child in element if child.tag in CLIPS), element)


def _marker_elements(element: Element) -> list[Element]:
    return [child for child in element if child.tag in ("marker", "chapter-marker")]


def _lane_number(element: Element) -> int:
    text = element.get("lane") or "0"
    if not text.lstrip("-").isdecimal():
        raise InputError(f"<{element.tag}> {element.get('name')!r} has lane={text!r}, which is no number")
    return int(text)


def _moved(clip: Placed, by: Fraction) -> Placed:
    return replace(clip, start=clip.start + by, end=clip.end + by)
