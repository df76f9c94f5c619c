"""The line to Live: who may speak, and what is said when it is closed, busy, crashed, restarted, of another version."""

from __future__ import annotations

import json
import shutil
import socket
import sys
import threading
import time
from pathlib import Path

import pytest

from bridge.connectors.base import Options, TargetError
from bridge.connectors.live import LiveConnector
from bridge.live.client import LiveLink
from emsync_engine.errors import UsageError
from tests.daw_scripts.live.conftest import Connect, Start
from tests.daw_scripts.live.plans import small_plan
from tests.daw_scripts.live.running import RunningLive


def port_of(live: RunningLive) -> int:
    return int(json.loads((live.state / "live.json").read_text(encoding="ascii"))["port"])


def said_to(live: RunningLive, data: bytes) -> bytes:
    """Everything the script answers until it closes the line, or 20 s have gone."""
    with socket.create_connection(("127.0.0.1", port_of(live)), timeout=20) as line:
        line.sendall(data)
        heard = b""
        try:
            while block := line.recv(65536):
                heard += block
        except TimeoutError:
            heard += b"(still open)"
        except ConnectionError:
            pass
        return heard


def hello(token: str, protocol: int = 1) -> bytes:
    message = {"v": 1, "id": 1, "op": "hello", "args": {"token": token, "protocol": protocol}}
    return json.dumps(message).encode() + b"\n"


def test_hello_says_what_this_live_can(start: Start, connect: Connect) -> None:
    said = connect(start((12, 2))).hello()
    assert (said.application, said.state) == ("Ableton Live 12.2.3", "ready")
    assert set(said.capabilities.names()) == {"arrangement_write", "markers", "read_selection", "takes", "undo_group"}
    assert any("no tempo map and no controllers" in sentence for sentence in said.said)


def test_an_older_live_has_no_take_lanes(start: Start, connect: Connect) -> None:
    said = connect(start((11, 3))).hello()
    assert not said.capabilities.takes
    assert any("goes into the session" in sentence for sentence in said.said)


@pytest.mark.parametrize("token", ["", "guess", "x" * 43], ids=["none", "short", "long"])
def test_without_the_token_nothing_is_answered(token: str, start: Start) -> None:
    live = start()
    heard = said_to(live, hello(token) + b'{"id": 2, "op": "state", "args": {}}\n')
    assert json.loads(heard)["error"]["code"] == "token"


def test_nobody_may_speak_while_there_is_no_token(start: Start) -> None:
    live = start()
    (live.state / "token").unlink()
    assert json.loads(said_to(live, hello("")))["error"]["code"] == "token"


@pytest.mark.parametrize(
    "data",
    [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\xff\xfe\n", b"[]\n", b'{"op": "hello", "args": 3}\n', b"x" * 9000],
    ids=["http", "bytes", "list", "arguments", "long"],
)
def test_strangers_are_let_go(data: bytes, start: Start, connect: Connect) -> None:
    live = start()
    assert said_to(live, data) == b""
    assert connect(live).hello().state == "ready"


def test_another_version_of_the_protocol_is_said(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    live = start()
    monkeypatch.setattr("bridge.live.client.PROTOCOL", 2)
    with pytest.raises(TargetError, match="emsync live install") as caught:
        LiveLink(str(live.state), 10).connect()
    assert caught.value.state == "other_version"


def test_an_unknown_request_is_another_version(start: Start, connect: Connect) -> None:
    with pytest.raises(TargetError, match="may be too old") as caught:
        connect(start()).link.ask("dance")
    assert caught.value.state == "other_version"


def test_it_listens_to_this_computer_alone(start: Start) -> None:
    live = start()
    with live.paused() as fake:
        assert fake.surface._server._socket.getsockname()[0] == "127.0.0.1"


def test_a_taken_port_is_no_obstacle(start: Start, connect: Connect) -> None:
    live = start()
    live.quit()
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        settings = live.scripts / "EMSYNC" / "emsync.json"
        settings.write_text(json.dumps({"state": str(live.state), "port": taken}), encoding="utf-8")
        live.start()
        assert port_of(live) != taken
        assert connect(live).hello().state == "ready"


def test_closed(start: Start, connect: Connect) -> None:
    live = start()
    connector = connect(live)
    connector.hello()
    live.quit()
    assert not (live.state / "live.json").exists(), "it has said goodbye"
    with pytest.raises(TargetError, match="start Live") as caught:
        connector.link.ask("state")
    assert (caught.value.state, caught.value.code, caught.value.exit_status) == ("closed", "daw_closed", 5)


def test_crashed(start: Start, connect: Connect) -> None:
    live = start()
    connector = connect(live)
    connector.hello()
    live.quit(crash=True)
    with pytest.raises(TargetError) as caught:
        connector.link.ask("state")
    assert caught.value.state == "crashed"


def test_restarted_live_is_found_again(start: Start, connect: Connect, tmp_path: Path) -> None:
    live = start()
    connector = connect(live)
    connector.push(small_plan(tmp_path))
    for crash in (False, True):
        live.quit(crash=crash)
        live.start()
        again = connector.push(small_plan(tmp_path))
        assert again.count("unchanged") == 4, "the clips in the set were found by their names"


def test_busy_with_a_menu_open(start: Start, connect: Connect) -> None:
    live = start()
    connector = connect(live)
    connector.hello()
    with live.paused() as fake:
        fake.stalled = True
    connector.link._timeout_s = 0.3
    with pytest.raises(TargetError, match="open menus") as caught:
        connector.link.ask("state")
    assert caught.value.state == "busy"
    live.fake.stalled = False
    patient = connect(live)
    assert patient.link.ask("state")["tempo"] == 120.0


def test_a_late_answer_is_not_taken_for_the_next_one(start: Start, connect: Connect) -> None:
    live = start()
    connector = connect(live)
    connector.hello()
    with live.paused() as fake:
        fake.stalled = True
    connector.link._timeout_s = 0.3
    with pytest.raises(TargetError):
        connector.link.ask("state")
    live.fake.stalled = False
    connector.link._timeout_s = 20
    assert "requests" in connector.link.ask("requests", {"after": 0})


def test_no_token_means_not_installed(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="emsync live install") as caught:
        LiveConnector(Options(str(tmp_path))).hello()
    assert caught.value.state == "not_installed"


def test_an_address_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="neither host:port nor"):
        LiveConnector(Options(str(tmp_path / "nowhere")))


def test_something_else_on_the_port(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("x" * 43, encoding="ascii")
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        (tmp_path / "live.json").write_text(json.dumps({"port": port}), encoding="ascii")

        def greet() -> None:
            line, _ = other.accept()
            line.sendall(b"220 mail\n")
            time.sleep(0.1)
            line.close()

        thread = threading.Thread(target=greet, daemon=True)
        thread.start()
        with pytest.raises(TargetError, match="not our script"):
            LiveConnector(Options(str(tmp_path), 20)).hello()
        thread.join(10)


def test_several_may_be_connected(start: Start, connect: Connect) -> None:
    live = start()
    links = [connect(live).link for _ in range(3)]
    assert [link.ask("state")["tempo"] for link in links] == [120.0] * 3


def test_a_state_folder_that_is_gone_does_not_stop_live(start: Start) -> None:
    live = start()
    live.quit()
    shutil.rmtree(live.state)
    live.start()
    with live.paused() as fake:
        fake.tick(3)
        assert any("cannot listen" in text for text in fake.shown)


def test_somebody_who_says_nothing_is_let_go(start: Start) -> None:
    live = start()
    with live.paused() as fake:
        sys.modules["EMSYNC.server"].STRANGER_S = 0.05  # type: ignore[attr-defined]
        assert fake.surface is not None
    assert said_to(live, b"") == b""


def test_the_set_remembers_over_a_restart(start: Start, connect: Connect, tmp_path: Path) -> None:
    live, plan = start(), small_plan(tmp_path)
    connect(live).push(plan)
    live.quit()
    live.start()
    memory = connect(live).link.ask("state")["memory"]
    assert memory[plan.cue]["folder"] == str(tmp_path)
    assert memory[plan.cue]["take"] == 1
    with live.paused() as fake:
        assert isinstance(fake.song.get_data("emsync", None), str), "plain text: any Live can keep it"
        fake.song.set_data("emsync", "{damaged")
    assert connect(live).link.ask("state")["memory"] == {}
