"""Live MIDI through a running daemon: scores are played to ports, pads start jobs, ports go and come back."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bridge.daemon.pads import check_triggers
from bridge.midi.timecode import read_full_frame
from bridge.midi.triggers import load_triggers
from emsync_engine.errors import InputError
from tests.acceptance.edits import plain_cut
from tests.bridge.daemon.conftest import Daemon, OscClient, wait_for
from tests.conftest import run_emsync, save

SYNTH, CONTROLLER = "Synth 1", "Controller 1"
MAP = """
[[trigger]]
note = 36
do = "regenerate"
parts = "bass"

[[trigger]]
cc = 20
do = "next_take"

[[trigger]]
note = 40
channel = 10
do = "transport"
action = "stop"
"""


class Ports:
    """The ports of the test, as files."""

    def __init__(self, home: Path) -> None:
        self.home = home
        for name in ("out.txt", "in.txt"):
            (home / name).touch()
        self.plug(SYNTH, CONTROLLER)

    def plug(self, *names: str) -> None:
        new = self.home / "devices.new"
        new.write_text(json.dumps(names), encoding="utf-8")
        new.replace(self.home / "devices.json")

    def heard(self) -> list[bytes]:
        """Everything that was sent to the synthesiser."""
        lines = (self.home / "out.txt").read_text(encoding="ascii").split("\n")[:-1]  # the last one may be half there
        return [bytes.fromhex(line.rsplit(" ", 1)[1]) for line in lines]

    def notes(self) -> list[bytes]:
        return [data for data in self.heard() if data[0] & 0xF0 == 0x90]

    def send(self, *messages: bytes) -> None:
        with (self.home / "in.txt").open("a", encoding="ascii") as file:
            file.write("".join(f"{data.hex()}\n" for data in messages))


@pytest.fixture(scope="module")
def long_score(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A minute and a half, scored once: longer than any test plays."""
    home = tmp_path_factory.mktemp("long")
    ran = run_emsync("score", save(plain_cut([360] * 6), home / "cut.otio"), "-o", home / "cut.emsync", "--json")
    assert ran.status == 0, ran.out + ran.err
    return home / "cut.emsync"


@contextmanager
def daemon_with_ports(folder: Path, score: Path) -> Iterator[tuple[Daemon, Ports, Path]]:
    """A daemon with ports and pads, and a score folder of its own."""
    home = folder / "home"
    scored = Path(shutil.copytree(score, home / "cut.emsync"))
    (home / "map.toml").write_text(MAP, encoding="utf-8")
    ports, daemon = Ports(folder), Daemon(home)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIDO_BACKEND", "tests.bridge.midi.backend")
        patch.setenv("EMSYNC_TEST_MIDI", str(folder))
        names = ("--midi-out", "synth", "--midi-sync", "synth", "--midi-in", "controller")
        daemon.start(*names, "--midi-map", home / "map.toml")
    yield daemon, ports, scored
    if daemon.process is not None and daemon.process.poll() is None:
        assert daemon.stop() == (0, "")


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory, long_score: Path) -> Iterator[tuple[Daemon, Ports, Path]]:
    with daemon_with_ports(tmp_path_factory.mktemp("midi"), long_score) as made:
        yield made


@pytest.fixture
def playing(once: tuple[Daemon, Ports, Path]) -> Iterator[tuple[Daemon, Ports, Path]]:
    """The daemon of this file, with nothing played yet."""
    daemon, ports, _ = once
    ports.plug(SYNTH, CONTROLLER)
    wait_for(lambda: all(port["open"] for port in state(daemon)["ports"].values()))
    (ports.home / "out.txt").write_bytes(b"")
    yield once
    order(daemon, "stop")


def state(daemon: Daemon) -> Any:
    """The transport's, when it has told one."""
    wait_for(lambda: "ports" in daemon.ask("status")[1]["transport"])
    return daemon.ask("status")[1]["transport"]


def order(daemon: Daemon, action: str, **more: Any) -> tuple[int, Any]:
    return daemon.ask("transport", {"action": action, **more})


def test_a_score_is_played_and_stopped_over_http(playing: tuple[Daemon, Ports, Path]) -> None:
    daemon, ports, folder = playing
    status, said = order(daemon, "play", folder=str(folder), at="2.5")
    assert (status, said["state"], said["ports"]["music"]["name"]) == (200, "playing", SYNTH)
    wait_for(lambda: len(ports.notes()) > 5 and {b"\xfb", b"\xf8"} <= set(ports.heard()))
    status, said = order(daemon, "stop")
    assert (status, said["state"]) == (200, "stopped") and said["position_s"] > 2.5
    heard = ports.heard()
    on = {(d[0] & 15, d[1]) for d in heard if d[0] & 0xF0 == 0x90}
    off = {(d[0] & 15, d[1]) for d in heard if d[0] & 0xF0 == 0x80}
    assert on <= off
    located = [w.fields for d in heard if (w := read_full_frame(d))]
    assert located == [(1, 0, 0, 0), (1, 0, 2, 12)]  # when it is loaded, and when it is played
    assert {b"\xfb", b"\xf8", b"\xfc"} <= set(heard)
    assert daemon.ask("status")[1]["transport"]["state"] == "stopped"


def test_a_subscriber_hears_where_it_is(playing: tuple[Daemon, Ports, Path]) -> None:
    daemon, _, folder = playing
    client = OscClient(daemon.osc)
    client.send("subscribe", 7, "transport", 30)
    assert client.end_of(7)[0].address == "/emsync/1/reply"
    client.send("transport", 8, "play", str(folder))
    assert client.end_of(8)[0].address == "/emsync/1/reply"
    places = []
    for _ in range(200):
        message = client.hear(1)
        if message and message.address == "/emsync/1/event" and message.arguments[2] == "playing":
            assert message.arguments[:2] == (7, "transport")
            places.append(message.arguments[3])
        if len(places) == 4:
            break
    client.socket.close()
    assert len(places) == 4 and places == sorted(places) and places[0] < places[-1]


def test_pads_regenerate_and_step_through_takes(playing: tuple[Daemon, Ports, Path]) -> None:
    daemon, ports, folder = playing
    order(daemon, "load", folder=str(folder))

    def takes() -> Any:
        said = daemon.ask(f"takes?folder={folder}")[1]
        return len(said["takes"]), said["current"]

    ports.send(b"\x90\x24\x50")
    wait_for(lambda: takes() == (2, 2))
    wait_for(lambda: not daemon.ask("status")[1]["waiting"])
    ports.send(b"\xb0\x14\x7f")
    wait_for(lambda: takes() == (2, 1))


def test_what_comes_in_is_followed(playing: tuple[Daemon, Ports, Path]) -> None:
    daemon, ports, folder = playing
    status, said = order(daemon, "follow", folder=str(folder), source="clock")
    assert (status, said["state"], said["follow"]) == (200, "waiting", "clock")
    ports.send(bytes((0xF2, 8, 0)), b"\xfb")
    for _ in range(1000):  # 125 beats a minute
        ports.send(b"\xf8")
        time.sleep(0.02)
        if len(ports.notes()) > 2:
            break
    assert len(ports.notes()) > 2
    ports.send(b"\xfc")
    wait_for(lambda: daemon.ask("status")[1]["transport"]["state"] == "waiting")
    assert order(daemon, "locate", at=1)[1]["error"]["code"] == "follows"
    assert order(daemon, "stop")[1]["follow"] == ""


def test_a_port_that_goes_comes_back_while_it_plays(playing: tuple[Daemon, Ports, Path]) -> None:
    daemon, ports, folder = playing

    def is_open() -> bool:
        return bool(state(daemon)["ports"]["music"]["open"])

    order(daemon, "play", folder=str(folder))
    wait_for(lambda: len(ports.notes()) > 2)
    ports.plug(CONTROLLER)
    wait_for(lambda: not is_open())
    before = len(ports.heard())
    ports.plug("Synth 2", CONTROLLER)  # systems give it another number
    wait_for(is_open)
    wait_for(lambda: any(d[0] & 0xF0 == 0x90 for d in ports.heard()[before:]))
    wait_for(lambda: any(d[0] & 0xF0 == 0xC0 for d in ports.heard()[before:]))  # it is told its instruments again


def test_a_killed_player_is_replaced(playing: tuple[Daemon, Ports, Path]) -> None:
    daemon, _, folder = playing
    order(daemon, "play", folder=str(folder))
    children = daemon.children("bridge.midi.process")
    if not children:
        pytest.skip("looks into /proc")
    os.kill(children[0], signal.SIGKILL)
    wait_for(lambda: order(daemon, "play", folder=str(folder))[0] == 200)
    assert daemon.children("bridge.midi.process") != children


def test_stopping_the_daemon_ends_every_note(tmp_path: Path, long_score: Path) -> None:
    with daemon_with_ports(tmp_path, long_score) as (daemon, ports, folder):
        order(daemon, "play", folder=str(folder))
        wait_for(lambda: len(ports.notes()) > 2)
        assert daemon.stop() == (0, "")
    heard = ports.heard()
    on = {(d[0] & 15, d[1]) for d in heard if d[0] & 0xF0 == 0x90}
    assert on <= {(d[0] & 15, d[1]) for d in heard if d[0] & 0xF0 == 0x80}
    assert heard[-1] == bytes.fromhex("f07f7f0601f7")


@pytest.mark.parametrize(
    ("do", "more"), [("explode", ""), ("status", ""), ("next_take", "seed = 3"), ("regenerate", "colour = 1")]
)
def test_a_map_that_does_nothing_known_is_refused(tmp_path: Path, do: str, more: str) -> None:
    path = tmp_path / "map.toml"
    path.write_text(f'[[trigger]]\nnote = 1\ndo = "{do}"\n{more}\n', encoding="utf-8")
    with pytest.raises(InputError) as refused:
        check_triggers(load_triggers(path), str(path))
    assert refused.value.code == "bad_midi_map"
    assert "trigger 1" in refused.value.where


def test_a_map_is_refused_before_the_daemon_starts(tmp_path: Path) -> None:
    ran = run_emsync("serve", "--state", tmp_path, "--midi-in", "x", "--midi-map", tmp_path / "none.toml", "--json")
    assert (ran.status, ran.error["code"]) == (3, "bad_midi_map")


def test_a_computer_without_live_midi_says_how_to_get_it(tmp_path: Path) -> None:
    hidden = tmp_path / "hidden" / "rtmidi"  # a package that breaks the import of the real one
    hidden.mkdir(parents=True)
    (hidden / "__init__.py").write_text("raise ImportError('no rtmidi here')", encoding="utf-8")
    daemon = Daemon(tmp_path / "home")
    daemon.home.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(hidden.parent))
        patch.delenv("MIDO_BACKEND", raising=False)
        daemon.start("--midi-out", "synth")
    status, said = order(daemon, "play")
    assert (status, said["error"]["code"]) == (400, "missing_component"), said
    assert "pip install" in said["error"]["message"]
    assert daemon.ask("hello")[0] == 200
    assert daemon.stop() == (0, "")
