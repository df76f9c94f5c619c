"""Making instruments equally loud, so that a part's own volume and velocities mean the same with every SoundFont.

General MIDI does not say how loud a program is: between two SoundFonts, or two synthesisers on one, the same part
differs by up to 8 dB. So each is first heard playing a few of its own pitches, and its gain follows from that.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from emsync_engine.audio.loudness import LoudnessMeter
from emsync_engine.audio.synth import DRUM_CHANNEL, SAMPLE_RATE, Synth
from emsync_engine.smf import DEFAULT_CONTROLS

TARGET_LUFS = -28.0
"""Of single notes of one second at the reference velocity and volume."""
LARGEST_CHANGE_DB = 12.0

_VELOCITY = 90
_NOTE_S, _REST_S = 1.0, 0.25
_DRUM_OFFSET_DB = -2.5  # kick and snare are over long before the second is
_SUSTAINED_OFFSET_DB = -1.5  # strings, voices and pads play long chords
_SUSTAINED = frozenset((*range(48, 56), *range(88, 96)))
_DRUM_PITCHES = (36, 38)  # kick and snare


def reference_pitches(channel: int, pitches: Sequence[int]) -> tuple[int, ...]:
    """Three pitches that stand for a part: low, middle and high of what it plays; kick and snare for drums."""
    if channel == DRUM_CHANNEL:
        return _DRUM_PITCHES if pitches else ()
    line = sorted(pitches)
    return tuple(line[len(line) * quarter // 4] for quarter in (1, 2, 3)) if line else ()


def balance_gain(synth: Synth, channel: int, program: int, pitches: Sequence[int]) -> float:
    """The factor that brings an instrument to its target loudness.

    Args:
        synth: a fresh instrument; it is used up.
        channel: 9 means drums.
        program: 0..127.
        pitches: what to try it on; without any the factor is 1.
    """
    synth.program(channel, program)
    for number, value in DEFAULT_CONTROLS.items():
        synth.control(channel, number, value)
    meter = LoudnessMeter()
    for pitch in pitches:
        note = np.zeros((round(_NOTE_S * SAMPLE_RATE), 2), np.float32)
        rest = np.zeros((round(_REST_S * SAMPLE_RATE), 2), np.float32)
        synth.note_on(channel, pitch, _VELOCITY)
        synth.render(note)
        synth.note_off(channel, pitch)
        synth.render(rest)
        meter.feed(note)
        meter.feed(rest)
    heard = meter.finish().at_gain(1.0).integrated
    if heard is None:
        return 1.0
    target = TARGET_LUFS
    if channel == DRUM_CHANNEL:
        target += _DRUM_OFFSET_DB
    elif program in _SUSTAINED:
        target += _SUSTAINED_OFFSET_DB
    change = min(max(target - heard, -LARGEST_CHANGE_DB), LARGEST_CHANGE_DB)
    return float(10 ** (change / 20))
