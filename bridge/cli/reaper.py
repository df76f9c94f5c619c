"""``emsync reaper``: the scripts in REAPER, and what its actions ask for."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from bridge.cli.common import require, say, table
from emsync_engine.errors import InputError


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("install", "uninstall", "status", "listen"))
    parser.add_argument(
        "--resource-path", type=Path, metavar="DIR",
        help="REAPER's resource path (in REAPER: Options > Show REAPER resource path); default: every one found",
    )  # fmt: skip
    parser.add_argument(
        "--osc", action="store_true", help="install: also add an OSC device to reaper.ini (REAPER must be closed)"
    )
    parser.add_argument("--state", type=Path, metavar="DIR", help="listen: state folder of emsync serve")


def run(options: argparse.Namespace) -> dict[str, Any]:
    require(options.action == "install" or not options.osc, f"{options.action} takes no --osc")
    require(options.action == "listen" or options.state is None, f"{options.action} takes no --state")
    if options.action == "listen":
        return _listen(options)
    from bridge.reaper.install import install, status, uninstall

    places = _places(options)
    if options.action == "status":
        found = [status(path).to_json() for path in places]
        answer: dict[str, Any] = {"reaper": found}
    elif options.action == "install":
        answer = {"reaper": [install(path, osc=options.osc) for path in places]}
    else:
        answer = {"reaper": [uninstall(path) for path in places]}
    if not options.json:
        _TELL[options.action](answer["reaper"])
    return answer


def _places(options: argparse.Namespace) -> list[Path]:
    from bridge.reaper.resources import find_resources

    places = [options.resource_path] if options.resource_path else find_resources()
    if not places:
        raise InputError(
            "no REAPER was found; start it once, or give its resource path with --resource-path (in REAPER: Options > "
            "Show REAPER resource path)", code="no_reaper",
        )  # fmt: skip
    return places


def _listen(options: argparse.Namespace) -> dict[str, Any]:
    from bridge.connectors.reaper_mailbox import listen
    from bridge.daemon.state import default_state

    places = _places(options)

    def started(path: Path) -> None:
        if not options.json:
            say(f"listening for REAPER's actions in {path}; Ctrl-C stops")
            sys.stdout.flush()

    served = listen(places, options.state or default_state(), started)
    return {"stopped": True, "served": served}


def _tell_status(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        say(row["resources"])
        table([(name, str(row[name])) for name in ("state", "scripts", "autostart", "application", "osc") if row[name]])
        if row["scripts"] != "current":
            say("  emsync reaper install puts the scripts there")


def _tell_install(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        say(row["resources"])
        say(f"  {len(row['changed'])} files written" if row["changed"] else "  everything was there already")
        for path in row["backups"]:
            say(f"  kept as it was: {path}")
        start = "start REAPER again" if row["running"] else "start REAPER"
        say(f"  {start}: the listener starts with it, and the actions are in its action list (search for emsync)")


def _tell_uninstall(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        say(row["resources"])
        say(f"  {len(row['removed'])} files removed" if row["removed"] else "  nothing of EMSYNC was there")


_TELL = {"status": _tell_status, "install": _tell_install, "uninstall": _tell_uninstall}
