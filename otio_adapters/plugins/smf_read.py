"""A Standard MIDI File as a ``Session``: its tempo map, markers and tracks of notes."""

from __future__ import annotations

import io
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any

import mido

from emsync_engine.errors import InputError
from emsync_engine.timecode import canonical_rate, frames_from_timecode
from otio_adapters.plugins.midi import Message, Midi, midi_of_messages
from otio_adapters.plugins.session import Item, Session, SessionMarker, SessionTrack
from otio_adapters.plugins.smf_exact import read_exact, seconds_in, text_in
from otio_adapters.plugins.tempo import TempoPoint, fine, meter

_MARKERS = ("marker", "cue_marker")
_MAX_SECONDS = 10**7

Row = tuple[int, Any]
"""(tick, message)."""


def read_smf(data: bytes) -> Session:
    """The session of a MIDI file. Times are at its SMPTE rate, or at 24 frames a second.

    Raises:
        InputError: not a MIDI file, a damaged one, or one that counts in SMPTE frames.
    """
    if data[:4] != b"MThd":
        raise InputError("is not a standard MIDI file: export it again", code="not_a_timeline")
    try:
        file = mido.MidiFile(file=io.BytesIO(data), clip=True)
    except (OSError, EOFError, ValueError, KeyError, IndexError, TypeError) as error:
        message = f"is a damaged MIDI file ({type(error).__name__}: {error}): export it again"
        raise InputError(message, code="not_a_timeline") from error
    if file.ticks_per_beat <= 0:
        raise InputError("counts in SMPTE frames, not in ticks: export it with a tempo map", code="bad_rate")
    tracks = [list(_absolute(track)) for track in file.tracks]
    rows = sorted((row for track in tracks for row in track), key=lambda row: row[0])
    clock = _TickClock(rows, file.ticks_per_beat)
    if rows and clock.seconds(rows[-1][0]) > _MAX_SECONDS:
        raise InputError("is longer than 115 days: its tempo map is damaged", code="bad_time")
    rate, start, drop = _timecode(rows)
    return Session(
        name=_name(tracks[0]) if tracks and file.type != 0 else "",
        rate=rate,
        start_frame=start,
        drop_frame=drop,
        tempo=tuple(_tempo(rows, clock)),
        tracks=tuple(filter(None, (_track(track, clock) for track in tracks))),
        markers=tuple(_markers(rows, clock)),
    )


class _TickClock:
    """Time of a tick."""

    def __init__(self, rows: Iterable[Row], resolution: int) -> None:
        self.resolution = resolution
        self._starts = [0]
        self._times = [(Fraction(0), 500_000)]
        for tick, message in rows:
            if message.type == "set_tempo" and message.tempo > 0:
                time = self.seconds(tick)
                if self._starts[-1] == tick:
                    self._starts.pop()
                    self._times.pop()
                self._starts.append(tick)
                self._times.append((time, message.tempo))

    def seconds(self, tick: int) -> Fraction:
        i = max(bisect_right(self._starts, tick) - 1, 0)
        time, us = self._times[i]
        return time + Fraction((tick - self._starts[i]) * us, self.resolution * 1_000_000)

    @property
    def tempos(self) -> dict[int, int]:
        """Microseconds a quarter from each tick on."""
        return {tick: us for tick, (_, us) in zip(self._starts, self._times)}


def _absolute(track: Any) -> Iterator[Row]:
    tick = 0
    for message in track:
        tick += message.time
        yield tick, message


def _text(text: str) -> str:
    """Text that was taken for Latin-1, as UTF-8 when it is."""
    try:
        return text.encode("latin-1").decode("utf-8").strip("\0 \t\r\n")
    except UnicodeError:
        return text.strip("\0 \t\r\n")


def _name(track: Iterable[Row]) -> str:
    return next((_text(message.name) for _, message in track if message.type == "track_name"), "")


def _exact_at(rows: Iterable[Row], about: str) -> dict[int, list[dict[str, Any]]]:
    """Our exact values by tick."""
    found: dict[int, list[dict[str, Any]]] = {}
    for tick, message in rows:
        if message.type == "sequencer_specific":
            values = read_exact(message.data)
            if values.get("about") == about:
                found.setdefault(tick, []).append(values)
    return found


def _timecode(rows: list[Row]) -> tuple[Fraction, int, bool]:
    """(rate, timecode of the head in frames, drop-frame)."""
    rate, start, drop = Fraction(24), 0, False
    offset = next((message for _, message in rows if message.type == "smpte_offset"), None)
    if offset is not None:
        drop = offset.frame_rate == 29.97
        rate = canonical_rate(offset.frame_rate)
        text = f"{offset.hours:02d}:{offset.minutes:02d}:{offset.seconds:02d}:{offset.frames:02d}"
        try:
            start = frames_from_timecode(text, rate, drop)
        except ValueError:
            start = 0
    stated = _exact_at(rows, "session").get(0, [{}])[-1]
    try:
        rate, start = canonical_rate(str(stated["rate"])), int(stated["start_frame"])
        drop = bool(stated["drop_frame"])
    except (KeyError, TypeError, ValueError):
        pass  # a file of another program, or a damaged event: the offset is all there is
    return rate, max(start, 0), drop


def _tempo(rows: list[Row], clock: _TickClock) -> Iterator[TempoPoint]:
    exact = _exact_at(rows, "tempo")
    meters: dict[int, tuple[int, int]] = {0: (4, 4)}
    for tick, message in rows:
        if message.type == "time_signature":
            meters[tick] = meter(message.numerator, message.denominator)
    if not any(message.type in ("set_tempo", "time_signature") for _, message in rows):
        return
    tempos = clock.tempos
    us, signature = 500_000, (4, 4)
    for tick in sorted({*tempos, *meters}):
        us, signature = tempos.get(tick, us), meters.get(tick, signature)
        time, meant = clock.seconds(tick), Fraction(us)
        for values in exact.get(tick, []):
            stated = seconds_in(values, "us")
            if abs(stated - us) < 1:
                time, meant = time + seconds_in(values, "offset_s"), stated
        yield TempoPoint(fine(time), meant, *signature)


def _markers(rows: list[Row], clock: _TickClock) -> Iterator[SessionMarker]:
    exact = _exact_at(rows, "marker")
    for tick, message in rows:
        if message.type not in _MARKERS:
            continue
        name = _text(message.text)
        waiting = exact.get(tick, [])
        values = next((v for v in waiting if " ".join(text_in(v, "name").split()) == name), {})
        if values:
            waiting.remove(values)
            name = text_in(values, "name")
        yield SessionMarker(
            max(fine(clock.seconds(tick)) + seconds_in(values, "offset_s"), Fraction(0)),
            name,
            max(seconds_in(values, "duration_s"), Fraction(0)),
            text_in(values, "comment"),
            text_in(values, "color"),
        )


def _track(rows: list[Row], clock: _TickClock) -> SessionTrack | None:
    """A track with its clips: those we wrote, else one over the whole of it. None without any note or controller."""
    messages = [Message(tick, tuple(m.bytes())) for tick, m in rows if not m.is_meta and m.type != "sysex"]
    clips = sorted(_exact_at(rows, "clip").items())
    if not messages and not clips:
        return None
    items = [_whole(messages, rows[-1][0], clock)] if not clips else list(_clips(messages, clips, clock))
    name = _name(rows)
    return SessionTrack(name, tuple(item if item.name else _named(item, name) for item in items), "midi")


def _named(item: Item, name: str) -> Item:
    return Item(item.start, item.duration, "midi", name, midi=item.midi)


def _whole(messages: list[Message], end: int, clock: _TickClock) -> Item:
    return Item(Fraction(0), max(fine(clock.seconds(end)), Fraction(1, 1000)), "midi", midi=_midi(messages, clock))


def _clips(messages: list[Message], clips: list[tuple[int, list[dict[str, Any]]]], clock: _TickClock) -> Iterator[Item]:
    """Each message belongs to the last clip that began by then; the ends of notes go where the notes are."""
    starts = [tick for tick, _ in clips]
    parts: list[list[Message]] = [[] for _ in clips]
    sounding: dict[tuple[int, int], int] = {}
    for tick, data in messages:
        part = max(bisect_right(starts, tick) - 1, 0)
        key = (data[0] & 0x0F, data[1])
        kind = data[0] & 0xF0
        if kind == 0x90 and data[2]:
            sounding[key] = part
        elif kind in (0x80, 0x90):
            part = sounding.get(key, part)
        parts[part].append(Message(max(tick - starts[part], 0), data))
    for (tick, values), part_messages in zip(clips, parts):
        start = max(fine(clock.seconds(tick)) + seconds_in(values[0], "offset_s"), Fraction(0))
        duration = seconds_in(values[0], "duration_s")
        if duration > 0:
            yield Item(start, duration, "midi", text_in(values[0], "name"), midi=_midi(part_messages, clock))


def _midi(messages: list[Message], clock: _TickClock) -> Midi:
    return midi_of_messages(messages, clock.resolution)
