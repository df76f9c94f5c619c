"""A ``Score`` as a Standard MIDI File: type 1, 960 ticks, a conductor track and one named track a part.

The bytes depend on the score and the start timecode alone: equal scores give identical files.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple

from emsync_engine.score import TICKS_PER_QUARTER, Control, Key, Note, Part, Score
from emsync_engine.timecode import frames_from_timecode, nominal_fps, timecode_from_frames

MAX_US_PER_QUARTER = 0xFFFFFF  # three bytes: 3.58 beats a minute

# Sharps (positive) or flats (negative) by tonic pitch class, spelt as ``Key.name`` spells them.
_SHARPS = {
    "major": (0, -5, 2, -3, 4, -1, 6, 1, -4, 3, -2, 5),
    "minor": (-3, 4, -1, -6, 1, -4, 3, -2, 5, 0, -5, 2),
}

# The value a General MIDI receiver is given at tick 0 when the part itself says nothing there.
DEFAULT_CONTROLS = {7: 100, 10: 64, 11: 127}
"""Volume, pan (64 is the middle) and expression."""

_PUNCTUATION = str.maketrans({"\u2013": "-", "\u2014": "-", "\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"'})

# Order of events at one tick: names and set-up first, then endings before beginnings.
_SETUP, _OFF, _CONTROL, _ON = range(4)


class SmpteStart(NamedTuple):
    """Where the score begins on the timeline, as a file's SMPTE offset needs it. A plain triple will do as well."""

    rate: Fraction
    start_frame: int
    drop_frame: bool


class _Event(NamedTuple):
    tick: int
    order: int
    data: bytes


def smf_bytes(score: Score, *, start_timecode: tuple[Fraction, int, bool] | None = None) -> bytes:
    """The score as a Standard MIDI File, type 1.

    Args:
        score: what to write. Overlapping notes of one pitch are shortened by ``normalise_notes``.
        start_timecode: frame rate in Hz, frame count of the head and whether counting drops frames; gives the file
            an SMPTE offset.

    Raises:
        ValueError: two parts share a channel, or a value does not fit its MIDI field.
    """
    channels = [part.channel for part in score.parts]
    if len(set(channels)) != len(channels):
        raise ValueError(f"every part needs a channel of its own, not {channels}")
    tracks = [_track(_conductor_events(score, start_timecode), score.end_tick)]
    tracks += [_track(_part_events(part), score.end_tick) for part in score.parts]
    header = b"MThd" + b"".join(n.to_bytes(width, "big") for n, width in
                                ((6, 4), (1, 2), (len(tracks), 2), (TICKS_PER_QUARTER, 2)))  # fmt: skip
    return header + b"".join(tracks)


def normalise_notes(notes: Iterable[Note]) -> tuple[Note, ...]:
    """The notes in order of time with no pitch sounding twice at once.

    A note that is struck again while it sounds ends where the later one begins. Notes of one pitch that begin
    together become one, as long as the longest and as loud as the loudest. Onsets are never moved.
    """
    by_pitch: dict[int, list[Note]] = {}
    for note in sorted(notes):
        line = by_pitch.setdefault(note.pitch, [])
        if line and line[-1].tick == note.tick:
            last = line.pop()
            velocity, duration = max(last.velocity, note.velocity), max(last.duration, note.duration)
            note = Note(note.tick, note.pitch, duration, velocity)
        elif line and line[-1].end > note.tick:
            last = line.pop()
            line.append(Note(last.tick, last.pitch, note.tick - last.tick, last.velocity))
        line.append(note)
    return tuple(sorted(note for line in by_pitch.values() for note in line))


def part_controls(part: Part) -> tuple[Control, ...]:
    """The part's control changes in order of time, with ``DEFAULT_CONTROLS`` at tick 0 where it sets none there."""
    at_start = {c.controller for c in part.controls if c.tick <= 0}
    defaults = [Control(0, number, value) for number, value in DEFAULT_CONTROLS.items() if number not in at_start]
    return tuple(sorted([*defaults, *part.controls], key=lambda c: (c.tick, c.controller)))


def ascii_text(text: str, fallback: str = "") -> str:
    """``text`` in printable ASCII: accents are dropped, what has no plain form becomes ``?``."""
    decomposed = unicodedata.normalize("NFKD", text.translate(_PUNCTUATION))
    plain = "".join(c for c in decomposed if not unicodedata.combining(c))
    kept = "".join(c if " " <= c <= "~" else " " if c.isspace() else "?" for c in plain)
    return " ".join(kept.split()) or fallback


def _conductor_events(score: Score, start: tuple[Fraction, int, bool] | None) -> list[_Event]:
    events = [_text(0, 0x03, ascii_text(score.title, "Conductor"))]
    if start is not None:
        events.append(_meta(0, 0x54, _smpte_offset(SmpteStart(*start))))
    events += [_tempo(event.tick, event.us_per_quarter) for event in score.tempo_map.events]
    beats = 0
    for bar in score.bars:
        if bar.beats != beats:
            beats = bar.beats
            events.append(_meta(bar.tick, 0x58, bytes((beats, 2, 24, 8))))
    events.append(_meta(0, 0x59, _key_signature(score.key)))
    events += [_text(marker.tick, 0x06, ascii_text(marker.text, marker.kind)) for marker in score.markers()]
    return events


def _part_events(part: Part) -> list[_Event]:
    channel = part.channel
    if not 0 <= channel <= 15:
        raise ValueError(f"part {part.id!r} has channel {channel}; channels are 0 to 15")
    events = [
        _text(0, 0x03, ascii_text(part.name, ascii_text(part.id, "Part"))),
        _Event(0, _SETUP, bytes((0xC0 | channel, _seven_bits(part.program, part)))),
    ]
    for control in part_controls(part):
        pair = (_seven_bits(control.controller, part), _seven_bits(control.value, part))
        events.append(_Event(control.tick, _CONTROL, bytes((0xB0 | channel, *pair))))
    for note in normalise_notes(part.notes):
        if note.duration <= 0 or note.velocity <= 0:
            raise ValueError(f"part {part.id!r} has a note without length or velocity: {note}")
        pitch, velocity = _seven_bits(note.pitch, part), _seven_bits(note.velocity, part)
        events.append(_Event(note.tick, _ON, bytes((0x90 | channel, pitch, velocity))))
        events.append(_Event(note.end, _OFF, bytes((0x80 | channel, pitch, 0))))
    return events


def _track(events: list[_Event], end_tick: int) -> bytes:
    body = bytearray()
    now = 0
    for event in sorted(events, key=lambda e: (e.tick, e.order)):
        if event.tick < 0:
            raise ValueError(f"an event lies before the head, at tick {event.tick}")
        body += _variable_length(event.tick - now) + event.data
        now = event.tick
    body += _variable_length(max(end_tick - now, 0)) + b"\xff\x2f\x00"
    return b"MTrk" + len(body).to_bytes(4, "big") + bytes(body)


def _meta(tick: int, kind: int, data: bytes) -> _Event:
    return _Event(tick, _SETUP, bytes((0xFF, kind)) + _variable_length(len(data)) + data)


def _text(tick: int, kind: int, text: str) -> _Event:
    return _meta(tick, kind, text.encode("ascii"))


def _tempo(tick: int, us_per_quarter: int) -> _Event:
    if not 0 < us_per_quarter <= MAX_US_PER_QUARTER:
        raise ValueError(f"a tempo of {us_per_quarter} microseconds a quarter does not fit a MIDI file")
    return _meta(tick, 0x51, us_per_quarter.to_bytes(3, "big"))


def _key_signature(key: Key) -> bytes:
    return _SHARPS[key.mode][key.tonic % 12].to_bytes(1, "big", signed=True) + bytes((key.mode == "minor",))


def _smpte_offset(start: SmpteStart) -> bytes:
    """The five data bytes of FF 54: rate and hour, minute, second, frame, hundredths of a frame.

    The format knows 24, 25, 29.97 drop and 30. Faster rates that are multiples of one of these are counted in it,
    with the odd frame as hundredths; NTSC rates are written as the rate their timecode counts in.
    """
    rate, drop = start.rate, start.drop_frame
    fps = nominal_fps(rate)
    base = next((b for b in (24, 25, 30) if fps % b == 0), 30)
    day = frames_from_timecode("24:00:00:00", rate, drop)
    fields = timecode_from_frames(start.start_frame % day, rate, drop).replace(";", ":").split(":")
    hours, minutes, seconds, frames = (int(f) for f in fields)
    code = {24: 0, 25: 1, 30: 2 if drop else 3}[base]
    exact = Fraction(frames * base, fps)
    whole = int(exact)
    return bytes((code << 5 | hours, minutes, seconds, whole, int((exact - whole) * 100)))


def _seven_bits(value: int, part: Part) -> int:
    if not 0 <= value <= 127:
        raise ValueError(f"part {part.id!r} has the MIDI value {value}; values are 0 to 127")
    return value


def _variable_length(value: int) -> bytes:
    """A MIDI variable-length quantity: seven bits a byte, the high bit set on all but the last."""
    out = bytearray((value & 0x7F,))
    while value := value >> 7:
        out.insert(0, 0x80 | value & 0x7F)
    return bytes(out)
