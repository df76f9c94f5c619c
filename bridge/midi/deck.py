"""The deck: one player with its ports and pads, and the orders that it takes."""

from __future__ import annotations

import gc
import math
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.folder import ScoreFolder
from bridge.midi.orders import SOURCES
from bridge.midi.player import PLAYING, Player
from bridge.midi.ports import KeptInput, KeptOutput, Ports
from bridge.midi.programme import Programme
from bridge.midi.runner import Runner
from bridge.midi.triggers import Pads, Trigger
from bridge.times import parse_time
from emsync_engine.errors import InputError

_LOOK_S = 1.0
"""Between two looks at which ports there are."""
_TELL_S = 0.1
"""Between two reports of where a playing score is."""
_SETTLE_S = 0.3
"""A port that was just opened may lose what is sent at once (seen with JACK)."""
_TROUBLED_LOOK_S = 10.0
"""The same where the system has no MIDI at all."""
Tell = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Wiring:
    """The names of the ports; an empty one is not wanted."""

    music: str = ""
    sync: str = ""
    input: str = ""


class Deck:
    """Plays score folders.

    Args:
        tell: hears ``{"event": "state", ...}`` at every change and while it plays, and ``{"event": "trigger", ...}``.
    """

    def __init__(self, ports: Ports, wiring: Wiring, triggers: Sequence[Trigger], tell: Tell) -> None:
        self._tell = tell
        self._pads = Pads(triggers)
        self._folder: Path | None = None
        self._music = KeptOutput(ports, wiring.music)
        self._sync = self._music if wiring.sync == wiring.music else KeptOutput(ports, wiring.sync)
        self._input = KeptInput(ports, wiring.input, self._hear)
        self._kept = {"music": self._music, "sync": self._sync, "input": self._input}
        self._runner = Runner(Player(self._music.send, self._sync.send))
        self._greets_at = math.inf
        """When ports that have come back are told what is set."""
        self._ending = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="ports", daemon=True)

    def start(self) -> None:
        """Open the ports that are there and begin to take orders."""
        self._look()
        self._runner.start()
        self._keeper.start()

    def end(self) -> None:
        """Stop the music and let go of the ports."""
        self._ending.set()
        self._keeper.join(5)
        self._runner.end()
        for port in self._kept.values():
            port.lose("closed")

    # --- orders ---

    def order(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Do what is asked: action, folder, at, source. What the transport is doing after it.

        Raises:
            InputError: it cannot be done.
        """
        if asked.get("folder") and asked["action"] != "state":
            self._load(Path(asked["folder"]), again=asked["action"] == "load")
        now = self._runner.clock()
        with self._runner.player() as player:
            at_s = self._time(player, asked["at"]) if asked.get("at") is not None else None
            self._act(player, asked, at_s, now)
        return self.state()

    def _act(self, player: Player, asked: Mapping[str, Any], at_s: float | None, now: float) -> None:
        action = asked["action"]
        if action == "play":
            if not self._music.open and not self._sync.open:
                raise InputError(f"MIDI out: {self._music.trouble or self._sync.trouble}", code="no_midi")
            player.play(now, at_s)
        elif action == "stop":
            player.stop(now)
        elif action == "locate":
            player.locate(at_s or 0.0, now)
        elif action == "follow":
            if not self._input.open:
                raise InputError(f"MIDI in: {self._input.trouble}", code="no_midi")
            player.follow(asked.get("source") or SOURCES[0], now)

    @staticmethod
    def _time(player: Player, text: str) -> float:
        if player.programme is None:
            raise InputError("no score is loaded: name its folder", code="no_score")
        return float(parse_time(text, player.programme.picture, player.programme.score))

    def _load(self, path: Path, *, again: bool) -> None:
        """Have the current take of a folder, read anew where it is another folder or was asked for."""
        if path == self._folder and not again:
            return
        folder = ScoreFolder(path)
        document = folder.document()
        programme = Programme(folder.take().score, folder.cut(document.entry(document.current).cut).picture)
        now = self._runner.clock()
        with self._runner.player() as player:
            if path != self._folder:
                player.free(now)
            player.load(programme, now)
            if path != self._folder:
                player.locate(0.0, now)
        self._folder = path
        gc.freeze()  # so that no collection walks through thousands of notes while they are played

    # --- what comes in ---

    def _hear(self, data: bytes) -> None:
        """In the thread of the port."""
        self._runner.hear(data)
        for number in self._pads.hear(data):
            self._tell({"event": "trigger", "number": number, "folder": str(self._folder or ""), **self._here()})

    def _here(self) -> dict[str, Any]:
        """The section of the score where the transport stands, as times to regenerate."""
        with self._runner.player() as player:
            programme, at_s = player.programme, player.position(self._runner.clock())
        if programme is None:
            return {}
        score = programme.score
        tick = score.tempo_map.tick(max(at_s, 0.0))
        section = next((s for s in score.sections if s.tick <= tick < s.end), None)
        if section is None:
            return {}
        (first, beat), last = score.bar_beat(section.tick), float(score.tempo_map.seconds(section.end))
        return {"start": f"b{first}.{beat:g}", "end": f"{min(last, float(score.duration)):.6f}"}

    # --- telling ---

    def state(self) -> dict[str, Any]:
        """What the transport is doing."""
        with self._runner.player() as player:
            said = player.to_json(self._runner.clock())
        ports = {name: port.to_json() for name, port in self._kept.items() if port.wanted}
        return {**said, "folder": str(self._folder or ""), "ports": ports}

    def _keep(self) -> None:
        """Look for ports, and tell what changes."""
        looks_at, told = 0.0, None
        while not self._ending.wait(_TELL_S):
            now = self._runner.clock()
            if now >= looks_at:
                looks_at = now + self._look()
            if now >= self._greets_at:
                self._greets_at = math.inf
                with self._runner.player() as player:
                    player.returned(now)
            said = self.state()
            playing = said["state"] == PLAYING
            key = (said["state"], said["follow"], said["folder"], said["ports"], playing or said["position_s"])
            if playing or key != told:
                told = key
                self._tell({"event": "state", **said})

    def _look(self) -> float:
        """Take ports that have come back; seconds to the next look."""
        returned = [port.look() for port in {id(p): p for p in self._kept.values() if p.wanted}.values()]
        if any(returned):
            self._greets_at = self._runner.clock() + _SETTLE_S
        return _LOOK_S if any(p.seen for p in self._kept.values() if p.wanted) else _TROUBLED_LOOK_S
