"""The daemon for a long time: ``python -m benchmarks.daemon_soak [--minutes 60]`` (Linux).

Mixed requests over OSC and HTTP; memory and open files of the daemon and its worker are looked at as time goes by.
"""

from __future__ import annotations

import random
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from benchmarks.harness import Cell, Table, parser, show
from bridge.daemon.osc_packets import build
from tests.acceptance.edits import plain_cut
from tests.bridge.daemon.conftest import Daemon, OscClient, tcp_ask
from tests.bridge.daemon.test_daemon_safety import mutated, seeds
from tests.conftest import save

_LOOKS = 24
_EVERY_S = 0.1


def main(arguments: Sequence[str] | None = None) -> int:
    options = parser(__doc__)
    options.add_argument("--minutes", type=float, default=60.0)
    given = options.parse_args(arguments)
    show([_soaked(given.minutes * 60)], given.json)
    return 0


def _soaked(seconds: float) -> Table:
    home = Path(tempfile.mkdtemp(prefix="emsync-soak-")).resolve()
    save(plain_cut([50, 60, 40]), home / "cut.otio")
    save(plain_cut([50, 90, 40]), home / "next.otio")
    daemon = Daemon(home)
    daemon.start()
    client = _Client(daemon)
    looks: list[tuple[float, float, int, float, int]] = []
    began = time.monotonic()
    while (now := time.monotonic()) < began + seconds:
        client.ask()
        if now >= began + (len(looks) + 1) * seconds / (_LOOKS + 1):
            looks.append(((now - began) / 60, *_size(daemon.address["pid"]), *_size(daemon.worker())))
        time.sleep(_EVERY_S)
    client.close()
    assert daemon.stop() == (0, "")
    shutil.rmtree(home)
    quarter = len(looks) // 4
    first, last = (tuple(median(look[i] for look in part) for i in range(1, 5)) for part in
                   (looks[quarter : 2 * quarter], looks[-quarter:]))  # fmt: skip
    names = ("daemon, MiB", "daemon, open files", "worker, MiB", "worker, open files")
    rows: tuple[tuple[Cell, ...], ...] = tuple(zip(names, first, last))
    note = f"{seconds / 60:.0f} minutes, {client.asked:,} requests, {client.jobs:,} jobs. Medians of a quarter each."
    return Table("Soak", ("size of", "second quarter", "last quarter"), rows, (note,))


def _size(pid: int) -> tuple[float, int]:
    """MiB in memory, open files."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    memory = int(next(line for line in status if line.startswith("VmRSS")).split()[1]) / 1024
    return memory, len(list(Path(f"/proc/{pid}/fd").iterdir()))


class _Client:
    """Asks for everything, in any order."""

    def __init__(self, daemon: Daemon) -> None:
        self.asked = self.jobs = 0
        self._daemon, self._rng = daemon, random.Random(1)
        self._osc = OscClient(daemon.osc)
        self._seeds = seeds()
        self._renew()

    def _renew(self) -> None:
        """A fresh score folder, so that its history does not grow for ever."""
        shutil.rmtree(self._daemon.home / "soak.emsync", ignore_errors=True)
        self._folder = str(self._daemon.home / "soak.emsync")
        self._job("score", source=str(self._daemon.home / "cut.otio"), output=self._folder)

    def _job(self, call: str, **more: object) -> None:
        self.jobs += 1
        _, job = self._daemon.ask(call, {"id": f"soak-{self.jobs}", "wait": 60, **more})
        assert job["ended"], job

    def ask(self) -> None:
        """One request of some kind."""
        self.asked += 1
        kind = self._rng.random()
        if kind < 0.04:
            self._job("regenerate", folder=self._folder, start=1, end=4)
        elif kind < 0.05:
            self._job("conform", folder=self._folder, source=str(self._daemon.home / "next.otio"))
        elif kind < 0.06:
            self._renew()
        elif kind < 0.2:
            self._daemon.ask(self._rng.choice(["status", "hello", "help", "/", f"takes?folder={self._folder}"]))
        elif kind < 0.3:
            tcp_ask(self._daemon.osc, build("/emsync/1/status", self.asked))
        elif kind < 0.6:
            self._osc.socket.sendto(mutated(self._rng, self._rng.choice(self._seeds)), self._osc.to)
        else:
            self._osc.send(self._rng.choice(["status", "hello", "subscribe"]), self.asked, "jobs")
        while self._osc.hear(0.001):
            pass

    def close(self) -> None:
        self._osc.socket.close()


if __name__ == "__main__":
    sys.exit(main())
