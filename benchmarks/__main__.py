"""The quick benchmarks, or those that are named: ``python -m benchmarks [--json] [startup] [sync] ...``.

Rendering (``python -m benchmarks.speed --render``) and the photographs (``python -m benchmarks.mood_images``) have
to be asked for themselves.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from benchmarks import mood_grid, speed, startup, sync, timelines
from benchmarks.harness import Table, parser, show

QUICK: dict[str, Callable[[], list[Table]]] = {
    "startup": lambda: [startup.table()],
    "speed": lambda: [speed.table()],
    "timelines": lambda: [timelines.table()],
    "sync": lambda: sync.tables(range(50)),
    "mood_grid": lambda: mood_grid.tables(range(5)),
}


def main(arguments: list[str] | None = None) -> int:
    options = parser(__doc__)
    options.add_argument("names", nargs="*", metavar="NAME", help=f"which: {', '.join(QUICK)} (all)")
    given = options.parse_args(arguments)
    unknown = sorted(set(given.names) - set(QUICK))
    if unknown:
        options.error(f"no benchmark {', '.join(unknown)}: choose from {', '.join(QUICK)}")
    show([table for name in given.names or QUICK for table in QUICK[name]()], given.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
