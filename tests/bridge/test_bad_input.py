"""What cannot be used: one clear line, status 3, no traceback, and nothing left half-written."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.cli.main import main
from tests.acceptance.edits import clip, gap, marker, plain_cut, timeline, track
from tests.conftest import save

pytestmark = pytest.mark.usefixtures("silent")


def _zero_rate(home: Path) -> Path:
    document = plain_cut([24, 24])
    for child in document["tracks"]["children"][0]["children"]:
        child["source_range"]["duration"]["rate"] = 0.0
        child["source_range"]["start_time"]["rate"] = 0.0
    document["global_start_time"] = None
    return save(document, home / "cut.otio")


def _truncated(home: Path) -> Path:
    path = save(plain_cut([24, 24]), home / "cut.otio")
    path.write_bytes(path.read_bytes()[:-200])
    return path


def _file(name: str, data: bytes) -> Callable[[Path], Path]:
    def make(home: Path) -> Path:
        (home / name).write_bytes(data)
        return home / name

    return make


def _folder(name: str) -> Callable[[Path], Path]:
    def make(home: Path) -> Path:
        (home / name).mkdir()
        (home / name / "content.txt").write_text("not a bundle")
        return home / name

    return make


BAD: dict[str, Callable[[Path], Path]] = {
    "not a timeline": _file("cut.otio", b'{"a": 1}'),
    "a list": _file("cut.otio", b"[1, 2]"),
    "another otio object": lambda home: save(clip("lonely", 0, 10), home / "cut.otio"),
    "truncated JSON": _truncated,
    "a rate of 0": _zero_rate,
    "a folder": _folder("cut"),
    "a folder that says it is a bundle": _folder("cut.otiod"),
    "a zip that is none": _file("cut.otioz", b"PK\x03\x04 no more"),
    "a binary": _file("cut.otio", bytes(range(256)) * 40),
    "a binary video": _file("film.mp4", bytes(range(256)) * 40),
    "a binary list": _file("cut.edl", bytes(range(256)) * 40),
    "an empty file": _file("cut.otio", b""),
    "an empty list": _file("cut.edl", b""),
    "an empty video": _file("film.mov", b""),
    "truncated XML": _file("cut.xml", b"<?xml version='1.0'?><xmeml version='5'><sequence><name>a</name>"),
    "an empty AAF": _file("cut.aaf", b""),
    "a text": _file("notes.txt", b"dear diary"),
    "no file": lambda home: home / "missing.otio",
    "a name too long": lambda home: home / f"{'x' * 300}.otio",
}


def lines_of_failure(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """(status, the one line on stderr); the JSON form must say the same."""
    capsys.readouterr()
    status = main(arguments)
    said = capsys.readouterr()
    assert said.out == "" and len(said.err.splitlines()) == 1, said
    assert "Traceback" not in said.err and "internal error" not in said.err, said.err
    assert main([*arguments, "--json"]) == status
    written = capsys.readouterr()
    error = json.loads(written.out)["error"]
    assert set(error) == {"code", "message", "where"} and written.err == ""
    assert error["message"] and "\n" not in error["message"]
    return status, said.err


@pytest.mark.parametrize("command", ["cuts", "mood", "score"])
@pytest.mark.parametrize("make", BAD.values(), ids=BAD.keys())
def test_bad_input_is_status_3_and_one_line(
    make: Callable[[Path], Path], command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = make(tmp_path)
    before = sorted(p.name for p in tmp_path.rglob("*"))
    output = ["-o", str(tmp_path / "out")] if command == "score" else []
    status, line = lines_of_failure([command, str(path), *output], capsys)
    assert status == 3
    assert path.name in line, "the line does not name the file"
    assert sorted(p.name for p in tmp_path.rglob("*")) == before


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of POSIX")
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = save(plain_cut([24, 24]), tmp_path / "cut.otio")
    path.chmod(0)
    status, line = lines_of_failure(["cuts", str(path)], capsys)
    assert status == 3 and "cut.otio" in line


def test_what_the_system_refuses_to_read_is_bad_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a file without permission, also where the tests run as root."""
    path = save(plain_cut([24, 24]), tmp_path / "cut.otio")
    read_bytes = Path.read_bytes

    def refuse(self: Path) -> bytes:
        if self.name == path.name:
            raise PermissionError(13, "Permission denied", str(self))
        return read_bytes(self)

    monkeypatch.setattr(Path, "read_bytes", refuse)
    status, line = lines_of_failure(["cuts", str(path)], capsys)
    assert status == 3 and "cut.otio" in line and "ermission" in line


PICTURELESS = {
    "no track": timeline([]),
    "sound alone": timeline([track([clip("voice", 0, 240)], kind="Audio")]),
    "black": timeline([track([gap(240)])]),
    "disabled": timeline([track([clip("off", 0, 240, enabled=False)])]),
}


@pytest.mark.parametrize("document", PICTURELESS.values(), ids=PICTURELESS.keys())
def test_a_timeline_without_picture(
    document: dict[str, object], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = save(document, tmp_path / "cut.otio")
    assert main(["cuts", str(path), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert [b for b in answer["boundaries"] if b["picture"]] == [] and answer["warnings"]
    status, line = lines_of_failure(["score", str(path), "-o", str(tmp_path / "out")], capsys)
    assert status == 3 and "picture" in line
    assert not (tmp_path / "out").exists()
    assert main(["mood", str(path), "--json"]) == 0
    json.loads(capsys.readouterr().out)


OUTPUTS: dict[str, Callable[[Path], Path]] = {
    "a file": _file("out", b"precious"),
    "a folder with something else": _folder("out"),
    "below a file": lambda home: _file("film.mov", b"x")(home) / "out",
}


@pytest.mark.parametrize("make", OUTPUTS.values(), ids=OUTPUTS.keys())
def test_places_that_cannot_be_written_to_are_left_alone(
    make: Callable[[Path], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = save(plain_cut([60, 60]), tmp_path / "cut.otio")
    output = make(tmp_path)
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    status, line = lines_of_failure(["score", str(path), "-o", str(output)], capsys)
    assert status == 3 and "out" in line
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before


def test_a_full_disk_leaves_nothing_behind(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(plain_cut([60, 60]), tmp_path / "cut.otio")

    def full(self: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device", str(self))

    monkeypatch.setattr(Path, "write_bytes", full)
    status, line = lines_of_failure(["score", str(path), "-o", str(tmp_path / "out")], capsys)
    assert status == 3 and "No space left" in line
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", ["regenerate", "takes", "render", "report"])
@pytest.mark.parametrize("what", ["missing", "a folder", "a file"])
def test_score_folders_that_are_none(
    command: str, what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "cut.emsync"
    if what == "a folder":
        path.mkdir()
    elif what == "a file":
        path.write_text("x")
    more = ["--start", "0", "--end", "1"] if command == "regenerate" else []
    status, line = lines_of_failure([command, str(path), *more], capsys)
    assert status == 3 and "cut.emsync" in line
    assert path.exists() == (what != "missing")


REGIONS = {
    "backwards": ("5", "3"),
    "empty": ("5", "5"),
    "outside": ("5", "500"),
    "before the head": ("-3", "5"),
    "no time": ("soon", "5"),
    "no such bar": ("b1", "b99"),
    "no such beat": ("b1.9", "b3"),
    "bar zero": ("b0", "b3"),
    "another hour": ("02:00:00:00", "02:00:05:00"),
    "no timecode": ("01:00:61:00", "01:00:62:00"),
    "not a number": ("nan", "5"),
    "endless": ("0", "1e999999999"),
    "divided by zero": ("0", "1/0"),
}


@pytest.mark.parametrize(("start", "end"), REGIONS.values(), ids=REGIONS.keys())
def test_regions_that_are_none(start: str, end: str, scored: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (scored / "score.json").read_bytes()
    arguments = ["regenerate", str(scored), f"--start={start}", f"--end={end}"]
    assert lines_of_failure(arguments, capsys)[0] == 3
    assert (scored / "score.json").read_bytes() == before
    assert not list(scored.glob(".*"))


def test_a_range_in_bars_needs_a_score_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = save(plain_cut([60, 60]), tmp_path / "cut.otio")
    arguments = ["score", str(path), "-o", str(tmp_path / "out"), "--range", "b1", "b3"]
    status, line = lines_of_failure(arguments, capsys)
    assert status == 3 and "bars" in line


def test_a_soundfont_that_is_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EMSYNC_SYNTH")
    path = save(plain_cut([60, 60]), tmp_path / "cut.otio")
    for font in (path, tmp_path / "missing.sf2"):
        arguments = ["score", str(path), "-o", str(tmp_path / "out"), "--soundfont", str(font)]
        status, line = lines_of_failure(arguments, capsys)
        assert status == 3 and font.name in line
        assert not (tmp_path / "out").exists()


def test_missing_media_is_said_and_no_reason_to_stop(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lost = {"OTIO_SCHEMA": "ExternalReference.1", "target_url": "rushes/A001_C003.mov", "metadata": {}}
    shots = [clip("lost one", 0, 120, media_references={"DEFAULT_MEDIA": lost}), clip("lost two", 0, 130)]
    path = save(timeline([track(shots)]), tmp_path / "cut.otio")
    assert main(["score", str(path), "-o", str(tmp_path / "out"), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert any("lost one" in w and "neutral" in w for w in answer["warnings"])
    assert len(answer["hits"]) == 1
    assert main(["mood", str(path), "--json"]) == 0
    curve = json.loads(capsys.readouterr().out)["curve"]
    assert all(p["valence"] == p["arousal"] == p["confidence"] == 0 for p in curve)


def test_marker_words_that_cannot_be_used_are_said_and_taken_as_text(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    marks = [marker("tempo: soon", 24), marker("key: of the house", 30), marker("mood: like Tuesday", 40)]
    path = save(plain_cut([120, 130], marks), tmp_path / "cut.otio")
    assert main(["cuts", str(path), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert [m["instruction"] for m in answer["markers"]] == [None] * 3
    for name, timecode in (("tempo: soon", "01:00:01:00"), ("mood: like Tuesday", "01:00:01:16")):
        assert any(name in w and timecode in w for w in answer["warnings"])


TINY = {"one frame": [1], "two frames": [1, 1], "a third of a second": [8], "half a second cut in two": [6, 6]}


@pytest.mark.parametrize("lengths", TINY.values(), ids=TINY.keys())
def test_the_shortest_timelines_are_scored(
    lengths: list[int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = save(plain_cut(lengths), tmp_path / "cut.otio")
    assert main(["score", str(path), "-o", str(tmp_path / "out"), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["duration_s"] == pytest.approx(sum(lengths) / 24)
