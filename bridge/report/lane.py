"""A lane: one row of the timeline, drawn in seconds across and pixels down.

Nothing in a lane knows the zoom. Drawings are SVG whose x axis is seconds, stretched to the width; words are HTML
that carries its time (``--t``) and the room it has (``--d``) in seconds, and the style sheet multiplies both with the
length of a second. A label that has no room wraps out of sight as a whole, at every zoom.
"""

from __future__ import annotations

from dataclasses import dataclass

from bridge.report.markup import escape, number


@dataclass(frozen=True)
class Lane:
    """One row."""

    id: str
    name: str
    height: int
    """Pixels."""
    body: str
    """Markup of what lies on the time axis."""
    note: str = ""
    """A few words under the name."""
    gutter: str = ""
    """Markup beside the name, such as the names of drum rows."""


def lane_html(lane: Lane) -> str:
    """The row: its name in the gutter, which stays put, and its body."""
    note = f"<small>{lane.note}</small>" if lane.note else ""
    return (
        f'<div class="lane {lane.id.split("-")[0]}" id="lane-{escape(lane.id)}" style="--h:{lane.height}px" '
        f'role="group" aria-label="{escape(lane.name)}">'
        f'<div class="gutter"><span class="name">{escape(lane.name)}{note}</span>{lane.gutter}</div>'
        f'<div class="body">{lane.body}</div></div>\n'
    )


def drawing(content: str, duration_s: float, height: float, label: str = "") -> str:
    """An SVG over the whole axis. Without a label it is decoration."""
    spoken = f'role="img" aria-label="{escape(label)}"' if label else 'aria-hidden="true"'
    return (
        f'<svg viewBox="0 0 {number(duration_s)} {number(height)}" preserveAspectRatio="none" {spoken}>{content}</svg>'
    )


def path(kind: str, commands: str) -> str:
    """A path of a class, or nothing when there is nothing to draw."""
    return f'<path class="{kind}" d="{commands}"/>' if commands else ""


def count(many: int, one: str, more: str = "") -> str:
    """``1 note``, ``3 notes``, ``12,345 notes``."""
    return f"{many:,} {one if many == 1 else more or one + 's'}"
