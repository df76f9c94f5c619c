"""What is installed, found and reachable, and how to get what is not."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from emsync_engine.errors import EmsyncError
from emsync_engine.version import __version__


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    name: str
    ok: bool
    detail: str
    fix: str = ""
    required: bool = True

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


_PACKAGES = (
    # import name, distribution, what for, required, how to get it
    ("opentimelineio", "opentimelineio", "timelines", True, "pip install opentimelineio"),
    ("otio_aaf_adapter", "otio-aaf-adapter", "AAF timelines", False, "pip install otio-aaf-adapter"),
    ("av", "av", "media", True, "pip install av"),
    ("scenedetect", "scenedetect-headless", "cuts of bare videos", True, "pip install scenedetect-headless"),
    ("mido", "mido", "MIDI", True, "pip install mido"),
    ("pythonosc", "python-osc", "OSC", True, "pip install python-osc"),
    (
        "rtmidi",
        "python-rtmidi",
        "live MIDI ports",
        False,
        "pip install python-rtmidi (some Pythons need a compiler for it)",
    ),
    ("numba", "numba", "composing ten times as fast", False, "pip install numba"),
    ("torch", "torch", "training the composer", False, "pip install 'emsync[train]'"),
    ("transformers", "transformers", "frozen perception nets", False, "pip install 'emsync[nets]'"),
)


def all_checks() -> list[Check]:
    """Every check, in the order a job meets them."""
    from bridge.daemon.checks import checks  # which need this module
    from bridge.daemon.state import default_state

    here = [_python(), *(_package(*row) for row in _PACKAGES), _synth(), _soundfont(), _disk()]
    return [*here, *checks(default_state())]


def _python() -> Check:
    version = platform.python_version()
    ok = (3, 10) <= sys.version_info[:2] <= (3, 13)
    return Check("Python", ok, f"{version}, EMSYNC {__version__}", "use Python 3.10 to 3.13", required=False)


def _package(module: str, distribution: str, purpose: str, required: bool, fix: str) -> Check:
    if importlib.util.find_spec(module) is None:
        return Check(distribution, False, f"not installed: {purpose}", fix, required)
    try:
        version = importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        version = "unknown version"
    return Check(distribution, True, f"{version}: {purpose}", "", required)


def how_to_get(module: str) -> str:
    """The command that installs what a module belongs to."""
    top = module.partition(".")[0]
    known = {name: fix for name, _, _, _, fix in _PACKAGES} | {"cv2": "pip install scenedetect-headless"}
    return known.get(top, f"pip install {top or 'emsync'}")


def _guarded(name: str, look: Callable[[], str], required: bool) -> Check:
    try:
        return Check(name, True, look(), "", required)
    except EmsyncError as error:
        return Check(name, False, "not found", error.message, required)


def _synth() -> Check:
    def look() -> str:
        from emsync_engine.audio.synth import choose_synth

        return str(choose_synth())

    return _guarded("synthesiser", look, required=False)


def _soundfont() -> Check:
    def look() -> str:
        from emsync_engine.audio.soundfont import find_soundfont

        font = find_soundfont(None)
        return f"{font.name} ({font.licence}) {font.path}"

    return _guarded("SoundFont", look, required=False)


def _disk() -> Check:
    try:
        with tempfile.NamedTemporaryFile(dir=Path.cwd()):
            pass
    except OSError as error:
        return Check("disk", False, f"cannot write here: {error.strerror}", "change to a folder you may write to")
    free = shutil.disk_usage(Path.cwd()).free
    return Check("disk", free > 200e6, f"{free / 1e9:.1f} GB free here", "an hour of stems takes about 5 GB")
