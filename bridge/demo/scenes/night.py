"""Night: dark blue, a moon over water, a lonely house whose door falls shut."""

from __future__ import annotations

import math

import numpy as np

from bridge.demo.canvas import (
    HEIGHT,
    WIDTH,
    Floats,
    Image,
    Painter,
    add_light,
    cloud,
    disc,
    draw_ridge,
    glow,
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
)
from bridge.demo.subjects import house, pane, tree, walker

SLAM_S = 6.625
"""The door of ``night_house`` falls shut at this time of the clip: frame 159 at 24 a second."""

_WATER, _SHINE = rgb("#0c1738"), rgb("#aebfe6")


def _starry(sky: Image, seed: int, lowest: float) -> tuple[Image, Floats]:
    """A sky with steady stars, and (x, y, size, phase) of those that twinkle."""
    rng = np.random.default_rng(seed)
    count = 130
    strength = rng.uniform(0.25, 1, count) ** 2
    places = np.stack([rng.uniform(0, WIDTH, count), lowest * rng.uniform(0, 1, count) ** 1.3], axis=1)
    sky = sky.copy()
    for (x, y), size in zip(places, strength):
        value = round(70 + 120 * size)
        disc(sky, x, y, 0.5 + 0.7 * size, (value + 12, value, round(value * 0.92)))
    lively = np.argsort(-strength)[:24]
    return sky, np.column_stack([places, strength, rng.uniform(0, 6.3, count)])[lively]


def _twinkle(image: Image, stars: Floats, t: float) -> None:
    for x, y, size, phase in stars:
        value = round(190 + 50 * math.sin(1.4 * t + phase))
        disc(image, x, y, 0.5 + 0.8 * size, (min(255, value + 12), value, round(value * 0.92)))


def moon() -> Painter:
    """The moon stands over a lake; its light trembles on the water."""
    sky = gradient([(0, "#050a1e"), (0.45, "#0d1a3d"), (0.66, "#1b2d5a"), (1, "#0a1430")])
    halo, bloom = glow(210, "#3a5590", 0.75, 1.8), glow(80, "#9fb4dd", 0.7, 1.6)
    veil = [(cloud(51, 300, "#22325c", 0.75), 300, 40, 3.0), (cloud(52, 240, "#1c2b52", 0.7), 40, 84, 2.2)]
    sky, stars = _starry(sky, 5, 200)
    far, near = ridge(61, 222, 44, 330), ridge(62, 240, 30, 210)
    glints = np.random.default_rng(2).uniform(0, 1, (90, 3))
    edge = vignette(0.6)

    def paint(t: float) -> Image:
        image = sky.copy()
        _twinkle(image, stars, t)
        add_light(image, halo, 430, 92)
        add_light(image, bloom, 430, 92)
        disc(image, 430, 92, 33, rgb("#e8ecf6"))
        for x, y, r in ((420, 84, 7), (438, 101, 9), (444, 80, 4), (424, 106, 4)):
            disc(image, x, y, r, rgb("#cdd5e8"))
        for sprite, left, top, speed in veil:
            stamp(image, sprite, left + speed * t, top)
        draw_ridge(image, far, 20 + 1.2 * t, rgb("#122047"))
        draw_ridge(image, near, 20 + 2.2 * t, rgb("#0a1431"))
        polygon(image, [(0, 256), (WIDTH, 256), (WIDTH, HEIGHT), (0, HEIGHT)], rgb("#0c1738"))
        _moon_path(image, glints, t)
        _reeds(image, t)
        return shade(image, edge)

    return paint


def _moon_path(image: Image, glints: Floats, t: float) -> None:
    """Moonlight on the water; ``glints`` is (count, 3) of 0..1: depth, offset from the middle, phase."""
    depth, offset, phase = glints.T
    y = 258 + 100 * depth
    x = 430 + (offset - 0.5) * 2 * (10 + 70 * depth) + 5 * np.sin(0.9 * t + 7 * phase)
    half = (3 + 15 * depth) * (0.7 + 0.3 * np.sin(1.3 * t + 20 * phase))
    shine = (1 - np.abs(offset - 0.5) * 1.6) * (0.75 + 0.25 * np.sin(2 * t + 30 * offset))
    level = np.digitize(shine, (0.3, 0.5, 0.7))
    for step in range(4):
        lit = level == step
        starts, ends = np.stack([x - half, y], axis=1)[lit], np.stack([x + half, y], axis=1)[lit]
        strokes(image, starts, ends, mix(_WATER, _SHINE, 0.15 + 0.24 * step), 1 + step // 2)


def _reeds(image: Image, t: float) -> None:
    k = np.arange(26)
    x = 12 + 8.5 * k + 5 * np.sin(k * 2.1)
    top = HEIGHT - 40 - 34 * np.abs(np.sin(k * 1.7))
    bend = 5 + 3 * np.sin(0.8 * t + k * 0.4)
    foot = np.full_like(x, HEIGHT)
    strokes(image, np.stack([x, foot], axis=1), np.stack([x + bend, top], axis=1), rgb("#040815"), 2)


def lonely_house() -> Painter:
    """Somebody walks home through the dark; the door lets out light and then slams."""
    sky = gradient([(0, "#040816"), (0.6, "#101d42"), (1, "#1a2a52")])
    sky, stars = _starry(sky, 7, 210)
    hill, back = ridge(71, 292, 26, 620, 2), ridge(72, 252, 40, 300)
    warm, spill = glow(70, "#ffb55a", 0.55, 1.5), glow(120, "#c07a30", 0.6, 1.6)
    bare = tree(12, 190, rgb("#050912"), None)
    edge = vignette(0.6)

    def paint(t: float) -> Image:
        image = sky.copy()
        _twinkle(image, stars, t)
        draw_ridge(image, back, 10 + 0.8 * t, rgb("#0d1836"))
        draw_ridge(image, hill, 0, rgb("#070e22"))
        opened = _door(t)
        house(image, 430, 286, 150, rgb("#101a35"), rgb("#ffc873"), opened)
        add_light(image, warm, 374, 246, 0.9 + 0.1 * math.sin(5 * t))
        add_light(image, spill, 462, 276, opened)
        stamp(image, bare, 20, 128)
        if 150 + 52 * t < 452:
            walker(image, 150 + 52 * t, 292, 50, 5.0 * t, rgb("#03060f"))
        return shade(image, edge)

    return paint


def _door(t: float) -> float:
    """How far the door stands open: it opens slowly and falls shut within two frames."""
    if t >= SLAM_S:
        return 0.0
    return float(np.clip((t - 4.4) / 0.9, 0, 1)) * float(np.clip((SLAM_S - t) / 0.08, 0, 1))


def window() -> Painter:
    """Close: a lit window in a dark wall, somebody waits behind the curtain."""
    wall = gradient([(0, "#0a1228"), (1, "#0d1730")])
    for row in range(0, HEIGHT, 24):
        for column in range(-1, 12):
            left = column * 62 + (31 if row % 48 else 0)
            line(wall, (left, row), (left + 58, row), rgb("#111d3b"), 1)
            line(wall, (left, row), (left, row + 23), rgb("#0f1a36"), 1)
    lamp, spill = glow(150, "#ffcf85", 0.5, 1.6), glow(300, "#7a4a1c", 0.5, 1.6)
    edge = vignette(0.65)

    def paint(t: float) -> Image:
        image = wall.copy()
        add_light(image, spill, 330, 180)
        pane(image, 216, 50, 228, 250, rgb("#e8a95a"), rgb("#1c1410"))
        add_light(image, lamp, 390, 130, 0.8 + 0.06 * math.sin(7 * t))
        x = 292 + 9 * math.sin(0.5 * t)
        polygon(image, [(x - 50, 300), (x - 42, 222), (x - 14, 202), (x + 14, 202), (x + 42, 222), (x + 50, 300)],
                rgb("#4a2a16"))  # fmt: skip
        disc(image, x, 174, 29, rgb("#4a2a16"))
        for side, start in ((1, 216), (-1, 444)):
            sway = 5 * math.sin(0.9 * t + side)
            fold = [(start, 50), (start + side * 52, 50), (start + side * (34 + sway), 300), (start, 300)]
            polygon(image, fold, rgb("#8a4e2a"))
        for x0, y0, x1, y1 in ((330, 50, 330, 300), (216, 162, 444, 162)):
            line(image, (x0, y0), (x1, y1), rgb("#1a1512"), 8)
        for x0, y0, x1, y1 in ((216, 50, 444, 50), (216, 300, 444, 300), (216, 50, 216, 300), (444, 50, 444, 300)):
            line(image, (x0, y0), (x1, y1), rgb("#141a2c"), 11)
        return shade(image, edge)

    return paint
