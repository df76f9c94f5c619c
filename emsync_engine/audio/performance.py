"""A part as timed events for a synthesiser, and the playing of them into a file of floats."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from emsync_engine.audio.balance import reference_pitches
from emsync_engine.audio.hall import BLOCK, Hall
from emsync_engine.audio.synth import SAMPLE_RATE, Synth
from emsync_engine.score import Part, TempoMap
from emsync_engine.smf import normalise_notes, part_controls

REVERB_SEND = 91
"""The controller that sets a part's hall; 127 is ``FULL_SEND``."""
FULL_SEND = 0.6

# Hall by General MIDI family (program // 8): keys, mallets, organs, guitars, basses, strings, ensembles, brass, reeds,
# pipes, leads, pads, effects, plucked, percussive, noises.
_FAMILY_SENDS = (0.20, 0.24, 0.20, 0.18, 0.06, 0.30, 0.32, 0.26, 0.24, 0.28, 0.20, 0.30, 0.30, 0.22, 0.20, 0.20)
_DRUM_SEND = 0.13


class Event(NamedTuple):
    """A MIDI channel message at a sample. ``data2`` is 0 where the message has one value."""

    sample: int
    status: int
    data1: int
    data2: int


PROGRAM, CONTROL, NOTE_ON, NOTE_OFF = 0xC0, 0xB0, 0x90, 0x80


@dataclass(frozen=True)
class PartJob:
    """Everything a worker needs to play one part."""

    part_id: str
    channel: int
    program: int
    reference: tuple[int, ...]
    """Pitches to find the instrument's loudness with."""
    events: tuple[Event, ...]
    samples: int
    send: float
    """Amplitude of the hall."""
    path: Path
    """Where the sound goes: raw little-endian float32, left and right in turn."""

    @property
    def effort(self) -> int:
        """A measure of how long it takes: what sounds, in notes times samples."""
        starts = sum(e.sample for e in self.events if e.status & 0xF0 == NOTE_ON)
        ends = sum(e.sample for e in self.events if e.status & 0xF0 == NOTE_OFF)
        return ends - starts


def part_job(part: Part, tempo_map: TempoMap, samples: int, path: Path) -> PartJob:
    """The job of playing a part for ``samples`` samples, its times rounded to the nearest sample."""
    reference = reference_pitches(part.channel, [note.pitch for note in part.notes])
    events = part_events(part, tempo_map)
    return PartJob(part.id, part.channel, part.program, reference, events, samples, hall_send(part), path)


def part_events(part: Part, tempo_map: TempoMap) -> tuple[Event, ...]:
    """The part's messages in playing order: at one tick note-offs, then controls, then note-ons."""
    rows = [(-1, 0, PROGRAM | part.channel, part.program, 0)]
    rows += [(max(c.tick, 0), 1, CONTROL | part.channel, c.controller, c.value) for c in part_controls(part)]
    for note in normalise_notes(part.notes):
        rows.append((note.tick, 2, NOTE_ON | part.channel, note.pitch, note.velocity))
        rows.append((note.end, 0, NOTE_OFF | part.channel, note.pitch, 0))
    rows.sort(key=lambda row: row[:2])
    ticks = {max(row[0], 0) for row in rows}
    at = {tick: sample_at(tempo_map.seconds(tick)) for tick in ticks}
    return tuple(Event(at[max(tick, 0)], *message) for tick, _, *message in rows)


def sample_at(seconds: Fraction) -> int:
    """The nearest sample of a time."""
    return int(seconds * SAMPLE_RATE + Fraction(1, 2))


def hall_send(part: Part) -> float:
    """How much hall a part gets: its own controller 91 at the head, else what its family of instruments likes."""
    for control in part.controls:
        if control.controller == REVERB_SEND and control.tick <= 0:
            return control.value / 127 * FULL_SEND
    return _DRUM_SEND if part.is_drums else _FAMILY_SENDS[part.program // 8]


def play(job: PartJob, synth: Synth, gain: float, progress: Callable[[int], None]) -> None:
    """Play a job into its file, block by block.

    Args:
        job: what to play.
        synth: a fresh instrument.
        gain: what its sound is multiplied by.
        progress: told the samples of every block that is done.

    Raises:
        OSError: the file cannot be written.
    """
    hall = Hall(job.send)
    remaining: Sequence[Event] = job.events
    with job.path.open("wb") as file:
        for start in range(0, job.samples, BLOCK):
            block = np.zeros((min(BLOCK, job.samples - start), 2), np.float32)
            remaining = _play_block(synth, remaining, start, block)
            block *= np.float32(gain)
            hall.add(block)
            block.astype("<f4", copy=False).tofile(file)
            progress(len(block))


def _play_block(synth: Synth, events: Sequence[Event], start: int, out: NDArray[np.float32]) -> Sequence[Event]:
    """Fill ``out``, which begins at sample ``start``; return the events that lie after it."""
    grain = synth.granularity
    done = 0
    for index, event in enumerate(events):
        at = (event.sample + grain // 2) // grain * grain - start
        if at >= len(out):
            _render(synth, out[done:])
            return events[index:]
        if at > done:
            _render(synth, out[done:at])
            done = at
        _send(synth, event)
    _render(synth, out[done:])
    return ()


def _render(synth: Synth, out: NDArray[np.float32]) -> None:
    if len(out):
        synth.render(out)


def _send(synth: Synth, event: Event) -> None:
    channel = event.status & 0x0F
    match event.status & 0xF0:
        case 0x90:
            synth.note_on(channel, event.data1, event.data2)
        case 0x80:
            synth.note_off(channel, event.data1)
        case 0xB0:
            synth.control(channel, event.data1, event.data2)
        case 0xC0:
            synth.program(channel, event.data1)
