"""A small painter: gradients, ridges, sprites and light on an 8-bit BGR image of 640 x 360."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

WIDTH, HEIGHT = 640, 360
FPS = 24

Image = npt.NDArray[np.uint8]
"""(height, width, 3) BGR."""
Floats = npt.NDArray[np.float64]
Color = tuple[int, int, int]
"""Blue, green, red."""
Ridge = Callable[[Floats], Floats]
"""Height of a skyline over x, in pixels."""
Painter = Callable[[float], Image]
"""The picture at a time in seconds."""

_SUBPIXEL_BITS = 4


@dataclass(frozen=True)
class Sprite:
    """Something to lay over a picture."""

    color: Image
    alpha: npt.NDArray[np.float32]
    """(height, width), 0..1."""


def rgb(code: str) -> Color:
    """Colour of ``"#rrggbb"``."""
    return int(code[5:7], 16), int(code[3:5], 16), int(code[1:3], 16)


def mix(a: Color, b: Color, share: float) -> Color:
    """``share`` of ``b`` in ``a``."""
    blue, green, red = (round(x + (y - x) * share) for x, y in zip(a, b))
    return blue, green, red


def gradient(stops: Sequence[tuple[float, str]], height: int = HEIGHT) -> Image:
    """A vertical gradient of ``(position 0..1, "#rrggbb")`` stops, dithered so that it does not band."""
    rows = np.linspace(0.0, 1.0, height)
    at = [position for position, _ in stops]
    colors = np.array([rgb(code) for _, code in stops], dtype=float)
    column = np.stack([np.interp(rows, at, colors[:, c]) for c in range(3)], axis=1)
    noise = np.random.default_rng(1).uniform(-0.5, 0.5, (height, WIDTH, 1))
    return np.asarray(np.clip(np.round(column[:, None, :] + noise), 0, 255), dtype=np.uint8)


def polygon(image: Image, points: npt.ArrayLike, color: Color) -> None:
    """Fill a polygon with smooth edges at sub-pixel positions."""
    fixed = np.round(np.asarray(points, dtype=float) * (1 << _SUBPIXEL_BITS)).astype(np.int32)
    cv2.fillPoly(image, [fixed], color, cv2.LINE_AA, _SUBPIXEL_BITS)


def line(image: Image, a: Sequence[float], b: Sequence[float], color: Color, width: float = 1.0) -> None:
    """A straight stroke; ``width`` in pixels."""
    scale = 1 << _SUBPIXEL_BITS
    p, q = ((round(x * scale), round(y * scale)) for x, y in (a, b))
    cv2.line(image, p, q, color, max(1, round(width)), cv2.LINE_AA, _SUBPIXEL_BITS)


def strokes(image: Image, starts: Floats, ends: Floats, color: Color, width: int = 1) -> None:
    """Many straight strokes of one colour at once; both ends as (count, 2)."""
    fixed = np.round(np.stack([starts, ends], axis=1) * (1 << _SUBPIXEL_BITS)).astype(np.int32)
    cv2.polylines(image, list(fixed), False, color, width, cv2.LINE_AA, _SUBPIXEL_BITS)


def disc(image: Image, x: float, y: float, radius: float, color: Color) -> None:
    """A filled circle."""
    scale = 1 << _SUBPIXEL_BITS
    centre = (round(x * scale), round(y * scale))
    cv2.circle(image, centre, round(radius * scale), color, -1, cv2.LINE_AA, _SUBPIXEL_BITS)


def ridge(seed: int, base: float, height: float, wavelength: float, octaves: int = 4) -> Ridge:
    """A skyline around ``base`` pixels from the top with hills ``height`` high and ``wavelength`` wide."""
    rng = np.random.default_rng(seed)
    waves = [
        (height * 0.5**k, 2 * np.pi * (1.9**k) / wavelength * rng.uniform(0.85, 1.15), rng.uniform(0, 6.3))
        for k in range(octaves)
    ]

    def skyline(x: Floats) -> Floats:
        total = np.full_like(x, base)
        for amplitude, frequency, phase in waves:
            total -= amplitude * 0.5 * np.sin(frequency * x + phase)
        return total

    return skyline


def draw_ridge(image: Image, skyline: Ridge, pan: float, color: Color, step: int = 5) -> None:
    """Fill everything below a skyline; ``pan`` is how far the camera has moved in pixels."""
    x = np.arange(-step, WIDTH + 2 * step, step, dtype=float)
    y = skyline(x + pan)
    outline = np.concatenate([np.stack([x, y], axis=1), [[WIDTH + step, HEIGHT], [-step, HEIGHT]]])
    polygon(image, outline, color)


def glow(radius: int, code: str, strength: float = 1.0, power: float = 2.0) -> Image:
    """Light to be added: brightest in the middle, gone at ``radius``."""
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    fall = np.clip(1 - np.hypot(x, y) / radius, 0, 1) ** power * strength
    return np.asarray(np.clip(fall[..., None] * np.array(rgb(code)), 0, 255), dtype=np.uint8)


def warm_up(image: Image, x: float, y: float, radius: float, code: str, share: float, power: float = 1.6) -> Image:
    """Draw a picture towards a colour around (x, y), as haze around the sun does; nothing burns out."""
    rows, columns = np.mgrid[0 : image.shape[0], 0 : image.shape[1]]
    fall = np.clip(1 - np.hypot(columns - x, rows - y) / radius, 0, 1) ** power * share
    mixed = image + (np.array(rgb(code)) - image) * fall[..., None]
    noise = np.random.default_rng(2).uniform(-0.5, 0.5, (*image.shape[:2], 1))
    return np.asarray(np.clip(np.round(mixed + noise), 0, 255), dtype=np.uint8)


def _overlap(x: int, y: int, width: int, height: int) -> tuple[slice, slice, slice, slice] | None:
    """Rows and columns of the picture and of a sprite whose upper left corner is at (x, y)."""
    left, top, right, bottom = max(x, 0), max(y, 0), min(x + width, WIDTH), min(y + height, HEIGHT)
    if left >= right or top >= bottom:
        return None
    return slice(top, bottom), slice(left, right), slice(top - y, bottom - y), slice(left - x, right - x)


def add_light(image: Image, light: Image, x: float, y: float, strength: float = 1.0) -> None:
    """Add light centred on (x, y)."""
    where = _overlap(round(x) - light.shape[1] // 2, round(y) - light.shape[0] // 2, light.shape[1], light.shape[0])
    if where is None or strength <= 0:
        return
    rows, columns, from_rows, from_columns = where
    region = image[rows, columns]
    image[rows, columns] = cv2.addWeighted(region, 1.0, light[from_rows, from_columns], strength, 0)


def stamp(image: Image, sprite: Sprite, x: float, y: float) -> None:
    """Lay a sprite over the picture with its upper left corner at a sub-pixel position."""
    height, width = sprite.alpha.shape
    column, row = int(np.floor(x)), int(np.floor(y))
    where = _overlap(column, row, width, height)
    if where is None:
        return
    rows, columns, from_rows, from_columns = where
    shift = np.array([[1, 0, x - column], [0, 1, y - row]], dtype=np.float32)
    color = cv2.warpAffine(sprite.color, shift, (width, height), borderMode=cv2.BORDER_REPLICATE)
    alpha = cv2.warpAffine(sprite.alpha, shift, (width, height))[from_rows, from_columns]
    below = np.ascontiguousarray(image[rows, columns])
    image[rows, columns] = cv2.blendLinear(below, color[from_rows, from_columns].copy(), 1 - alpha, alpha.copy())


def sprite_from(mask: npt.NDArray[np.float32], color: Color) -> Sprite:
    """One colour with an alpha of 0..1."""
    return Sprite(np.full((*mask.shape, 3), color, dtype=np.uint8), mask)


def cloud(seed: int, width: int, code: str, density: float = 0.85) -> Sprite:
    """A soft, flat-bottomed cloud."""
    rng = np.random.default_rng(seed)
    height = width // 2
    mask = np.zeros((height, width), dtype=np.float32)
    for _ in range(16):
        x = rng.normal(width / 2, width / 7)
        radius = width * rng.uniform(0.05, 0.11) * (1.3 - abs(x - width / 2) / width * 2)
        cv2.circle(mask, (round(x), round(height * 0.6 - radius * 0.55)), max(2, round(radius)), 1.0, -1, cv2.LINE_AA)
    cv2.ellipse(mask, (width // 2, round(height * 0.62)), (width * 2 // 5, height // 11), 0, 0, 360, 1.0, -1)
    mask = cv2.GaussianBlur(mask, (0, 0), width / 45).astype(np.float32) * np.float32(density)
    return sprite_from(mask, rgb(code))


def shade(image: Image, mask: Image) -> Image:
    """Multiply by a mask where 255 means unchanged."""
    return cv2.multiply(image, mask, scale=1 / 255).astype(np.uint8, copy=False)


def vignette(strength: float = 0.45) -> Image:
    """A mask that darkens the corners."""
    y, x = np.mgrid[-1 : 1 : HEIGHT * 1j, -1 : 1 : WIDTH * 1j]
    fall = 1 - strength * np.clip((x**2 + y**2) / 2 - 0.25, 0, 1)
    return np.repeat((fall * 255).astype(np.uint8)[..., None], 3, axis=2)


def shake(image: Image, dx: float, dy: float, angle: float = 0.0, zoom: float = 1.05) -> Image:
    """Move the whole picture as a hand-held camera does; the zoom hides the edges."""
    matrix = cv2.getRotationMatrix2D((WIDTH / 2, HEIGHT / 2), angle, zoom)
    matrix[:, 2] += np.array([dx, dy])
    moved = cv2.warpAffine(image, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return moved.astype(np.uint8, copy=False)


def jitter(t: float, seed: float, rate: float = 9.0) -> float:
    """A smooth pseudo-random wobble in -1..1."""
    return float(np.sin(rate * t + seed) * 0.6 + np.sin(rate * 2.3 * t + seed * 1.7) * 0.4)
