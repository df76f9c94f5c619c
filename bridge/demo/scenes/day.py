"""Day: a bright, warm landscape with clouds, birds and a child with a kite."""

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
    line,
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
from bridge.demo.subjects import bird, tree, walker


def _sunny(sky: Image, x: float, y: float) -> Image:
    return warm_up(warm_up(sky, x, y, 430, "#ffd98a", 0.75), x, y, 120, "#fff6d0", 0.95, 1.3)


def valley() -> Painter:
    """A wide valley in the morning: three ranges of hills, drifting clouds, a flock that crosses."""
    sky = gradient([(0, "#3f9de6"), (0.3, "#86cbf2"), (0.58, "#fbe9bd"), (1, "#ffdf98")])
    sky = _sunny(sky, 500, 90)
    clouds = [(cloud(3, 230, "#fffaf2"), 40, 34, 5.0), (cloud(5, 170, "#fff6ea"), 330, 12, 3.6),
              (cloud(9, 120, "#fffdf8"), 230, 84, 2.4)]  # fmt: skip
    ranges = [(ridge(11, 196, 66, 430), rgb("#a9c9d6"), 2.0), (ridge(12, 232, 62, 360), rgb("#8fc27a"), 4.5),
              (ridge(13, 276, 56, 520), rgb("#6fae3f"), 8.0)]  # fmt: skip
    near = ridge(14, 330, 34, 420)
    oak, small = tree(4, 150, rgb("#5b4326"), rgb("#5f9a32")), tree(6, 64, rgb("#64502f"), rgb("#6aa840"))
    edge = vignette(0.25)

    def paint(t: float) -> Image:
        image = sky.copy()
        disc(image, 500, 90, 27, rgb("#fffdf0"))
        for sprite, left, top, speed in clouds:
            stamp(image, sprite, left + speed * t, top)
        for skyline, color, speed in ranges:
            draw_ridge(image, skyline, 40 + speed * t, color)
        stamp(image, small, 392 - 8 * t, 214)
        stamp(image, small, 120 - 8 * t, 222)
        draw_ridge(image, near, 40 + 14 * t, rgb("#7fb63a"))
        stamp(image, oak, 40 - 14 * t, 196)
        for k in range(7):
            x = -30 + 62 * t + 26 * abs(k - 3) * -1 + k * 6
            bird(image, x, 128 - 7 * k + 4 * math.sin(t + k), 17, 9 * t + k, rgb("#46586b"))
        return shade(image, edge)

    return paint


def field() -> Painter:
    """A golden field: a child walks through it with a red kite, poppies and grass bend in the wind."""
    sky = gradient([(0, "#4aa9ec"), (0.4, "#a5dcf3"), (0.62, "#fdeec2"), (1, "#ffe9a8")])
    sky = _sunny(sky, 110, 70)
    puffs = [(cloud(21, 210, "#fffaf0"), 330, 20, 4.0), (cloud(22, 150, "#fff8ee"), 90, 52, 3.0)]
    far, middle = ridge(31, 226, 34, 380), ridge(32, 258, 22, 520)
    rng = np.random.default_rng(8)
    blades = np.stack([rng.uniform(-40, 1300, 330), rng.uniform(285, 372, 330), rng.uniform(18, 46, 330)], axis=1)
    blades = blades[np.argsort(blades[:, 1])]
    edge = vignette(0.25)

    def paint(t: float) -> Image:
        image = sky.copy()
        disc(image, 110, 70, 24, rgb("#fffdf0"))
        for sprite, left, top, speed in puffs:
            stamp(image, sprite, left + speed * t, top)
        draw_ridge(image, far, 30 + 6 * t, rgb("#8dbb63"))
        draw_ridge(image, middle, 30 + 14 * t, rgb("#e2bb4b"))
        polygon(image, [(0, 276), (WIDTH, 268), (WIDTH, HEIGHT), (0, HEIGHT)], rgb("#efc650"))
        x = 150 + 26 * t
        hand = walker(image, x, 322, 84, 5.2 * t, rgb("#3f5d8f"))
        _kite(image, hand, t)
        _grass(image, blades, t)
        return shade(image, edge)

    return paint


def _kite(image: Image, hand: tuple[float, float], t: float) -> None:
    x, y = hand[0] + 120 + 14 * math.sin(1.1 * t), 88 + 12 * math.sin(1.7 * t)
    middle = ((hand[0] + x) / 2 + 6, (hand[1] + y) / 2 + 16)
    line(image, hand, middle, rgb("#fff8e8"))
    line(image, middle, (x, y + 20), rgb("#fff8e8"))
    polygon(image, [(x, y - 26), (x + 19, y), (x, y + 26), (x - 19, y)], rgb("#e8402c"))
    polygon(image, [(x, y - 26), (x + 19, y), (x, y)], rgb("#ffb02e"))
    polygon(image, [(x, y), (x - 19, y), (x, y + 26)], rgb("#ffb02e"))
    tail = (x, y + 26)
    for k in range(1, 5):
        point = (x + 7 * math.sin(3 * t + k), y + 26 + 11 * k)
        line(image, tail, point, rgb("#fff0d0"), 2)
        tail = point


_WHEAT = tuple(mix(rgb("#c8952b"), rgb("#f7da7d"), share) for share in (0.05, 0.3, 0.12, 0.5, 0.35, 0.75))
"""Tones of the rows of wheat from far to near."""


def _grass(image: Image, blades: Floats, t: float) -> None:
    """Rows of wheat with poppies in them; ``blades`` is (count, 3): x, foot, height, far ones first."""
    foot, height = blades[:, 1], blades[:, 2]
    x = (blades[:, 0] - 30 * t * (foot / 300)) % 720 - 40
    bend = height * (0.22 + 0.16 * np.sin(1.9 * t + x * 0.018))
    starts, ends = np.stack([x, foot + 6], axis=1), np.stack([x + bend, foot - height], axis=1)
    size = len(blades) // len(_WHEAT)
    for row, tone in enumerate(_WHEAT):
        part = slice(row * size, (row + 1) * size)
        strokes(image, starts[part], ends[part], tone, 2)
        for tip_x, tip_y in ends[part][::9]:
            disc(image, tip_x, tip_y, 4.2, rgb("#e2452f"))


def birds() -> Painter:
    """Looking up: white birds wheel before the sun."""
    sky = gradient([(0, "#3f9de6"), (0.6, "#8fd0f4"), (1, "#fdebbf")])
    sky = _sunny(sky, 400, 120)
    wisps = [(cloud(41, 300, "#ffffff", 0.6), 20, 150, 9.0), (cloud(42, 240, "#ffffff", 0.55), 380, 210, 7.0)]
    edge = vignette(0.3)

    def paint(t: float) -> Image:
        image = sky.copy()
        disc(image, 400, 120, 34, rgb("#fffdf0"))
        for sprite, left, top, speed in wisps:
            stamp(image, sprite, left + speed * t, top)
        for k in range(6):
            angle = 0.9 * t + k * 1.05
            depth = 1 + 0.35 * math.sin(angle + k)
            x, y = 320 + 190 * math.cos(angle), 170 + 88 * math.sin(angle)
            color = mix(rgb("#ffffff"), rgb("#5b7ea0"), 0.25 + 0.35 * (k % 2))
            bird(image, x, y, 58 * depth, 7.5 * t + 1.3 * k, color)
        return shade(image, edge)

    return paint
