"""What every benchmark shares: options, and tables as text or JSON.

The tables themselves, and work in a process of its own, are the engine's: ``emsync evaluate`` uses them too.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict

from emsync_engine.composers import ENGINE_VARIABLE, ENGINES, composer_of, default_engine
from emsync_engine.model.evaluation.processes import MIB, RUNS, Cost, costs, peak_memory_mib
from emsync_engine.model.evaluation.tables import Cell, Table
from emsync_engine.score import Score
from emsync_engine.spotting.cuesheet import CueSheet

__all__ = ["MIB", "RUNS", "Cell", "Cost", "Table", "costs", "machine", "parser", "peak_memory_mib", "show"]


def machine() -> dict[str, str]:
    """Where the numbers were taken."""
    return {"python": platform.python_version(), "system": platform.platform(), "machine": platform.machine()}


def parser(doc: str | None) -> argparse.ArgumentParser:
    """Options that every benchmark has."""
    arguments = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--json", action="store_true", help="print one JSON document")
    return arguments


def add_engine(options: argparse.ArgumentParser) -> None:
    """Let the caller say who composes."""
    options.add_argument("--engine", choices=ENGINES, default="rules", help="who composes (default: the rules)")


def choose_engine(given: argparse.Namespace) -> None:
    """Make the engine that was asked for the default, in this process and those it starts."""
    os.environ[ENGINE_VARIABLE] = given.engine


def compose(sheet: CueSheet, seed: int) -> Score:
    """A score by the engine that was chosen."""
    return composer_of(default_engine()).compose(sheet, seed)


def show(tables: Sequence[Table], as_json: bool) -> None:
    """Print tables the way that was asked for."""
    if as_json:
        print(json.dumps({"machine": machine(), "tables": [asdict(t) for t in tables]}, indent=1))
    else:
        print("\n\n".join(t.text() for t in tables))
