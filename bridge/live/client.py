"""The line to the remote script in Live: JSON lines over loopback TCP, one request at a time."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from bridge.connectors.base import State, TargetError
from bridge.daemon.state import TOKEN, default_state
from emsync_engine.errors import UsageError

PORT = 17713
PROTOCOL = 1
ADDRESS = "live.json"
"""In the state folder while Live runs with our script."""
LOOPBACK = "127.0.0.1"
_HOW = (
    "start Live and choose EMSYNC under Settings > Link, Tempo & MIDI > Control Surface "
    "(emsync live install puts it there)"
)


class LiveRefusedError(TargetError):
    """The script answered that it cannot; ``reason`` is its word for why, such as ``playing``."""

    def __init__(self, message: str, state: State, where: str, reason: str) -> None:
        super().__init__(message, state, where)
        self.reason = reason


@dataclass(frozen=True)
class Place:
    """Where the script listens, and the state folder with its token."""

    host: str
    port: int
    state: Path
    announced: bool
    """It has said itself where it is, and has not said goodbye since."""

    @property
    def text(self) -> str:
        return f"Live at {self.host}:{self.port}"


def place_of(at: str) -> Place:
    """Where to look.

    Args:
        at: ``host:port``, a state folder, or empty for the usual one.

    Raises:
        UsageError: none of these.
    """
    host, _, port = at.rpartition(":")
    if host and port.isdigit() and int(port) < 65536:
        return Place(host, int(port), default_state(), announced=False)
    state = Path(at) if at else default_state()
    if at and not state.is_dir():
        raise UsageError(f"{at!r} is neither host:port nor the state folder of the daemon", code="bad_address")
    try:
        said = json.loads((state / ADDRESS).read_text(encoding="ascii"))
        return Place(LOOPBACK, int(said["port"]), state, announced=True)
    except (OSError, ValueError, KeyError, TypeError):
        return Place(LOOPBACK, PORT, state, announced=False)


class LiveLink:
    """One connection, made when it is needed and made again when Live was restarted.

    Every request may be repeated safely: the script compares before it changes anything.
    """

    def __init__(self, at: str, timeout_s: float, client: str = "emsync") -> None:
        self._at = at
        self._timeout_s = timeout_s
        self._client = client
        self._socket: socket.socket | None = None
        self._rest = b""
        self._number = 0
        self._place = place_of(at)
        self.greeting: Mapping[str, Any] = {}
        """What the script said of itself."""

    def ask(self, op: str, arguments: Mapping[str, Any] | None = None, timeout_s: float | None = None) -> Any:
        """Ask, and wait for the answer.

        Raises:
            TargetError: Live is closed, busy or crashed, or the script refused.
        """
        fresh = self._socket is None
        try:
            self._connect()
            return self._exchange(op, arguments or {}, timeout_s or self._timeout_s)
        except ConnectionError as error:
            self.close()
            if fresh:
                raise self._lost(error) from error
        try:  # the line was an old one: Live may have been restarted since
            self._connect()
            return self._exchange(op, arguments or {}, timeout_s or self._timeout_s)
        except ConnectionError as error:
            self.close()
            raise self._lost(error) from error

    def connect(self) -> Mapping[str, Any]:
        """Have a line; what the script says of itself.

        Raises:
            TargetError: nobody there, no token, or a script of another version.
        """
        try:
            self._connect()
        except ConnectionError as error:
            raise self._lost(error) from error
        return self.greeting

    def _connect(self) -> None:
        """As ``connect``. Raises ConnectionError when the line breaks while greeting."""
        if self._socket is not None:
            return
        self._place = place_of(self._at)
        token = self._token()
        try:
            self._socket = socket.create_connection((self._place.host, self._place.port), timeout=self._timeout_s)
        except TimeoutError as error:
            raise self._busy("does not take the connection") from error
        except OSError as error:
            raise self._nobody() from error
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._rest = b""
        said = {"token": token, "protocol": PROTOCOL, "client": self._client}
        try:
            self.greeting = self._exchange("hello", said, self._timeout_s)
        except (TargetError, ConnectionError):
            self.close()
            raise

    def close(self) -> None:
        if self._socket is not None:
            with suppress(OSError):
                self._socket.close()
            self._socket = None

    def _exchange(self, op: str, arguments: Mapping[str, Any], timeout_s: float) -> Any:
        assert self._socket is not None
        self._number += 1
        line = json.dumps({"v": PROTOCOL, "id": self._number, "op": op, "args": dict(arguments)}).encode() + b"\n"
        self._socket.settimeout(timeout_s)
        try:
            self._socket.sendall(line)
            answer = self._answer()
        except TimeoutError as error:
            self.close()  # an answer that comes late must not be taken for that of the next question
            raise self._busy("does not answer") from error
        if "error" in answer:
            raise self._refused(answer["error"])
        return answer.get("ok")

    def _answer(self) -> Any:
        assert self._socket is not None
        blocks = [self._rest]
        while b"\n" not in blocks[-1]:
            try:
                block = self._socket.recv(1 << 18)
            except ConnectionError:
                raise
            except TimeoutError:
                raise
            except OSError as error:
                raise ConnectionError(str(error)) from error
            if not block:
                raise ConnectionError("the line was closed")
            blocks.append(block)
        line, _, self._rest = b"".join(blocks).partition(b"\n")
        try:
            message = json.loads(line)
        except ValueError as error:
            raise TargetError(f"what answers there is not our script; {_HOW}", "closed", self._place.text) from error
        if not isinstance(message, dict) or message.get("id") != self._number:
            raise ConnectionError("the answer belongs to another question")
        return message

    # --- what is said when it does not work ---

    def _token(self) -> str:
        path = self._place.state / TOKEN
        try:
            return path.read_text(encoding="ascii").strip()
        except OSError as error:
            raise TargetError(
                "there is no token yet that Live's script and we share; emsync live install makes one",
                "not_installed",
                str(path),
            ) from error

    def _nobody(self) -> TargetError:
        if self._place.announced:
            return TargetError(f"Live ended without saying goodbye; {_HOW}", "crashed", self._place.text)
        return TargetError(f"nobody answers there; {_HOW}", "closed", self._place.text)

    def _lost(self, error: Exception) -> TargetError:
        still = place_of(self._at).announced
        said = "Live stopped in the middle of it" if still else "Live was closed"
        return TargetError(f"{said} ({error}); {_HOW}", "crashed" if still else "closed", self._place.text)

    def _busy(self, what: str) -> TargetError:
        return TargetError(
            f"Live {what} within {self._timeout_s:g} s: close open menus and dialogs there, then send again",
            "busy",
            self._place.text,
        )

    def _refused(self, error: Mapping[str, Any]) -> TargetError:
        code, message = str(error.get("code")), str(error.get("message"))
        state = {"version": "other_version", "no_op": "other_version", "busy": "busy"}.get(code, "refused")
        return LiveRefusedError(message, cast("State", state), self._place.text, code)
