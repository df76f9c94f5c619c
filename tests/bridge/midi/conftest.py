"""A short score to play, ports in memory, and a clock that is moved by hand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial

import pytest

from bridge.midi.player import Player
from bridge.midi.ports import Heard
from bridge.midi.programme import Programme
from emsync_engine.picture import Picture
from emsync_engine.score import (
    TICKS_PER_QUARTER,
    Bar,
    Control,
    Key,
    Note,
    Part,
    Score,
    Tempo,
    TempoMap,
)

BARS = 8
RATE = Fraction(25)


def made_score(bars: int = BARS, tempos: Iterable[tuple[int, int]] = ((0, 500_000), (4, 400_000))) -> Score:
    """Quarters on the bass, a held chord of strings a bar and a swell; the tempo changes at bar lines."""
    bar = 4 * TICKS_PER_QUARTER
    tempo_map = TempoMap(tuple(Tempo(n * bar, us) for n, us in tempos))
    bass = tuple(Note(n * 960, 36 + n % 12, 720, 80) for n in range(bars * 4))
    strings = tuple(Note(n * bar, pitch, bar, 60) for n in range(bars) for pitch in (60, 64, 67))
    swell = tuple(Control(n * 480, 11, n % 128) for n in range(bars * 8))
    parts = (Part("bass", "Bass", 32, 0, bass), Part("strings", "Strings", 48, 4, strings, swell))
    return Score(
        tempo_map, tuple(Bar(n * bar, 4) for n in range(bars)), Key(0, "major"), parts, (), (), (),
        tempo_map.seconds(bars * bar), bars * bar, 1, "rules",
    )  # fmt: skip


def made_programme(
    rate: Fraction = RATE, *, drop: bool = False, start_frame: int = 90_000, bars: int = BARS
) -> Programme:
    score = made_score(bars)
    return Programme(score, Picture("cut", rate, score.duration, drop_frame=drop, start_frame=start_frame))


@dataclass
class Recorder:
    """What was sent, and when by the clock of the test."""

    now: float = 0.0
    sent: list[tuple[float, str, bytes]] = field(default_factory=list)

    def player(self, programme: Programme | None = None) -> Player:
        made = Player(partial(self._note, "music"), partial(self._note, "sync"))
        if programme is not None:
            made.load(programme, self.now)
        return made

    def _note(self, where: str, data: bytes) -> None:
        self.sent.append((self.now, where, data))

    def run(self, player: Player, until: float, oversleep_s: float = 0.0) -> None:
        """Let the time go by; the player wakes up late by ``oversleep_s``."""
        while player.due() <= until:
            self.now = max(self.now, player.due()) + oversleep_s
            player.perform(self.now)
        self.now = max(self.now, until)

    def times(self, status: int, where: str = "music") -> list[float]:
        return [
            at for at, to, data in self.sent if to == where and data[0] & (0xF0 if status < 0xF0 else 0xFF) == status
        ]

    def of(self, where: str) -> list[bytes]:
        return [data for _, to, data in self.sent if to == where]


class MemoryPorts:
    """Ports that are plugged in and out by hand."""

    def __init__(self, outputs: Iterable[str] = (), inputs: Iterable[str] = ()) -> None:
        self.out_names, self.in_names = list(outputs), list(inputs)
        self.sent: list[tuple[str, bytes]] = []
        self.ears: dict[str, Heard] = {}
        self.closed: list[str] = []

    def outputs(self) -> list[str]:
        return list(self.out_names)

    def inputs(self) -> list[str]:
        return list(self.in_names)

    def open_output(self, name: str, virtual: bool) -> MemoryOutput:
        return MemoryOutput(self, name)

    def open_input(self, name: str, virtual: bool, heard: Heard) -> MemoryOutput:
        self.ears[name] = heard
        return MemoryOutput(self, name)


@dataclass
class MemoryOutput:
    ports: MemoryPorts
    name: str

    def send(self, data: bytes) -> None:
        if self.name not in self.ports.out_names:
            raise OSError("no such device")
        self.ports.sent.append((self.name, data))

    def close(self) -> None:
        self.ports.closed.append(self.name)


@pytest.fixture
def programme() -> Programme:
    return made_programme()


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()
