"""The report in a real browser, where one is installed."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from bridge.report import report_html

Cue = dict[str, Any]

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BROWSER = next((path for path in map(shutil.which, NAMES) if path), None)
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
         "--disable-background-networking", "--disable-component-update", "--disable-sync")  # fmt: skip

pytestmark = pytest.mark.skipif(BROWSER is None, reason="Chromium is not installed")

MEASURE = """
<pre id="measured"></pre><script>
addEventListener("load", () => setTimeout(async () => {
  const of = (query) => document.querySelector(query);
  const all = (query) => [...document.querySelectorAll(query)].map((part) => part.getBoundingClientRect());
  const lane = (id) => of("#lane-" + id + " .body").getBoundingClientRect();
  STEPS
  const bodies = all(".stack .body");
  of("#measured").textContent = JSON.stringify({
    overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    width: document.documentElement.clientWidth,
    stage: of("#stage").clientWidth, scroll: of("#stage").scrollWidth,
    gutter: all(".gutter")[0].width,
    lefts: bodies.map((body) => Math.round(body.left)),
    widths: bodies.map((body) => Math.round(body.width)),
    flags: all(".flag").map((flag) => flag.left - lane("hits").left),
    lines: all(".lines i:not(.playhead)").map((line) => line.left - lane("hits").left),
    duration: parseFloat(of("#stage").style.getPropertyValue("--duration")),
    playhead: of("#playhead").getBoundingClientRect().left - lane("mood").left, moment: of("#sound").currentTime,
    sound: !of("#sound").hidden, zoom: !of("#zoom").hidden, readout: of("#readout").textContent,
    scheme: getComputedStyle(document.body).backgroundColor,
  });
}, 400));
</script>
"""


def browse(page: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    assert BROWSER is not None
    profile = page.parent / "profile"
    shutil.rmtree(profile, ignore_errors=True)
    command = [BROWSER, *FLAGS, f"--user-data-dir={profile}", *flags, page.as_uri()]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)


def console(page: Path) -> list[str]:
    """What the page wrote to the console."""
    errors = browse(page, "--enable-logging=stderr", "--v=0", "--virtual-time-budget=3000", "--dump-dom").stderr
    return [line for line in errors.splitlines() if "CONSOLE" in line]


def measure(page: Path, width: int, steps: str = "", *flags: str) -> dict[str, Any]:
    """Numbers from the laid-out page; ``steps`` is script to run before measuring."""
    html = page.read_text("utf-8")
    html = re.sub(r"script-src '[^']*'", "script-src 'unsafe-inline'", html, count=1)
    probe = page.with_name("probe.html")
    probe.write_text(html.replace("</body>", MEASURE.replace("STEPS", steps) + "</body>"), "utf-8")
    dom = browse(probe, f"--window-size={width},1200", "--virtual-time-budget=4000", "--dump-dom", *flags).stdout
    found = re.search(r'<pre id="measured">(.*?)</pre>', dom, re.DOTALL)
    assert found and found.group(1), "the page did not load"
    return dict(json.loads(found.group(1).replace("&gt;", ">").replace("&lt;", "<").replace("&amp;", "&")))


@pytest.fixture
def page(cue: Cue, tmp_path: Path) -> Path:
    """The one-minute report with its sound beside it."""
    with wave.open(str(tmp_path / "score.wav"), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(16000 * 60))
    cue["thumbnails"] = {index: _jpeg(index) for index in range(0, 14, 2)}
    path = tmp_path / "report.html"
    path.write_text(report_html(**cue), "utf-8")
    return path


def _jpeg(index: int) -> bytes:
    image = np.full((90, 160, 3), (40 + index * 10, 120, 200 - index * 8), dtype=np.uint8)
    good, data = cv2.imencode(".jpg", image)
    assert good
    return bytes(data)


def test_the_console_stays_silent(page: Path) -> None:
    assert console(page) == []


def test_the_console_of_this_test_speaks(page: Path) -> None:
    html = page.read_text("utf-8")
    page.write_text(html.replace("</body>", "<script>alert(1)</script></body>"), "utf-8")
    assert "Content Security Policy" in " ".join(console(page)), "another script is refused, and we would hear of it"


@pytest.mark.parametrize("width", [1280, 768])
def test_only_the_timeline_scrolls_sideways(page: Path, width: int) -> None:
    measured = measure(page, width)
    assert measured["width"] == width
    assert measured["overflow"] <= 0


def test_it_fits_a_phone(page: Path) -> None:
    narrow = page.with_name("narrow.html")  # a window has at least 500 pixels, a phone 390
    narrow.write_text(page.read_text("utf-8").replace("<main>", '<main style="width:390px">'), "utf-8")
    measured = measure(narrow, 500)
    assert measured["overflow"] <= 0 and measured["gutter"] < 100


def test_all_lanes_share_one_axis(page: Path) -> None:
    measured = measure(page, 1280)
    assert len(set(measured["lefts"])) == 1 and len(set(measured["widths"])) == 1
    assert measured["scroll"] == measured["stage"], "a minute fits a desktop window"


@pytest.mark.parametrize("steps", ["", 'for (let i = 0; i < 3; i++) of("[data-zoom=in]").click();'])
def test_hits_stand_at_their_times_at_every_zoom(page: Path, cue: Cue, steps: str) -> None:
    measured = measure(page, 1280, steps)
    scale = measured["widths"][0] / measured["duration"]
    for found in (measured["flags"], measured["lines"]):
        assert found == pytest.approx([hit.time_s * scale for hit in cue["hits"]], abs=1.5)
    assert (measured["scroll"] > measured["stage"]) == bool(steps)
    assert measured["overflow"] <= 0


def test_the_pointer_reads_time_and_bar(page: Path) -> None:
    steps = """const area = lane("mood"), middle = area.left + area.width / 2;
      const move = new PointerEvent("pointermove", { clientX: middle, clientY: area.top, bubbles: true });
      of("#stage").dispatchEvent(move);"""
    words = measure(page, 1280, steps)["readout"].split("\N{MIDDLE DOT}")
    assert re.fullmatch(r"01:00:30:0\d", words[0].strip())
    assert re.fullmatch(r"30\.0\d s", words[1].strip())
    assert re.fullmatch(r"bar 1\d\.\d", words[2].strip())


def test_the_player_is_there_when_the_sound_is(page: Path) -> None:
    assert measure(page, 1280)["sound"]
    (page.parent / "score.wav").unlink()
    assert not measure(page, 1280)["sound"]


def test_a_click_moves_sound_and_playhead(page: Path) -> None:
    steps = """const spot = lane("mood").left + lane("mood").width / 4;
      const click = new MouseEvent("click", { clientX: spot, clientY: 10, bubbles: true });
      of("#stage").dispatchEvent(click);
      await new Promise((go) => setTimeout(go, 300));"""
    measured = measure(page, 1280, steps)
    assert measured["moment"] == pytest.approx(measured["duration"] / 4, abs=0.1)
    assert measured["playhead"] == pytest.approx(measured["widths"][0] / 4, abs=3)


def test_dark_and_light(page: Path) -> None:
    light = measure(page, 1280, "", "--blink-settings=preferredColorScheme=1")["scheme"]
    dark = measure(page, 1280, "", "--blink-settings=preferredColorScheme=0")["scheme"]
    luma = [sum(map(int, re.findall(r"\d+", colour)[:3])) for colour in (light, dark)]
    assert luma[0] > 600 and luma[1] < 150


def test_a_screenshot_shows_every_lane(page: Path, tmp_path: Path) -> None:
    picture = tmp_path / "report.png"
    browse(page, "--window-size=1280,1700", "--blink-settings=preferredColorScheme=1", f"--screenshot={picture}")
    image = cv2.imread(str(picture))
    assert image is not None and image.shape[:2] == (1700, 1280)
    reds = (image[..., 2].astype(int) - image[..., 0] > 60).sum(axis=0)
    assert (reds > 500).sum() >= 5, "hit lines run from the top of the stack to its foot"


@pytest.mark.parametrize("seconds", [60, 240])
def test_it_prints_on_paper(make_cue: Callable[..., Cue], tmp_path: Path, seconds: int) -> None:
    page = tmp_path / "report.html"
    page.write_text(report_html(**make_cue(seconds=seconds, shots=seconds // 5)), "utf-8")
    sheet = tmp_path / "report.pdf"
    browse(page, "--no-pdf-header-footer", f"--print-to-pdf={sheet}")
    assert sheet.read_bytes().startswith(b"%PDF") and 2 <= _pages(sheet) <= 8


def _pages(sheet: Path) -> int:
    return len(re.findall(rb"/Type\s*/Page\b", sheet.read_bytes()))


def test_two_hours_open(make_cue: Callable[..., Cue], tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text(report_html(**make_cue(seconds=7200, shots=2000, notes_a_bar=38)), "utf-8")
    measured = measure(page, 1280)
    assert measured["overflow"] <= 0 and measured["scroll"] > 50_000
