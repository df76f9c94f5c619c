"""The call ``send``: a score, or a region of it, into a target."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bridge.connectors import connector
from bridge.connectors.base import Options, lock_edited, with_said
from bridge.connectors.plan import Plan, Region, plan_of_folder
from bridge.folder import ScoreFolder
from bridge.times import parse_time
from emsync_engine.errors import InputError
from emsync_engine.instructions import parse_parts

_ANSWER_S = 30.0
"""Longest wait for one answer of a target."""


def send(request: Mapping[str, Any], progress: Callable[[float, str], None]) -> dict[str, Any]:
    """Push the score into the target: what became of each item, as ``emsync send --json`` says it.

    Raises:
        EmsyncError: the target does not answer, or the region is none.
    """
    folder = Path(request["folder"])
    plan = plan_of_folder(folder, request.get("take"))
    region = _region(request, folder, plan)
    with connector(request["target"], Options(timeout_s=_ANSWER_S)) as target:
        progress(0.0, f"asking {request['target']}")
        hello = target.hello()
        delivered = target.push(plan, progress) if region is None else target.replace(plan, region, progress)
    if plan.shortened:
        delivered = with_said(delivered, [f"{plan.shortened} notes end where their section ends"])
    delivered = with_said(delivered, lock_edited(folder, delivered))
    return {"hello": hello.as_json(), "title": plan.title, **delivered.as_json()}


def _region(request: Mapping[str, Any], folder: Path, plan: Plan) -> Region | None:
    """The region asked for; None for the whole cue."""
    if request.get("start") is None and request.get("parts") is None:
        return None
    store = ScoreFolder(folder)
    score = store.take(plan.take).score
    picture = store.cut(store.document().entry(plan.take).cut).picture
    ends = [parse_time(str(request[name]), picture, score) for name in ("start", "end") if name in request]
    start, end = (plan.tick(at) for at in ends) if ends else (0, plan.end_tick)
    if start >= end:
        raise InputError(f"the region {request['start']} to {request['end']} is empty", code="bad_range")
    parts = parse_parts(request["parts"]) if request.get("parts") is not None else None
    unknown = [name for name in parts or () if name not in {p.part for p in plan.parts}]
    if unknown:
        raise InputError(f"the score has no part {unknown[0]!r}", code="bad_parts")
    return Region(start, end, parts)
