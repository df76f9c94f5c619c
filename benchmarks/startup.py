"""How long ``emsync --help`` takes, beside a Python that does nothing."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from statistics import median
from time import perf_counter

from benchmarks.harness import Table, parser, show

RUNS = 9


def seconds(command: list[str], runs: int = RUNS) -> list[float]:
    """Seconds of each run after one to warm the disk."""
    taken = []
    for _ in range(runs + 1):
        began = perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        taken.append(perf_counter() - began)
    return taken[1:]


def emsync() -> list[str]:
    """The installed command beside this Python, else its module."""
    found = shutil.which("emsync", path=str(Path(sys.executable).parent))
    return [found] if found else [sys.executable, "-m", "bridge.cli.main"]


def table() -> Table:
    commands = {"python -c pass": [sys.executable, "-c", "pass"], "emsync --help": [*emsync(), "--help"]}
    taken = {name: seconds(command) for name, command in commands.items()}
    rows = tuple((name, median(t), min(t), max(t)) for name, t in taken.items())
    return Table("Start-up", ("command", "median, s", "least, s", "most, s"), rows, (f"{RUNS} runs, warm disk.",))


def main(arguments: list[str] | None = None) -> int:
    show([table()], parser(__doc__).parse_args(arguments).json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
