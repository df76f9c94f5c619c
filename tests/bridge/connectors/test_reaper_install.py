"""``emsync reaper install``: finds REAPER, puts the scripts there, changes nobody else's files, goes again."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from datetime import datetime, timezone
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pytest

from bridge.connectors.reaper_osc import OscDevice, osc_device
from bridge.reaper import install as installing
from bridge.reaper.install import BEGIN, END, install, our_files, status, uninstall
from bridge.reaper.reapack import index_xml
from bridge.reaper.resources import find_resources, standard
from daw_scripts import script_path
from emsync_engine.errors import InputError, UsageError
from tests.conftest import files_of, run_emsync
from tests.daw_scripts.reaper.fake_reaper import FakeReaper
from tests.daw_scripts.reaper.running import Running


@pytest.fixture
def resources(tmp_path: Path) -> Path:
    """A resource path as a user has it."""
    path = tmp_path / "REAPER"
    (path / "Scripts").mkdir(parents=True)
    (path / "OSC").mkdir()
    (path / "OSC" / "Default.ReaperOSC").write_text("PLAY t/play\n", encoding="utf-8")
    (path / "reaper.ini").write_text(INI, encoding="utf-8")
    return path


INI = """[reaper]
lastproject=/films/é.rpp
csurf_cnt=2
csurf_0=HTTP 0 2307 '' 'index.html' 0 ''
csurf_1=OSC "pad" 3 8000 "192.168.1.7" 9000 1024 10 ""
[recent]
csurf_cnt=99
"""


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """No REAPER runs, whatever else does on this computer."""
    monkeypatch.setattr(installing, "reaper_runs", lambda resources: False)


# --- finding ---


@pytest.mark.parametrize(
    ("system", "environment", "expected"),
    [
        ("linux", {}, ".config/REAPER"),
        ("linux", {"XDG_CONFIG_HOME": "{home}/cfg"}, "cfg/REAPER"),
        ("darwin", {}, "Library/Application Support/REAPER"),
        ("win32", {"APPDATA": "{home}/AppData/Roaming"}, "AppData/Roaming/REAPER"),
        ("win32", {}, "AppData/Roaming/REAPER"),
    ],
)
def test_the_normal_place(tmp_path: Path, system: str, environment: dict[str, str], expected: str) -> None:
    said = {k: v.format(home=tmp_path) for k, v in environment.items()}
    assert standard(system, tmp_path, said) == tmp_path / expected
    assert find_resources(system, tmp_path, said) == []
    (tmp_path / expected).mkdir(parents=True)
    assert find_resources(system, tmp_path, said) == [tmp_path / expected]


@pytest.mark.parametrize(
    ("system", "place", "program"),
    [
        ("linux", "opt/REAPER", "reaper"),
        ("darwin", "Documents/REAPER", "REAPER.app"),
        ("win32", "Desktop/REAPER", "reaper.exe"),
    ],
)
def test_a_portable_install_has_its_files_beside_the_program(
    tmp_path: Path, system: str, place: str, program: str
) -> None:
    folder = tmp_path / place
    folder.mkdir(parents=True)
    (folder / program).touch()
    assert find_resources(system, tmp_path, {}) == []  # the program alone is a normal install
    (folder / "reaper.ini").touch()
    assert find_resources(system, tmp_path, {}) == [folder]


def test_a_named_place_comes_first_and_none_twice(tmp_path: Path) -> None:
    normal = standard("linux", tmp_path, {})
    normal.mkdir(parents=True)
    assert find_resources("linux", tmp_path, {"EMSYNC_REAPER": str(tmp_path / "x")}) == [tmp_path / "x", normal]
    assert find_resources("linux", tmp_path, {"EMSYNC_REAPER": str(normal)}) == [normal]


# --- installing ---


def test_install_puts_every_script_there_and_starts_the_listener(resources: Path) -> None:
    install(resources)
    for name, data in our_files().items():
        assert (resources / name).read_bytes() == data
    reaper = FakeReaper(resources)
    reaper.run(resources / "Scripts" / "__startup.lua")
    reaper.turn(2)
    found = status(resources)
    assert (found.state, found.scripts, found.autostart) == ("ready", "current", True)


def test_installing_twice_changes_nothing(resources: Path) -> None:
    install(resources)
    before = files_of(resources)
    answer = install(resources)
    assert (answer["changed"], answer["backups"]) == ([], [])
    assert files_of(resources) == before


@pytest.mark.parametrize(
    "text", ["-- mine\nreaper.ShowConsoleMsg('hello')\n", "-- no newline at the end", "-- \xe9 latin-1"]
)
def test_a_start_up_script_of_the_users_is_kept_and_backed_up(resources: Path, text: str) -> None:
    startup = resources / "Scripts" / "__startup.lua"
    mine = text.encode("latin-1")
    startup.write_bytes(mine)
    answer = install(resources)
    assert startup.read_bytes().startswith(mine)
    assert [Path(p).read_bytes() for p in answer["backups"]] == [mine]
    uninstall(resources)
    assert startup.read_bytes().rstrip(b"\n") == mine.rstrip(b"\n")


def test_an_older_block_is_replaced_where_it_stands(resources: Path) -> None:
    startup = resources / "Scripts" / "__startup.lua"
    startup.write_text(f"-- a\n{BEGIN}\ndofile('old')\n{END}\n-- b\n", encoding="utf-8")
    install(resources)
    text = startup.read_text(encoding="utf-8")
    assert text.startswith("-- a\n") and text.endswith("-- b\n")
    assert "dofile('old')" not in text
    assert text.count(BEGIN) == 1


def test_a_script_that_was_changed_is_backed_up_before_it_is_replaced(resources: Path) -> None:
    install(resources)
    script = resources / "Scripts" / "EMSYNC" / "emsync_lock.lua"
    script.write_text("-- mine", encoding="utf-8")
    assert status(resources).scripts == "other"
    answer = install(resources)
    assert [Path(p).read_text(encoding="utf-8") for p in answer["backups"]] == ["-- mine"]
    assert status(resources).scripts == "current"


def test_uninstall_leaves_the_folder_as_it_was(resources: Path) -> None:
    before = files_of(resources)
    install(resources)
    uninstall(resources)
    assert {k: v for k, v in files_of(resources).items() if not k.startswith("EMSYNC-backups/")} == before
    assert uninstall(resources)["removed"] == []


def test_uninstall_leaves_what_is_not_ours(resources: Path) -> None:
    install(resources)
    mine = resources / "Scripts" / "EMSYNC" / "mine.lua"
    mine.write_text("--", encoding="utf-8")
    uninstall(resources)
    assert mine.is_file()
    assert not (resources / "Scripts" / "EMSYNC" / "lib").exists()


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--resource-path"):
        install(tmp_path / "nowhere")


# --- reaper.ini ---


def test_without_being_asked_the_ini_is_not_touched(resources: Path) -> None:
    before = (resources / "reaper.ini").stat().st_mtime_ns, (resources / "reaper.ini").read_bytes()
    install(resources)
    uninstall(resources)
    assert ((resources / "reaper.ini").stat().st_mtime_ns, (resources / "reaper.ini").read_bytes()) == before


def test_osc_adds_a_device_and_keeps_the_others(resources: Path, closed: None) -> None:
    (resources / "reaper.ini").write_text(INI.replace('csurf_1=OSC "pad" 3', 'csurf_1=OSC "pad" 2'), encoding="utf-8")
    before = (resources / "reaper.ini").read_text(encoding="utf-8").splitlines()
    answer = install(resources, osc=True)
    after = (resources / "reaper.ini").read_text(encoding="utf-8").splitlines()
    assert [line for line in before if line not in after] == ["csurf_cnt=2"]
    assert [line for line in after if line not in before] == [
        "csurf_cnt=3", 'csurf_2=OSC "EMSYNC" 3 17721 "127.0.0.1" 17722 1024 10 "EMSYNC"',
    ]  # fmt: skip
    assert after.index("[recent]") > after.index(after[-3])
    assert any(Path(p).name == "reaper.ini" for p in answer["backups"])
    assert osc_device(resources) == OscDevice("EMSYNC", 17721)
    assert install(resources, osc=True)["changed"] == []


def test_a_device_of_the_users_that_listens_is_used(resources: Path, closed: None) -> None:
    before = (resources / "reaper.ini").read_bytes()
    install(resources, osc=True)
    assert (resources / "reaper.ini").read_bytes() == before
    assert osc_device(resources) == OscDevice("pad", 8000)


def test_an_ini_without_its_section_gets_one(resources: Path, closed: None) -> None:
    (resources / "reaper.ini").unlink()
    install(resources, osc=True)
    assert osc_device(resources) == OscDevice("EMSYNC", 17721)


def test_the_ini_of_a_running_reaper_is_never_changed(tmp_path: Path) -> None:
    running = Running(tmp_path).start()
    (running.resources / "reaper.ini").write_text(INI, encoding="utf-8")
    with pytest.raises(InputError, match="while REAPER is closed"):
        install(running.resources, osc=True)
    assert (running.resources / "reaper.ini").read_text(encoding="utf-8") == INI


def test_the_ini_is_not_changed_when_nobody_can_tell_whether_reaper_runs(
    resources: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installing, "reaper_runs", lambda resources: None)
    with pytest.raises(InputError, match="while REAPER is closed"):
        install(resources, osc=True)


def test_the_osc_file_names_known_patterns_only() -> None:
    lines = script_path("reaper", "EMSYNC.ReaperOSC").read_text(encoding="utf-8").splitlines()
    rows = [line.split() for line in lines if line.strip() and not line.startswith("#")]
    for action, *patterns in rows:
        assert re.fullmatch(r"[A-Z_]+", action)
        assert patterns
        if action.startswith("DEVICE_"):
            assert patterns == ["0"]
        else:
            assert all(re.fullmatch(r"[nfbtrsi](/[a-z_@]+)+", p) for p in patterns)
    assert len({row[0] for row in rows}) == len(rows)


# --- ReaPack ---


def test_the_reapack_index_has_every_script_once(tmp_path: Path) -> None:
    base = "https://example.org/emsync/raw/v1/daw_scripts/reaper"
    root = ET.fromstring(index_xml(base, version="1.2.3", time=datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)))
    assert (root.tag, root.get("version"), root.get("name")) == ("index", "1", "EMSYNC")
    (package,) = root.findall("category/reapack")
    assert package.get("type") == "script"
    assert str(package.get("name")).endswith(".lua")
    (release,) = package.findall("version")
    assert release.attrib == {"name": "1.2.3", "author": "EMSYNC", "time": "2026-01-02T03:04:05Z"}
    home = script_path("reaper")
    files = {p.relative_to(home).as_posix() for p in home.rglob("*.lua")}
    sources = release.findall("source")
    assert {source.get("file") for source in sources} == files
    assert len(sources) == len(files)
    for source in sources:
        assert source.text == f"{base}/{source.get('file')}"
        assert source.get("main") == (None if "/" in str(source.get("file")) else "main")


def test_the_version_of_the_index_is_one_that_reapack_can_read() -> None:
    root = ET.fromstring(index_xml("https://example.org/x"))
    name = str(root.findall("category/reapack/version")[0].get("name"))
    assert name[0].isdigit()
    assert all(int(number) <= 65535 for number in re.findall(r"\d+", name))


def test_an_index_needs_an_address() -> None:
    with pytest.raises(UsageError, match="no web address"):
        index_xml("/home/me/emsync")


def test_what_reapack_installs_runs(tmp_path: Path) -> None:
    """Every source put where ReaPack puts it: Scripts/INDEX/CATEGORY/FILE."""
    home = script_path("reaper")
    root = ET.fromstring(index_xml("https://example.org/x"))
    folder = tmp_path / "Scripts" / str(root.get("name")) / str(root.findall("category")[0].get("name"))
    for source in root.iter("source"):
        target = folder / str(source.get("file"))
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(home / url2pathname(urlsplit(str(source.text)).path).replace("\\", "/").removeprefix("/x/"), target)
    reaper = FakeReaper(tmp_path)
    reaper.run(folder / "emsync_listener.lua")
    reaper.turn(2)
    assert status(tmp_path).state == "ready"


# --- the command ---


def test_the_command_installs_tells_and_removes(resources: Path) -> None:
    done = run_emsync("reaper", "install", "--resource-path", resources)
    assert (done.status, done.err) == (0, "")
    assert "start REAPER" in done.out
    (row,) = run_emsync("reaper", "status", "--resource-path", resources, "--json").json["reaper"]
    assert (row["scripts"], row["autostart"], row["state"]) == ("current", True, "closed")
    assert run_emsync("reaper", "uninstall", "--resource-path", resources).status == 0
    (row,) = run_emsync("reaper", "status", "--resource-path", resources, "--json").json["reaper"]
    assert (row["scripts"], row["autostart"], row["state"]) == ("none", False, "not_installed")


def test_the_command_without_a_reaper_says_what_to_do(tmp_path: Path) -> None:
    nowhere = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "c"), "APPDATA": str(tmp_path / "a"),
               "USERPROFILE": str(tmp_path)}  # fmt: skip
    done = run_emsync("reaper", "status", "--json", env=nowhere)
    if done.status == 0:  # a real REAPER lies in one of the system's places
        pytest.skip("REAPER is installed on this computer")
    assert (done.status, done.error["code"]) == (3, "no_reaper")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM for a program to end by")
def test_listen_serves_until_it_is_stopped(tmp_path: Path) -> None:
    running = Running(tmp_path).start()
    from tests.conftest import command, environment

    listener = subprocess.Popen(
        command("reaper", "listen", "--resource-path", running.resources, "--state", tmp_path / "state"),
        env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    pump = running.box().root / "pump.json"
    deadline = time.monotonic() + 90
    while not pump.is_file():
        assert listener.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    running.add_item("VIDEO", 0, 10, file="/films/a.mov")
    running.action("score_picture")
    while not running.reaper.console:
        assert listener.poll() is None and time.monotonic() < deadline
        running.reaper.turn(5)
        time.sleep(0.02)
    listener.terminate()
    out, err = listener.communicate(timeout=30)
    assert (listener.returncode, err) == (0, b"")
    assert b"listening" in out
    assert "emsync serve" in "".join(running.reaper.console)
    assert '"closed"' in pump.read_text(encoding="utf-8")


def test_a_thread_serves_a_program_that_does_other_things(tmp_path: Path) -> None:
    from bridge.connectors.reaper_mailbox import PumpThread

    running = Running(tmp_path).start()
    running.add_item("VIDEO", 0, 10, file="/films/a.mov")
    running.action("score_picture")
    pumps = PumpThread(tmp_path / "no daemon", [running.resources, tmp_path / "no REAPER"]).start()
    deadline = time.monotonic() + 90
    while not running.reaper.console:
        assert time.monotonic() < deadline
        running.reaper.turn(5)
        time.sleep(0.02)
    pumps.close(wait_s=90)
    assert "emsync serve" in running.reaper.console[0]
    assert '"closed"' in (running.box().root / "pump.json").read_text(encoding="utf-8")


def test_the_named_resource_path_with_our_scripts_is_the_usual_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bridge.reaper.resources import usual_resources

    monkeypatch.setenv("EMSYNC_REAPER", str(tmp_path))
    (tmp_path / "Scripts" / "EMSYNC").mkdir(parents=True)
    assert usual_resources() == tmp_path
