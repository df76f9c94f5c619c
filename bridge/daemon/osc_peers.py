"""Senders of OSC: where to answer them, whether they may ask, and how often."""

from __future__ import annotations

import hmac
import struct
from asyncio import StreamWriter
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bridge.daemon.osc_packets import MAX_PACKET
from bridge.daemon.rates import Rates
from emsync_engine.errors import InputError

UDP_PAYLOAD = 1200
"""Bytes that a datagram of ours has at most; what is longer is fetched over HTTP."""
_TCP_PAYLOAD = MAX_PACKET
_UNREAD = 1 << 20
"""Bytes that a TCP client may leave unread."""
_RATE, _BURST = 1000.0, 5000.0
"""Requests a second of one sender in the long run, and at once."""
_WARN_RATE = 1.0
"""Answers a second that say "too many"."""
_TRUSTED = 256
"""Senders whose token is remembered."""
_TRUST_S = 12 * 3600.0
"""Since the last request of a sender: then it has to say hello again."""


@dataclass(frozen=True)
class Peer:
    """Where a request came from."""

    key: Any
    payload: int
    """Bytes that a message to it may have."""
    send: Callable[[bytes], None]


def tcp_peer(writer: StreamWriter, number: int) -> Peer:
    """The other end of a connection. ``number`` is of this connection alone."""

    def send(message: bytes) -> None:
        if writer.transport.get_write_buffer_size() > _UNREAD:
            writer.transport.abort()  # a client that does not read
        if not writer.is_closing():
            writer.write(struct.pack(">i", len(message)) + message)

    return Peer(("tcp", number), _TCP_PAYLOAD, send)


class Gate:
    """Who may ask: everybody on this computer, or, with a token, those who said it in their hello."""

    def __init__(self, token: str = "") -> None:
        self._token = token
        self._trusted: OrderedDict[Any, float] = OrderedDict()
        self._rates, self._warnings = Rates(_RATE, _BURST), Rates(_WARN_RATE, 1)

    def is_too_often(self, peer: Peer, now: float) -> bool:
        """Whether a sender asks too often."""
        return not self._rates.take(peer.key, now)

    def may_be_warned(self, peer: Peer, now: float) -> bool:
        """Whether it is told so: not as often as it asks."""
        return self._warnings.take(peer.key, now)

    def check(self, peer: Peer, call: str, said: Any, now: float) -> None:
        """Let a request through, or not.

        Args:
            said: the token in a hello.

        Raises:
            InputError: the sender has not said the token.
        """
        if not self._token:
            return
        if call == "hello" and isinstance(said, str) and hmac.compare_digest(said.encode(), self._token.encode()):
            self._trusted[peer.key] = now
            while len(self._trusted) > _TRUSTED:
                self._trusted.popitem(last=False)
        if now - self._trusted.get(peer.key, -_TRUST_S) >= _TRUST_S:
            raise InputError(
                "say hello first, with the token of the daemon's token file: hello ID CLIENT VERSION TOKEN",
                code="token_needed",
            )
        self._trusted[peer.key] = now
        self._trusted.move_to_end(peer.key)

    def forget(self, peer: Peer) -> None:
        """A connection has ended."""
        self._trusted.pop(peer.key, None)
