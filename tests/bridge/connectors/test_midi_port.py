"""``emsync send --to midi``: played to a port that the test made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.connectors.base import Options, TargetError
from bridge.connectors.midi import MidiConnector
from bridge.connectors.plan import Plan, Region, plan_of_folder
from tests.bridge.connectors.scores import section_score


class Desk:
    """Ports of a system: what is sent to them is kept, and they can be unplugged."""

    def __init__(self, *names: str) -> None:
        self.names = list(names)
        self.heard: list[bytes] = []
        self.after: Callable[[], None] | None = None

    def outputs(self) -> list[str]:
        return self.names

    def inputs(self) -> list[str]:
        return []

    def open_output(self, name: str, virtual: bool) -> Desk:
        return self

    def open_input(self, name: str, virtual: bool, heard: Callable[[bytes], None]) -> Desk:
        raise OSError("no inputs here")

    def send(self, data: bytes) -> None:
        if not self.names:
            raise OSError("unplugged")
        self.heard.append(data)

    def close(self) -> None:
        """Nothing to let go of."""


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return plan_of_folder(section_score(tmp_path))


def short(plan: Plan) -> Region:
    """Half a second of piano and strings."""
    first = min(n.tick for p in plan.parts if p.part in ("piano", "strings") for n in p.notes)
    return Region(first, plan.tick(plan.seconds(first) + plan.seconds(960) / 2), ("piano", "strings"))


def test_a_region_is_played_to_the_port_and_nothing_is_left_sounding(plan: Plan) -> None:
    desk, region = Desk("Synth"), short(plan)
    with MidiConnector(Options(), desk) as target:
        assert target.hello().application == "Synth"
        delivered = target.replace(plan, region)
    wanted = {
        (p.channel, n.pitch)
        for p in plan.parts
        if p.part in ("piano", "strings")
        for n in p.notes
        if region.start <= n.tick < region.end
    }
    played = {(d[0] & 15, d[1]) for d in desk.heard if d[0] & 0xF0 == 0x90 and d[2]}
    assert wanted
    assert wanted <= played
    on: set[tuple[int, int]] = set()
    for data in desk.heard:
        if data[0] & 0xF0 == 0x90 and data[2]:
            on.add((data[0] & 15, data[1]))
        elif data[0] & 0xF0 in (0x80, 0x90):
            on.discard((data[0] & 15, data[1]))
    assert on == set()
    assert {row.what for row in delivered.left_out} == {"arrangement_write", "tempo_map", "markers"}
    assert all(Path(row.file).name == "score.mid" for row in delivered.left_out)
    assert "played" in delivered.said[0]


def test_a_port_that_goes_away_is_said_and_the_next_call_finds_it_again(plan: Plan) -> None:
    desk, region = Desk("Synth"), short(plan)
    target = MidiConnector(Options(), desk)
    with target:
        target.hello()
        desk.names.clear()
        with pytest.raises(TargetError) as caught:
            target.replace(plan, region)
        assert caught.value.state == "crashed"
        with pytest.raises(TargetError) as caught:
            target.hello()
        assert caught.value.state == "closed"
        desk.names.append("Synth")
        desk.heard.clear()
        target.replace(plan, region)
        assert desk.heard


@pytest.mark.parametrize(("names", "said"), [((), "virtual"), (("A", "B"), "A, B")])
def test_without_a_choice_the_ports_are_named(names: tuple[str, ...], said: str) -> None:
    with pytest.raises(TargetError, match=said), MidiConnector(Options(), Desk(*names)) as target:
        target.hello()


def test_the_loop_of_the_system_is_not_taken_for_a_synthesiser() -> None:
    with MidiConnector(Options(), Desk("Midi Through Port-0", "Synth")) as target:
        assert target.hello().application == "Synth"


def test_the_playhead_can_be_moved(plan: Plan) -> None:
    with MidiConnector(Options(), Desk("Synth")) as target:
        target.replace(plan, Region(0, 10))
        target.transport("locate", 12)
        state = target.transport()
        assert (state.playing, float(state.seconds)) == (False, 12.0)
