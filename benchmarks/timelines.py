"""How long a feature's timeline takes to read and resolve: two hours of 26 tracks, nests of three levels, 5,000 clips,
and a quarter and four times of it. ``--damage N`` reads N damaged files of every format instead.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from pathlib import Path
from time import perf_counter, process_time

from benchmarks.harness import Table, costs, parser, show
from emsync_engine.errors import InputError
from otio_adapters import read_picture
from tests.otio_adapters.builders import feature, save
from tests.otio_adapters.damage import damaged

CLIPS = (1_250, 5_000, 20_000)


def read(path: str) -> dict[str, float]:
    """Processor seconds to read a timeline and resolve what is seen, on one core."""
    began = process_time()
    picture = read_picture(path)
    assert picture.boundaries
    return {"read": process_time() - began}


def table() -> Table:
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for clips in CLIPS:
            path = save(Path(folder), feature(clips), f"{clips}.otio")
            hours = float(read_picture(path).duration) / 3600
            cost = costs(read, str(path))
            seconds = cost.seconds["read"]
            rows.append((f"{clips:,} clips, {hours:.1f} h", seconds, 1000 * seconds / clips, cost.peak_mib))
    return Table("Nested timelines", ("timeline", "read, s of one core", "ms a clip", "peak, MiB"), tuple(rows))


def damage(count: int) -> Table:
    """What becomes of damaged files; anything but a picture or one line about the file ends this with a traceback."""
    tried: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    slowest: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(count):
            suffix, data = damaged(seed)
            path = Path(folder, f"damaged{suffix}")
            path.write_bytes(data)
            began = perf_counter()
            try:
                read_picture(path).to_json()
            except InputError as error:
                assert path.name in str(error) and "\n" not in str(error), seed
                refused[suffix] += 1
            tried[suffix] += 1
            slowest[suffix] = max(slowest.get(suffix, 0.0), perf_counter() - began)
    rows = [(s, tried[s], tried[s] - refused[s], refused[s], slowest[s]) for s in sorted(tried)]
    return Table("Damaged files", ("format", "tried", "read", "refused in one line", "slowest, s"), tuple(rows))


def main(arguments: list[str] | None = None) -> int:
    options = parser(__doc__)
    options.add_argument("--damage", type=int, metavar="N", help="read N damaged files instead")
    given = options.parse_args(arguments)
    show([damage(given.damage) if given.damage else table()], given.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
