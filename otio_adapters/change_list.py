"""The change list: a line for everything that happened between two cuts, with timecodes, for people and programs."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import PurePath
from typing import Any, Literal

from emsync_engine.picture import Picture, Shot
from otio_adapters.conform import Comparison
from otio_adapters.identity import same_material
from otio_adapters.overlaps import Match, Piece, media_span, pieces

ChangeKind = Literal["keep", "move", "trim", "extend", "retime", "transition", "insert", "delete"]
_NAMED = 3
"""A line names this many shots and counts the others."""


@dataclass(frozen=True)
class Change:
    """A line of the change list."""

    kind: ChangeKind
    name: str
    old: tuple[Fraction, Fraction] | None
    """Record seconds in the old cut; None where it has no such picture."""
    new: tuple[Fraction, Fraction] | None
    text: str
    """What happened, in words."""
    frames: int
    """Length in frames of the new cut."""
    old_timecode: tuple[str, str] | None = None
    new_timecode: tuple[str, str] | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "name": self.name,
            "old_s": [float(t) for t in self.old] if self.old else None,
            "new_s": [float(t) for t in self.new] if self.new else None,
            "old_timecode": list(self.old_timecode) if self.old_timecode else None,
            "new_timecode": list(self.new_timecode) if self.new_timecode else None,
            "frames": self.frames,
            "text": self.text,
        }


@dataclass(frozen=True)
class _Row:
    """A change in frames of the new cut's rate."""

    kind: ChangeKind
    name: str
    text: str
    old: tuple[int, int] | None = None
    new: tuple[int, int] | None = None


def changes(cuts: Comparison) -> list[Change]:
    """The change list by new time; what was deleted stands where it would follow."""
    rows = _rows(cuts)
    order = _places(rows)
    return [_change(rows[i], cuts) for i in sorted(range(len(rows)), key=lambda i: order[i])]


def _rows(cuts: Comparison) -> list[_Row]:
    before, after = pieces(cuts.regraded), pieces(cuts.new)
    kept, blended = cuts.alignment.kept, cuts.alignment.blended
    rows = [_kept_row(m, before, after) for m in kept]
    rows += [_blended_row(m, after) for m in blended]
    matched = [*kept, *blended]
    gone = list(_uncovered(before, [(m.old, m.old + m.length) for m in matched]))
    fresh = list(_uncovered(after, [(m.new, m.new + m.length) for m in matched]))
    retimed = _retimed(gone, fresh, cuts)
    rows += [row for _, _, row in retimed]
    spent_old, spent_new = {i for i, _, _ in retimed}, {k for _, k, _ in retimed}
    rows += [_gone_row(p, whole) for i, (p, whole) in enumerate(gone) if i not in spent_old]
    rows += [_fresh_row(p, whole) for i, (p, whole) in enumerate(fresh) if i not in spent_new]
    return rows


def _span(start: int, length: int) -> tuple[int, int]:
    return start, start + length


def _kept_row(match: Match, before: Sequence[Piece], after: Sequence[Piece]) -> _Row:
    shown = _shown(after, match.new, match.length)
    name = _names(p.shot.name for p in shown if not p.black) or "black"
    words = f"moved by {match.shift:+d} frames" if match.shift else "kept"
    notes = _new_files(match, before, shown)
    return _Row(
        "move" if match.shift else "keep",
        name,
        f"{words}: {name}" + (f" ({notes})" if notes else ""),
        _span(match.old, match.length),
        _span(match.new, match.length),
    )


def _shown(rows: Sequence[Piece], start: int, length: int) -> Sequence[Piece]:
    """Pieces, which leave no hole, that reach into a span."""
    first = bisect_right(rows, start, key=lambda p: p.start) - 1
    return rows[first : bisect_left(rows, start + length, key=lambda p: p.start)]


def _new_files(match: Match, before: Sequence[Piece], shown: Sequence[Piece]) -> str:
    """Files that are another version, a proxy or another container of what was there."""
    changed: dict[tuple[str, str], None] = {}
    for piece in shown:
        frame = max(piece.start, match.new) - match.shift
        was = before[bisect_right(before, frame, key=lambda p: p.start) - 1]
        names = PurePath(was.shot.media).name, PurePath(piece.shot.media).name
        if all(names) and names[0].lower() != names[1].lower():
            changed[names] = None
    notes = [f"{a} is now {b}" for a, b in changed]
    return ", ".join(notes[:_NAMED]) + (f" and {len(notes) - _NAMED} more" if len(notes) > _NAMED else "")


def _names(names: Iterator[str]) -> str:
    known = list(dict.fromkeys(name or "(no name)" for name in names))
    return ", ".join(known[:_NAMED]) + (f" and {len(known) - _NAMED} more" if len(known) > _NAMED else "")


def _blended_row(match: Match, after: Sequence[Piece]) -> _Row:
    name = " / ".join(p.shot.name or "(no name)" for p in _shown(after, match.new, match.length))
    return _Row(
        "transition",
        name,
        f"transition changed: {name}",
        _span(match.old, match.length),
        _span(match.new, match.length),
    )


def _uncovered(rows: Sequence[Piece], covered: Sequence[tuple[int, int]]) -> Iterator[tuple[Piece, Piece]]:
    """(what is left of a shot, the whole shot) for all that no match covers."""
    spans = sorted(covered)
    at = 0
    for piece in rows:
        while at < len(spans) and spans[at][1] <= piece.start:
            at += 1
        start, i = piece.start, at
        while i < len(spans) and spans[i][0] < piece.end:
            if spans[i][0] > start:
                yield replace(piece, start=start, end=spans[i][0]), piece
            start = max(start, spans[i][1])
            i += 1
        if start < piece.end:
            yield replace(piece, start=start), piece


def _retimed(
    gone: Sequence[tuple[Piece, Piece]], fresh: Sequence[tuple[Piece, Piece]], cuts: Comparison
) -> list[tuple[int, int, _Row]]:
    """Shots of the old cut that the new one shows at another speed: the nearest pairs of one material."""
    same = same_material(cuts.regraded.shots, cuts.new.shots)
    pairs = sorted(
        (abs(a.start - b.start), i, k)
        for i, (a, _) in enumerate(gone)
        for k, (b, _) in enumerate(fresh)
        if a.shot.speed != b.shot.speed and not (a.black or b.black) and same(a.shot, b.shot) and _meet(a, b)
    )
    found: list[tuple[int, int, _Row]] = []
    for _, i, k in pairs:
        if any(i == x or k == y for x, y, _ in found):
            continue
        a, b = gone[i][0], fresh[k][0]
        text = f"re-timed from {_percent(a.shot)} to {_percent(b.shot)}: {b.shot.name}"
        found.append((i, k, _Row("retime", b.shot.name, text, (a.start, a.end), (b.start, b.end))))
    return found


def _meet(a: Piece, b: Piece) -> bool:
    """Whether two shots of one material share seconds of it."""
    (x, y), (u, v) = media_span(a), media_span(b)
    return x <= v and u <= y


def _percent(shot: Shot) -> str:
    return f"{float(shot.speed) * 100:.4g} %" if shot.speed else "a freeze"


def _gone_row(left: Piece, whole: Piece) -> _Row:
    if left == whole:
        return _Row("delete", whole.shot.name, f"deleted: {whole.shot.name}", (left.start, left.end))
    return _Row("trim", whole.shot.name, f"trimmed {_where(left, whole)}: {whole.shot.name}", (left.start, left.end))


def _fresh_row(left: Piece, whole: Piece) -> _Row:
    new = left.start, left.end
    if left == whole:
        return _Row("insert", whole.shot.name, f"inserted: {whole.shot.name}", None, new)
    return _Row("extend", whole.shot.name, f"extended {_where(left, whole)}: {whole.shot.name}", None, new)


def _where(left: Piece, whole: Piece) -> str:
    if left.start == whole.start:
        return "at the head"
    return "at the tail" if left.end == whole.end else "inside"


def _places(rows: Sequence[_Row]) -> list[tuple[int, int]]:
    """Where each line stands: by new time, deletions behind the frames they used to follow."""
    known = sorted((r.old[1], r.new[1]) for r in rows if r.old and r.new)
    ends = [old for old, _ in known]
    places = []
    for row in rows:
        if row.new:
            places.append((row.new[0], 1))
        else:
            at = bisect_right(ends, row.old[0] if row.old else 0)
            places.append((known[at - 1][1] if at else 0, 0))
    return places


def _change(row: _Row, cuts: Comparison) -> Change:
    old = (cuts.old_time(row.old[0]), cuts.old_time(row.old[1])) if row.old else None
    new = (row.new[0] / cuts.new.rate, row.new[1] / cuts.new.rate) if row.new else None
    span = row.new or row.old or (0, 0)
    return Change(
        row.kind, row.name, old, new, row.text, span[1] - span[0], _timecodes(old, cuts.old), _timecodes(new, cuts.new)
    )


def _timecodes(span: tuple[Fraction, Fraction] | None, picture: Picture) -> tuple[str, str] | None:
    return (picture.timecode_at(span[0]), picture.timecode_at(span[1])) if span else None


# --- for people ----------------------------------------------------------------------------------------------

_COUNTED: tuple[tuple[ChangeKind, str], ...] = (
    ("trim", "trimmed"),
    ("extend", "extended"),
    ("retime", "re-timed"),
    ("transition", "with another transition"),
    ("insert", "inserted"),
    ("delete", "deleted"),
)


def change_text(rows: Sequence[Change], cuts: Comparison) -> str:
    """The change list as a page of text. Timecodes are record timecodes; the second one is that of the next frame."""
    lines = [*_head(rows, cuts), ""]
    table = [("old timecode", "new timecode", "frames", "change")]
    table += [(_range(r.old_timecode), _range(r.new_timecode), str(r.frames), r.text) for r in rows]
    old, new, frames, _ = (max(map(len, column)) for column in zip(*table))
    lines += [f"{a:<{old}}  {b:<{new}}  {c:>{frames}}  {d}" for a, b, c, d in table]
    return "\n".join(lines) + "\n"


def _head(rows: Sequence[Change], cuts: Comparison) -> list[str]:
    old, new = cuts.old, cuts.new
    frames = sum(m.length for m in cuts.alignment.kept)
    total = new.frame_at(new.duration)
    moved = sum(m.length for m in cuts.alignment.kept if m.shift)
    share = f"{frames} of {total} frames unchanged ({frames / max(total, 1):.0%})"
    counts = Counter(r.kind for r in rows)
    shots = ", ".join(f"{counts[kind]} {words}" for kind, words in _COUNTED if counts[kind])
    lines = [_described("old cut", old), _described("new cut", new)]
    lines.append(share + (f", {moved} of them moved" if moved else "") + (f"; {shots}" if shots else ""))
    if cuts.scale != 1:
        lines.append(
            f"the frames are the same at another rate: the music is played {float(1 / cuts.scale):.6g} times as fast"
        )
    elif old.rate != new.rate:
        lines.append(f"the edits of the old cut were moved to the nearest frames at {new.rate} a second")
    return lines


def _described(what: str, picture: Picture) -> str:
    end = picture.timecode_at(picture.duration)
    return f"{what}: {PurePath(picture.source).name or picture.name}, {picture.start_timecode} to {end}"


def _range(span: tuple[str, str] | None) -> str:
    return f"{span[0]} - {span[1]}" if span else "-"
