"""One question at a time to AbletonOSC: its messages, sizes and ports as it publishes them.

AbletonOSC reads its UDP socket from Live's 100 ms timer. What arrives faster than that is lost without a word (of 500
small datagrams sent at once, 166 arrived), so nothing is sent before the last question was answered. Answers go to
port 11001 of the asker whatever port it sent from, so there can be one client at a time.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from pythonosc.osc_message import OscMessage, ParseError

from bridge.connectors.base import TargetError
from bridge.daemon.osc_packets import build
from emsync_engine.errors import UsageError

LISTEN_PORT, REPLY_PORT = 11000, 11001
MAX_DATAGRAM = 8192
"""Bytes: macOS sends no larger one than 9216 unless it is told to."""
ASK_AGAIN_S = 1.5
"""A question that has no answer after this long is sent again; only questions are, and what can be done twice."""
QUIET_S = 0.3
"""Longer than Live's timer takes from one reading to the next."""
TRIES = 3
_FENCE = "/live/test"


class ErrorSaidError(TargetError):
    """AbletonOSC answered with ``/live/error``."""


class OscLine:
    """A socket on the reply port."""

    def __init__(self, at: str, timeout_s: float) -> None:
        self.host, self.port, self.reply_port = address_of(at)
        self._timeout_s = timeout_s
        self._socket: socket.socket | None = None
        self._answered = False
        """It has answered since the line was made."""

    @property
    def where(self) -> str:
        return f"AbletonOSC at {self.host}:{self.port}"

    def ask(self, address: str, *arguments: Any, echo: Sequence[Any] = (), timeout_s: float | None = None) -> Any:
        """Ask, and wait for the answer of the same address; its arguments.

        Args:
            echo: what the answer has to begin with (AbletonOSC repeats the indices that were asked for); it is cut off.

        Raises:
            TargetError: closed, busy, crashed; ErrorSaidError when it says that it cannot.
        """

        def answer(name: str, values: Sequence[Any]) -> Any:
            right = name == address and list(values[: len(echo)]) == list(echo)
            return values[len(echo) :] if right else None

        self._forget_old_answers()
        return self._until(answer, address, arguments, timeout_s or self._timeout_s)

    def do(self, address: str, *arguments: Any) -> None:
        """Have something done that has no answer of its own, and wait until it was read.

        Raises:
            TargetError: as ``ask``.
        """
        self._forget_old_answers()
        self._send(address, arguments)
        self.fence()

    def sure(self, done: Callable[[], bool], what: str, address: str, *arguments: Any) -> None:
        """Have something done, look whether it was, and try again where it was not.

        Raises:
            TargetError: it was not done after three tries, or as ``ask``.
        """
        refused: TargetError | None = None
        for _ in range(TRIES):
            try:
                self.do(address, *arguments)
            except ErrorSaidError as error:  # it may have been done by the try before, whose answer was lost
                refused = error
            if done():
                return
        raise refused or TargetError(f"Live {what}", "refused", self.where)

    def fence(self) -> None:
        """Wait until everything sent so far was read: messages are dealt with in order."""
        self._until(lambda name, values: True if name == _FENCE else None, _FENCE, (), self._timeout_s)

    def _until(
        self, answer: Callable[[str, Sequence[Any]], Any], address: str, arguments: Sequence[Any], timeout_s: float
    ) -> Any:
        """Send a question, again and again, until there is an answer to it."""
        deadline = time.monotonic() + timeout_s
        asked = 0
        while time.monotonic() < deadline or not asked:
            self._send(address, arguments)
            asked += 1
            again = min(time.monotonic() + ASK_AGAIN_S, deadline)
            while (said := self._hear(again - time.monotonic())) is not None:
                name, values = said
                if name == "/live/error":
                    raise ErrorSaidError(f"AbletonOSC: {' '.join(map(str, values))}", "refused", self.where)
                found = answer(name, values)
                if found is not None:
                    if asked > 1:
                        self._quiet()
                    return found
        raise self._silent()

    def _quiet(self) -> None:
        """Let the answers to a question that was sent more than once go by, or they are taken for the next one's."""
        while self._hear(QUIET_S) is not None:
            pass

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        self._answered = False

    # --- the socket ---

    def _open(self) -> socket.socket:
        if self._socket is None:
            made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            local = "127.0.0.1" if self.host in ("127.0.0.1", "localhost") else ""
            try:
                made.bind((local, self.reply_port))
                made.connect((self.host, self.port))
            except OSError as error:
                made.close()
                raise TargetError(
                    f"port {self.reply_port}, to which AbletonOSC answers, is taken ({error.strerror}): it has one "
                    "client at a time, so close the other one",
                    "busy",
                    self.where,
                ) from error
            self._socket = made
        return self._socket

    def _send(self, address: str, arguments: Sequence[Any]) -> None:
        packet = build(address, *arguments)
        assert len(packet) <= MAX_DATAGRAM, f"{len(packet)} bytes to {address}"
        line = self._open()
        try:
            with suppress(ConnectionError):  # which may only tell that an earlier one was refused
                line.send(packet)
                return
            line.send(packet)
        except OSError as error:
            raise self._gone() from error

    def _hear(self, wait_s: float) -> tuple[str, Sequence[Any]] | None:
        line = self._open()
        line.settimeout(max(wait_s, 0.001))
        try:
            packet = line.recv(65536)
        except TimeoutError:
            return None
        except OSError as error:
            raise self._gone() from error
        self._answered = True
        try:
            message = OscMessage(packet)
        except (ParseError, ValueError, IndexError):
            return "", ()
        return str(message.address), list(message.params)

    def _forget_old_answers(self) -> None:
        line = self._open()
        line.setblocking(False)
        with suppress(OSError):
            while line.recv(65536):
                pass

    # --- what is said when nobody answers ---

    def _gone(self) -> TargetError:
        was_there = self._answered
        self.close()
        if was_there:
            return TargetError("Live has stopped answering; start it again and send again", "crashed", self.where)
        return TargetError(
            "nobody listens there: start Live and choose AbletonOSC under Settings > Link, Tempo & MIDI > Control "
            "Surface",
            "closed",
            self.where,
        )

    def _silent(self) -> TargetError:
        return TargetError(
            f"no answer within {self._timeout_s:g} s: close open menus and dialogs in Live (its timer stands still "
            "meanwhile), and look that AbletonOSC is chosen as a control surface",
            "busy",
            self.where,
        )


def address_of(at: str) -> tuple[str, int, int]:
    """(host, port, port of the answers) of ``host:port``; the answers' port is the next one, as it is by default.

    Raises:
        UsageError: something else.
    """
    if not at:
        return "127.0.0.1", LISTEN_PORT, REPLY_PORT
    host, _, port = at.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65535:
        raise UsageError(f"{at!r} is no host:port", code="bad_address")
    return host, int(port), int(port) + 1
