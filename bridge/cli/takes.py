"""``emsync takes``: history and locks."""

from __future__ import annotations

import argparse
from typing import Any

from bridge.cli.common import Reporter, folder_argument, require, say, table
from bridge.folder import Lock


def arguments(parser: argparse.ArgumentParser) -> None:
    folder_argument(parser)
    parser.add_argument("action", choices=("list", "use", "lock", "unlock"), nargs="?", default="list")
    parser.add_argument("number", type=int, nargs="?", metavar="N", help="the take to use")
    parser.add_argument("--part", "--parts", dest="part", help="lock or unlock this part (comma-separated for several)")
    parser.add_argument("--section", "--sections", dest="section", help="in this section, by id or name")


def run(options: argparse.Namespace) -> dict[str, Any]:
    from bridge.history import change_locks, list_takes, use_take

    reporter = Reporter(options)
    require(options.action == "use" or options.number is None, f"{options.action} takes no number")
    if options.action == "use":
        require(options.number is not None, "say which take: emsync takes DIR use N")
        answer = use_take(options.dir, options.number, reporter)
        reporter.close()
    elif options.action in ("lock", "unlock"):
        require(
            options.action == "unlock" or _names(options.part) + _names(options.section) != [None, None],
            "say what to lock: --part bass, --section s2, or both",
        )
        asked = [Lock(part, section) for part in _names(options.part) for section in _names(options.section)]
        answer = change_locks(options.dir, asked, locked=options.action == "lock")
    else:
        answer = list_takes(options.dir)
    if not options.json:
        _tell(answer)
    return answer


def _names(text: str | None) -> list[str | None]:
    """The names of a comma-separated list; None, which stands for all, when there is none."""
    return [name.strip() for name in (text or "").split(",") if name.strip()] or [None]


def _tell(answer: dict[str, Any]) -> None:
    table(
        [
            (
                "*" if take["current"] else " ",
                f"take {take['number']}",
                take["created"],
                f"seed {take['seed']}",
                _what(take),
            )
            for take in answer["takes"]
        ],
        indent="",
    )
    for lock in answer["locks"]:
        say(f"locked: {lock['part'] or 'all parts'} in {lock['section'] or 'all sections'}")
    for path in answer.get("kept_aside", []):
        say(f"a file you had changed was kept as {path}")


def _what(take: dict[str, Any]) -> str:
    request = take["request"]
    if request.get("command") == "regenerate":
        return f"{', '.join(request['parts'])} from {request['start']} to {request['end']} (of take {take['parent']})"
    return str(request.get("command", ""))
