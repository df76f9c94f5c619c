"""The fast path: the same network with its single steps compiled, in fp32 or with int8 matrices.

Chosen by measurement (`python -m benchmarks.decoding`): at this size, one row at a time, all that counts is how many
bytes of matrices are streamed; int8 is a quarter of fp32 and stays in the processor's cache. Contexts are read by
numpy's own products of matrices in fp32, which nothing here would beat.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from emsync_engine.errors import MissingComponentError
from emsync_engine.model import layouts as lay
from emsync_engine.model.decode.reference import Cache, Network
from emsync_engine.model.decode.weights import FIELD_SIZES, FloatArray, Weights

ENGINES = ("auto", "int8", "fp32", "reference")
"""`auto` is int8 where numba is installed, else the reference."""
Matrix = tuple[NDArray[np.float32] | NDArray[np.int8], FloatArray]
"""(…, rows, columns) and the scale of each row (…, rows)."""


def has_numba() -> bool:
    return importlib.util.find_spec("numba") is not None


def network_of(weights: Weights, engine: str = "auto") -> Network:
    """The network for decoding.

    Raises:
        MissingComponentError: a compiled engine is asked for by name and numba is not installed.
        ValueError: no such engine.
    """
    if engine not in ENGINES:
        raise ValueError(f"engine {engine!r} is not one of {', '.join(ENGINES)}")
    if engine == "reference" or (engine == "auto" and not has_numba()):
        return Network(weights)
    if not has_numba():
        raise MissingComponentError("the compiled decoder needs numba: pip install numba", code="no_numba")
    return FastNetwork(weights, int8=engine != "fp32")


def quantised(matrix: FloatArray) -> Matrix:
    """Each row in 255 steps symmetric about zero, its largest value at 127."""
    scale = np.maximum(np.abs(matrix).max(axis=-1), 1e-12) / 127.0
    return np.rint(matrix / scale[..., None]).astype(np.int8), scale.astype(np.float32)


def unscaled(matrix: FloatArray) -> Matrix:
    return np.ascontiguousarray(matrix), np.ones(matrix.shape[:-1], dtype=np.float32)


class FastNetwork(Network):
    """`Network` with compiled steps; embedding, contexts and logits from raw outputs are inherited."""

    def __init__(self, weights: Weights, int8: bool = True) -> None:
        from emsync_engine.model.decode import kernels

        super().__init__(weights)
        self._kernels = kernels
        stored = quantised if int8 else unscaled
        layers = range(self.config.n_layers)

        def stack(*names: str) -> FloatArray:
            """The named matrices under one another, by layer: (layers, rows, columns)."""
            return np.stack([np.concatenate([self._layer(layer, name) for name in names]) for layer in layers])

        empty = np.zeros((len(layers), self.config.d_model, 0), dtype=np.float32)
        self._told = unscaled(stack("cond") if self.told else empty)
        self._qkv = stored(stack("query", "key", "value"))
        self._out, self._down = stored(stack("out")), stored(stack("down"))
        self._gate_up = stored(stack("gate", "up"))
        self._heads = {field: self._head_matrices(field, int8) for field in FIELD_SIZES}

    def _head_matrices(self, field: str, int8: bool) -> tuple[Matrix, Matrix]:
        stem = f"heads.{field}"
        gate_up = np.concatenate([self.weights[f"{stem}.{name}.weight"] for name in ("gate", "up")])
        readers = [f"{stem}.classes.weight", *(f"{name}.weight" for name in self.readers_of(field))]
        classes = np.concatenate([self.weights[name] for name in readers])
        return (quantised if int8 else unscaled)(gate_up), unscaled(classes)

    def step(self, cache: Cache, streams: Sequence[int], rows: NDArray[np.int16], condition: FloatArray) -> FloatArray:
        """Read one row of each of B streams -> (B, d)."""
        where = np.asarray(streams, dtype=np.int64)
        assert (cache.place(where) < cache.capacity).all(), "the cache is full"
        told = np.ascontiguousarray(condition if self.told else condition[:, :0])
        common = cache.beginning[where]
        hidden: FloatArray = self._kernels.step_layers(
            self.embed(rows, condition), told, self._told, self._qkv, self._out, self._gate_up, self._down,
            (cache.shared_keys, cache.shared_values), (cache.keys, cache.values),
            np.stack([where, common, cache.shared_length[common], cache.length[where]]), (self._cos, self._sin),
        )  # fmt: skip
        cache.length[where] += 1
        return hidden

    def head(self, field: str, x: FloatArray) -> FloatArray:
        """As the reference; long runs of rows (a likelihood) go through its products of matrices."""
        if len(x) > 16:
            return super().head(field, x)
        raw: FloatArray = self._kernels.step_head(np.ascontiguousarray(x, dtype=np.float32), *self._heads[field])
        return raw


def warm(network: Network) -> None:
    """Compile (or load from disk) what a decode will call, so that its first bar does not wait for it."""
    cache = network.open(1, 1, 4)
    condition = np.zeros((1, network.condition_width), dtype=np.float32)
    network.head("time", network.step(cache, [0], np.zeros((1, lay.N_INPUTS), dtype=np.int16), condition))
