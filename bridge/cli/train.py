"""``emsync train``."""

from __future__ import annotations

import argparse
import logging
from typing import Any

from bridge.cli.common import say
from emsync_engine.errors import InputError


def arguments(parser: argparse.ArgumentParser) -> None:
    from emsync_engine.model.train import add_arguments

    add_arguments(parser)


def run(options: argparse.Namespace) -> dict[str, Any]:
    from emsync_engine.model.checkpoint import CheckpointError
    from emsync_engine.model.config import ConfigError
    from emsync_engine.model.train import run_with

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")  # on stderr
    try:
        answer = run_with(options)
    except (ConfigError, CheckpointError) as error:
        raise InputError(str(error), code="bad_training") from error
    if not options.json:
        best = f", best {answer['best']:.3f} bits a note" if answer["best"] is not None else ""
        say(f"step {answer['step']}, {answer['events']:,} events in {answer['seconds'] / 60:.1f} minutes{best}")
        say(f"log, curve and checkpoints: {answer['run']}")
    return answer
