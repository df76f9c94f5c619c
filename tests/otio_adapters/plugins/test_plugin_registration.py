"""The plug-ins as other people's tools meet them: by suffix and by name, from the installed package alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import opentimelineio as otio
import pytest
import tomllib

from otio_adapters.plugins.from_timeline import session_of
from otio_adapters.plugins.to_timeline import timeline_of
from tests.otio_adapters.plugins.conftest import MANIFEST, ROOT
from tests.otio_adapters.plugins.sessions import by_hand, differences

SUFFIXES = {"reaper_rpp": "rpp", "smf": "mid", "dawproject": "dawproject"}


def test_the_manifest_takes_new_suffixes_only_and_no_hooks() -> None:
    manifest = json.loads(MANIFEST.read_text())
    assert not manifest.get("hooks") and not manifest.get("hook_scripts")
    suffixes = {suffix for adapter in manifest["adapters"] for suffix in adapter["suffixes"]}
    assert not suffixes & {"edl", "xml", "fcpxml", "aaf", "otio", "otioz", "otiod", "kdenlive"}


@pytest.mark.usefixtures("plugins")
@pytest.mark.parametrize(("name", "suffix"), SUFFIXES.items())
def test_write_and_read_by_suffix(name: str, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"Größe 100% #1.{suffix}"
    session = by_hand()
    otio.adapters.write_to_file(timeline_of(session), str(path))
    by_suffix = otio.adapters.read_from_file(str(path))
    by_name = otio.adapters.read_from_file(str(path), adapter_name=name)
    assert by_suffix.is_equivalent_to(by_name)
    texts = differences(session, session_of(by_suffix), of="music" if name == "smf" else "all")
    assert [text for text in texts if "`" not in text] == []  # RPP has no fourth quote


def _installed(folder: Path) -> dict[str, str]:
    """An environment in which the package is installed as its pyproject says, and nothing is set for OTIO."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    group = project["entry-points"]["opentimelineio.plugins"]
    info = folder / "emsync-0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: emsync\nVersion: 0\n")
    rows = "\n".join(f"{name} = {value}" for name, value in group.items())
    (info / "entry_points.txt").write_text(f"[opentimelineio.plugins]\n{rows}\n")
    kept = {key: value for key, value in os.environ.items() if not key.startswith("OTIO_")}
    return {**kept, "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])}


def _convert(source: Path, target: Path, environment: dict[str, str]) -> None:
    script = "from opentimelineio.console.otioconvert import main; main()"
    command = [sys.executable, "-c", script, "-i", str(source), "-o", str(target)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


def test_otioconvert_needs_no_setup(tmp_path: Path) -> None:
    environment = _installed(tmp_path)
    source = tmp_path / "cut.otio"
    session = by_hand()
    otio.adapters.write_to_file(timeline_of(session), str(source))
    _convert(source, tmp_path / "cut.rpp", environment)
    _convert(tmp_path / "cut.rpp", tmp_path / "cut.dawproject", environment)
    _convert(tmp_path / "cut.dawproject", tmp_path / "back.otio", environment)
    back = session_of(otio.adapters.read_from_file(str(tmp_path / "back.otio")))
    assert [text for text in differences(session, back) if "`" not in text] == []


@pytest.mark.usefixtures("plugins")
@pytest.mark.parametrize("suffix", ["rpp", "mid", "dawproject"])
@pytest.mark.parametrize(
    "content", [b"", b"nonsense", b"MThd\0\0\0\6\0\1", b"PK\3\4broken", b"<REAPER_PROJECT 0.1\n<TRACK"]
)
def test_damage_is_one_line(suffix: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / f"broken.{suffix}"
    path.write_bytes(content)
    with pytest.raises(Exception, match=rf"^broken.{suffix}: ") as caught:
        otio.adapters.read_from_file(str(path))
    assert type(caught.value).__name__ == "InputError"
    assert "\n" not in str(caught.value)
