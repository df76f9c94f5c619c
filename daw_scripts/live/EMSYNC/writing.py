"""Writes the items of a plan into the set: finds what is there, decides, changes, reads back; one undo step."""

from __future__ import annotations

import json

from . import clips
from .clips import beats
from .server import RefusalError

MAX_NOTES = 50_000
"""Of one request: Live stands still while they are written."""
_DATA = "emsync"


def decide(wanted, written, found, beside=False):
    """The rule of all connectors: what somebody has edited is never overwritten.

    Args: hashes of what is wanted, of what was written, of what is there (None where there is nothing).
    """
    if found is None:
        return "written"
    if found == wanted:
        return "unchanged"
    if found != written:
        return "beside" if beside else "kept"
    return "updated"


class Item:
    """What one part plays in one section."""

    def __init__(self, row):
        self.id, self.part, self.section, self.name = row["id"], row["part"], row["section"], row["name"]
        self.start, self.end = int(row["start"]), int(row["end"])
        self.rows = clips.rows_of(row["notes"])
        self.hash = clips.content_hash(self.start, self.length, self.rows)

    @property
    def length(self):
        return self.end - self.start

    def result(self, outcome, note=""):
        return {"id": self.id, "part": self.part, "section": self.section, "outcome": outcome, "note": note}


class Writer:
    """One request."""

    def __init__(self, song, arguments):
        self.song = song
        self.cue = arguments["cue"]
        self.take = arguments.get("take", 0)
        self.items = [Item(row) for row in arguments["items"]]
        self.tracks = {row["part"]: row for row in arguments["tracks"]}
        self.known = arguments.get("known")
        """Every id of the score when all of it is sent, in one request or several: others have left it."""
        self.on_edit = arguments.get("on_edit", "keep")
        self.remember = arguments.get("remember")
        self.results = []
        self.touched = set()
        self._made_scene = False
        self._check()

    def _check(self):
        count = sum(len(item.rows) for item in self.items)
        if count > MAX_NOTES:
            raise RefusalError("too_large", f"{count} notes in one request are too many; send fewer items")
        for item in self.items:
            if item.length <= 0 or item.start < 0 or not item.id.startswith(self.cue + ":"):
                raise RefusalError("bad_item", f"{item.id} is no item of this cue")
            for tick, pitch, duration, _, _ in item.rows:
                if not (0 <= tick < item.length and 0 <= pitch <= 127 and duration > 0):
                    raise RefusalError("bad_note", f"{item.id} has a note outside it: tick {tick}, pitch {pitch}")

    def run(self):
        grouped = hasattr(self.song, "begin_undo_step") and hasattr(self.song, "end_undo_step")
        if grouped:
            self.song.begin_undo_step()
        try:
            self._write()
            self._forget_scene()
        finally:
            if grouped:
                self.song.end_undo_step()
        self._keep_memory()
        return {"items": self.results, "tracks": len(self.touched), "undo_group": grouped}

    # --- the steps ---

    def _write(self):
        by_id = {}
        self.found = clips.find(self.song, self.cue)
        for found in self.found:
            by_id.setdefault(found.id, []).append(found)
        mains = {item.id: clips.best(by_id.get(item.id, ()), item.start) for item in self.items}
        self.part_tracks = self._tracks_of_parts()
        if self.known is not None:
            self._remove_others(by_id)
        outcomes = {}
        for item in self.items:
            main = mains[item.id]
            found = (main.written, main.hash) if main is not None else (None, None)
            outcomes[item.id] = decide(item.hash, *found, beside=self.on_edit == "beside")
            if outcomes[item.id] == "updated" and main.track.is_frozen:
                outcomes[item.id] = "left_out"
            moves = main is not None and self._moves(item, main)
            if outcomes[item.id] == "updated" and (moves or not item.rows):
                main.track.delete_clip(main.clip)  # before anything is put where it lay, or it lies where others go
                mains[item.id] = None
        for item in self.items:
            self.results.append(self._write_item(item, outcomes[item.id], mains[item.id], by_id.get(item.id, ())))

    def _moves(self, item, main):
        return (clips.ticks(main.clip.start_time), clips.ticks(main.clip.end_time)) != (item.start, item.end)

    def _remove_others(self, by_id):
        wanted = set(self.known)
        for item_id, found in by_id.items():
            if item_id in wanted:
                continue
            for one in found:
                part, section = item_id.split(":")[1:]
                row = {"id": item_id, "part": part, "section": section, "note": ""}
                if one.beside or not one.clip.is_arrangement_clip:
                    continue
                if one.edited:
                    self.results.append(dict(row, outcome="kept", note="not in the score any more, but edited by hand"))
                else:
                    one.track.delete_clip(one.clip)
                    self.results.append(dict(row, outcome="removed"))

    def _write_item(self, item, outcome, main, candidates):
        if outcome == "unchanged":
            if main.written != main.hash:
                main.clip.name = clips.named(item.name, item.id, main.hash)
            return item.result(outcome)
        if outcome == "kept":
            return item.result(outcome, "edited by hand in Live")
        if outcome == "left_out":
            return item.result(outcome, _frozen(main.track))
        if outcome == "beside":
            return self._write_beside(item, main, candidates)
        if not item.rows:
            return item.result("removed" if outcome == "updated" else "unchanged", "nothing is played here")
        if main is None:
            track = self._track(item.part)
            if track.is_frozen:
                return item.result("left_out", _frozen(track))
            other = clips.in_the_way(track, item.start, item.end, [])
            if other is not None:
                return item.result("left_out", _in_the_way(track, other))
            clip = self._new_clip(track, item)
            clip.color = int(self.tracks[item.part]["colour"])
        else:
            track, clip = main.track, main.clip
        self.touched.add(track)
        return self._finish(item, clip, outcome)

    def _finish(self, item, clip, outcome, beside=False):
        """Fill a clip, read it back, put its tag on."""
        held = clips.fill(clip, item.rows)
        written = clips.hash_of(clip)
        clip.name = clips.named(item.name, item.id, written, beside)
        if sorted(held) != sorted(item.rows):
            lost = len(set(item.rows) - set(held))
            raise RefusalError(
                "read_back",
                f"Live holds {len(held)} notes of {item.name} where {len(item.rows)} were written ({lost} missing or "
                "changed); undo in Live takes the push back",
            )
        return item.result(outcome)

    # --- clips ---

    def _new_clip(self, track, item):
        if hasattr(track, "create_midi_clip"):
            return track.create_midi_clip(beats(item.start), beats(item.length))
        return self._through_session(track, item)

    def _through_session(self, track, item):
        """Before Live 12.2: a clip is made in a free slot of the session, copied, and removed there."""
        slot = self._free_slot(track)
        slot.create_clip(beats(item.length))
        try:
            clips.fill(slot.clip, item.rows)
            clip = track.duplicate_clip_to_arrangement(slot.clip, beats(item.start))
        finally:
            slot.delete_clip()
        if clip is None:  # some versions do not return it
            clip = next(c for c in track.arrangement_clips if clips.ticks(c.start_time) == item.start)
        return clip

    def _free_slot(self, track):
        for slot in track.clip_slots:
            if not slot.has_clip and not slot.is_group_slot:
                return slot
        self.song.create_scene(-1)
        self._made_scene = True
        return list(track.clip_slots)[-1]

    def _forget_scene(self):
        if self._made_scene and not any(list(t.clip_slots)[-1].has_clip for t in self.song.tracks if t.clip_slots):
            self.song.delete_scene(len(self.song.scenes) - 1)

    def _write_beside(self, item, main, candidates):
        """A version beside an edited clip: in a take lane, or in a session slot where Live has none."""
        track = main.track
        for old in candidates:
            if old.beside and not old.edited:
                lies_right = not old.clip.is_arrangement_clip or not self._moves(item, old)
                if lies_right and sorted(clips.read(old.clip)) == sorted(item.rows):
                    return item.result("beside", "is there already")
                if lies_right:
                    return self._finish(item, old.clip, "beside", beside=True)
        self.touched.add(track)
        named = f"take {self.take}"
        if hasattr(track, "create_take_lane"):
            lane = track.create_take_lane()
            lane.name = f"EMSYNC {named}"
            clip = lane.create_midi_clip(beats(item.start), beats(item.length))
            where = "in a take lane"
        else:
            slot = self._free_slot(track)
            slot.create_clip(beats(item.length))
            clip, where = slot.clip, "in the session, as this Live has no take lanes"
        done = self._finish(item, clip, "beside", beside=True)
        done["note"] = f"{named}, {where}"
        return done

    # --- tracks ---

    def _tracks_of_parts(self):
        """Part -> the track that holds its clips, wherever it was moved and however it is called now."""
        tracks = {}
        for found in self.found:
            if not found.beside:
                tracks.setdefault(found.id.split(":")[1], found.track)
        for track in self.song.tracks:
            said = track.get_data(_DATA, None) if hasattr(track, "get_data") else None
            if isinstance(said, str) and said.startswith(self.cue + ":"):
                tracks.setdefault(said.split(":")[1], track)
        return tracks

    def _track(self, part):
        if part not in self.part_tracks:
            self.part_tracks[part] = self._track_by_name(part) or self._new_track(part)
            if hasattr(self.part_tracks[part], "set_data"):
                self.part_tracks[part].set_data(_DATA, f"{self.cue}:{part}")
        return self.part_tracks[part]

    def _track_by_name(self, part):
        """A MIDI track of a template that has the part's name."""
        taken = list(self.part_tracks.values())
        for track in self.song.tracks:
            usable = track.has_midi_input and not track.is_foldable and not track.is_frozen and track not in taken
            if usable and track.name.strip().lower() == self.tracks[part]["name"].lower():
                return track
        return None

    def _new_track(self, part):
        track = self.song.create_midi_track(-1) or list(self.song.tracks)[-1]
        track.name = self.tracks[part]["name"].replace("#", "\u266f")
        track.color = int(self.tracks[part]["colour"])
        return track

    # --- memory ---

    def _keep_memory(self):
        """What the set remembers of a cue: its folder, take and tempo map."""
        if self.remember:
            put_memory(self.song, self.cue, **self.remember)


def _frozen(track):
    return f"the track {track.name} is frozen; unfreeze it and send again"


def _in_the_way(track, other):
    named = clips.split_name(other.name)
    whose = "a clip that was edited by hand" if named else f"your clip {other.name!r}"
    return f"{whose} is in the way on track {track.name} at beat {other.start_time:g}"


def memory(song):
    """Cue -> what the set remembers of it. Live keeps it with the set, as a text."""
    said = song.get_data(_DATA, None) if hasattr(song, "get_data") else None
    try:
        known = json.loads(said) if isinstance(said, str) else {}
    except ValueError:
        known = {}
    return known if isinstance(known, dict) else {}


def put_memory(song, cue, **values):
    """Add to what the set remembers of a cue."""
    if hasattr(song, "set_data"):
        known = memory(song)
        known[cue] = dict(known.get(cue) or {}, **values)
        song.set_data(_DATA, json.dumps(known))
