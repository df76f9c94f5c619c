"""Arguments of calls: one reader a kind, which takes what OSC and JSON clients send and gives what the worker needs."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.connectors import TARGETS
from bridge.midi.orders import ACTIONS, SOURCES
from bridge.settings import key_of, min_gap_of
from emsync_engine.errors import InputError
from emsync_engine.instructions import parse_mood, parse_parts, parse_tempo

Roots = Sequence[Path]
MAX_TEXT = 4096
"""Characters an argument may have."""
MAX_LEASE_S = 3600.0
"""Seconds that a subscription may last before it has to be renewed."""
TOPICS = ("jobs", "transport")
_ID = re.compile(r"[A-Za-z0-9_.:-]{1,64}")


@dataclass(frozen=True)
class Argument:
    """A row of a call's arguments, in the order that OSC sends them."""

    name: str
    kind: str
    help: str
    required: bool = False


def job_id(value: Any) -> str:
    """The id of a request as text; 1, 1.0 and "1" are the same.

    Raises:
        InputError: no such id.
    """
    said = str(int(value)) if isinstance(value, (int, float)) and _is_whole(value) else value
    if not isinstance(said, str) or not _ID.fullmatch(said):
        raise InputError(
            "an id is a whole number or up to 64 letters, digits and _ . : - signs of your choice", code="bad_id"
        )
    return said


def checked(arguments: Sequence[Argument], given: Mapping[str, Any], roots: Roots) -> dict[str, Any]:
    """The arguments of a request, each as the worker wants it; those that were not given are left out.

    Raises:
        InputError: an unknown, missing or unusable argument.
    """
    known = {a.name for a in arguments}
    unknown = sorted(set(given) - known)
    if unknown:
        wanted = ", ".join(a.name for a in arguments) or "none"
        raise InputError(f"unknown argument {unknown[0][:40]!r} (known: {wanted})", code="bad_argument")
    values: dict[str, Any] = {}
    for argument in arguments:
        value = given.get(argument.name)
        if value is None or value == "":
            if argument.required:
                raise InputError(f"{argument.name} is missing: {argument.help}", code="bad_argument")
            continue
        try:
            values[argument.name] = _KINDS[argument.kind](value, roots)
        except InputError as error:
            raise InputError(f"{argument.name}: {error.message}", error.where, error.code) from error
    return values


# --- kinds -------------------------------------------------------------------------------------------------------


def _is_whole(value: float) -> bool:
    return math.isfinite(value) and value == int(value)


def _text(value: Any, roots: Roots) -> str:
    if not isinstance(value, (str, int, float)):
        raise InputError(f"{type(value).__name__} is no text", code="bad_argument")
    text = _plain(int(value) if isinstance(value, bool) else value)
    if len(text) > MAX_TEXT or "\0" in text:
        raise InputError(f"a text has up to {MAX_TEXT} characters and no NUL", code="bad_argument")
    return text


def _plain(value: str | float) -> str:
    """Numbers as people write them: OSC's 32-bit floats lose the digits that they never had."""
    if isinstance(value, float):
        if not math.isfinite(value) or abs(value) > 1e12:
            raise InputError(f"{value} is not a usable number", code="bad_argument")
        return f"{value:.6f}".rstrip("0").rstrip(".")
    return str(value)


def _whole(value: Any, roots: Roots) -> int:
    try:
        number = int(value) if isinstance(value, str) and len(value) < 20 else value
    except ValueError as error:
        raise InputError(f"{value!r} is not a whole number", code="bad_argument") from error
    if not isinstance(number, (int, float)) or not _is_whole(number) or abs(number) >= 1 << 63:
        raise InputError(f"{str(value)[:40]!r} is not a whole number", code="bad_argument")
    return int(number)


def _path(value: Any, roots: Roots) -> str:
    """An absolute path below one of the roots, links resolved."""
    text = _text(value, roots)
    path = Path(text)
    if not path.is_absolute():
        raise InputError("give an absolute path", text, "bad_path")
    try:
        path = path.resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise InputError(f"this path cannot be used: {error}", text, "bad_path") from error
    if not any(path.is_relative_to(root) for root in roots):
        allowed = ", ".join(map(str, roots))
        raise InputError(f"outside the folders that the daemon may use ({allowed}); see --root", text, "outside_roots")
    return str(path)


def _file(value: Any, roots: Roots) -> str:
    path = _path(value, roots)
    if not Path(path).is_file():
        raise InputError("there is no such file", path, "no_such_file")
    return path


def _mood(value: Any, roots: Roots) -> str:
    text = ",".join(_text(v, roots) for v in value) if isinstance(value, list) else _text(value, roots)
    parse_mood(text)
    return text


def _parts(value: Any, roots: Roots) -> str:
    text = ",".join(_text(v, roots) for v in value) if isinstance(value, list) else _text(value, roots)
    parse_parts(text)
    return text


def _choice(*options: str) -> Callable[[Any, Roots], str]:
    def read(value: Any, roots: Roots) -> str:
        text = _text(value, roots)
        if text not in options:
            raise InputError(f"{text[:40]!r} is none of {', '.join(options)}", code="bad_argument")
        return text

    return read


def _lease(value: Any, roots: Roots) -> float:
    try:
        seconds = float(_text(value, roots))
    except ValueError as error:
        raise InputError("not a number of seconds", code="bad_argument") from error
    if not 1 <= seconds <= MAX_LEASE_S:
        raise InputError(f"1 to {MAX_LEASE_S:g} seconds", code="bad_argument")
    return seconds


def _parsed(parse: Callable[[str], Any]) -> Callable[[Any, Roots], str]:
    def read(value: Any, roots: Roots) -> str:
        text = _text(value, roots)
        parse(text)
        return text

    return read


_KINDS: Mapping[str, Callable[[Any, Roots], Any]] = {
    "text": _text,
    "id": lambda value, roots: job_id(value),
    "time": _text,
    "whole number": _whole,
    "path": _path,
    "file": _file,
    "mood": _mood,
    "parts": _parts,
    "tempo": _parsed(parse_tempo),
    "key": _parsed(key_of),
    "seconds": _parsed(min_gap_of),
    "action": _choice(*ACTIONS),
    "time source": _choice(*SOURCES),
    "topic": _choice(*TOPICS),
    "lease": _lease,
    "target": _choice(*(t.name for t in TARGETS if t.name != "midi")),
}
"""Kind -> reader (value, roots). The names are those of the documentation."""
