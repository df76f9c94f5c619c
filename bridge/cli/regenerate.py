"""``emsync regenerate``."""

from __future__ import annotations

import argparse
from typing import Any

from bridge.cli.common import Reporter, add_engine, checked, folder_argument, say, say_files, warn
from emsync_engine.instructions import parse_mood, parse_parts


def arguments(parser: argparse.ArgumentParser) -> None:
    folder_argument(parser)
    parser.add_argument(
        "--start", required=True, metavar="S", help="seconds, timecode or bar (12.5, 01:00:12:12, b7.1)"
    )
    parser.add_argument("--end", required=True, metavar="S", help="likewise; this moment is not included")
    parser.add_argument("--parts", type=checked(parse_parts), help="only these, such as bass,drums (default: all)")
    parser.add_argument("--mood", type=checked(parse_mood), metavar="V,A|WORD", help="another mood for the region")
    parser.add_argument("--seed", type=int, help="default: one that was not used yet")
    add_engine(parser, "who composes (default: who composed the take)")


def run(options: argparse.Namespace) -> dict[str, Any]:
    from bridge.pipeline import RegenerateRequest, regenerate

    reporter = Reporter(options)
    request = RegenerateRequest(
        options.dir, options.start, options.end, options.parts, options.mood, options.seed, options.engine
    )
    try:
        answer = regenerate(request, reporter)
    finally:
        reporter.close()
    if not options.json:
        warn(answer["warnings"])
        changes = ", ".join(f"{p} -{c['removed']} +{c['added']}" for p, c in answer["changed"].items()) or "no note"
        say(f"take {answer['take']} (seed {answer['seed']}): {changes}")
        if answer["locked"]:
            say(f"locked and left as it was: {', '.join(answer['locked'])}")
        for path in answer["kept_aside"]:
            say(f"a file you had changed was kept as {path}")
        say_files(answer["files"])
    return answer
