"""``emsync send``: a score into a DAW, or to files and ports."""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge.cli.common import Reporter, checked, folder_argument, require, say, table, warn
from bridge.connectors import TARGETS, connector
from emsync_engine.instructions import parse_parts

if TYPE_CHECKING:
    from bridge.connectors.base import Delivered, Hello, Outcome
    from bridge.connectors.plan import Plan, Region

_WORDS: dict[Outcome, str] = {
    "written": "new", "updated": "updated", "unchanged": "as they were", "kept": "edited by hand, left as they are",
    "locked": "locked there, left as they are", "beside": "edited by hand, the new one is beside it",
    "removed": "removed", "left_out": "left out",
}  # fmt: skip


def arguments(parser: argparse.ArgumentParser) -> None:
    folder_argument(parser)
    names = [row.name for row in TARGETS]
    parser.add_argument("--to", required=True, choices=names, metavar="TARGET", help=f"one of {', '.join(names)}")
    parser.add_argument("--take", type=int, metavar="N", help="another take than the current one")
    parser.add_argument("--start", metavar="S", help="only from here (12.5, 01:00:12:12, b7.1): replace in place")
    parser.add_argument("--end", metavar="S", help="to here")
    parser.add_argument("--parts", type=checked(parse_parts), help="only these, such as bass,drums")
    parser.add_argument("--beside", action="store_true", help="put a new version beside what was edited by hand")
    parser.add_argument("--at", default="", metavar="WHERE", help="port name, host:port or folder; default: the usual")
    parser.add_argument("--timeout", type=float, default=10.0, metavar="S", help="longest wait for an answer")


def run(options: argparse.Namespace) -> dict[str, Any]:
    from bridge.connectors.base import Options, lock_edited, with_said
    from bridge.connectors.plan import plan_of_folder

    require(options.timeout > 0, "--timeout is a number of seconds above 0")
    folder: Path = options.dir
    plan = plan_of_folder(folder, options.take)
    region = _region(options, plan)
    reporter = Reporter(options)
    asked = Options(options.at, options.timeout, "beside" if options.beside else "keep")
    try:
        with connector(options.to, asked) as target:
            hello = target.hello()
            delivered = target.push(plan, reporter) if region is None else target.replace(plan, region, reporter)
    finally:
        reporter.close()
    if plan.shortened:
        delivered = with_said(delivered, [f"{plan.shortened} notes end where their section ends"])
    delivered = with_said(delivered, lock_edited(folder, delivered))
    if not options.json:
        _tell(hello, delivered)
    return {"hello": hello.as_json(), "title": plan.title, **delivered.as_json()}


def _region(options: argparse.Namespace, plan: Plan) -> Region | None:
    """The region asked for; None for the whole cue."""
    from bridge.connectors.plan import Region
    from bridge.folder import ScoreFolder
    from bridge.times import parse_time

    if options.start is None and options.end is None and options.parts is None:
        return None
    store = ScoreFolder(options.dir)
    score = store.take(plan.take).score
    picture = store.cut(store.document().entry(plan.take).cut).picture
    start = plan.tick(parse_time(options.start, picture, score)) if options.start is not None else 0
    end = plan.tick(parse_time(options.end, picture, score)) if options.end is not None else plan.end_tick
    require(start < end, "--end has to come after --start")
    known = [part.part for part in plan.parts]
    wrong = [name for name in options.parts or () if name not in known]
    require(not wrong, f"the score has no part {', '.join(wrong)} (it has {', '.join(known)})")
    return Region(start, end, options.parts)


def _tell(hello: Hello, delivered: Delivered) -> None:
    who = hello.application or hello.target
    say(f"take {delivered.take} to {who}")
    counts = Counter(item.outcome for item in delivered.items)
    rows = [(str(counts[outcome]), f"items {words}") for outcome, words in _WORDS.items() if counts[outcome]]
    rows += [
        (str(number), what)
        for number, what in (
            (delivered.tracks, "tracks"),
            (delivered.tempo_events, "tempo and metre events"),
            (delivered.markers, "markers"),
        )
        if number
    ]
    table(rows)
    for path in delivered.files:
        say(f"  {path}")
    for sentence in dict.fromkeys((*delivered.said, *hello.said)):
        say(sentence)
    warn(f"{row.what}: {row.why} {row.file}".rstrip() for row in delivered.left_out)
