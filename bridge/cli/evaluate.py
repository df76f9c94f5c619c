"""``emsync evaluate``: how good the composer is, in numbers."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from emsync_engine.model.evaluation.request import Report, Request

SUBJECTS = ("likelihood", "obedience", "sync", "music", "infill", "speed")
DATA = Path("~/.cache/emsync/dataset")
_TOLD_EVERY_S = 20.0
_TELLING_NOTES = 2500
"""Notes a source on which it is measured what each condition tells."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "subject", nargs="?", default="all", choices=(*SUBJECTS, "all"), metavar="SUBJECT",
        help=f"one of {', '.join(SUBJECTS)}, or all (default)",
    )  # fmt: skip
    parser.add_argument(
        "folder", nargs="?", type=Path, metavar="DIR",
        help="for likelihood: a folder of MIDI files, sub-folders or .tar.xz archives (default: what the data set "
        "holds out)",
    )  # fmt: skip
    parser.add_argument(
        "--weights", type=Path, metavar="DIR", help="an export or a training run (default: the shipped)"
    )
    parser.add_argument(
        "--compare", action="append", default=[], metavar="NAME=DIR", help="another network for the same tables"
    )
    parser.add_argument("--data", type=Path, default=DATA, metavar="DIR", help=f"the data set (default {DATA})")
    parser.add_argument("--limit", type=int, default=0, metavar="N", help="for likelihood: about N notes a source")
    parser.add_argument("--no-baselines", action="store_true", help="for likelihood: no unigram and 5-gram")
    parser.add_argument("--quick", action="store_true", help="everything smaller: a few minutes for all of it")


def run(options: argparse.Namespace) -> dict[str, Any]:
    from emsync_engine.model.evaluation.processes import one_thread_each

    one_thread_each()  # before numpy is loaded
    from bridge.cli.common import require, say
    from emsync_engine.model.decode.weights import load
    from emsync_engine.model.evaluation.request import Request, compared
    from emsync_engine.model.shipped import shipped

    require(options.folder is None or options.subject in ("likelihood", "all"), "DIR is for likelihood")
    require(options.limit >= 0, "--limit is a number of notes")
    folder = options.weights or shipped()
    progress = Progress()
    request = Request(load(folder), compared(_folders(options.compare)), options.quick, progress)
    measures = _measures(request, options, folder)
    names = SUBJECTS if options.subject == "all" else (options.subject,)
    reports = {}
    try:
        for name in names:
            if options.subject == "all" and name == "likelihood" and not (options.folder or _has_data(options.data)):
                continue  # nothing to read
            reports[name] = measures[name]()
            progress.clear()
            if not options.json:
                say("\n\n".join(table.text() for table in reports[name].tables) + "\n")
    finally:
        progress.clear()
    about = {"weights": str(folder), "parameters": request.weights.n_parameters, "quick": options.quick}
    if options.subject != "all":
        return {"subject": options.subject, **about, **reports[options.subject].numbers}
    return {**about, **{name: report.numbers for name, report in reports.items()}}


def _measures(
    request: Request, options: argparse.Namespace, folder: Path
) -> Mapping[str, Callable[[], Report]]:  # fmt: skip
    """The subjects by name, ready to be measured."""
    from emsync_engine.model.evaluation import infill, likelihood, music, obedience, speed, sync
    from emsync_engine.model.evaluation.request import Report

    data = options.data.expanduser()

    def likely() -> Report:
        found = likelihood.measure(request, options.folder, data, options.limit, not options.no_baselines)
        if options.folder is not None:
            return found
        told = likelihood.telling(request, data, options.limit or _TELLING_NOTES // (4 if request.quick else 1))
        return Report((*found.tables, *told.tables), found.numbers | told.numbers)

    return {
        "likelihood": likely,
        "obedience": lambda: obedience.measure(request),
        "sync": lambda: sync.measure(request),
        "music": lambda: music.measure(request, data),
        "infill": lambda: infill.measure(request),
        "speed": lambda: speed.measure(request, folder),
    }


def _has_data(data: Path) -> bool:
    return any(data.expanduser().glob("*.valid.npz"))


def _folders(given: list[str]) -> dict[str, Path]:
    """Folders by name from NAME=DIR."""
    from bridge.cli.common import require

    for entry in given:
        require("=" in entry.strip("="), f"--compare {entry}: write it as NAME=DIR")
    return {name: Path(folder) for name, _, folder in (entry.partition("=") for entry in given)}


class Progress:
    """What is being done, on stderr: one line that changes on a terminal, a line now and then elsewhere."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._said = time.monotonic()

    def __call__(self, text: str) -> None:
        if self._terminal:
            sys.stderr.write(f"\r\x1b[K{text}")
            sys.stderr.flush()
        elif time.monotonic() - self._said >= _TOLD_EVERY_S:
            self._said = time.monotonic()
            sys.stderr.write(f"{text}\n")
            sys.stderr.flush()

    def clear(self) -> None:
        if self._terminal:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
