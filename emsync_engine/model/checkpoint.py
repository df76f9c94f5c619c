"""Weights and training state on disk: safetensors in pieces, and checkpoints that are whole or not there."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from emsync_engine.model import config as configs
from emsync_engine.model.net import Composer

PIECE_BYTES = 15 * 2**20
"""Files of weights stay below 16 MiB."""
KEEP = 2
_STATE = "state.json"


class CheckpointError(ValueError):
    """A folder without a checkpoint, or weights that do not fit the network."""


def save_pieces(folder: Path, stem: str, tensors: Mapping[str, Tensor], limit: int = PIECE_BYTES) -> list[Path]:
    """Write tensors as `STEM-1.safetensors`, `STEM-2...`, each file at most about `limit` bytes."""
    pieces: list[dict[str, Tensor]] = [{}]
    used = 0
    for name, tensor in tensors.items():
        size = tensor.numel() * tensor.element_size() + 200
        if pieces[-1] and used + size > limit:
            pieces.append({})
            used = 0
        pieces[-1][name] = tensor.detach().cpu().contiguous()
        used += size
    paths = [folder / f"{stem}-{number}.safetensors" for number in range(1, len(pieces) + 1)]
    for path, piece in zip(paths, pieces, strict=True):
        save_file(piece, path)
        _sync(path)
    return paths


def load_pieces(folder: Path, stem: str) -> dict[str, Tensor]:
    """Tensors of all pieces of `stem` in a folder. Raises CheckpointError when there is none."""
    paths = sorted(folder.glob(f"{stem}-*.safetensors"))
    if not paths:
        raise CheckpointError(f"{folder}: no {stem}-*.safetensors")
    tensors: dict[str, Tensor] = {}
    for path in paths:
        tensors.update(load_file(path))
    return tensors


def _sync(path: Path) -> None:
    """Make a file's (or folder's) content durable."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def save(
    run: Path, step: int, groups: Mapping[str, Mapping[str, Tensor]], state: Mapping[str, Any], keep: int = KEEP
) -> Path:
    """Write checkpoint `step` of a run: tensors by group (`model`, `ema`, ...) and a JSON state.

    It is written beside and renamed, so that a checkpoint folder is always complete. Only `keep` stay.
    """
    final = run / f"step-{step:08d}"
    scratch = run / f".{final.name}.tmp"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    for stem, tensors in groups.items():
        save_pieces(scratch, stem, tensors)
    (scratch / _STATE).write_text(json.dumps({**state, "step": step}, indent=1) + "\n", encoding="utf-8")
    _sync(scratch / _STATE)
    shutil.rmtree(final, ignore_errors=True)
    scratch.rename(final)
    _sync(run)
    for old in checkpoints(run)[:-keep]:
        shutil.rmtree(old)
    return final


def checkpoints(run: Path) -> list[Path]:
    """Complete checkpoints of a run, oldest first."""
    return sorted(path for path in run.glob("step-*") if (path / _STATE).is_file())


def read_state(folder: Path) -> dict[str, Any]:
    """The JSON state of a checkpoint."""
    state: dict[str, Any] = json.loads((folder / _STATE).read_text(encoding="utf-8"))
    return state


def export(
    folder: Path, model: Composer, tensors: Mapping[str, Tensor], dtype: torch.dtype, about: Mapping[str, Any]
) -> None:
    """Write weights for use: pieces named `model-N.safetensors` and `model.json` (configuration and `about`).

    The folder is replaced as a whole, so that it never holds half of one export and half of another.
    """
    scratch = folder.with_name(f".{folder.name}.tmp")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    save_pieces(scratch, "model", {name: tensor.to(dtype) for name, tensor in tensors.items()})
    described = {"model": configs.to_dict(configs.Config(model=model.config))["model"], **about}
    (scratch / "model.json").write_text(json.dumps(described, indent=1) + "\n", encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    scratch.rename(folder)


def load_model(folder: Path, stem: str = "") -> Composer:
    """The network of an export, or of a checkpoint (its `ema` weights unless `stem` says otherwise)."""
    exported = (folder / "model.json").is_file()
    path = folder / ("model.json" if exported else _STATE)
    if not path.is_file():
        raise CheckpointError(f"{folder}: neither an export (model.json) nor a checkpoint ({_STATE})")
    described = json.loads(path.read_text(encoding="utf-8"))
    values = described["model"] if exported else described["config"]["model"]
    model = Composer(configs.from_dict({"model": values}).model)
    tensors = load_pieces(folder, stem or ("model" if exported else "ema"))
    model.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
    return model.eval()
