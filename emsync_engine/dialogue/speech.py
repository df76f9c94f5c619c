"""``find_speech``: the record ranges of a timeline in which somebody speaks, heard in its sound."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import PurePath

import numpy as np

from emsync_engine.dialogue.detectors import Detector, best_detector
from emsync_engine.dialogue.voice import Spans
from emsync_engine.mood.media import AUDIO_RATE, Heard, Samples, UnreadableMediaError, sound_in
from emsync_engine.picture import Picture, SoundClip

Progress = Callable[[float, str], None]
"""Told the share done (0..1) and what is being done."""
Ranges = tuple[tuple[Fraction, Fraction], ...]

_CHUNK_S, _AROUND_S = 60, 4
"""Seconds of sound that are judged at once, and seconds on both sides that are heard with them."""
_JOIN_S = Fraction(3, 10)
"""Ranges this close are one, whoever speaks."""
_MEDIA_JOIN_S = 8.0
"""Spans of one file this close are read as one."""
_MILLISECONDS = 1000


def find_speech(picture: Picture, progress: Progress | None = None) -> Ranges:
    """Record ranges that carry speech, in seconds from the head; rising, disjoint, inside the picture.

    Where the timeline names its dialogue tracks, they are the answer. Otherwise its other sound is listened to, temp
    music and tracks of effects left out; of a timeline without any sound clips, such as an EDL of the picture, the
    sound of the shots' own media. Media that are offline or damaged say nothing here: reading the mood names them.

    Args:
        picture: what is seen and heard when.
        progress: told the share done and the file being read.
    """
    if picture.dialogue:
        return picture.dialogue
    clips: defaultdict[str, list[SoundClip]] = defaultdict(list)
    for clip in _heard(picture):
        clips[clip.media].append(clip)
    detect = best_detector() if clips else None
    ranges: list[tuple[Fraction, Fraction]] = []
    for number, (media, rows) in enumerate(clips.items()):
        if progress:
            progress(number / len(clips), PurePath(media).name)
        if detect:
            ranges += _record_ranges(rows, _speech_of(media, [_media_span(c) for c in rows], detect))
    if progress:
        progress(1.0, "")
    return _joined(ranges, picture.duration)


def _heard(picture: Picture) -> list[SoundClip]:
    """The clips that may hold speech."""
    if picture.sounds:
        return [c for c in picture.sounds if c.online and c.speed and c.role in ("unknown", "dialogue")]
    return [
        SoundClip(s.start, s.end, s.name, s.media, s.media_start, s.speed, online=True)
        for s in picture.shots
        if s.online and s.speed and not s.still
    ]


def _media_span(clip: SoundClip) -> tuple[float, float]:
    """First and last second of the media that a clip plays."""
    start = float(clip.media_start)
    end = start + float(clip.speed * (clip.end - clip.start))
    return max(0.0, min(start, end)), max(0.0, start, end)


def _speech_of(media: str, spans: Iterable[tuple[float, float]], detect: Detector) -> Spans:
    """Seconds of a file in which somebody speaks, as far as it can be read."""
    found: Spans = []
    try:
        for at_s, samples, inner in _chunks(sound_in(media, _merged(spans))):
            for start, end in detect(samples):
                a, b = max(start, inner[0]), min(end, inner[1])
                if a < b:
                    found.append((at_s + a, at_s + b))
    except UnreadableMediaError:
        pass  # named by the reading of the mood
    return found


def _merged(spans: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    result: list[tuple[float, float]] = []
    for start, end in sorted(spans):
        if result and start <= result[-1][1] + _MEDIA_JOIN_S:
            result[-1] = (result[-1][0], max(result[-1][1], end))
        elif end > start:
            result.append((start, end))
    return result


def _chunks(blocks: Iterator[Heard]) -> Iterator[tuple[float, Samples, tuple[float, float]]]:
    """(second of the media, samples, seconds among them that are to be judged): sound in pieces that overlap, so that
    each second is judged once and with what is around it."""
    held: list[Samples] = []
    at_s = next_s = judged_s = 0.0
    for block in blocks:
        if held and abs(block.time_s - next_s) > 1 / 20:  # another span of the file
            yield from _piece(held, at_s, judged_s, None)
            held = []
        if not held:
            at_s = judged_s = block.time_s
        held.append(block.samples)
        next_s = block.time_s + len(block.samples) / AUDIO_RATE
        if next_s - judged_s >= _CHUNK_S + _AROUND_S:
            until_s = next_s - _AROUND_S
            yield from _piece(held, at_s, judged_s, until_s)
            from_s = max(at_s, until_s - _AROUND_S)
            held = [np.concatenate(held)[round((from_s - at_s) * AUDIO_RATE) :]]
            at_s, judged_s = from_s, until_s
    yield from _piece(held, at_s, judged_s, None)


def _piece(
    held: Sequence[Samples], at_s: float, from_s: float, to_s: float | None
) -> Iterator[tuple[float, Samples, tuple[float, float]]]:
    if held:
        samples = np.concatenate(held)
        end_s = len(samples) / AUDIO_RATE if to_s is None else to_s - at_s
        yield at_s, samples, (from_s - at_s, end_s)


def _record_ranges(clips: Iterable[SoundClip], speech: Spans) -> Iterator[tuple[Fraction, Fraction]]:
    """Where clips play the seconds of their media in which somebody speaks."""
    for clip in clips:
        for start, end in speech:
            ends = (Fraction(round(t * _MILLISECONDS), _MILLISECONDS) for t in (start, end))
            a, b = sorted(clip.start + (t - clip.media_start) / clip.speed for t in ends)
            a, b = max(a, clip.start), min(b, clip.end)
            if a < b:
                yield a, b


def _joined(ranges: Iterable[tuple[Fraction, Fraction]], duration: Fraction) -> Ranges:
    result: list[tuple[Fraction, Fraction]] = []
    for start, end in sorted(ranges):
        start, end = max(start, Fraction(0)), min(end, duration)
        if result and start - result[-1][1] <= _JOIN_S:
            result[-1] = (result[-1][0], max(result[-1][1], end))
        elif start < end:
            result.append((start, end))
    return tuple(result)
