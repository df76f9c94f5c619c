"""``emsync demo``."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

from bridge.cli.common import Reporter, add_scoring, say, settings_of
from bridge.cli.score import tell


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", type=Path, default=Path("demo"), metavar="DIR", help="default: demo")
    add_scoring(parser)


def run(options: argparse.Namespace) -> dict[str, Any]:
    from bridge.demo.film import make_demo
    from bridge.pipeline import ScoreRequest, score

    began = time.monotonic()
    reporter = Reporter(options)
    try:
        reporter(0.0, "making the demo film")
        timeline = make_demo(options.output, progress=lambda done, _: reporter(done, "making the demo film"))
        request = ScoreRequest(timeline, options.output / "demo.emsync", settings=settings_of(options))
        answer = score(request, reporter)
    finally:
        reporter.close()
    seconds = time.monotonic() - began
    if not options.json:
        say(
            f"made a film of {answer['duration_s']:.0f} s and its timeline {timeline}, and scored it in {seconds:.0f} s"
        )
        tell(answer)
        say()
        say(f"look:   {answer['files'].get('report', '')}")
        say(f"listen: {answer['files'].get('wav', 'no audio: see emsync doctor')}")
        say(f"again:  emsync regenerate {answer['dir']} --start b5 --end b9 --parts strings")
    return {**answer, "timeline": str(timeline.resolve()), "seconds": round(seconds, 2)}
