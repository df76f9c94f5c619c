"""Seconds and peak memory of work in a process of its own."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

RUNS = 3
"""Least number of runs behind a median."""
MIB = 1024 * 1024
_THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Numerical libraries of processes that are started inside use one thread a call: seconds of one processor are
    what can be compared."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@dataclass(frozen=True)
class Cost:
    """What one piece of work took: named seconds, and the peak of its process."""

    seconds: dict[str, float]
    peak_mib: float


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
    kernel = ctypes.windll.kernel32  # type: ignore[attr-defined,unused-ignore]
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
