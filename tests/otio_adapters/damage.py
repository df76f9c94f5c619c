"""Files of every format, damaged at random: truncated, scattered, shuffled, with wrong values and other kinds."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from tests.otio_adapters.builders import clip, gap, generator, marker, stack, timeline, tr, track, transition, warp
from tests.otio_adapters.test_edl_lists import event
from tests.otio_adapters.test_fcpxml_clips import MULTICAM, SYNC, multicam
from tests.otio_adapters.test_kdenlive_generations import LOWER, UPPER, crossing, producer, prop, two_tracks
from tests.otio_adapters.test_timeline_captions import text_item
from tests.otio_adapters.test_timeline_formats import EDL, KDENLIVE, RPP, fcpxml, item, xmeml
from tests.otio_adapters.test_timeline_looks import (
    effect,
    entry,
    faders,
    kdenlive,
    number,
    parameter,
    premiere,
    resolve,
)
from tests.otio_adapters.test_timeline_retimes import SPINE, resolve_retime, time_remap

SHARED = Path(__file__).resolve().parents[3] / "shared" / "timelines"
_LARGEST = 40_000
"""Bytes of a real file that is damaged."""


def rich_document() -> bytes:
    nest = stack(track(clip("n", 0, 30), clip("o", 0, 30)), source_range=tr(5, 40), effects=[warp(2)])
    lower = track(clip("a", 0, 50, markers=[marker("hit", 5)]), transition(4, 4), clip("b", 9, 50), nest, name="V1")
    upper = track(gap(20), generator("Title", 30), clip("c", 0, 10, enabled=False), source_range=tr(0, 60))
    sound = track(clip("d", 0, 90), kind="Audio", name="DX")
    return json.dumps(timeline(lower, upper, sound, markers=[marker("mood: tense", 3)]), indent=1).encode()


def effect_document() -> bytes:
    """Effects, retime curves, captions and reels, to be damaged."""
    faded = clip("a", 0, 50, effects=[faders(8, 8), resolve("Composite", number("opacity", 50, f0=0, f9=100))])
    ramp = clip("r", 24, 48, available=tr(0, 240), effects=[resolve_retime((0, 0), (2, 2), (4, 10))])
    small = clip("s", 0, 40, effects=[premiere("AE.ADBE Motion", p1={"X": 0.8, "Y": 0.2}, p2=40.0)])
    stated = {"emsync_look": {"opacity": 40.0, "scale": 1.0, "blended": False, "fade_in_s": "1/2", "fade_out_s": "0"}}
    curve = {"emsync_curve": [["0", "1"], ["1/2", "2"], ["3", "3/7"]]}
    own = clip("o", 0, 60, effects=[warp(2) | {"metadata": curve}], metadata=stated)
    reel = clip("e", 86400, 40, available=None, metadata={"cmx_3600": {"reel": "A001"}})
    text = clip("c", 0, 20, reference={"OTIO_SCHEMA": "GeneratorReference.1", "parameters": {"text": "Hi"}})
    lanes = track(faded, ramp, reel), track(gap(20), small, own), track(gap(9), text, kind="Subtitle")
    return json.dumps(timeline(*lanes, track(clip("x", 0, 9, url="x.srt"), name="srt")), indent=1).encode()


def effect_xml() -> bytes:
    filters = effect("opacity", parameter("opacity", "40")) + effect("basic", parameter("scale", "50"))
    keys = time_remap((0, 0), (50, 50), (100, 250))
    lower = f"<track>{item('a', 0, 50, 0, filters)}{item('b', 50, 90, 10, keys)}</track>"
    return xmeml(
        f"{lower}<track>{''.join(text_item(f'line {n}', 9 * n, 9 * n + 5) for n in range(6))}</track>"
    ).encode()


def effect_kdenlive() -> bytes:
    fade, place = entry(("kdenlive_id", "fade_from_black"), span='in="100" out="109"'), ("rect", "9 9 640 360 0.5")
    return kdenlive(fade, entry(("kdenlive_id", "qtblend"), place)).encode()


def clips_fcpxml() -> bytes:
    """Multicam, synchronised and conformed clips."""
    spine = f"""{multicam(105, "B", "A+/==")}{SYNC.format(volume='<adjust-volume amount="-3dB"/>')}
      <asset-clip ref="a2" offset="3620s" start="10s" duration="9s" audioStart="9s" audioDuration="9s">
      <conform-rate srcFrameRate="24"/><asset-clip ref="a1" lane="1" offset="12s" duration="2s"/></asset-clip>"""
    return fcpxml(spine, MULTICAM).encode()


def remapped_kdenlive() -> bytes:
    keys = "00:00:00.000=0;00:00:02.000=2;00:00:04.000=10"
    link = f"<link>{prop('mlt_service', 'timeremap')}{prop('time_map', keys)}</link>"
    fast = producer("a", tag="chain", inner=link)
    luma = crossing(80, 99, ("mlt_service", "luma")) + crossing(80, 139, ("mlt_service", "affine"), ("rect", "1 2 3 4"))
    return two_tracks(LOWER, UPPER, fast + producer("b") + producer("c"), luma).encode()


def keyed_edl() -> bytes:
    rows = [
        event(1, "A", "VA1", "01:00:00:00", "01:00:02:00") + "M2 A 012.5\nAUD  3    4\n",
        event(2, "B", "V", "01:00:02:00", "01:00:06:00", "K B"),
        event(2, "T", "V", "01:00:03:00", "01:00:05:00", "K    000") + "* KEY CLIP NAME: T\n",
        event(3, "C", "V2", "23:59:59;12", "00:00:01;00") + " |C:ResolveColorRed |M:hit |D:24\n",
    ]
    return "".join(rows).encode()


@lru_cache(maxsize=1)
def sources() -> list[tuple[str, bytes]]:
    own = [
        (".otio", rich_document()),
        (".otio", effect_document()),
        (".xml", effect_xml()),
        (".fcpxml", fcpxml(SPINE).encode()),
        (".kdenlive", effect_kdenlive()),
        (".edl", EDL.encode()),
        (".xml", xmeml(f"<track>{item('a', 0, 50)}{item('b', 50, 90)}</track>").encode()),
        (
            ".fcpxml",
            fcpxml(
                '<asset-clip ref="a1" offset="3600s" duration="4s"><title ref="t1" lane="1"/></asset-clip>'
            ).encode(),
        ),
        (".kdenlive", KDENLIVE.encode()),
        (".rpp", RPP.encode()),
        (".fcpxml", clips_fcpxml()),
        (".kdenlive", remapped_kdenlive()),
        (".edl", keyed_edl()),
    ]
    real = sorted(p for p in SHARED.glob("*/*") if p.suffix in dict(own) and p.stat().st_size < _LARGEST)
    return own + [(path.suffix, path.read_bytes()) for path in real]


def truncate(data: bytearray, chance: random.Random) -> bytes:
    return bytes(data[: chance.randrange(len(data))])


def scatter(data: bytearray, chance: random.Random) -> bytes:
    for _ in range(chance.randrange(1, 20)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(data)


def shuffle_lines(data: bytearray, chance: random.Random) -> bytes:
    lines = bytes(data).split(b"\n")
    chance.shuffle(lines)
    return b"\n".join(lines)


def drop_lines(data: bytearray, chance: random.Random) -> bytes:
    lines = bytes(data).split(b"\n")
    first = chance.randrange(len(lines))
    del lines[first : first + chance.randrange(1, 6)]
    return b"\n".join(lines)


def wrong_number(data: bytearray, chance: random.Random) -> bytes:
    found = chance.choice(list(re.finditer(rb"\d+", bytes(data))))
    other = chance.choice([b"0", b"-1", b"99999999999999999999999", b"1e309", b"x", b"", b"null", b"NaN"])
    return bytes(data[: found.start()]) + other + bytes(data[found.end() :])


def wrong_value(data: bytearray, chance: random.Random) -> bytes:
    """A random value of a JSON document replaced by something of another kind, or taken away."""
    try:
        document = json.loads(bytes(data))
    except ValueError:
        return wrong_number(data, chance)
    for _ in range(chance.choice([1, 1, 3])):
        places = _places(document)
        if places:
            holder, key = chance.choice(places)
            if isinstance(holder, dict) and chance.random() < 0.4:
                del holder[key]
            else:
                holder[key] = chance.choice([None, True, 0, -1, "x", [], {}, [None], 1e308, 10**30, {"OTIO_SCHEMA": 3}])
    return json.dumps(document).encode()


def _places(node: Any) -> list[tuple[Any, Any]]:
    keys: Any = node if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    return [(node, key) for key in keys] + [place for key in keys for place in _places(node[key])]


MUTATIONS: list[Callable[[bytearray, random.Random], bytes]] = [
    truncate,
    scatter,
    shuffle_lines,
    drop_lines,
    wrong_number,
    wrong_value,
    wrong_value,
]


def damaged(seed: int) -> tuple[str, bytes]:
    """(suffix, content) of a damaged file."""
    chance = random.Random(seed)
    suffix, data = chance.choice(sources())
    return suffix, chance.choice(MUTATIONS)(bytearray(data), chance)
