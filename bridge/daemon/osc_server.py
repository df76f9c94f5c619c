"""The calls over OSC, by UDP and TCP: requests are queued where they arrive and answered to where they came from."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import secrets
import struct
import time
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

from bridge.daemon.arguments import job_id
from bridge.daemon.calls import CALLS, PROTOCOL, Answer, Call, Desk, perform
from bridge.daemon.jobs import DONE, FAILED, Job
from bridge.daemon.osc_events import Subscriptions
from bridge.daemon.osc_packets import MAX_PACKET, Message, OscError, build, parse
from bridge.daemon.osc_peers import UDP_PAYLOAD, Gate, Peer, tcp_peer
from bridge.daemon.tasks import end_all
from emsync_engine.errors import EmsyncError, InputError

ROOT = f"/emsync/{PROTOCOL}/"
_WAITING = 1000
"""Packets that may wait; later ones are dropped, and their senders try again."""
_AT_ONCE = 64
_CONNECTIONS = 64
_WATCHERS = 16
"""Senders that are told of one job."""
_log = logging.getLogger("emsync.osc")


class OscServer(asyncio.DatagramProtocol):
    """Listens on one port, UDP and TCP.

    Args:
        token: what senders have to say in their hello; empty where they need not.
    """

    def __init__(self, desk: Desk, token: str = "") -> None:
        self._desk = desk
        self._gate = Gate(token)
        self._subscriptions = Subscriptions(self._send)
        self._waiting: asyncio.Queue[tuple[bytes, Peer]] = asyncio.Queue(_WAITING)
        self._told: dict[str, dict[Any, tuple[Peer, Any]]] = {}
        """Job -> sender -> (peer, its own id of the request)."""
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._udp: asyncio.DatagramTransport | None = None
        self._tcp: asyncio.Server | None = None
        self._connections = 0
        self._numbers = itertools.count()

    async def start(self, host: str, port: int) -> int:
        """Listen; the port (both for UDP and TCP)."""
        loop = asyncio.get_running_loop()
        self._tcp = await asyncio.start_server(self._connected, host, port)
        port = int(self._tcp.sockets[0].getsockname()[1])
        try:
            self._udp, _ = await loop.create_datagram_endpoint(lambda: self, (host, port))
        except OSError:
            self._tcp.close()
            raise
        self._desk.engine.watchers.add(self._changed)
        if self._desk.transport is not None:
            self._desk.transport.watchers.add(self._subscriptions.transport)
        self._spawn(self._consume())
        return port

    def listen_for(self, desk: Desk) -> None:
        """Answer with another desk (one that knows the HTTP port)."""
        self._desk = desk

    async def stop(self) -> None:
        self._desk.engine.watchers.discard(self._changed)
        if self._desk.transport is not None:
            self._desk.transport.watchers.discard(self._subscriptions.transport)
        if self._udp is not None:
            self._udp.close()
        if self._tcp is not None:
            self._tcp.close()
        await end_all(self._tasks)

    # --- receiving ---

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """Queue a datagram, or drop it when too many wait."""

        def send(message: bytes) -> None:
            if self._udp is not None and not self._udp.is_closing():
                self._udp.sendto(message, addr)

        try:
            self._waiting.put_nowait((data, Peer(addr, UDP_PAYLOAD, send)))
        except asyncio.QueueFull:
            return  # its sender tries again

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._connections >= _CONNECTIONS:
            writer.close()
            return
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._connections += 1
        peer = tcp_peer(writer, next(self._numbers))
        try:
            await self._receive(reader, peer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client has gone, or we stop
        finally:
            self._connections -= 1
            self._tasks.discard(task)
            self._forget(peer)
            writer.close()

    def _forget(self, peer: Peer) -> None:
        """A connection has ended: nobody is there to be told anything."""
        self._gate.forget(peer)
        self._subscriptions.forget(peer)
        for senders in self._told.values():
            senders.pop(peer.key, None)

    async def _receive(self, reader: asyncio.StreamReader, peer: Peer) -> None:
        """Packets with their length before them (OSC 1.0); a wrong length ends the connection."""
        while True:
            (size,) = struct.unpack(">i", await reader.readexactly(4))
            if not 0 < size <= MAX_PACKET:
                return
            await self._waiting.put((await reader.readexactly(size), peer))

    # --- answering ---

    async def _consume(self) -> None:
        while True:
            packet, peer = await self._waiting.get()
            try:
                messages = parse(packet)
            except OscError:
                continue  # nobody to answer: it is not a request
            for message in messages:
                if self._gate.is_too_often(peer, time.monotonic()):
                    self._refuse(message, peer)
                    continue
                await self._room.acquire()
                self._spawn(self._handled(message, peer)).add_done_callback(lambda _: self._room.release())

    def _spawn(self, work: Any) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _refuse(self, message: Message, peer: Peer) -> None:
        if self._gate.may_be_warned(peer, time.monotonic()):
            echo = message.arguments[0] if message.arguments else ""
            self._error(echo, InputError("too many requests; ask more slowly, and again", code="too_many"), peer)

    async def _handled(self, message: Message, peer: Peer) -> None:
        if not message.address.startswith(ROOT):
            return
        echo: Any = message.arguments[0] if message.arguments else ""
        try:
            request_id = job_id(echo)
        except InputError as error:
            self._error("", error, peer)
            return
        try:
            await self._request(message, request_id, echo, peer)
        except EmsyncError as error:
            self._error(echo, error, peer)
        except Exception:  # a fault of ours must not end the daemon
            _log.exception("%s failed", message.address[:80])
            self._error(echo, InputError("internal error; see the daemon's log", code="internal"), peer)

    async def _request(self, message: Message, request_id: str, echo: Any, peer: Peer) -> None:
        name = message.address.removeprefix(ROOT)
        call = CALLS.get(name)
        if call is None:
            raise InputError(f"there is no call {name[:40]!r}; see {ROOT}help", code="no_such_call")
        given = _named(call, message.arguments[1:])
        self._gate.check(peer, name, given.pop("token", None), time.monotonic())
        if request_id == "0":
            request_id = f"osc-{secrets.token_hex(8)}"
        done = await perform(self._desk, call, request_id, given)
        if isinstance(done, Job):
            self._tell(done, peer, echo)
        else:
            if call.stream:
                self._subscriptions.add(done["topic"], peer, echo, done["seconds"])
            query = f"?{urlencode(given)}" if given else ""
            self._reply(echo, call.name, done, f"{self._desk.http}/{PROTOCOL}/{call.name}{query}", peer)

    def _tell(self, job: Job, peer: Peer, echo: Any) -> None:
        """Tell a sender of its job, now and until it has ended."""
        if job.ended is not None:
            self._ended(job, peer, echo)
            return
        senders = self._told.setdefault(job.id, {})
        senders[peer.key] = (peer, echo)
        while len(senders) > _WATCHERS:
            senders.pop(next(iter(senders)))
        self._send(peer, "progress", echo, float(job.progress), job.stage or job.state)

    def _changed(self, job: Job) -> None:
        self._subscriptions.job(job)
        if job.ended is None:
            for peer, echo in self._told.get(job.id, {}).values():
                self._send(peer, "progress", echo, float(job.progress), job.stage or job.state)
            return
        for peer, echo in self._told.pop(job.id, {}).values():
            self._ended(job, peer, echo)

    def _ended(self, job: Job, peer: Peer, echo: Any) -> None:
        where = f"{self._desk.http}/{PROTOCOL}/status?job={job.id}"
        if job.state == DONE:
            self._reply(echo, job.call, dict(job.brief), where, peer)
            return
        said = job.error if job.state == FAILED else {"code": "cancelled", "message": "cancelled"}
        self._error(echo, InputError(said["message"], said.get("where", ""), said["code"]), peer)

    def _reply(self, echo: Any, name: str, answer: Answer, url: str, peer: Peer) -> None:
        text = json.dumps(answer)
        room = peer.payload - 200 - len(str(echo))
        if len(text) > room:
            plain = {k: v for k, v in answer.items() if isinstance(v, (int, float))}
            text = json.dumps({**plain, "more": url})
        if len(text) > room:
            text = json.dumps({"more": f"{self._desk.http}/{PROTOCOL}/{name}"})
        self._send(peer, "reply", echo, name, text)

    def _error(self, echo: Any, error: EmsyncError, peer: Peer) -> None:
        text = f"{error.where}: {error.message}" if error.where else error.message
        self._send(peer, "error", echo, error.code, text.encode("ascii", "replace")[:900].decode())

    def _send(self, peer: Peer, name: str, *arguments: Any) -> None:
        with suppress(OscError, OSError):
            peer.send(build(ROOT + name, *arguments))


def _named(call: Call, arguments: tuple[Any, ...]) -> dict[str, Any]:
    """Arguments by name, from the order of the table; an empty string or nil leaves one out."""
    if len(arguments) > len(call.arguments):
        raise InputError(f"too many arguments; {call.name} has: id {' '.join(a.name for a in call.arguments)}",
                         code="bad_argument")  # fmt: skip
    return {a.name: value for a, value in zip(call.arguments, arguments) if value not in (None, "")}
