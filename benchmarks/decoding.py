"""How fast the composer decodes: the speed part of ``emsync evaluate``, by every engine.

What is measured, and how, stands in `emsync_engine.model.evaluation.speed`.
"""

from __future__ import annotations

import sys

from benchmarks.harness import RUNS, parser, show
from emsync_engine.model.evaluation.speed import music_table, step_table


def main(arguments: list[str] | None = None) -> int:
    options = parser(__doc__)
    options.add_argument("--weights", metavar="DIR", help="an export or a run (default: random weights)")
    options.add_argument("--runs", type=int, default=RUNS, help="runs behind each median")
    given = options.parse_args(arguments)
    show([step_table(given.weights, given.runs), music_table(given.weights, given.runs)], given.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
