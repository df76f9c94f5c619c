"""``emsync``: the command line. Commands are imported only when they are called, so that ``--help`` is quick."""

from __future__ import annotations

import argparse
import importlib
import io
import json
import os
import re
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NoReturn

from emsync_engine.errors import EmsyncError, InputError, MissingComponentError, UsageError
from emsync_engine.version import __version__

INTERRUPTED = 130
_NEGATIVE_PAIR = re.compile(r"-[\d.]+\s*[,;]")
_OURS = ("bridge", "emsync_engine", "otio_adapters", "daw_scripts")
_DESCRIPTION = "Music that belongs to the cut: reads an edit timeline, composes a score that lands on it."


@dataclass(frozen=True)
class Command:
    """A row of the command table; ``bridge.cli.NAME`` has ``arguments(parser)`` and ``run(options)``."""

    name: str
    help: str
    example: str


COMMANDS = (
    Command("cuts", "list the visible boundaries of a timeline", "emsync cuts cut.otio"),
    Command("mood", "valence and arousal of the picture over time", "emsync mood cut.otio --json"),
    Command("score", "score a timeline: the main job", "emsync score cut.otio -o cut.emsync --mood tense"),
    Command(
        "regenerate", "another take of a region", "emsync regenerate cut.emsync --start b9 --end b17 --parts strings"
    ),
    Command("conform", "fit a score to a new cut of its picture", "emsync conform cut.emsync cut_v2.otio"),
    Command("takes", "history and locks of a score", "emsync takes cut.emsync use 1"),
    Command("reaper", "the scripts in REAPER: install, uninstall, status, listen", "emsync reaper install"),
    Command("send", "a score into a DAW, to files or to a port", "emsync send cut.emsync --to reaper"),
    Command("live", "put our script into Ableton Live, look after it, and do what it asks for", "emsync live install"),
    Command("render", "render mix and stems again", "emsync render cut.emsync --soundfont big.sf2"),
    Command("report", "draw the report again", "emsync report cut.emsync"),
    Command("doctor", "what is installed, found and reachable, and the fix for what is not", "emsync doctor"),
    Command("watch", "score every export that appears in a folder, conform its new versions", "emsync watch exports"),
    Command("serve", "take requests over OSC and HTTP", "emsync serve"),
    Command("service", "start the daemon at every login", "emsync service install"),
    Command("dataset", "build the composer's data set", "emsync dataset build --music FOLDER"),
    Command("train", "train the composer", "emsync train --config base --name mine"),
    Command("evaluate", "how good the composer is, in numbers", "emsync evaluate likelihood my_midi_files --json"),
    Command("demo", "make a demo film and score it", "emsync demo -o demo"),
)


class _Parser(argparse.ArgumentParser):
    """Reports wrong usage like every other error, so that it can be said as JSON."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message} ({self.prog} --help tells more)", self.prog)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status (0 success, 2 wrong usage, 3 bad input, 4 missing component)."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    wants_json = "--json" in arguments
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a name that the terminal's encoding lacks is no reason to stop
    try:
        return _run(arguments)
    except EmsyncError as error:
        return _fail(error, wants_json)
    except KeyboardInterrupt:
        return _interrupted(wants_json)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except ImportError as error:
        if _by_interrupt(error):
            return _interrupted(wants_json)
        if (error.name or "").partition(".")[0] in _OURS:
            return _crash(error, wants_json)
        return _fail(_missing(error), wants_json)
    except OSError as error:
        said = InputError(error.strerror or str(error), str(error.filename or ""), "file_error")
        return _fail(said, wants_json)
    except Exception as error:
        return _crash(error, wants_json)


def _run(arguments: Sequence[str]) -> int:
    parser, by_name = _top_parser(arguments)
    options = parser.parse_args(_with_pairs_tied(arguments))
    if options.command is None:
        parser.print_help()
        return 0
    answer = by_name[options.command].run(options)
    if options.json:
        _print_json(answer)
    sys.stdout.flush()
    return int(answer.get("exit_status", 0)) if isinstance(answer, dict) else 0


def _with_pairs_tied(arguments: Sequence[str]) -> list[str]:
    """``--mood -0.4,0.7`` as ``--mood=-0.4,0.7``: argparse takes a pair that begins with a minus for an option."""
    tied: list[str] = []
    for argument in arguments:
        if _NEGATIVE_PAIR.match(argument) and tied and tied[-1].startswith("--") and "=" not in tied[-1]:
            tied[-1] += f"={argument}"
        else:
            tied.append(argument)
    return tied


def _top_parser(arguments: Sequence[str]) -> tuple[argparse.ArgumentParser, dict[str, Any]]:
    """The parser; only the module of the command in use is imported."""
    rows = "\n".join(f"  {c.name:<12}{c.help}" for c in COMMANDS)
    parser = _Parser(
        prog="emsync",
        description=f"{_DESCRIPTION}\n\ncommands:\n{rows}",
        epilog="example: emsync score cut.otio -o cut.emsync      (emsync COMMAND --help tells more)",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"emsync {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser, help=argparse.SUPPRESS)
    wanted = next((a for a in arguments if not a.startswith("-")), None)
    modules: dict[str, Any] = {}
    for command in COMMANDS:
        sub = subparsers.add_parser(
            command.name,
            description=command.help[0].upper() + command.help[1:] + ".",
            epilog=f"example: {command.example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if command.name == wanted:
            modules[command.name] = importlib.import_module(f"bridge.cli.{command.name}")
            modules[command.name].arguments(sub)
            sub.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
    return parser, modules


def _fail(error: EmsyncError, wants_json: bool) -> int:
    if wants_json:
        _print_json({"error": {"code": error.code, "message": error.message, "where": error.where}})
    else:
        line = _one_line(str(error))
        sys.stderr.write(line + "\n" if line.startswith("emsync") else f"emsync: {line}\n")
    return error.exit_status


def _interrupted(wants_json: bool) -> int:
    message = "interrupted; nothing was left half-written"
    with suppress(OSError):
        if wants_json:
            _print_json({"error": {"code": "interrupted", "message": message, "where": ""}})
        else:
            sys.stderr.write(f"\n{message}\n")
    return INTERRUPTED


def _by_interrupt(error: BaseException | None) -> bool:
    """Ctrl-C while a compiled module starts comes out as an ImportError that it caused."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def _missing(error: ImportError) -> MissingComponentError:
    """A package that cannot be imported, and how to get it."""
    from bridge.doctor import how_to_get

    return MissingComponentError(f"{error}: {how_to_get(error.name or '')} (emsync doctor looks at everything)")


def _crash(error: Exception, wants_json: bool) -> int:
    """A programming error: said in one line; the traceback is for those who ask (EMSYNC_DEBUG=1)."""
    if os.environ.get("EMSYNC_DEBUG"):
        traceback.print_exc()
    message = _one_line(
        f"internal error: {type(error).__name__}: {error} (EMSYNC_DEBUG=1 shows where; please report it)"
    )
    if wants_json:
        _print_json({"error": {"code": "internal", "message": message, "where": ""}})
    else:
        sys.stderr.write(f"emsync: {message}\n")
    return 1


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _print_json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, indent=1, allow_nan=False) + "\n")


if __name__ == "__main__":
    sys.exit(main())
