"""MIDI ports through mido and python-rtmidi; a port that goes away is taken again when it comes back."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any, Protocol

from emsync_engine.errors import InputError, MissingComponentError

VIRTUAL = "virtual"
"""Instead of a port's name: make one of our own, which other programs connect to."""
OWN_NAME = "EMSYNC"
TROUBLE = (OSError, RuntimeError, ValueError, MemoryError)
"""What mido and python-rtmidi raise when a port cannot be used."""
_RTMIDI = "mido.backends.rtmidi"
Heard = Callable[[bytes], None]


class Port(Protocol):
    """An open port."""

    def close(self) -> None: ...


class Output(Port, Protocol):
    """An open port that takes messages."""

    def send(self, data: bytes) -> None: ...


class Ports(Protocol):
    """The ports of a system."""

    def outputs(self) -> list[str]: ...

    def inputs(self) -> list[str]: ...

    def open_output(self, name: str, virtual: bool) -> Output: ...

    def open_input(self, name: str, virtual: bool, heard: Heard) -> Port: ...


class MidoPorts:
    """The ports of this computer. ``MIDO_BACKEND`` chooses another backend than mido's usual one.

    Raises:
        MissingComponentError: python-rtmidi is not installed, or cannot be loaded.
    """

    def __init__(self) -> None:
        import mido

        try:
            mido.backend.load()
        except ImportError as error:
            raise MissingComponentError(
                f"live MIDI needs python-rtmidi ({error}): pip install python-rtmidi (some Pythons need a compiler)"
            ) from error
        self._mido = mido
        self._probes: dict[str, Any] = {}

    def outputs(self) -> list[str]:
        """Raises:
        OSError: there is no MIDI system.
        """
        return self._probed("MidiOut", self._mido.get_output_names)

    def inputs(self) -> list[str]:
        """Raises:
        OSError: there is no MIDI system.
        """
        return self._probed("MidiIn", self._mido.get_input_names)

    def _probed(self, kind: str, names: Callable[[], list[str]]) -> list[str]:
        """The names of the ports. mido makes a new client of the MIDI system for every such question, which keeps
        everything else in this process waiting for 20 ms (measured with JACK); we keep one and ask it."""
        backend = self._mido.backend
        if not backend.name.startswith(_RTMIDI):
            return list(names())
        if kind not in self._probes:
            import rtmidi

            api = getattr(rtmidi, f"API_{backend.api}") if backend.api else rtmidi.API_UNSPECIFIED
            self._probes[kind] = getattr(rtmidi, kind)(api)
        return list(self._probes[kind].get_ports())

    def open_output(self, name: str, virtual: bool) -> Output:
        return _MidoOutput(self._mido.open_output(name, virtual=virtual), self._mido.Message.from_bytes)

    def open_input(self, name: str, virtual: bool, heard: Heard) -> Port:
        opened: Port = self._mido.open_input(
            name, virtual=virtual, callback=lambda message: heard(bytes(message.bytes()))
        )
        return opened


class _MidoOutput:
    def __init__(self, port: Any, message: Callable[[bytes], Any]) -> None:
        self._port, self._message = port, message

    def send(self, data: bytes) -> None:
        self._port.send(self._message(data))

    def close(self) -> None:
        self._port.close()


def found(wanted: str, names: list[str]) -> str | None:
    """The port that is meant: of this name, else the first that begins with it or has it in its name.

    Systems add numbers to names that change whenever a device is plugged in again.
    """
    low = wanted.casefold()
    for fits in (lambda n: n == low, lambda n: n.startswith(low), lambda n: low in n):
        for name in names:
            if fits(name.casefold()):
                return name
    return None


class _Kept:
    """A wanted port, open while it is there."""

    def __init__(self, ports: Ports, wanted: str) -> None:
        self.wanted = wanted
        self.trouble = "not there yet" if wanted else "no port was named"
        """Why it is not open."""
        self.seen = True
        """Whether the system has MIDI at all."""
        self._ports = ports
        self._port: Any = None
        self._name = ""
        self._busy = threading.RLock()
        """Nobody closes a port while another thread sends."""

    @property
    def open(self) -> bool:
        return self._port is not None

    def _names(self) -> list[str]:
        raise NotImplementedError

    def _opened(self, name: str, virtual: bool) -> Any:
        raise NotImplementedError

    def look(self) -> bool:
        """Whether the port has just been opened, for the first time or again. Call it every second or so."""
        if self.wanted == VIRTUAL:
            return self._port is None and self._try(OWN_NAME, virtual=True)
        try:
            names = self._names()
        except TROUBLE as error:
            self.seen = False
            self.lose(str(error))
            return False
        self.seen = True
        if self._port is not None and self._name in names:
            return False
        if self._port is not None:
            self.lose("unplugged")
        name = found(self.wanted, names)
        if name is None:
            self.trouble = f"there is no such port (there are: {', '.join(names) or 'none'})"
        return name is not None and self._try(name, virtual=False)

    def _try(self, name: str, *, virtual: bool) -> bool:
        try:
            with self._busy:
                self._port, self._name, self.trouble = self._opened(name, virtual), name, ""
        except TROUBLE as error:
            hint = " (Windows has no virtual ports; install loopMIDI and name its port)" if _no_virtual(virtual) else ""
            self.trouble = f"{error or type(error).__name__}{hint}"
        return self.open

    def lose(self, why: str) -> None:
        """The port is gone."""
        with self._busy:
            port, self._port, self.trouble = self._port, None, why
            if port is not None:
                try:
                    port.close()
                except TROUBLE as error:  # it is gone already
                    self.trouble = f"{why} ({error})"

    def to_json(self) -> dict[str, Any]:
        return {"wanted": self.wanted, "open": self.open, "name": self._name, "trouble": self.trouble}


class KeptOutput(_Kept):
    """Sends while the port is there; what is sent while it is not is lost, as time goes on."""

    def _names(self) -> list[str]:
        return self._ports.outputs()

    def _opened(self, name: str, virtual: bool) -> Output:
        return self._ports.open_output(name, virtual)

    def send(self, data: bytes) -> None:
        with self._busy:
            if self._port is None:
                return
            try:
                self._port.send(data)
            except TROUBLE as error:
                self.lose(str(error))


class KeptInput(_Kept):
    """Hears while the port is there."""

    def __init__(self, ports: Ports, wanted: str, heard: Heard) -> None:
        super().__init__(ports, wanted)
        self._heard = heard

    def _names(self) -> list[str]:
        return self._ports.inputs()

    def _opened(self, name: str, virtual: bool) -> Port:
        return self._ports.open_input(name, virtual, self._heard)


def _no_virtual(virtual: bool) -> bool:
    return virtual and sys.platform == "win32"


def port_names() -> tuple[list[str], list[str]]:
    """The outputs and inputs of this computer.

    Raises:
        MissingComponentError: python-rtmidi is not installed.
        InputError: this computer has no MIDI system.
    """
    ports = MidoPorts()
    try:
        return ports.outputs(), ports.inputs()
    except TROUBLE as error:
        raise InputError(f"this computer has no MIDI system that can be used ({error})", code="no_midi") from error
