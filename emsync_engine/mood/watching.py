"""``watch``: from what is on screen and on the sound track to a mood curve."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import PurePath

import numpy as np

from emsync_engine.mood.curve import FloatArray, MoodCurve, ShotMood, grid
from emsync_engine.mood.evidence import covered, from_pace, from_sight, from_sound
from emsync_engine.mood.fuse import EvidenceTrack, fuse
from emsync_engine.mood.listen import listen
from emsync_engine.mood.pace import log_cut_rate, visible_cuts
from emsync_engine.mood.see import see
from emsync_engine.mood.words import categories
from emsync_engine.picture import Picture, Shot, SoundClip

Progress = Callable[[float, str], None]
"""Told the share done (0..1) and what is being done."""

_NAMED = 3
"""A warning names this many clips and counts the others."""
_SOUND_COST = 0.1
"""Reading a second of sound takes about this share of the time of a second of picture."""


def watch(picture: Picture, *, progress: Progress | None = None) -> MoodCurve:
    """Estimate valence and arousal from the seconds that are on screen and from the timeline's sound.

    Temp music is not listened to. A timeline without any sound clips, such as a bare video file, is heard through
    the media of its shots. Media that are offline or damaged count as no evidence and are named in one warning each.

    Args:
        picture: what is seen when.
        progress: told the share done and the file being read.

    Returns:
        a curve at 4 Hz or a little more over the whole duration, with the mood of every shot.
    """
    duration_s = float(picture.duration)
    time_s = grid(duration_s)
    sounds, is_own_sound = _sounds(picture)
    online = [clip for clip in sounds if clip.online]
    tick = _ticker(picture.shots, online, progress)
    unreadable: dict[str, str] = {}
    tracks = _seen(picture, time_s, unreadable, tick)
    unheard: dict[str, str] = {}
    if online:
        programme = listen(online, duration_s, unheard, lambda seconds, media: tick(_SOUND_COST * seconds, media))
        silent = [clip for clip in sounds if not clip.online or clip.media in unheard]
        if programme.heard.any():
            tracks += from_sound(programme, _spans_mask(silent, time_s), time_s)
    if is_own_sound:
        unreadable = {**unheard, **unreadable}
    if progress:
        progress(1.0, "")
    curve = fuse(tracks, time_s, _hard_cuts(picture))
    return replace(curve, shots=shot_moods(curve, picture.shots), warnings=(*_offline(picture), *_damaged(unreadable)))


def shot_moods(curve: MoodCurve, shots: Iterable[Shot]) -> tuple[ShotMood, ...]:
    """The mean mood of each shot and what an editor would call it."""
    moods = []
    for shot in shots:
        start_s, end_s = float(shot.start), float(shot.end)
        valence, arousal = curve.mean(start_s, end_s)
        confidence = curve.mean_confidence(start_s, end_s)
        words = categories(valence, arousal, confidence)
        moods.append(ShotMood(start_s, end_s, valence, arousal, confidence, words))
    return tuple(moods)


def _sounds(picture: Picture) -> tuple[list[SoundClip], bool]:
    """What to listen to, and whether that is the timeline's own sound rather than that of its shots' media."""
    if picture.sounds:
        return [clip for clip in picture.sounds if clip.role != "music"], True
    return [
        SoundClip(shot.start, shot.end, shot.name, shot.media, shot.media_start, shot.speed, online=True)
        for shot in picture.shots
        if shot.online and not shot.still and shot.speed
    ], False


def _seen(
    picture: Picture, time_s: FloatArray, unreadable: dict[str, str], tick: Callable[[float, str], None]
) -> list[EvidenceTrack]:
    sight = see(picture.shots, unreadable, tick)
    if not len(sight.time_s):
        return []
    cuts = visible_cuts(picture)
    visible = covered(sight.time_s - sight.slot_s / 2, sight.time_s + sight.slot_s / 2, time_s)
    rate = log_cut_rate(cuts, float(picture.duration), time_s)
    return [*from_sight(sight, time_s), from_pace(rate, visible, time_s, len(cuts))]


def _spans_mask(clips: Sequence[SoundClip], time_s: FloatArray) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    starts = np.array([float(clip.start) for clip in clips])
    return covered(starts, np.array([float(clip.end) for clip in clips]), time_s)


def _hard_cuts(picture: Picture) -> FloatArray:
    """Where the mood may change at once."""
    soft = ("dissolve", "wipe")
    hard = [float(b.time) for b in picture.boundaries if b.picture and not b.through and b.kind not in soft]
    return np.array(sorted(hard), dtype=np.float64)


def _ticker(
    shots: Sequence[Shot], sounds: Sequence[SoundClip], progress: Progress | None
) -> Callable[[float, str], None]:
    """Turn seconds of picture read (or their worth of sound) into a share of the whole work."""
    total = sum(float(shot.duration) for shot in shots if shot.online)
    total += _SOUND_COST * sum(float(clip.end - clip.start) for clip in sounds)
    done = 0.0

    def tick(seconds: float, media: str) -> None:
        nonlocal done
        done += seconds
        if progress and total:
            progress(min(0.99, done / total), PurePath(media).name)

    return tick


def _offline(picture: Picture) -> list[str]:
    """One warning for everything that is not on this machine. A title or a solid has no media to miss."""
    shots = [shot.name or shot.media for shot in picture.shots if not shot.online and (shot.media or not shot.still)]
    sounds = [clip.name or clip.media for clip in picture.sounds if not clip.online and clip.role != "music"]
    names = list(dict.fromkeys(name or "(no name)" for name in [*shots, *sounds]))
    if not names:
        return []
    count = len(shots) + len(sounds)
    clips = f"{count} clip is" if count == 1 else f"{count} clips are"
    return [f"{clips} offline, the mood there is taken as neutral: {_listed(names)} (--media-root finds moved media)"]


def _damaged(unreadable: dict[str, str]) -> list[str]:
    """One warning for everything that is here and cannot be read."""
    if not unreadable:
        return []
    names = [f"{PurePath(media).name} ({reason})" for media, reason in unreadable.items()]
    return [f"media that cannot be read, the mood there is taken as neutral: {_listed(names)}"]


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
