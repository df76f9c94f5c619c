"""What moves through the demo film: people, cars, birds, trees, a house."""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

from bridge.demo.canvas import Color, Image, Sprite, disc, line, mix, polygon, sprite_from

Point = tuple[float, float]


def _limb(image: Image, start: Point, angles: tuple[float, float], length: float, color: Color, width: float) -> Point:
    """Two straight pieces from a joint; angles in radians from straight down, forwards positive."""
    x, y = start
    for angle in angles:
        end = (x + math.sin(angle) * length, y + math.cos(angle) * length)
        line(image, (x, y), end, color, width)
        x, y = end
    return x, y


def walker(image: Image, x: float, y: float, height: float, phase: float, color: Color, run: float = 0.0) -> Point:
    """A person going right, feet at ``y``; ``run`` from 0 (a stroll) to 1 (a sprint). Returns the leading hand."""
    swing = 0.42 + 0.5 * run
    lean = 0.05 + 0.25 * run
    y -= abs(math.sin(phase)) * height * (0.012 + 0.05 * run)
    hip = (x, y - height * 0.49)
    shoulder = (x + math.sin(lean) * height * 0.33, hip[1] - math.cos(lean) * height * 0.33)
    thick = height * 0.075
    back, front = mix(color, (0, 0, 0), 0.25), color
    for side, tone in ((math.pi, back), (0.0, front)):
        beat = math.sin(phase + side)
        bend = (0.25 + 0.9 * run) * max(0.0, math.cos(phase + side)) + 0.12 + 0.25 * run
        thigh = swing * beat + 0.12 * run
        _limb(image, hip, (thigh, thigh - bend), height * 0.245, tone, thick)
    line(image, hip, shoulder, color, height * 0.14)
    hand = shoulder
    for side, tone in ((0.0, back), (math.pi, front)):
        arm = (0.55 + 0.5 * run) * math.sin(phase + side)
        elbow = arm + 0.25 + 1.2 * run
        hand = _limb(image, shoulder, (arm, elbow), height * 0.155, tone, thick * 0.72)
    disc(image, shoulder[0] + math.sin(lean) * height * 0.1, shoulder[1] - height * 0.105, height * 0.072, color)
    return hand


def sitter(image: Image, x: float, y: float, height: float, color: Color, breath: float) -> None:
    """A person who sits on the ground facing right, knees up; ``breath`` in -1..1 lifts the chest."""
    hip = (x, y - height * 0.07)
    shoulder = (x - height * 0.07, y - height * (0.4 + 0.006 * breath))
    knee = (x + height * 0.2, y - height * 0.25)
    foot = (x + height * 0.27, y - height * 0.02)
    line(image, hip, shoulder, color, height * 0.15)
    line(image, hip, knee, color, height * 0.085)
    line(image, knee, foot, color, height * 0.075)
    line(image, shoulder, knee, color, height * 0.055)
    disc(image, shoulder[0] + height * 0.025, shoulder[1] - height * 0.12, height * 0.078, color)


def bird(image: Image, x: float, y: float, span: float, flap: float, color: Color) -> None:
    """A bird with both wings; ``flap`` is a phase in radians."""
    lift = math.sin(flap) * span * 0.28
    for side in (-1.0, 1.0):
        tip = (x + side * span * 0.5, y - lift)
        elbow = (x + side * span * 0.24, y - lift * 0.75 - span * 0.07)
        polygon(
            image, [(x, y - span * 0.03), elbow, tip, (elbow[0], elbow[1] + span * 0.075), (x, y + span * 0.05)], color
        )
    polygon(image, [(x - span * 0.04, y), (x, y - span * 0.1), (x + span * 0.04, y), (x, y + span * 0.14)], color)


_BODY = [
    (0.00, 0.30), (0.02, 0.20), (0.10, 0.16), (0.22, 0.15), (0.32, 0.02), (0.40, 0.00), (0.58, 0.00), (0.66, 0.03),
    (0.76, 0.15), (0.92, 0.18), (0.985, 0.22), (1.00, 0.30), (0.99, 0.33), (0.01, 0.33),
]  # fmt: skip
_GLASS = [
    [(0.27, 0.15), (0.345, 0.04), (0.40, 0.025), (0.485, 0.025), (0.485, 0.15)],
    [(0.51, 0.15), (0.51, 0.025), (0.575, 0.025), (0.64, 0.045), (0.715, 0.15)],
]
"""Outline of a car in shares of its length, y down from the roof."""


def car(image: Image, x: float, y: float, length: float, spin: float, body: Color, glass: Color) -> None:
    """A car going right; (x, y) is the road under its rear bumper, ``spin`` the wheels' angle in radians."""
    top = y - 0.40 * length

    def place(outline: list[Point]) -> npt.NDArray[np.float64]:
        return np.array([(x + px * length, top + py * length) for px, py in outline])

    polygon(image, place([(0.03, 0.385), (0.97, 0.385), (0.99, 0.41), (0.01, 0.41)]), (8, 6, 8))
    polygon(image, place(_BODY), body)
    polygon(image, place([(0.01, 0.255), (0.995, 0.255), (0.99, 0.33), (0.01, 0.33)]), mix(body, (0, 0, 0), 0.3))
    line(image, (x + 0.11 * length, top + 0.175 * length), (x + 0.93 * length, top + 0.2 * length),
         mix(body, (255, 255, 255), 0.45), 1)  # fmt: skip
    for pane in _GLASS:
        polygon(image, place(pane), glass)
    for axle in (0.2, 0.8):
        _wheel(image, x + axle * length, y - 0.075 * length, 0.078 * length, spin)


def _wheel(image: Image, x: float, y: float, radius: float, spin: float) -> None:
    disc(image, x, y, radius * 1.12, (14, 10, 12))
    disc(image, x, y, radius * 0.6, (150, 145, 150))
    for spoke in range(5):
        angle = spin + spoke * 2 * math.pi / 5
        end = (x + math.cos(angle) * radius * 0.62, y + math.sin(angle) * radius * 0.62)
        line(image, (x, y), end, (40, 36, 40), max(1.0, radius * 0.16))
    disc(image, x, y, radius * 0.14, (30, 30, 30))


def tree(seed: int, height: int, trunk: Color, leaf: Color | None) -> Sprite:
    """A tree drawn branch by branch, its foot in the middle of the lower edge."""
    rng = np.random.default_rng(seed)
    scale = 2  # drawn twice as large, so that thin twigs stay smooth
    size = height * scale
    wood = np.zeros((size, size * 6 // 5), dtype=np.float32)
    crown = np.zeros_like(wood)

    def grow(x: float, y: float, angle: float, length: float, width: float) -> None:
        end = (x + math.sin(angle) * length, y - math.cos(angle) * length)
        cv2.line(wood, (round(x), round(y)), (round(end[0]), round(end[1])), 1.0, max(1, round(width)), cv2.LINE_AA)
        if length < size * 0.05:
            for _ in range(5):
                dx, dy = rng.normal(0, size * 0.02, 2)
                radius = round(size * rng.uniform(0.015, 0.038))
                cv2.circle(crown, (round(end[0] + dx), round(end[1] + dy)), radius, float(rng.uniform(0.6, 1)), -1)
            return
        for turn in (rng.uniform(-0.65, -0.25), rng.uniform(0.2, 0.6)):
            grow(*end, angle + turn, length * rng.uniform(0.68, 0.82), width * 0.68)

    grow(wood.shape[1] / 2, size, rng.uniform(-0.08, 0.08), size * 0.25, size * 0.045)
    small = (wood.shape[1] // scale, height)
    branches = sprite_from(cv2.resize(wood, small, interpolation=cv2.INTER_AREA).astype(np.float32), trunk)
    if leaf is None:
        return branches
    return _crowned(branches, cv2.resize(crown, small, interpolation=cv2.INTER_AREA).astype(np.float32), leaf)


def _crowned(branches: Sprite, crown: npt.NDArray[np.float32], leaf: Color) -> Sprite:
    """Leaves over branches, lighter towards the top of the crown."""
    height = crown.shape[0]
    light = np.linspace(1.25, 0.7, height, dtype=np.float32)[:, None] * (0.75 + 0.35 * crown)
    leaves = np.clip(np.array(leaf) * light[..., None], 0, 255)
    alpha = np.clip(crown * 1.4, 0, 1)
    color = branches.color + (leaves - branches.color) * alpha[..., None]
    return Sprite(color.astype(np.uint8), np.maximum(alpha, branches.alpha))


def house(image: Image, x: float, y: float, width: float, wall: Color, lit: Color, door_open: float) -> None:
    """A gabled house, the ground at ``y``; the door stands open by 0..1 and lets the light out."""
    height = width * 0.5
    left, right, eave = x - width / 2, x + width / 2, y - height
    polygon(image, [(left, y), (left, eave), (right, eave), (right, y)], wall)
    roof = mix(wall, (0, 0, 0), 0.45)
    polygon(image, [(left - width * 0.07, eave), (x - width * 0.18, eave - width * 0.3),
                    (x + width * 0.18, eave - width * 0.3), (right + width * 0.07, eave)], roof)  # fmt: skip
    chimney = x + width * 0.12
    polygon(image, [(chimney, eave - width * 0.4), (chimney + width * 0.07, eave - width * 0.4),
                    (chimney + width * 0.07, eave - width * 0.2), (chimney, eave - width * 0.2)], roof)  # fmt: skip
    pane(image, left + width * 0.16, eave + height * 0.28, width * 0.17, height * 0.34, lit, wall)
    door_left, door_right = x + width * 0.14, x + width * 0.29
    door = [(door_left, y), (door_left, y - height * 0.6), (door_right, y - height * 0.6), (door_right, y)]
    polygon(image, door, mix(wall, (0, 0, 0), 0.55))
    if door_open > 0.02:
        gap = door_left + (door_right - door_left) * door_open
        polygon(image, [(door_left, y), (door_left, y - height * 0.6), (gap, y - height * 0.58), (gap, y)], lit)


def pane(image: Image, x: float, y: float, width: float, height: float, lit: Color, frame: Color) -> None:
    """A lit window with a cross."""
    polygon(image, [(x, y), (x + width, y), (x + width, y + height), (x, y + height)], lit)
    line(image, (x + width / 2, y), (x + width / 2, y + height), frame, max(1.0, width * 0.07))
    line(image, (x, y + height * 0.45), (x + width, y + height * 0.45), frame, max(1.0, width * 0.07))


def boat(image: Image, x: float, y: float, size: float, tilt: float, hull: Color, sail: Color) -> None:
    """A sailing boat on the water line ``y``; ``tilt`` in radians."""
    cos, sin = math.cos(tilt), math.sin(tilt)

    def place(outline: list[Point]) -> list[Point]:
        return [(x + (px * cos - py * sin) * size, y + (px * sin + py * cos) * size) for px, py in outline]

    polygon(image, place([(-0.5, -0.14), (0.62, -0.17), (0.42, 0.05), (-0.38, 0.05)]), hull)
    polygon(image, place([(0.04, -1.45), (0.04, -0.22), (-0.55, -0.22)]), sail)
    polygon(image, place([(0.1, -1.25), (0.1, -0.24), (0.55, -0.24)]), mix(sail, (255, 255, 255), 0.35))
    mast = place([(0.07, -1.5), (0.07, -0.15)])
    line(image, mast[0], mast[1], hull, max(1.0, size * 0.03))
