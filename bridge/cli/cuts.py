"""``emsync cuts``."""

from __future__ import annotations

import argparse
from typing import Any

from bridge.cli.common import add_input, clock, say, settings_of, table, warn


def arguments(parser: argparse.ArgumentParser) -> None:
    add_input(parser)


def run(options: argparse.Namespace) -> dict[str, Any]:
    from bridge.pipeline import ScoreRequest, read

    request = ScoreRequest(options.input, settings=settings_of(options), detect_within=options.within)
    picture = read(request)
    if not options.json:
        warn(picture.warnings)
        say(
            f"{picture.name or options.input.name}: {picture.rate} frames a second, starts {picture.start_timecode}, "
            f"{clock(float(picture.duration))} long, {len(picture.boundaries)} boundaries"
        )
        table(
            [
                (
                    picture.timecode_at(b.time),
                    f"{b.frame}",
                    b.kind + (" (through)" if b.through else ""),
                    f"{b.outgoing.name if b.outgoing else 'black'} → {b.incoming.name if b.incoming else 'black'}"
                    if b.picture
                    else b.label,
                )
                for b in picture.boundaries
            ]
        )
    return picture.to_json()
