"""The calls: one table from which the HTTP routes, the OSC addresses, the help and the documentation are made."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bridge.daemon.answered import Answered
from bridge.daemon.arguments import TOPICS, Argument, checked
from bridge.daemon.engine import Engine
from bridge.daemon.jobs import Job
from bridge.daemon.transport import Transport
from emsync_engine.errors import InputError
from emsync_engine.version import __version__

Answer = dict[str, Any]
PROTOCOL = 1
"""The version in every address: ``/emsync/1/...``."""
DEFAULT_LEASE_S = 60.0
"""A subscription lasts so long unless the client says otherwise."""
_LISTED = 30
"""Jobs that ``status`` lists."""


@dataclass(frozen=True)
class Desk:
    """What a handler may use."""

    engine: Engine
    roots: Sequence[Path]
    http: str = ""
    """Address of the HTTP twin."""
    transport: Transport | None = None
    """Live MIDI, where ports were named."""
    answered: Answered = field(default_factory=Answered)
    state: Path | None = None
    """The daemon's state folder, where Ableton Live's script says where it is."""


@dataclass(frozen=True)
class Work:
    """How a call is queued."""

    priority: int
    """Less goes first."""
    timeout_s: float


@dataclass(frozen=True)
class Call:
    """A row of the table. It is either answered at once by its ``handler`` or queued as ``work`` for the worker."""

    name: str
    help: str
    arguments: tuple[Argument, ...] = ()
    handler: Callable[[Desk, Answer], Awaitable[Answer]] | None = None
    work: Work | None = None
    mutates: bool = False
    """Needs the token over HTTP, and POST."""
    stream: bool = False
    """Its answer is followed by events."""


async def perform(desk: Desk, call: Call, request_id: str, given: Mapping[str, Any]) -> Job | Answer:
    """Answer a call, or accept it as a job.

    Raises:
        InputError: something is wrong with the request.
    """
    if call.work is None:
        return await _at_once(desk, call, request_id, given)
    work = call.work

    def job() -> Job:
        values = _completed(call, checked(call.arguments, given, desk.roots))
        return Job(request_id, call.name, values, work.priority, work.timeout_s)

    return await desk.engine.submit(job)


async def _at_once(desk: Desk, call: Call, request_id: str, given: Mapping[str, Any]) -> Answer:
    async def do() -> Answer:
        assert call.handler is not None
        values = await asyncio.to_thread(checked, call.arguments, given, desk.roots)  # which looks at the disk
        return await call.handler(desk, values)

    return await desk.answered.once(request_id if call.mutates else "", call.name, given, do)


def _completed(call: Call, values: Answer) -> Answer:
    """What follows from other arguments."""
    if call.name == "score":
        source = Path(values["source"])
        values.setdefault("output", str(source.with_name(f"{source.stem}.emsync")))
        if ("start" in values) != ("end" in values):
            raise InputError("give both start and end, or neither", code="bad_argument")
    if call.name == "lock" and not {"part", "section"} & set(values):
        raise InputError("say what to lock: part, section, or both", code="bad_argument")
    if call.name == "send" and ("start" in values) != ("end" in values):
        raise InputError("give both start and end, or neither", code="bad_argument")
    return values


# --- answered at once --------------------------------------------------------------------------------------------


async def _hello(desk: Desk, given: Answer) -> Answer:
    return {"version": __version__, "protocol": PROTOCOL, "http": desk.http, "calls": list(CALLS)}


async def _status(desk: Desk, given: Answer) -> Answer:
    if "job" in given:
        job = desk.engine.job(given["job"])
        return {**job.to_json(), "result": await desk.engine.result(job.id)}
    jobs = list(desk.engine.jobs.values())
    return {
        "waiting": sum(j.ended is None for j in jobs),
        "worker": desk.engine.worker.pid or 0,
        "transport": dict(desk.transport.state) if desk.transport else None,
        "live": desk.state is not None and (desk.state / "live.json").is_file(),
        "jobs": [j.to_json() for j in jobs[: -_LISTED - 1 : -1]],
    }


async def _cancel(desk: Desk, given: Answer) -> Answer:
    job = await desk.engine.cancel(given["job"])
    return {"job": job.id, "state": job.state}


async def _takes(desk: Desk, given: Answer) -> Answer:
    from bridge.history import list_takes

    return await asyncio.to_thread(list_takes, Path(given["folder"]))


async def _transport(desk: Desk, given: Answer) -> Answer:
    if desk.transport is None:
        raise InputError("no MIDI port was named: emsync serve --midi-out NAME (emsync doctor lists them)",
                         code="no_midi")  # fmt: skip
    return await desk.transport.order(given)


async def _live(desk: Desk, given: Answer) -> Answer:
    from bridge.live.watch import ask_live

    assert desk.state is not None
    return await asyncio.to_thread(ask_live, desk.state, given["action"])


async def _subscribe(desk: Desk, given: Answer) -> Answer:
    return {"topic": given["topic"], "seconds": given.get("seconds", DEFAULT_LEASE_S)}


async def _help(desk: Desk, given: Answer) -> Answer:
    names = [given["name"]] if "name" in given else list(CALLS)
    if names[0] not in CALLS:
        raise InputError(f"there is no call {names[0][:40]!r} (there are {', '.join(CALLS)})", code="no_such_call")
    return {name: usage(CALLS[name]) for name in names}


def usage(call: Call) -> str:
    """``folder start end [parts]: another take of a region``."""
    words = [a.name if a.required else f"[{a.name}]" for a in call.arguments]
    return f"{' '.join(words)}: {call.help}" if words else call.help


# --- the table ---------------------------------------------------------------------------------------------------

_FOLDER = Argument("folder", "path", "score folder", required=True)
_SOURCE = Argument("source", "file", "timeline or video file", required=True)
_STYLE = (
    Argument("mood", "mood", "valence,arousal in -1..1, or a word such as tense"),
    Argument("seed", "whole number", "another number gives another score"),
    Argument("parts", "parts", "who plays, such as strings,piano"),
    Argument("tempo", "tempo", "beats a minute, 40..200"),
    Argument("key", "key", "such as d minor"),
    Argument("min_gap", "seconds", "least seconds between hits"),
)
_JOB = Argument("job", "id", "id of the request that started it", required=True)
_LOCKED = (Argument("part", "text", "such as bass"), Argument("section", "text", "id or name of a section"))

_ROWS = (
    Call(
        "hello", "who answers, and what it can do",
        (Argument("client", "text", "your name"), Argument("version", "text", "your version"),
         Argument("token", "text", "over OSC, where `--listen` was given")), _hello,
    ),
    Call(
        "score", "score a timeline",
        (_SOURCE, Argument("output", "path", "score folder to make (default: beside the source)"),
         Argument("start", "time", "score only from here"), Argument("end", "time", "to here"), *_STYLE),
        work=Work(40, 4 * 3600), mutates=True,
    ),
    Call(
        "regenerate", "another take of a region",
        (_FOLDER, Argument("start", "time", "seconds, timecode or bar (12.5, 01:00:12:12, b7.1)", required=True),
         Argument("end", "time", "likewise", required=True),
         Argument("parts", "parts", "only these (default: all)"),
         Argument("mood", "mood", "another mood for the region"),
         Argument("seed", "whole number", "default: one that was not used yet")),
        work=Work(10, 3600), mutates=True,
    ),
    Call(
        "conform", "fit a score to a new cut of its picture", (_FOLDER, _SOURCE, *_STYLE),
        work=Work(30, 4 * 3600), mutates=True,
    ),
    Call("cancel", "stop a job that waits or runs", (_JOB,), _cancel, mutates=True),
    Call("status", "one job with its result, or the queue", (Argument("job", "id", "id of a request"),), _status),
    Call("takes", "history and locks of a score", (_FOLDER,), _takes),
    Call(
        "use", "make another take the current one",
        (_FOLDER, Argument("take", "whole number", "its number", required=True)), work=Work(5, 3600), mutates=True,
    ),
    Call("lock", "keep a part, a section or both from regeneration", (_FOLDER, *_LOCKED),
         work=Work(0, 120), mutates=True),
    Call("unlock", "undo locks (all of them when nothing is named)", (_FOLDER, *_LOCKED),
         work=Work(0, 120), mutates=True),
    Call("mood", "valence and arousal of the picture over time", (_SOURCE, _STYLE[0]),
         work=Work(20, 3600), mutates=True),
    Call("render", "mix and stems of the current take again", (_FOLDER,), work=Work(20, 3600), mutates=True),
    Call(
        "send", "put a score into a DAW, or into files for one",
        (Argument("target", "target", "reaper, live, abletonosc, ardour or files", required=True), _FOLDER,
         Argument("take", "whole number", "default: the current one"),
         Argument("start", "time", "only from here, in place"), Argument("end", "time", "to here"),
         Argument("parts", "parts", "only these (default: all)")),
        work=Work(20, 600), mutates=True,
    ),
    Call(
        "transport", "play a score to MIDI ports, or follow another machine",
        (Argument("action", "action", "play, stop, locate, follow, load (again) or state", required=True),
         Argument("folder", "path", "score folder (default: the one it has)"),
         Argument("at", "time", "where to play from or to locate to (default: where it stands)"),
         Argument("source", "time source", "what to follow: mtc (default) or clock")),
        _transport, mutates=True,
    ),
    Call(
        "live", "ask for something in Ableton Live, as a mapped control there does",
        (Argument("action", "text", "regenerate (what is selected there), next, previous or push", required=True),),
        _live, mutates=True,
    ),
    Call(
        "subscribe", "be told what changes, for a while",
        (Argument("topic", "topic", " or ".join(TOPICS), required=True),
         Argument("seconds", "lease", "how long, 1..3600 (default 60); subscribe again to go on")),
        _subscribe, stream=True,
    ),
    Call("help", "the calls and their arguments", (Argument("name", "text", "one call"),), _help),
)  # fmt: skip
CALLS: Mapping[str, Call] = {row.name: row for row in _ROWS}


def markdown_table() -> str:
    """The table of the documentation."""
    lines = ["| call | HTTP | arguments, in the order of OSC | what it does |", "|---|---|---|---|"]
    for call in CALLS.values():
        words = ", ".join(
            f"`{a.name}` ({a.kind}{'' if a.required else ', optional'}): {a.help}" for a in call.arguments
        )
        how = f"{'POST' if call.mutates else 'GET'} /{PROTOCOL}/{call.name}"
        lines.append(f"| `/emsync/{PROTOCOL}/{call.name}` | `{how}` | {words or '-'} | {call.help} |")
    return "\n".join(lines) + "\n"
