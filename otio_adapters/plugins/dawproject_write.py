"""A ``Session`` as a DAWproject: a ZIP with ``project.xml``, ``metadata.xml`` and, when asked, the audio files.

Positions are in beats (quarter notes), as the DAWs that brought the format forth write them; what plays from a file
counts its own time in seconds, so that it is never stretched.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from emsync_engine.timecode import timecode_from_frames
from emsync_engine.version import __version__
from otio_adapters.media import base_name, paths_of
from otio_adapters.plugins.legal_xml import legal
from otio_adapters.plugins.midi import Midi
from otio_adapters.plugins.session import COLOURS, Item, Session, SessionMarker, SessionTrack, shown_midi
from otio_adapters.plugins.tempo import DEFAULT_TEMPO, Clock
from otio_adapters.plugins.wave_format import DEFAULT_FORMAT, wave_format

_EPOCH = (1980, 1, 1, 0, 0, 0)
_MASTER = "master"


def dawproject_of(session: Session, *, embed: bool = False) -> bytes:
    """The file. It depends on the session (and the embedded files) alone.

    Args:
        session: what to write.
        embed: put the audio files that exist into the ZIP instead of pointing at them.
    """
    writer = _Writer(session, embed)
    project = _document(writer.project())
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in (("metadata.xml", _document(_metadata(session))), ("project.xml", project)):
            archive.writestr(_entry(name), data)
        for path, name in writer.embedded.items():
            with Path(path).open("rb") as source, archive.open(_entry(name, zipfile.ZIP_STORED), "w") as target:
                while block := source.read(1 << 20):
                    target.write(block)
    return out.getvalue()


def _entry(name: str, method: int = zipfile.ZIP_DEFLATED) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.compress_type = method
    return entry


def _document(root: ET.Element) -> bytes:
    ET.indent(root, "  ")
    data: bytes = ET.tostring(root, encoding="UTF-8", xml_declaration=True)
    return data + b"\n"


def _metadata(session: Session) -> ET.Element:
    root = ET.Element("MetaData")
    ET.SubElement(root, "Title").text = legal(session.name)
    timecode = timecode_from_frames(session.start_frame, session.rate, session.drop_frame)
    ET.SubElement(root, "Comment").text = f"Begins at timecode {timecode}, {session.rate} frames a second"
    return root


@dataclass
class _Writer:
    """One project."""

    session: Session
    embed: bool
    embedded: dict[str, str] = field(default_factory=dict)
    """Name inside the ZIP by path of the file."""

    def __post_init__(self) -> None:
        self._clock = Clock(self.session.tempo)

    def project(self) -> ET.Element:
        root = ET.Element("Project", version="1.0")
        ET.SubElement(root, "Application", name="EMSYNC", version=__version__)
        self._transport(root)
        structure = ET.SubElement(root, "Structure")
        for number, track in enumerate(self.session.tracks, 1):
            _add_track(structure, track, number)
        _add_master(structure)
        arrangement = ET.SubElement(root, "Arrangement", id="arrangement")
        lanes = ET.SubElement(arrangement, "Lanes", id="lanes", timeUnit="beats")
        for number, track in enumerate(self.session.tracks, 1):
            lane = ET.SubElement(lanes, "Lanes", id=f"lane{number}", track=f"track{number}")
            clips = ET.SubElement(lane, "Clips", id=f"clips{number}")
            for item in track.items:
                self._clip(clips, item)
        self._markers(arrangement)
        self._automation(arrangement)
        return root

    def _transport(self, root: ET.Element) -> None:
        first = self._clock.points[0]
        speeds = [point.bpm for point in self._clock.points]
        transport = ET.SubElement(root, "Transport")
        limits = {"min": _number(min(20.0, *speeds)), "max": _number(max(666.0, *speeds))}
        ET.SubElement(transport, "Tempo", limits, id="tempo", name="Tempo", unit="bpm", value=_number(first.bpm))
        ET.SubElement(
            transport,
            "TimeSignature",
            id="meter",
            numerator=str(first.numerator),
            denominator=str(first.denominator),
        )

    def _markers(self, arrangement: ET.Element) -> None:
        if not self.session.markers:
            return
        markers = ET.SubElement(arrangement, "Markers", id="markers", timeUnit="beats")
        for marker in self.session.markers:
            attributes = {"name": legal(marker.name), "time": self._beats(marker.time)}
            if marker.colour in COLOURS:
                attributes["color"] = f"#{COLOURS[marker.colour]:06x}"
            if comment := _comment(marker):
                attributes["comment"] = comment
            ET.SubElement(markers, "Marker", attributes)

    def _automation(self, arrangement: ET.Element) -> None:
        points = self._clock.points
        if points == (DEFAULT_TEMPO,) and not self.session.tempo:
            return
        tempo = ET.SubElement(arrangement, "TempoAutomation", id="tempos", timeUnit="beats", unit="bpm")
        ET.SubElement(tempo, "Target", parameter="tempo")
        for point in points:
            attributes = {"time": self._beats(point.time), "value": _number(point.bpm), "interpolation": "hold"}
            ET.SubElement(tempo, "RealPoint", attributes)
        meters = ET.SubElement(arrangement, "TimeSignatureAutomation", id="meters", timeUnit="beats")
        ET.SubElement(meters, "Target", parameter="meter")
        meter = (0, 0)
        for point in points:
            if point.meter != meter:
                meter = point.meter
                attributes = {"numerator": str(meter[0]), "denominator": str(meter[1])}
                ET.SubElement(meters, "TimeSignaturePoint", attributes, time=self._beats(point.time))

    def _beats(self, seconds: Fraction) -> str:
        return _number(self._clock.quarters(seconds))

    def _clip(self, clips: ET.Element, item: Item) -> None:
        length = self._clock.quarters(item.end) - self._clock.quarters(item.start)
        attributes = {
            "time": self._beats(item.start),
            "duration": _number(length),
            "name": legal(item.name),
            "enable": "false" if item.muted else "true",
        }
        clip = ET.SubElement(clips, "Clip", attributes)
        if item.midi is not None:
            clip.attrib.update(contentTimeUnit="beats", playStart="0.0")
            _add_midi(clip, shown_midi(item, self._clock))
            return
        clip.set("contentTimeUnit", "seconds")
        if item.speed == 1 or not item.media:
            clip.set("playStart", _number(item.source))
            if item.media:
                self._media(clip, item)
            return
        clip.set("playStart", "0.0")
        warps = ET.SubElement(clip, "Warps", contentTimeUnit="seconds", timeUnit="seconds")
        self._media(warps, item)
        for time in (Fraction(0), item.duration):
            content = item.source + item.speed * time
            ET.SubElement(warps, "Warp", time=_number(time), contentTime=_number(content))

    def _media(self, parent: ET.Element, item: Item) -> None:
        path = next(iter(paths_of(item.media)), item.media)
        local = Path(path)
        exists = local.is_file()
        rate, channels = (wave_format(local) if exists else None) or DEFAULT_FORMAT
        heard = max(item.source, item.source + item.speed * item.duration)
        element = ET.SubElement(
            parent,
            "Video" if item.kind == "video" else "Audio",
            channels=str(channels),
            sampleRate=str(rate),
            duration=_number(item.media_duration or max(heard, Fraction(0))),
        )
        if self.embed and exists and item.kind == "audio":
            ET.SubElement(element, "File", path=self._embedded_name(path))
        else:
            ET.SubElement(element, "File", path=legal(path), external="true")

    def _embedded_name(self, path: str) -> str:
        if path not in self.embedded:
            name = legal(base_name(path))
            taken = {other.lower() for other in self.embedded.values()}
            stem, dot, suffix = name.rpartition(".")
            number, chosen = 1, f"audio/{name}"
            while chosen.lower() in taken:
                number += 1
                chosen = f"audio/{stem} {number}{dot}{suffix}"
            self.embedded[path] = chosen
        return self.embedded[path]


def _add_track(structure: ET.Element, track: SessionTrack, number: int) -> None:
    kinds = sorted({"notes" if item.kind == "midi" else item.kind for item in track.items})
    content = " ".join(kinds) or ("notes" if track.kind == "midi" else track.kind)
    element = ET.SubElement(structure, "Track", id=f"track{number}", name=legal(track.name), contentType=content)
    element.set("loaded", "true")
    channel = ET.SubElement(element, "Channel", id=f"channel{number}", role="regular", audioChannels="2")
    channel.set("destination", _MASTER)
    _add_mixer(channel, f"channel{number}", track.volume, track.pan, track.muted)


def _add_master(structure: ET.Element) -> None:
    element = ET.SubElement(structure, "Track", id="master_track", name="Master", contentType="audio notes")
    element.set("loaded", "true")
    channel = ET.SubElement(element, "Channel", id=_MASTER, role="master", audioChannels="2")
    _add_mixer(channel, _MASTER, 1.0, 0.0, False)


def _add_mixer(channel: ET.Element, name: str, volume: float, pan: float, muted: bool) -> None:
    ET.SubElement(channel, "Mute", id=f"{name}_mute", name="Mute", value="true" if muted else "false")
    pans = {"min": "0.0", "max": "1.0", "unit": "normalized", "value": _number((pan + 1) / 2)}
    ET.SubElement(channel, "Pan", pans, id=f"{name}_pan", name="Pan")
    volumes = {"min": "0.0", "max": _number(max(2.0, volume)), "unit": "linear", "value": _number(volume)}
    ET.SubElement(channel, "Volume", volumes, id=f"{name}_volume", name="Volume")


def _add_midi(clip: ET.Element, midi: Midi) -> None:
    def beats(tick: int) -> str:
        return _number(Fraction(tick, midi.ticks_per_quarter))

    lanes = ET.SubElement(clip, "Lanes") if midi.controls or midi.programs or midi.bends else clip
    notes = ET.SubElement(lanes, "Notes")
    for note in midi.notes:
        ET.SubElement(
            notes,
            "Note",
            time=beats(note.tick),
            duration=beats(note.duration),
            channel=str(note.channel),
            key=str(note.pitch),
            vel=_number(note.velocity / 127),
            rel=_number(0.5),
        )
    curves: dict[tuple[tuple[str, str], ...], list[tuple[int, float]]] = {}
    for control in midi.controls:
        target = _target("channelController", control.channel, controller=control.controller)
        curves.setdefault(target, []).append((control.tick, control.value / 127))
    for program in midi.programs:
        curves.setdefault(_target("programChange", program.channel), []).append((program.tick, program.program / 127))
    for bend in midi.bends:
        curves.setdefault(_target("pitchBend", bend.channel), []).append((bend.tick, (bend.value + 8192) / 16383))
    for target, values in curves.items():
        points = ET.SubElement(lanes, "Points", unit="normalized")
        ET.SubElement(points, "Target", dict(target))
        for tick, value in values:
            ET.SubElement(points, "RealPoint", time=beats(tick), value=_number(value), interpolation="hold")


def _target(expression: str, channel: int, **more: int) -> tuple[tuple[str, str], ...]:
    values: dict[str, Any] = {"expression": expression, "channel": channel, **more}
    return tuple((key, str(value)) for key, value in values.items())


def _comment(marker: SessionMarker) -> str:
    """The comment, and the length of a region, which the format knows no other place for."""
    length = f"[{_number(marker.duration)} s]" if marker.duration else ""
    return " ".join(part for part in (legal(marker.comment), length) if part)


def _number(value: Fraction | float) -> str:
    return repr(float(value))
