"""MIDI files: what other programs see in ours, and what we see in theirs."""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import mido
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emsync_engine.errors import InputError
from otio_adapters.formats import smf as hits_reader
from otio_adapters.plugins.session import Session, SessionMarker
from otio_adapters.plugins.smf_read import read_smf
from otio_adapters.plugins.smf_write import smf_of
from otio_adapters.plugins.tempo import TempoPoint
from tests.otio_adapters.plugins.sessions import TEMPO, by_hand


def _file(session: Session) -> Any:
    return mido.MidiFile(file=io.BytesIO(smf_of(session)), charset="utf-8")


def _timed(track: Any) -> list[tuple[int, Any]]:
    tick, rows = 0, []
    for message in track:
        tick += message.time
        rows.append((tick, message))
    return rows


def test_type_1_with_a_conductor_and_a_track_of_notes() -> None:
    file = _file(by_hand())
    assert (file.type, file.ticks_per_beat, [track.name for track in file.tracks]) == (
        1,
        960,
        ['Reel "1" it\'s', "MX Strings"],
    )
    assert not [m for m in file.tracks[0] if not m.is_meta]
    ends = {_timed(track)[-1][0] for track in file.tracks}
    assert len(ends) == 1


def test_tempo_and_meter_are_where_the_map_has_them() -> None:
    rows = _timed(_file(by_hand()).tracks[0])
    assert [(t, m.tempo) for t, m in rows if m.type == "set_tempo"] == [
        (0, 500_000),
        (16 * 960, 666_667),
        (22 * 960, 400_000),
    ]
    assert [(t, m.numerator, m.denominator) for t, m in rows if m.type == "time_signature"] == [
        (0, 4, 4),
        (16 * 960, 3, 4),
        (22 * 960, 6, 8),
    ]


def test_markers_are_at_the_nearest_tick_for_everybody() -> None:
    session = by_hand()
    seen = hits_reader._reading(mido.merge_tracks(_file(session).tracks), 960, None, Path("x.mid"))
    times = [m["marked_range"]["start_time"] for m in seen.document["tracks"]["markers"]]
    for marker, time in zip(session.markers, times):
        assert abs(marker.time - Fraction(time["value"]) / Fraction(time["rate"])) < Fraction(1, 1000)


@pytest.mark.parametrize(
    ("rate", "start", "drop", "expected"),
    [
        (Fraction(24000, 1001), 86_400, False, (24, 1, 0, 0, 0, 0)),
        (Fraction(25), 90_030, False, (25, 1, 0, 1, 5, 0)),
        (Fraction(30000, 1001), 107_892, True, (29.97, 1, 0, 0, 0, 0)),
        (Fraction(30000, 1001), 108_000, False, (30, 1, 0, 0, 0, 0)),
        (Fraction(60000, 1001), 216_001, False, (30, 1, 0, 0, 0, 50)),
    ],
)
def test_smpte_offset(rate: Fraction, start: int, drop: bool, expected: tuple[float, ...]) -> None:
    session = replace(by_hand(), rate=rate, start_frame=start, drop_frame=drop)
    offset = next(m for m in _file(session).tracks[0] if m.type == "smpte_offset")
    seen = (offset.frame_rate, offset.hours, offset.minutes, offset.seconds, offset.frames, offset.sub_frames)
    assert seen == expected


def _bytes(tracks: Sequence[Sequence[Any]], resolution: int = 480, kind: int = 1) -> bytes:
    file = mido.MidiFile(type=kind, ticks_per_beat=resolution)
    for rows in tracks:
        file.tracks.append(mido.MidiTrack(rows))
    out = io.BytesIO()
    file.save(file=out)
    return out.getvalue()


def test_a_file_of_somebody_else() -> None:
    """480 ticks, 120 then 60 from the third beat; a note across the change; names in Latin-1."""
    conductor = [
        mido.MetaMessage("set_tempo", tempo=500_000, time=0),
        mido.MetaMessage("time_signature", numerator=3, denominator=8, time=0),
        mido.MetaMessage("set_tempo", tempo=1_000_000, time=960),
        mido.MetaMessage("marker", text="Einsatz für", time=480),
        mido.MetaMessage("cue_marker", text="cue", time=480),
    ]
    notes = [
        mido.MetaMessage("track_name", name="Flöte", time=0),
        mido.Message("note_on", note=60, velocity=90, channel=3, time=480),
        mido.Message("note_on", note=60, velocity=0, channel=3, time=960),
        mido.Message("sysex", data=(1, 2), time=0),
        mido.Message("note_on", note=62, velocity=90, channel=3, time=0),
        mido.MetaMessage("end_of_track", time=960),
    ]
    session = read_smf(_bytes([conductor, notes]))
    assert [(m.time, m.name) for m in session.markers] == [(2, "Einsatz für"), (3, "cue")]
    assert [(p.time, p.us, p.meter) for p in session.tempo] == [(0, 500_000, (3, 8)), (1, 1_000_000, (3, 8))]
    item = session.tracks[0].items[0]
    assert (session.tracks[0].name, item.name, item.start, item.duration) == ("Flöte", "Flöte", 0, 4)
    assert item.midi is not None and item.midi.ticks_per_quarter == 480
    assert [tuple(note) for note in item.midi.notes] == [(480, 60, 960, 90, 3), (1440, 62, 1, 90, 3)]


def test_times_follow_when_somebody_edits_the_tempo() -> None:
    """Exact offsets are from the tick, so a marker moves with the tempo map and never by a stale absolute time."""
    session = Session("s", Fraction(24), tempo=(TempoPoint(Fraction(0), Fraction(500_000)),))
    session = replace(session, markers=(SessionMarker(Fraction(10) + Fraction(1, 10_000), "hit"),))
    file = mido.MidiFile(file=io.BytesIO(smf_of(session)))
    for message in file.tracks[0]:
        if message.type == "set_tempo":
            message.tempo = 1_000_000
    out = io.BytesIO()
    file.save(file=out)
    assert read_smf(out.getvalue()).markers[0].time == Fraction(20) + Fraction(1, 10_000)


def test_a_tempo_that_is_no_whole_microsecond_is_kept() -> None:
    tempo = (TempoPoint(Fraction(0), Fraction(1_234_567, 3)), TempoPoint(Fraction(500), Fraction(50_000_001, 99)))
    tempo = tuple(replace(point, us=Fraction(round(point.us * 10**6), 10**6)) for point in tempo)
    session = Session("s", Fraction(24), tempo=tempo, markers=(SessionMarker(Fraction(7199), "end"),))
    read = read_smf(smf_of(session))
    for read_point, point in zip(read.tempo, tempo, strict=True):
        assert abs(read_point.us - point.us) < Fraction(1, 10**9)
    assert abs(read.tempo[1].time - 500) < Fraction(1, 10**6)
    assert abs(read.markers[0].time - 7199) < Fraction(1, 10**6)


def test_two_clips_of_a_track_stay_two() -> None:
    strings = by_hand().tracks[-1]
    item = strings.items[0]
    later = replace(item, start=item.end + 1, name="again", duration=Fraction(5))
    session = replace(by_hand(), tracks=(replace(strings, items=(item, later)),), tempo=TEMPO)
    read = read_smf(smf_of(session)).tracks[0].items
    assert [(i.name, i.midi and len(i.midi.notes)) for i in read] == [("Strings", 4), ("again", 4)]
    assert abs(read[1].start - later.start) < Fraction(1, 10**6)


def test_frames_for_ticks_are_refused() -> None:
    data = bytearray(smf_of(by_hand()))
    data[12:14] = b"\xe7\x28"
    with pytest.raises(InputError, match="SMPTE frames"):
        read_smf(bytes(data))


_WHOLE = smf_of(by_hand())


@given(st.lists(st.tuples(st.integers(0, len(_WHOLE) - 1), st.integers(0, 255)), max_size=6), st.integers(0, 400))
def test_damaged_files_are_read_or_refused(changes: list[tuple[int, int]], cut: int) -> None:
    data = bytearray(_WHOLE)
    for place, value in changes:
        data[place] = value
    with suppress(InputError):
        read_smf(bytes(data[: len(data) - cut]))
