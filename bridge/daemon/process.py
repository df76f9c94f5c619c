"""The daemon's end of the worker process: start it, give it a job, kill it."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import bridge

_LINE = 64 << 20
"""Bytes a result may have."""
_log = logging.getLogger("emsync.worker")


class WorkerDiedError(Exception):
    """The worker process ended before its job did."""


class Worker:
    """One worker process at a time, started when it is needed."""

    def __init__(self) -> None:
        self._process: Process | None = None
        self._errors: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """Of the process, while it lives."""
        return self._process.pid if self._process and self._process.returncode is None else None

    async def gone(self) -> None:
        """Wait until the process has ended, for whatever reason."""
        if self._process is not None:
            await self._process.wait()

    async def start(self) -> None:
        """Have a warm worker. Raises WorkerDiedError when it cannot be started."""
        if self._process is not None and self._process.returncode is None:
            return
        await self.end()
        command = (sys.executable, "-m", "bridge.daemon.worker")
        self._process = await asyncio.create_subprocess_exec(
            *command,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            limit=_LINE,
            start_new_session=True,
            env=process_environment(),
        )
        self._errors = asyncio.create_task(log_lines(self._process))
        await self._message()

    async def work(self, call: str, request: Mapping[str, Any], progress: Callable[[float, str], None]) -> Any:
        """Do a job: its last message, which has ``result`` or ``error``.

        Raises:
            WorkerDiedError: the process ended before the job did.
        """
        await self.start()
        process = self._process
        assert process is not None and process.stdin is not None
        try:
            process.stdin.write(json.dumps({"call": call, "request": dict(request)}).encode() + b"\n")
            await process.stdin.drain()
        except OSError as error:
            raise WorkerDiedError(str(error)) from error
        while "progress" in (message := await self._message()):
            progress(message["progress"], message["stage"])
        return message

    async def _message(self) -> Any:
        assert self._process is not None and self._process.stdout is not None
        try:
            line = await self._process.stdout.readline()
        except ValueError as error:  # longer than any result may be
            self.kill()
            raise WorkerDiedError("the result is too large") from error
        if not line.endswith(b"\n"):
            self.kill()
            raise WorkerDiedError(f"the worker ended with status {await self._process.wait()}")
        return json.loads(line)

    def kill(self) -> None:
        """End the worker and whatever it has started, at once."""
        if self._process is None or self._process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            if sys.platform == "win32":
                self._process.kill()
            else:
                os.killpg(self._process.pid, signal.SIGKILL)

    async def end(self) -> None:
        """Kill the worker and wait until it is gone."""
        if self._process is None:
            return
        self.kill()
        await self._process.wait()
        if self._errors is not None:
            await self._errors
        self._process = None


def process_environment() -> dict[str, str]:
    """Ours, with this package found first and nothing imported from the folder that the daemon was started in."""
    home = str(Path(bridge.__file__).resolve().parents[1])
    path = os.pathsep.join(p for p in (home, os.environ.get("PYTHONPATH", "")) if p)
    return {**os.environ, "PYTHONPATH": path, "PYTHONSAFEPATH": "1"}


async def log_lines(process: Process) -> None:
    """What the worker says on stderr, into the log."""
    assert process.stderr is not None
    while block := await process.stderr.read(4096):
        for line in block.decode(errors="replace").splitlines():
            _log.warning("%s", line)
