"""Clips of ours: how they are named, found, read, hashed and filled.

Live keeps nothing of ours with a clip but its name, so the name carries the identity: ``Strings A [CUE:PART:SECTION
HASH]``. The hash is that of place and notes as they were written: when it differs from what is there, somebody has
edited the clip. ``+`` before the hash marks a version that was put beside an edited one.
"""

from __future__ import annotations

import re

TICKS = 960
"""A quarter; a beat in Live's API is a quarter note whatever the metre."""
PITCHES = 128
"""The span of all pitches: 0 to 127 inclusive."""
EVERYWHERE = (-8192.0, 16384.0)
"""(from, span) in beats that holds every note a clip of ours may have."""
_TAG = re.compile(r" \[([0-9a-f]{12}:[^\s:\]]+:[^\s:\]]+) (\+?)([0-9a-f]{16})\]$")
_PRIME, _START, _MASK = 0x100000001B3, 0xCBF29CE484222325, (1 << 64) - 1


class Found:
    """A clip of ours as it is now."""

    def __init__(self, track, clip, item_id, beside, written):
        self.track = track
        self.clip = clip
        self.id = item_id
        self.beside = beside
        self.written = written
        """Hash of what was written."""
        self._hash = ""

    @property
    def hash(self):
        if not self._hash:
            self._hash = hash_of(self.clip)
        return self._hash

    @property
    def edited(self):
        return self.hash != self.written


def ticks(beats):
    return round(beats * TICKS)


def beats(count):
    return count / float(TICKS)


def content_hash(start, length, rows):
    """16 hex digits of a clip's place (ticks) and its notes (tick, pitch, duration, velocity, mute)."""
    value = _START
    for row in [(start, length), *sorted(rows)]:
        for number in row:
            value = ((value ^ (number & _MASK)) * _PRIME) & _MASK
    return f"{value:016x}"


def hash_of(clip):
    """The hash of a clip as it is now. Session clips have no place: theirs counts from 0."""
    start = ticks(clip.start_time) if clip.is_arrangement_clip else 0
    return content_hash(start, _length(clip), read(clip))


def rows_of(notes):
    """Note rows of a request as a clip will hold them: whole numbers, audible, not muted."""
    return [(int(t), int(p), int(d), min(max(int(v), 1), 127), 0) for t, p, d, v in notes]


def named(name, item_id, written, beside=False):
    """A clip name with its tag. ``#`` would become a running number in Live."""
    return "{} [{} {}{}]".format(name.replace("#", "\u266f"), item_id, "+" if beside else "", written)


def split_name(name):
    """(item id, beside, written hash) of a clip name, or None when it is none of ours."""
    match = _TAG.search(name)
    return (match.group(1), bool(match.group(2)), match.group(3)) if match else None


def read(clip):
    """The notes of a clip as rows (tick, pitch, duration, velocity, mute)."""
    if hasattr(clip, "get_all_notes_extended"):
        notes = clip.get_all_notes_extended()
    else:
        notes = clip.get_notes_extended(0, PITCHES, *EVERYWHERE)
    return [(ticks(n.start_time), n.pitch, ticks(n.duration), round(n.velocity), int(bool(n.mute))) for n in notes]


def fill(clip, rows):
    """Make the notes of a clip exactly these; what Live holds afterwards."""
    import Live

    clip.remove_notes_extended(0, PITCHES, *EVERYWHERE)
    if rows:
        clip.add_new_notes(
            tuple(
                Live.Clip.MidiNoteSpecification(
                    pitch=pitch, start_time=beats(tick), duration=beats(duration), velocity=float(velocity),
                    mute=bool(mute),
                )
                for tick, pitch, duration, velocity, mute in rows
            )
        )  # fmt: skip
    return read(clip)


def find(song, cue=None):
    """Every clip of ours in the set, in the arrangement first, then take lanes and session slots."""
    found = []
    for track in song.tracks:
        if track.has_midi_input and not track.is_foldable:
            for clip in _all_clips(track):
                parsed = split_name(clip.name) if clip.is_midi_clip else None
                if parsed and (cue is None or parsed[0].startswith(cue + ":")):
                    found.append(Found(track, clip, *parsed))
    return found


def best(candidates, start):
    """Which of several clips with one id is ours: the untouched one, else the one nearest to where it belongs. The
    others are copies that the user made."""
    main = [f for f in candidates if f.clip.is_arrangement_clip and not f.beside]
    return min(main, key=lambda f: (f.edited, abs(ticks(f.clip.start_time) - start))) if main else None


def in_the_way(track, start, end, ours):
    """The first clip of somebody else that lies between two ticks of a track."""
    for clip in track.arrangement_clips:
        if ticks(clip.start_time) < end and start < ticks(clip.end_time) and clip not in ours:
            return clip
    return None


def _length(clip):
    return ticks(clip.end_time) - ticks(clip.start_time) if clip.is_arrangement_clip else ticks(clip.length)


def _all_clips(track):
    for clip in track.arrangement_clips:
        yield clip
    for lane in getattr(track, "take_lanes", ()):
        for clip in lane.arrangement_clips:
            yield clip
    for slot in track.clip_slots:
        if slot.has_clip:
            yield slot.clip
