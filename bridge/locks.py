"""What locks protect: cutting them out of a regeneration, carrying them into a new take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bridge.folder import Lock
from emsync_engine.errors import InputError
from emsync_engine.score import Score, Section


@dataclass(frozen=True)
class Region:
    """Ticks [start, end) of some parts."""

    start: int
    end: int
    parts: tuple[str, ...]


def check_lock(lock: Lock, score: Score) -> None:
    """Raises:
    InputError: the lock names a part or section that the score does not have.
    """
    parts = [p.id for p in score.parts]
    sections = [s.id for s in score.sections]
    if lock.part is not None and lock.part not in parts:
        raise InputError(f"the score has no part {lock.part!r} (it has {', '.join(parts)})", code="bad_parts")
    if lock.section is not None and lock.section not in sections:
        names = ", ".join(f"{s.id} ({s.name})" for s in score.sections)
        raise InputError(f"the score has no section {lock.section!r} (it has {names})", code="no_such_section")


def section_id(text: str, score: Score) -> str:
    """The id of a section given by id or name."""
    for section in score.sections:
        if text.lower() in (section.id.lower(), section.name.lower()):
            return section.id
    return text


def is_locked(locks: Sequence[Lock], part: str, section: str) -> bool:
    return any(lock.part in (None, part) and lock.section in (None, section) for lock in locks)


def free_regions(score: Score, locks: Sequence[Lock], start: int, end: int, parts: Sequence[str]) -> list[Region]:
    """The regions of [start, end) × parts that no lock protects, parts with the same free time taken together."""
    by_spans: dict[tuple[tuple[int, int], ...], list[str]] = {}
    for part in parts:
        spans = _free_spans(score.sections, locks, start, end, part)
        by_spans.setdefault(tuple(spans), []).append(part)
    return [Region(a, b, tuple(names)) for spans, names in by_spans.items() for a, b in spans]


def _free_spans(
    sections: Sequence[Section], locks: Sequence[Lock], start: int, end: int, part: str
) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    for section in sections:
        a, b = max(section.tick, start), min(section.end, end)
        if a >= b or is_locked(locks, part, section.id):
            continue
        if spans and spans[-1][1] == a:
            spans[-1] = (spans[-1][0], b)
        else:
            spans.append((a, b))
    return spans


def with_locked(new: Score, old: Score, locks: Sequence[Lock]) -> Score:
    """The new score with everything that is locked taken from the old one.

    Raises:
        InputError: the bars or sections differ, so that locked material has no place in the new score.
    """
    same = (new.bars, new.tempo_map, [(s.id, s.tick, s.end) for s in new.sections], new.end_tick)
    if same != (old.bars, old.tempo_map, [(s.id, s.tick, s.end) for s in old.sections], old.end_tick):
        raise InputError(
            "parts of the score are locked, but the new bars differ from the old ones; unlock them "
            "(emsync takes DIR unlock) or score into another folder (-o)",
            code="locked",
        )
    parts = []
    for part in new.parts:
        before = next((p for p in old.parts if p.id == part.id), None)
        spans = [(s.tick, s.end) for s in new.sections if before and is_locked(locks, part.id, s.id)]
        if before is None or not spans:
            parts.append(part)
            continue
        kept = [n for n in part.notes if not any(a <= n.tick < b for a, b in spans)]
        kept += [n for n in before.notes if any(a <= n.tick < b for a, b in spans)]
        cc = [c for c in part.controls if not any(a <= c.tick < b for a, b in spans)]
        cc += [c for c in before.controls if any(a <= c.tick < b for a, b in spans)]
        parts.append(replace(part, notes=tuple(sorted(kept)), controls=tuple(sorted(cc))))
    return replace(new, parts=tuple(parts))
