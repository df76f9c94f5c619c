"""The report as a document: what is in it, that it is well formed, safe and small."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from html import unescape
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from bridge.report import HitReport, report_html
from emsync_engine.mood.curve import MoodCurve
from emsync_engine.picture import Picture
from emsync_engine.score import Key, Note, Part, Score, Tempo, TempoMap

Cue = dict[str, Any]

VOID = {"meta", "link", "br", "img", "input", "path", "hr"}
NASTY = "<script>alert(\"x\")</script> & 'co'"


class Page(HTMLParser):
    """Tags, attributes and text of a page; an element left open or closed twice fails the test."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == [], f"left open: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"an attribute twice on <{tag}>: {names}"
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open[-1] == tag, f"</{tag}> while {self.open[-3:]} are open"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("script", "style"):
            self.words.append(data)

    @property
    def text(self) -> str:
        return "\n".join(word.strip() for word in self.words if word.strip())

    def with_class(self, name: str) -> list[dict[str, str]]:
        return [attributes for _, attributes in self.tags if name in attributes.get("class", "").split()]


def test_the_page_is_well_formed(cue: Cue) -> None:
    page = Page(report_html(**cue))
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = {a["href"][1:] for tag, a in page.tags if tag == "a"}
    assert targets <= set(ids), "a link leads nowhere"
    assert [tag for tag, _ in page.tags].count("h1") == 1
    assert next(a for tag, a in page.tags if tag == "html")["lang"] == "en"


def test_nothing_is_fetched_but_the_sound_beside_it(cue: Cue) -> None:
    page = Page(
        report_html(
            **cue,
        )
    )
    places = [a[name] for _, a in page.tags for name in ("src", "srcset", "data", "poster", "action") if name in a]
    assert [place for place in places if not place.startswith("data:image/jpeg;base64,")] == ["score.wav"]
    html = report_html(**cue)
    assert not re.search(r"https?://|@import|url\(", html)
    assert "default-src 'none'" in html


def test_every_hit_is_shown_and_listed(cue: Cue) -> None:
    page = Page(report_html(**cue))
    assert len(page.with_class("flag")) == len(cue["hits"]) > 4
    rows = [a for tag, a in page.tags if tag == "tr" and a.get("id", "").startswith("hit-row-")]
    assert len(rows) == len(cue["hits"])
    for hit in cue["hits"]:
        assert cue["picture"].timecode_at(Fraction(hit.time_s)) in page.text


def test_a_hit_reads_as_time_timecode_bar_and_error(cue: Cue) -> None:
    cue["hits"] = [HitReport(12.5, 12.5042, 0.0042, 17, 1.0, "door")]
    text = Page(report_html(**cue)).text
    row = text[text.rindex("door") :].splitlines()[:5]
    assert row == ["door", "01:00:12:12", "0:12.500", "17.1", "+4.20"]
    assert "The one hit is more than 1 ms away, 4.2 ms at worst." in text


def test_the_first_sentence_says_whether_the_music_lands(cue: Cue) -> None:
    assert f"All {len(cue['hits'])} hits land within 0.30 ms" in Page(report_html(**cue)).text
    assert "No hits were asked for" in Page(report_html(**{**cue, "hits": []})).text


def test_sections_parts_chords_and_tempo_are_shown(cue: Cue) -> None:
    page = Page(report_html(**cue))
    score: Score = cue["score"]
    labels = [a.get("aria-label", "") for _, a in page.tags]
    for part in score.parts:
        assert part.name in labels
        assert any(label.startswith(f"{part.name}, {len(part.notes)} ") for label in labels)
    assert len(page.with_class("section")) == len(score.sections)
    for section in score.sections:
        assert section.name in page.text
    assert len(page.with_class("chord")) == len(score.chords)
    assert "D minor" in page.text
    for tempo in score.tempo_map.events:
        assert f"{tempo.bpm:.2f}" in page.text
    assert page.text.count("forced") == sum(tempo.forced for tempo in score.tempo_map.events)
    assert len(page.with_class("bar")) == len(score.bars)


def test_every_note_is_drawn_once_where_it_sounds(cue: Cue) -> None:
    html = report_html(**cue)
    for part in cue["score"].parts:
        lane = html[html.index(f'id="lane-part-{part.id}"') :]
        lane = lane[: lane.index('class="lane', 10)] if 'class="lane' in lane[10:] else lane
        drawn = [
            m for path in re.findall(r'<path class="v\d" d="([^"]*)"', lane) for m in re.findall(r"M([\d.]+) ", path)
        ]
        expected = sorted(float(cue["score"].tempo_map.seconds(note.tick)) for note in part.notes)
        assert sorted(map(float, drawn)) == pytest.approx(expected, abs=6e-4)


def test_drums_are_named_rows_from_cymbals_to_kick(cue: Cue) -> None:
    text = Page(report_html(**cue)).text.splitlines()
    names = [name for name in text if name in ("Crash", "Open hat", "Closed hat", "Snare", "Kick")]
    assert names == ["Crash", "Open hat", "Closed hat", "Snare", "Kick"]


def test_louder_notes_are_darker_classes(cue: Cue) -> None:
    notes = tuple(Note(960 * i, 60, 480, velocity) for i, velocity in enumerate((20, 48, 70, 95, 127)))
    cue["score"] = replace(cue["score"], parts=(Part("solo", "Solo", 0, 1, notes),))
    bands = re.findall(r'<path class="v(\d)" d="M([\d.]+) ', report_html(**cue))
    assert [band for band, _ in sorted(bands, key=lambda b: float(b[1]))] == ["0", "1", "2", "3", "4"]


def test_each_boundary_has_a_mark_of_its_kind(cue: Cue) -> None:
    html = report_html(**cue)
    edits = html[html.index('id="lane-edits"') : html.index('id="lane-mood"')]
    picture: Picture = cue["picture"]
    for kind in {boundary.kind for boundary in picture.boundaries}:
        marks = re.findall(rf'<i class="{kind}[ "]', edits)
        assert len(marks) == sum(boundary.kind == kind for boundary in picture.boundaries)
    assert edits.count(" through") == sum(boundary.through for boundary in picture.boundaries)
    assert edits.count("<s ") == sum(boundary.span is not None for boundary in picture.boundaries)


def test_shots_carry_their_thumbnail_or_say_that_they_are_offline(cue: Cue) -> None:
    cue["thumbnails"] = {0: b"\xff\xd8jpeg", 5: b"\xff\xd8more"}
    page = Page(report_html(**cue))
    assert len(page.with_class("shot")) == len(cue["picture"].shots)
    assert sum(tag == "img" for tag, _ in page.tags) == 2
    assert len(page.with_class("offline")) == sum(not shot.online for shot in cue["picture"].shots)


def test_text_of_the_user_is_text(cue: Cue) -> None:
    cue["picture"] = replace(cue["picture"], name=NASTY)
    cue["score"] = replace(cue["score"], title=NASTY, engine=NASTY)
    cue["rights"] = {NASTY: NASTY}
    cue["takes"] = [{NASTY: NASTY, "request": {NASTY: [NASTY]}}]
    cue["warnings"] = [NASTY]
    cue["hits"] = [replace(hit, label=NASTY) for hit in cue["hits"]]
    cue["score"] = replace(cue["score"], parts=tuple(replace(p, name=NASTY) for p in cue["score"].parts))
    html = report_html(**cue)
    page = Page(html)
    assert sum(tag == "script" for tag, _ in page.tags) == 2, "ours and the cue's numbers"
    assert page.text.count(NASTY) > 10
    assert not re.search(r"<script>\s*alert|&#x27;\w+=|onerror", html)


def test_the_policy_allows_our_script_alone(cue: Cue) -> None:
    import base64
    import hashlib

    html = report_html(**cue)
    script = html[html.rindex("<script>") + 8 : html.rindex("</script>")]
    assert base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() in html[: html.index("<title>")]


def test_takes_rights_and_warnings_are_told(cue: Cue) -> None:
    text = Page(report_html(**cue)).text
    for words in ("TimGM6mb.sf2, GPL-2.0", "rules 0.1, no training data", cue["warnings"][0], "1 warning", "Parent"):
        assert words in text
    assert "Mood\n0.4, 0.6" in text


def test_a_take_is_told_in_words_without_bookkeeping(cue: Cue) -> None:
    cue["takes"] = [
        {"number": 1, "file": "takes/take-0001.json", "sha256": "f1cb", "seed": 3, "parent": None, "current": False},
        {"number": 2, "file": "takes/take-0002.json", "sha256": "00aa", "seed": 4, "parent": None, "current": True,
         "created": "2026-11-23T08:25:05+00:00", "changed": {},
         "request": {"source": "C:\\films\\cut.otio", "start_s": 4.5}},
    ]  # fmt: skip
    html = report_html(**cue)
    start = html.index('<section id="takes-table">')
    takes = Page(html[start : html.index("</section>", start) + 10])
    assert takes.text.splitlines() == [
        "Takes", "2", "Takes", "Take", "Seed", "Created", "Request", "1", "3", "–", "–",
        "2", "current", "4", "2026-11-23 08:25", "Source", "cut.otio", "Start, s", "4.5",
    ]  # fmt: skip


def test_an_empty_cue_still_has_a_report() -> None:
    score = Score(TempoMap((Tempo(0, 500000),)), (), Key(0, "major"), (Part("bass", "Bass", 33, 0),), (), (), (),
                  Fraction(2), 0, 1, "rules")  # fmt: skip
    nothing = np.array([])
    page = Page(
        report_html(
            picture=Picture("", Fraction(25), Fraction(2)), mood=MoodCurve(nothing, nothing, nothing, nothing),
            score=score, hits=[], rights={}, takes=[], warnings=[],
        )
    )  # fmt: skip
    assert "Untitled cue" in page.text
    assert "silent" in page.text


def test_an_unknown_mood_value_does_not_break_the_curve(cue: Cue) -> None:
    mood: MoodCurve = cue["mood"]
    holes = mood.valence.copy()
    holes[3:7] = np.nan
    html = report_html(**{**cue, "mood": replace(mood, valence=holes)})
    assert "nan" not in html[html.index('id="lane-mood"') : html.index('id="lane-sections"')]


@pytest.mark.parametrize(
    ("rate", "drop", "start", "expected"),
    [
        (Fraction(25), False, 90000, ["01:00:00:00", "01:00:05:00", "01:00:10:00"]),
        (Fraction(24000, 1001), False, 86400, ["01:00:00:00", "01:00:05:00", "01:00:10:00"]),
        (Fraction(30000, 1001), True, 107892, ["01:00:00;00", "01:00:05;00", "01:00:10;00"]),
        (Fraction(30000, 1001), True, 1700, ["00:01:00;02", "00:01:05;00", "00:01:10;00"]),
        (Fraction(24), False, 100, ["00:00:05:00", "00:00:10:00"]),
    ],
)
def test_the_ruler_marks_round_timecode(cue: Cue, rate: Fraction, drop: bool, start: int, expected: list[str]) -> None:
    cue["picture"] = replace(cue["picture"], rate=rate, drop_frame=drop, start_frame=start)
    html = report_html(**cue)
    ruler = html[html.index('id="lane-ruler"') : html.index('id="lane-hits"')]
    marks = sorted((float(t), unescape(w)) for t, w in re.findall(r"--t:([\d.]+)[^>]*><span>([^<]*)", ruler))
    assert [text for _, text in marks][: len(expected)] == expected
    for seconds, text in marks[:5]:
        assert cue["picture"].timecode_at(Fraction(seconds)) == text


def test_the_same_cue_gives_the_same_page(cue: Cue) -> None:
    assert report_html(**cue) == report_html(**cue)


def test_two_hours_stay_small_and_quick(make_cue: Callable[..., Cue]) -> None:
    cue = make_cue(seconds=7200, shots=2000, notes_a_bar=38)
    cue["thumbnails"] = {index * 10: bytes(4000) for index in range(200)}
    assert sum(len(part.notes) for part in cue["score"].parts) > 95_000
    started = time.perf_counter()
    html = report_html(**cue)
    assert time.perf_counter() - started < 20
    assert len(html) < 15_000_000
    assert html.count("<path") < 10_000, "notes are drawn in batches"
