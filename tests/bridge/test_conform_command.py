"""``emsync conform``: what it says, what it writes, and what one can do afterwards."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bridge.cli.main import main
from bridge.files import Look
from bridge.folder import Lock, ScoreFolder, Take
from bridge.history import change_locks, use_take
from bridge.pipeline import RegenerateRequest as Region
from bridge.pipeline import ScoreRequest, regenerate, score
from bridge.remember import recalled, request_json, with_given
from bridge.settings import Settings, key_of
from emsync_engine.errors import EmsyncError, InputError
from emsync_engine.score import Score
from tests.acceptance.edits import clip, gap, marker, plain_cut, timeline, track
from tests.conftest import Emsync, files_of, save
from tests.emsync_engine.dialogue import sounds
from tests.emsync_engine.mood.mood_films import write_wav

pytestmark = pytest.mark.usefixtures("silent")
LENGTHS = [120, 96, 130, 110]
Node = dict[str, Any]


def shots(lengths: Sequence[int]) -> list[Node]:
    return [clip(f"shot {i + 1}", 1000 * i, n) for i, n in enumerate(lengths)]


def a_cut(path: Path, children: Sequence[Node], markers: Sequence[Node] = (), **more: Any) -> Path:
    return save(timeline([track(children)], markers, **more), path)


def quiet(_: float, __: str) -> None:
    """No progress."""


def scored_cut(home: Path, document: Node, **settings: Any) -> Path:
    source = save(document, home / "cut.otio")
    score(ScoreRequest(source, home / "cut.emsync", settings=Settings(**settings)), quiet)
    return home / "cut.emsync"


def conformed(folder: Path, source: Path, *, within: bool = False, **settings: Any) -> dict[str, Any]:
    from bridge.conform import ConformRequest, conform

    return conform(ConformRequest(folder, source, Settings(**settings), within), quiet)


def take(folder: Path, number: int | None = None) -> Take:
    return ScoreFolder(folder).take(number)


def music(score: Score, start_s: float = 0.0, end_s: float = 1e9, by: float = 0.0) -> list[tuple[str, int, int, float]]:
    """(part, pitch, velocity, seconds moved by ``by``) of the notes that begin in a range."""
    rows = []
    for part in score.parts:
        for n in part.notes:
            time_s = float(score.tempo_map.seconds(n.tick))
            if start_s - 5e-4 <= time_s < end_s - 5e-4:
                rows.append((part.id, n.pitch, n.velocity, time_s + by))
    return sorted(rows)


def same(one: Sequence[tuple[str, int, int, float]], other: Sequence[tuple[str, int, int, float]]) -> bool:
    """The same music within a millisecond."""
    return len(one) == len(other) and holds(other, one)


def holds(other: Sequence[tuple[str, int, int, float]], one: Sequence[tuple[str, int, int, float]]) -> bool:
    """Whether all of ``one`` is in ``other``, within a millisecond."""
    rest = list(other)
    for part, pitch, velocity, time_s in one:
        near = [r for r in rest if r[:3] == (part, pitch, velocity) and abs(r[3] - time_s) <= 1e-3]
        if not near:
            return False
        rest.remove(near[0])
    return True


@pytest.fixture
def recut(scored: Path) -> Path:
    """The second shot of ``cut.otio`` a second shorter, in a file beside it."""
    return a_cut(scored.parent / "cut_v2.otio", shots([120, 72, 130, 110]))


# --- what it says ---


def test_the_answer(scored: Path, recut: Path, emsync: Emsync) -> None:
    ran = emsync("conform", scored, recut, "--json")
    assert ran.status == 0, ran.out
    answer = ran.json
    promised = {"dir", "take", "files", "kept_aside", "hits", "tempo_map", "sections", "key", "duration_s", "warnings"}
    assert promised | {"changes", "kept_s"} <= set(answer)
    assert answer["take"] == 2 and answer["duration_s"] == pytest.approx(432 / 24)
    assert [(c["kind"], c["frames"]) for c in answer["changes"]] == [("keep", 192), ("trim", 24), ("move", 240)]
    assert answer["changes"][2] == {
        "kind": "move", "name": "shot 3, shot 4", "old_s": [9.0, 19.0], "new_s": [8.0, 18.0],
        "old_timecode": ["01:00:09:00", "01:00:19:00"], "new_timecode": ["01:00:08:00", "01:00:18:00"], "frames": 240,
        "text": "moved by -24 frames: shot 3, shot 4",
    }  # fmt: skip
    assert answer["kept_s"] == pytest.approx(18)
    assert all(abs(h["error_s"]) <= 1e-3 for h in answer["hits"])
    assert Path(answer["files"]["changes.txt"]).is_file()


def test_a_person_reads_the_change_list(scored: Path, recut: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["conform", str(scored), str(recut)]) == 0
    said = capsys.readouterr().out
    assert said.startswith((scored / "changes.txt").read_text(encoding="utf-8"))
    assert (scored / "changes.txt").read_text(encoding="utf-8") == (
        "old cut: cut.otio, 01:00:00:00 to 01:00:19:00\n"
        "new cut: cut_v2.otio, 01:00:00:00 to 01:00:18:00\n"
        "432 of 432 frames unchanged (100%), 240 of them moved; 1 trimmed\n"
        "\n"
        "old timecode               new timecode               frames  change\n"
        "01:00:00:00 - 01:00:08:00  01:00:00:00 - 01:00:08:00     192  kept: shot 1, shot 2\n"
        "01:00:08:00 - 01:00:09:00  -                              24  trimmed at the tail: shot 2\n"
        "01:00:09:00 - 01:00:19:00  01:00:08:00 - 01:00:18:00     240  moved by -24 frames: shot 3, shot 4\n"
    )


@pytest.mark.parametrize(
    ("folder", "source", "code"),
    [
        ("nothing.emsync", "cut.otio", "no_score"),
        (".", "cut.otio", "no_score"),
        ("cut.emsync", "nothing.otio", "not_found"),
        ("cut.emsync", "text.otio", None),
        ("cut.emsync", "text.txt", "unknown_format"),
        ("cut.emsync", "sound.otio", "no_picture"),
        ("cut.emsync", "black.otio", "no_picture"),
        ("cut.emsync", ".", "not_a_timeline"),
    ],
    ids=["no folder", "no score", "no file", "no timeline", "format", "sound only", "black", "a folder"],
)
def test_what_cannot_be_used_ends_with_status_3_and_changes_nothing(
    scored: Path, folder: str, source: str, code: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    home = scored.parent
    (home / "text.otio").write_text("no timeline")
    (home / "text.txt").write_text("no timeline")
    save(timeline([track([clip("voice", 0, 100)], kind="Audio", name="A1")]), home / "sound.otio")
    a_cut(home / "black.otio", [gap(100)])
    before = files_of(scored)
    assert main(["conform", str(home / folder), str(home / source), "--json"]) == 3
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["code"] == code or code is None
    assert files_of(scored) == before


def test_wrong_usage_ends_with_status_2(scored: Path, recut: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["conform", str(scored)]) == 2
    assert main(["conform", str(scored), str(recut), "--tempo", "fast"]) == 2
    assert capsys.readouterr().out == ""


# --- the music ---


def test_music_over_unchanged_picture_stays(scored: Path, recut: Path) -> None:
    conformed(scored, recut)
    old, new = take(scored, 1).score, take(scored, 2).score
    assert same(music(old, 0, 8), music(new, 0, 8))
    assert same(music(old, 9, 19, by=-1), music(new, 8, 18))


def test_the_same_cut_again_gives_the_same_music(scored: Path) -> None:
    for _ in range(2):
        conformed(scored, scored.parent / "cut.otio")
    assert take(scored, 1).score == take(scored, 2).score == take(scored, 3).score
    document = ScoreFolder(scored).document()
    assert document.entry(2).cut == document.entry(3).cut, "an equal cut is kept once"
    assert document.entry(2).changed == {}


def test_twice_is_once(scored: Path, recut: Path) -> None:
    conformed(scored, recut)
    answer = conformed(scored, recut)
    assert take(scored, 3).score == take(scored, 2).score
    assert [c["kind"] for c in answer["changes"]] == ["keep"]


def test_earlier_takes_come_back_with_their_own_picture(scored: Path, recut: Path) -> None:
    midi, sheet = (scored / "score.mid").read_bytes(), json.loads((scored / "timeline.otio").read_text())
    conformed(scored, recut)
    assert (scored / "score.mid").read_bytes() != midi
    use_take(scored, 1, quiet)
    assert (scored / "score.mid").read_bytes() == midi
    assert json.loads((scored / "timeline.otio").read_text()) == sheet
    (scored.parent / "cut.otio").unlink()
    use_take(scored, 2, quiet)
    use_take(scored, 1, quiet)
    assert (scored / "score.mid").read_bytes() == midi


def test_a_cut_that_was_scored_before_is_recognised(scored: Path, recut: Path) -> None:
    assert not any("this very cut" in w for w in conformed(scored, recut)["warnings"])
    assert not any("this very cut" in w for w in conformed(scored, recut)["warnings"])
    back = conformed(scored, scored.parent / "cut.otio")["warnings"]
    assert any(w.startswith("take 1 was made for this very cut") for w in back)


def test_conform_starts_from_the_take_that_is_current(scored: Path, recut: Path) -> None:
    regenerate(Region(scored, "0", "4", ("bass",), seed=9), quiet)
    conformed(scored, recut)
    assert same(music(take(scored, 2).score, 0, 8), music(take(scored, 3).score, 0, 8))
    use_take(scored, 1, quiet)
    conformed(scored, recut)
    assert same(music(take(scored, 1).score, 0, 8), music(take(scored, 4).score, 0, 8))
    assert [t.parent for t in ScoreFolder(scored).document().takes] == [None, 1, 2, 1]


def test_regeneration_works_afterwards(scored: Path, recut: Path) -> None:
    conformed(scored, recut)
    regenerate(Region(scored, "8.0", "12.0", ("piano",), seed=5), quiet)
    before, after = take(scored, 2).score, take(scored, 3).score
    assert same(music(before, 0, 8), music(after, 0, 8)) and same(music(before, 12), music(after, 12))
    assert before.part("piano").notes != after.part("piano").notes
    assert before.part("bass") == after.part("bass")


def test_a_hit_marker_set_later_is_met(scored: Path) -> None:
    marked = a_cut(scored.parent / "marked.otio", shots(LENGTHS), [marker("hit", 163)])
    answer = conformed(scored, marked)
    hit = next(h for h in answer["hits"] if h["time_s"] == pytest.approx(163 / 24))
    assert abs(hit["error_s"]) <= 1e-3
    old, new = take(scored, 1).score, take(scored, 2).score
    assert same(music(old, 0, 6), music(new, 0, 6)) and same(music(old, 8), music(new, 8))


def test_a_no_hit_marker_set_later_takes_the_hit_away(scored: Path) -> None:
    marked = a_cut(scored.parent / "marked.otio", shots(LENGTHS), [marker("no-hit", 216)])
    times = [h["time_s"] for h in conformed(scored, marked)["hits"]]
    assert 9.0 in [float(h.time) for h in take(scored, 1).score.hits]
    assert 9.0 not in times


def test_a_mood_marker_over_unchanged_picture_is_said_to_wait(scored: Path) -> None:
    marked = a_cut(scored.parent / "marked.otio", shots(LENGTHS), [marker("mood: tense", 200)])
    answer = conformed(scored, marked)
    assert any("'mood: tense' at 01:00:08:08" in w and "regenerate" in w for w in answer["warnings"])
    assert same(music(take(scored, 1).score), music(take(scored, 2).score))
    assert not any("mood: tense" in w for w in conformed(scored, marked)["warnings"]), "said once"


def test_an_ending_that_was_cut_away_is_said(scored: Path) -> None:
    answer = conformed(scored, a_cut(scored.parent / "short.otio", shots([120, 96, 130, 10])))
    assert any("closing chord is gone" in w for w in answer["warnings"])
    answer = conformed(scored, a_cut(scored.parent / "long.otio", [*shots([120, 96, 130, 10]), clip("coda", 0, 96)]))
    assert not any("closing chord" in w for w in answer["warnings"])


def test_another_film_is_said_to_be_one(scored: Path) -> None:
    answer = conformed(scored, a_cut(scored.parent / "other.otio", [clip("x", 0, 100), clip("y", 0, 90)]))
    assert answer["kept_s"] == 0 and any("right file" in w for w in answer["warnings"])


def test_the_same_cut_at_another_rate_keeps_its_music(scored: Path) -> None:
    rate = 24000 / 1001
    pulled = save(plain_cut(LENGTHS, rate=rate), scored.parent / "pulled.otio")
    answer = conformed(scored, pulled)
    assert [c["kind"] for c in answer["changes"]] == ["keep"]
    old, new = take(scored, 1).score, take(scored, 2).score
    assert new.parts == old.parts and new.bars == old.bars
    assert all(abs(h["error_s"]) <= 1e-3 for h in answer["hits"])
    assert answer["duration_s"] == pytest.approx(456 / rate)
    assert "0.999001 times as fast" in (scored / "changes.txt").read_text()


def test_dialogue_of_the_new_cut_is_known(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    write_wav(tmp_path / "sound.wav", sounds.conversation(rng, 20)[0], sounds.RATE)

    def heard(lengths: Sequence[int], name: str) -> Path:
        sound = clip("sound", 0, sum(lengths))
        sound["media_references"]["DEFAULT_MEDIA"] = {"OTIO_SCHEMA": "ExternalReference.1", "target_url": "sound.wav"}
        tracks = [track(shots(lengths)), track([sound], kind="Audio", name="A1")]
        return save(timeline(tracks), tmp_path / name)

    score(ScoreRequest(heard(LENGTHS, "cut.otio"), tmp_path / "cut.emsync"), quiet)
    conformed(tmp_path / "cut.emsync", heard([120, 96, 130], "v2.otio"))
    before, after = (ScoreFolder(tmp_path / "cut.emsync").cut(n).picture.dialogue for n in (1, 2))
    assert before and after and after[0] == before[0]


# --- what the score was asked for ---


def test_settings_are_remembered(tmp_path: Path) -> None:
    given = {"tempo": 80.0, "min_gap": Fraction(9), "parts": ("piano", "bass"), "mood": (-0.5, -0.5), "seed": 4}
    folder = scored_cut(tmp_path, plain_cut(LENGTHS), **given)
    hits = len(take(folder).score.hits)
    answer = conformed(folder, a_cut(tmp_path / "v2.otio", [clip("new", 0, 480), *shots(LENGTHS)]))
    assert set(answer["notes"]) == {"piano", "bass"}
    assert {(round(s["valence"], 6), round(s["arousal"], 6)) for s in answer["sections"]} == {(-0.5, -0.5)}
    early = [row["bpm"] for row in answer["tempo_map"] if 2 < row["time_s"] < 15]
    assert early and all(70 < bpm < 90 for bpm in early)
    assert len(answer["hits"]) <= hits + 1 and answer["seed"] == 4


def test_settings_given_anew_win_and_are_remembered_in_turn(tmp_path: Path) -> None:
    folder = scored_cut(tmp_path, plain_cut(LENGTHS), tempo=80.0, mood=(-0.5, -0.5))
    conformed(folder, a_cut(tmp_path / "v2.otio", [clip("new", 0, 480), *shots(LENGTHS)]), mood=(0.6, 0.2))
    regenerate(Region(folder, "0", "4", ("bass",)), quiet)
    answer = conformed(
        folder, a_cut(tmp_path / "v3.otio", [clip("newer", 0, 240), clip("new", 0, 480), *shots(LENGTHS)])
    )
    assert {(round(s["valence"], 6), round(s["arousal"], 6)) for s in answer["sections"]} == {(0.6, 0.2)}
    asked = recalled(ScoreFolder(folder).document(), answer["take"])
    assert (asked.settings.tempo, asked.settings.mood) == (80.0, (0.6, 0.2))


def test_a_folder_of_before_settings_were_kept_can_be_conformed(scored: Path, recut: Path) -> None:
    path = scored / "score.json"
    document = json.loads(path.read_text())
    document["takes"][0]["request"] = {"command": "score", "source": "cut.otio"}
    path.write_text(json.dumps(document))
    assert conformed(scored, recut)["take"] == 2


def test_settings_that_cannot_be_understood_are_one_clear_line(scored: Path, recut: Path) -> None:
    path = scored / "score.json"
    document = json.loads(path.read_text())
    document["takes"][0]["request"]["settings"] = {"tempo": ["fast"]}
    path.write_text(json.dumps(document))
    with pytest.raises(InputError, match="what was asked for take 1"):
        conformed(scored, recut)


@pytest.mark.parametrize(
    "settings",
    [
        Settings(),
        Settings(
            mood=(0.1, -0.2), seed=3, parts=("drums",), min_gap=Fraction(5, 2), tempo=88.0, rate=Fraction(24000, 1001)
        ),
        Settings(key=key_of("eb minor"), engine="rules"),
    ],
)
def test_settings_survive_being_written(settings: Settings) -> None:
    from bridge.folder import Document, TakeEntry

    said = json.loads(json.dumps(request_json(Path("a.edl"), Look(1, 2, 3), settings, within=True, ranged=False)))
    entry = TakeEntry(1, "", "", "rules", 1, "", request={"command": "score", **said})
    asked = recalled(Document(takes=(entry,)), 1)
    assert asked.settings == settings and asked.within and (asked.source, asked.look) == ("a.edl", Look(1, 2, 3))


def test_what_is_given_wins_over_what_is_remembered() -> None:
    before = Settings(tempo=80.0, seed=3, media_roots=(Path("/a"),))
    assert with_given(Settings(tempo=90.0), before) == Settings(tempo=90.0, seed=3, media_roots=(Path("/a"),))
    assert with_given(Settings(media_roots=(Path("/b"),)), before).media_roots == (Path("/b"),)


def test_the_key_stays_and_says_so(scored: Path, recut: Path) -> None:
    key = take(scored).score.key
    other = key_of("f# minor" if key.name != "F# minor" else "c minor")
    answer = conformed(scored, recut, key=other)
    assert answer["key"] == key.name
    assert any(f"keeps its key, {key.name}" in w for w in answer["warnings"])


# --- locks ---


def test_locks_stay_with_their_music(tmp_path: Path) -> None:
    """A locked section whose picture has moved is still the one that is protected."""
    marks = [marker("section: one", 0), marker("section: two", 240), marker("mood: tense", 240)]
    folder = scored_cut(tmp_path, plain_cut([240, 240, 240], marks))
    second = take(folder).score.sections[1]
    assert second.name == "two"
    change_locks(folder, [Lock(section=second.id)], locked=True)
    change_locks(folder, [Lock(part="bass")], locked=True)
    later = [
        marker("section: zero", 0),
        marker("section: one", 240),
        marker("section: two", 480),
        marker("mood: tense", 480),
    ]
    conformed(folder, a_cut(tmp_path / "v2.otio", [clip("new", 0, 240), *shots([240, 240, 240])], later))
    new = take(folder, 2).score
    named = {s.name: s for s in new.sections}
    assert named["two"].id == second.id and named["zero"].id not in {s.id for s in take(folder, 1).score.sections}
    assert holds(music(new, 10), music(take(folder, 1).score, by=10))
    start, end = (float(new.tempo_map.seconds(t)) for t in (named["two"].tick, named["two"].end))
    with pytest.raises(InputError, match="locked"):
        regenerate(Region(folder, f"{start + 1:.3f}", f"{end - 1:.3f}"), quiet)
    regenerate(Region(folder, "0", "9"), quiet)
    assert take(folder, 3).score.part("bass") == new.part("bass")
    assert take(folder, 3).score.part("piano") != new.part("piano")


def test_a_locked_section_whose_picture_is_gone_is_said(tmp_path: Path) -> None:
    marks = [marker("section: one", 0), marker("section: two", 240), marker("section: three", 480)]
    folder = scored_cut(tmp_path, plain_cut([240, 240, 240], marks))
    second = take(folder).score.sections[1].id
    change_locks(folder, [Lock(section=second)], locked=True)
    rows = shots([240, 240, 240])
    cut = a_cut(tmp_path / "v2.otio", [rows[0], rows[2]], [marker("section: one", 0), marker("section: three", 240)])
    answer = conformed(folder, cut)
    assert second not in {s["id"] for s in answer["sections"]}
    assert any(f"section {second} was locked" in w for w in answer["warnings"])
    use_take(folder, 1, quiet)
    assert Lock(section=second) in ScoreFolder(folder).document().locks


# --- which part of the timeline ---


def _ranged(folder: Path, source: Path) -> None:
    score(ScoreRequest(source, folder, ("01:00:05:00", "01:00:14:10")), quiet)


def test_a_part_that_was_scored_is_found_where_it_is_now(tmp_path: Path) -> None:
    source = save(plain_cut(LENGTHS), tmp_path / "cut.otio")
    _ranged(tmp_path / "part.emsync", source)
    moved = a_cut(tmp_path / "v2.otio", [clip("prologue", 0, 72), *shots(LENGTHS)])
    answer = conformed(tmp_path / "part.emsync", moved)
    assert [c["text"] for c in answer["changes"]] == ["kept: shot 2, shot 3"]
    assert answer["changes"][0]["new_timecode"] == ["01:00:08:00", "01:00:17:10"]
    assert ScoreFolder(tmp_path / "part.emsync").cut(2).offset == 8
    assert take(tmp_path / "part.emsync", 2).score.parts == take(tmp_path / "part.emsync", 1).score.parts
    again = conformed(tmp_path / "part.emsync", a_cut(tmp_path / "v3.otio", shots(LENGTHS)))
    assert again["duration_s"] == pytest.approx(226 / 24)


def test_a_part_from_the_head_stays_a_part(tmp_path: Path) -> None:
    source = save(plain_cut(LENGTHS), tmp_path / "cut.otio")
    score(ScoreRequest(source, tmp_path / "head.emsync", ("0", "9")), quiet)
    answer = conformed(tmp_path / "head.emsync", a_cut(tmp_path / "v2.otio", [*shots(LENGTHS), clip("more", 0, 240)]))
    assert answer["duration_s"] == pytest.approx(9)


def test_a_cue_is_found_by_its_name(tmp_path: Path) -> None:
    def cues(at: int) -> list[Node]:
        return [marker("cue: one", 0), marker("cue: two", at)]

    source = save(plain_cut(LENGTHS, cues(216)), tmp_path / "cut.otio")
    score(ScoreRequest(source, tmp_path / "film"), quiet)
    folder = tmp_path / "film" / "two.emsync"
    answer = conformed(folder, a_cut(tmp_path / "v2.otio", shots([120, 72, 130, 110]), cues(192)))
    assert answer["title"] == "two" and answer["duration_s"] == pytest.approx(10)
    assert [c["kind"] for c in answer["changes"]] == ["keep"]


def test_a_cue_whose_marker_was_renamed_is_found_by_its_picture(tmp_path: Path) -> None:
    marks = [marker("cue: one", 0), marker("cue: two", 216)]
    source = save(plain_cut(LENGTHS, marks), tmp_path / "cut.otio")
    score(ScoreRequest(source, tmp_path / "film"), quiet)
    other = [marker("cue: start", 0), marker("cue: chase", 192)]
    answer = conformed(tmp_path / "film" / "two.emsync", a_cut(tmp_path / "v2.otio", shots([120, 72, 130, 110]), other))
    assert answer["title"] == "two" and answer["duration_s"] == pytest.approx(10)


# --- files ---


def test_a_file_that_was_edited_by_hand_is_kept_aside(scored: Path, recut: Path) -> None:
    (scored / "score.mid").write_bytes(b"my own")
    answer = conformed(scored, recut)
    assert [Path(p).read_bytes() for p in answer["kept_aside"]] == [b"my own"]


def test_a_conform_that_fails_leaves_the_folder_as_it_was(
    scored: Path, recut: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = files_of(scored)

    def broken(*_: object, **__: object) -> bytes:
        raise EmsyncError("the disk is full")

    monkeypatch.setattr("bridge.conform.derive.plain_timeline", broken)
    with pytest.raises(EmsyncError):
        conformed(scored, recut)
    assert files_of(scored) == before


@pytest.mark.parametrize("move", [shutil.copytree, shutil.move], ids=["copied", "moved"])
def test_a_folder_elsewhere_can_be_conformed(
    scored: Path, recut: Path, move: Callable[..., Any], tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere" / "x.emsync"
    elsewhere.parent.mkdir()
    move(scored, elsewhere)
    answer = conformed(elsewhere, recut)
    assert Path(answer["dir"]) == elsewhere.resolve()
