"""The published Live Object Model, as far as a score bridge could want it: our table, and its reader.

Written from Ableton's documented signatures, not from what our script calls. One row a member:

    P name access type [since]        a property: ``r`` read only, ``rw`` settable, ``rw12.0`` settable since 12.0
    M name (types) result [since]     a method: ``int``, ``float`` (takes whole numbers, too), ``bool``, ``str``,
                                      ``object`` (anything) or a class; ``=`` marks those that may be left out
    O names                           what listeners can be added to
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

Version = tuple[int, int]
FIRST: Version = (11, 0)

TABLE = """
class Application
M get_application () Application
M get_major_version () int
M get_minor_version () int
M get_bugfix_version () int
M get_document () Song
M press_current_dialog_button (int) None
P current_dialog_message r str
P open_dialog_count r int
P view r object

class Song
P tracks r vector
P visible_tracks r vector
P return_tracks r vector
P master_track r Track
P scenes r vector
P cue_points r vector
P view r SongView
P tempo rw float
P signature_numerator rw int
P signature_denominator rw int
P current_song_time rw float
P is_playing rw bool
P loop rw bool
P loop_start rw float
P loop_length rw float
P song_length r float
P last_event_time r float
P start_time rw float
P record_mode rw bool
P arrangement_overdub rw bool
P back_to_arranger rw bool
P metronome rw bool
P can_undo r bool
P can_redo r bool
P clip_trigger_quantization rw int
M begin_undo_step () None
M end_undo_step () None
M undo () object
M redo () object
M start_playing () None
M stop_playing () None
M continue_playing () None
M jump_by (float) None
M set_or_delete_cue () None
M is_cue_point_selected () bool
M jump_to_next_cue () None
M jump_to_prev_cue () None
M create_midi_track (object=) Track
M create_audio_track (object=) Track
M delete_track (int) None
M duplicate_track (int) None
M create_scene (int) Scene
M delete_scene (int) None
M get_data (object,object) object
M set_data (object,object) None
M stop_all_clips (bool=) None
O tracks scenes cue_points tempo current_song_time is_playing loop loop_start loop_length signature_numerator
O signature_denominator record_mode metronome

class SongView
P selected_track rw Track
P selected_scene rw Scene
P highlighted_clip_slot rw object
P detail_clip rw object
P follow_song rw bool
P draw_mode rw bool
O selected_track selected_scene detail_clip

class CuePoint
P name rw12.0 str
P time r float
M jump () None
O name time

class Scene
P name rw str
P clip_slots r vector
P color rw int
P is_empty r bool
M fire () None
O name color

class Track
P name rw str
P color rw int
P color_index rw int
P mute rw bool
P solo rw bool
P arm rw bool
P clip_slots r vector
P arrangement_clips r vector
P take_lanes r vector 12.2
P has_midi_input r bool
P has_audio_input r bool
P has_midi_output r bool
P has_audio_output r bool
P is_foldable r bool
P is_grouped r bool
P is_frozen r bool
P is_visible r bool
P is_part_of_selection r bool
P can_be_armed r bool
P canonical_parent r object
P devices r vector
M delete_clip (Clip) None
M duplicate_clip_to_arrangement (Clip,float) Clip
M duplicate_clip_slot (int) int
M create_midi_clip (float,float) Clip 12.2
M create_audio_clip (object,float) Clip 12.1
M create_take_lane () TakeLane 12.2
M stop_all_clips (bool=) None
M get_data (object,object) object
M set_data (object,object) None
O name color mute solo arm clip_slots arrangement_clips is_frozen take_lanes

class TakeLane
P name rw str 12.2
P arrangement_clips r vector 12.2
P canonical_parent r object 12.2
M create_midi_clip (float,float) Clip 12.2
M create_audio_clip (object,float) Clip 12.2
O name arrangement_clips

class ClipSlot
P has_clip r bool
P clip r object
P is_group_slot r bool
P is_playing r bool
P is_recording r bool
P has_stop_button rw bool
P canonical_parent r object
M create_clip (float) Clip
M delete_clip () None
M duplicate_clip_to (ClipSlot) None
M fire () None
M stop () None
O has_clip

class Clip
P name rw str
P color rw int
P color_index rw int
P muted rw bool
P length r float
P start_time r float
P end_time r float
P start_marker rw float
P end_marker rw float
P loop_start rw float
P loop_end rw float
P looping rw bool
P position rw float
P is_midi_clip r bool
P is_audio_clip r bool
P is_arrangement_clip r bool
P is_session_clip r bool 12.1
P is_take_lane_clip r bool 12.2
P is_playing rw bool
P is_recording r bool
P is_overdubbing r bool
P signature_numerator rw int
P signature_denominator rw int
P has_envelopes r bool
P canonical_parent r object
P view r object
M add_new_notes (object) vector
M get_notes_extended (int,int,float,float) vector
M get_all_notes_extended () vector 11.1
M get_notes_by_id (object) vector
M remove_notes_extended (int,int,float,float) None
M remove_notes_by_id (object) None
M apply_note_modifications (object) None
M get_notes (float,int,float,int) vector
M set_notes (tuple) None
M remove_notes (float,int,float,int) None
M automation_envelope (object) object
M create_automation_envelope (object) object
M clear_all_envelopes () None
M fire () None
M stop () None
M crop () None
M duplicate_loop () None
M quantize (int,float) None
O name color muted notes loop_start loop_end start_time end_time looping

class MidiNote
P note_id r int
P pitch rw int
P start_time rw float
P duration rw float
P velocity rw float
P mute rw bool
P probability rw float
P velocity_deviation rw float
P release_velocity rw float

class MidiMap
M forward_midi_note (object,object,int,int,bool=) bool
M forward_midi_cc (object,object,int,int,bool=) bool
M forward_midi_pitchbend (object,object,int,bool=) bool

class Instance
M song () Song
M handle () object
M show_message (str) None
M log_message (str) None
M send_midi (tuple) None
M request_rebuild_midi_map () None
M instance_identifier () int
M set_session_highlight (int,int,int,int,bool) None
"""
"""The last class is what the host gives a control surface (``c_instance``); the docs of Live do not list it, every
control surface that ships with Live uses it."""


@dataclass(frozen=True)
class Argument:
    kind: str
    optional: bool


@dataclass(frozen=True)
class Member:
    """A row."""

    name: str
    is_method: bool
    result: str
    since: Version
    arguments: tuple[Argument, ...] = ()
    settable_since: Version | None = None


@dataclass(frozen=True)
class LomClass:
    name: str
    members: Mapping[str, Member]
    observable: frozenset[str]


def version(text: str) -> Version:
    major, _, minor = text.partition(".")
    return int(major), int(minor or 0)


@cache
def table() -> Mapping[str, LomClass]:
    """Class name -> its published members."""
    classes: dict[str, tuple[dict[str, Member], set[str]]] = {}
    members: dict[str, Member] = {}
    observable: set[str] = set()
    for line in TABLE.strip().splitlines():
        kind, *words = line.split() or [""]
        if kind == "class":
            members, observable = {}, set()
            classes[words[0]] = (members, observable)
        elif kind == "P":
            name, access, result, *since = words
            settable = None if access == "r" else version(access[2:] or "11.0")
            members[name] = Member(name, False, result, version(since[0]) if since else FIRST, (), settable)
        elif kind == "M":
            name, types, result, *since = words
            given = [t for t in types.strip("()").split(",") if t]
            arguments = tuple(Argument(t.rstrip("="), t.endswith("=")) for t in given)
            members[name] = Member(name, True, result, version(since[0]) if since else FIRST, arguments)
        elif kind == "O":
            observable.update(words)
    return {name: LomClass(name, rows, frozenset(seen)) for name, (rows, seen) in classes.items()}
