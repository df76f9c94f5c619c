"""The calls over HTTP and JSON, the event stream and the page, for programs and browsers on this computer."""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import math
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from bridge.daemon.arguments import TOPICS, checked, job_id
from bridge.daemon.calls import CALLS, PROTOCOL, Call, Desk, perform
from bridge.daemon.http_parse import MAX_HEAD, HttpError, Request, read_request
from bridge.daemon.jobs import FAILED, Job
from bridge.daemon.page import CONTENT_POLICY, REPORT_POLICY, page
from bridge.daemon.rates import Bucket
from bridge.daemon.tasks import end_all
from emsync_engine.errors import EmsyncError, InputError

MAX_CONNECTIONS = 128
MAX_WAIT_S = 60.0
"""Seconds that ``?wait=`` may ask for."""
_HEARTBEAT_S = 15.0
_SEND_S = 30.0
"""For a client to read what it asked for."""
_RATE, _BURST = 2000.0, 4000.0
"""Requests a second of all clients in the long run, and at once."""
_BACKLOG = 1000
"""Events that a slow listener may be behind before it is dropped."""
_STATUS = {"no_such_job": 404, "no_such_call": 404, "no_score": 404, "queue_full": 503, "busy": 503, "id_used": 409,
           "outside_roots": 403}  # fmt: skip
"""Error code -> HTTP status; 400 for all others."""
_REASONS = {200: "OK", 202: "Accepted", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
            405: "Method Not Allowed", 408: "Request Timeout", 409: "Conflict", 413: "Content Too Large",
            415: "Unsupported Media Type", 429: "Too Many Requests",
            431: "Request Header Fields Too Large", 500: "Internal Server Error",
            501: "Not Implemented", 503: "Service Unavailable"}  # fmt: skip
_log = logging.getLogger("emsync.http")


class HttpServer:
    """Listens on one loopback port."""

    def __init__(self, desk: Desk, token: str) -> None:
        self._desk = desk
        self._token = token
        self._port = 0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._rate = Bucket(_RATE, _BURST, time.monotonic())

    async def start(self, host: str, port: int) -> int:
        """Listen; the port."""
        self._server = await asyncio.start_server(self._connected, host, port, limit=MAX_HEAD)
        self._port = int(self._server.sockets[0].getsockname()[1])
        return self._port

    def listen_for(self, desk: Desk) -> None:
        """Answer with another desk (one that knows the port)."""
        self._desk = desk

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        await end_all(self._tasks)

    # --- connections ---

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if len(self._tasks) >= MAX_CONNECTIONS:
            writer.close()
            return
        self._tasks.add(task)
        try:
            await self._serve(reader, writer)
        except (OSError, asyncio.TimeoutError, asyncio.CancelledError):
            pass  # the client has gone, or we stop
        except Exception:  # a fault of ours must not end the daemon
            _log.exception("a request failed")
        finally:
            self._tasks.discard(task)
            writer.close()
            with suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                request = await read_request(reader)
                if request is None:
                    return
                if (lease := await self._lease(request)) is not None:
                    await self._events(reader, writer, *lease)
                    return
                answer = await self._answer(request)
            except HttpError as error:
                await _send(writer, _response(error.status, _error("http", error.message), close=True))
                return
            await _send(writer, answer)
            if not request.keep_alive:
                return

    async def _answer(self, request: Request) -> bytes:
        self._check_reader(request)
        close = not request.keep_alive
        if not self._rate.take(time.monotonic()):
            raise HttpError(429, "too many requests; ask more slowly")
        if request.method not in ("GET", "POST"):
            raise HttpError(405, "there is only GET and POST")
        try:
            if request.path == "/":
                return _response(200, page(), "text/html; charset=utf-8", close, CONTENT_POLICY)
            if request.path == "/report":
                return _response(200, await self._report(request), "text/html; charset=utf-8", close, REPORT_POLICY)
            status, said = await self._call(request)
        except EmsyncError as error:
            return _response(_STATUS.get(error.code, 400), _error(error.code, error.message, error.where), close=close)
        return _response(status, said, close=close)

    # --- calls ---

    async def _call(self, request: Request) -> tuple[int, Mapping[str, Any]]:
        root, _, name = request.path[1:].partition("/")
        call = CALLS.get(name)
        if root != str(PROTOCOL) or call is None:
            raise HttpError(404, f"there is no {request.path[:80]}; see /{PROTOCOL}/help")
        if call.mutates:
            self._check_writer(request)
        given = {**request.query, **request.json()}
        wait_s = _seconds(given.pop("wait", 0))
        said_id = given.pop("id", None)
        if call.work is None:
            done = await perform(self._desk, call, "" if said_id is None else job_id(said_id), given)
            assert isinstance(done, dict)
            return 200, done
        if said_id is None:
            raise InputError("choose an id for the request, so that it can be repeated safely", code="bad_id")
        job = await perform(self._desk, call, job_id(said_id), given)
        assert isinstance(job, Job)
        return await self._of_job(call, job, wait_s)

    async def _of_job(self, call: Call, job: Job, wait_s: float) -> tuple[int, Mapping[str, Any]]:
        engine = self._desk.engine
        if wait_s and job.ended is None:
            job = await engine.ended(job.id, wait_s)
        if job.ended is None:
            return 202, job.to_json()
        said = job.to_json()
        return 200, said if job.state == FAILED else {**said, "result": await engine.result(job.id)}

    async def _report(self, request: Request) -> bytes:
        """The report of a job that is done, if it still lies below the roots."""
        job = self._desk.engine.job(job_id(request.query.get("id")))
        path = job.brief.get("report")
        if not isinstance(path, str):
            raise InputError(f"job {job.id} has no report", code="no_such_job")
        given = checked(CALLS["takes"].arguments, {"folder": path}, self._desk.roots)
        try:
            return await asyncio.to_thread(Path(given["folder"]).read_bytes)
        except OSError as error:
            raise InputError("the report is not there any more", path, "no_score") from error

    # --- who may ---

    def _check_reader(self, request: Request) -> None:
        """A page of another site must not read us, whatever name it gives this computer."""
        names = {f"{name}:{self._port}" for name in ("127.0.0.1", "localhost", "[::1]")}
        if request.headers.get("host", "").lower() not in names:
            raise HttpError(403, f"ask for http://127.0.0.1:{self._port}")
        origin = request.headers.get("origin")
        if origin is not None and origin.lower() not in {f"http://{name}" for name in names}:
            raise HttpError(403, "pages of other sites may not use the daemon")

    def _check_writer(self, request: Request) -> None:
        if request.method != "POST":
            raise HttpError(405, "this changes something: use POST")
        scheme, _, said = request.headers.get("authorization", "").partition(" ")
        right = hmac.compare_digest(said.strip().encode("latin-1"), self._token.encode("ascii"))
        if scheme.lower() != "bearer" or not right:
            raise HttpError(401, "this needs the header Authorization: Bearer TOKEN, from the daemon's token file")

    # --- events ---

    async def _lease(self, request: Request) -> tuple[tuple[str, ...], float] | None:
        """The topics and seconds of a request for events; None for another request.

        Raises:
            HttpError: not for this client, or not like this.
        """
        name = request.path.removeprefix(f"/{PROTOCOL}/")
        is_call = name in CALLS and CALLS[name].stream
        if request.path != "/events" and not is_call:
            return None
        self._check_reader(request)
        if not is_call:
            return TOPICS, math.inf
        try:
            said = await perform(self._desk, CALLS[name], "", {k: v for k, v in request.query.items() if k != "id"})
        except EmsyncError as error:
            raise HttpError(400, error.message) from error
        assert isinstance(said, dict)
        return (said["topic"],), float(said["seconds"])

    async def _events(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, topics: Sequence[str], seconds: float
    ) -> None:
        """What changes, until the time is over, the client goes or is too far behind."""
        ends = time.monotonic() + seconds
        changes: deque[bytes] = deque()
        news = asyncio.Event()
        gone = asyncio.create_task(reader.read(1))

        def tell(topic: str, value: Mapping[str, Any]) -> None:
            changes.append(_event(topic, value))
            news.set()

        with self._listening(topics, tell):
            try:
                await _send(writer, _head(200, {"Content-Type": "text/event-stream", "Connection": "close"}))
                await _send(writer, b": hello\n\n")
                while not gone.done() and len(changes) < _BACKLOG and (left_s := ends - time.monotonic()) > 0:
                    await _send(writer, b"".join(changes.popleft() for _ in range(len(changes))))
                    await _either(news, gone, min(left_s, _HEARTBEAT_S))
                    if not changes:
                        await _send(writer, b": still here\n\n")
            finally:
                gone.cancel()

    @contextmanager
    def _listening(self, topics: Sequence[str], tell: Callable[[str, Mapping[str, Any]], None]) -> Iterator[None]:
        """Have ``tell`` hear what is going on and every change."""
        engine, transport = self._desk.engine, self._desk.transport

        def of_job(job: Job) -> None:
            tell("job", job.to_json())

        def of_transport(state: Mapping[str, Any]) -> None:
            tell("transport", state)

        if "jobs" in topics:
            engine.watchers.add(of_job)
            for job in [j for j in engine.jobs.values() if j.ended is None]:
                of_job(job)
        if "transport" in topics and transport is not None:
            transport.watchers.add(of_transport)
            of_transport(transport.state)
        try:
            yield
        finally:
            engine.watchers.discard(of_job)
            if transport is not None:
                transport.watchers.discard(of_transport)


async def _either(news: asyncio.Event, gone: asyncio.Task[bytes], seconds: float) -> None:
    """Wait for news, for the client to go, or for a while."""
    waiting = asyncio.create_task(news.wait())
    try:
        await asyncio.wait({waiting, gone}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
    news.clear()


async def _send(writer: asyncio.StreamWriter, data: bytes) -> None:
    """Raises:
    asyncio.TimeoutError: the client does not read.
    """
    writer.write(data)
    await asyncio.wait_for(writer.drain(), _SEND_S)


def _event(topic: str, value: Mapping[str, Any]) -> bytes:
    return f"event: {topic}\ndata: {json.dumps(value)}\n\n".encode()


def _seconds(value: Any) -> float:
    """How long a client wants to wait for the end of its job."""
    try:
        seconds = float(value)
    except (TypeError, ValueError) as error:
        raise InputError("wait is a number of seconds", code="bad_argument") from error
    if not 0 <= seconds <= MAX_WAIT_S:
        raise InputError(f"wait is 0 to {MAX_WAIT_S:g} seconds", code="bad_argument")
    return seconds


def _error(code: str, message: str, where: str = "") -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "where": where}}


def _response(
    status: int,
    body: Mapping[str, Any] | bytes,
    kind: str = "application/json",
    close: bool = False,
    policy: str = CONTENT_POLICY,
) -> bytes:
    data = body if isinstance(body, bytes) else json.dumps(body).encode() + b"\n"
    headers = {"Content-Type": kind, "Content-Length": str(len(data)), "Content-Security-Policy": policy}
    return _head(status, headers | ({"Connection": "close"} if close else {})) + data


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    always = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
              "X-Frame-Options": "DENY"}  # fmt: skip
    lines = [f"HTTP/1.1 {status} {_REASONS[status]}", *(f"{k}: {v}" for k, v in {**always, **headers}.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
