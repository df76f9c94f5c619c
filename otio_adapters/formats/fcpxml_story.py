"""Clips of an FCPXML container: storylines, connected clips in lanes, compound clips, auditions, transitions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction

from emsync_engine.errors import InputError
from emsync_engine.picture import Caption
from otio_adapters import document as doc
from otio_adapters.appearance import look_metadata
from otio_adapters.document import Node
from otio_adapters.formats.fcpxml_parts import (
    CLIPS,
    DEFAULT_LOCAL,
    MAX_LANES,
    Content,
    Lane,
    Part,
    Story,
    active_of,
    gap_start,
    lane_number,
    let_through,
    marker_elements,
    moved,
    split_sound,
    with_source_from,
)
from otio_adapters.formats.fcpxml_resources import (
    Asset,
    Resources,
    conform_speed,
    look_of_element,
    retiming_of,
    time_of,
)
from otio_adapters.formats.fcpxml_sound import heard_span, is_muted, played, role_of
from otio_adapters.formats.placing import Blended, Placed
from otio_adapters.formats.xml_text import Element

_ZERO = Fraction(0)


class StoryTeller:
    """Builds stories from one document's elements."""

    def __init__(self, resources: Resources, rate: Fraction) -> None:
        self._resources = resources
        self._rate = rate
        self._rates = [rate]
        """Of the sequence that is read and of those around it, the innermost last."""
        self._open: list[str] = []
        self._compounds: dict[str, Story] = {}
        self._angles: dict[tuple[int, str], Story] = {}

    def storyline(self, elements: Iterable[Element], base: Fraction, story: Story) -> None:
        """Put a storyline's clips into the primary lane; ``base`` is the time that lies at 0."""
        parts: list[Part] = []
        joints: list[tuple[int, Element]] = []
        position = _ZERO
        for child in elements:
            element = active_of(child)
            if child.tag == "transition":
                joints.append((len(parts), child))
            elif element.tag in CLIPS and child.get("lane") is None:
                offset = child.get("offset") and time_of(child, "offset") - base
                start = offset if isinstance(offset, Fraction) else position
                position = start + self._duration(element)
                parts.append(Part(element, start, start, position))
        for number, element in joints:
            self._join(parts, number, element, base, story)
        for part in parts:
            self._place(part, (), story)
            story.length = max(story.length, part.hi)

    def _join(self, parts: list[Part], number: int, element: Element, base: Fraction, story: Story) -> None:
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
        for marker in marker_elements(element):
            local = time_of(marker, "start", _ZERO)
            local -= DEFAULT_LOCAL if local >= DEFAULT_LOCAL else _ZERO
            story.markers.append(self._marker(marker, max(start, _ZERO) + min(local, end - start)))

    def _place(self, part: Part, lane: Lane, story: Story) -> None:
        element = part.element
        local, pace = self._local_start(element), conform_speed(element, self._rates[-1])
        if part.hi > part.lo and element.get("enabled") != "0":
            self._show(part, lane, story, local)
        else:
            self._loose_markers(element, part, local, story)
        for child in element:
            if child.get("lane") is None and child.tag != "caption":
                continue
            record = part.start + (time_of(child, "offset", local) - local) / pace
            self._connect(child, record, lane, story)

    def _connect(self, child: Element, record: Fraction, lane: Lane, story: Story) -> None:
        """A connected clip, storyline or caption at a record time."""
        element = active_of(child)
        number = lane_number(child)
        if len(lane) >= MAX_LANES - 1:
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
            self._place(Part(element, record, record, end), (*lane, number), story)

    def _nest(self, inner: Story, name: str, record: Fraction, lane: Lane, story: Story) -> None:
        """A secondary storyline as a nest of its own."""
        placed = [clip for clips in inner.lanes.values() for clip in clips]
        end = max([inner.length, *(clip.end for clip in placed)])
        if end > 0:
            stack = doc.stack_node(name, inner.video_tracks(self._rate))
            stack["markers"] = inner.markers
            story.lanes[lane].append(Placed(record, record + end, name, None, nest=stack))
        for role, clips in inner.sounds.items():
            story.sounds[role] += [moved(clip, record) for clip in clips]

    def _show(self, part: Part, lane: Lane, story: Story, local: Fraction) -> None:
        """Put what an element shows and sounds into the story."""
        element = part.element
        name = element.get("name") or ""
        length = self._duration(element)
        pace = conform_speed(element, self._rates[-1])
        retiming = retiming_of(element, local, length, pace)
        look = look_of_element(element, self._resources, length)
        markers = tuple(
            self._marker(marker, retiming.source + (time_of(marker, "start", local) - local) / pace * retiming.speed)
            for marker in marker_elements(element)
        )
        content = self._content(element)
        metadata = look_metadata(look)
        whole = Placed(
            part.start,
            part.hi,
            name,
            None,
            retiming.source,
            retiming.speed,
            True,
            markers,
            metadata,
            curve=retiming.curve,
        )
        shown = whole.between(part.lo, part.hi)
        silent = is_muted(element)
        if content.nest is not None:
            inner = replace(content.nest, sounds=content.nest.sounds if not silent else {})
            self._show_nest(inner, with_source_from(shown, content.nest_shift), lane, story)
        if content.picture is not None:
            story.lanes[lane].append(replace(with_source_from(shown, content.shift), reference=content.picture))
        elif content.nest is None or not (content.nest.lanes or content.nest.length):
            self._loose_markers(element, part, local, story)
        if not silent:
            heard = split_sound(whole, shown, heard_span(element, local, pace))
            own = [(content.sound, content.shift)] if content.sound is not None else []
            for reference, shift in (*own, *content.sounds):
                placed = replace(with_source_from(heard, shift), reference=reference, markers=())
                story.sounds[role_of(element)].append(placed)

    def _show_nest(self, nest: Story, shown: Placed, lane: Lane, story: Story) -> None:
        if nest.lanes or nest.length:
            stack = doc.stack_node(shown.name, nest.video_tracks(self._rate))
            stack["markers"] = nest.markers
            story.lanes[lane].append(replace(shown, reference=None, nest=stack))
        for role, clips in nest.sounds.items():
            stack = doc.stack_node(shown.name, Story(sounds={role: clips}).audio_tracks(self._rate))
            story.sounds[role].append(replace(shown, reference=None, markers=(), nest=stack))

    def _content(self, element: Element) -> Content:
        tag, enable = element.tag, element.get("srcEnable") or "all"
        if tag == "gap":
            return Content()
        if tag == "ref-clip":
            nest = let_through(self._compound(element), enable)
            return Content(nest=nest, nest_shift=-self._compound_start(element))
        if tag == "sync-clip":
            inner = Story()
            inside = next((child for child in element.findall("spine") if child.get("lane") is None), element)
            self.storyline(inside, _ZERO, inner)
            return Content(nest=let_through(inner, enable))
        if tag == "mc-clip":
            return self._multicam(element)
        if tag == "clip":
            return self._clip_content(element)
        asset = self._resources.assets.get(element.get("ref") or "")
        if asset is None:
            return self._without_media(element)
        reference = asset.reference(self._rate)
        seen = tag != "audio" and enable != "audio" and (asset.has_video or tag == "video")
        heard = tag != "video" and enable != "video" and asset.has_audio
        return Content(reference if seen else None, reference if heard else None)

    def _without_media(self, element: Element) -> Content:
        """Titles and generators, and media that the file does not define."""
        name = element.get("name") or ""
        if element.get("ref") in self._resources.effects or element.tag == "title":
            kind = "Title" if element.tag == "title" else "Generator"
            return Content(doc.generator_reference(kind, name))
        return Content(None if element.tag == "audio" else doc.missing_reference(name))

    def _clip_content(self, element: Element) -> Content:
        """A ``clip`` plays the first picture in it, and the sound of every file in it."""
        found: dict[str, tuple[Asset, Fraction]] = {}
        generated: Element | None = None
        for inner in played(element):
            asset = self._resources.assets.get(inner.get("ref") or "")
            if asset is not None:
                shift = time_of(inner, "start", asset.start) - time_of(inner, "offset", _ZERO)
                found.setdefault(inner.get("ref") or "", (asset, shift))
            elif inner.tag == "video":
                generated = generated if generated is not None else inner
        if not found:
            return self._without_media(element if generated is None else generated)
        seen = next(((a, s) for a, s in found.values() if a.has_video), None)
        sounds = tuple((asset.reference(self._rate), shift) for asset, shift in found.values() if asset.has_audio)
        if seen is None:
            return Content(None if sounds else doc.missing_reference(element.get("name") or ""), sounds=sounds)
        return Content(seen[0].reference(self._rate), shift=seen[1], sounds=sounds)

    def _multicam(self, element: Element) -> Content:
        """A multicam clip shows its picture angle and plays its sound angles.

        An angle that is one running take is shown as that; one that was stopped and started again has cuts of its own.
        """
        media = self._resources.media.get(element.get("ref") or "")
        multicam = media.find("multicam") if media is not None else None
        name = element.get("name") or ""
        if multicam is None:
            return Content(doc.missing_reference(name))
        base = time_of(multicam, "tcStart", _ZERO)
        picture, sounds = Story(), Story()
        for source in element.findall("mc-source"):
            enable = source.get("srcEnable") or "all"
            angle = self._angle(multicam, source.get("angleID") or "", base)
            if enable in ("all", "video"):
                picture = angle
            if enable in ("all", "audio"):
                for role, clips in angle.sounds.items():
                    sounds.sounds[role] += clips
        if not element.findall("mc-source"):
            picture = self._angle(multicam, "", base)
        first = self._local_start(element) - base
        last = first + self._duration(element) * conform_speed(element, self._rates[-1])
        shown = [c for clips in picture.lanes.values() for c in clips if c.start < last and c.end > first]
        if len(shown) == 1 and shown[0].reference is not None and shown[0].speed == 1 and not shown[0].curve:
            shift = shown[0].source - shown[0].start - base
            return Content(shown[0].reference, shift=shift, nest=sounds, nest_shift=-base)
        if shown:
            nest = replace(picture, sounds=sounds.sounds)
            return Content(nest=nest, nest_shift=-base)
        return Content(doc.missing_reference(name), nest=sounds, nest_shift=-base)

    def _angle(self, multicam: Element, name: str, base: Fraction) -> Story:
        """What one angle holds, from its head; the first angle when none is named."""
        known = self._angles.get((id(multicam), name))
        if known is not None:
            return known
        angles = multicam.findall("mc-angle")
        angle = next((a for a in angles if a.get("angleID") == name or not name), None)
        story = Story()
        if angle is None:
            return story
        if name in self._open or len(self._open) > doc.MAX_DEPTH:
            raise InputError("a multicam clip contains itself: export it again")
        self._open.append(name)
        self._rates.append(self._resources.rates.get(multicam.get("format") or "", self._rates[-1]))
        self.storyline(angle, base, story)
        self._rates.pop()
        self._open.pop()
        self._angles[id(multicam), name] = story
        return story

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
        self._rates.append(self._resources.rates.get(sequence.get("format") or "", self._rates[-1]))
        for spine in sequence.findall("spine"):
            self.storyline(spine, time_of(sequence, "tcStart", _ZERO), inner)
        self._rates.pop()
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
            return time_of(element, "start", gap_start(element))
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

    def _loose_markers(self, element: Element, part: Part, local: Fraction, story: Story) -> None:
        """Markers of an element that shows nothing, at their record times."""
        pace = conform_speed(element, self._rates[-1])
        for marker in marker_elements(element):
            record = part.start + (time_of(marker, "start", local) - local) / pace
            if part.lo <= record < part.hi:
                story.markers.append(self._marker(marker, record))

    def _marker(self, marker: Element, time: Fraction) -> Node:
        name, note = marker.get("value") or "", marker.get("note") or ""
        return doc.marker_node(name, time, self._rate, comment=note)
