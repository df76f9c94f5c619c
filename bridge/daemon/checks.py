"""What ``emsync doctor`` looks at between a request and the music: daemon, ports, state, MIDI, weights, targets."""

from __future__ import annotations

import json
import os
import shutil
import socket
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from bridge.connectors import TARGETS, connector
from bridge.connectors.base import Options
from bridge.daemon.osc_packets import OscError, build, parse
from bridge.daemon.server import HTTP_PORT, LOOPBACK, OSC_PORT
from bridge.daemon.state import ADDRESS, TOKEN
from bridge.doctor import Check
from bridge.midi.ports import port_names
from emsync_engine.errors import EmsyncError
from emsync_engine.model.shipped import has_shipped

_ANSWER_S = 2.0
_ROOM_BYTES = 200e6
_NO_MIDI = {
    "linux": "load ALSA's sequencer (modprobe snd-seq), or use JACK: MIDO_BACKEND=mido.backends.rtmidi/UNIX_JACK",
    "darwin": "switch the IAC driver on in Audio MIDI Setup, or connect a device",
    "win32": "connect a device, or install loopMIDI and add a port",
}


def checks(state: Path) -> list[Check]:
    """All of it, in the order in which a request meets it. Nothing here is required for scoring a timeline."""
    targets = [row.name for row in TARGETS if row.name not in ("files", "midi")]
    with ThreadPoolExecutor(len(targets)) as pool:
        asked = pool.map(_target, targets)
        return [*_daemon(state), _state(state), _weights(), _midi(), *asked]


def _optional(name: str, ok: bool, detail: str, fix: str) -> Check:
    return Check(name, ok, detail, "" if ok else fix, required=False)


# --- the daemon --------------------------------------------------------------------------------------------------


def _daemon(state: Path) -> list[Check]:
    try:
        address: dict[str, Any] = json.loads((state / ADDRESS).read_text(encoding="utf-8"))
        http, osc = str(address["http"]), str(address["osc"])
    except (OSError, ValueError, KeyError, TypeError):
        return [_port("daemon, HTTP", HTTP_PORT, "--http-port"), _port("daemon, OSC", OSC_PORT, "--osc-port")]
    again = "it does not answer: end it and start emsync serve again; its log is serve.log in its state folder"
    return [
        _optional("daemon, HTTP", _answers_http(http), f"listens at {http}", again),
        _optional("daemon, OSC", _answers_osc(osc), f"listens at {osc}", f"{again} (a firewall may block it)"),
    ]


def _port(name: str, port: int, option: str) -> Check:
    """No daemon runs: could it?"""
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with closing(socket.socket(socket.AF_INET, kind)) as tried:
            try:
                tried.bind((LOOPBACK, port))
            except OSError as error:
                why = error.strerror or str(error)
                return _optional(name, False, f"port {port}: {why}", f"another program has it: emsync serve {option} N")
    return _optional(name, True, f"does not run (emsync serve); port {port} is free", "")


def _answers_http(url: str) -> bool:
    try:
        with urlopen(f"{url}/1/hello", timeout=_ANSWER_S) as answer:
            return "protocol" in json.loads(answer.read())
    except (OSError, ValueError, HTTPException):
        return False


def _answers_osc(address: str) -> bool:
    """Any answer will do: a daemon that listens to the network asks for the token."""
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with closing(socket.socket(family, socket.SOCK_DGRAM)) as asking, suppress(OSError, OscError, IndexError):
        asking.settimeout(_ANSWER_S)
        asking.sendto(build("/emsync/1/hello", 1, "doctor"), (host, int(port)))
        return parse(asking.recv(65536))[0].address.startswith("/emsync/1/")
    return False


def _state(state: Path) -> Check:
    name = "daemon, state"
    here = next(p for p in (state, *state.parents) if p.exists())
    fix = f"make {here} writable, or give emsync serve --state DIR"
    try:
        with tempfile.NamedTemporaryFile(dir=here):
            pass
    except OSError as error:
        return _optional(name, False, f"cannot write to {here}: {error.strerror}", fix)
    token = state / TOKEN
    if sys.platform != "win32" and token.is_file() and stat.S_IMODE(token.stat().st_mode) & 0o077:
        return _optional(name, False, f"others can read {token}", f"chmod 600 {token}")
    free = shutil.disk_usage(here).free
    return _optional(name, free > _ROOM_BYTES, f"{state}, {free / 1e9:.1f} GB free", "make room on this disk")


# --- what the music meets ----------------------------------------------------------------------------------------


def _weights() -> Check:
    what = "the composer's weights" if has_shipped() else "none: the rule composer is used"
    return _optional("models", has_shipped(), what, "install EMSYNC again; until then scores are composed by rules")


def _midi() -> Check:
    name = "MIDI ports"
    fix = _NO_MIDI.get(sys.platform, _NO_MIDI["linux"])
    try:
        with _quiet():
            outputs, inputs = port_names()
    except EmsyncError as error:
        return _optional(name, False, error.message, fix)
    said = f"out: {', '.join(outputs) or 'none'}; in: {', '.join(inputs) or 'none'}"
    return _optional(name, bool(outputs or inputs), said, fix)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what ALSA's library itself writes to stderr where there is no sequencer: we say it in our own words."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _target(name: str) -> Check:
    def look() -> str:
        with connector(name, Options(timeout_s=_ANSWER_S)) as target:
            hello = target.hello()
        return hello.application or hello.state

    return _asked(f"target {name}", look)


def _asked(name: str, look: Callable[[], str]) -> Check:
    try:
        return _optional(name, True, look(), "")
    except EmsyncError as error:
        return _optional(name, False, error.code.removeprefix("daw_").replace("_", " "), error.message)
