"""``emsync dataset``: what the composer is trained on."""

from __future__ import annotations

import argparse
import logging
from typing import Any

from bridge.cli.common import require, say
from emsync_engine.errors import InputError


def arguments(parser: argparse.ArgumentParser) -> None:
    from emsync_engine.model.dataset import add_arguments

    add_arguments(parser)


def run(options: argparse.Namespace) -> dict[str, Any]:
    from emsync_engine.model.dataset import build

    require(options.task == "build", "say what to do: emsync dataset build --music FOLDER")
    if not options.music.is_dir():
        raise InputError("there is no such folder of music", str(options.music), "no_such_file")
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")  # on stderr
    sheet = build(options.music, options.out, options.only)
    if not sheet["sources"]:
        raise InputError("no MIDI file was found in this folder or its archives", str(options.music), "no_music")
    if not options.json:
        say(f"{len(sheet['sources'])} sources; shards and datasheet: {options.out.resolve()}")
    return {**sheet, "out": str(options.out.resolve())}
