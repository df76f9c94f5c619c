"""Whether light and colour say anything about feeling: rank correlation with people's ratings of photographs.

Takes a folder of pictures and a CSV file with the columns file, valence_mean and arousal_mean, as the OASIS set
(Kurdi, Lozano & Banaji 2017) can be arranged. Neither comes with this project; without them nothing is measured.

    python -m benchmarks.mood_images oasis/ oasis.csv

Every photograph is treated as one sample of a film, so motion, pace and sound say nothing.
"""

from __future__ import annotations

import csv
import math
import sys
from collections.abc import Sequence
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from benchmarks.harness import Table, parser, show
from emsync_engine.mood.evidence import from_sight
from emsync_engine.mood.look import HEIGHT, WIDTH, Look, look_of
from emsync_engine.mood.see import Sight

Column = npt.NDArray[np.float64]


def look_at(path: Path) -> Look:
    """Light and colour of a photograph."""
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
    return look_of(frame.to_ndarray(width=WIDTH, height=HEIGHT, format="rgb24").astype(np.uint8))


def ranks(values: Sequence[float]) -> Column:
    """Ranks from 1, equal values sharing their mean rank."""
    _, inverse, counts = np.unique(np.asarray(values, dtype=float), return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[inverse])


def spearman(a: Sequence[float], b: Sequence[float]) -> float:
    """Spearman's rank correlation; nan when one of the two does not vary."""
    x, y = ranks(a), ranks(b)
    if x.std() == 0 or y.std() == 0:
        return math.nan
    return float(np.corrcoef(x, y)[0, 1])


def estimates(looks: Sequence[Look]) -> tuple[Column, Column]:
    """Valence and arousal that the film engine reads from each, by its own weights."""
    count = len(looks)
    time_s = np.arange(count, dtype=float)
    nothing = np.full(count, np.nan)
    sight = Sight(time_s=time_s, slot_s=np.ones(count), looks=np.array(looks), motion=nothing)
    valence, arousal = np.zeros(count), np.zeros(count)
    for track in from_sight(sight, time_s):
        valence += track.confidence * (0 if track.valence is None else track.valence)
        arousal += track.confidence * (0 if track.arousal is None else track.arousal)
    return valence, arousal


def table(folder: Path, ratings: Path) -> Table:
    """Correlations over all photographs of the folder that have ratings."""
    with ratings.open(newline="", encoding="utf-8") as file:
        rated = [row for row in csv.DictReader(file) if (folder / row["file"]).exists()]
    looks = [look_at(folder / row["file"]) for row in rated]
    valence, arousal = estimates(looks)
    told = {name: [float(row[f"{name}_mean"]) for row in rated] for name in ("valence", "arousal")}
    rows = [("engine", spearman(list(valence), told["valence"]), spearman(list(arousal), told["arousal"]))]
    for i, name in enumerate(Look._fields):
        column = [look[i] for look in looks]
        rows.append((name, spearman(column, told["valence"]), spearman(column, told["arousal"])))
    return Table(
        "Feeling from light and colour alone", ("estimate", "valence", "arousal"), tuple(rows),
        (f"Spearman's correlation with the mean ratings of {len(rated)} photographs.",),
    )  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    options = parser(__doc__)
    options.add_argument("folder", nargs="?", type=Path, help="the photographs")
    options.add_argument("ratings", nargs="?", type=Path, help="CSV with file, valence_mean, arousal_mean")
    given = options.parse_args(arguments)
    if given.folder is None or given.ratings is None:
        print("skipped: give a folder of rated photographs and their CSV file (see --help)", file=sys.stderr)
        show([], given.json)
        return 0
    show([table(given.folder, given.ratings)], given.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
