"""``midi``: the score played in time to a MIDI port: for hardware, for recording into a DAW, for listening."""

from __future__ import annotations

import time
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

from bridge.connectors.base import (
    Capabilities,
    Command,
    Connector,
    Delivered,
    Hello,
    Options,
    Progress,
    TargetError,
    TransportState,
    left_out,
    result,
    silent,
)
from bridge.connectors.plan import Plan, Region

if TYPE_CHECKING:
    from bridge.midi.player import Player
    from bridge.midi.ports import KeptOutput, Ports
    from bridge.midi.programme import Programme
    from bridge.midi.runner import Runner

_LOOK_S = 0.05
"""How often the port and the place are looked at while it plays."""
_THROUGH = "midi through"
"""A loop of ALSA's that nobody listens to."""


class MidiConnector(Connector):
    """A port by name (``--at``), or ``virtual``: one of our own that others connect to."""

    name = "midi"

    def __init__(self, options: Options | None = None, ports: Ports | None = None) -> None:
        super().__init__(options)
        self._ports = ports
        self._output: KeptOutput | None = None
        self._player: Player | None = None
        self._runner: Runner | None = None

    def hello(self) -> Hello:
        self._open()
        assert self._output is not None
        said = ("it is played as time goes on: record it there, or import the MIDI file",)
        return Hello(self.name, self._output.to_json()["name"], "ready", Capabilities(controllers=True), said)

    def push(self, plan: Plan, progress: Progress = silent) -> Delivered:
        """Play the cue from its head; returns when it has ended."""
        return self._play(plan, Region(0, plan.end_tick), plan.duration, progress)

    def replace(self, plan: Plan, region: Region, progress: Progress = silent) -> Delivered:
        """Play the region's parts from its start to its end; returns when it has ended."""
        return self._play(plan, region, plan.seconds(min(region.end, plan.end_tick)), progress)

    def transport(self, command: Command = "state", seconds: Fraction | float = 0) -> TransportState:
        self._open()
        assert self._player is not None
        assert self._runner is not None
        with self._runner.player() as player:
            now = self._runner.clock()
            if command == "play":
                player.play(now)
            elif command == "stop":
                player.stop(now)
            elif command == "locate":
                player.locate(float(seconds), now)
            return TransportState(player.state == "playing", Fraction(player.position(now)))

    def close(self) -> None:
        if self._runner is not None:
            self._runner.end()
        if self._output is not None:
            self._output.lose("closed")
        self._runner = self._output = self._player = None

    def _open(self) -> None:
        from bridge.midi.player import Player
        from bridge.midi.ports import KeptOutput, MidoPorts
        from bridge.midi.runner import Runner

        if self._output is not None and self._output.open:
            return
        self.close()
        ports = self._ports or MidoPorts()
        wanted = self.options.at or _usual_port(ports)
        output = KeptOutput(ports, wanted)
        if not output.look():
            raise TargetError(f"{output.trouble}; choose a port with --at", "closed", f"midi port {wanted}")
        self._output = output
        self._player = Player(output.send, lambda data: None)
        self._runner = Runner(self._player)
        self._runner.start()

    def _play(self, plan: Plan, region: Region, until: Fraction, progress: Progress) -> Delivered:
        self._open()
        assert self._runner is not None
        assert self._output is not None
        start = float(plan.seconds(max(region.start, 0)))
        with self._runner.player() as player:
            now = self._runner.clock()
            player.load(_programme(plan, region), now)
            player.play(now, start)
        ended = self._watch(start, float(until), progress)
        with self._runner.player() as player:
            player.stop(self._runner.clock())
            late = player.lateness.to_json()
        items = plan.within(region)
        return Delivered(
            target=self.name,
            application=self._output.to_json()["name"],
            cue=plan.cue,
            take=plan.take,
            items=tuple(result(item, "written", "played") for item in items),
            tracks=len({item.part for item in items}),
            left_out=(
                left_out(plan, "arrangement_write", "a port keeps nothing: record it there, or import", "score.mid"),
                left_out(plan, "tempo_map", "a port has no tempo map; it is in", "score.mid"),
                left_out(plan, "markers", "a port has no markers; they are in", "score.mid"),
            ),
            said=(
                f"played {ended - start:.1f} s; messages were late by {late['median']} ms, at worst {late['worst']}",
            ),
        )

    def _watch(self, start: float, until: float, progress: Progress) -> float:
        """Wait until the place is reached; the place.

        Raises:
            TargetError: the port went away.
        """
        assert self._runner is not None
        assert self._output is not None
        deadline = time.monotonic() + (until - start) * 1.5 + self.options.timeout_s
        while True:
            with self._runner.player() as player:
                at, playing = player.position(self._runner.clock()), player.state == "playing"
            if not self._output.open:
                raise TargetError(
                    f"the port went away at {at:.1f} s ({self._output.trouble}); connect it and send again",
                    "crashed",
                    f"midi port {self._output.wanted}",
                )
            if not playing or at >= until:
                return min(at, until)
            if time.monotonic() > deadline:
                raise TargetError(f"it stands still at {at:.1f} s", "busy", f"midi port {self._output.wanted}")
            progress((at - start) / max(until - start, 1e-9), "playing")
            time.sleep(max(min(_LOOK_S, until - at), 0.001))


def _programme(plan: Plan, region: Region) -> Programme:
    """What is played: the plan's take, only the region's parts."""
    from bridge.folder import ScoreFolder
    from bridge.midi.programme import Programme

    store = ScoreFolder(plan.folder)
    entry = store.document().entry(plan.take)
    score = store.take(plan.take).score
    if region.parts is not None:
        score = replace(score, parts=tuple(p for p in score.parts if p.id in region.parts))
    return Programme(score, store.cut(entry.cut).picture)


def _usual_port(ports: Ports) -> str:
    """The only port there is.

    Raises:
        TargetError: there is none, or more than one.
    """
    from bridge.midi.ports import TROUBLE

    try:
        names = [name for name in ports.outputs() if _THROUGH not in name.casefold()]
    except TROUBLE as error:
        raise TargetError(f"there is no MIDI system here ({error})", "closed", "midi") from error
    if len(names) != 1:
        there = ", ".join(names) or "none; --at virtual makes one of our own"
        raise TargetError(f"say which port: --at NAME (there are: {there})", "closed", "midi")
    return names[0]
