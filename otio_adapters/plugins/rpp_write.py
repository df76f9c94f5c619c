"""A ``Session`` as a REAPER project."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import PurePosixPath
from urllib.parse import quote as percent

from emsync_engine.timecode import nominal_fps
from otio_adapters.media import base_name, paths_of
from otio_adapters.plugins.rpp_text import decimal, one_line, quote
from otio_adapters.plugins.session import COLOURS, Item, Session, SessionMarker, SessionTrack, shown_midi
from otio_adapters.plugins.tempo import DEFAULT_TEMPO, Clock

SOURCES = {
    ".wav": "WAVE",
    ".bwf": "WAVE",
    ".w64": "WAVE",
    ".aif": "WAVE",
    ".aiff": "WAVE",
    ".mp3": "MP3",
    ".flac": "FLAC",
    ".ogg": "VORBIS",
    ".opus": "OPUS",
    ".wv": "WAVPACK",
}
"""REAPER's source type by suffix; any other file is opened by its video decoder."""

FREEZE = Fraction(1, 1000)
"""Play rate that stands for a freeze: REAPER has no rate 0."""

_NAMESPACE = uuid.UUID("6f2f6c1e-6f4e-5d55-9d0a-5c1c6a8d3b70")


def rpp_text(session: Session) -> str:
    """The project file. It depends on the session alone."""
    return "\n".join(_Writer(session).lines()) + "\n"


@dataclass
class _Writer:
    """Lines of one project, with ids counted through it."""

    session: Session
    _ids: int = 0

    def lines(self) -> Iterator[str]:
        session = self.session
        clock = Clock(session.tempo)
        first = clock.points[0]
        yield '<REAPER_PROJECT 0.1 "7.0" 0'
        yield f"  TITLE {quote(session.name)}"
        yield f"  PROJOFFS {decimal(session.start_seconds)} 0 0"
        yield f"  TIMEMODE 1 5 -1 {_timecode_rate(session)} 0 -1"
        yield "  SAMPLERATE 48000 0 0"
        yield f"  TEMPO {decimal(first.bpm)} {first.numerator} {first.denominator}"
        yield from self._tempo(clock)
        for number, marker in enumerate(session.markers, 1):
            yield from self._marker(marker, number)
        yield from self._extra()
        heard = {item.media for track in session.tracks for item in track.items if item.kind == "audio"}
        for track in session.tracks:
            yield from self._track(track, clock, heard)
        yield ">"

    def _tempo(self, clock: Clock) -> Iterator[str]:
        if clock.points == (DEFAULT_TEMPO,) and not self.session.tempo:
            return
        yield "  <TEMPOENVEX"
        yield "    ACT 1 -1"
        yield "    VIS 1 0 1"
        yield "    LANEHEIGHT 0 0"
        yield "    ARM 0"
        yield "    DEFSHAPE 1 -1 -1"
        meter, bar_line = (0, 0), Fraction(0)
        for point in clock.points:
            words = [decimal(point.time), decimal(point.bpm), "1"]
            if point.meter != meter:
                quarters = clock.quarters(point.time) - bar_line
                whole = not meter[0] or (quarters * meter[1] / (4 * meter[0])).denominator == 1
                words += [str(point.denominator << 16 | point.numerator), "0", "1" if whole else "5"]
                meter, bar_line = point.meter, clock.quarters(point.time)
            yield f"    PT {' '.join(words)}"
        yield "  >"

    def _marker(self, marker: SessionMarker, number: int) -> Iterator[str]:
        colour = _native(marker.colour)
        is_region = int(marker.duration > 0)
        tail = f"{colour} 1 R {self._guid()} 0"
        yield f"  MARKER {number} {decimal(marker.time)} {quote(marker.name)} {is_region} {tail}"
        if is_region:
            yield f'  MARKER {number} {decimal(marker.time + marker.duration)} "" 1'

    def _extra(self) -> Iterator[str]:
        """What REAPER has no place for: the exact rate and the markers' comments, as project state."""
        yield "  <EXTSTATE"
        yield "    <OTIO"
        yield f"      RATE {self.session.rate}"
        for number, marker in enumerate(self.session.markers, 1):
            if marker.comment:
                yield f"      COMMENT_{number} {percent(marker.comment.encode('utf-8', 'replace'), safe='')}"
        yield "    >"
        yield "  >"

    def _track(self, track: SessionTrack, clock: Clock, heard: set[str]) -> Iterator[str]:
        guid = self._guid()
        yield f"  <TRACK {guid}"
        yield f"    NAME {quote(track.name)}"
        if not any(item.midi for item in track.items):
            yield "    BEAT 0"  # bound to time: whoever edits the tempo leaves picture and sound where they are
        yield f"    VOLPAN {decimal(track.volume)} {decimal(track.pan)} -1 -1 1"
        yield f"    MUTESOLO {int(track.muted)} 0 0"
        yield f"    TRACKID {guid}"
        for item in track.items:
            yield from self._item(item, clock, heard)
        yield "  >"

    def _item(self, item: Item, clock: Clock, heard: set[str]) -> Iterator[str]:
        yield "    <ITEM"
        yield f"      POSITION {decimal(item.start)}"
        yield f"      LENGTH {decimal(item.duration)}"
        yield "      LOOP 0"
        yield f"      MUTE {int(item.muted)} 0"
        yield f"      IGUID {self._guid()}"
        if not item.media and item.midi is None and item.name:
            yield "      <NOTES"  # all that REAPER shows of an item without a file
            yield f"        |{one_line(item.name)}"
            yield "      >"
        yield f"      NAME {quote(item.name)}"
        yield "      VOLPAN 1 0 1 -1"
        if item.kind == "midi":
            yield "      SOFFS 0"
            yield from _midi_source(item, clock)
        elif item.media:
            yield f"      SOFFS {decimal(item.source if item.speed >= 0 else Fraction(0))}"
            yield f"      PLAYRATE {decimal(abs(item.speed) or FREEZE)} 1 0 -1"
            yield from _file_source(item, item.kind == "video" and item.media in heard)
        else:
            yield f"      SOFFS {decimal(item.source)}"
            yield f"      PLAYRATE {decimal(item.speed or FREEZE)} 1 0 -1"
            if item.kind == "audio":
                yield "      <SOURCE EMPTY"
                yield "      >"
        yield "    >"

    def _guid(self) -> str:
        self._ids += 1
        return "{" + str(uuid.uuid5(_NAMESPACE, f"{self.session.name} {self._ids}")).upper() + "}"


def _timecode_rate(session: Session) -> str:
    """Whole frames a second, and 1 for drop-frame or 2 for a rate of N·1000/1001 counted without."""
    pulled = session.rate.denominator == 1001
    return f"{nominal_fps(session.rate)} {1 if session.drop_frame else 2 if pulled else 0}"


def _native(colour: str) -> int:
    """A colour as REAPER stores it: blue, green, red from the top, with a flag that it is set; 0 for none."""
    if colour not in COLOURS:
        return 0
    rgb = COLOURS[colour]
    return 0x1000000 | (rgb & 0xFF) << 16 | rgb & 0xFF00 | rgb >> 16


def _midi_source(item: Item, clock: Clock) -> Iterator[str]:
    midi = shown_midi(item, clock)
    length = round((clock.quarters(item.end) - clock.quarters(item.start)) * midi.ticks_per_quarter)
    yield "      <SOURCE MIDI"
    yield f"        HASDATA 1 {midi.ticks_per_quarter} QN"
    now = 0
    for tick, data in midi.messages():
        padded = (*data, 0)[:3]
        yield f"        E {tick - now} " + " ".join(f"{byte:02x}" for byte in padded)
        now = tick
    yield f"        E {max(length - now, 0)} b0 7b 00"
    yield "      >"


def _file_source(item: Item, silent: bool) -> Iterator[str]:
    path = next(iter(paths_of(item.media)), item.media)
    kind = SOURCES.get(PurePosixPath(base_name(path)).suffix.lower(), "VIDEO")
    if item.kind == "video":
        kind = "VIDEO"
    pad = "      "
    if item.speed < 0:
        yield f"{pad}<SOURCE SECTION"
        yield f"{pad}  LENGTH {decimal(-item.speed * item.duration)}"
        yield f"{pad}  MODE 2"
        yield f"{pad}  STARTPOS {decimal(item.source + item.speed * item.duration)}"
        yield f"{pad}  OVERLAP 0"
        pad += "  "
    yield f"{pad}<SOURCE {kind}"
    if kind == "VIDEO" and silent:
        yield f"{pad}  AUDIO 0"
    if kind == "VIDEO" and item.kind == "audio":
        yield f"{pad}  VIDEO_DISABLED"
    yield f"{pad}  FILE {quote(path)}"
    yield f"{pad}>"
    if item.speed < 0:
        yield f"{pad[2:]}>"
