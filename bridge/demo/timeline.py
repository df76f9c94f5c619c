"""The edit of the demo film, as an OpenTimelineIO timeline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import opentimelineio as otio

from bridge.demo.canvas import FPS
from bridge.demo.clips import CLIPS, HANDLE
from bridge.demo.files import unfinished
from bridge.demo.scenes.night import SLAM_S
from bridge.demo.sound import VOICE_LINES

SCENE_ORDER = ("day", "night", "chase", "rest")
START_TIMECODE = 3600 * FPS
"""01:00:00:00."""


@dataclass(frozen=True)
class Cue:
    """A sound in a scene; times in frames."""

    track: str
    sound: str
    at: int
    length: int
    media_start: int = 0


@dataclass(frozen=True)
class Scene:
    """A stretch of the film; lengths in frames."""

    length: int
    main: tuple[otio.core.Composable, ...]
    """The lower video track."""
    over: tuple[tuple[int, otio.core.otio.core.Composable], ...]
    """(offset, clip) of what lies on the upper video track."""
    cues: tuple[Cue, ...]
    markers: tuple[tuple[int, str, str, str], ...] = ()
    """(offset, name, comment, colour)."""


def _frames(count: float) -> otio.opentime.RationalTime:
    return otio.opentime.RationalTime(count, FPS)


def _span(start: float, length: float) -> otio.opentime.TimeRange:
    return otio.opentime.TimeRange(_frames(start), _frames(length))


def _media(file: str, length: int) -> otio.schema.ExternalReference:
    reference = otio.schema.ExternalReference(target_url=f"media/{file}", available_range=_span(0, length))
    reference.name = file
    return reference


def shot(name: str, length: int, skip: int = 0, label: str = "") -> otio.schema.Clip:
    """A clip of the film: ``length`` frames from ``skip`` frames after its head handle."""
    source = CLIPS[name]
    return otio.schema.Clip(
        name=label or name.replace("_", " ").title(),
        media_reference=_media(source.file, source.frames),
        source_range=_span(HANDLE + skip, length),
    )


def _slow(clip: otio.schema.Clip, speed: float) -> otio.schema.Clip:
    clip.effects.append(otio.schema.LinearTimeWarp(name="Slow motion", time_scalar=speed))
    return clip


def _disabled(clip: otio.schema.Clip) -> otio.schema.Clip:
    clip.enabled = False
    return clip


def _gap(length: int) -> otio.schema.Gap:
    return otio.schema.Gap(source_range=_span(0, length))


def _dissolve(half: int) -> otio.schema.Transition:
    return otio.schema.Transition(
        name="Cross Dissolve",
        transition_type=otio.schema.TransitionTypes.SMPTE_Dissolve,
        in_offset=_frames(half),
        out_offset=_frames(half),
    )


def _track(name: str, kind: str, items: Sequence[otio.core.Composable]) -> otio.schema.Track:
    track = otio.schema.Track(name=name, kind=kind)
    track.extend(items)
    return track


def _spoken(line: int) -> tuple[int, int]:
    """First frame and length of a line of the dialogue recording."""
    start = VOICE_LINES[line][0]
    end = VOICE_LINES[line + 1][0] if line + 1 < len(VOICE_LINES) else 13.4
    return round((start - 0.2) * FPS), round((end - start - 0.1) * FPS)


def _line(number: int, at: int) -> Cue:
    start, length = _spoken(number)
    return Cue("Dialogue", "dialogue", at, length, start)


def _day() -> Scene:
    return Scene(
        394,
        (shot("day_valley", 139), shot("day_field", 255)),
        ((242, _slow(shot("day_birds", 67), 0.5)),),
        (Cue("Ambience", "day_ambience", 0, 394), _line(0, 158)),
    )


def _night() -> Scene:
    house = otio.schema.Stack(name="Lonely house")
    house.append(_track("House", otio.schema.TrackKind.Video, [shot("night_house", 181)]))
    house.append(_track("Insert", otio.schema.TrackKind.Video, [_gap(71), shot("night_window", 58)]))
    slam = 113 + round(SLAM_S * FPS) - HANDLE
    return Scene(
        371,
        (shot("night_moon", 113), house, shot("night_moon", 59, skip=113, label="Night Moon again"), _gap(18)),
        (),
        (Cue("Ambience", "night_ambience", 0, 371), Cue("Effects", "door_slam", slam, 21), _line(1, 20)),
        ((slam, "hit", "the door falls shut", "RED"),),
    )


def _chase() -> Scene:
    main = (
        shot("chase_cars", 41), shot("chase_runner", 29), shot("chase_road", 37), shot("chase_cars", 52, skip=41),
        shot("chase_runner", 43, skip=29), shot("chase_road", 31, skip=37), shot("chase_cars", 33, skip=93),
        shot("chase_runner", 26, skip=72), shot("chase_cars", 40, skip=126),
    )  # fmt: skip
    over = (
        (134, shot("chase_siren", 25)),
        (240, _disabled(shot("rest_sea", 31, label="Rest Sea (alternative)"))),
    )
    effects = Cue("Effects", "chase_effects", 0, 332)
    return Scene(332, main, over, (effects,), ((0, "section: chase", "they have seen him", "ORANGE"),))


def _rest() -> Scene:
    main = (shot("rest_sea", 157), _dissolve(15), shot("rest_blossom", 109), shot("rest_sea", 77, skip=172))
    cues = (Cue("Ambience", "rest_ambience", 0, 343), _line(2, 70), _line(3, 181))
    return Scene(343, main, (), cues)


_SCENES = {"day": _day, "night": _night, "chase": _chase, "rest": _rest}


def _placed(items: Sequence[tuple[int, otio.core.otio.core.Composable]], total: int) -> list[otio.core.Composable]:
    """otio.core.Composables at record frames, with gaps before, between and after them."""
    row: list[otio.core.Composable] = []
    at = 0
    for start, item in sorted(items, key=lambda pair: pair[0]):
        if start > at:
            row.append(_gap(start - at))
        row.append(item)
        at = start + round(item.source_range.duration.value)
    if at < total:
        row.append(_gap(total - at))
    return row


def _sound_clip(cue: Cue) -> otio.schema.Clip:
    return otio.schema.Clip(
        name=cue.sound.replace("_", " ").title(),
        media_reference=_media(f"{cue.sound}.wav", cue.media_start + cue.length + FPS // 2),
        source_range=_span(cue.media_start, cue.length),
    )


def _markers(at: int, scene: Scene) -> list[otio.schema.Marker]:
    made = []
    for offset, name, comment, color in scene.markers:
        marker = otio.schema.Marker(name=name, marked_range=_span(at + offset, 0), color=color)
        marker.comment = comment
        made.append(marker)
    return made


def build_timeline(order: Sequence[str] = SCENE_ORDER) -> otio.schema.Timeline:
    """The demo's edit with its scenes in the given order."""
    timeline = otio.schema.Timeline(name="Demo", global_start_time=_frames(START_TIMECODE))
    main: list[otio.core.Composable] = []
    over: list[tuple[int, otio.core.otio.core.Composable]] = []
    sounds: dict[str, list[tuple[int, otio.core.otio.core.Composable]]] = {
        "Dialogue": [],
        "Ambience": [],
        "Effects": [],
    }
    at = 0
    for scene in (_SCENES[name]() for name in order):
        main.extend(scene.main)
        over.extend((at + offset, clip) for offset, clip in scene.over)
        for cue in scene.cues:
            sounds[cue.track].append((at + cue.at, _sound_clip(cue)))
        timeline.tracks.markers.extend(_markers(at, scene))
        at += scene.length
    video, audio = otio.schema.TrackKind.Video, otio.schema.TrackKind.Audio
    timeline.tracks.append(_track("V1", video, main))
    timeline.tracks.append(_track("V2", video, _placed(over, at)))
    for name, items in sounds.items():
        timeline.tracks.append(_track(name, audio, _placed(items, at)))
    timeline.tracks.append(_track("Room tone", audio, [_sound_clip(Cue("Room tone", "room_tone", 0, at))]))
    return timeline


def write_timeline(path: Path, *, order: Sequence[str] = SCENE_ORDER) -> Path:
    """Write the demo's edit; its media are named relative to the file, so that the folder can be moved."""
    with unfinished(path) as partial:
        otio.adapters.write_to_file(build_timeline(order), str(partial))
    return path
