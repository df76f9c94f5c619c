"""Obedience: does the music get the mood that was asked for?

Cues over a grid of valence x arousal and several seeds; what is asked for is then ranked against what is delivered
(Spearman's rank correlation over all cues). Delivered, read from the MIDI file, all free of the tempo:

* onsets: onset density, log2(1 + note onsets a quarter), all parts;
* velocity: mean velocity;
* places: log2(1 + different sixteenths a quarter on which anything begins), the rhythm of all parts together;
* arousal: mean of the standardised onsets and velocity (the headline);
* felt valence and arousal: the listener's (`listener.py`), mean over the bars. It shares no feature with what the
  composer was conditioned on: it was trained on people's ratings and reads only which keys sound when;
* major share: of the beats whose chord is major or minor, how many are major (chords estimated from the notes);
* mode: key fit of the best major key minus that of the best minor key, whole cue.

The cue sheet is the default one, so its tempo and its key follow the mood too; the tempo is not counted, the key is
part of how the product obeys. The rows "network alone" show what the network does by itself: no wishes at decoding, no
density, chord or key told, only valence and arousal (and where, when and who). The last rows are the same sheet under
other conditionings, the floor being a network that is told nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from emsync_engine.model import conditions as cond
from emsync_engine.model import events as ev
from emsync_engine.model import harmony
from emsync_engine.model.decode.compose import compose
from emsync_engine.model.decode.draft import Decoding
from emsync_engine.model.evaluation import cues, listener
from emsync_engine.model.evaluation.request import DETAIL, NO_WISHES, Report, Request, System
from emsync_engine.model.evaluation.tables import Cell, Table
from emsync_engine.model.valence import spearman

LEVELS = (-0.8, -0.4, 0.0, 0.4, 0.8)
SEEDS, QUICK_SEEDS = 2, 1
DURATION_S, QUICK_DURATION_S = 24.0, 12.0
GOALS = {"arousal": 0.8, "valence": 0.5}

AROUSAL = ("onsets", "velocity", "places", "felt_arousal")
VALENCE = ("felt_valence", "major_share", "mode")


@dataclass(frozen=True)
class Cue:
    """One cue: what was asked for, and what it measures."""

    valence: float
    arousal: float
    measures: Mapping[str, float]


def measures_of(piece: ev.Piece) -> dict[str, float]:
    """All measures of a piece that need no other piece."""
    sounding = piece.bar_start[: piece.note_bar.max() + 2] if piece.n_notes else piece.bar_start
    quarters = float(sounding[-1]) / ev.GRID
    felt = listener.load().judge(piece).mean(axis=0)
    beats = harmony.beats_of(piece.bar_start)
    total, bass = harmony.chroma(piece, beats)
    fit = harmony.key_fit(total.sum(axis=0, keepdims=True))[0]
    return {
        "onsets": float(np.log2(1 + piece.n_notes / quarters)),
        "places": float(np.log2(1 + len(np.unique(piece.onset * 4 // ev.GRID)) / quarters)),
        "velocity": float(piece.velocity.mean()) if piece.n_notes else 0.0,
        "felt_valence": float(felt[0]),
        "felt_arousal": float(felt[1]),
        "major_share": major_share(harmony.chords(total, bass)),
        "mode": float(fit[:12].max() - fit[12:].max()),
    }


def major_share(chords: np.ndarray) -> float:
    """Share of major among the beats with a major or minor chord; one half where there is none."""
    quality = (chords[chords != harmony.NO_CHORD].astype(int) - 1) % harmony.N_QUALITIES
    names = np.array(harmony.QUALITIES)[quality]
    major, minor = (int(np.isin(names, kinds).sum()) for kinds in (("maj", "maj7", "7"), ("min", "min7")))
    return major / (major + minor) if major + minor else 0.5


def play(system: System, seeds: Sequence[int], duration_s: float, request: Request) -> list[Cue]:
    """Cues over the whole grid."""
    made: list[Cue] = []
    for valence in LEVELS:
        for arousal in LEVELS:
            for seed in seeds:
                request.progress(f"obedience, {system.name}: {len(made) + 1} of {len(LEVELS) ** 2 * len(seeds)}")
                sheet = cues.sheet_of(seed, duration_s, (valence, arousal))
                piece = cues.heard(compose(sheet, seed, system.network, system.decoding))
                made.append(Cue(valence, arousal, measures_of(piece)))
    return made


def correlations(made: Sequence[Cue]) -> dict[str, float]:
    """Rank correlation of each measure with what was asked for; `arousal` and `valence` are the headlines."""
    asked = {"arousal": np.array([c.arousal for c in made]), "valence": np.array([c.valence for c in made])}
    found = {name: np.array([c.measures[name] for c in made]) for name in (*AROUSAL, *VALENCE)}
    found["arousal"] = standard(found["onsets"]) + standard(found["velocity"])
    rho = {name: spearman(asked["arousal"], found[name]) for name in ("arousal", *AROUSAL)}
    rho |= {name: spearman(asked["valence"], found[name]) for name in VALENCE}
    return {name: round(value, 3) for name, value in rho.items()}


def standard(values: np.ndarray) -> np.ndarray:
    """Mean 0, spread 1."""
    return np.asarray((values - values.mean()) / max(float(values.std()), 1e-9))


def systems_of(request: Request) -> list[System]:
    """The product, the network alone, and the other conditionings alone."""
    candidates = 1 if request.quick else Decoding().candidates
    alone = Decoding(candidates=1, wishes=NO_WISHES, told=frozenset(cond.CHANNELS) - set(DETAIL), theme=False)
    network = request.network()
    systems = [System("as shipped", network, Decoding(candidates=candidates)), System("network alone", network, alone)]
    return systems + [System(f"{name}, alone", request.network(name), alone) for name in request.compare]


def measure(request: Request) -> Report:
    """Obedience of all systems."""
    seeds = range(1, 1 + (QUICK_SEEDS if request.quick else SEEDS))
    duration_s = QUICK_DURATION_S if request.quick else DURATION_S
    numbers = {}
    rows: list[tuple[Cell, ...]] = []
    columns = ("arousal", *AROUSAL, *VALENCE)
    for system in systems_of(request):
        rho = correlations(play(system, seeds, duration_s, request))
        numbers[system.name] = rho
        rows.append((system.name, *(rho[name] for name in columns)))
    heading = ("Spearman's rho", *(name.replace("_", " ") for name in columns))
    cues_each = len(LEVELS) ** 2 * len(seeds)
    ear = listener.load().report
    note = (
        f"{cues_each} cues of {duration_s:.0f} s a row. Arousal against the first {1 + len(AROUSAL)} columns, "
        f"valence against the rest; goals: arousal {GOALS['arousal']}, felt valence {GOALS['valence']}. The listener's "
        f"own rho with people, on series it has not seen: valence {ear['valence']['spearman_measures']} (measures), "
        f"{ear['valence']['spearman_pieces']} (pieces); arousal {ear['arousal']['spearman_measures']}, "
        f"{ear['arousal']['spearman_pieces']}."
    )
    return Report(
        (Table("Obedience", heading, tuple(rows), (note,)),),
        {"spearman": numbers, "goals": GOALS, "cues": cues_each, "seconds": duration_s, "listener": dict(ear)},
    )
