"""Timelines that editing systems wrote, where they are at hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.acceptance.checks import check_cue
from tests.acceptance.listening import listen
from tests.conftest import ROOT, Emsync

TIMELINES = ROOT.parent / "shared" / "timelines"
CHOSEN = (
    "otio-cmx3600/screening_example.edl",
    "oc-examples/SPARKS_HDR10_4K_2020_PQ_1000nits.otio",
    "swift-fcpxml/24.fcpxml",
    "otio-fcp/premiere_example.xml",
    "otio-aaf/multiple-markers-over-transitions.aaf",
)


@pytest.mark.skipif(not TIMELINES.is_dir(), reason="the collection of real timelines is not beside the checkout")
@pytest.mark.parametrize("name", CHOSEN)
def test_real_timelines_are_scored_as_promised(name: str, emsync: Emsync, tmp_path: Path) -> None:
    path = TIMELINES / name
    ran = emsync("score", path, "-o", tmp_path / "out", "--json")
    assert ran.status == 0, ran.out
    cuts = emsync("cuts", path, "--json").json
    check_cue(ran.json, cuts, listen(tmp_path / "out" / "score.mid"))
    assert json.loads((tmp_path / "out" / "timeline.otio").read_text(encoding="utf-8"))["OTIO_SCHEMA"]
