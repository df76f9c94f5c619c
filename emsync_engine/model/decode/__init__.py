"""Decoding: from trained weights to scores, without torch.

`load` reads weights, `network_of` makes the network that decodes fastest here, `compose` and `recompose` write scores
with it as the rule composer does. Inside: `reference` (the network, readable) and `fast` with `kernels` (compiled);
`staging`, `frame` and `region` (what may be written where); `constraints`, `strikes` and `wishes` (what may and should
come next); `writer` and `sample` (candidates, event by event); `judge` (which one is kept); `notation` (notes).
"""

from emsync_engine.model.decode.compose import compose
from emsync_engine.model.decode.draft import Decoding
from emsync_engine.model.decode.fast import network_of, warm
from emsync_engine.model.decode.recompose import recompose
from emsync_engine.model.decode.sample import Sampling
from emsync_engine.model.decode.weights import Weights, WeightsError, load
from emsync_engine.model.decode.wishes import Wishes

__all__ = [
    "Decoding",
    "Sampling",
    "Weights",
    "WeightsError",
    "Wishes",
    "compose",
    "load",
    "network_of",
    "recompose",
    "warm",
]
