"""What must be refused is refused, and nothing that anybody sends ends the daemon."""

from __future__ import annotations

import json
import random
import signal
import socket
import struct
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from bridge.daemon.osc_packets import OscError, build, parse
from tests.bridge.daemon.conftest import Daemon, OscClient
from tests.conftest import files_of, run_emsync

# --- who may ---


@pytest.mark.parametrize("token", ["", "wrong", "é"])
def test_changing_something_needs_the_token(shared: Daemon, token: str) -> None:
    asked = {"id": "no", "source": str(shared.home / "cut.otio")}
    assert shared.ask("score", asked, token=token.encode().decode("latin-1"))[0] == 401
    assert shared.ask("status?job=no")[0] == 404


@pytest.mark.parametrize("path", ["status", "events", "/", "help"])
@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Host": "evil.example"}, {"Host": "127.0.0.1:1"}],
    ids=str,
)
def test_pages_of_other_sites_read_nothing(shared: Daemon, path: str, headers: dict[str, str]) -> None:
    assert shared.ask("/events" if path == "events" else path, headers=headers)[0] == 403


def test_a_foreign_page_with_the_token_changes_nothing(shared: Daemon) -> None:
    asked = {"id": "evil", "source": str(shared.home / "cut.otio")}
    assert shared.ask("score", asked, headers={"Origin": "http://evil.example"})[0] == 403


def test_our_own_page_may_read(shared: Daemon) -> None:
    assert shared.ask("status", headers={"Origin": f"http://127.0.0.1:{shared.http_port}"})[0] == 200


def test_paths_outside_the_roots_are_refused_also_through_links(shared: Daemon, tmp_path: Path, osc: OscClient) -> None:
    secret = tmp_path / "secret.otio"
    secret.write_bytes((shared.home / "cut.otio").read_bytes())
    link = shared.home / "link"
    link.symlink_to(tmp_path, target_is_directory=True)
    before = files_of(tmp_path)
    for number, path in enumerate([secret, link / "secret.otio", shared.home / ".." / tmp_path.name / "secret.otio"]):
        status, said = shared.ask("score", {"id": f"out-{number}", "source": str(path)})
        assert (status, said["error"]["code"]) == (403, "outside_roots")
        osc.send("score", 40 + number, str(path))
        end, _ = osc.end_of(40 + number)
        assert end.arguments[1] == "outside_roots"
    asked = {"id": "out", "source": str(shared.home / "cut.otio"), "output": str(link / "made.emsync")}
    assert shared.ask("score", asked)[1]["error"]["code"] == "outside_roots"
    assert shared.ask(f"takes?folder={link}")[0] == 403
    assert files_of(tmp_path) == before


# --- bad requests ---

BAD_CALLS = [
    ("nothing", {"id": 1}, 404, "http"),
    ("score", {"id": 1}, 400, "bad_argument"),
    ("score", {"source": "CUT"}, 400, "bad_id"),
    ("score", {"id": "a b", "source": "CUT"}, 400, "bad_id"),
    ("score", {"id": 1.5, "source": "CUT"}, 400, "bad_id"),
    ("score", {"id": 1, "source": "cut.otio"}, 400, "bad_path"),
    ("score", {"id": 1, "source": "CUT\0"}, 400, "bad_argument"),
    ("score", {"id": 1, "source": "CUT", "colour": "red"}, 400, "bad_argument"),
    ("score", {"id": 1, "source": "CUT", "seed": 1.5}, 400, "bad_argument"),
    ("score", {"id": 1, "source": "CUT", "seed": 1e300}, 400, "bad_argument"),
    ("score", {"id": 1, "source": "CUT", "seed": "9" * 5000}, 400, "bad_argument"),
    ("score", {"id": 1, "source": "CUT", "mood": "zebra"}, 400, "bad_mood"),
    ("score", {"id": 1, "source": "CUT", "mood": [2, 0]}, 400, "bad_mood"),
    ("score", {"id": 1, "source": "CUT", "start": 3}, 400, "bad_argument"),
    ("score", {"id": 1, "source": ["CUT"]}, 400, "bad_argument"),
    ("score", {"id": 1, "source": {"a": 1}}, 400, "bad_argument"),
    ("score", {"id": 1, "source": "CUT", "wait": 1e9}, 400, "bad_argument"),
    ("cancel", {"job": "none"}, 404, "no_such_job"),
    ("status", {"job": "none"}, 404, "no_such_job"),
    ("score", b"{", 400, "http"),
    ("score", b"[]", 400, "http"),
    ("score", b"[" * 5000, 400, "http"),
    ("score", b"\xff", 400, "http"),
    ("score", b"1" * 70_000, 413, "http"),
]


@pytest.mark.parametrize(("name", "body", "status", "code"), BAD_CALLS, ids=lambda v: str(v)[:40])
def test_bad_requests_are_refused_with_a_reason(shared: Daemon, name: str, body: Any, status: int, code: str) -> None:
    if isinstance(body, dict) and isinstance(body.get("source"), str):
        body = {**body, "source": body["source"].replace("CUT", str(shared.home / "cut.otio"))}
    got, said = shared.ask(name, body)
    assert (got, said["error"]["code"]) == (status, code)
    assert said["error"]["message"]


def test_a_failing_job_says_why(shared: Daemon) -> None:
    (shared.home / "bad.otio").write_bytes(b"{}")
    asked = {"id": "fails", "source": str(shared.home / "bad.otio"), "wait": 60}
    status, job = shared.ask("score", asked)
    assert (status, job["state"]) == (200, "failed")
    assert job["error"]["code"] and "bad.otio" in job["error"]["where"]


RAW = [
    b"GET /1/status HTTP/1.1\r\nHost: H\r\nHost: H\r\n\r\n",
    b"GET /1/status HTTP/1.1\r\nHost: H\r\nContent-Length: -1\r\n\r\n",
    b"GET /1/status HTTP/1.1\r\nHost: H\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"GET /1/status HTTP/1.1\r\nHost : H\r\n\r\n",
    b"GET /1/status HTTP/1.1\r\nHost: H\r\n folded: 1\r\n\r\n",
    b"GET http://127.0.0.1/1/status HTTP/1.1\r\nHost: H\r\n\r\n",
    b"GET /1/status HTTP/2\r\nHost: H\r\n\r\n",
    b"GET /1/status?job=1&job=2 HTTP/1.1\r\nHost: H\r\n\r\n",
    b"GET /1/status HTTP/1.1\r\n\r\n",
    b"GET /1/status HTTP/1.1\r\nHost: H\r\nX: " + b"a" * 20_000 + b"\r\n\r\n",
    b"GET /1/status HTTP/1.1\r\nHost: H\r\n" + b"".join(b"X%d: 1\r\n" % n for n in range(80)) + b"\r\n",
    b"TRACE / HTTP/1.1\r\nHost: H\r\n\r\n",
    b"\x16\x03\x01 hello\r\n\r\n",
]


def raw(port: int, data: bytes) -> bytes:
    """What comes back for some bytes, to the end of the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        with suppress(OSError):
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
        heard = b""
        with suppress(OSError):
            while block := connection.recv(65536):
                heard += block
        return heard


@pytest.mark.parametrize("data", RAW, ids=lambda d: repr(d[:50]))
def test_what_is_not_plainly_one_request_is_refused_and_the_connection_closed(shared: Daemon, data: bytes) -> None:
    answer = raw(shared.http_port, data.replace(b": H\r", f": 127.0.0.1:{shared.http_port}\r".encode()))
    status = answer.split(b" ")[1] if answer else b"4"
    assert status[:1] in (b"4", b"5"), answer
    assert answer.count(b"Cache-Control") <= 1


def test_several_requests_in_one_connection(shared: Daemon) -> None:
    one = f"GET /1/hello HTTP/1.1\r\nHost: localhost:{shared.http_port}\r\n\r\n".encode()
    assert raw(shared.http_port, one * 3).count(b"HTTP/1.1 200 OK") == 3


# --- garbage ---


def open_files(daemon: Daemon) -> int:
    assert daemon.process is not None
    return len(list(Path(f"/proc/{daemon.process.pid}/fd").iterdir()))


def memory_mb(daemon: Daemon) -> float:
    assert daemon.process is not None
    text = Path(f"/proc/{daemon.process.pid}/status").read_text(encoding="ascii")
    return int(next(line for line in text.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


def mutated(rng: random.Random, data: bytes) -> bytes:
    """Some bytes changed, cut, doubled or made up."""
    raw_bytes = bytearray(data)
    for _ in range(rng.randint(1, 6)):
        at = rng.randrange(len(raw_bytes) or 1)
        kind = rng.randrange(4)
        if kind == 0 and raw_bytes:
            raw_bytes[at % len(raw_bytes)] = rng.randrange(256)
        elif kind == 1:
            del raw_bytes[at:]
        elif kind == 2:
            raw_bytes[at:at] = rng.randbytes(rng.randint(1, 8))
        else:
            raw_bytes += raw_bytes[at : at + 40]
    return bytes(raw_bytes)


def bundle(*messages: bytes, when: int = 1) -> bytes:
    return b"#bundle\0" + struct.pack(">Q", when) + b"".join(struct.pack(">i", len(m)) + m for m in messages)


def seeds() -> list[bytes]:
    hello, far = build("/emsync/1/hello", 1, "x", "1"), (1 << 63) + (1 << 40)
    return [
        hello, build("/emsync/1/takes", 2, "/etc/passwd"), build("/emsync/1/status", "a", 1.5),
        build("/emsync/1/score", 3, "/etc/passwd", "/tmp/x"), bundle(hello, bundle(hello), when=far),
        build("/emsync/1/help", float("nan"), "score"), build("/emsync/1/cancel", 1 << 40, True),
    ]  # fmt: skip


@pytest.mark.parametrize("size", [-16, -4, 0, 1, 3, 2**31 - 1, -(2**31)])
def test_a_bundle_with_a_wrong_size_is_refused_at_once(size: int) -> None:
    with pytest.raises(OscError):
        parse(b"#bundle\0" + bytes(8) + struct.pack(">i", size) + build("/a", 1))


def test_deep_and_crowded_bundles_are_refused() -> None:
    deep = build("/a", 1)
    for _ in range(200):
        deep = bundle(deep)
    for packet in (deep, bundle(*[build("/a", 1)] * 1000), b"/a\0\0," + b"[" * 8000, b"/a\0\0," + b"q" * 8003):
        with pytest.raises(OscError):
            parse(packet)


def test_a_bundle_of_the_far_future_is_answered_now(shared: Daemon, osc: OscClient) -> None:
    osc.socket.sendto(bundle(build("/emsync/1/hello", 12), when=(1 << 64) - 1), osc.to)
    assert osc.end_of(12)[0].address == "/emsync/1/reply"


def test_thousands_of_broken_packets_and_every_hundredth_request_is_answered(shared: Daemon, osc: OscClient) -> None:
    rng = random.Random(5)
    before = files_of(shared.home / "cut.emsync") if (shared.home / "cut.emsync").exists() else {}
    files, memory = open_files(shared), memory_mb(shared)
    starts = seeds()
    for number in range(4000):
        data = rng.randbytes(rng.randint(0, 200)) if number % 3 == 0 else mutated(rng, rng.choice(starts))
        osc.socket.sendto(data, osc.to)
        if number % 100 == 99:
            osc.send("hello", 100_000 + number)
            assert osc.end_of(100_000 + number)[0].arguments[1] == "hello"
    assert open_files(shared) <= files + 3
    assert memory_mb(shared) < memory + 30
    assert (files_of(shared.home / "cut.emsync") if before else {}) == before


def test_hundreds_of_broken_http_requests_and_streams(shared: Daemon) -> None:
    rng = random.Random(6)
    host = f"127.0.0.1:{shared.http_port}"
    good = f'POST /1/score HTTP/1.1\r\nHost: {host}\r\nContent-Length: 9\r\n\r\n{{"id": 1}}'.encode()
    files = open_files(shared)
    for number in range(1000):
        port = shared.osc[1] if number % 4 == 0 else shared.http_port
        raw(port, mutated(rng, good) if number % 3 else rng.randbytes(rng.randint(0, 300)))
        if number % 100 == 99:
            assert shared.ask("hello")[0] == 200
    assert open_files(shared) <= files + 3


# --- two daemons, ports, signals ---


def test_two_daemons_on_one_state_folder_exclude_each_other(shared: Daemon) -> None:
    ran = run_emsync("serve", "--state", shared.state, "--osc-port", 0, "--http-port", 0, "--json", timeout_s=120)
    assert (ran.status, ran.error["code"]) == (3, "busy")
    assert shared.ask("hello")[0] == 200


@pytest.mark.parametrize("what", ["osc", "http"])
def test_a_port_that_is_taken_is_said(shared: Daemon, tmp_path: Path, what: str) -> None:
    ports = {"osc": 0, "http": 0, what: shared.osc[1] if what == "osc" else shared.http_port}
    ran = run_emsync("serve", "--state", tmp_path, "--osc-port", ports["osc"], "--http-port", ports["http"], "--json",
                     timeout_s=120)  # fmt: skip
    assert (ran.status, ran.error["code"]) == (3, "port_in_use")
    assert f"--{what}-port" in ran.error["message"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_stop_it_cleanly_also_with_open_connections(daemon: Daemon, number: int) -> None:
    daemon.start()
    with socket.create_connection(("127.0.0.1", daemon.http_port)) as idle:
        idle.sendall(f"GET /events HTTP/1.1\r\nHost: localhost:{daemon.http_port}\r\n\r\n".encode())
        assert daemon.stop(number) == (0, "")
    assert not (daemon.state / "address.json").exists()
    for line in (daemon.state / "serve.log").read_text(encoding="utf-8").splitlines():
        assert {"time", "level", "part", "message"} <= set(json.loads(line))
