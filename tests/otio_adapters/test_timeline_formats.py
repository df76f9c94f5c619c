"""Small files of every format, with cuts worked out by hand."""

from __future__ import annotations

import zipfile
from fractions import Fraction
from pathlib import Path

import mido
import pytest

from emsync_engine.errors import InputError
from emsync_engine.picture import Picture
from otio_adapters import read_picture
from tests.otio_adapters.builders import clip, save, timeline, track


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_bytes(text.encode("utf-8"))
    return path


def edits(picture: Picture) -> list[tuple[int, str]]:
    return [(b.frame, b.kind) for b in picture.boundaries if b.picture]


EDL = """TITLE: REEL 1
FCM: NON-DROP FRAME
001  A001     V     C        01:00:00:00 01:00:02:00 10:00:00:00 10:00:02:00
* FROM CLIP NAME: one
* LOC: 10:00:01:00 RED     hit
002  A002     V     C        01:00:10:00 01:00:12:00 10:00:02:00 10:00:04:00
M2   A002       048.0                01:00:10:00
* FROM CLIP NAME: two
003  A002     V     C        01:00:14:00 01:00:14:00 10:00:04:00 10:00:04:00
003  A003     V     D    012 01:00:00:00 01:00:02:00 10:00:04:00 10:00:06:00
* FROM CLIP NAME: two
* TO CLIP NAME: three
004  BL       V     C        00:00:00:00 00:00:01:00 10:00:06:00 10:00:07:00
005  BL       V     C        00:00:00:00 00:00:00:00 10:00:07:00 10:00:07:00
005  A005     V     W001 024 01:00:00:00 01:00:03:00 10:00:07:00 10:00:10:00
006  A006     A     C        01:00:00:00 01:00:10:00 10:00:00:00 10:00:10:00
"""


def test_an_edit_list_keeps_record_times(tmp_path: Path) -> None:
    picture = read_picture(write(tmp_path, "reel.edl", EDL), rate=Fraction(24))
    assert edits(picture) == [(48, "cut"), (96, "dissolve"), (144, "to_black"), (168, "from_black")]
    assert picture.start_timecode == "10:00:00:00"
    assert [s.name for s in picture.shots] == ["one", "two", "three", "A005"]
    assert picture.shots[1].speed == 2
    assert [b.hit for b in picture.boundaries if b.span] == [Fraction(102, 24), Fraction(192, 24)]
    assert picture.markers[0].time == 1
    assert picture.markers[0].instruction is not None
    assert picture.sounds[0].end == 10
    assert picture.warnings == tuple(w for w in picture.warnings if "media not found" in w)


def test_an_edit_list_may_have_a_byte_order_mark_and_windows_line_ends(tmp_path: Path) -> None:
    plain = read_picture(write(tmp_path, "a.edl", EDL), rate=Fraction(24))
    odd = read_picture(write(tmp_path, "b.edl", "\ufeff" + EDL.replace("\n", "\r\n")), rate=Fraction(24))
    assert odd.boundaries == plain.boundaries


@pytest.mark.parametrize(
    ("first", "last", "rate"),
    [
        ("01:00:00:00", "01:00:01:23", Fraction(24)),
        ("01:00:00:00", "01:00:01:24", Fraction(25)),
        ("01:00:00:00", "01:00:01:29", Fraction(30)),
        ("01:00:00;00", "01:00:01;29", Fraction(30000, 1001)),
    ],
)
def test_an_edit_list_without_a_rate_is_guessed_with_a_warning(
    tmp_path: Path, first: str, last: str, rate: Fraction
) -> None:
    text = f"TITLE: x\n001  A V C 00:00:00:00 00:00:01:00 {first} {last}\n"
    picture = read_picture(write(tmp_path, "x.edl", text))
    assert picture.rate == rate
    assert any("--rate" in warning for warning in picture.warnings)


def test_drop_frame_lists_count_without_the_dropped_numbers(tmp_path: Path) -> None:
    text = (
        "TITLE: x\nFCM: DROP FRAME\n"
        "001  A V C 00:00:00:00 00:00:10:00 01:00:00:00 01:00:59:28\n"
        "002  B V C 00:00:00:00 00:00:10:00 01:00:59:28 01:02:00:02\n"
    )
    picture = read_picture(write(tmp_path, "x.edl", text))
    assert (picture.start_frame, picture.drop_frame, picture.start_timecode) == (107892, True, "01:00:00;00")
    assert edits(picture) == [(1798, "cut")]
    assert picture.duration * picture.rate == 2 * 1800 - 2 - 2 + 2


def test_a_rate_that_does_not_fit_a_list_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "x.edl", "001  A V C 00:00:00:00 00:00:01:00 01:00:00:00 01:00:01:29\n")
    with pytest.raises(InputError, match=r"line 1.*--rate"):
        read_picture(path, rate=Fraction(24))


def xmeml(body: str, timebase: int = 25, ntsc: str = "FALSE") -> str:
    rate = f"<rate><timebase>{timebase}</timebase><ntsc>{ntsc}</ntsc></rate>"
    return f"""<?xml version="1.0"?><!DOCTYPE xmeml><xmeml version="4"><sequence id="s"><name>cut</name>{rate}
    <timecode>{rate}<frame>{timebase * 3600}</frame><displayformat>NDF</displayformat></timecode>
    <media><video>{body}</video></media></sequence></xmeml>"""


def item(name: str, start: int, end: int, first: int = 0, more: str = "") -> str:
    return f"""<clipitem id="{name}"><name>{name}</name><enabled>TRUE</enabled><start>{start}</start><end>{end}</end>
    <in>{first}</in><out>{first + 100}</out><file id="f{name}"><name>{name}</name>
    <pathurl>file://localhost/C%3a/media/{name}.mov</pathurl><duration>999</duration></file>{more}</clipitem>"""


def test_fcp7_transitions_give_their_neighbours_the_edit_point(tmp_path: Path) -> None:
    dissolve = """<transitionitem><start>90</start><end>110</end><alignment>center</alignment>
    <effect><name>Cross Dissolve</name></effect></transitionitem>"""
    body = f"<track>{item('a', 0, -1)}{dissolve}{item('b', -1, 200, 30)}</track>"
    picture = read_picture(write(tmp_path, "x.xml", xmeml(body)))
    (boundary,) = picture.boundaries
    assert (boundary.frame, boundary.kind, boundary.hit) == (100, "dissolve", Fraction(100, 25))
    assert boundary.incoming is not None
    assert boundary.incoming.media_time == Fraction(40, 25)
    assert boundary.incoming.media == "C:/media/b.mov"
    assert picture.start_timecode == "01:00:00:00"


def test_fcp7_disabled_clips_and_tracks_are_not_seen(tmp_path: Path) -> None:
    off = item("off", 10, 20).replace("TRUE", "FALSE")
    body = f"<track>{item('a', 0, 50)}{item('b', 50, 90)}</track><track>{off}</track>"
    body += f"<track>{item('c', 0, 90)}<enabled>FALSE</enabled></track>"
    assert edits(read_picture(write(tmp_path, "x.xml", xmeml(body)))) == [(50, "cut")]


def test_fcp7_nested_sequences_are_entered(tmp_path: Path) -> None:
    rate = "<rate><timebase>25</timebase><ntsc>FALSE</ntsc></rate>"
    inside = f"<media><video><track>{item('x', 0, 30)}{item('y', 30, 80)}</track></video></media>"
    nest = f"""<clipitem><name>nest</name><start>40</start><end>90</end><in>10</in><out>60</out>
    <sequence id="n"><name>n</name>{rate}{inside}</sequence></clipitem>"""
    again = """<clipitem><name>nest</name><start>90</start><end>110</end><in>25</in><out>45</out>
    <sequence id="n"/></clipitem>"""
    picture = read_picture(write(tmp_path, "x.xml", xmeml(f"<track>{item('a', 0, 40)}{nest}{again}</track>")))
    assert edits(picture) == [(40, "cut"), (60, "cut"), (90, "cut"), (95, "cut")]


def test_fcp7_ntsc_rates_and_speed(tmp_path: Path) -> None:
    remap = """<filter><effect><effectid>timeremap</effectid><parameter><parameterid>speed</parameterid>
    <value>200</value></parameter></effect></filter>"""
    body = f"<track>{item('a', 0, 48, 20, remap)}{item('b', 48, 96)}</track>"
    picture = read_picture(write(tmp_path, "x.xml", xmeml(body, 24, "TRUE")))
    assert picture.rate == Fraction(24000, 1001)
    assert picture.shots[0].speed == 2
    assert picture.shots[0].media_start == Fraction(40 * 1001, 24000)


def test_a_sequence_that_contains_itself_is_refused(tmp_path: Path) -> None:
    body = '<track><clipitem><name>n</name><start>0</start><end>9</end><sequence id="s"/></clipitem></track>'
    with pytest.raises(InputError, match="contains itself"):
        read_picture(write(tmp_path, "x.xml", xmeml(body)))


def fcpxml(spine: str, resources: str = "") -> str:
    return f"""<?xml version="1.0"?><!DOCTYPE fcpxml><fcpxml version="1.11"><resources>
    <format id="r1" frameDuration="100/2500s"/><effect id="t1" name="Basic Title"/>
    <asset id="a1" name="A" start="3600s" duration="100s" hasVideo="1" hasAudio="1">
      <media-rep kind="original-media" src="file:///m/a%20b.mov"/></asset>
    <asset id="a2" name="B" start="0s" duration="100s" hasVideo="1" src="file:///m/b.mov"/>
    <asset id="m1" name="M" start="0s" duration="100s" hasAudio="1" src="file:///m/m.wav"/>{resources}</resources>
    <library><event><project name="P"><sequence format="r1" tcStart="3600s" tcFormat="NDF" duration="20s">
    <spine>{spine}</spine></sequence></project></event></library></fcpxml>"""


FCPXML_SPINE = """<asset-clip ref="a1" offset="3600s" start="3610s" duration="4s" name="one">
      <marker start="3611s" duration="1/25s" value="hit"/></asset-clip>
      <gap offset="3604s" start="3600s" duration="1s"/>
      <asset-clip ref="a2" offset="3605s" duration="5s" name="two"/>"""


def test_fcpxml_counts_from_the_sequence_start(tmp_path: Path) -> None:
    picture = read_picture(write(tmp_path, "x.fcpxml", fcpxml(FCPXML_SPINE)))
    assert edits(picture) == [(100, "to_black"), (125, "from_black")]
    assert picture.start_timecode == "01:00:00:00"
    assert picture.shots[0].media == "/m/a b.mov"
    assert picture.shots[0].media_start == 10
    assert [(m.time, m.name) for m in picture.markers] == [(Fraction(1), "hit")]


def test_fcpxml_connected_clips_lie_in_lanes(tmp_path: Path) -> None:
    spine = """<asset-clip ref="a1" offset="3600s" start="3610s" duration="10s" name="one" enabled="0">
      <asset-clip ref="a2" lane="1" offset="3612s" start="7s" duration="2s" name="over" srcEnable="video"/>
      <asset-clip ref="m1" lane="-1" offset="3611s" duration="5s" name="music" audioRole="music.temp"/>
      <title ref="t1" lane="2" offset="3613s" duration="3s" name="title"/></asset-clip>"""
    picture = read_picture(write(tmp_path, "x.fcpxml", fcpxml(spine)))
    assert edits(picture) == [(50, "from_black"), (100, "cut"), (150, "to_black")]
    assert [s.name for s in picture.shots] == ["over", "title"]
    assert picture.shots[0].media_start == 7
    (sound,) = [s for s in picture.sounds if s.name == "music"]
    assert (sound.role, sound.start, sound.end) == ("music", 1, 6)


def test_fcpxml_compound_clips_storylines_and_auditions(tmp_path: Path) -> None:
    compound = """<media id="c1" name="C"><sequence format="r1" tcStart="10s" duration="8s"><spine>
      <asset-clip ref="a1" offset="10s" start="3600s" duration="3s" name="in1"/>
      <asset-clip ref="a2" offset="13s" duration="5s" name="in2"/></spine></sequence></media>"""
    spine = """<ref-clip ref="c1" offset="3600s" start="12s" duration="4s" name="C"/>
      <audition offset="3604s"><asset-clip ref="a2" start="50s" duration="6s" name="picked">
        <spine lane="1" offset="51s"><asset-clip ref="a1" offset="0s" start="3600s" duration="1s" name="s1"/>
        <asset-clip ref="a2" offset="1s" start="9s" duration="1s" name="s2"/></spine></asset-clip>
        <asset-clip ref="a1" duration="6s" name="other"/></audition>"""
    picture = read_picture(write(tmp_path, "x.fcpxml", fcpxml(spine, compound)))
    assert edits(picture) == [(25, "cut"), (100, "cut"), (125, "cut"), (150, "cut"), (175, "cut")]
    assert [s.name for s in picture.shots] == ["in1", "in2", "picked", "s1", "s2", "picked"]
    assert picture.shots[0].media_start == 2


def test_fcpxml_transitions_stand_on_the_edit_or_in_the_middle_of_an_overlap(tmp_path: Path) -> None:
    spine = """<asset-clip ref="a1" offset="3600s" duration="4s" name="one"/>
      <transition name="Cross Dissolve" offset="3603s" duration="2s"/>
      <asset-clip ref="a2" offset="3604s" duration="4s" name="two"/>
      <transition name="Band Wipe" offset="3607s" duration="1s"/>
      <asset-clip ref="a1" offset="3607s" duration="4s" name="three"/>"""
    first, second = read_picture(write(tmp_path, "x.fcpxml", fcpxml(spine))).boundaries
    assert (first.frame, first.kind, first.hit) == (100, "dissolve", 4)
    assert (second.frame, second.kind, second.span) == (187, "wipe", (7, 8))


def test_fcpxml_time_maps_and_captions(tmp_path: Path) -> None:
    spine = """<asset-clip ref="a2" offset="3600s" start="2s" duration="4s" name="fast"><timeMap>
      <timept time="0s" value="0s"/><timept time="10s" value="20s"/></timeMap>
      <caption lane="1" offset="3s" duration="1s"><text>Hello <text-style>there</text-style></text></caption>
      </asset-clip>"""
    bundle = tmp_path / "x.fcpxmld"
    bundle.mkdir()
    write(bundle, "Info.fcpxml", fcpxml(spine))
    picture = read_picture(bundle)
    assert (picture.shots[0].media_start, picture.shots[0].speed) == (4, 2)
    assert [(c.start, c.end, c.text) for c in picture.captions] == [(1, 2, "Hello there")]


KDENLIVE = """<?xml version="1.0"?><mlt><profile frame_rate_num="30000" frame_rate_den="1001"/>
<producer id="p1"><property name="resource">a.mp4</property><property name="mlt_service">avformat</property>
  <property name="length">900</property><property name="kdenlive:id">1</property>
  <property name="kdenlive:markers">[{"comment": "mood: tense", "pos": 130, "type": 0}]</property></producer>
<producer id="p2"><property name="resource">2:b.mp4</property><property name="mlt_service">timewarp</property>
  <property name="warp_speed">2</property><property name="length">900</property></producer>
<playlist id="main_bin">
  <property name="kdenlive:docproperties.guides">[{"comment": "hit", "pos": 30}]</property></playlist>
<playlist id="l0"><entry producer="p1" in="100" out="159"/></playlist>
<playlist id="l1"><blank length="40"/><entry producer="p2" in="10" out="69"/></playlist>
<tractor id="t0"><track producer="l0"/><track producer="l1"/>
  <transition in="40" out="60"><property name="kdenlive:mixcut">8</property>
  <property name="mlt_service">luma</property></transition></tractor>
<playlist id="l2"><blank length="10"/><entry producer="p1" in="0" out="9"/></playlist>
<tractor id="t1"><track producer="l2"/></tractor>
<tractor id="main"><track producer="t0"/><track producer="t1" hide="both"/></tractor></mlt>"""


def test_kdenlive_mixes_are_cut_at_their_edit_point(tmp_path: Path) -> None:
    picture = read_picture(write(tmp_path, "x.kdenlive", KDENLIVE))
    assert picture.rate == Fraction(30000, 1001)
    (boundary,) = [b for b in picture.boundaries if b.picture]
    assert (boundary.frame, boundary.kind) == (52, "dissolve")
    assert boundary.span == (Fraction(40 * 1001, 30000), Fraction(60 * 1001, 30000))
    assert picture.duration * picture.rate == 100
    assert (picture.shots[1].speed, picture.shots[1].media_start * picture.rate) == (2, 44)
    found = [(round(m.time * picture.rate), m.instruction.kind if m.instruction else "") for m in picture.markers]
    assert found == [(30, "hit"), (30, "mood")]


def test_midi_markers_are_hits_in_real_time(tmp_path: Path) -> None:
    lane = mido.MidiTrack(
        [
            mido.MetaMessage("smpte_offset", frame_rate=25, hours=1, time=0),
            mido.MetaMessage("set_tempo", tempo=600_000, time=0),
            mido.MetaMessage("marker", text="door", time=960),
            mido.MetaMessage("set_tempo", tempo=300_000, time=480),
            mido.MetaMessage("marker", text="no-hit", time=960),
            mido.MetaMessage("end_of_track", time=480),
        ]
    )
    path = tmp_path / "x.mid"
    mido.MidiFile(tracks=[lane], ticks_per_beat=480).save(str(path))
    picture = read_picture(path)
    assert picture.start_timecode == "01:00:00:00"
    assert [(b.time, b.kind, b.weight, b.label) for b in picture.boundaries] == [
        (Fraction(6, 5), "marker", 10.0, "door")
    ]
    assert picture.duration == Fraction(6, 5) + Fraction(6, 10) + Fraction(6, 10) + Fraction(3, 10)


RPP = """<REAPER_PROJECT 0.1 "7.0/linux64" 1700000000
  TIMEMODE 1 5 -1 25 0 0 -1
  PROJOFFS 3600 0 0
  MARKER 1 2 "big door" 0
  MARKER 2 3.2 silence 0
  MARKER 3 4 chase 1
  <TRACK {A}
    NAME "DX Anna"
    <ITEM
      POSITION 1
      LENGTH 2.5
      SOFFS 0.5
      <SOURCE WAVE
        FILE "anna.wav"
      >
    >
  >
  <TRACK {B}
    NAME Picture
    <ITEM
      POSITION 0
      LENGTH 3
      <SOURCE VIDEO
        FILE "a.mp4"
      >
    >
    <ITEM
      POSITION 3
      LENGTH 3
      SOFFS 10
      <SOURCE VIDEO
        FILE "b.mp4"
      >
    >
  >
>
"""


def test_a_reaper_project_has_picture_sound_and_hits(tmp_path: Path) -> None:
    picture = read_picture(write(tmp_path, "x.rpp", RPP))
    assert (picture.rate, picture.start_timecode) == (25, "01:00:00:00")
    assert edits(picture) == [(75, "cut")]
    assert picture.shots[1].media_start == 10
    assert picture.dialogue == ((1, Fraction(7, 2)),)
    kinds = [(m.name, m.instruction.kind if m.instruction else "") for m in picture.markers]
    assert kinds == [("big door", "hit"), ("silence", "silence"), ("section: chase", "section")]


def test_bundles_bring_their_media(tmp_path: Path) -> None:
    document = timeline(track(clip("a", 0, 48, url="media/a.mov")))
    folder = tmp_path / "x.otiod"
    (folder / "media").mkdir(parents=True)
    (folder / "media" / "a.mov").write_bytes(b"mov")
    content = save(folder, document, "content.otio")
    zipped = tmp_path / "x.otioz"
    with zipfile.ZipFile(zipped, "w") as bundle:
        bundle.write(content, "content.otio")
        bundle.write(folder / "media" / "a.mov", "media/a.mov")
        bundle.writestr("media/../../evil.txt", "no")
    for path in (folder, zipped):
        picture = read_picture(path)
        assert picture.shots[0].online
        assert Path(picture.shots[0].media).read_bytes() == b"mov"
    assert not (tmp_path.parent / "evil.txt").exists()
