"""What changed between two cuts of one film: kept, moved, trimmed, inserted, deleted, re-timed.

Shots are compared by media identity and source time, the way conform tools compare edit lists: a new version of
an effects shot (``_v012``) or a proxy of the same name is the same picture.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import PurePosixPath
from typing import Any, Literal

from emsync_engine.picture import Picture, Shot
from emsync_engine.spotting.regrid import Kept

_VERSION = re.compile(r"([._ -]?(v\d{1,4}|ver\d{1,4}|proxy|prx|lowres|low|offline|online|copy))+$", re.IGNORECASE)
_FRAME_PATTERN = re.compile(r"[._](%0\d+d|#+|\d{4,})$")
ChangeKind = Literal["keep", "move", "insert", "delete", "retime"]


@dataclass(frozen=True)
class Change:
    """A line of the change list."""

    kind: ChangeKind
    name: str
    old: tuple[Fraction, Fraction] | None
    new: tuple[Fraction, Fraction] | None

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "name": self.name,
            "old_s": [float(t) for t in self.old] if self.old else None,
            "new_s": [float(t) for t in self.new] if self.new else None,
        }


def identity(shot: Shot) -> str:
    """What makes two shots the same material: the media's name without folder, suffix, version and proxy marks."""
    text = shot.media or shot.name
    name = PurePosixPath(text.replace("\\", "/")).name.lower()
    stem = name.rpartition(".")[0] or name
    stem = _FRAME_PATTERN.sub("", stem)
    return _VERSION.sub("", stem) or stem


def kept_spans(old: Picture, new: Picture) -> list[Kept]:
    """Spans of unchanged picture, by new time; longest matches first, ties to the smallest move."""
    candidates: list[tuple[Fraction, Fraction, Kept]] = []
    by_identity: dict[tuple[str, Fraction], list[Shot]] = {}
    for shot in _with_black(new):
        by_identity.setdefault((identity(shot), shot.speed), []).append(shot)
    for shot in _with_black(old):
        for other in by_identity.get((identity(shot), shot.speed), ()):
            kept = _overlap(shot, other)
            if kept:
                candidates.append((-kept.length, abs(kept.shift), kept))
    candidates.sort(key=lambda c: (c[0], c[1], c[2].new_start))
    chosen: list[Kept] = []
    for _, _, kept in candidates:
        chosen += _free_of(kept, chosen)
    return _joined(chosen)


def _with_black(picture: Picture) -> list[Shot]:
    """The shots, with the gaps between them as shots of black."""
    result: list[Shot] = []
    at = Fraction(0)
    for shot in sorted(picture.shots, key=lambda s: s.start):
        if shot.start > at:
            result.append(Shot(at, shot.start, "black", "", Fraction(0)))
        result.append(shot)
        at = max(at, shot.end)
    if at < picture.duration:
        result.append(Shot(at, picture.duration, "black", "", Fraction(0)))
    return result


def _overlap(old: Shot, new: Shot) -> Kept | None:
    """The part of both shots that shows the same seconds of the media."""
    if old.speed == 0:
        length = min(old.duration, new.duration) if old.media_start == new.media_start else Fraction(0)
        return Kept(old.start, new.start, length) if length > 0 else None
    later = (new.media_start - old.media_start) / old.speed  # record seconds that the new in-point lies behind the old
    old_start, new_start = old.start + max(later, Fraction(0)), new.start + max(-later, Fraction(0))
    length = min(old.end - old_start, new.end - new_start)
    return Kept(old_start, new_start, length) if length > 0 else None


def _free_of(kept: Kept, chosen: Sequence[Kept]) -> list[Kept]:
    """What is left of a match when record time that is already spoken for, in either cut, is taken out."""
    blocked = [(c.old_start - kept.old_start, c.old_end - kept.old_start) for c in chosen]
    blocked += [(c.new_start - kept.new_start, c.new_end - kept.new_start) for c in chosen]
    pieces = [(Fraction(0), kept.length)]
    for a, b in blocked:
        pieces = [p for x, y in pieces for p in ((x, min(y, a)), (max(x, b), y)) if p[1] > p[0]]
    return [Kept(kept.old_start + a, kept.new_start + a, b - a) for a, b in pieces]


def _joined(spans: Iterable[Kept]) -> list[Kept]:
    """Neighbours that moved by the same amount become one span."""
    result: list[Kept] = []
    for span in sorted(spans, key=lambda k: k.new_start):
        last = result[-1] if result else None
        if last and last.new_end == span.new_start and last.old_end == span.old_start:
            result[-1] = Kept(last.old_start, last.new_start, last.length + span.length)
        else:
            result.append(span)
    return result


def changes(old: Picture, new: Picture, spans: Sequence[Kept]) -> list[Change]:
    """The change list by new time; what was deleted stands where it used to follow."""
    rows: list[tuple[Fraction, int, Change]] = []
    for kept in spans:
        kind: ChangeKind = "keep" if kept.shift == 0 else "move"
        name = _names(new.shots, kept.new_start, kept.new_end)
        change = Change(kind, name, (kept.old_start, kept.old_end), (kept.new_start, kept.new_end))
        rows.append((kept.new_start, 1, change))
    retimed = {identity(s) for s in old.shots}
    for start, end in _gaps([(k.new_start, k.new_end) for k in spans], new.duration):
        for shot in _pieces(new.shots, start, end):
            same = any(identity(o) == identity(shot) and o.speed != shot.speed for o in old.shots)
            kind = "retime" if same and identity(shot) in retimed else "insert"
            rows.append((shot.start, 1, Change(kind, shot.name, None, (shot.start, shot.end))))
    by_old = sorted(spans, key=lambda k: k.old_start)
    for start, end in _gaps([(k.old_start, k.old_end) for k in spans], old.duration):
        before = [k for k in by_old if k.old_end <= start]
        place = before[-1].new_end if before else Fraction(0)
        rows += [(place, 0, Change("delete", s.name, (s.start, s.end), None)) for s in _pieces(old.shots, start, end)]
    return [row for *_, row in sorted(rows, key=lambda r: (r[0], r[1]))]


def _gaps(spans: Sequence[tuple[Fraction, Fraction]], duration: Fraction) -> list[tuple[Fraction, Fraction]]:
    gaps, at = [], Fraction(0)
    for start, end in sorted(spans):
        if start > at:
            gaps.append((at, start))
        at = max(at, end)
    if at < duration:
        gaps.append((at, duration))
    return gaps


def _pieces(shots: Sequence[Shot], start: Fraction, end: Fraction) -> list[Shot]:
    return [
        Shot(max(s.start, start), min(s.end, end), s.name, s.media, s.media_start, s.speed)
        for s in shots
        if s.start < end and s.end > start
    ]


def _names(shots: Sequence[Shot], start: Fraction, end: Fraction) -> str:
    names = list(dict.fromkeys(s.name for s in shots if s.start < end and s.end > start))
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
