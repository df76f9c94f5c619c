"""Seconds and memory from a timeline file to MIDI, by length; rendering to audio apart.

Every 60 s have 17 cuts, as a two-hour film with 2,000 has. Reading, planning (hits, sections, tempo), composing and
writing MIDI run in one fresh process, the picture is not watched (media differ too much). Medians of three runs.
"""

from __future__ import annotations

import sys
import tempfile
from fractions import Fraction
from pathlib import Path
from time import perf_counter

from benchmarks.edits import RATE, cut_frames, wandering_mood, write_otio
from benchmarks.harness import RUNS, Table, add_engine, choose_engine, compose, costs, parser, show

LENGTHS = {"60 s": 60.0, "10 min": 600.0, "2 h": 7200.0}
CUTS_A_SECOND = 2000 / 7200
STEPS = ("read", "plan", "compose", "midi")


def timeline_frames(duration_s: float) -> list[int]:
    """``CUTS_A_SECOND`` cuts of a random edit."""
    wanted = round(duration_s * CUTS_A_SECOND)
    frames = cut_frames(1, duration_s * 1.5 + 60, mean_shot_s=3.0)[: wanted + 1]
    scale = duration_s * RATE / frames[-1]  # the last one becomes the end
    return sorted({round(f * scale) for f in frames[:-1]})


def compose_timeline(path: str, duration_s: float) -> dict[str, float]:
    """Timeline file to MIDI; seconds by step."""
    from emsync_engine.composers import warm_up
    from emsync_engine.smf import smf_bytes
    from emsync_engine.spotting import spot
    from otio_adapters import read_picture

    curve = wandering_mood(1, duration_s)
    warm_up()
    marks = [perf_counter()]
    picture = read_picture(path)
    marks.append(perf_counter())
    sheet = spot(picture, curve)
    marks.append(perf_counter())
    score = compose(sheet, 1)
    marks.append(perf_counter())
    smf_bytes(score)
    marks.append(perf_counter())
    return {step: b - a for step, a, b in zip(STEPS, marks, marks[1:])}


def render_timeline(path: str, duration_s: float, folder: str) -> dict[str, float]:
    """Seconds to render the mix and five stems; as in ``compose_timeline`` before."""
    from emsync_engine.audio.render import render
    from emsync_engine.audio.soundfont import find_soundfont
    from emsync_engine.spotting import spot
    from otio_adapters import read_picture

    picture = read_picture(path)
    score = compose(spot(picture, wandering_mood(1, duration_s)), 1)
    began = perf_counter()
    render(
        score,
        mix_path=Path(folder) / "mix.wav",
        stem_paths={p.id: Path(folder) / f"{p.id}.wav" for p in score.parts},
        soundfont=find_soundfont(),
        rate=Fraction(24),
        start_frame=0,
        drop_frame=False,
        frames=picture.frame_at(picture.duration),
        description="",
    )
    return {"render": perf_counter() - began}


def table(runs: int = RUNS) -> Table:
    """From a timeline to MIDI."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name, duration_s in LENGTHS.items():
            path = Path(folder) / "edit.otio"
            frames = timeline_frames(duration_s)
            write_otio(path, frames, duration_s)
            cost = costs(compose_timeline, str(path), duration_s, runs=runs)
            total = sum(cost.seconds.values())
            steps = [cost.seconds[s] for s in STEPS]
            rows.append((name, len(frames), *steps, total, 1000 * total / (duration_s / 60), cost.peak_mib))
    columns = ("timeline", "cuts", *(f"{s}, s" for s in STEPS), "sum, s", "ms a minute", "peak, MiB")
    return Table("From a timeline to MIDI", columns, tuple(rows))


def render_table(names: tuple[str, ...], runs: int = RUNS) -> Table:
    """From a score to a mix and five stems."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            duration_s = LENGTHS[name]
            path = Path(folder) / "edit.otio"
            write_otio(path, timeline_frames(duration_s), duration_s)
            cost = costs(render_timeline, str(path), duration_s, folder, runs=runs)
            seconds = cost.seconds["render"]
            rows.append((name, seconds, duration_s / seconds, cost.peak_mib))
    columns = ("timeline", "render, s", "times real time", "peak of the main process, MiB")
    return Table("Rendering the mix and five stems", columns, tuple(rows))


def main(arguments: list[str] | None = None) -> int:
    options = parser(__doc__)
    options.add_argument("--render", action="store_true", help="also render 60 s and 10 min")
    options.add_argument("--runs", type=int, default=RUNS, help="runs behind each median")
    add_engine(options)
    given = options.parse_args(arguments)
    choose_engine(given)
    tables = [table(given.runs)]
    if given.render:
        tables.append(render_table(("60 s", "10 min"), given.runs))
    show(tables, given.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
