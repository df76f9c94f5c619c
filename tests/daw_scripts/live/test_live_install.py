"""``emsync live install|uninstall|status``: finding the folders, updating, backing up, leaving others' files alone."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path

import pytest

from bridge.live.install import install, look, uninstall
from bridge.live.places import remote_script_folders
from emsync_engine.errors import InputError
from tests.conftest import Emsync
from tests.daw_scripts.live.running import RunningLive

CFG = """<?xml version="1.0" encoding="UTF-8"?>
<Ableton><ContentLibrary><UserLibrary><LibraryProject>
<ProjectName Value="My Library" /><ProjectPath Value="{path}" />
</LibraryProject></UserLibrary></ContentLibrary></Ableton>"""


def test_macos(tmp_path: Path) -> None:
    usual = tmp_path / "Music/Ableton/User Library"
    usual.mkdir(parents=True)
    moved = tmp_path / "Volumes/Big/My Library"
    moved.mkdir(parents=True)
    settings = tmp_path / "Library/Preferences/Ableton/Live 12.2/Library.cfg"
    settings.parent.mkdir(parents=True)
    settings.write_text(CFG.format(path=tmp_path / "Volumes/Big"), encoding="utf-8")
    (tmp_path / "Library/Preferences/Ableton/Live 11.3").mkdir()
    (tmp_path / "Library/Preferences/Ableton/Live 11.3/Library.cfg").write_text("not XML", encoding="utf-8")
    found = remote_script_folders(tmp_path, {}, "darwin")
    assert usual / "Remote Scripts" in found
    assert moved / "Remote Scripts" in found


def test_windows(tmp_path: Path) -> None:
    usual = tmp_path / "Documents/Ableton/User Library"
    usual.mkdir(parents=True)
    roaming = tmp_path / "Roaming"
    settings = roaming / "Ableton/Live 11.3.4/Preferences/Library.cfg"
    settings.parent.mkdir(parents=True)
    settings.write_text(CFG.format(path=tmp_path / "Nowhere"), encoding="utf-8")
    assert remote_script_folders(tmp_path, {"APPDATA": str(roaming)}, "win32") == (usual / "Remote Scripts",)


def test_elsewhere_nothing_is_found(tmp_path: Path) -> None:
    assert remote_script_folders(tmp_path, {}, "linux") == ()


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    return tmp_path / "User Library" / "Remote Scripts"


def test_install_and_again(scripts: Path, tmp_path: Path) -> None:
    assert look(scripts).state == "absent"
    change = install(scripts, tmp_path / "state")
    assert look(scripts).state == "current"
    assert "__init__.py" in change.written
    again = install(scripts, tmp_path / "state")
    assert (look(scripts).state, again.backup) == ("current", None)


def test_the_token_is_made_for_this_user_alone(scripts: Path, tmp_path: Path) -> None:
    install(scripts, tmp_path / "state")
    token = tmp_path / "state" / "token"
    assert len(token.read_text(encoding="ascii").strip()) >= 32
    if sys.platform != "win32":
        assert stat.S_IMODE(token.stat().st_mode) == 0o600
    assert token.read_text(encoding="ascii").strip() not in (scripts / "EMSYNC/emsync.json").read_text(encoding="utf-8")


def test_a_dry_run_writes_nothing(scripts: Path, tmp_path: Path) -> None:
    change = install(scripts, tmp_path / "state", dry_run=True)
    assert change.written
    assert not scripts.exists()
    assert not (tmp_path / "state").exists()


def test_a_folder_of_somebody_else_is_left_alone(scripts: Path, tmp_path: Path) -> None:
    (scripts / "EMSYNC").mkdir(parents=True)
    (scripts / "EMSYNC/__init__.py").write_text("theirs", encoding="utf-8")
    for change in (install, uninstall):
        with pytest.raises(InputError, match="not ours"):
            change(scripts, tmp_path / "state")
    assert (scripts / "EMSYNC/__init__.py").read_text(encoding="utf-8") == "theirs"
    assert look(scripts).state == "foreign"


def test_what_was_changed_by_hand_is_copied_first(scripts: Path, tmp_path: Path) -> None:
    install(scripts, tmp_path / "state")
    mine = scripts / "EMSYNC/asking.py"
    mine.write_text("# mine", encoding="utf-8")
    assert look(scripts).edited == ("asking.py",)
    change = install(scripts, tmp_path / "state")
    assert change.backup is not None
    assert (change.backup / "asking.py").read_text(encoding="utf-8") == "# mine"
    assert scripts not in change.backup.parents, "Live would list a copy there as one more control surface"
    assert look(scripts).state == "current"


def test_settings_of_the_user_survive_an_update(scripts: Path, tmp_path: Path) -> None:
    install(scripts, tmp_path / "state")
    settings = scripts / "EMSYNC/emsync.json"
    said = json.loads(settings.read_text(encoding="utf-8"))
    settings.write_text(json.dumps({**said, "port": 20000, "controls": [["next", "cc", 1, 20]]}), encoding="utf-8")
    install(scripts, tmp_path / "state")
    kept = json.loads(settings.read_text(encoding="utf-8"))
    assert (kept["port"], kept["controls"]) == (20000, [["next", "cc", 1, 20]])


def test_a_file_that_we_no_longer_have_goes(scripts: Path, tmp_path: Path) -> None:
    install(scripts, tmp_path / "state")
    folder = scripts / "EMSYNC"
    manifest = json.loads((folder / "installed.json").read_text(encoding="utf-8"))
    (folder / "old.py").write_bytes(b"")
    manifest["files"]["old.py"] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    (folder / "installed.json").write_text(json.dumps(manifest), encoding="utf-8")
    assert look(scripts).state == "other"
    assert install(scripts, tmp_path / "state").removed == ("old.py",)
    assert not (folder / "old.py").exists()


def test_uninstall_leaves_what_is_not_ours(scripts: Path, tmp_path: Path) -> None:
    install(scripts, tmp_path / "state")
    (scripts / "EMSYNC/notes.txt").write_text("mine", encoding="utf-8")
    (scripts / "Other").mkdir()
    change = uninstall(scripts, tmp_path / "state")
    assert change.left == ("notes.txt",)
    assert [p.name for p in (scripts / "EMSYNC").iterdir()] == ["notes.txt"]
    (scripts / "EMSYNC/notes.txt").unlink()
    (scripts / "EMSYNC").rmdir()
    install(scripts, tmp_path / "state")
    uninstall(scripts, tmp_path / "state")
    assert [p.name for p in scripts.iterdir()] == ["Other"]
    assert uninstall(scripts, tmp_path / "state").removed == ()


def test_a_manifest_cannot_lead_out_of_the_folder(scripts: Path, tmp_path: Path) -> None:
    install(scripts, tmp_path / "state")
    precious = tmp_path / "precious.txt"
    precious.write_text("x", encoding="utf-8")
    said = {"name": "EMSYNC", "files": {"../../../precious.txt": "0"}}
    (scripts / "EMSYNC/installed.json").write_text(json.dumps(said), encoding="utf-8")
    with pytest.raises(InputError, match="not ours"):
        uninstall(scripts, tmp_path / "state")
    assert precious.exists()


def test_from_the_command_line(emsync: Emsync, scripts: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    at = ("--to", scripts, "--state", state)
    ran = emsync("live", "install", *at, "--port", 0)
    assert ran.status == 0, ran.err
    assert "choose EMSYNC as a Control Surface" in ran.out
    closed = emsync("live", "status", *at, "--json").json
    assert (closed["folders"][0]["state"], closed["live"], closed["state"]) == ("current", None, "closed")
    live = RunningLive(tmp_path, (12, 2))
    try:
        said = emsync("live", "status", *at, "--json").json
        assert said["live"]["application"] == "Ableton Live 12.2.3"
        assert emsync("live", "regenerate", *at, "--json").json["number"] == 1
    finally:
        live.quit()
    assert emsync("live", "uninstall", *at).status == 0
    assert not (scripts / "EMSYNC").exists()


def test_where_no_library_is_found_it_says_how(emsync: Emsync, tmp_path: Path) -> None:
    ran = emsync("live", "install", "--json", env={"HOME": str(tmp_path), "USERPROFILE": str(tmp_path)})
    assert ran.status == 3
    assert ran.error["code"] == "no_user_library"
    assert "--to" in ran.error["message"]
