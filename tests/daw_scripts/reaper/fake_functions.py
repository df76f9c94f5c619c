# ruff: noqa: N802 - the functions have the names that REAPER gives them
"""What the functions of the fake REAPER do. ``Functions`` has a method for each that the fake can perform."""

from __future__ import annotations

import copy
import hashlib
from pathlib import Path
from typing import Any

from tests.daw_scripts.reaper.fake_project import (
    Item,
    Marker,
    MisuseError,
    Project,
    Source,
    State,
    Take,
    Tempo,
    Track,
    guid,
    midi_hash,
    pack_events,
    parse_events,
)

FIRST_SCRIPT = 50001
TICK_S = 0.0005
"""What one look at the clock costs: so that whoever waits for it gets on."""


class Functions:
    """The state of the application and its API. Methods are called with checked arguments."""

    def __init__(self, resources: Path, version: str) -> None:
        self.resources = resources
        self.version = version
        self.projects = [Project()]
        self.front = 0
        self.memory: dict[tuple[str, str], str] = {}
        self.kept_memory: dict[tuple[str, str], str] = {}
        self.commands: dict[int, str] = {}
        self.now = 1000.0
        self.undo_depth = 0
        self.prevented = 0
        self.opened: State | None = None
        self.undo_leaves_ext = False
        """Whether undo leaves what scripts keep in the project as it is; nothing published says."""
        self.loaded = 0
        """How often the project was loaded: REAPER's hashes may differ afterwards."""
        self.messages: list[str] = []
        self.console: list[str] = []
        self.status = ""
        self.answers: list[str] = []
        self.native: list[int] = []
        self.listings: dict[str, list[str]] = {}
        self.deferred: list[Any] = []
        self.at_exit: list[Any] = []
        self.script = ""

    # --- helpers ---

    @property
    def project(self) -> Project:
        return self.projects[self.front]

    def _p(self, project: Any) -> Project:
        return project if isinstance(project, Project) else self.project

    def _touch(self) -> None:
        """A change of the project: only within an undo block."""
        if self.undo_depth < 1:
            raise MisuseError("the project was changed outside an undo block")
        self.project.changes += 1

    def _project_of(self, thing: Any) -> Project:
        return next(p for p in self.projects if p.has(thing))

    # --- application ---

    def APIExists(self, name: str) -> bool:
        return self.has_function(name)

    def has_function(self, name: str) -> bool:
        raise NotImplementedError

    def GetAppVersion(self) -> str:
        return self.version

    def GetResourcePath(self) -> str:
        return str(self.resources)

    def time_precise(self) -> float:
        self.now += TICK_S
        return self.now

    def genGuid(self, buffer: str | None = None) -> str:
        return guid()

    def GetExtState(self, section: str, key: str) -> str:
        return self.memory.get((section, key), "")

    def SetExtState(self, section: str, key: str, value: str, persist: bool) -> None:
        self.memory[section, key] = value
        if persist:
            self.kept_memory[section, key] = value

    def RecursiveCreateDirectory(self, path: str, ignored: int) -> int:
        Path(path).mkdir(parents=True, exist_ok=True)
        return 1

    def EnumerateFiles(self, path: str, index: int) -> str | None:
        """Remembers a listing until it is asked for -1, as REAPER does."""
        if index < 0 or path not in self.listings:
            folder = Path(path)
            names = [p.name for p in folder.iterdir() if p.is_file()] if folder.is_dir() else []
            self.listings[path] = sorted(names, key=lambda n: hashlib.sha1(n.encode()).digest())  # in no good order
        found = self.listings[path]
        return found[index] if 0 <= index < len(found) else None

    def file_exists(self, path: str) -> bool:
        return Path(path).is_file()

    def AddRemoveReaScript(self, add: bool, section: int, path: str, commit: bool) -> int:
        if not Path(path).is_file():
            return 0
        known = {p: c for c, p in self.commands.items()}
        command = known.get(path, FIRST_SCRIPT + len(self.commands))
        self.commands[command] = path
        return command

    def ReverseNamedCommandLookup(self, command: int) -> str | None:
        path = self.commands.get(command)
        return "RS" + hashlib.sha1(path.encode()).hexdigest() if path else None

    def NamedCommandLookup(self, name: str) -> int:
        known = {f"_{self.ReverseNamedCommandLookup(c)}": c for c in self.commands}
        return known.get(name, 0)

    def Main_OnCommand(self, command: int, flag: int) -> None:
        if command in self.commands:
            self.start_script(self.commands[command])
        else:
            self.native.append(command)

    def start_script(self, path: str) -> None:
        raise NotImplementedError

    def get_action_context(self) -> tuple[Any, ...]:
        return False, self.script, 0, 0, -1, -1, 0.0, ""

    def set_action_options(self, flag: int) -> None:
        pass

    def ShowMessageBox(self, text: str, title: str, kind: int) -> int:
        self.messages.append(text)
        return 1

    def ShowConsoleMsg(self, text: str) -> None:
        self.console.append(text)

    def Help_Set(self, text: str, temporary: bool) -> None:
        self.status = text

    def GetUserInputs(self, title: str, count: int, captions: str, proposals: str) -> tuple[bool, str]:
        options = captions.split(",")
        if len([c for c in options if not c.startswith(("extrawidth=", "separator="))]) != count:
            raise MisuseError(f"GetUserInputs: {count} fields, captions {captions!r}")
        return (True, self.answers.pop(0)) if self.answers else (False, proposals)

    def UpdateTimeline(self) -> None:
        pass

    def UpdateArrange(self) -> None:
        pass

    # --- undo and redraw ---

    def PreventUIRefresh(self, count: int) -> None:
        self.prevented += count
        if self.prevented < 0:
            raise MisuseError("PreventUIRefresh was released more often than it was taken")

    def Undo_BeginBlock2(self, project: Any) -> None:
        if self.undo_depth == 0:
            self.opened = self._p(project).snapshot()
        self.undo_depth += 1

    def Undo_EndBlock2(self, project: Any, title: str, flags: int) -> None:
        if self.undo_depth < 1:
            raise MisuseError("an undo block was ended that had not been begun")
        self.undo_depth -= 1
        if self.undo_depth == 0 and self.opened is not None:
            self._p(project).undo.append((title, self.opened))
            self.opened = None

    def Undo_CanUndo2(self, project: Any) -> str | None:
        steps = self._p(project).undo
        return steps[-1][0] if steps else None

    def Undo_DoUndo2(self, project: Any) -> int:
        steps = self._p(project).undo
        if not steps:
            return 0
        kept = self._p(project).state.ext
        self._p(project).state = steps.pop()[1]
        if self.undo_leaves_ext:
            self._p(project).state.ext = kept
        return 1

    # --- projects ---

    def EnumProjects(self, index: int, buffer: str | None = None) -> tuple[Any, Any]:
        if index == -1:
            return self.project, self.project.path
        if 0 <= index < len(self.projects):
            return self.projects[index], self.projects[index].path
        return None, None

    def GetProjectName(self, project: Any, buffer: str | None = None) -> str:
        return self._p(project).name

    def GetProjectPath(self, buffer: str | None = None) -> str:
        path = self.project.path
        return str(Path(path).parent) if path else str(self.resources)

    def GetProjectLength(self, project: Any = None) -> float:
        return max((i.end for i in self._p(project).items()), default=0.0)

    def GetProjectStateChangeCount(self, project: Any) -> int:
        return self._p(project).changes

    def GetProjectTimeOffset(self, project: Any, rounded: bool) -> float:
        return self._p(project).offset

    def TimeMap_curFrameRate(self, project: Any) -> tuple[float, bool]:
        return self._p(project).rate, self._p(project).drop

    def GetProjExtState(self, project: Any, section: str, key: str) -> tuple[int, str]:
        value = self._p(project).state.ext.get(section, {}).get(key)
        return (1, value) if value is not None else (0, "")

    def SetProjExtState(self, project: Any, section: str, key: str, value: str) -> int:
        if not section or any(not (c.isalnum() or c == "_") for c in section + key):
            raise MisuseError(f"a project file cannot keep the key {section!r} {key!r}")
        rows = self._p(project).state.ext.setdefault(section, {})
        if value:
            rows[key] = value
        else:
            rows.pop(key, None)
        return len(rows)

    def EnumProjExtState(self, project: Any, section: str, index: int, *_: Any) -> tuple[bool, Any, Any]:
        rows = list(self._p(project).state.ext.get(section, {}).items())
        return (True, *rows[index]) if index < len(rows) else (False, None, None)

    def GetSet_LoopTimeRange2(
        self, project: Any, is_set: bool, is_loop: bool, start: float, end: float, seek: bool
    ) -> tuple[float, float]:
        if is_set and not is_loop:
            self._p(project).selection = (start, end)
        return self._p(project).selection

    # --- transport ---

    def GetPlayState(self) -> int:
        return self.project.playing

    def GetPlayStateEx(self, project: Any) -> int:
        return self._p(project).playing

    def GetCursorPositionEx(self, project: Any) -> float:
        return self._p(project).cursor

    def GetPlayPositionEx(self, project: Any) -> float:
        return self._p(project).cursor

    def OnPlayButtonEx(self, project: Any) -> None:
        self._p(project).playing = 1

    def OnStopButtonEx(self, project: Any) -> None:
        self._p(project).playing = 0

    def SetEditCurPos2(self, project: Any, time: float, view: bool, seek: bool) -> None:
        self._p(project).cursor = time

    # --- tempo ---

    def CountTempoTimeSigMarkers(self, project: Any) -> int:
        return len(self._p(project).state.tempo)

    def GetTempoTimeSigMarker(self, project: Any, index: int) -> tuple[Any, ...]:
        rows = self._p(project).state.tempo
        if not 0 <= index < len(rows):
            return False, 0.0, 0, 0.0, 0.0, 0, 0, False
        mark = rows[index]
        return True, mark.time, 0, 0.0, mark.bpm, mark.numerator, mark.denominator, mark.ramp

    def FindTempoTimeSigMarker(self, project: Any, time: float) -> int:
        return sum(mark.time <= time for mark in self._p(project).state.tempo) - 1

    def SetTempoTimeSigMarker(
        self, project: Any, index: int, time: float, measure: int, beat: float, bpm: float, numerator: int,
        denominator: int, ramp: bool,
    ) -> bool:  # fmt: skip
        project = self._p(project)
        rows = project.state.tempo
        if not -1 <= index < len(rows) or time < 0 or not 1 <= bpm <= 960 or measure != -1 or beat != -1:
            raise MisuseError(f"SetTempoTimeSigMarker({index}, {time}, {measure}, {beat}, {bpm})")
        self._touch()
        if any(abs(mark.time - time) < 1e-6 for at, mark in enumerate(rows) if at != index):
            raise MisuseError(f"two tempo markers at {time}")
        old = rows[index] if index >= 0 else None
        if old and not numerator:
            numerator, denominator = old.numerator, old.denominator
        mark = Tempo(time, bpm, numerator, denominator, ramp)

        def change() -> None:
            if old:
                rows.remove(old)
            rows.append(mark)

        project.change_tempo(change)
        return True

    def DeleteTempoTimeSigMarker(self, project: Any, index: int) -> bool:
        self._touch()
        project = self._p(project)
        if project.state.tempo[index].time == 0 and len(project.state.tempo) > 1:
            return False  # the head of a project keeps its tempo marker while there are others
        project.change_tempo(lambda: project.state.tempo.pop(index))
        return True

    def GetSetTempoTimeSigMarkerFlag(self, project: Any, index: int, flags: int, is_set: bool) -> int:
        mark = self._p(project).state.tempo[index]
        if is_set:
            self._touch()
            mark.flags = flags
        return mark.flags

    def TimeMap_GetTimeSigAtTime(self, project: Any, time: float) -> tuple[int, int, float]:
        return self._p(project).tempo_at(time)

    def TimeMap2_timeToQN(self, project: Any, time: float) -> float:
        return self._p(project).quarters(time)

    def TimeMap2_QNToTime(self, project: Any, quarters: float) -> float:
        return self._p(project).time(quarters)

    # --- markers ---

    def _markers(self, project: Any) -> list[Marker]:
        return sorted(self._p(project).state.markers, key=lambda m: (m.time, m.number))

    def EnumProjectMarkers3(self, project: Any, index: int) -> tuple[Any, ...]:
        rows = self._markers(project)
        if not 0 <= index < len(rows):
            return 0, False, 0.0, 0.0, "", 0, 0
        m = rows[index]
        return index + 1, m.is_region, m.time, m.end if m.is_region else 0.0, m.name, m.number, m.colour

    def AddProjectMarker2(
        self, project: Any, is_region: bool, time: float, end: float, name: str, wanted: int, colour: int
    ) -> int:
        self._touch()
        rows = self._p(project).state.markers
        used = {m.number for m in rows if m.is_region == is_region}
        number = wanted if wanted >= 0 and wanted not in used else next(n for n in range(1, 99999) if n not in used)
        if colour and not colour & 0x1000000:
            raise MisuseError("a colour without the flag that it is set")
        rows.append(Marker(is_region, time, end, name, number, colour))
        return number

    def DeleteProjectMarkerByIndex(self, project: Any, index: int) -> bool:
        self._touch()
        self._p(project).state.markers.remove(self._markers(project)[index])
        return True

    def GetSetProjectInfo_String(self, project: Any, what: str, value: str, is_set: bool) -> tuple[bool, str]:
        kind, _, index = what.partition(":")
        rows = self._markers(project)
        if kind != "MARKER_GUID" or is_set or not index.isdigit() or int(index) >= len(rows):
            raise MisuseError(f"GetSetProjectInfo_String {what}")
        return True, rows[int(index)].guid

    def ColorToNative(self, red: int, green: int, blue: int) -> int:
        return blue << 16 | green << 8 | red

    # --- tracks ---

    def CountTracks(self, project: Any = None) -> int:
        return len(self._p(project).state.tracks)

    def GetTrack(self, project: Any, index: int) -> Track | None:
        tracks = self._p(project).state.tracks
        return tracks[index] if 0 <= index < len(tracks) else None

    def InsertTrackAtIndex(self, index: int, defaults: bool) -> None:
        self._touch()
        self.project.state.tracks.insert(index, Track())

    def CountSelectedTracks(self, project: Any) -> int:
        return sum(t.selected for t in self._p(project).state.tracks)

    def GetSelectedTrack(self, project: Any, index: int) -> Track | None:
        chosen = [t for t in self._p(project).state.tracks if t.selected]
        return chosen[index] if 0 <= index < len(chosen) else None

    def GetMediaTrackInfo_Value(self, track: Track, name: str) -> float:
        if name == "IP_TRACKNUMBER":
            return self._project_of(track).state.tracks.index(track) + 1.0
        return self._value(track.values, name)

    def SetTrackColor(self, track: Track, colour: int) -> None:
        self._touch()
        track.colour = colour

    def GetSetMediaTrackInfo_String(self, track: Track, name: str, value: str, is_set: bool) -> tuple[bool, str]:
        return self._text(track, name, value, is_set)

    def CountTrackMediaItems(self, track: Track) -> int:
        return len(track.items)

    def GetTrackMediaItem(self, track: Track, index: int) -> Item | None:
        return track.items[index] if 0 <= index < len(track.items) else None

    # --- items ---

    def CountMediaItems(self, project: Any) -> int:
        return len(self._p(project).items())

    def GetMediaItem(self, project: Any, index: int) -> Item | None:
        items = self._p(project).items()
        return items[index] if 0 <= index < len(items) else None

    def CountSelectedMediaItems(self, project: Any) -> int:
        return sum(i.selected for i in self._p(project).items())

    def GetSelectedMediaItem(self, project: Any, index: int) -> Item | None:
        chosen = [i for i in self._p(project).items() if i.selected]
        return chosen[index] if 0 <= index < len(chosen) else None

    def GetMediaItem_Track(self, item: Item) -> Track:
        return item.track

    def GetMediaItemInfo_Value(self, item: Item, name: str) -> float:
        own = {"D_POSITION": item.position, "D_LENGTH": item.length, "I_CURTAKE": float(item.current)}
        return own[name] if name in own else self._value(item.values, name)

    def SetMediaItemInfo_Value(self, item: Item, name: str, value: float) -> bool:
        self._touch()
        if name == "D_POSITION":
            item.position = float(value)
        elif name == "D_LENGTH":
            item.length = float(value)
        else:
            self._value(item.values, name)
            item.values[name] = float(value)
        return True

    def _value(self, values: dict[str, float], name: str) -> float:
        if name not in values:
            raise MisuseError(f"no such attribute: {name}")
        return values[name]

    def GetSetMediaItemInfo_String(self, item: Item, name: str, value: str, is_set: bool) -> tuple[bool, str]:
        return self._text(item, name, value, is_set)

    def _text(self, thing: Any, name: str, value: str, is_set: bool) -> tuple[bool, str]:
        if is_set:
            self._touch()
        if name == "P_NAME" and not isinstance(thing, Item):
            if is_set:
                thing.name = value
            return True, thing.name
        if not name.startswith("P_EXT:") or len(name) == 6:
            raise MisuseError(f"no such text attribute: {name}")
        if is_set:
            thing.ext[name] = value
            return True, value
        return name in thing.ext and thing.ext[name] != "", thing.ext.get(name, "")

    def DeleteTrackMediaItem(self, track: Track, item: Item) -> bool:
        self._touch()
        if item not in track.items:
            raise MisuseError("this track does not have the item")
        track.items.remove(item)
        return True

    def CreateNewMIDIItemInProj(self, track: Track, start: float, end: float, quarters: bool | None = None) -> Item:
        self._touch()
        project = self._project_of(track)
        if quarters:
            start, end = project.time(start), project.time(end)
        if end <= start:
            raise MisuseError(f"an item from {start} to {end}")
        length = round((project.quarters(end) - project.quarters(start)) * project.midi_ticks)
        item = Item(track, start, end - start)
        source = Source("MIDI", ticks=project.midi_ticks, events=[(length, 0, b"\xb0\x7b\x00")])
        item.takes.append(Take(item, source))
        track.items.append(item)
        return item

    # --- takes ---

    def CountTakes(self, item: Item) -> int:
        return len(item.takes)

    def GetMediaItemTake(self, item: Item, index: int) -> Take | None:
        return item.takes[index] if 0 <= index < len(item.takes) else None

    def GetActiveTake(self, item: Item) -> Take | None:
        return item.active

    def AddTakeToMediaItem(self, item: Item) -> Take:
        self._touch()
        item.takes.append(Take(item))
        return item.takes[-1]

    def SetActiveTake(self, take: Take) -> None:
        self._touch()
        take.item.current = take.item.takes.index(take)

    def GetMediaItemTake_Item(self, take: Take) -> Item:
        return take.item

    def GetMediaItemTake_Source(self, take: Take) -> Source | None:
        return take.source

    def SetMediaItemTake_Source(self, take: Take, source: Source) -> bool:
        self._touch()
        used = any(t.source is source for p in self.projects for i in p.items() for t in i.takes)
        take.source = copy.deepcopy(source) if used else source
        return True

    def GetMediaItemTakeInfo_Value(self, take: Take, name: str) -> float:
        return self._value(take.values, name)

    def GetSetMediaItemTakeInfo_String(self, take: Take, name: str, value: str, is_set: bool) -> tuple[bool, str]:
        return self._text(take, name, value, is_set)

    def GetTakeName(self, take: Take) -> str:
        return take.name

    def GetMediaSourceType(self, source: Source, buffer: str | None = None) -> str:
        return source.kind

    def GetMediaSourceFileName(self, source: Source, buffer: str | None = None) -> str:
        return source.file

    def GetMediaSourceParent(self, source: Source) -> Source | None:
        return source.parent

    # --- MIDI ---

    def _midi(self, take: Take) -> Source:
        if take.source is None or take.source.kind != "MIDI":
            raise MisuseError("not a MIDI take")
        return take.source

    def MIDI_SetAllEvts(self, take: Take, buffer: str) -> bool:
        self._touch()
        self._midi(take).events = parse_events(buffer.encode("latin-1"))
        return True

    def MIDI_Sort(self, take: Take) -> None:
        self._midi(take)

    def MIDI_CountEvts(self, take: Take) -> tuple[int, int, int, int]:
        notes, others = len(take.notes()), len(take.controls()) + len(take.programs())
        return notes + others, notes, others, 0

    def MIDI_GetHash(self, take: Take, notes_only: bool, buffer: str | None = None) -> tuple[bool, str]:
        return True, midi_hash(self._midi(take), notes_only) + f"-{self.loaded}"

    def MIDI_GetAllEvts(self, take: Take, buffer: str | None = None) -> tuple[bool, str]:
        return True, pack_events(self._midi(take).events).decode("latin-1")

    def MIDI_GetPPQPosFromProjQN(self, take: Take, quarters: float) -> float:
        source, project = self._midi(take), self._project_of(take)
        return (quarters - project.quarters(take.item.position)) * source.ticks

    def MIDI_GetPPQPosFromProjTime(self, take: Take, time: float) -> float:
        return self.MIDI_GetPPQPosFromProjQN(take, self._project_of(take).quarters(time))

    # --- life ---

    def defer(self, function: Any) -> None:
        self.deferred.append(function)

    def atexit(self, function: Any) -> None:
        self.at_exit.append(function)
