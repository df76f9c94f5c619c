"""A small reader of Standard MIDI Files: just the messages that make notes, bars and tempo.

Everything else (controllers, key signatures, lyrics, system exclusive) is stepped over, so that a file with a
flaw in what is not needed still reads. Follows the Standard MIDI File 1.0 specification (RP-001).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

NOTE_OFF, NOTE_ON, PROGRAM, META = 0x80, 0x90, 0xC0, 0xFF
META_NAME, META_END, META_TEMPO, META_METRE = 0x03, 0x2F, 0x51, 0x58
_DATA_BYTES = {0x80: 2, 0x90: 2, 0xA0: 2, 0xB0: 2, 0xC0: 1, 0xD0: 1, 0xE0: 2}


class SmfError(ValueError):
    """Bytes that are not a Standard MIDI File, or are cut off."""


@dataclass(frozen=True)
class Message:
    """A channel message (`status` 0x80-0xE0) or a meta event (`status` 0xFF, `channel` its type)."""

    tick: int
    status: int
    channel: int
    data: bytes


@dataclass(frozen=True)
class MidiFile:
    """Ticks per quarter note, and the messages of each track in order."""

    resolution: int
    tracks: tuple[tuple[Message, ...], ...]


def parse(data: bytes) -> MidiFile:
    """Parse a file's bytes. Raises SmfError."""
    if data[:4] != b"MThd" or len(data) < 14:
        raise SmfError("no MThd header")
    length, _format, _tracks, division = struct.unpack(">IHHH", data[4:14])
    if division & 0x8000 or division == 0:
        raise SmfError("time division is not ticks per quarter note")
    tracks = []
    at = 8 + length
    while at + 8 <= len(data):
        kind, size = data[at : at + 4], struct.unpack(">I", data[at + 4 : at + 8])[0]
        if kind == b"MTrk":
            tracks.append(tuple(_messages(data[at + 8 : at + 8 + size])))
        at += 8 + size
    if not tracks:
        raise SmfError("no track")
    return MidiFile(division, tuple(tracks))


def _variable(data: bytes, at: int) -> tuple[int, int]:
    """A variable-length quantity and the place after it."""
    value = 0
    while True:
        byte = data[at]
        at += 1
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at


def _messages(data: bytes) -> Iterator[Message]:
    """Messages of a track chunk; a track that is cut off ends where it is cut."""
    at, tick, running = 0, 0, 0
    try:
        while at < len(data):
            delta, at = _variable(data, at)
            tick += delta
            status = data[at]
            if status >= 0x80:
                at += 1
            elif running:
                status = running
            else:
                raise SmfError("data byte without a status")
            if status in (0xF0, 0xF7):
                size, at = _variable(data, at)
                at += size
            elif status == 0xFF:
                kind = data[at]
                size, at = _variable(data, at + 1)
                yield Message(tick, status, kind, data[at : at + size])
                at += size
                if kind == META_END:
                    return
            elif status < 0xF0:
                running = status
                size = _DATA_BYTES[status & 0xF0]
                body = data[at : at + size]
                if len(body) == size:
                    yield Message(tick, status & 0xF0, status & 0x0F, body)
                at += size
            else:
                raise SmfError(f"unexpected status byte 0x{status:02X}")
    except IndexError:
        return
