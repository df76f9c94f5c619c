"""What a person asks for inside Live: the selection, and the ways to say "another take"."""

from __future__ import annotations

import time

from . import clips
from .settings import LOCATORS
from .writing import memory

KEPT_S = 30.0
"""A request that nobody has fetched for so long is forgotten: nobody wants a new take of an hour ago."""
MAX_WAITING = 32
"""Requests that nobody has fetched; older ones are forgotten."""


class Requests:
    """What was asked for by a mapped control, a locator or the page, until the bridge fetches it."""

    def __init__(self):
        self._rows = []
        self._number = 0
        self._seen = None

    def add(self, action, source):
        self._number += 1
        self._rows.append({"number": self._number, "action": action, "source": source, "time": time.time()})
        del self._rows[:-MAX_WAITING]
        return self._number

    def after(self, number):
        """The requests later than one, which is hereby dealt with."""
        young = time.time() - KEPT_S
        self._rows = [row for row in self._rows if row["number"] > number and row["time"] > young]
        return {"requests": list(self._rows), "last": self._number}

    def look_at_locators(self, song):
        """A locator called ``>regen`` (or ``>next`` ...) asks once, when it gets that name. Those that are there when a
        set is opened have asked before."""
        now = {cue._live_ptr: cue for cue in song.cue_points if cue.name.strip().lower() in LOCATORS}
        fresh = [] if self._seen is None else [cue for key, cue in now.items() if key not in self._seen]
        self._seen = set(now)
        for cue in fresh:
            self.add(LOCATORS[cue.name.strip().lower()], "locator")
            self._mark(cue)

    def _mark(self, cue):
        """Show that it was heard; the next one is asked for by naming it anew."""
        try:
            cue.name = "EMSYNC: " + cue.name.strip()[1:]
        except AttributeError:  # this Live does not let scripts name locators: it asks again when it is made anew
            return
        self._seen.discard(cue._live_ptr)


def selection(song):
    """The loop brace, and the parts whose tracks are selected."""
    start, end = clips.ticks(song.loop_start), clips.ticks(song.loop_start + song.loop_length)
    chosen = [t for t in song.tracks if getattr(t, "is_part_of_selection", False)]
    if not chosen and song.view.selected_track in list(song.tracks):
        chosen = [song.view.selected_track]
    found = clips.find(song)
    mains = [f for f in found if f.clip.is_arrangement_clip and not f.beside]
    here = [f for f in mains if f.track in chosen]
    cues = sorted({f.id.split(":")[0] for f in here or mains})
    cue = cues[0] if len(cues) == 1 else _cue_of_brace(mains, start, end)
    parts = sorted({f.id.split(":")[1] for f in here if f.id.startswith(cue + ":")})
    ours = [f for f in mains if f.id.startswith(cue + ":") and (not parts or f.id.split(":")[1] in parts)]
    inside = [f for f in ours if clips.ticks(f.clip.start_time) < end and start < clips.ticks(f.clip.end_time)]
    return {
        "start": start,
        "end": end,
        "cue": cue,
        "parts": parts,
        "tracks": [t.name for t in chosen],
        "edited": [f.id for f in inside if f.edited],
        "memory": memory(song).get(cue) or {},
    }


def _cue_of_brace(mains, start, end):
    """Of several cues in a set, the one that the brace lies on."""
    for found in mains:
        if clips.ticks(found.clip.start_time) < end and start < clips.ticks(found.clip.end_time):
            return found.id.split(":")[0]
    return ""


def state(song):
    """What of ours is in the set."""
    rows = [
        {
            "id": f.id, "track": f.track.name, "start": clips.ticks(f.clip.start_time), "edited": f.edited,
            "beside": f.beside, "arrangement": bool(f.clip.is_arrangement_clip), "notes": len(clips.read(f.clip)),
        }
        for f in clips.find(song)
    ]  # fmt: skip
    return {
        "clips": rows,
        "tempo": song.tempo,
        "metre": [song.signature_numerator, song.signature_denominator],
        "locators": [[cue.name, cue.time] for cue in song.cue_points],
        "memory": memory(song),
    }


def transport(song, command, tick):
    """Play, stop or move; a generator, because Live shows the outcome a tick later."""
    if command == "play":
        song.continue_playing()
    elif command == "stop":
        song.stop_playing()
    elif command == "locate":
        song.current_song_time = clips.beats(tick)
    yield
    return {"playing": bool(song.is_playing), "tick": clips.ticks(song.current_song_time)}
