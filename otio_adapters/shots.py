"""The media side of a layer: which file, which second of it, at which speed; and the sounds under the picture."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

from emsync_engine.errors import InputError
from emsync_engine.picture import Shot, ShotRef, SoundClip
from otio_adapters import document as doc
from otio_adapters.document import Node
from otio_adapters.layout import Layer
from otio_adapters.media import MediaFinder, is_still
from otio_adapters.probe import probe
from otio_adapters.retiming import chord, holds
from otio_adapters.timecode_links import TimecodeIndex, Wanted
from otio_adapters.visible import Segment, snap

_ROLES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("dialogue", re.compile(r"\b(dx|dia|dial|dlg|dialog(ue)?s?|vo|v\.o\.|voice(s|over)?|narration|adr|sync)\d*\b")),
    ("music", re.compile(r"\b(mx|mus|music|score|song|temp ?music|bgm)\d*\b")),
    ("effects", re.compile(r"\b(fx|sfx|efx|foley|amb|ambience|atmos?|room ?tone|rt|bg|effects?)\d*\b")),
)
_LEAST_FREEZE = 2
"""Frames from which a picture that stands still inside a retimed clip is a shot of its own."""
_REEL_KEYS = (("cmx_3600", "reel"), ("AAF", "SourceID"), ("fcp_xml", "reel"), ("Resolve_OTIO", "Reel Name"))


@dataclass(frozen=True)
class MediaRef:
    """What a clip says about its media."""

    url: str
    names: tuple[str, ...]
    """Clip, reference and reel names that a file could be called."""
    start: Fraction | None
    """Source time of the first frame of the media, seconds; None when the document does not say."""
    length: Fraction | None
    still: bool
    reel: str = ""
    timecode: Fraction = Fraction(0)
    """What source times lack to be timecode, seconds: formats that count from 0 keep the media's timecode apart."""

    @property
    def identity(self) -> str:
        """Equal for two clips of the same media; empty when it cannot be known."""
        return self.url or next((name for name in self.names if name), "")


@dataclass(frozen=True)
class Located:
    """Where the media of a layer is."""

    path: str
    online: bool
    timecode: Fraction | None = None
    """Timecode of the first frame, seconds, of a file that was found by it."""


@dataclass
class MediaMap:
    """Turns layers into shots and sounds, looking each file up once."""

    finder: MediaFinder
    rate: Fraction
    _refs: dict[int, MediaRef] = field(default_factory=dict)
    _coded: dict[tuple[int, Fraction, Fraction], Located | None] = field(default_factory=dict)
    _index: TimecodeIndex | None = None
    _linked: dict[str, str] = field(default_factory=dict)
    _unclear: dict[str, list[str]] = field(default_factory=dict)

    def ref(self, layer: Layer) -> MediaRef:
        key = id(layer.clip)
        if key not in self._refs:
            self._refs[key] = media_ref(layer.clip, self.rate)
        return self._refs[key]

    def source_at(self, layer: Layer, time: Fraction) -> Fraction:
        """Source time in the media's own counting at a record time."""
        return layer.source_at(time)

    def media_at(self, layer: Layer, time: Fraction) -> Fraction:
        """Seconds from the head of the media file at a record time, never negative."""
        ref, source = self.ref(layer), self.source_at(layer, time)
        found = self._find(layer)
        if found.timecode is not None:
            return max(source + ref.timecode - found.timecode, Fraction(0))
        head = ref.start
        if head is None:
            head = _probed_head(found.path, source) if found.online and not ref.still else Fraction(0)
        elif source < head and (ref.length is None or source <= ref.length):
            head = Fraction(0)  # counted from 0 although the media has a timecode
        return max(source - head, Fraction(0))

    def shots(self, segment: Segment) -> list[Shot]:
        """The shot of a segment; where its clip freezes on the way, the frozen part and what is around it."""
        layer = segment.layer
        if layer is None:
            return []
        found, at = [], segment.start
        for edges in holds(layer.curve):
            start, end = (min(max(snap(t, self.rate) / self.rate, at), segment.end) for t in edges)
            if (end - start) * self.rate < _LEAST_FREEZE:
                continue
            if start > at:
                found.append(self._shot(layer, at, start))
            found.append(replace(self._shot(layer, start, end, (start + end) / 2), speed=Fraction(0), still=True))
            at = end
        return [*found, self._shot(layer, at, segment.end)] if at < segment.end else found

    def _shot(self, layer: Layer, start: Fraction, end: Fraction, shown: Fraction | None = None) -> Shot:
        """A shot of a part of a layer; ``shown`` is the record time of the picture that its source time names."""
        ref = self.ref(layer)
        found = self._find(layer)
        speed = layer.speed
        if layer.curve:
            speed = chord(layer.curve, start, end)
        return Shot(
            start=start,
            end=end,
            name=_name_of(layer, ref),
            media=found.path,
            media_start=self.media_at(layer, start if shown is None else shown),
            speed=speed,
            online=found.online,
            still=ref.still or not speed or layer.kind == "generator",
            reel=ref.reel,
            path=layer.path,
        )

    def side(self, layer: Layer | None, time: Fraction) -> ShotRef | None:
        """One side of a boundary."""
        if layer is None:
            return None
        ref = self.ref(layer)
        return ShotRef(_name_of(layer, ref), self._find(layer).path, self.media_at(layer, time))

    def sound(self, layer: Layer) -> SoundClip:
        ref = self.ref(layer)
        found = self._find(layer)
        name = _name_of(layer, ref)
        return SoundClip(
            start=layer.start,
            end=layer.end,
            name=name,
            media=found.path,
            media_start=self.media_at(layer, layer.start),
            speed=layer.speed,
            online=found.online,
            role=sound_role(layer.track, name),  # type: ignore[arg-type]
            track=layer.track,
        )

    @property
    def warnings(self) -> list[str]:
        """What was linked by timecode, and what could not be because several files fit."""
        lines = [*self.finder.warnings, *(self._index.warnings if self._index is not None else ())]
        if self._linked:
            pairs = [f"{name!r} is {file}" for name, file in self._linked.items()]
            lines.append(f"linked by timecode: {_some(pairs)}; check that these are the right files")
        for name, files in self._unclear.items():
            lines.append(f"media of {name!r} was not linked: by timecode it may be {_some(files)}")
        return lines

    def _find(self, layer: Layer) -> Located:
        ref = self.ref(layer)
        path, online = self.finder.find(ref.url, ref.names)
        if online or not self.finder.roots or (ref.still and not ref.length):
            return Located(path, online)
        return self._by_timecode(layer, ref) or Located(path, online)

    def _by_timecode(self, layer: Layer, ref: MediaRef) -> Located | None:
        """The one file under the roots whose timecode, and reel where it has one, covers what the layer shows."""
        first, last = sorted((self.source_at(layer, layer.start), self.source_at(layer, layer.end)))
        key = id(layer.clip), first, last
        if key not in self._coded:
            if self._index is None:
                self._index = TimecodeIndex(self.finder.files_of_roots())
            self._coded[key] = self._fitting(layer, ref, (first, last))
        return self._coded[key]

    def _fitting(self, layer: Layer, ref: MediaRef, ends: tuple[Fraction, Fraction]) -> Located | None:
        assert self._index is not None
        whole = (ref.start + ref.timecode, ref.length) if ref.start is not None and ref.length is not None else None
        start, end = (end + ref.timecode for end in ends)
        fitting = self._index.fitting(Wanted(start, end, ref.reel, layer.sound, whole))
        name = _name_of(layer, ref)
        if len(fitting) > 1:
            self._unclear.setdefault(name, [file.path.name for file in fitting])
        if len(fitting) != 1:
            return None
        self._linked.setdefault(name, fitting[0].path.name)
        return Located(str(fitting[0].path), True, fitting[0].start)


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _name_of(layer: Layer, ref: MediaRef) -> str:
    return doc.text_of(layer.clip, "name") or next((n for n in ref.names if n), "") or Path(ref.url).name


def _probed_head(path: str, source: Fraction) -> Fraction:
    """Source time of a file's first frame: its timecode when the source time does not fit into the file otherwise."""
    found = probe(path)
    if found is None or found.duration is None or source < found.duration or found.start_seconds is None:
        return Fraction(0)
    return found.start_seconds if source >= found.start_seconds else Fraction(0)


def media_ref(clip: Node, rate: Fraction) -> MediaRef:
    """What a clip node says about its media."""
    reference = doc.media_reference_of(clip)
    schema = doc.schema_of(reference)
    available = doc.range_of(reference.get("available_range"))
    url = _sequence_url(reference) if schema == "ImageSequenceReference" else doc.text_of(reference, "target_url")
    reel = _reel_of(clip) or _reel_of(reference)
    single = available is not None and available[1] * rate <= 1
    still = schema != "ImageSequenceReference" and (is_still(url or doc.text_of(clip, "name")) or single)
    names: tuple[str, ...] = (doc.text_of(reference, "name"), doc.text_of(clip, "name"), reel)
    if schema == "GeneratorReference":
        url, names = "", ()
    start, length = available if available is not None else (None, None)
    still = still or schema == "GeneratorReference"
    return MediaRef(url, names, start, length, still, reel, _timecode_of(reference))


def _timecode_of(reference: Node) -> Fraction:
    """Timecode of the media's first frame, kept beside a reference whose own times count from 0."""
    details = doc.metadata_of(reference).get("fcp_xml")
    timecode = details.get("timecode") if isinstance(details, dict) else None
    try:
        return doc.seconds_of(timecode) if doc.schema_of(timecode) == "RationalTime" else Fraction(0)
    except InputError:
        return Fraction(0)  # somebody else's notes


def _sequence_url(reference: Node) -> str:
    """Printf pattern of an image sequence."""
    base, prefix = doc.text_of(reference, "target_url_base"), doc.text_of(reference, "name_prefix")
    padding = reference.get("frame_zero_padding")
    digits = f"%0{padding}d" if isinstance(padding, int) and padding > 0 else "%d"
    slash = "/" if base and not base.endswith("/") else ""
    suffix = doc.text_of(reference, "name_suffix")
    return f"{base}{slash}{prefix}{digits}{suffix}" if base or prefix else ""


def _reel_of(node: Node) -> str:
    metadata = doc.metadata_of(node)
    for group, key in _REEL_KEYS:
        details = metadata.get(group)
        if isinstance(details, dict) and isinstance(details.get(key), str):
            return str(details[key])
    return ""


def sound_role(track: str, clip: str) -> str:
    """``dialogue``, ``music``, ``effects`` or ``unknown`` from the names of the track, then of the clip."""
    for name in (track, clip):
        words = re.sub(r"[_\-./]+", " ", name.lower())
        for role, pattern in _ROLES:
            if pattern.search(words):
                return role
    return "unknown"


def merged_ranges(ranges: Iterable[tuple[Fraction, Fraction]]) -> tuple[tuple[Fraction, Fraction], ...]:
    """Ranges in order, those that touch or overlap joined."""
    merged: list[tuple[Fraction, Fraction]] = []
    for start, end in sorted(ranges):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return tuple(merged)
