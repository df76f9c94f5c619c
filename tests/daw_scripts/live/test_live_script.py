"""The script as Live needs it: old Python, the standard library alone, no threads; and the fake as strict as Live."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from daw_scripts import script_path
from tests.daw_scripts.live.fake_clips import MidiNoteSpecification
from tests.daw_scripts.live.fake_core import ArgumentError, UndoLeftOpenError
from tests.daw_scripts.live.fake_live import FakeLive
from tests.daw_scripts.live.lom import table

FILES = sorted(script_path("live", "EMSYNC").glob("*.py"))
STANDARD = {"__future__", "contextlib", "json", "os", "pathlib", "re", "socket", "sys", "time", "Live"}
"""Modules that Live's own Python has (and Live itself)."""


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_python_3_7_understands_it(path: Path) -> None:
    ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 7))


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_it_imports_nothing_that_live_lacks(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module or ""]
        assert {n.partition(".")[0] for n in names} <= STANDARD


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_it_never_waits(path: Path) -> None:
    calls = [n.func for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.Call)]
    methods = {f.attr for f in calls if isinstance(f, ast.Attribute)}
    assert not methods & {"sleep", "settimeout", "select", "Thread", "system", "Popen", "import_module"}
    assert not {f.id for f in calls if isinstance(f, ast.Name)} & {"eval", "exec", "compile", "__import__", "input"}


# --- the fake ------------------------------------------------------------------------------------------------------


def test_what_a_version_lacks_is_not_there() -> None:
    old, new = FakeLive((11, 0)).song.tracks[0], FakeLive((12, 2)).song.tracks[0]
    for name in ("create_midi_clip", "create_take_lane", "take_lanes"):
        assert not hasattr(old, name)
        assert hasattr(new, name)
    with pytest.raises(AttributeError):
        _ = old.is_wonderful
    clip = old.clip_slots[0].create_clip(4.0)
    assert not hasattr(clip, "get_all_notes_extended")
    assert hasattr(FakeLive((11, 3)).song.tracks[0].clip_slots[0].create_clip(4.0), "get_all_notes_extended")


def test_types_are_those_of_the_bindings() -> None:
    track = FakeLive((12, 2)).song.tracks[0]
    with pytest.raises(ArgumentError):
        track.create_midi_clip("0", 4.0)
    with pytest.raises(ArgumentError):
        track.create_midi_clip(0.0)
    clip = track.create_midi_clip(0, 4)
    with pytest.raises(ArgumentError):
        clip.remove_notes_extended(0.0, 128, 0.0, 4.0)
    with pytest.raises(ArgumentError):
        clip.add_new_notes({"notes": []})
    with pytest.raises(ArgumentError):
        track.duplicate_clip_to_arrangement(track.clip_slots[0], 0.0)
    with pytest.raises(ArgumentError):
        clip.name = 3
    with pytest.raises(AttributeError):
        clip.start_time = 3.0
    with pytest.raises(RuntimeError):
        clip.get_notes_extended(1, 128, 0.0, 4.0)


def test_an_index_that_is_not_there() -> None:
    with pytest.raises(IndexError, match="Index out of range"):
        _ = FakeLive().song.tracks[7]


def test_one_pitch_sounds_once() -> None:
    clip = FakeLive((12, 2)).song.tracks[0].create_midi_clip(0.0, 8.0)
    clip.add_new_notes((MidiNoteSpecification(60, 0.0, 4.0), MidiNoteSpecification(61, 0.0, 4.0)))
    clip.add_new_notes((MidiNoteSpecification(60, 2.0, 1.0), MidiNoteSpecification(61, 0.0, 1.0)))
    assert [(t, p, d) for t, p, d, _ in clip.rows()] == [(0.0, 60, 2.0), (0.0, 61, 1.0), (2.0, 60, 1.0)]


def test_listeners_may_not_write() -> None:
    song = FakeLive().song
    song.add_tempo_listener(lambda: song.create_midi_track(-1))
    with pytest.raises(RuntimeError, match="Changes cannot be triggered by notifications"):
        song.tempo = 90.0


def test_transport_is_seen_a_tick_later() -> None:
    live = FakeLive()
    live.song.current_song_time = 8.0
    live.song.start_playing()
    assert (live.song.current_song_time, live.song.is_playing) == (0.0, False)
    live.tick()
    assert live.song.current_song_time >= 8.0
    assert live.song.is_playing


def test_locators_toggle_at_the_grid() -> None:
    live = FakeLive(grid=4.0)
    live.song.current_song_time = 9.0
    live.tick()
    live.song.set_or_delete_cue()
    assert [c.time for c in live.song.cue_points] == [8.0]
    live.song.set_or_delete_cue()
    assert list(live.song.cue_points) == []


def test_an_undo_step_ends_in_its_tick() -> None:
    live = FakeLive()
    live.song.begin_undo_step()
    with pytest.raises(UndoLeftOpenError):
        live.tick()
    with pytest.raises(RuntimeError):
        FakeLive().song.end_undo_step()


def test_a_clip_put_down_cuts_what_lies_there_and_deleted_ones_are_dead() -> None:
    track = FakeLive((12, 2)).song.tracks[0]
    first = track.create_midi_clip(0.0, 8.0)
    track.create_midi_clip(4.0, 8.0)
    assert [(c.start_time, c.end_time) for c in track.arrangement_clips] == [(0.0, 4.0), (4.0, 12.0)]
    with pytest.raises(RuntimeError, match="not valid any more"):
        _ = first.name


def test_the_table_is_the_published_one() -> None:
    """The fake never has a member that the table lacks; a member of the table that it lacks says so."""
    live = FakeLive((12, 2))
    for thing in (live.song, live.song.tracks[0], live.song.tracks[0].clip_slots[0], live.song.view):
        kinds = [name[3:] for name in dir(type(thing)) if name.startswith("do_")]
        assert set(kinds) <= set(table()[thing.LOM].members)
    with pytest.raises(NotImplementedError, match="the real Live has"):
        live.song.jump_by(4.0)
