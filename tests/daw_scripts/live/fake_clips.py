"""Clips, their notes, slots, tracks and take lanes of the fake Live."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

from tests.daw_scripts.live.fake_core import ArgumentError, LomObject, Vector, World

END_OF_TIME = 1_576_800.0
"""Beats; nothing may be put beyond."""
_note_ids = itertools.count(1)


class MidiNoteSpecification:
    """``Live.Clip.MidiNoteSpecification``; like the real one it takes keywords."""

    def __init__(
        self, pitch: int, start_time: float, duration: float, velocity: float = 100.0, mute: bool = False,
        probability: float = 1.0, velocity_deviation: float = 0.0, release_velocity: float = 64.0,
    ) -> None:  # fmt: skip
        if not isinstance(pitch, int) or isinstance(pitch, bool):
            raise ArgumentError("MidiNoteSpecification: pitch is an int")
        numbers = (start_time, duration, velocity, probability, velocity_deviation, release_velocity)
        if not all(isinstance(v, int | float) for v in numbers) or not isinstance(mute, int):
            raise ArgumentError("Python argument types in MidiNoteSpecification.__init__ did not match C++ signature")
        if not 0 <= pitch <= 127:
            raise RuntimeError("Invalid pitch value")
        if not 0 <= velocity <= 127:
            raise RuntimeError("Invalid velocity value")
        if duration <= 0:
            raise RuntimeError("Invalid duration value")
        self.row = (pitch, float(start_time), float(duration), float(velocity), bool(mute))


class MidiNote(LomObject):
    LOM = "MidiNote"

    def __init__(self, world: World, row: tuple[int, float, float, float, bool]) -> None:
        pitch, start, duration, velocity, mute = row
        super().__init__(
            world, note_id=next(_note_ids), pitch=pitch, start_time=start, duration=duration, velocity=velocity,
            mute=mute, probability=1.0, velocity_deviation=0.0, release_velocity=64.0,
        )  # fmt: skip

    def resized(self, duration: float) -> MidiNote:
        made = MidiNote(self._world, (self.pitch, self.start_time, duration, self.velocity, self.mute))
        made._values["note_id"] = self.note_id
        return made


class Clip(LomObject):
    LOM = "Clip"
    READS = frozenset({"get_notes_extended", "get_all_notes_extended", "get_notes", "get_notes_by_id"})

    def __init__(self, world: World, parent: LomObject, start: float, length: float, place: str) -> None:
        super().__init__(
            world, name="", color=0x808080, color_index=0, muted=False, start_time=start, end_time=start + length,
            start_marker=0.0, end_marker=length, loop_start=0.0, loop_end=length, looping=place == "session",
            is_midi_clip=True, is_audio_clip=False, is_playing=False, is_recording=False, is_overdubbing=False,
            is_arrangement_clip=place != "session", is_session_clip=place == "session",
            is_take_lane_clip=place == "lane", canonical_parent=parent, has_envelopes=False,
            signature_numerator=4, signature_denominator=4, notes=(),
        )  # fmt: skip

    def get_length(self) -> float:
        return float(self.loop_end - self.loop_start) if self.looping else float(self.end_marker - self.start_marker)

    def set_loop_end(self, value: float) -> None:
        if value <= self.loop_start:
            raise RuntimeError("Invalid loop end value")
        self.put("loop_end", value)

    def set_end_marker(self, value: float) -> None:
        if value <= self.start_marker:
            raise RuntimeError("Invalid end marker value")
        self.put("end_marker", value)

    def _put_notes(self, notes: Iterable[MidiNote]) -> None:
        self.put("notes", tuple(sorted(notes, key=lambda n: (n._values["start_time"], n._values["pitch"]))))

    def do_add_new_notes(self, specs: Any) -> Vector:
        if isinstance(specs, dict) or not isinstance(specs, Iterable):
            raise ArgumentError("Python argument types in Clip.add_new_notes(Clip, dict) did not match C++ signature")
        given = list(specs)
        if not all(isinstance(s, MidiNoteSpecification) for s in given):
            raise ArgumentError("add_new_notes takes Live.Clip.MidiNoteSpecification objects")
        lines: dict[int, list[MidiNote]] = {}
        for old in self._values["notes"]:
            lines.setdefault(old._values["pitch"], []).append(old)
        made = []
        for spec in given:
            note = MidiNote(self._world, spec.row)
            line = lines.get(spec.row[0], [])
            lines[spec.row[0]] = [*(kept for old in line if (kept := _beside(old, note)) is not None), note]
            made.append(note._values["note_id"])
        self._put_notes(note for line in lines.values() for note in line)
        return Vector(made)

    def _in(self, note: MidiNote, pitch: int, pitches: int, start: float, span: float) -> bool:
        here = note._values
        return pitch <= here["pitch"] < pitch + pitches and start <= here["start_time"] < start + span

    def do_get_notes_extended(self, pitch: int, pitches: int, start: float, span: float) -> Vector:
        _check_window(pitch, pitches, span)
        return Vector(n for n in self._values["notes"] if self._in(n, pitch, pitches, start, span))

    def do_get_all_notes_extended(self) -> Vector:
        return Vector(self._values["notes"])

    def do_get_notes(self, start: float, pitch: int, span: float, pitches: int) -> Vector:
        found = self.do_get_notes_extended(pitch, pitches, start, span)
        return Vector((n.pitch, n.start_time, n.duration, n.velocity, n.mute) for n in found)

    def do_remove_notes_extended(self, pitch: int, pitches: int, start: float, span: float) -> None:
        _check_window(pitch, pitches, span)
        self._put_notes(n for n in self._values["notes"] if not self._in(n, pitch, pitches, start, span))

    def do_remove_notes_by_id(self, ids: Any) -> None:
        gone = set(ids)
        self._put_notes(n for n in self._values["notes"] if n.note_id not in gone)

    def do_fire(self) -> None:
        self.put("is_playing", True)

    def do_stop(self) -> None:
        self.put("is_playing", False)

    # --- for tests ---

    def rows(self) -> list[tuple[float, int, float, float]]:
        """(start, pitch, duration, velocity), as a person would see them."""
        return [(n.start_time, n.pitch, n.duration, n.velocity) for n in self._values["notes"]]

    def copy(self, parent: LomObject, start: float, place: str) -> Clip:
        made = Clip(self._world, parent, start, self.length, place)
        for key in ("name", "color", "muted", "notes", "loop_start", "loop_end", "start_marker", "end_marker"):
            made._values[key] = self._values[key]
        made._values["looping"] = self.looping
        return made


def _check_window(pitch: int, pitches: int, span: float) -> None:
    if not 0 <= pitch <= 127 or not 0 <= pitches <= 128 or pitch + pitches > 128 or span < 0:
        raise RuntimeError("Invalid pitch or time range")


def _beside(old: MidiNote, new: MidiNote) -> MidiNote | None:
    """What is left of a note when another of its pitch is put there: its beginning, or nothing."""
    old_start, new_start = old._values["start_time"], new._values["start_time"]
    old_end, new_end = old_start + old._values["duration"], new_start + new._values["duration"]
    if old_end <= new_start or new_end <= old_start:
        return old
    return old.resized(new_start - old_start) if old_start < new_start else None


class ClipSlot(LomObject):
    LOM = "ClipSlot"

    def __init__(self, world: World, track: LomObject) -> None:
        super().__init__(
            world, clip=None, canonical_parent=track, is_group_slot=False, is_playing=False, is_recording=False,
            has_stop_button=True,
        )  # fmt: skip

    def get_has_clip(self) -> bool:
        return self._values["clip"] is not None

    def do_create_clip(self, length: float) -> Clip:
        if self.get_has_clip():
            raise RuntimeError("The slot has a clip already")
        if not self._values["canonical_parent"].has_midi_input:
            raise RuntimeError("Only MIDI tracks may have MIDI clips")
        if length <= 0:
            raise RuntimeError("Invalid clip length")
        clip = Clip(self._world, self, 0.0, float(length), "session")
        self.put("clip", clip)
        return clip

    def do_delete_clip(self) -> None:
        if not self.get_has_clip():
            raise RuntimeError("The slot has no clip")
        clip = self._values["clip"]
        clip.kill()
        self._world.record(clip.revive)
        self.put("clip", None)


class ArrangementLine(LomObject):
    """What tracks and take lanes have in common: clips one after the other."""

    def _track(self) -> Any:
        return self

    def _check_takes_clips(self, start: float) -> None:
        track = self._track()
        if not track.has_midi_input:
            raise RuntimeError("MIDI clips can only be created on MIDI tracks")
        if track.is_frozen:
            raise RuntimeError("the track is frozen")
        if not 0 <= start <= END_OF_TIME:
            raise RuntimeError("the time is out of range")

    def _insert(self, clip: Clip) -> Clip:
        """Put a clip down; what lay there is cut or gone, as in Live."""
        start, end = clip.start_time, clip.end_time
        kept: list[Clip] = []
        for old in self._values["arrangement_clips"]:
            if old.end_time <= start or end <= old.start_time:
                kept.append(old)
                continue
            if old.start_time < start:
                left = old.copy(self, old.start_time, "arrangement")
                left._values["end_time"] = start
                kept.append(left)
            old.kill()
            self._world.record(old.revive)
        lines = sorted([*kept, clip], key=lambda c: c.start_time)
        self.put("arrangement_clips", Vector(lines))
        return clip

    def do_create_midi_clip(self, start: float, length: float) -> Clip:
        self._check_takes_clips(start)
        if length <= 0:
            raise RuntimeError("Invalid clip length")
        place = "lane" if self.LOM == "TakeLane" else "arrangement"
        return self._insert(Clip(self._world, self, float(start), float(length), place))


class TakeLane(ArrangementLine):
    LOM = "TakeLane"

    def __init__(self, world: World, track: LomObject) -> None:
        super().__init__(world, name="Take", arrangement_clips=Vector(), canonical_parent=track)

    def _track(self) -> Any:
        return self._values["canonical_parent"]


class Track(ArrangementLine):
    LOM = "Track"
    READS = frozenset({"get_data"})

    def __init__(self, world: World, scenes: int, name: str, *, midi: bool = True) -> None:
        super().__init__(
            world, name=name, color=0x404040, color_index=0, mute=False, solo=False, arm=False, has_midi_input=midi,
            has_audio_input=not midi, has_midi_output=midi, has_audio_output=not midi, is_foldable=False,
            is_grouped=False, is_frozen=False, is_visible=True, is_part_of_selection=False, can_be_armed=True,
            arrangement_clips=Vector(), take_lanes=Vector(), devices=Vector(), canonical_parent=None, data={},
        )  # fmt: skip
        self._values["clip_slots"] = Vector(ClipSlot(world, self) for _ in range(scenes))

    def do_delete_clip(self, clip: Clip) -> None:
        here = self._values["arrangement_clips"]
        slots = [s for s in self._values["clip_slots"] if s.clip is clip]
        if clip in here:
            clip.kill()
            self._world.record(clip.revive)
            self.put("arrangement_clips", Vector(c for c in here if c is not clip))
        elif slots:
            slots[0].do_delete_clip()
        else:
            raise RuntimeError("the clip belongs to another track")

    def do_duplicate_clip_to_arrangement(self, clip: Clip, start: float) -> Clip:
        self._check_takes_clips(start)
        return self._insert(clip.copy(self, float(start), "arrangement"))

    def do_create_take_lane(self) -> TakeLane:
        lane = TakeLane(self._world, self)
        self.put("take_lanes", Vector((*self._values["take_lanes"], lane)))
        return lane

    def do_get_data(self, key: Any, default: Any) -> Any:
        return self._values["data"].get(key, default)

    def do_set_data(self, key: Any, value: Any) -> None:
        self._values["data"][key] = value
