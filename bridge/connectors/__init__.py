"""The connectors by name. A connector's module is imported when it is used, never before."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from emsync_engine.errors import UsageError

if TYPE_CHECKING:
    from bridge.connectors.base import Connector, Options


@dataclass(frozen=True)
class Target:
    """A row of the table; ``bridge.connectors.MODULE`` has the class."""

    name: str
    module: str
    connector: str
    """Class name."""
    help: str


TARGETS = (
    Target("reaper", "reaper", "ReaperConnector", "REAPER 6.8x and 7, through the resident script"),
    Target("live", "live", "LiveConnector", "Ableton Live 11 and 12, through the EMSYNC remote script"),
    Target("abletonosc", "abletonosc", "AbletonOscConnector", "Ableton Live with AbletonOSC"),
    Target("ardour", "ardour", "ArdourConnector", "Ardour 7 and 8, through the shipped Lua actions and OSC"),
    Target("midi", "midi", "MidiConnector", "a MIDI port: played live, in time"),
    Target("files", "files", "FilesConnector", "files for every other system: MIDI, DAWproject, REAPER project"),
)


def target(name: str) -> Target:
    """Raises:
    UsageError: no such target.
    """
    for row in TARGETS:
        if row.name == name:
            return row
    raise UsageError(f"there is no target {name!r}; there are {', '.join(t.name for t in TARGETS)}", code="no_target")


def connector(name: str, options: Options | None = None) -> Connector:
    """The connector of that name, not yet connected.

    Raises:
        UsageError: no such target.
    """
    row = target(name)
    module = importlib.import_module(f"bridge.connectors.{row.module}")
    made: Connector = getattr(module, row.connector)(options)
    return made
