"""A ``Plan``, or a region of it, as a Standard MIDI File: type 1, 960 ticks, a conductor track, one track a part."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

import mido

from bridge.connectors.plan import Plan, PlanPart, Region
from emsync_engine.score import TICKS_PER_QUARTER, Control
from emsync_engine.smf import ascii_text
from emsync_engine.timecode import nominal_fps, timecode_from_frames

GUARD_NAME = "TEMPO GUARD"
_GUARD_PITCH, _GUARD_CHANNEL = 0, 15
_SETUP, _OFF, _CONTROL, _ON = range(4)
_SMPTE_RATES = (24, 25, 30)

Row = tuple[int, int, Any]
"""(tick, order at that tick, message)."""


def smf_of_plan(
    plan: Plan, region: Region | None = None, *, guard: bool = False, chase: bool = True, lone_twice: bool = False
) -> bytes:
    """The file. It depends on its arguments alone.

    Args:
        plan: the cue.
        region: only its bars and parts; tick 0 of the file is then the bar line at or before its start.
        guard: add a track with one very soft, very low note from the first tick to the last: Ableton Live imports a
            tempo map only as far as a note reaches.
        lone_twice: as ``lone_controls_twice``.
        chase: begin a region with the controller values that hold there; without, it has its own alone.
    """
    span = Region(0, plan.end_tick) if region is None else region
    first = max((tick for tick, _ in plan.bars if tick <= span.start), default=0)
    last = min(span.end, plan.end_tick)
    file = mido.MidiFile(type=1, ticks_per_beat=TICKS_PER_QUARTER)
    file.tracks.append(_track(_conductor(plan, first, last, whole=region is None), first, last))
    for part in plan.parts:
        if span.parts is None or part.part in span.parts:
            file.tracks.append(_track(_part(part, span, chase, lone_twice), first, last))
    if guard:
        file.tracks.append(_track(_guard(first, last), first, last))
    out = io.BytesIO()
    file.save(file=out)
    return out.getvalue()


def lone_controls_twice(controls: Iterable[Control], end: int) -> list[Control]:
    """The controls, and once more on the last tick before ``end`` those of a controller that occurs only once.

    Ardour forgets a controller that has a single value.
    """
    rows = sorted(controls)
    counts = Counter(c.controller for c in rows)
    return sorted([*rows, *(replace(c, tick=end - 1) for c in rows if counts[c.controller] == 1 and c.tick < end - 1)])


def bar_at(plan: Plan, tick: int) -> int:
    """1-based number of the bar that a tick lies in."""
    return max(sum(1 for start, _ in plan.bars if start <= tick), 1)


def _conductor(plan: Plan, first: int, last: int, *, whole: bool) -> Iterator[Row]:
    yield first, _SETUP, mido.MetaMessage("track_name", name=ascii_text(plan.title, "Conductor"))
    if whole:
        yield first, _SETUP, _smpte_offset(plan)
        yield first, _SETUP, mido.MetaMessage("key_signature", key=_key(plan.key))
    tempos = [t for t in plan.tempo if t.tick < last]
    held = [t for t in tempos if t.tick <= first][-1:]
    for tempo in [*held, *(t for t in tempos if t.tick > first)]:
        yield max(tempo.tick, first), _SETUP, mido.MetaMessage("set_tempo", tempo=tempo.us_per_quarter)
    metres = [m for m in plan.metres if m.tick < last]
    held_metre = [m for m in metres if m.tick <= first][-1:]
    for metre in [*held_metre, *(m for m in metres if m.tick > first)]:
        message = mido.MetaMessage("time_signature", numerator=metre.numerator, denominator=metre.denominator)
        yield max(metre.tick, first), _SETUP, message
    for marker in plan.markers:
        if first <= marker.tick <= last:
            yield marker.tick, _SETUP, mido.MetaMessage("marker", text=ascii_text(marker.text, marker.kind))


def _part(part: PlanPart, span: Region, chase: bool, lone_twice: bool) -> Iterator[Row]:
    channel = part.channel
    start = max(span.start, 0)
    yield start, _SETUP, mido.MetaMessage("track_name", name=ascii_text(part.name, part.part))
    yield start, _SETUP, mido.Message("program_change", channel=channel, program=part.program)
    controls = [c for c in part.controls if c.tick < span.end]
    before = {c.controller: c for c in controls if c.tick < start} if chase else {}
    own = [c for c in controls if c.tick >= start]
    held = [c for c in before.values() if not any(o.tick == start and o.controller == c.controller for o in own)]
    sent = lone_controls_twice([*held, *own], span.end) if lone_twice else [*held, *own]
    for control in sent:
        message = mido.Message("control_change", channel=channel, control=control.controller, value=control.value)
        yield max(control.tick, start), _CONTROL, message
    for note in part.notes:
        if not span.start <= note.tick < span.end:
            continue
        yield note.tick, _ON, mido.Message("note_on", channel=channel, note=note.pitch, velocity=note.velocity)
        yield min(note.end, span.end), _OFF, mido.Message("note_off", channel=channel, note=note.pitch, velocity=0)


def _guard(first: int, last: int) -> Iterator[Row]:
    yield first, _SETUP, mido.MetaMessage("track_name", name=GUARD_NAME)
    yield first, _ON, mido.Message("note_on", channel=_GUARD_CHANNEL, note=_GUARD_PITCH, velocity=1)
    yield last, _OFF, mido.Message("note_off", channel=_GUARD_CHANNEL, note=_GUARD_PITCH, velocity=0)


def _smpte_offset(plan: Plan) -> Any:
    """FF 54: where the head lies on the timeline. It knows 24, 25, 29.97 drop and 30; faster rates are multiples."""
    fps = nominal_fps(plan.rate)
    base = next((rate for rate in _SMPTE_RATES if fps % rate == 0), 30)
    text = timecode_from_frames(plan.start_frame, plan.rate, plan.drop_frame).replace(";", ":")
    hours, minutes, seconds, frames = (int(word) for word in text.split(":"))
    exact = Fraction(frames * base, fps)
    return mido.MetaMessage(
        "smpte_offset",
        frame_rate=29.97 if base == 30 and plan.drop_frame else base,
        hours=hours % 24,
        minutes=minutes,
        seconds=seconds,
        frames=int(exact),
        sub_frames=int(exact % 1 * 100),
    )


def _key(name: str) -> str:
    """``"D minor"`` as mido writes it."""
    tonic, _, mode = name.partition(" ")
    return tonic + ("m" if mode == "minor" else "")


def _track(rows: Iterable[Row], first: int, last: int) -> Any:
    track = mido.MidiTrack()
    now = first
    for tick, _, message in sorted(rows, key=lambda row: (row[0], row[1])):
        track.append(message.copy(time=tick - now))
        now = tick
    track.append(mido.MetaMessage("end_of_track", time=max(last - now, 0)))
    return track
