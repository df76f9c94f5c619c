"""What a mood does to the music: a grid of three valences by three arousals over the same random edits.

Tempo, notes a second and velocity should rise with arousal; the share of time under chords with a major third should
rise with valence.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from itertools import pairwise
from statistics import mean

from benchmarks.edits import random_edit
from benchmarks.harness import Cell, Table, add_engine, choose_engine, compose, parser, show
from benchmarks.sync import cue_tempo
from emsync_engine.mood.curve import constant
from emsync_engine.rules.theory import QUALITIES
from emsync_engine.score import Score
from emsync_engine.spotting import SpotOptions, spot

LEVELS = (-0.7, 0.0, 0.7)
DURATION_S = 60.0


def notes_a_second(score: Score) -> float:
    return sum(len(p.notes) for p in score.parts) / float(score.duration)


def mean_velocity(score: Score) -> float:
    return mean(n.velocity for p in score.parts for n in p.notes)


def major_share(score: Score) -> float:
    """Share of the time under chords with a major third."""
    spans = [(score.tempo_map.seconds(c.end) - score.tempo_map.seconds(c.tick), c.quality) for c in score.chords]
    return float(sum(s for s, quality in spans if 4 in QUALITIES[quality]) / sum(s for s, _ in spans))


MEASURES: dict[str, tuple[str, Callable[[Score], float]]] = {
    # heading: (the axis it should rise with, measure)
    "tempo, beats a minute": ("arousal", cue_tempo),
    "notes a second": ("arousal", notes_a_second),
    "mean velocity": ("arousal", mean_velocity),
    "share of major chords": ("valence", major_share),
}


def cell(valence: float, arousal: float, seeds: Sequence[int]) -> dict[str, float]:
    """Means of every measure over the edits."""
    scores = []
    for seed in seeds:
        sheet = spot(random_edit(seed, DURATION_S), constant(DURATION_S, valence, arousal), SpotOptions(seed=seed))
        scores.append(compose(sheet, seed))
    return {name: mean(measure(s) for s in scores) for name, (_, measure) in MEASURES.items()}


def tables(seeds: Sequence[int]) -> list[Table]:
    """One table a measure: valence down, arousal across."""
    cells = {(v, a): cell(v, a, seeds) for v in LEVELS for a in LEVELS}
    made = []
    for name, (axis, _) in MEASURES.items():
        values = [[cells[v, a][name] for a in LEVELS] for v in LEVELS]
        lines = values if axis == "arousal" else [list(column) for column in zip(*values)]
        rises = all(x < y for line in lines for x, y in pairwise(line))
        rows: tuple[tuple[Cell, ...], ...] = tuple((f"valence {v:+}", *row) for v, row in zip(LEVELS, values))
        note = f"Rises with {axis} everywhere: {'yes' if rises else 'no'}."
        made.append(
            Table(name.capitalize(), ("", *(f"arousal {a:+}" for a in LEVELS)), rows, (note,), {"rises": rises})
        )
    return made


def main(arguments: list[str] | None = None) -> int:
    options = parser(__doc__)
    options.add_argument("--edits", type=int, default=10, help="random edits of 60 s a cell")
    add_engine(options)
    given = options.parse_args(arguments)
    choose_engine(given)
    show(tables(range(given.edits)), given.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
