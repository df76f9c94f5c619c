"""What the decoder's tests share: small networks with random weights, and random music on the grid."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from emsync_engine.model import conditions as cond
from emsync_engine.model import events as ev
from emsync_engine.model import harmony
from emsync_engine.model.config import ModelConfig
from emsync_engine.model.decode.reference import Network
from emsync_engine.model.decode.weights import random_weights
from emsync_engine.model.windows import Window

TINY = ModelConfig(d_model=32, n_layers=2, n_heads=4, n_kv_heads=2, d_ff=48, d_cond=16, d_field=24, context=256)


def network(conditioning: str = "full", seed: int = 1, scale: float = 1.0) -> Network:
    return Network(random_weights(replace(TINY, conditioning=conditioning), seed, scale))


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
