"""The desk in a thread of its own, for a program that does other things, such as the daemon."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import Any

from bridge.connectors.base import Options
from bridge.live.client import ADDRESS, LiveLink
from bridge.live.desk import POLL_S, LiveDesk
from emsync_engine.errors import EmsyncError

TIMEOUT_S = 10.0
_PATIENCE_S = 2.0
"""How long a stop waits for what is being done in Live; the thread ends with the process anyway."""
_log = logging.getLogger("emsync.live")


class LiveWatch:
    """Does what is asked for inside Live while Live runs with our script; costs a look at a file where it does not.

    Args:
        state: the daemon's state folder, where Live's script says where it is.
    """

    def __init__(self, state: Path) -> None:
        self._state = state
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="live", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._end.set()
        if self._thread.is_alive():
            self._thread.join(_PATIENCE_S)

    def _run(self) -> None:
        desk = LiveDesk(Options(str(self._state), TIMEOUT_S), self._state, lambda text: _log.info("%s", text))
        try:
            while not self._end.wait(POLL_S):
                if is_there(self._state):
                    self._step(desk)
        finally:
            desk.close()

    def _step(self, desk: LiveDesk) -> None:
        try:
            desk.step()
        except (EmsyncError, OSError) as error:
            _log.warning("%s", error)


def is_there(state: Path) -> bool:
    """Whether Live runs with our script, or has not said goodbye."""
    return (state / ADDRESS).is_file()


def ask_live(state: Path, action: str, timeout_s: float = TIMEOUT_S) -> dict[str, Any]:
    """Ask for ``regenerate``, ``next``, ``previous`` or ``push`` as if it had been asked for inside Live.

    Raises:
        TargetError: Live is not there, or there is no such action.
    """
    link = LiveLink(str(state), timeout_s)
    try:
        return {"action": action, "number": link.ask("ask", {"action": action})["number"]}
    finally:
        link.close()
