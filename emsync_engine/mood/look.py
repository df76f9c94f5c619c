"""What a frame looks like: light, colour, and how much changed since the frame before."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

WIDTH, HEIGHT = 160, 90
"""Frames are measured at this size, in pixels."""

RgbFrame = npt.NDArray[np.uint8]
"""(HEIGHT, WIDTH, 3)."""
Luma = npt.NDArray[np.float32]
"""(HEIGHT, WIDTH), 0..1, gamma-coded."""

DARK_BELOW = 0.18
"""Luma under which a picture element counts as dark."""
_BAR_BELOW = 0.07
"""Luma under which a whole row may belong to a letterbox bar (video black is 0, with ringing)."""
_WIDEST_BAR = 0.25
"""Share of the height or width that a bar on one side may take."""

_REC709 = np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)


class Look(NamedTuple):
    """Light and colour of a frame, each a mean over its picture elements."""

    brightness: float
    """Luma, 0..1."""
    saturation: float
    """Chroma: the largest less the smallest of red, green and blue, 0..1."""
    warmth: float
    """Red less blue, -1..1."""
    dark: float
    """Share of elements darker than ``DARK_BELOW``, 0..1."""


class Bars(NamedTuple):
    """Rows and columns on each side that hold no picture."""

    rows: int
    columns: int


NO_BARS = Bars(0, 0)


def luma_of(frame: RgbFrame) -> Luma:
    """Rec. 709 luma."""
    return np.asarray(frame.astype(np.float32) @ _REC709 / np.float32(255), dtype=np.float32)


def bars_of(luma: Luma) -> Bars:
    """The letterbox or pillarbox of a frame: black on both sides alike."""
    return Bars(_bar(luma.max(axis=1)), _bar(luma.max(axis=0)))


def _bar(brightest: Luma) -> int:
    lit = np.flatnonzero(brightest > _BAR_BELOW)
    widest = int(len(brightest) * _WIDEST_BAR)
    if not lit.size:
        return widest
    return min(int(lit[0]), len(brightest) - 1 - int(lit[-1]), widest)


def look_of(frame: RgbFrame, bars: Bars = NO_BARS) -> Look:
    """Measure a frame inside its bars."""
    inside = frame[bars.rows : HEIGHT - bars.rows, bars.columns : WIDTH - bars.columns]
    luma = luma_of(inside)
    chroma = inside.max(axis=2).astype(np.float32) - inside.min(axis=2)
    red_less_blue = float(inside[..., 0].mean()) - float(inside[..., 2].mean())
    return Look(
        brightness=float(luma.mean()),
        saturation=float(chroma.mean()) / 255,
        warmth=red_less_blue / 255,
        dark=float((luma < DARK_BELOW).mean()),
    )


def change_between(before: Luma, after: Luma) -> float:
    """Mean absolute luma difference of two frames relative to the picture's contrast; about 0..1.

    A dim scene differs less in absolute terms than a bright one for the same movement, so the difference is divided
    by the spread of luma, held away from 0 so that noise in a flat picture does not count as movement.
    """
    contrast = 0.1 + 0.5 * (float(before.std()) + float(after.std()))
    return 0.25 * float(np.abs(after - before).mean()) / contrast
