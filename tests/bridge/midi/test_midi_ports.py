"""Ports that go and come back, names that change, and pads."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.midi.ports import VIRTUAL, KeptInput, KeptOutput, found
from bridge.midi.triggers import Pads, Trigger, load_triggers
from emsync_engine.errors import InputError
from tests.bridge.midi.conftest import MemoryPorts

NAMES = ["Midi Through:Midi Through Port-0 14:0", "Grand Piano MIDI 1", "MIDI 1"]


@pytest.mark.parametrize(
    ("wanted", "is_found"),
    [("MIDI 1", NAMES[2]), ("midi through", NAMES[0]), ("piano", NAMES[1]), ("organ", None)],
)
def test_a_port_is_found_by_a_part_of_its_name(wanted: str, is_found: str | None) -> None:
    assert found(wanted, NAMES) == is_found


def test_an_output_that_is_unplugged_comes_back() -> None:
    ports = MemoryPorts(["Synth 20:0"])
    port = KeptOutput(ports, "synth")
    assert port.look() and not port.look()
    port.send(b"\x90\x40\x40")
    ports.out_names = []
    port.send(b"\x90\x41\x40")  # the system says no
    assert not port.open and not port.look()
    assert "no such port" in port.to_json()["trouble"]
    ports.out_names = ["Synth 24:0"]  # plugged in again, with another number
    assert port.look()
    port.send(b"\x90\x42\x40")
    assert ports.sent == [("Synth 20:0", b"\x90\x40\x40"), ("Synth 24:0", b"\x90\x42\x40")]


def test_an_input_that_is_unplugged_is_heard_again() -> None:
    ports, heard = MemoryPorts(inputs=["Pads"]), []
    port = KeptInput(ports, "pads", heard.append)
    assert port.look()
    ports.in_names = []
    assert not port.look()
    assert ports.closed == ["Pads"]
    ports.in_names = ["Pads 2"]
    assert port.look()
    ports.ears["Pads 2"](b"\xf8")
    assert heard == [b"\xf8"]


def test_a_virtual_port_is_made_once() -> None:
    port = KeptOutput(MemoryPorts(["EMSYNC"]), VIRTUAL)
    assert port.look() and not port.look()


class NoMidi(MemoryPorts):
    def outputs(self) -> list[str]:
        raise OSError("no ALSA here")


def test_a_computer_without_midi_is_no_crash() -> None:
    port = KeptOutput(NoMidi(), "synth")
    assert not port.look()
    assert "no ALSA here" in port.to_json()["trouble"]
    port.send(b"\xf8")


# --- pads ---

MAP = """
[[trigger]]
note = 36
channel = 10
do = "regenerate"
start = "b5"
end = "b9"
parts = "strings"

[[trigger]]
cc = 20
do = "next_take"
"""


def test_a_map_is_read(tmp_path: Path) -> None:
    path = tmp_path / "map.toml"
    path.write_text(MAP, encoding="utf-8")
    first, second = load_triggers(path)
    assert first == Trigger(0x90, 36, 9, "regenerate", {"start": "b5", "end": "b9", "parts": "strings"})
    assert second == Trigger(0xB0, 20, None, "next_take", {})
    pads = Pads((first, second))
    assert pads.hear(b"\x99\x24\x40") == [0]
    assert pads.hear(b"\x99\x24\x00") == pads.hear(b"\x89\x24\x40") == pads.hear(b"\x90\x24\x40") == []
    values = (0, 63, 64, 127, 100, 10, 80)
    assert [pads.hear(bytes((0xB3, 20, v))) for v in values] == [[], [], [1], [], [], [], [1]]
    assert pads.hear(b"\xf8") == pads.hear(b"\xc0\x05") == []


BAD = [
    "x",
    "a = 1",
    "trigger = 3",
    '[[trigger]]\ndo = "use"',
    '[[trigger]]\nnote = 1\ncc = 2\ndo = "use"',
    '[[trigger]]\nnote = 128\ndo = "use"',
    '[[trigger]]\nnote = true\ndo = "use"',
    '[[trigger]]\ncc = 1\nchannel = 0\ndo = "use"',
    "[[trigger]]\ncc = 1",
]


@pytest.mark.parametrize("text", BAD)
def test_a_bad_map_is_refused_with_its_place(tmp_path: Path, text: str) -> None:
    path = tmp_path / "map.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as refused:
        load_triggers(path)
    assert refused.value.code == "bad_midi_map"
    assert str(path) in refused.value.where
