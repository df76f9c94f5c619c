"""Chase: a red car, a runner, a road at night speed, sirens; saturated colours and a shaking camera."""

from __future__ import annotations

import math

import cv2
import numpy as np

from bridge.demo.canvas import (
    HEIGHT,
    WIDTH,
    Image,
    Painter,
    add_light,
    draw_ridge,
    glow,
    gradient,
    jitter,
    line,
    mix,
    polygon,
    rgb,
    ridge,
    shade,
    shake,
    vignette,
)
from bridge.demo.subjects import car, walker

RED, BLUE = "#ff2038", "#2a5bff"


def _towers(seed: int, count: int, low: float, high: float) -> list[tuple[float, float, float]]:
    """x, width and top of buildings that stand side by side."""
    rng = np.random.default_rng(seed)
    blocks: list[tuple[float, float, float]] = []
    x = 0.0
    for _ in range(count):
        width = float(rng.uniform(46, 110))
        blocks.append((x, width, float(rng.uniform(low, high))))
        x += width + float(rng.uniform(0, 26))
    return blocks


def _skyline(image: Image, blocks: list[tuple[float, float, float]], pan: float, color: tuple[int, int, int],
             lit: tuple[int, int, int] | None) -> None:  # fmt: skip
    period = blocks[-1][0] + blocks[-1][1] + 20
    for x, width, top in blocks:
        left = (x - pan) % period - 120
        if left > WIDTH:
            continue
        cv2.rectangle(image, (round(left), round(top)), (round(left + width), HEIGHT), color, -1)
        if lit is None:
            continue
        for row in range(round(top) + 10, 230, 17):
            for column in range(8, round(width) - 8, 15):
                if (row * 7 + column * 13 + round(x)) % 5 < 2:
                    corner = (round(left) + column, row)
                    cv2.rectangle(image, corner, (corner[0] + 5, corner[1] + 7), lit, -1)


def _flash(t: float, rate: float = 3.1) -> tuple[float, float]:
    """Brightness of the red and the blue lamp."""
    beat = t * rate % 1
    return max(0.0, 1 - beat * 2.2), max(0.0, 1 - ((beat + 0.5) % 1) * 2.2)


def cars() -> Painter:
    """A red car flees through the city at dusk, the police close behind."""
    sky = gradient([(0, "#3a0f5c"), (0.3, "#b0256b"), (0.52, "#ff5a2a"), (0.7, "#ffb02e"), (1, "#ffcf4a")])
    far, near = _towers(3, 14, 90, 190), _towers(4, 12, 60, 210)
    red, blue = glow(150, RED, 1.0, 1.4), glow(150, BLUE, 1.0, 1.4)
    head = glow(80, "#fff2b0", 0.9, 1.5)
    edge = vignette(0.45)

    def paint(t: float) -> Image:
        image = sky.copy()
        _skyline(image, far, 260 * t, rgb("#7a1d5e"), None)
        _skyline(image, near, 620 * t, rgb("#2b0d3d"), rgb("#ffb848"))
        polygon(image, [(0, 262), (WIDTH, 262), (WIDTH, HEIGHT), (0, HEIGHT)], rgb("#3b2348"))
        polygon(image, [(0, 262), (WIDTH, 262), (WIDTH, 268), (0, 268)], rgb("#d8452e"))
        _streaks(image, t)
        strength = _flash(t)
        lead = 300 + 70 * math.sin(0.9 * t) + 8 * jitter(t, 1)
        chaser = 20 + 55 * math.sin(0.7 * t + 1) + 6 * jitter(t, 4)
        car(image, chaser, 318 + 2 * jitter(t, 2, 14), 216, 30 * t, rgb("#e9ecf4"), rgb("#1a2440"))
        add_light(image, red, chaser + 95, 226, strength[0])
        add_light(image, blue, chaser + 120, 226, strength[1])
        car(image, lead, 322 + 2 * jitter(t, 7, 14), 232, 31 * t, rgb("#e8122a"), rgb("#2a1030"))
        add_light(image, head, lead + 228, 270)
        return shade(shake(image, 7 * jitter(t, 3, 17), 5 * jitter(t, 5, 21), 0.8 * jitter(t, 8, 13)), edge)

    return paint


def _streaks(image: Image, t: float) -> None:
    """Road markings and speed lines."""
    for k in range(6):
        left = (k * 150 - 1300 * t) % 900 - 160
        polygon(image, [(left, 334), (left + 84, 334), (left + 76, 342), (left - 10, 342)], rgb("#ffd23e"))
    for k in range(12):
        y = 274 + 7 * k
        left = (k * 211 - (1000 + 60 * k) * t) % 980 - 200
        line(image, (left, y), (left + 120, y), rgb("#5a3564"), 2)


def runner() -> Painter:
    """Somebody runs for it over the roofs, searchlights and sirens below."""
    sky = gradient([(0, "#16062e"), (0.35, "#7a1466"), (0.62, "#ff3d5a"), (0.8, "#ff9a2e"), (1, "#ffc04a")])
    back = _towers(9, 16, 150, 260)
    sun = glow(220, "#ff9a3c", 0.9, 1.5)
    red, blue = glow(330, RED, 0.8, 1.2), glow(330, BLUE, 0.9, 1.2)
    roof = ridge(44, 300, 8, 90, 2)
    edge = vignette(0.5)

    def paint(t: float) -> Image:
        image = sky.copy()
        add_light(image, sun, 440, 200)
        strength = _flash(t, 3.7)
        add_light(image, red, 120, 300, strength[0])
        add_light(image, blue, 560, 300, strength[1])
        _skyline(image, back, 230 * t, rgb("#5a1456"), rgb("#ff7a3a"))
        draw_ridge(image, roof, 560 * t, rgb("#1a0722"), 8)
        for k in range(4):
            left = (k * 260 - 560 * t) % 1040 - 160
            cv2.rectangle(image, (round(left), 262), (round(left) + 40, 310), rgb("#1a0722"), -1)
            line(image, (left + 20, 262), (left + 20, 206), rgb("#1a0722"), 3)
        walker(image, 300 + 34 * math.sin(1.1 * t), 300, 158, 15 * t, rgb("#120416"), run=1.0)
        for k in range(3):
            left = (k * 420 - 1500 * t) % 1260 - 300
            line(image, (left, 330 + 9 * k), (left + 210, 330 + 9 * k), rgb("#ff4a4a"), 3)
        return shade(shake(image, 8 * jitter(t, 2, 15), 8 * jitter(t, 6, 19), 1.2 * jitter(t, 1, 11), 1.07), edge)

    return paint


def road() -> Painter:
    """From the driver's seat: the road, lamps and signs fly by."""
    sky = gradient([(0, "#12052e"), (0.3, "#6a1270"), (0.5, "#ff4f4f"), (0.52, "#26102e"), (1, "#100716")])
    horizon = 180.0
    flare = glow(150, "#ff7a3a", 0.6, 1.4)
    lamp = {True: glow(60, "#ffd060", 1.0, 1.5), False: glow(60, "#40d0ff", 1.0, 1.5)}
    edge = vignette(0.55)

    def paint(t: float) -> Image:
        image = sky.copy()
        middle = 320 + 60 * math.sin(0.9 * t)
        add_light(image, flare, middle, horizon - 6)
        polygon(image, [(middle, horizon), (720, HEIGHT), (-80, HEIGHT)], rgb("#2c1a3a"))
        for k in range(14):
            depth = (k - 9.0 * t) % 14 / 14
            near, far = 1 / (0.06 + depth), 1 / (0.06 + depth + 0.03)
            _dash(image, middle, horizon, near, far)
            scale = near / 16
            for side in (-1, 1):
                x, y = middle + side * 420 * scale, horizon - 230 * scale
                line(image, (x, horizon + 60 * scale), (x, y), rgb("#5a2a5e"), max(1.0, 9 * scale))
                add_light(image, lamp[k % 2 == 0], x, y, min(1.0, 0.06 + scale * 1.6))
                line(image, (x, y), (x - side * 40 * scale, y), rgb("#ffe9a0"), max(1.0, 8 * scale))
        _other_car(image, middle, horizon, t)
        return shade(shake(image, 6 * jitter(t, 4, 16), 6 * jitter(t, 9, 20), 1.5 * jitter(t, 3, 8), 1.07), edge)

    return paint


def _dash(image: Image, middle: float, horizon: float, near: float, far: float) -> None:
    def row(scale: float, offset: float) -> tuple[float, float]:
        return middle + (320 - middle + offset) * scale / 16, horizon + 180 * scale / 16

    polygon(image, [row(near, -14), row(near, 14), row(far, 14), row(far, -14)], rgb("#ffd23e"))


def _other_car(image: Image, middle: float, horizon: float, t: float) -> None:
    """The car ahead, seen from behind, swerving."""
    x, y, size = middle + 52 * math.sin(2.4 * t), horizon + 66, 62
    body = rgb("#e8122a")
    polygon(image, [(x - size, y), (x - size, y - 26), (x - 40, y - 32), (x - 28, y - 60), (x + 28, y - 60),
                    (x + 40, y - 32), (x + size, y - 26), (x + size, y)], body)  # fmt: skip
    polygon(image, [(x - 33, y - 33), (x - 23, y - 55), (x + 23, y - 55), (x + 33, y - 33)], rgb("#1a0a22"))
    polygon(image, [(x - size, y), (x + size, y), (x + size - 4, y + 12), (x - size + 4, y + 12)], rgb("#12060f"))
    for side in (-1, 1):
        cv2.rectangle(image, (round(x + side * 46) - 11, round(y) - 22), (round(x + side * 46) + 11, round(y) - 12),
                      mix(rgb("#ff3020"), rgb("#ffd0a0"), 0.5 + 0.5 * math.sin(14 * t)), -1)  # fmt: skip


def siren() -> Painter:
    """Close on the flashing roof lights."""
    ground = gradient([(0, "#0a0620"), (0.6, "#2a0a3a"), (1, "#0c0410")])
    red, blue = glow(420, RED, 1.0, 0.9), glow(420, BLUE, 1.0, 0.9)
    core = (glow(120, "#ffb0a0", 1.0, 1.2), glow(120, "#a0d0ff", 1.0, 1.2))
    edge = vignette(0.4)

    def paint(t: float) -> Image:
        image = ground.copy()
        strength = _flash(t, 4.3)
        add_light(image, red, 190, 200, 0.25 + 0.75 * strength[0])
        add_light(image, blue, 450, 200, 0.25 + 0.75 * strength[1])
        for side, x in ((1, 190), (-1, 450)):
            for k in range(5):
                angle = side * 7 * t + k * math.tau / 5
                far = (x + 520 * math.cos(angle), 200 + 520 * math.sin(angle))
                wide = (x + 520 * math.cos(angle + 0.2), 200 + 520 * math.sin(angle + 0.2))
                tone = rgb("#ff4058") if side > 0 else rgb("#4a7aff")
                polygon(image, [(x, 200), far, wide], mix(tone, (30, 5, 30), 0.35))
        for x, code, light, shine in ((190, RED, strength[0], core[0]), (450, BLUE, strength[1], core[1])):
            polygon(image, [(x - 92, 246), (x - 74, 172), (x + 74, 172), (x + 92, 246)], mix(rgb(code), (0, 0, 0), 0.2))
            add_light(image, shine, x, 206, 0.3 + light)
        polygon(image, [(40, 246), (600, 246), (640, HEIGHT), (0, HEIGHT)], rgb("#120a1c"))
        line(image, (40, 248), (600, 248), rgb("#8a90a8"), 4)
        return shade(shake(image, 9 * jitter(t, 2, 18), 7 * jitter(t, 6, 22), 1.5 * jitter(t, 1, 12), 1.08), edge)

    return paint
