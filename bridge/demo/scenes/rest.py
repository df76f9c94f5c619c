"""Rest: soft evening light, a boat on a still sea, somebody under a tree in blossom."""

from __future__ import annotations

import math

import numpy as np

from bridge.demo.canvas import (
    HEIGHT,
    WIDTH,
    Floats,
    Image,
    Painter,
    cloud,
    disc,
    draw_ridge,
    gradient,
    mix,
    polygon,
    rgb,
    ridge,
    shade,
    stamp,
    strokes,
    vignette,
    warm_up,
)
from bridge.demo.subjects import boat, sitter, tree


def sea() -> Painter:
    """A sailing boat drifts before a low sun."""
    sky = gradient([(0, "#8fa6c8"), (0.3, "#cdb9c4"), (0.5, "#efc6ac"), (0.58, "#f7d4ad"), (1, "#c9c3c4")])
    sky = warm_up(warm_up(sky, 220, 168, 330, "#ffd9a0", 0.7), 220, 168, 90, "#fff0cf", 0.9, 1.3)
    water = gradient([(0, "#e6bfa4"), (0.3, "#b7a9b3"), (1, "#7f90ab")], 152)
    haze = [(cloud(81, 340, "#f4e2d6", 0.6), 30, 20, 1.2), (cloud(82, 260, "#efdcd6", 0.55), 350, 60, 0.9)]
    coast = ridge(91, 204, 16, 260)
    glints = np.random.default_rng(6).uniform(0, 1, (70, 3))
    edge = vignette(0.3)

    def paint(t: float) -> Image:
        image = sky.copy()
        disc(image, 220, 168, 22, rgb("#fffaec"))
        for sprite, left, top, speed in haze:
            stamp(image, sprite, left + speed * t, top)
        draw_ridge(image, coast, 150 + 0.4 * t, rgb("#b3adb8"))
        image[208:] = water
        _sun_path(image, glints, t)
        x, y = 372 + 3.0 * t, 252 + 1.1 * math.sin(0.9 * t)
        polygon(image, [(x - 26, y + 5), (x + 28, y + 5), (x + 16, y + 62), (x - 22, y + 62)], rgb("#a3a6b4"))
        boat(image, x, y, 58, 0.02 * math.sin(0.7 * t), rgb("#6d6474"), rgb("#f6ead9"))
        return shade(image, edge)

    return paint


def _sun_path(image: Image, glints: Floats, t: float) -> None:
    """Sunlight on the water; ``glints`` is (count, 3) of 0..1: depth, offset from the middle, phase."""
    depth, offset, phase = glints.T
    y = 211 + 146 * depth**1.4
    x = 220 + (offset - 0.5) * (60 + 330 * depth) + 3 * np.sin(0.6 * t + 9 * phase)
    half = (2 + 16 * depth) * (0.75 + 0.25 * np.sin(0.8 * t + 20 * phase))
    level = np.floor(depth * 4).astype(int)
    for step in range(4):
        near = level == step
        starts, ends = np.stack([x - half, y], axis=1)[near], np.stack([x + half, y], axis=1)[near]
        strokes(image, starts, ends, mix(rgb("#c6bfc4"), rgb("#fff0d6"), 0.9 - 0.19 * step), 1 + step // 2)


def _tufts(image: Image, t: float) -> None:
    k = np.arange(60)
    x = (k * 11.3) % WIDTH
    top = HEIGHT - 12 - 9 * np.abs(np.sin(k * 1.9))
    starts, ends = (
        np.stack([x, np.full_like(x, HEIGHT + 2)], axis=1),
        np.stack([x + 2 * np.sin(0.7 * t + k), top], axis=1),
    )
    strokes(image, starts, ends, rgb("#7f9066"), 2)


def blossom() -> Painter:
    """Somebody sits under a tree in blossom; petals fall one by one."""
    sky = gradient([(0, "#a3b5cc"), (0.4, "#dfc8c6"), (0.75, "#f5d5b4"), (1, "#f3dcc2")])
    sky = warm_up(warm_up(sky, 130, 150, 380, "#ffdca8", 0.6), 130, 150, 80, "#fff0d2", 0.85, 1.3)
    far, hill = ridge(101, 250, 22, 420), ridge(102, 296, 26, 700, 2)
    shade_tree = tree(17, 262, rgb("#7d6659"), rgb("#e8a3ab"))
    petals = np.random.default_rng(4).uniform(0, 1, (26, 4))
    edge = vignette(0.3)

    def paint(t: float) -> Image:
        image = sky.copy()
        disc(image, 130, 150, 18, rgb("#fffaec"))
        draw_ridge(image, far, 60 + 0.6 * t, rgb("#b9b3b4"))
        draw_ridge(image, hill, 0, rgb("#93a376"))
        stamp(image, shade_tree, 254 + 0.5 * math.sin(0.5 * t), 42)
        sitter(image, 356, 306, 96, rgb("#6e6474"), math.sin(1.3 * t))
        for x0, y0, speed, phase in petals:
            y = 90 + (y0 * 230 + (9 + 7 * speed) * t) % 240
            x = 270 + 260 * x0 + 12 * math.sin(0.8 * t + 6.3 * phase)
            disc(image, x, y, 1.6 + speed, rgb("#f3bcc0"))
        _tufts(image, t)
        return shade(image, edge)

    return paint
