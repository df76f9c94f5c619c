"""Plans to send, small enough to read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from bridge.connectors.plan import Plan, PlanItem, PlanMarker, PlanMetre, PlanPart, PlanSection, PlanTempo, content_hash
from emsync_engine.score import TICKS_PER_QUARTER, Control, Note

CUE = "0123456789ab"
BEAT = TICKS_PER_QUARTER
Row = tuple[float, int, float, int]
"""(beat in its section, pitch, beats, velocity)."""

ALL_PITCHES: tuple[Row, ...] = ((0, 0, 1, 1), (0, 127, 1, 127), (1 / 3, 60, 0.25, 64), (15, 127, 1, 90))
MELODY: tuple[Row, ...] = ((0, 60, 1, 80), (1, 62, 1, 80), (2, 64, 2, 90), (7.5, 65, 0.5, 70))


def small_plan(
    home: Path, *, take: int = 1, bpm: Sequence[float] = (120.0,), sections: int = 2, beats: int = 16,
    strings: Sequence[Row] = MELODY, bass: Sequence[Row] = ALL_PITCHES, parts: Sequence[str] = ("strings", "bass"),
    other: Sequence[Row] | None = None, controls: bool = False,
) -> Plan:  # fmt: skip
    """Sections of ``beats`` quarters; every section has the same notes but for the last one, which has ``other``."""
    end = sections * beats * BEAT
    tempo = tuple(
        PlanTempo(number * beats * BEAT, Fraction(number * beats, 2), round(60e6 / value))
        for number, value in enumerate(bpm)
    )
    rows = {"strings": strings, "bass": bass}
    made = tuple(_part(name, rows[name], other, sections, beats, controls) for name in parts)
    plan = Plan(
        cue=CUE, title="Night #3", take=take, seed=take, folder=home, rate=Fraction(25), start_frame=90000,
        drop_frame=False, duration=Fraction(60), end_tick=end, key="D minor", tempo=tempo,
        metres=(PlanMetre(0, Fraction(0), 1, 4, 4),),
        bars=tuple((bar * 4 * BEAT, 4) for bar in range(sections * beats // 4)),
        sections=tuple(
            PlanSection(f"s{n + 1}", "ABCD"[n], n * beats * BEAT, (n + 1) * beats * BEAT, Fraction(0), Fraction(0),
                        0, 0, 1, 1) for n in range(sections)
        ),
        markers=(
            _marker("section", "s1", 0, "Section A"), _marker("hit", "1", 6 * BEAT, "Hit 1 door"),
            _marker("section", "s2", beats * BEAT, "Section B"), _marker("hit", "2", beats * BEAT, "Hit 2"),
            _marker("end", "", end, "End"),
        ),
        parts=made,
    )  # fmt: skip
    return replace(plan, duration=plan.seconds(end))


def _marker(kind: str, name: str, tick: int, text: str) -> PlanMarker:
    return PlanMarker(f"{CUE}:{kind}:{name}", kind, tick, tick, Fraction(0), Fraction(0), text, 0xFF00FF)


def _part(
    name: str, rows: Sequence[Row], other: Sequence[Row] | None, sections: int, beats: int, controls: bool
) -> PlanPart:
    items = []
    for number in range(sections):
        start = number * beats * BEAT
        here = other if other is not None and number == sections - 1 else rows
        notes = [Note(round(t * BEAT), p, round(d * BEAT), v) for t, p, d, v in here]
        moved = (Control(0, 11, 100),) if controls else ()
        items.append(
            PlanItem(
                f"{CUE}:{name}:s{number + 1}", name, f"s{number + 1}", f"{name.title()} {'ABCD'[number]}", start,
                start + beats * BEAT, Fraction(0), Fraction(0),
                tuple(Note(n.tick + start, n.pitch, n.duration, n.velocity) for n in notes), moved,
                content_hash(notes, moved),
            )
        )  # fmt: skip
    return PlanPart(f"{CUE}:{name}", name, name.title(), 0, 48, 0x8A5FA8, tuple(items))


def heard(plan: Plan, part: str, section: str) -> list[tuple[int, int, int, int]]:
    """What an item should sound like: (tick in the section, pitch, duration, velocity)."""
    (item,) = [i for i in plan.items if (i.part, i.section) == (part, section)]
    return sorted((n.tick, n.pitch, n.duration, n.velocity) for n in item.relative_notes())


def rows_of(clip: object) -> list[tuple[int, int, int, int]]:
    """The notes of a fake clip in the same form."""
    rows = clip.rows()  # type: ignore[attr-defined]
    return sorted((round(t * BEAT), p, round(d * BEAT), round(v)) for t, p, d, v in rows)
