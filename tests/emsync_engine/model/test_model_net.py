"""The network: causal, masked to the grammar, conditioned where it is told and nowhere else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from emsync_engine.model import conditions as cond
from emsync_engine.model import config as configs
from emsync_engine.model import events as ev
from emsync_engine.model import layouts as lay
from emsync_engine.model import net, validation
from emsync_engine.model.config import DataConfig, ModelConfig
from emsync_engine.model.shards import Shard

TINY = ModelConfig(d_model=32, n_layers=2, n_heads=4, n_kv_heads=2, d_ff=48, d_cond=16, d_field=24, context=256)
CONDITIONINGS = pytest.mark.parametrize("conditioning", configs.CONDITIONINGS)


def composer(conditioning: str = "full") -> net.Composer:
    """A small network whose every weight matters (the closing matrices of a fresh one are zero)."""
    torch.manual_seed(0)
    model = net.Composer(replace(TINY, conditioning=conditioning, boundary_reader=conditioning == "full")).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    return model


@pytest.fixture(scope="module")
def batch(train_shards: dict[str, Shard]) -> net.Batch:
    sampler = lay.Sampler(train_shards, DataConfig(), TINY.context + 1, 3)
    return validation.collate([sampler.sequence(index) for index in range(4)])


def nats_of(model: net.Composer, batch: net.Batch) -> Tensor:
    with torch.no_grad():
        nats: Tensor = model(batch)[0]
    return nats


@CONDITIONINGS
def test_the_future_changes_nothing_that_came_before(batch: net.Batch, conditioning: str) -> None:
    model, cut = composer(conditioning), 100
    rows, values, categories = batch.rows.clone(), batch.values.clone(), batch.categories.clone()
    rows[:, cut:] = rows[:, cut:].flip(1)
    values[:, cut:] = torch.rand_like(values[:, cut:])
    categories[:, cut:] = 0
    other = net.Batch(rows, values, categories, batch.weight)
    before, after = nats_of(model, batch), nats_of(model, other)
    torch.testing.assert_close(before[:, : cut - 1], after[:, : cut - 1])
    assert not torch.allclose(before[:, cut:], after[:, cut:])


@CONDITIONINGS
def test_nats_are_finite_and_only_where_a_field_is(batch: net.Batch, conditioning: str) -> None:
    nats = nats_of(composer(conditioning), batch)
    assert torch.isfinite(nats).all()
    kind, group = batch.rows[:, 1:, ev.COL_KIND], batch.rows[:, 1:, ev.COL_GROUP]
    field = {name: nats[..., index] for index, name in enumerate(net.FIELDS)}
    assert (field["metre"][kind != ev.BAR] == 0).all()
    assert (field["pitch"][kind != ev.NOTE] == 0).all()
    assert (field["duration"][(kind == ev.NOTE) & (group == ev.DRUMS)] == 0).all()
    assert (nats >= 0).all()


def last_rows(**columns: list[int]) -> Tensor:
    """Rows (N, N_INPUTS) with the given columns."""
    length = len(next(iter(columns.values())))
    rows = torch.zeros(length, lay.N_INPUTS, dtype=torch.long)
    for name, values in columns.items():
        rows[:, getattr(ev, f"COL_{name.upper()}")] = torch.tensor(values)
    return rows


def untold(count: int) -> Tensor:
    """No boundary in the bar."""
    return torch.full((count,), cond.HIT_NONE)


def test_times_are_scored_by_where_they_lie_to_the_boundary() -> None:
    model = composer()
    last = last_rows(kind=[ev.NOTE] * 4, pos=[6] * 4, barlen=[48] * 4)
    x = torch.randn(1, 32).expand(4, -1)
    hit = torch.tensor([24, 6, cond.HIT_NONE, cond.HIT_NULL])
    with torch.no_grad():
        logits = model.time_logits(x, last, hit)
        at, beyond = model.at_boundary(model.heads["time"].inner(x))[0].tolist()
    change = (logits - logits[2])[:, [6, 23, 24, 25, 47, ev.T_BAR, ev.T_END]]
    torch.testing.assert_close(change[0], torch.tensor([0, 0, at, *[beyond] * 4]), atol=1e-5, rtol=0)
    torch.testing.assert_close(change[1], torch.tensor([at, *[beyond] * 6]), atol=1e-5, rtol=0)
    assert (change[3] == 0).all(), "an unknown boundary says nothing"


def test_time_goes_on_within_the_bar() -> None:
    last = last_rows(
        kind=[ev.NOTE, ev.BAR, ev.BOS, ev.SEP], pos=[10, 0, 0, 0], barlen=[36, 24, 0, 0]
    )  # fmt: skip
    probability = composer().time_logits(torch.randn(4, 32), last, untold(4)).softmax(-1)
    possible = probability > 0
    assert possible[0, : ev.MAX_BAR_TICKS].nonzero()[:, 0].tolist() == list(range(10, 36))
    assert possible[1, : ev.MAX_BAR_TICKS].nonzero()[:, 0].tolist() == list(range(24))
    assert not possible[2:, : ev.MAX_BAR_TICKS].any()
    assert possible[:, ev.MAX_BAR_TICKS :].all()


def test_groups_and_pitches_rise_within_a_position() -> None:
    model = composer()
    last = last_rows(kind=[ev.NOTE, ev.NOTE], group=[4, 4], pitch=[60, 60])
    together = torch.tensor([True, False])
    groups = model.group_logits(torch.randn(2, 32), last, together).softmax(-1) > 0
    assert groups[0].tolist() == [group >= 4 for group in range(ev.N_GROUPS)]
    assert groups[1].all()
    pitches = model.pitch_logits(
        torch.randn(2, 24 + 8), torch.tensor([128, 64]), torch.tensor([12, 3]), torch.tensor([60, 0])
    )
    assert (pitches.softmax(-1) > 0)[0].nonzero()[:, 0].tolist() == list(range(60, 128))
    assert torch.isfinite(pitches[1]).all()


def test_every_field_is_a_distribution_over_the_music_seen(batch: net.Batch) -> None:
    """Summed over a field's classes, the probabilities behind the nats are 1: nothing is scored outside the mask."""
    model = composer()
    rows = batch.rows.long()
    last = rows[:, :-1].reshape(-1, lay.N_INPUTS)
    with torch.no_grad():
        logits = model.time_logits(torch.randn(len(last), 32), last, untold(len(last)))
    times = torch.from_numpy(ev.time_class(rows[:, 1:].reshape(-1, lay.N_INPUTS).numpy()))
    weighted = batch.weight[:, 1:].reshape(-1) > 0
    assert torch.isfinite(logits[weighted].gather(1, times[weighted, None])).all()


@pytest.mark.parametrize("conditioning, matters", [("full", True), ("paper", True), ("none", False)])
def test_the_offset_matters_where_the_configuration_says_so(batch: net.Batch, conditioning: str, matters: bool) -> None:
    model = composer(conditioning)
    values = batch.values.clone()
    values[..., cond.COL_OFFSET] = 0.3
    other = net.Batch(batch.rows, values, batch.categories, batch.weight)
    assert torch.equal(nats_of(model, batch), nats_of(model, other)) is not matters


def test_paper_conditioning_reads_nothing_but_offset_and_emotion(batch: net.Batch) -> None:
    model = composer("paper")
    values = torch.rand_like(batch.values)
    flags = slice(cond.N_VALUES, cond.N_COND)
    values[..., flags] = batch.values[..., flags]
    for columns in (slice(cond.COL_OFFSET, cond.COL_OFFSET + 1), cond.SLICES["valence"], cond.SLICES["arousal"]):
        values[..., columns] = batch.values[..., columns]
    categories = (batch.categories + 1) % 7
    other = net.Batch(batch.rows, values, categories, batch.weight)
    torch.testing.assert_close(nats_of(model, batch), nats_of(model, other))


def test_the_condition_of_the_coming_place_reaches_the_fields(batch: net.Batch) -> None:
    """A changed condition at a row changes how that row's own fields are judged (but not its time)."""
    model, place = composer(), 60
    values = batch.values.clone()
    values[:, place] += 1.0
    other = net.Batch(batch.rows, values, batch.categories, batch.weight)
    change = (nats_of(model, batch) - nats_of(model, other)).abs()
    assert (change[:, : place - 1] == 0).all()
    assert (change[:, place - 1, 0] == 0).all()
    assert change[:, place - 1, 1:].sum() > 0


def test_positions_are_relative() -> None:
    """Attention scores depend on the distance of two rows alone."""
    cos, sin = net.rope_tables(64, 8, 10000.0)
    q, k = torch.randn(1, 1, 1, 8), torch.randn(1, 1, 1, 8)

    def score(i: int, j: int) -> float:
        return float((net.rotate(q, cos[i], sin[i]) * net.rotate(k, cos[j], sin[j])).sum())

    assert score(5, 3) == pytest.approx(score(40, 38), abs=1e-4)


@pytest.mark.parametrize("name", ["base", "base_gpu", "large", "paper", "none", "tiny"])
def test_shipped_configurations_load(name: str) -> None:
    config = configs.load(name)
    assert configs.from_dict(configs.to_dict(config)) == config


def test_the_default_network_is_of_the_planned_size() -> None:
    model = net.Composer(configs.load("base").model)
    assert 10e6 < sum(parameter.numel() for parameter in model.parameters()) < 13e6


@pytest.mark.parametrize(
    "values, message",
    [
        ({"model": {"layers": 3}}, "unknown layers"),
        ({"model": {"n_layers": "six"}}, "not a int"),
        ({"model": {"conditioning": "some"}}, "not one of"),
        ({"model": {"d_model": 100, "n_heads": 6}}, "d_model must divide"),
        ({"training": {}}, "unknown training"),
    ],
)
def test_wrong_configurations_are_refused(values: dict[str, dict[str, object]], message: str) -> None:
    with pytest.raises(configs.ConfigError, match=message):
        configs.from_dict(values)


def test_a_missing_configuration_names_the_shipped_ones() -> None:
    with pytest.raises(configs.ConfigError, match="base"):
        configs.load("nothing")


def test_row_codes_stay_inside_their_tables(batch: net.Batch) -> None:
    codes = net.row_codes(batch.rows).numpy()
    sizes = np.array(list(net._TABLES.values()))
    assert (codes >= 0).all()
    assert (codes < sizes).all()
