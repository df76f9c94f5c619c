"""A fake Live that runs: in a thread of its own, with the script installed as a user installs it."""

from __future__ import annotations

import importlib
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.daw_scripts.live.fake_live import FakeLive
from tests.daw_scripts.live.lom import Version

TICK_S = 0.002
"""Of the fake's clock: fifty times as fast as Live's."""
PATIENCE_S = 60.0


def load_script(scripts: Path, name: str = "EMSYNC") -> Any:
    """Import a control surface from a Remote Scripts folder, afresh, as Live does."""
    for known in [n for n in sys.modules if n == name or n.startswith(f"{name}.")]:
        del sys.modules[known]
    sys.path.insert(0, str(scripts))
    importlib.invalidate_caches()
    try:
        package = importlib.import_module(name)
        for child in sorted((scripts / name).glob("*.py")):
            if child.stem != "__init__":
                importlib.import_module(f"{name}.{child.stem}")
        return package
    finally:
        sys.path.remove(str(scripts))


class RunningLive:
    """``fake`` may be looked at and changed inside ``with live.paused():``."""

    def __init__(self, home: Path, version: Version = (12, 2), *, grid: float = 0.0) -> None:
        from bridge.live.install import install

        self.state = home / "state"
        self.scripts = home / "Remote Scripts"
        install(self.scripts, self.state, port=0)
        self.fake = FakeLive(version, grid=grid)
        self.failures: list[BaseException] = []
        self._lock = threading.RLock()
        self._end = threading.Event()
        self._thread: threading.Thread | None = None
        self.start()

    def start(self) -> None:
        self.fake.start(load_script(self.scripts))
        self._end.clear()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._end.is_set():
            with self._lock:
                try:
                    self.fake.tick()
                except BaseException as error:  # told by ``quit``
                    self.failures.append(error)
                    self.fake.world.depth = 0
            time.sleep(TICK_S)

    def quit(self, *, crash: bool = False) -> None:
        """End it; a crash says no goodbye. Raises what went wrong inside."""
        self._end.set()
        if self._thread is not None:
            self._thread.join(PATIENCE_S)
        if crash:
            self.fake.surface._server.close()
            self.fake.surface = None
        else:
            self.fake.stop()
        if self.failures:
            raise self.failures[0]

    @contextmanager
    def paused(self) -> Iterator[FakeLive]:
        with self._lock:
            yield self.fake

    def wait_for(self, condition: Callable[[FakeLive], Any]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            with self._lock:
                if condition(self.fake):
                    return
            assert time.monotonic() < deadline, "waited in vain"
            time.sleep(TICK_S)


@contextmanager
def running(home: Path, version: Version = (12, 2), *, grid: float = 0.0) -> Iterator[RunningLive]:
    live = RunningLive(home, version, grid=grid)
    try:
        yield live
    finally:
        live.quit()
