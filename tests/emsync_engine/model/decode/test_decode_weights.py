"""Reading weights: what safetensors and torch wrote, and what is no such file."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from decode_music import TINY

from emsync_engine.errors import InputError
from emsync_engine.model.decode import weights as reading
from emsync_engine.model.decode.weights import WeightsError, random_weights, read_safetensors


def raw_file(path: Path, header: object, data: bytes = b"") -> Path:
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
    return path


def test_two_tensors_by_hand(tmp_path: Path) -> None:
    header = {
        "__metadata__": {"format": "pt"},
        "a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
        "b": {"dtype": "BF16", "shape": [2, 1], "data_offsets": [8, 12]},
    }
    data = np.array([1.5, -2.0], dtype="<f4").tobytes() + bytes((0x80, 0x3F, 0x20, 0xC0))
    tensors = read_safetensors(raw_file(tmp_path / "x.safetensors", header, data))
    assert tensors["a"].tolist() == [1.5, -2.0]
    assert tensors["b"].tolist() == [[1.0], [-2.5]] and tensors["b"].dtype == np.float32


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_what_torch_exports_is_read_back(tmp_path: Path, dtype: str) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("safetensors")
    from emsync_engine.model import checkpoint, net

    model = net.Composer(TINY)
    checkpoint.export(tmp_path, model, dict(model.named_parameters()), getattr(torch, dtype), {"run": "x"})
    loaded = reading.load(tmp_path)
    assert loaded.config == TINY
    assert loaded.n_parameters == sum(p.numel() for p in model.parameters())
    for name, parameter in model.named_parameters():
        wanted = parameter.detach().to(getattr(torch, dtype)).float().numpy()
        np.testing.assert_array_equal(loaded[name], wanted)


def test_a_run_gives_its_newest_checkpoint_s_averaged_weights(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from emsync_engine.model import checkpoint, net
    from emsync_engine.model import config as configs

    model = net.Composer(TINY)
    state = {"config": configs.to_dict(configs.Config(model=TINY))}
    for step in (5, 20):
        tensors = {name: torch.full_like(p, float(step)) for name, p in model.named_parameters()}
        checkpoint.save(tmp_path, step, {"ema": tensors, "model": dict(model.named_parameters())}, state)
    assert reading.load(tmp_path)["embed.weight"][0, 0] == 20
    assert reading.load(tmp_path / "step-00000005")["embed.weight"][0, 0] == 5
    assert reading.load(tmp_path, stem="model")["embed.weight"][0, 0] != 20


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"short",
        b"\xff" * 40,
        (20).to_bytes(8, "little") + b"not json at all, no.",
        (2).to_bytes(8, "little") + b"[]",
    ],
    ids=["empty", "short", "length", "text", "list"],
)
def test_what_is_no_safetensors_file_is_said_so(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(content)
    with pytest.raises(WeightsError) as raised:
        read_safetensors(path)
    assert str(path) in str(raised.value) and isinstance(raised.value, InputError)


@pytest.mark.parametrize(
    "entry",
    [
        {"dtype": "F32", "shape": [3], "data_offsets": [0, 8]},
        {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]},
        {"dtype": "F32", "shape": [2], "data_offsets": [-8, 0]},
        {"dtype": "I64", "shape": [1], "data_offsets": [0, 8]},
        {"shape": [2], "data_offsets": [0, 8]},
        {"dtype": "F32", "shape": [2]},
        7,
    ],
)
def test_entries_that_make_no_sense_are_errors(tmp_path: Path, entry: object) -> None:
    with pytest.raises(WeightsError):
        read_safetensors(raw_file(tmp_path / "w.safetensors", {"a": entry}, bytes(8)))


def test_random_bytes_never_do_anything_but_fail(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    path = tmp_path / "w.safetensors"
    header = json.dumps({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode()
    whole = len(header).to_bytes(8, "little") + header + bytes(8)
    for _ in range(300):
        damaged = bytearray(whole[: rng.integers(0, len(whole) + 1)])
        for place in rng.integers(0, max(len(damaged), 1), 3):
            if damaged:
                damaged[place] = rng.integers(0, 256)
        path.write_bytes(bytes(damaged))
        try:
            read_safetensors(path)
        except WeightsError:
            continue


def test_missing_misshapen_and_broken_tensors_are_named() -> None:
    good = random_weights(TINY)
    assert reading.checked(good) is good
    name = "layers.1.down.weight"
    without = {key: value for key, value in good.tensors.items() if key != name}
    for tensors in (without, {**good.tensors, name: good[name][:5]}, {**good.tensors, name: good[name] * np.nan}):
        with pytest.raises(WeightsError, match=r"layers\.1\.down"):
            reading.checked(replace(good, tensors=tensors))


def test_a_folder_without_weights_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"model\.json"):
        reading.load(tmp_path)
    (tmp_path / "model.json").write_text('{"model": {"layers": 3}}')
    with pytest.raises(WeightsError, match="unknown layers"):
        reading.load(tmp_path)
    (tmp_path / "model.json").write_text("[]")
    with pytest.raises(WeightsError):
        reading.load(tmp_path)
