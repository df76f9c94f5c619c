"""The score folder: history, hand-edited files, other versions, damage."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bridge.cli.main import main
from bridge.folder import ScoreFolder
from bridge.history import list_takes, redraw, use_take
from bridge.pipeline import RegenerateRequest, ScoreRequest, regenerate, score
from bridge.settings import Settings
from emsync_engine.errors import InputError
from tests.acceptance.edits import marker, plain_cut
from tests.conftest import Emsync, files_of, notes_of, save

pytestmark = pytest.mark.usefixtures("silent")


def quiet(done: float, stage: str) -> None:
    """Progress that nobody watches."""


def other_take(folder: Path, start: str = "3", end: str = "15") -> dict[str, Any]:
    return regenerate(RegenerateRequest(folder, start, end), quiet)


def check_whole(folder: Path) -> None:
    """Every file of the document is there as recorded, and nothing unfinished lies about."""
    document = json.loads((folder / "score.json").read_text(encoding="utf-8"))
    for name, digest in document["files"].items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest, name
    for take in document["takes"]:
        assert hashlib.sha256((folder / take["file"]).read_bytes()).hexdigest() == take["sha256"]
        assert (folder / f"cuts/cut-{take['cut']:04d}.json").is_file()
    assert [t["number"] for t in document["takes"]] == list(range(1, len(document["takes"]) + 1))
    assert not [p for p in folder.rglob("*") if p.name.startswith(".") or p.suffix == ".tmp"]


def test_a_fresh_folder_is_whole(scored: Path) -> None:
    check_whole(scored)
    names = {p.name for p in scored.iterdir()}
    assert {"cuts", "report.html", "score.json", "score.mid", "takes", "timeline.otio"} <= names
    recorded = json.loads((scored / "score.json").read_text(encoding="utf-8"))["files"]
    assert names - set(recorded) == {"cuts", "score.json", "takes"}


# --- takes ---------------------------------------------------------------------------------------------------


def test_using_an_earlier_take_restores_its_notes_and_its_midi_file(scored: Path) -> None:
    first, midi = notes_of(scored), (scored / "score.mid").read_bytes()
    timeline = (scored / "timeline.otio").read_bytes()
    other_take(scored)
    second, second_midi = notes_of(scored), (scored / "score.mid").read_bytes()
    assert first != second and midi != second_midi
    answer = use_take(scored, 1, quiet)
    assert answer["current"] == 1 and [t["current"] for t in answer["takes"]] == [True, False]
    assert notes_of(scored) == first and (scored / "score.mid").read_bytes() == midi
    assert (scored / "timeline.otio").read_bytes() == timeline
    use_take(scored, 2, quiet)
    assert notes_of(scored) == second and (scored / "score.mid").read_bytes() == second_midi
    check_whole(scored)


def test_takes_are_only_ever_added(scored: Path) -> None:
    seen: dict[str, bytes] = {}
    for _ in range(3):
        now = {name: data for name, data in files_of(scored).items() if name.startswith(("takes/", "cuts/"))}
        assert seen.items() <= now.items()
        seen = now
        other_take(scored)
        use_take(scored, 1, quiet)
    assert len(list_takes(scored)["takes"]) == 4


def test_a_take_of_an_earlier_one_is_its_child(scored: Path) -> None:
    other_take(scored)
    use_take(scored, 1, quiet)
    other_take(scored, "0", "4")
    takes = list_takes(scored)["takes"]
    assert [t["parent"] for t in takes] == [None, 1, 1]
    assert [t["current"] for t in takes] == [False, False, True]


def test_no_such_take(scored: Path) -> None:
    before = files_of(scored)
    for number in (0, 2, -1):
        with pytest.raises(InputError, match=f"no take {number}"):
            use_take(scored, number, quiet)
    assert files_of(scored) == before


def test_scoring_twice_adds_a_take_and_changes_nothing_else(tmp_path: Path) -> None:
    folder, request = tmp_path / "out", ScoreRequest(save(plain_cut([70, 90]), tmp_path / "cut.otio"), tmp_path / "out")
    score(request, quiet)
    before = files_of(folder)
    score(request, quiet)
    after = files_of(folder)
    assert len(list_takes(folder)["takes"]) == 2
    assert set(after) - set(before) == {"takes/take-0002.json"}
    assert {n for n in before if before[n] != after[n]} == {"score.json", "report.html"}
    check_whole(folder)


def test_scoring_its_own_timeline_again_does_not_pile_up_music(scored: Path, tmp_path: Path) -> None:
    """The timeline that comes back may be scored in place of the one that went in."""
    answer = score(ScoreRequest(scored / "timeline.otio", tmp_path / "again"), quiet)
    first = json.loads((scored / "timeline.otio").read_text(encoding="utf-8"))
    again = json.loads(Path(answer["files"]["timeline"]).read_text(encoding="utf-8"))
    assert len(again["tracks"]["children"]) == len(first["tracks"]["children"])
    assert len(again["tracks"]["markers"]) == len(first["tracks"]["markers"]) == len(answer["hits"])
    assert (tmp_path / "again" / "score.mid").read_bytes() == (scored / "score.mid").read_bytes()


CHANGES: dict[str, tuple[Callable[[Path], object], dict[str, Any]]] = {
    "another cut": (lambda path: save(plain_cut([60, 200, 90]), path), {}),
    "another start": (lambda path: save(plain_cut([120, 96, 130, 110], start=0), path), {}),
    "another rate": (lambda path: save(plain_cut([120, 96, 130, 110], rate=25, name="Vacances"), path), {}),
    "a range": (lambda path: path, {"range": ("3", "15")}),
    "other parts": (lambda path: path, {"settings": Settings(parts=("strings",))}),
    "another mood": (lambda path: path, {"settings": Settings(mood=(0.9, 0.9))}),
    "a marker": (lambda path: save(plain_cut([120, 96, 130, 110], [marker("hit", 60)]), path), {}),
}


@pytest.mark.parametrize(("change", "more"), CHANGES.values(), ids=CHANGES.keys())
def test_undo_reaches_back_over_a_changed_timeline(
    change: Callable[[Path], object], more: dict[str, Any], scored: Path
) -> None:
    """The editor cuts on, scores into the same folder, and wants the old score back."""
    path = scored.parent / "cut.otio"
    files = {name: data for name, data in files_of(scored).items() if "/" not in name}
    derived = {name: files[name] for name in ("score.mid", "timeline.otio")}
    change(path)
    score(ScoreRequest(path, scored, **more), quiet)
    assert (scored / "score.mid").read_bytes() != derived["score.mid"]
    path.unlink()
    use_take(scored, 1, quiet)
    assert {name: (scored / name).read_bytes() for name in derived} == derived
    assert {name for name in files_of(scored) if "/" not in name} == set(files), "files of the other cut stayed"
    assert regenerate(RegenerateRequest(scored, "5", "18.9"), quiet)["duration_s"] == 19
    check_whole(scored)


def test_a_moved_folder_opens(scored: Path, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere" / "renamed.emsync"
    moved.parent.mkdir()
    scored.rename(moved)
    (tmp_path / "cut.otio").unlink()
    assert other_take(moved)["take"] == 2
    check_whole(moved)


# --- files edited by hand -------------------------------------------------------------------------------------


def test_a_midi_file_edited_by_hand_is_kept_and_said(scored: Path) -> None:
    (scored / "score.mid").write_bytes(b"my own counterpoint")
    answer = other_take(scored)
    assert answer["kept_aside"] == [str(scored.resolve() / "score.edited-1.mid")]
    assert (scored / "score.edited-1.mid").read_bytes() == b"my own counterpoint"
    assert (scored / "score.mid").read_bytes()[:4] == b"MThd"
    (scored / "score.mid").write_bytes(b"once more")
    assert use_take(scored, 1, quiet)["kept_aside"] == [str(scored.resolve() / "score.edited-2.mid")]
    assert (scored / "score.edited-1.mid").read_bytes() == b"my own counterpoint"
    assert other_take(scored)["kept_aside"] == []


def test_choosing_the_same_take_brings_an_edited_file_back(scored: Path) -> None:
    midi = (scored / "score.mid").read_bytes()
    (scored / "score.mid").write_bytes(b"oh no")
    assert len(use_take(scored, 1, quiet)["kept_aside"]) == 1
    assert (scored / "score.mid").read_bytes() == midi


def test_deleted_files_come_back(scored: Path) -> None:
    midi = (scored / "score.mid").read_bytes()
    for name in ("score.mid", "timeline.otio", "report.html"):
        (scored / name).unlink()
    use_take(scored, 1, quiet)
    assert (scored / "score.mid").read_bytes() == midi
    check_whole(scored)


def test_an_edited_timeline_stays_where_a_take_does_not_change_it(scored: Path) -> None:
    (scored / "timeline.otio").write_text("mine")
    assert other_take(scored)["kept_aside"] == []
    assert (scored / "timeline.otio").read_text() == "mine"


def test_an_edited_report_is_kept_when_it_is_drawn_again(scored: Path) -> None:
    (scored / "report.html").write_text("with my notes")
    assert redraw(scored)["kept_aside"] == [str(scored.resolve() / "report.edited-1.html")]
    assert (scored / "report.edited-1.html").read_text() == "with my notes"


def test_a_foreign_file_in_the_way_of_a_stem_is_kept(scored: Path, emsync: Emsync) -> None:
    (scored / "stems").mkdir()
    (scored / "stems" / "bass.wav").write_bytes(b"recorded in my kitchen")
    answer = emsync("render", scored, "--json", synth=None).json
    assert answer["kept_aside"] == [str(scored.resolve() / "stems" / "bass.edited-1.wav")]
    assert (scored / "stems" / "bass.edited-1.wav").read_bytes() == b"recorded in my kitchen"
    timeline = json.loads((scored / "timeline.otio").read_text(encoding="utf-8"))
    ours = [t["name"] for t in timeline["tracks"]["children"] if "emsync" in t["metadata"]]
    assert ours == ["MX Mix", "MX Drums", "MX Bass", "MX Piano", "MX Guitar", "MX Strings"]
    assert not [
        w for w in other_take(scored)["warnings"] if "media" not in w and "offline" not in w and "audio" not in w
    ]
    check_whole(scored)
    assert not (scored / "score.wav").exists(), "sound of another take was left beside the new one"


# --- other versions and damage ---------------------------------------------------------------------------------


def with_document(folder: Path, **changes: Any) -> None:
    path = folder / "score.json"
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **changes}), encoding="utf-8")


def test_a_newer_version_is_refused_untouched(scored: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with_document(scored, schema="emsync.score/2", emsync="9.1", feelings=["new", "field"])
    before = files_of(scored)
    source = str(scored.parent / "cut.otio")
    for arguments in (["takes", str(scored)], ["score", source, "-o", str(scored)], ["report", str(scored)],
                      ["regenerate", str(scored), "--start", "1", "--end", "9"]):  # fmt: skip
        assert main([*arguments, "--json"]) == 3
        error = json.loads(capsys.readouterr().out)["error"]
        assert error["code"] == "newer_version" and "9.1" in error["message"] and "update" in error["message"]
    assert files_of(scored) == before


def test_fields_that_an_older_version_did_not_write_take_their_defaults(scored: Path) -> None:
    document = json.loads((scored / "score.json").read_text(encoding="utf-8"))
    for name in ("locks", "warnings", "rights", "soundfont", "audio"):
        del document[name]
    (scored / "score.json").write_text(json.dumps(document), encoding="utf-8")
    assert other_take(scored)["take"] == 2


DAMAGE: dict[str, Callable[[Path], object]] = {
    "an empty document": lambda f: (f / "score.json").write_bytes(b""),
    "half a document": lambda f: (f / "score.json").write_bytes((f / "score.json").read_bytes()[:300]),
    "a binary document": lambda f: (f / "score.json").write_bytes(bytes(range(256))),
    "a list": lambda f: (f / "score.json").write_text("[]"),
    "null": lambda f: (f / "score.json").write_text("null"),
    "another document": lambda f: (f / "score.json").write_text('{"schema": "resolve.project/1"}'),
    "no schema": lambda f: (f / "score.json").write_text("{}"),
    "an odd schema": lambda f: with_document(f, schema="emsync.score/x"),
    "a schema that is no text": lambda f: with_document(f, schema=1),
    "an unknown field": lambda f: with_document(f, mystery=1),
    "a wrong type": lambda f: with_document(f, takes="all of them"),
    "nested beyond reason": lambda f: (f / "score.json").write_text("[" * 100_000),
    "no take file": lambda f: (f / "takes" / "take-0001.json").unlink(),
    "half a take": lambda f: (f / "takes" / "take-0001.json").write_bytes(b'{"score": {"tempo_map"'),
    "a take of something else": lambda f: (f / "takes" / "take-0001.json").write_text('{"score": 1, "sheet": 2}'),
    "no cut file": lambda f: (f / "cuts" / "cut-0001.json").unlink(),
    "half a cut": lambda f: (f / "cuts" / "cut-0001.json").write_bytes(b"{"),
    "no timeline": lambda f: (f / "cuts" / "cut-0001.otio").unlink(),
    "a broken journal": lambda f: (f / ".commit.json").write_bytes(b'{"moves": ['),
    "a strange journal": lambda f: (f / ".commit.json").write_text('{"moves": 3}'),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_damage_is_one_line_that_names_the_file(
    damage: Callable[[Path], object], scored: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damage(scored)
    before = files_of(scored)
    status = main(["takes", str(scored), "use", "1", "--json"])
    error = json.loads(capsys.readouterr().out)["error"]
    assert status == 3, error
    assert error["code"] != "internal"
    assert str(scored) in error["where"] or ".otio" in error["where"] or "take" in error["message"], error
    assert files_of(scored) == before


def test_a_current_take_that_is_not_there_is_mended_by_choosing_one(scored: Path) -> None:
    with_document(scored, current=7)
    with pytest.raises(InputError, match="no take 7"):
        redraw(scored)
    assert use_take(scored, 1, quiet)["current"] == 1
    redraw(scored)


@pytest.mark.parametrize("seed", range(3))
def test_a_take_with_any_value_exchanged_opens_or_is_called_damaged(seed: int, scored: Path) -> None:
    rng = random.Random(seed)
    path = scored / "takes" / "take-0001.json"
    good = json.loads(path.read_text(encoding="utf-8"))
    for _ in range(40):
        document = json.loads(json.dumps(good))
        _exchange(document, rng)
        path.write_text(json.dumps(document), encoding="utf-8")
        try:
            ScoreFolder(scored).take()
        except InputError as error:
            assert error.code == "damaged" and "take-0001" in error.where


def _exchange(node: Any, rng: random.Random) -> None:
    """Put something else somewhere below a node."""
    while True:
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        if not keys:
            return
        key = rng.choice(keys)
        if isinstance(node[key], dict | list) and node[key] and rng.random() < 0.9:
            node = node[key]
            continue
        node[key] = rng.choice((None, "x", -1, 1.5, [], {}, True, "1/0", [1, 2, 3], {"a": 1}, float("nan")))
        return


# --- what earlier programs left behind ---------------------------------------------------------------------------


def test_leftovers_of_a_killed_program_are_cleared_and_stop_nobody(scored: Path, tmp_path: Path) -> None:
    fresh = tmp_path / "fresh.emsync"
    for folder in (scored, fresh):
        (folder / ".staging-abc" / "stems").mkdir(parents=True)
        (folder / ".staging-abc" / "stems" / "bass.wav").write_bytes(b"half")
        (folder / ".score.json.x1y2.tmp").write_bytes(b"half")
        (folder / "..commit.json.x1y2.tmp").write_bytes(b"half")
    redraw(scored)
    check_whole(scored)
    score(ScoreRequest(scored.parent / "cut.otio", fresh), quiet)
    check_whole(fresh)


def test_reading_needs_no_right_to_write(scored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder on a read-only disk can be listed."""

    def refuse(*arguments: object, **named: object) -> None:
        raise PermissionError(30, "Read-only file system", str(arguments[0]))

    for name in ("mkdir", "unlink", "write_bytes", "replace", "rmdir"):
        monkeypatch.setattr(Path, name, refuse)
    monkeypatch.setattr(shutil, "rmtree", refuse)
    assert len(list_takes(scored)["takes"]) == 1
