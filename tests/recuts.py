"""Cuts of a film and edits of them for which it is known what was kept, frame by frame."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

from emsync_engine.mood.curve import MoodCurve, constant
from emsync_engine.picture import Boundary, Picture, PictureMarker, Shot, ShotRef
from emsync_engine.score import Score
from emsync_engine.spotting.regrid import Kept

RATE = Fraction(24)
MS = Fraction(1, 1000)


@dataclass(frozen=True)
class Span:
    """Frames of a medium in record order."""

    media: str
    source: int
    """First frame of the medium."""
    length: int
    speed: Fraction = Fraction(1)
    origin: int | None = None
    """Frame of the old cut that its first frame is; None where it is new."""

    def part(self, start: int, end: int) -> Span:
        origin = None if self.origin is None else self.origin + start
        return replace(self, source=self.source + round(start * self.speed), length=end - start, origin=origin)


Cut = list[Span]


def first_cut(lengths: Sequence[int]) -> Cut:
    """Shots of a few reels, no frame of which is used twice."""
    cut, at = [], 0
    for number, length in enumerate(lengths):
        cut.append(Span(f"reel_{number % 5}.mov", 1000 * (number + 1), length, origin=at))
        at += length
    return cut


def frames_of(cut: Cut) -> int:
    return sum(s.length for s in cut)


def between(cut: Cut, start: int, end: int) -> Cut:
    """Record frames [start, end)."""
    rows, at = [], 0
    for span in cut:
        a, b = max(start - at, 0), min(end - at, span.length)
        if a < b:
            rows.append(span.part(a, b))
        at += span.length
    return rows


def lifted(cut: Cut, start: int, end: int) -> Cut:
    """Ripple delete."""
    return between(cut, 0, start) + between(cut, end, frames_of(cut))


def with_inserted(cut: Cut, at: int, new: Cut) -> Cut:
    return between(cut, 0, at) + new + between(cut, at, frames_of(cut))


def truth(cut: Cut) -> list[tuple[int, int, int]]:
    """(old frame, new frame, length) of everything that was kept, neighbours that moved together joined."""
    rows: list[tuple[int, int, int]] = []
    at = 0
    for span in cut:
        if span.origin is not None:
            last = rows[-1] if rows else None
            if last and last[0] + last[2] == span.origin and last[1] + last[2] == at:
                rows[-1] = (last[0], last[1], last[2] + span.length)
            else:
                rows.append((span.origin, at, span.length))
        at += span.length
    return rows


def picture_of(
    cut: Cut, *, rate: Fraction = RATE, name: str = "film", markers: Sequence[PictureMarker] = ()
) -> Picture:
    """What a reader would make of the cut."""
    shots, boundaries, at = [], [], 0
    for number, span in enumerate(cut):
        start, end = at / rate, (at + span.length) / rate
        shots.append(Shot(start, end, f"{span.media[:-4]} {number}", span.media, span.source / rate, span.speed))
        at += span.length
    for a, b in pairwise(shots):
        ends = a.media_start + a.speed * a.duration
        through = a.media == b.media and a.speed == b.speed and ends == b.media_start
        sides = ShotRef(a.name, a.media, ends), ShotRef(b.name, b.media, b.media_start)
        frame = round(b.start * rate)
        weight = 0.25 if through else 1.0
        boundaries.append(
            Boundary(
                b.start, frame, b.start, "cut", through=through, outgoing=sides[0], incoming=sides[1], weight=weight
            )
        )
    return Picture(name, rate, at / rate, f"/films/{name}.otio", shots=tuple(shots), boundaries=tuple(boundaries),
                   markers=tuple(markers), start_frame=86400)  # fmt: skip


def calm(picture: Picture) -> MoodCurve:
    return constant(float(picture.duration), 0.2, 0.1)


# --- notes ---


def heard(score: Score) -> dict[tuple[str, int, int], list[tuple[Fraction, Fraction]]]:
    """Start and end in seconds by part, pitch and velocity."""
    rows: defaultdict[tuple[str, int, int], list[tuple[Fraction, Fraction]]] = defaultdict(list)
    for part in score.parts:
        for note in part.notes:
            span = score.tempo_map.seconds(note.tick), score.tempo_map.seconds(note.end)
            rows[part.id, note.pitch, note.velocity].append(span)
    return rows


def covering(kept: Sequence[Kept], time: Fraction, *, new: bool = False) -> Kept | None:
    """The span that surely holds a time; nothing within a tick of its edges."""
    for k in kept:
        start, end = (k.new_start, k.new_end) if new else (k.old_start, k.old_end)
        if start - MS / 4 <= time < end - MS / 2:
            return k
    return None


def check_kept_notes(old: Score, new: Score, kept: Sequence[Kept]) -> int:
    """Every note over unchanged picture is there, when and as long as it was; returns how many."""
    now, count = heard(new), 0
    for key, rows in heard(old).items():
        for start, end in rows:
            k = covering(kept, start)
            if k is None:
                continue
            at, until = start + k.shift, min(end + k.shift, k.new_end)
            near = [b for a, b in now.get(key, []) if abs(a - at) <= MS]
            assert near, f"{key} at {float(start):.3f} s is lost"
            assert min(abs(b - until) for b in near) <= 2 * MS, f"{key} at {float(start):.3f} s has another length"
            count += 1
    return count


# --- random edits --------------------------------------------------------------------------------------------


def _trim(rng: random.Random, cut: Cut) -> Cut:
    i = rng.randrange(len(cut))
    if cut[i].length < 3:
        return cut
    n = rng.randrange(1, min(cut[i].length - 1, 60))
    span = cut[i].part(n, cut[i].length) if rng.random() < 0.5 else cut[i].part(0, cut[i].length - n)
    return [*cut[:i], span, *cut[i + 1 :]]


def _lift(rng: random.Random, cut: Cut) -> Cut:
    total = frames_of(cut)
    start = rng.randrange(total - 1)
    return lifted(cut, start, min(start + rng.randrange(1, 200), total - 1))


def _insert(rng: random.Random, cut: Cut) -> Cut:
    new = Span(f"new_{rng.randrange(10**6)}.mov", rng.randrange(1000), rng.randrange(5, 150))
    at = rng.choice([0, frames_of(cut), rng.randrange(frames_of(cut))])
    return with_inserted(cut, at, [new])


def _swap(rng: random.Random, cut: Cut) -> Cut:
    i, k = rng.randrange(len(cut)), rng.randrange(len(cut))
    rows = list(cut)
    rows[i], rows[k] = rows[k], rows[i]
    return rows


def _retime(rng: random.Random, cut: Cut) -> Cut:
    i = rng.randrange(len(cut))
    if cut[i].speed != 1 or cut[i].length < 4:  # two frames look the same at any speed
        return cut
    speed = rng.choice([Fraction(1, 2), Fraction(2), Fraction(-1), Fraction(5, 4)])
    return [*cut[:i], replace(cut[i], speed=speed, origin=None), *cut[i + 1 :]]


def _split(rng: random.Random, cut: Cut) -> Cut:
    i = rng.randrange(len(cut))
    if cut[i].length < 2:
        return cut
    n = rng.randrange(1, cut[i].length)
    return [*cut[:i], cut[i].part(0, n), cut[i].part(n, cut[i].length), *cut[i + 1 :]]


EDITS: tuple[Callable[[random.Random, Cut], Cut], ...] = (_trim, _trim, _lift, _insert, _swap, _retime, _split)


def random_film(rng: random.Random) -> Cut:
    count = rng.randrange(3, 25)
    return first_cut([max(2, round(rng.expovariate(1 / rng.choice([30, 90, 200])))) for _ in range(count)])


def random_recut(rng: random.Random, cut: Cut, edits: int) -> Cut:
    for _ in range(edits):
        changed = rng.choice(EDITS)(rng, cut)
        cut = changed if changed and frames_of(changed) > 48 else cut
    return cut
