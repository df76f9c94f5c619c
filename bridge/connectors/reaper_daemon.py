"""The daemon as a client on this computer sees it: where it listens, its token, jobs and how they end."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from bridge.connectors.base import Progress, silent
from bridge.daemon.state import ADDRESS, TOKEN
from emsync_engine.errors import InputError

_ANSWER_S = 70.0
"""Longest wait for one answer: the daemon itself waits up to a minute."""
_ENDED = ("done", "failed", "cancelled")
_NO_DAEMON = "EMSYNC's daemon does not run; start it with: emsync serve"


class DaemonError(InputError):
    """The daemon has refused a request, or its job has failed."""


class Daemon:
    """The daemon of a state folder. It may come and go: every call finds it anew."""

    def __init__(self, state: Path) -> None:
        self.state = state

    def ask(self, name: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The answer to a call; with a body it is one that changes something.

        Raises:
            DaemonError: the daemon says no, or does not run (code ``no_daemon``).
        """
        host = self._address()
        link = HTTPConnection(host, timeout=_ANSWER_S)
        headers = {}
        if body is not None:
            headers = {"Authorization": f"Bearer {self._token()}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        try:
            link.request("GET" if body is None else "POST", f"/1/{name}", data, headers)
            answer = link.getresponse()
            said = json.loads(answer.read())
        except (OSError, HTTPException, ValueError) as error:
            raise DaemonError(f"{_NO_DAEMON} ({error})", host, "no_daemon") from error
        finally:
            link.close()
        if answer.status >= 400:
            problem = said.get("error") or {}
            raise DaemonError(str(problem.get("message")), str(problem.get("where") or ""), str(problem.get("code")))
        found: dict[str, Any] = said
        return found

    def do(
        self, name: str, body: Mapping[str, Any], wait: Callable[[float], None], progress: Progress = silent
    ) -> dict[str, Any]:
        """Have a job done and return its result. ``body["id"]`` makes a repeated call the same job.

        Raises:
            DaemonError: it failed, was cancelled, or the daemon has gone.
        """
        self.ask(name, body)
        while True:
            job = self.ask(f"status?job={quote(str(body['id']))}")
            if job["state"] in _ENDED:
                break
            progress(float(job["progress"]), str(job["stage"]))
            wait(0.05)
        if job["state"] != "done":
            error = job["error"] or {}
            code = str(error.get("code") or job["state"])
            raise DaemonError(str(error.get("message") or "the job was cancelled"), str(error.get("where") or ""), code)
        result: dict[str, Any] = job["result"] or {}
        return result

    def _address(self) -> str:
        try:
            said = json.loads((self.state / ADDRESS).read_text(encoding="utf-8"))
            return urlsplit(str(said["http"])).netloc
        except (OSError, ValueError, KeyError) as error:
            raise DaemonError(_NO_DAEMON, str(self.state), "no_daemon") from error

    def _token(self) -> str:
        try:
            return (self.state / TOKEN).read_text(encoding="ascii").strip()
        except OSError as error:
            raise DaemonError(_NO_DAEMON, str(self.state), "no_daemon") from error
