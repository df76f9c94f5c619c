"""The orders that a deck takes, by name."""

from __future__ import annotations

ACTIONS = ("play", "stop", "locate", "follow", "load", "state")
SOURCES = ("mtc", "clock")
"""What can be followed."""
