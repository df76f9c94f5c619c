"""A plan as the message that the script in REAPER takes, and its answer as what was delivered."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from bridge.connectors.base import Delivered, ItemResult, LeftOut, OnEdit
from bridge.connectors.plan import Plan, PlanItem, PlanPart
from emsync_engine.score import TICKS_PER_QUARTER

NOTES = {
    "kept": "edited by hand, or lies elsewhere: it stays as it is",
    "beside": "edited by hand: the new notes are a take beside it",
    "locked": "locked in REAPER",
}


def score_message(
    plan: Plan,
    items: Iterable[PlanItem] | None = None,
    *,
    on_edit: OnEdit = "keep",
    start_s: float | None = None,
    activate: bool = False,
    what: str = "score",
) -> dict[str, Any]:
    """The arguments of ``score``.

    Args:
        plan: what to write.
        items: only these items, and neither tempo map nor markers; None stands for the whole cue.
        on_edit: what becomes of items that were edited by hand.
        start_s: where the cue begins in the project; None where it was, or where the picture is.
        activate: a take beside an edited one is the one that is heard.
        what: name of the undo step.
    """
    wanted = None if items is None else {item.id for item in items}
    parts = [_part(part, wanted) for part in plan.parts]
    message: dict[str, Any] = {
        "cue": plan.cue,
        "title": plan.title,
        "folder": str(plan.folder),
        "take": plan.take,
        "ticks_per_quarter": TICKS_PER_QUARTER,
        "whole": wanted is None,
        "what": what,
        "on_edit": on_edit,
        "activate": activate,
        "parts": [part for part in parts if part["items"]],
    }
    if start_s is not None:
        message["start"] = start_s
    if wanted is None:
        message["tempo"] = tempo_rows(plan)
        message["end_s"] = float(plan.seconds(plan.end_tick))
        message["markers"] = [
            {"id": m.id, "text": m.text, "colour": m.colour, "time_s": float(m.seconds), "end_s": float(m.end_s)}
            for m in plan.markers
        ]
    return message


def tempo_rows(plan: Plan) -> list[list[float | int]]:
    """[seconds, bpm, numerator, denominator] of every tempo marker; the metre is 0, 0 where it stays."""
    metres = {m.tick: (m.numerator, m.denominator) for m in plan.metres}
    ticks = sorted({t.tick for t in plan.tempo} | set(metres))
    return [[float(plan.seconds(tick)), plan.tempo_map.bpm_at(tick), *metres.get(tick, (0, 0))] for tick in ticks]


def _part(part: PlanPart, wanted: set[str] | None) -> dict[str, Any]:
    return {
        "id": part.id,
        "name": part.name,
        "channel": part.channel,
        "program": part.program,
        "colour": part.colour,
        "items": [_item(item) for item in part.items if wanted is None or item.id in wanted],
    }


def _item(item: PlanItem) -> dict[str, Any]:
    return {
        "id": item.id,
        "name": item.name,
        "tick": item.tick,
        "end": item.end,
        "start_s": float(item.start_s),
        "end_s": float(item.end_s),
        "hash": item.hash,
        "notes": [[n.tick, n.pitch, n.duration, n.velocity] for n in item.relative_notes()],
        "controls": [[c.tick, c.controller, c.value] for c in item.relative_controls()],
    }


def delivered(plan: Plan, application: str, answer: dict[str, Any]) -> Delivered:
    """What the script says it did."""
    left: tuple[LeftOut, ...] = ()
    if plan.shortened:
        why = f"{plan.shortened} notes sound over the end of their section; in REAPER's items they end there"
        left = (LeftOut("held notes", why, str(plan.file("score.mid") or "")),)
    said = [str(line) for line in answer.get("said", ())]
    if answer.get("markers_kept"):
        said.append(f"{answer['markers_kept']} markers that you moved, renamed or deleted stay as you left them")
    if not answer.get("undo"):
        said.append("everything was there already: nothing was changed")
    return Delivered(
        target="reaper",
        application=application,
        cue=plan.cue,
        take=plan.take,
        items=tuple(_result(row) for row in answer.get("items", ())),
        tempo_events=int(answer.get("tempo_events", 0)),
        markers=int(answer.get("markers", 0)),
        tracks=int(answer.get("tracks", 0)),
        left_out=left,
        said=tuple(said),
    )


def _result(row: dict[str, Any]) -> ItemResult:
    _, part, section = (*str(row["id"]).split(":"), "", "")[:3]
    return ItemResult(str(row["id"]), part, section, row["outcome"], NOTES.get(row["outcome"], ""))


def seconds(value: Any) -> Fraction:
    return Fraction(float(value)).limit_denominator(10**9)
