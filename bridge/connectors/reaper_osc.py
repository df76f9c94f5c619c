"""REAPER's own OSC, where the user has configured it: wakes the listener, and moves the transport without it.

Reads ``reaper.ini`` to find the port; never writes it. REAPER does not answer such messages, so nothing here can be
sure of having been heard.
"""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from bridge.daemon.osc_packets import build

_LINE = re.compile(r'^csurf_\d+=OSC\s+"([^"]*)"\s+(\d+)\s+(\d+)\s', re.IGNORECASE)
_RECEIVE = 1
"""Flag of a device: REAPER listens."""


@dataclass(frozen=True)
class OscDevice:
    """An OSC control surface of REAPER's that listens."""

    name: str
    port: int


def osc_device(resources: Path) -> OscDevice | None:
    """The OSC device in ``reaper.ini``: the one called EMSYNC, otherwise the first that listens."""
    ini = resources / "reaper.ini"
    try:
        lines = ini.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    found = [OscDevice(m[1], int(m[3])) for line in lines if (m := _LINE.match(line)) and int(m[2]) & _RECEIVE]
    usable = [device for device in found if 0 < device.port < 65536]
    return next((device for device in usable if device.name == "EMSYNC"), usable[0] if usable else None)


class ReaperOsc:
    """Sends to a device on this computer."""

    def __init__(self, device: OscDevice) -> None:
        self.device = device

    def send(self, address: str, *arguments: str | float | int) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
            link.sendto(build(address, *arguments), ("127.0.0.1", self.device.port))

    def action(self, command: str) -> None:
        """Run an action by its command id, such as ``_RS...``."""
        self.send(f"/action/{command}")

    def play(self) -> None:
        self.send("/play")

    def stop(self) -> None:
        self.send("/stop")

    def locate(self, seconds: Fraction | float) -> None:
        """Move the playhead; seconds of the project."""
        self.send("/time", float(seconds))
