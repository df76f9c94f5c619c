"""What every benchmark shares: tables as text or JSON, and seconds and peak memory of work in a process of its own."""

from __future__ import annotations

import argparse
import ctypes
import json
import multiprocessing
import platform
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

RUNS = 3
"""Least number of runs behind a median."""
MIB = 1024 * 1024

Cell = str | int | float | None


@dataclass(frozen=True)
class Table:
    """Rows of one benchmark; the first column names the row, units stand in the headings."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()
    results: dict[str, Any] = field(default_factory=dict)
    """Further numbers for the JSON."""

    def text(self) -> str:
        """The table in Markdown."""
        cells = [list(self.columns), *[[_show(c) for c in row] for row in self.rows]]
        widths = [max(len(row[i]) for row in cells) for i in range(len(self.columns))]
        lines = ["| " + " | ".join(c.ljust(w) for c, w in zip(row, widths)) + " |" for row in cells]
        rule = "|" + "|".join("-" * (w + 2) for w in widths) + "|"
        return "\n".join([f"### {self.title}", "", lines[0], rule, *lines[1:], *[f"\n{note}" for note in self.notes]])


def _show(cell: Cell) -> str:
    if cell is None:
        return "-"
    if isinstance(cell, float):
        return f"{cell:.0f}" if abs(cell) >= 100 else f"{cell:.3g}"
    return str(cell)


@dataclass(frozen=True)
class Cost:
    """What one piece of work took: named seconds, and the peak of its process."""

    seconds: dict[str, float]
    peak_mib: float


def machine() -> dict[str, str]:
    """Where the numbers were taken."""
    return {"python": platform.python_version(), "system": platform.platform(), "machine": platform.machine()}


def peak_memory_mib() -> float:
    """The most memory this process has held at once."""
    status = Path("/proc/self/status")
    if status.exists():  # Linux: ru_maxrss there still counts the parent that started this process
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    if sys.platform == "win32":
        return _windows_peak_bytes() / MIB
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / MIB if sys.platform == "darwin" else peak / 1024


def _windows_peak_bytes() -> int:
    class Counters(ctypes.Structure):
        _fields_ = (
            ("cb", ctypes.c_ulong),
            ("PageFaultCount", ctypes.c_ulong),
            *[(f"size{i}", ctypes.c_size_t) for i in range(8)],
        )

    counters = Counters()
    counters.cb = ctypes.sizeof(counters)
    kernel = ctypes.windll.kernel32  # type: ignore[attr-defined]
    kernel.GetCurrentProcess.restype = ctypes.c_void_p
    kernel.K32GetProcessMemoryInfo(ctypes.c_void_p(kernel.GetCurrentProcess()), ctypes.byref(counters), counters.cb)
    return int(counters.size0)  # PeakWorkingSetSize


def costs(work: Callable[..., dict[str, float]], *arguments: Any, runs: int = RUNS) -> Cost:
    """Median seconds and median peak of ``work(*arguments)``, each run in a fresh process.

    Args:
        work: a function of a module; it returns seconds by name.
    """
    fresh = multiprocessing.get_context("spawn")
    taken = []
    for _ in range(runs):
        with ProcessPoolExecutor(1, mp_context=fresh) as one:
            taken.append(one.submit(_measured, work, arguments).result())
    names = taken[0].seconds
    return Cost({n: median(c.seconds[n] for c in taken) for n in names}, median(c.peak_mib for c in taken))


def _measured(work: Callable[..., dict[str, float]], arguments: Sequence[Any]) -> Cost:
    seconds = work(*arguments)
    return Cost(seconds, peak_memory_mib())


def parser(doc: str | None) -> argparse.ArgumentParser:
    """Options that every benchmark has."""
    arguments = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--json", action="store_true", help="print one JSON document")
    return arguments


def show(tables: Sequence[Table], as_json: bool) -> None:
    """Print tables the way that was asked for."""
    if as_json:
        print(json.dumps({"machine": machine(), "tables": [asdict(t) for t in tables]}, indent=1))
    else:
        print("\n\n".join(t.text() for t in tables))
