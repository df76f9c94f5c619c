"""How long a feature's timeline takes to read and resolve: 26 tracks, nests of three levels, up to 20,000 clips."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from time import perf_counter

from benchmarks.harness import Table, costs, parser, show
from otio_adapters import read_picture
from tests.otio_adapters.builders import feature, save

CLIPS = (1_250, 5_000, 20_000)


def read(path: str) -> dict[str, float]:
    """Seconds to read a timeline and resolve what is seen."""
    began = perf_counter()
    picture = read_picture(path)
    assert picture.boundaries
    return {"read": perf_counter() - began}


def table() -> Table:
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for clips in CLIPS:
            cost = costs(read, str(save(Path(folder), feature(clips), f"{clips}.otio")))
            seconds = cost.seconds["read"]
            rows.append((f"{clips:,} clips", seconds, 1000 * seconds / clips, cost.peak_mib))
    return Table("Nested timelines", ("timeline", "read, s", "ms a clip", "peak, MiB"), tuple(rows))


def main(arguments: list[str] | None = None) -> int:
    show([table()], parser(__doc__).parse_args(arguments).json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
