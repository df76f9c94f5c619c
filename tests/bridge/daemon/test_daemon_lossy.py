"""A network that drops, doubles and reorders a fifth of the datagrams: every request ends once."""

from __future__ import annotations

import json
import random
import selectors
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.daemon.osc_packets import Message
from tests.bridge.daemon.conftest import Daemon, OscClient


class LossyProxy(threading.Thread):
    """Between one client and the daemon; 20 % of the datagrams of each direction are lost, doubled or held back."""

    def __init__(self, to: tuple[str, int], seed: int) -> None:
        super().__init__(daemon=True)
        self.front, self.back = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        for each in (self.front, self.back):
            each.bind(("127.0.0.1", 0))
        self.to = to
        self.client: tuple[str, int] | None = None
        self.rng = random.Random(seed)
        self.held: list[tuple[socket.socket, bytes, tuple[str, int]]] = []
        self.spoilt = 0
        self.ending = threading.Event()

    def run(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self.front, selectors.EVENT_READ)
            selector.register(self.back, selectors.EVENT_READ)
            while not self.ending.is_set():
                for key, _ in selector.select(0.05):
                    self.pass_on(key.fileobj)

    def pass_on(self, here: object) -> None:
        if here is self.front:
            data, self.client = self.front.recvfrom(65536)
            self.send(self.back, data, self.to)
        else:
            data = self.back.recv(65536)
            if self.client is not None:
                self.send(self.front, data, self.client)

    def send(self, by: socket.socket, data: bytes, to: tuple[str, int]) -> None:
        fate = self.rng.random()
        self.spoilt += fate < 0.2
        if fate < 0.08:
            return
        if fate < 0.14:
            self.held.append((by, data, to))
            return
        by.sendto(data, to)
        if fate < 0.2:
            by.sendto(data, to)
        while self.held:
            late, old, whom = self.held.pop()
            late.sendto(old, whom)

    def end(self) -> None:
        self.ending.set()
        self.join()
        self.front.close()
        self.back.close()


@pytest.fixture
def proxy(shared: Daemon) -> Iterator[LossyProxy]:
    made = LossyProxy(shared.osc, 3)
    made.start()
    yield made
    made.end()


def until_ended(client: OscClient, name: str, *arguments: object) -> Message:
    """Ask again every 0.3 s until the end is heard."""
    for _ in range(200):
        client.send(name, *arguments)
        while message := client.hear(0.3):
            if message.arguments[0] == arguments[0] and message.address.endswith(("/reply", "/error")):
                return message
    raise AssertionError("never ended")


def test_every_request_ends_once_on_a_lossy_network(shared: Daemon, proxy: LossyProxy) -> None:
    client = OscClient(("127.0.0.1", proxy.front.getsockname()[1]))
    folder = shared.home / "lossy.emsync"
    try:
        first = until_ended(client, "score", 1, str(shared.home / "cut.otio"), str(folder))
        assert first.address == "/emsync/1/reply", first
        made = [until_ended(client, "regenerate", 10 + n, str(folder), 1, 4, "bass") for n in range(8)]
        numbers = [json.loads(m.arguments[2])["take"] for m in made]
        assert numbers == list(range(2, 10))
        failed = [until_ended(client, "regenerate", 30 + n, str(folder), 4, 1) for n in range(4)]
        assert [m.arguments[1] for m in failed] == ["bad_range"] * 4
        for number in range(40):
            assert until_ended(client, "hello", 100 + number).address == "/emsync/1/reply"
    finally:
        client.socket.close()
    document = json.loads((Path(folder) / "score.json").read_text(encoding="utf-8"))
    assert len(document["takes"]) == 9
    assert proxy.spoilt > 10
