"""The demo's edit, changed as editors change it, on every track at once."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import ClassVar

import opentimelineio as otio
import pytest
from opentimelineio.opentime import RationalTime, TimeRange

from bridge.conform import ConformRequest, conform
from bridge.demo.canvas import FPS
from bridge.demo.timeline import build_timeline
from bridge.folder import ScoreFolder
from bridge.pipeline import ScoreRequest, score
from bridge.settings import Settings
from emsync_engine.score import Note, Score
from emsync_engine.spotting.cuesheet import CueSheet
from emsync_engine.spotting.regrid import Kept
from tests.recuts import check_kept_notes

pytestmark = pytest.mark.usefixtures("silent")
Timeline = otio.schema.Timeline
Item = otio.core.Composable
RATE = Fraction(FPS)


def span(start: float, length: float) -> TimeRange:
    return TimeRange(RationalTime(start, FPS), RationalTime(length, FPS))


def part(item: Item, start: int, end: int) -> Item:
    """Frames [start, end) of an item."""
    piece = item.deepcopy()
    speed = next((e.time_scalar for e in getattr(item, "effects", []) if hasattr(e, "time_scalar")), 1)
    piece.source_range = span(item.trimmed_range().start_time.value + start * speed, end - start)
    return piece


def placed(track: otio.schema.Track) -> Iterator[tuple[int, int, Item]]:
    """(start, end, item) in record frames; a transition takes no time."""
    at = 0
    for item in track:
        length = 0 if isinstance(item, otio.schema.Transition) else round(item.duration().value)
        yield at, at + length, item
        at += length


def refill(track: otio.schema.Track, items: list[Item]) -> None:
    del track[:]
    track.extend(items)


def shift_markers(timeline: Timeline, at: int, by: int) -> None:
    for marker in timeline.tracks.markers:
        start = marker.marked_range.start_time.value
        if start >= at:
            marker.marked_range = span(start + by, 0)


def lift(timeline: Timeline, at: int, count: int) -> None:
    """Ripple delete on every track."""
    for track in timeline.tracks:
        rows: list[Item] = []
        for start, end, item in placed(track):
            a, b = max(start, at), min(end, at + count)
            if a >= b:
                rows.append(item.deepcopy())
                continue
            rows += [part(item, 0, a - start)] if a > start else []
            rows += [part(item, b - start, end - start)] if b < end else []
        refill(track, rows)
    shift_markers(timeline, at + count, -count)


def insert(timeline: Timeline, at: int, count: int) -> None:
    """A new shot, everything behind it later."""
    for track in timeline.tracks:
        rows: list[Item] = []
        for start, end, item in placed(track):
            if start <= at < end:
                media = otio.schema.ExternalReference("media/pickup.mp4", span(0, 400))
                new = otio.schema.Clip("Pick-up", media, span(20, count))
                rows += [part(item, 0, at - start)] if at > start else []
                rows.append(new if track.name == "V1" else otio.schema.Gap(source_range=span(0, count)))
                rows.append(part(item, at - start, end - start))
            else:
                rows.append(item.deepcopy())
        refill(track, rows)
    shift_markers(timeline, at, count)


def swap(timeline: Timeline) -> None:
    """The first two shots of the chase."""
    rows = [item.deepcopy() for item in timeline.video_tracks()[0]]
    first = next(i for i, item in enumerate(rows) if item.name == "Chase Cars")
    rows[first], rows[first + 1] = rows[first + 1], rows[first]
    refill(timeline.video_tracks()[0], rows)


def retime(timeline: Timeline) -> None:
    """The first shot in slow motion, as long as it was."""
    timeline.video_tracks()[0][0].effects.append(otio.schema.LinearTimeWarp(name="slow", time_scalar=0.5))


EDITS: dict[str, tuple[Callable[[Timeline], None], list[tuple[int, int, int]], list[str]]] = {
    "trim": (
        lambda t: lift(t, 119, 20),
        [(0, 0, 119), (139, 119, 1301)],
        ["kept: Day Valley", "trimmed at the tail: Day Valley",
         "moved by -20 frames: Day Field, Day Birds, Night Moon and 9 more"],
    ),
    "ripple delete": (
        lambda t: lift(t, 139, 255),
        [(0, 0, 139), (394, 139, 1046)],
        ["kept: Day Valley", "deleted: Day Field", "deleted: Day Birds", "deleted: Day Field",
         "moved by -255 frames: Night Moon, Night House, Night Window and 7 more"],
    ),
    "swap": (
        swap,
        [(0, 0, 765), (806, 765, 29), (765, 794, 41), (835, 835, 605)],
        ["kept: Day Valley, Day Field, Day Birds and 4 more", "moved by -41 frames: Chase Runner",
         "moved by +29 frames: Chase Cars", "kept: Chase Road, Chase Cars, Chase Siren and 3 more"],
    ),
    "insert": (
        lambda t: insert(t, 139, 96),
        [(0, 0, 139), (139, 235, 1301)],
        ["kept: Day Valley", "inserted: Pick-up", "moved by +96 frames: Day Field, Day Birds, Night Moon and 9 more"],
    ),
    "re-time": (
        retime,
        [(139, 139, 1301)],
        ["re-timed from 100 % to 50 %: Day Valley", "kept: Day Field, Day Birds, Night Moon and 9 more"],
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's timeline without its media, scored."""
    home = tmp_path_factory.mktemp("demo")
    otio.adapters.write_to_file(build_timeline(), str(home / "demo.otio"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMSYNC_SYNTH", "none")
        score(
            ScoreRequest(home / "demo.otio", home / "demo.emsync", settings=Settings(mood=(0.3, 0.3))), lambda *_: None
        )
    return home


@pytest.mark.parametrize("name", EDITS)
def test_every_note_over_unchanged_picture_stays(name: str, demo: Path, tmp_path: Path) -> None:
    edit, kept, said = EDITS[name]
    timeline = build_timeline()
    edit(timeline)
    otio.adapters.write_to_file(timeline, str(demo / "recut.otio"))
    folder = ScoreFolder(tmp_path / "demo.emsync")
    shutil.copytree(demo / "demo.emsync", folder.path)
    answer = conform(ConformRequest(folder.path, demo / "recut.otio"), lambda *_: None)
    assert [c["text"] for c in answer["changes"]] == said
    spans = [Kept(old / RATE, new / RATE, length / RATE) for old, new, length in kept]
    assert answer["kept_s"] == pytest.approx(float(sum(k.length for k in spans)))
    old, new = folder.take(1).score, folder.take(2).score
    assert check_kept_notes(old, new, spans) > 0.75 * sum(len(p.notes) for p in old.parts)
    assert all(abs(h["error_s"]) <= 1e-3 for h in answer["hits"])
    assert all(80 <= row["bpm"] <= 160 for row in answer["tempo_map"])


class Humming:
    """An engine that composes one long note a region."""

    name = "model"
    rights: ClassVar[dict[str, str]] = {"engine": "a test", "weights": "none"}

    def __init__(self) -> None:
        self.regions: list[tuple[int, int]] = []

    def recompose(
        self, score: Score, sheet: CueSheet, start: int, end: int, parts: Sequence[str], seed: int,
        mood: object = None, progress: Callable[[float], None] = lambda _: None,
    ) -> Score:  # fmt: skip
        self.regions.append((start, end))
        progress(1.0)
        rest = [replace(p, notes=tuple(n for n in p.notes if not start <= n.tick < end)) for p in score.parts]
        held = Note(tick=start, duration=end - start, pitch=60, velocity=64)
        return replace(
            score,
            parts=tuple(replace(p, notes=tuple(sorted([*p.notes, held]))) if p.id == "strings" else p for p in rest),
        )


def test_another_engine_composes_only_where_the_picture_changed(
    demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Humming()
    for place in ("emsync_engine.composers.composer_of", "bridge.pipeline.composer_of", "bridge.derive.composer_of"):
        monkeypatch.setattr(place, lambda name: engine)
    edit, kept, _ = EDITS["insert"]
    timeline = build_timeline()
    edit(timeline)
    otio.adapters.write_to_file(timeline, str(demo / "recut.otio"))
    folder = ScoreFolder(tmp_path / "demo.emsync")
    shutil.copytree(demo / "demo.emsync", folder.path)
    conform(ConformRequest(folder.path, demo / "recut.otio", Settings(engine="model")), lambda *_: None)
    old, new = folder.take(1).score, folder.take(2).score
    spans = [Kept(a / RATE, b / RATE, length / RATE) for a, b, length in kept]
    check_kept_notes(old, new, spans)
    ((start, end),) = engine.regions
    assert abs(new.tempo_map.seconds(start) - Fraction(139, FPS)) < Fraction(1, 100)
    assert abs(new.tempo_map.seconds(end) - Fraction(235, FPS)) < Fraction(1, 100)
    assert [(p.id, n.pitch) for p in new.parts for n in p.notes if start < n.tick < end] == []
    assert (new.engine, folder.document().entry(2).engine) == ("model", "model")
