"""``run.py``, the Makefile and the pins: what a fresh machine installs, without installing it."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[1]
PYTHONS = ["3.10", "3.11", "3.12", "3.13"]
SYSTEMS = {"linux": "Linux", "darwin": "Darwin", "win32": "Windows"}


def load_run() -> ModuleType:
    spec = importlib.util.spec_from_file_location("run_script", ROOT / "run.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["run_script"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ModuleType]:
    """The script, in an empty folder of its own that has the project's own pins."""
    module = load_run()
    for name in ("pyproject.toml", "constraints.txt", "run.py"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(module, "STAMP", tmp_path / ".venv" / "emsync-install.json")
    yield module


def environment(python: str, system: str) -> dict[str, str]:
    found: dict[str, Any] = dict(default_environment())
    return {
        **found,
        "python_version": python,
        "python_full_version": f"{python}.1",
        "sys_platform": system,
        "platform_system": SYSTEMS[system],
    }


def pins() -> list[Requirement]:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    return [Requirement(line) for line in lines if line.strip() and not line.startswith("#")]


def pins_for(python: str, system: str) -> dict[str, str]:
    """Version by name; a second pin of a name in one environment is an error."""
    found: dict[str, str] = {}
    for pin in pins():
        if pin.marker is None or pin.marker.evaluate(environment(python, system)):
            assert canonicalize_name(pin.name) not in found, f"{pin.name} is pinned twice for {python} on {system}"
            found[canonicalize_name(pin.name)] = str(pin.specifier).removeprefix("==")
    return found


def requirements() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    lines = [*project["dependencies"], *(line for extra in project["optional-dependencies"].values() for line in extra)]
    return [Requirement(line) for line in lines]


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("python", PYTHONS)
def test_every_dependency_has_one_pin_that_fits(python: str, system: str) -> None:
    versions = pins_for(python, system)
    for requirement in requirements():
        if requirement.marker is None or requirement.marker.evaluate(environment(python, system)):
            version = versions.get(canonicalize_name(requirement.name))
            assert version is not None, f"{requirement.name} is not pinned for {python} on {system}"
            assert requirement.specifier.contains(version), f"{requirement} does not admit {version}"


def test_pins_are_exact_and_name_no_place() -> None:
    for pin in pins():
        assert re.fullmatch(r"==[0-9][^,]*", str(pin.specifier)) and pin.url is None, str(pin)
        assert not re.match(r"nvidia|cuda|triton", pin.name), f"{pin.name} comes with torch and is not ours to pin"
    options = [s for s in (ROOT / "constraints.txt").read_text("utf-8").splitlines() if re.match(r"-|.*://", s)]
    assert options == []


def test_torch_is_pinned_in_every_extra_that_has_it() -> None:
    assert {str(r.specifier) for r in requirements() if r.name == "torch"} == {"==2.13.0"}


def test_nothing_is_required_that_lacks_wheels_on_linux_and_macos() -> None:
    for python in PYTHONS:
        for system in ("linux", "darwin"):
            here = environment(python, system)
            names = {r.name for r in requirements() if r.marker is None or r.marker.evaluate(here)}
            assert "tinysoundfont" not in names
            assert "symusic" not in names


def test_the_makefile_only_calls_run_py() -> None:
    text = (ROOT / "Makefile").read_text("utf-8")
    recipes = [line.strip() for line in text.splitlines() if line.startswith("\t")]
    assert recipes == ["@$(PYTHON) run.py $@"]
    targets = re.search(r"^([\w -]+):$", text, re.MULTILINE)
    assert targets is not None and targets.group(1).split() == ["demo", "test", "lint", "test-ardour", "bench", "clean"]


@pytest.mark.parametrize("arguments", [[], ["nonsense"]])
def test_a_wrong_task_is_wrong_usage(arguments: list[str]) -> None:
    command = [sys.executable, str(ROOT / "run.py"), *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 2
    assert "demo|test|lint" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_main_job_installs_light_and_the_tests_the_rest(run: ModuleType) -> None:
    light = [" ".join(step.arguments) for step in run.install_steps(False)]
    full = [" ".join(step.arguments) for step in run.install_steps(True)]
    assert any(call.endswith("--editable .") for call in light)
    assert any(call.endswith("--editable .[dev]") for call in full)
    assert not any("dev" in call or "torch" in call for call in light)


def test_packages_without_wheels_never_stop_an_install(run: ModuleType) -> None:
    for step in run.install_steps(False):
        if re.search("rtmidi|tinysoundfont", " ".join(step.arguments)):
            assert step.otherwise and "--only-binary=:all:" in step.arguments
    synth = next(step for step in run.install_steps(False) if "tinysoundfont" in step.label)
    assert "--no-deps" in synth.arguments, "PyAudio needs PortAudio's headers outside Windows"


STEPS = 5
"""Four calls of pip, then the composer's inner loops."""


@pytest.fixture
def pip(run: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Calls of pip, and of the Python that it installs for; they succeed but for live MIDI."""
    calls: list[list[str]] = []

    def quietly(command: list[str]) -> tuple[int, str]:
        calls.append(command)
        return (1, "no matching distribution") if any("rtmidi" in word for word in command) else (0, "")

    run.VENV.mkdir()
    monkeypatch.setattr(run, "ensure_venv", lambda: (3, 12, 1))
    monkeypatch.setattr(run, "quietly", quietly)
    return calls


def test_an_install_is_made_once(run: ModuleType, pip: list[list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    run.install(full=False)
    assert len(pip) == STEPS and pip[-1][-1] == run.WARM
    assert "left out: no wheel" in capsys.readouterr().out
    run.install(full=False)
    assert len(pip) == STEPS
    run.install(full=True)
    assert len(pip) == 2 * STEPS, "the tests need more than the main job"
    run.install(full=False)
    assert len(pip) == 2 * STEPS, "what the tests need includes the main job"


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
def test_a_change_of_the_pins_installs_again(run: ModuleType, pip: list[list[str]], name: str) -> None:
    run.install(full=False)
    with (run.ROOT / name).open("a", encoding="utf-8") as file:
        file.write("\n# changed\n")
    run.install(full=False)
    assert len(pip) == 2 * STEPS


def test_a_failed_install_is_one_message_and_leaves_no_stamp(
    run: ModuleType, pip: list[list[str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run, "quietly", lambda command: (1, "no space left on device"))
    assert run.main(["install"]) == 1
    said = capsys.readouterr().err
    assert "no space left on device" in said and "Traceback" not in said
    assert not run.STAMP.exists()


def test_a_python_without_venv_is_told_what_to_install(
    run: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def quietly(command: list[str]) -> tuple[int, str]:
        if "import venv, ensurepip" in command:
            return 1, "No module named 'ensurepip'"
        return (0, "3 11 2") if command[0] == sys.executable else (127, "")

    monkeypatch.setattr(run, "quietly", quietly)
    assert run.main(["install"]) == 1
    assert "sudo apt install python3.11-venv" in capsys.readouterr().err


def test_a_python_out_of_range_looks_for_another(run: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run.sys, "version_info", (3, 14, 0, "final", 0))
    monkeypatch.setattr(run, "python_version", lambda command: (3, 12, 4) if "3.12" in command[-1] else None)
    assert "3.12" in run.base_python()[-1]
    monkeypatch.setattr(run, "python_version", lambda command: None)
    with pytest.raises(run.SetupError, match=r"needs Python 3\.10 to 3\.13"):
        run.base_python()


def test_ctrl_c_is_quiet(run: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(full: bool) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "install", interrupted)
    assert run.main(["demo"]) == 130
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(("lint", "tests", "result"), [(0, 0, 0), (1, 0, 1), (0, 1, 1), (1, 2, 2)])
def test_any_failure_fails_the_test_task_and_pytest_speaks_last(
    run: ModuleType, monkeypatch: pytest.MonkeyPatch, lint: int, tests: int, result: int
) -> None:
    order: list[str] = []

    def call(*command: object) -> int:
        order.append(str(command[2]))
        return tests if command[2] == "pytest" else lint

    monkeypatch.setattr(run, "install", lambda full: None)
    monkeypatch.setattr(run, "call", call)
    assert run.main(["test"]) == result
    assert order[-1] == "pytest" and set(order) == {"ruff", "mypy", "pytest"}


def test_clean_removes_only_what_is_generated(run: ModuleType) -> None:
    for name in (".venv/bin", "demo", "emsync.egg-info", "bridge/__pycache__", "bridge/report"):
        (run.ROOT / name).mkdir(parents=True)
    assert run.main(["clean"]) == 0
    left = {p.relative_to(run.ROOT).as_posix() for p in run.ROOT.rglob("*") if p.is_dir()}
    assert left == {"bridge", "bridge/report"}


def test_programs_lie_where_windows_has_them(run: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "WINDOWS", True)
    assert run.venv_program("emsync").relative_to(run.VENV) == Path("Scripts/emsync.exe")


def test_pip_is_not_led_elsewhere_by_the_environment(run: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    monkeypatch.setenv("PIP_TARGET", "elsewhere")
    monkeypatch.setenv("PIP_INDEX_URL", "kept")
    kept = run.clean_environment()
    assert "PYTHONPATH" not in kept and "PIP_TARGET" not in kept
    assert kept["PIP_INDEX_URL"] == "kept"


@pytest.mark.skipif(os.name == "nt", reason="the bash script is for Linux machines")
def test_the_ci_script_is_executable_and_runs_both_tasks() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    lines = [line.strip() for line in script.read_text("utf-8").splitlines()]
    assert [line for line in lines if line.startswith("make")] == ["make demo", "make test"]
    assert lines[-1] == "make test"
