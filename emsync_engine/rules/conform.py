"""A score for a changed picture: what lies over unchanged picture moves with it, note for note; the rest is new."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from emsync_engine.rules.compose import compose
from emsync_engine.score import TICKS_PER_QUARTER, ChordSpan, Control, Note, Part, Score
from emsync_engine.smf import normalise_notes
from emsync_engine.spotting.cuesheet import CueSheet
from emsync_engine.spotting.regrid import Kept, Regrid


class _Move:
    """One kept span: which old ticks it holds and where they are now."""

    def __init__(self, kept: Kept, old: Score, new: Regrid) -> None:
        self.old_start, self.old_end = old.tempo_map.tick(kept.old_start), old.tempo_map.tick(kept.old_end)
        tempo_map = new.grid.tempo_map
        self.new_start = tempo_map.tick(kept.new_start)
        self.new_end = min(tempo_map.tick(kept.new_end), new.grid.end_tick)
        self._old, self._new, self._shift = old.tempo_map, tempo_map, kept.shift
        self._block = next(
            (
                (block, at)
                for block, at in new.blocks
                if block.shift == kept.shift and self.old_start <= block.start and block.end <= self.old_end + 1
            ),
            None,
        )

    def holds(self, old_tick: int) -> bool:
        return self.old_start <= old_tick < self.old_end

    def covers(self, new_tick: int) -> bool:
        return self.new_start <= new_tick < self.new_end

    def tick(self, old_tick: int) -> int:
        """Where an old tick is now: by whole beats inside the block, by its second in the odd beats at the edges."""
        if self._block:
            block, at = self._block
            if block.start <= old_tick <= block.end:
                return old_tick - block.start + at
        return self._new.tick(self._old.seconds(old_tick) + self._shift)

    def note(self, note: Note) -> Note:
        start = self.tick(note.tick)
        end = min(self.tick(min(note.end, self.old_end)), self.new_end)
        return replace(note, tick=start, duration=max(end - start, 1))


def conform(old: Score, sheet: CueSheet, regridded: Regrid, kept: Sequence[Kept]) -> Score:
    """The score of the new picture.

    Args:
        old: score of the old picture.
        sheet: cue sheet of the new picture, on the grid of ``regridded``.
        kept: the spans of unchanged picture that ``regridded`` was made with.
    """
    fresh = compose(sheet, old.seed)
    moves = [_Move(k, old, regridded) for k in kept]
    before = {p.id: p for p in old.parts}
    old_hits = {m.tick(h.tick) for m in moves for h in old.hits if m.holds(h.tick)}
    seams = {h.tick for h in sheet.hits} - old_hits
    parts = [_part(part, before.get(part.id), moves, seams) for part in fresh.parts]
    chords = _chords(old.chords, fresh.chords, moves)
    return replace(fresh, parts=tuple(parts), chords=chords)


def _part(fresh: Part, old: Part | None, moves: Sequence[_Move], seams: Collection[int]) -> Part:
    if old is None:
        return fresh
    kept = [move.note(n) for move in moves for n in old.notes if move.holds(n.tick)]
    new = _around(fresh.notes, kept, moves, seams)
    cc = [c for c in fresh.controls if not _covered(c.tick, moves)]
    cc += [replace(c, tick=m.tick(c.tick)) for m in moves for c in old.controls if m.holds(c.tick)]
    cc += _levels_at_seams(old.controls, fresh.controls, moves)
    return replace(old, notes=normalise_notes([*kept, *new]), controls=_unique(cc))


def _covered(tick: int, moves: Sequence[_Move]) -> bool:
    return any(m.covers(tick) for m in moves)


def _around(fresh: Iterable[Note], kept: Iterable[Note], moves: Sequence[_Move], seams: Collection[int]) -> list[Note]:
    """New notes outside the kept spans; they end where one begins and give way to a kept note of their pitch.

    A kept span that now begins with a hit gets the hit's accent, a beat long at most, on top of what it has.
    """
    sounding: dict[int, list[Note]] = {}
    for note in kept:
        sounding.setdefault(note.pitch, []).append(note)
    result = []
    for note in fresh:
        inside = _covered(note.tick, moves)
        if inside and note.tick not in seams:
            continue
        if any(k.tick <= note.tick < k.end for k in sounding.get(note.pitch, ())):
            continue
        stops = [m.new_start for m in moves if note.tick < m.new_start]
        stops += [note.tick + TICKS_PER_QUARTER] if inside else []
        stops += [k.tick for k in sounding.get(note.pitch, ()) if k.tick > note.tick]
        end = min([note.end, *stops])
        result.append(replace(note, duration=max(end - note.tick, 1)))
    return result


def _levels_at_seams(old: Sequence[Control], fresh: Sequence[Control], moves: Sequence[_Move]) -> list[Control]:
    """The level of each controller set anew where a kept span begins and where it ends."""
    rows = []
    for move in moves:
        for source, at, place in ((old, move.old_start, move.new_start), (fresh, move.new_end, move.new_end)):
            levels: dict[int, Control] = {}
            for control in source:
                if control.tick <= at:
                    levels[control.controller] = control
            rows += [replace(c, tick=place) for c in levels.values()]
    return rows


def _unique(controls: Iterable[Control]) -> tuple[Control, ...]:
    """One event a controller and tick, the first given; changes only."""
    by_place: dict[tuple[int, int], Control] = {}
    for control in controls:
        by_place.setdefault((control.tick, control.controller), control)
    level: dict[int, int] = {}
    result = []
    for control in sorted(by_place.values()):
        if level.get(control.controller) != control.value:
            result.append(control)
            level[control.controller] = control.value
    return tuple(result)


def _chords(old: Sequence[ChordSpan], fresh: Sequence[ChordSpan], moves: Sequence[_Move]) -> tuple[ChordSpan, ...]:
    """Kept chords over kept spans, new ones between."""
    result = []
    for move in moves:
        for span in old:
            a, b = max(span.tick, move.old_start), min(span.end, move.old_end)
            if a < b:
                start = move.tick(a)
                result.append(replace(span, tick=start, duration=max(min(move.tick(b), move.new_end) - start, 1)))
    for span in fresh:
        for a, b in _outside(span.tick, span.end, moves):
            result.append(replace(span, tick=a, duration=b - a))
    return tuple(sorted(result, key=lambda c: c.tick))


def _outside(start: int, end: int, moves: Sequence[_Move]) -> list[tuple[int, int]]:
    pieces = [(start, end)]
    for move in moves:
        pieces = [p for a, b in pieces for p in ((a, min(b, move.new_start)), (max(a, move.new_end), b)) if p[1] > p[0]]
    return pieces
