"""Little band pieces as MIDI bytes: music of our own for the composer's tests."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass

import mido
import numpy as np

RESOLUTION = 480


@dataclass(frozen=True)
class Struck:
    """A note as a file says it, in quarters."""

    start: float
    length: float
    pitch: int
    velocity: int
    channel: int


def write_midi(
    notes: Iterable[Struck],
    programs: dict[int, int] | None = None,
    metres: dict[float, tuple[int, int]] | None = None,
    bpm: float = 120.0,
) -> bytes:
    """A format-1 file: a conductor track, then one track a channel."""
    midi = mido.MidiFile(ticks_per_beat=RESOLUTION)
    conductor = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(bpm))])
    at = 0
    for place, (numerator, denominator) in sorted((metres or {0.0: (4, 4)}).items()):
        tick = round(place * RESOLUTION)
        conductor.append(
            mido.MetaMessage("time_signature", numerator=numerator, denominator=denominator, time=tick - at)
        )
        at = tick
    midi.tracks.append(conductor)
    struck = list(notes)
    for channel in sorted({note.channel for note in struck}):
        track = mido.MidiTrack()
        track.append(mido.Message("program_change", channel=channel, program=(programs or {}).get(channel, 0)))
        moments = []
        for note in struck:
            if note.channel == channel:
                moments.append((round(note.start * RESOLUTION), 1, note))
                moments.append((round((note.start + note.length) * RESOLUTION), 0, note))
        now = 0
        for tick, on, note in sorted(moments, key=lambda entry: entry[:2]):
            kind = "note_on" if on else "note_off"
            velocity = note.velocity if on else 0
            track.append(mido.Message(kind, channel=channel, note=note.pitch, velocity=velocity, time=tick - now))
            now = tick
        midi.tracks.append(track)
    out = io.BytesIO()
    midi.save(file=out)
    return out.getvalue()


def band_piece(seed: int, bars: int = 12) -> bytes:
    """A small band: drums, bass on the roots, piano chords, a guitar line; its chords depend on the seed."""
    rng = np.random.default_rng(seed)
    roots = rng.choice([0, 5, 7, 9], size=bars)
    notes: list[Struck] = []
    for bar, root in enumerate(roots.tolist()):
        start = 4.0 * bar
        third = 3 if root == 9 else 4
        for beat in range(4):
            notes.append(Struck(start + beat, 0.1, 36 if beat % 2 == 0 else 38, 90 + 10 * (beat == 0), 9))
            notes.append(Struck(start + beat + 0.5, 0.1, 42, 60, 9))
            notes.append(Struck(start + beat, 0.9, 36 + root, 80, 1))
            line = 72 + root + int(rng.choice([0, third, 7]))
            notes.append(Struck(start + beat, 0.5, line, int(rng.integers(50, 110)), 2))
        notes += [Struck(start, 3.9, 60 + root + step, 70, 0) for step in (0, third, 7)]
    return write_midi(notes, {0: 0, 1: 33, 2: 27}, bpm=float(rng.integers(80, 150)))
