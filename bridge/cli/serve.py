"""``emsync serve``."""

from __future__ import annotations

import argparse
import sys
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge.cli.common import checked, require, say

if TYPE_CHECKING:
    from bridge.daemon.server import ServeRequest
    from bridge.midi.deck import Wiring


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--osc-port", type=int, default=17711, metavar="N", help="UDP and TCP (default 17711, 0: any)")
    parser.add_argument("--http-port", type=int, default=17712, metavar="M", help="default 17712 (0: any)")
    parser.add_argument(
        "--root", type=Path, action="append", default=[], metavar="DIR",
        help="only files below this folder may be used (default: your home and the current folder)",
    )  # fmt: skip
    parser.add_argument("--state", type=Path, metavar="DIR", help="folder for the queue, the token and the logs")
    parser.add_argument(
        "--listen", type=checked(_address), metavar="ADDRESS",
        help="take OSC at this address of the network (0.0.0.0: all); every sender then has to say the token in its "
        "hello (default: only this computer)",
    )  # fmt: skip
    parser.add_argument("--midi-out", default="", metavar="PORT", help="play scores there ('virtual': a port of ours)")
    parser.add_argument("--midi-sync", default="", metavar="PORT", help="send MIDI clock, time code and MMC there")
    parser.add_argument("--midi-in", default="", metavar="PORT", help="follow and be triggered from there")
    parser.add_argument("--midi-map", type=Path, metavar="TOML", help="what the pads and knobs of --midi-in do")


def run(options: argparse.Namespace) -> dict[str, Any]:
    from bridge.daemon.server import serve

    for name in ("osc_port", "http_port"):
        require(0 <= getattr(options, name) <= 65535, f"--{name.replace('_', '-')} is 0 to 65535")
    require(not options.midi_map or options.midi_in, "--midi-map needs --midi-in")
    served: dict[str, Any] = {}

    def started(address: dict[str, Any]) -> None:
        served.update(address)
        if not options.json:
            _tell(address, options.listen or "")

    serve(_request(options), started)
    return {"stopped": True, "http": served["http"], "osc": served["osc"]}


def _request(options: argparse.Namespace) -> ServeRequest:
    from bridge.daemon.pads import check_triggers
    from bridge.daemon.server import ServeRequest
    from bridge.daemon.state import default_state
    from bridge.midi.triggers import load_triggers

    triggers = load_triggers(options.midi_map) if options.midi_map else ()
    check_triggers(triggers, str(options.midi_map))
    return ServeRequest(
        state=options.state or default_state(),
        roots=tuple(options.root) or (Path.home(), Path.cwd()),
        osc_port=options.osc_port,
        http_port=options.http_port,
        listen=options.listen or "",
        wiring=_wiring(options),
        triggers=triggers,
    )


def _wiring(options: argparse.Namespace) -> Wiring | None:
    from bridge.midi.deck import Wiring

    names = (options.midi_out, options.midi_sync, options.midi_in)
    return Wiring(*names) if any(names) else None


def _address(text: str) -> str:
    return str(ip_address(text))


def _tell(address: dict[str, Any], listen: str) -> None:
    say(f"page   {address['link']}")
    say(f"HTTP   {address['http']}")
    say(f"OSC    {address['osc']} (UDP and TCP)")
    say(f"token  {address['token']}")
    if listen:
        say(f"OSC listens to the network at {listen}: anybody there may send, and has to say the token in its hello")
    say("Ctrl-C stops")
    sys.stdout.flush()
