"""Pads and knobs that start jobs: a TOML file maps notes and controllers to calls of the daemon."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emsync_engine.errors import InputError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_ON_FROM = 64
"""A controller is a switch: on from this value."""
_OWN = ("note", "cc", "channel", "do")


@dataclass(frozen=True)
class Trigger:
    """A row of the map."""

    kind: int
    """Status nibble: 0x90 for a note, 0xB0 for a controller."""
    number: int
    channel: int | None
    """0..15; None is any."""
    do: str
    """A call of the daemon, ``next_take`` or ``previous_take``."""
    arguments: Mapping[str, Any]

    def is_meant(self, data: bytes) -> bool:
        """Whether a message is of this note or controller."""
        same = data[0] & 0xF0 == self.kind and len(data) == 3 and data[1] == self.number
        return same and self.channel in (None, data[0] & 15)


class Pads:
    """Listens for the triggers; a controller fires when it goes up through the middle, not while it stays there."""

    def __init__(self, triggers: Sequence[Trigger]) -> None:
        self._triggers = triggers
        self._values: dict[bytes, int] = {}

    def hear(self, data: bytes) -> list[int]:
        """The numbers of the rows that a message fires."""
        if len(data) != 3 or data[0] & 0xF0 not in (0x90, 0xB0):
            return []
        if data[0] & 0xF0 == 0x90:
            fires = data[2] > 0
        else:
            before, self._values[data[:2]] = self._values.get(data[:2], 0), data[2]
            fires = before < _ON_FROM <= data[2]
        return [i for i, t in enumerate(self._triggers) if t.is_meant(data)] if fires else []


def load_triggers(path: Path) -> tuple[Trigger, ...]:
    """The map in a TOML file: ``[[trigger]]`` rows.

    Raises:
        InputError: it cannot be read, or a row is not usable.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"cannot be read: {error}", str(path), "bad_midi_map") from error
    rows = table.get("trigger")
    if set(table) != {"trigger"} or not isinstance(rows, list) or not all(isinstance(r, dict) for r in rows):
        raise InputError("a MIDI map has [[trigger]] rows and nothing else", str(path), "bad_midi_map")
    return tuple(_trigger(row, f"{path}, trigger {number}") for number, row in enumerate(rows, start=1))


def _trigger(row: Mapping[str, Any], where: str) -> Trigger:
    if ("note" in row) == ("cc" in row):
        raise InputError("say note = N or cc = N, one of them", where, "bad_midi_map")
    name = "note" if "note" in row else "cc"
    number, channel, do = row[name], row.get("channel"), row.get("do")
    if not _is_whole(number, 0, 127):
        raise InputError(f"{name} is 0 to 127", where, "bad_midi_map")
    if channel is not None and not _is_whole(channel, 1, 16):
        raise InputError("channel is 1 to 16", where, "bad_midi_map")
    if not isinstance(do, str):
        raise InputError('do = "next_take", "regenerate" or another call is missing', where, "bad_midi_map")
    arguments = {k: v for k, v in row.items() if k not in _OWN}
    kind = 0x90 if name == "note" else 0xB0
    return Trigger(kind, number, None if channel is None else channel - 1, do, arguments)


def _is_whole(value: Any, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
