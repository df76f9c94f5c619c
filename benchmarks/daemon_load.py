"""The daemon with many clients: ``python -m benchmarks.daemon_load [--seconds 30]``.

Fifty clients ask for the status, together 1,000 times a second, by OSC and by HTTP, while the worker composes; how
soon a running job is cancelled; a network that drops, doubles and reorders a fifth of the datagrams.
"""

from __future__ import annotations

import json
import random
import selectors
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Sequence
from http.client import HTTPConnection
from pathlib import Path
from statistics import median

from benchmarks.harness import Cell, Table, parser, show
from bridge.daemon.osc_packets import build, parse
from tests.acceptance.edits import plain_cut
from tests.bridge.daemon.conftest import Daemon, OscClient, wait_for
from tests.bridge.daemon.test_daemon_lossy import LossyProxy, until_ended
from tests.conftest import save

CLIENTS, RATE = 50, 1000
_JOBS = 60
_CANCELS = 20
_LOSSY = 300


def main(arguments: Sequence[str] | None = None) -> int:
    options = parser(__doc__)
    options.add_argument("--seconds", type=float, default=30.0)
    given = options.parse_args(arguments)
    home = Path(tempfile.mkdtemp(prefix="emsync-load-")).resolve()
    save(plain_cut([50, 60, 40]), home / "cut.otio")
    save(plain_cut([120] * 600), home / "long.otio")
    daemon = Daemon(home)
    daemon.start()
    daemon.worker()
    tables = [_load(daemon, given.seconds), _cancels(daemon), _lossy(daemon)]
    assert daemon.stop() == (0, "")
    shutil.rmtree(home)
    show(tables, given.json)
    return 0


def _load(daemon: Daemon, seconds: float) -> Table:
    for number in range(_JOBS):
        asked = {"id": f"load-{number}", "source": str(daemon.home / "long.otio"),
                 "output": str(daemon.home / f"load-{number}.emsync")}  # fmt: skip
        daemon.ask("score", asked)
    wait_for(lambda: daemon.job("load-0")["state"] == "running")
    rows = [_row("OSC", _by_osc(daemon, seconds)), _row("HTTP", _by_http(daemon, seconds))]
    busy = daemon.ask("status")[1]["waiting"] > 0
    for number in range(_JOBS):
        if daemon.job(f"load-{number}")["ended"] is None:
            daemon.ask("cancel", {"job": f"load-{number}"})
    note = "" if busy else "The worker had nothing more to do before the end."
    columns = ("by", "requests", "a second", "unanswered", "median, ms", "p99, ms", "worst, ms")
    return Table(f"{CLIENTS} clients while a score is composed", columns, tuple(rows), (note,) if note else ())


def _row(name: str, run: tuple[list[float], int, float]) -> tuple[Cell, ...]:
    took, sent, seconds = run
    ordered = sorted(t * 1000 for t in took)
    shares = (ordered[int(p * (len(ordered) - 1))] for p in (0.5, 0.99, 1))
    return name, sent, sent / seconds, sent - len(took), *shares


def _by_osc(daemon: Daemon, seconds: float) -> tuple[list[float], int, float]:
    """Every client sends in turn, on an even beat; one thread does it all: the threads of Python are not measured."""
    clients = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(CLIENTS)]
    asked: dict[int, float] = {}
    took: list[float] = []

    def hear(selector: selectors.BaseSelector, wait_s: float) -> None:
        for key, _ in selector.select(max(wait_s, 0)):
            message = parse(key.fileobj.recv(65536))[0]  # type: ignore[union-attr]
            if message.arguments[0] in asked:
                took.append(time.perf_counter() - asked.pop(message.arguments[0]))

    with selectors.DefaultSelector() as selector:
        for client in clients:
            client.bind(("127.0.0.1", 0))
            selector.register(client, selectors.EVENT_READ)
        began, number = time.perf_counter(), 0
        while (now := time.perf_counter()) < began + seconds:
            if now >= began + number / RATE:
                asked[number] = now
                clients[number % CLIENTS].sendto(build("/emsync/1/status", number), daemon.osc)
                number += 1
            hear(selector, min(began + number / RATE - time.perf_counter(), 0.001))
        lasted = time.perf_counter() - began
        while asked and time.perf_counter() < began + seconds + 5:
            hear(selector, 0.1)
    for client in clients:
        client.close()
    return took, number, lasted


def _by_http(daemon: Daemon, seconds: float) -> tuple[list[float], int, float]:
    """The same over fifty connections that stay open; each request waits for its answer."""
    clients = [HTTPConnection("127.0.0.1", daemon.http_port, timeout=30) for _ in range(CLIENTS)]
    took: list[float] = []
    began, number = time.perf_counter(), 0
    while (now := time.perf_counter()) < began + seconds:
        if now < began + number / RATE:
            time.sleep(began + number / RATE - now)
        client = clients[number % CLIENTS]
        sent = time.perf_counter()
        client.request("GET", "/1/status?job=load-0")
        assert json.loads(client.getresponse().read())["id"] == "load-0"
        took.append(time.perf_counter() - sent)
        number += 1
    for client in clients:
        client.close()
    return took, number, time.perf_counter() - began


def _cancels(daemon: Daemon) -> Table:
    """From the request to its answer, when the worker has been killed and the job has ended."""
    took_ms = []
    for number in range(_CANCELS):
        job = f"cancel-{number}"
        asked = {"id": job, "source": str(daemon.home / "long.otio"), "output": str(daemon.home / f"{job}.emsync")}
        daemon.ask("score", asked)
        wait_for(lambda job=job: daemon.job(job)["stage"] not in ("", "reading the timeline"))  # type: ignore[misc]
        began = time.perf_counter()
        assert daemon.ask("cancel", {"job": job})[1]["state"] == "cancelled"
        took_ms.append((time.perf_counter() - began) * 1000)
    rows = (("running jobs cancelled", len(took_ms)), ("median, ms", median(took_ms)), ("worst, ms", max(took_ms)))
    return Table("Cancelling", ("measure", "value"), rows)


def _lossy(daemon: Daemon) -> Table:
    proxy = LossyProxy(daemon.osc, 5)
    proxy.start()
    client = OscClient(("127.0.0.1", proxy.front.getsockname()[1]))
    folder, rng = daemon.home / "lossy.emsync", random.Random(5)
    until_ended(client, "score", 1, str(daemon.home / "cut.otio"), str(folder))
    regenerated = 0
    for number in range(2, _LOSSY):
        if rng.random() < 0.3:
            end = until_ended(client, "regenerate", number, str(folder), 1, 4, "bass")
            regenerated += 1
            assert json.loads(end.arguments[2])["take"] == regenerated + 1
        else:
            end = until_ended(client, rng.choice(["hello", "status", "takes"]), number, *())
            assert end.arguments[0] == number
    proxy.end()
    client.socket.close()
    rows = (
        ("requests, all ended", _LOSSY - 1),
        ("regenerations, each made one take", regenerated),
        ("datagrams dropped, doubled or held back", proxy.spoilt),
    )
    return Table("A network that loses a fifth", ("measure", "value"), rows)


if __name__ == "__main__":
    sys.exit(main())
