"""Where a score stands at a moment of the clock."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Anchor:
    """At ``at`` (seconds of the clock) the score stood at ``position_s``, and goes on at ``speed``."""

    position_s: float
    at: float
    speed: float = 1.0
    limit_s: float = math.inf
    """It does not go on beyond this before more is known."""

    def position(self, now: float) -> float:
        return min(self.position_s + (now - self.at) * self.speed, self.limit_s)

    def due(self, position_s: float) -> float:
        """When a place of the score is reached; infinite beyond the limit."""
        if position_s > self.limit_s:
            return math.inf
        return self.at + (position_s - self.position_s) / self.speed
