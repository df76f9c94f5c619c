"""The fake REAPER is strict: what a real one would punish, or hide, fails a test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.daw_scripts.reaper.api_table import API
from tests.daw_scripts.reaper.fake_functions import Functions
from tests.daw_scripts.reaper.fake_project import Item, MisuseError, Track, parse_events
from tests.daw_scripts.reaper.fake_reaper import LUAS, OLDEST, FakeReaper

WRONG = {
    "unknown function": ("reaper.SNM_GetIntConfigVar('x', 0)", "no reaper.SNM_GetIntConfigVar"),
    "too few arguments": ("reaper.CountMediaItems()", "not 0 arguments"),
    "too many arguments": ("reaper.UpdateArrange(1)", "not 1 arguments"),
    "text for a number": ("reaper.GetMediaItem(0, 'first')", "argument 2"),
    "fraction for a whole number": ("reaper.GetMediaItem(0, 0.5)", "argument 2"),
    "number for a truth": ("reaper.SetMediaItemSelected(reaper.GetMediaItem(0, 0), 1)", "argument 2"),
    "item for a take": ("reaper.GetTakeName(reaper.GetMediaItem(0, 0))", "argument 1"),
    "caught by the script": ("pcall(reaper.GetMediaItem, 0, 'first')", "argument 2"),
    "undo left open": ("reaper.Undo_BeginBlock2(0)", "undo block was left open"),
    "undo ended twice": ("reaper.Undo_EndBlock2(0, 'x', -1)", "had not been begun"),
    "redraw left locked": ("reaper.PreventUIRefresh(1)", "not released"),
    "redraw released too often": ("reaper.PreventUIRefresh(-1)", "more often"),
    "change without undo": ("reaper.InsertTrackAtIndex(0, true)", "outside an undo"),
    "unknown attribute": ("reaper.GetMediaItemInfo_Value(reaper.GetMediaItem(0, 0), 'D_POS')", "no such attribute"),
    "a key that a file cannot keep": ("reaper.SetProjExtState(0, 'A B', 'k', 'v')", "cannot keep"),
    "an error": ("error('broken')", "broken"),
}  # fmt: skip


@pytest.mark.parametrize("lua", LUAS)
@pytest.mark.parametrize(("code", "said"), WRONG.values(), ids=WRONG.keys())
def test_misuse_is_noticed(tmp_path: Path, lua: str, code: str, said: str) -> None:
    reaper = FakeReaper(tmp_path, lua)
    track = Track()
    track.items.append(Item(track))
    reaper.project.state.tracks.append(track)
    (tmp_path / "wrong.lua").write_text(code, encoding="utf-8")
    with pytest.raises(MisuseError, match=said):
        reaper.run(tmp_path / "wrong.lua")


def test_a_pointer_to_a_deleted_item_is_noticed(tmp_path: Path) -> None:
    reaper = FakeReaper(tmp_path)
    track = Track()
    track.items.append(Item(track))
    reaper.project.state.tracks.append(track)
    (tmp_path / "dead.lua").write_text(
        """local item = reaper.GetMediaItem(0, 0)
        reaper.Undo_BeginBlock2(0)
        reaper.DeleteTrackMediaItem(reaper.GetMediaItem_Track(item), item)
        reaper.Undo_EndBlock2(0, 'x', -1)
        reaper.GetMediaItemInfo_Value(item, 'D_LENGTH')""",
        encoding="utf-8",
    )
    with pytest.raises(MisuseError, match="something that is gone"):
        reaper.run(tmp_path / "dead.lua")


def test_functions_of_reaper_7_are_not_in_reaper_6(tmp_path: Path) -> None:
    (tmp_path / "new.lua").write_text("reaper.set_action_options(1)", encoding="utf-8")
    FakeReaper(tmp_path).run(tmp_path / "new.lua")
    with pytest.raises(MisuseError, match=r"there is no reaper\.set_action_options"):
        FakeReaper(tmp_path, version=OLDEST).run(tmp_path / "new.lua")


@pytest.mark.parametrize(
    "buffer",
    [
        b"",
        b"\0\0\0\0\0\3\0\0\0\x90\x3c\x40",  # no end
        b"\0\0\0\0\0\3\0\0\0\x90\x3c\x00\0\0\0\0\0\3\0\0\0\xb0\x7b\x00",  # velocity 0
        b"\0\0\0\0\0\3\0\0\0\x90\x80\x40\0\0\0\0\0\3\0\0\0\xb0\x7b\x00",  # pitch 128
        b"\xff\xff\xff\xff\0\3\0\0\0\xb0\x7b\x00",  # back in time
        b"\0\0\0\0\0\x09\0\0\0\xb0\x7b\x00",  # cut off
    ],
)
def test_midi_data_that_reaper_could_not_hold_is_noticed(buffer: bytes) -> None:
    with pytest.raises(MisuseError):
        parse_events(buffer)


def test_items_bound_to_beats_go_with_the_tempo_and_items_bound_to_time_stay(tmp_path: Path) -> None:
    reaper = FakeReaper(tmp_path)
    track = Track()
    for mode in (0.0, 1.0, 2.0, -1.0):
        item = Item(track, 4.0, 2.0)
        item.values["C_BEATATTACHMODE"] = mode
        track.items.append(item)
    reaper.project.state.tracks.append(track)
    reaper.Undo_BeginBlock2(0)
    reaper.SetTempoTimeSigMarker(0, -1, 0.0, -1, -1, 60.0, 4, 4, False)
    reaper.Undo_EndBlock2(0, "tempo", -1)
    places = [(item.position, item.length) for item in track.items]
    assert places == [(4.0, 2.0), (8.0, 4.0), (8.0, 2.0), (8.0, 4.0)]


def test_every_function_that_the_fake_performs_is_published() -> None:
    own = {"start_script", "has_function"}
    performed = {n for n in vars(Functions) if not n.startswith("_") and callable(getattr(Functions, n))}
    assert performed - own <= set(API)
