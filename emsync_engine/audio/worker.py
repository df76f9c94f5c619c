"""The process that plays parts; ``pool.py`` starts it. One JSON document a line each way.

In: first ``{"synth", "soundfont"}``, then a job a line. Out: ``{"ready"}``, then ``{"progress": samples}`` and
``{"done": part}``, or ``{"error": {"code", "message", "where"}}``. A process of its own because TinySoundFont holds
the interpreter lock while it plays, and because a crash of native code must not take the program with it.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from contextlib import closing
from pathlib import Path
from typing import Any, TextIO

from emsync_engine.audio.balance import balance_gain
from emsync_engine.audio.performance import Event, PartJob, play
from emsync_engine.audio.synth import SynthLoader
from emsync_engine.errors import EmsyncError


def main() -> int:
    """Serve jobs until the input ends. Returns the exit status."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle; it stops us
    answers = _private_stdout()
    try:
        _serve(sys.stdin, answers)
    except EmsyncError as error:
        _say(answers, error={"code": error.code, "message": error.message, "where": error.where})
        return error.exit_status
    except BrokenPipeError:
        return 1  # the parent is gone: nobody wants the sound any more
    return 0


def _serve(requests: TextIO, answers: TextIO) -> None:
    setup = json.loads(requests.readline())
    loader = SynthLoader(setup["synth"], Path(setup["soundfont"]))
    _say(answers, ready=True)
    for line in requests:
        job = decode_job(json.loads(line))
        with closing(loader.open()) as trial:
            gain = balance_gain(trial, job.channel, job.program, job.reference)
        with closing(loader.open()) as synth:
            play(job, synth, gain, lambda samples: _say(answers, progress=samples))
        _say(answers, done=job.part_id)


def encode_job(job: PartJob) -> dict[str, Any]:
    """A job as JSON values."""
    return {**vars(job), "path": str(job.path)}


def decode_job(row: dict[str, Any]) -> PartJob:
    """The job of ``encode_job``'s values."""
    events = tuple(Event(*event) for event in row["events"])
    return PartJob(**{**row, "events": events, "reference": tuple(row["reference"]), "path": Path(row["path"])})


def _private_stdout() -> TextIO:
    """Our own copy of stdout; what native libraries print there goes to stderr instead."""
    private = os.dup(1)
    os.dup2(2, 1)
    return os.fdopen(private, "w", encoding="utf-8")


def _say(answers: TextIO, **message: object) -> None:
    answers.write(json.dumps(message) + "\n")
    answers.flush()
