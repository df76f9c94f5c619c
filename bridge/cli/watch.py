"""``emsync watch``."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge.cli.common import add_scoring, checked, rate_argument, say, settings_of

if TYPE_CHECKING:
    from bridge.watch import Line


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where your editing system exports to")
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", help="score folders go there (default: FOLDER)")
    parser.add_argument("--once", action="store_true", help="end when everything that is there has been handled")
    parser.add_argument(
        "--settle", type=checked(_settle), default=2.0, metavar="S",
        help="an export that has not changed for so long is taken to be written (default 2)",
    )  # fmt: skip
    parser.add_argument("--rate", type=checked(rate_argument), help="frames a second of EDLs, such as 25")
    parser.add_argument(
        "--media-root", type=Path, action="append", default=[], metavar="DIR", help="look here for media"
    )
    parser.add_argument("--within", action="store_true", help="also look for cuts inside long clips")
    add_scoring(parser)


def run(options: argparse.Namespace) -> dict[str, Any]:
    from bridge.watch import WatchRequest, watch

    request = WatchRequest(
        options.folder, options.output, settings_of(options), options.within, options.once, options.settle
    )
    if not options.json:
        say(f"watching {options.folder.resolve()}" + ("" if options.once else "; Ctrl-C stops"))
        sys.stdout.flush()

    def tell(line: Line) -> None:
        if not options.json:
            print(line, file=sys.stdout if line.ok else sys.stderr, flush=True)

    lines = watch(request, tell)
    failed = any(not line.ok for line in lines)
    return {"handled": [asdict(line) for line in lines], "exit_status": 3 if request.once and failed else 0}


def _settle(text: str) -> float:
    seconds = float(text)
    if not 0.1 <= seconds <= 3600:
        raise ValueError(f"{text} is outside 0.1..3600 seconds")
    return seconds
