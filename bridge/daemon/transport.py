"""The daemon's end of the process that plays: it is kept running, takes orders, and tells what it does."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from bridge.daemon.process import log_lines, process_environment
from bridge.daemon.tasks import end_all
from bridge.midi.deck import Wiring
from bridge.midi.triggers import Trigger
from emsync_engine.errors import InputError

_RESTART_S, _HOPELESS_S = 1.0, 60.0
"""Before another attempt: after a crash, and when something is not installed."""
_ORDER_S = 30.0
"""For an order, which may have to read a long score."""
_END_S = 10.0
"""For the process to end the notes and go."""
_LINE = 1 << 20
State = Mapping[str, Any]
_log = logging.getLogger("emsync.midi")


class Transport:
    """Live MIDI as the daemon sees it. Lives in one event loop."""

    def __init__(self, wiring: Wiring, triggers: Sequence[Trigger] = ()) -> None:
        self.state: State = {"state": "stopped", "folder": ""}
        """As it was told last."""
        self.watchers: set[Callable[[State], None]] = set()
        """Called with every state that is told."""
        self.pads: set[Callable[[State], None]] = set()
        """Called when a pad is struck: number of the trigger, folder, start and end of the section."""
        self._first_line = {"wiring": asdict(wiring), "triggers": [asdict(t) for t in triggers]}
        self._process: Process | None = None
        self._orders: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._numbers = itertools.count(1)
        self._ready = asyncio.Event()
        self._settled = asyncio.Event()
        """Set when it is known whether there is live MIDI."""
        self._trouble = InputError("MIDI is starting; try again", code="no_midi")
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End the music and the process."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._process.wait(), _END_S)
        if self._task is not None:
            await end_all([self._task])
        self._kill()

    async def order(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Have the process do something: its state after it.

        Raises:
            InputError: it cannot be done.
        """
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._settled.wait(), _ORDER_S)
        process, number = self._process, next(self._numbers)
        if process is None or process.stdin is None or not self._ready.is_set():
            raise self._trouble
        answer = self._orders[number] = asyncio.get_running_loop().create_future()
        try:
            process.stdin.write(json.dumps({"number": number, "order": dict(asked)}).encode() + b"\n")
            await process.stdin.drain()
            return await asyncio.wait_for(answer, _ORDER_S)
        except (OSError, asyncio.TimeoutError) as error:
            raise InputError("MIDI does not answer; see the daemon's log", code="no_midi") from error
        finally:
            self._orders.pop(number, None)

    # --- the process ---

    async def _run(self) -> None:
        while True:
            try:
                await self._once()
            except (OSError, ValueError) as error:
                _log.error("MIDI: %s", error)
            finally:
                hopeless = self._settled.is_set() and not self._ready.is_set()
                self._ready.clear()
                if not hopeless:
                    self._settled.clear()
                self._kill()
                for answer in self._orders.values():
                    if not answer.done():
                        answer.set_exception(InputError("MIDI was cut off; it starts again", code="no_midi"))
            await asyncio.sleep(_HOPELESS_S if hopeless else _RESTART_S)

    async def _once(self) -> None:
        """One process from its start to its end."""
        self._process = process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bridge.midi.process", stdin=PIPE, stdout=PIPE, stderr=PIPE, limit=_LINE,
            start_new_session=True, env=process_environment(),
        )  # fmt: skip
        assert process.stdin is not None and process.stdout is not None
        errors = asyncio.create_task(log_lines(process))
        try:
            process.stdin.write(json.dumps(self._first_line).encode() + b"\n")
            await process.stdin.drain()
            while line := await process.stdout.readline():
                self._hear(json.loads(line))
            _log.warning("MIDI ended with status %s", await process.wait())
        finally:
            await end_all([errors])

    def _hear(self, message: Mapping[str, Any]) -> None:
        event = message.get("event")
        if event == "failed":
            said = message["error"]
            self._trouble = InputError(said["message"], said["where"], said["code"])
            self._settled.set()
            _log.error("MIDI: %s", said["message"])
        elif event == "trigger":
            for pad in tuple(self.pads):
                pad(message)
        elif event in ("ready", "state"):
            if event == "ready":
                self._ready.set()
                self._settled.set()
            self._tell({k: v for k, v in message.items() if k != "event"})
        else:
            self._answered(message)

    def _answered(self, message: Mapping[str, Any]) -> None:
        answer = self._orders.get(message["number"])
        if answer is None or answer.done():
            return
        if "result" in message:
            answer.set_result(message["result"])
            self._tell(message["result"])
        else:
            said = message["error"]
            answer.set_exception(InputError(said["message"], said["where"], said["code"]))

    def _tell(self, state: State) -> None:
        self.state = state
        for watcher in tuple(self.watchers):
            watcher(state)

    def _kill(self) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            if sys.platform == "win32":
                process.kill()
            else:
                os.killpg(process.pid, signal.SIGKILL)
