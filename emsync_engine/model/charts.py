"""Chord charts of rendered accompaniments: exact chords and section changes for the files they were made from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emsync_engine.model import harmony


@dataclass(frozen=True)
class Chart:
    """Chord codes per beat for each bar, and the bars at which the groove changes."""

    bars: tuple[tuple[int, ...], ...]
    sections: tuple[int, ...]


def parse_chart(text: str) -> Chart:
    """Read a chart: `Tempo N`, `Groove NAME` and numbered bars of chord symbols with `/` for a repeated beat."""
    bars: list[tuple[int, ...]] = []
    sections: list[int] = []
    groove, current = "", harmony.NO_CHORD
    for line in text.splitlines():
        words = line.split()
        if not words:
            continue
        if words[0] == "Groove":
            if groove and words[1:] != [groove]:
                sections.append(len(bars))
            groove = " ".join(words[1:])
        elif words[0].isdigit():
            codes = []
            for symbol in words[1:]:
                current = current if symbol == "/" else harmony.parse_chord(symbol)
                codes.append(current)
            bars.append(tuple(codes))
    return Chart(tuple(bars), tuple(sections))


def chords_on_beats(chart: Chart, beats: harmony.Beats) -> NDArray[np.uint8]:
    """The chart's chords on a piece's beats; a chart bar is stretched over its bar, bars past its end are empty."""
    codes = np.zeros(int(beats.first_of_bar[-1]), dtype=np.uint8)
    for bar, symbols in enumerate(chart.bars[: len(beats.first_of_bar) - 1]):
        first, last = int(beats.first_of_bar[bar]), int(beats.first_of_bar[bar + 1])
        if symbols:
            place = np.arange(last - first) * len(symbols) // (last - first)
            codes[first:last] = np.asarray(symbols, dtype=np.uint8)[place]
    return codes
