"""What was sent into Live from this computer, where Live itself remembers nothing: cue -> folder and tempo map."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.connectors.plan import Plan
from bridge.daemon.state import default_state, open_state
from bridge.files import json_bytes, write_atomic
from emsync_engine.score import Tempo, TempoMap

FILE = "live-cues.json"
_KEPT = 200


@dataclass(frozen=True)
class Remembered:
    folder: Path
    tempo_map: TempoMap


def remember(plan: Plan) -> None:
    """Note a plan that is being sent; the latest 200 are kept."""
    state = open_state(default_state())
    known = _read(state)
    known.pop(plan.cue, None)
    known[plan.cue] = {"folder": str(plan.folder), "tempo": [[t.tick, t.us_per_quarter] for t in plan.tempo]}
    write_atomic(state / FILE, json_bytes(dict(list(known.items())[-_KEPT:])))


def recall(cue: str) -> Remembered | None:
    """What is known of a cue."""
    row = _read(default_state()).get(cue) or {}
    try:
        return Remembered(Path(row["folder"]), TempoMap(tuple(Tempo(int(t), int(us)) for t, us in row["tempo"])))
    except (KeyError, TypeError, ValueError):
        return None


def _read(state: Path) -> dict[str, Any]:
    try:
        said = json.loads((state / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}
