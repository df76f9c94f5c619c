"""The plan as lines of tab-separated fields, for scripts in Lua, which have no JSON parser.

Every line is ``TAG<TAB>FIELD<TAB>...``; in texts ``\\``, tab, newline and carriage return are written ``\\\\``,
``\\t``, ``\\n``, ``\\r``. Seconds and bpm have 12 decimals; ticks count from the head of the cue, those of ``n`` and
``c`` from the start of their item. The last line is ``end`` with the number of lines before it, so that a file cut
short is seen.

    plan     1  CUE  TITLE  TAKE  SEED  FOLDER  TICKS_PER_QUARTER  RATE  START_FRAME  DROP(0|1)  DURATION_S  END_TICK
             KEY
    tempo    TICK  SECONDS  US_PER_QUARTER  BPM
    metre    TICK  SECONDS  BAR  NUMERATOR  DENOMINATOR
    section  ID  NAME  TICK  END  START_S  END_S  SEED  TAKE
    marker   ID  KIND  TICK  END  SECONDS  END_S  COLOUR  TEXT
    file     NAME  PATH
    part     TRACK_ID  PART  NAME  CHANNEL  PROGRAM  COLOUR
    item     ID  PART  SECTION  NAME  TICK  END  START_S  END_S  HASH  LOCKED(0|1)     of the part above
    n        TICK  PITCH  DURATION  VELOCITY                                            of the item above
    c        TICK  CONTROLLER  VALUE                                                    of the item above
    end      LINES
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction

from bridge.connectors.plan import Plan, PlanItem, PlanPart
from emsync_engine.score import TICKS_PER_QUARTER

_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def plan_lines(plan: Plan, items: Iterable[PlanItem] | None = None) -> str:
    """The plan as text.

    Args:
        plan: what to write down.
        items: only these items (and every part, so that tracks are known); None stands for all.
    """
    wanted = None if items is None else {item.id for item in items}
    rows = [_row(row) for row in _rows(plan, wanted)]
    return "".join([*rows, _row(("end", len(rows)))])


def escaped(text: str) -> str:
    """A text as it stands in a field."""
    return text.translate(_ESCAPES)


def split_row(line: str) -> list[str]:
    """The fields of a line, unescaped: for what a script writes back in the same form."""
    return [_unescaped(field) for field in line.rstrip("\r\n").split("\t")]


def _unescaped(field: str) -> str:
    plain = {"t": "\t", "n": "\n", "r": "\r"}
    out, rest = [], iter(field)
    for char in rest:
        if char == "\\":
            char = next(rest, "")
            char = plain.get(char, char)
        out.append(char)
    return "".join(out)


def _row(values: Iterable[object]) -> str:
    return "\t".join(_field(value) for value in values) + "\n"


def _field(value: object) -> str:
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, Fraction | float):
        return f"{float(value):.12f}"
    return escaped(str(value))


def _rows(plan: Plan, wanted: set[str] | None) -> Iterator[tuple[object, ...]]:
    yield (
        "plan", 1, plan.cue, plan.title, plan.take, plan.seed, plan.folder, TICKS_PER_QUARTER, str(plan.rate),
        plan.start_frame, plan.drop_frame, plan.duration, plan.end_tick, plan.key,
    )  # fmt: skip
    for t in plan.tempo:
        yield "tempo", t.tick, t.seconds, t.us_per_quarter, t.bpm
    for m in plan.metres:
        yield "metre", m.tick, m.seconds, m.bar, m.numerator, m.denominator
    for s in plan.sections:
        yield "section", s.id, s.name, s.tick, s.end, s.start_s, s.end_s, s.seed, s.take
    for k in plan.markers:
        yield "marker", k.id, k.kind, k.tick, k.end, k.seconds, k.end_s, k.colour, k.text
    for name, path in plan.files:
        yield "file", name, path
    for part in plan.parts:
        yield from _part_rows(part, wanted)


def _part_rows(part: PlanPart, wanted: set[str] | None) -> Iterator[tuple[object, ...]]:
    yield "part", part.id, part.part, part.name, part.channel, part.program, part.colour
    for i in part.items:
        if wanted is not None and i.id not in wanted:
            continue
        yield "item", i.id, i.part, i.section, i.name, i.tick, i.end, i.start_s, i.end_s, i.hash, i.locked
        for n in i.relative_notes():
            yield "n", n.tick, n.pitch, n.duration, n.velocity
        for c in i.relative_controls():
            yield "c", c.tick, c.controller, c.value
