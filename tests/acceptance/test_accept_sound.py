"""Length, place and sum of the sound where frames and seconds part: 29.97 drop-frame, and with either synthesiser."""

from __future__ import annotations

import os
import shutil
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from bridge.cli.main import main
from emsync_engine.audio.synth import available_synths
from tests.acceptance.waves import read_wave
from tests.conftest import Emsync

RATE = Fraction(30000, 1001)
EDL = """TITLE: REEL 4
FCM: DROP FRAME

001  TAPE1    V     C        10:00:00;00 10:00:01;20 01:59:59;00 02:00:00;20
* FROM CLIP NAME: DOOR
002  TAPE2    V     C        11:00:00;00 11:00:02;01 02:00:00;20 02:00:02;21
* FROM CLIP NAME: STREET
"""
HEAD = 215784 - 30  # 02:00:00;00 is frame 215784 in drop-frame counting
FRAMES = 30 + 81


@pytest.fixture(params=["fluidsynth", "tinysoundfont"])
def synth(request: pytest.FixtureRequest) -> str:
    if request.param not in {info.name for info in available_synths()}:
        pytest.skip(f"{request.param} does not load here")
    return str(request.param)


@pytest.fixture
def edl(tmp_path: Path) -> Path:
    (tmp_path / "reel.edl").write_text(EDL)
    return tmp_path / "reel.edl"


@pytest.fixture(scope="module")
def font() -> Path:
    """The small SoundFont that every installation has."""
    pretty_midi = pytest.importorskip("pretty_midi")
    return Path(pretty_midi.__file__).with_name("TimGM6mb.sf2")


def test_a_drop_frame_list_gives_sound_to_the_frame_and_in_its_place(
    emsync: Emsync, synth: str, edl: Path, font: Path
) -> None:
    options = ("--rate", "30000/1001", "--soundfont", font, "--json")
    ran = emsync("score", edl, "-o", edl.parent / "out", *options, synth=synth)
    assert ran.status == 0, ran.out
    answer = ran.json
    assert answer["audio"]["synth"].startswith(synth)
    assert answer["duration_s"] == pytest.approx(float(FRAMES / RATE))
    mix = read_wave(Path(answer["files"]["wav"]))
    assert len(mix.samples) == round(FRAMES / RATE * 48000)
    assert 0 <= mix.time_reference - HEAD / RATE * 48000 < 1, "the first sample lies in the first frame"
    stems = [read_wave(Path(p)).samples for name, p in answer["files"].items() if name.startswith("stem_")]
    assert np.array_equal(np.sum(stems, axis=0), mix.samples)
    assert emsync("cuts", edl, "--rate", "30000/1001", "--json").json["start_timecode"] == "01:59:59;00"


def test_a_soundfont_is_remembered_wherever_the_next_command_runs(
    edl: Path, font: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if not available_synths():
        pytest.skip("no synthesiser here")
    monkeypatch.delenv("EMSYNC_SYNTH", raising=False)
    monkeypatch.chdir(edl.parent)
    shutil.copy(font, "mine.sf2")
    out = edl.parent / "out"
    assert main(["score", "reel.edl", "-o", "out", "--rate", "29.97", "--soundfont", "mine.sf2"]) == 0
    monkeypatch.chdir(os.sep)
    assert main(["regenerate", str(out), "--start", "0", "--end", "2"]) == 0
    assert main(["score", str(edl), "-o", str(out), "--rate", "29.97"]) == 0
    capsys.readouterr()
    (edl.parent / "mine.sf2").unlink()
    assert main(["regenerate", str(out), "--start", "0", "--end", "2"]) == 3
    assert "mine.sf2" in capsys.readouterr().err
    assert main(["render", str(out), "--soundfont", str(font)]) == 0
