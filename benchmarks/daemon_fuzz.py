"""The daemon under nonsense: ``python -m benchmarks.daemon_fuzz [--packets 100000]`` (Linux).

Random and mutated OSC packets, by UDP and TCP, and HTTP bodies with the right token; every hundredth one is a proper
request and has to be answered. Memory and open files have to stay flat, and no file outside the root may be touched.
"""

from __future__ import annotations

import json
import random
import shutil
import socket
import struct
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from benchmarks.harness import Table, parser, show
from tests.acceptance.edits import plain_cut
from tests.bridge.daemon.conftest import Daemon, OscClient
from tests.bridge.daemon.test_daemon_safety import memory_mb, mutated, open_files, seeds
from tests.conftest import files_of, save

_TRIES = 100
_CALLS = ("score", "regenerate", "conform", "cancel", "use", "lock", "unlock", "mood", "render", "send", "transport")


def main(arguments: Sequence[str] | None = None) -> int:
    options = parser(__doc__)
    options.add_argument("--packets", type=int, default=100_000)
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args(arguments)
    show([_fuzzed(given.packets, given.seed)], given.json)
    return 0


def _fuzzed(count: int, seed: int) -> Table:
    rng = random.Random(seed)
    around = Path(tempfile.mkdtemp(prefix="emsync-fuzz-")).resolve()
    home = around / "home"
    save(plain_cut([50, 60, 40]), home / "cut.otio")
    save(plain_cut([50, 60, 40]), around / "secret.otio")
    outside = {"secret.otio": (around / "secret.otio").read_bytes()}
    daemon = Daemon(home)
    daemon.start()
    daemon.worker()
    sender = _Sender(daemon, rng)
    for number in range(count // 10):  # what is allocated once is not growth
        sender.nonsense(number)
        if number % 100 == 99:
            sender.request()
    files, memory, answered, slowest_s = open_files(daemon), memory_mb(daemon), 0, 0.0
    for number in range(count):
        if number % 100 == 99:
            began = time.monotonic()
            sender.request()
            answered += 1
            slowest_s = max(slowest_s, time.monotonic() - began)
        else:
            sender.nonsense(number)
    sender.close()
    files_after, memory_after = open_files(daemon), memory_mb(daemon)
    waiting = daemon.ask("status")[1]["waiting"]
    status, said = daemon.stop()
    assert (status, said) == (0, "")
    assert {n: d for n, d in files_of(around).items() if not n.startswith("home/")} == outside
    shutil.rmtree(around)
    rows = (
        ("packets and bodies", count),
        ("proper requests, all answered", answered),
        ("slowest answer, s", slowest_s),
        ("memory before and after, MiB", f"{memory:.1f} {memory_after:.1f}"),
        ("open files before and after", f"{files} {files_after}"),
        ("jobs that wait at the end", waiting),
        ("files touched outside the root", 0),
    )
    return Table("Nonsense", ("measure", "value"), rows)


class _Sender:
    """Sends by UDP mostly, every tenth by TCP, every tenth as an HTTP body."""

    def __init__(self, daemon: Daemon, rng: random.Random) -> None:
        self._daemon, self._rng = daemon, rng
        self._osc = OscClient(daemon.osc)
        self._seeds = seeds()
        self._number = 1_000_000
        self._tcp: socket.socket | None = None
        self._http: HTTPConnection | None = None

    def nonsense(self, number: int) -> None:
        rng = self._rng
        data = rng.randbytes(rng.randint(0, 200)) if number % 3 == 0 else mutated(rng, rng.choice(self._seeds))
        if number % 10 == 1:
            self._by_tcp(data)
        elif number % 10 == 2:
            self._by_http(rng)
        else:
            self._osc.socket.sendto(data, self._osc.to)

    def _by_tcp(self, data: bytes) -> None:
        try:
            if self._tcp is None:
                self._tcp = socket.create_connection(self._daemon.osc, timeout=20)
            self._tcp.sendall((struct.pack(">i", len(data)) if self._rng.random() < 0.9 else b"") + data)
        except OSError:
            self._hang_up()
        if self._rng.random() < 0.05:
            self._hang_up()

    def _hang_up(self) -> None:
        if self._tcp is not None:
            self._tcp.close()
        self._tcp = None

    def _by_http(self, rng: random.Random) -> None:
        body: dict[str, Any] = {"id": rng.choice([1, "a", None, -1, 1e300]), "source": "/etc/passwd", "folder": "/etc"}
        text = json.dumps({k: rng.choice([v, rng.random(), [], {}, "x" * 5000]) for k, v in body.items()}).encode()
        data = mutated(rng, text) if rng.random() < 0.7 else text
        try:
            if self._http is None:
                self._http = HTTPConnection("127.0.0.1", self._daemon.http_port, timeout=20)
            headers = {"Authorization": f"Bearer {self._daemon.token}", "Content-Type": "application/json"}
            self._http.request("POST", f"/1/{rng.choice(_CALLS)}", data, headers)
            answer = self._http.getresponse()
            assert answer.status in range(200, 600)
            answer.read()
            if answer.will_close:
                self._http = None
        except (OSError, HTTPException):
            self._http = None

    def request(self) -> None:
        """A proper request, repeated as UDP clients do until it is answered."""
        self._number += 1
        for _ in range(_TRIES):
            self._osc.send("hello", self._number)
            with suppress(AssertionError):
                if self._osc.end_of(self._number, 1)[0].arguments[1] == "hello":
                    return
                time.sleep(0.1)  # too many
        raise SystemExit("a proper request was not answered")

    def close(self) -> None:
        self._hang_up()
        self._osc.socket.close()


if __name__ == "__main__":
    sys.exit(main())
