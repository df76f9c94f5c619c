"""The music follows the picture's mood and the mood that is asked for, and is music: chords, parts, a motif."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from statistics import mean
from typing import Any

import pytest

from bridge.demo.timeline import write_timeline
from bridge.pipeline import ScoreRequest, score
from bridge.settings import Settings
from tests.acceptance.conftest import Demo
from tests.acceptance.edits import plain_cut
from tests.acceptance.listening import Heard, listen, returning_figures
from tests.conftest import Emsync, save

LEVELS = (-0.7, 0.0, 0.7)
LENGTHS = [120, 96, 130, 110, 200, 300, 100, 90, 150, 140]


@dataclass(frozen=True)
class Variant:
    """A score of the same cut in one mood."""

    folder: Path
    answer: dict[str, Any]
    heard: Heard

    @property
    def tempo(self) -> float:
        return mean(row["bpm"] for row in self.answer["tempo_map"])

    @property
    def density(self) -> float:
        """Onsets a second."""
        return len(self.heard.sounds) / float(self.answer["duration_s"])

    @property
    def velocity(self) -> float:
        return mean(s.velocity for s in self.heard.sounds)

    @property
    def major_share(self) -> float:
        """Of the beats on which a plain triad sounds, those on which it is a major one."""
        counts = {4: 0, 3: 0}
        for tick in range(0, self.heard.bar_lines[-1], 960):
            classes = {s.pitch % 12 for s in self.heard.sounding(tick)}
            kinds = [k for k in counts if any({r, (r + k) % 12, (r + 7) % 12} <= classes for r in range(12))]
            if len(kinds) == 1:
                counts[kinds[0]] += 1
        return counts[4] / sum(counts.values())


Grid = dict[tuple[float, float], Variant]


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grid]:
    """One cut in nine moods: (valence, arousal) -> what came of it."""
    home = tmp_path_factory.mktemp("grid")
    timeline = save(plain_cut(LENGTHS), home / "cut.otio")
    variants = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMSYNC_SYNTH", "none")
        patch.setattr("bridge.derive.write_forms", lambda cue, staging, document: None)
        for number, mood in enumerate((v, a) for v in LEVELS for a in LEVELS):
            folder = home / f"m{number}"
            answer = score(ScoreRequest(timeline, folder, settings=Settings(mood=mood)), lambda done, stage: None)
            variants[mood] = Variant(folder, answer, listen(folder / "score.mid"))
    yield variants


@pytest.mark.parametrize("quality", ["tempo", "density", "velocity"])
@pytest.mark.parametrize("valence", LEVELS)
def test_arousal_raises(grid: Grid, quality: str, valence: float) -> None:
    calm, middle, lively = (getattr(grid[valence, arousal], quality) for arousal in LEVELS)
    assert calm < middle < lively


@pytest.mark.parametrize("arousal", LEVELS)
def test_valence_raises_the_share_of_major(grid: Grid, arousal: float) -> None:
    dark, middle, bright = (grid[valence, arousal].major_share for valence in LEVELS)
    assert dark < middle < bright


@pytest.mark.parametrize("arousal", LEVELS)
def test_dark_is_minor_and_bright_is_major(grid: Grid, arousal: float) -> None:
    assert grid[-0.7, arousal].answer["key"].endswith("minor")
    assert grid[0.7, arousal].answer["key"].endswith("major")


@pytest.fixture(params=["demo", "calm", "lively", "neutral"])
def any_score(request: pytest.FixtureRequest) -> Variant:
    if request.param == "demo":
        demo: Demo = request.getfixturevalue("demo")
        return Variant(Path(demo.answer["dir"]), demo.answer, demo.heard)
    mood = {"calm": (0.7, -0.7), "lively": (-0.7, 0.7), "neutral": (0.0, 0.0)}[request.param]
    grid: Grid = request.getfixturevalue("grid")
    return grid[mood]


def test_every_section_has_three_chords_that_are_heard(any_score: Variant) -> None:
    document = json.loads((any_score.folder / "score.json").read_text(encoding="utf-8"))
    plan = json.loads((any_score.folder / document["takes"][-1]["file"]).read_text(encoding="utf-8"))["score"]
    for section in plan["sections"]:
        chords = [c for c in plan["chords"] if section["tick"] <= c["tick"] < section["end"]]
        assert len({(c["root"], c["quality"]) for c in chords}) >= 3, section["name"]
    heard = [
        c
        for c in plan["chords"]
        if any(s.pitch % 12 == c["root"] for s in any_score.heard.sounds
               if not s.is_drum and c["tick"] <= s.tick < c["tick"] + c["duration"])
    ]  # fmt: skip
    assert len(heard) >= 0.95 * len(plan["chords"])


def test_every_part_plays_through(any_score: Variant) -> None:
    duration_s = any_score.answer["duration_s"]
    assert set(any_score.heard.parts) == {"Drums", "Bass", "Piano", "Guitar", "Strings"}
    for part, row in any_score.heard.parts.items():
        starts = [float(s.start_s) for s in row]
        assert len(row) >= duration_s / 6, f"{part} hardly plays"
        assert starts[0] < duration_s / 2 and starts[-1] > duration_s / 2, f"{part} leaves half of the cue alone"


def test_the_motif_returns(any_score: Variant) -> None:
    assert has_motif(any_score.heard)


def has_motif(heard: Heard) -> bool:
    """A figure that is played at three places: chance brings one to two."""
    return any(len(times) >= 3 for times in returning_figures(heard).values())


def test_no_motif_is_found_in_scrambled_pitches(any_score: Variant) -> None:
    """The detector itself: the same rhythm with pitches by chance has none."""
    rng = random.Random(3)
    sounds = tuple(replace(s, pitch=s.pitch if s.is_drum else rng.randrange(48, 84)) for s in any_score.heard.sounds)
    assert not has_motif(replace(any_score.heard, sounds=sounds))


# --- the demo's moods ----------------------------------------------------------------------------------------


def scene_moods(emsync: Emsync, timeline: Path) -> dict[str, tuple[float, float]]:
    """(valence, arousal) of each scene of the demo film."""
    shots = emsync("cuts", timeline, "--json").json["shots"]
    curve = emsync("mood", timeline, "--json").json["curve"]
    moods = {}
    for scene in ("Day", "Night", "Chase", "Rest"):
        spans = [(s["start_s"], s["end_s"]) for s in shots if s["name"].startswith(scene)]
        inside = [p for p in curve if any(a <= p["time_s"] < b for a, b in spans)]
        moods[scene] = (mean(p["valence"] for p in inside), mean(p["arousal"] for p in inside))
    return moods


@pytest.mark.parametrize("order", [None, ("rest", "chase", "night", "day")], ids=["as made", "swapped"])
def test_chase_is_more_aroused_than_rest_and_day_happier_than_night(
    demo: Demo, emsync: Emsync, order: tuple[str, ...] | None
) -> None:
    timeline = write_timeline(demo.folder / "swapped.otio", order=order) if order else demo.timeline
    moods = scene_moods(emsync, timeline)
    assert moods["Chase"][1] - moods["Rest"][1] >= 0.3
    assert moods["Day"][0] - moods["Night"][0] >= 0.2


def test_the_demos_music_runs_faster_and_thicker_in_the_chase_than_at_rest(demo: Demo) -> None:
    shots = demo.cuts["shots"]

    def within(scene: str) -> tuple[float, float]:
        spans = [(s["start_s"], s["end_s"]) for s in shots if s["name"].startswith(scene)]
        return min(a for a, _ in spans), max(b for _, b in spans)

    def density(scene: str, keep: Callable[[Any], bool] = lambda s: True) -> float:
        start, end = within(scene)
        return sum(start <= s.start_s < end and keep(s) for s in demo.heard.sounds) / (end - start)

    assert density("Chase") > density("Rest")
    assert density("Chase", lambda s: s.is_drum) > density("Rest", lambda s: s.is_drum)


def test_mood_json_is_dense_and_its_probabilities_sum_to_one(demo: Demo, emsync: Emsync) -> None:
    answer = emsync("mood", demo.timeline, "--json").json
    times = [p["time_s"] for p in answer["curve"]]
    assert max(b - a for a, b in pairwise(times)) <= 0.5
    assert times[0] <= 0.5 and times[-1] >= demo.answer["duration_s"] - 0.5
    assert all(-1 <= p["valence"] <= 1 and -1 <= p["arousal"] <= 1 and 0 <= p["confidence"] <= 1
               for p in answer["curve"])  # fmt: skip
    assert len(answer["shots"]) == len(demo.cuts["shots"])
    for shot in answer["shots"]:
        assert sum(shot["categories"].values()) == pytest.approx(1, abs=0.01)
    assert answer["evidence"]
