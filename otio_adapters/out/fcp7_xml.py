"""A cue as Final Cut Pro 7 XML (xmeml 5), which Premiere and Resolve both take and relink.

Every stereo file is two linked clip items on two tracks, as the format counts channels. Rates and timecodes are said
wherever the systems look for them: Resolve refuses the whole file otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePath
from urllib.parse import quote
from xml.etree import ElementTree as ET

from emsync_engine.timecode import nominal_fps, timecode_from_frames
from otio_adapters.out.delivery import Delivery, Mark, Sound
from otio_adapters.plugins.legal_xml import legal

_CHANNELS = 2
_DRIVE = re.compile(r"^[A-Za-z]:/")


def fcp7_xml(delivery: Delivery) -> bytes:
    """``NAME.xml``."""
    root = ET.Element("xmeml", version="5")
    sequence = ET.SubElement(root, "sequence", id="sequence-1")
    _text(sequence, "name", delivery.name)
    _text(sequence, "duration", delivery.frames)
    _rate(sequence, delivery)
    _timecode(sequence, delivery)
    media = ET.SubElement(sequence, "media")
    _video(media, delivery)
    _audio(media, delivery)
    for mark in delivery.marks:
        _marker(sequence, mark)
    ET.indent(root, "  ")
    body: bytes = ET.tostring(root, encoding="UTF-8", xml_declaration=False)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE xmeml>\n' + body + b"\n"


def file_url(path: PurePath) -> str:
    """``file://localhost/…`` with everything escaped that is no plain character, the colon of a drive too."""
    text = path.as_posix()
    if text.startswith("//"):
        return "file:" + quote(text)
    return "file://localhost" + quote(f"/{text}" if _DRIVE.match(text) else text)


def _text(parent: ET.Element, tag: str, value: object) -> ET.Element:
    element = ET.SubElement(parent, tag)
    element.text = legal(str(value))
    return element


def _rate(parent: ET.Element, delivery: Delivery) -> None:
    rate = ET.SubElement(parent, "rate")
    _text(rate, "timebase", nominal_fps(delivery.rate))
    _text(rate, "ntsc", "TRUE" if delivery.rate.denominator == 1001 else "FALSE")


def _timecode(parent: ET.Element, delivery: Delivery) -> None:
    picture = delivery.picture
    timecode = ET.SubElement(parent, "timecode")
    _rate(timecode, delivery)
    _text(timecode, "string", timecode_from_frames(picture.start_frame, picture.rate, picture.drop_frame))
    _text(timecode, "frame", picture.start_frame)
    _text(timecode, "displayformat", "DF" if picture.drop_frame else "NDF")


def _video(media: ET.Element, delivery: Delivery) -> None:
    video = ET.SubElement(media, "video")
    facts = ET.SubElement(ET.SubElement(video, "format"), "samplecharacteristics")
    _rate(facts, delivery)
    for tag, value in (("width", 1920), ("height", 1080), ("anamorphic", "FALSE"), ("pixelaspectratio", "square")):
        _text(facts, tag, value)
    track = ET.SubElement(video, "track")
    _text(track, "enabled", "TRUE")
    _text(track, "locked", "FALSE")


def _audio(media: ET.Element, delivery: Delivery) -> None:
    audio = ET.SubElement(media, "audio")
    _text(audio, "numOutputChannels", _CHANNELS)
    _characteristics(ET.SubElement(audio, "format"))
    outputs = ET.SubElement(audio, "outputs")
    group = ET.SubElement(outputs, "group")
    for tag, value in (("index", 1), ("numchannels", _CHANNELS), ("downmix", 0)):
        _text(group, tag, value)
    for channel in range(1, _CHANNELS + 1):
        _text(ET.SubElement(group, "channel"), "index", channel)
    for number, sound in enumerate(delivery.sounds, 1):
        for channel in range(1, _CHANNELS + 1):
            _track(audio, delivery, sound, number, channel)


def _characteristics(parent: ET.Element) -> None:
    facts = ET.SubElement(parent, "samplecharacteristics")
    _text(facts, "depth", 24)
    _text(facts, "samplerate", 48_000)


def _track(audio: ET.Element, delivery: Delivery, sound: Sound, number: int, channel: int) -> None:
    track = ET.SubElement(audio, "track", currentExplodedTrackIndex=str(channel - 1))
    track.attrib.update(totalExplodedTrackCount=str(_CHANNELS), premiereTrackType="Stereo")
    track.set("MZ.TrackName", legal(sound.name))
    _clip(track, delivery, sound, number, channel)
    _text(track, "enabled", "TRUE")
    _text(track, "locked", "FALSE")
    _text(track, "outputchannelindex", channel)


def _clip(track: ET.Element, delivery: Delivery, sound: Sound, number: int, channel: int) -> None:
    clip = ET.SubElement(track, "clipitem", id=_clip_id(number, channel), premiereChannelType="stereo")
    _text(clip, "masterclipid", f"masterclip-{number}")
    _text(clip, "name", sound.path.name)
    _text(clip, "enabled", "TRUE" if delivery.is_heard(sound) else "FALSE")
    _text(clip, "duration", delivery.frames)
    _rate(clip, delivery)
    for tag, frame in (("start", 0), ("end", delivery.frames), ("in", 0), ("out", delivery.frames)):
        _text(clip, tag, frame)
    if channel == 1:
        _file(clip, delivery, sound, number)
    else:
        ET.SubElement(clip, "file", id=f"file-{number}")
    source = ET.SubElement(clip, "sourcetrack")
    _text(source, "mediatype", "audio")
    _text(source, "trackindex", channel)
    for link in _links(number):
        clip.append(link)


def _file(clip: ET.Element, delivery: Delivery, sound: Sound, number: int) -> None:
    file = ET.SubElement(clip, "file", id=f"file-{number}")
    _text(file, "name", sound.path.name)
    _text(file, "pathurl", file_url(sound.path))
    _rate(file, delivery)
    _text(file, "duration", delivery.frames)
    _timecode(file, delivery)
    audio = ET.SubElement(ET.SubElement(file, "media"), "audio")
    _characteristics(audio)
    _text(audio, "channelcount", _CHANNELS)


def _links(number: int) -> Iterator[ET.Element]:
    for channel in range(1, _CHANNELS + 1):
        link = ET.Element("link")
        _text(link, "linkclipref", _clip_id(number, channel))
        _text(link, "mediatype", "audio")
        _text(link, "trackindex", (number - 1) * _CHANNELS + channel)
        _text(link, "clipindex", 1)
        _text(link, "groupindex", 1)
        yield link


def _clip_id(number: int, channel: int) -> str:
    return f"clipitem-{number}-{channel}"


def _marker(sequence: ET.Element, mark: Mark) -> None:
    marker = ET.SubElement(sequence, "marker")
    _text(marker, "name", mark.name)
    _text(marker, "comment", mark.comment)
    _text(marker, "in", mark.frame)
    _text(marker, "out", mark.frame + mark.frames if mark.frames else -1)
