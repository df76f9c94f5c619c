"""``emsync conform``. What is not given is as the score was made."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from bridge.cli.common import Reporter, add_scoring, checked, folder_argument, rate_argument, say, settings_of
from bridge.cli.score import tell


def arguments(parser: argparse.ArgumentParser) -> None:
    folder_argument(parser)
    parser.add_argument("input", type=Path, metavar="NEW_TIMELINE", help="the new cut of the same film")
    parser.add_argument("--rate", type=checked(rate_argument), help="frames a second of an EDL")
    parser.add_argument(
        "--media-root", type=Path, action="append", default=[], metavar="DIR", help="look here for media"
    )
    parser.add_argument("--within", action="store_true", help="also look for cuts inside long clips")
    add_scoring(parser)


def run(options: argparse.Namespace) -> dict[str, Any]:
    from bridge.conform import CHANGES, ConformRequest, conform

    reporter = Reporter(options)
    request = ConformRequest(options.dir, options.input, settings_of(options), options.within)
    try:
        answer = conform(request, reporter)
    finally:
        reporter.close()
    if not options.json:
        say((Path(answer["dir"]) / CHANGES).read_text(encoding="utf-8"))
        tell(answer)
    return answer
