"""Lines of JSON over loopback TCP, without threads and without waiting: ``pump`` is called from Live's timer."""

from __future__ import annotations

import json
import socket
import sys
import time

from .settings import PROTOCOL

HOST = "127.0.0.1"
MAX_CLIENTS = 8
MAX_LINE = 32 << 20
"""Bytes a request may have; the largest scores have a tenth of it."""
MAX_STRANGER = 4096
"""Bytes of somebody who has not said the token yet."""
STRANGER_S = 10.0
"""How long somebody may be connected without having said it."""
READ_A_TICK = 4 << 20
WORK_A_TICK_S = 0.03
"""After this long in one tick, other requests wait for the next."""


class RefusalError(Exception):
    """Something that cannot be done, for the client: a code and a sentence with the remedy."""

    def __init__(self, code, message):
        Exception.__init__(self, message)
        self.code = code
        self.message = message


class Client:
    """One connection."""

    def __init__(self, connection):
        connection.setblocking(False)
        self.connection = connection
        self.known = False
        """It has said the token."""
        self.incoming = bytearray()
        self.outgoing = bytearray()
        self.pending = None
        """(id, generator) of a request that takes several ticks."""
        self.closing = False
        self.since = time.time()

    def say(self, message):
        self.outgoing += json.dumps(message).encode("utf-8") + b"\n"


class Server:
    """Listens, and hands every request of a known client to ``answer(op, arguments)``.

    An answer is a value, or a generator that yields once a tick and returns the value.
    """

    def __init__(self, token, answer, log):
        self._token = token
        self._answer = answer
        self._log = log
        self._clients = []
        self._socket = None

    def listen(self, port):
        """Listen on the port or, when it is taken, on any; which one it is."""
        for wanted in (port, 0):
            made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            if sys.platform != "win32":
                made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                made.bind((HOST, wanted))
                made.listen(MAX_CLIENTS)
            except OSError as error:
                made.close()
                if wanted == 0:
                    raise
                self._log(f"port {wanted}: {error}; taking another one")
                continue
            made.setblocking(False)
            self._socket = made
            return made.getsockname()[1]
        raise OSError("no port")

    def close(self):
        for client in self._clients:
            client.connection.close()
        self._clients = []
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def pump(self):
        """Accept, read, answer, write: whatever can be done at once."""
        self._accept()
        deadline = time.time() + WORK_A_TICK_S
        for client in list(self._clients):
            try:
                self._read(client)
                self._work(client, deadline)
                self._write(client)
            except (OSError, ValueError) as error:
                self._log(f"a client was let go: {error}")
                client.closing = True
                client.outgoing.clear()
            if client.closing and not client.outgoing:
                self._drop(client)

    def _accept(self):
        while self._socket is not None:
            try:
                connection, _ = self._socket.accept()
            except OSError:  # nobody waits
                return
            if len(self._clients) >= MAX_CLIENTS:
                connection.close()
            else:
                self._clients.append(Client(connection))

    def _read(self, client):
        allowed = READ_A_TICK
        if not client.known and time.time() - client.since > STRANGER_S:
            raise ValueError("it has not said the token")
        while allowed > 0 and not client.closing:
            try:
                block = client.connection.recv(min(allowed, 1 << 18))
            except BlockingIOError:
                return
            if not block:
                client.closing = True
                if client.pending is not None:
                    client.pending[1].close()
                    client.pending = None
                return
            client.incoming += block
            allowed -= len(block)
            if len(client.incoming) > (MAX_LINE if client.known else MAX_STRANGER):
                raise ValueError("a request is too long")

    def _work(self, client, deadline):
        if client.pending is not None:
            self._go_on(client)
        while client.pending is None and not client.closing and time.time() < deadline:
            end = client.incoming.find(b"\n")
            if end < 0:
                return
            line = bytes(client.incoming[:end])
            del client.incoming[: end + 1]
            self._request(client, line)

    def _request(self, client, line):
        message = json.loads(line.decode("utf-8"))
        if not isinstance(message, dict) or not isinstance(message.get("args", {}), dict):
            raise ValueError("not a request")
        number, op, arguments = message.get("id"), message.get("op"), message.get("args", {})
        if not client.known:
            self._greet(client, number, op, arguments)
            if not client.known:
                return
        self._settle(client, number, lambda: self._answer(op, arguments))

    def _greet(self, client, number, op, arguments):
        token = self._token()
        if op != "hello" or not token or not _same(str(arguments.get("token", "")), token):
            _fail(client, number, "token", "say hello with the token of the EMSYNC daemon first")
            client.closing = True
        elif arguments.get("protocol") != PROTOCOL:
            _fail(
                client, number, "version",
                f"this script speaks version {PROTOCOL} of the protocol; run emsync live install",
            )  # fmt: skip
            client.closing = True
        else:
            client.known = True

    def _settle(self, client, number, make):
        try:
            value = make()
        except Exception as error:
            self._failed(client, number, error)
            return
        if hasattr(value, "send") and hasattr(value, "close"):
            client.pending = (number, value)
            self._go_on(client)
        else:
            client.say({"id": number, "ok": value})

    def _go_on(self, client):
        number, steps = client.pending
        try:
            next(steps)
        except StopIteration as done:
            client.pending = None
            client.say({"id": number, "ok": done.value})
        except Exception as error:
            client.pending = None
            self._failed(client, number, error)

    def _failed(self, client, number, error):
        if isinstance(error, RefusalError):
            _fail(client, number, error.code, error.message)
        else:
            self._log(f"{type(error).__name__}: {error}")
            _fail(client, number, "live", f"Live said: {type(error).__name__}: {error}")

    def _write(self, client):
        while client.outgoing:
            try:
                sent = client.connection.send(bytes(client.outgoing[: 1 << 18]))
            except BlockingIOError:
                return
            del client.outgoing[:sent]

    def _drop(self, client):
        client.connection.close()
        self._clients.remove(client)


def _fail(client, number, code, message):
    client.say({"id": number, "error": {"code": code, "message": message}})


def _same(said, token):
    """Whether two texts are equal, in a time that does not tell where they differ."""
    different = len(said) ^ len(token)
    for a, b in zip(said.encode("utf-8"), token.encode("utf-8")):
        different |= a ^ b
    return different == 0
