"""Calls of the EMSYNC daemon over HTTP, for what is asked for inside Live."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from bridge.daemon.state import ADDRESS, TOKEN
from emsync_engine.errors import InputError, MissingComponentError

_WAIT_S = 50
"""How long one HTTP request waits for the end of a job."""


class DaemonCalls:
    """Finds the daemon by its state folder at every call, so that it may be restarted meanwhile."""

    def __init__(self, state: Path) -> None:
        self._state = state

    def get(self, name: str, **query: str) -> Any:
        """A call that changes nothing.

        Raises:
            MissingComponentError: no daemon is running.
            InputError: it refused.
        """
        return self._ask("GET", f"/1/{name}" + (f"?{urlencode(query)}" if query else ""))

    def work(self, name: str, **arguments: Any) -> dict[str, Any]:
        """A call that is queued: its job when it has ended well. The id makes it safe to ask again.

        Raises:
            MissingComponentError, InputError: as ``get``; also when the job failed.
        """
        request = f"live-{secrets.token_hex(8)}"
        job = self._ask("POST", f"/1/{name}", {"id": request, "wait": _WAIT_S, **arguments})
        while job["ended"] is None:
            job = self._ask("POST", f"/1/{name}", {"id": request, "wait": _WAIT_S, **arguments})
        if job["state"] != "done":
            error = job.get("error") or {}
            raise InputError(str(error.get("message") or job["state"]), code=str(error.get("code") or job["state"]))
        return dict(job)

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        try:
            address = json.loads((self._state / ADDRESS).read_text(encoding="utf-8"))
            host, _, port = str(address["http"]).partition("//")[2].partition(":")
            token = (self._state / TOKEN).read_text(encoding="ascii").strip()
        except (OSError, ValueError, KeyError) as error:
            raise _no_daemon() from error
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"} if body else {}
        connection = HTTPConnection(host, int(port), timeout=_WAIT_S + 20)
        try:
            connection.request(method, path, json.dumps(body).encode() if body else None, headers)
            answer = connection.getresponse()
            said = json.loads(answer.read())
        except (OSError, HTTPException, ValueError) as error:
            raise _no_daemon() from error
        finally:
            connection.close()
        if "error" in said and "ended" not in said:
            refused = said["error"]
            raise InputError(str(refused["message"]), str(refused.get("where", "")), str(refused["code"]))
        return said


def _no_daemon() -> MissingComponentError:
    return MissingComponentError("the EMSYNC daemon does not run; start it with: emsync serve")
