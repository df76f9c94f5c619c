"""Locators through AbletonOSC, which has Live's toggle at the playhead and nothing else.

As in our own script: nothing while Live plays, wait until the playhead is there, look first, toggle once, look at what
has changed, and take it back when Live's grid has put it elsewhere.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from bridge.connectors.abletonosc_line import ErrorSaidError, OscLine
from bridge.connectors.base import LeftOut
from bridge.connectors.plan import Plan
from bridge.live.markers import one_a_place
from emsync_engine.score import TICKS_PER_QUARTER

NEAR = 0.005
"""Beats: answers are 32-bit floats."""
PATIENCE_S = 5.0

Cue = tuple[str, float]


def place_locators(line: OscLine, plan: Plan) -> tuple[int, list[LeftOut]]:
    """Locators in place, and those that are not with the reason."""
    if _get(line, "is_playing"):
        return 0, [LeftOut("markers", "locators can only be set while Live is stopped; stop it and send again")]
    origin = float(_get(line, "current_song_time"))
    placed, missing = 0, []
    try:
        for row in one_a_place(plan):
            why = _place(line, row["tick"] / TICKS_PER_QUARTER, str(row["text"]).replace("#", "♯"))
            placed += not why
            if why:
                missing.append(LeftOut("marker", f"{row['text']}: {why}"))
    except _StartedError:
        missing.append(LeftOut("markers", "Live was started meanwhile; stop it and send again"))
    line.do("/live/song/set/current_song_time", origin)
    return placed, missing


class _StartedError(Exception):
    """Somebody has pressed play."""


def _place(line: OscLine, beat: float, text: str) -> str:
    """Why not; empty when it is in place."""
    before = _cues(line)
    there = [index for index, (_, at) in enumerate(before) if abs(at - beat) <= NEAR]
    if there:
        name = before[there[0]][0]
        if name.isdigit():  # nobody has named it
            _name(line, there[0], text)
        return "" if name == text or name.isdigit() else f"your locator {name!r} is there"
    line.do("/live/song/set/current_song_time", float(beat))
    if not _until(lambda: abs(float(_get(line, "current_song_time")) - beat) <= NEAR):
        return f"Live does not move its playhead to beat {beat:g}"
    after = _toggled(line, before)
    new = [index for index, cue in enumerate(after) if cue not in before]
    gone = [cue for cue in before if cue not in after]
    if gone:
        back = _toggled(line, after)
        made = [index for index, cue in enumerate(back) if cue not in after]
        if made:
            _name(line, made[0], gone[0][0])
        return f"Live's grid would put it onto the locator {gone[0][0]!r} at beat {gone[0][1]:g}"
    if not new:
        return "Live did not set it"
    if abs(after[new[0]][1] - beat) > NEAR:
        _toggled(line, after)
        return f"Live's grid would put it at beat {after[new[0]][1]:g} instead of {beat:g}"
    _name(line, new[0], text)
    return ""


def _name(line: OscLine, index: int, text: str) -> None:
    """Name a locator; Live 11 lets no script do that, so there they keep their numbers."""
    with suppress(ErrorSaidError):
        line.do("/live/song/cue_point/set/name", index, text)


def _toggled(line: OscLine, before: list[Cue]) -> list[Cue]:
    """Toggle at the playhead; the locators afterwards."""
    if _get(line, "is_playing"):
        raise _StartedError
    line.do("/live/song/cue_point/add_or_delete")
    _until(lambda: _cues(line) != before)
    return _cues(line)


def _cues(line: OscLine) -> list[Cue]:
    said = line.ask("/live/song/get/cue_points")
    return [(str(name), float(at)) for name, at in zip(said[::2], said[1::2])]


def _get(line: OscLine, name: str) -> Any:
    return line.ask(f"/live/song/get/{name}")[0]


def _until(condition: Callable[[], bool]) -> bool:
    """Wait for something that Live does at one of its next ticks."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            return False
    return True
