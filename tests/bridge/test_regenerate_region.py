"""Another take of a region: new inside, untouched outside, locks respected."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from bridge.folder import Lock, ScoreFolder
from bridge.history import change_locks, use_take
from bridge.pipeline import RegenerateRequest, ScoreRequest, read, regenerate, score
from emsync_engine.errors import InputError
from emsync_engine.score import Part, Score
from tests.acceptance.checks import check_cue
from tests.acceptance.edits import marker, plain_cut, random_edit
from tests.acceptance.listening import listen
from tests.conftest import files_of, save

pytestmark = pytest.mark.usefixtures("silent", "few_files")
PARTS = ("drums", "bass", "piano", "guitar", "strings")


def quiet(done: float, stage: str) -> None:
    """Progress that nobody watches."""


@dataclass(frozen=True)
class Region:
    """What to regenerate."""

    start: str
    end: str
    parts: tuple[str, ...] | None
    mood: tuple[float, float] | None
    seed: int | None


def random_regions(seed: int, score_: Score, count: int) -> Iterator[Region]:
    rng = random.Random(seed)
    length = float(score_.duration)
    for _ in range(count):
        if rng.random() < 0.4:
            first = rng.randrange(len(score_.bars))
            last = rng.randrange(first, len(score_.bars)) + 2
            start, end = f"b{first + 1}", f"b{min(last, len(score_.bars) + 1)}"
        else:
            a = rng.uniform(0, length * 0.9)
            start, end = str(a), str(min(length, a + rng.uniform(0.2, length)))
        parts = tuple(p for p in PARTS if rng.random() < 0.5) or None
        mood = (rng.uniform(-1, 1), rng.uniform(-1, 1)) if rng.random() < 0.4 else None
        yield Region(start, end, parts, mood, rng.choice((None, 77)))


def again(folder: Path, region: Region) -> dict[str, Any]:
    request = RegenerateRequest(folder, region.start, region.end, region.parts, region.mood, region.seed)
    return regenerate(request, quiet)


def level_at(part: Part, controller: int, tick: int) -> int | None:
    """The value of a controller that holds at a tick."""
    rows = sorted(c for c in part.controls if c.controller == controller and c.tick <= tick)
    return rows[-1].value if rows else None


def check_outside(old: Score, new: Score, start: int, end: int, parts: tuple[str, ...]) -> None:
    """Nothing but the region has changed."""
    assert (new.tempo_map, new.bars, new.hits, new.end_tick) == (old.tempo_map, old.bars, old.hits, old.end_tick)
    assert [p.id for p in new.parts] == [p.id for p in old.parts]
    for before, after in zip(old.parts, new.parts):
        if before.id not in parts:
            assert after == before
            continue
        assert [n for n in after.notes if not start <= n.tick < end] == [
            n for n in before.notes if not start <= n.tick < end
        ]
        assert all(n.end <= end for n in after.notes if start <= n.tick < end), "a new note hangs over the right seam"
        assert [c for c in after.controls if not start <= c.tick <= end] == [
            c for c in before.controls if not start <= c.tick <= end
        ]


def ticks_of(answer: dict[str, Any], score_: Score) -> tuple[int, int]:
    start, end = (score_.tempo_map.tick(Fraction(answer[name])) for name in ("start_s", "end_s"))
    return start, end


@pytest.mark.parametrize("seed", range(6))
def test_only_the_region_and_the_parts_change(seed: int, tmp_path: Path) -> None:
    path = save(random_edit(seed + 200), tmp_path / "cut.otio")
    folder = ScoreFolder(tmp_path / "out")
    score(ScoreRequest(path, folder.path), quiet)
    old = folder.take().score
    for number, region in enumerate(random_regions(seed, old, 6), start=2):
        answer = again(folder.path, region)
        new = folder.take().score
        start, end = ticks_of(answer, old)
        assert answer["take"] == number
        check_outside(old, new, start, end, region.parts or PARTS)
        changed = {p.id for p, q in zip(old.parts, new.parts) if p.notes != q.notes}
        assert changed == set(answer["changed"]) <= set(region.parts or PARTS)
        old = new


def test_the_region_really_changes(scored: Path) -> None:
    old = ScoreFolder(scored).take().score
    for seed in range(5, 10):
        answer = again(scored, Region("2", "12", None, None, seed))
        assert set(answer["changed"]) >= {"piano", "guitar", "strings"}
        assert sum(c["added"] for c in answer["changed"].values()) > 20
    assert ScoreFolder(scored).take().score != old


def test_regenerating_everything_keeps_every_promise(scored: Path) -> None:
    answer = again(scored, Region("0", "19", None, None, None))
    cuts = read(ScoreRequest(scored.parent / "cut.otio")).to_json()
    check_cue(answer, cuts, listen(scored / "score.mid"))


def test_the_same_region_and_seed_give_the_same_notes(scored: Path) -> None:
    again(scored, Region("3", "12", ("piano", "bass"), None, 9))
    first = ScoreFolder(scored).take().score
    use_take(scored, 1, quiet)
    again(scored, Region("3", "12", ("piano", "bass"), None, 9))
    assert ScoreFolder(scored).take().score.parts == first.parts


def test_without_a_seed_every_take_is_another_one(scored: Path) -> None:
    answers = [again(scored, Region("2", "15", None, None, None)) for _ in range(3)]
    assert len({a["seed"] for a in answers}) == 3
    assert all(a["changed"] for a in answers)


def test_a_note_held_over_the_left_seam_stays(scored: Path) -> None:
    old = ScoreFolder(scored).take().score
    held = max((n for n in old.part("strings").notes if n.end < old.end_tick), key=lambda n: n.duration)
    seam = old.tempo_map.seconds(held.tick + held.duration // 2)
    answer = again(scored, Region(str(float(seam)), "19", ("strings",), (0.0, 0.9), 5))
    assert answer["changed"]["strings"]["added"]
    assert held in ScoreFolder(scored).take().score.part("strings").notes
    listen(scored / "score.mid")  # no pitch is struck while it still sounds


def test_a_louder_mood_thickens_the_region_alone(scored: Path) -> None:
    old = ScoreFolder(scored).take().score
    answer = again(scored, Region("5", "14", None, (0.0, 1.0), 4))
    new = ScoreFolder(scored).take().score
    start, end = ticks_of(answer, old)

    def inside(score_: Score) -> int:
        return sum(start <= n.tick < end for p in score_.parts for n in p.notes)

    assert inside(new) > 1.2 * inside(old)
    check_outside(old, new, start, end, PARTS)


def test_a_region_that_reaches_into_the_closing_chord_holds_all_of_it(scored: Path) -> None:
    folder = ScoreFolder(scored)
    close = folder.take().score.tempo_map.seconds(folder.take().sheet.final_tick)
    answer = again(scored, Region("4", str(float(close) + 0.4), None, None, None))
    assert answer["end_s"] == pytest.approx(answer["duration_s"], abs=1e-5)
    assert float(listen(scored / "score.mid").end_s) == pytest.approx(answer["duration_s"], abs=0.05)


def test_the_last_moment_as_printed_is_inside(tmp_path: Path) -> None:
    path = save(plain_cut([100, 137], rate=30000 / 1001), tmp_path / "cut.otio")
    answer = score(ScoreRequest(path, tmp_path / "out"), quiet)
    region = Region("1", json.dumps(answer["duration_s"]), None, None, None)
    assert again(tmp_path / "out", region)["end_s"] == pytest.approx(answer["duration_s"], abs=1e-5)


@pytest.mark.parametrize("bars", [("b2", "b4"), ("b1", "b2.3"), ("b3.2", "b5.1")])
def test_regions_in_bars(bars: tuple[str, str], scored: Path) -> None:
    old = ScoreFolder(scored).take().score
    start, end = ticks_of(again(scored, Region(*bars, ("guitar",), None, 3)), old)

    def tick(text: str) -> int:
        bar, _, beat = text[1:].partition(".")
        return old.bars[int(bar) - 1].tick + (int(beat or 1) - 1) * 960

    assert (start, end) == (tick(bars[0]), tick(bars[1]))


def test_unknown_and_absent_parts_are_refused(tmp_path: Path) -> None:
    path = save(plain_cut([120, 120], [marker("parts: strings, piano", 0)]), tmp_path / "cut.otio")
    score(ScoreRequest(path, tmp_path / "out"), quiet)
    before = files_of(tmp_path / "out")
    with pytest.raises(InputError, match="no part 'bass'"):
        again(tmp_path / "out", Region("0", "5", ("bass",), None, None))
    assert files_of(tmp_path / "out") == before


# --- locks ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sections_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A score of three sections."""
    home = tmp_path_factory.mktemp("sections")
    marks = [marker("section: One", 0), marker("section: Two", 240), marker("section: Three", 480)]
    path = save(plain_cut([240, 240, 240], marks), home / "cut.otio")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMSYNC_SYNTH", "none")
        score(ScoreRequest(path, home / "out"), quiet)
    return home / "out"


@pytest.fixture
def sections(sections_once: Path, tmp_path: Path) -> Path:
    for name, data in files_of(sections_once).items():
        (tmp_path / "out" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "out" / name).write_bytes(data)
    save(json.loads((sections_once.parent / "cut.otio").read_text()), tmp_path / "cut.otio")
    return tmp_path / "out"


def lock(folder: Path, part: str | None = None, section: str | None = None) -> dict[str, Any]:
    return change_locks(folder, [Lock(part, section)], locked=True)


def rows(score_: Score, part: str, section: str) -> tuple[Any, ...]:
    span = next(s for s in score_.sections if section in (s.id, s.name))
    found = score_.part(part)
    return (
        [n for n in found.notes if span.tick <= n.tick < span.end],
        [c for c in found.controls if span.tick <= c.tick < span.end],
    )


def test_a_locked_part_stays(sections: Path) -> None:
    lock(sections, part="strings")
    old = ScoreFolder(sections).take().score
    answer = again(sections, Region("0", "30", None, (0.0, 0.9), None))
    new = ScoreFolder(sections).take().score
    assert new.part("strings") == old.part("strings")
    assert answer["locked"] == ["strings"]
    assert "strings" not in answer["changed"] and "piano" in answer["changed"]


def test_a_locked_section_stays_by_name_and_by_id(sections: Path) -> None:
    old = ScoreFolder(sections).take().score
    lock(sections, section="two")
    assert lock(sections, part="bass", section=old.sections[2].id)["locks"] == [
        {"part": None, "section": old.sections[1].id},
        {"part": "bass", "section": old.sections[2].id},
    ]
    answer = again(sections, Region("0", "30", None, None, None))
    new = ScoreFolder(sections).take().score
    for part in PARTS:
        assert rows(new, part, "Two") == rows(old, part, "Two")
    assert rows(new, "bass", "Three") == rows(old, "bass", "Three")
    assert rows(new, "piano", "One") != rows(old, "piano", "One")
    assert set(answer["locked"]) == set(PARTS)


def test_a_region_that_is_locked_as_a_whole_is_refused(sections: Path) -> None:
    lock(sections, section="Two")
    before = files_of(sections)
    with pytest.raises(InputError, match="locked") as caught:
        again(sections, Region("11", "19", ("bass", "piano"), None, None))
    assert caught.value.code == "locked"
    assert files_of(sections) == before


def test_unlocking_frees_it_again(sections: Path) -> None:
    lock(sections, part="bass", section="Two")
    lock(sections, part="piano")
    assert len(change_locks(sections, [Lock("bass")], locked=False)["locks"]) == 1
    assert change_locks(sections, [Lock()], locked=False)["locks"] == []
    assert again(sections, Region("11", "19", ("bass", "piano"), None, None))["changed"]


def test_a_wider_lock_swallows_narrower_ones(sections: Path) -> None:
    lock(sections, part="bass", section="Two")
    assert lock(sections, part="bass")["locks"] == [{"part": "bass", "section": None}]


def test_locks_are_set_all_or_none(sections: Path) -> None:
    before = files_of(sections)
    with pytest.raises(InputError, match="no part 'tuba'"):
        change_locks(sections, [Lock("bass"), Lock("tuba")], locked=True)
    with pytest.raises(InputError, match="no section 'Four'"):
        change_locks(sections, [Lock("bass", "Two"), Lock("bass", "Four")], locked=True)
    assert files_of(sections) == before


def test_scoring_again_keeps_what_is_locked(sections: Path) -> None:
    lock(sections, part="strings")
    lock(sections, section="Two")
    old = ScoreFolder(sections).take().score
    request = ScoreRequest(sections.parent / "cut.otio", sections)
    score(ScoreRequest(request.source, sections, settings=settings(seed=5)), quiet)
    new = ScoreFolder(sections).take().score
    assert new.part("strings").notes == old.part("strings").notes
    for part in PARTS:
        assert rows(new, part, "Two") == rows(old, part, "Two")
    assert new.part("piano").notes != old.part("piano").notes
    assert (new.seed, new.key) == (5, old.key)


def test_what_is_locked_and_what_is_new_share_their_harmony(sections: Path) -> None:
    """The bass is locked: under the new piano it must still be the bass of its chords."""
    folder = ScoreFolder(sections)
    lock(sections, part="bass")
    chords, source = folder.take().score.chords, sections.parent / "cut.otio"
    answer = score(ScoreRequest(source, sections, settings=settings(seed=5)), quiet)
    assert folder.take().score.chords == chords
    check_cue(answer, read(ScoreRequest(source)).to_json(), listen(sections / "score.mid"))


def test_scoring_again_with_another_choice_of_parts_over_locks_is_refused(sections: Path) -> None:
    lock(sections, part="bass")
    before = files_of(sections)
    with pytest.raises(InputError, match="locked"):
        score(ScoreRequest(sections.parent / "cut.otio", sections, settings=settings(parts=("bass", "piano"))), quiet)
    assert files_of(sections) == before


def test_scoring_another_cut_over_locks_is_refused_and_changes_nothing(sections: Path) -> None:
    lock(sections, part="strings")
    before = files_of(sections)
    path = save(plain_cut([200, 300, 220]), sections.parent / "other.otio")
    with pytest.raises(InputError, match="locked"):
        score(ScoreRequest(path, sections), quiet)
    assert files_of(sections) == before


def settings(**given: Any) -> Any:
    from bridge.settings import Settings

    return Settings(**given)


# --- what a region must leave as good as it was ----------------------------------------------------------------


def test_the_level_after_the_region_is_the_old_one(tmp_path: Path) -> None:
    marks = [marker("mood: 0,0", 0), marker("mood: 0,0.3", 240), marker("mood: 0,0.6", 480)]
    path = save(plain_cut([240, 240, 240], marks), tmp_path / "cut.otio")
    folder = ScoreFolder(tmp_path / "out")
    score(ScoreRequest(path, folder.path), quiet)
    old = folder.take().score
    for first in range(5, 9):
        answer = again(folder.path, Region(f"b{first}", "b12", None, (0.0, 0.35), 5))
        new, end = folder.take().score, ticks_of(answer, old)[1]
        for before, after in zip(old.parts, new.parts):
            for controller in (7, 10, 11):
                assert level_at(after, controller, end) == level_at(before, controller, end), before.id
        use_take(folder.path, 1, quiet)


def test_no_chord_is_struck_after_the_closing_one(tmp_path: Path) -> None:
    """A cut just before the end is marked by drums and bass, whoever is regenerated."""
    path = save(plain_cut([240, 240, 18]), tmp_path / "cut.otio")
    score(ScoreRequest(path, tmp_path / "out"), quiet)
    cuts = read(ScoreRequest(path)).to_json()
    for parts in (("piano", "strings"), ("drums",), ("guitar", "drums"), None):
        answer = again(tmp_path / "out", Region("3", "20.75", parts, None, None))
        check_cue(answer, cuts, listen(tmp_path / "out" / "score.mid"))


def test_accents_stand_out_after_every_regeneration(tmp_path: Path) -> None:
    """Also where the region begins in the bar of a hit that it does not hold, or leaves out who is loudest there."""
    path = save(plain_cut([240, 240, 240]), tmp_path / "cut.otio")
    score(ScoreRequest(path, tmp_path / "out"), quiet)
    cuts = read(ScoreRequest(path)).to_json()
    for start, parts in (("10.4", ("guitar", "strings")), ("9", ("bass", "piano")), ("10.4", None)):
        answer = again(tmp_path / "out", Region(start, "24", parts, (0.0, 1.0), 6))
        check_cue(answer, cuts, listen(tmp_path / "out" / "score.mid"))
