"""Feeding training: which process trains on what, and the batches it gets."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch.utils.data import DataLoader, Dataset

from emsync_engine.model import layouts, validation
from emsync_engine.model.config import Config
from emsync_engine.model.net import Batch


@dataclass(frozen=True)
class World:
    """This process among those that train together, and its device."""

    rank: int
    size: int
    device: torch.device

    @property
    def leads(self) -> bool:
        return self.rank == 0


def join_world(device: str | None = None) -> World:
    """The world that torchrun describes in the environment, or this process alone."""
    rank, size = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    kind = device or ("cuda" if torch.cuda.is_available() else "cpu")
    chosen = torch.device(kind, int(os.environ.get("LOCAL_RANK", "0"))) if kind == "cuda" else torch.device(kind)
    if chosen.type == "cuda":
        torch.cuda.set_device(chosen)
    if "RANK" in os.environ and not torch.distributed.is_initialized():
        torch.distributed.init_process_group("nccl" if chosen.type == "cuda" else "gloo")
    return World(rank, size, chosen)


class _Indexed(Dataset[layouts.Sequence]):
    """Sequences by number, for the data loader's processes."""

    def __init__(self, sampler: layouts.Sampler) -> None:
        self.sampler = sampler

    def __getitem__(self, index: int) -> layouts.Sequence:
        return self.sampler.sequence(index)


class _Numbers(torch.utils.data.Sampler[list[int]]):
    """Numbers of the sequences of each micro batch of this rank, from a number on, without end."""

    def __init__(self, config: Config, world: World, first: int) -> None:
        self.batch, self.micro, self.world, self.first = config.train.batch, config.train.micro_batch, world, first

    def __iter__(self) -> Iterator[list[int]]:
        share = self.batch // self.world.size
        first = self.first + self.world.rank * share
        while True:
            for at in range(0, share, self.micro):
                yield list(range(first + at, first + min(at + self.micro, share)))
            first += self.batch


def batches(sampler: layouts.Sampler, config: Config, world: World, first: int) -> Iterator[Batch]:
    """Micro batches of this rank, from sequence number `first` of the run on."""
    workers = config.train.workers
    loader: DataLoader[layouts.Sequence] = DataLoader(
        _Indexed(sampler),
        batch_sampler=_Numbers(config, world, first),
        collate_fn=validation.collate,
        num_workers=workers,
        pin_memory=world.device.type == "cuda",
        prefetch_factor=4 if workers else None,
    )
    return iter(loader)
