"""A strict AbletonOSC over real UDP, from its published table of messages, on top of the strict fake Live.

What its users have found is part of it: it reads its socket at Live's ticks only and loses what comes faster, an error
in one message ends that tick's reading, answers go to one fixed port, answers over macOS' datagram limit are never
sent, its default range of pitches leaves out 127, and what it is given is handed to Live as it is.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

from tests.daw_scripts.live.fake_clips import MidiNoteSpecification
from tests.daw_scripts.live.fake_live import FakeLive

TICK_S = 0.003
BURST = 6
"""Datagrams that the socket holds between two ticks; the others are lost."""
MAX_REPLY = 9216
FAR = 8192.0

Args = list[Any]


@dataclass(frozen=True)
class Row:
    """A published message: the indices it takes (and repeats in its answer), how many arguments follow."""

    indices: int
    least: int
    most: int
    do: Callable[[FakeLive, Any, Args], Any]
    """(live, the object that the indices name, arguments) -> the answer's values, or None for no answer."""


def _property(name: str) -> tuple[Row, Row]:
    """Rows of ``/live/song/get/NAME`` and ``/live/song/set/NAME``."""
    return (
        Row(0, 0, 0, lambda live, song, a: (getattr(song, name),)),
        Row(0, 1, 1, lambda live, song, a: setattr(song, name, a[0])),
    )


def _of(name: str, indices: int) -> tuple[Row, Row]:
    return (
        Row(indices, 0, 0, lambda live, thing, a: (getattr(thing, name),)),
        Row(indices, 1, 1, lambda live, thing, a: setattr(thing, name, a[0])),
    )


def _method(name: str, least: int = 0, most: int = 0, indices: int = 0) -> Row:
    def call(live: FakeLive, thing: Any, arguments: Args) -> None:
        getattr(thing, name)(*arguments)

    return Row(indices, least, most, call)


def _add_notes(live: FakeLive, clip: Any, a: Args) -> None:
    specs = []
    for at in range(0, len(a), 5):
        pitch, start, duration, velocity, mute = a[at : at + 5]
        specs.append(MidiNoteSpecification(pitch, start, duration, velocity, mute))
    clip.add_new_notes(tuple(specs))


def _get_notes(live: FakeLive, clip: Any, a: Args) -> Args:
    window = a or [0, 127, -FAR, 2 * FAR]
    return [v for n in clip.get_notes_extended(*window)
            for v in (n.pitch, n.start_time, n.duration, n.velocity, n.mute)]  # fmt: skip


def _remove_notes(live: FakeLive, clip: Any, a: Args) -> None:
    clip.remove_notes_extended(*(a or [0, 127, -FAR, 2 * FAR]))


def _cue_name(live: FakeLive, song: Any, a: Args) -> None:
    song.cue_points[a[0]].name = a[1]


MESSAGES: dict[str, Row] = {
    "/live/test": Row(0, 0, 0, lambda live, song, a: ("ok",)),
    "/live/application/get/version": Row(
        0, 0, 0, lambda live, song, a: (live.application.get_major_version(), live.application.get_minor_version())
    ),
    "/live/song/get/num_tracks": Row(0, 0, 0, lambda live, song, a: (len(song.tracks),)),
    "/live/song/get/num_scenes": Row(0, 0, 0, lambda live, song, a: (len(song.scenes),)),
    "/live/song/get/track_names": Row(0, 0, 2, lambda live, song, a: [t.name for t in song.tracks]),
    "/live/song/get/cue_points": Row(0, 0, 0, lambda live, song, a: [v for c in song.cue_points
                                                                    for v in (c.name, c.time)]),
    "/live/song/cue_point/add_or_delete": _method("set_or_delete_cue"),
    "/live/song/cue_point/set/name": Row(0, 2, 2, _cue_name),
    "/live/song/create_midi_track": _method("create_midi_track", 0, 1),
    "/live/song/create_scene": _method("create_scene", 1, 1),
    "/live/song/start_playing": _method("start_playing"),
    "/live/song/continue_playing": _method("continue_playing"),
    "/live/song/stop_playing": _method("stop_playing"),
    "/live/song/undo": _method("undo"),
    "/live/view/get/selected_track": Row(
        0, 0, 0, lambda live, song, a: (list(song.tracks).index(song.view.selected_track),)
    ),
    "/live/track/get/clips/name": Row(
        1, 0, 0, lambda live, track, a: [s.clip.name if s.clip else None for s in track.clip_slots]
    ),
    "/live/clip_slot/create_clip": _method("create_clip", 1, 1, 2),
    "/live/clip_slot/delete_clip": _method("delete_clip", 0, 0, 2),
    "/live/clip/add/notes": Row(3, 5, 10**6, _add_notes),
    "/live/clip/get/notes": Row(3, 0, 4, _get_notes),
    "/live/clip/remove/notes": Row(3, 0, 4, _remove_notes),
}  # fmt: skip
for _name in ("tempo", "signature_numerator", "signature_denominator", "current_song_time", "loop", "loop_start",
              "loop_length", "metronome"):  # fmt: skip
    MESSAGES[f"/live/song/get/{_name}"], MESSAGES[f"/live/song/set/{_name}"] = _property(_name)
MESSAGES["/live/song/get/is_playing"] = _property("is_playing")[0]
for _name in ("name", "color", "mute", "solo", "arm"):
    MESSAGES[f"/live/track/get/{_name}"], MESSAGES[f"/live/track/set/{_name}"] = _of(_name, 1)
MESSAGES["/live/track/get/has_midi_input"] = _of("has_midi_input", 1)[0]
MESSAGES["/live/clip_slot/get/has_clip"] = _of("has_clip", 2)[0]
for _name in ("name", "color", "looping", "loop_start", "loop_end", "start_marker", "end_marker", "muted"):
    MESSAGES[f"/live/clip/get/{_name}"], MESSAGES[f"/live/clip/set/{_name}"] = _of(_name, 3)
MESSAGES["/live/clip/get/length"] = _of("length", 3)[0]
"""Indices: 0 the song, 1 a track, 2 a clip slot, 3 the clip in a slot (two numbers on the wire as well)."""


class FakeAbletonOsc:
    """Serves a fake Live on two loopback ports of its own.

    Args:
        lost_each: each so many-th datagram is lost; 0 for none.
        live: arguments of ``FakeLive``.
    """

    def __init__(self, *, lost_each: int = 0, **live: Any) -> None:
        self.fake = FakeLive((11, 3), **live) if "version" not in live else FakeLive(**live)
        self.port = free_pair()
        self.said: list[str] = []
        """Addresses as they were dealt with."""
        self.errors: list[str] = []
        self.lost = 0
        self.most = 0
        """Datagrams that waited at one tick, at most."""
        self.stalled = False
        self._lost_each = lost_each
        self._received = 0
        self._lock = threading.RLock()
        self._end = threading.Event()
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self.start()

    @property
    def at(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", self.port))
        self._socket.setblocking(False)
        self._end.clear()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def quit(self) -> None:
        self._end.set()
        if self._thread is not None:
            self._thread.join(20)
        if self._socket is not None:
            self._socket.close()

    @contextmanager
    def paused(self) -> Iterator[FakeLive]:
        with self._lock:
            yield self.fake

    def _run(self) -> None:
        while not self._end.is_set():
            with self._lock:
                if not self.stalled:
                    self.fake.tick()
                    self._process()
            time.sleep(TICK_S)

    def _process(self) -> None:
        """What the timer does: read until there is nothing, or until something goes wrong."""
        assert self._socket is not None
        waiting: list[tuple[bytes, Any]] = []
        with suppress(OSError):  # until there is nothing
            while True:
                waiting.append(self._socket.recvfrom(65536))
        self.most = max(self.most, len(waiting))
        kept = [w for w in waiting[:BURST] if self._arrives()]
        self.lost += len(waiting) - len(kept)
        for number, (packet, sender) in enumerate(kept):
            message = OscMessage(packet)
            self.said.append(message.address)
            try:
                self._deal_with(message.address, list(message.params), sender[0])
            except Exception as error:
                self.errors.append(f"{message.address}: {error!r}")
                self._send("/live/error", [f"Error handling OSC message: {error}"], sender[0])
                self.lost += len(kept) - number - 1  # the rest of this tick's loop
                break

    def _arrives(self) -> bool:
        """Every so many datagrams one is lost on the way."""
        self._received += 1
        return not self._lost_each or self._received % self._lost_each != 0

    def _deal_with(self, address: str, arguments: Args, host: str) -> None:
        row = MESSAGES.get(address)
        if row is None:
            self._send("/live/error", [f"Unknown OSC address: {address}"], host)
            return
        count = min(row.indices, 2)
        indices, rest = [int(v) for v in arguments[:count]], arguments[count:]
        if not row.least <= len(rest) <= row.most:
            raise ValueError(f"{address} takes {row.least} to {row.most} arguments, not {len(rest)}")
        said = row.do(self.fake, self._thing(row.indices, indices), rest)
        if said is not None:
            self._send(address, [*indices, *said], host)

    def _thing(self, kind: int, indices: list[int]) -> Any:
        song = self.fake.song
        if kind == 0:
            return song
        track = song.tracks[indices[0]]
        if kind == 1:
            return track
        slot = track.clip_slots[indices[1]]
        return slot if kind == 2 else slot.clip

    def _send(self, address: str, arguments: Args, host: str) -> None:
        builder = OscMessageBuilder(address)
        for value in arguments:
            builder.add_arg(value)
        packet = builder.build().dgram
        if len(packet) <= MAX_REPLY and self._socket is not None:
            self._socket.sendto(packet, (host, self.port + 1))


def free_pair() -> int:
    """A UDP port that is free, as is the next one."""
    for _ in range(200):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as first:
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            try:
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as second:
                    second.bind(("127.0.0.1", port + 1))
                    return port
            except (OSError, OverflowError):
                continue
    raise AssertionError("no two free ports side by side")


@contextmanager
def abletonosc(**live: Any) -> Iterator[FakeAbletonOsc]:
    made = FakeAbletonOsc(**live)
    try:
        yield made
    finally:
        made.quit()
