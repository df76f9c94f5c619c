"""A score for a changed picture: what lies over unchanged picture moves with it, note for note; the rest is new."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from emsync_engine.instructions import PARTS
from emsync_engine.rules.compose import compose
from emsync_engine.score import TICKS_PER_QUARTER, ChordSpan, Control, Note, Part, Score, ScoreHit, Section
from emsync_engine.smf import normalise_notes
from emsync_engine.spotting.cuesheet import CueSheet, SectionPlan
from emsync_engine.spotting.regrid import Kept, Regrid

_SLIVER = TICKS_PER_QUARTER // 8
"""Ticks that a chord needs to be one."""


_Timed = TypeVar("_Timed", Note, Control, ScoreHit)


class _Move:
    """One kept span: which old ticks it holds and where they are now."""

    def __init__(self, kept: Kept, old: Score, new: Regrid) -> None:
        self.old_start, self.old_end = old.tempo_map.tick(kept.old_start), old.tempo_map.tick(kept.old_end)
        self._new = new.grid.tempo_map
        self.new_start = self._new.tick(kept.new_start)
        self.new_end = min(self._new.tick(kept.new_end), new.grid.end_tick)
        self._old, self._shift = old.tempo_map, kept.shift
        self._blocks = [
            (block, at)
            for block, at in new.blocks
            if block.shift == kept.shift and self.old_start <= block.start and block.end <= self.old_end + 1
        ]

    def held(self, rows: Sequence[_Timed]) -> Sequence[_Timed]:
        """Those of rows in order of time that begin in the span."""
        first, last = (bisect_left(rows, t, key=lambda r: r.tick) for t in (self.old_start, self.old_end))
        return rows[first:last]

    def tick(self, old_tick: int) -> int:
        """Where an old tick is now: by whole beats inside a block, by its second in the odd beats at the edges."""
        for block, at in self._blocks:
            if block.start <= old_tick <= block.end:
                return old_tick - block.start + at
        return self._new.tick(self._old.seconds(old_tick) + self._shift)

    def note(self, note: Note) -> Note:
        start = max(self.tick(note.tick), self.new_start)
        end = min(self.tick(min(note.end, self.old_end)), self.new_end)
        return replace(note, tick=start, duration=max(end - start, 1))


class _Moves:
    """All kept spans by new time."""

    def __init__(self, moves: Iterable[_Move]) -> None:
        self.all = sorted(moves, key=lambda m: m.new_start)
        self._starts = [m.new_start for m in self.all]

    def at(self, new_tick: int) -> _Move | None:
        """The span that covers a tick of the new score."""
        i = bisect_right(self._starts, new_tick) - 1
        return self.all[i] if i >= 0 and new_tick < self.all[i].new_end else None

    def next_start(self, new_tick: int) -> list[int]:
        """Where the next span after a tick begins, if there is one."""
        i = bisect_right(self._starts, new_tick)
        return self._starts[i : i + 1]

    def outside(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """What of [start, end) no span covers."""
        at = start
        for move in self.all:
            if move.new_end <= at:
                continue
            if move.new_start >= end:
                break
            if move.new_start > at:
                yield at, move.new_start
            at = move.new_end
        if at < end:
            yield at, end


def with_old_sections(sheet: CueSheet, old: Score, regridded: Regrid, kept: Sequence[Kept]) -> CueSheet:
    """The sheet with the old ids for the sections that hold most of an old one's picture, so that locks and seeds
    stay with their music; the other sections get numbers that were not in use."""
    shared = sorted(
        (-amount, k, i)
        for (i, k), amount in _shared(old.sections, sheet.sections, [_Move(k, old, regridded) for k in kept]).items()
    )
    ids: dict[int, str] = {}
    for _, k, i in shared:
        if k not in ids and old.sections[i].id not in ids.values():
            ids[k] = old.sections[i].id
    used = {s.id for s in old.sections}
    fresh = (f"s{n}" for n in range(1, len(sheet.sections) + len(used) + 1) if f"s{n}" not in used)
    sections = [replace(s, id=ids.get(k) or next(fresh)) for k, s in enumerate(sheet.sections)]
    return replace(sheet, sections=tuple(sections))


def _shared(old: Sequence[Section], new: Sequence[SectionPlan], moves: Iterable[_Move]) -> dict[tuple[int, int], int]:
    """Ticks of an old section that lie in a new one, by the numbers of both."""
    starts = [s.tick for s in new]
    total: dict[tuple[int, int], int] = {}
    for move in moves:
        for i, section in enumerate(old):
            a, b = max(section.tick, move.old_start), min(section.end, move.old_end)
            if a >= b:
                continue
            x, y = move.tick(a), move.tick(b)
            for k in range(max(bisect_right(starts, x) - 1, 0), bisect_left(starts, y)):
                amount = min(y, new[k].end) - max(x, new[k].tick)
                if amount > 0:
                    total[i, k] = total.get((i, k), 0) + amount
    return total


def changed_regions(sheet: CueSheet, old: Score, regridded: Regrid, kept: Sequence[Kept]) -> list[tuple[int, int]]:
    """Where the music is new: ticks [start, end) of the new score that no kept span covers, a beat long at least."""
    moves = _Moves(_Move(k, old, regridded) for k in kept)
    return [(a, b) for a, b in moves.outside(0, sheet.end_tick) if b - a >= TICKS_PER_QUARTER]


def conform(old: Score, sheet: CueSheet, regridded: Regrid, kept: Sequence[Kept], *, seed: int | None = None) -> Score:
    """The score of the new picture; what is new is composed by the rules, whatever engine the old score is by.

    Args:
        old: score of the old picture.
        sheet: cue sheet of the new picture, on the grid of ``regridded``.
        kept: the spans of unchanged picture that ``regridded`` was made with.
        seed: of what is composed anew; None is that of the old score.
    """
    fresh = compose(sheet, old.seed if seed is None else seed)
    moves = _Moves(_Move(k, old, regridded) for k in kept)
    old_hits = {m.tick(h.tick) for m in moves.all for h in m.held(old.hits)}
    seams = {h.tick for h in sheet.hits} - old_hits
    before, after = ({p.id: p for p in score.parts} for score in (old, fresh))
    parts = [
        _part(after.get(name), before.get(name), moves, seams, sheet)
        for name in PARTS
        if name in before or name in after
    ]
    return replace(
        fresh,
        engine=old.engine,
        parts=tuple(parts),
        chords=_chords(old.chords, fresh.chords, moves),
        sections=_sections(old.sections, fresh.sections),
        metadata=_metadata(old, fresh, moves),
    )


def _part(
    fresh: Part | None,
    old: Part | None,
    moves: _Moves,
    seams: Collection[int],
    sheet: CueSheet,
) -> Part:
    kept = [m.note(n) for m in moves.all for n in m.held(old.notes if old else ())]
    kept = list(_audible(kept, sheet.silences))
    new = _around(fresh.notes if fresh else (), kept, moves, seams)
    controls = _controls(old.controls if old else (), fresh.controls if fresh else (), moves, sheet.end_tick)
    part = old or fresh
    assert part is not None
    return replace(part, notes=normalise_notes([*kept, *new]), controls=controls)


def _audible(notes: Iterable[Note], silences: Iterable[tuple[int, int]]) -> Iterator[Note]:
    """Notes kept out of the silences that the new timeline asks for."""
    spans = list(silences)
    for note in notes:
        ends = [a for a, b in spans if a < note.end and note.tick < b]
        end = min([note.end, *ends])
        if end > note.tick:
            yield replace(note, duration=end - note.tick)


def _around(fresh: Iterable[Note], kept: Iterable[Note], moves: _Moves, seams: Collection[int]) -> list[Note]:
    """New notes outside the kept spans; they end where one begins and give way to a kept note of their pitch.

    A kept span that now begins with a hit gets the hit's accent, a beat long at most, on top of what it has.
    """
    sounding: dict[int, list[Note]] = {}
    for note in kept:
        sounding.setdefault(note.pitch, []).append(note)
    result = []
    for note in fresh:
        inside = moves.at(note.tick)
        if inside and note.tick not in seams:
            continue
        same = sounding.get(note.pitch, ())
        if any(k.tick <= note.tick < k.end for k in same):
            continue
        stops = [*moves.next_start(note.tick), *(k.tick for k in same if k.tick > note.tick)]
        stops += [min(note.tick + TICKS_PER_QUARTER, inside.new_end)] if inside else []
        result.append(replace(note, duration=max(min([note.end, *stops]) - note.tick, 1)))
    return result


# --- controllers ---------------------------------------------------------------------------------------------


def _controls(old: Sequence[Control], fresh: Sequence[Control], moves: _Moves, end_tick: int) -> tuple[Control, ...]:
    """The old controllers over kept spans, the new ones between; each level set anew where a span begins or ends."""
    rows = [replace(c, tick=m.tick(c.tick)) for m in moves.all for c in m.held(old)]
    rows += [c for c in fresh if not moves.at(c.tick)]
    levels = [c for m in moves.all for c in _levels(old, m.old_start, m.new_start)]
    levels += [c for m in moves.all if not moves.at(m.new_end) for c in _levels(fresh, m.new_end, m.new_end)]
    return _with_levels(rows, [c for c in levels if c.tick < end_tick])


def _levels(source: Iterable[Control], at: int, place: int) -> list[Control]:
    """The value of each controller at a tick, as events at another."""
    levels: dict[int, Control] = {}
    for control in source:
        if control.tick <= at:
            levels[control.controller] = control
    return [replace(c, tick=place) for c in levels.values()]


def _with_levels(rows: Iterable[Control], levels: Iterable[Control]) -> tuple[Control, ...]:
    """The controls, one a controller and tick, and those levels that are not there already."""
    by_place = {(c.tick, c.controller): c for c in reversed(list(rows))}
    set_anew = {(c.tick, c.controller): c for c in reversed(list(levels))}
    now: dict[int, int] = {}
    result = []
    for place, control in sorted({**set_anew, **by_place}.items()):
        if place in by_place or now.get(control.controller) != control.value:
            result.append(control)
            now[control.controller] = control.value
    return tuple(result)


# --- harmony and form ----------------------------------------------------------------------------------------


def _chords(old: Sequence[ChordSpan], fresh: Sequence[ChordSpan], moves: _Moves) -> tuple[ChordSpan, ...]:
    """Kept chords over kept spans, new ones between."""
    result = []
    for move in moves.all:
        for span in old:
            a, b = max(span.tick, move.old_start), min(span.end, move.old_end)
            if a < b:
                start = max(move.tick(a), move.new_start)
                result.append(replace(span, tick=start, duration=max(min(move.tick(b), move.new_end) - start, 1)))
    for span in fresh:
        result += [replace(span, tick=a, duration=b - a) for a, b in moves.outside(span.tick, span.end)]
    return tuple(_tiled(result))


def _tiled(chords: Iterable[ChordSpan]) -> Iterator[ChordSpan]:
    """The chords by time, each up to the next one; slivers that an edge cut off belong to their neighbours."""
    rows = sorted(chords, key=lambda c: c.tick)
    end = max(c.end for c in rows)
    whole = [c for c in rows if c.duration >= _SLIVER] or rows[:1]
    starts = [rows[0].tick, *(c.tick for c in whole[1:]), end]
    for chord, a, b in zip(whole, starts, starts[1:], strict=False):
        yield replace(chord, tick=a, duration=b - a)


def _sections(old: Sequence[Section], fresh: Sequence[Section]) -> tuple[Section, ...]:
    """The new sections; one that was there before keeps its seed and take."""
    before = {s.id: s for s in old}
    return tuple(replace(s, seed=before[s.id].seed, take=before[s.id].take) if s.id in before else s for s in fresh)


def _metadata(old: Score, fresh: Score, moves: _Moves) -> dict[str, Any]:
    """Seeds of the sections that were there before, and where the motif is stated now."""
    seeds = {**fresh.metadata["seeds"]}
    for name, row in old.metadata.get("seeds", {}).items():
        if name in seeds:
            seeds[name] = {**seeds[name], **row}
    stated = old.metadata.get("motif_ticks", ())
    motif = [m.tick(t) for m in moves.all for t in stated if m.old_start <= t < m.old_end]
    motif += [t for t in fresh.metadata["motif_ticks"] if not moves.at(t)]
    return {**fresh.metadata, "seeds": seeds, "motif_ticks": sorted(motif)}
