"""A fake REAPER with our scripts in it, and connectors that talk to it without waiting for a clock."""

from __future__ import annotations

import importlib
import shutil
import time
from pathlib import Path
from typing import Any

from tests.daw_scripts.reaper.fake_project import Item, Marker, Project, Source, Take, Track
from tests.daw_scripts.reaper.fake_reaper import NEWEST, FakeReaper

MOVIE = "/films/edit v3.mp4"


class Running:
    """REAPER with the listener running.

    Args:
        home: an empty folder; its ``REAPER`` becomes the resource path.
        lua: module of lupa.
        version: of REAPER.
    """

    def __init__(self, home: Path, lua: str = "lua54", version: str = NEWEST) -> None:
        self.home = home
        self.resources = home / "REAPER"
        scripts: Any = importlib.import_module("daw_scripts")
        self.scripts = self.resources / "Scripts" / "EMSYNC"
        shutil.copytree(scripts.script_path("reaper"), self.scripts)
        self.lua, self.version = lua, version
        self.reaper = FakeReaper(self.resources, lua, version)
        self.age_s = 0.0
        """Seconds by which the clock of the other side is ahead: how long ago REAPER was last seen."""

    def start(self) -> Running:
        self.reaper.run(self.scripts / "emsync_listener.lua")
        self.reaper.turn()
        return self

    def restart(self) -> Running:
        """A new REAPER, the same computer and the same project, as it was saved."""
        saved = self.reaper.projects
        self.reaper = FakeReaper(self.resources, self.lua, self.version)
        self.reaper.projects = saved
        self.age_s = 0.0
        return self.start()

    def action(self, name: str) -> None:
        self.reaper.run(self.scripts / f"emsync_{name}.lua")

    @property
    def project(self) -> Project:
        return self.reaper.project

    def clock(self) -> float:
        """The moment of the last heartbeat, and ``age_s``: how long a test takes does not matter."""
        path = self.resources / "Data" / "EMSYNC" / "mailbox" / "heartbeat.json"
        return (path.stat().st_mtime if path.is_file() else time.time()) + self.age_s

    def box(self) -> Any:
        module = importlib.import_module("bridge.connectors.reaper_box")
        return module.Mailbox(self.resources, self.clock, lambda _: self.reaper.turn())

    def connector(self, on_edit: str = "keep", timeout_s: float = 60.0) -> Any:
        base = importlib.import_module("bridge.connectors.base")
        module = importlib.import_module("bridge.connectors.reaper")
        return module.ReaperConnector(base.Options(timeout_s=timeout_s, on_edit=on_edit), self.box())

    # --- what is in the project ---

    def add_item(
        self, kind: str, position: float, length: float, *, file: str = "", timebase: int = -1, name: str = ""
    ) -> Item:
        """An item of the composer's on a track of its own."""
        track = Track(name or kind)
        item = Item(track, position, length)
        item.values["C_BEATATTACHMODE"] = float(timebase)
        item.takes.append(Take(item, Source(kind, file), name or Path(file).name))
        if kind == "MIDI":
            item.takes[0].source.events = [
                (0, 0, b"\x90\x3c\x40"),
                (960, 0, b"\x80\x3c\x00"),
                (960, 0, b"\xb0\x7b\x00"),
            ]
        track.items.append(item)
        self.project.state.tracks.append(track)
        return item

    def add_marker(self, name: str, time: float, end: float | None = None) -> Marker:
        numbers = [m.number for m in self.project.state.markers]
        marker = Marker(end is not None, time, end or time, name, max(numbers, default=0) + 1)
        self.project.state.markers.append(marker)
        return marker

    def ours(self) -> dict[str, Item]:
        """Items of ours by id; an id twice is an error."""
        found: dict[str, Item] = {}
        for item in self.project.items():
            name = item.ext.get("P_EXT:emsync_item", "")
            if name:
                assert name not in found, f"{name} is there twice"
                found[name] = item
        return found

    def item(self, part: str, section: str) -> Item:
        return next(item for name, item in self.ours().items() if name.endswith(f":{part}:{section}"))

    def select(self, *items: Item) -> None:
        for item in self.project.items():
            item.selected = item in items

    def edit(self, item: Item, pitch: int = 61) -> bytes:
        """The composer moves the first note to another pitch; returns what lies in the take then."""
        take = item.active
        assert take is not None
        old = next(m for _, _, m in take.source.events if m[0] & 0xF0 == 0x90)
        changed = [
            (t, f, bytes((m[0], pitch, m[2])) if m[0] & 0xE0 == 0x80 and m[1] == old[1] else m)
            for t, f, m in take.source.events
        ]
        take.source.events = changed
        self.project.changes += 1
        return content(item)


def content(item: Item) -> bytes:
    """Everything in the active take."""
    return repr(item.active.source.events if item.active else None).encode()


def whole_state(project: Project) -> list[Any]:
    """What a user would see of a project."""
    state = project.state
    return [
        [(t.name, t.colour, sorted(t.ext.items())) for t in state.tracks],
        [
            (round(i.position, 9), round(i.length, 9), i.current, sorted(i.ext.items()), sorted(i.values.items()),
             [(t.name, sorted(t.ext.items()), t.source.events if t.source else None) for t in i.takes])
            for i in project.items()
        ],
        [(round(m.time, 9), m.bpm, m.numerator, m.denominator) for m in state.tempo],
        sorted((m.name, round(m.time, 9), round(m.end, 9), m.guid) for m in state.markers),
        {section: dict(rows) for section, rows in state.ext.items() if rows},
    ]  # fmt: skip
