#!/usr/bin/env python3
"""Set up and run EMSYNC from a checkout, with nothing but a Python 3.10 to 3.13.

    python run.py demo      install what the main job needs, make a demo film and score it (into demo/)
    python run.py test      install everything, then lint, types and the whole test suite
    python run.py test-ardour   the conversation with a real Ardour alone (Debian 12: apt-get install ardour xvfb)
    python run.py lint      the first two of those
    python run.py install   what the main job needs, into .venv
    python run.py bench     the benchmarks
    python run.py clean     remove .venv, demo/ and everything else that was generated here

Arguments after the task are handed on: to pytest, to ``emsync demo``, to the benchmarks.

Everything goes into ``.venv`` beside this file, in the versions of ``constraints.txt``. An install is skipped while
neither that file, nor ``pyproject.toml``, nor the Python has changed. Standard library only; the same on every system.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
STAMP = VENV / "emsync-install.json"
OLDEST, NEWEST = (3, 10), (3, 13)
WINDOWS = sys.platform == "win32"
WARM = "from emsync_engine import composers; composers.warm_up()"
"""What the first score would otherwise wait for; when it fails here, the first score says why."""
PROBE = "import sys; print(*sys.version_info[:3])"


class SetupError(Exception):
    """Something the user has to put right; the message is one line and says how."""


class Step(NamedTuple):
    """One call of pip."""

    label: str
    arguments: tuple[str, ...]
    otherwise: str | None = None
    """What is lost when the call fails and the install goes on; None makes a failure final."""
    retry: tuple[str, ...] = ()
    """A second way to try before giving up."""


def venv_program(name: str) -> Path:
    """Path of a program inside the virtual environment."""
    return VENV / "Scripts" / f"{name}.exe" if WINDOWS else VENV / "bin" / name


def clean_environment() -> dict[str, str]:
    """This process's environment, less what would make pip install somewhere else or import other people's code."""
    dropped = {"PYTHONHOME", "PYTHONPATH", "PIP_TARGET", "PIP_PREFIX", "PIP_USER", "__PYVENV_LAUNCHER__"}
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    return {**kept, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", "VIRTUAL_ENV": str(VENV)}


def quietly(command: list[str]) -> tuple[int, str]:
    """Run a command in the checkout; its exit status (127: not found) and everything it printed."""
    try:
        done = subprocess.run(
            command, check=False, cwd=ROOT, env=clean_environment(), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", errors="replace",
        )  # fmt: skip
    except OSError as error:
        return 127, str(error)
    return done.returncode, done.stdout


def python_version(command: list[str]) -> tuple[int, ...] | None:
    """Version of the Python that a command starts, None when it does not start."""
    code, output = quietly([*command, "-c", PROBE])
    return tuple(int(part) for part in output.split()) if code == 0 else None


def supported(version: tuple[int, ...] | None) -> bool:
    """Whether the project runs on this version of Python."""
    return version is not None and OLDEST <= version[:2] <= NEWEST


def base_python() -> list[str]:
    """The command of a Python to build the virtual environment with: this one, or else one that is on the PATH."""
    if supported(sys.version_info[:3]):
        return [sys.executable]
    minors = range(NEWEST[1], OLDEST[1] - 1, -1)
    for command in [["py", f"-3.{m}"] for m in minors] if WINDOWS else [[f"python3.{m}"] for m in minors]:
        if supported(python_version(command)):
            return command
    raise SetupError(
        f"EMSYNC needs Python 3.{OLDEST[1]} to 3.{NEWEST[1]}, this is {sys.version.split()[0]} ({sys.executable}): "
        f"install one of those and start run.py with it"
    )


def ensure_venv() -> tuple[int, ...]:
    """Make ``.venv`` unless a working one is there; its Python's version."""
    version = python_version([str(venv_program("python"))])
    if version is not None:
        if not supported(version):
            raise SetupError(
                f".venv holds Python {'.'.join(map(str, version))}: run `python run.py clean` and try again"
            )
        return version
    python = base_python()
    if quietly([*python, "-c", "import venv, ensurepip"])[0] != 0:
        name = f"python3.{(python_version(python) or sys.version_info)[1]}-venv"
        raise SetupError(
            f"this Python cannot make virtual environments: on Debian and Ubuntu, `sudo apt install {name}`"
        )
    code, output = timed(f"a virtual environment in {VENV.name}", [*python, "-m", "venv", "--clear", str(VENV)])
    version = python_version([str(venv_program("python"))])
    if code != 0 or version is None:
        raise SetupError(f"could not make a virtual environment in {VENV}: {last_line(output)}")
    return version


def pinned(name: str) -> str:
    """``name==version`` as the constraints have it."""
    found = re.search(rf"^{re.escape(name)}==[^;\s]+", (ROOT / "constraints.txt").read_text("utf-8"), re.MULTILINE)
    if found is None:
        raise SetupError(f"constraints.txt has no line for {name}")
    return found.group()


def install_steps(full: bool) -> list[Step]:
    """The calls of pip that install the main job, or (``full``) everything the tests need.

    tinysoundfont stands apart because it asks for PyAudio, which needs a compiler and PortAudio's headers outside
    Windows and is used for live playback only, which EMSYNC never does. It has no wheel for some Pythons; then it is
    built, where there is a compiler.
    """
    extra, what = ("[dev]", "the project and its tests' tools") if full else ("", "the project and what it needs")
    synth = ("--no-deps", pinned("tinysoundfont"))
    wheels_only = "--only-binary=:all:"
    return [
        Step("setuptools", (pinned("setuptools"),)),
        Step(what, ("--no-build-isolation", "--editable", f".{extra}")),
        Step(
            "live MIDI ports (python-rtmidi)",
            (wheels_only, pinned("python-rtmidi")),
            otherwise="no wheel for this Python; files and OSC work without, `emsync doctor` says more",
        ),
        Step(
            "the built-in synthesiser (tinysoundfont)",
            (wheels_only, *synth),
            otherwise="no wheel for this Python and no compiler; rendering needs FluidSynth, see `emsync doctor`",
            retry=synth,
        ),
    ]


def install_key(version: tuple[int, ...]) -> str:
    """Changes whenever an install has to be made again."""
    digest = hashlib.sha256(repr((version, str(ROOT))).encode())
    for name in ("pyproject.toml", "constraints.txt", "run.py"):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def installed(key: str, full: bool) -> bool:
    """Whether the last complete install was this one, or one that holds it."""
    try:
        stamp = json.loads(STAMP.read_text("utf-8"))
        return stamp["key"] == key and (stamp["full"] or not full)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def install(full: bool) -> None:
    """Bring ``.venv`` up to date."""
    version = ensure_venv()
    key = install_key(version)
    if installed(key, full):
        return
    STAMP.unlink(missing_ok=True)
    pip = [str(venv_program("python")), "-m", "pip", "install", "--quiet", "--constraint", "constraints.txt"]
    for step in install_steps(full):
        code, output = timed(step.label, [*pip, *step.arguments], [*pip, *step.retry] if step.retry else None)
        if code != 0 and step.otherwise is None:
            raise SetupError(f"pip could not install {step.label}:\n{output.strip()}")
        if code != 0:
            say(f"           left out: {step.otherwise}")
    timed("the composer's inner loops, compiled for this machine", [str(venv_program("python")), "-c", WARM])
    STAMP.write_text(json.dumps({"key": key, "full": full}), "utf-8")


def say(text: str) -> None:
    print(text, flush=True)


def last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no word why"])[-1]


def timed(label: str, *commands: list[str] | None) -> tuple[int, str]:
    """Run the first command that succeeds, quietly, in one line with its seconds; its exit status and all output."""
    print(f"  install  {label} ...", end="", flush=True)
    started, code, output = time.monotonic(), 1, ""
    for command in filter(None, commands):
        code, output = quietly(command)
        if code == 0:
            break
    say(f" {time.monotonic() - started:.1f} s" if code == 0 else " no")
    return code, output


def call(*command: str | Path) -> int:
    """Run a program of the virtual environment in the checkout with our own output; its exit status."""
    words = [str(part) for part in command]
    return subprocess.run(words, check=False, cwd=ROOT, env=clean_environment()).returncode


def check(label: str, *arguments: str) -> int:
    """One module of the virtual environment as a check, announced in a line."""
    say(f"  {label}")
    return call(venv_program("python"), "-m", *arguments)


def lint() -> int:
    """Lint, format and types; all of them even when the first fails."""
    codes = [
        check("ruff check", "ruff", "check", "--quiet", "."),
        check("ruff format --check", "ruff", "format", "--check", "--quiet", "."),
        check("mypy", "mypy"),
    ]
    return max(codes)


def task_demo(arguments: list[str]) -> int:
    install(full=False)
    return call(venv_program("emsync"), "demo", *(arguments or ["-o", "demo"]))


def task_test(arguments: list[str]) -> int:
    install(full=True)
    lint_code = lint()
    if lint_code:
        say("  lint failed; the tests run all the same, and the result stays a failure")
    return check("pytest", "pytest", *arguments) or lint_code


def task_test_ardour(arguments: list[str]) -> int:
    install(full=True)
    return check("pytest tests/daw_scripts/ardour", "pytest", "tests/daw_scripts/ardour", *arguments)


def task_lint(arguments: list[str]) -> int:
    install(full=True)
    return lint()


def task_install(arguments: list[str]) -> int:
    install(full=False)
    return 0


def task_bench(arguments: list[str]) -> int:
    install(full=True)
    return call(venv_program("python"), "-m", "benchmarks", *arguments)


def task_clean(arguments: list[str]) -> int:
    names = [".venv", "demo", "build", "dist", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis"]
    generated = [ROOT / name for name in names] + list(ROOT.glob("*.egg-info"))
    generated += [path for path in ROOT.rglob("__pycache__") if VENV not in path.parents]
    for path in generated:
        if path.is_dir():
            shutil.rmtree(path)
            say(f"  removed  {path.relative_to(ROOT)}")
    return 0


TASKS = {
    "demo": task_demo,
    "test": task_test,
    "lint": task_lint,
    "test-ardour": task_test_ardour,
    "install": task_install,
    "bench": task_bench,
    "clean": task_clean,
}


def main(arguments: list[str]) -> int:
    """Run a task; its exit status (2: no such task)."""
    if arguments[:1] in (["-h"], ["--help"]):
        print(__doc__)
        return 0
    if not arguments or arguments[0] not in TASKS:
        print(f"usage: python run.py {'|'.join(TASKS)} [arguments]", file=sys.stderr)
        return 2
    try:
        return TASKS[arguments[0]](arguments[1:])
    except SetupError as error:
        print(f"run.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nrun.py: interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
