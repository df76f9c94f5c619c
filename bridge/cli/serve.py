"""``emsync serve``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from bridge.cli.common import require, say


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--osc-port", type=int, default=17711, metavar="N", help="UDP and TCP (default 17711, 0: any)")
    parser.add_argument("--http-port", type=int, default=17712, metavar="M", help="default 17712 (0: any)")
    parser.add_argument(
        "--root", type=Path, action="append", default=[], metavar="DIR",
        help="only files below this folder may be used (default: your home and the current folder)",
    )  # fmt: skip
    parser.add_argument("--state", type=Path, metavar="DIR", help="folder for the queue, the token and the logs")


def run(options: argparse.Namespace) -> dict[str, Any]:
    from bridge.daemon.server import ServeRequest, serve
    from bridge.daemon.state import default_state

    for name in ("osc_port", "http_port"):
        require(0 <= getattr(options, name) <= 65535, f"--{name.replace('_', '-')} is 0 to 65535")
    roots = tuple(options.root) or (Path.home(), Path.cwd())
    served: dict[str, Any] = {}

    def started(address: dict[str, Any]) -> None:
        served.update(address)
        if not options.json:
            _tell(address)

    serve(ServeRequest(options.state or default_state(), roots, options.osc_port, options.http_port), started)
    return {"stopped": True, "http": served["http"], "osc": served["osc"]}


def _tell(address: dict[str, Any]) -> None:
    say(f"page   {address['link']}")
    say(f"HTTP   {address['http']}")
    say(f"OSC    {address['osc']} (UDP and TCP)")
    say(f"token  {address['token']}")
    say("Ctrl-C stops")
    sys.stdout.flush()
