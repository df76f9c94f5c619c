"""A cue as FCPXML 1.10 for Final Cut Pro: audio in lanes below an empty spine, and markers.

Every time is a rational number of seconds on the frame grid, which Final Cut insists on.
"""

from __future__ import annotations

from fractions import Fraction
from xml.etree import ElementTree as ET

from otio_adapters.out.delivery import Delivery, Mark, Sound
from otio_adapters.plugins.legal_xml import legal

_RATES = {Fraction(24000, 1001): "2398", Fraction(24): "24", Fraction(25): "25", Fraction(30000, 1001): "2997",
          Fraction(30): "30", Fraction(50): "50", Fraction(60000, 1001): "5994", Fraction(60): "60"}  # fmt: skip
"""Final Cut's own names of 1080p formats, by rate."""


def fcpxml(delivery: Delivery) -> bytes:
    """``NAME.fcpxml``."""
    root = ET.Element("fcpxml", version="1.10")
    resources = ET.SubElement(root, "resources")
    _format(resources, delivery.rate)
    for number, sound in enumerate(delivery.sounds, 1):
        _asset(resources, delivery, sound, number)
    name = legal(delivery.name)
    library = ET.SubElement(root, "library")
    project = ET.SubElement(ET.SubElement(library, "event", name=name), "project", name=name)
    sequence = ET.SubElement(project, "sequence", format="r0", duration=_time(delivery, delivery.frames))
    picture = delivery.picture
    sequence.set("tcStart", _time(delivery, picture.start_frame))
    sequence.set("tcFormat", "DF" if picture.drop_frame else "NDF")
    sequence.attrib.update(audioLayout="stereo", audioRate="48k")
    _gap(ET.SubElement(sequence, "spine"), delivery)
    ET.indent(root, "    ")
    body: bytes = ET.tostring(root, encoding="UTF-8", xml_declaration=False)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE fcpxml>\n\n' + body + b"\n"


def _format(resources: ET.Element, rate: Fraction) -> None:
    element = ET.SubElement(resources, "format", id="r0")
    if rate in _RATES:
        element.set("name", f"FFVideoFormat1080p{_RATES[rate]}")
    scale = 100 if rate.denominator == 1 else 1  # Final Cut writes whole rates as 100/2400s
    element.set("frameDuration", f"{rate.denominator * scale}/{rate.numerator * scale}s")
    element.attrib.update(width="1920", height="1080")


def _time(delivery: Delivery, frames: int) -> str:
    """Frames as rational seconds over the rate's own denominator."""
    if not frames:
        return "0s"
    rate = delivery.rate
    return f"{frames * rate.denominator}/{rate.numerator}s"


def _asset(resources: ET.Element, delivery: Delivery, sound: Sound, number: int) -> None:
    asset = ET.SubElement(resources, "asset", id=f"r{number}", name=legal(sound.path.stem))
    asset.set("start", _time(delivery, delivery.picture.start_frame))
    asset.set("duration", _time(delivery, delivery.frames))
    asset.attrib.update(hasAudio="1", audioSources="1", audioChannels="2", audioRate="48000")
    ET.SubElement(asset, "media-rep", kind="original-media", src=sound.path.as_uri())


def _gap(spine: ET.Element, delivery: Delivery) -> None:
    """The empty spine; what hangs on it counts from its own zero."""
    start = _time(delivery, delivery.picture.start_frame)
    gap = ET.SubElement(spine, "gap", name="Gap", offset=start, start="0s")
    gap.set("duration", _time(delivery, delivery.frames))
    for number, sound in enumerate(delivery.sounds, 1):
        clip = ET.SubElement(gap, "asset-clip", ref=f"r{number}", lane=str(-number), offset="0s")
        clip.attrib.update(name=legal(sound.name), start=start, duration=_time(delivery, delivery.frames))
        clip.set("audioRole", "music.mix" if sound.is_mix else "music.stems")
        if not delivery.is_heard(sound):
            clip.set("enabled", "0")
    for mark in delivery.marks:
        _marker(gap, delivery, mark)


def _marker(gap: ET.Element, delivery: Delivery, mark: Mark) -> None:
    marker = ET.SubElement(gap, "marker", start=_time(delivery, mark.frame), value=legal(mark.name))
    marker.set("duration", _time(delivery, 1))  # a marker of Final Cut is one frame: it knows no regions
    if mark.comment != mark.name:
        marker.set("note", legal(mark.comment))
