"""What the decoder's tests share: small networks with random weights, and random music on the grid."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from zlib import crc32

import numpy as np

from emsync_engine.instructions import PARTS
from emsync_engine.model import conditions as cond
from emsync_engine.model import events as ev
from emsync_engine.model import harmony
from emsync_engine.model.config import ModelConfig
from emsync_engine.model.decode.reference import Cache, Network, RowArray
from emsync_engine.model.decode.weights import FIELD_SIZES, N_INTERVALS, FloatArray, random_weights
from emsync_engine.model.windows import Window
from emsync_engine.score import Bar, Key, ScoreHit, Tempo, TempoMap
from emsync_engine.spotting.cuesheet import CueSheet, SectionPlan

TINY = ModelConfig(d_model=32, n_layers=2, n_heads=4, n_kv_heads=2, d_ff=48, d_cond=16, d_field=24, context=256)


def tiny(conditioning: str = "full") -> ModelConfig:
    """With everything that the conditioning allows."""
    return replace(TINY, conditioning=conditioning, boundary_reader=conditioning == "full")


def network(conditioning: str = "full", seed: int = 1, scale: float = 1.0) -> Network:
    return Network(random_weights(tiny(conditioning), seed, scale))


def random_guide(rng: np.random.Generator, bars: int, known: np.ndarray | None = None) -> cond.Guide:
    """A guide with something in every channel, in bars of two to five quarters."""
    lengths = rng.choice([24, 36, 48, 60], size=bars)
    bar_start = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    beats = len(harmony.beats_of(bar_start).start) - 1
    return cond.Guide(
        bar_start=bar_start,
        bar_seconds=lengths / ev.GRID * rng.uniform(0.4, 0.8),
        valence=rng.uniform(-1, 1, bars),
        arousal=rng.uniform(-1, 1, bars),
        density=rng.uniform(0, 12, bars),
        section=(rng.random(bars) < 0.2).astype(np.uint8),
        chord=rng.integers(0, harmony.N_CHORDS, beats).astype(np.uint8),
        key=rng.integers(0, 25, bars).astype(np.uint8),
        boundaries=np.unique(rng.integers(0, bar_start[-1], 3)).astype(np.int32),
        instruments=rng.random(ev.N_GROUPS) < 0.5,
        known=rng.random(cond.N_CHANNELS) < 0.8 if known is None else known,
    )


def random_window(seed: int, bars: int = 8, notes: int = 60) -> Window:
    """Notes anywhere in the bars of a piece twice as long, in canonical order."""
    rng = np.random.default_rng(seed)
    guide = random_guide(rng, 2 * bars)
    first = int(rng.integers(0, bars))
    bar = rng.integers(0, bars, notes)
    lengths = np.diff(guide.bar_start)[first + bar]
    pos = (rng.random(notes) * lengths).astype(np.int64) // 3 * 3
    group = rng.choice([0, 1, 2, 3, 4, 7], size=notes)
    pitch = rng.integers(30, 90, notes)
    dur = np.where(group == ev.DRUMS, 0, rng.integers(0, ev.N_DURATIONS, notes))
    order = np.lexsort((pitch, group, pos, bar))
    columns = (part[order].astype(np.int64) for part in (bar, pos, group, pitch, dur, rng.integers(1, 128, notes)))
    return Window(first, bars, *columns, guide)


class RandomNetwork(Network):
    """Says anything, at once: logits drawn at random, from nearly even to nearly certain.

    What it says of a stream hangs on the stream alone, not on who asks first.
    """

    def __init__(self, seed: int, sharpness: float = 3.0) -> None:
        super().__init__(random_weights(replace(TINY, d_model=8, n_heads=2, n_kv_heads=1, n_layers=1, d_ff=8)))
        self._noise = np.random.default_rng(seed).standard_normal(1 << 16).astype(np.float32)
        self._sharpness = sharpness

    def extend(self, cache: Cache, beginning: int, rows: RowArray, condition: FloatArray) -> FloatArray:
        cache.shared_length[beginning] += len(rows)
        return np.zeros((len(rows), 8), dtype=np.float32)

    def step(self, cache: Cache, streams: Sequence[int], rows: RowArray, condition: FloatArray) -> FloatArray:
        cache.length[list(streams)] += 1
        places = zip(streams, cache.place(streams), strict=True)
        return np.stack([self._drawn(np.array(at).tobytes(), 8) for at in places])

    def _drawn(self, key: bytes, width: int) -> FloatArray:
        begin = crc32(key) % (len(self._noise) - width)
        return self._noise[begin : begin + width]

    def head(self, field: str, x: FloatArray) -> FloatArray:
        width = {"time": ev.N_TIMES + ev.MAX_BAR_TICKS, "pitch": 128 + N_INTERVALS + 12}.get(field, FIELD_SIZES[field])
        return np.stack([self._drawn(field.encode() + row.tobytes(), width) for row in x]) * np.float32(self._sharpness)


def random_sheet(seed: int, longest: int = 9) -> CueSheet:
    """A cue sheet of a few bars with anything in it: odd bars, hits, sections with few or many parts, silences."""
    rng = random.Random(seed)
    bars, tick = [], 0
    for _ in range(rng.randint(1, longest)):
        bars.append(Bar(tick, rng.choice((1, 2, 3, 4, 4, 4, 4, 5, 7, 9))))
        tick = bars[-1].end
    end = tick - rng.choice((0, 0, 240, 480, 720)) if bars[-1].beats > 1 else tick
    tempo_map = TempoMap((Tempo(0, rng.randint(400_000, 900_000)), Tempo(tick + 1, 500_000)))
    lines = [bar.tick for bar in bars]
    hits = sorted(t for t in lines[1:] if rng.random() < 0.4)
    final = rng.choice([t for t in lines[-3:] if t < end])
    key = Key(rng.randrange(12), rng.choice(("major", "minor")))
    starts = sorted({0, *(t for t in lines[1:] if rng.random() < 0.25)})
    sections = tuple(
        SectionPlan(
            f"s{i}", f"S{i}", start, stop, rng.uniform(-1, 1), rng.uniform(-1, 1), rng.choice("abc"),
            tuple(p for p in PARTS if p in rng.sample(PARTS, rng.randint(1, 5))), key,
        )
        for i, (start, stop) in enumerate(zip(starts, [*starts[1:], end]), start=1)
    )  # fmt: skip
    silent = rng.randint(0, max(end - 960, 0))
    return CueSheet(
        title=f"cue {seed}",
        duration=tempo_map.seconds(end),
        bars=tuple(bars),
        tempo_map=tempo_map,
        hits=tuple(ScoreHit(t, tempo_map.seconds(t)) for t in hits),
        sections=sections,
        key=key,
        final_tick=final,
        end_tick=end,
        arousal=tuple((t, rng.uniform(-1, 1)) for t in lines),
        silences=((silent, silent + rng.randint(100, 900)),) if rng.random() < 0.3 else (),
    )
