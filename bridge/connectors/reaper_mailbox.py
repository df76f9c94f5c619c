"""Serves what REAPER's actions ask for: takes their requests from the mailbox, has the daemon do the work, and writes
the result back into REAPER.

``Pump.step`` does one request; ``listen`` runs pumps until it is stopped. A request is done once: its id is the id of
the daemon's job, and its file is taken away when it has been answered.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bridge.connectors.base import Delivered, OnEdit, Options, TargetError
from bridge.connectors.plan import Region, plan_of_folder
from bridge.connectors.reaper import ReaperConnector
from bridge.connectors.reaper_box import Mailbox
from bridge.connectors.reaper_daemon import Daemon
from bridge.connectors.reaper_picture import head_seconds, plain_name, timeline_of
from bridge.files import json_bytes, write_atomic
from emsync_engine.errors import EmsyncError, InputError

BEAT_S = 1.0
_IDLE_S = 0.05
_TELL_S = 0.25
"""Progress is told at most this often."""
_log = logging.getLogger("emsync.reaper")


class Pump:
    """The mailbox of one REAPER and the daemon.

    Args:
        box: the mailbox.
        daemon: who does the work.
        folders: where timelines of projects that were never saved may be kept; default: beside the mailbox.
    """

    def __init__(self, box: Mailbox, daemon: Daemon, folders: Path | None = None) -> None:
        self.box = box
        self.daemon = daemon
        self.folders = folders or box.resources / "Data" / "EMSYNC" / "projects"
        self.served = 0
        self._last_beat = -BEAT_S
        self._last_told = 0.0

    # --- life ---

    def step(self) -> bool:
        """Do one waiting request, if there is one; say that somebody listens."""
        self._beat()
        waiting = self.box.requests()
        if not waiting:
            return False
        path, request = waiting[0]
        self._serve(str(request["id"]), request)
        with suppress(OSError):
            path.unlink()
        self.served += 1
        return True

    def close(self) -> None:
        """Tell REAPER that nobody listens any more."""
        if self.box.root.is_dir():
            self.box.pump_beat("closed")

    def _beat(self) -> None:
        if time.monotonic() - self._last_beat >= BEAT_S:
            self._last_beat = time.monotonic()
            with suppress(OSError):  # on Windows REAPER may be reading it: the next second will do
                self.box.pump_beat()

    def _serve(self, request_id: str, request: Mapping[str, Any]) -> None:
        perform = _REQUESTS.get(str(request.get("op")))
        deadline = request.get("deadline")
        try:
            if perform is None:
                raise InputError(f"EMSYNC knows no request {request.get('op')!r}; update it", code="no_such_call")
            if isinstance(deadline, (int, float)) and time.time() > deadline:
                raise InputError("this was asked for too long ago; ask again", code="expired")
            said, ok = perform(self, request_id, request["args"]), True
        except EmsyncError as error:
            said, ok = _in_one_line(error), False
        except OSError as error:  # a folder that cannot be written, say
            said, ok = f"{error.filename or 'a file'}: {error.strerror or error}", False
        except (KeyError, TypeError, ValueError) as error:
            said, ok = f"REAPER has sent a request that cannot be read ({type(error).__name__}: {error})", False
        _log.info("%s %s: %s", request.get("op"), request_id, said)
        self.box.tell("answer", {"request": request_id, "ok": ok, "message": said})

    def _wait(self, seconds: float) -> None:
        self._beat()
        self.box.wait(seconds)

    def _progress(self, done: float, stage: str) -> None:
        if time.monotonic() - self._last_told >= _TELL_S:
            self._last_told = time.monotonic()
            self.box.tell("progress", {"done": done, "stage": stage}, lasts_s=5)

    def do(self, call: str, request_id: str, **arguments: Any) -> dict[str, Any]:
        """A job of the daemon."""
        given = {k: v for k, v in arguments.items() if v is not None}
        return self.daemon.do(call, {"id": request_id, **given}, self._wait, self._progress)

    def connector(self, on_edit: OnEdit) -> ReaperConnector:
        return ReaperConnector(Options(on_edit=on_edit), self.box)


# --- requests ----------------------------------------------------------------------------------------------------


def _regenerate(pump: Pump, request_id: str, args: Mapping[str, Any]) -> str:
    """Another take of the selection. What was edited by hand counts as locked, unless it was selected itself: then
    the new take is put beside it."""
    folder, parts = str(args["folder"]), [str(p) for p in args["parts"]]
    plan = plan_of_folder(Path(folder))
    start = max(float(args["start_s"]), 0.0)
    end = min(float(args["end_s"]), float(plan.duration))
    if end <= start:
        raise InputError("the selection lies outside the score", code="bad_range")
    explicit = bool(args.get("explicit"))
    kept = [] if explicit else [*args["edited"], *args["locked"]]
    with _locked(pump, request_id, folder, kept):
        done = pump.do(
            "regenerate", request_id, folder=folder, start=f"{start:.6f}", end=f"{end:.6f}",
            parts=",".join(parts) or None, mood=args.get("mood"),
        )  # fmt: skip
    plan = plan_of_folder(Path(folder))
    region = Region(plan.tick(done["start_s"]), plan.tick(done["end_s"]), tuple(parts) or None)
    delivered = pump.connector("beside" if explicit else "keep").replace(plan, region)
    return f"take {plan.take}, seed {done['seed']}: {_summary(delivered)}"


@contextmanager
def _locked(pump: Pump, request_id: str, folder: str, items: Sequence[str]) -> Iterator[None]:
    """Items (by id) count as locked in here; what was locked before stays so."""
    rows = sorted({(item.split(":")[1], item.split(":")[2]) for item in items})
    locks = pump.daemon.ask(f"takes?folder={quote(folder)}")["locks"] if rows else []
    before = {(lock["part"], lock["section"]) for lock in locks}
    fresh = [row for row in rows if not before & {row, (row[0], None), (None, row[1])}]
    _change_locks(pump, "lock", request_id, folder, fresh)
    try:
        yield
    finally:
        _change_locks(pump, "unlock", request_id, folder, fresh)


def _change_locks(pump: Pump, call: str, request_id: str, folder: str, rows: Sequence[tuple[str, str]]) -> None:
    for number, (part, section) in enumerate(rows):
        pump.do(call, f"{request_id}-{call}-{number}"[-64:], folder=folder, part=part, section=section)


def _lock(call: str) -> Callable[[Pump, str, Mapping[str, Any]], str]:
    def change(pump: Pump, request_id: str, args: Mapping[str, Any]) -> str:
        rows = sorted({(str(row["part"]), str(row["section"])) for row in args["rows"]})
        _change_locks(pump, call, request_id, str(args["folder"]), rows)
        return f"{call}ed: {', '.join(f'{part} in {section}' for part, section in rows)}"

    return change


def _score_picture(pump: Pump, request_id: str, args: Mapping[str, Any]) -> str:
    """Score what the project shows, or what of it is in the time selection, and write the score into the project."""
    is_saved = bool(args.get("path"))
    home = Path(str(args["path"])).parent if is_saved else pump.folders
    home.mkdir(parents=True, exist_ok=True)
    name = plain_name(args) if is_saved else time.strftime("unsaved %Y-%m-%d %H.%M.%S")
    pump.box.tell("progress", {"done": 0.0, "stage": "looking for cuts"}, lasts_s=5)
    source = home / f"{name}.reaper.otio"
    write_atomic(source, json_bytes(timeline_of(args, name), indent=1))
    head, span = head_seconds(args), _span(args)
    known = args.get("folder")
    output = known if known and Path(str(known)).is_dir() else str(home / f"{name}.emsync")
    done = pump.do(
        "score", request_id, source=str(source), output=output,
        start=span and f"{span[0]:.6f}", end=span and f"{span[1]:.6f}",
    )  # fmt: skip
    plan = plan_of_folder(Path(str(done["dir"])))
    delivered = pump.connector("keep").push_at(plan, head + (span[0] if span else 0.0))
    return f"take {plan.take}, {len(done['hits'])} hits: {_summary(delivered)}"


def _span(args: Mapping[str, Any]) -> tuple[float, float] | None:
    """The time selection in seconds from the head of the picture."""
    if args.get("from_s") is None or args.get("to_s") is None:
        return None
    head = head_seconds(args)
    ends = [float(v["position_s"]) + float(v["length_s"]) for v in args["videos"]]
    start = max(float(args["from_s"]) - head, 0.0)
    end = min(float(args["to_s"]), max(ends, default=float(args["length_s"]))) - head
    if end <= start:
        raise InputError("the time selection lies outside the picture", code="bad_range")
    return start, end


def _summary(delivered: Delivered) -> str:
    counted = {
        outcome: sum(item.outcome == outcome for item in delivered.items)
        for outcome in ("written", "updated", "beside", "unchanged", "kept", "locked", "removed")
    }
    words = [f"{count} {_WORDS.get(outcome, outcome)}" for outcome, count in counted.items() if count]
    return "; ".join([", ".join(words) or "nothing to write", *delivered.said])


_WORDS = {"beside": "beside your edits", "kept": "kept as you edited them"}
_REQUESTS: Mapping[str, Callable[[Pump, str, Mapping[str, Any]], str]] = {
    "regenerate": _regenerate,
    "score_picture": _score_picture,
    "send_markers": _score_picture,
    "lock": _lock("lock"),
    "unlock": _lock("unlock"),
}
"""What an action may ask for. ``send_markers`` has ``hits``, the markers that are hits."""


def _in_one_line(error: EmsyncError) -> str:
    text = " ".join(str(error).split())
    return f"{text} (REAPER: {error.state})" if isinstance(error, TargetError) else text


# --- running -----------------------------------------------------------------------------------------------------


def run(pumps: Sequence[Pump], stop: threading.Event) -> int:
    """Serve until ``stop`` is set; the number of requests done. One pump that fails does not stop the others."""
    try:
        while not stop.is_set():
            busy = [_step_safely(pump) for pump in pumps]
            if not any(busy):
                stop.wait(_IDLE_S)
    finally:
        for pump in pumps:
            pump.close()
    return sum(pump.served for pump in pumps)


def _step_safely(pump: Pump) -> bool:
    try:
        return pump.step()
    except OSError as error:  # a full disk, a folder that has gone: it may come back
        _log.error("the mailbox of %s: %s", pump.box.resources, error)
        pump.box.wait(BEAT_S)
        return False


def _has_scripts(resources: Path) -> bool:
    return (resources / "Scripts" / "EMSYNC").is_dir()


class PumpThread:
    """Pumps in a thread of their own, for a program that has something else to do, such as the daemon.

    Args:
        state: state folder of the daemon, which need not run yet.
        resources: resource paths; None stands for every REAPER on this computer that has our scripts.
    """

    def __init__(self, state: Path, resources: Sequence[Path] | None = None) -> None:
        from bridge.reaper.resources import find_resources

        self._stop = threading.Event()
        places = find_resources() if resources is None else resources
        pumps = [Pump(Mailbox(path), Daemon(state)) for path in places if _has_scripts(path)]
        self._thread = threading.Thread(target=run, args=(pumps, self._stop), name="reaper", daemon=True)

    def start(self) -> PumpThread:
        self._thread.start()
        return self

    def close(self, wait_s: float = 5.0) -> None:
        self._stop.set()
        self._thread.join(wait_s)


def listen(resources: Sequence[Path], state: Path, started: Callable[[Path], None]) -> int:
    """``emsync reaper listen``: serve until Ctrl-C or SIGTERM.

    Raises:
        InputError: the scripts are in none of these resource paths.
    """
    import signal

    pumps = [Pump(Mailbox(path), Daemon(state)) for path in resources if _has_scripts(path)]
    if not pumps:
        raise InputError("EMSYNC's scripts are not in this REAPER; run: emsync reaper install", str(resources[0]),
                         "not_installed")  # fmt: skip
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    for pump in pumps:
        started(pump.box.resources)
    return run(pumps, stop)
