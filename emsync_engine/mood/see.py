"""Watch the seconds that are on screen, about eight frames of each, and measure them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from emsync_engine.mood.curve import FloatArray
from emsync_engine.mood.look import Bars, Look, Luma, bars_of, change_between, look_of, luma_of
from emsync_engine.mood.media import Seen, UnreadableMediaError, frames_at
from emsync_engine.picture import Shot

FRAMES_A_SECOND = 8
"""Frames measured a second of record time."""
_STEP_S = 1 / FRAMES_A_SECOND
_STEP_POWER = 0.6
"""Change grows with the distance of two frames about like this power of it."""
_TICK_EVERY = 16
_ENOUGH = 0.9
"""A file that answers less than this share of its moments is reported."""


class Moment(NamedTuple):
    """A frame that has to be read."""

    media_s: float
    """From the head of the media."""
    record_s: float
    """The middle of the slot that it stands for."""
    slot_s: float
    """Length of that slot in record time."""
    shot: int


class Sample(NamedTuple):
    """A frame that was measured."""

    record_s: float
    slot_s: float
    look: Look
    motion: float
    """Change since the frame 1/8 s before in the same shot; NaN where there is none."""


@dataclass(frozen=True)
class Sight:
    """Everything that was seen, in record order."""

    time_s: FloatArray
    """(samples,) record time."""
    slot_s: FloatArray
    """(samples,) the record time that each stands for."""
    looks: FloatArray
    """(samples, 4) in the order of ``Look``."""
    motion: FloatArray
    """(samples,), NaN where there is none."""


def plan(shots: Sequence[Shot]) -> dict[str, list[Moment]]:
    """The moments to read from each media file, rising in media time. Only what is on screen is among them."""
    wanted: defaultdict[str, list[Moment]] = defaultdict(list)
    for number, shot in enumerate(shots):
        length = float(shot.duration)
        if not shot.online or length <= 0:
            continue
        speed = 0.0 if shot.still else float(shot.speed)
        count = max(1, round(length * FRAMES_A_SECOND)) if speed else 1
        slot = length / count
        for k in range(count):
            into = (k + 0.5) * slot
            media_s = max(0.0, float(shot.media_start) + into * speed)
            wanted[shot.media].append(Moment(media_s, float(shot.start) + into, slot, number))
    return {media: sorted(moments) for media, moments in wanted.items()}


def see(shots: Sequence[Shot], unreadable: dict[str, str], tick: Callable[[float, str], None]) -> Sight:
    """Read and measure what is on screen.

    Args:
        shots: of the picture; those that are offline are passed over.
        unreadable: media that cannot be read are put here with the reason.
        tick: told the seconds of picture that were watched, and in which file.
    """
    samples: list[Sample] = []
    for media, moments in plan(shots).items():
        untold = sum(moment.slot_s for moment in moments)
        answered = 0
        try:
            for sample in _measured(frames_at(media, [m.media_s for m in moments]), moments, shots):
                samples.append(sample)
                answered += 1
                if answered % _TICK_EVERY == 0:
                    tick(_TICK_EVERY * sample.slot_s, media)
                    untold -= _TICK_EVERY * sample.slot_s
        except UnreadableMediaError as error:
            unreadable[media] = str(error)
        if answered < _ENOUGH * len(moments):
            unreadable.setdefault(media, f"only {answered} of {len(moments)} frames that are used")
        tick(max(0.0, untold), media)
    samples.sort(key=lambda sample: sample.record_s)
    return Sight(
        np.array([s.record_s for s in samples]),
        np.array([s.slot_s for s in samples]),
        np.array([s.look for s in samples], dtype=np.float64).reshape(-1, len(Look._fields)),
        np.array([s.motion for s in samples]),
    )


class _View(NamedTuple):
    """A measured frame of a shot that is still going on."""

    time_s: float
    luma: Luma


def _measured(frames: Iterator[Seen], moments: Sequence[Moment], shots: Sequence[Shot]) -> Iterator[Sample]:
    left = Counter(moment.shot for moment in moments)
    open_shots: dict[int, _View] = {}
    bars: Bars | None = None
    measured: tuple[npt.NDArray[np.uint8], Luma, Look] | None = None
    for seen in frames:
        moment = moments[seen.moment]
        if measured is None or measured[0] is not seen.frame:
            luma = luma_of(seen.frame)
            found = bars_of(luma)
            # A dark frame looks like bars too; the real ones are there in every frame of the file.
            bars = Bars(min(bars.rows, found.rows), min(bars.columns, found.columns)) if bars else found
            measured = seen.frame, luma, look_of(seen.frame, bars)
        view = _View(seen.time_s, measured[1])
        motion = _motion(open_shots.get(moment.shot), view, shots[moment.shot])
        left[moment.shot] -= 1
        if left[moment.shot]:
            open_shots[moment.shot] = view
        else:
            open_shots.pop(moment.shot, None)
        yield Sample(moment.record_s, moment.slot_s, measured[2], motion)


def _motion(before: _View | None, now: _View, shot: Shot) -> float:
    if shot.still or not shot.speed:
        return 0.0
    if before is None or now.time_s <= before.time_s:
        return float("nan")
    step = (now.time_s - before.time_s) / abs(float(shot.speed))
    return change_between(before.luma, now.luma) * float((_STEP_S / max(step, 0.25 * _STEP_S)) ** _STEP_POWER)
