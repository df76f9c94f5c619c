"""How fast the composer decodes: events a second, seconds a minute of music, first bar, best of four, memory.

Each engine runs in a fresh process and is warm (compiled, weights read) before anything is measured; figures are
medians of several runs. Events are timed in seconds of one processor (``process_time`` with one thread), music by the
clock, with as many threads as it takes by default: what a user waits for on a machine that does nothing else. An event
is a note or a bar line with all its fields. The reference architecture has the size of Sulun's EMSYNC (arXiv
2502.10154; 11 layers of 512, 37 M, a window of 1,213 tokens) and, like its published code, computes the whole window
anew for every token; 58 of its tokens are a second of music on the average. It runs in the same process as our fastest
engine, right after it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

import numpy as np

from emsync_engine.model import config
from emsync_engine.model import layouts as lay
from emsync_engine.model.config import ModelConfig
from emsync_engine.model.decode.compose import CUE_CANDIDATES, compose
from emsync_engine.model.decode.draft import Decoding
from emsync_engine.model.decode.fast import has_numba, network_of, warm
from emsync_engine.model.decode.recompose import recompose
from emsync_engine.model.decode.reference import Network
from emsync_engine.model.decode.weights import Weights, load, random_weights
from emsync_engine.model.decode.wishes import Wishes
from emsync_engine.model.evaluation import cues
from emsync_engine.model.evaluation.processes import RUNS, Cost, costs, one_thread_each
from emsync_engine.model.evaluation.request import Report, Request
from emsync_engine.model.evaluation.tables import Cell, Table

DURATION_S = 60.0
LONG_S = 240.0
SEED = 1
REGION_BARS = 8
CONTEXT = 800
THEIR_TOKENS_A_SECOND = 58.0
THEIR_WINDOW = 1213
REGION_CANDIDATES = Decoding().candidates
ENGINES = ("reference", "fp32", "int8")
LIMITS_S = {"minute": 6.0, "first bar": 1.0, "best of four": 4.0}


def weights_of(folder: str | None) -> Weights:
    """Trained weights, or random ones of the shipped size."""
    return load(Path(folder)) if folder else random_weights(config.load("large").model, SEED)


def decode(engine: str, folder: str | None, candidates: int, long: bool = False) -> dict[str, float]:
    """Seconds by the clock: compose a minute (and four), then regenerate eight bars of the minute."""
    network = network_of(weights_of(folder), engine)
    warm(network)
    # Random weights know no density: they are held to the one asked for, so that there is as much to write.
    decoding = Decoding(candidates=candidates, wishes=Wishes() if folder else Wishes(pace=6.0))
    sheet = cues.sheet_of(SEED, DURATION_S)
    compose(cues.sheet_of(SEED, 4.0), SEED, network, decoding)
    began = perf_counter()
    score = compose(sheet, SEED, network, decoding)
    found = {"minute": perf_counter() - began, "notes": float(sum(len(p.notes) for p in score.parts))}
    bars = score.bars[len(score.bars) // 2 :][:REGION_BARS]
    heard: list[float] = []
    began = perf_counter()
    recompose(
        score, sheet, bars[0].tick, bars[-1].end, tuple(p.id for p in score.parts), SEED + 1, network, None, decoding,
        lambda *_: heard.append(perf_counter() - began),
    )  # fmt: skip
    found |= {"region": perf_counter() - began, "first bar": heard[0]}
    if long:
        began = perf_counter()
        score = compose(cues.sheet_of(SEED, LONG_S), SEED, network, decoding)
        found |= {"long": perf_counter() - began, "long notes": float(sum(len(p.notes) for p in score.parts))}
    return found


def steps(engine: str, folder: str | None, streams: int, beside: bool = False) -> dict[str, float]:
    """Seconds of one event (all layers and a note's five fields) of all streams, and of reading a context.

    Args:
        beside: measure a token of the reference architecture in the same process.
    """
    network = network_of(weights_of(folder), engine)
    warm(network)
    rng = np.random.default_rng(SEED)
    cache = network.open(1, streams, network.config.context)
    rows = np.zeros((CONTEXT, lay.N_INPUTS), dtype=np.int16)
    rows[:, 1], rows[:, 3], rows[:, 6] = rng.integers(0, 48, CONTEXT), rng.integers(30, 80, CONTEXT), 48
    told = rng.standard_normal((CONTEXT, network.condition_width)).astype(np.float32)
    began = process_time()
    network.extend(cache, 0, rows, told)
    context_s = process_time() - began
    taken = []
    for _ in range(60):
        began = process_time()
        x = network.step(cache, list(range(streams)), rows[:streams], told[:streams])
        network.time_logits(x, rows[:streams], np.zeros(streams, dtype=np.int64))
        network.group_logits(x)
        network.pitch_logits(x, np.full(streams, 60), np.full(streams, 2))
        network.duration_logits(x)
        network.velocity_logits(x)
        taken.append(process_time() - began)
    theirs = {"theirs": without_cache()} if beside else {}
    return {"event": median(taken), "context": context_s} | theirs


def without_cache() -> float:
    """Seconds of one token of the reference architecture: the whole window, then the logits of its last place."""
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
    return median(taken)


def step_table(folder: str | None, runs: int, engines: Sequence[str] = ENGINES) -> Table:
    """Engines by the event, and the reference architecture beside the last."""
    rows: list[tuple[Cell, ...]] = []
    results: dict[str, float] = {}
    for engine in engines:
        for streams in (1, 4):
            beside = engine == engines[-1] and streams == 1
            with one_thread_each():
                cost = costs(steps, engine, folder, streams, beside, runs=runs)
            event = cost.seconds["event"]
            rows.append(
                (engine, streams, 1000 * event, streams / event, CONTEXT / cost.seconds["context"], cost.peak_mib)
            )
            if beside:
                results = {"events_a_second": 1 / event, "reference_tokens_a_second": 1 / cost.seconds["theirs"]}
    theirs = 1 / results["reference_tokens_a_second"]
    results["reference_s_a_minute"] = 60 * THEIR_TOKENS_A_SECOND * theirs
    rows.append(("reference architecture, no cache (37 M)", 1, 1000 * theirs, 1 / theirs, None, None))
    columns = ("engine", "candidates", "ms an event", "events/s", "rows of context read/s", "peak, MiB")
    minutes = results["reference_s_a_minute"] / 60
    note = f"Reference architecture: {minutes:.0f} minutes of processor time for a minute of music."
    return Table(f"One event after a context of {CONTEXT}", columns, tuple(rows), (note,), results)


def music_table(folder: str | None, runs: int, engines: Sequence[str] = ENGINES, long: bool = True) -> Table:
    """Engines by the minute of music."""
    rows: list[tuple[Cell, ...]] = []
    results: dict[str, float] = {}
    for engine in engines:
        for candidates in (1, CUE_CANDIDATES, REGION_CANDIDATES):
            cost = costs(decode, engine, folder, candidates, long and candidates == 1, runs=runs)
            s = cost.seconds
            per_minute = s["long"] / (LONG_S / 60) if "long" in s else None
            notes = round(s["notes"])
            rows.append(
                (engine, candidates, s["minute"], notes, per_minute, s["first bar"], s["region"], cost.peak_mib)
            )
            if engine == engines[-1]:
                results |= _named(cost, candidates)
    columns = (
        "engine", "candidates", "60 s, s", "notes", "a minute of 4, s", "first bar of 8, s", "8 bars, s", "peak, MiB",
    )  # fmt: skip
    weights = "those named" if folder else "random, of the shipped size"
    limits = ", ".join(f"{name} {limit:.0f} s" for name, limit in LIMITS_S.items())
    note = f"Seconds by the clock, {os.cpu_count()} processors. Weights: {weights}; the limits are {limits}."
    return Table("A five-part cue, and eight bars of it anew", columns, tuple(rows), (note,), results)


def _named(cost: Cost, candidates: int) -> dict[str, float]:
    """The numbers of the fastest engine for the JSON."""
    s = cost.seconds
    if candidates == 1:
        found = {"one_candidate_s_a_minute": s["minute"], "first_bar_s": s["first bar"], "notes": s["notes"]}
        return found | ({"s_a_minute_of_four": s["long"] / (LONG_S / 60)} if "long" in s else {})
    if candidates == CUE_CANDIDATES:
        return {"s_a_minute": s["minute"], "cue_notes": s["notes"]}
    return {"best_of_four_s": s["region"], "peak_mib": cost.peak_mib}


def measure(request: Request, folder: Path | None) -> Report:
    """Speed of the default engine (of all of them with more time)."""
    own = ("int8",) if has_numba() else ("reference",)
    engines = own if request.quick else ENGINES if has_numba() else own
    runs = 1 if request.quick else RUNS
    request.progress("speed: events")
    path = str(folder) if folder else None
    events = step_table(path, runs, engines)
    request.progress("speed: a minute of music")
    minute = music_table(path, runs, engines, long=not request.quick)
    numbers = {name: round(value, 4) for name, value in (events.results | minute.results).items()}
    return Report((events, minute), numbers)
