"""Trained weights as plain numpy arrays: a reader of safetensors files that needs neither torch nor safetensors.

A safetensors file is an unsigned 64-bit length (little endian), a JSON header of that length that gives each
tensor's type, shape and place, and the tensors' bytes (https://github.com/huggingface/safetensors, format).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emsync_engine.errors import InputError
from emsync_engine.model import conditions as cond
from emsync_engine.model import config as configs
from emsync_engine.model import events as ev
from emsync_engine.model import layouts as lay
from emsync_engine.model.config import ModelConfig
from emsync_engine.model.shipped import shipped as shipped

FloatArray = NDArray[np.float32]

N_INTERVALS = 255
"""Intervals -127..127 from the group's last pitch."""
FIELD_SIZES: Mapping[str, int] = {
    "time": ev.N_TIMES, "metre": ev.MAX_BAR_TICKS + 1, "group": ev.N_GROUPS, "pitch": 128,
    "duration": ev.N_DURATIONS, "velocity": ev.VELOCITY_BINS,
}  # fmt: skip
"""Fields of an event in the order in which they are decided, with their classes."""

_TYPES = {"F32": "<f4", "F16": "<f2", "F64": "<f8", "BF16": "<u2"}
_LONGEST_HEADER = 16 * 2**20
_EXPORTED, _CHECKPOINT = "model.json", "state.json"


class WeightsError(InputError):
    """A file or folder that does not hold the composer's weights."""

    default_code = "bad_weights"


@dataclass(frozen=True)
class Weights:
    """The network's shape and its tensors in fp32, by the names that training gave them."""

    config: ModelConfig
    tensors: Mapping[str, FloatArray]

    def __getitem__(self, name: str) -> FloatArray:
        try:
            return self.tensors[name]
        except KeyError:
            raise WeightsError(f"the weights have no tensor {name}") from None

    @property
    def n_parameters(self) -> int:
        return sum(tensor.size for tensor in self.tensors.values())


def read_safetensors(path: Path) -> dict[str, FloatArray]:
    """All tensors of a file in fp32.

    Raises:
        WeightsError: not a safetensors file, a damaged one, or a type that is no float.
    """
    try:
        blob = path.read_bytes()
    except OSError as error:
        raise WeightsError(f"cannot read the weights: {error.strerror}", str(path)) from None
    length = int.from_bytes(blob[:8], "little")
    if len(blob) < 8 or length > min(_LONGEST_HEADER, len(blob) - 8):
        raise WeightsError("not a safetensors file", str(path))
    try:
        header = json.loads(blob[8 : 8 + length])
        entries = {name: entry for name, entry in header.items() if name != "__metadata__"}
        return {name: _tensor(blob, 8 + length, entry) for name, entry in entries.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsError(f"a damaged safetensors file ({error})", str(path)) from None


def _tensor(blob: bytes, base: int, entry: Mapping[str, Any]) -> FloatArray:
    """One tensor; raises ValueError, KeyError or TypeError when its entry makes no sense."""
    kind, shape = entry["dtype"], tuple(int(size) for size in entry["shape"])
    begin, end = (int(offset) for offset in entry["data_offsets"])
    if kind not in _TYPES:
        raise ValueError(f"type {kind}")
    stored = np.dtype(_TYPES[kind])
    if not 0 <= begin <= end <= len(blob) - base or end - begin != prod(shape) * stored.itemsize:
        raise ValueError(f"a tensor of shape {shape} at {begin}..{end}")
    raw = np.frombuffer(blob, dtype=stored, count=prod(shape), offset=base + begin).reshape(shape)
    if kind == "BF16":
        return (raw.astype(np.uint32) << np.uint32(16)).view(np.float32)
    return raw.astype(np.float32)


def load(folder: Path | str, stem: str = "") -> Weights:
    """The weights of an export (`model.json`), or of a training checkpoint (its averaged ones, `ema`).

    Args:
        folder: an export, a checkpoint, or a run (its newest checkpoint is taken).
        stem: which tensors of the folder, by the beginning of their files' names.

    Raises:
        WeightsError: no weights there, or they do not fit their configuration.
    """
    folder = _newest(Path(folder))
    exported = (folder / _EXPORTED).is_file()
    described = _describe(folder / (_EXPORTED if exported else _CHECKPOINT))
    try:
        values = described["model"] if exported else described["config"]["model"]
        config = configs.from_dict({"model": values}).model
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"no model configuration ({error})", str(folder)) from None
    stem = stem or ("model" if exported else "ema")
    paths = sorted(folder.glob(f"{stem}-*.safetensors"))
    tensors = {name: tensor for path in paths for name, tensor in read_safetensors(path).items()}
    return checked(Weights(config, tensors), str(folder))


def _newest(folder: Path) -> Path:
    """The folder itself, or the newest complete checkpoint inside a run."""
    if any((folder / name).is_file() for name in (_EXPORTED, _CHECKPOINT)):
        return folder
    steps = sorted(path.parent for path in folder.glob(f"step-*/{_CHECKPOINT}"))
    if not steps:
        raise WeightsError(f"no {_EXPORTED}, no {_CHECKPOINT} and no step-* with one", str(folder))
    return steps[-1]


def _describe(path: Path) -> dict[str, Any]:
    try:
        described = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsError(f"cannot be read ({error})", str(path)) from None
    if not isinstance(described, dict):
        raise WeightsError("not a description of a model", str(path))
    return described


def checked(weights: Weights, where: str = "") -> Weights:
    """The same weights. Raises WeightsError when a tensor is missing, has the wrong shape or is not finite."""
    for name, shape in shapes(weights.config).items():
        if name not in weights.tensors:
            raise WeightsError(f"tensor {name} is missing", where)
        tensor = weights.tensors[name]
        if tensor.shape != shape:
            raise WeightsError(f"tensor {name} has shape {tensor.shape}, not {shape}", where)
        if not np.isfinite(tensor).all():
            raise WeightsError(f"tensor {name} is not finite", where)
    return weights


TABLE_SIZES: Mapping[str, int] = {
    "kind": ev.N_KINDS, "pos": ev.MAX_BAR_TICKS + 1, "phase": ev.GRID + 1, "group": ev.N_GROUPS + 1,
    "pitch": 257, "pitch_class": 13, "duration": ev.N_DURATIONS + 1, "velocity": ev.VELOCITY_BINS + 1,
    "barlen": ev.MAX_BAR_TICKS + 1, "role": lay.N_ROLES, "relbar": lay.RELBAR_CLASSES, "remain": lay.REMAIN_CLASSES,
}  # fmt: skip
"""Embedding tables whose entries are summed into a row's input; the last class of a field means "none"."""


def shapes(config: ModelConfig) -> dict[str, tuple[int, ...]]:
    """Name and shape of every tensor of a network."""
    d, kv = config.d_model, config.n_kv_heads * (config.d_model // config.n_heads)
    found: dict[str, tuple[int, ...]] = {"embed.weight": (sum(TABLE_SIZES.values()), d)}
    if config.conditioning == "full":
        found["conditioner.values.weight"] = (2 * config.d_cond, cond.N_COND)
        found["conditioner.categories.weight"] = (sum(cond.CATEGORY_SIZES), 2 * config.d_cond)
        found["conditioner.mix.weight"] = (config.d_cond, 2 * config.d_cond)
        found["cond_heads.weight"] = (d, config.d_cond)
    elif config.conditioning == "paper":
        found |= {"paper.offset.0.weight": (128, 1), "paper.offset.0.bias": (128,), "paper.null": (2, d)}
        found |= {"paper.offset.2.weight": (d // 2, 128), "paper.offset.2.bias": (d // 2,)}
        for index in range(2):
            stem = f"paper.emotion.{index}"
            found |= {f"{stem}.0.weight": (256, 1), f"{stem}.0.bias": (256,)}
            found |= {f"{stem}.2.weight": (d, 256), f"{stem}.2.bias": (d,)}
    matrices = {"query": (d, d), "key": (kv, d), "value": (kv, d), "out": (d, d)}
    matrices |= {"gate": (config.d_ff, d), "up": (config.d_ff, d), "down": (d, config.d_ff)}
    if config.conditioning == "full":
        matrices["cond"] = (d, config.d_cond)
    for layer in range(config.n_layers):
        found |= {f"layers.{layer}.{name}.weight": shape for name, shape in matrices.items()}
    for field, size in FIELD_SIZES.items():
        found |= {f"heads.{field}.{name}.weight": (config.d_field, d) for name in ("gate", "up")}
        found[f"heads.{field}.classes.weight"] = (size, config.d_field)
    extra = {"advance": ev.MAX_BAR_TICKS, "interval": N_INTERVALS, "from_root": 12}
    if config.boundary_reader:
        extra["at_boundary"] = 2
    found |= {f"{name}.weight": (size, config.d_field) for name, size in extra.items()}
    known = {
        "time": ev.N_TIMES + ev.MAX_BAR_TICKS + 1,
        "group": ev.N_GROUPS + 129 + ev.N_DURATIONS + 1 + ev.VELOCITY_BINS + 1,
        "pitch": 256 + N_INTERVALS + 1,
        "duration": ev.N_DURATIONS + 1,
    }
    return found | {f"known_{field}.weight": (size, d) for field, size in known.items()}


def random_weights(config: ModelConfig, seed: int = 1, scale: float = 1.0) -> Weights:
    """Weights drawn at random (not trained), for tests and for measuring speed."""
    rng = np.random.default_rng(seed)
    tensors = {
        name: (rng.standard_normal(shape) * scale * shape[-1] ** -0.5).astype(np.float32)
        for name, shape in shapes(config).items()
    }
    return Weights(config, tensors)
