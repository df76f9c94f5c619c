"""A strict Live to test against: ``FakeLive((12, 2))`` is a host with a set, ``tick()`` is a tenth of a second of it.

Everything that scripts may touch is checked against the published table (``lom.py``): what a version lacks raises
``AttributeError``, arguments are checked as Live's bindings do, deleted objects refuse to answer, listeners may not
write, transport changes are seen one tick later, locators snap to a grid, an undo step must end in its tick.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from tests.daw_scripts.live.fake_clips import Clip, ClipSlot, MidiNoteSpecification, TakeLane, Track
from tests.daw_scripts.live.fake_core import ArgumentError, LomObject, UndoLeftOpenError, Vector, World, check_arguments
from tests.daw_scripts.live.lom import Version, table

__all__ = ["ArgumentError", "Clip", "ClipSlot", "FakeLive", "TakeLane", "Track", "UndoLeftOpenError"]
TICK_S = 0.1


class CuePoint(LomObject):
    LOM = "CuePoint"

    def __init__(self, world: World, song: Song, time: float, name: str) -> None:
        super().__init__(world, name=name, time=time, song=song)

    def do_jump(self) -> None:
        self._values["song"].later("current_song_time", self._values["time"])


class Scene(LomObject):
    LOM = "Scene"


class SongView(LomObject):
    LOM = "SongView"


class Song(LomObject):
    LOM = "Song"
    READS = frozenset({"get_data", "is_cue_point_selected"})

    def __init__(self, world: World, grid: float) -> None:
        super().__init__(
            world, tempo=120.0, signature_numerator=4, signature_denominator=4, current_song_time=0.0,
            is_playing=False, loop=False, loop_start=0.0, loop_length=16.0, song_length=64.0, last_event_time=0.0,
            start_time=0.0, record_mode=False, arrangement_overdub=False, back_to_arranger=False, metronome=False,
            clip_trigger_quantization=4, cue_points=Vector(), return_tracks=Vector(), data={},
        )  # fmt: skip
        self._values["scenes"] = Vector(Scene(world, name="", color=0, is_empty=True) for _ in range(2))
        self._values["tracks"] = Vector((Track(world, 2, "1-MIDI"), Track(world, 2, "2-Audio", midi=False)))
        self._values["view"] = SongView(
            world, selected_track=self.tracks[0], selected_scene=self.scenes[0], highlighted_clip_slot=None,
            detail_clip=None, follow_song=False, draw_mode=False,
        )  # fmt: skip
        object.__setattr__(self, "_grid", grid)
        object.__setattr__(self, "_later", {})

    # --- undo ---

    def do_begin_undo_step(self) -> None:
        if self._world.depth == 0:
            self._world.steps.append([])
        self._world.depth += 1

    def do_end_undo_step(self) -> None:
        if self._world.depth == 0:
            raise RuntimeError("end_undo_step without begin_undo_step")
        self._world.depth -= 1

    def do_undo(self) -> str:
        self._world.undo()
        return ""

    # --- transport: what is asked for is seen at the next tick ---

    def later(self, name: str, value: Any) -> None:
        self._later[name] = value

    def set_current_song_time(self, value: float) -> None:
        if value < 0:
            raise RuntimeError("Invalid song time")
        self.later("current_song_time", value)

    def do_start_playing(self) -> None:
        self.later("is_playing", True)

    def do_continue_playing(self) -> None:
        self.later("is_playing", True)

    def do_stop_playing(self) -> None:
        self.later("is_playing", False)

    def set_loop_length(self, value: float) -> None:
        if value <= 0:
            raise RuntimeError("Invalid loop length")
        self.put("loop_length", value)

    def advance(self) -> None:
        """A tick goes by."""
        pending = dict(self._later)
        self._later.clear()
        for name, value in pending.items():
            self._values[name] = value
            self.notify(name)
        if self._values["is_playing"]:
            self._values["current_song_time"] += TICK_S * self._values["tempo"] / 60
            self.notify("current_song_time")

    # --- locators ---

    def _cue_here(self) -> float:
        """Where a locator would be put: on the grid, and while it plays on the next bar."""
        now, grid = self._values["current_song_time"], self._grid
        if self._values["is_playing"]:
            grid = float(self._values["signature_numerator"])
        return round(now / grid) * grid if grid else now

    def do_is_cue_point_selected(self) -> bool:
        return any(c.time == self._values["current_song_time"] for c in self._values["cue_points"])

    def do_set_or_delete_cue(self) -> None:
        here = self._cue_here()
        known = self._values["cue_points"]
        there = [c for c in known if abs(c.time - here) < 1e-9]
        for cue in there:
            cue.kill()
            self._world.record(cue.revive)
        left = [c for c in known if c not in there]
        if not there:
            left.append(CuePoint(self._world, self, here, str(len(known) + 1)))
        self.put("cue_points", Vector(left))

    # --- tracks and scenes ---

    def _create_track(self, index: Any, midi: bool) -> Track:
        tracks = list(self._values["tracks"])
        at = len(tracks) if index in (None, -1) else index
        if not isinstance(at, int) or not 0 <= at <= len(tracks):
            raise IndexError("Index out of range")
        track = Track(self._world, len(self._values["scenes"]), f"{len(tracks) + 1}-{'MIDI' if midi else 'Audio'}",
                      midi=midi)  # fmt: skip
        tracks.insert(at, track)
        self.put("tracks", Vector(tracks))
        return track

    def do_create_midi_track(self, index: Any = None) -> Track:
        return self._create_track(index, midi=True)

    def do_create_audio_track(self, index: Any = None) -> Track:
        return self._create_track(index, midi=False)

    def do_delete_track(self, index: int) -> None:
        tracks = list(self._values["tracks"])
        if not 0 <= index < len(tracks):
            raise IndexError("Index out of range")
        track = tracks.pop(index)
        track.kill()
        self._world.record(track.revive)
        self.put("tracks", Vector(tracks))

    def do_create_scene(self, index: int) -> Scene:
        scenes = list(self._values["scenes"])
        at = len(scenes) if index == -1 else index
        if not 0 <= at <= len(scenes):
            raise IndexError("Index out of range")
        made = Scene(self._world, name="", color=0, is_empty=True)
        scenes.insert(at, made)
        self.put("scenes", Vector(scenes))
        for track in self._values["tracks"]:
            slots = list(track.clip_slots)
            slots.insert(at, ClipSlot(self._world, track))
            track.put("clip_slots", Vector(slots))
        return made

    def do_delete_scene(self, index: int) -> None:
        scenes = list(self._values["scenes"])
        if not 0 <= index < len(scenes) or len(scenes) == 1:
            raise IndexError("Index out of range")
        scenes.pop(index)
        self.put("scenes", Vector(scenes))
        for track in self._values["tracks"]:
            track.put("clip_slots", Vector(s for i, s in enumerate(track.clip_slots) if i != index))

    # --- data kept in the set ---

    def do_get_data(self, key: Any, default: Any) -> Any:
        return self._values["data"].get(key, default)

    def do_set_data(self, key: Any, value: Any) -> None:
        if not isinstance(value, str | int | float | bool | list | tuple | dict | None):
            raise ArgumentError("only plain values can be stored")
        self._values["data"][key] = value


class Application(LomObject):
    LOM = "Application"
    READS = frozenset({"get_major_version", "get_minor_version", "get_bugfix_version", "get_document"})

    def do_get_major_version(self) -> int:
        return self._world.version[0]

    def do_get_minor_version(self) -> int:
        return self._world.version[1]

    def do_get_bugfix_version(self) -> int:
        return 3

    def do_get_document(self) -> Song:
        return self._values["song"]  # type: ignore[no-any-return]


class Instance(LomObject):
    """``c_instance``: what Live gives a control surface."""

    LOM = "Instance"

    def do_song(self) -> Song:
        return self._values["song"]  # type: ignore[no-any-return]

    def do_handle(self) -> object:
        return self

    def do_show_message(self, text: str) -> None:
        self._values["shown"].append(text)

    def do_log_message(self, text: str) -> None:
        self._values["logged"].append(text)

    def do_request_rebuild_midi_map(self) -> None:
        self._values["rebuilds"].append(True)

    def do_instance_identifier(self) -> int:
        return 1


class FakeLive:
    """One running Live with one control surface in it.

    Args:
        version: such as ``(11, 3)``.
        grid: beats of the arrangement's grid that locators snap to; 0 for none.
    """

    def __init__(self, version: Version = (12, 2), *, grid: float = 0.0) -> None:
        self.world = World(version)
        self.song = Song(self.world, grid)
        self.application = Application(self.world, song=self.song)
        self.shown: list[str] = []
        self.logged: list[str] = []
        self.rebuilds: list[bool] = []
        self.forwarded: list[tuple[str, int, int]] = []
        self.instance = Instance(
            self.world, song=self.song, shown=self.shown, logged=self.logged, rebuilds=self.rebuilds
        )
        self.surface: Any = None
        self.stalled = False
        """A menu or a dialog is open: the timer stands still."""

    # --- the module that scripts import ---

    @contextmanager
    def installed(self) -> Iterator[None]:
        """``import Live`` finds this one."""
        before = sys.modules.get("Live")
        sys.modules["Live"] = self.module()
        try:
            yield
        finally:
            if before is None:
                sys.modules.pop("Live", None)
            else:
                sys.modules["Live"] = before

    def module(self) -> ModuleType:
        live = ModuleType("Live")
        live.Application = ModuleType("Live.Application")  # type: ignore[attr-defined]
        live.Application.get_application = lambda: self.application
        live.Clip = ModuleType("Live.Clip")  # type: ignore[attr-defined]
        live.Clip.MidiNoteSpecification = MidiNoteSpecification
        live.MidiMap = ModuleType("Live.MidiMap")  # type: ignore[attr-defined]
        for name in ("forward_midi_note", "forward_midi_cc"):
            setattr(live.MidiMap, name, self._forward(name))
        return live

    def _forward(self, name: str) -> Any:
        row = table()["MidiMap"].members[name]

        def call(*arguments: Any) -> bool:
            check_arguments("MidiMap", row, arguments)
            self.forwarded.append((name, arguments[2], arguments[3]))
            return True

        return call

    # --- life ---

    def start(self, package: Any) -> Any:
        """Load a control surface as Live does."""
        with self.installed():
            self.surface = package.create_instance(self.instance)
            self.surface.build_midi_map(object())
            self.surface.refresh_state()
        return self.surface

    def stop(self) -> None:
        if self.surface is not None:
            self.surface.disconnect()
            self.surface = None

    def tick(self, times: int = 1) -> None:
        """Let time go by. Raises UndoLeftOpenError when a step was begun and not ended."""
        for _ in range(times):
            self.song.advance()
            if self.surface is not None and not self.stalled:
                with self.installed():
                    self.surface.update_display()
            if self.world.depth:
                raise UndoLeftOpenError(f"{self.world.depth} undo steps were left open at the end of a tick")

    # --- what a person does ---

    def midi(self, *message: int) -> None:
        with self.installed():
            self.surface.receive_midi(tuple(message))

    def add_locator(self, time: float, name: str) -> CuePoint:
        cue = CuePoint(self.world, self.song, time, name)
        self.song._values["cue_points"] = Vector((*self.song.cue_points, cue))
        return cue

    def track(self, name: str) -> Track:
        (found,) = [t for t in self.song.tracks if t.name == name]
        return found

    def select(self, *names: str) -> None:
        for track in self.song.tracks:
            track._values["is_part_of_selection"] = track.name in names
        self.song.view._values["selected_track"] = self.track(names[0])

    def clips(self, name: str) -> list[Clip]:
        return list(self.track(name).arrangement_clips)
