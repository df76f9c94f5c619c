"""Small functions that write HTML: every text and number of the report goes through here."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from html import escape as _escape
from typing import Any

import numpy as np
import numpy.typing as npt


def escape(text: object) -> str:
    """Text that is safe inside an element and inside a quoted attribute."""
    return _escape(str(text), quote=True)


def number(value: float, digits: int = 3) -> str:
    """The shortest decimal for a coordinate: ``12.5``, ``.25``, ``-3``, ``0``."""
    text = f"{value:.{digits}f}".rstrip("0").rstrip(".") if digits else f"{value:.0f}"
    if text in ("-0", ""):
        return "0"
    return text[1:] if text.startswith("0.") else text.replace("-0.", "-.", 1) if text.startswith("-0.") else text


def numbers(values: npt.NDArray[np.float64], digits: int = 3) -> list[str]:
    """``number`` of a whole array."""
    return [number(value, digits) for value in values.tolist()]


def place(start_s: float, room_s: float | None = None, style: str = "") -> str:
    """The style that puts an element at a time, and gives it the room up to what comes next."""
    room = "" if room_s is None else f";--d:{number(max(room_s, 0.0))}"
    return f'style="--t:{number(start_s)}{room}{";" if style else ""}{style}"'


def signed(value: float, digits: int = 2) -> str:
    """``+0.35`` or ``−0.10``, with a real minus sign; no sign for what rounds to zero."""
    text = f"{value:+.{digits}f}"
    return text.replace("-", "\N{MINUS SIGN}") if text.strip("+-0.") else text[1:]


def script_json(value: Any) -> str:
    """JSON that cannot end the script element it stands in."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c").replace("&", "\\u0026")


def table(caption: str, head: Sequence[tuple[str, str]], rows: Iterable[Sequence[str]], ids: Sequence[str] = ()) -> str:
    """A table.

    Args:
        caption: said to screen readers; the visible title is a heading.
        head: (title, class) of each column; the class goes on its cells as well.
        rows: cells that are markup already. The first is the row's header.
        ids: id of each row, for links into the table.
    """
    columns = "".join(f'<th scope="col"{_class(c)}>{escape(title)}</th>' for title, c in head)
    lines = []
    for index, row in enumerate(rows):
        identity = f' id="{ids[index]}"' if ids else ""
        first = f'<th scope="row"{_class(head[0][1])}>{row[0]}</th>'
        rest = "".join(f"<td{_class(c)}>{cell}</td>" for cell, (_, c) in zip(row[1:], head[1:]))
        lines.append(f"<tr{identity}>{first}{rest}</tr>")
    return (
        f'<div class="scroll"><table><caption class="unseen">{escape(caption)}</caption>'
        f"<thead><tr>{columns}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
    )


def _class(name: str) -> str:
    return f' class="{name}"' if name else ""
