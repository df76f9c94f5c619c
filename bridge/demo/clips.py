"""The source clips of the demo film, as a camera would have delivered them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bridge.demo.canvas import Painter
from bridge.demo.scenes import chase, day, night, rest

HANDLE = 8
"""Frames that every clip has before and after what the edit uses."""


@dataclass(frozen=True)
class Clip:
    """One source file."""

    name: str
    used: int
    """Frames that the edit uses."""
    painter: Callable[[], Painter]

    @property
    def frames(self) -> int:
        return self.used + 2 * HANDLE

    @property
    def file(self) -> str:
        return f"{self.name}.mp4"


CLIPS: dict[str, Clip] = {
    clip.name: clip
    for clip in (
        Clip("day_valley", 139, day.valley),
        Clip("day_field", 255, day.field),
        Clip("day_birds", 34, day.birds),
        Clip("night_moon", 172, night.moon),
        Clip("night_house", 181, night.lonely_house),
        Clip("night_window", 58, night.window),
        Clip("chase_cars", 166, chase.cars),
        Clip("chase_runner", 98, chase.runner),
        Clip("chase_road", 68, chase.road),
        Clip("chase_siren", 25, chase.siren),
        Clip("rest_sea", 249, rest.sea),
        Clip("rest_blossom", 124, rest.blossom),
    )
}
