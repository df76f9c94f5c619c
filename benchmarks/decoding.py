"""How fast the composer decodes: events a second, seconds a minute of music, first bar, best of four, memory.

Each engine runs in a fresh process and is warm (compiled, weights read) before anything is measured; seconds are of
one processor (``process_time`` with one thread), medians of several runs. An event is a note or a bar line with all its
fields. The reference architecture has the size of Sulun's EMSYNC (arXiv 2502.10154; 11 layers of 512, 37 M, a window
of 1,213 tokens) and, like its published code, computes the whole window anew for every token; 58 of its tokens are a
second of music on the average. Its window is measured once, in the same process as our reference.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

from benchmarks.edits import random_edit, wandering_mood
from benchmarks.harness import RUNS, Table, costs, parser, show

DURATION_S = 60.0
LONG_S = 240.0
SEED = 1
REGION_BARS = 8
THEIR_TOKENS_A_SECOND = 58.0
THEIR_WINDOW = 1213
ENGINES = ("reference", "fp32", "int8")
_ONE_THREAD = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def weights_of(folder: str | None) -> Any:
    """Trained weights, or random ones of the shipped size."""
    from emsync_engine.model import config
    from emsync_engine.model.decode.weights import load, random_weights

    return load(Path(folder)) if folder else random_weights(config.load("base").model, SEED)


def decode(engine: str, folder: str | None, candidates: int) -> dict[str, float]:
    """Compose a minute and four minutes, then regenerate eight bars of the minute."""
    from emsync_engine.model.decode.compose import compose
    from emsync_engine.model.decode.draft import Decoding
    from emsync_engine.model.decode.fast import network_of, warm
    from emsync_engine.model.decode.recompose import recompose
    from emsync_engine.model.decode.wishes import Wishes
    from emsync_engine.spotting import spot

    network = network_of(weights_of(folder), engine)
    warm(network)
    # Random weights know no density: they are held to the one asked for, so that there is as much to write.
    wishes = Wishes() if folder else Wishes(pace=6.0)
    decoding = Decoding(candidates=candidates, wishes=wishes)
    sheet = spot(random_edit(SEED, DURATION_S), wandering_mood(SEED, DURATION_S))
    compose(spot(random_edit(SEED, 4.0), wandering_mood(SEED, 4.0)), SEED, network, decoding)
    began = process_time()
    score = compose(sheet, SEED, network, decoding)
    found = {"minute": process_time() - began, "notes": float(sum(len(p.notes) for p in score.parts))}
    bars = score.bars[len(score.bars) // 2 :][:REGION_BARS]
    heard: list[float] = []
    began = process_time()
    recompose(
        score, sheet, bars[0].tick, bars[-1].end, tuple(p.id for p in score.parts), SEED + 1, network, None, decoding,
        lambda *_: heard.append(process_time() - began),
    )  # fmt: skip
    found |= {"region": process_time() - began, "first bar": heard[0]}
    if candidates == 1:
        long = spot(random_edit(SEED, LONG_S), wandering_mood(SEED, LONG_S))
        began = process_time()
        score = compose(long, SEED, network, decoding)
        found |= {"long": process_time() - began, "long notes": float(sum(len(p.notes) for p in score.parts))}
    return found


def steps(engine: str, folder: str | None, streams: int) -> dict[str, float]:
    """Seconds of one event (all layers and a note's five fields) of all streams, and of reading a context of 800."""
    import numpy as np

    from emsync_engine.model import layouts as lay
    from emsync_engine.model.decode.fast import network_of, warm

    network = network_of(weights_of(folder), engine)
    warm(network)
    rng = np.random.default_rng(SEED)
    cache = network.open(1, streams, network.config.context)
    rows = np.zeros((800, lay.N_INPUTS), dtype=np.int16)
    rows[:, 1], rows[:, 3], rows[:, 6] = rng.integers(0, 48, 800), rng.integers(30, 80, 800), 48
    told = rng.standard_normal((800, network.condition_width)).astype(np.float32)
    began = process_time()
    network.extend(cache, 0, rows, told)
    context_s = process_time() - began
    taken = []
    for _ in range(60):
        began = process_time()
        x = network.step(cache, list(range(streams)), rows[:streams], told[:streams])
        network.time_logits(x, rows[:streams])
        network.group_logits(x)
        network.pitch_logits(x, np.full(streams, 60), np.full(streams, 2))
        network.duration_logits(x)
        network.velocity_logits(x)
        taken.append(process_time() - began)
    return {"event": median(taken), "context": context_s}


def without_cache(_engine: str, _folder: str | None, _streams: int) -> dict[str, float]:
    """Seconds of one token of the reference architecture: the whole window, then the logits of its last place."""
    import numpy as np

    from emsync_engine.model import layouts as lay
    from emsync_engine.model.config import ModelConfig
    from emsync_engine.model.decode.reference import Network
    from emsync_engine.model.decode.weights import random_weights

    # d_ff as wide as gives a gated layer the weights of theirs (two matrices of 2,048).
    shape = ModelConfig(512, 11, 8, 8, 1365, context=1216, conditioning="none")
    network = Network(random_weights(shape))
    rows = np.zeros((THEIR_WINDOW, lay.N_INPUTS), dtype=np.int16)
    taken = []
    for _ in range(3):
        cache = network.open(1, 1, THEIR_WINDOW)
        began = process_time()
        x = network.extend(cache, 0, rows, np.zeros((THEIR_WINDOW, 0), dtype=np.float32))
        network.head("pitch", x[-1:])
        taken.append(process_time() - began)
    return {"event": median(taken)}


def step_table(folder: str | None, runs: int) -> Table:
    """Engines by the event."""
    rows: list[tuple[str | float | int | None, ...]] = []
    for engine in ENGINES:
        for streams in (1, 4):
            cost = costs(steps, engine, folder, streams, runs=runs)
            event = cost.seconds["event"]
            rows.append((engine, streams, 1000 * event, streams / event, 800 / cost.seconds["context"], cost.peak_mib))
    cost = costs(without_cache, "", None, 1, runs=1)
    event = cost.seconds["event"]
    rows.append(("reference architecture, no cache (37 M)", 1, 1000 * event, 1 / event, None, cost.peak_mib))
    columns = ("engine", "candidates", "ms an event", "events/s", "rows of context read/s", "peak, MiB")
    minute = 60 * THEIR_TOKENS_A_SECOND * event
    note = f"Reference architecture: {minute / 60:.0f} minutes of processor time for a minute of music."
    return Table("One event after a context of 800", columns, tuple(rows), (note,))


def music_table(folder: str | None, runs: int) -> Table:
    """Engines by the minute of music."""
    rows: list[tuple[str | float | int | None, ...]] = []
    for engine in ENGINES:
        for candidates in (1, 4):
            cost = costs(decode, engine, folder, candidates, runs=runs)
            s = cost.seconds
            per_minute = s["long"] / (LONG_S / 60) if "long" in s else None
            notes = round(s["notes"])
            rows.append(
                (engine, candidates, s["minute"], notes, per_minute, s["first bar"], s["region"], cost.peak_mib)
            )
    columns = (
        "engine", "candidates", "60 s, s", "notes", "a minute of 4, s", "first bar of 8, s", "8 bars, s", "peak, MiB",
    )  # fmt: skip
    note = (
        f"Weights: {folder or 'random, of the shipped size'}; the limits are 6 s, 1 s (first bar) and 4 s (best of 4)."
    )
    return Table("A five-part cue, and eight bars of it anew", columns, tuple(rows), (note,))


def main(arguments: list[str] | None = None) -> int:
    options = parser(__doc__)
    options.add_argument("--weights", metavar="DIR", help="an export or a run (default: random weights)")
    options.add_argument("--runs", type=int, default=RUNS, help="runs behind each median")
    given = options.parse_args(arguments)
    for name in _ONE_THREAD:  # read by the fresh processes when they load their libraries
        os.environ[name] = "1"
    show([step_table(given.weights, given.runs), music_table(given.weights, given.runs)], given.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
