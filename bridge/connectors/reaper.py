"""REAPER 6.8x and 7, through the script that listens inside it."""

from __future__ import annotations

import time
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

from bridge.connectors.base import (
    Capabilities,
    Command,
    Connector,
    Delivered,
    Hello,
    Options,
    Progress,
    Selection,
    TargetError,
    TransportState,
    silent,
)
from bridge.connectors.plan import Plan, PlanItem, Region
from bridge.connectors.reaper_box import Mailbox
from bridge.connectors.reaper_message import delivered, score_message, seconds
from bridge.connectors.reaper_osc import ReaperOsc, osc_device

CAPABILITIES = Capabilities(
    tempo_map=True, controllers=True, arrangement_write=True, markers=True, read_selection=True, takes=True,
    undo_group=True, video=True,
)  # fmt: skip
_WAKE_S = 5.0
"""How long a listener that was woken by OSC may take to answer."""
_WRITE_S = 60.0
"""Least time that a whole score may take to be written."""


class ReaperConnector(Connector):
    """One REAPER, found by its resource path (``Options.at``, by default the usual one)."""

    name = "reaper"

    def __init__(self, options: Options | None = None, box: Mailbox | None = None) -> None:
        super().__init__(options)
        self.box = box or Mailbox(_resources(self.options.at))
        self._application = ""

    def hello(self) -> Hello:
        answer = self._ask("hello", {})
        project = answer.get("project") or {}
        said = [] if project.get("path") else ["the project in REAPER has not been saved yet"]
        return Hello("reaper", self._named(answer), "ready", CAPABILITIES, tuple(said))

    def push(self, plan: Plan, progress: Progress = silent) -> Delivered:
        return self.push_at(plan, None, progress)

    def push_at(self, plan: Plan, start_s: float | None, progress: Progress = silent) -> Delivered:
        """``push`` to a place in the project (seconds); None keeps the place, or takes that of the picture."""
        message = score_message(plan, on_edit=self.options.on_edit, start_s=start_s)
        return self._write(plan, message, progress)

    def replace(self, plan: Plan, region: Region, progress: Progress = silent) -> Delivered:
        return self.replace_items(plan, plan.within(region), progress)

    def replace_items(self, plan: Plan, items: Iterable[PlanItem], progress: Progress = silent) -> Delivered:
        """Write some items only. With ``on_edit`` "beside", the new takes are those that are heard."""
        on_edit = self.options.on_edit
        message = score_message(plan, items, on_edit=on_edit, activate=on_edit == "beside", what="regenerate")
        return self._write(plan, message, progress)

    def read_selection(self) -> Selection:
        said = self._ask("selection", {})
        return Selection(
            start_s=seconds(said["start_s"]),
            end_s=seconds(said["end_s"]),
            parts=tuple(said["parts"]) if said.get("explicit") else (),
            edited=tuple(said["edited"]),
            cue=str(said["cue"]),
        )

    def transport(self, command: Command = "state", seconds: Fraction | float = 0) -> TransportState:
        try:
            said = self._ask("transport", {"command": command, "seconds": float(seconds), "cue": self._cue()})
        except TargetError as error:
            device = osc_device(self.box.resources)
            if command == "state" or device is None or error.state not in ("closed", "busy"):
                raise
            return self._transport_by_osc(ReaperOsc(device), command, Fraction(seconds))
        return TransportState(bool(said["playing"]), Fraction(float(said["seconds"])).limit_denominator(10**6))

    def _transport_by_osc(self, osc: ReaperOsc, command: Command, seconds: Fraction) -> TransportState:
        """Without the listener: REAPER does not say whether it heard, so the answer is what was asked for."""
        beat = self.box.heartbeat()
        head = Fraction(float((beat.project if beat else {}).get("start_s") or 0)).limit_denominator(10**9)
        if command == "locate":
            osc.locate(head + seconds)
        elif command == "play":
            osc.play()
        else:
            osc.stop()
        return TransportState(command == "play", seconds)

    # --- helpers ---

    def _cue(self) -> str:
        beat = self.box.heartbeat()
        return str((beat.project if beat else {}).get("cue") or "")

    def _named(self, hello: dict[str, Any]) -> str:
        self._application = f"REAPER {str(hello.get('application', '')).partition('/')[0]}".strip()
        return self._application

    def _write(self, plan: Plan, message: dict[str, Any], progress: Progress) -> Delivered:
        if not self._application:
            self._named(self._ask("hello", {}))
        progress(0.0, "writing into REAPER")
        answer = self._ask("score", message, max(self.options.timeout_s, _WRITE_S))
        progress(1.0, "writing into REAPER")
        return delivered(plan, self._application, answer)

    def _ask(self, op: str, args: dict[str, Any], timeout_s: float | None = None) -> dict[str, Any]:
        wait = timeout_s or self.options.timeout_s
        try:
            return self.box.ask(op, args, wait)
        except TargetError as error:
            if error.state != "closed" or not self._wake():
                raise
            return self.box.ask(op, args, wait)

    def _wake(self) -> bool:
        """Start the listener through REAPER's OSC, where that is configured and the listener has run before."""
        device, beat = osc_device(self.box.resources), self.box.heartbeat()
        command = beat.commands.get("emsync_listener") if beat else None
        if device is None or not command:
            return False
        ReaperOsc(device).action(command)
        deadline = time.monotonic() + _WAKE_S
        while self.box.state() != "ready":
            if time.monotonic() > deadline:
                return False
            self.box.wait(0.02)
        return True


def _resources(at: str) -> Path:
    from bridge.reaper.resources import usual_resources

    return Path(at) if at else usual_resources()
