"""Notes of session clips through AbletonOSC: in pieces that fit a datagram, each read back and compared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bridge.connectors import abletonosc_line
from bridge.connectors.abletonosc_line import TRIES, ErrorSaidError, OscLine
from bridge.connectors.base import TargetError
from emsync_engine.score import TICKS_PER_QUARTER, Note
from emsync_engine.smf import normalise_notes

NOTES_AT_ONCE = 300
"""In a question or an answer: 21 to 25 bytes each, so under 8 KiB."""
ALL_PITCHES = (0, 128)
"""(lowest, span). AbletonOSC's own default leaves out pitch 127."""
FAR = 8192.0
"""Beats beyond which no note of a clip lies."""
_FIRST_SPAN, _LEAST_SPAN, _MOST_SPAN = 4.0, 1 / 64, 64.0
"""Beats read in one question: few at first, then as many as the notes seen so far allow."""
_WANTED = 150
"""Notes in an answer, about; what does not fit a datagram of macOS is never sent, and found out slowly."""


@dataclass(frozen=True)
class Slot:
    """A place in the session."""

    track: int
    scene: int

    @property
    def at(self) -> tuple[int, int]:
        return self.track, self.scene


def clean(notes: Iterable[Note]) -> tuple[Note, ...]:
    """Notes as Live will keep them: no pitch twice at once, audible."""
    return tuple(Note(n.tick, n.pitch, n.duration, max(n.velocity, 1)) for n in normalise_notes(notes))


def read(line: OscLine, slot: Slot, length: float) -> tuple[Note, ...]:
    """Every note of a clip. Notes that somebody has muted do not count, so that muting is noticed as an edit.

    Args:
        length: of the clip in beats.
    """
    found = list(_window(line, slot, -FAR, FAR))
    at, span = 0.0, _FIRST_SPAN
    while at < length:
        held = list(_window(line, slot, at, min(span, length - at)))
        found += held
        at += span
        span = min(max(span * min(_WANTED / max(len(held), 1), 4.0), _LEAST_SPAN), _MOST_SPAN)
    found += _window(line, slot, length, FAR)
    return tuple(sorted(found))


def write(line: OscLine, slot: Slot, notes: Sequence[Note], length: float) -> None:
    """Make the notes of a clip exactly these, and look whether they are.

    Args:
        length: of the clip in beats.

    Raises:
        TargetError: Live does not hold what was written, also after trying again.
    """
    for _ in range(TRIES):
        remove(line, slot, -FAR, 2 * FAR)
        for piece in _pieces(notes):
            _add(line, slot, piece)
        held = read(line, slot, length)
        if held == tuple(sorted(notes)):
            return
    raise TargetError(
        f"Live holds {len(held)} notes of clip {slot.scene + 1} on track {slot.track + 1}, not the {len(notes)} that "
        "were written",
        "refused",
        line.where,
    )


def _add(line: OscLine, slot: Slot, piece: Sequence[Note]) -> None:
    """Add notes until they are there; what arrived in part is taken away before the next try."""
    start = _beats(piece[0].tick)
    span = _beats(piece[-1].tick + 1) - start
    for number in range(TRIES):
        if number:
            remove(line, slot, start, span)
        line.do("/live/clip/add/notes", *slot.at, *_fields(piece))
        if tuple(sorted(_window(line, slot, start, span))) == tuple(sorted(piece)):
            return


def remove(line: OscLine, slot: Slot, start: float, span: float) -> None:
    """Remove the notes that begin in a window."""
    line.do("/live/clip/remove/notes", *slot.at, *ALL_PITCHES, start, span)


def _window(line: OscLine, slot: Slot, start: float, span: float) -> Iterator[Note]:
    """The notes that begin in a window. What is too much for an answer is asked for in halves."""
    asked = (*slot.at, *ALL_PITCHES, float(start), float(span))
    once = None if span <= _LEAST_SPAN else abletonosc_line.ASK_AGAIN_S
    try:
        said = line.ask("/live/clip/get/notes", *asked, echo=slot.at, timeout_s=once)
    except TargetError as error:
        too_long = "too long" in error.message.lower()
        if once is None or error.state in ("closed", "crashed") or (isinstance(error, ErrorSaidError) and not too_long):
            raise
        line.fence()  # raises when Live is away; otherwise the answer did not fit
        yield from _window(line, slot, start, span / 2)
        yield from _window(line, slot, start + span / 2, span / 2)
        return
    for at in range(0, len(said) - 4, 5):
        pitch, begin, duration, velocity, mute = said[at : at + 5]
        if not mute:
            yield Note(_ticks(begin), int(pitch), _ticks(duration), round(velocity))


def _pieces(notes: Sequence[Note]) -> Iterator[tuple[Note, ...]]:
    """Runs of notes that fit a datagram, and never part notes that begin together."""
    piece: list[Note] = []
    by_tick: dict[int, list[Note]] = {}
    for note in sorted(notes):
        by_tick.setdefault(note.tick, []).append(note)
    for together in by_tick.values():
        if piece and len(piece) + len(together) > NOTES_AT_ONCE:
            yield tuple(piece)
            piece = []
        piece += together
    if piece:
        yield tuple(piece)


def _fields(notes: Sequence[Note]) -> Iterator[Any]:
    """Pitch and velocity as whole numbers: AbletonOSC hands on what it gets, and Live takes no float for a pitch."""
    for note in notes:
        yield from (note.pitch, float(_beats(note.tick)), float(_beats(note.duration)), note.velocity, False)


def _beats(ticks: int) -> float:
    return ticks / TICKS_PER_QUARTER


def _ticks(beats: float) -> int:
    return round(beats * TICKS_PER_QUARTER)
