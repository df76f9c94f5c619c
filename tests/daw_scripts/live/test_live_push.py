"""A score in Live's arrangement: written, found again, updated, protected, taken back."""

from __future__ import annotations

from pathlib import Path

import mido
import pytest

from bridge.connectors.base import Delivered
from bridge.connectors.plan import Plan, Region
from tests.daw_scripts.live.conftest import VERSIONS, Connect, Start
from tests.daw_scripts.live.fake_clips import MidiNoteSpecification
from tests.daw_scripts.live.fake_live import FakeLive
from tests.daw_scripts.live.lom import Version
from tests.daw_scripts.live.plans import BEAT, MELODY, heard, rows_of, small_plan

NEW_MELODY = ((0, 72, 2, 100), (4, 127, 1, 127))


def holds(fake: FakeLive, plan: Plan) -> None:
    """The arrangement has every item of the plan, where it belongs, note for note, and nothing else."""
    for part in plan.parts:
        clips = fake.clips(part.name)
        places = [(c.start_time * BEAT, c.end_time * BEAT) for c in clips]
        assert places == [(i.tick, i.end) for i in part.items]
        for clip, item in zip(clips, part.items):
            assert clip.name.startswith(f"{item.name} [{item.id} ")
            assert rows_of(clip) == heard(plan, item.part, item.section)


def outcomes(delivered: Delivered) -> dict[str, str]:
    return {f"{i.part} {i.section}": i.outcome for i in delivered.items}


@pytest.mark.parametrize("version", VERSIONS, ids=str)
def test_a_score_arrives_in_the_arrangement(version: Version, start: Start, connect: Connect, tmp_path: Path) -> None:
    live, plan = start(version), small_plan(tmp_path)
    delivered = connect(live).push(plan)
    assert set(outcomes(delivered).values()) == {"written"}
    assert (delivered.tracks, delivered.application) == (2, f"Ableton Live {version[0]}.{version[1]}.3")
    with live.paused() as fake:
        holds(fake, plan)
        assert [t.name for t in fake.song.tracks] == ["1-MIDI", "2-Audio", "Strings", "Bass"]
        assert fake.track("Strings").color == 0x8A5FA8
        assert {c.color for c in fake.clips("Strings")} == {0x8A5FA8}
        assert len(fake.song.scenes) == 2, "the session is as it was"
        assert not any(s.has_clip for t in fake.song.tracks for s in t.clip_slots)
        assert fake.logged == []


@pytest.mark.parametrize("version", VERSIONS, ids=str)
def test_sending_again_changes_nothing(version: Version, start: Start, connect: Connect, tmp_path: Path) -> None:
    live, plan = start(version), small_plan(tmp_path)
    connect(live).push(plan)
    with live.paused() as fake:
        before = [c._live_ptr for t in fake.song.tracks for c in t.arrangement_clips]
    again = connect(live).push(plan)
    assert set(outcomes(again).values()) == {"unchanged"}
    with live.paused() as fake:
        assert [c._live_ptr for t in fake.song.tracks for c in t.arrangement_clips] == before
        assert len(fake.song.tracks) == 4


@pytest.mark.parametrize("version", VERSIONS, ids=str)
def test_a_write_is_one_undo_step(version: Version, start: Start, connect: Connect, tmp_path: Path) -> None:
    live, plan = start(version), small_plan(tmp_path)
    connect(live).replace(plan, Region(0, plan.end_tick))
    with live.paused() as fake:
        holds(fake, plan)
        fake.song.undo()
        assert [t.name for t in fake.song.tracks] == ["1-MIDI", "2-Audio"]


@pytest.mark.parametrize("version", VERSIONS, ids=str)
def test_another_take_replaces_the_notes_in_place(
    version: Version, start: Start, connect: Connect, tmp_path: Path
) -> None:
    live, first = start(version), small_plan(tmp_path)
    connect(live).push(first)
    with live.paused() as fake:
        kept = fake.clips("Strings")[0]
        fake.clips("Strings")[1].color = 0x123456
        fake.clips("Strings")[1].muted = True
    second = small_plan(tmp_path, take=2, other=NEW_MELODY)
    delivered = connect(live).replace(second, Region(20 * BEAT, 24 * BEAT, ("strings",)))
    assert outcomes(delivered) == {"strings s2": "updated"}
    with live.paused() as fake:
        assert rows_of(fake.clips("Strings")[1]) == heard(second, "strings", "s2")
        assert fake.clips("Strings")[0] is kept
        assert rows_of(fake.clips("Bass")[1]) == heard(first, "bass", "s2"), "the region named the strings alone"
        assert (fake.clips("Strings")[1].color, fake.clips("Strings")[1].muted) == (0x123456, True)


def test_renamed_and_reordered_tracks_are_found(start: Start, connect: Connect, tmp_path: Path) -> None:
    live = start()
    connect(live).push(small_plan(tmp_path))
    with live.paused() as fake:
        fake.track("Strings").name = "VIOLINS (mine)"
        fake.song.create_midi_track(0)
    second = small_plan(tmp_path, take=2, strings=NEW_MELODY)
    connect(live).push(second)
    with live.paused() as fake:
        assert [t.name for t in fake.song.tracks] == ["5-MIDI", "1-MIDI", "2-Audio", "VIOLINS (mine)", "Bass"]
        assert rows_of(fake.clips("VIOLINS (mine)")[0]) == heard(second, "strings", "s1")
        assert fake.clips("5-MIDI") == []


def test_an_empty_track_of_a_template_is_used(start: Start, connect: Connect, tmp_path: Path) -> None:
    live = start()
    with live.paused() as fake:
        fake.song.tracks[0].name = "strings"
    connect(live).push(small_plan(tmp_path))
    with live.paused() as fake:
        assert [t.name for t in fake.song.tracks] == ["strings", "2-Audio", "Bass"]
        assert len(fake.clips("strings")) == 2


@pytest.mark.parametrize("version", [(11, 3), (12, 2)], ids=str)
def test_a_clip_of_the_user_is_never_cut(version: Version, start: Start, connect: Connect, tmp_path: Path) -> None:
    live = start(version)
    with live.paused() as fake:
        track = fake.song.tracks[0]
        track.name = "Strings"
        slot = track.clip_slots[0]
        slot.create_clip(8.0)
        slot.clip.name = "my idea"
        mine = track.duplicate_clip_to_arrangement(slot.clip, 20.0)
        slot.delete_clip()
    delivered = connect(live).push(small_plan(tmp_path))
    assert outcomes(delivered)["strings s2"] == "left_out"
    assert [(row.what, row.why) for row in delivered.left_out if row.what == "strings"] == [
        ("strings", "section s2: your clip 'my idea' is in the way on track Strings at beat 20")
    ]
    with live.paused() as fake:
        assert (mine.start_time, mine.end_time, mine.name) == (20.0, 28.0, "my idea")
        assert len(fake.clips("Strings")) == 2


def edit(fake: FakeLive, index: int = 0) -> None:
    fake.clips("Strings")[index].add_new_notes((MidiNoteSpecification(90, 3.0, 1.0),))


@pytest.mark.parametrize("version", VERSIONS, ids=str)
def test_what_was_edited_by_hand_stays(version: Version, start: Start, connect: Connect, tmp_path: Path) -> None:
    live = start(version)
    connect(live).push(small_plan(tmp_path))
    with live.paused() as fake:
        edit(fake)
        before = rows_of(fake.clips("Strings")[0])
    delivered = connect(live).push(small_plan(tmp_path, take=2, strings=NEW_MELODY))
    assert outcomes(delivered) == {
        "strings s1": "kept", "strings s2": "updated", "bass s1": "unchanged", "bass s2": "unchanged"
    }  # fmt: skip
    assert [i.id for i in delivered.edited] == ["0123456789ab:strings:s1"]
    with live.paused() as fake:
        assert rows_of(fake.clips("Strings")[0]) == before


@pytest.mark.parametrize("what", ["a velocity", "a moved clip", "a muted note"])
def test_every_kind_of_edit_is_noticed(what: str, start: Start, connect: Connect, tmp_path: Path) -> None:
    live = start()
    connect(live).push(small_plan(tmp_path))
    with live.paused() as fake:
        clip = fake.clips("Strings")[1]
        note = clip.get_all_notes_extended()[0]
        if what == "a velocity":
            note._values["velocity"] = 13.0
        elif what == "a muted note":
            note._values["mute"] = True
        else:
            clip._values.update(start_time=40.0, end_time=56.0)
    delivered = connect(live).push(small_plan(tmp_path, take=2, strings=NEW_MELODY))
    assert outcomes(delivered)["strings s2"] == "kept"


@pytest.mark.parametrize("version", [(11, 3), (12, 2)], ids=str)
def test_a_version_beside_the_edited_one(version: Version, start: Start, connect: Connect, tmp_path: Path) -> None:
    live = start(version)
    connect(live).push(small_plan(tmp_path))
    with live.paused() as fake:
        edit(fake)
        before = rows_of(fake.clips("Strings")[0])
    second = small_plan(tmp_path, take=2, strings=NEW_MELODY)
    for _ in range(2):  # the second time it is there already
        delivered = connect(live, on_edit="beside").push(second)
        assert outcomes(delivered)["strings s1"] == "beside"
    with live.paused() as fake:
        track = fake.track("Strings")
        assert rows_of(fake.clips("Strings")[0]) == before
        lanes = [c for lane in getattr(track, "take_lanes", ()) for c in lane.arrangement_clips]
        slots = [s.clip for s in track.clip_slots if s.has_clip]
        (beside,) = lanes + slots
        assert bool(lanes) == (version == (12, 2))
        assert rows_of(beside) == heard(second, "strings", "s1")
    third = small_plan(tmp_path, take=3, strings=MELODY[:1])
    connect(live, on_edit="beside").push(third)
    with live.paused() as fake:
        assert rows_of(beside) == heard(third, "strings", "s1"), "the untouched version beside is updated"


def test_an_edit_that_was_undone_is_no_edit(start: Start, connect: Connect, tmp_path: Path) -> None:
    live = start()
    connect(live).push(small_plan(tmp_path))
    with live.paused() as fake:
        edit(fake)
        fake.song.undo()
    second = small_plan(tmp_path, take=2, strings=NEW_MELODY)
    assert outcomes(connect(live).push(second))["strings s1"] == "updated"


def test_a_copy_that_the_user_made_is_left_alone(start: Start, connect: Connect, tmp_path: Path) -> None:
    live = start()
    connect(live).push(small_plan(tmp_path))
    with live.paused() as fake:
        track = fake.track("Strings")
        copy = track.duplicate_clip_to_arrangement(track.arrangement_clips[0], 100.0)
    second = small_plan(tmp_path, take=2, strings=NEW_MELODY)
    assert outcomes(connect(live).push(second))["strings s1"] == "updated"
    with live.paused() as fake:
        assert rows_of(copy) == heard(small_plan(tmp_path), "strings", "s1")
        assert rows_of(fake.clips("Strings")[0]) == heard(second, "strings", "s1")


def test_sections_of_another_length_move_the_clips(start: Start, connect: Connect, tmp_path: Path) -> None:
    live = start()
    connect(live).push(small_plan(tmp_path))
    longer = small_plan(tmp_path, take=2, beats=20)
    assert set(outcomes(connect(live).push(longer)).values()) == {"updated"}
    with live.paused() as fake:
        holds(fake, longer)


def test_what_left_the_score_leaves_the_arrangement(start: Start, connect: Connect, tmp_path: Path) -> None:
    live = start()
    connect(live).push(small_plan(tmp_path))
    with live.paused() as fake:
        edit(fake, 1)
    delivered = connect(live).push(small_plan(tmp_path, take=2, parts=("bass",)))
    assert outcomes(delivered)["strings s1"] == "removed"
    assert outcomes(delivered)["strings s2"] == "kept"
    with live.paused() as fake:
        assert [c.start_time for c in fake.clips("Strings")] == [16.0]


def test_an_item_without_notes_needs_no_clip(start: Start, connect: Connect, tmp_path: Path) -> None:
    live = start()
    connect(live).push(small_plan(tmp_path))
    connect(live).push(small_plan(tmp_path, take=2, strings=(), other=MELODY))
    with live.paused() as fake:
        assert [c.start_time for c in fake.clips("Strings")] == [16.0]


def test_large_scores_are_sent_in_several_requests(
    start: Start, connect: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.connectors.live.NOTES_AT_ONCE", 5)
    live, plan = start(), small_plan(tmp_path)
    assert set(outcomes(connect(live).push(plan)).values()) == {"written"}
    assert set(outcomes(connect(live).push(plan)).values()) == {"unchanged"}
    with live.paused() as fake:
        holds(fake, plan)


def test_what_live_cannot_take_is_said_and_lies_in_files(start: Start, connect: Connect, tmp_path: Path) -> None:
    live, plan = start(), small_plan(tmp_path, bpm=(120.0, 90.0), controls=True)
    delivered = connect(live).push(plan)
    left = {row.what: row.file for row in delivered.left_out}
    assert set(left) == {"tempo_map", "controllers"}
    tempo, whole = (mido.MidiFile(left[name]) for name in ("tempo_map", "controllers"))
    assert [round(60e6 / m.tempo) for m in tempo.tracks[0] if m.type == "set_tempo"] == [120, 90]
    names = [m.name for t in tempo.tracks for m in t if m.type == "track_name"]
    assert names[1:] == ["TEMPO GUARD"], "no parts: they are in the arrangement already"
    guard = [m for m in tempo.tracks[1] if m.type in ("note_on", "note_off")]
    assert sum(m.time for m in guard) == plan.end_tick, "one note from the first tick to the last"
    assert any(m.type == "control_change" for t in whole.tracks for m in t)
    assert any("1.1.1" in sentence and "Yes" in sentence for sentence in delivered.said)
    with live.paused() as fake:
        assert fake.song.tempo == 120.0, "one tempo of several would override the map that the file brings"


def test_a_single_tempo_is_set(start: Start, connect: Connect, tmp_path: Path) -> None:
    live = start()
    delivered = connect(live).push(small_plan(tmp_path, bpm=(93.75,)))
    assert delivered.tempo_events == 2
    assert not [row for row in delivered.left_out if row.what == "tempo_map"]
    with live.paused() as fake:
        assert fake.song.tempo == pytest.approx(93.75)


def test_a_frozen_track_is_left_as_it_is(start: Start, connect: Connect, tmp_path: Path) -> None:
    live, plan = start(), small_plan(tmp_path)
    connect(live).push(plan)
    with live.paused() as fake:
        fake.track("Strings")._values["is_frozen"] = True
    delivered = connect(live).push(small_plan(tmp_path, take=2, beats=20))
    assert outcomes(delivered)["strings s1"] == "left_out"
    assert any("Strings is frozen" in row.why for row in delivered.left_out)
    with live.paused() as fake:
        assert rows_of(fake.clips("Strings")[0]) == heard(plan, "strings", "s1")
        assert fake.clips("Bass")[1].start_time == 20.0
