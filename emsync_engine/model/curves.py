"""The training curve as an SVG picture, without any drawing library."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

Points = Sequence[tuple[float, float]]

_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP, _RIGHT = 860, 420, 60, 40, 20, 150
_COLOURS = ("#1b6ca8", "#c0392b", "#27ae60", "#8e44ad", "#d68910", "#16a085", "#7f8c8d", "#2c3e50", "#c2185b")


def svg(lines: Mapping[str, Points], x_label: str, y_label: str) -> str:
    """A line chart of named series of (x, y); the y axis spans the values after the first tenth of x."""
    points = [point for line in lines.values() for point in line]
    if not points:
        return f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}"/>'
    x_max = max(x for x, _ in points) or 1.0
    settled = [y for x, y in points if x >= 0.1 * x_max]
    low, high = math.floor(min(settled) * 2) / 2, math.ceil(max(settled) * 2) / 2
    high = high if high > low else low + 1
    inner_w, inner_h = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM

    def place(x: float, y: float) -> str:
        clipped = min(max(y, low), high)
        return f"{_LEFT + inner_w * x / x_max:.1f},{_TOP + inner_h * (high - clipped) / (high - low):.1f}"

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}">',
        "<style>text { font: 11px sans-serif }</style>",
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    for tick in range(9):
        y = low + (high - low) * tick / 8
        at = float(place(0, y).split(",")[1])
        parts.append(f'<line x1="{_LEFT}" x2="{_LEFT + inner_w}" y1="{at}" y2="{at}" stroke="#ddd"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{at + 4}" text-anchor="end">{y:.2f}</text>')
    for tick in range(6):
        x = x_max * tick / 5
        at = _LEFT + inner_w * tick / 5
        parts.append(f'<text x="{at}" y="{_HEIGHT - 22}" text-anchor="middle">{x:,.0f}</text>')
    for number, (name, line) in enumerate(lines.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        path = " ".join(place(x, y) for x, y in line)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        last = f"{line[-1][1]:.2f}" if line else ""
        y_text = _TOP + 14 + 16 * number
        parts.append(f'<text x="{_WIDTH - _RIGHT + 10}" y="{y_text}" fill="{colour}">{name} {last}</text>')
    parts.append(f'<text x="{_LEFT + inner_w / 2}" y="{_HEIGHT - 6}" text-anchor="middle">{x_label}</text>')
    parts.append(
        f'<text x="14" y="{_TOP + inner_h / 2}" transform="rotate(-90 14 {_TOP + inner_h / 2})">{y_label}</text>'
    )
    return "\n".join([*parts, "</svg>", ""])


def of_log(path: Path) -> str:
    """The curves of a run's `log.jsonl`: training and validation bits a note over millions of events."""
    lines: dict[str, list[tuple[float, float]]] = {"train": [], "valid": []}
    for text in path.read_text(encoding="utf-8").splitlines():
        record = json.loads(text)
        millions = record["events"] / 1e6
        if "bits_per_note" in record:
            lines["train"].append((millions, record["bits_per_note"]))
        if "valid" in record:
            lines["valid"].append((millions, record["valid"]))
            for source, values in record["sources"].items():
                lines.setdefault(source, []).append((millions, values["bits_per_note"]))
    return svg(lines, "million events", "bits a note")
