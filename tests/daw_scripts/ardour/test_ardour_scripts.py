"""What of Ardour's scripts can be run without Ardour: they are Lua 5.3, and they speak the mailbox's language."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from lupa import lua53

from bridge.connectors.ardour_mailbox import PROTOCOL, read_rows, rows_text
from daw_scripts import HOME, script_path
from tests.bridge.connectors.ardour_fake import FIELDS

SCRIPTS = sorted(path.name for path in (HOME / "ardour").glob("*.lua"))
NASTY = "tab\there, \u2028 separator, \x0b, line\nbreak, return\rand \\ back\\\\slash, \\t no tab, ü, 'quotes' \"two\""

# As much of Ardour as the core asks for while it is loaded.
LOADED = """
Temporal = { ticks_per_beat = 1920 }
ARDOUR = { user_config_directory = function (version) return HOME end }
"""

# A session of one track of ours, in which every quarter is a second.
A_SECOND_A_QUARTER = """
COMMENT = "EMSYNC cue:piano"
local track = { comment = function () return COMMENT end, set_comment = function (self, text) COMMENT = text end,
                to_track = function (self) return self end }
local function nothing () return function () end end
Session = { actively_recording = function () return false end, nominal_sample_rate = function () return 48000 end,
            begin_reversible_command = nothing, abort_empty_reversible_command = function () return true end,
            get_tracks = function () return { iter = function ()
                local left = { track } return function () return table.remove (left) end end } end }
Temporal.timepos_t = { from_ticks = function (ticks) return ticks end }
Temporal.TempoMap = { read = function ()
    return { sample_at = function (self, ticks) return ticks * 48000 // 1920 end } end }
"""


@pytest.fixture
def core(tmp_path: Path) -> Any:
    lua = lua53.LuaRuntime(unpack_returned_tuples=True)
    lua.globals().HOME = str(tmp_path)
    (tmp_path / "emsync").mkdir()
    lua.execute(LOADED)
    module = lua.execute(script_path("ardour", "emsync_core.lua").read_text("utf-8"))
    module.lua = lua
    return module


@pytest.mark.parametrize("name", SCRIPTS)
def test_it_is_lua_5_3(name: str) -> None:
    text = script_path("ardour", name).read_text("utf-8")
    made = lua53.LuaRuntime().eval("function (text) return load (text) ~= nil, select (2, load (text)) end")(text)
    assert made == (True, None) or made is True


@pytest.mark.parametrize("name", [name for name in SCRIPTS if name != "emsync_core.lua"])
def test_ardour_s_script_manager_finds_a_name_and_a_kind(name: str) -> None:
    lua = lua53.LuaRuntime()
    lua.execute(
        "LuaSignal = { Set = function () return { add = function (self, s) return s end } end, LuaTimerDS = 1 }"
    )
    lua.execute("function ardour (about) ABOUT = about end")
    lua.execute(script_path("ardour", name).read_text("utf-8"))
    about = dict(lua.globals().ABOUT.items())
    assert about["type"] == ("EditorHook" if "listener" in name else "EditorAction")
    assert about["name"].startswith("EMSYNC")
    assert lua.globals().factory is not None
    assert "listener" not in name or lua.globals().signals() is not None


def test_rows_written_by_the_script_are_read_here(core: Any, tmp_path: Path) -> None:
    table = core.lua.table_from
    core.write(str(tmp_path / "a.tsv"), table([table(["one", NASTY, ""]), table(["two", 3])]))
    assert read_rows(tmp_path / "a.tsv") == [["one", NASTY, ""], ["two", "3"]]
    core.write(str(tmp_path / "a.tsv"), table([table(["again"])]))  # onto what is there
    assert read_rows(tmp_path / "a.tsv") == [["again"]]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows renames onto nothing")
def test_a_file_that_is_written_anew_is_never_gone(core: Any, tmp_path: Path) -> None:
    core.lua.execute("os.remove = function (path) error (path .. ' is gone') end")
    for word in ("one", "two"):
        core.write(str(tmp_path / "a.tsv"), core.lua.table_from([core.lua.table_from([word])]))
    assert read_rows(tmp_path / "a.tsv") == [["two"]]


def test_the_listener_survives_an_error_and_goes_on(core: Any, tmp_path: Path) -> None:
    """Ardour takes a hook that raises one out of its settings."""
    core.lua.execute(
        "said = {} function print (text) said[#said + 1] = text end "
        "Session = { name = function () return 'cue' end, path = function () return '/there' end, "
        "nominal_sample_rate = function () return 48000 end }"
    )
    home = tmp_path / "emsync"
    look = core.listener()
    home.rmdir()
    look()
    look()
    assert len(core.lua.globals().said) == 1, "it says so once"
    home.mkdir()
    look()
    assert [row[3] for row in read_rows(home / "alive.tsv") or []] == ["cue"]


def test_rows_written_here_are_read_by_the_script(core: Any, tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_bytes(rows_text([["one", NASTY, ""], ["two", 3]]).encode())
    rows = core.read(str(tmp_path / "a.tsv"))
    assert [list(row.values()) for row in rows.values()] == [["one", NASTY, ""], ["two", "3"]]


@pytest.mark.parametrize("cut", [1, 5, 12])
def test_a_file_that_is_not_whole_is_not_there(core: Any, tmp_path: Path, cut: int) -> None:
    text = rows_text([["one", "two"], ["three"]])
    (tmp_path / "a.tsv").write_text(text[:-cut], encoding="utf-8")
    assert core.read(str(tmp_path / "a.tsv")) is None
    assert read_rows(tmp_path / "a.tsv") is None
    assert core.read(str(tmp_path / "none.tsv")) is None


def test_both_sides_are_of_one_version(core: Any) -> None:
    assert core.PROTOCOL == PROTOCOL


def test_the_model_of_the_session_takes_the_rows_that_the_script_takes() -> None:
    text = script_path("ardour", "emsync_core.lua").read_text("utf-8")
    for tag, fields in FIELDS.items():
        body = text[text.index(f"function WRITE.{tag} ") :].split("\nend\n")[0]
        used = [int(word.partition("]")[0]) for word in body.split("row[")[1:]]
        assert max(used) == fields, tag


@pytest.mark.parametrize(("sample", "taken"), [(48_000, True), (48_049, False), (96_000, False)])
def test_a_tempo_map_that_ardour_did_not_take_is_an_error(core: Any, tmp_path: Path, sample: int, taken: bool) -> None:
    core.alive = core.lua.eval("function () end")
    core.lua.execute(A_SECOND_A_QUARTER)
    rows = [["request", PROTOCOL, "abc"], ["write", "cue"], ["keep_tempo", "cue:piano", "1", sample]]
    (tmp_path / "emsync" / "request.tsv").write_text(rows_text(rows), encoding="utf-8")
    core.receive()
    ((_, _, outcome, why),) = read_rows(tmp_path / "emsync" / "answer-abc.tsv") or []
    assert (outcome, "did not take over the tempo map" in why) == (("ok", False) if taken else ("error", True))
    assert ("tempo" in core.lua.globals().COMMENT) == taken


def test_a_request_of_another_version_is_answered_with_an_error(core: Any, tmp_path: Path) -> None:
    core.alive = core.lua.eval("function () end")
    home = tmp_path / "emsync"
    (home / "request.tsv").write_text(rows_text([["request", "0", "abc"], ["look", "cue"]]), encoding="utf-8")
    assert core.receive() is True
    (head,) = read_rows(home / "answer-abc.tsv") or []
    assert head[:3] == ["answer", "abc", "error"]
    assert "version" in head[3]
    assert core.receive() is False
