"""Sets locators, one step a tick.

Live has no call that makes a locator at a time: ``set_or_delete_cue`` toggles one at the playhead, and puts it on the
arrangement's grid. So: move the playhead, wait until it is there, look whether a locator is there already, toggle once,
look what has changed, and take it back when it fell on another place. Nothing is done while Live plays.
"""

from __future__ import annotations

from .clips import beats
from .server import RefusalError
from .writing import memory, put_memory

NEAR = 0.0006
"""Beats: two places nearer than this are one (a tick is 0.00104)."""
PATIENCE = 30
"""Ticks of Live's timer that the playhead may need."""


def place(song, cue, wanted):
    """Set the markers of a cue. A generator that yields once a tick.

    Args:
        wanted: ``{"id", "tick", "text"}`` of each marker.

    Returns:
        ``{"markers": [{"id", "outcome", "note"}]}`` with outcomes as those of items.
    """
    _check_stopped(song)
    origin = song.current_song_time
    known = (memory(song).get(cue) or {}).get("markers") or {}
    results = []
    kept = dict(known)
    """What is in place, so far: kept also when something stops us in the middle."""
    try:
        for marker_id, (tick, text) in sorted(known.items()):
            still = [m for m in wanted if m["id"] == marker_id and m["tick"] == tick]
            old = _at(song, beats(tick))
            if not still and old is not None and old.name in (text, _plain(old)):
                yield from _toggle(song, beats(tick))
            if not still:
                kept.pop(marker_id)
        for marker in wanted:
            outcome, note = yield from _one(song, marker, known)
            results.append({"id": marker["id"], "outcome": outcome, "note": note})
            kept.pop(marker["id"], None)
            if outcome in ("written", "updated", "unchanged"):
                kept[marker["id"]] = [marker["tick"], marker["text"]]
    finally:
        put_memory(song, cue, markers=kept)
        if not song.is_playing:
            song.current_song_time = origin
    return {"markers": results}


def _one(song, marker, known):
    time, text = beats(marker["tick"]), marker["text"]
    there = _at(song, time)
    if there is not None:
        return _name_ours(there, marker, known)
    yield from _move(song, time)
    before = _all(song)
    song.set_or_delete_cue()
    yield
    after = _all(song)
    gone = [before[key] for key in before if key not in after]
    new = [key for key in after if key not in before]
    if gone:  # the grid put us onto a locator that was there: toggling has deleted it
        yield from _restore(song, gone[0])
        return "left_out", f"Live's grid would put it onto the locator {gone[0][1]!r} at beat {gone[0][0]:g}"
    if not new:
        return "left_out", f"Live did not set a locator at beat {time:g}"
    made = next(c for c in song.cue_points if c._live_ptr == new[0])
    if abs(made.time - time) > NEAR:
        where = made.time
        _check_stopped(song)
        song.set_or_delete_cue()
        yield
        return "left_out", f"Live's grid would put it at beat {where:g} instead of {time:g}"
    return "written", _name(made, text)


def _name_ours(there, marker, known):
    """A locator is at the place already: it gets the name when it is ours, and is left alone when it is not."""
    if there.name == marker["text"]:
        return "unchanged", ""
    ours = [text for tick, text in known.values() if tick == marker["tick"]]
    if there.name not in [*ours, _plain(there)] or not ours:
        return "kept", f"your locator {there.name!r} is there"
    if _plain(there) == there.name and not _can_name(there):
        return "unchanged", "this Live does not let scripts name locators"
    return "updated", _name(there, marker["text"])


def _move(song, time):
    """Move the playhead; what is asked for is done a tick later, or more."""
    _check_stopped(song)
    song.current_song_time = time
    for _ in range(PATIENCE):
        yield
        _check_stopped(song)
        if abs(song.current_song_time - time) <= NEAR:
            return
    raise RefusalError(
        "busy", f"Live does not move its playhead to beat {time:g}; close what is open there and send again"
    )


def _toggle(song, time):
    yield from _move(song, time)
    if _at(song, time) is not None:
        song.set_or_delete_cue()
        yield


def _restore(song, lost):
    """Put a locator back that was deleted by toggling where it lay."""
    time, name = lost
    _check_stopped(song)
    song.set_or_delete_cue()
    yield
    back = _at(song, time)
    if back is not None:
        _name(back, name)


def _name(cue, text):
    if not _can_name(cue):
        return "this Live does not let scripts name locators"
    cue.name = text.replace("#", "\u266f")
    return ""


def _can_name(cue):
    try:
        cue.name = cue.name
    except AttributeError:
        return False
    return True


def _plain(cue):
    """The name of a locator that nobody has named: a number."""
    return cue.name if cue.name.isdigit() else ""


def _at(song, time):
    for cue in song.cue_points:
        if abs(cue.time - time) <= NEAR:
            return cue
    return None


def _all(song):
    return {cue._live_ptr: (cue.time, cue.name) for cue in song.cue_points}


def _check_stopped(song):
    if song.is_playing:
        raise RefusalError("playing", "locators can only be set while Live is stopped; stop it and send again")
