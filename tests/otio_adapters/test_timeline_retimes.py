"""Speed that changes within a clip: which second of the media is seen when, and how fast on the average."""

from __future__ import annotations

import random
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from otio_adapters import MusicDelivery, read_picture, timeline_with_music, write_timeline
from otio_adapters.retiming import chord, curve_through, shifted, value_at
from tests.otio_adapters.builders import clip, gap, save, timeline, tr, track
from tests.otio_adapters.test_timeline_formats import fcpxml, item, write, xmeml

RAMP = ((Fraction(0), Fraction(10)), (Fraction(2), Fraction(12)), (Fraction(4), Fraction(20)))
"""Two seconds at speed 1, then two at speed 4."""


@pytest.mark.parametrize(("time", "value"), [(0, 10), (1, 11), (2, 12), (3, 16), (4, 20), (5, 24), (-1, 9)])
def test_a_curve_is_straight_between_its_points_and_beyond(time: int, value: int) -> None:
    assert value_at(RAMP, Fraction(time)) == value


def test_a_curve_that_does_not_bend_within_the_clip_is_none() -> None:
    assert curve_through(RAMP, Fraction(4)) == RAMP
    assert curve_through(RAMP, Fraction(2)) == ()
    assert curve_through(RAMP[:2], Fraction(4)) == ()


def test_any_part_of_a_curve_agrees_with_the_whole() -> None:
    chance = random.Random(4)
    for _ in range(100):
        times = sorted(chance.sample(range(200), 6))
        curve = tuple((Fraction(t, 10), Fraction(chance.randrange(400), 7)) for t in times)
        by, time = Fraction(chance.randrange(-50, 50), 3), Fraction(chance.randrange(2000), 97)
        assert value_at(shifted(curve, by), time + by) == value_at(curve, time)
        a, b = Fraction(times[0], 10), Fraction(times[-1], 10)
        middle = (a + b) / 2
        assert chord(curve, a, b) * (b - a) == chord(curve, a, middle) * (middle - a) + chord(curve, middle, b) * (
            b - middle
        )


def resolve_retime(*points: tuple[float, float]) -> dict[str, Any]:
    rows = [[time, value, False, 0.0, 0.0, 0.0, 0.0] for time, value in points]
    details = {"Key Frames": rows, "Speed Ratio": points[-1][1] / points[-1][0]}
    return {"OTIO_SCHEMA": "TimeEffect.1", "name": "", "effect_name": "", "metadata": {"Resolve_OTIO": details}}


def test_resolve_retime_keyframes_give_media_time_and_average_speed(tmp_path: Path) -> None:
    effect = resolve_retime((0, 0), (2, 2), (4, 10))
    lane = track(gap(24), clip("r", HOUR + 24, 48, available=tr(HOUR, 240), effects=[effect]))
    (shot,) = read_picture(save(tmp_path, timeline(lane))).shots
    assert (shot.media_start, shot.speed) == (1, Fraction(5, 2))


HOUR = 86400


def test_a_cutaway_splits_a_retimed_clip_at_the_right_second(tmp_path: Path) -> None:
    effect = resolve_retime((0, 0), (2, 2), (4, 10))
    lower = track(clip("r", 24, 72, available=tr(0, 240), effects=[effect]))
    picture = read_picture(save(tmp_path, timeline(lower, track(gap(24), clip("c", 0, 24)))))
    first, _, last = picture.shots
    assert (first.media_start, first.speed) == (1, 1)
    assert (last.media_start, last.speed) == (6, 4)
    assert picture.boundaries[1].incoming is not None
    assert picture.boundaries[1].incoming.media_time == 6


def test_resolve_keyframes_of_one_speed_are_a_plain_retime(tmp_path: Path) -> None:
    lane = track(clip("r", 24, 48, available=tr(0, 240), effects=[resolve_retime((0, 0), (1, 1), (9, 9))]))
    (shot,) = read_picture(save(tmp_path, timeline(lane))).shots
    assert (shot.media_start, shot.speed) == (1, 1)


def test_resolve_keyframes_of_one_other_speed_are_that_speed(tmp_path: Path) -> None:
    lane = track(clip("r", 24, 48, available=tr(0, 240), effects=[resolve_retime((0, 0), (4, 8))]))
    (shot,) = read_picture(save(tmp_path, timeline(lane))).shots
    assert (shot.media_start, shot.speed) == (1, 2)


def avid_retime(name: str, *rows: list[float]) -> dict[str, Any]:
    map_ = {"keyframe_values": list(rows), "keyframe_interpolation": "Cubic"}
    return {"OTIO_SCHEMA": "TimeEffect.1", "metadata": {"AAF": {"Parameters": {name: map_, "SpeedRatio": "2"}}}}


@pytest.mark.parametrize(
    ("effect", "start", "speed"),
    [
        (avid_retime("PARAM_SPEED_OFFSET_MAP_U", [0.0, 0.0], [48.0, 96.0]), 1, 2),
        (avid_retime("PARAM_SPEED_OFFSET_MAP_U", [0.0, 24.0], [24.0, 48.0], [48.0, 120.0]), 2, 2),
        (avid_retime("PARAM_OFFSET_MAP_U", [0.0, 0.0], [1.0, 23.5]), 1, Fraction(1, 2)),
        (avid_retime("PARAM_OFFSET_MAP_U", [0.0, 47.0], [1.0, 0.0]), Fraction(71, 24), -1),
        (avid_retime("PARAM_OFFSET_MAP_U", [0.0, 0.0]), 1, 1),
    ],
)
def test_avid_offset_maps(tmp_path: Path, effect: dict[str, Any], start: Fraction, speed: Fraction) -> None:
    lane = track(clip("r", 24, 48, available=tr(0, 240), effects=[effect]))
    (shot,) = read_picture(save(tmp_path, timeline(lane))).shots
    assert (shot.media_start, shot.speed) == (start, speed)


@pytest.mark.parametrize(
    "rows", [None, [], [[0, 0]], [[0, 0], ["x", 1], [2, 2]], [[0, 0], [1, None], [2, 5]], [[0, 0], [1e300, 1], [2, 5]]]
)
def test_damaged_keyframes_are_left_alone(tmp_path: Path, rows: Any) -> None:
    effect = {"OTIO_SCHEMA": "TimeEffect.1", "metadata": {"Resolve_OTIO": {"Key Frames": rows}}}
    (shot,) = read_picture(save(tmp_path, timeline(track(clip("r", 24, 48, effects=[effect]))))).shots
    assert (shot.media_start, shot.speed) == (1, 1)


def time_remap(*keys: tuple[int, float], variable: int = 1) -> str:
    frames = "".join(f"<keyframe><when>{when}</when><value>{value}</value></keyframe>" for when, value in keys)
    parameters = f"""<parameter><parameterid>variablespeed</parameterid><value>{variable}</value></parameter>
      <parameter><parameterid>speed</parameterid><value>200</value></parameter>
      <parameter><parameterid>graphdict</parameterid>{frames}</parameter>"""
    return f"<filter><effect><effectid>timeremap</effectid>{parameters}</effect></filter>"


def test_fcp7_variable_time_remap(tmp_path: Path) -> None:
    remap = time_remap((0, 0), (50, 50), (100, 250))
    picture = read_picture(write(tmp_path, "x.xml", xmeml(f"<track>{item('a', 0, 50, 25, remap)}</track>")))
    (shot,) = picture.shots
    assert (shot.media_start, shot.speed) == (1, Fraction(5, 2))


def test_fcp7_constant_time_remap_ignores_its_graph(tmp_path: Path) -> None:
    remap = time_remap((0, 0), (50, 50), (100, 250), variable=0)
    picture = read_picture(write(tmp_path, "x.xml", xmeml(f"<track>{item('a', 0, 50, 25, remap)}</track>")))
    assert (picture.shots[0].media_start, picture.shots[0].speed) == (2, 2)


SPINE = """<asset-clip ref="a2" offset="3600s" start="1s" duration="4s" name="ramp"><timeMap>
  <timept time="0s" value="0s" interp="linear"/><timept time="2s" value="2s" interp="linear"/>
  <timept time="10s" value="34s" interp="linear"/></timeMap>
  <asset-clip ref="a1" lane="1" offset="2s" start="3600s" duration="1s" name="over"/></asset-clip>"""


def test_fcpxml_time_maps_with_several_points(tmp_path: Path) -> None:
    picture = read_picture(write(tmp_path, "x.fcpxml", fcpxml(SPINE)))
    assert [(s.name, s.media_start, s.speed) for s in picture.shots] == [
        ("ramp", 1, 1),
        ("over", 0, 1),
        ("ramp", 6, 4),
    ]
    assert [b.frame for b in picture.boundaries] == [25, 50]


def test_a_held_frame_is_a_still(tmp_path: Path) -> None:
    spine = SPINE.replace('value="34s"', 'value="2s"')
    first, _, held = read_picture(write(tmp_path, "x.fcpxml", fcpxml(spine))).shots
    assert (first.speed, first.still) == (1, False)
    assert (held.media_start, held.speed, held.still) == (2, 0, True)


FREEZE = """<asset-clip ref="a2" offset="3600s" start="0s" duration="8s" name="stop"><timeMap>
  <timept time="0s" value="10s"/><timept time="2s" value="12s"/><timept time="5s" value="12s"/>
  <timept time="8s" value="18s"/></timeMap>{}</asset-clip>"""


def test_a_freeze_inside_a_clip_is_a_shot_of_its_own_and_no_cut(tmp_path: Path) -> None:
    picture = read_picture(write(tmp_path, "x.fcpxml", fcpxml(FREEZE.format(""))))
    assert picture.boundaries == ()
    assert [(s.start, s.end, s.media_start, s.speed, s.still) for s in picture.shots] == [
        (0, 2, 10, 1, False), (2, 5, 12, 0, True), (5, 8, 12, 2, False)
    ]  # fmt: skip


def test_a_cutaway_over_a_freeze(tmp_path: Path) -> None:
    over = '<asset-clip ref="a1" lane="1" offset="1s" duration="2s" name="over" srcEnable="video"/>'
    picture = read_picture(write(tmp_path, "x.fcpxml", fcpxml(FREEZE.format(over))))
    assert [b.frame for b in picture.boundaries] == [25, 75]
    assert [(s.name, s.start, s.media_start, s.speed) for s in picture.shots] == [
        ("stop", 0, 10, 1), ("over", 1, 0, 1), ("stop", 3, 12, 0), ("stop", 5, 12, 2)
    ]  # fmt: skip


def test_a_picture_that_stands_still_for_one_frame_is_none(tmp_path: Path) -> None:
    spine = FREEZE.format("").replace('time="5s"', 'time="51/25s"')
    assert len(read_picture(write(tmp_path, "x.fcpxml", fcpxml(spine))).shots) == 1


TIME_MAP = "<timeMap>{}</timeMap>".format(
    "".join(f'<timept time="{time}s" value="{value}s"/>' for time, value in ((0, 0), (2, 2), (4, 2), (6, 6)))
)
COMPOUND = """<media id="c1"><sequence format="r1" tcStart="0s"><spine>
  <asset-clip ref="a2" offset="0s" start="10s" duration="3s" name="in1"/>
  <asset-clip ref="a2" offset="3s" start="50s" duration="5s" name="in2"/></spine></sequence></media>"""


def test_a_nest_that_changes_its_speed_on_the_way(tmp_path: Path) -> None:
    """Two seconds as they are, two of a freeze, then twice as fast: the cut at 3 s of the nest is seen at 4.5 s."""
    spine = f'<ref-clip ref="c1" offset="3600s" start="0s" duration="6s" name="C">{TIME_MAP}</ref-clip>'
    picture = read_picture(write(tmp_path, "x.fcpxml", fcpxml(spine, COMPOUND)))
    assert [(b.frame, b.kind) for b in picture.boundaries] == [(112, "cut")]
    assert [(s.name, s.start * 25, s.media_start, s.speed) for s in picture.shots] == [
        ("in1", 0, 10, 1), ("in1", 50, 12, 0), ("in1", 100, 12, 2), ("in2", 112, 50 - Fraction(1, 25), 2)
    ]  # fmt: skip


def test_a_nested_sequence_with_a_variable_time_remap(tmp_path: Path) -> None:
    rate = "<rate><timebase>25</timebase><ntsc>FALSE</ntsc></rate>"
    inside = f"<media><video><track>{item('x', 0, 40)}{item('y', 40, 400)}</track></video></media>"
    remap = time_remap((0, 0), (20, 20), (60, 180))
    nest = f"""<clipitem><name>nest</name><start>0</start><end>60</end><in>0</in><out>60</out>
      <sequence id="n"><name>n</name>{rate}{inside}</sequence>{remap}</clipitem>"""
    picture = read_picture(write(tmp_path, "x.xml", xmeml(f"<track>{nest}</track>")))
    assert [b.frame for b in picture.boundaries] == [25]
    assert [(s.name, s.speed) for s in picture.shots] == [("x", 1), ("x", 4), ("y", 4)]


def test_curves_survive_the_way_back(tmp_path: Path) -> None:
    path = write(tmp_path, "x.fcpxml", fcpxml(SPINE))
    before = read_picture(path)
    music = MusicDelivery("c", (("mix", Path("m.wav")),), (), Fraction(4), before.rate, before.start_frame)
    write_timeline(timeline_with_music(path, music), tmp_path / "back.otio")
    after = read_picture(tmp_path / "back.otio")
    assert [(s.media_start, s.speed) for s in after.shots] == [(s.media_start, s.speed) for s in before.shots]
