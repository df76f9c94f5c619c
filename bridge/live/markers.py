"""Markers as locators: Live has one a place."""

from __future__ import annotations

from typing import Any

from bridge.connectors.plan import Plan, PlanMarker

_FIRST = ("hit", "section", "end")


def one_a_place(plan: Plan) -> list[dict[str, Any]]:
    """``{"id", "tick", "text"}`` in order of time; markers at one tick share a locator, hits are named first."""
    by_tick: dict[int, list[PlanMarker]] = {}
    for marker in plan.markers:
        by_tick.setdefault(marker.tick, []).append(marker)
    rows = []
    for tick, here in sorted(by_tick.items()):
        ordered = sorted(here, key=lambda marker: _FIRST.index(marker.kind))
        rows.append({"id": ordered[0].id, "tick": tick, "text": " / ".join(m.text for m in ordered)})
    return rows
