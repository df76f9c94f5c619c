"""The contract of the command line: help, JSON, exit statuses, and nothing on stdout that was not asked for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.cli import main as main_module
from bridge.cli.main import COMMANDS, main
from tests.acceptance.edits import clip, plain_cut, timeline, track
from tests.conftest import Emsync, command, environment, save

NAMES = [c.name for c in COMMANDS]
PROMISED = ("cuts", "mood", "score", "regenerate", "takes", "render", "report", "doctor", "demo")


def test_every_promised_command_exists() -> None:
    assert set(PROMISED) <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_command_has_help_with_an_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main([name, "--help"])
    said = capsys.readouterr()
    assert left.value.code == 0 and not said.err
    assert f"example: emsync {name}" in said.out
    assert "--json" in said.out


def test_the_programs_own_help_lists_every_command(emsync: Emsync) -> None:
    ran = emsync("--help")
    assert ran.status == 0
    for row in COMMANDS:
        assert f"  {row.name}" in ran.out
    assert "example: " in ran.out


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell the processor time of ended processes")
def test_help_is_quick() -> None:
    """Under 0.3 s of processor time, the best of five: nothing heavy may be imported for it."""

    def once() -> float:
        before = os.times()
        subprocess.run(command("--help"), env=environment(), stdout=subprocess.DEVNULL, check=True)
        after = os.times()
        return after.children_user + after.children_system - before.children_user - before.children_system

    assert min(once() for _ in range(5)) < 0.3


def test_help_imports_nothing_heavy() -> None:
    lines = ("import sys", "from bridge.cli.main import main", "try: main(['--help'])", "except SystemExit: pass",
             "print(*sys.modules)")  # fmt: skip
    ran = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], env=environment(), capture_output=True, text=True, check=True
    )
    loaded = set(ran.stdout.splitlines()[-1].split())
    assert not loaded & {"numpy", "opentimelineio", "av", "mido", "torch", "cv2"}


def test_version(emsync: Emsync) -> None:
    ran = emsync("--version")
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.startswith("emsync ")


# --- the answers ---------------------------------------------------------------------------------------------


def test_cuts_answers_what_is_promised(emsync: Emsync, tmp_path: Path) -> None:
    path = save(plain_cut([48, 36, 60], rate=24000 / 1001), tmp_path / "cut.otio")
    ran = emsync("cuts", path, "--json")
    assert ran.status == 0
    answer = ran.json
    assert answer["rate"] == "24000/1001"
    assert answer["duration_s"] == pytest.approx(144 * 1001 / 24000)
    assert answer["start_timecode"] == "01:00:00:00"
    first, second = answer["boundaries"]
    promised = {"time_s", "frame", "hit_s", "span_s", "kind", "picture", "through", "from", "to", "weight"}
    assert promised <= set(first)
    assert (first["frame"], first["kind"], first["picture"], first["through"], first["span_s"]) == (
        48, "cut", True, False, None)  # fmt: skip
    assert first["time_s"] == first["hit_s"] == pytest.approx(48 * 1001 / 24000)
    assert (second["from"]["name"], second["to"]["name"]) == ("shot 2", "shot 3")
    shot = answer["shots"][1]
    assert {"start_s", "end_s", "name", "media", "media_start_s", "speed"} <= set(shot)
    assert answer["markers"] == [] and isinstance(answer["warnings"], list)


def test_score_answers_what_is_promised(emsync: Emsync, tmp_path: Path) -> None:
    path = save(plain_cut([120, 130]), tmp_path / "cut.otio")
    answer = emsync("score", path, "--seed", 7, "--json", cwd=tmp_path).json
    promised = {"dir", "files", "hits", "tempo_map", "key", "duration_s", "seed", "engine", "rights"}
    assert promised <= set(answer)
    assert Path(answer["dir"]) == (tmp_path / "cut.emsync").resolve(), "the default folder is NAME.emsync"
    assert (answer["seed"], answer["engine"], answer["take"]) == (7, "rules", 1)
    assert answer["duration_s"] == pytest.approx(250 / 24)
    (hit,) = answer["hits"]
    assert {"time_s", "onset_s", "error_s", "bar", "beat"} <= set(hit)
    assert any("synthesiser" in w for w in answer["warnings"]), "audio that is left out is said"


def test_regenerate_and_takes_answer_what_is_promised(emsync: Emsync, scored: Path) -> None:
    answer = emsync("regenerate", scored, "--start", 5, "--end", 9, "--parts", "bass", "--json").json
    assert answer["take"] == 2
    assert set(answer["changed"]) == {"bass"} and set(answer["changed"]["bass"]) == {"removed", "added"}
    takes = emsync("takes", scored, "--json").json
    assert [t["number"] for t in takes["takes"]] == [1, 2]
    assert takes["takes"][1]["parent"] == 1 and takes["takes"][1]["current"]
    assert takes["takes"][1]["request"]["parts"] == ["bass"]
    assert takes["locks"] == []


@pytest.mark.usefixtures("silent", "few_files")
@pytest.mark.parametrize(
    "mood", [["--mood", "-0.4,0.7"], ["--mood", "-.4,.7"], ["--mood=-0.4,0.7"], ["--mood", "-0.4 0.7"]]
)
def test_a_mood_may_begin_with_a_minus(mood: list[str], scored: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A word beginning with a minus is an option to most parsers."""
    source = str(scored.parent / "cut.otio")
    assert main(["score", source, "-o", str(scored), *mood, "--json"]) == 0
    section = json.loads(capsys.readouterr().out)["sections"][0]
    assert (section["valence"], section["arousal"]) == pytest.approx((-0.4, 0.7))
    assert main(["regenerate", str(scored), "--start", "0", *mood, "--end", "9", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["take"] == 3


def test_lists_of_locks_forgive_a_comma_too_many(scored: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["takes", str(scored), "lock", "--part", "bass, piano,", "--section", "s1", "--json"]) == 0
    locks = json.loads(capsys.readouterr().out)["locks"]
    assert locks == [{"part": "bass", "section": "s1"}, {"part": "piano", "section": "s1"}]


def test_report_answers_its_file(emsync: Emsync, scored: Path) -> None:
    (scored / "report.html").unlink()
    answer = emsync("report", scored, "--json").json
    assert Path(answer["files"]["report"]) == (scored / "report.html").resolve()
    assert (scored / "report.html").stat().st_size > 1000


@pytest.mark.usefixtures("silent")
def test_a_person_reads_lines_and_a_program_reads_nothing_else_than_json(
    scored: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = str(scored.parent / "cut.otio")
    for arguments in (["cuts", source], ["mood", source], ["takes", str(scored)], ["report", str(scored)], ["doctor"]):
        assert main(arguments) == 0
        spoken = capsys.readouterr().out
        assert spoken.strip() and not spoken.lstrip().startswith("{")
        assert main([*arguments, "--json"]) == 0
        written = capsys.readouterr()
        assert json.loads(written.out) and written.err == "", arguments


def test_progress_is_not_written_where_nobody_watches(emsync: Emsync, tmp_path: Path) -> None:
    path = save(plain_cut([120, 130]), tmp_path / "cut.otio")
    ran = emsync("score", path, "-o", tmp_path / "out")
    assert ran.status == 0
    assert "\r" not in ran.err and "\x1b" not in ran.err
    assert all(line.startswith("warning: ") for line in ran.err.splitlines())


def test_names_that_the_terminal_cannot_write_are_no_reason_to_stop(emsync: Emsync, tmp_path: Path) -> None:
    cut = timeline([track([clip("追跡 →", 0, 60), clip("\ud800 half", 0, 150)])], name="Köder")
    path = save(cut, tmp_path / "Käse 夜.otio")
    env = {"PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"}
    assert emsync("cuts", path, env=env).status == 0
    assert emsync("cuts", path, "--json", env=env).json["shots"][0]["name"] == "追跡 →"
    ran = emsync("score", path, "-o", tmp_path / "夜.emsync", "--json", env=env)
    assert ran.status == 0, ran.out
    assert emsync("score", path, "-o", tmp_path / "夜.emsync", env={"PYTHONIOENCODING": "ascii"}).status == 0
    assert len(emsync("takes", tmp_path / "夜.emsync", "--json").json["takes"]) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="a shell of POSIX")
def test_a_reader_that_goes_away_is_no_crash(tmp_path: Path) -> None:
    path = save(plain_cut([5] * 3000), tmp_path / "cut.otio")
    shell = f"{sys.executable} -m bridge.cli.main cuts '{path}' | head -1"
    ran = subprocess.run(["sh", "-c", shell], env=environment(), capture_output=True, text=True, check=False)
    assert "Traceback" not in ran.stderr and "internal" not in ran.stderr


# --- wrong usage ---------------------------------------------------------------------------------------------

WRONG = {
    "no such command": ["sing"],
    "no input": ["score"],
    "no such option": ["cuts", "x.otio", "--loud"],
    "a rate of 0": ["cuts", "x.otio", "--rate", "0"],
    "a rate that is none": ["cuts", "x.otio", "--rate", "fast"],
    "an endless rate": ["cuts", "x.otio", "--rate", "1e999999999"],
    "a mood outside": ["score", "x.otio", "--mood", "2,0"],
    "a mood that is no word": ["score", "x.otio", "--mood", "blorp"],
    "a seed that is no number": ["score", "x.otio", "--seed", "one"],
    "an unknown part": ["score", "x.otio", "--parts", "tuba"],
    "a gap below 0": ["score", "x.otio", "--min-gap=-1"],
    "a gap that is none": ["score", "x.otio", "--min-gap", "nan"],
    "half a range": ["score", "x.otio", "--range", "3"],
    "a tempo outside": ["score", "x.otio", "--tempo", "9"],
    "no key": ["score", "x.otio", "--key", "r minor"],
    "no start": ["regenerate", "x.emsync", "--end", "3"],
    "no take": ["takes", "x.emsync", "use"],
    "nothing to lock": ["takes", "x.emsync", "lock"],
    "a lock with a number": ["takes", "x.emsync", "lock", "3", "--part", "bass"],
    "a list with a number": ["takes", "x.emsync", "list", "3"],
    "a lock of no name": ["takes", "x.emsync", "lock", "--part", " , "],
}


@pytest.mark.parametrize("arguments", WRONG.values(), ids=WRONG.keys())
def test_wrong_usage_is_status_2_and_one_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert said.out == "" and len(said.err.splitlines()) == 1
    assert main([*arguments, "--json"]) == 2
    said = capsys.readouterr()
    assert json.loads(said.out)["error"]["code"] == "usage" and said.err == ""


def test_a_missing_package_is_status_4_and_says_how_to_get_it(tmp_path: Path, emsync: Emsync) -> None:
    (tmp_path / "shadow").mkdir()
    (tmp_path / "shadow" / "mido.py").write_text("raise ModuleNotFoundError(\"No module named 'av'\", name='av')")
    cut = save(plain_cut([48, 48]), tmp_path / "cut.otio")
    (tmp_path / "shadow" / "sitecustomize.py").write_text(
        "import sys\n"
        "class Gone:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] == 'numpy':\n"
        "            raise ModuleNotFoundError(f\"No module named '{name}'\", name=name)\n"
        "sys.meta_path.insert(0, Gone())\n"
    )
    ran = emsync("mood", cut, "--json", env={"PYTHONPATH": f"{tmp_path / 'shadow'}:{environment()['PYTHONPATH']}"})
    assert ran.status == 4
    assert "numpy" in ran.error["message"] and "pip install" in ran.error["message"]


def test_no_synthesiser_is_status_4_where_sound_is_all_that_is_wanted(emsync: Emsync, scored: Path) -> None:
    before = (scored / "score.json").read_bytes()
    ran = emsync("render", scored, "--json")
    assert ran.status == 4
    assert ran.error["code"] == "no_synth" and "install" in ran.error["message"]
    assert (scored / "score.json").read_bytes() == before
    assert not (scored / "score.wav").exists()


def test_doctor_checks_and_fixes(emsync: Emsync) -> None:
    well, ill = emsync("doctor", "--json", synth=None), emsync("doctor", "--json")
    assert well.status == ill.status == 0, "without a synthesiser scores can still be made"
    for check in well.json["checks"]:
        assert {"name", "ok", "detail", "fix"} <= set(check)
        assert check["ok"] or check["fix"], f"{check['name']} fails without a remedy"
    (synth,) = [c for c in ill.json["checks"] if c["name"] == "synthesiser"]
    assert not synth["ok"] and "install" in synth["fix"]
    assert "synthesiser" in emsync("doctor").out


@pytest.mark.parametrize("chained", [True, False])
def test_an_interrupt_while_a_compiled_module_starts_is_one(
    chained: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def starting(_: object) -> int:
        raise ImportError("initialization failed") from (KeyboardInterrupt() if chained else None)

    monkeypatch.setattr(main_module, "_run", starting)
    status = main(["cuts", "cut.otio"])
    assert (status == 130, "interrupted" in capsys.readouterr().err) == (chained, chained)
