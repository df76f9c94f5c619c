"""``emsync live``."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from bridge.cli.common import require, say, table, warn

_ASKED = ("regenerate", "next", "previous", "push")
_STATES = {
    "absent": "not installed (emsync live install)",
    "current": "installed, up to date",
    "other": "installed, another version of EMSYNC (emsync live install)",
    "edited": "installed, but files were changed by hand (emsync live install keeps a copy of them)",
    "foreign": "a folder called EMSYNC is there that is not ours",
}
_NEXT = (
    "now start Live (or restart it), open Settings > Link, Tempo & MIDI, and choose EMSYNC as a Control Surface; its "
    "input and output may stay at None"
)


def arguments(parser: argparse.ArgumentParser) -> None:
    actions = ("install", "uninstall", "status", "watch", *_ASKED)
    parser.add_argument(
        "action", choices=actions, nargs="?", default="status", metavar="ACTION",
        help=("install, uninstall or status of the script in Live; watch: do what is asked for inside Live; "
              "regenerate, next, previous, push: ask for it from here"),
    )  # fmt: skip
    parser.add_argument("--to", type=Path, metavar="DIR", help="the Remote Scripts folder (default: found)")
    parser.add_argument("--port", type=int, metavar="N", help="of the script (default 17713)")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
    parser.add_argument("--state", type=Path, metavar="DIR", help="the daemon's state folder (default: the usual)")
    parser.add_argument("--timeout", type=float, default=10.0, metavar="S", help="longest wait for an answer")


def run(options: argparse.Namespace) -> dict[str, Any]:
    from bridge.daemon.state import default_state

    require(options.port is None or 0 <= options.port <= 65535, "--port is 0 to 65535")
    require(options.timeout > 0, "--timeout is a number of seconds above 0")
    state: Path = options.state or default_state()
    if options.action == "status":
        return _status(options, state)
    if options.action == "watch":
        return _watch(options, state)
    if options.action in _ASKED:
        return _ask(options, state)
    return _change(options, state)


def _folders(options: argparse.Namespace) -> tuple[Path, ...]:
    """Where remote scripts lie: as told, or as found."""
    from bridge.live.places import remote_script_folders
    from emsync_engine.errors import InputError

    found = (options.to,) if options.to else remote_script_folders(Path.home(), os.environ)
    if not found:
        raise InputError(
            "no User Library of Ableton Live was found; name its Remote Scripts folder with --to "
            "(Live shows where the library is under Settings > Library)",
            code="no_user_library",
        )
    return found


def _change(options: argparse.Namespace, state: Path) -> dict[str, Any]:
    from bridge.live.install import install, uninstall

    changes = []
    for folder in _folders(options):
        if options.action == "install":
            change = install(folder, state, port=options.port, dry_run=options.dry_run)
        else:
            change = uninstall(folder, state, dry_run=options.dry_run)
        changes.append(change)
        if not options.json:
            would = "would have " if options.dry_run else ""
            say(f"{change.folder}: {would}{len(change.written)} files written, {len(change.removed)} removed")
            if change.left:
                say(f"  not ours, left there: {', '.join(change.left)}")
            if change.backup:
                say(f"  files that you had changed are in {change.backup}")
    if options.action == "install" and not options.dry_run and not options.json:
        say(_NEXT)
    return {"action": options.action, "dry_run": options.dry_run, "folders": [c.as_json() for c in changes]}


def _status(options: argparse.Namespace, state: Path) -> dict[str, Any]:
    from bridge.connectors.base import Options, TargetError
    from bridge.connectors.live import LiveConnector
    from bridge.live.install import look
    from bridge.live.places import remote_script_folders

    folders = (options.to,) if options.to else remote_script_folders(Path.home(), os.environ)
    rows = [look(folder) for folder in folders]
    answer: dict[str, Any] = {"folders": [row.as_json() for row in rows], "live": None, "said": ""}
    state.mkdir(parents=True, exist_ok=True)
    try:
        with LiveConnector(Options(str(state), options.timeout)) as live:
            answer["live"] = live.hello().as_json()
    except TargetError as error:
        answer["said"], answer["state"] = error.message, error.state
    if not options.json:
        table([(str(row.folder), _STATES[row.state]) for row in rows] or [("no User Library found", "name it: --to")])
        if answer["live"]:
            say(f"{answer['live']['application']} answers; it can: {_abilities(answer['live'])}")
        else:
            warn([answer["said"]])
    return answer


def _abilities(hello: dict[str, Any]) -> str:
    return ", ".join(name.replace("_", " ") for name, able in hello["capabilities"].items() if able)


def _watch(options: argparse.Namespace, state: Path) -> dict[str, Any]:
    from bridge.connectors.base import Options
    from bridge.live.desk import LiveDesk

    def told(text: str) -> None:
        if not options.json:
            say(text)

    desk = LiveDesk(Options(str(state), options.timeout), state, told)
    told("watching Live; Ctrl-C stops")
    try:
        desk.run(lambda: False)
    except KeyboardInterrupt:
        pass
    finally:
        desk.close()
    return {"action": "watch", "stopped": True}


def _ask(options: argparse.Namespace, state: Path) -> dict[str, Any]:
    """Note it in Live as if it had been asked for there; whoever watches does it."""
    from bridge.live.watch import ask_live

    answer = ask_live(state, options.action, options.timeout)
    if not options.json:
        say(f"asked Live for: {options.action}")
    return answer
