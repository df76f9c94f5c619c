"""A ``Session`` as a Standard MIDI File: type 1, 960 ticks, a conductor track and one track a MIDI track."""

from __future__ import annotations

import io
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import mido

from emsync_engine.timecode import frames_from_timecode, nominal_fps, timecode_from_frames
from otio_adapters.plugins.session import Session, SessionMarker, SessionTrack, shown_midi
from otio_adapters.plugins.smf_exact import exact_data
from otio_adapters.plugins.tempo import Clock, TempoPoint

TICKS = 960
MAX_US = 0xFFFFFF
_EXACT = Fraction(1, 10**9)  # seconds: nearer than this the tick says it all

Row = tuple[int, int, Any]
"""(tick, order at that tick, message)."""


def smf_of(session: Session) -> bytes:
    """The file. It depends on the session alone."""
    ticks = Ticks(Clock(session.tempo))
    conductor = [*_head(session), *_tempo(ticks), *(row for m in session.markers for row in _marker(m, ticks))]
    end = max(ticks.at(session.duration), max((row[0] for row in conductor), default=0))
    file = mido.MidiFile(type=1, ticks_per_beat=TICKS, charset="utf-8")
    file.tracks.append(_track(conductor, end))
    for track in session.tracks:
        if any(item.midi for item in track.items):
            file.tracks.append(_track(_notes(track, ticks), end))
    out = io.BytesIO()
    file.save(file=out)
    return out.getvalue()


@dataclass
class Ticks:
    """Seconds to ticks under the tempo map as the file can hold it: whole microseconds at whole ticks."""

    clock: Clock
    points: list[tuple[int, Fraction, int, TempoPoint]] = field(default_factory=list)
    """(tick, its time in seconds, microseconds a quarter, what is meant)."""

    def __post_init__(self) -> None:
        for point in self.clock.points:
            us = max(1, min(MAX_US, round(point.us)))
            tick = self.at(point.time) if self.points else 0
            row = (tick, self.seconds(tick) if self.points else Fraction(0), us, point)
            if self.points and self.points[-1][0] == tick:
                self.points.pop()
            self.points.append(row)

    def at(self, seconds: Fraction) -> int:
        """Nearest tick of a time."""
        i = max(bisect_right([row[1] for row in self.points], seconds) - 1, 0)
        tick, time, us, _ = self.points[i]
        return max(tick + round((seconds - time) * 1_000_000 * TICKS / us), 0)

    def seconds(self, tick: int) -> Fraction:
        """Time of a tick."""
        i = max(bisect_right([row[0] for row in self.points], tick) - 1, 0)
        first, time, us, _ = self.points[i]
        return time + Fraction((tick - first) * us, TICKS * 1_000_000)

    def offset(self, seconds: Fraction) -> float:
        """Seconds from the nearest tick to a time; 0 when the tick says it all."""
        rest = seconds - self.seconds(self.at(seconds))
        return float(rest) if abs(rest) > _EXACT else 0.0


def _head(session: Session) -> Iterator[Row]:
    yield 0, 0, mido.MetaMessage("track_name", name=_text(session.name))
    yield 0, 0, _smpte_offset(session)
    facts = {"rate": str(session.rate), "start_frame": session.start_frame, "drop_frame": session.drop_frame}
    yield 0, 0, _exact("session", **facts)


def _smpte_offset(session: Session) -> Any:
    """FF 54. It knows 24, 25, 29.97 drop and 30; faster rates are counted in the one they are a multiple of."""
    fps = nominal_fps(session.rate)
    base = next((b for b in (24, 25, 30) if fps % b == 0), 30)
    day = frames_from_timecode("24:00:00:00", session.rate, session.drop_frame)
    text = timecode_from_frames(session.start_frame % day, session.rate, session.drop_frame).replace(";", ":")
    hours, minutes, seconds, frames = (int(part) for part in text.split(":"))
    exact = Fraction(frames * base, fps)
    return mido.MetaMessage(
        "smpte_offset",
        frame_rate=29.97 if base == 30 and session.drop_frame else base,
        hours=hours,
        minutes=minutes,
        seconds=seconds,
        frames=int(exact),
        sub_frames=int(exact % 1 * 100),
    )


def _tempo(ticks: Ticks) -> Iterator[Row]:
    meter = None
    for tick, time, us, point in ticks.points:
        yield tick, 1, mido.MetaMessage("set_tempo", tempo=us)
        rest = point.time - time
        if abs(rest) > _EXACT or point.us != us:
            yield tick, 1, _exact("tempo", offset_s=float(rest), us=float(point.us))
        if point.meter != meter:
            meter = point.meter
            yield tick, 1, mido.MetaMessage("time_signature", numerator=meter[0], denominator=meter[1])


def _marker(marker: SessionMarker, ticks: Ticks) -> Iterator[Row]:
    tick = ticks.at(marker.time)
    yield tick, 2, mido.MetaMessage("marker", text=_text(marker.name))
    facts: dict[str, Any] = {
        "offset_s": ticks.offset(marker.time),
        "duration_s": float(marker.duration),
        "comment": marker.comment,
        "color": marker.colour,
    }
    facts = {key: value for key, value in facts.items() if value}
    if facts:
        yield tick, 2, _exact("marker", name=marker.name, **facts)


def _notes(track: SessionTrack, ticks: Ticks) -> Iterator[Row]:
    yield 0, 0, mido.MetaMessage("track_name", name=_text(track.name))
    for item in track.items:
        if item.midi is None:
            continue
        start = ticks.at(item.start)
        facts = {"name": item.name, "offset_s": ticks.offset(item.start), "duration_s": float(item.duration)}
        yield start, 1, _exact("clip", **facts)
        for tick, data in shown_midi(item, ticks.clock).resolved(TICKS).messages():
            order = 2 if data[0] & 0xF0 == 0x80 else 3
            yield start + tick, order - 2, mido.Message.from_bytes(data)


def _track(rows: Iterable[Row], end: int) -> Any:
    """The rows as a track with delta times, at least as long as the rest."""
    track = mido.MidiTrack()
    now = 0
    for tick, _, message in sorted(rows, key=lambda row: row[:2]):
        track.append(message.copy(time=tick - now))
        now = tick
    track.append(mido.MetaMessage("end_of_track", time=max(end - now, 0)))
    return track


def _exact(about: str, **values: Any) -> Any:
    return mido.MetaMessage("sequencer_specific", data=exact_data(about, **values))


def _text(text: str) -> str:
    return " ".join(text.split()).encode("utf-8", "replace").decode()
