"""``emsync report``."""

from __future__ import annotations

import argparse
from typing import Any

from bridge.cli.common import folder_argument, say_files


def arguments(parser: argparse.ArgumentParser) -> None:
    folder_argument(parser)


def run(options: argparse.Namespace) -> dict[str, Any]:
    from bridge.history import redraw

    answer = redraw(options.dir)
    if not options.json:
        say_files(answer["files"])
    return answer
