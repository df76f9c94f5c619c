"""The compiled path against the reference."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from decode_music import TINY, random_window, tiny

from emsync_engine.errors import MissingComponentError
from emsync_engine.model import config as configs
from emsync_engine.model import layouts as lay
from emsync_engine.model.decode import fast
from emsync_engine.model.decode.reference import Network, softmax
from emsync_engine.model.decode.weights import FIELD_SIZES, FloatArray, random_weights

pytest.importorskip("numba")

FP32_TOLERANCE = 1e-3
INT8_TOLERANCE = 0.12
"""Largest difference of a logit with int8 matrices, in standard deviations of the field's logits (fresh weights)."""
INT8_TOP1 = 0.9
"""Least share of decisions whose likeliest class is the same."""


def logits(network: Network, sequence: lay.Sequence, steps: int) -> dict[str, FloatArray]:
    """Raw outputs of every field after each of the last rows, read as two candidates' single steps."""
    rows = sequence.rows
    condition = network.condition(sequence.values, sequence.categories, rows[:, 0])
    cache = network.open(1, 5, len(rows))
    network.extend(cache, 0, rows[:-steps], condition[:-steps])
    found: dict[str, list[FloatArray]] = {field: [] for field in FIELD_SIZES}
    for at in range(len(rows) - steps, len(rows)):
        streams = [0, 1, 2, 3, 4] if at % 2 else [4, 2, 0, 1, 3]
        hidden = network.step(cache, streams, rows[[at] * 5], condition[[at] * 5])
        for field in FIELD_SIZES:
            raw = network.head(field, hidden)
            np.testing.assert_allclose(raw, raw[[0] * 5], atol=1e-4)  # five equal candidates
            found[field].append(raw[0])
    return {field: np.stack(raws) for field, raws in found.items()}


@pytest.mark.parametrize("conditioning", configs.CONDITIONINGS)
def test_compiled_fp32_gives_the_reference_s_logits(conditioning: str, sequence: lay.Sequence) -> None:
    weights = random_weights(tiny(conditioning))
    wanted = logits(Network(weights), sequence, 20)
    got = logits(fast.network_of(weights, "fp32"), sequence, 20)
    for field in FIELD_SIZES:
        np.testing.assert_allclose(got[field], wanted[field], atol=FP32_TOLERANCE)


def test_int8_stays_near_the_reference_at_the_shipped_size() -> None:
    weights = random_weights(configs.load("base").model, seed=4)
    sequence = lay.plain(random_window(5, bars=8, notes=120), begins=True, ends=True)
    wanted, got = (logits(fast.network_of(weights, engine), sequence, 40) for engine in ("reference", "int8"))
    same, far = [], []
    for field in FIELD_SIZES:
        same.append(wanted[field].argmax(axis=1) == got[field].argmax(axis=1))
        far.append(np.abs(wanted[field] - got[field]).max() / wanted[field].std())
    assert max(far) < INT8_TOLERANCE
    assert np.concatenate(same).mean() >= INT8_TOP1


def test_int8_products_are_those_of_the_rounded_matrix() -> None:
    """Whatever the width: the steps of x are as many as a sum of whole numbers has room for."""
    from emsync_engine.model.decode import kernels

    rng = np.random.default_rng(1)
    for columns in (7, 512, 4096):
        small, scale = fast.quantised(rng.standard_normal((30, columns)).astype(np.float32))
        x = rng.standard_normal((2, columns)).astype(np.float32)
        x[1] = np.abs(x[1])
        small[3] = 127  # with x[1]: the largest sum there can be
        out = np.empty((2, 30), np.float32)
        kernels.project(small, scale, x, out)
        wanted = x.astype(np.float64) @ (small * scale[:, None].astype(np.float64)).T
        np.testing.assert_allclose(out, wanted, atol=2e-3 * wanted.std())
    kernels.project(small, scale, np.zeros_like(x), out)
    assert not out.any()


def test_int8_rows_are_within_half_a_step() -> None:
    matrix = np.random.default_rng(0).standard_normal((3, 7, 50)).astype(np.float32)
    matrix[0, 0] = 0
    small, scale = fast.quantised(matrix)
    assert small.dtype == np.int8 and scale.shape == (3, 7)
    assert (np.abs(small * scale[..., None] - matrix) <= scale[..., None] / 2 + 1e-7).all()


def test_without_numba_the_reference_decodes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast, "has_numba", lambda: False)
    weights = random_weights(TINY)
    assert type(fast.network_of(weights)) is Network
    with pytest.raises(MissingComponentError, match="numba"):
        fast.network_of(weights, "int8")
    with pytest.raises(ValueError, match="int4"):
        fast.network_of(weights, "int4")


def test_decoding_needs_neither_torch_nor_safetensors() -> None:
    """Nor numba, until a compiled engine is made: the main install decodes."""
    code = "import sys, emsync_engine.model.decode; print({'torch', 'safetensors', 'numba'} & set(sys.modules))"
    root = Path(fast.__file__).parents[3]
    ran = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "set()"


def test_softmax_is_a_distribution() -> None:
    shares = softmax(np.array([[0.0, -np.inf, 3.0], [1e4, 1e4, -1e4]], dtype=np.float32))
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-6)
