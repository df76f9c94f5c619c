"""A real daemon on free loopback ports, and the plainest clients for it."""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from bridge.daemon.osc_packets import Message, build, parse
from tests.acceptance.edits import plain_cut
from tests.conftest import NO_SYNTH, command, environment, save

READY_S = 120
"""Waits are long, because a busy machine is no fault of ours."""


@dataclass
class Daemon:
    """``emsync serve`` in a process of its own; ``home`` is its only root."""

    home: Path
    process: subprocess.Popen[bytes] | None = None
    address: dict[str, Any] = field(default_factory=dict)

    @property
    def state(self) -> Path:
        return self.home / "state"

    def start(self, *arguments: object, under: Sequence[str] = ()) -> None:
        """Start it, as the program of the command ``under``."""
        (self.state / "address.json").unlink(missing_ok=True)
        free = ("--osc-port", 0, "--http-port", 0)
        self.process = subprocess.Popen(
            [*under, *command("serve", "--state", self.state, *free, "--root", self.home, *arguments)],
            env=environment(NO_SYNTH), cwd=self.home, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        wait_for(lambda: (self.state / "address.json").is_file() or self.process.poll() is not None)
        self.address = json.loads((self.state / "address.json").read_text(encoding="utf-8"))

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """(exit status, stderr)."""
        assert self.process is not None
        os.kill(self.address.get("pid", self.process.pid), number)
        _, said = self.process.communicate(timeout=120)
        return self.process.returncode, said.decode()

    @property
    def http_port(self) -> int:
        return int(self.address["http"].rpartition(":")[2])

    @property
    def osc(self) -> tuple[str, int]:
        host, _, port = self.address["osc"].partition(":")
        return host, int(port)

    @property
    def token(self) -> str:
        return (self.state / "token").read_text(encoding="ascii").strip()

    def ask(
        self, name: str, body: Mapping[str, Any] | bytes | None = None, *, token: str | None = None, method: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, Any]:  # fmt: skip
        """(HTTP status, JSON answer); a body makes it a POST with the token.

        With ``wait`` it is asked again, as clients do, until the job has ended.
        """
        deadline = time.monotonic() + READY_S
        while True:
            status, answer = self._ask(name, body, token, method, headers)
            waits = isinstance(body, Mapping) and body.get("wait") and status == 202
            if not waits or time.monotonic() > deadline:
                return status, answer

    def _ask(
        self, name: str, body: Mapping[str, Any] | bytes | None, token: str | None, method: str,
        headers: Mapping[str, str] | None,
    ) -> tuple[int, Any]:  # fmt: skip
        connection = HTTPConnection("127.0.0.1", self.http_port, timeout=180)
        said: dict[str, str] = {}
        if body is not None:
            token = self.token if token is None else token
            said = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        data = json.dumps(body).encode() if isinstance(body, Mapping) else body
        path = name if name.startswith("/") else f"/1/{name}"
        try:
            connection.request(method or ("GET" if body is None else "POST"), path, data, {**said, **(headers or {})})
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        json_there = (answer.getheader("Content-Type") or "").startswith("application/json")
        return answer.status, json.loads(text) if json_there else text.decode()

    def job(self, job_id: object) -> Any:
        return self.ask(f"status?job={job_id}")[1]

    def end_of(self, job_id: object, timeout_s: float = 180) -> Any:
        """The job when it has ended."""
        wait_for(lambda: self.job(job_id)["ended"] is not None, timeout_s)
        return self.job(job_id)

    def worker(self) -> int:
        """Process id of the worker when it is warm."""
        wait_for(lambda: self.ask("status")[1]["worker"])
        return int(self.ask("status")[1]["worker"])

    def children(self, module: str) -> list[int]:
        """Process ids of children that run a module of ours, where the system tells (Linux)."""
        assert self.process is not None
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                parent = int((folder / "stat").read_text(encoding="ascii").rpartition(")")[2].split()[1])
                words = (folder / "cmdline").read_text(encoding="utf-8").split("\0")
            except OSError:
                continue
            if parent == self.process.pid and module in words:
                found.append(int(folder.name))
        return found


def wait_for(condition: Any, timeout_s: float = READY_S) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def is_dead(pid: int) -> bool:
    """Whether a process has ended (a zombie that nobody has waited for has)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


class OscClient:
    """Sends from one port and hears what comes back to it."""

    def __init__(self, to: tuple[str, int]) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.to = to

    def send(self, name: str, *arguments: Any) -> None:
        self.socket.sendto(build(f"/emsync/1/{name}", *arguments), self.to)

    def hear(self, timeout_s: float = 60) -> Message | None:
        """The next message; None when there is none in time."""
        self.socket.settimeout(timeout_s)
        try:
            data = self.socket.recv(65536)
        except TimeoutError:
            return None
        assert len(data) <= 1200
        return parse(data)[0]

    def end_of(self, request: Any, timeout_s: float = 180) -> tuple[Message, list[Message]]:
        """(the reply or error of a request, what was said of it before)."""
        before: list[Message] = []
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            message = self.hear(1)
            if message is None or message.arguments[0] != request:
                continue
            if message.address in ("/emsync/1/reply", "/emsync/1/error"):
                return message, before
            before.append(message)
        raise AssertionError(f"no end of {request}; heard {before}")


class TcpClient:
    """Packets with their length before them, over one connection."""

    def __init__(self, to: tuple[str, int]) -> None:
        self.socket = socket.create_connection(to, timeout=60)
        self.file = self.socket.makefile("rb")

    def __enter__(self) -> TcpClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()
        self.socket.close()

    def send(self, *packets: bytes) -> None:
        self.socket.sendall(b"".join(struct.pack(">i", len(p)) + p for p in packets))

    def hear(self) -> Message:
        """The next message."""
        (size,) = struct.unpack(">i", self.file.read(4))
        return parse(self.file.read(size))[0]


def tcp_ask(to: tuple[str, int], packet: bytes) -> Message:
    """One request over TCP, one answer."""
    with TcpClient(to) as client:
        client.send(packet)
        return client.hear()


def _home(folder: Path) -> Path:
    save(plain_cut([50, 60, 40]), folder / "cut.otio")
    save(plain_cut([120] * 150), folder / "long.otio")
    return folder.resolve()


def _finish(daemon: Daemon) -> None:
    if daemon.process is not None and daemon.process.poll() is None:
        status, said = daemon.stop()
        assert (status, said) == (0, "")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """One daemon for the tests of a file."""
    daemon = Daemon(_home(tmp_path_factory.mktemp("daemon")))
    daemon.start()
    yield daemon
    _finish(daemon)


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    """A daemon of one's own, not yet started."""
    made = Daemon(_home(tmp_path))
    yield made
    _finish(made)


@pytest.fixture
def osc(shared: Daemon) -> Iterator[OscClient]:
    client = OscClient(shared.osc)
    yield client
    client.socket.close()
