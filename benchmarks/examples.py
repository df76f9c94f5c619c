"""The examples of the docs: nine moods over one short edit, and two whole cues, as MIDI and as piano rolls.

    python -m benchmarks.examples docs/examples

Everything is composed by the engine that is asked for (default: the trained model), with seed 1.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from html import escape
from pathlib import Path

from benchmarks.edits import random_edit, wandering_mood
from benchmarks.harness import add_engine, choose_engine, compose, parser
from emsync_engine.mood.curve import constant
from emsync_engine.score import Part, Score
from emsync_engine.smf import smf_bytes
from emsync_engine.spotting import spot

SEED = 1
VALENCES = {"dark": -0.7, "neutral": 0.0, "bright": 0.7}
AROUSALS = {"calm": -0.7, "moving": 0.0, "lively": 0.7}
GRID_S, CUE_S = 24.0, 60.0
CUES = {"cue-1": 2, "cue-2": 7}
"""Names of the whole cues, with the seeds of their edits and moods."""

_WIDTH, _NAME, _ROW, _GAP, _HEAD = 1000, 70, 60, 6, 24
_FONT = 'font-family="sans-serif" font-size="12"'
_INK = {"drums": "#8a6d3b", "bass": "#3b5b8a", "piano": "#23306e", "guitar": "#7a3b6e", "strings": "#2f6e4f"}


def scores() -> Iterator[tuple[str, Score]]:
    """(name, score) of every example."""
    picture = random_edit(3, GRID_S, 4.0)
    for bright, valence in VALENCES.items():
        for lively, arousal in AROUSALS.items():
            yield f"{bright}-{lively}", compose(spot(picture, constant(GRID_S, valence, arousal)), SEED)
    for name, seed in CUES.items():
        yield name, compose(spot(random_edit(seed, CUE_S), wandering_mood(seed, CUE_S)), SEED)


def piano_roll(name: str, score: Score) -> str:
    """A picture of all parts on one time axis, hits and bar lines behind them (SVG)."""
    height = _HEAD + len(score.parts) * (_ROW + _GAP)
    seconds = float(score.duration)
    scale = (_WIDTH - _NAME) / seconds

    def x(tick: int) -> float:
        return _NAME + float(score.tempo_map.seconds(tick)) * scale

    title = f"{name}: {score.key.name}, {len(score.bars)} bars, {seconds:.0f} s"
    rows = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" {_FONT}>',
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/><text x="2" y="15">{escape(title)}</text>',
    ]
    rows += [_line(x(bar.tick), height, "#ddd") for bar in score.bars if bar.tick < score.end_tick]
    rows += [_line(x(hit.tick), height, "#c33") for hit in score.hits]
    for index, part in enumerate(score.parts):
        top = _HEAD + index * (_ROW + _GAP)
        rows.append(f'<text x="2" y="{top + 14}">{escape(part.name)}</text>')
        rows += _notes(part, score, x, top)
    return "\n".join([*rows, "</svg>\n"])


def _line(x: float, height: int, colour: str) -> str:
    return f'<path d="M{x:.1f} {_HEAD}V{height}" stroke="{colour}"/>'


def _notes(part: Part, score: Score, x: Callable[[int], float], top: int) -> list[str]:
    pitches = [n.pitch for n in part.notes] or [60]
    low, span = min(pitches), max(max(pitches) - min(pitches), 12)
    drawn = []
    for note in part.notes:
        y = top + _ROW - 3 - (note.pitch - low) / span * (_ROW - 4)
        left, right = x(note.tick), x(min(note.end, score.end_tick))
        wide = 2.0 if part.is_drums else max(right - left - 0.5, 1.0)
        drawn.append(
            f'<rect x="{left:.1f}" y="{y:.1f}" width="{wide:.1f}" height="2.4" fill="{_INK.get(part.id, "#333")}" '
            f'opacity="{0.35 + 0.65 * note.velocity / 127:.2f}"/>'
        )
    return drawn


def write(folder: Path, examples: Sequence[tuple[str, Score]]) -> None:
    """One MIDI file and one picture an example."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, score in examples:
        (folder / f"{name}.mid").write_bytes(smf_bytes(score))
        (folder / f"{name}.svg").write_text(piano_roll(name, score), encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    options = parser(__doc__)
    options.add_argument("folder", type=Path, help="where the files go")
    add_engine(options)
    options.set_defaults(engine="model")
    given = options.parse_args(arguments)
    choose_engine(given)
    write(given.folder, list(scores()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
