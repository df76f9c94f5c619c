"""The plug-ins as OpenTimelineIO finds them, without an installation."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import opentimelineio as otio
import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))
MANIFEST = ROOT / "otio_adapters" / "plugins" / "plugin_manifest.json"


@pytest.fixture
def plugins(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """OpenTimelineIO with our manifest loaded, for one test."""
    others = os.environ.get("OTIO_PLUGIN_MANIFEST_PATH", "")
    monkeypatch.setenv("OTIO_PLUGIN_MANIFEST_PATH", os.pathsep.join(filter(None, [str(MANIFEST), others])))
    otio.plugins.ActiveManifest(force_reload=True)
    yield
    monkeypatch.undo()
    otio.plugins.ActiveManifest(force_reload=True)
