"""Subscriptions, sending to a target, and calls that are answered at once: over OSC and HTTP."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from bridge.daemon.osc_packets import build
from tests.bridge.daemon.conftest import Daemon, OscClient, TcpClient, wait_for


@pytest.fixture(scope="module")
def scored(shared: Daemon) -> Path:
    asked = {"id": "base", "source": str(shared.home / "cut.otio"), "wait": 60}
    return Path(shared.ask("score", asked)[1]["result"]["dir"])


def test_who_subscribes_to_jobs_hears_of_those_of_others(shared: Daemon, osc: OscClient, scored: Path) -> None:
    osc.send("subscribe", "s", "jobs")
    assert json.loads(osc.end_of("s")[0].arguments[2]) == {"topic": "jobs", "seconds": 60.0}
    shared.ask("regenerate", {"id": "theirs", "folder": str(scored), "start": 1, "end": 4, "wait": 60})
    states = []
    while not states or states[-1] != "done":
        message = osc.hear()
        assert message is not None and message.address == "/emsync/1/event"
        subscription, topic, job, call, state, progress, stage = message.arguments
        assert (subscription, topic, job, call) == ("s", "jobs", "theirs", "regenerate")
        assert 0 <= progress <= 1 and isinstance(stage, str)
        states.append(state)
    assert states[0] == "queued" and "running" in states


def test_a_subscription_ends_by_itself(shared: Daemon, osc: OscClient, scored: Path) -> None:
    osc.send("subscribe", "s", "jobs", 1)
    osc.end_of("s")
    wait_for(lambda: osc.hear(1.2) is None)
    shared.ask("regenerate", {"id": "unheard", "folder": str(scored), "start": 1, "end": 4, "wait": 60})
    assert osc.hear(0.2) is None


@pytest.mark.parametrize("arguments", [("weather",), ("jobs", 0), ("jobs", 1e9), ("jobs", "long"), ()], ids=str)
def test_what_there_is_not_cannot_be_subscribed_to(osc: OscClient, arguments: tuple[object, ...]) -> None:
    osc.send("subscribe", "bad", *arguments)
    end, _ = osc.end_of("bad")
    assert (end.address, end.arguments[1]) == ("/emsync/1/error", "bad_argument")


def test_a_subscription_over_http_is_a_stream_that_ends(shared: Daemon, scored: Path) -> None:
    with socket.create_connection(("127.0.0.1", shared.http_port), timeout=30) as connection:
        path = "/1/subscribe?topic=jobs&seconds=3"
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost:{shared.http_port}\r\n\r\n".encode())
        lines = connection.makefile("rb")
        while not lines.readline().startswith(b": hello"):
            pass
        shared.ask("regenerate", {"id": "streamed", "folder": str(scored), "start": 1, "end": 4})
        heard = [json.loads(line[6:])["id"] for line in lines if line.startswith(b"data: ")]
    assert "streamed" in heard
    assert shared.end_of("streamed")["state"] == "done"
    assert shared.ask("subscribe?topic=weather")[0] == 400


def test_a_score_is_sent_to_files(shared: Daemon, scored: Path) -> None:
    status, job = shared.ask("send", {"id": "send", "target": "files", "folder": str(scored), "wait": 60})
    assert (status, job["state"]) == (200, "done"), job
    files = job["result"]["files"]
    assert files and all(Path(path).is_file() for path in files)


def test_a_target_that_is_not_there_is_said(shared: Daemon, osc: OscClient, scored: Path) -> None:
    osc.send("send", "to-none", "tracktor", str(scored))
    assert osc.end_of("to-none")[0].arguments[1] == "bad_argument"
    osc.send("send", "to-live", "live", str(scored))
    end, _ = osc.end_of("to-live")
    assert end.address == "/emsync/1/error" and end.arguments[1].startswith("daw_")


def test_transport_without_ports_says_what_to_do(shared: Daemon) -> None:
    status, said = shared.ask("transport", {"action": "play"})
    assert (status, said["error"]["code"]) == (400, "no_midi")
    assert "--midi-out" in said["error"]["message"]


def test_a_repeated_cancel_has_its_first_answer(shared: Daemon) -> None:
    source, folder = str(shared.home / "long.otio"), str(shared.home / "again.emsync")
    shared.ask("score", {"id": "again", "source": source, "output": folder})
    answers = [shared.ask("cancel", {"id": "c1", "job": "again"}) for _ in range(3)]
    assert answers == [(200, {"job": "again", "state": "cancelled"})] * 3
    assert shared.ask("cancel", {"id": "c1", "job": "base"})[1]["error"]["code"] == "id_used"


def test_numbers_beyond_32_bits_and_colours_come_back_as_they_were(osc: OscClient) -> None:
    for request in (0xFF8800CC, -(1 << 40), 7):
        osc.send("hello", request)
        assert osc.end_of(request)[0].arguments[0] == request


def test_one_connection_has_its_own_answers_in_order_of_time(shared: Daemon) -> None:
    with TcpClient(shared.osc) as client:
        client.send(*(build("/emsync/1/hello", n) for n in range(100)))
        assert sorted(client.hear().arguments[0] for _ in range(100)) == list(range(100))


def test_too_many_subscriptions_are_refused(shared: Daemon) -> None:
    clients = [OscClient(shared.osc) for _ in range(70)]
    ends = []
    for client in clients:
        client.send("subscribe", 1, "jobs", 20)
        ends.append(client.end_of(1)[0].arguments[1])
        client.socket.close()
    assert ends.count("busy") >= 6 and ends[0] == "subscribe"
