"""Ardour's own OSC surface (UDP 3819, when it is switched on): transport, and markers where no script listens."""

from __future__ import annotations

import re
import socket
import time
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from pythonosc.osc_message import OscMessage, ParseError
from pythonosc.osc_message_builder import build_msg

from bridge.connectors.base import TargetError

PORT = 3819
_SETTLED_S = 0.05
_REPLY_TO_SENDER = (0, 31, 0, 0, 0, 0, 0)  # bank, strip types, feedback, fader mode, two page sizes, port 0
_LARGEST = 65_507  # bytes of a datagram


@dataclass(frozen=True)
class Surface:
    """What Ardour tells of the session."""

    rate: int
    """Samples a second."""
    end: int
    """Last sample."""


class ArdourOsc:
    """One conversation. Answers come to the port the question was sent from."""

    def __init__(self, host: str = "127.0.0.1", port: int = PORT, timeout_s: float = 5.0) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._peer = (host, port)
        self._where = f"Ardour OSC {host}:{port}"
        self._timeout_s = timeout_s

    def close(self) -> None:
        self._socket.close()

    def surface(self) -> Surface:
        """Raises ``TargetError`` when nobody answers."""
        deadline = time.monotonic() + self._timeout_s
        while time.monotonic() < deadline:
            self.send("/set_surface", *_REPLY_TO_SENDER)
            self.send("/strip/list")
            wait_until = min(time.monotonic() + 1.0, deadline)
            while (message := self._receive(wait_until)) is not None:
                if message.params[:1] == ["end_route_list"]:
                    return Surface(int(message.params[1]), int(message.params[2]))
        raise TargetError(
            f"nothing answers on UDP port {self._peer[1]}: start Ardour, and switch on Preferences > Control Surfaces "
            "> Open Sound Control (OSC)",
            "closed",
            self._where,
        )

    def sample(self) -> int:
        """Where the playhead is."""
        return int(self._value("/transport_frame"))

    def rolling(self) -> bool:
        return float(self._value("/transport_speed")) != 0

    def play(self) -> None:
        self.send("/transport_play", 1)

    def stop(self) -> None:
        self.send("/transport_stop", 1)

    def locate(self, sample: int) -> None:
        """Move the playhead and wait until it is there: what is sent in between would still find it elsewhere."""
        self.send("/locate", sample, 0)
        deadline = time.monotonic() + self._timeout_s
        while time.monotonic() < deadline:
            if self.sample() == sample:
                return
            time.sleep(_SETTLED_S)
        raise TargetError(f"Ardour did not go to sample {sample}", "busy", self._where)

    def mark(self, sample: int, name: str) -> None:
        """Put a marker with a name."""
        self.locate(sample)
        self.send("/add_marker", name)

    def action(self, name: str) -> None:
        """Do what a menu entry or a key would do, such as ``LuaAction/script-1``."""
        self.send("/access_action", name)

    def send(self, address: str, *arguments: int | float | str) -> None:
        self._socket.sendto(build_msg(address, list(arguments)).dgram, self._peer)

    def _value(self, address: str) -> Any:
        deadline = time.monotonic() + self._timeout_s
        while time.monotonic() < deadline:
            self.send("/set_surface", *_REPLY_TO_SENDER)
            self.send(address)
            while (message := self._receive(min(time.monotonic() + 0.5, deadline))) is not None:
                if message.address == address and message.params:
                    return message.params[0]
        raise TargetError(f"Ardour does not answer {address}", "busy", self._where)

    def _receive(self, deadline: float) -> OscMessage | None:
        """The next message; None when there is none until then."""
        while (left := deadline - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                return OscMessage(self._socket.recv(_LARGEST))
            except TimeoutError:
                return None
            except ConnectionError:  # Windows and Linux tell so that nobody listens
                time.sleep(min(0.1, max(left, 0)))
            except ParseError:  # no message for us
                continue
        return None


def osc_port_of(settings: Path) -> int:
    """The port that Ardour's settings name, else its usual one."""
    try:
        found = re.search(r'name="osc-port" value="(\d+)"', (settings / "config").read_text("utf-8", "replace"))
    except OSError:
        return PORT
    return int(found.group(1)) if found else PORT


def seconds_of(sample: int, rate: int) -> Fraction:
    return Fraction(sample, rate)
