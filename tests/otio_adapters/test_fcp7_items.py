"""Final Cut Pro 7 XML: sequences beside each other, subclips, multiclips, filters that are off; by hand."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from otio_adapters import read_picture
from tests.otio_adapters.test_timeline_formats import edits, item, write, xmeml

RATE = "<rate><timebase>25</timebase><ntsc>FALSE</ntsc></rate>"


def sequence(name: str, *items: str, more: str = RATE) -> str:
    return (
        f'<sequence id="{name}"><name>{name}</name>{more}<media><video><track>{"".join(items)}</track></video></media>'
        "</sequence>"
    )


def nest(name: str, start: int, end: int, first: int = 0) -> str:
    return f"""<clipitem><name>{name}</name><start>{start}</start><end>{end}</end><in>{first}</in>
      <out>{first + end - start}</out><sequence id="{name}"/></clipitem>"""


def test_the_sequence_that_plays_the_others_is_read_however_full_they_are(tmp_path: Path) -> None:
    scene = sequence("scene", *(item(f"s{n}", 10 * n, 10 * n + 10) for n in range(20)))
    master = sequence("master", item("a", 0, 30), nest("scene", 30, 60, 5), item("b", 60, 80))
    bins = f"<children>{scene}<bin><children>{master}</children></bin></children>"
    text = f"<xmeml version='5'><project>{bins}</project></xmeml>"
    picture = read_picture(write(tmp_path, "x.xml", text))
    assert picture.name == "master"
    assert edits(picture) == [(30, "cut"), (35, "cut"), (45, "cut"), (55, "cut"), (60, "cut")]
    assert not [w for w in picture.warnings if "fullest" in w]


def test_of_sequences_beside_each_other_the_fullest_is_read(tmp_path: Path) -> None:
    text = (
        f"<xmeml version='5'>{sequence('x', item('a', 0, 9))}{sequence('y', item('b', 0, 9), item('c', 9, 20))}</xmeml>"
    )
    picture = read_picture(write(tmp_path, "x.xml", text))
    assert picture.name == "y"
    assert [w for w in picture.warnings if "fullest" in w]


def test_a_sequence_without_a_rate_has_that_of_its_picture(tmp_path: Path) -> None:
    form = """<media><video><format><samplecharacteristics><rate><timebase>30</timebase><ntsc>TRUE</ntsc></rate>
      </samplecharacteristics></format>"""
    text = sequence("s", item("a", 0, 30), item("b", 30, 60), more="").replace("<media><video>", form)
    picture = read_picture(write(tmp_path, "x.xml", f"<xmeml version='4'>{text}</xmeml>"))
    assert (picture.rate, edits(picture)) == (Fraction(30000, 1001), [(30, "cut")])


@pytest.mark.parametrize("timebase", ["23.976", "23.98"])
def test_a_timebase_that_is_no_whole_number(tmp_path: Path, timebase: str) -> None:
    text = xmeml(f"<track>{item('a', 0, 30)}</track>", 24, "TRUE").replace(">24<", f">{timebase}<")
    assert read_picture(write(tmp_path, "x.xml", text)).rate == Fraction(24000, 1001)


def test_a_subclip_counts_from_its_own_head(tmp_path: Path) -> None:
    sub = "<subclipinfo><startoffset>200</startoffset><endoffset>0</endoffset></subclipinfo>"
    picture = read_picture(write(tmp_path, "x.xml", xmeml(f"<track>{item('a', 0, 50, 25, sub)}</track>")))
    assert picture.shots[0].media_start == 9


def test_a_time_remap_that_is_off(tmp_path: Path) -> None:
    remap = """<filter><enabled>FALSE</enabled><effect><effectid>timeremap</effectid><parameter>
      <parameterid>speed</parameterid><value>200</value></parameter></effect></filter>"""
    picture = read_picture(write(tmp_path, "x.xml", xmeml(f"<track>{item('a', 0, 50, 25, remap)}</track>")))
    assert (picture.shots[0].speed, picture.shots[0].media_start) == (1, 1)


def test_a_still_frame_and_a_reverse(tmp_path: Path) -> None:
    back = """<filter><effect><effectid>timeremap</effectid><parameter><parameterid>speed</parameterid><value>50</value>
      </parameter><parameter><parameterid>reverse</parameterid><value>TRUE</value></parameter></effect></filter>"""
    body = item("a", 0, 50, 25, "<stillframe>TRUE</stillframe>") + item(
        "b", 50, 100, 100, f"<duration>600</duration>{back}"
    )
    picture = read_picture(write(tmp_path, "x.xml", xmeml(f"<track>{body}</track>")))
    assert [(s.speed, s.media_start, s.still) for s in picture.shots] == [(0, 1, True), (Fraction(-1, 2), 10, False)]


def test_a_multiclip_shows_its_active_angle(tmp_path: Path) -> None:
    angle = """<angle>{}<clip><file id="f{}"><name>{}</name><pathurl>file:///m/{}.mov</pathurl></file></clip></angle>"""
    angles = angle.format("", *"ccc") + angle.format("<activevideoangle>TRUE</activevideoangle>", *"ddd")
    clip = f"""<clipitem><name>multi</name><start>0</start><end>20</end><in>5</in><out>25</out>
      <multiclip id="m">{angles}</multiclip></clipitem>"""
    picture = read_picture(write(tmp_path, "x.xml", xmeml(f"<track>{clip}{item('b', 20, 30)}</track>")))
    assert edits(picture) == [(20, "cut")]
    assert picture.shots[0].media == "/m/d.mov"


def test_two_transitions_around_a_short_clip(tmp_path: Path) -> None:
    def blend(start: int, end: int, alignment: str) -> str:
        return (
            f"<transitionitem><start>{start}</start><end>{end}</end><alignment>{alignment}</alignment></transitionitem>"
        )

    body = blend(0, 10, "start-black") + item("a", -1, -1) + blend(40, 60, "center") + item("b", -1, -1)
    body += blend(60, 70, "end") + item("c", -1, -1, 9) + blend(90, 100, "end-black")
    picture = read_picture(write(tmp_path, "x.xml", xmeml(f"<track>{body}</track>")))
    assert [(b.frame, b.kind, b.hit * 25) for b in picture.boundaries] == [(50, "dissolve", 50), (70, "dissolve", 65)]
    assert picture.duration * 25 == 100
