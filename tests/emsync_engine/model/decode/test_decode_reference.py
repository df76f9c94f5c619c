"""The numpy network against torch: what training computed is what decoding computes."""

from __future__ import annotations

import numpy as np
import pytest
from decode_music import TINY, network, tiny

from emsync_engine.model import config as configs
from emsync_engine.model import layouts as lay
from emsync_engine.model.decode import likelihood
from emsync_engine.model.decode.weights import TABLE_SIZES, Weights, random_weights, shapes

torch = pytest.importorskip("torch")

from emsync_engine.model import net, validation  # noqa: E402

CONDITIONINGS = pytest.mark.parametrize("conditioning", configs.CONDITIONINGS)


def torch_model(weights: Weights) -> net.Composer:
    model = net.Composer(weights.config).eval()
    model.load_state_dict({name: torch.from_numpy(tensor) for name, tensor in weights.tensors.items()})
    return model


@CONDITIONINGS
def test_every_tensor_of_training_is_known_by_name_and_shape(conditioning: str) -> None:
    config = tiny(conditioning)
    trained = {name: tuple(tensor.shape) for name, tensor in net.Composer(config).state_dict().items()}
    assert shapes(config) == trained


def test_tables_and_fields_are_those_of_training() -> None:
    assert dict(TABLE_SIZES) == net._TABLES
    assert likelihood.FIELDS == net.FIELDS


@CONDITIONINGS
def test_the_stream_is_that_of_torch(conditioning: str, sequence: lay.Sequence) -> None:
    numpy_net = network(conditioning)
    batch = validation.collate([sequence])
    with torch.no_grad():
        wanted = torch_model(numpy_net.weights).hidden(batch.rows, batch.values, batch.categories)[0].numpy()
    condition = numpy_net.condition(sequence.values, sequence.categories, sequence.rows[:, 0])
    got = numpy_net.extend(numpy_net.open(1, 1, 256), 0, sequence.rows, condition)
    np.testing.assert_allclose(got, wanted, atol=1e-4)


@CONDITIONINGS
def test_every_field_is_judged_as_in_torch(conditioning: str, sequence: lay.Sequence) -> None:
    numpy_net = network(conditioning, seed=2)
    with torch.no_grad():
        wanted = torch_model(numpy_net.weights)(validation.collate([sequence]))[0][0].numpy()
    np.testing.assert_allclose(likelihood.nats(numpy_net, sequence), wanted, atol=1e-4)


@CONDITIONINGS
def test_row_by_row_is_all_at_once(conditioning: str, sequence: lay.Sequence) -> None:
    """A context read in one go, single steps of a stream, and those of another that goes on from it: one reading."""
    numpy_net = network(conditioning)
    rows, condition = sequence.rows, numpy_net.condition(sequence.values, sequence.categories, sequence.rows[:, 0])
    whole = numpy_net.extend(numpy_net.open(1, 1, 256), 0, rows, condition)
    cache = numpy_net.open(1, 3, 256)
    numpy_net.extend(cache, 0, rows[:40], condition[:40])
    for at in range(40, 60):
        stepped = numpy_net.step(cache, [2, 1], rows[[at, 39]], condition[[at, 39]])
        np.testing.assert_allclose(stepped[0], whole[at], atol=1e-4)
    cache.share([2])
    for at in range(60, len(rows)):
        stepped = numpy_net.step(cache, [0], rows[[at]], condition[[at]])
        np.testing.assert_allclose(stepped[0], whole[at], atol=1e-4)


def test_long_contexts_are_read_in_chunks_without_a_seam() -> None:
    numpy_net = network()
    rng = np.random.default_rng(0)
    rows = np.zeros((300, lay.N_INPUTS), dtype=np.int16)
    rows[:, 1] = rng.integers(0, 48, 300)
    rows[:, 3] = rng.integers(30, 80, 300)
    condition = rng.standard_normal((300, TINY.d_cond)).astype(np.float32)
    whole = numpy_net.extend(numpy_net.open(1, 1, 400), 0, rows, condition)
    cache = numpy_net.open(1, 1, 400)
    parts = [numpy_net.extend(cache, 0, rows[a:b], condition[a:b]) for a, b in ((0, 7), (7, 299), (299, 300))]
    np.testing.assert_allclose(np.concatenate(parts), whole, atol=1e-4)


def test_weights_of_the_shipped_size_agree_too(sequence: lay.Sequence) -> None:
    weights = random_weights(configs.load("base").model, seed=5)
    numpy_net = network().__class__(weights)
    with torch.no_grad():
        wanted = torch_model(weights)(validation.collate([sequence]))[0][0].numpy()
    np.testing.assert_allclose(likelihood.nats(numpy_net, sequence), wanted, atol=1e-4)
