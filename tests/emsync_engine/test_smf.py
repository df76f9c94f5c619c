"""The MIDI file, read back with mido: a reader that is not ours."""

from __future__ import annotations

import io
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import mido
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emsync_engine.score import (
    Bar,
    Control,
    Key,
    Note,
    Part,
    Score,
    ScoreHit,
    Section,
    Tempo,
    TempoMap,
)
from emsync_engine.smf import ascii_text, normalise_notes, part_controls, smf_bytes

QUARTER = 960


def make_score(**changes: object) -> Score:
    """Three bars (4/4, 3/4, 4/4) at two tempos, two parts, one hit."""
    tempo_map = TempoMap((Tempo(0, 500_000), Tempo(4 * QUARTER, 480_001)))
    end = 11 * QUARTER
    piano = Part("piano", "Piano", 0, 0, (Note(0, 60, QUARTER, 80), Note(QUARTER, 60, QUARTER, 90),
                                          Note(7 * QUARTER, 64, 4 * QUARTER, 100)))  # fmt: skip
    drums = Part("drums", "Drums", 0, 9, (Note(4 * QUARTER, 36, 120, 110),), (Control(0, 7, 90),))
    score = Score(
        tempo_map=tempo_map,
        bars=(Bar(0, 4), Bar(4 * QUARTER, 3), Bar(7 * QUARTER, 4)),
        key=Key(3, "minor"),
        parts=(piano, drums),
        sections=(Section("s1", "Chase", 0, end, 0.0, 0.5, 1),),
        chords=(),
        hits=(ScoreHit(4 * QUARTER, Fraction(2), "Door"),),
        duration=tempo_map.seconds(end),
        end_tick=end,
        seed=1,
        engine="test",
        title="Nächtliche Jagd",
    )
    return replace(score, **changes)  # type: ignore[arg-type]


def read(data: bytes) -> mido.MidiFile:
    return mido.MidiFile(file=io.BytesIO(data))


def timed(track: mido.MidiTrack) -> list[tuple[int, mido.Message]]:
    now, rows = 0, []
    for message in track:
        now += message.time
        rows.append((now, message))
    return rows


def metas(track: mido.MidiTrack, kind: str) -> list[tuple[int, mido.MetaMessage]]:
    return [(tick, message) for tick, message in timed(track) if message.type == kind]


def test_header_and_named_tracks() -> None:
    file = read(smf_bytes(make_score()))
    assert (file.type, file.ticks_per_beat) == (1, 960)
    assert [track.name for track in file.tracks] == ["Nachtliche Jagd", "Piano", "Drums"]


def test_tempo_map_metre_key_and_markers() -> None:
    conductor = read(smf_bytes(make_score())).tracks[0]
    assert [(t, m.tempo) for t, m in metas(conductor, "set_tempo")] == [(0, 500_000), (3840, 480_001)]
    assert [(t, m.numerator, m.denominator) for t, m in metas(conductor, "time_signature")] == [
        (0, 4, 4), (3840, 3, 4), (6720, 4, 4)]  # fmt: skip
    assert [m.key for _, m in metas(conductor, "key_signature")] == ["Ebm"]
    assert [(t, m.text) for t, m in metas(conductor, "marker")] == [
        (0, "Section Chase"), (3840, "Hit 1 Door"), (11 * QUARTER, "End")]  # fmt: skip


def test_each_part_has_its_channel_program_and_controls() -> None:
    file = read(smf_bytes(make_score()))
    for track, channel, volume in ((file.tracks[1], 0, 100), (file.tracks[2], 9, 90)):
        channels = {m.channel for m in track if not m.is_meta}
        assert channels == {channel}
        assert [m.program for m in track if m.type == "program_change"] == [0]
        controls = {m.control: m.value for _, m in timed(track) if m.type == "control_change"}
        assert controls == {7: volume, 10: 64, 11: 127}
        kinds = [m.type for m in track if not m.is_meta]
        assert kinds.index("note_on") > max(i for i, kind in enumerate(kinds) if kind == "control_change")


def test_note_off_comes_before_note_on_at_one_tick() -> None:
    rows = [(t, m.type) for t, m in timed(read(smf_bytes(make_score())).tracks[1]) if m.type.startswith("note")]
    assert rows[:4] == [(0, "note_on"), (960, "note_off"), (960, "note_on"), (1920, "note_off")]


def test_every_track_ends_with_the_score() -> None:
    score = make_score()
    file = read(smf_bytes(score))
    assert [timed(track)[-1][0] for track in file.tracks] == [score.end_tick] * 3
    assert max(t for t, m in timed(file.tracks[1]) if m.type == "note_off") == score.end_tick


def test_seconds_read_back_are_those_of_the_tempo_map() -> None:
    score = make_score()
    assert read(smf_bytes(score)).length == pytest.approx(float(score.tempo_map.seconds(score.end_tick)), abs=1e-9)


def test_equal_scores_give_identical_bytes() -> None:
    first, second = make_score(), make_score(metadata={"unrelated": 1})
    shuffled = replace(first, parts=tuple(replace(p, notes=tuple(reversed(p.notes))) for p in first.parts))
    assert smf_bytes(first) == smf_bytes(second) == smf_bytes(shuffled)


@pytest.mark.parametrize(
    ("rate", "frame", "drop", "expected"),
    [
        pytest.param(Fraction(24), 86400, False, (24, 1, 0, 0, 0, 0), id="24"),
        pytest.param(Fraction(24000, 1001), 86400, False, (24, 1, 0, 0, 0, 0), id="23.976"),
        pytest.param(Fraction(25), 90000 + 7, False, (25, 1, 0, 0, 7, 0), id="25"),
        pytest.param(Fraction(30000, 1001), 107892, True, (29.97, 1, 0, 0, 0, 0), id="29.97 drop"),
        pytest.param(Fraction(30000, 1001), 108000, False, (30, 1, 0, 0, 0, 0), id="29.97 non-drop"),
        pytest.param(Fraction(50), 180000 + 3, False, (25, 1, 0, 0, 1, 50), id="50 counted in 25"),
        pytest.param(Fraction(60000, 1001), 215784 + 5, True, (29.97, 1, 0, 0, 2, 50), id="59.94 drop"),
        pytest.param(Fraction(24), 86400 * 24 + 24, False, (24, 0, 0, 1, 0, 0), id="past midnight"),
    ],
)
def test_smpte_offset(rate: Fraction, frame: int, drop: bool, expected: tuple[float, ...]) -> None:
    conductor = read(smf_bytes(make_score(), start_timecode=(rate, frame, drop))).tracks[0]
    ((tick, offset),) = metas(conductor, "smpte_offset")
    assert tick == 0
    fields = (offset.frame_rate, offset.hours, offset.minutes, offset.seconds, offset.frames, offset.sub_frames)
    assert fields == expected


def test_no_smpte_offset_without_a_timecode() -> None:
    assert not metas(read(smf_bytes(make_score())).tracks[0], "smpte_offset")


@pytest.mark.parametrize("mode", ["major", "minor"])
@pytest.mark.parametrize("tonic", range(12))
def test_key_signature_is_spelt_like_the_key(tonic: int, mode: str) -> None:
    key = Key(tonic, mode)  # type: ignore[arg-type]
    ((_, signature),) = metas(read(smf_bytes(make_score(key=key))).tracks[0], "key_signature")
    name = key.name.split()[0] + ("m" if mode == "minor" else "")
    assert signature.key == name


@pytest.mark.parametrize(
    "part",
    [
        pytest.param(Part("p", "P", 0, 16), id="channel"),
        pytest.param(Part("p", "P", 128, 0), id="program"),
        pytest.param(Part("p", "P", 0, 0, (Note(0, 128, 1, 1),)), id="pitch"),
        pytest.param(Part("p", "P", 0, 0, (Note(0, 60, 0, 1),)), id="length"),
        pytest.param(Part("p", "P", 0, 0, (Note(0, 60, 1, 0),)), id="velocity"),
        pytest.param(Part("p", "P", 0, 0, (Note(-1, 60, 1, 1),)), id="before the head"),
        pytest.param(Part("p", "P", 0, 0, (), (Control(0, 7, 128),)), id="control"),
    ],
)
def test_what_no_midi_file_can_hold_is_refused(part: Part) -> None:
    with pytest.raises(ValueError):
        smf_bytes(make_score(parts=(part,)))


def test_two_parts_on_one_channel_are_refused() -> None:
    with pytest.raises(ValueError, match="channel of its own"):
        smf_bytes(make_score(parts=(Part("a", "A", 0, 0), Part("b", "B", 1, 0))))


def test_a_control_later_in_the_part_still_leaves_a_value_at_the_head() -> None:
    controls = part_controls(Part("a", "A", 0, 0, (), (Control(480, 11, 60),)))
    assert [(c.tick, c.controller, c.value) for c in controls] == [
        (0, 7, 100),
        (0, 10, 64),
        (0, 11, 127),
        (480, 11, 60),
    ]


@pytest.mark.parametrize(
    ("text", "plain"),
    [("Überfall", "Uberfall"), ("a\tb\n", "a b"), ("雨", "?"), ("", "none"), ("Hit 1 – Tür", "Hit 1 - Tur")],
)
def test_ascii_text(text: str, plain: str) -> None:
    assert ascii_text(text, "none") == plain


notes = st.lists(st.builds(Note, st.integers(0, 60), st.integers(60, 63), st.integers(1, 40), st.integers(1, 127)))


@given(notes)
def test_normalised_notes_never_overlap_and_keep_every_onset(before: list[Note]) -> None:
    after = normalise_notes(before)
    assert {(n.tick, n.pitch) for n in after} == {(n.tick, n.pitch) for n in before}
    assert list(after) == sorted(after)
    for pitch in range(60, 64):
        line = [n for n in after if n.pitch == pitch]
        assert all(a.end <= b.tick for a, b in pairwise(line))
    assert all(n.duration > 0 for n in after)
    assert normalise_notes(after) == after
    assert normalise_notes(reversed(before)) == after


@given(notes)
def test_a_note_is_only_shortened_by_its_successor(before: list[Note]) -> None:
    onsets = {(n.tick, n.pitch) for n in before}
    for note in normalise_notes(before):
        longest = max(n.duration for n in before if (n.tick, n.pitch) == (note.tick, note.pitch))
        assert note.duration == longest or (note.end, note.pitch) in onsets


@given(notes)
def test_the_written_file_alternates_on_and_off_for_each_pitch(played: list[Note]) -> None:
    score = make_score(parts=(Part("p", "P", 0, 0, tuple(played)),))
    sounding: set[int] = set()
    for message in read(smf_bytes(score)).tracks[1]:
        if message.type == "note_on":
            assert message.note not in sounding
            sounding.add(message.note)
        elif message.type == "note_off":
            sounding.remove(message.note)
    assert not sounding
