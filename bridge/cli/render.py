"""``emsync render``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from bridge.cli.common import Reporter, folder_argument, say, say_files


def arguments(parser: argparse.ArgumentParser) -> None:
    folder_argument(parser)
    parser.add_argument("--soundfont", type=Path, metavar="SF2", help="use this SoundFont, now and in later takes")


def run(options: argparse.Namespace) -> dict[str, Any]:
    from bridge.history import rerender

    reporter = Reporter(options)
    try:
        answer = rerender(options.dir, options.soundfont, reporter)
    finally:
        reporter.close()
    if not options.json:
        say(f"rendered with {answer['audio']['synth']}, {answer['rights']['soundfont']}")
        say_files(answer["files"])
    return answer
