"""REAPER projects: what is written has the layout REAPER reads, and projects of its own are understood."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emsync_engine.errors import InputError
from otio_adapters.plugins.rpp_read import read_rpp
from otio_adapters.plugins.rpp_text import parse, quote, words_of
from otio_adapters.plugins.rpp_write import rpp_text
from otio_adapters.plugins.tempo import Clock
from tests.otio_adapters.plugins.sessions import by_hand


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("plain", '"plain"'),
        ("", '""'),
        ("it's", '"it\'s"'),
        ('the "end"', "'the \"end\"'"),
        ('it\'s "big"', '`it\'s "big"`'),
        ("`\"'", "`'\"'`"),
        ("two\nlines", '"two lines"'),
    ],
)
def test_quotes(text: str, written: str) -> None:
    assert quote(text) == written


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Zl", "Zp")), max_size=30))
def test_a_quoted_word_is_one_word(text: str) -> None:
    expected = text if len({'"', "'", "`"} & set(text)) < 3 else text.replace("`", "'")
    assert words_of(f"NAME {quote(text)} 1") == ["NAME", expected, "1"]


def test_every_block_is_closed_and_every_line_known() -> None:
    lines = rpp_text(by_hand()).splitlines()
    depth = 0
    for line in lines:
        depth += line.lstrip().startswith("<")
        depth -= line.strip() == ">"
        assert depth > 0 or line == ">"
    assert depth == 0
    assert lines[0].startswith("<REAPER_PROJECT 0.1 ")


def test_tempo_points_are_square_and_carry_the_meter_where_it_changes() -> None:
    points = re.findall(r"^ +PT (.*)$", rpp_text(by_hand()), re.M)
    assert points[0] == "0 120 1 262148 0 1"
    assert points[1].split()[2:] == ["1", str(4 << 16 | 3), "0", "1"]
    assert points[2].split()[2:] == ["1", str(8 << 16 | 6), "0", "1"]


def test_a_region_is_two_lines_of_one_number() -> None:
    rows = re.findall(r"^ +MARKER (.*)$", rpp_text(by_hand()), re.M)
    assert rows[0].startswith('1 0 "Act 1" 1 ')
    assert rows[1] == '1 5.005 "" 1'
    assert rows[2].startswith('2 4.170833333333 "Hit 1" 0 ')


def test_midi_ends_with_all_notes_off_at_the_end_of_the_item() -> None:
    session = by_hand()
    project = parse(rpp_text(session))
    source = next(next(list(project.inner("TRACK"))[-1].inner("ITEM")).inner("SOURCE"))
    events = list(source.lines("E"))
    assert source.words[1] == "MIDI"
    assert list(source.lines("HASDATA")) == [["1", "960", "QN"]]
    assert events[-1][1:] == ["b0", "7b", "00"]
    clock = Clock(session.tempo)
    assert sum(int(event[0]) for event in events) == round(clock.quarters(session.duration) * 960)


def test_a_picture_whose_sound_is_on_a_track_is_silent_itself() -> None:
    session = by_hand()
    assert "AUDIO 0" not in rpp_text(session)
    heard = replace(session.tracks[2].items[0], media="/media/b.mov")
    session = replace(session, tracks=(*session.tracks[:2], replace(session.tracks[2], items=(heard,))))
    text = rpp_text(session)
    assert text.count("AUDIO 0") == 2  # the two items of b.mov
    assert text.count("VIDEO_DISABLED") == 1  # its sound
    assert [item.kind for track in read_rpp(text).tracks for item in track.items].count("audio") == 1


def test_picture_and_sound_stay_when_the_tempo_is_edited() -> None:
    project = parse(rpp_text(by_hand()))
    bound = {" ".join(track.first("NAME")): track.first("BEAT") for track in project.inner("TRACK")}
    assert bound == {"V2": ["0"], "V1": ["0"], "A1": ["0"], "MX Strings": []}


FOREIGN = """<REAPER_PROJECT 0.1 "6.66/linux-x86_64" 1662197272
  RIPPLE 0
  PROJOFFS 3600 0 0
  TIMEMODE 1 5 -1 25 0 0 -1
  TEMPO 100 3 4
  <TEMPOENVEX
    ACT 1 -1
    PT 0.000000000000 100.0000000000 0 262147 0 1
    PT 4 140 1
    PT 8 90 1 524294 1 1
    PT 9 0 1 262148 0 3
  >
  <NOTES 0 2
    |a note with < and >
    |>
  >
  MARKER 1 2.5 Intro 0 0 1 B {1} 0
  MARKER 3 1 'the "A" part' 1 0 1
  MARKER 4 3 Verse 1 16777471 1
  MARKER 3 3 "" 1
  MARKER 4 5.5 "" 1
  <TRACK {0}
    NAME Guitar
    VOLPAN 0.5 -0.25 -1 -1 1
    MUTESOLO 1 0 0
    <FXCHAIN
      <VST "VST: ReaEQ" reaeq.dll 0 "" 1919247729
        ZWVxcu5e7f4CAAAAAQAAAAAAAAACAAAAAAAAAAIAAAABAAAAAAAAAAIAAAAAAAAA
      >
      UNKNOWN_KEY 1 2 3
    >
    <ITEM
      POSITION 2.
      LENGTH 3.5
      MUTE 1 0
      NAME take1.wav
      SOFFS 1.25 2.5
      PLAYRATE 0.5 1 0 -1
      <SOURCE WAVE
        FILE "audio/take 1.wav"
      >
      TAKE SEL
      NAME 'take "2"'
      SOFFS 0.5
      PLAYRATE 2 1 0 -1
      <SOURCE _OFFLINE_WAVE
        FILE "audio/take 2.wav"
      >
    >
    <ITEM
      POSITION 5
      LENGTH 1
      <SOURCE SECTION
        LENGTH 1
        MODE 2
        STARTPOS 4
        OVERLAP 0.01
        <SOURCE FLAC
          FILE rev.flac
        >
      >
    >
  >
  <TRACK
    NAME ""
    <ITEM
      POSITION 1
      LENGTH 1
      NAME Titles
    >
    <ITEM
      POSITION 0
      LENGTH 1
      <SOURCE VIDEO
        FILE "C:\\Film\\cut v3.mp4"
      >
    >
    <ITEM
      POSITION 0.5
      LENGTH 2
      SOFFS 0
      <SOURCE MIDI
        HASDATA 1 480 QN
        e 0 90 3c 60
        E 240 90 40 00
        Em 0 90 41 50
        <X 10 0
          /wNuYW1l
        >
        E 230 80 3c 00
        E 0 c0 0a
        e 480 b0 7b 00
        CCINTERP 32
      >
    >
  >
>
"""


def test_a_project_of_somebody_else() -> None:
    session = read_rpp(FOREIGN)
    assert (session.rate, session.start_frame) == (25, 90_000)
    markers = [(m.time, m.duration, m.name, m.colour) for m in session.markers]
    assert markers == [
        (Fraction(5, 2), 0, "Intro", ""),
        (1, 2, 'the "A" part', ""),
        (3, Fraction(5, 2), "Verse", "RED"),
    ]
    guitar, other = session.tracks
    assert (guitar.name, guitar.volume, guitar.pan, guitar.muted) == ("Guitar", 0.5, -0.25, True)
    take, backwards = guitar.items
    assert (take.name, take.media, take.source, take.speed, take.muted) == (
        'take "2"',
        "audio/take 2.wav",
        Fraction(1, 2),
        2,
        True,
    )
    assert (backwards.source, backwards.speed, backwards.kind) == (5, -1, "audio")
    picture, midi, title = other.items
    assert (picture.kind, picture.media, picture.name) == ("video", "C:\\Film\\cut v3.mp4", "cut v3.mp4")
    assert (title.kind, title.name, title.media) == ("video", "Titles", "")
    assert midi.midi is not None
    assert [tuple(note) for note in midi.midi.notes] == [(0, 60, 480, 96, 0)]
    assert [tuple(program) for program in midi.midi.programs] == [(480, 10, 0)]


def test_a_ramp_keeps_the_bar_lines_at_its_ends() -> None:
    """From 100 to 140 in 4 seconds is 8 quarters; then 140 for 4 seconds is 9 1/3."""
    clock = Clock(read_rpp(FOREIGN).tempo)
    assert abs(clock.quarters(Fraction(4)) - 8) < Fraction(1, 10**9)
    assert abs(clock.quarters(Fraction(8)) - 8 - Fraction(28, 3)) < Fraction(1, 10**9)
    last = clock.points[-1]
    assert (last.time, round(last.bpm), last.meter) == (9, 90, (4, 4))
    assert clock.points[0].meter == (3, 4)


@pytest.mark.parametrize(
    "text", ["", "hello", "<REAPER_PROJECT 0.1\n  <TRACK\n  >\n", "<REAPER_PROJECT\n" + "<A\n" * 200]
)
def test_what_is_no_project_is_said(text: str) -> None:
    with pytest.raises(InputError):
        read_rpp(text)


@given(
    st.lists(
        st.sampled_from([*FOREIGN.splitlines(), "PT x y z", "MARKER", "E 1 zz 2 3", "POSITION 1e999", "\0"]),
        max_size=40,
    )
)
def test_shuffled_lines_are_read_or_refused(lines: list[str]) -> None:
    with suppress(InputError):
        read_rpp("\n".join(["<REAPER_PROJECT 0.1", *lines, ">"]))
