"""``emsync score``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from bridge.cli.common import Reporter, add_input, add_scoring, clock, say, say_files, settings_of, table, warn


def arguments(parser: argparse.ArgumentParser) -> None:
    add_input(parser)
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", help="score folder (default NAME.emsync)")
    parser.add_argument("--range", nargs=2, metavar=("IN", "OUT"), help="score only this part: seconds or timecode")
    add_scoring(parser)


def run(options: argparse.Namespace) -> dict[str, Any]:
    from bridge.pipeline import ScoreRequest, score

    reporter = Reporter(options)
    request = ScoreRequest(
        options.input,
        options.output,
        tuple(options.range) if options.range else None,
        settings_of(options),
        options.within,
    )
    try:
        answer = score(request, reporter)
    finally:
        reporter.close()
    if not options.json:
        for cue in answer.get("cues", [answer]):
            tell(cue)
    return answer


def tell(cue: dict[str, Any]) -> None:
    """What was made of a cue, for people."""
    warn(cue["warnings"])
    tempos = [row["bpm"] for row in cue["tempo_map"]]
    say(
        f"{cue['title']}: {clock(cue['duration_s'])}, {cue['key']}, {min(tempos):.0f}-{max(tempos):.0f} beats a minute,"
        f" {cue['bars']} bars, {sum(cue['notes'].values())} notes, take {cue['take']} (seed {cue['seed']})"
    )
    errors = [abs(h["error_s"]) for h in cue["hits"] if h["error_s"] is not None]
    worst = f", worst error {max(errors) * 1000:.3f} ms" if errors else ""
    say(f"{len(cue['hits'])} hits{worst}" if cue["hits"] else "no boundary to hit")
    table([(clock(h["time_s"]), f"bar {h['bar']}", h["label"]) for h in cue["hits"]])
    for path in cue["kept_aside"]:
        say(f"a file you had changed was kept as {path}")
    say_files(cue["files"])
