"""The other end of Ardour's mailbox, for what is hard to bring about in a real Ardour. Answers as the script does.

It takes only the rows that the script knows, with their number of fields, holds a session, and reads MIDI files as
Ardour would: a region holds what its file holds. What the real one does is tested in ``tests/daw_scripts/ardour``.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import mido
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import build_msg

from bridge.connectors.ardour_mailbox import PROTOCOL, Row, read_rows, rows_text
from bridge.connectors.plan import content_hash
from emsync_engine.score import Control, Note, Tempo, TempoMap

FIELDS = {
    "tempo": 2, "unmark": 3, "mark": 3, "track": 5, "put": 10, "drop": 5, "keep": 4, "keep_tempo": 4,
}  # fmt: skip
"""Row -> number of fields, as in ``emsync_core.lua``."""


@dataclass
class Region:
    id: str
    name: str
    tick: int
    end: int
    hash: str
    locked: bool = False


@dataclass
class Track:
    name: str
    regions: dict[str, Region] = field(default_factory=dict)
    ledger: dict[str, str] = field(default_factory=dict)


class FakeArdour:
    """A session, and the script in it."""

    def __init__(self, settings: Path) -> None:
        self.home = settings / "emsync"
        self.home.mkdir(parents=True, exist_ok=True)
        no_osc(settings)
        self.tracks: dict[str, Track] = {}
        self.marks: set[tuple[int, str]] = set()
        self.map = TempoMap((Tempo(0, 500_000),))
        self.others = 0
        self.order: list[str] = []
        """Tags of the rows of the last write."""
        self.protocol = PROTOCOL
        self.silent = False
        """It is there and does not answer."""
        self.dies_on_request = False
        self.process = ""
        """The number of its process, as it says."""
        self.works_s = 0.0
        """How long it is at a request, with a sign of life now and then."""
        self.ignores_tempo = False
        self.selection: list[Row] = []
        self._next = 100
        self._said = 0.0
        self._ending = threading.Event()

    # --- running ---

    @contextmanager
    def running(self, first_word_s: float = 0) -> Iterator[FakeArdour]:
        """``first_word_s``: the session opens only now, and the listener speaks so much later."""
        if not first_word_s:
            self.say_alive()
        thread = threading.Thread(target=self._serve, args=(first_word_s,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._ending.set()
            thread.join(5)

    def say_alive(self, doing: str = "") -> None:
        self._said = time.monotonic()
        self._put("alive.tsv", [["alive", self.protocol, "1", "cue", "/somewhere", "48000", doing, self.process]])

    def age(self, seconds: float) -> None:
        """Let the last sign of life be some seconds old."""
        then = time.time() - seconds
        os.utime(self.home / "alive.tsv", (then, then))

    def _serve(self, first_word_s: float) -> None:
        self._ending.wait(first_word_s)
        while not self._ending.wait(0.005):
            if time.monotonic() - self._said > 0.3:
                self.say_alive()
            request = read_rows(self.home / "request.tsv")
            if request is None or self.silent:
                continue
            if self.dies_on_request:
                self.age(60)
                return
            (self.home / "request.tsv").unlink(missing_ok=True)
            number, answer = request[0][2], []
            self._work(number)
            try:
                getattr(self, f"_do_{request[1][0]}")(request[1:], answer)
                head = ["answer", number, "ok", ""]
            except Exception as error:
                head = ["answer", number, "error", str(error)]
            self._put(f"answer-{number}.tsv", [head, *answer])

    def _work(self, number: str) -> None:
        ends = time.monotonic() + self.works_s
        while time.monotonic() < ends:
            self.say_alive(number)
            self._ending.wait(0.05)

    def _put(self, name: str, rows: list[list[str]]) -> None:
        temporary = self.home / f"{name}.tmp"
        temporary.write_text(rows_text(rows), encoding="utf-8")
        temporary.replace(self.home / name)

    # --- what it is asked ---

    def _do_look(self, rows: list[Row], answer: list[list[str]]) -> None:
        cue = rows[0][1]
        answer.append(["session", "cue", "/somewhere", "48000", str(self.others)])
        answer += [["tick", row[1], str(int(self.map.seconds(int(row[1])) * 48_000))] for row in rows[1:]]
        answer += [["mark", str(sample), name] for sample, name in sorted(self.marks)]
        for track_id, track in sorted(self.tracks.items()):
            if track_id.startswith(f"{cue}:"):
                answer.append(["track", track_id, track.name])
                self._look_at(track_id, track, answer)

    def _look_at(self, track_id: str, track: Track, answer: list[list[str]]) -> None:
        known = set()
        for key, value in track.ledger.items():
            if key.startswith("item "):
                name, plan, seen, tick, end = value.split(" ")
                if name in track.regions:
                    known.add(name)
                    there = track.regions[name]
                    moved = (str(there.tick), str(there.end)) != (tick, end)
                    answer.append(["item", track_id, key[5:], name, plan, seen, there.hash, tick, end,
                                   str(int(moved)), str(int(there.locked))])  # fmt: skip
            elif key == "tempo":
                answer.append(["tempo", value, self._map_hash()])
            else:
                answer.append(["kept", track_id, key, value])
        answer += [
            ["other", track_id, str(r.tick), str(r.end), r.name] for r in track.regions.values() if r.id not in known
        ]

    def _do_select(self, rows: list[Row], answer: list[list[str]]) -> None:
        if not self.selection:
            raise RuntimeError("select a range, regions, or set the loop first")
        answer += [list(row) for row in self.selection]

    def _do_write(self, rows: list[Row], answer: list[list[str]]) -> None:
        self.order = [row[0] for row in rows[1:]]
        for row in rows[1:]:
            if len(row) != FIELDS[row[0]]:
                raise RuntimeError(f"{row[0]} has {len(row)} fields, not {FIELDS[row[0]]}")
        for row in rows[1:]:
            getattr(self, f"_write_{row[0]}")(row, answer)

    def _write_tempo(self, row: Row, answer: list[list[str]]) -> None:
        now, events = 0, []
        for message in mido.MidiFile(row[1]).tracks[0]:
            now += message.time
            if message.type == "set_tempo":
                events.append(Tempo(now, message.tempo))
        if not self.ignores_tempo:
            self.map = TempoMap(tuple(events))

    def _write_unmark(self, row: Row, answer: list[list[str]]) -> None:
        self.marks.discard((int(row[1]), row[2]))

    def _write_mark(self, row: Row, answer: list[list[str]]) -> None:
        if int(row[1]) in {sample for sample, _ in self.marks}:
            answer.append(["unmarked", row[1], row[2]])
        else:
            self.marks.add((int(row[1]), row[2]))

    def _write_track(self, row: Row, answer: list[list[str]]) -> None:
        self.tracks.setdefault(row[1], Track(row[2]))

    def _write_keep(self, row: Row, answer: list[list[str]]) -> None:
        if row[3]:
            self.tracks[row[1]].ledger[row[2]] = row[3]
        else:
            self.tracks[row[1]].ledger.pop(row[2], None)

    def _write_keep_tempo(self, row: Row, answer: list[list[str]]) -> None:
        if abs(self.map.seconds(int(row[2]) * 960) * 48_000 - int(row[3])) > 48:
            raise RuntimeError("Ardour did not take over the tempo map")
        self.tracks[row[1]].ledger["tempo"] = self._map_hash()

    def _write_put(self, row: Row, answer: list[list[str]]) -> None:
        _, track_id, section, name, tick, end, path, plan, old, expected = row
        track = self.tracks[track_id]
        if old and (old not in track.regions or track.regions[old].hash != expected):
            answer.append(["put", track_id, section, "kept"])
            return
        self._next += 1
        made = Region(str(self._next), name, int(tick), int(end), hash_of_file(Path(path)))
        track.regions[made.id] = made
        track.regions.pop(old, None)
        track.ledger[f"item {section}"] = f"{made.id} {plan} {made.hash} {tick} {end}"
        answer.append(["put", track_id, section, "written", made.id, made.hash])

    def _write_drop(self, row: Row, answer: list[list[str]]) -> None:
        _, track_id, section, region, expected = row
        track = self.tracks[track_id]
        if track.regions[region].hash != expected:
            answer.append(["put", track_id, section, "kept"])
            return
        del track.regions[region]
        del track.ledger[f"item {section}"]
        answer.append(["put", track_id, section, "removed"])

    def _map_hash(self) -> str:
        return str(hash(self.map))


def no_osc(settings: Path) -> None:
    """Settings whose OSC port nobody listens on."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings.mkdir(parents=True, exist_ok=True)
    (settings / "config").write_text(f'<Option name="osc-port" value="{port}"/>', encoding="utf-8")


def switch_on(settings: Path) -> None:
    """Settings as Ardour has them once the listener was added to its hooks."""
    hook = '<LuaCallback lua="Lua 5.3" id="1" name="EMSYNC listener" signals="10">...</LuaCallback>'
    (settings / "ui_scripts").write_text(f"<UIScripts><ActionHooks>{hook}</ActionHooks></UIScripts>", encoding="utf-8")


@contextmanager
def osc_surface(settings: Path) -> Iterator[set[tuple[int, str]]]:
    """Ardour's OSC as far as markers need it; the markers that were set, by sample."""
    marks: set[tuple[int, str]] = set()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as surface:
        surface.bind(("127.0.0.1", 0))
        port = surface.getsockname()[1]
        (settings / "config").write_text(f'<Option name="osc-port" value="{port}"/>', encoding="utf-8")
        thread = threading.Thread(target=_answer_osc, args=(surface, marks), daemon=True)
        thread.start()
        try:
            yield marks
        finally:
            surface.sendto(build_msg("/end").dgram, surface.getsockname())
            thread.join(5)


def _answer_osc(surface: socket.socket, marks: set[tuple[int, str]]) -> None:
    where = 0
    while True:
        datagram, peer = surface.recvfrom(65_507)
        message = OscMessage(datagram)
        if message.address == "/end":
            return
        if message.address == "/locate":
            where = message.params[0]
        elif message.address == "/add_marker":
            marks.add((where, message.params[0]))
        elif message.address == "/transport_frame":
            surface.sendto(build_msg("/transport_frame", [where]).dgram, peer)
        elif message.address == "/strip/list":
            surface.sendto(build_msg("#reply", ["end_route_list", 48_000, 48_000 * 600]).dgram, peer)


def hash_of_file(path: Path) -> str:
    notes, controls = [], []
    for track in mido.MidiFile(path).tracks[1:]:
        now, held = 0, {}
        for message in track:
            now += message.time
            if message.type == "note_on":
                held[message.note] = (now, message.velocity)
            elif message.type == "note_off":
                start, velocity = held.pop(message.note)
                notes.append(Note(start, message.note, now - start, velocity))
            elif message.type == "control_change":
                controls.append(Control(now, message.control, message.value))
    return content_hash(notes, controls)
