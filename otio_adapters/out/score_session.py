"""A scored cue as a DAW session: picture, production sound, mix, stems, MIDI parts, tempo map, markers, sections."""

from __future__ import annotations

from fractions import Fraction
from pathlib import PurePath
from typing import Any

from emsync_engine.picture import Picture, Shot, SoundClip
from emsync_engine.score import TICKS_PER_QUARTER, Part, Score
from emsync_engine.smf import normalise_notes, part_controls
from otio_adapters.out.delivery import Delivery, Mark
from otio_adapters.plugins.dawproject_write import dawproject_of
from otio_adapters.plugins.midi import Control, Midi, Note, Program
from otio_adapters.plugins.rpp_write import rpp_text
from otio_adapters.plugins.session import Item, Session, SessionMarker, SessionTrack, lanes_of
from otio_adapters.plugins.smf_write import smf_of
from otio_adapters.plugins.tempo import TempoPoint
from otio_adapters.plugins.to_timeline import timeline_of

_USER_COLOUR = "YELLOW"


def score_timeline(delivery: Delivery) -> Any:
    """The cue as an OpenTimelineIO timeline, from which every plug-in writes the whole of it."""
    return timeline_of(session_of_score(delivery))


def rpp_of_score(delivery: Delivery, folder: PurePath | None = None) -> str:
    """The cue as a REAPER project.

    Args:
        delivery: the cue.
        folder: where the project will lie: audio below it is pointed at relative to it.
    """
    return rpp_text(session_of_score(delivery, folder))


def dawproject_of_score(delivery: Delivery) -> bytes:
    """The cue as a DAWproject that points at the audio files."""
    return dawproject_of(session_of_score(delivery))


def smf_of_score(delivery: Delivery) -> bytes:
    """The cue's markers, tempo map and parts as a MIDI file."""
    return smf_of(session_of_score(delivery))


def session_of_score(delivery: Delivery, folder: PurePath | None = None) -> Session:
    """The cue as a session: stems and MIDI parts are on, the mix and temp music are muted."""
    picture = delivery.picture
    sounds = [
        SessionTrack(
            sound.name, (_sound_item(delivery, sound.path, folder),), muted=sound.is_mix and bool(delivery.stems)
        )
        for sound in delivery.sounds
    ]
    return Session(
        name=delivery.name,
        rate=picture.rate,
        start_frame=picture.start_frame,
        drop_frame=picture.drop_frame,
        tempo=tempo_of(delivery.score),
        tracks=(
            *_picture_tracks(picture),
            *_production_tracks(picture),
            *sounds,
            *(_part_track(part, delivery.length) for part in delivery.score.parts),
        ),
        markers=_markers(delivery),
    )


def tempo_of(score: Score) -> tuple[TempoPoint, ...]:
    """A point wherever the tempo or the metre changes."""
    tempos = {event.tick: event.us_per_quarter for event in score.tempo_map.events}
    meters: dict[int, int] = {}
    beats = 0
    for bar in score.bars:
        if bar.beats != beats:
            beats = bar.beats
            meters[max(bar.tick, 0)] = beats
    points = []
    us, beats = 500_000, 4
    for tick in sorted({0, *tempos, *meters}):
        us, beats = tempos.get(tick, us), meters.get(tick, beats)
        points.append(TempoPoint(score.tempo_map.seconds(tick), Fraction(us), beats, 4))
    return tuple(points)


def _sound_item(delivery: Delivery, path: PurePath, folder: PurePath | None) -> Item:
    media = path
    if folder is not None and path.is_relative_to(folder):
        media = path.relative_to(folder)
    return Item(Fraction(0), delivery.length, "audio", path.stem, media.as_posix(), media_duration=delivery.length)


def _picture_tracks(picture: Picture) -> list[SessionTrack]:
    items = [_shot_item(shot) for shot in picture.shots if shot.duration > 0]
    return [SessionTrack("Picture", tuple(lane), "video") for lane in lanes_of(items)] if items else []


def _shot_item(shot: Shot) -> Item:
    speed = Fraction(0) if shot.still else shot.speed
    return Item(shot.start, shot.duration, "video", shot.name, shot.media, shot.media_start, speed)


def _production_tracks(picture: Picture) -> list[SessionTrack]:
    """The editor's own sound by track; temp music is there to compare with, muted."""
    tracks: dict[tuple[str, bool], list[SoundClip]] = {}
    for sound in picture.sounds:
        if sound.end > sound.start:
            tracks.setdefault((sound.track or "Production sound", sound.role == "music"), []).append(sound)
    return [
        SessionTrack(name, tuple(lane), "audio", muted=is_music)
        for (name, is_music), sounds in tracks.items()
        for lane in lanes_of(_clip_item(sound) for sound in sounds)
    ]


def _clip_item(sound: SoundClip) -> Item:
    return Item(sound.start, sound.end - sound.start, "audio", sound.name, sound.media, sound.media_start, sound.speed)


def _part_track(part: Part, length: Fraction) -> SessionTrack:
    notes = (Note(n.tick, n.pitch, n.duration, n.velocity, part.channel) for n in normalise_notes(part.notes))
    controls = (Control(c.tick, c.controller, c.value, part.channel) for c in part_controls(part))
    midi = Midi(TICKS_PER_QUARTER, tuple(notes), tuple(controls), (Program(0, part.program, part.channel),))
    return SessionTrack(f"{part.name} MIDI", (Item(Fraction(0), length, "midi", part.name, midi=midi),), "midi")


def _markers(delivery: Delivery) -> tuple[SessionMarker, ...]:
    """Hits, sections as regions, and the editor's own markers."""
    ours = [_marker(mark) for mark in delivery.marks]
    theirs = [
        SessionMarker(m.time, m.name or m.comment, m.duration, m.comment if m.name else "", _USER_COLOUR)
        for m in delivery.picture.markers
        if m.time >= 0
    ]
    return tuple(sorted([*ours, *theirs], key=lambda marker: (marker.time, marker.name)))


def _marker(mark: Mark) -> SessionMarker:
    name = mark.name if mark.comment == mark.name or mark.kind == "section" else f"{mark.name} {mark.comment}"
    return SessionMarker(mark.time, name, mark.end - mark.time, mark.comment, mark.colour)
