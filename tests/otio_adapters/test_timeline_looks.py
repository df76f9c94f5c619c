"""Fades that are effects, and pictures that let what lies beneath show."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from emsync_engine.picture import Picture
from otio_adapters import read_picture
from tests.otio_adapters.builders import clip, gap, generator, save, stack, timeline, tr, track, transition, warp
from tests.otio_adapters.test_timeline_formats import fcpxml, item, write, xmeml


def see(tmp_path: Path, *tracks: dict[str, Any], **more: Any) -> Picture:
    return read_picture(save(tmp_path, timeline(*tracks, **more)))


def edits(picture: Picture) -> list[tuple[int, str]]:
    return [(b.frame, b.kind) for b in picture.boundaries if b.picture]


def soft(picture: Picture) -> list[tuple[int, str, float, str]]:
    return [(b.frame, b.kind, b.weight, b.label) for b in picture.boundaries if not b.picture]


def resolve(name: str, *parameters: dict[str, Any], enabled: bool = True) -> dict[str, Any]:
    details = {"Effect Name": name, "Enabled": enabled, "Parameters": list(parameters)}
    return {"OTIO_SCHEMA": "Effect.1", "effect_name": "Resolve Effect", "metadata": {"Resolve_OTIO": details}}


def number(name: str, value: float, **keys: float) -> dict[str, Any]:
    frames = {frame.lstrip("f"): {"Value": v, "Variant Type": "Double"} for frame, v in keys.items()}
    return {"Parameter ID": name, "Parameter Value": value, "Key Frames": frames}


def faders(fade_in: int = 0, fade_out: int = 0) -> dict[str, Any]:
    found = [number("videoFaderIn", fade_in)] if fade_in else []
    return resolve("Video Faders", *found, *([number("videoFaderOut", fade_out)] if fade_out else []))


def premiere(name: str, **values: Any) -> dict[str, Any]:
    parameters = [
        {"DisplayName": "x", "ID": int(key.lstrip("p")), "StartValue": {"Value": v}} for key, v in values.items()
    ]
    details = {"MatchName": name, "IsIntrinsic": True, "Parameters": parameters}
    return {"OTIO_SCHEMA": "Effect.1", "enabled": True, "metadata": {"PremierePro_OTIO": details}}


def over(tmp_path: Path, *effects: dict[str, Any], **more: Any) -> Picture:
    """A clip ``b`` from frame 20 to 60 above a cut of ``a`` to ``c`` at 50."""
    lower = track(clip("a", 0, 50), clip("c", 0, 50))
    return see(tmp_path, lower, track(gap(20), clip("b", 0, 40, effects=list(effects), **more)))


UNDER = [(50, "cut")]
COVERED = [(20, "cut"), (60, "cut")]


def test_faders_beside_black_are_fades_with_a_span(tmp_path: Path) -> None:
    lane = track(clip("a", 0, 50, effects=[faders(fade_out=12)]), gap(20), clip("b", 0, 50, effects=[faders(10)]))
    first, second = see(tmp_path, lane).boundaries
    assert (first.frame, first.kind, first.hit, first.span) == (50, "to_black", 50 / Fraction(24), (_f(38), _f(50)))
    assert (second.frame, second.kind, second.hit, second.span) == (70, "from_black", _f(80), (_f(70), _f(80)))


def _f(frame: int) -> Fraction:
    return Fraction(frame, 24)


def test_faders_are_never_longer_than_their_clip(tmp_path: Path) -> None:
    (boundary,) = see(tmp_path, track(gap(20), clip("b", 0, 10, effects=[faders(24)]))).boundaries
    assert boundary.span == (_f(20), _f(30))


def test_an_upper_clip_with_faders_dissolves_from_and_into_what_lies_beneath(tmp_path: Path) -> None:
    lower, upper = track(clip("a", 0, 90)), track(gap(30), clip("b", 0, 40, effects=[faders(6, 8)]))
    first, second = see(tmp_path, lower, upper).boundaries
    assert (first.frame, first.kind, first.hit) == (30, "dissolve", _f(33))
    assert (second.frame, second.kind, second.hit) == (70, "dissolve", _f(66))


def test_a_fader_after_a_cut_leaves_the_cut_and_is_soft(tmp_path: Path) -> None:
    picture = see(
        tmp_path, track(clip("a", 0, 50, effects=[faders(fade_out=10)]), clip("b", 0, 50, effects=[faders(12)]))
    )
    assert edits(picture) == [(50, "cut")]
    assert soft(picture) == [(62, "from_black", 0.3, "b")]


def test_faders_of_a_nest_and_of_a_clip_played_backwards(tmp_path: Path) -> None:
    nest = stack(track(clip("n", 0, 40)), source_range=tr(0, 40), effects=[faders(10)])
    (boundary,) = see(tmp_path, track(gap(20), nest)).boundaries
    assert (boundary.kind, boundary.span) == ("from_black", (_f(20), _f(30)))
    inner = track(clip("n", 0, 40, effects=[faders(10)]), clip("o", 0, 10))
    back = stack(inner, source_range=tr(0, 50), effects=[warp(-1)])
    last = see(tmp_path, track(back, gap(10))).boundaries[-1]
    assert (last.frame, last.kind, last.span) == (50, "to_black", (_f(40), _f(50)))


def test_a_real_transition_wins_over_a_fader(tmp_path: Path) -> None:
    lane = track(gap(20), transition(0, 16), clip("b", 0, 50, effects=[faders(10)]))
    assert see(tmp_path, lane).boundaries[0].span == (_f(20), _f(36))


def test_opacity_keyframes_at_the_ends_are_fades_and_in_the_middle_are_not(tmp_path: Path) -> None:
    ends = resolve("Composite", number("opacity", 100, f0=0, f8=100, f32=100, f40=0))
    picture = see(tmp_path, track(gap(20), clip("b", 0, 40, effects=[ends]), gap(9)))
    assert [b.span for b in picture.boundaries] == [(_f(20), _f(28)), (_f(52), _f(60))]
    middle = resolve("Composite", number("opacity", 0, f10=0, f18=100, f25=100, f30=0))
    picture = see(tmp_path, track(gap(20), clip("b", 0, 40, effects=[middle]), gap(9)))
    assert [b.span for b in picture.boundaries] == [None, None]


@pytest.mark.parametrize(
    "effect",
    [
        resolve("Composite", number("opacity", 60)),
        resolve("Composite", number("opacity", 100, f0=20, f30=70)),
        resolve("Composite", number("composite mode", 6)),
        resolve("Transform", number("transformationZoomX", 0.4), number("transformationZoomY", 0.4)),
        premiere("AE.ADBE Opacity", p1=60.0),
        premiere("AE.ADBE Opacity", p1=100.0, p2=5),
        premiere("AE.ADBE Motion", p1={"X": 0.8, "Y": 0.2}, p2=40.0, p3=40.0),
        premiere("AE.ADBE Motion", p2=40.0),
    ],
)
def test_a_partial_picture_lets_the_cut_beneath_be_seen(tmp_path: Path, effect: dict[str, Any]) -> None:
    picture = over(tmp_path, effect)
    assert edits(picture) == UNDER
    assert soft(picture) == [(20, "overlay", 0.3, "b"), (60, "overlay", 0.3, "b")]
    assert [s.name for s in picture.shots] == ["a", "c"]


@pytest.mark.parametrize(
    "effect",
    [
        resolve("Composite", number("opacity", 100)),
        resolve("Composite", number("opacity", 0, f0=0, f10=100)),
        resolve("Composite", number("opacity", 30), enabled=False),
        resolve("Transform", number("transformationZoomX", 1.2), number("transformationZoomY", 0.9)),
        resolve("Transform", number("transformationZoomX", 0.5)),
        premiere("AE.ADBE Opacity", p1=100.0, p2=18, p3=0),
        premiere("AE.ADBE Motion", p1={"X": 0.5, "Y": 0.5}, p2=50.0, p3=50.0),
        premiere("AE.ADBE Opacity", p1=60.0) | {"enabled": False},
    ],
)
def test_a_picture_that_fills_the_frame_covers(tmp_path: Path, effect: dict[str, Any]) -> None:
    assert [frame for frame, _ in edits(over(tmp_path, effect))] == [20, 60]


def test_a_fully_transparent_clip_is_not_there(tmp_path: Path) -> None:
    picture = over(tmp_path, resolve("Composite", number("opacity", 0)))
    assert (edits(picture), soft(picture)) == (UNDER, [])


def test_a_partial_picture_over_black_or_a_title_is_the_picture(tmp_path: Path) -> None:
    small = resolve("Composite", number("opacity", 50))
    picture = see(
        tmp_path,
        track(generator("Background", 90)),
        track(gap(10), clip("a", 0, 30, effects=[small]), clip("b", 0, 30, effects=[small])),
    )
    assert edits(picture) == [(10, "cut"), (40, "cut"), (70, "cut")]
    assert [s.name for s in picture.shots] == ["Background", "a", "b", "Background"]


def test_a_partial_nest_makes_all_in_it_partial(tmp_path: Path) -> None:
    small = resolve("Transform", number("transformationZoomX", 0.3), number("transformationZoomY", 0.3))
    nest = stack(track(clip("n", 0, 20), clip("o", 0, 20)), source_range=tr(0, 40), effects=[small])
    picture = see(tmp_path, track(clip("a", 0, 50), clip("c", 0, 50)), track(gap(20), nest))
    assert edits(picture) == UNDER


@pytest.mark.parametrize("broken", [None, "x", [], {}, [None], {"Value": []}, float("nan")])
def test_damaged_parameters_say_nothing(tmp_path: Path, broken: Any) -> None:
    effects = [
        resolve("Composite", {"Parameter ID": "opacity", "Parameter Value": broken, "Key Frames": broken}),
        resolve("Video Faders", {"Parameter ID": "videoFaderIn", "Parameter Value": broken}),
        premiere("AE.ADBE Opacity", p1=broken),
        {"OTIO_SCHEMA": "Effect.1", "metadata": {"Resolve_OTIO": {"Effect Name": "Composite", "Parameters": broken}}},
    ]
    assert edits(over(tmp_path, *effects)) == COVERED


SIZES = """<format><samplecharacteristics><width>1920</width><height>1080</height></samplecharacteristics></format>"""


def parameter(name: str, value: str) -> str:
    return f"<parameter><parameterid>{name}</parameterid><value>{value}</value></parameter>"


def effect(name: str, *parameters: str, enabled: str = "TRUE") -> str:
    inner = f"<effect><effectid>{name}</effectid>{''.join(parameters)}</effect>"
    return f"<filter><enabled>{enabled}</enabled>{inner}</filter>"


def upper_of_fcp7(tmp_path: Path, more: str, width: int = 1920) -> Picture:
    size = f"<width>{width}</width><height>{width * 9 // 16}</height>"
    media = f"<media><video><samplecharacteristics>{size}</samplecharacteristics></video></media>"
    upper = item("b", 20, 60, 0, more).replace("<duration>999", f"{media}<duration>999")
    body = f"{SIZES}<track>{item('a', 0, 50)}{item('c', 50, 100)}</track><track>{upper}</track>"
    return read_picture(write(tmp_path, "x.xml", xmeml(body)))


@pytest.mark.parametrize(
    ("more", "width", "partial"),
    [
        (effect("opacity", parameter("opacity", "40")), 1920, True),
        (effect("opacity", parameter("opacity", "100")), 1920, False),
        (effect("opacity", parameter("opacity", "40"), enabled="FALSE"), 1920, False),
        (effect("basic", parameter("scale", "50")), 1920, True),
        (effect("basic", parameter("scale", "50")), 3840, False),
        (effect("basic", parameter("scale", "25")), 3840, True),
        (effect("basic", parameter("scale", "100")), 1920, False),
        ("<compositemode>screen</compositemode>", 1920, True),
        ("<compositemode>normal</compositemode>", 1920, False),
    ],
)
def test_fcp7_filters_tell_a_partial_picture(tmp_path: Path, more: str, width: int, partial: bool) -> None:
    assert edits(upper_of_fcp7(tmp_path, more, width)) == (UNDER if partial else COVERED)


def test_fcp7_opacity_keyframes_are_fades(tmp_path: Path) -> None:
    keys = "".join(
        f"<keyframe><when>{when}</when><value>{value}</value></keyframe>"
        for when, value in ((30, 0), (40, 100), (62, 100), (70, 0))
    )
    fade = effect("opacity", f"<parameter><parameterid>opacity</parameterid>{keys}</parameter>")
    body = f"<track>{item('b', 10, 50, 30, fade)}</track><track>{item('off', 90, 99).replace('TRUE', 'FALSE')}</track>"
    first, second = read_picture(write(tmp_path, "x.xml", xmeml(body))).boundaries
    assert (first.kind, first.span) == ("from_black", (Fraction(10, 25), Fraction(20, 25)))
    assert (second.kind, second.span) == ("to_black", (Fraction(42, 25), Fraction(50, 25)))


@pytest.mark.parametrize(
    ("more", "partial"),
    [
        ('<adjust-blend amount="0.4"/>', True),
        ('<adjust-blend amount="1"/>', False),
        ('<adjust-blend mode="10"/>', True),
        ('<adjust-transform position="20 10" scale="0.3 0.3"/>', True),
        ('<adjust-transform scale="0.3 0.3" enabled="0"/>', False),
        ('<adjust-transform scale="1.4 1.4"/>', False),
        ('<adjust-conform type="none"/><adjust-transform scale="0.5 0.5"/>', False),
    ],
)
def test_fcpxml_adjustments_tell_a_partial_picture(tmp_path: Path, more: str, partial: bool) -> None:
    spine = f"""<asset-clip ref="a1" offset="3600s" start="3600s" duration="2s" name="a">
      <asset-clip ref="a2" lane="1" offset="3601s" start="7s" duration="2s" name="b">{more}</asset-clip></asset-clip>
      <asset-clip ref="a2" offset="3602s" start="40s" duration="2s" name="c"/>"""
    picture = read_picture(write(tmp_path, "x.fcpxml", fcpxml(spine)))
    assert edits(picture) == (UNDER if partial else [(25, "cut"), (75, "cut")])
    assert [row[:2] for row in soft(picture)] == ([(25, "overlay"), (75, "overlay")] if partial else [])


def test_fcpxml_blend_fades_have_spans(tmp_path: Path) -> None:
    blend = (
        '<adjust-blend amount="1"><param name="amount"><fadeIn type="easeIn" duration="10/25s"/></param></adjust-blend>'
    )
    spine = f"""<gap offset="3600s" duration="1s"/><asset-clip ref="a2" offset="3601s" duration="2s" name="b">{blend}
      </asset-clip>"""
    (boundary,) = read_picture(write(tmp_path, "x.fcpxml", fcpxml(spine))).boundaries
    assert (boundary.kind, boundary.span, boundary.hit) == ("from_black", (1, Fraction(35, 25)), Fraction(35, 25))


def kdenlive(*entries: str) -> str:
    """A lower track of ``a`` and ``c`` cut at frame 50, and an upper one with the given entries."""
    return f"""<?xml version="1.0"?><mlt>
    <profile frame_rate_num="25" frame_rate_den="1" width="1920" height="1080"/>
    <producer id="p1"><property name="resource">a.mp4</property><property name="length">900</property></producer>
    <producer id="p2"><property name="resource">c.mp4</property><property name="length">900</property></producer>
    <playlist id="l0"><entry producer="p1" in="0" out="49"/><entry producer="p2" in="0" out="49"/></playlist>
    <playlist id="l1"><blank length="20"/>{"".join(entries)}</playlist>
    <tractor id="t0"><track producer="l0"/></tractor><tractor id="t1"><track producer="l1"/></tractor>
    <tractor id="main"><track producer="t0"/><track producer="t1"/></tractor></mlt>"""


def entry(*properties: tuple[str, str], span: str = "") -> str:
    inner = "".join(f'<property name="{name}">{value}</property>' for name, value in properties)
    return f'<entry producer="p2" in="100" out="139"><filter {span}>{inner}</filter></entry>'


@pytest.mark.parametrize(
    ("rect", "partial"),
    [
        ("0 0 1920 1080 1", False),
        ("1200 60 640 360 1", True),
        ("0 0 1920 1080 0.4", True),
        ("00:00:04.000=1200 60 640 360 1;00:00:05.000=0 0 1920 1080 100%", False),
        ("nonsense", False),
    ],
)
def test_kdenlive_transforms_tell_a_partial_picture(tmp_path: Path, rect: str, partial: bool) -> None:
    text = kdenlive(entry(("kdenlive_id", "qtblend"), ("rect", rect)))
    assert edits(read_picture(write(tmp_path, "x.kdenlive", text))) == (UNDER if partial else COVERED)


def test_kdenlive_fades_have_spans(tmp_path: Path) -> None:
    text = kdenlive(entry(("kdenlive_id", "fade_from_black"), span='in="100" out="109"'))
    first, _ = read_picture(write(tmp_path, "x.kdenlive", text)).boundaries
    assert (first.frame, first.kind, first.span) == (20, "dissolve", (Fraction(20, 25), Fraction(30, 25)))
