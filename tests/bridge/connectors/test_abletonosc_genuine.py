"""Our client against AbletonOSC itself, on the strict fake Live: ``EMSYNC_ABLETONOSC=folder pytest ...``.

The folder is a copy of AbletonOSC as it is installed (``manager.py`` and ``abletonosc/`` are in it). It is not part of
EMSYNC. Without it these tests are skipped; ``fake_abletonosc.py`` stands in for it everywhere else.
"""

from __future__ import annotations

import importlib
import logging
import os
import re
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from bridge.connectors.abletonosc import AbletonOscConnector
from bridge.connectors.base import Options
from bridge.connectors.plan import Region
from tests.bridge.connectors.fake_abletonosc import free_pair
from tests.daw_scripts.live.fake_clips import MidiNoteSpecification
from tests.daw_scripts.live.fake_live import FakeLive
from tests.daw_scripts.live.plans import heard, rows_of, small_plan

HOME = os.environ.get("EMSYNC_ABLETONOSC", "")
TICK_S = 0.02
pytestmark = pytest.mark.skipif(
    not (HOME and (Path(HOME) / "manager.py").is_file()),
    reason="needs a copy of AbletonOSC: set EMSYNC_ABLETONOSC to its folder",
)
NEW = ((0, 72, 2, 100), (4, 127, 1, 127))


class _Surface:
    """What AbletonOSC uses of ``ableton.v2``'s ``ControlSurface``."""

    live: FakeLive

    def __init__(self, c_instance: Any) -> None:
        self._c_instance = c_instance
        self._waiting: list[tuple[int, Callable[[], None]]] = []

    @property
    def song(self) -> Any:
        return self._c_instance.song()

    @property
    def application(self) -> Any:
        return _Surface.live.application

    def schedule_message(self, delay: int, callback: Callable[[], None], *arguments: Any) -> None:
        self._waiting.append((max(delay, 1), callback))

    def show_message(self, text: str) -> None:
        self._c_instance.show_message(text)

    def log_message(self, *words: Any) -> None:
        self._c_instance.log_message(" ".join(map(str, words)))

    def update_display(self) -> None:
        due = [call for ticks, call in self._waiting if ticks <= 1]
        self._waiting = [(ticks - 1, call) for ticks, call in self._waiting if ticks > 1]
        for call in due:
            call()

    def build_midi_map(self, handle: object) -> None:
        pass

    def refresh_state(self) -> None:
        pass

    def disconnect(self) -> None:
        pass


class _Component:
    """What its handlers use of ``Component``."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        pass

    @property
    def song(self) -> Any:
        return _Surface.live.song

    @property
    def application(self) -> Any:
        return _Surface.live.application


def _modules() -> dict[str, ModuleType]:
    names = ("ableton", "ableton.v2", "ableton.v2.control_surface", "ableton.v2.control_surface.component",
             "_Framework", "_Framework.EncoderElement")  # fmt: skip
    made = {name: ModuleType(name) for name in names}
    made["ableton.v2.control_surface"].ControlSurface = _Surface  # type: ignore[attr-defined]
    made["ableton.v2.control_surface.component"].Component = _Component  # type: ignore[attr-defined]
    made["_Framework.EncoderElement"].EncoderElement = object  # type: ignore[attr-defined]
    return made


@contextmanager
def genuine(home: Path) -> Iterator[tuple[FakeLive, str, threading.RLock]]:
    """AbletonOSC running in a fake Live, its address, and the lock that holds Live still."""
    folder = Path(shutil.copytree(HOME, home / "AbletonOSC", ignore=shutil.ignore_patterns("logs", ".git")))
    port = free_pair()
    constants = folder / "abletonosc" / "constants.py"
    text = constants.read_text(encoding="utf-8")
    for name, value in (("OSC_LISTEN_PORT", port), ("OSC_RESPONSE_PORT", port + 1)):
        text, count = re.subn(rf"(?m)^{name}\s*=.*$", f"{name} = {value}", text)
        assert count == 1, f"{name} is not where it was"
    constants.write_text(text, encoding="utf-8")
    live, lock, end = FakeLive((12, 0)), threading.RLock(), threading.Event()
    _Surface.live = live
    shims = _modules()
    logging.raiseExceptions = False  # it logs with a message that is no text
    sys.modules.update(shims)
    sys.path.insert(0, str(home))

    def run() -> None:
        while not end.wait(TICK_S):
            with lock:
                live.tick()

    thread = threading.Thread(target=run, daemon=True)
    try:
        with live.installed():
            package = importlib.import_module("AbletonOSC")
        live.start(package)
        thread.start()
        yield live, f"127.0.0.1:{port}", lock
    finally:
        end.set()
        if thread.is_alive():
            thread.join(20)
        server = getattr(live.surface, "osc_server", None)
        if server is not None:
            server.shutdown()
        sys.path.remove(str(home))
        logging.raiseExceptions = True
        for name in [n for n in sys.modules if n in shims or n.partition(".")[0] == "AbletonOSC"]:
            del sys.modules[name]


def test_push_regenerate_and_protect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.live.remembered.default_state", lambda: tmp_path / "state")
    with genuine(tmp_path) as (live, at, lock), AbletonOscConnector(Options(at, 30)) as connector:
        started = time.monotonic()
        plan = small_plan(tmp_path, bpm=(96.0,))
        delivered = connector.push(plan)
        assert delivered.count("written") == 4
        assert delivered.markers == 4
        assert connector.push(plan).count("unchanged") == 4
        with lock:
            for part in plan.parts:
                held = [s.clip for s in live.track(part.name).clip_slots if s.has_clip]
                assert [rows_of(c) for c in held] == [heard(plan, i.part, i.section) for i in part.items]
            assert live.song.tempo == pytest.approx(96.0)
            live.track("Bass").clip_slots[0].clip.add_new_notes((MidiNoteSpecification(90, 3.0, 1.0),))
            live.song.loop_start, live.song.loop_length = 0.0, 16.0
            live.song.view.selected_track = live.track("Bass")
        second = small_plan(tmp_path, take=2, bpm=(96.0,), strings=NEW, bass=NEW)
        delivered = connector.replace(second, Region(0, second.end_tick))
        outcomes = {f"{i.part} {i.section}": i.outcome for i in delivered.items}
        assert outcomes["bass s1"] == "kept"
        assert {v for k, v in outcomes.items() if k != "bass s1"} == {"updated"}
        selection = connector.read_selection()
        assert (selection.parts, float(selection.end_s)) == (("bass",), 10.0)
        assert selection.edited == ("0123456789ab:bass:s1",)
        assert connector.transport("locate", 5).seconds == pytest.approx(5, abs=0.001)
        assert time.monotonic() - started < 120
