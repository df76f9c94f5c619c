"""The scripts inside REAPER, under both Luas: texts, mailbox, listener, and what they may call at all."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daw_scripts import script_path
from tests.daw_scripts.reaper.api_table import API
from tests.daw_scripts.reaper.fake_reaper import LUAS, NEWEST, OLDEST
from tests.daw_scripts.reaper.running import Running

SOURCES = sorted(script_path("reaper").rglob("*.lua"))
PLACES = [(lua, version) for lua in LUAS for version in (NEWEST, OLDEST)]


@pytest.fixture(params=PLACES, ids=[f"{lua}-{version.partition('/')[0]}" for lua, version in PLACES])
def running(request: pytest.FixtureRequest, tmp_path: Path) -> Running:
    return Running(tmp_path, *request.param)


# --- what they are made of ---


def test_only_published_functions_are_called() -> None:
    used = {name for path in SOURCES for name in re.findall(r"\breaper\.(\w+)", path.read_text(encoding="utf-8"))}
    assert len(used) > 50
    assert used <= set(API)


def test_no_script_runs_code_or_programs_that_it_was_sent() -> None:
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        assert not re.search(
            r"\b(loadstring|require|ExecProcess|os\.execute|popen|InsertMedia)\b|(?<![.\w])load\(", text
        ), path.name


# --- texts ---


def json_of(lua: str) -> Any:
    module = importlib.import_module(f"lupa.{lua}")
    runtime = module.LuaRuntime(encoding="latin-1", unpack_returned_tuples=True)
    return runtime.eval("dofile")(str(script_path("reaper", "lib", "json.lua")))


VALUES = st.recursive(
    st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=("Cs",))),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, min_size=1, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize("lua", LUAS)
def test_every_json_value_comes_back(lua: str) -> None:
    codec = json_of(lua)

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(VALUES, st.booleans())
    def check(value: Any, ascii_only: bool) -> None:
        text = json.dumps(value, ensure_ascii=ascii_only).encode().decode("latin-1")
        assert json.loads(codec.encode(codec.decode(text)).encode("latin-1")) == value

    check()


@pytest.mark.parametrize("lua", LUAS)
@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[1,",
        "[1 2]",
        '{"a" 1}',
        '{"a":1,}',
        '"abc',
        '"\\u12"',
        "tru",
        "1 2",
        "[" * 100 + "]" * 100,
        "nan",
        "--1",
    ],
)
def test_what_is_no_json_is_refused(lua: str, text: str) -> None:
    with pytest.raises(Exception, match="JSON"):
        json_of(lua).decode(text)


# --- mailbox and listener ---


def test_the_listener_says_that_it_lives_and_that_it_goes(running: Running) -> None:
    running.start()
    beat = running.box().heartbeat()
    assert (beat.state, beat.application) == ("idle", running.version)
    assert set(beat.commands) >= {"emsync_regenerate", "emsync_listener"}
    running.reaper.turn(40)
    assert running.box().heartbeat().beat > beat.beat
    running.reaper.quit()
    assert running.box().heartbeat().state == "closed"


def test_nobody_ever_sees_half_a_file(running: Running) -> None:
    """Whenever a script has written a piece of anything, every JSON file in the mailbox is whole."""
    whole, unfinished = set(), set()

    def look() -> None:
        for path in (running.resources / "Data").rglob("*.json"):
            json.loads(path.read_bytes())
            whole.add(path.name)
        unfinished.update(path.name.partition(".")[2] for path in (running.resources / "Data").rglob("*.tmp"))

    running.reaper.on_write = look
    running.start()
    running.reaper.turn(40)
    running.connector().hello()
    assert "heartbeat.json" in whole
    assert unfinished >= {"json.tmp", "reply.json.tmp"}


def test_a_message_is_taken_whole_and_once_and_in_order(running: Running) -> None:
    box = running.start().box()
    for second in (3, 1, 2):
        box.tell("transport", {"command": "locate", "seconds": second})
    (box.root / "in" / ".hidden.json").write_text("{", encoding="utf-8")
    (box.root / "in" / "half.json.tmp").write_text("{", encoding="utf-8")
    running.reaper.turn(20)
    assert running.project.cursor == 2
    assert sorted(p.name for p in (box.root / "in").iterdir()) == [".hidden.json", "half.json.tmp"]


def post(running: Running, body: Any, name: str = "00001-m1.json") -> dict[str, Any]:
    """The answer to a message as it lies in the box."""
    root = running.box().root
    text = body if isinstance(body, str) else json.dumps(body)
    (root / "in" / name).write_text(text, encoding="utf-8")
    running.reaper.turn(10)
    path = root / "out" / "m1.reply.json"
    answer: dict[str, Any] = json.loads(path.read_bytes()) if path.is_file() else {}
    path.unlink(missing_ok=True)
    return answer


WRONG = {
    "no JSON": ("{", "bad_message"),
    "no object": ("[1]", "bad_message"),
    "no id": ({"v": 1, "op": "hello"}, "bad_message"),
    "an id that leads elsewhere": ({"v": 1, "id": "../../x", "op": "hello"}, "bad_message"),
    "another version": ({"v": 2, "id": "m1", "op": "hello"}, "other_version"),
    "no such operation": ({"v": 1, "id": "m1", "op": "format_disk"}, "no_such_operation"),
    "too late": ({"v": 1, "id": "m1", "op": "hello", "deadline": 1000}, "expired"),
    "no arguments": ({"v": 1, "id": "m1", "op": "score"}, "error"),
}


@pytest.mark.parametrize(("body", "code"), WRONG.values(), ids=WRONG.keys())
def test_a_message_that_cannot_be_followed_is_answered_and_the_next_one_is_read(
    tmp_path: Path, body: Any, code: str
) -> None:
    running = Running(tmp_path).start()
    answer = post(running, body)
    assert (answer["ok"], answer["error"]["code"]) == (False, code)
    assert running.connector().hello().state == "ready"


def test_the_same_message_twice_is_done_once(running: Running) -> None:
    running.start()
    body = {"v": 1, "id": "m1", "op": "transport", "args": {"command": "locate", "seconds": 5.0}}
    first = post(running, body)
    running.project.cursor = 9.0
    assert post(running, body) == first
    assert running.project.cursor == 9.0


def test_a_long_message_is_read_in_slices(running: Running) -> None:
    """No turn of the loop may take long: the clock of the fake goes on by half a millisecond at each look."""
    running.start()
    notes = [[i, 60, 1, 64] for i in range(40_000)]
    (running.box().root / "in" / "1-m1.json").write_text(
        json.dumps({"v": 1, "id": "m1", "op": "nothing", "args": notes}), encoding="utf-8"
    )
    turns, longest = 0, 0.0
    while not (running.box().root / "out" / "m1.reply.json").is_file():
        before = running.reaper.now
        running.reaper.turn()
        turns, longest = turns + 1, max(longest, running.reaper.now - before)
        assert turns < 1000
    assert turns > 5
    assert longest < 1 / 30 + 0.02


def test_a_message_that_takes_for_ever_is_given_up(running: Running) -> None:
    running.start()
    (running.box().root / "in" / "1-m1.json").write_text(
        json.dumps({"v": 1, "id": "m1", "op": "nothing", "args": [[i] for i in range(60_000)]}), encoding="utf-8"
    )
    running.reaper.turn(5)
    running.reaper.now += 31
    running.reaper.turn(2)
    answer = json.loads((running.box().root / "out" / "m1.reply.json").read_bytes())
    assert answer["error"]["code"] == "timeout"
    assert running.connector().hello().state == "ready"


def test_a_second_listener_takes_over(running: Running) -> None:
    running.start()
    first = json.loads((running.box().root / "heartbeat.json").read_bytes())["listener"]
    running.action("listener")
    running.reaper.turn(2)
    assert len(running.reaper.deferred) == 1
    assert json.loads((running.box().root / "heartbeat.json").read_bytes())["listener"] != first
    assert running.connector().hello().state == "ready"


def test_an_action_starts_the_listener_when_it_does_not_run(running: Running) -> None:
    running.add_item("VIDEO", 0, 10, file="/films/a.mov")
    running.action("score_picture")
    running.reaper.turn(2)
    assert running.box().heartbeat().state == "idle"
    assert len(running.box().requests()) == 1


def test_actions_without_anything_to_do_say_so(running: Running) -> None:
    running.start()
    for name in ("score_picture", "regenerate", "next_take", "previous_take", "lock", "change_mood", "send_markers"):
        running.action(name)
        assert running.reaper.messages.pop()
    assert running.box().requests() == []
    assert running.project.undo == []
