"""What locks protect: cutting them out of a regeneration, carrying them into a new take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bridge.folder import Lock, Take
from emsync_engine.composers import Composer
from emsync_engine.errors import InputError
from emsync_engine.score import Control, Score, Section


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


def rescored(old: Take, new: Take, locks: Sequence[Lock], composer: Composer) -> Take:
    """The old take with everything that is not locked composed anew, as the new take asks.

    What is locked keeps its harmony, so the key stays, and the chords under it.

    Raises:
        InputError: bars, sections or parts differ, so that locked material has no place in the new score.
    """
    if _frame(new.score) != _frame(old.score):
        raise InputError(
            "parts of the score are locked, but the new bars or parts differ from the old ones; unlock them "
            "(emsync takes DIR unlock) or score into another folder (-o)",
            code="locked",
        )
    keyed = (replace(s, key=before.key) for s, before in zip(new.sheet.sections, old.sheet.sections))
    sheet = replace(new.sheet, key=old.sheet.key, sections=tuple(keyed))
    score, seed = old.score, new.score.seed
    for region in free_regions(score, locks, 0, score.end_tick, [p.id for p in score.parts]):
        score = composer.recompose(score, sheet, region.start, region.end, region.parts, seed)
    parts = tuple(
        replace(part, controls=_controls(part.id, score.sections, locks, part.controls, fresh.controls))
        for part, fresh in zip(score.parts, new.score.parts)
    )
    moods = tuple(replace(s, valence=n.valence, arousal=n.arousal) for s, n in zip(score.sections, new.score.sections))
    return Take(replace(score, parts=parts, sections=moods, seed=seed, title=new.score.title), sheet)


def _frame(score: Score) -> tuple[object, ...]:
    """What two scores share when one's notes have their place in the other."""
    sections = [(s.id, s.tick, s.end) for s in score.sections]
    return score.bars, score.tempo_map, sections, score.end_tick, [p.id for p in score.parts]


def _controls(
    part: str, sections: Sequence[Section], locks: Sequence[Lock], old: Sequence[Control], new: Sequence[Control]
) -> tuple[Control, ...]:
    spans = [(s.tick, s.end) for s in sections if is_locked(locks, part, s.id)]

    def held(control: Control) -> bool:
        return any(a <= control.tick < b for a, b in spans)

    return tuple(sorted([c for c in old if held(c)] + [c for c in new if not held(c)]))
