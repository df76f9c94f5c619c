"""Scores over HTTP and OSC against a running daemon: what a client sees when all goes well."""

from __future__ import annotations

import json
import socket
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.daemon.calls import CALLS, markdown_table
from bridge.daemon.osc_packets import build
from tests.bridge.daemon.conftest import Daemon, OscClient, tcp_ask, wait_for
from tests.bridge.test_score_folder import check_whole
from tests.conftest import notes_of


@pytest.fixture(scope="module")
def scored(shared: Daemon) -> Path:
    """A score made over HTTP."""
    asked = {"id": "first", "source": str(shared.home / "cut.otio"), "seed": 3, "wait": 60}
    status, job = shared.ask("score", asked)
    assert (status, job["state"]) == (200, "done"), job
    assert job["result"]["dir"] == str(shared.home / "cut.emsync")
    return shared.home / "cut.emsync"


def test_a_score_over_http_is_whole(scored: Path) -> None:
    check_whole(scored)


def test_regenerate_over_http_makes_another_take(shared: Daemon, scored: Path) -> None:
    before = notes_of(scored)
    asked = {"id": "again", "folder": str(scored), "start": 1, "end": 4.5, "wait": 60}
    status, job = shared.ask("regenerate", asked)
    assert (status, job["state"]) == (200, "done"), job
    assert notes_of(scored) != before
    assert shared.ask(f"takes?folder={scored}")[1]["current"] == job["result"]["take"]


def test_the_same_id_twice_is_one_job(shared: Daemon, scored: Path) -> None:
    asked = {"id": 77, "folder": str(scored), "start": 1, "end": 4, "wait": 60}
    first, second = (shared.ask("regenerate", asked)[1]["result"]["take"] for _ in range(2))
    assert first == second == shared.ask(f"takes?folder={scored}")[1]["current"]


def test_an_id_of_another_request_is_refused(shared: Daemon, scored: Path) -> None:
    asked = {"id": "first", "folder": str(scored), "start": 1, "end": 4}
    status, said = shared.ask("regenerate", asked)
    assert (status, said["error"]["code"]) == (409, "id_used")


def test_a_score_over_osc_tells_progress_and_its_end_once(shared: Daemon, osc: OscClient) -> None:
    folder = shared.home / "by-osc.emsync"
    osc.send("score", 501, str(shared.home / "cut.otio"), str(folder), None, None, "tense", 5.0)
    end, before = osc.end_of(501)
    assert end.address == "/emsync/1/reply"
    assert end.arguments[1] == "score"
    answer = json.loads(end.arguments[2])
    assert (answer["dir"], answer["seed"]) == (str(folder), 5)
    assert before and all(0 <= m.arguments[1] <= 1 and isinstance(m.arguments[2], str) for m in before)
    check_whole(folder)
    osc.send("score", 501, str(shared.home / "cut.otio"), str(folder), None, None, "tense", 5)  # did it get lost?
    again, _ = osc.end_of(501)
    assert again == end
    assert osc.hear(0.3) is None
    assert len(json.loads((folder / "score.json").read_text(encoding="utf-8"))["takes"]) == 1


@pytest.mark.parametrize("start", [1, 1.0, True, "1", "01:00:01:00"], ids=["i", "f", "T", "s", "timecode"])
def test_osc_numbers_come_as_any_type(shared: Daemon, osc: OscClient, scored: Path, start: Any) -> None:
    request = f"type-{start}"
    osc.send("regenerate", request, str(scored), start, 4, "bass")
    end, _ = osc.end_of(request)
    assert end.address == "/emsync/1/reply", end


def test_takes_locks_and_use_over_osc(shared: Daemon, osc: OscClient, scored: Path) -> None:
    for request, (name, *arguments) in enumerate([("lock", "bass"), ("unlock",), ("use", 1.0), ("takes",)], start=900):
        osc.send(name, request, str(scored), *arguments)
        end, _ = osc.end_of(request)
        assert end.address == "/emsync/1/reply", end
    assert shared.ask(f"takes?folder={scored}")[1]["current"] == 1


def test_long_answers_over_udp_say_where_the_rest_is(shared: Daemon, osc: OscClient) -> None:
    osc.send("status", 1)
    end, _ = osc.end_of(1)
    where = json.loads(end.arguments[2])["more"]
    assert where == f"http://127.0.0.1:{shared.http_port}/1/status"
    assert shared.ask("status")[1]["jobs"]


def test_tcp_answers_whole(shared: Daemon) -> None:
    said = tcp_ask(shared.osc, build("/emsync/1/help", 9))
    assert set(json.loads(said.arguments[2])) == set(CALLS)


def test_mood_is_a_job(shared: Daemon) -> None:
    _, job = shared.ask("mood", {"id": "mood", "source": str(shared.home / "cut.otio"), "wait": 60})
    assert job["state"] == "done"
    assert {"shots", "evidence"} <= set(job["result"])


def test_conform_over_http(shared: Daemon, scored: Path) -> None:
    asked = {"id": "conform", "folder": str(scored), "source": str(shared.home / "cut.otio"), "wait": 60}
    _, job = shared.ask("conform", asked)
    assert (job["state"], job["result"]["changes"]) == ("done", []) or job["result"]["kept_s"] > 0, job


def events(shared: Daemon) -> Iterator[dict[str, Any]]:
    with socket.create_connection(("127.0.0.1", shared.http_port), timeout=60) as connection:
        connection.sendall(f"GET /events HTTP/1.1\r\nHost: localhost:{shared.http_port}\r\n\r\n".encode())
        for line in connection.makefile("rb"):
            if line.startswith(b": hello"):
                yield {}
            if line.startswith(b"data: "):
                yield json.loads(line[6:])


def test_events_tell_a_job_from_its_beginning_to_its_end(shared: Daemon) -> None:
    heard = events(shared)
    next(heard)
    source, folder = str(shared.home / "cut.otio"), str(shared.home / "events.emsync")
    shared.ask("score", {"id": "watched", "source": source, "output": folder})
    states = []
    for job in heard:
        if job["id"] == "watched":
            states.append((job["state"], job["stage"]))
            if job["ended"]:
                break
    assert states[0][0] == "queued" and states[-1][0] == "done"
    assert ("running", "reading the timeline") in states


def test_the_page_and_the_last_report(shared: Daemon, scored: Path) -> None:
    status, page = shared.ask("/")
    assert status == 200 and "<script>" in page and "SCRIPT_HERE" not in page
    status, report = shared.ask("/report?id=first")
    assert status == 200 and report.encode() == (scored / "report.html").read_bytes()


def cancel_in_time(shared: Daemon, request: str) -> float:
    """Seconds that the cancelling of a running job takes."""
    wait_for(lambda: shared.job(request)["state"] == "running" and shared.job(request)["stage"])
    began = time.monotonic()
    status, said = shared.ask("cancel", {"job": request})
    took_s = time.monotonic() - began
    assert (status, said["state"]) == (200, "cancelled")
    return took_s


def test_cancel_stops_a_running_job_and_the_next_one_goes_on(shared: Daemon, scored: Path) -> None:
    shared.worker()
    folder = shared.home / "long.emsync"
    shared.ask("score", {"id": "long", "source": str(shared.home / "long.otio"), "output": str(folder)})
    after = {"id": "after", "folder": str(scored), "start": 1, "end": 4}
    assert shared.ask("regenerate", after)[0] == 202
    assert cancel_in_time(shared, "long") < 5  # the benchmark of load asks for 0.2 s
    assert not (folder / "score.json").exists()
    assert shared.end_of("after")["state"] == "done"


def test_a_regeneration_overtakes_and_a_waiting_job_is_cancelled(shared: Daemon, scored: Path) -> None:
    for number in range(3):
        asked = {"id": f"queue-{number}", "source": str(shared.home / "long.otio"),
                 "output": str(shared.home / f"queue-{number}.emsync")}  # fmt: skip
        assert shared.ask("score", asked)[0] == 202
    shared.ask("regenerate", {"id": "quick", "folder": str(scored), "start": 1, "end": 4})
    assert shared.ask("cancel", {"job": "queue-1"})[1]["state"] == "cancelled"
    shared.ask("cancel", {"job": "queue-0"})
    quick = shared.end_of("quick")
    shared.ask("cancel", {"job": "queue-2"})
    last = shared.end_of("queue-2")
    assert quick["state"] == "done"
    assert last["started"] is None or quick["started"] < last["started"]
    assert shared.job("queue-1")["started"] is None


def test_the_token_is_for_the_user_alone(shared: Daemon) -> None:
    assert stat.S_IMODE((shared.state / "token").stat().st_mode) == 0o600
    assert stat.S_IMODE(shared.state.stat().st_mode) == 0o700


def test_the_documentation_has_the_table_that_dispatches() -> None:
    text = (Path(__file__).parents[3] / "docs/daemon.md").read_text(encoding="utf-8")
    assert markdown_table() in text
