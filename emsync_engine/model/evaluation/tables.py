"""Tables of measurements, as Markdown for people; the same rows go into the JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Cell = str | int | float | None


@dataclass(frozen=True)
class Table:
    """Rows of one measurement; the first column names the row, units stand in the headings."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()
    results: dict[str, Any] = field(default_factory=dict)
    """Further numbers for the JSON."""

    def text(self) -> str:
        """The table in Markdown."""
        cells = [list(self.columns), *[[shown(c) for c in row] for row in self.rows]]
        widths = [max(len(row[i]) for row in cells) for i in range(len(self.columns))]
        lines = ["| " + " | ".join(c.ljust(w) for c, w in zip(row, widths)) + " |" for row in cells]
        rule = "|" + "|".join("-" * (w + 2) for w in widths) + "|"
        return "\n".join([f"### {self.title}", "", lines[0], rule, *lines[1:], *[f"\n{note}" for note in self.notes]])


def shown(cell: Cell) -> str:
    """A cell as people read it: three digits."""
    if cell is None:
        return "-"
    if isinstance(cell, float):
        return f"{cell:.0f}" if abs(cell) >= 100 else f"{cell:.3g}"
    return str(cell)
