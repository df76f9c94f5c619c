"""REAPER's published Lua API as far as scripts like ours may reach for it: names, arguments, results.

Written down from the API documentation of REAPER 7 (and 6.8x), not from what our scripts call: a script that calls
anything else, or calls it otherwise, fails. One function a line::

    Name(type, type, type?) -> type, type        since

A type with ``?`` may be left out or nil. ``P`` is a project (0, nil or a project), ``T`` a track, ``I`` an item,
``K`` a take, ``S`` a source, ``int`` a whole number, ``num`` a number, ``str`` a text, ``bool`` a boolean, ``fn`` a
function. Where older versions took a buffer for a text that they return, it is the last argument, as ``str?``.
``since`` is the first version that has the function where it is later than 6.80.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

PUBLISHED = """
APIExists(str) -> bool
AddMediaItemToTrack(T) -> I
AddProjectMarker(P, bool, num, num, str, int) -> int
AddProjectMarker2(P, bool, num, num, str, int, int) -> int
AddRemoveReaScript(bool, int, str, bool) -> int
AddTakeToMediaItem(I) -> K
AddTempoTimeSigMarker(P, num, num, int, int, bool) -> bool
AnyTrackSolo(P) -> bool
CSurf_GoEnd() ->
CSurf_GoStart() ->
CSurf_OnPause() ->
CSurf_OnPlay() ->
CSurf_OnRecord() ->
CSurf_OnStop() ->
CSurf_OnTempoChange(num) ->
ClearConsole() ->
ColorFromNative(int) -> int, int, int
ColorToNative(int, int, int) -> int
CountMediaItems(P) -> int
CountProjectMarkers(P) -> int, int, int
CountSelectedMediaItems(P) -> int
CountSelectedTracks(P) -> int
CountSelectedTracks2(P, bool) -> int
CountTakes(I) -> int
CountTempoTimeSigMarkers(P) -> int
CountTrackMediaItems(T) -> int
CountTracks(P?) -> int
CreateNewMIDIItemInProj(T, num, num, bool?) -> I
DeleteExtState(str, str, bool) ->
DeleteProjectMarker(P, int, bool) -> bool
DeleteProjectMarkerByIndex(P, int) -> bool
DeleteTempoTimeSigMarker(P, int) -> bool
DeleteTrack(T) ->
DeleteTrackMediaItem(T, I) -> bool
EditTempoTimeSigMarker(P, int) -> bool
EnumProjExtState(P, str, int, str?, str?) -> bool, str?, str?
EnumProjectMarkers(int) -> int, bool, num, num, str, int
EnumProjectMarkers2(P, int) -> int, bool, num, num, str, int
EnumProjectMarkers3(P, int) -> int, bool, num, num, str, int, int
EnumProjects(int, str?) -> P?, str?
EnumerateFiles(str, int) -> str?
EnumerateSubdirectories(str, int) -> str?
ExecProcess(str, int) -> str?
FindTempoTimeSigMarker(P, num) -> int
GetActiveTake(I) -> K?
GetAllProjectPlayStates(P) -> int
GetAppVersion() -> str
GetCursorPosition() -> num
GetCursorPositionEx(P) -> num
GetExePath() -> str
GetExtState(str, str) -> str
GetItemProjectContext(I) -> P
GetItemStateChunk(I, str, bool) -> bool, str
GetLastTouchedTrack() -> T?
GetMainHwnd() -> num
GetMasterTrack(P) -> T
GetMediaItem(P, int) -> I?
GetMediaItemInfo_Value(I, str) -> num
GetMediaItemNumTakes(I) -> int
GetMediaItemTake(I, int) -> K?
GetMediaItemTakeByGUID(P, str) -> K?
GetMediaItemTakeInfo_Value(K, str) -> num
GetMediaItemTake_Item(K) -> I
GetMediaItemTake_Source(K) -> S?
GetMediaItemTake_Track(K) -> T
GetMediaItemTrack(I) -> T
GetMediaItem_Track(I) -> T
GetMediaSourceFileName(S, str?) -> str
GetMediaSourceLength(S) -> num, bool
GetMediaSourceNumChannels(S) -> int
GetMediaSourceParent(S) -> S?
GetMediaSourceSampleRate(S) -> int
GetMediaSourceType(S, str?) -> str
GetMediaTrackInfo_Value(T, str) -> num
GetNumTracks() -> int
GetOS() -> str
GetParentTrack(T) -> T?
GetPlayPosition() -> num
GetPlayPosition2() -> num
GetPlayPositionEx(P) -> num
GetPlayState() -> int
GetPlayStateEx(P) -> int
GetProjExtState(P, str, str) -> int, str
GetProjectLength(P?) -> num
GetProjectName(P, str?) -> str
GetProjectPath(str?) -> str
GetProjectPathEx(P, str?) -> str
GetProjectStateChangeCount(P) -> int
GetProjectTimeOffset(P, bool) -> num
GetProjectTimeSignature2(P) -> num, num
GetResourcePath() -> str
GetSelectedMediaItem(P, int) -> I?
GetSelectedTrack(P, int) -> T?
GetSelectedTrack2(P, int, bool) -> T?
GetSetMediaItemInfo_String(I, str, str, bool) -> bool, str
GetSetMediaItemTakeInfo_String(K, str, str, bool) -> bool, str
GetSetMediaTrackInfo_String(T, str, str, bool) -> bool, str
GetSetProjectInfo(P, str, num, bool) -> num
GetSetProjectInfo_String(P, str, str, bool) -> bool, str
GetSetProjectNotes(P, bool, str) -> str
GetSetRepeat(int) -> int
GetSetRepeatEx(P, int) -> int
GetSetTempoTimeSigMarkerFlag(P, int, int, bool) -> int      7.0
GetSet_LoopTimeRange(bool, bool, num, num, bool) -> num, num
GetSet_LoopTimeRange2(P, bool, bool, num, num, bool) -> num, num
GetTake(I, int) -> K?
GetTakeName(K) -> str
GetTempoTimeSigMarker(P, int) -> bool, num, int, num, num, int, int, bool
GetToggleCommandState(int) -> int
GetToggleCommandStateEx(int, int) -> int
GetTrack(P, int) -> T?
GetTrackColor(T) -> int
GetTrackGUID(T) -> str
GetTrackMediaItem(T, int) -> I?
GetTrackName(T, str?) -> bool, str
GetTrackNumMediaItems(T) -> int
GetTrackStateChunk(T, str, bool) -> bool, str
GetUserInputs(str, int, str, str) -> bool, str
GoToMarker(P, int, bool) ->
HasExtState(str, str) -> bool
Help_Set(str, bool) ->
InsertMedia(str, int) -> int
InsertTrackAtIndex(int, bool) ->
InsertTrackInProject(P, int, int) ->      7.0
IsMediaItemSelected(I) -> bool
IsProjectDirty(P) -> int
IsTrackSelected(T) -> bool
MB(str, str, int) -> int
MIDI_CountEvts(K) -> int, int, int, int
MIDI_DeleteCC(K, int) -> bool
MIDI_DeleteEvt(K, int) -> bool
MIDI_DeleteNote(K, int) -> bool
MIDI_DisableSort(K) ->
MIDI_GetAllEvts(K, str?) -> bool, str
MIDI_GetCC(K, int) -> bool, bool, bool, num, int, int, int, int
MIDI_GetEvt(K, int) -> bool, bool, bool, num, str
MIDI_GetHash(K, bool, str?) -> bool, str
MIDI_GetNote(K, int) -> bool, bool, bool, num, num, int, int, int
MIDI_GetPPQPosFromProjQN(K, num) -> num
MIDI_GetPPQPosFromProjTime(K, num) -> num
MIDI_GetPPQPos_EndOfMeasure(K, num) -> num
MIDI_GetPPQPos_StartOfMeasure(K, num) -> num
MIDI_GetProjQNFromPPQPos(K, num) -> num
MIDI_GetProjTimeFromPPQPos(K, num) -> num
MIDI_GetTrackHash(T, bool, str?) -> bool, str
MIDI_InsertCC(K, bool, bool, num, int, int, int, int) -> bool
MIDI_InsertEvt(K, bool, bool, num, str) -> bool
MIDI_InsertNote(K, bool, bool, num, num, int, int, int, bool?) -> bool
MIDI_InsertTextSysexEvt(K, bool, bool, num, int, str) -> bool
MIDI_RefreshEditors(K) ->
MIDI_SelectAll(K, bool) ->
MIDI_SetAllEvts(K, str) -> bool
MIDI_SetCC(K, int, bool?, bool?, num?, int?, int?, int?, int?, bool?) -> bool
MIDI_SetCCShape(K, int, int, num, bool?) -> bool
MIDI_SetItemExtents(I, num, num) -> bool
MIDI_SetNote(K, int, bool?, bool?, num?, num?, int?, int?, int?, bool?) -> bool
MIDI_Sort(K) ->
Main_OnCommand(int, int) ->
Main_OnCommandEx(int, int, P) ->
Main_SaveProject(P, bool) ->
MarkProjectDirty(P) ->
MoveEditCursor(num, bool) ->
MoveMediaItemToTrack(I, T) -> bool
NamedCommandLookup(str) -> int
OnPauseButton() ->
OnPauseButtonEx(P) ->
OnPlayButton() ->
OnPlayButtonEx(P) ->
OnStopButton() ->
OnStopButtonEx(P) ->
OscLocalMessageToHost(str, num?) ->
PCM_Source_CreateFromFile(str) -> S
PCM_Source_CreateFromType(str) -> S
PCM_Source_Destroy(S) ->
PreventUIRefresh(int) ->
ReaScriptError(str) ->
RecursiveCreateDirectory(str, int) -> int
RefreshToolbar2(int, int) ->
ReverseNamedCommandLookup(int) -> str?
SelectAllMediaItems(P, bool) ->
SelectProjectInstance(P) ->
SetActiveTake(K) ->
SetCurrentBPM(P, num, bool) ->
SetEditCurPos(num, bool, bool) ->
SetEditCurPos2(P, num, bool, bool) ->
SetExtState(str, str, str, bool) ->
SetItemStateChunk(I, str, bool) -> bool
SetMediaItemInfo_Value(I, str, num) -> bool
SetMediaItemLength(I, num, bool) -> bool
SetMediaItemPosition(I, num, bool) -> bool
SetMediaItemSelected(I, bool) ->
SetMediaItemTakeInfo_Value(K, str, num) -> bool
SetMediaItemTake_Source(K, S) -> bool
SetMediaTrackInfo_Value(T, str, num) -> bool
SetOnlyTrackSelected(T) ->
SetProjExtState(P, str, str, str) -> int
SetProjectMarker(int, bool, num, num, str) -> bool
SetProjectMarker2(P, int, bool, num, num, str) -> bool
SetProjectMarker3(P, int, bool, num, num, str, int) -> bool
SetProjectMarker4(P, int, bool, num, num, str, int, int) -> bool
SetProjectMarkerByIndex(P, int, bool, num, num, int, str, int) -> bool
SetProjectMarkerByIndex2(P, int, bool, num, num, int, str, int, int) -> bool
SetTempoTimeSigMarker(P, int, num, int, num, num, int, int, bool) -> bool
SetToggleCommandState(int, int, int) -> bool
SetTrackColor(T, int) ->
SetTrackSelected(T, bool) ->
SetTrackStateChunk(T, str, bool) -> bool
ShowConsoleMsg(str) ->
ShowMessageBox(str, str, int) -> int
SplitMediaItem(I, num) -> I?
TakeIsMIDI(K) -> bool
TimeMap2_GetDividedBpmAtTime(P, num) -> num
TimeMap2_GetNextChangeTime(P, num) -> num
TimeMap2_QNToTime(P, num) -> num
TimeMap2_beatsToTime(P, num, int?) -> num
TimeMap2_timeToBeats(P, num) -> num, int, int, num, int
TimeMap2_timeToQN(P, num) -> num
TimeMap_GetDividedBpmAtTime(num) -> num
TimeMap_GetMeasureInfo(P, int) -> num, num, num, int, int, num
TimeMap_GetTimeSigAtTime(P, num) -> int, int, num
TimeMap_QNToTime(num) -> num
TimeMap_curFrameRate(P) -> num, bool
TimeMap_timeToQN(num) -> num
TrackFX_AddByName(T, str, bool, int) -> int
TrackFX_GetCount(T) -> int
Undo_BeginBlock() ->
Undo_BeginBlock2(P) ->
Undo_CanRedo2(P) -> str?
Undo_CanUndo2(P) -> str?
Undo_DoRedo2(P) -> int
Undo_DoUndo2(P) -> int
Undo_EndBlock(str, int) ->
Undo_EndBlock2(P, str, int) ->
Undo_OnStateChange(str) ->
Undo_OnStateChange2(P, str) ->
UpdateArrange() ->
UpdateItemInProject(I) ->
UpdateTimeline() ->
ValidatePtr(P, str) -> bool
ValidatePtr2(P, P, str) -> bool
atexit(fn) ->
defer(fn) ->
file_exists(str) -> bool
genGuid(str?) -> str
get_action_context() -> bool, str, int, int, int, int, num, str
get_config_var_string(str) -> bool, str
get_ini_file() -> str
new_array(num?) -> num
runloop(fn) ->
set_action_options(int) ->      7.0
time_precise() -> num
"""

_LINE = re.compile(r"^(\w+)\(([^)]*)\) ->(.*?)(?:\s{3,}([\d.]+))?$")


@dataclass(frozen=True)
class Function:
    """One function of the API."""

    name: str
    arguments: tuple[str, ...]
    results: tuple[str, ...]
    since: float

    @property
    def least(self) -> int:
        """Arguments that must be there: up to the last one that may not be left out."""
        needed = [i for i, kind in enumerate(self.arguments, 1) if not kind.endswith("?")]
        return needed[-1] if needed else 0


def _read(line: str) -> Function:
    match = _LINE.match(line)
    assert match, line
    name, arguments, results, since = match.groups()
    return Function(name, _kinds(arguments), _kinds(results), float(since or 6.8))


def _kinds(text: str) -> tuple[str, ...]:
    return tuple(kind.strip() for kind in text.split(",") if kind.strip())


API = {function.name: function for function in map(_read, PUBLISHED.split("\n")[1:-1])}
