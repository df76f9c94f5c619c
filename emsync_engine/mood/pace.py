"""The pace of the editing: how fast the picture is cut around each moment."""

from __future__ import annotations

import numpy as np

from emsync_engine.mood.curve import FloatArray
from emsync_engine.picture import Picture

WINDOW_S = 10.0
_SLOWEST_S, _FASTEST_S = 20.0, 0.4
"""Shots longer or shorter than this are no slower or faster to the eye."""


def visible_cuts(picture: Picture) -> FloatArray:
    """Times in seconds at which another picture appears, through edits left out."""
    return np.array([float(b.hit) for b in picture.boundaries if b.picture and not b.through], dtype=np.float64)


def log_cut_rate(cuts_s: FloatArray, duration_s: float, time_s: FloatArray) -> FloatArray:
    """log2 of cuts a second at the given rising times.

    The mean of two views: cuts inside a soft (Hann) window of 10 s, which knows the pace of the scene, and one over
    the length of the shot that is on screen, which knows where the pace changes.
    """
    edges = np.concatenate([[0.0], np.unique(cuts_s), [duration_s]])
    shot = np.clip(np.searchsorted(edges, time_s, side="right") - 1, 0, len(edges) - 2)
    length = np.clip(edges[shot + 1] - edges[shot], _FASTEST_S, _SLOWEST_S)
    counted = np.zeros(len(time_s))
    for cut in cuts_s:
        near = slice(*np.searchsorted(time_s, (cut - WINDOW_S / 2, cut + WINDOW_S / 2)))
        counted[near] += _window(time_s[near] - cut)
    whole = _window_integral(duration_s - time_s) - _window_integral(-time_s)
    rate = np.clip(counted / np.maximum(whole, 1e-6), 1 / _SLOWEST_S, 1 / _FASTEST_S)
    return np.asarray(0.5 * np.log2(rate) - 0.5 * np.log2(length))


def _window(offset_s: FloatArray) -> FloatArray:
    """Hann window, 1 in the middle."""
    x = np.clip(offset_s / WINDOW_S, -0.5, 0.5)
    return np.asarray(0.5 + 0.5 * np.cos(2 * np.pi * x))


def _window_integral(offset_s: FloatArray) -> FloatArray:
    """Area of the window from its middle to an offset, in seconds."""
    x = np.clip(offset_s / WINDOW_S, -0.5, 0.5)
    return np.asarray(WINDOW_S * (0.5 * x + np.sin(2 * np.pi * x) / (4 * np.pi)))
