"""OSC packets to messages and back: checked before the parser sees them, because anybody may send anything."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pythonosc import osc_message_builder
from pythonosc.osc_packet import OscPacket, ParseError
from pythonosc.parsing.osc_types import BuildError

MAX_PACKET = 64 << 10
"""Bytes that a packet may have."""
MAX_MESSAGES = 64
_MAX_DEPTH = 4
_BUNDLE = b"#bundle\0"
_TAGS = frozenset(b",ifdhsTFN")
"""Types that a message to us may have."""


class Double(float):
    """Sent as 64 bits: 32 hold an hour only to a quarter of a millisecond."""


class OscError(Exception):
    """A packet that is not well-formed OSC, or has more than we take."""


@dataclass(frozen=True)
class Message:
    """One message."""

    address: str
    arguments: tuple[Any, ...]


def parse(packet: bytes) -> list[Message]:
    """The messages of a packet; time tags are ignored, so that none is waited for.

    Raises:
        OscError: malformed, too large, too many or of types that no call has.
    """
    if len(packet) > MAX_PACKET:
        raise OscError(f"{len(packet)} bytes are too much for a packet")
    datagrams = []
    for datagram in _split(packet, 0):
        datagrams.append(datagram)
        if len(datagrams) > MAX_MESSAGES:
            raise OscError(f"a bundle has up to {MAX_MESSAGES} messages")
    return [_message(d) for d in datagrams]


def _split(packet: bytes, depth: int) -> Iterator[bytes]:
    """The messages of nested bundles, each as bytes."""
    if not packet.startswith(_BUNDLE):
        yield packet
        return
    if depth >= _MAX_DEPTH or len(packet) < 16:
        raise OscError("malformed bundle")
    at = 16
    while at < len(packet):
        if at + 4 > len(packet):
            raise OscError("a bundle ends in the middle")
        (size,) = struct.unpack_from(">i", packet, at)
        if size < 4 or size % 4 or at + 4 + size > len(packet):
            raise OscError("a bundle says a wrong size")
        yield from _split(packet[at + 4 : at + 4 + size], depth + 1)
        at += 4 + size


def _message(datagram: bytes) -> Message:
    _check(datagram)
    try:
        (timed,) = OscPacket(datagram).messages
        return Message(str(timed.message.address), tuple(timed.message.params))
    except (ParseError, ValueError, IndexError, struct.error) as error:
        raise OscError(f"malformed message: {error}") from error


def _check(datagram: bytes) -> None:
    """An address, and only types we know: the parser would log every other one."""
    if not datagram.startswith(b"/") or len(datagram) % 4:
        raise OscError("not a message")
    end = datagram.find(b"\0")
    tags = datagram[(end // 4 + 1) * 4 :].split(b"\0", 1)[0]
    if end < 0 or not set(tags) <= _TAGS or len(tags) > 64:
        raise OscError("types other than i f d h s T F N")


def build(address: str, *arguments: Any) -> bytes:
    """A message; floats are sent as 32 bits, whole numbers as 32 where they fit."""
    builder = osc_message_builder.OscMessageBuilder(address=address)
    try:
        for argument in arguments:
            builder.add_arg(argument, builder.ARG_TYPE_DOUBLE if isinstance(argument, Double) else None)
        datagram: bytes = builder.build().dgram
    except (BuildError, UnicodeEncodeError) as error:
        raise OscError(f"cannot be sent: {error}") from error
    return datagram
