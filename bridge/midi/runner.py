"""Drives a player from a thread of its own, as punctually as the system lets a program wake up."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from bridge.midi.player import Player

_LONGEST_S = 1.0
"""It looks at the clock at least this often."""
_PRIORITY = 10
"""Of real-time programs on Linux, 1..99; JACK itself takes more."""
_SPIN_S = 0.0002
"""The last bit before a message is waited for with open eyes: systems wake a program a little late."""


class Runner:
    """Owns the lock of a player. ``clock`` gives seconds, as ``time.perf_counter`` does."""

    def __init__(self, player: Player) -> None:
        self.clock = time.perf_counter
        self._player = player
        self._changed = threading.Condition(threading.RLock())
        self._ending = False
        self._thread = threading.Thread(target=self._run, name="midi", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """Stop the music and the thread."""
        with self._changed:
            self._player.free(self.clock())
            self._ending = True
            self._changed.notify()
        self._thread.join(5)

    @contextmanager
    def player(self) -> Iterator[Player]:
        """The player, for orders and questions; what they change is done at once."""
        with self._changed:
            yield self._player
            self._changed.notify()

    def hear(self, data: bytes) -> None:
        """Take a message that has just come in."""
        now = self.clock()
        with self.player() as player:
            player.hear(data, now)

    def _run(self) -> None:
        with _punctual(), self._changed:
            while not self._ending:
                wait_s = self._player.due() - self.clock()
                if wait_s > _SPIN_S:
                    self._changed.wait(min(wait_s - _SPIN_S, _LONGEST_S))
                else:
                    while self.clock() < self._player.due():
                        pass
                    self._player.perform(self.clock())


@contextmanager
def _punctual() -> Iterator[None]:
    """Have Windows wake programs every millisecond, and Linux wake this thread before others where the user may ask
    for that (members of the group audio usually may); other systems do well by themselves.
    """
    if sys.platform == "win32":
        ctypes.windll.winmm.timeBeginPeriod(1)
    if sys.platform == "linux":
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(_PRIORITY))
    try:
        yield
    finally:
        if sys.platform == "win32":
            ctypes.windll.winmm.timeEndPeriod(1)
