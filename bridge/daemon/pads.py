"""What pads do: struck on a controller, they start jobs as any client does; and the transport takes up new takes."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bridge.daemon.calls import CALLS, Call, Desk, perform
from bridge.daemon.jobs import DONE, Job
from bridge.daemon.tasks import end_all
from bridge.daemon.transport import State, Transport
from bridge.midi.triggers import Trigger
from emsync_engine.errors import EmsyncError, InputError

_BOUNCE_S = 0.25
"""A pad that is struck again within this is one stroke."""
_STEPS = {"next_take": 1, "previous_take": -1}
_CHANGES_TAKE = {"score": "output", "regenerate": "folder", "conform": "folder", "use": "folder"}
"""Call -> the argument that names the score folder whose current take it changes."""
_log = logging.getLogger("emsync.midi")


def check_triggers(triggers: Sequence[Trigger], where: str) -> None:
    """Raises:
    InputError: a trigger does something that there is not.
    """
    for number, trigger in enumerate(triggers, start=1):
        place = f"{where}, trigger {number}"
        if trigger.do in _STEPS:
            known = {"folder"}
        elif trigger.do in CALLS and CALLS[trigger.do].mutates:
            known = {a.name for a in CALLS[trigger.do].arguments}
        else:
            names = ", ".join([*_STEPS, *(c.name for c in CALLS.values() if c.mutates)])
            raise InputError(f"there is no {trigger.do!r} to do (there are {names})", place, "bad_midi_map")
        unknown = sorted(set(trigger.arguments) - known)
        if unknown:
            raise InputError(f"{trigger.do} has no {unknown[0]!r}", place, "bad_midi_map")


class PadDesk:
    """Turns strokes into calls, and tells the transport when the score that it has gets another take."""

    def __init__(self, desk: Desk, transport: Transport, triggers: Sequence[Trigger]) -> None:
        self._desk, self._transport, self._triggers = desk, transport, triggers
        self._struck: dict[int, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        self._transport.pads.add(self._strike)
        self._desk.engine.watchers.add(self._changed)

    async def stop(self) -> None:
        self._transport.pads.discard(self._strike)
        self._desk.engine.watchers.discard(self._changed)
        await end_all(self._tasks)

    def _strike(self, stroke: State) -> None:
        number, now = int(stroke["number"]), time.monotonic()
        if now - self._struck.get(number, -_BOUNCE_S) < _BOUNCE_S:
            return
        self._struck[number] = now
        self._spawn(self._act(self._triggers[number], stroke))

    def _changed(self, job: Job) -> None:
        name = _CHANGES_TAKE.get(job.call)
        if name and job.state == DONE and job.request.get(name) == self._transport.state.get("folder"):
            self._spawn(self._reload(job.request[name]))

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _act(self, trigger: Trigger, stroke: State) -> None:
        """Nobody waits for an answer: what goes wrong is for the log."""
        try:
            if trigger.do in _STEPS:
                name, given = "use", await self._other_take(trigger, stroke)
            else:
                name, given = trigger.do, _given(CALLS[trigger.do], trigger, stroke)
            await perform(self._desk, CALLS[name], f"midi-{secrets.token_hex(8)}", given)
        except EmsyncError as error:
            _log.warning("the pad for %s: %s", trigger.do, error)
        except Exception:  # a fault of ours must not end the daemon
            _log.exception("the pad for %s", trigger.do)

    async def _other_take(self, trigger: Trigger, stroke: State) -> Mapping[str, Any]:
        folder = str(trigger.arguments.get("folder") or stroke["folder"])
        answer = await perform(self._desk, CALLS["takes"], "", {"folder": folder})  # which checks the path
        assert isinstance(answer, dict)
        numbers = [row["number"] for row in answer["takes"]]
        at = (numbers.index(answer["current"]) + _STEPS[trigger.do]) % len(numbers)
        return {"folder": folder, "take": numbers[at]}

    async def _reload(self, folder: str) -> None:
        try:
            await self._transport.order({"action": "load", "folder": str(Path(folder))})
        except EmsyncError as error:
            _log.warning("the new take is not played: %s", error)


def _given(call: Call, trigger: Trigger, stroke: State) -> dict[str, Any]:
    """The arguments of a trigger; the score and the section that play now where it names none."""
    given = dict(trigger.arguments)
    names = [a.name for a in call.arguments]
    if "folder" in names and "folder" not in given and stroke["folder"]:
        given["folder"] = stroke["folder"]
    if call.name == "regenerate" and not {"start", "end"} & set(given) and "start" in stroke:
        given |= {"start": stroke["start"], "end": stroke["end"]}
    return given
