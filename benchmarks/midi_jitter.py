"""How punctual live MIDI is: when the messages of a score arrive at another program, against when they should.

Through JACK's dummy driver where ``jackd`` is installed, otherwise in memory (which leaves out the system's MIDI).
Best on an idle machine: ``python -m benchmarks.midi_jitter [--seconds 60] [--memory]``.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.harness import Cell, Table, parser, show
from bridge.midi.player import Player
from bridge.midi.programme import Programme
from bridge.midi.runner import Runner
from bridge.pipeline import ScoreRequest, score
from tests.acceptance.edits import plain_cut
from tests.conftest import save

PERIOD, RATE_HZ = 64, 48_000
"""Frames of a JACK period, which every message waits for."""
BACKEND = "mido.backends.rtmidi/UNIX_JACK"
RECEIVER = "EMSYNC jitter"
_SLACK_S = 0.005
COLUMNS = ("messages", "sent", "lost", "median, ms", "p99, ms", "worst, ms")


def main(arguments: Sequence[str] | None = None) -> int:
    options = parser(__doc__)
    options.add_argument("--seconds", type=float, default=60.0, help="how much of the score is played (default 60)")
    options.add_argument("--memory", action="store_true", help="do not use JACK")
    given = options.parse_args(arguments)
    os.environ["EMSYNC_SYNTH"] = "none"
    with tempfile.TemporaryDirectory() as home:
        folder = _scored(Path(home), given.seconds)
        by_jack = not given.memory and shutil.which("jackd") is not None
        table = _by_jack(folder, given.seconds) if by_jack else _in_memory(folder, given.seconds)
    show([table], given.json)
    return 0


def _scored(home: Path, seconds: float) -> Path:
    """A score that is longer than what is played."""
    shots = [120] * (int(seconds / 5) + 4)
    score(ScoreRequest(save(plain_cut(shots), home / "cut.otio"), home / "cut.emsync"), lambda done, stage: None)
    return home / "cut.emsync"


def _programme(folder: Path) -> Programme:
    from bridge.folder import ScoreFolder

    kept = ScoreFolder(folder)
    document = kept.document()
    return Programme(kept.take().score, kept.cut(document.entry(document.current).cut).picture)


# --- in memory ---------------------------------------------------------------------------------------------------


def _in_memory(folder: Path, seconds: float) -> Table:
    heard: list[tuple[float, bytes]] = []

    def hear(data: bytes) -> None:
        heard.append((time.perf_counter(), data))

    programme = _programme(folder)
    runner = Runner(Player(hear, hear))
    runner.start()
    with runner.player() as player:
        player.load(programme, runner.clock())
        player.play(runner.clock(), 0.0)
    time.sleep(seconds)
    runner.end()
    return _table("Live MIDI in memory", programme, heard, "No MIDI system in between: what the scheduler alone does.")


# --- through JACK ------------------------------------------------------------------------------------------------


def _by_jack(folder: Path, seconds: float) -> Table:
    os.environ["MIDO_BACKEND"] = BACKEND
    heard: list[tuple[float, bytes]] = []
    with _jack(), _receiver(lambda data: heard.append((time.perf_counter(), data))), _player() as order:
        order({"action": "play", "folder": str(folder), "at": "0"})
        time.sleep(seconds)
        late = order({"action": "stop"})["lateness_ms"]
    note = (
        f"JACK's dummy driver, {PERIOD} frames at {RATE_HZ} Hz ({PERIOD / RATE_HZ * 1000:.2f} ms), not real-time. "
        f"The scheduler's own lateness: median {late['median']:.3g} ms, p99 {late['p99']:.3g} ms."
    )
    return _table("Live MIDI through JACK", _programme(folder), heard, note)


@contextmanager
def _jack() -> Iterator[None]:
    command = ["jackd", "--no-realtime", "-d", "dummy", "-r", str(RATE_HZ), "-p", str(PERIOD)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(2)
        if server.poll() is not None:
            raise SystemExit("jackd does not start; --memory measures without it")
        yield
    finally:
        server.terminate()
        server.wait(10)


@contextmanager
def _receiver(hear: Callable[[bytes], None]) -> Iterator[None]:
    import mido

    port = mido.Backend(BACKEND).open_input(
        RECEIVER, virtual=True, callback=lambda message: hear(bytes(message.bytes()))
    )
    try:
        yield
    finally:
        port.close()


@contextmanager
def _player() -> Iterator[Callable[[dict[str, Any]], Any]]:
    """The process that the daemon plays with; orders to it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bridge.midi.process"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(json.dumps({"wiring": {"music": RECEIVER, "sync": RECEIVER}, "triggers": []}) + "\n")
    process.stdin.flush()

    def order(asked: dict[str, Any]) -> Any:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(json.dumps({"number": 1, "order": asked}) + "\n")
        process.stdin.flush()
        for line in process.stdout:
            said = json.loads(line)
            if "error" in said:
                raise SystemExit(f"it does not play: {said['error']['message']}")
            if "number" in said:
                return said["result"]
        raise SystemExit("the player has ended")

    try:
        yield order
    finally:
        process.stdin.close()
        process.wait(10)


# --- figures -----------------------------------------------------------------------------------------------------


def _table(title: str, programme: Programme, heard: Sequence[tuple[float, bytes]], note: str) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for name, wanted, kind in (
        ("MIDI clock", [e.at_s for e in programme.sync(0.0) if e.data == b"\xf8"], 0xF8),
        ("quarter frames", [e.at_s for e in programme.sync(0.0) if e.data[0] == 0xF1], 0xF1),
        ("notes", [e.at_s for e in programme.music(0.0) if e.data[0] & 0xF0 == 0x90], 0x90),
    ):
        mask = 0xFF if kind >= 0xF0 else 0xF0
        came = [at for at, data in heard if data[0] & mask == kind]
        began = _began(came, wanted)
        errors = sorted(abs(_nearest(at - began, wanted)) * 1000 for at in came)
        sent = bisect_left(wanted, came[-1] - began + _SLACK_S)
        rows.append((name, sent, sent - len(came), *(errors[int(p * (len(errors) - 1))] for p in (0.5, 0.99, 1))))
    return Table(title, COLUMNS, tuple(rows), (note,))


def _began(came: Sequence[float], wanted: Sequence[float]) -> float:
    """When the whole began, if most messages came in time."""
    began = median(at - should for at, should in zip(came, wanted))
    for _ in range(3):
        began += median(_nearest(at - began, wanted) for at in came)
    return began


def _nearest(at: float, wanted: Sequence[float]) -> float:
    """How far a time is from the message of its kind that is nearest."""
    i = bisect_left(wanted, at)
    return min((at - w for w in wanted[max(i - 1, 0) : i + 1]), key=abs)


if __name__ == "__main__":
    sys.exit(main())
