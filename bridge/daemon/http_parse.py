"""HTTP/1.1 requests, read strictly: what is not plainly one request is refused."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

MAX_HEAD = 16 << 10
"""Bytes of request line and headers."""
MAX_HEADERS = 64
MAX_BODY = 64 << 10
HEAD_S, BODY_S = 15.0, 10.0
"""Seconds that a client may take for each."""
_LINE = re.compile(rb"([A-Z]{1,16}) (/[\x21-\x7e]{0,8000}) HTTP/1\.([01])")
_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}):[ \t]*([\x20-\x7e\x80-\xff\t]*)")
_LENGTH = re.compile(r"[0-9]{1,9}")
_DEPTH = 16
"""Nesting of a JSON body."""


class HttpError(Exception):
    """A request that is refused; the connection is closed after the answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass(frozen=True)
class Request:
    """One request."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    """By lower-case name."""
    body: bytes = b""
    keep_alive: bool = True

    def json(self) -> dict[str, Any]:
        """The body as a JSON object; an empty body is an empty object.

        Raises:
            HttpError: something else.
        """
        if not self.body:
            return {}
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise HttpError(415, "send JSON, with the header Content-Type: application/json")
        if self.body.count(b"[") + self.body.count(b"{") > 10 * _DEPTH:
            raise HttpError(400, "the JSON document is too deep")
        try:
            value = json.loads(self.body.decode("utf-8"))
        except (ValueError, RecursionError) as error:
            raise HttpError(400, f"the body is not JSON: {error}") from error
        if not isinstance(value, dict):
            raise HttpError(400, "the body is not a JSON object")
        return value


async def read_request(reader: asyncio.StreamReader) -> Request | None:
    """The next request of a connection; None at its end.

    Raises:
        HttpError: it is not a request that we take.
        asyncio.TimeoutError: the client is too slow, or idle.
    """
    try:
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), HEAD_S)
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise HttpError(400, "the request ends in the middle") from error
        return None
    except asyncio.LimitOverrunError as error:
        raise HttpError(431, f"the head of a request has up to {MAX_HEAD} bytes") from error
    request = parse_head(head)
    length = _body_length(request.headers)
    try:
        body = await asyncio.wait_for(reader.readexactly(length), BODY_S) if length else b""
    except asyncio.IncompleteReadError as error:
        raise HttpError(400, "the body ends in the middle") from error
    return Request(request.method, request.path, request.query, request.headers, body, request.keep_alive)


def parse_head(head: bytes) -> Request:
    """Request line and headers, up to and with the empty line.

    Raises:
        HttpError: malformed, too long or ambiguous.
    """
    lines = head[:-4].split(b"\r\n")
    match = _LINE.fullmatch(lines[0])
    if not match:
        raise HttpError(400, "this is not an HTTP/1.1 request")
    if len(lines) - 1 > MAX_HEADERS:
        raise HttpError(431, f"a request has up to {MAX_HEADERS} headers")
    headers: dict[str, str] = {}
    for line in lines[1:]:
        found = _HEADER.fullmatch(line)
        if not found:
            raise HttpError(400, "malformed header")
        name = found.group(1).decode("ascii").lower()
        if name in headers:
            raise HttpError(400, f"the header {name} comes twice")
        headers[name] = found.group(2).decode("latin-1").strip()
    path, query = _target(match.group(2).decode("ascii"))
    keep = match.group(3) == b"1" and headers.get("connection", "").lower() != "close"
    return Request(match.group(1).decode("ascii"), path, query, headers, keep_alive=keep)


def _target(target: str) -> tuple[str, dict[str, str]]:
    try:
        parts = urlsplit(f"http://localhost{target}")
        pairs = parse_qsl(parts.query, keep_blank_values=True, errors="strict", max_num_fields=32)
    except ValueError as error:
        raise HttpError(400, "malformed address") from error
    if len({name for name, _ in pairs}) != len(pairs):
        raise HttpError(400, "an argument comes twice")
    return parts.path, dict(pairs)


def _body_length(headers: Mapping[str, str]) -> int:
    if "transfer-encoding" in headers:
        raise HttpError(501, "send a Content-Length")
    said = headers.get("content-length", "0")
    if not _LENGTH.fullmatch(said):
        raise HttpError(400, "malformed Content-Length")
    if int(said) > MAX_BODY:
        raise HttpError(413, f"a body has up to {MAX_BODY} bytes")
    return int(said)
