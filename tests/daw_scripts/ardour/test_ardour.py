"""A whole conversation with a real Ardour; it skips, saying why, where there is none."""

from __future__ import annotations

import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import mido
import pytest

from bridge.connectors.ardour import ArdourConnector
from bridge.connectors.ardour_mailbox import Mailbox
from bridge.connectors.base import Delivered, Options, TargetError, lock_edited
from bridge.connectors.plan import Plan, PlanItem, plan_of_folder
from bridge.folder import ScoreFolder
from tests.bridge.connectors.scores import section_score
from tests.conftest import run_emsync
from tests.daw_scripts.ardour.host import JACK, ArdourHost, DoesNotStartError, missing, missing_jack, running

pytestmark = [
    pytest.mark.skipif(bool(missing()), reason=missing() or "Ardour is here"),
    pytest.mark.slow,
    pytest.mark.timeout(900),  # a machine that has much else to do may start Ardour very slowly
]

RATE = 48_000
SUPERCLOCK = 282_240_000  # a second, in Ardour's saved sessions
ARDOUR_TICKS = 1920  # a quarter
_BANK = (0, 32)  # Ardour adds a bank to a program
_REGENERATE, _EDIT, _SELECT = 1, 2, 3  # action slots

EDIT_A_NOTE = """
ardour { ["type"] = "EditorAction", name = "test: a note by hand" }
function factory () return function ()
  local tracks = Session:get_tracks ()
  for route in tracks:iter () do
    if route:name () == "Piano" then
      local regions = route:to_track ():playlist ():region_list ()
      for region in regions:iter () do
        if region:position ():samples () == 0 then
          local model = region:to_midiregion ():model ()
          local change = model:new_note_diff_command ("by hand")
          change:add (ARDOUR.LuaAPI.new_noteptr (1, Temporal.Beats (0, 0), Temporal.Beats (1, 0), 100, 99))
          model:apply_command (Session, change)
        end
      end
    end
  end
end end
"""
SELECT_SECOND_REGION_OF_STRINGS = """
ardour { ["type"] = "EditorAction", name = "test: select" }
function factory () return function ()
  local tracks = Session:get_tracks ()
  for route in tracks:iter () do
    if route:name () == "Strings" then
      local list, regions = route:to_track ():playlist ():region_list (), {}
      for region in list:iter () do regions[#regions + 1] = region end
      table.sort (regions, function (a, b) return a:position ():samples () < b:position ():samples () end)
      local chosen = ArdourUI.SelectionList ()
      chosen:push_back (Editor:regionview_from_region (regions[2]))
      Editor:set_selection (chosen, ArdourUI.SelectionOp.Set)
    end
  end
end end
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return section_score(tmp_path_factory.mktemp("ardour-score"))


@pytest.fixture(scope="module")
def conversation(tmp_path_factory: pytest.TempPathFactory, folder: Path) -> Iterator[tuple[ArdourHost, Delivered]]:
    """An Ardour with a new session, and the first push into it as soon as its OSC answers (``folder`` is there)."""
    try:
        started = running(tmp_path_factory.mktemp("ardour"), (EDIT_A_NOTE, SELECT_SECOND_REGION_OF_STRINGS))
        with started as host:
            yield host, first_push(host, folder)
    except DoesNotStartError as error:
        pytest.skip(str(error))


def first_push(host: ArdourHost, folder: Path) -> Delivered:
    with ArdourConnector(Options(str(host.settings), timeout_s=120)) as connector:
        hello = connector.hello()
        assert (hello.state, hello.capabilities.tempo_map) == ("ready", True), "before the listener's first word"
        return connector.push(plan_of_folder(folder))


@pytest.fixture(scope="module")
def ardour(conversation: tuple[ArdourHost, Delivered]) -> ArdourHost:
    return conversation[0]


@pytest.fixture(scope="module")
def pushed(conversation: tuple[ArdourHost, Delivered]) -> Delivered:
    """The first push into the new session."""
    return conversation[1]


@pytest.fixture
def target(ardour: ArdourHost) -> Iterator[ArdourConnector]:
    with ArdourConnector(Options(str(ardour.settings), timeout_s=120)) as connector:
        yield connector


@pytest.fixture
def plan(pushed: Delivered, folder: Path) -> Plan:
    return plan_of_folder(folder)


def until(done: Callable[[], bool], seconds: float = 240) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def selected_parts(target: ArdourConnector) -> tuple[str, ...] | None:
    try:
        return target.read_selection().parts
    except TargetError as error:
        assert "select a range" in error.message
        return None


def regions_of(ardour: ArdourHost, session: ET.Element) -> dict[tuple[str, int], tuple[str, Path]]:
    """(track, tick of the score) -> (name, MIDI file) of every region on a track."""
    files = {s.get("id"): ardour.session / "interchange" / "cue" / "midifiles" / str(s.get("name"))
             for s in session.iter("Source")}  # fmt: skip
    found = {}
    for playlist in session.iter("Playlist"):
        for region in playlist.iter("Region"):
            length, _, position = str(region.get("length")).partition("@")
            assert length.startswith("b"), "a region that does not follow the bars"
            tick = int(position[1:]) * 960 // ARDOUR_TICKS
            found[(str(playlist.get("name")), tick)] = (str(region.get("name")), files[region.get("source-0")])
    return found


def content_of(path: Path) -> tuple[list[tuple[int, int, int, int]], list[tuple[int, int, int]]]:
    """Notes (tick, pitch, duration, velocity) and controllers (tick, number, value) of a file of Ardour's."""
    file = mido.MidiFile(path)
    notes, controls = [], []
    for track in file.tracks:
        now, held = 0, {}
        for message in track:
            now += message.time
            tick = Fraction(now * 960, file.ticks_per_beat)
            if message.type == "note_on" and message.velocity:
                held[message.note] = (tick, message.velocity)
            elif message.type in ("note_on", "note_off"):
                start, velocity = held.pop(message.note)
                notes.append((int(start), message.note, int(tick - start), velocity))
            elif message.type == "control_change" and message.control not in _BANK:
                controls.append((int(tick), message.control, message.value))
    return sorted(notes), sorted(controls)


def wanted_content(item: PlanItem) -> tuple[list[tuple[int, int, int, int]], list[tuple[int, int, int]]]:
    """What a file of Ardour's should hold; the last tick repeats a controller that it would forget otherwise."""
    notes = [(n.tick, n.pitch, n.duration, n.velocity) for n in item.relative_notes()]
    controls = [(c.tick, c.controller, c.value) for c in item.relative_controls()]
    numbers = [number for _, number, _ in controls]
    last = item.end - item.tick - 1
    return sorted(notes), sorted(controls + [(last, n, v) for _, n, v in controls if numbers.count(n) == 1])


def marks_of(session: ET.Element) -> dict[int, str]:
    """Sample -> name."""
    return {
        round(int(str(m.get("start"))[1:]) * RATE / SUPERCLOCK): str(m.get("name"))
        for m in session.iter("Location")
        if "IsMark" in str(m.get("flags"))
    }


# The tests are in the order of one working day; each also stands for itself.


def test_the_whole_score_arrives(ardour: ArdourHost, pushed: Delivered, plan: Plan) -> None:
    assert {item.outcome for item in pushed.items} == {"written"}
    assert (pushed.tracks, pushed.said) == (5, ())
    session = ardour.save()
    assert {p.name for p in plan.parts} <= {str(r.get("name")) for r in session.iter("Route")}
    regions = regions_of(ardour, session)
    names = {part.part: part.name for part in plan.parts}
    assert {key: name for key, (name, _) in regions.items()} == {
        (names[item.part], item.tick): item.name for item in plan.items
    }
    for item in plan.items:
        assert content_of(regions[(names[item.part], item.tick)][1]) == wanted_content(item), item.id


def test_the_tempo_map_and_the_metre_are_the_score_s(ardour: ArdourHost, plan: Plan) -> None:
    session = ardour.save()
    tempos = {
        Fraction(*map(int, str(t.get("quarters")).split(":")[:1])): t for t in session.iter("Tempo")
    }  # the score's tempos begin on whole quarters
    assert len(tempos) == len(plan.tempo)
    for tempo in plan.tempo:
        there = tempos[Fraction(tempo.tick, 960)]
        assert float(str(there.get("npm"))) == pytest.approx(tempo.bpm, rel=1e-7)
        assert int(str(there.get("sclock"))) / SUPERCLOCK == pytest.approx(float(tempo.seconds), abs=1 / RATE)
    metres = [(m.get("bbt"), m.get("divisions-per-bar"), m.get("note-value")) for m in session.iter("Meter")]
    shown = [m for i, m in enumerate(metres) if i == 0 or m[1:] != metres[i - 1][1:]]
    assert shown == [(f"{m.bar}|1|0", str(m.numerator), str(m.denominator)) for m in plan.metres]


def test_hits_are_markers_at_their_sample(ardour: ArdourHost, plan: Plan) -> None:
    marks = marks_of(ardour.save())
    for marker in plan.markers:
        assert marker.text in marks[round(marker.seconds * RATE)]


def test_sending_again_changes_nothing(ardour: ArdourHost, target: ArdourConnector, plan: Plan) -> None:
    before = ardour.save()
    again = target.push(plan)
    assert {item.outcome for item in again.items} == {"unchanged"}
    after = ardour.save()
    assert regions_of(ardour, after) == regions_of(ardour, before)
    assert marks_of(after) == marks_of(before)
    assert again.tempo_events == 0


def test_a_marker_is_set_over_osc_where_it_belongs(ardour: ArdourHost, target: ArdourConnector, plan: Plan) -> None:
    with ardour.osc() as osc:
        osc.mark(10 * RATE, "Spotted by ear")
        osc.mark(3 * RATE, "And here")
        until(lambda: {10 * RATE, 3 * RATE} <= marks_of(ardour.save()).keys())
    marks = marks_of(ardour.state)
    assert (marks[10 * RATE], marks[3 * RATE]) == ("Spotted by ear", "And here")
    state = target.transport("locate", 7)
    assert (state.playing, state.seconds) == (False, 7)


def test_without_the_listener_osc_sets_the_markers_and_the_rest_is_named_as_a_file(
    ardour: ArdourHost, plan: Plan, tmp_path: Path
) -> None:
    (tmp_path / "ardour7").mkdir()
    (tmp_path / "ardour7" / "config").write_text(f'<Option name="osc-port" value="{ardour.osc_port}"/>')
    later = replace(plan, markers=tuple(replace(m, seconds=m.seconds + Fraction(1, 2)) for m in plan.markers))
    with ArdourConnector(Options(str(tmp_path / "ardour7"), timeout_s=20)) as bare:
        assert bare.hello().capabilities.names() == ("markers",)
        delivered = bare.push(later)
    assert {item.outcome for item in delivered.items} == {"left_out"}
    assert {(row.what, Path(row.file).name) for row in delivered.left_out} == {
        ("arrangement_write", "score.mid"),
        ("tempo_map", "score.mid"),
    }
    assert "Script Manager" in delivered.said[0]
    wanted = {round(m.seconds * RATE) for m in later.markers}
    until(lambda: wanted <= marks_of(ardour.save()).keys())
    assert delivered.markers == len(wanted)


def test_another_take_of_the_selection_comes_back_in_place(
    ardour: ArdourHost, target: ArdourConnector, plan: Plan, folder: Path
) -> None:
    takes = len(ScoreFolder(folder).document().takes)
    before = regions_of(ardour, ardour.save())
    log = ardour.settings / "emsync" / "last.log"
    log.unlink(missing_ok=True)
    ardour.action(_SELECT)
    section = plan.sections[1]
    until(lambda: selected_parts(target) == ("strings",))
    selection = target.read_selection()
    assert float(selection.start_s) == pytest.approx(float(section.start_s), abs=0.001)
    assert float(selection.end_s) == pytest.approx(float(section.end_s), abs=0.001)
    ardour.action(_REGENERATE)
    until(log.exists)
    until(lambda: "\n" in log.read_text())
    assert log.read_text().splitlines() == [f"take {takes + 1}", f"updated {plan.cue}:strings:{section.id}"]
    new = plan_of_folder(folder)
    after = regions_of(ardour, ardour.save())
    assert {key for key in after if after[key] != before[key]} == {("Strings", section.tick)}
    item = next(i for i in new.items if (i.part, i.section) == ("strings", section.id))
    assert wanted_content(item) != wanted_content(plan.item(item.id))  # type: ignore[arg-type]
    assert selected_parts(target) == ("strings",), "so that the next take can be asked for"
    assert content_of(after[("Strings", section.tick)][1]) == wanted_content(item)


def test_one_undo_takes_a_delivery_back(ardour: ArdourHost, target: ArdourConnector, plan: Plan, folder: Path) -> None:
    before = regions_of(ardour, ardour.save())
    ran = run_emsync("regenerate", folder, "--start", "b1", "--end", f"b{len(plan.bars) + 1}", "--parts", "bass,guitar")
    assert ran.status == 0, ran.err
    delivered = target.push(plan_of_folder(folder))
    assert delivered.count("updated") == 2 * len(plan.sections)
    changed = regions_of(ardour, ardour.save())
    assert {track for track, tick in changed if changed[(track, tick)] != before[(track, tick)]} == {"Bass", "Guitar"}
    with ardour.osc() as osc:
        osc.send("/undo")
    until(lambda: regions_of(ardour, ardour.save()) == before)
    again = target.push(plan_of_folder(folder))  # what undo brought back is still known as ours
    assert again.count("updated") == 2 * len(plan.sections)
    assert again.count("updated", "unchanged") == len(again.items)


def test_what_was_edited_by_hand_stays_and_counts_as_locked(
    ardour: ArdourHost, target: ArdourConnector, plan: Plan, folder: Path
) -> None:
    by_hand = (0, 100, 960, 99)
    ardour.action(_EDIT)
    until(lambda: by_hand in content_of(regions_of(ardour, ardour.save())[("Piano", 0)][1])[0])
    before = regions_of(ardour, ardour.state)
    ran = run_emsync("regenerate", folder, "--start", "b1", "--end", f"b{len(plan.bars) + 1}", "--parts", "piano")
    assert ran.status == 0, ran.err
    delivered = target.push(plan_of_folder(folder))
    outcomes = {(i.part, i.section): i.outcome for i in delivered.items}
    first = plan.sections[0].id
    assert outcomes[("piano", first)] == "kept"
    assert all(outcomes[("piano", s.id)] == "updated" for s in plan.sections[1:])
    after = regions_of(ardour, ardour.save())
    assert after[("Piano", 0)] == before[("Piano", 0)]
    notes, _ = content_of(after[("Piano", 0)][1])
    assert by_hand in notes
    assert len(lock_edited(folder, delivered)) == 1
    assert next(i for i in plan_of_folder(folder).items if (i.part, i.section) == ("piano", first)).locked


@pytest.mark.skipif(bool(missing_jack()), reason=missing_jack() or "JACK is here")
def test_a_score_arrives_where_jack_plays(tmp_path: Path, folder: Path) -> None:
    plan = plan_of_folder(folder)
    try:
        with running(tmp_path, engine=JACK) as host:
            delivered = first_push(host, folder)
            regions = regions_of(host, host.save())
            host.quit()
    except DoesNotStartError as error:
        pytest.skip(str(error))
    assert {item.outcome for item in delivered.items} == {"written"}
    names = {part.part: part.name for part in plan.parts}
    for item in plan.items:
        assert content_of(regions[(names[item.part], item.tick)][1]) == wanted_content(item), item.id


def test_an_ardour_that_is_gone_is_said_to_be_closed(ardour: ArdourHost, plan: Plan) -> None:
    """Last: it ends Ardour."""
    ardour.quit()
    box = Mailbox(ardour.settings)

    def gone() -> bool:
        alive = box.alive()
        return alive is not None and not alive.fresh

    until(gone)
    with pytest.raises(TargetError) as caught:
        ArdourConnector(Options(str(ardour.settings))).push(plan)
    assert caught.value.state == "closed"
