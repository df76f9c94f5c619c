"""Playing several parts at once in worker processes."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from emsync_engine.audio.performance import PartJob
from emsync_engine.audio.soundfont import SoundFont
from emsync_engine.audio.synth import SynthInfo
from emsync_engine.audio.worker import encode_job
from emsync_engine.errors import EmsyncError, InputError

MAX_WORKERS = 4
LARGE_SOUNDFONT = 100_000_000  # bytes; TinySoundFont needs two and a half times that in each worker
_POLL_S = 0.2  # so that Ctrl-C is noticed on Windows too, where a plain wait cannot be interrupted

# The worker searches exactly where we do, never in the user's folder, where any file could pose as a module.
_START = "import sys; sys.path[:] = sys.argv[1:]; from emsync_engine.audio.worker import main; sys.exit(main())"

_Messages = queue.Queue[tuple[int, "dict[str, Any] | None"]]


def play_all(
    jobs: Sequence[PartJob], synth: SynthInfo, soundfont: SoundFont, folder: Path, progress: Callable[[int], None]
) -> None:
    """Play every job into its file.

    Args:
        jobs: what to play.
        synth: the synthesiser.
        soundfont: its sounds.
        folder: an existing folder for the workers' logs.
        progress: told the samples of every block that is done, of any part.

    Raises:
        InputError: the synthesiser cannot load the SoundFont.
        EmsyncError: a worker stopped.
    """
    waiting = deque(sorted(jobs, key=lambda job: (-job.effort, job.part_id)))
    messages: _Messages = queue.Queue()
    with ExitStack() as stack:
        workers: list[_Worker] = []
        for index in range(_worker_count(jobs, synth, soundfont)):
            worker = _Worker(index, messages, synth, soundfont, folder)
            stack.callback(worker.stop)
            workers.append(worker)
        unfinished = len(jobs)
        while unfinished:
            index, message = _next(messages)
            if message is None:
                raise EmsyncError(f"{synth} stopped while playing{workers[index].last_words()}", code="render_failed")
            if "error" in message:
                error = message["error"]
                raise InputError(error["message"], where=error["where"], code=error["code"])
            progress(message.get("progress", 0))
            unfinished -= "done" in message
            if waiting and ("ready" in message or "done" in message):
                workers[index].send(encode_job(waiting.popleft()))


def _worker_count(jobs: Sequence[PartJob], synth: SynthInfo, soundfont: SoundFont) -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    limit = MAX_WORKERS
    if synth.name == "tinysoundfont" and soundfont.path.stat().st_size > LARGE_SOUNDFONT:
        limit = 2
    return min(len(jobs), cores, limit)


def _next(messages: _Messages) -> tuple[int, dict[str, Any] | None]:
    while True:
        with suppress(queue.Empty):
            return messages.get(timeout=_POLL_S)


class _Worker:
    """One process and the thread that listens to it. ``None`` on the queue means that it has ended."""

    def __init__(self, index: int, messages: _Messages, synth: SynthInfo, soundfont: SoundFont, folder: Path) -> None:
        self._log = folder / f"worker-{index}.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _START, *(path or str(Path.cwd()) for path in sys.path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                encoding="utf-8",
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        self._thread = threading.Thread(target=self._listen, args=(index, messages), daemon=True)
        self._thread.start()
        self.send({"synth": synth.name, "soundfont": str(soundfont.path.resolve())})

    def send(self, row: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        with suppress(OSError):  # it has ended: the listener says so
            self._process.stdin.write(json.dumps(row) + "\n")
            self._process.stdin.flush()

    def last_words(self) -> str:
        """The last line of its log, as the end of a sentence."""
        lines = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return f": {lines[-1]}" if lines else f" (exit status {self._process.poll()})"

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        self._thread.join()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with suppress(OSError):  # a request that it never read
                pipe.close()

    def _listen(self, index: int, messages: _Messages) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            messages.put((index, json.loads(line)))
        messages.put((index, None))
