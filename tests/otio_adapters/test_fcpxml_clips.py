"""FCPXML elements one by one: conformed rates, multicam, synchronised and compound clips, sound; cuts by hand.

The sequence runs at 25 frames a second and begins at 3600 s (see ``fcpxml``).
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from emsync_engine.errors import InputError
from emsync_engine.picture import Picture, SoundClip
from otio_adapters import read_picture
from tests.otio_adapters.test_timeline_formats import edits, fcpxml, write


def read(folder: Path, spine: str, resources: str = "") -> Picture:
    return read_picture(write(folder, "x.fcpxml", fcpxml(spine, resources)))


def heard(picture: Picture) -> list[tuple[str, Fraction, Fraction, Fraction]]:
    return [(s.role, s.start, s.end, s.media_start) for s in picture.sounds]


def test_what_hangs_from_a_clip_of_another_rate_counts_in_the_seconds_of_its_media(tmp_path: Path) -> None:
    """24 frames a second played frame by frame at 25: 60 s of media pass in 57.6 s."""
    spine = """<asset-clip ref="a2" offset="3600s" start="10s" duration="80s" name="film">
      <conform-rate srcFrameRate="24"/>
      <asset-clip ref="a1" lane="1" offset="70s" start="3600s" duration="2s" name="over" srcEnable="video"/>
      <spine lane="1" offset="34s"><asset-clip ref="a1" offset="0s" start="3620s" duration="1s" name="second"/></spine>
      <caption lane="1" offset="22s" duration="1s"><text>Hi</text></caption>
      <marker start="34s" duration="1/24s" value="hit"/></asset-clip>"""
    picture = read(tmp_path, spine)
    assert edits(picture) == [(576, "cut"), (601, "cut"), (1440, "cut"), (1490, "cut")]
    assert picture.shots[0].speed == Fraction(25, 24)
    assert [s.media_start for s in picture.shots] == [10, 20, 10 + Fraction(601, 24), 0, 10 + Fraction(1490, 24)]
    assert [(m.name, m.time) for m in picture.markers] == [("hit", Fraction(576, 25))]
    assert [c.start for c in picture.captions] == [Fraction(288, 25)]


def test_a_clip_of_another_rate_that_plays_in_real_time_counts_as_any_other(tmp_path: Path) -> None:
    spine = """<asset-clip ref="a2" offset="3600s" start="10s" duration="40s" name="film">
      <conform-rate scaleEnabled="0" srcFrameRate="29.97"/>
      <asset-clip ref="a1" lane="1" offset="30s" duration="2s" name="over"/></asset-clip>"""
    picture = read(tmp_path, spine)
    assert edits(picture) == [(500, "cut"), (550, "cut")]
    assert {s.speed for s in picture.shots} == {1}


def test_a_retimed_clip_of_another_rate(tmp_path: Path) -> None:
    """Half speed of media that runs 25/24 as fast."""
    spine = """<asset-clip ref="a2" offset="3600s" start="48s" duration="10s" name="slow">
      <conform-rate srcFrameRate="24"/>
      <timeMap><timept time="0s" value="0s"/><timept time="200s" value="100s"/></timeMap></asset-clip>"""
    (shot,) = read(tmp_path, spine).shots
    assert (shot.media_start, shot.speed) == (24, Fraction(25, 48))


MULTICAM = """<media id="mc" name="MC"><multicam format="r1" tcStart="100s">
  <mc-angle name="A" angleID="A+/=="><gap offset="100s" duration="4s"/>
    <asset-clip ref="a1" offset="104s" start="3605s" duration="30s" name="cam A" audioRole="dialogue"/></mc-angle>
  <mc-angle name="B" angleID="B"><clip offset="100s" duration="10s" name="take 1"><video ref="a2" offset="0s"/></clip>
    <asset-clip ref="a2" offset="110s" start="40s" duration="30s" name="take 2"/></mc-angle>
  <mc-angle name="M" angleID="M"><asset-clip ref="m1" offset="100s" duration="60s" name="mix"/></mc-angle>
  </multicam></media>"""


def multicam(start: int, video: str, audio: str) -> str:
    return f"""<mc-clip ref="mc" offset="3600s" start="{start}s" duration="8s" name="MC">
      <mc-source angleID="{audio}" srcEnable="audio"/><mc-source angleID="{video}" srcEnable="video"/></mc-clip>"""


def test_a_multicam_clip_shows_one_angle_and_plays_another(tmp_path: Path) -> None:
    picture = read(tmp_path, multicam(106, "A+/==", "M"), MULTICAM)
    assert edits(picture) == []
    (shot,) = picture.shots
    assert (shot.media, shot.media_start) == ("/m/a b.mov", 7)
    assert heard(picture) == [("unknown", 0, 8, 6)]
    assert picture.sounds[0].media == "/m/m.wav"


def test_an_angle_that_was_stopped_and_started_again_has_a_cut(tmp_path: Path) -> None:
    picture = read(tmp_path, multicam(105, "B", "A+/=="), MULTICAM)
    assert edits(picture) == [(125, "cut")]
    assert [(s.name, s.media_start) for s in picture.shots] == [("take 1", 5), ("take 2", 40)]
    assert [(s.role, s.start, s.media_start) for s in picture.sounds] == [("dialogue", 0, 6)]


def test_a_multicam_clip_whose_media_is_not_defined_is_a_shot(tmp_path: Path) -> None:
    picture = read(tmp_path, multicam(106, "A", "A") + multicam(106, "C", "C").replace("3600s", "3608s"))
    assert edits(picture) == [(200, "cut")]


def test_a_multicam_clip_that_contains_itself_is_refused(tmp_path: Path) -> None:
    inner = multicam(100, "X", "X").replace("3600s", "0s")
    media = f"""<media id="mc"><multicam format="r1"><mc-angle angleID="X">{inner}</mc-angle></multicam></media>"""
    with pytest.raises(InputError, match="contains itself"):
        read(tmp_path, multicam(0, "X", "X"), media)


SYNC = """<sync-clip offset="3600s" name="scene" start="50s" duration="6s">{volume}
  <clip offset="40s" name="camera" start="40s" duration="30s"><video ref="a2" offset="40s" start="20s" duration="30s"/>
    <clip lane="-1" offset="45s" name="boom" duration="20s">
      <audio ref="m1" offset="0s" start="7s" duration="60s" role="dialogue.Boom"/></clip></clip>
  <asset-clip ref="a1" lane="1" offset="52s" start="3650s" duration="2s" name="effects shot" srcEnable="video"/>
  </sync-clip>"""


def test_a_synchronised_clip_shows_its_camera_and_plays_its_sound(tmp_path: Path) -> None:
    picture = read(tmp_path, SYNC.format(volume=""))
    assert edits(picture) == [(50, "cut"), (100, "cut")]
    assert [(s.name, s.media_start) for s in picture.shots] == [("camera", 30), ("effects shot", 50), ("camera", 34)]
    assert heard(picture) == [("dialogue", 0, 6, 12)]
    assert picture.dialogue == ((0, 6),)


def test_a_muted_clip_carries_no_dialogue(tmp_path: Path) -> None:
    assert read(tmp_path, SYNC.format(volume='<adjust-volume amount="-96dB"/>')).sounds == ()
    spine = """<asset-clip ref="a1" offset="3600s" duration="4s" name="a" audioRole="dialogue">{more}</asset-clip>"""
    assert read(tmp_path, spine.format(more='<adjust-volume amount="-96dB"/>')).dialogue == ()
    assert read(tmp_path, spine.format(more='<adjust-volume amount="-6dB"/>')).dialogue == ((0, 4),)
    off = '<audio-channel-source srcCh="1" enabled="0"/>'
    assert read(tmp_path, spine.format(more=off)).dialogue == ()


def test_the_role_of_a_channel_source_wins_over_the_clips_default(tmp_path: Path) -> None:
    spine = """<asset-clip ref="a1" offset="3600s" duration="4s" name="a" audioRole="dialogue">
      <audio-channel-source srcCh="1, 2" role="music.temp"/></asset-clip>"""
    picture = read(tmp_path, spine)
    assert [s.role for s in picture.sounds] == ["music"]
    assert picture.dialogue == ()


def test_a_split_edit_lets_the_sound_begin_before_the_picture(tmp_path: Path) -> None:
    spine = """<asset-clip ref="a2" offset="3600s" duration="5s" name="b"/>
      <asset-clip ref="a1" offset="3605s" start="3610s" duration="4s" audioStart="3608s" audioDuration="6s" name="a"
      audioRole="dialogue"/>"""
    picture = read(tmp_path, spine)
    assert edits(picture) == [(125, "cut")]
    assert heard(picture) == [("dialogue", 3, 9, 8)]


COMPOUND = """<media id="c1"><sequence format="r1" tcStart="0s" duration="8s"><spine>
  <asset-clip ref="a1" offset="0s" duration="3s" name="in1" audioRole="dialogue"/>
  <asset-clip ref="a2" offset="3s" duration="5s" name="in2"/></spine></sequence></media>"""


@pytest.mark.parametrize(
    ("enable", "cuts", "sounds"), [("audio", [], 1), ("video", [75, 125, 150], 0), ("all", [75, 125, 150], 1)]
)
def test_a_compound_clip_may_give_only_its_picture_or_its_sound(
    tmp_path: Path, enable: str, cuts: list[int], sounds: int
) -> None:
    spine = f"""<asset-clip ref="a2" offset="3600s" duration="10s" name="under">
      <ref-clip ref="c1" lane="1" offset="3s" duration="3s" start="1s" srcEnable="{enable}"/></asset-clip>"""
    picture = read(tmp_path, spine, COMPOUND)
    assert [b.frame for b in picture.boundaries if b.picture] == cuts
    assert len(picture.sounds) == sounds


def test_a_clip_alone_has_the_rate_of_what_it_plays(tmp_path: Path) -> None:
    text = """<fcpxml version="1.11"><resources><format id="r2" frameDuration="1001/30000s"/>
      <media id="c1"><sequence format="r2" duration="9009/1000s"><spine>
      <asset-clip ref="a" offset="0s" duration="3003/1000s"/>
      <asset-clip ref="b" offset="3003/1000s" duration="6006/1000s"/>
      </spine></sequence></media>
      <asset id="a" hasVideo="1" duration="9s" format="r2"/><asset id="b" hasVideo="1" duration="9s"/></resources>
      {}</fcpxml>"""
    alone = read_picture(write(tmp_path, "x.fcpxml", text.format('<ref-clip ref="c1" duration="9009/1000s"/>')))
    assert (alone.rate, edits(alone)) == (Fraction(30000, 1001), [(90, "cut")])
    assert read_picture(write(tmp_path, "y.fcpxml", text.format('<asset-clip ref="a"/>'))).rate == alone.rate


def test_a_gap_that_does_not_say_where_it_starts(tmp_path: Path) -> None:
    for offset in ("2s", "3602s"):
        spine = f"""<gap offset="3600s" duration="6s"><asset-clip ref="a2" lane="1" offset="{offset}" duration="2s"/>
          </gap><asset-clip ref="a1" offset="3606s" duration="2s"/>"""
        assert edits(read(tmp_path, spine)) == [(50, "from_black"), (100, "to_black"), (150, "from_black")]


def test_a_clip_of_two_files_shows_one_and_plays_the_other(tmp_path: Path) -> None:
    spine = """<clip offset="3600s" name="linked" start="2s" duration="4s"><video ref="a2" offset="0s" start="5s">
      <audio ref="m1" lane="-1" offset="0s" start="9s" role="dialogue"/></video></clip>"""
    picture = read(tmp_path, spine)
    assert [(s.media, s.media_start) for s in picture.shots] == [("/m/b.mov", 7)]
    sound: SoundClip = picture.sounds[0]
    assert (sound.media, sound.media_start, sound.role) == ("/m/m.wav", 11, "dialogue")


def test_generated_pictures_inside_a_clip_are_generators(tmp_path: Path) -> None:
    spine = """<clip offset="3600s" name="bars" duration="4s"><video ref="t1" offset="0s" duration="4s"/></clip>
      <asset-clip ref="a2" offset="3604s" duration="2s" name="b"><clip lane="1" offset="0s" duration="1s" name="title">
      <video ref="t1" duration="1s"/></clip></asset-clip>"""
    assert edits(read(tmp_path, spine)) == [(100, "cut")]
