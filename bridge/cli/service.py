"""``emsync service``."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import Any

from bridge.cli import serve
from bridge.cli.common import say
from emsync_engine.errors import UsageError


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("install", "remove", "status"), help="start the daemon at login, or not")
    parser.add_argument(
        "--no-start", action="store_true", help="only write or remove the entry; start and stop nothing now"
    )
    parser.add_argument(
        "--serve", type=shlex.split, default=[], metavar="OPTIONS",
        help="options of emsync serve, such as --serve='--midi-out synth --root /films'",
    )  # fmt: skip


def run(options: argparse.Namespace) -> dict[str, Any]:
    from bridge.service.manage import install, remove, status

    if options.serve and options.action != "install":
        raise UsageError("options of emsync serve are for install")
    if options.action == "install":
        answer = install(_checked(options.serve), start=not options.no_start)
    elif options.action == "remove":
        answer = remove(stop=not options.no_start)
    else:
        answer = status()
    if not options.json:
        _tell(options.action, answer)
    return answer


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> Any:
        raise UsageError(f"{message} (emsync serve --help tells more)", "emsync serve")


def _checked(words: list[str]) -> list[str]:
    """Options of ``emsync serve`` as they hold wherever the daemon is started: with absolute paths.

    Raises:
        UsageError: there is no such option, or not such a value.
    """
    parser = _Parser(prog="emsync serve", add_help=False, allow_abbrev=False)
    serve.arguments(parser)
    given = vars(parser.parse_args(words))
    usual = vars(parser.parse_args([]))
    said: list[str] = []
    for name, value in given.items():
        if value != usual[name]:
            for each in value if isinstance(value, list) else [value]:
                said += [f"--{name.replace('_', '-')}", str(each.absolute() if isinstance(each, Path) else each)]
    return said


def _tell(action: str, answer: dict[str, Any]) -> None:
    if action == "install":
        say(f"{answer['kind']}: {answer['installed']}")
        say("the daemon runs now and at every login" if answer["started"] else "the daemon runs from the next login on")
    elif action == "remove":
        say(f"removed {answer['removed']}" if answer["removed"] else f"there is no {answer['kind']} of ours")
    else:
        say(f"{answer['kind']}: {answer['installed'] or 'not installed (emsync service install)'}")
        say(f"daemon: {answer['running'] or 'does not run'} {answer['version']}".rstrip())
