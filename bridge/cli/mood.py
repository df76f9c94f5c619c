"""``emsync mood``."""

from __future__ import annotations

import argparse
from typing import Any

from bridge.cli.common import Reporter, add_input, clock, say, settings_of, table, warn


def arguments(parser: argparse.ArgumentParser) -> None:
    add_input(parser)


def run(options: argparse.Namespace) -> dict[str, Any]:
    from bridge.pipeline import ScoreRequest, effective, mood_of, read

    reporter = Reporter(options)
    request = ScoreRequest(options.input, settings=settings_of(options), detect_within=options.within)
    picture = read(request)
    curve = mood_of(picture, effective(request, picture), reporter)
    reporter.close()
    if not options.json:
        warn((*picture.warnings, *curve.warnings))
        rows = [("shot", "from", "valence", "arousal", "sure", "nearest word")]
        for shot, mood in zip(picture.shots, curve.shots):
            word = max(mood.categories, key=lambda w: mood.categories[w], default="")
            rows.append(
                (shot.name, clock(mood.start_s), f"{mood.valence:+.2f}", f"{mood.arousal:+.2f}",
                 f"{mood.confidence:.2f}", word)
            )  # fmt: skip
        table(rows)
        say("evidence: " + ", ".join(f"{e.name} {e.weight:.0%}" for e in curve.evidence))
    answer = curve.to_json()
    return {**answer, "warnings": [*picture.warnings, *answer["warnings"]]}
