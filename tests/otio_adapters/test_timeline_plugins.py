"""Our readers chosen by name in any OpenTimelineIO tool, and the public adapters still in their place."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import otio_adapters
from tests.otio_adapters.test_timeline_formats import EDL, KDENLIVE, fcpxml, item, xmeml

MANIFEST = Path(otio_adapters.__file__).parent / "plugins" / "plugin_manifest.json"
PROGRAM = """
import sys, json
import opentimelineio as otio
timeline = otio.adapters.read_from_file(sys.argv[1], adapter_name=sys.argv[2])
for track in timeline.video_tracks():
    print(json.dumps([[type(child).__name__, child.name] for child in track if not isinstance(child, otio.schema.Gap)]))
print(otio.adapters.from_name("fcp_xml").name if "fcp_xml" in otio.adapters.available_adapter_names() else "-")
owners = {s: a.name for a in otio.plugins.ActiveManifest().adapters for s in reversed(a.suffixes)}
print(json.dumps(owners.get("xml")), json.dumps(owners.get("edl")), json.dumps(owners.get("fcpxml")))
"""
FCP7 = xmeml(f"<track>{item('a', 0, 50)}{item('b', 50, 90)}</track>")
FCPX = fcpxml('<asset-clip ref="a1" offset="3600s" duration="4s" name="one"/>')


@pytest.mark.parametrize(
    ("adapter", "suffix", "text", "first"),
    [
        ("emsync_edl", ".edl", EDL, [["Clip", "one"], ["Clip", "two"], ["Transition", "Dissolve"], ["Clip", "three"]]),
        ("emsync_fcp7", ".xml", FCP7, [["Clip", "a"], ["Clip", "b"]]),
        ("emsync_fcpxml", ".fcpxml", FCPX, [["Clip", "one"]]),
        ("emsync_kdenlive", ".kdenlive", KDENLIVE, [["Clip", "a.mp4"], ["Transition", "luma"], ["Clip", "b.mp4"]]),
    ],
)
def test_readers_are_chosen_by_name(tmp_path: Path, adapter: str, suffix: str, text: str, first: object) -> None:
    path = tmp_path / f"cut{suffix}"
    path.write_text(text, encoding="utf-8")
    environment = {**os.environ, "OTIO_PLUGIN_MANIFEST_PATH": str(MANIFEST), "PYTHONPATH": str(MANIFEST.parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(path), adapter],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert json.loads(lines[0])[: len(first)] == first  # type: ignore[arg-type]
    assert "emsync" not in lines[-1]
