"""The process that does the work: requests come in as JSON lines, progress and results go out as JSON lines.

It is warm (everything is imported once), does one job at a time, and ends when the daemon ends.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

from bridge.settings import Settings, key_of, min_gap_of
from emsync_engine.errors import EmsyncError
from emsync_engine.instructions import parse_mood, parse_parts, parse_tempo
from emsync_engine.timecode import canonical_rate

Request = Mapping[str, Any]
Progress = Callable[[float, str], None]
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_EVERY_S = 0.05
"""Progress within one stage is told at most this often."""
_WARM = ("bridge.pipeline", "bridge.conform", "emsync_engine.audio.render", "bridge.report")


def settings_of(request: Request) -> Settings:
    """The settings that a request gives."""
    readers: dict[str, Callable[[Any], Any]] = {
        "mood": parse_mood,
        "seed": int,
        "parts": parse_parts,
        "min_gap": min_gap_of,
        "tempo": parse_tempo,
        "key": key_of,
        "engine": str,
        "soundfont": Path,
        "media_roots": lambda roots: tuple(map(Path, roots)),
        "rate": canonical_rate,
    }
    return Settings(**{k: read(request[k]) for k, read in readers.items() if request.get(k) is not None})


def _score(request: Request, progress: Progress) -> dict[str, Any]:
    from bridge.pipeline import ScoreRequest, score

    ends = (request["start"], request["end"]) if request.get("start") is not None else None
    asked = ScoreRequest(Path(request["source"]), Path(request["output"]), ends, settings_of(request),
                         bool(request.get("within")))  # fmt: skip
    return score(asked, progress)


def _regenerate(request: Request, progress: Progress) -> dict[str, Any]:
    from bridge.pipeline import RegenerateRequest, regenerate

    said = settings_of(request)
    asked = RegenerateRequest(
        Path(request["folder"]), request["start"], request["end"], said.parts, said.mood, said.seed
    )
    return regenerate(asked, progress)


def _conform(request: Request, progress: Progress) -> dict[str, Any]:
    from bridge.conform import ConformRequest, conform

    within = bool(request.get("within"))
    asked = ConformRequest(Path(request["folder"]), Path(request["source"]), settings_of(request), within)
    return conform(asked, progress)


def _use(request: Request, progress: Progress) -> dict[str, Any]:
    from bridge.history import use_take

    return use_take(Path(request["folder"]), request["take"], progress)


def _locking(locked: bool) -> Callable[[Request, Progress], dict[str, Any]]:
    def change(request: Request, progress: Progress) -> dict[str, Any]:
        from bridge.folder import Lock
        from bridge.history import change_locks

        lock = Lock(request.get("part"), request.get("section"))
        return change_locks(Path(request["folder"]), [lock], locked=locked)

    return change


def _mood(request: Request, progress: Progress) -> dict[str, Any]:
    from bridge.pipeline import ScoreRequest, effective, mood_of, read

    asked = ScoreRequest(Path(request["source"]), settings=settings_of(request))
    picture = read(asked)
    return mood_of(picture, effective(asked, picture), progress).to_json()


def _render(request: Request, progress: Progress) -> dict[str, Any]:
    from bridge.history import rerender

    return rerender(Path(request["folder"]), None, progress)


def _send(request: Request, progress: Progress) -> dict[str, Any]:
    from bridge.daemon.sending import send

    return send(request, progress)


WORK: Mapping[str, Callable[[Request, Progress], dict[str, Any]]] = {
    "score": _score,
    "regenerate": _regenerate,
    "conform": _conform,
    "use": _use,
    "lock": _locking(True),
    "unlock": _locking(False),
    "mood": _mood,
    "render": _render,
    "send": _send,
}


def error_of(error: Exception) -> dict[str, str]:
    """code, message and where of whatever an order raised."""
    if isinstance(error, EmsyncError):
        return {"code": error.code, "message": error.message, "where": error.where}
    if isinstance(error, OSError):
        return {"code": "file_error", "message": error.strerror or str(error), "where": str(error.filename or "")}
    if isinstance(error, MemoryError):
        return {"code": "too_large", "message": "this needs more memory than there is; score a part of it", "where": ""}
    traceback.print_exc()  # to the daemon's log
    return {"code": "internal", "message": f"internal error: {type(error).__name__}: {error}", "where": ""}


class _Telling:
    """Progress as lines, not more than anybody can read."""

    def __init__(self, tell: Callable[[dict[str, Any]], None]) -> None:
        self._tell = tell
        self._last_s = 0.0
        self._stage = ""

    def __call__(self, done: float, stage: str) -> None:
        now = time.monotonic()
        if stage == self._stage and now - self._last_s < _EVERY_S:
            return
        self._last_s, self._stage = now, stage
        self._tell({"progress": min(max(float(done), 0.0), 1.0), "stage": stage})


def _requests(source: IO[bytes]) -> queue.Queue[dict[str, Any]]:
    """The requests as they come, read in a thread that ends the process when the daemon has gone."""
    waiting: queue.Queue[dict[str, Any]] = queue.Queue()

    def read() -> None:
        for line in source:
            waiting.put(json.loads(line))
        os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    return waiting


def die_with_parent() -> None:
    """Have Linux kill this process when the daemon dies, also in the midst of a long computation."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def limit_memory(most_bytes: int | None = None) -> None:
    """Keep one request from taking the whole computer (Linux): by default three quarters of its memory, and no core
    files. What needs more fails as ``MemoryError``.
    """
    if sys.platform != "linux":
        return
    import resource

    if most_bytes is None:
        most_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * 3 // 4
    for kind, most in ((resource.RLIMIT_DATA, most_bytes), (resource.RLIMIT_CORE, 0)):
        _, hard = resource.getrlimit(kind)
        if hard != resource.RLIM_INFINITY:
            most = min(most, hard)
        resource.setrlimit(kind, (most, hard))


def _warm_up() -> None:
    """Load the composer's weights before the first request asks for them."""
    from emsync_engine.composers import warm_up

    try:
        warm_up()
    except EmsyncError as error:  # a request that needs them will say the same
        sys.stderr.write(f"the composer is not ready: {error}\n")


def main() -> None:
    """Answer requests until the daemon goes away."""
    die_with_parent()
    limit_memory()
    if sys.platform != "win32":
        os.nice(5)  # requests are answered first
    out = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # whatever a library prints is for the log

    def tell(message: dict[str, Any]) -> None:
        out.write(json.dumps(message).encode() + b"\n")

    waiting = _requests(sys.stdin.buffer)
    for module in _WARM:
        importlib.import_module(module)
    _warm_up()
    tell({"ready": True})
    while True:
        asked = waiting.get()
        try:
            result = WORK[asked["call"]](asked["request"], _Telling(tell))
        except Exception as error:  # whatever a job raises is its own failure, not the worker's
            tell({"error": error_of(error)})
        else:
            tell({"result": result})


if __name__ == "__main__":
    main()
