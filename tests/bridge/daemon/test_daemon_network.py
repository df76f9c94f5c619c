"""Listening to more than this computer, and senders that ask too often."""

from __future__ import annotations

import asyncio
import json
import sys

import pytest

from bridge.daemon.answered import Answered
from bridge.daemon.osc_packets import build
from bridge.daemon.osc_peers import Gate, Peer
from bridge.daemon.rates import Bucket, Rates
from tests.bridge.daemon.conftest import Daemon, OscClient, TcpClient
from tests.conftest import run_emsync

needs_second_loopback = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="only Linux has more than one loopback address"
)


@needs_second_loopback
def test_osc_from_another_address_needs_the_token_in_its_hello(daemon: Daemon) -> None:
    daemon.start("--listen", "127.0.0.2")
    assert daemon.address["osc"].startswith("127.0.0.2:")
    assert daemon.address["http"].startswith("http://127.0.0.1:")
    client, other = OscClient(daemon.osc), OscClient(daemon.osc)
    for request, words in enumerate([("status",), ("hello", "me", "1"), ("hello", "me", "1", "guess"), ("nothing",)]):
        client.send(words[0], request, *words[1:])
        end, _ = client.end_of(request)
        assert end.arguments[1] == ("token_needed" if words[0] in ("status", "hello") else "no_such_call")
    client.send("hello", 10, "me", "1", daemon.token)
    said = json.loads(client.end_of(10)[0].arguments[2])
    assert daemon.token not in json.dumps(said)
    client.send("status", 11)
    assert client.end_of(11)[0].address == "/emsync/1/reply"
    other.send("status", 12)  # the token of one sender is not that of another
    assert other.end_of(12)[0].arguments[1] == "token_needed"
    for each in (client, other):
        each.socket.close()
    assert daemon.token not in (daemon.state / "serve.log").read_text(encoding="utf-8")


@needs_second_loopback
def test_over_tcp_the_token_holds_for_the_connection(daemon: Daemon) -> None:
    daemon.start("--listen", "127.0.0.2")
    with TcpClient(daemon.osc) as client:
        client.send(build("/emsync/1/hello", 1, "me", "1", daemon.token), build("/emsync/1/takes", 2, "/nowhere"))
        assert {client.hear().arguments[1] for _ in range(2)} == {"hello", "outside_roots"}
    with TcpClient(daemon.osc) as client:
        client.send(build("/emsync/1/status", 3))
        assert client.hear().arguments[1] == "token_needed"


@pytest.mark.parametrize("address", ["localhost", "300.1.1.1", ""])
def test_what_is_no_address_is_refused(daemon: Daemon, address: str) -> None:
    ran = run_emsync("serve", "--state", daemon.state, "--listen", address, "--json")
    assert (ran.status, ran.error["code"]) == (2, "usage")


def test_an_address_of_another_computer_is_said(daemon: Daemon) -> None:
    ran = run_emsync(
        "serve", "--state", daemon.state, "--osc-port", 0, "--http-port", 0, "--listen", "192.0.2.1", "--json"
    )
    assert ran.status == 3 and "192.0.2.1" in ran.error["message"]


# --- rates ---


def test_who_asks_too_often_is_told_so_now_and_then_and_others_may_go_on() -> None:
    gate, busy, calm = Gate(), *(Peer(name, 1200, lambda data: None) for name in ("busy", "calm"))
    asked = [gate.is_too_often(busy, n / 100_000) for n in range(100_000)]  # a hundred thousand in a second
    assert asked[:1000] == [False] * 1000
    assert asked.count(False) < 10_000
    assert not gate.is_too_often(calm, 1.0)
    assert sum(gate.may_be_warned(busy, n / 100) for n in range(1000)) <= 11  # ten seconds


def test_a_bucket_lets_its_rate_through() -> None:
    bucket = Bucket(10, 5, 0.0)
    assert [bucket.take(0.0) for _ in range(7)] == [True] * 5 + [False] * 2
    passed = sum(bucket.take(n / 100) for n in range(1, 1001))
    assert passed == pytest.approx(100, abs=2)


def test_senders_are_counted_apart_and_forgotten() -> None:
    rates = Rates(1, 1)
    assert rates.take("a", 0.0) and not rates.take("a", 0.0) and rates.take("b", 0.0)
    for sender in range(5000):
        assert rates.take(sender, 0.0)
    assert len(rates._buckets) <= 1024


def test_what_failed_is_tried_again_and_what_was_done_is_not() -> None:
    calls: list[int] = []

    async def do() -> dict[str, object]:
        calls.append(1)
        if len(calls) == 1:
            raise ValueError
        await asyncio.sleep(0.01)
        return {"n": len(calls)}

    async def run() -> list[object]:
        answered = Answered()
        with pytest.raises(ValueError):
            await answered.once("x", "transport", {}, do)
        await asyncio.sleep(0)
        return list(await asyncio.gather(*(answered.once("x", "transport", {}, do) for _ in range(5))))

    assert asyncio.run(run()) == [{"n": 2}] * 5
    assert len(calls) == 2
