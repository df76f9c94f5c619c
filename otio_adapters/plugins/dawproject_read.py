"""A DAWproject as a ``Session``."""

from __future__ import annotations

import io
import re
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from xml.etree import ElementTree as ET

from emsync_engine.errors import InputError
from emsync_engine.timecode import canonical_rate, frames_from_timecode
from otio_adapters.media import base_name
from otio_adapters.plugins.dawproject_clips import Place, content_of
from otio_adapters.plugins.rpp_text import number
from otio_adapters.plugins.session import Item, ItemKind, Session, SessionMarker, SessionTrack, nearest_colour
from otio_adapters.plugins.tempo import DEFAULT_TEMPO, Clock, TempoPoint, fine, meter, ramp_steps, us_of_bpm

_MAX_XML = 1 << 28  # bytes
_MAX_DEPTH = 50
_TIMECODE = re.compile(r"timecode (\d+:\d\d:\d\d[:;]\d{2,3}), (\S+) frames")
_REGION = re.compile(r"\s*\[(\S+) s\]$")
_COLOUR = re.compile(r"#([0-9a-fA-F]{6})")


def read_dawproject(data: bytes) -> Session:
    """The session of a DAWproject file. Times are at the frame rate its comment gives, or at 24 frames a second.

    Raises:
        InputError: not a DAWproject, or a damaged one.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            project = _xml(archive, "project.xml")
            about = _xml(archive, "metadata.xml") if "metadata.xml" in archive.namelist() else ET.Element("MetaData")
    except (zipfile.BadZipFile, KeyError, EOFError, OSError, NotImplementedError, RuntimeError) as error:
        raise InputError(
            "is not a DAWproject (a ZIP with project.xml): export it again", code="not_a_timeline"
        ) from error
    clock, tempo = _tempo(project)
    name = (about.findtext("Title") or "").strip()
    rate, start, drop = _timecode(about.findtext("Comment") or "")
    return Session(
        name=name,
        rate=rate,
        start_frame=start,
        drop_frame=drop,
        tempo=tempo,
        tracks=tuple(_tracks(project, clock)),
        markers=tuple(_markers(project, clock)),
    )


def _xml(archive: zipfile.ZipFile, name: str) -> ET.Element:
    if archive.getinfo(name).file_size > _MAX_XML:
        raise InputError(f"has a {name} larger than any project: export it again", code="not_a_timeline")
    data = archive.read(name)
    if b"<!ENTITY" in data:
        raise InputError(f"has a {name} with entities, which no DAW writes", code="not_a_timeline")
    try:
        return ET.fromstring(data)
    except ET.ParseError as error:
        raise InputError(f"has a damaged {name} ({error}): export it again", code="not_a_timeline") from error


def _timecode(comment: str) -> tuple[Fraction, int, bool]:
    match = _TIMECODE.search(comment)
    try:
        if match:
            rate = canonical_rate(match.group(2))
            return rate, frames_from_timecode(match.group(1), rate), ";" in match.group(1)
    except ValueError:
        pass
    return Fraction(24), 0, False


def _tempo(project: ET.Element) -> tuple[Clock, tuple[TempoPoint, ...]]:
    """The clock, and its points when the project states any tempo."""
    tempo, signature = project.find("Transport/Tempo"), project.find("Transport/TimeSignature")
    bpm = number(tempo.get("value", "120")) if tempo is not None else Fraction(120)
    head = replace(DEFAULT_TEMPO, us=_us(bpm))
    if signature is not None:
        numerator, denominator = meter(*(int(number(signature.get(k, "4"))) for k in ("numerator", "denominator")))
        head = replace(head, numerator=numerator, denominator=denominator)
    arrangement = project.find("Arrangement")
    if arrangement is None:
        return Clock([head]), (head,) if tempo is not None else ()
    points = _tempo_points(arrangement.find("TempoAutomation"), head)
    points = _with_meters(points, arrangement.find("TimeSignatureAutomation"))
    stated = tempo is not None or len(points) > 1
    return Clock(points), tuple(points) if stated else ()


def _us(bpm: Fraction) -> Fraction:
    try:
        return us_of_bpm(bpm)
    except ValueError:
        return DEFAULT_TEMPO.us


def _tempo_points(automation: ET.Element | None, head: TempoPoint) -> list[TempoPoint]:
    """The tempo's steps; positions in beats become seconds as they go by."""
    rows = sorted(_points(automation), key=lambda row: row[0])
    if automation is None or not rows:
        return [head]
    in_beats = automation.get("timeUnit", "beats") != "seconds"
    steps: list[tuple[Fraction, Fraction]] = []
    for (position, bpm, held), after in zip(rows, [*rows[1:], None]):
        if after is not None and not held and after[0] > position:
            steps += ramp_steps(position, after[0], bpm, after[1])
        else:
            steps.append((position, bpm))
    found = [replace(head, us=_us(steps[0][1]))]
    last = Fraction(0)
    for position, bpm in steps:
        length = position - last
        time = found[-1].time + (length * found[-1].us / 1_000_000 if in_beats else length)
        last = position
        found.append(replace(head, time=fine(time), us=_us(bpm)))
    return list(Clock(found).points)


def _points(automation: ET.Element | None) -> Iterator[tuple[Fraction, Fraction, bool]]:
    """(position, value, held) of each point."""
    for point in automation.findall("RealPoint") if automation is not None else ():
        held = point.get("interpolation", "hold") != "linear"
        position, value = number(point.get("time", "0")), number(point.get("value", "0"))
        if position >= 0:
            yield position, value, held


def _with_meters(points: list[TempoPoint], automation: ET.Element | None) -> list[TempoPoint]:
    if automation is None:
        return points
    clock = Clock(points)
    in_beats = automation.get("timeUnit", "beats") != "seconds"
    changes: list[tuple[Fraction, tuple[int, int]]] = []
    for row in automation.findall("TimeSignaturePoint"):
        position = number(row.get("time", "0"))
        signature = meter(*(int(number(row.get(key, "4"))) for key in ("numerator", "denominator")))
        changes.append((fine(clock.seconds(position) if in_beats else position), signature))
    rows = {point.time: point for point in clock.points}
    for time, _ in changes:
        if time not in rows:
            close = next((other for other in rows if abs(other - time) < Fraction(1, 10**9)), None)
            earlier = max((other for other in rows if other <= time), default=Fraction(0))
            rows[time if close is None else close] = replace(rows[earlier], time=time) if close is None else rows[close]
    signature = clock.points[0].meter
    result = []
    for time, point in sorted(rows.items()):
        signature = next((s for t, s in reversed(changes) if abs(t - time) < Fraction(1, 10**9)), signature)
        result.append(replace(point, numerator=signature[0], denominator=signature[1]))
    return result


def _markers(project: ET.Element, clock: Clock) -> Iterator[SessionMarker]:
    arrangement = project.find("Arrangement")
    markers = arrangement.find("Markers") if arrangement is not None else None
    if arrangement is None or markers is None:
        return
    lanes = arrangement.find("Lanes")
    unit = markers.get("timeUnit") or (lanes.get("timeUnit") if lanes is not None else None) or "beats"
    for marker in markers.findall("Marker"):
        position = number(marker.get("time", "0"))
        time = clock.seconds(position) if unit == "beats" else position
        comment = marker.get("comment", "")
        region, colour = _REGION.search(comment), _COLOUR.match(marker.get("color", ""))
        yield SessionMarker(
            max(fine(time), Fraction(0)),
            marker.get("name", ""),
            max(fine(number(region.group(1))), Fraction(0)) if region else Fraction(0),
            comment[: region.start()] if region else comment,
            nearest_colour(int(colour.group(1), 16)) if colour else "",
        )


@dataclass(frozen=True)
class _Strip:
    """A track of the project's structure."""

    id: str
    track: SessionTrack


def _tracks(project: ET.Element, clock: Clock) -> Iterator[SessionTrack]:
    items: dict[str, list[Item]] = defaultdict(list)
    arrangement = project.find("Arrangement")
    lanes = arrangement.find("Lanes") if arrangement is not None else None
    if lanes is not None:
        for track, item in _items(lanes, "beats", "", clock, 0):
            items[track].append(item)
    structure = project.find("Structure")
    for strip in _strips(structure, 0) if structure is not None else ():
        found = sorted(items.pop(strip.id, []), key=lambda item: item.start)
        yield replace(strip.track, items=tuple(_of_track(item, strip.track.kind) for item in found))
    for found in items.values():
        yield SessionTrack("", tuple(sorted(found, key=lambda item: item.start)))


def _of_track(item: Item, kind: ItemKind) -> Item:
    """An item without a file is what its track holds."""
    return replace(item, kind="video") if kind == "video" and not item.media and item.midi is None else item


def _strips(parent: ET.Element, depth: int) -> Iterator[_Strip]:
    """The tracks in order, those inside a group after it. The master and pure groups hold nothing and are left out."""
    for track in parent.findall("Track") if depth < _MAX_DEPTH else ():
        kinds = track.get("contentType", "").split()
        channel = track.find("Channel")
        is_master = channel is not None and channel.get("role") == "master"
        if not is_master and kinds != ["tracks"]:
            kind: ItemKind = "video" if kinds == ["video"] else "midi" if kinds == ["notes"] else "audio"
            yield _Strip(track.get("id", ""), _mixed(SessionTrack(track.get("name", ""), kind=kind), channel))
        yield from _strips(track, depth + 1)


def _mixed(track: SessionTrack, channel: ET.Element | None) -> SessionTrack:
    if channel is None:
        return track
    volume, pan, mute = channel.find("Volume"), channel.find("Pan"), channel.find("Mute")
    gain = _gain(volume) if volume is not None else 1.0
    side = float(number(pan.get("value", "0.5"))) * 2 - 1 if pan is not None else 0.0
    muted = mute is not None and mute.get("value") in ("true", "1")
    return replace(track, volume=gain, pan=max(-1.0, min(1.0, side)), muted=muted)


def _gain(volume: ET.Element) -> float:
    value = float(number(volume.get("value", "1"), Fraction(1)))
    if volume.get("unit") == "decibel":
        return float(10 ** (max(-200.0, min(40.0, value)) / 20))
    return max(0.0, min(100.0, value))


def _items(element: ET.Element, unit: str, track: str, clock: Clock, depth: int) -> Iterator[tuple[str, Item]]:
    """(track id, item) of every clip below lanes."""
    unit = element.get("timeUnit") or unit
    track = element.get("track") or track
    for child in element if depth < _MAX_DEPTH else ():
        if child.tag == "Lanes":
            yield from _items(child, unit, track, clock, depth + 1)
        elif child.tag == "Clips":
            owner = child.get("track") or track
            place = Place(clock, Fraction(0), Fraction(0), child.get("timeUnit") or unit)
            for item in content_of(child, place, None, depth + 1):
                yield owner, item if item.name else replace(item, name=base_name(item.media))
